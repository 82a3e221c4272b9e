"""Every notebook runs from top to bottom on a small run, and is stored without outputs."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from evalkit import runs

HERE = Path(__file__).parent
NOTEBOOKS = sorted((HERE.parent / "notebooks").glob("*.ipynb"))


def opened(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call,no-any-return]


def recorded(folder: Path) -> Path:
    """A real run, scored here, with the sound of its clips where they are."""
    shutil.copytree(HERE / "traces" / "demo", folder)
    clips = folder / "clips.jsonl"
    sound = HERE.parent / "datasets" / "open" / "audio"
    clips.write_text(clips.read_text("utf-8").replace('"path":"audio/', f'"path":"{sound}/'), "utf-8")
    return runs.score(folder).folder


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell succeeds, and what a reader came for is drawn."""
    monkeypatch.setenv("EVALKIT_RUN", str(recorded(tmp_path / "demo")))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    book = opened(path)
    NotebookClient(book, timeout=600, startup_timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    shown = [output.get("data", {}) for cell in book.cells for output in cell.get("outputs", [])]
    page = "".join(data.get("text/html", "") for data in shown)
    assert "Too few data to compare the word errors" in page, "the verdict of six clips"
    assert "<audio" in page
    assert "<svg" in page
    assert "<del" in page
    assert "utterance_final" in page
    assert "and so my fellow americans" in page, "the system of the reader's own has answered"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_no_outputs(path: Path) -> None:
    """Outputs would age and bloat the history."""
    for cell in opened(path).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
