import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import pytest

from evalkit import scoring
from evalkit.errors import ParseError, Refused, Unavailable
from evalkit.scoring import METRICS, Price, score
from evalkit.types import Clip, Hypothesis, Score, Trace, Turn, Word
from tests.conversations import answered, clip, final, heard, spoken, spread, streamed, trace, update, word

PRICE = Price("p", "rest", "audio", 0.10, "a price list", "2026-11-20")
REFERENCE = spread("the quick brown fox jumps", 0.5)
LOST = Unavailable("the socket closed before done")


def scored(about: Clip, found: Trace | Sequence[Trace], said: Hypothesis, **rest: Any) -> Score:
    attempts = [found] if isinstance(found, Trace) else found
    return score(about, attempts, said, **{"price": None, "evidence": "simulated", **rest})


def live(*texts: tuple[float, str], last: str = "The quick brown fox jumps.") -> Hypothesis:
    """Interims as given, then the final text with times at 3.2 s."""
    interims = [update(t_s, text) for t_s, text in texts]
    return heard(*interims, update(3.2, spread(last, 0.52), "utterance_final"))


def columns(row: Score, base: str) -> tuple[float, ...]:
    return tuple(row.counts[f"{base}.{name}"] for name in ("hits", "substitutions", "deletions", "insertions"))


CASES = {
    "rest": (clip(REFERENCE), answered(), final(REFERENCE)),
    "stream": (clip(REFERENCE), streamed([(3.6, "done")]), live((1.5, "the quick"), (2.0, "the quack"))),
    "stream without interims": (clip(REFERENCE), streamed([(3.6, "done")]), live()),
    "stream badly paced": (clip(REFERENCE), streamed([(3.6, "done")], late_s=0.2), live((1.5, "the quick"))),
    "failed stream": (clip(REFERENCE), streamed(), heard(update(1.5, "the quick"), failure=LOST)),
    "failed request": (clip(REFERENCE), trace([], route="rest"), heard(failure=LOST)),
    "never connected": (clip(REFERENCE), trace([]), heard(failure=LOST)),
    "unreadable": (clip(REFERENCE), answered(), heard(failure=ParseError("what is this"))),
    "unreadable stream": (clip(REFERENCE), streamed(), heard(failure=ParseError("what is this"))),
    "nonspeech": (clip((), kind="nonspeech"), answered(), final([word("thanks")])),
    "nonspeech stream": (clip((), kind="nonspeech"), streamed([(3.6, "done")]), heard()),
    "failed nonspeech": (clip((), kind="nonspeech"), trace([], route="rest"), heard(failure=LOST)),
    "empty reference": (clip(()), answered(), final([word("hello")])),
    "no reference": (clip(None), streamed([(3.6, "done")]), live((1.5, "the quick"))),
    "speakers only": (clip(None, turns=(Turn("A", 0.0, 3.0),)), answered(), final(spread("a b", speaker="0"))),
    "text only": (clip([word("hello")]), answered(), final([word("hello")])),
    "Russian": (clip(spread("\u0434\u0430"), language="ru"), answered(), final(spread("\u0434\u0430"))),
    "Chinese": (clip(spread("\u4eca\u5929"), language="zh"), answered(), final(spread("\u4eca\u5929"))),
    "silent": (clip(REFERENCE), streamed([(3.6, "done")]), heard()),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
@pytest.mark.parametrize("price", [None, PRICE])
def test_every_metric_is_measured_or_its_absence_has_a_reason(
    case: tuple[Clip, Trace, Hypothesis], price: Price | None
) -> None:
    row = scored(*case, price=price)
    for metric in METRICS:
        measured = (
            metric.values in row.values or f"{metric.values}.failed" in row.counts
            if metric.values
            else all(column in row.counts for column in (*metric.numerator, *metric.denominator))
        )
        assert measured != (metric.id in row.absent), metric.id
    assert set(row.absent.values()) <= {"missing_input", "not_applicable", "invalid_pacing"}
    assert set(row.absent) <= {metric.id for metric in METRICS}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_score_can_be_stored(case: tuple[Clip, Trace, Hypothesis]) -> None:
    """Plain finite numbers only: no NaN, no infinity, no booleans or numpy types."""
    row = scored(*case, price=PRICE)
    numbers = [*row.counts.values(), *(value for values in row.values.values() for value in values)]
    assert all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
    json.dumps(asdict(row), allow_nan=False)


def test_scoring_is_pure() -> None:
    case = CASES["stream"]
    assert scored(*case) == scored(*case)


def test_words_are_counted_under_two_profiles() -> None:
    row = scored(clip(spread("he won't pay thirty six dollars")), answered(), final([word("He will not pay $36.")]))
    assert columns(row, "acc.wer.en") == (5, 0, 0, 0)
    assert columns(row, "acc.wer.basic")[0] == 2
    assert columns(row, "acc.cer")[0] > 0


def test_a_failed_clip_loses_all_its_words_in_the_headline_and_is_left_out_of_the_other_view() -> None:
    row = scored(*CASES["failed stream"])
    assert columns(row, "acc.wer.en") == (0, 0, 5, 0)
    assert row.absent["acc.wer.en.scored_only"] == "missing_input"
    assert (row.counts["run.answered"], row.counts["run.failed"], row.counts["run.clips"]) == (0, 1, 1)
    assert row.failure == "unavailable: the socket closed before done"
    assert row.hypothesis == "the quick"


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (Refused("no key", status=401), "refused: no key"),
        (LOST, f"unavailable: {LOST}"),
        (ParseError("odd"), "parse: odd"),
    ],
)
def test_failures_say_of_which_kind_they_are(failure: Refused | Unavailable | ParseError, text: str) -> None:
    assert scored(clip(REFERENCE), answered(), heard(failure=failure)).failure == text


