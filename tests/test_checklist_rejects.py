"""What somebody noted of bad input."""

from pathlib import Path

import pytest

from evalkit.checklist import rejects
from evalkit.errors import SettingsError

HEAD = "kind,route,status,seconds,body,date\n"


def noted(tmp_path: Path, text: str) -> list[rejects.Reject]:
    path = tmp_path / "rejects.csv"
    path.write_text(text)
    return rejects.read(path)


def test_repeats_must_agree(tmp_path: Path) -> None:
    lines = [
        "empty body,rest,400,0.2,no audio,2026-11-20",
        "empty body,rest,400,0.2,no audio,2026-11-20",
        "text as wav,rest,400,0.2,not audio,2026-11-20",
        "text as wav,rest,500,0.2,oops,2026-11-20",
        "header only,rest,,10,,2026-11-20",
        "slow,rest,400,11,no audio,2026-11-20",
    ]
    found = rejects.clearness(noted(tmp_path, HEAD + "\n".join(lines)))
    assert (found.kinds, found.clear, found.inputs, found.unclear) == (4, 1, 6, "text as wav")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kind,status\n", "lacks the column body"),
        (HEAD + "a,rest,four,1,b,2026-11-20", "rejects.csv:2"),
        (HEAD + "a,rest,400,1,b,today", "a day such as"),
        (HEAD + "a,rest", "needs a status"),
    ],
)
def test_a_mistake_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=sentence):
        noted(tmp_path, text)
    with pytest.raises(SettingsError, match="cannot be read"):
        rejects.read(tmp_path / "absent.csv")
