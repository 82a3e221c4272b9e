"""What the figures must not be used for."""

import dataclasses

import pytest

from evalkit.reports.caveats import caveat, incomparable
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


def test_what_is_missing_of_an_incomplete_run_is_named() -> None:
    scores = [score for score in SCORES if (score.provider, score.route) != ("local-moonshine", "streaming")]
    told = caveat(scores[1:], MANIFEST)
    assert "missing are 1 of local-moonshine over rest and 24 of local-moonshine over streaming." in told
    assert f"A command that asks for these with --run {MANIFEST['run']} goes on from here." in told
    assert "the command of this run" not in told


COST = next(row for row in DIFFERENCES if row.metric == "cost.per_audio_hour" and row.question == "streaming_vs_rest")
ASKED = {"rest": {"diarize": True, "model": "m"}, "streaming": {"diarize": False, "model": "m"}}


@pytest.mark.parametrize("metric", ["cost.per_audio_hour", "lat.rtfx"])
def test_routes_that_were_asked_for_different_things_decide_nothing_on_price(metric: str) -> None:
    row = dataclasses.replace(COST, metric=metric)
    reason = incomparable(row, {"providers": {row.provider: {"settings": ASKED}}})
    assert reason == "the routes were asked for different things: diarize"
    assert incomparable(row, {"providers": {row.provider: {"settings": {**ASKED, "rest": ASKED["streaming"]}}}}) == ""
    assert incomparable(dataclasses.replace(row, metric="acc.wer.en"), {"providers": {row.provider: ASKED}}) == ""


def test_prices_of_different_things_decide_nothing() -> None:
    def priced(*bases: str) -> dict[str, object]:
        sides = [(COST.provider, COST.route), (COST.against_provider, COST.against_route)]
        return {"prices": [{"provider": p, "route": r, "basis": b} for (p, r), b in zip(sides, bases, strict=True)]}

    assert incomparable(COST, priced("audio", "cpu")) == "priced by different things: audio and cpu"
    assert incomparable(COST, priced("audio", "audio")) == ""
    assert incomparable(COST, {}) == ""


def test_audio_sent_faster_than_speech_is_not_for_latency() -> None:
    fast = [
        dataclasses.replace(score, pacing=score.pacing and dataclasses.replace(score.pacing, speed=4.0))
        for score in SCORES
    ]
    told = caveat(fast, MANIFEST)
    assert "Not for latency: audio was sent at 4 times the speed of speech to local-moonshine and" in told
    assert "Not for latency" not in caveat(SCORES, MANIFEST)
