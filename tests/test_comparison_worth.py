from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from evalkit.comparison.worth import Answer, standings, streaming
from evalkit.types import Route, SummaryRow
from tests import product

WER = "acc.wer.en"


def manifest(
    evidence: str = "live", *, options: Mapping[str, Any] = {}, names: Sequence[str] = ("a", "b")
) -> dict[str, Any]:
    settings = {"rest": {"model": "m", **options}, "streaming": {"model": "m", **dict.fromkeys(options, "other")}}
    return {"providers": {name: {"evidence": evidence, "settings": settings} for name in names}, "prices": []}


def system(
    name: str,
    route: Route,
    usd: float | None,
    wer: tuple[float, float, float],
    delay_s: tuple[float, float, float] | None,
) -> list[SummaryRow]:
    final = "lat.rest_total" if route == "rest" else "lat.ttfs"
    rows = [product.figure(WER, *wer), product.figure("cost.per_audio_hour", usd, usd, usd, unit="usd_per_h")]
    rows.append(product.figure(f"{final}.p50", 0.1, 0.05, 0.2, unit="s"))
    rows.append(product.figure(f"{final}.p95", *(delay_s or (None, None, None)), unit="s"))
    if route == "streaming":
        rows.append(product.figure("str.rewrites_per_min", 40.0, 30.0, 50.0, unit="per_min"))
    return [
        SummaryRow(
            **{**{field: getattr(row, field) for field in row.__dataclass_fields__}, "provider": name, "route": route}
        )
        for row in rows
    ]


GOOD, BAD = (0.05, 0.04, 0.06), (0.10, 0.08, 0.12)
FAST, SLOW = (0.5, 0.4, 0.6), (3.0, 2.5, 3.5)


def stand(rows: Sequence[SummaryRow], **about: Any) -> dict[str, tuple[str, str, str]]:
    found = standings(manifest(**about), rows, WER)
    return {f"{one.provider} {one.route}": (one.dominated_by, one.clearly, one.left_out) for one in found}


def test_who_is_no_better_anywhere_and_worse_somewhere_is_dominated() -> None:
    found = stand([*system("a", "rest", 0.1, GOOD, FAST), *system("b", "rest", 0.2, BAD, SLOW)])
    assert found == {"a rest": ("", "", ""), "b rest": ("a REST", "a REST", "")}


def test_overlapping_intervals_dominate_nobody_clearly() -> None:
    close = (0.055, 0.045, 0.065)
    found = stand([*system("a", "rest", 0.1, GOOD, FAST), *system("b", "rest", 0.2, close, SLOW)])
    assert found["b rest"] == ("a REST", "", "")


def test_better_on_one_axis_is_enough_to_stay() -> None:
    found = stand([*system("a", "rest", 0.1, GOOD, SLOW), *system("b", "rest", 0.2, BAD, FAST)])
    assert {one[0] for one in found.values()} == {""}


def test_what_cannot_be_held_against_another_is_not_dominated() -> None:
    """An unknown price could be the lowest, and a delay asked for otherwise says nothing."""
    found = stand([*system("a", "rest", 0.1, GOOD, FAST), *system("b", "rest", None, BAD, SLOW)])
    assert found["b rest"] == ("", "", "1 of 1 others: price unknown")
    rows = [*system("a", "rest", 0.1, GOOD, FAST), *system("a", "streaming", 0.2, BAD, SLOW)]
    found = stand(rows, options={"diarize": True})
    assert found["a streaming"][0] == ""
    assert "asked for different things (diarize)" in found["a streaming"][2]
    assert stand(rows)["a streaming"][0] == "a REST"


@pytest.mark.parametrize(
    ("rest_s", "stream_s", "need_s", "answer"),
    [
        (SLOW, FAST, None, "no_need"),
        (SLOW, FAST, 4.0, "rest_is_enough"),
        (SLOW, FAST, 1.0, "streaming_only"),
        (SLOW, FAST, 0.3, "neither"),
        (SLOW, FAST, 3.0, "open"),
        (FAST, SLOW, 0.45, "open"),
        (None, FAST, 1.0, "unknown"),
    ],
)
def test_is_streaming_worth_its_price(rest_s: Any, stream_s: Any, need_s: float | None, answer: Answer) -> None:
    rows = [*system("a", "rest", 0.1, GOOD, rest_s), *system("a", "streaming", 0.2, BAD, stream_s)]
    (one,) = streaming(manifest(), rows, [], need_s)
    assert one.answer == answer
    assert bool(one.why) == (answer in ("open", "unknown"))


def test_what_streaming_saves_and_costs() -> None:
    rows = [*system("a", "rest", 0.1, GOOD, SLOW), *system("a", "streaming", 0.2, BAD, FAST)]
    wanted = product.difference("inferior", 0.05, question="streaming_vs_rest", provider="a", route="streaming")
    other = product.difference("inferior", 0.05, provider="a")
    (one,) = streaming(manifest(), rows, [wanted, other], 1.0)
    assert one.saved_s == pytest.approx(2.5)
    assert one.extra_usd_per_h == pytest.approx(0.1)
    assert one.choice is not None
    assert one.choice.usd_per_h_per_s == pytest.approx(0.04)
    assert one.errors == (wanted,)
    assert one.rewrites_per_min is not None
    assert one.rewrites_per_min.value == 40.0


@pytest.mark.parametrize(
    ("about", "why"), [({"evidence": "simulated"}, "loopback"), ({"options": {"diarize": True}}, "diarize")]
)
def test_loopback_delays_and_list_prices_make_no_answer(about: dict[str, Any], why: str) -> None:
    rows = [*system("a", "rest", 0.1, GOOD, SLOW), *system("a", "streaming", 0.2, BAD, FAST)]
    (one,) = streaming(manifest(**about), rows, [], 1.0)
    assert (one.answer, one.choice) == ("not_comparable", None)
    assert why in one.why
    assert one.saved_s == pytest.approx(2.5)


def test_medians_stand_in_where_a_95th_percentile_is_unknown() -> None:
    rows = [*system("a", "rest", 0.1, GOOD, None), *system("a", "streaming", 0.2, BAD, FAST)]
    (one,) = streaming(manifest(), rows, [])
    assert (one.percentile, one.saved_s) == ("p50", 0.0)


def test_one_route_alone_is_not_asked() -> None:
    assert streaming(manifest(), system("a", "rest", 0.1, GOOD, SLOW), []) == ()
