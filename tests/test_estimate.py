"""What a run would cost, take and show: against hand calculation and against what a run then does."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from evalkit import corpora, estimate
from evalkit.agenda import agenda
from evalkit.corpora import Corpus
from evalkit.plan import Choice, Plan
from evalkit.stats import power
from evalkit.store import Store
from evalkit.types import Event, Trace, Word

ANSWER = {"status": 200, "headers": {}, "body": '{"text": "hello"}'}


@pytest.fixture
def corpus() -> Corpus:
    clips = corpora.load("demo").clips[:4]
    lengths = (10.0, 20.0, 30.0, 40.0)
    words = tuple(Word("word") for _ in range(20))
    return Corpus(
        "four",
        tuple(replace(clip, duration_s=s, reference=words) for clip, s in zip(clips, lengths, strict=True)),
        Path("demo"),
    )


def test_list_price_worst_price_and_least_time_by_hand(corpus: Corpus) -> None:
    plan = Plan(Choice("xai"), budget_usd=1, attempts=3, concurrency=2)
    rest, streaming = estimate.errands(plan, corpus)
    assert (rest.clips, rest.audio_s, streaming.clips) == (4, 100.0, 4)
    assert rest.usd == pytest.approx(100 / 3600 * 0.10)
    assert streaming.usd == pytest.approx(100 / 3600 * 0.20)
    assert streaming.worst_usd == pytest.approx(3 * 100 / 3600 * 0.20)
    assert streaming.least_s == pytest.approx(50.0), "real time, two at once"
    assert rest.least_s == pytest.approx(3 * 0.105), "ten requests a second, evenly spaced"
    assert estimate.wall_s([rest, streaming]) == pytest.approx(50.0 + 3 * 0.105)


def test_two_names_of_one_account_share_its_time(corpus: Corpus) -> None:
    plan = Plan(Choice("xai"), Choice("xai", {"language": "en"}, "again"), budget_usd=1, concurrency=60)
    rest, other, streaming, _ = found = estimate.errands(plan, corpus)
    assert rest.least_s == other.least_s == pytest.approx(3 * 0.105)
    assert estimate.wall_s([rest, other]) == pytest.approx(7 * 0.105), "eight requests, ten a second"
    assert streaming.least_s == estimate.wall_s([streaming]) == pytest.approx(40.0)
    assert estimate.wall_s(found) == pytest.approx(7 * 0.105 + 40.0), "a hundred sessions are enough for both"
    console = {"xai": {"streaming": {"sessions": 2, "date": "2026-11-20"}}}
    narrow = estimate.errands(replace(plan, limits=console, routes=("streaming",)), corpus)
    assert [errand.least_s for errand in narrow] == pytest.approx([50.0, 50.0])
    assert estimate.wall_s(narrow) == pytest.approx(100.0), "two sessions for both"
    elsewhere = replace(plan, incumbent=Choice("local-moonshine"), limits=console, routes=("streaming",))
    assert estimate.wall_s(estimate.errands(elsewhere, corpus)) == pytest.approx(50.0), "side by side"


def test_the_worst_price_is_the_most_the_budget_can_reserve(corpus: Corpus) -> None:
    plan = Plan(Choice("xai"), routes=("rest",), budget_usd=1, attempts=2)
    (rest,) = estimate.errands(plan, corpus)
    assert rest.worst_usd == pytest.approx(sum((job.usd or 0) * 2 for job in agenda(plan, corpus).pending))


def test_what_is_stored_is_not_counted_again(corpus: Corpus, tmp_path: Path) -> None:
    plan = Plan(Choice("xai"), routes=("rest",), budget_usd=1)
    (job, *_) = agenda(plan, corpus).pending
    events = (Event(0.0, 0.0, "received", ANSWER),)
    trace = Trace(job.clip.id, "xai", "rest", job.provider.settings, 1, datetime(2026, 11, 20, tzinfo=UTC), events)
    with Store(tmp_path).writing() as store:
        store.append(trace)
    (rest,) = estimate.errands(plan, corpus, store)
    assert (rest.clips, rest.audio_s) == (3, 90.0)


def test_a_recogniser_on_this_machine_costs_nothing_and_no_speed_is_promised(corpus: Corpus) -> None:
    rest, streaming = estimate.errands(Plan(Choice("local-moonshine")), corpus)
    assert (rest.usd, rest.worst_usd, rest.least_s) == (0.0, 0.0, None)
    assert streaming.least_s == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("options", "width", "least_s"),
    [
        ({"speed": 10}, 2, 5.0),
        ({"end_mode": "silence", "trailing_silence_s": 3.0}, 2, 56.0),
        ({"end_mode": "finalize", "trailing_silence_s": 3.0, "speed": 2}, 2, 28.0),
        ({"trailing_silence_s": 3.0}, 2, 50.0),
        ({}, 4, 40.0),
        ({"end_mode": "silence", "trailing_silence_s": 3.0}, 4, 43.0),
    ],
)
def test_the_least_time_knows_speed_silence_and_the_longest_clip(
    corpus: Corpus, options: dict[str, object], width: int, least_s: float
) -> None:
    plan = Plan(Choice("xai", options), routes=("streaming",), budget_usd=1, concurrency=width)
    (streaming,) = estimate.errands(plan, corpus)
    assert streaming.least_s == pytest.approx(least_s)


def test_what_is_spent_counts_against_the_budget(corpus: Corpus) -> None:
    plan = Plan(Choice("xai"), routes=("rest",), budget_usd=0.05)
    found = estimate.errands(plan, corpus)
    worst = Decimal(str(found[0].worst_usd))
    assert worst < Decimal("0.05")
    assert not estimate.may_stop(plan, found, Decimal("0.05") - worst), "to the last digit it fits"
    assert estimate.may_stop(plan, found, Decimal("0.05") - worst + Decimal("1e-9"))
    assert not estimate.may_stop(replace(plan, candidate=Choice("local-moonshine"), budget_usd=None), found, worst)


def test_reach_agrees_with_the_planning_table(corpus: Corpus) -> None:
    found = estimate.reach(corpus)
    assert (found.clips, found.words) == (4, 80)
    assert found.detectable == pytest.approx((power.words_needed(1, power=power.PLANNED_POWER) / 80) ** 0.5)
    assert dict(found.needed)[0.01] == power.clips_to_plan(0.01, 20)
    enough = power.clips_to_plan(0.02, 20)
    many = estimate.reach([replace(corpus.clips[0], id=str(number)) for number in range(enough)])
    assert many.detectable == pytest.approx(0.02, rel=0.01)


def test_without_a_transcript_nothing_can_be_shown(corpus: Corpus) -> None:
    assert estimate.reach([replace(clip, reference=None) for clip in corpus]).detectable is None


def test_what_cannot_be_judged_is_said_before_anything_is_paid_for(corpus: Corpus) -> None:
    silent, untimed = estimate.lacks([replace(clip, reference=None) for clip in corpus]), estimate.lacks(corpus)
    assert silent == ["no clip has a transcript: word errors cannot be counted"]
    assert [sentence.split(":")[0] for sentence in untimed] == ["no word times"]
    timed = replace(corpus.clips[0], reference=(Word("a", 0.0, 0.3),), language=None)
    assert [sentence[:23] for sentence in estimate.lacks([timed])] == ["clips without a languag"]
