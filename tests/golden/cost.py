"""Worked cases: cost."""

from decimal import Decimal

from evalkit.scoring import cost, frontier
from tests import conversations
from tests.golden.shared import Answer, Case


def cost_summary(case: Case) -> Answer:
    given = case["input"]
    price = cost.Price("p", "rest", "audio", float(given["price_per_hour"]), "", "")
    clip_s = given["mean_clip_s"]
    base = cost.cost_usd(price, [conversations.answered()] * given["clips"], clip_s) or 0.0
    retries = cost.cost_usd(price, [conversations.answered()] * given["failed_billed_attempts"], clip_s) or 0.0
    hours = given["clips"] * clip_s / 3600
    total = base + retries
    return {
        "audio_hours": hours,
        "base_cost": base,
        "retry_cost": retries,
        "total": total,
        "per_audio_hour": total / hours,
        "per_1000_clips": 1000 * total / given["clips"],
        "per_1000_correct_words": 1000 * total / given["hits"],
        "retry_overhead": retries / base,
    }


def price_units(case: Case) -> Answer:
    tick = float(case["input"]["tick_usd"])
    return {
        "rest_usd_per_hour": cost.usd_per_hour(case["input"]["per_audio_second_ticks"] * tick),
        "stream_usd_per_hour": cost.usd_per_hour(case["input"]["per_audio_second_streaming_ticks"] * tick),
    }


RULES = {
    "exact": cost.Billing("audio_sent"),
    "ceil_1s": cost.Billing("audio_sent", Decimal(1)),
    "ceil_15s": cost.Billing("audio_sent", Decimal(15)),
    "ceil_1s_min_10s": cost.Billing("audio_sent", Decimal(1), Decimal(10)),
}


def billed_seconds(case: Case) -> Answer:
    durations = case["input"]["duration_s"]
    billed = {name: [float(cost.billed_s(seconds, rule)) for seconds in durations] for name, rule in RULES.items()}
    return {
        **billed,
        "exact": sum(billed["exact"]),
        "total": {name: sum(seconds) for name, seconds in billed.items()},
        "overhead_vs_exact": {name: cost.rounding_overhead(durations, rule) for name, rule in RULES.items()},
    }


def pareto(case: Case) -> Answer:
    points = case["input"]["points"]
    return {"frontier": frontier.frontier(points), "dominated": frontier.dominated(points)}


def budget(case: Case) -> Answer:
    given = case["input"]
    limit, spent, reserved = (Decimal(given[name]) for name in ("budget", "spent", "reserved"))

    def worst(audio_s: float, attempts: int) -> Decimal:
        return cost.worst_case_usd(audio_s, Decimal(given["price_per_hour"]), attempts=attempts)

    audio_s, attempts = given["next_audio_s"], given["max_attempts"]
    return {
        "worst_case": float(worst(audio_s, attempts)),
        "allowed": cost.affordable(limit, spent, reserved, worst(audio_s, attempts)),
        "allowed_if_max_attempts_1": cost.affordable(limit, spent, reserved, worst(audio_s, 1)),
        "allowed_if_next_audio_s_30_and_1_attempt": cost.affordable(limit, spent, reserved, worst(30, 1)),
    }


ADAPTERS = {
    "billed_seconds": billed_seconds,
    "pareto": pareto,
    "budget": budget,
    "cost_summary": cost_summary,
    "price_units": price_units,
}
