from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.comparison import corrections
from evalkit.comparison.corrections import (
    Correction,
    amended,
    effects,
    fits,
    keep,
    outcome,
    overlapping,
    read,
    sorted_out,
)
from evalkit.errors import StoreError
from evalkit.types import Clip, Score, Word
from tests.rows import row

TEXT = "please enter your account now"


def clip(text: str = TEXT, clip_id: str = "a") -> Clip:
    words = tuple(Word(word, float(k), k + 0.5, "S1") for k, word in enumerate(text.split()))
    return Clip(clip_id, "a.wav", "5a", 9.0, 16_000, 1, reference=words, language="en")


def made(start: int, stop: int, corrected: str, *, text: str = TEXT, clip_id: str = "a", by: str = "ann") -> Correction:
    old = " ".join(text.split()[start:stop])
    return Correction(clip_id, "5a", start, stop, old, corrected, "new rest; old rest", by, "2026-11-20T08:00:00+00:00")


def heard(text: str, provider: str, clip_id: str = "a", errors: int = 0) -> Score:
    made_row = row(clip_id, provider=provider, route="rest", errors=errors, words=5)
    return replace(made_row, hypothesis=text, reference=TEXT)


def test_corrections_are_kept_in_order_and_the_last_word_on_a_place_stands(tmp_path: Path) -> None:
    assert read(tmp_path) == []
    keep(tmp_path, [made(3, 4, "password"), made(0, 1, "")])
    keep(tmp_path, [made(3, 4, "passport", by="bob")])
    assert [(one.from_word, one.corrected, one.by) for one in read(tmp_path)] == [
        (3, "passport", "bob"),
        (0, "", "ann"),
    ]
    assert (tmp_path / corrections.FILE).read_text().count("\n") == 3


def test_a_damaged_line_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / corrections.FILE).write_text('{"clip_id": "a"}\n')
    with pytest.raises(StoreError, match=r"corrections\.jsonl:1: no correction"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (made(3, 4, "password"), "please enter your password now"),
        (made(3, 4, "pass word"), "please enter your pass word now"),
        (made(0, 1, ""), "enter your account now"),
        (made(2, 2, "all"), "please enter all your account now"),
        (made(5, 5, "thanks"), "please enter your account now thanks"),
    ],
)
def test_a_corrected_clip_has_the_new_words_and_all_others_as_they_were(one: Correction, text: str) -> None:
    original = clip()
    new = amended(original, [one])
    assert new.text == text
    assert original.text == TEXT
    assert {word.speaker for word in new.reference or ()} == {"S1"}
    kept = [word for word in new.reference or () if word.text in TEXT.split()]
    assert kept == [word for word in original.reference or () if word.text in text.split()]


def test_several_corrections_of_one_clip_are_independent_of_their_order() -> None:
    several = [made(0, 1, ""), made(2, 2, "all of"), made(3, 4, "password")]
    assert {amended(clip(), order).text for order in (several, several[::-1])} == {"enter all of your password now"}


def test_what_no_longer_fits_or_overlaps_is_stale_and_what_was_right_is_counted() -> None:
    several = [made(3, 4, "password"), made(2, 4, "my password"), made(0, 1, "please"), made(0, 1, "hey", text="x y")]
    by_clip, stale, right = sorted_out(several, {"a": clip()})
    assert [one.corrected for one in by_clip["a"]] == ["my password"]
    assert [one.corrected for one in stale] == ["hey", "password"]
    assert right == 1
    assert not fits(replace(several[0], sha256="other"), clip())
    assert not fits(replace(several[0], from_word=7, to_word=9, reference=""), clip())
    assert overlapping([made(0, 5, "x"), made(1, 2, "y"), made(3, 4, "z")]) == [
        (made(0, 5, "x"), made(1, 2, "y")),
        (made(0, 5, "x"), made(3, 4, "z")),
    ]


def test_corrections_that_help_one_provider_alone_are_counted_as_such() -> None:
    rows = [heard("please enter your password now", "new"), heard("please enter my account now", "old")]
    both = {"a": [made(3, 4, "password")]}
    new, old = effects(both, {"a": clip()}, rows)
    assert (new.fewer, new.more, new.alone, new.errors) == (1, 0, 1, 1)
    assert (old.fewer, old.more, old.alone, old.errors) == (0, 1, 0, -1)


def test_corrections_that_help_two_providers_help_none_alone() -> None:
    said = TEXT.replace("account", "password")
    found = effects({"a": [made(3, 4, "password")]}, {"a": clip()}, [heard(said, "new"), heard(said, "old")])
    assert [(one.fewer, one.alone) for one in found] == [(1, 0), (1, 0)]


def test_figures_on_corrected_references_stand_beside_the_others(tmp_path: Path) -> None:
    rows = [heard(TEXT.replace("account", "password"), name, errors=1) for name in ("new", "old")]
    keep(tmp_path, [made(3, 4, "password")])
    manifest = {"candidate": "new", "incumbent": "old", "seed": 0}

    def rescore(clips: Mapping[str, Clip]) -> list[Score]:
        assert [one.text for one in clips.values()] == ["please enter your password now"]
        return [heard(one.hypothesis, one.provider) for one in rows]

    found = outcome(tmp_path, {"a": clip()}, rows, manifest, rescore)
    assert found is not None
    rates = {(one.provider, one.value) for one in found.summary if one.metric == "acc.wer.en"}
    assert rates == {("new", 0.0), ("old", 0.0)}
    assert (found.clips, found.lopsided) == (1, "")
    assert {one.metric.partition(".")[0] for one in found.summary} == {"acc"}
    assert {one.metric.partition(".")[0] for one in found.differences} == {"acc"}
    assert outcome(tmp_path / "none", {}, rows, manifest, rescore) is None


def test_corrections_that_only_the_candidate_gains_from_are_called_lopsided(tmp_path: Path) -> None:
    rows = [heard(TEXT.replace("account", "password"), "new"), heard(TEXT, "old")]
    keep(tmp_path, [made(3, 4, "password")])
    manifest = {"candidate": "new", "incumbent": "old", "seed": 0}
    found = outcome(tmp_path, {"a": clip()}, rows, manifest, lambda _: [])
    assert found is not None
    assert found.lopsided == "new"


WORDS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6)


@given(WORDS, WORDS, st.data())
def test_putting_words_in_and_back_gives_the_reference(old: list[str], new: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(old)))
    stop = data.draw(st.integers(start, len(old)))
    text = " ".join(old)
    changed = amended(clip(text), [made(start, stop, " ".join(new), text=text)])
    back = made(start, start + len(new), " ".join(old[start:stop]), text=changed.text or "")
    assert fits(back, changed)
    assert amended(changed, [back]).text == text