def test_a_failed_stream_never_shows_its_words() -> None:
    """One unit for each latency of the clip, one per spoken word for latencies of words."""
    row = scored(*CASES["failed stream"])
    assert row.counts["lat.ttfs.failed"] == row.counts["lat.finalize.failed"] == 1
    assert row.counts["lat.word_first.failed"] == 5
    assert "lat.ttfs" not in row.values


def test_an_answer_we_could_not_read_says_nothing_about_the_speed_of_the_service() -> None:
    assert scored(*CASES["unreadable"]).absent["lat.rest_total.p50"] == "missing_input"
    assert scored(*CASES["unreadable stream"]).absent["lat.ttfs.p50"] == "missing_input"


def test_a_badly_paced_stream_is_scored_for_accuracy_but_not_for_latency() -> None:
    row = scored(*CASES["stream badly paced"])
    assert columns(row, "acc.wer.en")[0] == 5
    assert row.absent["lat.word_first.p50"] == row.absent["lat.finalize.p95"] == "invalid_pacing"
    assert row.counts["pace.invalid"] == 1
    assert row.values["lat.setup"] == (0.3,)


def test_latencies_of_a_stream() -> None:
    """T0 is 0.5; five words of 0.4 s from 0.5; the final text comes at 3.2, done at 3.6, input ends at 3.502."""
    row = scored(*CASES["stream"])
    assert row.values["lat.setup"] == pytest.approx([0.3])
    assert row.values["lat.ttfp_audio"] == pytest.approx([1.0])
    assert row.values["lat.ttfp_speech"] == pytest.approx([0.5])
    assert row.values["lat.ttfs"] == pytest.approx([3.2 - 0.5 - 2.5])
    assert row.values["lat.finalize"] == pytest.approx([3.6 - 3.502])
    assert row.values["lat.word_first"] == pytest.approx([0.1, -0.3, 1.0, 0.6, 0.2])
    assert row.values["lat.word_stable"] == pytest.approx([0.1, 1.4, 1.0, 0.6, 0.2])


def test_captions_of_a_stream() -> None:
    row = scored(*CASES["stream"])
    assert row.counts["str.erased"] == 2
    assert row.counts["str.display_erased"] == 3
    assert row.counts["str.changed"] == 3
    assert row.counts["str.final_words"] == 5
    assert row.counts["str.audio_s"] == 3.0


