"""What a checklist reads of a run."""

from dataclasses import replace
from pathlib import Path

from tests.product import NAME, TODAY, manifest, material, write_faults


def test_the_hash_of_settings_changes_with_everything_that_changes_a_figure(tmp_path: Path) -> None:
    plain = material(tmp_path)
    others = [
        {**plain.manifest, "sample_rate_hz": 8000},
        {**plain.manifest, "scoring": {"version": "2"}},
        {**plain.manifest, "evalkit": "0.2.0"},
        manifest(engine="moonshine"),
    ]
    hashes = {replace(plain, manifest=other).config("rest") for other in others}
    assert plain.config("rest") not in hashes
    assert len(hashes) == len(others)
    assert plain.config("rest") == plain.config("streaming")
    assert plain.config(None) != plain.config("rest")


def test_what_stands_in_the_manifest(tmp_path: Path) -> None:
    plain = material(tmp_path)
    assert (plain.candidate, plain.evidence, plain.date) == (NAME, "live", "2026-11-20")
    assert len(plain.mine("rest")) == 1
    assert plain.row("agent", "acc.wer.en") is None


def test_trials_are_those_beside_the_run(tmp_path: Path) -> None:
    assert material(tmp_path).trials == []
    write_faults(tmp_path, 3)
    made = material(tmp_path)
    assert len(made.trials) == 6
    assert len(made.trials_date) == len(TODAY.isoformat())
