"""Hugging Face datasets from disk, without torch."""

import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from evalkit import corpora
from evalkit.errors import CorpusError
from tests.conftest import OPEN

CLIP = OPEN / "audio" / "prompt-agent-pass.flac"


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "calls").mkdir()
    return tmp_path / "calls"


def test_parquet_with_audio_inside(folder: Path) -> None:
    audio = {"bytes": CLIP.read_bytes(), "path": "a.flac"}
    rows = {"audio": [audio], "transcription": ["please enter"], "speaker_id": ["ann"], "accent": ["us"]}
    pd.DataFrame(rows).to_parquet(folder / "train.parquet")
    (clip,) = corpora.load(folder)
    assert (clip.text, clip.cluster, clip.tags) == ("please enter", "ann", {"accent": "us"})
    assert corpora.audio(clip).duration_s == pytest.approx(3.285, abs=0.01)


def test_an_audiofolder(folder: Path) -> None:
    shutil.copy(CLIP, folder / "a.flac")
    (folder / "metadata.csv").write_text("file_name,text\na.flac,please enter\n")
    (clip,) = corpora.load(folder)
    assert clip.text == "please enter"
    assert Path(clip.path) == folder / "a.flac"
    assert "torch" not in sys.modules
    assert "torchcodec" not in sys.modules


def test_a_missing_reference_column_is_named(folder: Path) -> None:
    pd.DataFrame({"audio": [{"bytes": CLIP.read_bytes(), "path": "a.flac"}], "said": ["x"]}).to_parquet(
        folder / "train.parquet"
    )
    with pytest.raises(CorpusError, match=r"no column holds the reference.*said"):
        corpora.load(folder)


def test_a_folder_with_neither_says_what_to_do(folder: Path) -> None:
    with pytest.raises(CorpusError, match="write a manifest"):
        corpora.load(folder)
