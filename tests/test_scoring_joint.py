import logging
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from evalkit.scoring import text
from evalkit.scoring.joint import confusion_cost, cp_counts, orc_counts, tcp_counts, utterances
from evalkit.scoring.speakers import by_speaker
from evalkit.scoring.words import ErrorCounts
from evalkit.types import Word
from tests.conversations import spoken, spread, word

NONE = text.profile("none")
TOKENS = st.lists(st.sampled_from("xyz"), max_size=5).map(tuple)
SAID = st.dictionaries(st.sampled_from("ABCD"), TOKENS, min_size=1, max_size=4)
CONVERSATION = st.lists(
    st.builds(
        lambda text, at, length, name: Word(text, at / 4, (at + length) / 4, name),
        st.sampled_from("xyz"), st.integers(0, 80), st.integers(0, 4), st.sampled_from("AB"),
    ),
    max_size=8,
)  # fmt: skip


def test_unpaired_speakers_are_errors_on_either_side() -> None:
    assert cp_counts({"A": ("a", "b")}, {}) == ErrorCounts(deletions=2)
    assert cp_counts({"A": ("a",)}, {"0": ("a",), "1": ("b",)}) == ErrorCounts(hits=1, insertions=1)


@given(SAID, SAID)
def test_cpwer_is_that_of_meeteval(
    reference: dict[str, tuple[str, ...]], hypothesis: dict[str, tuple[str, ...]]
) -> None:
    from meeteval.wer import cp_word_error_rate

    theirs = cp_word_error_rate(
        {name: " ".join(said) for name, said in reference.items()},
        {name: " ".join(said) for name, said in hypothesis.items()},
        reference_sort=False,
        hypothesis_sort=False,
    )
    ours = cp_counts(reference, hypothesis)
    assert (ours.errors, ours.reference_words) == (theirs.errors, theirs.length)


def test_cpwer_of_a_dozen_speakers_is_that_of_meeteval() -> None:
    from meeteval.wer import cp_word_error_rate

    for seed in range(5):
        chance = random.Random(seed)
        sides = [
            {f"{side}{name}": tuple(chance.choices("abcdefgh", k=chance.randrange(15))) for name in range(number)}
            for side, number in (("s", 12), ("h", chance.choice([9, 12, 15])))
        ]
        texts = [{name: " ".join(said) for name, said in side.items()} for side in sides]
        theirs = cp_word_error_rate(*texts, reference_sort=False, hypothesis_sort=False)
        assert (cp_counts(*sides).errors, cp_counts(*sides).reference_words) == (theirs.errors, theirs.length)


def timely_distance(reference: list[Word], hypothesis: list[Word], collar_s: float) -> int:
    """Fewest errors when a reference word only meets words whose middle lies in its time and the collar around it."""
    row = list(range(len(hypothesis) + 1))
    for index, said in enumerate(reference):
        before, row = row, [index + 1]
        for column, got in enumerate(hypothesis):
            middle = ((got.start_s or 0) + (got.end_s or 0)) / 2
            near = (said.start_s or 0) - collar_s <= middle <= (said.end_s or 0) + collar_s
            met = before[column] + (said.text != got.text) if near else 10**9
            row.append(min(met, before[column + 1] + 1, row[-1] + 1))
    return row[-1]


def fewest_timely(reference: list[Word], hypothesis: list[Word], collar_s: float) -> int:
    """tcpWER by its definition: every pair of speakers, then the best assignment."""
    streams = [
        [sorted((w for w in side if w.speaker == name), key=lambda w: w.start_s or 0) for name in names]
        for side in (reference, hypothesis)
        for names in [sorted({w.speaker or "" for w in side})]
    ]
    size = max(map(len, streams))
    left, right = ([*side, *([[]] * (size - len(side)))] for side in streams)
    table = [[timely_distance(mine, theirs, collar_s) for theirs in right] for mine in left]
    rows, columns = linear_sum_assignment(table)
    return sum(table[row][column] for row, column in zip(rows.tolist(), columns.tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.1, 0.7, 5.0]), st.sampled_from([2, 3, 10]))
def test_tcpwer_by_its_definition(seed: int, collar_s: float, speakers: int) -> None:
    """Odd quarters of a second keep every middle off the very edge of a collar."""
    chance = random.Random(seed)
    sides: list[list[Word]] = []
    for number in (speakers, chance.randint(1, speakers)):
        starts = sorted(chance.sample(range(200), 24))
        sides.append(
            [Word(chance.choice("xyz"), at / 4, at / 4 + 0.25, f"s{chance.randrange(number)}") for at in starts]
        )
    said, got = sides
    assert tcp_counts(said, got, NONE, collar_s=collar_s).errors == fewest_timely(said, got, collar_s)


@given(SAID, SAID, st.randoms(use_true_random=False))
def test_cpwer_does_not_depend_on_labels_or_order(
    reference: dict[str, tuple[str, ...]], hypothesis: dict[str, tuple[str, ...]], chance: random.Random
) -> None:
    names = list(hypothesis)
    chance.shuffle(names)
    relabelled = {f"s{index}": hypothesis[name] for index, name in enumerate(names)}
    assert cp_counts(reference, hypothesis).errors == cp_counts(reference, relabelled).errors


