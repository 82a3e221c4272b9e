"""Corpora: the shipped ones, your own, and every way a manifest can be wrong."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from evalkit import corpora
from evalkit.errors import CorpusError
from tests.conftest import OPEN

CLIP = "prompt-agent-pass.flac"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(OPEN / "audio" / CLIP, tmp_path / CLIP)
    return tmp_path


def write(folder: Path, *rows: dict[str, Any] | str) -> Path:
    path = folder / corpora.MANIFEST
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return folder


def timed(*texts: str) -> list[dict[str, Any]]:
    return [{"text": text, "start_s": i, "end_s": i + 0.5} for i, text in enumerate(texts)]


def test_the_open_corpus_has_every_clip_pinned_and_licensed() -> None:
    corpus = corpora.load("open")
    assert len(corpus) == 130
    assert {clip.language for clip in corpus} == {"en", "es", "fr", "it", "ru"}
    assert all(clip.licence and clip.origin for clip in corpus)
    lines = [json.loads(line) for line in (OPEN / corpora.MANIFEST).read_text().splitlines()]
    assert all(len(line["sha256"]) == 64 for line in lines)


def test_the_demo_holds_every_kind_in_four_minutes_and_stores_no_audio_twice() -> None:
    demo = corpora.load("demo")
    assert len(demo) == 24
    assert demo.duration_s < 240
    noises = {clip.tags["noise"] for clip in demo}
    assert {
        "telephone, G.711 mu-law",
        "pink noise, 10 dB SNR over active speech",
        "far field",
        "hoarse voice",
    } <= noises
    assert {"read", "spontaneous", "call center", "dialogue", "meeting", "non-speech"} <= {
        c.tags["domain"] for c in demo
    }
    assert any(clip.channels == 2 for clip in demo)
    assert any(clip.reference is None and clip.turns for clip in demo)
    assert any(clip.kind == "nonspeech" and clip.reference == () for clip in demo)
    assert all(Path(clip.path).parent == OPEN / "audio" for clip in demo)


def test_a_reference_takes_times_from_its_words_and_text_from_its_text(folder: Path) -> None:
    row = {
        "path": CLIP,
        "text": "Please, enter your PIN now.",
        "words": timed("please", "enter", "your", "pin"),
    }
    (clip,) = corpora.load(write(folder, row))
    assert clip.text == "Please, enter your PIN now."
    assert [word.start_s for word in clip.reference or ()] == [0, 1, 2, 3, None]


def test_correcting_one_word_of_the_text_keeps_its_time(folder: Path) -> None:
    row = {
        "path": CLIP,
        "text": "please enter your password",
        "words": timed("please", "enter", "you're", "pin"),
    }
    (clip,) = corpora.load(write(folder, row))
    assert [word.text for word in clip.reference or ()] == ["please", "enter", "your", "password"]
    assert [word.start_s for word in clip.reference or ()] == [0, 1, 2, 3]


def test_a_word_without_a_speaker_takes_its_neighbours(folder: Path) -> None:
    words = [{"text": "hi", "speaker": "a"}, {"text": "there", "speaker": "a"}, {"text": "bye", "speaker": "b"}]
    (clip,) = corpora.load(write(folder, {"path": CLIP, "text": "um hi over there bye", "words": words}))
    assert [word.speaker for word in clip.reference or ()] == ["a", "a", "a", "a", "b"]


def test_words_alone_are_a_reference_and_nothing_is_none(folder: Path) -> None:
    shutil.copy(folder / CLIP, folder / "b.flac")
    a, b = corpora.load(write(folder, {"path": CLIP, "words": [{"text": "hi"}]}, {"path": "b.flac"}))
    assert a.text == "hi"
    assert b.reference is None


def test_a_csv_file_is_a_corpus(folder: Path) -> None:
    (folder / "calls.csv").write_text(f"path,text,speaker,language,device\n{CLIP},please enter,ann,en,phone\n")
    (clip,) = corpora.load(folder / "calls.csv")
    assert (clip.text, clip.cluster, clip.language, clip.tags) == ("please enter", "ann", "en", {"device": "phone"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f'path,text\n{CLIP},"never closed\n', r"calls.csv:\d: not CSV"),
        (f"path,text,text\n{CLIP},a,b\n", r"calls.csv:1: a column stands there twice"),
        ("text\nhello\n", r"calls.csv:1: the header needs a column `path`"),
        (f"path,text\n{CLIP}\n", r"calls.csv:2: has fewer cells"),
        ("", r"calls.csv:1: the header needs a column `path`.*found: nothing"),
    ],
)
def test_a_bad_csv_file_is_one_sentence(folder: Path, content: str, message: str) -> None:
    (folder / "calls.csv").write_text(content)
    with pytest.raises(CorpusError, match=message):
        corpora.load(folder / "calls.csv")


def test_spaces_in_a_header_and_a_byte_order_mark_are_harmless(folder: Path) -> None:
    (folder / "calls.csv").write_text(f"path, text\n{CLIP},please enter\n", encoding="utf-8-sig")
    (clip,) = corpora.load(folder / "calls.csv")
    assert clip.text == "please enter"


def test_another_encoding_is_named(folder: Path) -> None:
    (folder / "calls.csv").write_bytes(f"path,text\n{CLIP},\xfcber\n".encode("latin-1"))
    with pytest.raises(CorpusError, match="not UTF-8"):
        corpora.load(folder / "calls.csv")


def test_a_clip_survives_being_recorded() -> None:
    for clip in corpora.load("demo"):
        assert corpora.revive(json.loads(json.dumps(corpora.record(clip)))) == clip


def test_the_digest_changes_with_a_reference(folder: Path) -> None:
    first = corpora.load(write(folder, {"path": CLIP, "text": "one"})).sha256
    assert corpora.load(write(folder, {"path": CLIP, "text": "two"})).sha256 != first


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{not json", r"manifest.jsonl:1: not JSON"),
        ("[1]", r"manifest.jsonl:1: .*JSON object"),
        ({"text": "x"}, r"manifest.jsonl:1: the field `path` is missing"),
        ({"path": "gone.wav"}, r"manifest.jsonl:1: .*gone.wav does not exist"),
        ({"path": "../x.wav"}, r"manifest.jsonl:1: path '../x.wav' leaves the corpus folder"),
        ({"path": "/etc/passwd"}, r"manifest.jsonl:1: path '/etc/passwd' leaves"),
        ({"path": CLIP, "sha256": "0" * 64}, r"manifest.jsonl:1: .*sha256"),
        ({"path": CLIP, "txet": "x"}, r"unknown field 'txet'; did you mean 'text'"),
        ({"path": CLIP, "kind": "music"}, r"kind is 'music'"),
        ({"path": CLIP, "tags": {"a": 1}}, r"tags must be"),
        ({"path": CLIP, "words": [{"text": "a", "start_s": "soon"}]}, r"manifest.jsonl:1: words and turns"),
        ({"path": "bad.wav"}, r"manifest.jsonl:1: .*bad.wav cannot be decoded"),
        ({"path": "empty.wav"}, r"manifest.jsonl:1: .*empty.wav holds no audio"),
        ({"corpus": "../etc", "id": "x"}, r"manifest.jsonl:1: a borrowed clip"),
        ({"path": CLIP, "language": 5}, r"language must be a string"),
        ({"path": CLIP, "text": "\ud800"}, r"text must be a string of valid Unicode"),
        ({"path": CLIP, "text": 5}, r"text must be a string"),
        ({"path": "x" * 5000}, r"manifest.jsonl:1: x* ?.*is no usable path|does not exist"),
        (
            '{"path": "a.wav", "words": [{"text": "a", "start_s": NaN}]}',
            r"manifest.jsonl:1: not JSON .NaN is no number",
        ),
        ("[" * 100_000, r"manifest.jsonl:1: not JSON"),
        ({"path": CLIP, "words": [{"text": "a", "start_s": 2, "end_s": 1}]}, r"ends at 1 before it starts at 2"),
        ({"path": CLIP, "words": [{"text": "a", "start_s": -1}]}, r"-1 is no time"),
        ({"path": CLIP, "words": [{"text": "a", "speaker": 3}]}, r"speaker 3 is no string"),
        ({"path": CLIP, "words": [{"text": "a", "channel": "left"}]}, r"channel 'left' is no channel"),
        ({"path": CLIP, "turns": [{"speaker": "a", "end_s": 1}]}, r"is no time in seconds"),
    ],
)
def test_a_bad_line_is_one_sentence_that_names_it(folder: Path, row: dict[str, Any] | str, message: str) -> None:
    (folder / "bad.wav").write_bytes(b"RIFF no sound here")
    soundfile.write(folder / "empty.wav", np.zeros(0, dtype=np.int16), 8000)
    with pytest.raises(CorpusError, match=message) as caught:
        corpora.load(write(folder, row))
    assert "\n" not in str(caught.value)


def test_a_repeated_id_is_refused(folder: Path) -> None:
    with pytest.raises(CorpusError, match="stands there twice"):
        corpora.load(write(folder, {"path": CLIP}, {"path": CLIP}))


def test_audio_that_changed_after_loading_is_noticed(folder: Path) -> None:
    (clip,) = corpora.load(write(folder, {"path": CLIP}))
    (folder / CLIP).write_bytes(b"something else")
    with pytest.raises(CorpusError, match="sha256"):
        corpora.audio(clip)


@pytest.mark.parametrize("where", ["no-such-corpus", "LICENSE"])
def test_an_unknown_corpus_says_what_would_be_one(where: str) -> None:
    with pytest.raises(CorpusError, match="corpus"):
        corpora.load(where)


@pytest.mark.parametrize("header", ["path,text", "file,transcript", "Filename,Transcription", " audio , sentence "])
def test_a_csv_is_understood_by_what_people_call_its_columns(tmp_path: Path, header: str) -> None:
    shutil.copy(OPEN / "audio" / "prompt-agent-pass.flac", tmp_path / "a.flac")
    (tmp_path / "calls.csv").write_text(f"{header}\na.flac,please enter\n")
    (clip,) = corpora.load(str(tmp_path / "calls.csv"))
    assert clip.text == "please enter"
    assert not clip.tags


def test_a_csv_parted_by_semicolons_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("path;text\na.flac;please enter\n")
    with pytest.raises(CorpusError, match=r"parted by commas \(found: path;text\)"):
        corpora.load(str(tmp_path / "calls.csv"))


def test_a_corpus_is_one_line_and_an_unknown_clip_names_the_nearest() -> None:
    corpus = corpora.load("demo")
    assert repr(corpus) == f"<Corpus 'demo': {len(corpus)} clips, {corpus.duration_s:.0f} s, {corpus.source}>"
    with pytest.raises(CorpusError, match="has no clip 'speech-jf'; did you mean 'speech-jfk'"):
        corpus["speech-jf"]
