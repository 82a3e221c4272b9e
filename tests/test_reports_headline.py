import dataclasses
from typing import Any

import pytest

from evalkit.reports.headline import LINES, compared, headline, telling_slices
from evalkit.scoring import catalogue
from evalkit.types import Difference, Pacing
from tests import handmade

MANIFEST, SCORES, SUMMARY, DIFFERENCES = handmade.demo()
HEAD = headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES)
WER = next(row for row in DIFFERENCES if row.metric == "acc.wer.en" and row.route == "rest")


def worded(**changes: Any) -> str:
    row = dataclasses.replace(
        WER, value=0.098, against_value=0.312, difference=-0.214, ci_lo=-0.27, ci_hi=-0.158, n_clips=21, n_clusters=9
    )
    return compared(dataclasses.replace(row, **changes), "a", "b")


def test_a_better_candidate_is_said_to_be_better_by_how_much_and_how_surely() -> None:
    assert worded(verdict="better") == (
        "a makes fewer word errors than b: 9.8 % against 31.2 %, a difference of −21.4 points "
        "(95 % interval −27.0 to −15.8 points, 21 clips, 9 clusters)."
    )


def test_a_worse_candidate_is_said_to_be_worse() -> None:
    assert worded(verdict="worse").startswith("a makes more word errors than b")


def test_no_clear_difference_says_what_could_have_been_seen() -> None:
    sentence = worded(verdict="no_clear_difference", smallest_detectable=0.04)
    assert sentence.startswith("No clear difference in word errors between a and b")
    assert sentence.endswith("This run could not have seen less than 4.0 points.")


@pytest.mark.parametrize("changes", [{"verdict": "insufficient"}, {"verdict": "better", "difference": None}])
def test_too_few_data_make_no_claim(changes: dict[str, Any]) -> None:
    sentence = worded(**changes)
    assert sentence.startswith("Too few data to compare")
    assert "fewer" not in sentence


def test_the_lede_names_the_better_provider_and_the_routes() -> None:
    assert HEAD.lede == "local-moonshine makes fewer word errors than local-pocketsphinx over REST and streaming."


def test_the_lede_splits_when_routes_disagree() -> None:
    rows: list[Difference] = []
    for row in DIFFERENCES:
        flip = row.question == "candidate_vs_incumbent" and row.metric == "acc.wer.en" and row.route == "streaming"
        rows.append(dataclasses.replace(row, verdict="worse") if flip else row)
    lede = headline(MANIFEST, SCORES, SUMMARY, rows).lede
    assert lede == (
        "local-moonshine makes fewer word errors than local-pocketsphinx over REST. "
        "local-moonshine makes more word errors than local-pocketsphinx over streaming."
    )


def test_a_candidate_alone_is_described_and_not_compared() -> None:
    own = [score for score in SCORES if score.provider == handmade.CANDIDATE]
    alone = headline({**MANIFEST, "incumbent": None}, own, [r for r in SUMMARY if r.provider == handmade.CANDIDATE], [])
    assert alone.lede.startswith("local-moonshine has a word error rate of ")
    assert alone.lede.endswith("there is no incumbent to compare it with.")


def test_nothing_scored_is_said() -> None:
    empty = headline({}, [], [], [])
    assert empty.lede == "Nothing was scored."
    assert empty.sentences == ()


def test_live_evidence_carries_none() -> None:
    live = [dataclasses.replace(score, evidence="live") for score in SCORES]
    providers = {name: {**entry, "evidence": "live"} for name, entry in MANIFEST["providers"].items()}
    assert headline({**MANIFEST, "providers": providers}, live, SUMMARY, DIFFERENCES).caveat == ""


def test_mixed_evidence_names_the_simulated_provider_only() -> None:
    mixed = [
        dataclasses.replace(score, evidence="live") if score.provider == handmade.INCUMBENT else score
        for score in SCORES
    ]
    caveat = headline({**MANIFEST, "providers": {}}, mixed, SUMMARY, DIFFERENCES).caveat
    assert "local-moonshine answered over loopback" in caveat
    assert handmade.INCUMBENT not in caveat


