import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from evalkit.errors import Unavailable
from evalkit.reports import spoken
from evalkit.types import Clip, Event, Hypothesis, State, Trace, Update, Word
from tests import handmade

SAID = (Word("Please", 0.5, 0.8), Word("hold", 0.9, 1.2, speaker="A"), Word("on", 1.3, 1.5))
CLIP = Clip("clip-00", "a.wav", "5a", 2.0, 16_000, 1, reference=SAID, language="en")
SCORE = dataclasses.replace(handmade.scores(1)[0], reference="Please hold on", hypothesis="x", language="en")


def update(t_s: float, text: str, state: State = "interim") -> Update:
    return Update(t_s, tuple(map(Word, text.split())), (0,), state)


def rows(words: Sequence[Word], clip: Clip = CLIP, **changed: Any) -> list[dict[str, Any]]:
    heard = Hypothesis((Update(1.0, tuple(words), (0,), "utterance_final"),), changed.pop("failed", None))
    return list(spoken.words(dataclasses.replace(SCORE, **changed), clip, heard))


def test_a_word_is_told_with_its_times_and_how_sure_the_system_was() -> None:
    told = [Word("please,", 0.6, 0.8, confidence=0.9), Word("fold", 0.9, 1.0, speaker="1"), Word("on", 1.3, 1.5)]
    hit, wrong, last = rows(told)
    assert (hit["op"], hit["reference"], hit["confidence"], hit["reference_start_s"]) == ("hit", "please", 0.9, 0.5)
    assert round(hit["drift_s"], 6) == 0.1
    assert (wrong["op"], wrong["hypothesis"], wrong["drift_s"]) == ("substitution", "fold", None)
    assert (wrong["reference_speaker"], wrong["speaker"]) == ("A", "1")
    assert (last["op"], last["drift_s"]) == ("hit", 0.0)
    assert set(hit) == set(spoken.WORD_COLUMNS)


def test_a_time_that_is_unknown_makes_no_delay() -> None:
    assert [row["drift_s"] for row in rows([Word("please"), Word("hold", 0.9), Word("on", 1.3)])] == [None, 0.0, 0.0]


def test_a_failed_answer_has_no_words_and_an_unknown_reference_no_rows() -> None:
    missed = rows(SAID, failed=Unavailable("gone"))
    assert {(row["op"], row["hypothesis"], row["start_s"]) for row in missed} == {("deletion", "", None)}
    assert rows(SAID, reference=None) == []


def test_a_reference_corrected_since_is_the_one_that_was_scored() -> None:
    found = rows(SAID, reference="Please hold the line")
    assert [row["reference"] for row in found] == ["please", "hold", "the", "line"]
    assert {row["reference_start_s"] for row in found} == {None}


def test_captions_tell_what_was_taken_back_and_what_came() -> None:
    updates = (
        update(1.0, "please hole"),
        update(1.5, "please hold on"),
        update(2.0, "please hold on", "chunk_final"),
        update(2.5, "Please hold on", "utterance_final"),
    )
    frame = Event(0.4, 0.1, "audio", {"bytes": 3200, "due_s": 0.35})
    trace = Trace("clip-00", "new", "streaming", {}, 1, datetime(2026, 1, 1, tzinfo=UTC), (frame,))
    found = list(spoken.captions(SCORE, [trace], Hypothesis(updates)))
    assert [(row["kept"], row["gone"], row["new"]) for row in found] == [
        (0, "", "please hole"),
        (1, "hole", "hold on"),
        (3, "", ""),
        (2, "please", "Please"),
    ]
    assert [row["state"] for row in found][2:] == ["chunk_final", "utterance_final"]
    assert [round(row["audio_s"], 6) for row in found] == [0.75, 1.25, 1.75, 2.25]
    assert found[1]["caption"] == "please hold on"
    assert set(found[0]) == set(spoken.CAPTION_COLUMNS)


def test_without_paced_audio_nobody_knows_how_much_was_spoken() -> None:
    trace = Trace("clip-00", "new", "rest", {}, 1, datetime(2026, 1, 1, tzinfo=UTC), ())
    (row,) = spoken.captions(SCORE, [trace], Hypothesis((update(1.0, "please"),)))
    assert (row["t_s"], row["audio_s"]) == (1.0, None)
