import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.keyterms import TermCounts, bag_counts, biased_counts, term_counts, terms_of
from evalkit.scoring.text import profile
from evalkit.scoring.words import align, counts

RULES = profile("en")
SIDE = st.lists(st.sampled_from(["grok", "us", "east", "and", "kube"]), max_size=9)
LISTED = terms_of(("grok", "us east"), RULES)


def found(said: str, got: str, *listed: str) -> TermCounts:
    left, right = RULES.tokens(said), RULES.tokens(got)
    return term_counts(left, right, align(left, right), terms_of(listed, RULES))


@pytest.mark.parametrize(
    ("said", "got", "term", "expected"),
    [
        ("we use grok", "we use Grok.", "grok", (1, 0, 0)),
        ("grok listens", "crock listens", "grok", (0, 1, 0)),
        ("grok listens here", "crock listens grok", "grok", (0, 1, 1)),  # lost here, invented there
        ("run kubernetes now", "run kuber netes now", "kubernetes", (1, 0, 0)),
        ("in us east one", "in useast one", "US East 1", (1, 0, 0)),
        ("in us east one", "in us very east one", "us east one", (0, 1, 0)),
        ("use k8s now", "use kubernetes now", "kubernetes|k8s", (1, 0, 0)),
        ("we use kubernetes", "we use kubernetes", "kubernetes|k eight s", (1, 0, 0)),  # the shorter one ends the text
        ("nothing of it", "grok of it", "grok", (0, 0, 1)),
        ("grok grok", "grok", "grok", (1, 1, 0)),
        ("", "grok", "grok", (0, 0, 1)),
        ("grok", "", "grok", (0, 1, 0)),
    ],
)
def test_a_term_counts_where_it_was_said(said: str, got: str, term: str, expected: tuple[int, int, int]) -> None:
    counted = found(said, got, term)
    assert (counted.found, counted.missed, counted.invented) == expected


def test_rates() -> None:
    assert TermCounts(2, 2, 1).f1 == pytest.approx(4 / 7)
    assert (TermCounts().recall, TermCounts().precision, TermCounts().f1) == (None, None, None)
    assert TermCounts(0, 0, 3).recall is None
    assert TermCounts(1, 2, 3) + TermCounts(1, 0, 0) == TermCounts(2, 2, 3)


def test_terms_are_normalised_and_listed_once() -> None:
    assert terms_of(("Grok", "grok", "um", ""), RULES) == (frozenset({("grok",)}),)


@given(SIDE, SIDE)
def test_listed_and_other_words_share_the_errors(left: list[str], right: list[str]) -> None:
    pairs = align(left, right)
    biased, others = biased_counts(left, right, pairs, LISTED)
    assert biased + others == counts(pairs)
    assert biased.reference_words == left.count("grok")


@given(SIDE, SIDE)
def test_alignment_never_finds_more_than_a_bag_without_joins(left: list[str], right: list[str]) -> None:
    found_, bag = (
        term_counts(left, right, align(left, right), LISTED),
        bag_counts(left, right, LISTED),
    )
    assert found_.occurrences == bag.occurrences
    assert found_.found <= bag.found
    assert term_counts(left, left, align(left, left), LISTED).missed == 0
