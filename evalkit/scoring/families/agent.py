"""Voice agent: whether it heard the user. Only for the agent route; elsewhere none of it applies.

When it speaks is judged from a recording of its audio (``turns.first_audible_s``, ``turns.turn_taking``), never from
the first byte. A trace keeps how many bytes a binary message had and not the sound, so those figures are
``missing_input`` until a record holds it. How late the input transcript comes is ``lat.ttfs``.
"""

from evalkit.scoring.cost import cost_usd
from evalkit.scoring.define import Direction, error_rate, latency, ratio
from evalkit.scoring.row import Case, Row
from evalkit.scoring.turns import MAX_ANSWER_S, MAX_STOP_S
from evalkit.scoring.words import unit_counts
from evalkit.types import Metric

_BENCH = "Lin et al. 2025 (Full-Duplex-Bench)"
_AUDIBLE = (
    "agt.ttfa", "agt.response_rate", "agt.tor_end", "agt.tor_pause", "agt.barge_in", "agt.stop_latency",
    "agt.false_stop", "agt.echo",
)  # fmt: skip
_HEARD = ("agt.input_wer", "agt.input_missing")


def _turns(metric_id: str, title: str, definition: str, did: str, occasions: str, *, wanted: bool) -> Metric:
    direction: Direction = "higher" if wanted else "lower"
    numerator, denominator = [f"agt.{did}"], [f"agt.{occasions}"]
    sides = (numerator, denominator)
    return ratio(metric_id, title, definition, *sides, direction=direction, source=_BENCH, bounded=True)


METRICS: tuple[Metric, ...] = (
    *latency(
        "agt.ttfa",
        "Time to first audio",
        "First audible sample of the agent (a 20 ms frame above -45 dBFS) after the user had finished",
        "p50",
        "p95",
    ),
    _turns(
        "agt.response_rate",
        "Turns answered",
        f"Share of user turns answered audibly within {MAX_ANSWER_S:g} s.",
        "answered",
        "turn_ends",
        wanted=True,
    ),
    _turns(
        "agt.tor_end",
        "Takeover at turn ends",
        "Share of user turns after which the agent spoke.",
        "taken",
        "turn_ends",
        wanted=True,
    ),
    _turns(
        "agt.tor_pause",
        "Takeover in pauses",
        "Share of pauses in mid-turn in which the agent spoke.",
        "pauses_taken",
        "pauses",
        wanted=False,
    ),
    _turns(
        "agt.barge_in",
        "Interruptions obeyed",
        f"Share of interruptions by the user after which the agent stopped within {MAX_STOP_S:g} s.",
        "stopped",
        "barge_ins",
        wanted=True,
    ),
    *latency(
        "agt.stop_latency", "Time to stop", "Last audible sample of the agent after the user began to interrupt", "p50"
    ),
    _turns(
        "agt.false_stop",
        "Stopped without reason",
        "Share of backchannels and noises that stopped the agent.",
        "false_stops",
        "backchannels",
        wanted=False,
    ),
    error_rate(
        "agt.input_wer",
        "WER of the input transcript",
        "Word errors of what the agent understood of the user per reference word, under the headline profile of the "
        "language; a failed conversation counts as all its words deleted.",
    ),
    ratio(
        "agt.input_missing",
        "Input transcripts missing",
        "Share of conversations in which somebody spoke and no input transcript came.",
        ["agt.input.missing"],
        ["agt.input.conversations"],
        bounded=True,
    ),
    ratio(
        "agt.echo",
        "Agent heard itself",
        "Words of the agent that stand in the transcript of the user's input, per word of the agent.",
        ["agt.echo.words"],
        ["agt.echo.agent_words"],
    ),
    ratio(
        "agt.cost",
        "Cost per conversation minute",
        "US dollars at the dated price table per minute of conversation, all billed attempts included.",
        ["agt.cost.usd"],
        ["agt.cost.audio_s"],
        unit="usd",
        scale=60.0,
    ),
)


def measure(row: Row, case: Case) -> None:
    """What can be told of a conversation with an agent."""
    if case.trace.route != "agent":
        row.lack("not_applicable", "agt")
        return
    row.lack("missing_input", *_AUDIBLE)
    usd = None if case.price is None else cost_usd(case.price, case.attempts, case.clip.duration_s)
    if usd is None:
        row.lack("missing_input", "agt.cost")
    else:
        row.add("agt.cost", {"usd": usd, "audio_s": case.clip.duration_s})
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", *_HEARD)
    elif case.reference is None:
        row.lack("missing_input", *_HEARD)
    else:
        found = unit_counts(case.profile.tokens(case.expected), case.profile.tokens(case.got))
        row.errors("agt.input_wer", found)
        spoken = bool(case.reference)
        row.add("agt.input", {"conversations": int(spoken), "missing": int(spoken and not case.words)})
