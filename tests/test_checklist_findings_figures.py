"""What the figures of a run show of a criterion."""

from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.checklist import criteria
from evalkit.checklist.findings import Seen, find
from evalkit.checklist.findings.figures import bounded
from evalkit.checklist.findings.material import Material
from evalkit.checklist.needs import Needs
from evalkit.stats.intervals import Estimate, zero_event_bound
from tests.product import NAME, NEEDS, figure, material, scores, summary


def seen(made: Material, name: str) -> Seen:
    line = next(line for item in criteria.items(made.needs) for line in item.lines if line.name == name)
    return find(line, made)


def test_must_be_zero_counts_events_or_what_was_missed(tmp_path: Path) -> None:
    rows = [
        figure("mch.count", 0.9, 0.7, 1.0, numerator=18.0, denominator=20.0, n_units=20),
        figure("mch.swap", 0.05, 0.0, 0.2, numerator=1.0, denominator=20.0, n_units=20),
    ]
    made = material(tmp_path, Needs(), rows=rows)
    assert seen(made, "mch.count").finding.value == 2
    assert seen(made, "mch.swap").finding.value == 1
    assert seen(made, "mch.swap").finding.lo is None


def test_a_matter_of_rule_has_no_interval_and_its_own_support(tmp_path: Path) -> None:
    long = [replace(score, values={**score.values, "ts.slope.absolute": (0.001,)}, audio_s=700.0) for score in scores()]
    rows = [figure("ts.slope.max", 0.0005, 0.0004, 0.0006, n_units=1)]
    found = seen(replace(material(tmp_path, Needs(), rows=rows), scores=long), "ts.slope.max").finding
    assert (found.value, found.lo, found.hi, found.support["n"]) == (0.0005, None, None, 1)
    short = [replace(score, audio_s=500.0) for score in long]
    assert seen(replace(material(tmp_path, Needs(), rows=rows), scores=short), "ts.slope.max").finding.support["n"] == 0


def test_finals_are_what_counts_for_locked_text(tmp_path: Path) -> None:
    assert seen(material(tmp_path), "str.locked_changed.utterance").finding.support["n"] == 600


def test_languages(tmp_path: Path) -> None:
    assert seen(material(tmp_path, replace(NEEDS, languages=("en",))), "languages").finding.value == 1
    lacking = seen(material(tmp_path, replace(NEEDS, languages=("en", "de"))), "languages")
    assert (lacking.finding.value, lacking.why) == (None, "no clip in de")


def test_the_worst_kind_of_audio_in_multiples_of_all(tmp_path: Path) -> None:
    parts = [
        figure("acc.wer.en", 0.12, 0.1, 0.14, slice="noise=cafe"),
        figure("acc.wer.en", 0.03, 0.02, 0.04, slice="noise=clean"),
        figure("acc.wer.en", 0.9, 0.8, 1.0, slice="noise=few", status="insufficient"),
        figure("acc.wer.en", 0.9, 0.8, 1.0, slice="times_source=hand"),
        figure("acc.wer.en", 0.9, 0.8, 1.0, slice="noise=cafe", provider="other"),
    ]
    found = seen(material(tmp_path, rows=[*summary(), *parts]), "slice.worst")
    assert found.finding.value == pytest.approx(2.4)
    assert found.why == "noise=cafe"
    assert seen(material(tmp_path), "slice.worst").finding.value is None


def test_starts_within_a_second_are_counted_from_the_words(tmp_path: Path) -> None:
    rows = [
        replace(score, clip_id=f"c{k}", cluster=f"s{k % 6}", values={"ts.offset.start.absolute": (0.1, 0.2, 1.0, far)})
        for k, far in enumerate([0.3] * 11 + [1.2])
        for score in scores(("rest",))
    ]
    made = replace(material(tmp_path, Needs(timestamps="audit")), scores=rows)
    found = seen(made, "ts.within_1s")
    assert found.finding.value == pytest.approx(47 / 48)
    assert found.finding.support == {"n": 48, "clips": 12, "clusters": 6}
    assert found.finding.hi == 1.0
    assert seen(material(tmp_path, Needs(timestamps="audit")), "ts.within_1s").finding.value is None


def test_bounds() -> None:
    flawless = bounded(Estimate(1.0), 100)
    assert (flawless.lo, flawless.hi) == (1 - zero_event_bound(100, two_sided=True), 1.0)
    assert bounded(Estimate(0.0), 100).hi == zero_event_bound(100, two_sided=True)
    cut = bounded(Estimate(0.5, lo=-0.1, hi=1.1), 100)
    assert (cut.lo, cut.hi) == (0.0, 1.0)
    assert bounded(Estimate(None), 0) == Estimate(None)


def test_a_comparison_without_an_incumbent(tmp_path: Path) -> None:
    found = seen(material(tmp_path), "switch")
    assert found.finding.value is None
    assert "--incumbent" in found.todo
    assert seen(material(tmp_path), "measured").finding.value == 1
    assert NAME in seen(material(tmp_path, routes=("streaming",)), "measured").why


@pytest.mark.parametrize(
    ("metric", "status", "counted", "why", "todo"),
    [
        ("acc.halluc.words_per_min", "not_applicable", "", "no clip is without speech", "add clips without speech"),
        ("mch.swap", "not_applicable", "", "no clip has two channels", "add clips with two channels"),
        ("mch.silent_wpm", "not_applicable", "", "one of them silent", "add clips with two channels, one of them"),
        ("dia.wder", "missing_input", "", "no answer says who spoke", "ask who spoke"),
        ("dia.wder", "missing_input", "dia.unlabelled.of", "no clip has speaker labels", "add clips with speaker"),
        ("dia.wder", "missing_input", "dia.orcbound.words", "no clip shows it (not in the data)", ""),
        ("ts.valid", "missing_input", "", "no answer has word times", "ask for word times"),
        ("ts.slope.max", "missing_input", "ts.valid.words", "no clip is long enough", "add clips of ten minutes"),
        ("ts.offset.start.p95", "missing_input", "ts.valid.words", "times on both sides", "add clips with word times"),
    ],
)
def test_what_no_clip_shows_says_what_would(
    metric: str, status: str, counted: str, why: str, todo: str, tmp_path: Path
) -> None:
    blank = figure(metric, None, None, None, status=status)
    heard = [replace(score, counts={**score.counts, **({counted: 1.0} if counted else {})}) for score in scores()]
    found = seen(replace(material(tmp_path, Needs(), rows=[blank]), scores=heard), metric)
    assert found.finding.value is None
    assert why in found.why
    assert found.todo.startswith(todo)
    assert bool(found.todo) == bool(todo)
