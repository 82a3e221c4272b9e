"""Every kind of fault against the harness and the xAI client as they are, over real connections."""

import asyncio
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.emulator import Knobs, faults, launch, with_knobs
from evalkit.emulator.faults import KINDS, Fault
from evalkit.errors import ParseError, Refused, SettingsError, Unavailable
from tests.trials import ATTEMPTS, AUDIO_S, KNOBS, TRUTH, WORDS, Came, hurried, locked, script, tried

PLAN = faults.plan(0, audio_s=AUDIO_S)


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Fault, Came]]:
    """What came of each fault of the plan; all of them at once, each at an address of its own."""
    folder = tmp_path_factory.mktemp("faults")

    async def all_of(url: str) -> list[Came]:
        def at(fault: Fault) -> str:
            return with_knobs(url, Knobs(faults=faults.written([fault])))

        return await asyncio.gather(
            *(
                tried(at(one), one.route, folder / f"{one.route}-{one.kind}", clips=one.first, kind=one.kind)
                for one in PLAN
            )
        )

    with hurried(), launch("scripted", script=script(folder), knobs=KNOBS) as url:
        yield dict(zip(PLAN, asyncio.run(all_of(url)), strict=True))


@pytest.mark.parametrize("fault", PLAN, ids=lambda fault: f"{fault.route}-{fault.kind}")
def test_the_client_makes_of_a_fault_what_is_right(came: dict[Fault, Came], fault: Fault) -> None:
    result = came[fault]
    assert result.failures == fault.outcomes(ATTEMPTS), "classified rightly, and tried again only where that may help"
    assert (result.stopped is not None) is fault.about.stops_run
    for failure, text, trace in zip(result.failures, result.texts, result.traces, strict=True):
        assert text in TRUTH, "nothing that was not said"
        if failure is not ParseError:
            assert locked(trace) <= set(text.split()), "no word that was locked is lost"
            assert locked(trace) <= set(result.final.split()), "nor by what comes after"
    assert result.final == TRUTH if result.failures[-1] is None else TRUTH.startswith(result.final)
    if fault.told_s is not None:
        starts = [trace.started_at for trace in result.traces]
        waits = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(starts)]
        assert min(waits) >= fault.told_s


def test_faults_in_the_middle_leave_words_on_both_sides(came: dict[Fault, Came]) -> None:
    for fault, result in came.items():
        if fault.about.place == "audio" and result.failures[0] is not None:
            assert 0 < len(result.texts[0].split()) < len(WORDS), fault


def test_the_plan_has_every_kind_on_each_of_its_routes() -> None:
    assert {(fault.kind, fault.route) for fault in PLAN} == {(k, route) for k in KINDS for route in KINDS[k].routes}
    assert len(PLAN) == len(set(PLAN)) > 60
    assert len(KINDS) > 40


@given(st.integers(), st.floats(1, 100))
def test_a_plan_depends_on_its_seed_alone_and_reads_back(seed: int, audio_s: float) -> None:
    plan = faults.plan(seed, audio_s=audio_s)
    assert plan == faults.plan(seed, audio_s=audio_s)
    assert faults.read(faults.written(plan)) == plan
    assert all(0.2 * audio_s <= one.at_s <= 0.8 * audio_s for one in plan if one.about.place == "audio")
    assert "," not in faults.written(plan), "a comma separates knobs"


def test_another_seed_is_another_plan() -> None:
    assert faults.plan(1, audio_s=2.0) != faults.plan(2, audio_s=2.0)


def test_what_a_correct_client_does_next() -> None:
    assert Fault.of("busy", "rest", times=2).outcomes(3) == (Unavailable, Unavailable, None)
    assert Fault.of("storm", "rest").outcomes(3) == (Unavailable,) * 3
    assert Fault.of("bad_request", "rest").outcomes(3) == (Refused,)
    assert Fault.of("half_json", "rest").outcomes(3) == (ParseError,)
    assert Fault.of("stall", "streaming").outcomes(3) == (None,)
    assert Fault.of("expired_token", "streaming").outcomes(3) == (Unavailable, Refused)
    assert [Fault.of(kind, "rest").retried for kind in ("busy", "wrong_key", "slow_body")] == [True, False, False]


def test_a_fault_strikes_the_requests_it_is_meant_for() -> None:
    planned = faults.read("rest:busy:first=2:times=2;rest:closed:first=5:times=always;streaming:reset")
    struck = [faults.struck(planned, "rest", number) for number in range(1, 8)]
    assert [one and one.kind for one in struck] == [None, "busy", "busy", None, "closed", "closed", "closed"]
    expired = faults.read("streaming:expired_token")
    assert [one and one.kind for one in (faults.struck(expired, "streaming", n) for n in (1, 2, 3))] == [
        "expired_token", "unauthorised", "unauthorised",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rest:bussy", "did you mean 'busy'"),
        ("rst:busy", "did you mean 'rest'"),
        ("rest:reset", "none of route rest, only of streaming"),
        ("rest:busy:tims=2", "did you mean 'times'"),
        ("rest:busy:times=often", "must be a number"),
        ("rest:busy:times=-1", "cannot be -1"),
        ("rest:busy:seconds=nan", "cannot be nan"),
    ],
)
def test_a_wrong_text_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        faults.read(text)
