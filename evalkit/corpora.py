"""Corpora: named sets of clips with references, from a manifest, a CSV file or a Hugging Face dataset.

The manifest schema is documented in ``datasets/README.md``. Every problem is a ``CorpusError`` that names the file
and the line.
"""

import csv
import difflib
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import soundfile

from evalkit import audio as sound
from evalkit.errors import CorpusError
from evalkit.types import Audio, Clip, Kind, Turn, Word

_CALLED: Mapping[str, tuple[str, ...]] = {
    "path": ("path", "file", "filename", "file_name", "audio", "audio_path", "wav"),
    "text": ("text", "transcript", "transcription", "sentence", "reference", "normalized_text"),
}
MANIFEST = "manifest.jsonl"
SHIPPED = Path(__file__).resolve().parent.parent / "datasets"

_FIELDS = {
    "id", "path", "sha256", "duration_s", "sample_rate_hz", "channels", "language", "kind", "cluster", "tags",
    "text", "words", "times_source", "turns", "licence", "origin",
}  # fmt: skip
_KINDS = ("speech", "nonspeech")


@dataclass(frozen=True, repr=False)
class Corpus:
    """A named set of clips, in manifest order."""

    name: str
    clips: tuple[Clip, ...]
    source: Path
    """The manifest, CSV file or dataset folder the clips came from."""

    def __getitem__(self, clip_id: str) -> Clip:
        for clip in self.clips:
            if clip.id == clip_id:
                return clip
        near = difflib.get_close_matches(clip_id, [clip.id for clip in self.clips], n=1)
        raise CorpusError(f"{self.source}: has no clip {clip_id!r}" + (f"; did you mean {near[0]!r}?" if near else ""))

    def __repr__(self) -> str:
        return f"<Corpus {self.name!r}: {len(self)} clips, {self.duration_s:.0f} s, {self.source}>"

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def duration_s(self) -> float:
        return sum(clip.duration_s for clip in self.clips)

    @cached_property
    def sha256(self) -> str:
        """A digest of every clip, audio and reference, in order: two runs are comparable when it is equal."""
        lines = (json.dumps(record(clip), sort_keys=True, ensure_ascii=False) for clip in self.clips)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def load(where: str | Path) -> Corpus:
    """Load a corpus and check that every audio file is there and unchanged.

    Args:
        where: the name of a folder under ``datasets/`` (``demo``, ``open``), a folder holding ``manifest.jsonl``,
            a ``.jsonl`` or ``.csv`` file, a folder that Hugging Face ``datasets`` can read (parquet, audiofolder),
            or ``hf:NAME[:SPLIT]`` for a dataset of its hub.

    Raises:
        CorpusError: nothing is there, a line is wrong, a file is missing, undecodable or not the pinned one.
    """
    if str(where).startswith("hf:"):
        from evalkit import hf  # imports `datasets`, which takes seconds

        return hf.load_hub(str(where)[3:])
    path = _find(Path(where))
    if path.is_dir():
        from evalkit import hf

        return hf.load_folder(path)
    rows = _csv_rows(path) if path.suffix == ".csv" else _manifest_rows(path)
    name = path.parent.name if path.name == MANIFEST else path.stem
    return assemble(name, path, [clip_of(row, path.parent, f"{path}:{number}") for number, row in rows])


def assemble(name: str, source: Path, clips: Iterable[Clip]) -> Corpus:
    """A corpus of ``clips``, refusing an empty one and a repeated id."""
    clips = tuple(clips)
    if not clips:
        raise CorpusError(f"{source}: holds no clips")
    seen: set[str] = set()
    for clip in clips:
        if clip.id in seen:
            raise CorpusError(f"{source}: clip id {clip.id!r} stands there twice; ids must be unique")
        seen.add(clip.id)
    return Corpus(name, clips, source)


def audio(clip: Clip, *, sample_rate_hz: int | None = None) -> Audio:
    """The sound of a clip; the reference stays behind.

    Raises:
        CorpusError: the file is missing, undecodable or no longer the pinned one.
    """
    _check_hash(Path(clip.path), clip.sha256, clip.id)
    return sound.read(clip.path, sample_rate_hz=sample_rate_hz)


def _find(where: Path) -> Path:
    """The manifest or CSV file, or the folder of a Hugging Face dataset, that ``where`` means."""
    candidates = [where]
    if len(where.parts) == 1 and not where.is_absolute():
        candidates = [Path("datasets") / where, SHIPPED / where, where]
    for candidate in candidates:
        if (candidate / MANIFEST).is_file():
            return (candidate / MANIFEST).resolve()
        if candidate.is_file() and candidate.suffix in (".jsonl", ".csv"):
            return candidate.resolve()
    for candidate in candidates:
        if candidate.is_dir():
            return candidate.resolve()
    if where.is_file():
        raise CorpusError(
            f"{where}: a corpus is a .jsonl manifest, a .csv file or a folder, not {where.suffix or 'this'}"
        )
    raise CorpusError(f"{where}: no such corpus; give a folder with {MANIFEST}, a .csv file, or one of {_shipped()}")