def test_candidate_comes_first_and_rest_before_streaming() -> None:
    assert [system.name for system in HEAD.systems] == [
        "local-moonshine REST",
        "local-moonshine streaming",
        "local-pocketsphinx REST",
        "local-pocketsphinx streaming",
    ]


def test_failures_are_counted_and_named() -> None:
    broken = [
        dataclasses.replace(score, failure="unavailable: HTTP 503") if place < 3 else score
        for place, score in enumerate(SCORES)
    ]
    head = headline(MANIFEST, broken, SUMMARY, DIFFERENCES)
    assert [(s.clips, s.answered) for s in head.systems] == [(24, 23), (24, 23), (24, 23), (24, 24)]
    assert head.systems[0].reasons == (("unavailable: HTTP 503", 1),)
    assert any(sentence.startswith("Clips without a usable answer") for sentence in head.sentences)


def test_an_interrupted_run_claims_nothing_about_every_clip() -> None:
    unfinished = headline({**MANIFEST, "finished_at": None}, SCORES[:40], SUMMARY, DIFFERENCES)
    assert unfinished.caveat.startswith("Incomplete: 40 of")
    assert not any("Every clip" in sentence for sentence in unfinished.sentences)


def test_the_error_rate_that_leads_leaves_no_clip_out() -> None:
    english = [row for row in SUMMARY if row.slice == "all"]
    assert headline(MANIFEST, SCORES, english, []).wer == "acc.wer.en"
    mixed = [
        dataclasses.replace(row, n_clips=row.n_clips - 5) if row.metric.startswith("acc.wer.en") else row
        for row in english
    ]
    found = headline(MANIFEST, SCORES, mixed, DIFFERENCES)
    assert found.wer == "acc.wer.basic"
    assert found.sentences[0].startswith("Errors are counted after the basic text rules")
    assert next(line for line in found.lines if line.brief).metric == "acc.wer.basic"


def test_punctuality_takes_the_worst_clip_and_counts_the_unusable() -> None:
    late = Pacing(10, 0.001, 0.060, 0.070, -0.030)
    scores = [dataclasses.replace(score, pacing=late) if place == 1 else score for place, score in enumerate(SCORES)]
    own = headline(MANIFEST, scores, SUMMARY, DIFFERENCES).punctuality[0]
    assert (own.late_p99_s, own.late_max_s, own.end_drift_s, own.invalid) == (0.060, 0.070, -0.030, 1)
    assert own.clips == 24


def test_unknown_prices_are_not_zero() -> None:
    rows = [row for row in SUMMARY if row.metric != "cost.per_audio_hour"]
    sentences = headline(MANIFEST, SCORES, rows, DIFFERENCES).sentences
    assert any("no known price" in sentence for sentence in sentences)
    assert not any("$0" in sentence for sentence in sentences)


def test_every_line_is_a_metric_of_the_catalogue() -> None:
    for line in LINES:
        assert catalogue.describe(line.metric).id == line.metric


def test_a_slice_that_is_the_whole_corpus_tells_nothing() -> None:
    names = telling_slices(SUMMARY)
    assert "noise=clean" in names
    assert "language=en" not in names
    assert "all" not in names


def test_a_ranking_that_hangs_on_the_text_rules_is_called_so() -> None:
    swapped = [
        dataclasses.replace(row, value=1.0 if row.provider == handmade.CANDIDATE else 0.0)
        if row.metric == "acc.wer.basic" and row.slice == "all"
        else row
        for row in SUMMARY
    ]
    sentences = headline(MANIFEST, SCORES, swapped, DIFFERENCES).sentences
    assert any("depends on the text rules (acc.wer.en against acc.wer.basic)" in text for text in sentences)
    assert not any("depends on the text rules" in text for text in HEAD.sentences)
