"""Documented limits, console values above them, and who may start when."""

import asyncio
import json
from collections import Counter
from dataclasses import asdict
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from evalkit import limits
from evalkit.errors import SettingsError
from evalkit.limits import ASSUMED, REQUEST_S, SPARE, Admission, Limits, Load, Need
from evalkit.plan import Choice, Plan


def test_every_documented_line_has_a_source_and_a_day() -> None:
    for (provider, route), line in limits._table().items():
        assert line.source, (provider, route)
        assert (line.age_days(date.max) or 0) > 0


def test_what_nobody_documents_is_unknown_not_unlimited() -> None:
    assert limits.documented("nobody", "rest") == Limits()
    assert Limits().interval_s == 0
    assert Limits().age_days(date(2026, 11, 20)) is None


def test_the_strictest_rate_sets_the_pace() -> None:
    assert Limits(requests_per_s=10, requests_per_min=60).interval_s == pytest.approx(SPARE * 1.0)
    assert Limits(requests_per_s=10).interval_s == pytest.approx(SPARE * 0.1)


def test_the_console_stands_above_the_documents() -> None:
    page = Limits(requests_per_s=10, sessions=100, source="page", date="2026-01-01", note="base tier")
    console = page.said_otherwise({"sessions": 300, "date": "2026-11-01"})
    assert (console.requests_per_s, console.sessions, console.note) == (10, 300, "")
    assert console.told == {"page, 2026-01-01": {"requests_per_s": 10}, "your console, 2026-11-01": {"sessions": 300}}
    assert page.said_otherwise({}) is page


@pytest.mark.parametrize("stated", ["requests_per_s", "requests_per_min"])
def test_a_stated_rate_stands_above_both_documented_ones(stated: str) -> None:
    page = Limits(requests_per_s=10, requests_per_min=600, upload_mb=500, source="page", date="2026-01-01")
    console = page.said_otherwise({stated: 1200, "date": date(2026, 11, 1)})
    assert console.told == {"page, 2026-01-01": {"upload_mb": 500}, "your console, 2026-11-01": {stated: 1200}}
    assert console.age_days(date(2026, 11, 2)) == 1, "TOML knows dates without quotes"


def test_each_value_keeps_its_origin_when_a_second_console_stands_above_the_first() -> None:
    page = Limits(requests_per_s=10, sessions=100, upload_mb=500, source="page", date="2026-01-01")
    first = page.said_otherwise({"sessions": 200, "date": "2026-05-01"})
    second = first.said_otherwise({"upload_mb": 20, "date": "2026-06-01"})
    assert second.told == {
        "page, 2026-01-01": {"requests_per_s": 10},
        "your console, 2026-05-01": {"sessions": 200},
        "your console, 2026-06-01": {"upload_mb": 20},
    }
    assert Limits(**json.loads(json.dumps(asdict(second)))) == second, "as run.json keeps it"
    assert hash(second)


def test_only_the_size_that_the_console_says_is_kept_to_here() -> None:
    page = Limits(upload_mb=500, source="page", date="2026-01-01")
    assert page.upload_bytes is None
    assert page.said_otherwise({"upload_mb": 0.5, "date": "2026-06-01"}).upload_bytes == 500_000
    assert page.said_otherwise({"sessions": 5, "date": "2026-06-01"}).upload_bytes is None


