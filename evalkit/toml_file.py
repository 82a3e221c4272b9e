"""A TOML file that a person wrote."""

import tomllib
from pathlib import Path
from typing import Any

from evalkit.errors import SettingsError


def read(path: Path, *, advice: str = "") -> dict[str, Any]:
    """The content of a TOML file.

    Args:
        path: of the file.
        advice: how to come by one, for when it is missing.

    Raises:
        SettingsError: the file cannot be read, or is not TOML in UTF-8.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8; save it as UTF-8") from error
    except OSError as error:
        hint = f"; {advice}" if advice else ""
        raise SettingsError(f"{path}: cannot be read ({error.strerror}){hint}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML ({error})") from error