def test_no_interims_is_not_zero_churn() -> None:
    assert scored(*CASES["stream without interims"]).absent["str.ne"] == "not_applicable"
    assert scored(*CASES["rest"]).absent["str.rewrites_per_min"] == "not_applicable"


def test_drift_of_matched_words() -> None:
    row = scored(*CASES["stream"])
    assert row.counts["ts.matched_words"] == row.counts["ts.reference_words"] == 5
    assert row.counts["ts.offset.start.sum_s"] == pytest.approx(0.1)
    assert row.counts["ts.offset.end.within_100ms"] == 5
    assert row.values["ts.offset.start"] == pytest.approx([0.02] * 5)


def test_times_missing_everywhere_are_missing_input_and_missing_somewhere_are_counted() -> None:
    untimed = [word(said.text) for said in REFERENCE]
    assert scored(clip(REFERENCE), answered(), final(untimed)).absent["ts.coverage"] == "missing_input"
    row = scored(clip(REFERENCE), answered(), final([*REFERENCE[:4], untimed[4]]))
    assert (row.counts["ts.untimed_words"], row.counts["ts.matched_words"]) == (1, 4)


def test_request_latency_and_throughput() -> None:
    row = scored(*CASES["rest"])
    assert row.values["lat.rest_total"] == pytest.approx([0.5])
    assert row.counts["lat.rtfx.audio_s"] / row.counts["lat.rtfx.processing_s"] == pytest.approx(6.0)
    assert row.absent["lat.ttfs.p50"] == "not_applicable"
    failed = scored(*CASES["failed request"])
    assert failed.counts["lat.rest_total.failed"] == 1


def test_clips_without_speech_measure_hallucination_and_no_error_rate() -> None:
    row = scored(*CASES["nonspeech"], price=PRICE)
    assert (row.counts["acc.halluc.clips_with_words"], row.counts["acc.halluc.words"]) == (1, 1)
    assert row.counts["acc.halluc.audio_s"] == 3.0
    assert {row.absent[name] for name in ("acc.wer.en", "dia.der", "ts.coverage", "lat.setup.p50")} == {
        "not_applicable"
    }
    assert row.values["lat.rest_total"] == pytest.approx([0.5])
    assert row.counts["cost.usd"] > 0
    assert scored(*CASES["nonspeech stream"]).counts["acc.halluc.clips_with_words"] == 0
    assert scored(*CASES["failed nonspeech"]).absent["acc.halluc.clip_rate"] == "missing_input"


def test_words_on_an_empty_reference_are_insertions() -> None:
    assert columns(scored(*CASES["empty reference"]), "acc.wer.en") == (0, 0, 0, 1)


def test_without_a_reference_text_there_is_no_error_rate_but_speakers_are_scored() -> None:
    row = scored(*CASES["speakers only"])
    assert row.absent["acc.wer.en"] == row.absent["dia.cpwer"] == row.absent["ts.coverage"] == "missing_input"
    assert row.counts["dia.der.total_s"] == 3.0
    assert row.counts["dia.der.miss_s"] == pytest.approx(3.0 - 0.8)
    assert row.reference is None


def test_other_languages_have_no_english_rate_and_unspaced_ones_only_characters() -> None:
    assert scored(*CASES["Russian"]).absent["acc.wer.en"] == "not_applicable"
    assert columns(scored(*CASES["Russian"]), "acc.wer.basic")[0] == 1
    assert scored(*CASES["Chinese"]).absent["acc.wer.basic"] == "not_applicable"
    assert columns(scored(*CASES["Chinese"]), "acc.cer")[0] == 2


DIALOGUE = (*spread("good morning", 0.0, speaker="A"), *spread("hello there", 1.0, speaker="B"))


def test_speakers_of_a_dialogue() -> None:
    said = (*spread("good morning", 0.0, speaker="1"), *spread("hello there", 1.0, speaker="0"))
    row = scored(clip(DIALOGUE), answered(), final(said))
    assert row.counts["dia.der.total_s"] == pytest.approx(1.6)
    assert row.counts["dia.der.confusion_s"] == row.counts["dia.der.miss_s"] == 0
    assert columns(row, "dia.cpwer") == (4, 0, 0, 0)
    assert row.counts["dia.der.collar250.total_s"] < row.counts["dia.der.total_s"]


