"""Who answers is asked before a run is labelled."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest

from evalkit import emulator
from evalkit.plan import Choice, Plan
from evalkit.providers import Provider
from evalkit.replay.asking import MARK, Replayed, evidence_of, replays, simulations, without_delays
from evalkit.reports import tables
from evalkit.scoring import METRICS
from evalkit.types import Audio, Event, Route, Update
from evalkit.wire import Wire
from tests.peers import closed_port, http_answer, http_server
from tests.test_recorded import RECORDED


@dataclass(frozen=True)
class Stranger(Provider):
    """Somebody's own provider, whose address is that of a socket."""

    routes: ClassVar[tuple[Route, ...]] = ("streaming",)
    description: ClassVar[str] = "a stranger"

    name: str
    route: Route = "streaming"
    base_url: str = ""

    @property
    def live(self) -> bool:
        return False

    async def transcribe(self, audio: Audio, wire: Wire) -> None:
        """Not asked here."""

    def parse(self, events: Sequence[Event]) -> Iterator[Update]:
        return iter(())


@pytest.mark.parametrize(
    ("before", "now"), [("live", "recorded"), ("recorded", "recorded"), ("simulated", "simulated"), (None, "simulated")]
)
def test_a_simulation_stays_one(before: str | None, now: str) -> None:
    assert evidence_of(before) == now


def test_only_a_replay_says_that_it_is_one() -> None:
    told = {"server": MARK, "of": "calls", "evidence": "recorded", "speed": 4, "recorded_at": "2026-11-20T10:00:00"}
    found = Replayed.told(told)
    assert found == Replayed("calls", "recorded", 4.0, "2026-11-20T10:00:00")
    assert found is not None
    assert (
        found.caution == "What answered was a replay of run calls of 2026-11-20 4 times as fast, so no delay is told."
    )
    assert Replayed("calls", "recorded", 1.0).caution == "What answered was a replay of run calls."
    assert Replayed.told({"server": MARK, "evidence": "gold"}) == Replayed("", "simulated", 1.0)
    others: list[object] = [None, [], "x", {"server": "evalkit embedded server"}]
    assert [Replayed.told(other) for other in others] == [None] * 4


def test_what_a_replay_says_of_itself_cannot_raise_its_grade() -> None:
    told = {"server": MARK, "of": "calls", "evidence": "live", "speed": None}
    assert Replayed.told(told) == Replayed("calls", "recorded", 0.0)


async def test_a_replay_is_found_behind_a_socket_s_address_and_below_its_path() -> None:
    told = {"server": MARK, "of": "calls", "evidence": "recorded", "speed": 1.0, "error": "asked too deep"}
    async with http_server(lambda _: http_answer(404, json.dumps(told))) as replay:
        below = Choice("openai", {"profile": "vllm", "base_url": f"{replay}/openai/v1"})
        assert set(await replays(Plan(below, routes=("rest",)))) == {"openai"}
        socket = Choice(f"{__name__}:Stranger", {"base_url": replay.replace("http", "ws", 1)}, "stranger")
        assert set(await replays(Plan(socket, routes=("streaming",)))) == {"stranger"}


async def test_each_provider_is_asked_where_it_stands() -> None:
    told = {"server": MARK, "of": "calls", "evidence": "recorded", "speed": 1.0}
    async with http_server(lambda _: http_answer(200, json.dumps(told))) as replay:  # noqa: SIM117
        async with http_server(lambda _: http_answer(200, "<html>")) as other:
            mine, theirs = (Choice("xai", {"base_url": url, "key_env": ""}, name) for url, name in
                            ((f"{replay}/p", "mine"), (other, "theirs")))  # fmt: skip
            assert set(await replays(Plan(mine, theirs))) == {"mine"}
    nobody = Choice("xai", {"base_url": await closed_port(), "key_env": ""})
    assert await replays(Plan(nobody, Choice("local-moonshine"))) == {}
    assert await replays(Plan(Choice("xai"), budget_usd=1.0)) == {}  # a live service is not asked


async def test_the_embedded_server_says_what_it_is() -> None:
    with emulator.launch("scripted", script={"words": []}) as url:
        mine = Choice("xai", {"base_url": f"{url}/knobs/delay_s=0", "key_env": ""}, "mine")
        ours = Choice("openai", {"profile": "plain", "base_url": f"{url}/v1"}, "ours")
        assert await simulations(Plan(mine, ours)) == {"mine", "ours"}
        assert await replays(Plan(mine, ours)) == {}
    async with http_server(lambda _: http_answer(200, '{"server": "vLLM"}')) as other:
        theirs = Choice("openai", {"profile": "vllm", "base_url": other})
        assert await simulations(Plan(theirs, routes=("rest",))) == set()


def test_what_was_told_faster_has_no_delay_and_keeps_its_words() -> None:
    for score in tables.read_scores(RECORDED / "scores.csv"):
        left = without_delays(score)
        gone = {name for name in (*score.counts, *score.values) if name not in left.counts and name not in left.values}
        assert not any(name.startswith("lat.") for name in (*left.counts, *left.values))
        assert all(name.startswith(("lat.", "str.", "fail.", "agt.")) for name in gone)
        delays = [metric.id for metric in METRICS if metric.id.startswith("lat.")]
        assert all(metric_id in left.absent for metric_id in delays)
        assert {name: value for name, value in left.counts.items() if name.startswith("acc.")} == {
            name: value for name, value in score.counts.items() if name.startswith("acc.")
        }
        assert not any(name.startswith(("acc.", "ts.", "pace.")) for name in left.absent if name not in score.absent)
