"""What a client made of one thing that went wrong, and whether that is what a correct client makes of it. Pure."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from evalkit import scoring
from evalkit.emulator.faults import Fault
from evalkit.errors import EvalkitError, ParseError, Refused
from evalkit.providers import Provider
from evalkit.scoring import stitching
from evalkit.scoring.text import profile_for
from evalkit.scoring.words import ErrorCounts, align, counts
from evalkit.types import Clip, Evidence, Hypothesis, Route, Score, Trace
from evalkit.weather import Trouble

FAIR = "fair"
"""The name of a trial in which nothing goes wrong."""

Outcome = type[EvalkitError] | None
"""How an attempt is read; None is an answer."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One clip sent over one route while one thing goes wrong."""

    name: str
    what: str
    """What goes wrong, in words."""
    route: Route
    clip: Clip
    strike: Fault | Trouble | None
    """None: nothing does, to see what the clip gives in fair weather."""
    planted: bool
    """Whether every word of the answer is known beforehand, so that the transcript itself can be wrong."""

    @property
    def key(self) -> str:
        """What it is called on disk."""
        whole = f"{self.route}.{self.name}" if self.planted else f"{self.route}.{self.name}.{self.clip.id}"
        return re.sub(r"[^\w.@+-]", "-", whole)[:200]

    @property
    def first(self) -> int:
        """Number of the request that is struck."""
        return self.strike.first if isinstance(self.strike, Fault) else 1

    @property
    def stops_run(self) -> bool:
        """Whether no later request can succeed either."""
        return isinstance(self.strike, Fault) and self.strike.about.stops_run

    def outcomes(self, attempts: int) -> tuple[Outcome, ...]:
        """How each attempt of a correct client ends, of at most so many."""
        return (None,) if self.strike is None else self.strike.outcomes(attempts)


@dataclass(frozen=True, slots=True)
class Came:
    """What a trial left behind."""

    traces: tuple[Trace, ...]
    """Every attempt at the struck request, in order."""
    seconds: float
    ended: bool = True
    """Whether it ended by itself."""
    stopped: str | None = None
    """Why the whole run was stopped, if it was."""
    crashed: str | None = None
    """What broke in the client itself, if anything did."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of faults.csv."""

    fault: str
    what: str
    route: Route
    clip: str
    evidence: Evidence
    expected: str
    """How a correct client reads each attempt, in order."""
    found: str
    attempts: int
    wrong_retries: int
    """Retries of what no retry can change."""
    waits_told: int
    """Waits the service asked for ..."""
    waits_kept: int
    """... and those that were kept."""
    ended: bool
    run_stopped: bool
    locked: int
    """Different words that were promised to stay in attempts that failed ..."""
    locked_lost: int
    """... and those that the transcript no longer has."""
    salvage_spoken: int | None
    """Reference words spoken before a stream was cut ..."""
    salvage_locked: int | None
    """... and those right in what was locked by then."""
    caption_spoken: int | None
    """The same of streams that failed for good, and the caption that was shown at the end."""
    caption_kept: int | None
    reconnects: int
    seam_lost: int | None
    """Words lost and doubled where an answered stream had been taken up again."""
    seam_doubled: int | None
    words: int
    """Of the reference."""
    errors: int
    """Of the transcript, whole or not, against it."""
    recover_s: float | None
    """First failure until the end of the attempt that was answered."""
    seconds: float
    ok: bool
    sentence: str
    """What came of it, or what is wrong with that."""


def judge(
    trial: Trial, came: Came, provider: Provider, *, attempts: int, evidence: Evidence
) -> tuple[Verdict, Score | None]:
    """Hold what came of a trial against what must come of it.

    Args:
        trial: what went wrong.
        came: what it left behind.
        provider: reads the traces.
        attempts: the most that the client's policy allows.
        evidence: what the result may be used for.

    Returns:
        The verdict, and the row of counts it rests on; None when nothing was recorded.
    """
    heard = [Hypothesis.of(provider.parse(trace.events)) for trace in came.traces]
    found = tuple(None if one.failure is None else type(one.failure) for one in heard)
    pieces = stitching.chain(came.traces) if heard else ()
    whole = stitching.stitched(pieces, heard[-len(pieces) :]) if heard else Hypothesis(())
    score = scoring.score(trial.clip, came.traces, whole, price=None, evidence=evidence) if heard else None
    tally = score.counts if score is not None else {}

    def counted(column: str) -> int | None:
        return int(tally[column]) if column in tally else None

    answered = bool(found) and found[-1] is None
    held = {_bare(word.text) for word in whole.words}
    promised = _promised(came.traces, heard, planted=trial.planted)
    errors = _errors(trial.clip, whole)
    expected = trial.outcomes(attempts)
    recovered = score.values.get("fail.recover_s", ()) if score is not None else ()
    case = _Case(
        trial,
        came,
        expected,
        found,
        attempts,
        wrong_retries=counted("fail.wrong_retries") or 0,
        waits_short=(counted("fail.retry_after.told") or 0) - (counted("fail.retry_after.honoured") or 0),
        lost=sorted(promised - held),
        errors=errors,
        resumed=any(trace.from_s > 0 for trace in came.traces),
    )
    problems = case.problems()
    return (
        Verdict(
            fault=trial.name,
            what=trial.what,
            route=trial.route,
            clip=trial.clip.id,
            evidence=evidence,
            expected=told(expected),
            found=told(found),
            attempts=len(found),
            wrong_retries=case.wrong_retries,
            waits_told=counted("fail.retry_after.told") or 0,
            waits_kept=counted("fail.retry_after.honoured") or 0,
            ended=came.ended,
            run_stopped=came.stopped is not None,
            locked=len(promised),
            locked_lost=len(case.lost),
            salvage_spoken=counted("fail.salvage.locked.spoken"),
            salvage_locked=counted("fail.salvage.locked.kept"),
            caption_spoken=counted("fail.salvage.caption.spoken"),
            caption_kept=counted("fail.salvage.caption.kept"),
            reconnects=counted("fail.seam.reconnects") or 0,
            seam_lost=counted("fail.seam.lost") if answered else None,
            seam_doubled=counted("fail.seam.duplicated") if answered else None,
            words=errors.reference_words,
            errors=errors.errors,
            recover_s=round(recovered[0], 3) if recovered else None,
            seconds=round(came.seconds, 3),
            ok=not problems,
            sentence="; ".join(problems) or case.praise(),
        ),
        score,
    )


