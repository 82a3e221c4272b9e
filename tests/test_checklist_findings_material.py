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


def test_what_a_replay_tells_is_as_old_as_its_recording(tmp_path: Path) -> None:
    told = manifest()
    told["providers"][NAME]["replay"] = {"of": "calls", "evidence": "recorded", "speed": 1.0}
    assert replace(material(tmp_path), manifest=told).date == "2026-11-20", "nobody says how old"
    told["providers"][NAME]["replay"]["recorded_at"] = "2024-02-03T04:05:06+00:00"
    assert replace(material(tmp_path), manifest=told).date == "2024-02-03"
