"""Every verb: its help, and a user's mistakes."""

from pathlib import Path

import pytest

from tests.shell import evalkit, here, refused

__all__ = ["here"]


@pytest.mark.parametrize(
    ("line", "arguments", "expected"),
    [
        ('{"path": "../x.wav", "text": "a"}', ("run", "--corpus", "calls"), "manifest.jsonl:1: path '../x.wav' leaves"),
        ("", ("run", "--candidate", "local-moonshin"), "did you mean 'local-moonshine'"),
        ("", ("run", "--candidate", "xai"), "--budget-usd"),
        ("", ("run", "--candidate", "xai,langauge=en", "--budget-usd", "1"), "did you mean 'language'"),
        ("", ("run", "--corpus", "nowhere"), "no such corpus"),
        ("", ("run", "plan.toml"), "plan.toml: cannot be read"),
        ("", ("run", "--candidate", ""), "unknown provider ''"),
        ("", ("run", "--candidate", "[/b]=local-moonshine"), "provider name '[/b]' must be a plain name"),
        ("", ("run", "--routes", "rest,rest"), "routes must name each of"),
        ("", ("run", "--budget-usd", "nan"), "budget_usd must be a number"),
        ("", ("score", "no-such-run"), "holds no run"),
        ("", ("report", "no-such-run"), "holds no run"),
        ("", ("serve", "--knob", "done_txt=full"), "did you mean 'done_text'"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_fix(
    here: Path, line: str, arguments: tuple[str, ...], expected: str
) -> None:
    if line:
        (here / "calls" / "manifest.jsonl").write_text(line + "\n")
    assert expected in refused(evalkit(here, *arguments))
    assert not (here / "results").exists(), "nothing half-written"


def test_help_names_every_verb_and_the_catalogue_every_metric(here: Path) -> None:
    text = evalkit(here, "--help").stdout
    for verb in ("run", "score", "report", "serve", "corpus", "providers", "metrics"):
        assert verb in text
