"""A recorded run, scored again: numbers only change together with ``scoring.VERSION``."""

import shutil
from pathlib import Path

import pandas as pd

from evalkit import manifest, runs, scoring
from evalkit.store import Store

RECORDED = Path(__file__).parent / "traces" / "demo"
"""Six clips of the demo corpus over both routes to both embedded recognisers; `scores.csv` is what they came to."""


def test_the_scores_of_a_recorded_run_stay_what_they_were(tmp_path: Path) -> None:
    """On purpose? Then raise ``scoring.VERSION`` and write the new scores: ``evalkit score tests/traces/demo``."""
    folder = tmp_path / "demo"
    shutil.copytree(RECORDED, folder)
    results = runs.score(folder)
    assert len(results.scores) == 24
    assert Store(RECORDED).manifest()["scoring"]["version"] == scoring.VERSION
    before, after = (pd.read_csv(path / "scores.csv") for path in (RECORDED, folder))
    pd.testing.assert_frame_equal(after, before)


def test_profiles_are_those_the_recorded_scores_were_made_with() -> None:
    assert manifest.yardstick() == Store(RECORDED).manifest()["scoring"]
