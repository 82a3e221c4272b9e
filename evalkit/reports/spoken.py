"""What was said against what should have been, word by word and caption by caption: the rows of two data frames."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from evalkit.scoring import in_time_order
from evalkit.scoring.text import profile_for
from evalkit.scoring.words import align, word_tokens
from evalkit.types import Clip, Hypothesis, Score, Trace, Word

WORD_COLUMNS = (
    "clip_id", "provider", "route", "op", "reference", "hypothesis", "confidence", "reference_start_s", "start_s",
    "drift_s", "reference_speaker", "speaker", "profile",
)  # fmt: skip
CAPTION_COLUMNS = (
    "clip_id", "provider", "route", "t_s", "audio_s", "state", "kept", "gone", "new", "caption",
)  # fmt: skip


def words(score: Score, clip: Clip, heard: Hypothesis) -> Iterator[dict[str, Any]]:
    """One row per place of the alignment of a score, as `aligned.steps` shows it, with what is known of both words.

    A word that the text rules make several tokens of has as many rows. Start times settle which of several equal words
    is meant, where both sides have them. Nothing for an unknown reference.
    """
    if score.reference is None:
        return
    profile = profile_for(score.language)
    sides = (_reference(score, clip), () if heard.failure is not None else heard.words)
    (left, left_owner), (right, right_owner) = (word_tokens(side, profile) for side in sides)
    starts = [
        [side[index].start_s for index in owner] for side, owner in zip(sides, (left_owner, right_owner), strict=True)
    ]
    nothing = Word("")
    for pair in align(left, right, *starts):
        reference = nothing if pair.reference is None else sides[0][left_owner[pair.reference]]
        said = nothing if pair.hypothesis is None else sides[1][right_owner[pair.hypothesis]]
        times_known = reference.start_s is not None and said.start_s is not None
        yield {
            "clip_id": score.clip_id,
            "provider": score.provider,
            "route": score.route,
            "op": pair.op,
            "reference": "" if pair.reference is None else left[pair.reference],
            "hypothesis": "" if pair.hypothesis is None else right[pair.hypothesis],
            "confidence": said.confidence,
            "reference_start_s": reference.start_s,
            "start_s": said.start_s,
            "drift_s": (said.start_s or 0.0) - (reference.start_s or 0.0) if pair.op == "hit" and times_known else None,
            "reference_speaker": reference.speaker,
            "speaker": said.speaker,
            "profile": f"{profile.name} {profile.version}",
        }


def captions(score: Score, attempts: Sequence[Trace], heard: Hypothesis) -> Iterator[dict[str, Any]]:
    """One row per update: what a reader saw until then and sees no more, and what is new.

    Args:
        score: of the clip.
        attempts: the recorded ones; the last tells when the audio began.
        heard: what they say together.
    """
    origin_s = attempts[-1].audio_origin_s()
    before: list[str] = []
    for update, caption in zip(heard.updates, heard.captions(), strict=True):
        now = [word.text for word in caption.words]
        head = _alike(before, now)
        tail = _alike(before[head:][::-1], now[head:][::-1])
        yield {
            "clip_id": score.clip_id,
            "provider": score.provider,
            "route": score.route,
            "t_s": update.t_s,
            "audio_s": None if origin_s is None else update.t_s - origin_s,
            "state": update.state,
            "kept": head + tail,
            "gone": " ".join(before[head : len(before) - tail]),
            "new": " ".join(now[head : len(now) - tail]),
            "caption": " ".join(now),
        }
        before = now


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many first words are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (this, that) in pairs if this != that), min(len(one), len(other)))


def _reference(score: Score, clip: Clip) -> Sequence[Word]:
    """The reference with its times, unless it was corrected since: then the words that were scored, without."""
    scored = (score.reference or "").split()
    if clip.reference is None or Counter((clip.text or "").split()) != Counter(scored):
        return [Word(text) for text in scored]
    return in_time_order(clip.reference)
