import numpy as np
import pytest

from evalkit.emulator.moonshine import Moonshine
from evalkit.emulator.sound import RATE_HZ
from evalkit.types import Word
from tests.test_emulator_speech import clip


@pytest.fixture(scope="module")
def engine() -> Moonshine:
    return Moonshine()


def heard(engine: Moonshine, name: str) -> tuple[Word, ...]:
    return engine.transcribe(clip(name), channel=None, diarize=False, vad_threshold=0.5)


def test_answer_does_not_depend_on_what_was_heard_before(engine: Moonshine) -> None:
    names = ["prompt-conf-onlyperson", "phone-agent-user", "noisy-conf-getpin"]
    first = [heard(engine, name) for name in names]
    assert [heard(engine, name) for name in reversed(names)] == first[::-1]
    assert "currently the only person" in " ".join(word.text for word in first[0])


def test_word_times_fit_those_set_by_hand(engine: Moonshine) -> None:
    """The first five words of a spontaneous clip, whose times a person set."""
    words = engine.decoded(clip("spont-acoustic-corpus")[: 8 * RATE_HZ], 0.0)[:5]
    assert [word.text.lower() for word in words] == ["this", "is", "the", "acoustic", "corpus"]
    by_hand = [1.05, 1.2, 1.34, 1.46, 1.89]
    assert [word.start_s for word in words] == pytest.approx(by_hand, abs=0.15)


def test_nothing_is_heard_in_silence_or_steady_noise(engine: Moonshine) -> None:
    assert heard(engine, "nonspeech-silence") == heard(engine, "nonspeech-pink") == ()


def test_live_guess_grows_and_the_final_is_whole(engine: Moonshine) -> None:
    samples = clip("prompt-conf-onlyperson")
    stream = engine.stream(channel=0, diarize=False)
    stream.feed(samples)
    stream.begin(0.0)
    counts = [len(stream.guess(0.0, end_s)) for end_s in (0.8, 1.6, len(samples) / RATE_HZ)]
    assert counts == sorted(counts)
    assert " ".join(word.text for word in stream.final(0.0, len(samples) / RATE_HZ)).lower().startswith("you are")
    stream.close()


@pytest.mark.slow
def test_two_speakers_are_told_apart_and_labelled_from_zero(engine: Moonshine) -> None:
    prompt, reader = clip("prompt-agent-pass"), clip("read-lv-0870")
    words = engine.transcribe(np.concatenate([prompt, reader]), channel=None, diarize=True, vad_threshold=0.5)
    border_s = len(prompt) / RATE_HZ
    assert {word.speaker for word in words if (word.end_s or 0) < border_s} == {"0"}
    assert {word.speaker for word in words if (word.start_s or 0) > border_s} == {"1"}


def test_long_utterance_is_stitched_from_its_pauses(engine: Moonshine) -> None:
    samples = np.concatenate([clip("prompt-demo-echotest"), clip("prompt-conf-onlyperson")])
    stream = engine.stream(channel=0, diarize=False)
    stream.feed(samples)
    words = stream.final(0.0, len(samples) / RATE_HZ)
    assert "echo" in " ".join(word.text for word in words[:12]).lower()
    assert words[-1].text.lower().startswith("conference")
    assert words[-1].end_s == pytest.approx(len(samples) / RATE_HZ, abs=0.6)