def _shipped() -> str:
    names = {path.parent.name for root in (Path("datasets"), SHIPPED) for path in root.glob(f"*/{MANIFEST}")}
    return ", ".join(sorted(names)) or "hf:NAME"


def _manifest_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    # Not splitlines(): a JSON string may hold the other line ends of Unicode.
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=_no_number)
        except json.JSONDecodeError as error:
            raise CorpusError(f"{path}:{number}: not JSON ({error.msg} at column {error.colno})") from error
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{path}:{number}: not JSON ({error})") from error
        if not isinstance(row, dict):
            raise CorpusError(f"{path}:{number}: a manifest line is a JSON object, not {type(row).__name__}")
        yield number, row


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of ``path,text[,speaker,cluster,language,...]``; columns that are no manifest field become tags."""
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        header = _fields(reader.fieldnames or ())
        if "path" not in header:
            told = f"{path}:1: the header needs a column `path`, and `text` for what was said, parted by commas"
            raise CorpusError(f"{told} (found: {', '.join(header) or 'nothing'})")
        if len(set(header)) < len(header):
            raise CorpusError(f"{path}:1: a column stands there twice ({', '.join(header)})")
        reader.fieldnames = header
        for row in reader:
            if None in row or None in row.values():
                raise CorpusError(
                    f"{path}:{reader.line_num}: has {'more' if None in row else 'fewer'} cells than the header"
                )
            fields: dict[str, Any] = {key: value for key, value in row.items() if key in _FIELDS and value != ""}
            if "text" in row and (row["text"] or fields.get("kind") == "nonspeech"):
                fields["text"] = row["text"]
            fields.setdefault("cluster", row.get("speaker") or "")
            fields["tags"] = {key: value for key, value in row.items() if key not in _FIELDS | {"speaker"} and value}
            yield reader.line_num, fields
    except csv.Error as error:
        raise CorpusError(f"{path}:{reader.line_num}: not CSV ({error})") from error


def _fields(header: Iterable[str]) -> list[str]:
    """The columns of a CSV file by our names: what people call a recording and what was said in it is understood."""
    names = [name.strip() for name in header]
    for ours, theirs in _CALLED.items():
        if ours not in names:
            found = next((name for name in names if name.lower() in theirs), None)
            names = [ours if name == found else name for name in names]
    return names


def clip_of(row: Mapping[str, Any], folder: Path, where: str) -> Clip:
    """The clip that a manifest line, standing at ``where``, describes; paths are relative to ``folder``.

    Raises:
        CorpusError: names ``where`` and what is wrong there.
    """
    if "corpus" in row:
        return _borrowed(row, folder, where)
    if unknown := sorted(set(row) - _FIELDS):
        near = difflib.get_close_matches(unknown[0], _FIELDS, n=1)
        raise CorpusError(f"{where}: unknown field {unknown[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    for name in ("id", "text", "language", "cluster", "licence", "origin", "times_source"):
        value = row.get(name)
        if value is not None and not (isinstance(value, str) and _encodable(value)):
            raise CorpusError(f"{where}: {name} must be a string of valid Unicode, not {str(value)[:40]!r}")
    path = _audio_path(row.get("path"), folder, where)
    kind: Kind = row.get("kind", "speech")
    if kind not in _KINDS:
        raise CorpusError(f"{where}: kind is {kind!r}; it must be speech or nonspeech")
    tags = row.get("tags", {})
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise CorpusError(f"{where}: tags must be an object of strings")
    clip_id = str(row.get("id") or Path(row["path"]).with_suffix("").as_posix())
    sha256 = _check_hash(path, row.get("sha256"), where)
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip().rstrip(".")
        raise CorpusError(f"{where}: {path} cannot be decoded ({reason}); convert it to WAV or FLAC") from error
    if info.frames == 0:
        raise CorpusError(f"{where}: {path} holds no audio (zero samples)")
    try:
        words, turns = _words(row), _turns(row)
    except (KeyError, TypeError, ValueError) as error:
        raise CorpusError(f"{where}: words and turns need text/speaker and numbers start_s, end_s ({error})") from error
    return Clip(
        id=clip_id,
        path=str(path),
        sha256=sha256,
        duration_s=round(info.frames / info.samplerate, 6),
        sample_rate_hz=info.samplerate,
        channels=info.channels,
        reference=_reference(row.get("text"), words),
        turns=turns,
        language=row.get("language"),
        cluster=str(row.get("cluster") or clip_id),
        tags=tags,
        kind=kind,
        licence=str(row.get("licence", "")),
        origin=str(row.get("origin", "")),
        times_source=row.get("times_source"),
    )


def _borrowed(row: Mapping[str, Any], folder: Path, where: str) -> Clip:
    """A line ``{"corpus": NAME, "id": ID}``: a clip of the corpus beside this one, so that nothing is stored twice."""
    name, clip_id = row["corpus"], row.get("id")
    other = folder.parent / str(name) / MANIFEST
    if set(row) != {"corpus", "id"} or Path(str(name)).name != name or not other.is_file():
        raise CorpusError(
            f'{where}: a borrowed clip is {{"corpus": NAME, "id": ID}} with NAME a folder beside this one'
        )
    for number, found in _manifest_rows(other):
        if found.get("id") == clip_id:
            if "corpus" in found:
                raise CorpusError(f"{where}: {name}/{clip_id} is borrowed itself; name the corpus that holds it")
            return clip_of(found, other.parent, f"{other}:{number}")
    raise CorpusError(f"{where}: corpus {name!r} has no clip {clip_id!r}")


def _audio_path(value: Any, folder: Path, where: str) -> Path:
    if not isinstance(value, str) or not value:
        raise CorpusError(f"{where}: the field `path` is missing")
    path = Path(value)
    if path.is_absolute() or ".." in path.parts:
        raise CorpusError(f"{where}: path {value!r} leaves the corpus folder; keep audio beside the manifest")
    path = folder / path
    try:
        if path.is_file():
            return path
    except (OSError, ValueError) as error:
        raise CorpusError(f"{where}: {str(path)[:200]} is no usable path ({error})") from error
    raise CorpusError(f"{where}: {path} does not exist")


def _check_hash(path: Path, expected: str | None, where: str) -> str:
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CorpusError(f"{where}: {path} cannot be read ({error.strerror})") from error
    if expected is not None and actual != expected:
        raise CorpusError(
            f"{where}: {path} has sha256 {actual[:12]}…, the manifest says {str(expected)[:12]}…; "
            "restore the file, or update the manifest if the change is meant"
        )
    return actual


def _words(row: Mapping[str, Any]) -> tuple[Word, ...]:
    return tuple(
        Word(str(word["text"]), *_span(word, missing=None), _speaker(word), _channel(word))
        for word in row.get("words") or ()
    )


def _turns(row: Mapping[str, Any]) -> tuple[Turn, ...] | None:
    if row.get("turns") is None:
        return None
    return tuple(Turn(str(turn["speaker"]), *_span(turn, missing=-1.0), _channel(turn)) for turn in row["turns"])


def _span(item: Mapping[str, Any], *, missing: Any) -> tuple[Any, Any]:
    start_s, end_s = (item.get(name, missing) for name in ("start_s", "end_s"))
    for value in (start_s, end_s):
        if value is not None and not (isinstance(value, int | float) and 0 <= value < 1e7):
            raise ValueError(f"{value!r} is no time in seconds")
    if start_s is not None and end_s is not None and end_s < start_s:
        raise ValueError(f"it ends at {end_s:g} before it starts at {start_s:g}")
    return start_s, end_s


def _speaker(item: Mapping[str, Any]) -> str | None:
    speaker = item.get("speaker")
    if speaker is not None and not isinstance(speaker, str):
        raise ValueError(f"speaker {speaker!r} is no string")
    return speaker


def _channel(item: Mapping[str, Any]) -> int | None:
    channel = item.get("channel")
    if channel is not None and (not isinstance(channel, int) or not 0 <= channel < 64):
        raise ValueError(f"channel {channel!r} is no channel number")
    return channel


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _reference(text: str | None, timed: tuple[Word, ...]) -> tuple[Word, ...] | None:
    """The words of ``text`` with the times, speakers and channels of ``timed`` where the two run in step.

    ``text`` is what was said; ``timed`` only says when and by whom, so a correction to the text needs no other edit.
    """
    if text is None:
        return timed or None
    tokens = text.split()
    words = [Word(token) for token in tokens]
    matcher = difflib.SequenceMatcher(None, [_bare(t) for t in tokens], [_bare(w.text) for w in timed], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal" or (tag == "replace" and i2 - i1 == j2 - j1):
            for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
                words[i] = replace(timed[j], text=tokens[i])
    nearest: Word | None = next((word for word in words if word.speaker is not None), None)
    for i, word in enumerate(words):
        if word.speaker is not None:
            nearest = word
        elif nearest is not None and timed:
            words[i] = replace(word, speaker=nearest.speaker, channel=nearest.channel)
    return tuple(words)


def _bare(token: str) -> str:
    return re.sub(r"[^\w']", "", token.casefold().replace("’", "'"))


def record(clip: Clip) -> dict[str, Any]:
    """The clip as a manifest line that ``revive`` reads back; ``path`` is absolute."""
    line: dict[str, Any] = {name: getattr(clip, name) for name in Clip.__dataclass_fields__}
    line["reference"] = None if clip.reference is None else [_sparse(word) for word in clip.reference]
    line["turns"] = None if clip.turns is None else [_sparse(turn) for turn in clip.turns]
    line["tags"] = dict(clip.tags)
    return line


def revive(line: Mapping[str, Any]) -> Clip:
    """The clip that ``record`` wrote; its audio file is not looked at."""
    reference, turns = line["reference"], line["turns"]
    return Clip(
        **{
            **line,
            "reference": None if reference is None else tuple(Word(**word) for word in reference),
            "turns": None if turns is None else tuple(Turn(**turn) for turn in turns),
        }
    )


def _sparse(thing: Word | Turn) -> dict[str, Any]:
    values = {name: getattr(thing, name) for name in type(thing).__dataclass_fields__}
    return {name: value for name, value in values.items() if value is not None}
