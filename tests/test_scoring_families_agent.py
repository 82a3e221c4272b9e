"""The voice agent, as rows of scores."""

from dataclasses import replace

from evalkit.scoring.families.agent import METRICS
from evalkit.types import Score
from tests.conversations import clip, final, heard, spread, streamed
from tests.scored import CASES, LOST, PRICE, REFERENCE, columns, scored

UNHEARD = {metric.id for metric in METRICS} - {"agt.input_wer", "agt.input_missing", "agt.cost"}


def talked(said: str | None, *, price: bool = True) -> Score:
    heard_of_user = heard(failure=LOST) if said is None else final(spread(said))
    return scored(
        clip(REFERENCE), streamed([(3.6, "done")], route="agent"), heard_of_user, price=PRICE if price else None
    )


def test_elsewhere_none_of_it_applies() -> None:
    for case in CASES.values():
        assert {scored(*case).absent[metric.id] for metric in METRICS} == {"not_applicable"}


def test_what_the_agent_understood_is_scored_and_what_nobody_recorded_is_missing() -> None:
    row = talked("the quick brown box")
    assert columns(row, "agt.input_wer") == (3, 1, 1, 0)
    assert (row.counts["agt.input.conversations"], row.counts["agt.input.missing"]) == (1, 0)
    assert {row.absent[name] for name in UNHEARD} == {"missing_input"}
    assert row.counts["agt.cost.usd"] == row.counts["cost.usd"]
    assert talked("the", price=False).absent["agt.cost"] == "missing_input"


def test_no_input_transcript_is_all_words_lost() -> None:
    for row in (talked(""), talked(None)):
        assert columns(row, "agt.input_wer") == (0, 0, 5, 0)
        assert row.counts["agt.input.missing"] == 1


def test_without_speech_or_reference_there_is_nothing_to_understand() -> None:
    found = streamed(route="agent")
    quiet = scored(clip((), kind="nonspeech"), found, final(()))
    assert quiet.absent["agt.input_wer"] == quiet.absent["agt.input_missing"] == "not_applicable"
    assert scored(replace(clip(None)), found, final(())).absent["agt.input_wer"] == "missing_input"
    empty = scored(clip(()), found, final(()))
    assert (empty.counts["agt.input.conversations"], empty.counts["agt.input.missing"]) == (0, 0)