def distance(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    row = list(range(len(right) + 1))
    for index, token in enumerate(left):
        before, row = row, [index + 1]
        for column, other in enumerate(right):
            row.append(min(before[column] + (token != other), before[column + 1] + 1, row[-1] + 1))
    return row[-1]


def fewest(utterances: list[tuple[str, ...]], streams: list[tuple[str, ...]]) -> int:
    """ORC by trying every way to give the utterances to the streams."""
    if not streams:
        return sum(map(len, utterances))
    best = 10**9
    for code in range(len(streams) ** len(utterances)):
        given_to: list[tuple[str, ...]] = [()] * len(streams)
        for utterance in utterances:
            code, stream = divmod(code, len(streams))
            given_to[stream] += utterance
        best = min(best, sum(map(distance, given_to, streams)))
    return best


@settings(max_examples=60, deadline=None)
@given(st.lists(TOKENS, max_size=5), SAID)
def test_orc_is_the_best_of_all_assignments(said: list[tuple[str, ...]], streams: dict[str, tuple[str, ...]]) -> None:
    exact = orc_counts(said, streams)
    assert exact.exact
    assert exact.counts.errors == fewest(said, list(streams.values()))
    assert exact.counts.reference_words == sum(map(len, said))
    rough = orc_counts(said, streams, rounds=0, max_steps=0)
    assert rough.low <= exact.low <= rough.counts.errors
    assert orc_counts(said, streams, rounds=0).counts.errors == exact.counts.errors, "by meeteval"
    assert orc_counts(said, streams, max_steps=0).counts.reference_words == sum(map(len, said))


@settings(max_examples=60, deadline=None)
@given(CONVERSATION, CONVERSATION)
def test_the_three_rates_are_ordered(reference: list[Word], hypothesis: list[Word]) -> None:
    """Forgiving who spoke makes it no worse, wanting the right time no better."""
    sides = [by_speaker(side, NONE) for side in (reference, hypothesis)]
    paired = cp_counts(*sides)
    free = orc_counts([[said.text for said in stretch] for stretch in utterances(reference)], sides[1]).counts
    timed = tcp_counts(reference, hypothesis, NONE)
    assert free.errors <= paired.errors <= timed.errors
    assert free.reference_words == paired.reference_words == timed.reference_words == len(reference)
    assert timed.errors <= len(reference) + len(hypothesis)
    assert tcp_counts(reference, hypothesis, NONE, collar_s=1000).errors == paired.errors


@settings(max_examples=40, deadline=None)
@given(CONVERSATION, CONVERSATION)
def test_tcpwer_is_that_of_pyannote(reference: list[Word], hypothesis: list[Word]) -> None:
    from meeteval.io import SegLST
    from pyannote.metrics.transcription import TimeConstrainedMinimumPermutationWordErrorRate

    if not reference or not hypothesis:
        return
    sides = [
        SegLST(
            [
                {
                    "session_id": "s",
                    "words": said.text,
                    "speaker": said.speaker,
                    "start_time": said.start_s,
                    "end_time": said.end_s,
                }
                for said in side
            ]
        )
        for side in (reference, hypothesis)
    ]
    theirs = TimeConstrainedMinimumPermutationWordErrorRate(collar=5.0).compute_components(*sides)
    ours = tcp_counts(reference, hypothesis, NONE)
    assert (ours.reference_words, ours.substitutions, ours.deletions, ours.insertions) == (
        theirs["total"], theirs["substitution"], theirs["deletion"], theirs["insertion"],
    )  # fmt: skip


def test_times_are_needed_and_bad_ones_are_borne_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="'b' has no times"):
        tcp_counts([word("a", 0.0, 0.1), word("b")], [], NONE)
    messy = [word("b", 3.0, 1.0), word("a", 0.5, 0.4), word("um", 0.0, 9.0), word("c", -1.0, 2.0)]
    with caplog.at_level(logging.INFO):
        assert tcp_counts(spread("a b"), messy, NONE).reference_words == 2
    assert not caplog.records


def test_utterances_are_stretches_of_one_speaker() -> None:
    words = [
        *spoken(("a", 0.0, 0.3), ("b", 0.8, 1.0), speaker="A"),
        *spoken(("yes", 0.9, 1.0), speaker="B"),
        *spoken(("c", 1.2, 1.4), ("d", 2.0, 2.1), speaker="A"),
    ]
    assert [[said.text for said in stretch] for stretch in utterances(words)] == [["a", "b", "c"], ["yes"], ["d"]]
    untimed = [Word(said.text, speaker=said.speaker) for said in words]
    assert [[said.text for said in stretch] for stretch in utterances(untimed)] == [["a", "b"], ["yes"], ["c", "d"]]


def test_the_cost_of_confusion_has_no_rate_without_words() -> None:
    assert confusion_cost(ErrorCounts(hits=2, deletions=2), ErrorCounts(hits=4)) == 0.5
    assert confusion_cost(ErrorCounts(insertions=1), ErrorCounts()) is None
