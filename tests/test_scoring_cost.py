from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.cost import (
    Billing,
    Price,
    affordable,
    billed_audio_s,
    billed_s,
    cost_usd,
    cpu_s,
    estimate_error,
    price,
    prices,
    rounding_overhead,
    usd_per_hour,
    worst_case_usd,
)
from evalkit.types import Event
from tests.conversations import answered, streamed, trace

AUDIO = Price("p", "rest", "audio", 0.10, "a price list", "2026-11-20")
CPU = Price("p", "rest", "cpu", 0.04, "a price list", "2026-11-20")


def test_every_price_is_dated_and_has_a_source() -> None:
    for line in prices():
        assert date.fromisoformat(line.date)
        assert line.source
        assert line.note
        assert line.usd_per_hour > 0
        assert line.basis in ("audio", "cpu")
    assert len({(line.provider, line.route, line.model) for line in prices()}) == len(prices())


def test_a_price_is_found_by_provider_and_route() -> None:
    rest, streaming = price("xai", "rest"), price("xai", "streaming")
    assert rest
    assert streaming
    assert (rest.usd_per_hour, streaming.usd_per_hour) == (0.10, 0.20)
    assert price("nobody", "rest") is None
    assert price("xai", "agent") is None


def test_of_the_lines_that_fit_a_model_the_first_holds_and_no_line_is_no_price() -> None:
    table = [replace(AUDIO, model=model, usd_per_hour=usd) for model, usd in (("a-b", 1.0), ("a*", 2.0))]
    found = [price("p", "rest", model, table=table) for model in ("a-b", "a-c", "", "b")]
    assert [line and line.usd_per_hour for line in found] == [1.0, 2.0, None, None]


def test_an_answered_request_pays_for_the_clip() -> None:
    assert cost_usd(AUDIO, [answered()], 36.0) == pytest.approx(0.001)


def test_every_answered_attempt_is_paid_and_a_refused_or_lost_one_is_not() -> None:
    lost = trace([Event(0.0, 0.0, "sent", {}), Event(9.0, 0.0, "error", {})], route="rest")
    assert cost_usd(AUDIO, [answered(), lost, answered(status=503), answered()], 36.0) == pytest.approx(0.002)


def test_a_stream_pays_for_the_audio_that_was_sent_even_without_an_answer() -> None:
    assert billed_audio_s(streamed(duration_s=1.2, ended=False), 60.0) == pytest.approx(1.2)
    refused = trace([Event(0.1, 0.0, "received", {"status": 401, "headers": {}, "body": ""})])
    assert billed_audio_s(refused, 60.0) == 0.0


def test_processor_time_comes_from_the_header_or_the_message() -> None:
    assert cpu_s(answered(headers={"X-Evalkit-CPU-S": "1.5"})) == 1.5
    assert cpu_s(streamed([(4.0, '{"type":"evalkit.usage","cpu_s":0.25}')])) == 0.25
    assert cpu_s(streamed([(4.0, '{"type":"other","text":"evalkit.usage"}')])) is None
    used = [answered(headers={"x-evalkit-cpu-s": "90"}), answered(headers={"x-evalkit-cpu-s": "90"})]
    assert cost_usd(CPU, used, 10.0) == pytest.approx(0.002)


def test_processor_time_that_was_not_reported_is_unknown_and_not_free() -> None:
    assert cost_usd(CPU, [answered()], 10.0) is None


def test_catalogue_units() -> None:
    assert usd_per_hour(0.10 / 3600) == pytest.approx(0.10)


@given(
    st.integers(0, 10**6), st.sampled_from(["0.1", "1", "15"]), st.sampled_from(["0", "10"]), st.sampled_from([1, 2])
)
def test_rounding_only_ever_adds(milliseconds: int, granularity: str, minimum: str, channels: int) -> None:
    rule = Billing("audio_sent", Decimal(granularity), Decimal(minimum), Decimal(channels))
    seconds = milliseconds / 1000
    found = billed_s(seconds, rule)
    exact = Decimal(str(seconds))
    assert (
        max(exact, Decimal(minimum))
        <= found / channels
        < max(exact + Decimal(granularity), Decimal(minimum) + Decimal(granularity))
    )
    assert found == billed_s(seconds, Billing("audio_sent", Decimal(granularity), Decimal(minimum))) * channels


def test_a_multiple_is_not_rounded_up() -> None:
    assert billed_s(0.3, Billing("audio_sent", Decimal("0.1"))) == Decimal("0.3")
    assert billed_s(12.34, Billing("audio_sent")) == Decimal("12.34")
    assert rounding_overhead([], Billing("audio_sent")) is None
    assert rounding_overhead([10.0], Billing("audio_sent", channel_factor=Decimal(2))) == 0.0


def test_a_request_fits_the_budget_at_its_worst_or_not_at_all() -> None:
    worst = worst_case_usd(360.0, 0.10, attempts=3)
    assert worst == Decimal("0.03")
    assert affordable(Decimal("0.05"), Decimal("0.01"), Decimal("0.01"), worst)
    assert not affordable(Decimal("0.05"), Decimal("0.01"), Decimal("0.0100001"), worst)


def test_an_estimate_is_judged_by_the_invoice() -> None:
    assert estimate_error(1.1, 1.0) == pytest.approx(0.1)
    assert estimate_error(0.9, 1.0) == pytest.approx(0.1)
    assert estimate_error(1.0, 0.0) is None


def test_the_bill_follows_the_rules_of_the_price_line_where_it_knows_any() -> None:
    heard, refused = (
        trace([Event(1.0, 0.0, "received", {"status": status, "headers": {}, "body": ""})]) for status in (200, 503)
    )
    plain = replace(AUDIO, usd_per_hour=3600.0)
    ruled = replace(plain, granularity_s=15.0, minimum_s=20.0)
    assert cost_usd(plain, [refused, heard], 7.5) == 7.5
    assert cost_usd(ruled, [refused, heard], 7.5) == 20.0
    assert cost_usd(ruled, [heard, heard], 31.0) == 90.0
