from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.comparison import Comparison, Source, compare, unlike
from evalkit.errors import SettingsError
from evalkit.stats.decisions import benjamini_hochberg, non_inferiority
from evalkit.types import Score
from tests import handmade
from tests.handmade import CANDIDATE, INCUMBENT
from tests.rows import pair

MIRROR = {"better": "worse", "worse": "better"}


def source(rows: Sequence[Score], name: str = "first", **changes: Any) -> Source:
    about = {**handmade.manifest(rows), "terms": [], **changes}
    return Source(name, about, rows, {score.clip_id: f"sha of {score.clip_id}" for score in rows})


@cache
def demo() -> Comparison:
    return compare(source(handmade.scores(120)))


def plain(rows: Sequence[Score]) -> Source:
    providers = {score.provider: {"evidence": "live", "settings": {}} for score in rows}
    return source(rows, candidate="new", incumbent="old", providers=providers, prices=[])


def test_every_metric_that_both_have_is_compared_on_every_route() -> None:
    found = {(one.row.metric, one.row.route) for one in demo().differences if one.row.provider == CANDIDATE}
    assert {("acc.wer.en", "rest"), ("acc.wer.basic", "streaming"), ("lat.word_first.p50", "streaming")} <= found
    assert all(one.verdict in ("better", "no_clear_difference") for one in demo().of("acc.wer.en"))
    assert [one.row.label for one in demo().of("acc.wer.en")] == ["superior", "superior"]


def test_slices_are_adjusted_together_and_small_ones_are_not_tested() -> None:
    wer = [one for one in demo().slices if one.row.metric == "acc.wer.en"]
    tested = [one.row for one in wer if one.row.p is not None]
    assert {one.slice for one in wer} >= {"domain=read", "noise=clean", "domain=spontaneous"}
    assert len(tested) >= 2
    assert all(row.p_holm is not None and row.p is not None and row.p_holm >= row.p for row in tested)
    assert min(row.p_holm or 0 for row in tested) == pytest.approx(len(tested) * min(row.p or 0 for row in tested))
    small = next(one.row for one in wer if one.slice == "domain=spontaneous")
    assert (small.p, small.p_holm, small.p_bh, small.test, small.label) == (None, None, None, "", None)
    assert small.verdict == "insufficient"
    every = [one.row for one in demo().slices if one.row.p is not None]
    assert [row.p_bh for row in every] == benjamini_hochberg([row.p or 0.0 for row in every])
    assert "of 20 clips" in small.note
    assert not any("language=" in one.slice for one in wer), "one value divides nothing"


def test_only_what_was_asked_for_is_compared() -> None:
    found = compare(source(handmade.scores()), prefix="lat.word_first", key="noise")
    assert {one.row.metric.rpartition(".")[0] for one in found.rows} == {"lat.word_first"}
    assert {one.slice.partition("=")[0] for one in found.slices} == {"noise"}
    with pytest.raises(SettingsError, match="unknown slice 'nose'; did you mean 'noise'"):
        compare(source(handmade.scores()), key="nose")
    with pytest.raises(SettingsError, match="no metric begins"):
        compare(source(handmade.scores()), prefix="wre")


def test_clips_where_the_two_differ_most_stand_first_in_either_direction() -> None:
    found = demo()
    for gaps, sign in ((found.lost, 1), (found.won, -1)):
        sizes = [sign * gap.difference for gap in gaps]
        assert sizes == sorted(sizes, reverse=True)
        assert min(sizes) > 0
    assert found.won[0].new.clip_id == found.won[0].old.clip_id
    assert found.won[0].against_errors > found.won[0].errors


def test_the_incumbent_can_be_named() -> None:
    found = compare(source(handmade.scores()), candidate=INCUMBENT)
    assert (found.candidate, found.incumbent) == (INCUMBENT, CANDIDATE)
    with pytest.raises(SettingsError, match="cannot be compared with itself"):
        compare(source(handmade.scores()), candidate=INCUMBENT, incumbent=INCUMBENT)
    with pytest.raises(SettingsError, match="unknown provider of first 'nobody'"):
        compare(source(handmade.scores()), incumbent="nobody")


def test_without_an_incumbent_the_routes_are_compared() -> None:
    rows = [row for row in handmade.scores() if row.provider == CANDIDATE]
    entry = {CANDIDATE: handmade.manifest(rows)["providers"][CANDIDATE]}
    found = compare(source(rows, incumbent=None, providers=entry))
    assert {one.row.question for one in found.differences} == {"streaming_vs_rest"}
    assert [*found.slices, *found.won, *found.lost] == []
    assert "name a second run" in found.notes[0]


def test_two_runs_of_the_same_clips_are_paired_whatever_their_order() -> None:
    rows = handmade.scores()
    mine = [row for row in rows if row.provider == CANDIDATE]
    theirs = [row for row in reversed(rows) if row.provider == INCUMBENT]
    apart = compare(source(mine), source(theirs, "second", candidate=INCUMBENT), incumbent=INCUMBENT)
    together = compare(source(rows))
    for metric in ("acc.wer.en", "lat.word_first.p50"):
        assert [one.row.difference for one in apart.of(metric)] == [one.row.difference for one in together.of(metric)]
    assert "different times" in apart.notes[-1]
    assert (apart.candidate, apart.incumbent) == (f"{CANDIDATE} (first)", f"{INCUMBENT} (second)")
    assert {(one.row.provider, one.row.against_provider) for one in apart.of("acc.wer.en")} == {
        (apart.candidate, apart.incumbent)
    }