def test_the_strictest_of_several_names_holds() -> None:
    known = [Limits(requests_per_s=10, sessions=5), Limits(requests_per_s=20, upload_mb=3), Limits()]
    assert limits.strictest(known) == Limits(requests_per_s=10, sessions=5, upload_mb=3)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"session": 3, "date": "2026-11-20"}, r"unknown key in .limits.xai.rest.: 'session'.*sessions"),
        ({"sessions": 0, "date": "2026-11-20"}, "sessions must be a number above 0, not 0"),
        ({"sessions": True, "date": "2026-11-20"}, "sessions must be a number above 0, not True"),
        ({"sessions": 3}, "needs the day you read it"),
        ({"sessions": 1.5, "date": "2026-11-20"}, "sessions must be a whole number, not 1.5"),
        ({"requests_per_s": float("nan"), "date": "2026-11-20"}, "requests_per_s must be a number above 0, not nan"),
        ({"requests_per_s": float("inf"), "date": "2026-11-20"}, "requests_per_s must be a number above 0, not inf"),
        ({"requests_per_min": 10**30, "date": "2026-11-20"}, "requests_per_min must be a number above 0"),
        ({"origins": {}, "date": "2026-11-20"}, "unknown key"),
        ({"sessions": 3, "date": "yesterday"}, "needs the day you read it"),
    ],
)
def test_a_wrong_console_value_names_its_place(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        Plan(Choice("xai"), budget_usd=1, limits={"xai": {"rest": values}})


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            {"xai": {"requests_per_s": 20, "date": "2026-11-20"}},
            r".limits.xai.: of which route\? write .limits.xai.rest.",
        ),
        ({"xai": 20}, r".limits.xai.: of which route"),
        ({"xai": {"strming": {"sessions": 3, "date": "2026-11-20"}}}, "'strming'; did you mean 'streaming'"),
    ],
)
def test_limits_need_a_route_that_there_is(told: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        Plan(Choice("xai"), budget_usd=1, limits=told)


def test_limits_of_somebody_who_is_not_asked_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"xia.*xai"):
        Plan(Choice("xai"), budget_usd=1, limits={"xia": {"rest": {"sessions": 3, "date": "2026-11-20"}}})


def test_sessions_bound_what_is_in_flight() -> None:
    console = {"xai": {"streaming": {"sessions": 2, "date": "2026-11-20"}}}
    plan = Plan(Choice("xai"), budget_usd=1, concurrency=50, limits=console)
    assert {provider.route: plan.width(provider) for route in plan.routes for provider in plan.providers(route)} == {
        "rest": 50,
        "streaming": 2,
    }


async def test_starts_are_spaced_and_places_are_held() -> None:
    admission = Admission(Limits(requests_per_s=100), 2)
    loop = asyncio.get_running_loop()
    began, starts = loop.time(), list[float]()
    held = most = 0

    async def one() -> None:
        nonlocal held, most
        async with admission.admitted():
            starts.append(loop.time())
            held += 1
            most = max(most, held)
            await asyncio.sleep(0.03)
            held -= 1

    await asyncio.gather(*(one() for _ in range(6)))
    assert most <= 2
    assert max(starts) - began >= 5 * 0.0105


async def test_names_of_one_account_wait_for_each_other() -> None:
    one, other = limits.admit([Limits(sessions=3), Limits(requests_per_s=100)], [2, 2])
    loop = asyncio.get_running_loop()
    starts: list[float] = []
    held: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def talk(name: str, admission: Admission) -> None:
        async with admission.admitted():
            starts.append(loop.time())
            held.update([name, "both"])
            most.update({key: max(0, held[key] - most[key]) for key in held})
            await asyncio.sleep(0.05)
            held.subtract([name, "both"])

    await asyncio.gather(*(talk(name, desk) for name, desk in (("one", one), ("other", other)) for _ in range(5)))
    assert most == {"one": 2, "other": 2, "both": 3}
    assert min(later - earlier for earlier, later in pairwise(sorted(starts))) >= 0.009


def test_the_worked_case_of_littles_law() -> None:
    """Half a call a second of three minutes: 90 at once, 135 with headroom, more than a hundred."""
    need = Need(0.5, 180)
    assert need.sessions == pytest.approx(135)
    assert need.beyond(Limits(sessions=100)) == ["needs 135 sessions at once, allowed 100"]
    assert need.beyond(Limits(sessions=135, requests_per_s=0.75, requests_per_min=45)) == []
    assert len(need.beyond(Limits(sessions=1, requests_per_s=0.1, requests_per_min=1))) == 3


def test_a_request_lasts_as_long_as_was_said_or_seen_and_a_stream_as_long_as_was_said() -> None:
    load = Load(0.5, stream_s=180)
    assert load.on("streaming", 7.0) == Need(0.5, 180)
    assert load.on("rest", 7.0) == Need(0.5, 7.0, "median of this run")
    assert load.on("rest") == Need(0.5, REQUEST_S, ASSUMED)
    assert Load(0.5, request_s=3).on("rest", 7.0) == Need(0.5, 3)
    assert Load(0.5, request_s=3).on("streaming").sessions == 0


def test_an_unknown_limit_is_never_said_to_be_passed() -> None:
    assert Need(1000, 1000).beyond(Limits()) == []
