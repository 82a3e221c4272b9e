"""The same clips clean and degraded, compared pair by pair."""

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as oracle

from evalkit.scoring import robustness as figures
from evalkit.stats import slices
from evalkit.stats.conditions import Robustness, robustness, snr_of
from evalkit.stats.decisions import holm
from evalkit.types import Kind, Route, Score

METRIC = "acc.wer.en"
WORDS = 100
SWEEP = {20: 6, 15: 7, 10: 10, 5: 16, 0: 30}
"""Errors in a hundred words of the worked case, whose clean rate is 5 %."""


def row(
    clip_id: str,
    errors: int,
    *,
    condition: str = "clean",
    source: str = "",
    provider: str = "new",
    route: Route = "rest",
    failure: str | None = None,
    kind: Kind = "speech",
    cluster: str = "",
) -> Score:
    counts = {
        f"{METRIC}.{name}": float(value)
        for name, value in (
            ("hits", WORDS - errors), ("substitutions", errors), ("deletions", 0), ("insertions", 0),
        )
    }  # fmt: skip
    return Score(
        clip_id=clip_id,
        provider=provider,
        route=route,
        evidence="simulated",
        kind=kind,
        cluster=cluster or source or clip_id,
        language="en",
        slices={"condition": condition, "source": source or clip_id},
        audio_s=10.0,
        attempts=1,
        failure=failure,
        counts=counts if kind == "speech" else {},
        values={},
        absent={},
        pacing=None,
        reference="",
        hypothesis="",
    )


def worse(source: str, condition: str, errors: int, **rest: Any) -> Score:
    return row(f"{source}@{condition}", errors, condition=condition, source=source, **rest)


def swept(provider: str = "new", extra: int = 0) -> list[Score]:
    return [
        *(row(f"c{k}", 5, provider=provider) for k in range(6)),
        *(
            worse(f"c{k}", f"noise-{snr}dB", errors + extra, provider=provider)
            for snr, errors in SWEEP.items()
            for k in range(6)
        ),
    ]


def only(scores: list[Score]) -> Robustness:
    (found,) = robustness(scores)
    return found


def test_the_worked_case_as_a_run() -> None:
    found = only(swept())
    sweep = found.noise
    assert sweep is not None
    assert found.noise_clips == 6
    assert list(found.noise_snr_db) == [0, 5, 10, 15, 20]
    assert sweep.slope_per_db == pytest.approx(-0.0114)
    assert sweep.doubling_snr_db == pytest.approx(10)
    assert sweep.mean_excess == pytest.approx(0.0775)
    assert sweep.monotone
    assert {loss.condition: loss.relative for loss in found.conditions} == pytest.approx(
        {"noise-20dB": 0.2, "noise-15dB": 0.4, "noise-10dB": 1.0, "noise-5dB": 2.2, "noise-0dB": 5.0}
    )


ERRORS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), min_size=6, max_size=12)


@given(ERRORS, st.randoms())
def test_the_interval_is_that_of_the_paired_differences(errors: list[tuple[int, int]], chance: Random) -> None:
    rows = [row(f"c{k}", clean) for k, (clean, _) in enumerate(errors)]
    rows += [worse(f"c{k}", "mulaw", hard) for k, (_, hard) in enumerate(errors)]
    chance.shuffle(rows)
    (loss,) = only(rows).conditions
    differences = np.array([hard - clean for clean, hard in errors]) / WORDS
    assert loss.excess == pytest.approx(differences.mean())
    assert (loss.n_clips, loss.n_clusters, loss.n_words) == (len(errors), len(errors), WORDS * len(errors))
    if np.ptp(differences) > 0:
        # With equal words per clip the pooled ratio is a mean, and its interval that of Student.
        interval = oracle.ttest_1samp(differences, 0).confidence_interval()
        assert (loss.ci_lo, loss.ci_hi) == pytest.approx((interval.low, interval.high))