def test_runs_are_called_by_their_folders_where_these_differ() -> None:
    rows = handmade.scores()

    def names(first: str, second: str) -> tuple[str, str]:
        found = compare(source(rows, first), source(rows, second))
        return found.candidate.removeprefix(f"{CANDIDATE} "), found.incumbent.removeprefix(f"{CANDIDATE} ")

    assert names("results/monday", "results/friday") == ("(monday)", "(friday)")
    assert names("old/demo", "results/demo") == ("(old/demo)", "(results/demo)")
    assert names(".", "results/demo") == ("(.)", "(results/demo)")


def test_a_provider_is_not_compared_with_itself_in_one_run() -> None:
    rows = handmade.scores()
    with pytest.raises(SettingsError, match="cannot be compared with itself; name another run"):
        compare(source(rows), source(rows))
    assert compare(source(rows), source(rows), incumbent=INCUMBENT).incumbent == f"{INCUMBENT} (first)"


def test_a_provider_can_be_compared_with_itself_in_an_earlier_run() -> None:
    rows = handmade.scores()
    found = compare(source(rows), source(rows[: len(rows) // 2], "second"))
    assert (found.candidate, found.incumbent) == (f"{CANDIDATE} (first)", f"{CANDIDATE} (second)")
    assert {one.row.difference for one in found.of("acc.wer.en")} == {0.0}
    assert not {"better", "worse"} & {one.verdict for one in found.rows if one.row.question == "candidate_vs_incumbent"}
    assert "12 of the 24 clips of first are in both runs" in found.notes[0]


def test_delays_of_different_machines_decide_nothing() -> None:
    rows = handmade.scores()
    found = compare(source(rows), source(handmade.scores(seed=3), "second", machine={"cpu": "another"}))
    delays = [
        one for one in found.differences if one.row.metric.startswith("lat.") and "(second)" in one.row.against_provider
    ]
    own = [one for one in delays if one.row.question == "candidate_vs_incumbent"]
    assert own
    assert {one.verdict for one in own} == {"not_comparable"}
    assert {one.barred for one in own} == {"measured on different machines"}


def test_delays_over_loopback_are_not_held_against_those_of_a_network() -> None:
    providers = handmade.manifest(handmade.scores())["providers"]
    providers[INCUMBENT]["evidence"] = "live"
    found = compare(source(handmade.scores(), providers=providers))
    assert "loopback is no network" in found.of("lat.word_first.p50")[0].barred
    assert not found.of("acc.wer.en")[0].barred


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scoring": {"version": "2", "profiles": {}}}, "scoring versions are 1 and 2"),
        ({"scoring": {"version": "1", "profiles": {"en": {"version": "2", "hash": "x"}}}}, "text profiles 'en' differ"),
        ({"terms": ["Grok"]}, "other lists of terms"),
    ],
)
def test_what_was_scored_by_other_rules_does_not_compare(changes: dict[str, Any], reason: str) -> None:
    rows = handmade.scores(4)
    with pytest.raises(SettingsError, match=f"first and second do not compare: .*{reason}"):
        compare(source(rows), source(rows, "second", **changes))


def test_other_clips_do_not_compare() -> None:
    rows = handmade.scores(4)
    first = source(rows)
    renamed = source([replace(row, clip_id=f"other-{row.clip_id}") for row in rows], "second")
    assert "no clip in common" in unlike(first, renamed)
    rerecorded = replace(source(rows, "second"), hashes={**first.hashes, "clip-02": "another"})
    assert "clip 'clip-02' of the same name are other recordings" in unlike(first, rerecorded)
    reworded = source([replace(row, reference="x") if row.clip_id == "clip-01" else row for row in rows], "second")
    assert "references of clip 'clip-01' differ" in unlike(first, reworded)
    assert unlike(first, source(rows, "second")) == ""


ERRORS = st.lists(st.integers(0, 12), min_size=6, max_size=9)


@settings(max_examples=25, deadline=None)
@given(ERRORS, st.randoms(use_true_random=False))
def test_swapping_candidate_and_incumbent_mirrors_everything(new: list[int], chance: Any) -> None:
    old = list(new)
    chance.shuffle(old)
    rows = [replace(score, slices={"side": "ab"[int(score.clip_id[1:]) % 2]}) for score in pair(new, old)]
    one, other = (compare(plain(rows), candidate=name, prefix="acc.wer.en", tolerated=0.01) for name in ("new", "old"))
    assert len(one.rows) == len(other.rows)
    for mine, theirs in zip(one.rows, other.rows, strict=True):
        assert (mine.slice, mine.row.metric, mine.row.p_holm) == (theirs.slice, theirs.row.metric, theirs.row.p_holm)
        for name, mirror in (("difference", "difference"), ("ci_lo", "ci_hi"), ("ci_hi", "ci_lo")):
            left, right = getattr(mine.row, name), getattr(theirs.row, mirror)
            assert left == (None if right is None else pytest.approx(-right))
        assert mine.verdict == MIRROR.get(theirs.verdict, theirs.verdict)
        if mine.row.label is not None and theirs.row.ci_lo is not None and theirs.row.ci_hi is not None:
            assert mine.row.label == non_inferiority(-theirs.row.ci_hi, -theirs.row.ci_lo, 0.01)
    assert [gap.difference for gap in one.lost] == [-gap.difference for gap in other.won]


@settings(max_examples=15, deadline=None)
@given(ERRORS)
def test_equal_systems_are_neither_better_nor_worse(errors: list[int]) -> None:
    found = compare(plain(pair(errors, errors)))
    assert not {"better", "worse"} & {one.verdict for one in found.rows}
    assert not {"superior", "inferior", "non_inferior_but_worse", "worse_inconclusive"} & {
        one.row.label for one in found.rows
    }
    assert found.lost == found.won == ()
    assert not any(one.dominated_by for one in found.standings)
