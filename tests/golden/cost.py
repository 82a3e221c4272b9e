"""Worked cases: cost."""

from decimal import Decimal

from evalkit.scoring import cost, frontier
from tests import conversations
from tests.golden.shared import Answer, Case, asked, share


def cost_summary(case: Case) -> Answer:
    """Without a price there is no cost at all, and least of all 0."""
    given = case["input"]
    clip_s, clips, failed = given["mean_clip_s"], given["clips"], given.get("failed_billed_attempts") or 0
    hours = clips * clip_s / 3600
    answer: Answer = {"audio_hours": hours, "status": "missing_input"}
    costs = ("base_cost", "retry_cost", "total", "per_audio_hour", "per_1000_clips", "per_1000_correct_words")
    if given.get("price_per_hour") is None:
        return answer | dict.fromkeys((*costs, "retry_overhead"))
    price = cost.Price("p", "rest", "audio", float(given["price_per_hour"]), "", "")
    base = cost.cost_usd(price, [conversations.answered()] * clips, clip_s) or 0.0
    retries = cost.cost_usd(price, [conversations.answered()] * failed, clip_s) or 0.0
    total = base + retries
    return {
        "audio_hours": hours,
        "base_cost": base,
        "retry_cost": retries,
        "total": total,
        "per_audio_hour": share(total, hours),
        "per_1000_clips": share(1000 * total, clips),
        "per_1000_correct_words": share(1000 * total, given.get("hits")),
        "retry_overhead": share(retries, base),
        "estimate_error": cost.estimate_error(total, float(given.get("invoice") or 0)),
    }


def price_units(case: Case) -> Answer:
    given, tick = case["input"], float(case["input"]["tick_usd"])
    ticks = {"rest": given.get("per_audio_second_ticks"), "stream": given.get("per_audio_second_streaming_ticks")}
    return {
        f"{route}_usd_per_hour": None if found is None else cost.usd_per_hour(found * tick)
        for route, found in ticks.items()
    }


def rules(case: Case) -> dict[str, cost.Billing]:
    """Rules by the names that say what they are, and the one a case may describe."""
    given = {**case["input"], **case["params"]}
    factor = Decimal(str(given.get("channel_factor", 1)))
    found = {"exact": cost.Billing("audio_sent", channel_factor=factor)}
    for name in asked(case, r"(?:exact|ceil_([\d.]+)s)(?:_min_([\d.]+)s)?"):
        step, least = name.groups()
        found[name[0]] = cost.Billing("audio_sent", Decimal(step) if step else None, Decimal(least or 0), factor)
    if "granularity_s" in given or "minimum_s" in given:
        step, least = given.get("granularity_s"), given.get("minimum_s", 0)
        made = cost.Billing("audio_sent", None if not step else Decimal(str(step)), Decimal(str(least)), factor)
        found["billed"] = made
    return found


def billed_seconds(case: Case) -> Answer:
    durations = case["input"]["duration_s"]
    named = rules(case)
    billed = {name: [float(cost.billed_s(seconds, rule)) for seconds in durations] for name, rule in named.items()}
    totals = {name: float(sum(cost.billed_s(seconds, rule) for seconds in durations)) for name, rule in named.items()}
    return {
        **billed,
        "exact": totals["exact"],
        "total": totals,
        "overhead_vs_exact": {name: cost.rounding_overhead(durations, rule) for name, rule in named.items()},
    }


def pareto(case: Case) -> Answer:
    """A figure that is null is not known, and nobody is compared by it; a pair of limits is an interval."""
    rows = case["input"]["points"].items()
    points = {name: {axis: at for axis, at in row.items() if at is not None} for name, row in rows}
    return {"frontier": frontier.frontier(points), "dominated": frontier.dominated(points)}


def budget(case: Case) -> Answer:
    """Without a budget or a price nothing is sent."""
    given = case["input"]
    audio_s, attempts = given["next_audio_s"], given.get("max_attempts", 1)
    price = given.get("price_per_hour")
    limits = [given.get(name) for name in ("budget", "spent", "reserved")]

    def worst(audio_s: float, attempts: int) -> Decimal | None:
        return None if price is None else cost.worst_case_usd(audio_s, Decimal(str(price)), attempts=attempts)

    def allowed(audio_s: float, attempts: int) -> bool:
        dearest = worst(audio_s, attempts)
        if dearest is None or limits[0] is None:
            return False
        budget_usd, spent, reserved = (Decimal(str(at or 0)) for at in limits)
        return cost.affordable(budget_usd, spent, reserved, dearest)

    dearest = worst(audio_s, attempts)
    answer: Answer = {
        "worst_case": None if dearest is None else float(dearest),
        "allowed": allowed(audio_s, attempts),
    }
    for name in asked(case, r"allowed_if_(?:next_audio_s_([\d.]+))?(?:_and_)?(?:max_attempts_(\d+)|(\d+)_attempts?)?"):
        seconds, *tries = name.groups()
        tried = next((int(number) for number in tries if number), attempts)
        answer[name[0]] = allowed(float(seconds) if seconds else audio_s, tried)
    return answer


ADAPTERS = {
    "billed_seconds": billed_seconds,
    "pareto": pareto,
    "budget": budget,
    "cost_summary": cost_summary,
    "price_units": price_units,
}
