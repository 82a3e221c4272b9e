"""PocketSphinx: the incumbent recogniser, and the forced aligner that gives Moonshine's words their times."""

import re
import unicodedata
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from pocketsphinx import Decoder

from evalkit.emulator.engines import Description, Stream
from evalkit.emulator.sound import RATE_HZ, Samples, Tape
from evalkit.emulator.speech import Detector, Frame, stretches
from evalkit.types import Word

_PIECE = RATE_HZ // 10
_FRAME_S = 0.01
# The cepstral mean that the authors publish with their en-us model; every file and stream starts from it.
_CMN = "41.00,-5.29,-0.12,5.09,2.48,-4.07,-1.37,-1.78,-5.08,-2.05,-6.45,-1.42,1.17"
_SPELLING = re.compile(r"[^a-z']")
_SOUNDS = re.compile(r"tch|sch|igh|[cst]h|ph|gh|ck|ng|qu|ee|ea|oo|ou|ow|oi|oy|ai|ay|au|aw|er|or|ar|[a-z]")
_PHONES = {
    "tch": "CH", "sch": "SH", "igh": "AY", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "gh": "G", "ck": "K",
    "ng": "NG", "qu": "K W", "ee": "IY", "ea": "IY", "oo": "UW", "ou": "AW", "ow": "OW", "oi": "OY", "oy": "OY",
    "ai": "EY", "ay": "EY", "au": "AO", "aw": "AO", "er": "ER", "or": "AO R", "ar": "AA R", "a": "AE", "b": "B",
    "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L", "m": "M",
    "n": "N", "o": "OW", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S",
    "y": "IY", "z": "Z",
}  # fmt: skip


def _decoder(**settings: str | None) -> Decoder:
    return Decoder(samprate=RATE_HZ, loglevel="FATAL", **settings)


def _forget(decoder: Decoder) -> None:
    """Make the next answer independent of all earlier sound: the noise estimate and the cepstral mean start anew."""
    decoder.reinit_feat()
    decoder.set_cmn(_CMN)


def _heard(decoder: Decoder, start_s: float) -> tuple[Word, ...]:
    """The words of the decoder's best path; fillers, silences and pronunciation marks are dropped."""
    if decoder.hyp() is None:
        return ()
    return tuple(
        Word(
            part.word.partition("(")[0],
            start_s + part.start_frame * _FRAME_S,
            start_s + (part.end_frame + 1) * _FRAME_S,
        )
        for part in decoder.seg()
        if not part.word.startswith(("<", "["))
    )


class Aligner:
    """Finds when known words were said. Words outside the dictionary get a pronunciation guessed from their letters."""

    def __init__(self) -> None:
        self._decoder = _decoder(lm=None)
        self._known: dict[str, bool] = {}

    def align(self, texts: Sequence[str], samples: Samples, start_s: float) -> tuple[Word, ...]:
        """Words with times for ``texts``, which were said in this order in ``samples``; ``start_s`` is added."""
        spelled = [_spelled(text) for text in texts]
        spoken = [index for index, word in enumerate(spelled) if word and self._pronounceable(word)]
        found = self._found([spelled[index] for index in spoken], samples)
        if found is None:
            return spread(texts, start_s, start_s + len(samples) / RATE_HZ)
        times = dict(zip(spoken, found, strict=True))
        return tuple(_filled(texts, times, len(samples) / RATE_HZ, start_s))

    def _pronounceable(self, word: str) -> bool:
        if word not in self._known:
            phones = [_PHONES[sound] for sound in _SOUNDS.findall(word.replace("'", ""))]
            if phones and self._decoder.lookup_word(word) is None:
                self._decoder.add_word(word, " ".join(phones), True)
            self._known[word] = bool(phones)
        return self._known[word]

    def _found(self, words: Sequence[str], samples: Samples) -> list[tuple[float, float]] | None:
        """Start and end of each word, or None when the sound cannot hold them."""
        if not words:
            return None
        decoder = self._decoder
        _forget(decoder)
        try:
            decoder.set_align_text(" ".join(words))
            decoder.start_utt()
            decoder.process_raw(samples.tobytes(), full_utt=True)
            decoder.end_utt()
        except RuntimeError:
            return None
        heard = _heard(decoder, 0.0)
        if len(heard) != len(words):
            return None
        return [(word.start_s or 0.0, word.end_s or 0.0) for word in heard]


def _spelled(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("’", "'")).encode("ascii", "ignore").decode().lower()
    return _SPELLING.sub("", plain).strip("'")


