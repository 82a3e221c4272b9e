from dataclasses import replace

import numpy as np
import pytest

from evalkit.scoring.sliced import METRICS
from evalkit.stats import summarise
from evalkit.stats.slices import divided, gap_rows, keys, slice_gaps, thin
from evalkit.types import Score
from tests.rows import WER, figure, row


def accents() -> list[Score]:
    chance = np.random.default_rng(2)
    return [
        row(f"c{k}", route="rest", errors=int(chance.poisson(rate)), cluster=f"s{k // 4}", slices={"accent": accent})
        for k, (accent, rate) in enumerate([("plain", 2.0)] * 80 + [("hard", 8.0)] * 40)
    ]


def test_the_worst_slice_stands_out() -> None:
    found = slice_gaps(accents(), "new", "rest", "accent", metric=WER)
    assert found.worst
    assert found.worst.name == "hard"
    assert found.worst.gap == pytest.approx(found.worst.rate - found.pooled)  # type: ignore[operator]
    assert found.worst.p_holm is not None
    assert found.worst.p is not None
    assert found.worst.p <= found.worst.p_holm < 0.001
    assert found.macro == pytest.approx(np.mean([one.rate for one in found.slices]))
    assert [one.n_clips for one in found.slices] == [40, 80]


def test_slices_without_support_are_left_out_and_a_missing_tag_is_unknown() -> None:
    rare = [row(f"r{k}", route="rest", errors=40, slices={"accent": "rare"}) for k in range(19)]
    bare = [replace(score, slices={}) for score in accents()[:40]]
    found = slice_gaps([*accents()[40:], *bare, *rare], "new", "rest", "accent", metric=WER)
    assert {one.name for one in found.slices} == {"hard", "plain", "unknown"}
    assert slice_gaps([], "new", "rest", "accent", metric=WER).worst is None


def test_a_slice_that_is_everything_has_no_gap() -> None:
    found = slice_gaps(accents(), "new", "rest", "noise", metric=WER)
    assert found.worst
    assert (found.worst.name, found.worst.gap, found.worst.p_holm) == ("unknown", 0.0, None)


def test_the_summary_holds_the_worst_slice_and_the_mean_of_slices() -> None:
    found = summarise(accents())
    gaps = slice_gaps(accents(), "new", "rest", "accent", metric=WER)
    assert gaps.worst
    worst, mean = (figure(found, f"acc.slice.en.{name}", "accent") for name in ("worst_gap", "macro"))
    assert (worst.value, worst.ci_lo, worst.ci_hi) == (gaps.worst.gap, gaps.worst.lo, gaps.worst.hi)
    assert worst.note.startswith("accent=hard, 40 clips and 2000 words; p = ")
    assert worst.note.endswith("adjusted for 2 slices")
    assert (mean.value, mean.status, mean.note) == (gaps.macro, "ok", "mean of 2 slices")
    assert {row.metric for row in found if row.slice == "accent"} <= {metric.id for metric in METRICS}


def test_a_tag_that_divides_nothing_has_no_worst_slice() -> None:
    assert gap_rows([replace(score, slices={"accent": "plain"}) for score in accents()]) == []


def test_where_reference_times_come_from_is_a_slice_when_the_corpus_has_several() -> None:
    one = [replace(score, slices={"times_source": "aligner"}) for score in accents()[:2]]
    assert list(divided(one)) == []
    two = [one[0], replace(one[1], slices={"times_source": "by hand"})]
    assert [name for name, _ in divided(two)] == ["times_source=aligner", "times_source=by hand"]
    assert gap_rows(two) == []
    assert list(keys([one[0], replace(one[1], slices={})])) == ["times_source"]


def test_better_in_every_slice_and_worse_pooled() -> None:
    """A pooled comparison of different mixes misleads; the mean of slices does not."""
    easy, hard = {"noise": "easy"}, {"noise": "hard"}

    def mixed(clean: int, noisy: int, wrong: tuple[int, int]) -> list[Score]:
        first = [row(f"e{k}", errors=wrong[0], cluster=f"s{k % 6}", slices=easy) for k in range(clean)]
        return first + [row(f"h{k}", errors=wrong[1], cluster=f"s{k % 6}", slices=hard) for k in range(noisy)]

    worse, better = (
        slice_gaps(scores, "new", "streaming", "noise", metric=WER)
        for scores in (mixed(95, 20, (1, 10)), mixed(20, 95, (0, 8)))
    )
    assert worse.pooled is not None
    assert better.pooled is not None
    assert worse.pooled < better.pooled
    assert worse.macro is not None
    assert better.macro is not None
    assert worse.macro > better.macro


def test_only_word_counts_need_five_hundred_words() -> None:
    blank = figure(summarise([row(f"c{k}", words=20) for k in range(22)]), WER)
    assert thin(blank) == "only 440 of 500 words"
    assert thin(replace(blank, metric="acc.wer.en.perfect")) == ""
    assert thin(replace(blank, metric="lat.ttfs.p50", n_clips=3)) == "only 3 of 20 clips"
