"""One live session: socket frames in, messages of all its channels out, with the CPU time they cost."""

import time
from collections.abc import Callable, Iterator

from evalkit.emulator.captions import Captions, Message
from evalkit.emulator.engines import Engine
from evalkit.emulator.knobs import Knobs
from evalkit.emulator.settings import StreamSettings
from evalkit.emulator.sound import Samples, StreamDecoder, mono


class Session:
    """Decodes, splits and captions the audio of one socket; the caller decides when."""

    def __init__(
        self,
        engine: Engine,
        settings: StreamSettings,
        knobs: Knobs,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self._cpu_clock = cpu_clock
        began = cpu_clock()
        self._multichannel = settings.multichannel
        self._decoder = StreamDecoder(settings.encoding, settings.sample_rate_hz, settings.channels)
        self._channels = [
            Captions(engine.stream(channel=index, diarize=settings.diarize), settings, knobs, index)
            if settings.multichannel
            else Captions(engine.stream(channel=0, diarize=settings.diarize), settings, knobs)
            for index in range(settings.channels if settings.multichannel else 1)
        ]
        self._cpu_s = cpu_clock() - began

    def feed(self, data: bytes) -> Iterator[Message]:
        """Hear the audio of one or more socket frames."""
        began = self._cpu_clock()
        yield from self._fed(self._decoder.decode(data))
        self._cpu_s += self._cpu_clock() - began

    def finalize(self, channel: int | None = None) -> Iterator[Message]:
        """Close the open utterance of one channel, or of all."""
        began = self._cpu_clock()
        for index, captions in enumerate(self._channels):
            if channel in (None, index):
                yield from captions.finalize()
        self._cpu_s += self._cpu_clock() - began

    def finish(self) -> Iterator[Message]:
        """The audio is over: the remaining finals."""
        began = self._cpu_clock()
        yield from self._fed(self._decoder.decode(b"", last=True))
        for captions in self._channels:
            yield from captions.finish()
        self._cpu_s += self._cpu_clock() - began

    def farewell(self) -> tuple[Message, ...]:
        """After ``finish``: one ``transcript.done`` per channel, and before the last of them the CPU time."""
        *others, last = (captions.done(self._decoder.received_s) for captions in self._channels)
        return (*others, {"type": "evalkit.usage", "cpu_s": round(self._cpu_s, 4)}, last)

    def close(self) -> None:
        """Free the recogniser, however the session ended."""
        for captions in self._channels:
            captions.close()

    def _fed(self, samples: Samples) -> Iterator[Message]:
        if not len(samples):
            return
        if not self._multichannel:
            yield from self._channels[0].feed(mono(samples))
            return
        for index, captions in enumerate(self._channels):
            yield from captions.feed(samples[:, index])
