from collections.abc import Sequence

import numpy as np
import pytest

from evalkit.scoring import METRICS, describe
from evalkit.stats.pairs import Pair, pairs
from evalkit.stats.samples import Table
from evalkit.types import Score
from tests.rows import WER, pair, row

HOUR, CLIPS, WORDS = "cost.per_audio_hour", "cost.per_1000_clips", "cost.per_1000_correct_words"
HEARD_S = (4.0, 10.0, 7.5, 30.0, 12.0)


def priced(paid: Sequence[float], words: int = 9) -> list[Score]:
    """Clips of unlike length for which so many dollars were paid."""
    return [
        Score(
            **{
                **{name: getattr(made, name) for name in made.__dataclass_fields__},
                "audio_s": heard_s,
                "counts": {
                    "cost.usd": usd,
                    "cost.audio_s": heard_s,
                    "cost.clips": 1,
                    "cost.correct.usd": usd,
                    "cost.correct.words": words + place % 2,
                },
            }
        )
        for place, (usd, heard_s) in enumerate(zip(paid, HEARD_S, strict=True))
        for made in [row(f"c{place}")]
    ]


def by_the_hour(usd: float) -> list[float]:
    return [usd * heard_s / 3600 for heard_s in HEARD_S]


def held(new: Sequence[Score], old: Sequence[Score], metric: str) -> Pair:
    (found,) = pairs(Table(list(new)), Table(list(old)), [describe(metric)])
    return found


def test_two_prices_by_the_second_differ_by_arithmetic_whatever_is_heard() -> None:
    for first, second in ((0.2, 0.1), (0.1, 0.1), (0.0, 0.1)):
        assert held(priced(by_the_hour(first)), priced(by_the_hour(second)), HOUR).arithmetic()
    rounded = [usd * (1 + 1e-5 * place) for place, usd in enumerate(by_the_hour(0.2))]
    assert held(priced(rounded), priced(by_the_hour(0.1)), HOUR).arithmetic(), "a sample more or less is no chance"


TWICE = [usd * (1 + (place == 2)) for place, usd in enumerate(by_the_hour(0.1))]
TOKENS = [0.001, 0.004, 0.002, 0.002, 0.003]
MINIMUM = [max(usd, 10 / 36000) for usd in by_the_hour(0.1)]


@pytest.mark.parametrize("paid", [TWICE, TOKENS, MINIMUM], ids=["paid twice", "by tokens", "least bill"])
@pytest.mark.parametrize("other", [by_the_hour(0.1), [0.0] * 5], ids=["priced", "free"])
def test_what_hangs_on_the_clip_is_sampled(paid: list[float], other: list[float]) -> None:
    assert not held(priced(paid), priced(other), HOUR).arithmetic()
    assert not held(priced(other), priced(paid), HOUR).arithmetic()


def test_only_prices_over_the_same_things_are_arithmetic() -> None:
    first, second = priced(by_the_hour(0.2)), priced(by_the_hour(0.1), words=8)
    assert not held(first, second, CLIPS).arithmetic(), "how long a clip is hangs on the clip"
    assert not held(first, second, WORDS).arithmetic(), "words that are right are sampled"
    assert not held(first[:1], second[:1], HOUR).arithmetic(), "one clip shows no proportion"
    assert not held(pair([2] * 6, [2] * 6)[:6], pair([2] * 6, [2] * 6)[6:], WER).arithmetic(), "errors never are"


def test_both_sides_have_the_clips_they_share_in_one_order() -> None:
    rows = pair([3, 0, 5, 2], [9, 1, 0, 4])
    new, old = rows[:3], list(reversed(rows[4:]))
    found = held(new, old, WER)
    assert (found.clips, [score.clip_id for score in found.old.scores]) == (3, ["c0", "c1", "c2"])
    assert [side.tolist() for side in found.sums] == [[3, 0, 5], [50] * 3, [9, 1, 0], [50] * 3]
    assert np.allclose(found.excess(), [-6, -1, 5])
    assert pairs(Table(rows[:2]), Table(rows[6:]), METRICS) == []
