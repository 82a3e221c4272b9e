import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import Unavailable
from evalkit.scoring.repeats import Disagreement, disagreement, repeated, same_service
from evalkit.scoring.text import profile
from evalkit.scoring.words import ErrorCounts
from evalkit.types import Score, Trace
from tests.conversations import answered, clip, final, heard, spread, streamed
from tests.scored import scored

PAIRS = st.lists(st.tuples(st.text("ab ", max_size=8), st.text("ab ", max_size=8)), max_size=5)


def test_two_runs() -> None:
    found = disagreement([("send it to anna", "send it to hannah"), ("yes", "yes"), ("Yes", "yes")], profile("basic"))
    assert found.rate == pytest.approx(1 / 6)
    assert found.identical_share == pytest.approx(1 / 3)


def test_nothing_to_compare() -> None:
    assert disagreement([], profile("none")) == Disagreement(ErrorCounts(), 0, 0)
    assert disagreement([], profile("none")).rate is disagreement([], profile("none")).identical_share is None


@given(PAIRS, PAIRS)
def test_counts_add_and_errors_are_symmetric(some: list[tuple[str, str]], more: list[tuple[str, str]]) -> None:
    rules = profile("basic")
    assert disagreement(some, rules) + disagreement(more, rules) == disagreement(some + more, rules)
    back = disagreement([(second, first) for first, second in some], rules)
    assert back.words.errors == disagreement(some, rules).words.errors


def answers(*texts: str | None, route: str = "rest", language: str = "en") -> list[Score]:
    def trace_of() -> Trace:
        return answered() if route == "rest" else streamed([(3.6, "done")])

    return [
        scored(
            clip((), clip_id=f"c{number}", language=language),
            trace_of(),
            heard(failure=Unavailable("lost")) if text is None else final(spread(text)),
        )
        for number, text in enumerate(texts)
    ]


def test_the_same_clips_asked_again() -> None:
    first = answers("send it to anna", "the total is ten", "thank you")
    again = answers("send it to hannah", "the total is ten", "thank you very much")
    found = repeated([first, again])["rest"]
    assert found.rate == pytest.approx(0.3)
    assert found.identical_share == pytest.approx(1 / 3)


def test_every_pair_of_runs_is_compared_on_the_clips_both_answered() -> None:
    runs = [answers("a", "b"), answers("a", None), answers("c", "b")]
    found = repeated(runs)["rest"]
    assert (found.pairs, found.identical, found.words.errors) == (4, 2, 2)
    assert repeated(runs[:1]) == repeated([]) == {}


def test_routes_are_kept_apart_and_languages_have_their_rules() -> None:
    first = answers("okay") + answers("twenty", route="streaming")
    again = answers("OK") + answers("20", route="streaming")
    found = repeated([first, again])
    assert {route: one.words.errors for route, one in found.items()} == {"rest": 0, "streaming": 0}
    assert repeated([answers("twenty", language="fr"), answers("20", language="fr")])["rest"].words.errors == 1


def test_one_service_is_asked_by_name_and_settings_of_the_route() -> None:
    asked = {"provider": "xai", "settings": {"rest": {"model": "m"}, "streaming": {"frame_ms": 100}}}
    other = {"provider": "xai", "settings": {"rest": {"model": "m"}, "streaming": {"frame_ms": 20}}, "evidence": "live"}
    assert same_service(asked, other, "rest")
    assert not same_service(asked, other, "streaming")
    assert not same_service(asked, {**asked, "provider": "deepgram"}, "rest")
    assert not same_service({}, {}, "rest"), "nobody knows what was asked"
    assert not same_service(asked, {**asked, "replay": {"of": "calls"}}, "rest"), "a recording is one answer told twice"