def spread(texts: Sequence[str], start_s: float, end_s: float) -> tuple[Word, ...]:
    """Words laid over a stretch of time in proportion to their letters."""
    weights = np.cumsum([0, *(len(text) + 1 for text in texts)])
    times = start_s + (end_s - start_s) * weights / max(1, weights[-1])
    return tuple(
        Word(text, float(first), float(last)) for text, first, last in zip(texts, times[:-1], times[1:], strict=True)
    )


def _filled(
    texts: Sequence[str], times: dict[int, tuple[float, float]], duration_s: float, start_s: float
) -> list[Word]:
    """All words; those without a time are laid between their timed neighbours."""
    words: list[Word] = []
    index = 0
    while index < len(texts):
        if index in times:
            first, last = times[index]
            words.append(Word(texts[index], start_s + first, start_s + last))
            index += 1
            continue
        end = next((later for later in range(index, len(texts)) if later in times), len(texts))
        left = words[-1].end_s if words and words[-1].end_s is not None else start_s
        right = start_s + (times[end][0] if end in times else duration_s)
        words += spread(texts[index:end], left, max(left, right))
        index = end
    return words


class PocketSphinx:
    """The recogniser itself: en-us acoustic model, language model and dictionary of the package."""

    description = Description(
        name="PocketSphinx en-us",
        version=version("pocketsphinx"),
        licence="BSD-2-Clause",
        word_times="the decoder's own, 10 ms grid",
        speakers="the diarizer inside Moonshine Voice",
    )

    def __init__(self) -> None:
        self._idle = [_decoder()]

    def transcribe(
        self, samples: Samples, *, channel: int | None, diarize: bool, vad_threshold: float
    ) -> tuple[Word, ...]:
        decoder = self._borrowed()
        words: list[Word] = []
        for stretch in stretches(Detector().feed(samples)):
            if stretch.probability < vad_threshold:
                continue
            piece = samples[round(stretch.start_s * RATE_HZ) : round(stretch.end_s * RATE_HZ)]
            decoder.start_utt()
            for first in range(0, len(piece), _PIECE):
                decoder.process_raw(piece[first : first + _PIECE].tobytes())
            decoder.end_utt()
            words += _heard(decoder, stretch.start_s)
        self._idle.append(decoder)
        if not diarize or not words:
            return tuple(words)
        from evalkit.emulator.moonshine import Diarizer

        return Diarizer(longest_s=len(samples) / RATE_HZ).labelled(tuple(words), samples, 0.0)

    def stream(self, *, channel: int, diarize: bool) -> Stream:
        return _SphinxStream(self._borrowed(), self._idle, diarize)

    def _borrowed(self) -> Decoder:
        """A decoder that remembers nothing."""
        decoder = self._idle.pop() if self._idle else _decoder()
        _forget(decoder)
        return decoder


class _SphinxStream:
    instant = False

    def __init__(self, decoder: Decoder, idle: list[Decoder], diarize: bool) -> None:
        self._decoder = decoder
        self._idle = idle
        self._detector = Detector()
        self._tape = Tape()
        self._begin_s: float | None = None
        self._decoded_s = 0.0
        self._diarizer = None
        if diarize:
            from evalkit.emulator.moonshine import Diarizer

            self._diarizer = Diarizer(longest_s=0.0)

    def feed(self, samples: Samples) -> list[Frame]:
        self._tape.append(samples)
        return self._detector.feed(samples)

    def begin(self, start_s: float) -> None:
        self._decoder.start_utt()
        self._begin_s = self._decoded_s = start_s

    def guess(self, start_s: float, end_s: float) -> tuple[Word, ...]:
        begin_s = self._decode(end_s)
        return tuple(
            word for word in _heard(self._decoder, begin_s) if start_s <= ((word.start_s or 0) + (word.end_s or 0)) / 2
        )

    def final(self, start_s: float, end_s: float) -> tuple[Word, ...]:
        begin_s = self._decode(end_s)
        self._decoder.end_utt()
        self._begin_s = None
        words = _heard(self._decoder, begin_s)
        if self._diarizer is None or not words:
            return words
        return self._diarizer.labelled(words, self._tape.between(start_s, end_s), start_s)

    def _decode(self, end_s: float) -> float:
        """Hand the decoder what it has not heard yet; gives the beginning of the utterance."""
        if self._begin_s is None:
            raise RuntimeError("no utterance is open")
        fresh = self._tape.between(self._decoded_s, end_s)
        for first in range(0, len(fresh), _PIECE):
            self._decoder.process_raw(fresh[first : first + _PIECE].tobytes())
        self._decoded_s = max(end_s, self._decoded_s)
        return self._begin_s

    def abandon(self) -> None:
        if self._begin_s is not None:
            self._decoder.end_utt()
            self._begin_s = None

    def forget(self, before_s: float) -> None:
        self._tape.forget(before_s)

    def close(self) -> None:
        self.abandon()
        self._idle.append(self._decoder)
