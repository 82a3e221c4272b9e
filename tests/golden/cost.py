"""Worked cases: cost."""

from evalkit.scoring import cost
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


ADAPTERS = {
    "cost_summary": cost_summary,
    "price_units": price_units,
}
