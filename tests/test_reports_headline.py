import dataclasses

from evalkit.reports.headline import headline, telling_slices
from evalkit.types import Difference, Pacing
from tests import handmade

MANIFEST, SCORES, SUMMARY, DIFFERENCES = handmade.demo()
HEAD = headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES)


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


def test_a_ranking_that_hangs_on_the_mix_of_clips_is_called_so() -> None:
    means = [
        dataclasses.replace(row, value=1.0 if row.provider == handmade.CANDIDATE else 0.0)
        for row in SUMMARY
        if row.metric == "acc.slice.en.macro" and (row.slice, row.route) == ("noise", "rest")
    ]
    kept = [row for row in SUMMARY if row.metric != "acc.slice.en.macro"]
    sentences = headline(MANIFEST, SCORES, [*kept, *means], DIFFERENCES).sentences
    (told,) = [text for text in sentences if "hangs on the mix of clips" in text]
    assert "in the mean of the slices by noise" in told
    assert not any("mix of clips" in text for text in HEAD.sentences)


def test_figures_over_clean_and_degraded_clips_say_so() -> None:
    scores = handmade.degraded(8)
    head = headline(MANIFEST, scores, SUMMARY, DIFFERENCES)
    assert head.degraded == 24
    assert any(text.startswith("24 of 32 clips are degraded copies") for text in head.sentences)
    alone = [score for score in scores if score.slices["condition"] != "clean"]
    assert headline(MANIFEST, alone, SUMMARY, []).degraded == 0
    assert HEAD.degraded == 0