def told(outcomes: Sequence[Outcome]) -> str:
    """Outcomes in words, such as ``unavailable, answer``."""
    return ", ".join(_word(outcome) for outcome in outcomes) or "nothing"


def _word(outcome: Outcome) -> str:
    if outcome is None:
        return "answer"
    return "unreadable" if outcome is ParseError else "refused" if outcome is Refused else "unavailable"


@dataclass(frozen=True, slots=True)
class _Case:
    trial: Trial
    came: Came
    expected: tuple[Outcome, ...]
    found: tuple[Outcome, ...]
    attempts: int
    wrong_retries: int
    waits_short: int
    lost: Sequence[str]
    errors: ErrorCounts
    resumed: bool

    def problems(self) -> list[str]:
        """What a correct client would have done otherwise; what follows from something said before is left out."""
        came, trial = self.came, self.trial
        if came.crashed is not None:
            return [f"the client itself broke ({came.crashed})"]
        if not came.ended:
            return [f"did not end by itself within {came.seconds:.0f} s"]
        if not self.found:
            return ["the struck request was never sent"]
        problems = []
        if self.wrong_retries:
            problems.append(f"tried again {_times(self.wrong_retries)} what no retry can change")
        if self.found != self.expected and not (self.wrong_retries and self.found[0] == self.expected[0]):
            problems.append(self._misread())
        if (came.stopped is not None) is not trial.stops_run:
            went_on = "the run went on, though no clip can be answered any more"
            problems.append(went_on if trial.stops_run else f"the whole run was stopped ({came.stopped})")
        if self.waits_short > 0:
            problems.append("did not wait as long as it was told to")
        if self.lost:
            problems.append(f"lost what had been locked ({', '.join(self.lost)})")
        elif trial.planted and self._wrong_words:
            problems.append(f"{self._wrong_words} of {self.errors.reference_words} words of the transcript are wrong")
        return problems

    @property
    def _wrong_words(self) -> int:
        """Errors of the transcript; of a clip that failed, what it says and nobody said."""
        answered = self.found[-1] is None
        return self.errors.errors if answered else self.errors.substitutions + self.errors.insertions

    def _misread(self) -> str:
        found, expected = self.found, self.expected
        if len(found) < len(expected) and found == expected[: len(found)]:
            return f"given up after {_attempts(len(found))}, though {self.attempts} are allowed"
        if len(found) > len(expected) and found[: len(expected)] == expected:
            return f"{_attempts(len(found))}, where {_attempts(len(expected))} would do"
        return f"read as {told(found)}, not as {told(expected)}"

    def praise(self) -> str:
        last, made = self.found[-1], len(self.found)
        if last is None and made == 1:
            return "answered in spite of it" if self.trial.strike is not None else "answered"
        if last is None:
            onwards = ", resumed at the last lock" if self.resumed else ""
            return f"answered by attempt {made}{onwards}"
        if last is ParseError:
            return "found unreadable, kept as it came and not bought again"
        if last is Refused:
            rest = ", and the run stopped" if self.trial.stops_run else ""
            return f"refused{f' by attempt {made}' if made > 1 else ''}, not tried again{rest}"
        return f"given up after {_attempts(made)}"


def _promised(traces: Sequence[Trace], heard: Sequence[Hypothesis], *, planted: bool) -> set[str]:
    """Words, bare, that failed attempts had locked.

    A service may rewrite a locked word in the end, so the last caption decides; where the truth is planted nothing is
    rewritten, and the messages themselves are believed, whatever the provider's code made of them.
    """
    found: set[str] = set()
    for trace, one in zip(traces, heard, strict=True):
        if one.failure is None:
            continue
        if caption := one.last_caption:
            kept = zip(caption.words, caption.states, strict=True)
            found |= {_bare(word.text) for word, state in kept if state != "interim"}
        if planted and not isinstance(one.failure, ParseError):  # what follows something unreadable is not read
            found |= _locked_on_wire(trace)
    return found - {""}


def _locked_on_wire(trace: Trace) -> set[str]:
    words: set[str] = set()
    for event in trace.events:
        if event.kind != "received" or not isinstance(event.data, str):
            continue
        try:
            message = json.loads(event.data)
        except ValueError:
            continue
        if isinstance(message, dict) and message.get("is_final"):
            words |= {_bare(word) for word in str(message.get("text") or "").split()}
    return words


def _errors(clip: Clip, heard: Hypothesis) -> ErrorCounts:
    profile = profile_for(clip.language)
    return counts(align(profile.tokens(clip.text or ""), profile.tokens(heard.text)))


def _bare(word: str) -> str:
    return re.sub(r"\W", "", word).casefold()


def _attempts(number: int) -> str:
    return "1 attempt" if number == 1 else f"{number} attempts"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")
