from datetime import date

import pytest

from evalkit.scoring.cost import Price, billed_audio_s, cost_usd, cpu_s, price, prices, usd_per_hour
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
    assert len({(line.provider, line.route) for line in prices()}) == len(prices())


def test_a_price_is_found_by_provider_and_route() -> None:
    rest, streaming = price("xai", "rest"), price("xai", "streaming")
    assert rest
    assert streaming
    assert (rest.usd_per_hour, streaming.usd_per_hour) == (0.10, 0.20)
    assert price("nobody", "rest") is None
    assert price("xai", "agent") is None


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
