"""Worked cases: voice agent."""

from collections.abc import Mapping
from typing import Any

from evalkit.scoring import turns
from evalkit.stats import intervals
from tests.golden.shared import Answer, Case


def occasion(row: Mapping[str, Any]) -> turns.Occasion:
    """What a row describes; an agent that speaks without a turn of the user takes over a pause."""
    if row["kind"] == "turn_end":
        return turns.TurnEnd(row["user_end"], row.get("agent_start"))
    if row["kind"] == "barge_in":
        return turns.BargeIn(row["user_start"], row.get("agent_stop"))
    if row["kind"] in ("backchannel", "noise"):
        return turns.Backchannel(row["user_start"], row.get("agent_stop"))
    start_s, end_s = row.get("pause") or (float("-inf"), float("inf"))
    return turns.Pause(start_s, end_s, row.get("agent_start"))


def turn_taking(case: Case) -> Answer:
    limits = {ours: case["params"][theirs] for theirs, ours in LIMITS.items() if theirs in case["params"]}
    found = turns.turn_taking([occasion(row) for row in case["input"]["turns"]], **limits)
    return {
        "ttfa_s": list(found.answers_s),
        **{
            f"ttfa_p{rank}_s": intervals.percentile(found.answers_s, rank / 100, failed=found.unanswered)
            for rank in (50, 90, 95)
        },
        "unanswered": found.unanswered,
        "response_rate": found.response_rate,
        "takeover_rate_turn_end": found.takeover_rate,
        "takeover_rate_pause": found.pause_takeover_rate,
        "barge_in_success": found.barge_in_rate,
        "stop_latency_s": list(found.stops_s),
        "false_stop_rate": found.false_stop_rate,
    }


LIMITS = {"max_answer_s": "max_answer_s", "response_window_s": "max_answer_s", "max_stop_s": "max_stop_s"}
ADAPTERS = {"turn_taking": turn_taking}
