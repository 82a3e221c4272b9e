"""Worked cases: voice agent."""

from collections.abc import Mapping
from typing import Any

from evalkit.scoring import turns
from tests.golden.shared import Answer, Case


def occasion(row: Mapping[str, Any]) -> turns.Occasion:
    if row["kind"] == "turn_end":
        return turns.TurnEnd(row["user_end"], row["agent_start"])
    if row["kind"] == "pause":
        start_s, end_s = row["pause"]
        return turns.Pause(start_s, end_s, row["agent_start"])
    return turns.BargeIn(row["user_start"], row["agent_stop"])


def turn_taking(case: Case) -> Answer:
    found = turns.turn_taking([occasion(row) for row in case["input"]["turns"]])
    return {
        "ttfa_s": list(found.answers_s),
        "response_rate": found.response_rate,
        "takeover_rate_turn_end": found.takeover_rate,
        "takeover_rate_pause": found.pause_takeover_rate,
        "barge_in_success": found.barge_in_rate,
        "stop_latency_s": list(found.stops_s),
    }


ADAPTERS = {"turn_taking": turn_taking}
