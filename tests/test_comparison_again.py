"""One service asked twice, in two runs or under two names."""

from dataclasses import replace
from typing import Any

from evalkit.comparison import compare
from evalkit.comparison.again import disagreement, notes
from evalkit.types import Score
from tests import handmade
from tests.handmade import CANDIDATE
from tests.test_comparison import source

ASKED: dict[str, Any] = {
    "provider": "xai",
    "evidence": "live",
    "settings": {"rest": {"model": "m"}, "streaming": {"model": "m"}},
}


def asked_twice() -> tuple[list[Score], list[Score]]:
    """The answers of one service, and those of a second time: one REST answer has another word."""
    first = [row for row in handmade.scores() if row.provider == CANDIDATE]
    at = next(place for place, row in enumerate(first) if row.route == "rest" and len(row.hypothesis.split()) > 3)
    words = ["elsewhere", *first[at].hypothesis.split()[1:]]
    second = [replace(row, hypothesis=" ".join(words)) if place == at else row for place, row in enumerate(first)]
    return first, second


def test_two_runs_of_one_service_tell_its_noise() -> None:
    first, second = asked_twice()
    about: dict[str, Any] = {"providers": {CANDIDATE: ASKED}, "incumbent": None}
    found = compare(source(first, **about), source(second, "second", **about))
    rest, streaming = (note for note in found.notes if "asked twice" in note)
    words = sum(len(row.hypothesis.split()) for row in first if row.route == "rest")
    assert "REST answers differ in" in rest
    assert f"in {100 / words:.1f} % of words, and 23 of 24 are the same to the letter" in rest
    assert "streaming answers differ in 0.0 % of words, and 24 of 24" in streaming


def test_other_settings_are_another_service() -> None:
    first, second = asked_twice()
    both = [*(replace(row, provider="one") for row in first), *(replace(row, provider="two") for row in second)]
    manifest = {
        "providers": {"one": ASKED, "two": {**ASKED, "settings": {**ASKED["settings"], "rest": {"model": "n"}}}}
    }
    found = disagreement(manifest, both, "one", "two")
    assert found.keys() == {"streaming"}
    assert found["streaming"].rate == 0
    manifest["providers"]["two"] = dict(ASKED)
    assert disagreement(manifest, both, "one", "two")["rest"].words.errors == 1
    assert notes(manifest, both, "one", "") == []
