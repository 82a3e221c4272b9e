import json
import math
from dataclasses import asdict

import pytest

from evalkit import scoring
from evalkit.errors import ParseError, Refused, Unavailable
from evalkit.scoring import METRICS, Price
from evalkit.types import Clip, Hypothesis, Trace
from tests.conversations import answered, clip, final, heard
from tests.scored import CASES, LOST, PRICE, REFERENCE, scored


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
@pytest.mark.parametrize("price", [None, PRICE])
def test_every_metric_is_measured_or_its_absence_has_a_reason(
    case: tuple[Clip, Trace, Hypothesis], price: Price | None
) -> None:
    row = scored(*case, price=price)
    for metric in METRICS:
        measured = (
            metric.values in row.values or f"{metric.values}.failed" in row.counts
            if metric.values
            else all(column in row.counts for column in (*metric.numerator, *metric.denominator))
        )
        assert measured != (metric.id in row.absent), metric.id
    assert set(row.absent.values()) <= {"missing_input", "not_applicable", "invalid_pacing"}
    assert set(row.absent) <= {metric.id for metric in METRICS}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_score_can_be_stored(case: tuple[Clip, Trace, Hypothesis]) -> None:
    """Plain finite numbers only: no NaN, no infinity, no booleans or numpy types."""
    row = scored(*case, price=PRICE)
    numbers = [*row.counts.values(), *(value for values in row.values.values() for value in values)]
    assert all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
    json.dumps(asdict(row), allow_nan=False)


def test_scoring_is_pure() -> None:
    case = CASES["stream"]
    assert scored(*case) == scored(*case)


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (Refused("no key", status=401), "refused: no key"),
        (LOST, f"unavailable: {LOST}"),
        (ParseError("odd"), "parse: odd"),
    ],
)
def test_failures_say_of_which_kind_they_are(failure: Refused | Unavailable | ParseError, text: str) -> None:
    assert scored(clip(REFERENCE), answered(), heard(failure=failure)).failure == text


def test_what_identifies_a_row() -> None:
    row = scored(clip(REFERENCE, tags={"noise": "pink"}, cluster=""), answered(), final(REFERENCE), evidence="live")
    assert (row.clip_id, row.provider, row.route, row.evidence, row.cluster) == ("c1", "p", "rest", "live", "c1")
    assert row.slices == {"noise": "pink", "language": "en"}
    assert row.pacing is None
    streaming = scored(*CASES["stream"])
    assert streaming.pacing is not None
    assert streaming.pacing.frames == 30


def test_the_public_names_exist() -> None:
    assert all(hasattr(scoring, name) for name in scoring.__all__)
    assert scoring.VERSION
