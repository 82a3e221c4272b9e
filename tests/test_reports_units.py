import dataclasses

import pytest

from evalkit.reports.units import DIRECTION_WORDS, UNIT_WORDS, duration, fine, shown, span, status, told
from evalkit.scoring import catalogue
from tests import handmade


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.1234, "rate", "12.3 %"),
        (1.5, "rate", "150.0 %"),
        (0.65, "s", "650 ms"),
        (-0.0124, "s", "−12 ms"),
        (1.3, "s", "1,300 ms"),
        (12.34, "s", "12.3 s"),
        (0.1, "usd_per_h", "$0.100 /h"),
        (0.0004, "usd_per_h", "$0.0004 /h"),
        (0.0, "usd_per_h", "$0.000 /h"),
        (4.404, "usd", "$4.40"),
        (1234.5, "usd", "$1,234.50"),
        (0.1, "usd", "$0.100"),
        (0.0042, "usd", "$0.0042"),
        (-2.0, "usd", "−$2.00"),
        (0.0, "usd", "$0.00"),
        (14.25, "per_min", "14.2 /min"),
        (26.96, "x", "27.0 ×"),
        (3.0, "count", "3"),
        (None, "rate", "–"),
        (float("nan"), "s", "–"),
        (-0.0, "rate", "0.0 %"),
        (-0.0001, "rate", "0.0 %"),
    ],
)
def test_a_number_is_written_by_its_unit(value: float | None, unit: str, words: str) -> None:
    assert shown(value, unit) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0.0123, "+1.2 points"), (-0.214, "−21.4 points"), (0.0, "0.0 points"), (None, "–")]
)
def test_a_difference_of_rates_is_in_points_and_signed(value: float | None, words: str) -> None:
    assert shown(value, "rate", signed=True, points=True) == words


def test_an_interval_says_its_unit_once() -> None:
    assert span(0.091, 0.142, "rate") == "9.1 to 14.2 %"
    assert span(-0.27, -0.158, "rate", points=True) == "−27.0 to −15.8 points"
    assert span(0.4, 1.2, "s") == "400 to 1,200 ms"
    assert span(9.0, 12.0, "s") == "9.0 to 12.0 s"
    assert span(0.4, 1.2, "s", bare=True) == "400 to 1,200"
    assert span(3.0, 11.1, "s", bare=True) == "3.0 to 11.1 s", "it may stand beside 3,376 ms"
    assert span(1.2, 3.4, "usd") == "$1.20 to $3.40"
    assert span(0.09, 0.1, "usd_per_h", bare=True) == "$0.090 to $0.100"


def test_no_interval_is_no_words() -> None:
    assert span(None, 0.1, "rate") == ""
    assert span(0.1, None, "rate") == ""
    assert span(0.1, 0.1, "usd_per_h") == ""


def test_a_figure_says_why_not_to_lean_on_it() -> None:
    row = handmade.demo(1)[2][0]
    assert status(None) == "not tested"
    assert status(row) in ("", "too few data")


def test_durations_read_like_durations() -> None:
    assert [duration(s) for s in (None, 5.4, 190.2, 7500)] == ["–", "5 s", "3 min 10 s", "2 h 05 min"]


def test_lateness_keeps_hundredths_of_a_millisecond() -> None:
    assert (fine(0.000431), fine(-0.0021)) == ("0.43 ms", "−2.10 ms")


def test_not_being_measurable_is_told_and_not_being_there_is_not() -> None:
    row = dataclasses.replace(handmade.demo(1)[2][0], value=None, note="p95: not measurable with n = 20; 72 needed")
    assert told(dataclasses.replace(row, n_units=20))
    assert not told(dataclasses.replace(row, n_units=0))
    assert not told(dataclasses.replace(row, n_units=20, note=""))
    assert told(dataclasses.replace(row, value=0.0))
    assert not told(None)


def test_every_unit_and_direction_of_the_catalogue_has_words() -> None:
    assert {metric.unit for metric in catalogue.EVERY} == set(UNIT_WORDS)
    assert {metric.direction for metric in catalogue.EVERY} == set(DIRECTION_WORDS)
    for metric in catalogue.EVERY:
        assert metric.unit == "s" or metric.unit not in shown(1.5, metric.unit), metric.id
