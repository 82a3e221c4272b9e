"""The whole as the provider tells it, as rows of scores."""

from dataclasses import replace

from tests.scored import CASES, columns, live, scored


def test_a_stream_that_tells_the_whole_again_is_held_against_it() -> None:
    clip, trace, _ = CASES["stream"]
    pieces = live((1.5, "the quick"), (2.0, "the quack"))
    again = replace(pieces.updates[-1], t_s=3.5, words=(), segment=(0, 1), state="interim", restated=pieces.words[:4])
    row = scored(clip, trace, replace(pieces, updates=(*pieces.updates, again)))
    assert columns(row, "str.assembly") == (4, 0, 0, 1)
    before = scored(clip, trace, pieces)
    same = {name: value for name, value in row.counts.items() if not name.startswith("str.assembly")}
    assert (same, row.values, row.hypothesis) == (before.counts, before.values, before.hypothesis), "nobody saw it"


def test_a_provider_that_tells_pieces_only_has_nothing_to_agree_with() -> None:
    for name, reason in (("stream", "not_applicable"), ("rest", "not_applicable"), ("failed stream", "missing_input")):
        assert scored(*CASES[name]).absent["str.assembly"] == reason
