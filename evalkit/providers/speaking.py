"""Sound on its way into a socket: the clip, and the silence after it."""

from evalkit.types import Audio
from evalkit.wire import Socket, Wire


async def speak(
    socket: Socket,
    wire: Wire,
    audio: Audio,
    *,
    frame_ms: int,
    speed: float = 1.0,
    silence_s: float = 0.0,
    at_end: str | None = None,
) -> None:
    """Send a clip frame by frame as it would be spoken, and then silence.

    Args:
        socket: an open one.
        wire: the clock.
        audio: the clip.
        frame_ms: length of a frame.
        speed: seconds of audio per second.
        silence_s: digital silence after the clip.
        at_end: a message that leaves with the last sample of the clip, before the silence.

    Raises:
        Unavailable: the socket closed.
    """
    unsaid = len(audio.pcm)
    async for frame in wire.pace(audio, frame_ms, speed=speed, silence_s=silence_s):
        await socket.send_audio(frame)
        if at_end is not None and 0 < unsaid <= len(frame):
            await socket.send(at_end)
        unsaid -= len(frame)
