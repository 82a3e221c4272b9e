import numpy as np
import pytest

from evalkit.emulator.sound import RATE_HZ
from evalkit.emulator.sphinx import Aligner, PocketSphinx, spread
from evalkit.types import Word
from tests.test_emulator_speech import clip


@pytest.fixture(scope="module")
def engine() -> PocketSphinx:
    return PocketSphinx()


def heard(engine: PocketSphinx, name: str) -> tuple[Word, ...]:
    return engine.transcribe(clip(name), channel=None, diarize=False, vad_threshold=0.5)


def test_answer_does_not_depend_on_what_was_heard_before(engine: PocketSphinx) -> None:
    names = ["prompt-conf-onlyperson", "phone-conf-now-recording", "prompt-conf-leaderhasleft"]
    first = [heard(engine, name) for name in names]
    assert [heard(engine, name) for name in reversed(names)] == first[::-1]
    assert "conference" in [word.text for word in first[2]]


def test_no_marks_of_the_decoder_are_shown(engine: PocketSphinx) -> None:
    for word in heard(engine, "prompt-demo-echotest"):
        assert not set("<>[]()") & set(word.text)


def test_live_session_gives_what_was_said_and_returns_its_decoder(engine: PocketSphinx) -> None:
    samples = clip("prompt-conf-leaderhasleft")
    finals = []
    for _ in range(2):
        stream = engine.stream(channel=0, diarize=False)
        for first in range(0, len(samples), 1600):
            stream.feed(samples[first : first + 1600])
        stream.begin(0.0)
        assert len(stream.guess(0.0, 1.0)) <= len(stream.guess(0.0, 2.0))
        finals.append(stream.final(0.0, len(samples) / RATE_HZ))
        stream.close()
    assert finals[0] == finals[1]
    assert [word.text for word in finals[0]][-1] == "conference"


def test_two_live_sessions_do_not_mix(engine: PocketSphinx) -> None:
    one, two = (clip(name) for name in ("prompt-conf-leaderhasleft", "prompt-conf-onlyperson"))
    alone = [heard_live(engine, samples) for samples in (one, two)]
    left, right = (engine.stream(channel=0, diarize=False) for _ in range(2))
    for stream, samples in ((left, one), (right, two)):
        stream.feed(samples)
        stream.begin(0.0)
    for end_s in (1.0, 2.0):
        left.guess(0.0, end_s)
        right.guess(0.0, end_s)
    assert [left.final(0.0, len(one) / RATE_HZ), right.final(0.0, len(two) / RATE_HZ)] == alone
    left.close()
    right.close()


def heard_live(engine: PocketSphinx, samples: np.ndarray) -> tuple[Word, ...]:
    stream = engine.stream(channel=0, diarize=False)
    stream.feed(samples)
    stream.begin(0.0)
    for end_s in (1.0, 2.0):
        stream.guess(0.0, end_s)
    words = stream.final(0.0, len(samples) / RATE_HZ)
    stream.close()
    return words


def test_alignment_survives_words_no_dictionary_has() -> None:
    said = "You are currently the only person in this conference."
    samples = clip("prompt-conf-onlyperson")
    plain = Aligner().align(said.split(), samples, 10.0)
    odd = Aligner().align(said.replace("currently", "cuhrrentlee").replace("only", "7").split(), samples, 10.0)
    for one, other in zip(plain, odd, strict=True):
        assert (one.start_s or 0) >= 10.0
        assert other.start_s == pytest.approx(one.start_s, abs=0.4)
    assert [word.text for word in plain] == said.split()


def test_words_that_cannot_be_aligned_are_spread_by_their_letters() -> None:
    words = Aligner().align(["impossible"] * 40, clip("prompt-queue-quantity1")[:4000], 1.0)
    assert words == spread(["impossible"] * 40, 1.0, 1.25)
    assert [(word.start_s, word.end_s) for word in spread(["a", "bcd"], 0.0, 3.0)] == [(0.0, 1.0), (1.0, 3.0)]
    assert spread([], 0.0, 1.0) == ()
