"""Whether the transcript that was put together of pieces is the one that the provider tells as the whole."""

from evalkit.scoring.row import text_of
from evalkit.scoring.text import Profile
from evalkit.scoring.words import ErrorCounts, unit_counts
from evalkit.types import Hypothesis, Update


def disagreement(hypothesis: Hypothesis, profile: Profile) -> ErrorCounts | None:
    """Word errors of the transcript as it was put together, against the provider's own telling of the whole.

    They should be 0: anything else is a provider that contradicts itself, or a parser that lost or doubled words.

    Args:
        hypothesis: what was said when; each channel may be told again, and the last telling of it counts.
        profile: text rules, for a whole is often written otherwise than its pieces.

    Returns:
        Counts with the whole as the reference; None when nothing was told again.
    """
    found: dict[int | None, ErrorCounts] = {}
    for place, update in enumerate(hypothesis.updates):
        if update.restated:
            channel = update.restated[0].channel
            found[channel] = _against(update, Hypothesis(hypothesis.updates[: place + 1]), channel, profile)
    return sum(found.values(), ErrorCounts()) if found else None


def _against(update: Update, until_now: Hypothesis, channel: int | None, profile: Profile) -> ErrorCounts:
    shown = (word for word in until_now.words if word.channel == channel)
    return unit_counts(profile.tokens(text_of(update.restated)), profile.tokens(text_of(shown)))
