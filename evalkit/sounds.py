"""The sound of a run's clips: all of it looked at before anything is sent, and what there is room for kept."""

import itertools
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from evalkit import corpora
from evalkit.types import Audio, Clip

KEPT_BYTES = 256 * 2**20
AT_ONCE = 8


class Sounds:
    """Decoded clips. Decoding leaves the interpreter's lock, so threads use both cores."""

    def __init__(self, sample_rate_hz: int) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._kept: dict[str, Audio] = {}

    def check(self, clips: Iterable[Clip]) -> None:
        """Decode every clip, and keep as many as fit ``KEPT_BYTES``, so that they need not be decoded again.

        Raises:
            CorpusError: a file is missing, changed or undecodable.
        """
        waiting, room = iter(clips), KEPT_BYTES
        with ThreadPoolExecutor() as pool:
            while some := list(itertools.islice(waiting, AT_ONCE)):
                for clip, audio in zip(some, pool.map(self._decoded, some), strict=True):
                    # Long recordings are on disk, and found there again by whoever decodes them.
                    if isinstance(audio.pcm, bytes) and len(audio.pcm) <= room:
                        room -= len(audio.pcm)
                        self._kept[clip.id] = audio

    def of(self, clip: Clip) -> Audio:
        """The sound of one clip.

        Raises:
            CorpusError: the file has gone or changed since it was checked.
        """
        return self._kept.get(clip.id) or self._decoded(clip)

    def _decoded(self, clip: Clip) -> Audio:
        return corpora.audio(clip, sample_rate_hz=self.sample_rate_hz)
