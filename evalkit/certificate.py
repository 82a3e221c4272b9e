"""When this installation last proved that it recovers planted truth: a small file in the user's cache folder."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evalkit import scoring


def path(environ: Mapping[str, str] | None = None) -> Path:
    """Where the certificate is kept."""
    cache = (os.environ if environ is None else environ).get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "evalkit" / "selftest.json"


def last_passed() -> str | None:
    """When the selftest last passed and what it tested, in one clause; None when it never did."""
    known = _read()
    if "passed_at" not in known:
        return None
    told = f"passed at {known['passed_at']} with evalkit {known.get('evalkit')}, scoring {known.get('scoring')}"
    return f"{told}; failed since, at {known['failed_at']}" if "failed_at" in known else told


def note(passed: bool) -> None:
    """Write down how a selftest ended, now; a pass forgets the failures before it.

    Raises:
        OSError: the cache folder cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    if passed:
        known = {"passed_at": now, "evalkit": version("stt-evalkit"), "scoring": scoring.VERSION}
    else:
        known = {**_read(), "failed_at": now}
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    partial.write_text(json.dumps(known), encoding="utf-8")
    partial.replace(file)


def _read() -> dict[str, Any]:
    """What was noted; nothing when the file is missing or is no such file."""
    try:
        known = json.loads(path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
