"""What the figures must not be used for."""

from evalkit.reports.caveats import caveat
from tests import handmade

MANIFEST, SCORES, SUMMARY, DIFFERENCES = handmade.demo()


def test_simulated_evidence_carries_its_caveat() -> None:
    assert "say nothing about xAI" in caveat(SCORES, MANIFEST)


def test_routes_that_were_asked_for_different_things_are_not_compared_on_price() -> None:
    asked = {"rest": {"diarize": True, "model": "m"}, "streaming": {"diarize": False, "model": "m"}}
    text = caveat([], {"providers": {"p": {"evidence": "live", "settings": asked}}})
    assert "p (diarize); compare words across them, not delays or prices" in text


def test_what_a_provider_warns_of_is_said_once() -> None:
    manifest = {"providers": {name: {"evidence": "simulated", "caution": "Its price is rent."} for name in "ab"}}
    assert caveat([], manifest).count("Its price is rent.") == 1


def test_a_run_that_stopped_early_says_so_first() -> None:
    manifest, scores, *_ = handmade.demo()
    assert "Incomplete" not in caveat(scores, manifest)
    left = len(scores) - 2
    assert caveat(scores[2:], manifest).startswith(f"Incomplete: {left} of {len(scores)} answers")