def test_p_values_are_adjusted_for_the_number_of_conditions() -> None:
    rows = [row(f"c{k}", 5) for k in range(8)]
    rows += [worse(f"c{k}", "mulaw", 5 + k) for k in range(8)]
    rows += [worse(f"c{k}", "loss-3pc", 5 + (k % 2)) for k in range(8)]
    rows += [worse(f"c{k}", "gain--20dB", 5) for k in range(8)]
    found = {loss.condition: loss for loss in only(rows).conditions}
    p_values = [loss.p for loss in found.values()]
    assert [loss.p_holm for loss in found.values()] == holm([p for p in p_values if p is not None])
    assert found["mulaw"].p == 2 / 2**7
    assert (found["gain--20dB"].excess, found["gain--20dB"].p) == (0.0, 1.0)
    assert not found["mulaw"].supported


def test_a_refused_format_is_a_failure_and_no_word_error() -> None:
    rows = [row(f"c{k}", 5, failure="unavailable: lost" if k == 0 else None) for k in range(6)]
    rows += [worse(f"c{k}", "opus-12k", 9, failure="refused: what is this" if k == 1 else None) for k in range(6)]
    rows += [worse(f"c{k}", "mp3-32k", 100, failure="refused: what is this") for k in range(6)]
    opus, mp3 = only(rows).conditions
    assert (opus.n_clips, opus.failed) == (4, 2)
    assert opus.excess == pytest.approx(0.04)
    assert (opus.ci_lo, opus.n_clusters) == (None, 4)
    assert (mp3.n_clips, mp3.failed, mp3.rate, mp3.excess, mp3.p, mp3.p_holm) == (0, 6, None, None, None, None)


def test_a_sweep_is_over_the_clips_that_every_ratio_has() -> None:
    rows = swept()
    rows += [row("hard", 50), worse("hard", "noise-20dB", 90)]
    found = only(rows)
    assert found.noise_clips == 6
    assert found.noise == only(swept()).noise
    # Its own condition counts the clip all the same.
    assert found.conditions[0].n_clips == 7
    assert only([row("c", 5), worse("c", "noise-10dB", 9)]).noise is None


def test_hard_audio_cancels_out_against_the_incumbent() -> None:
    mine, theirs = swept("new", extra=3), swept("old")
    new, old = robustness([*mine, *theirs], incumbent="old")
    assert [loss.effective for loss in new.conditions] == pytest.approx([0.03] * 5)
    assert {loss.effective for loss in old.conditions} == {None}
    # A clip that only one of them answered proves nothing about the other.
    lone = [row("c9", 0, provider="new"), worse("c9", "noise-20dB", 100, provider="new")]
    assert robustness([*mine, *lone, *theirs], incumbent="old")[0].conditions[0].effective == pytest.approx(0.03)
    assert robustness(mine, incumbent="nobody")[0].conditions[0].effective is None


def test_routes_are_kept_apart_and_clips_without_a_clean_one_left_out() -> None:
    rows = [row("c", 5), worse("c", "mulaw", 8), row("c", 5, route="streaming"), worse("d", "mulaw", 8)]
    found = robustness(rows)
    assert [(one.route, one.conditions[0].n_clips) for one in found] == [("rest", 1)]
    quiet = [row("q", 0, kind="nonspeech"), worse("q", "mulaw", 0, kind="nonspeech")]
    assert robustness(quiet) == robustness([]) == []


def test_relative_loss_needs_errors_to_begin_with() -> None:
    (loss,) = only([row("c", 0), worse("c", "mulaw", 8)]).conditions
    assert loss.relative is None
    assert loss.excess == pytest.approx(0.08)


def test_the_ratio_is_read_from_the_name() -> None:
    assert [snr_of(name) for name in ("noise-10dB", "noise--5dB", "noise-2.5dB")] == [10, -5, 2.5]
    assert snr_of("mulaw") is snr_of("noise-10") is snr_of("pink noise-10dB") is None


def test_figures_are_those_of_the_formulas() -> None:
    sweep = only(swept()).noise
    assert sweep == figures.degradation(sorted(SWEEP), [SWEEP[snr] / 100 for snr in sorted(SWEEP)], 0.05)


def test_conditions_are_slices_and_sources_are_not() -> None:
    assert list(slices.keys(swept())) == ["condition"]