def test_no_speaker_labels_are_missing_input_and_not_an_error_of_one() -> None:
    row = scored(clip(DIALOGUE), answered(), final(spread("good morning hello there")))
    assert row.absent["dia.der"] == row.absent["dia.cpwer"] == "missing_input"
    unknown = scored(clip(REFERENCE), answered(), final(spread("the quick", speaker="0")))
    assert unknown.absent["dia.der"] == "missing_input"


def test_a_failed_dialogue_misses_everybody() -> None:
    row = scored(clip(DIALOGUE), answered(), heard(failure=LOST))
    assert row.counts["dia.der.miss_s"] == pytest.approx(row.counts["dia.der.total_s"])
    assert columns(row, "dia.cpwer") == (0, 0, 4, 0)


def test_channels_are_merged_by_time_and_their_speakers_kept_apart() -> None:
    reference = (
        *spoken(("hello", 0.0, 0.4), ("fine", 2.0, 2.4), speaker="A", channel=0),
        *spoken(("hi", 1.0, 1.4), ("bye", 3.0, 3.4), speaker="B", channel=1),
    )
    said = heard(
        update(1, spoken(("hello", 0.0, 0.4), ("fine", 2.0, 2.4), speaker="0", channel=0), "utterance_final", (0, 0)),
        update(2, spoken(("hi", 1.0, 1.4), ("bye", 3.0, 3.4), speaker="0", channel=1), "utterance_final", (1, 0)),
    )
    row = scored(clip(reference, 4.0, channels=2), answered(), said)
    assert row.reference == row.hypothesis == "hello hi fine bye"
    assert columns(row, "acc.wer.en") == (4, 0, 0, 0)
    assert columns(row, "dia.cpwer") == (4, 0, 0, 0)
    assert row.counts["dia.der.confusion_s"] == 0
    bare = heard(*(replace(item, words=tuple(replace(w, speaker=None) for w in item.words)) for item in said.updates))
    unlabelled = scored(clip(reference, 4.0, channels=2), answered(), bare)
    assert unlabelled.absent["dia.cpwer"] == "missing_input", "a channel is no speaker label"


def test_all_attempts_cost_and_the_last_one_is_scored() -> None:
    row = scored(clip(REFERENCE, 36.0), [answered(9.0), answered(0.5)], final(REFERENCE), price=PRICE)
    assert row.counts["cost.usd"] == pytest.approx(0.002)
    assert row.counts["cost.audio_s"] == 36.0
    assert row.attempts == row.counts["run.attempts"] == 2
    assert row.values["lat.rest_total"] == pytest.approx([0.5])


def test_an_unknown_price_is_unknown_and_not_free() -> None:
    row = scored(*CASES["rest"], price=None)
    assert row.absent["cost.per_audio_hour"] == "missing_input"
    assert "cost.usd" not in row.counts


def test_what_identifies_a_row() -> None:
    row = scored(clip(REFERENCE, tags={"noise": "pink"}, cluster=""), answered(), final(REFERENCE), evidence="live")
    assert (row.clip_id, row.provider, row.route, row.evidence, row.cluster) == ("c1", "p", "rest", "live", "c1")
    assert row.slices == {"noise": "pink", "language": "en"}
    assert row.pacing is None
    streaming = scored(*CASES["stream"])
    assert streaming.pacing is not None
    assert streaming.pacing.frames == 30


def test_fillers_and_numbers_do_not_disturb_word_times() -> None:
    reference = (word("um", 0.0, 0.2), *spread("call forty two men", 0.3))
    said = (*spoken(("call", 0.3, 0.7), ("42", 0.7, 1.5)), Word("men", 1.5, 1.9))
    row = scored(clip(reference), answered(), final(said))
    assert (row.counts["ts.matched_words"], row.counts["ts.reference_words"]) == (2, 2)
    assert columns(row, "acc.wer.en") == (3, 0, 0, 0)


def test_the_public_names_exist() -> None:
    assert all(hasattr(scoring, name) for name in scoring.__all__)
    assert scoring.VERSION
