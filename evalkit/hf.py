"""Corpora from Hugging Face ``datasets``: a folder on disk or a name on the hub.

Audio stays undecoded (``Audio(decode=False)``) and is read by soundfile, so neither torch nor torchcodec is needed.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import datasets

from evalkit import corpora
from evalkit.errors import CorpusError
from evalkit.types import Clip

_TEXT = ("text", "transcription", "transcript", "sentence", "normalized_text", "reference")
_CLUSTER = ("cluster", "speaker_id", "speaker", "client_id")
_LANGUAGE = ("language", "locale", "lang")
_ID = ("id", "utterance_id", "file_name")


def load_folder(folder: Path) -> corpora.Corpus:
    """A corpus from a folder of parquet files or an audiofolder (audio beside ``metadata.csv`` or ``.jsonl``).

    Raises:
        CorpusError: the folder holds neither, or a row is wrong.
    """
    if parquet := sorted(str(path) for path in folder.rglob("*.parquet")):
        return _corpus(folder.name, folder, _load(str(folder), "parquet", "train", data_files=parquet))
    for builder, ending in (("csv", "csv"), ("json", "jsonl")):
        # Not the `audiofolder` builder: it imports torchcodec merely to note a path.
        if files := sorted(str(path) for path in folder.rglob(f"metadata.{ending}")):
            rows = _load(str(folder), builder, "train", data_files=files[0])
            if "file_name" not in rows.features:
                raise CorpusError(f"{files[0]}:1: has no column `file_name`")
            root = Path(files[0]).parent
            located = [{"path": str(root / name), "bytes": None} for name in rows["file_name"]]
            return _corpus(folder.name, folder, rows.add_column("audio", located))
    raise CorpusError(
        f"{folder}: holds neither {corpora.MANIFEST} nor parquet files nor an audiofolder with metadata.csv; "
        "write a manifest (datasets/README.md) or a CSV file with the columns path,text"
    )


def load_hub(name: str) -> corpora.Corpus:
    """A corpus from ``NAME[:SPLIT]`` on the hub; the split defaults to ``test``."""
    name, _, split = name.partition(":")
    return _corpus(name.replace("/", "--"), Path(name), _load(f"hf:{name}", name, split or "test"))


def _load(where: str, builder: str, split: str, **options: Any) -> datasets.Dataset:
    try:
        return datasets.load_dataset(builder, split=split, **options)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise CorpusError(f"{where}: Hugging Face datasets cannot load it ({reason})") from error


def _corpus(name: str, source: Path, rows: datasets.Dataset) -> corpora.Corpus:
    audio = next((key for key, feature in rows.features.items() if isinstance(feature, datasets.Audio)), None)
    audio = audio or ("audio" if "audio" in rows.features else None)
    if audio is None:
        raise CorpusError(f"{source}: no column holds audio (columns: {', '.join(rows.features)})")
    rows = rows.cast_column(audio, datasets.Audio(decode=False))
    text = next((key for key in _TEXT if key in rows.features), None)
    if text is None:
        raise CorpusError(
            f"{source}: no column holds the reference; name it `text` (columns: {', '.join(rows.features)})"
        )
    return corpora.assemble(name, source, _clips(source, rows, audio, text))


def _clips(source: Path, rows: Iterable[Mapping[str, Any]], audio: str, text: str) -> Iterable[Clip]:
    for number, row in enumerate(rows, start=1):
        where = f"{source} row {number}"
        path = _file(row[audio], where)
        fields = {
            "path": path.name,
            "id": _first(row, _ID) or f"{number:06d}",
            "text": row[text],
            "cluster": _first(row, _CLUSTER),
            "language": _first(row, _LANGUAGE),
            "tags": {
                key: value
                for key, value in row.items()
                if isinstance(value, str)
                and value
                and key not in (text, *_ID, *_CLUSTER, *_LANGUAGE)
                and len(value) < 64
            },
        }
        yield corpora.clip_of(fields, path.parent, where)


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((str(row[name]) for name in names if row.get(name) not in (None, "")), None)


def _file(value: Mapping[str, Any], where: str) -> Path:
    """The audio as a file: where it stands on disk, or a copy in the cache when the dataset carries it inside."""
    content, path = value.get("bytes"), value.get("path")
    if content is None:
        if path is None or not Path(path).is_file():
            raise CorpusError(f"{where}: its audio {path!r} is not on disk")
        return Path(path)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "evalkit" / "audio"
    cache.mkdir(parents=True, exist_ok=True)
    copy = cache / (hashlib.sha256(content).hexdigest() + (Path(path).suffix if path else ".wav"))
    if not copy.is_file():
        partial = copy.with_suffix(f".{os.getpid()}.part")
        partial.write_bytes(content)
        partial.replace(copy)
    return copy
