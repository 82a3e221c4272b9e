"""What a recorded run said, read again."""

from pathlib import Path

import pytest

from evalkit import hypotheses
from evalkit.hypotheses import Hypotheses
from evalkit.reports import tables
from evalkit.store import Store
from evalkit.types import Hypothesis

RECORDED = Path(__file__).parent / "traces" / "demo"


@pytest.fixture(scope="module")
def heard() -> Hypotheses:
    store = Store(RECORDED)
    return Hypotheses(store, store.manifest())


def test_every_scored_answer_is_there_and_says_what_was_scored(heard: Hypotheses) -> None:
    scores = tables.read_scores(RECORDED / "scores.csv")
    assert set(heard) == {(score.clip_id, score.provider, score.route) for score in scores}
    for score in scores:
        assert heard[score.clip_id, score.provider, score.route].text == score.hypothesis


def test_updates_and_captions_can_be_had(heard: Hypotheses) -> None:
    key = next(key for key in heard if key[2] == "streaming")
    assert key in heard
    captions = list(heard[key].captions())
    assert len(captions) == len(heard[key].updates) > 1


def test_an_unknown_answer_names_the_nearest(heard: Hypotheses) -> None:
    clip_id, provider, route = next(iter(heard))
    with pytest.raises(KeyError, match=f"did you mean .*{clip_id}"):
        heard[clip_id[:-1], provider, route]
    assert ("nobody", provider, route) not in heard
    assert heard.get(("nobody", provider, route)) is None
    assert repr(heard) == "<24 hypotheses by (clip_id, provider, route)>"


def test_one_attempt_by_itself_is_the_whole_of_an_answer_that_was_not_cut(heard: Hypotheses) -> None:
    key = next(iter(heard))
    (trace,) = heard.attempts(key)
    alone = hypotheses.said(trace, Store(RECORDED).manifest()["providers"][key[1]])
    assert isinstance(alone, Hypothesis)
    assert alone.text == heard[key].text
