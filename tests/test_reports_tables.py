"""What is written is read back, whatever was said; what is wrong is refused in one sentence."""

import csv
import dataclasses
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit.errors import StoreError
from evalkit.reports import tables
from evalkit.types import Difference, Pacing, Score, SummaryRow
from tests import handmade

# Surrogates cannot stand in a file; control characters, quotes, commas and every newline can.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
metrics = st.from_regex(r"[a-z]{2,4}\.[a-z]{1,6}(\.[a-z_]{1,8})?", fullmatch=True)
pacings = st.builds(Pacing, st.integers(1, 10**6), numbers, numbers, numbers, numbers)
scores = st.builds(
    Score,
    clip_id=texts,
    provider=texts,
    route=st.sampled_from(["rest", "streaming", "agent"]),
    evidence=st.sampled_from(["live", "recorded", "simulated"]),
    kind=st.sampled_from(["speech", "nonspeech"]),
    cluster=texts,
    language=st.none() | names,
    slices=st.dictionaries(names, names, max_size=3),
    audio_s=numbers,
    attempts=st.integers(0, 99),
    failure=st.none() | names,
    counts=st.dictionaries(metrics, numbers, max_size=4),
    values=st.dictionaries(metrics, st.lists(numbers, max_size=4).map(tuple), max_size=3),
    absent=st.dictionaries(texts, texts, max_size=2),
    pacing=st.none() | pacings,
    reference=st.none() | texts,
    hypothesis=texts,
)
units = st.sampled_from(["rate", "s", "per_min", "x", "usd_per_h", "count"])
summary_rows = st.builds(
    SummaryRow, texts, st.sampled_from(["rest", "streaming"]), texts, texts, units, *[st.none() | numbers] * 5,
    *[st.integers(0, 10**9)] * 3, texts, st.none() | numbers, texts,
)  # fmt: skip
maybe = st.none() | numbers
differences = st.builds(
    Difference, st.sampled_from(["candidate_vs_incumbent", "streaming_vs_rest"]), texts, units, texts,
    st.sampled_from(["rest", "streaming"]), texts, st.sampled_from(["rest", "streaming"]), *[maybe] * 7,
    *[st.integers(0, 10**9)] * 2, *[maybe] * 4, st.sampled_from([None, "superior", "non_inferior_but_worse"]),
    st.sampled_from([None, "pass", "fail"]), maybe, st.none() | st.integers(0, 10**9),
    st.sampled_from(["better", "worse", "no_clear_difference", "insufficient"]), texts,
)  # fmt: skip
relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@relaxed
@given(st.lists(scores, max_size=4))
def test_scores_come_back_as_they_were(rows: list[Score]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.csv"
        tables.write_scores(path, rows)
        assert tables.read_scores(path) == rows


@relaxed
@given(st.lists(summary_rows, max_size=4))
def test_summary_comes_back_as_it_was(rows: list[SummaryRow]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "summary.csv"
        tables.write_summary(path, rows)
        assert tables.read_summary(path) == rows


@relaxed
@given(st.lists(differences, max_size=4))
def test_differences_come_back_as_they_were(rows: list[Difference]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "comparison.csv"
        tables.write_differences(path, rows)
        assert tables.read_differences(path) == rows


def test_summary_has_exactly_the_promised_columns(tmp_path: Path) -> None:
    tables.write_summary(tmp_path / "summary.csv", handmade.demo()[2])
    assert (tmp_path / "summary.csv").read_text().splitlines()[0] == (
        "provider,route,slice,metric,unit,value,numerator,denominator,ci_lo,ci_hi,n_clips,n_units,status,n_clusters,"
        "macro,note,ci_method"
    )


def test_files_from_before_a_column_are_read_without_it(tmp_path: Path) -> None:
    *_, summary, differences = handmade.demo()
    tables.write_summary(tmp_path / "summary.csv", summary)
    tables.write_differences(tmp_path / "comparison.csv", differences)
    for path in (tmp_path / "summary.csv", tmp_path / "comparison.csv"):
        with path.open(newline="") as file:
            old = [{key: cell for key, cell in row.items() if key not in tables.LATER} for row in csv.DictReader(file)]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, old[0])
            writer.writeheader()
            writer.writerows(old)
    figures = [dataclasses.replace(row, ci_method="") for row in summary]
    assert tables.read_summary(tmp_path / "summary.csv") == figures
    pairs = [dataclasses.replace(row, ci_method="", test="", p_bh=None, ties=None) for row in differences]
    assert tables.read_differences(tmp_path / "comparison.csv") == pairs


def test_absent_empty_and_zero_stay_three_things(tmp_path: Path) -> None:
    """An unknown reference is not an empty one; no values are not an empty list; no count is not zero."""
    path = tmp_path / "scores.csv"
    [one] = handmade.scores(1)[:1]
    silent = dataclasses.replace(one, reference="", values={"lat.x": ()}, counts={"a.zero": 0.0})
    unknown = dataclasses.replace(one, reference=None, values={}, counts={}, pacing=None)
    tables.write_scores(path, [silent, unknown])
    with path.open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["a.zero"], second["a.zero"]) == ("0", "")
    assert (first["lat.x[]"], second["lat.x[]"]) == (";", "")
    assert "nan" not in path.read_text().lower()
    assert tables.read_scores(path) == [silent, unknown]


def test_a_yes_or_no_counts_as_one_or_zero(tmp_path: Path) -> None:
    [one] = handmade.scores(1)[:1]
    tables.write_scores(tmp_path / "s.csv", [dataclasses.replace(one, counts={"run.failed": True})])
    assert tables.read_scores(tmp_path / "s.csv")[0].counts == {"run.failed": 1.0}


def test_half_a_character_does_not_lose_the_file(tmp_path: Path) -> None:
    [one] = handmade.scores(1)[:1]
    tables.write_scores(tmp_path / "s.csv", [dataclasses.replace(one, hypothesis="a\ud800b")])
    assert tables.read_scores(tmp_path / "s.csv")[0].hypothesis == "a\\ud800b"


def test_long_lists_of_values_are_read(tmp_path: Path) -> None:
    """An hour of speech gives a cell far beyond the csv module's default limit."""
    [one] = handmade.scores(1)[:1]
    long = dataclasses.replace(one, values={"lat.word_first": tuple(i / 7 for i in range(20_000))})
    tables.write_scores(tmp_path / "s.csv", [long])
    assert tables.read_scores(tmp_path / "s.csv") == [long]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused_and_the_old_file_stays(tmp_path: Path, bad: float) -> None:
    path = tmp_path / "scores.csv"
    rows = handmade.scores(1)
    tables.write_scores(path, rows)
    with pytest.raises(StoreError, match="cannot be stored"):
        tables.write_scores(path, [dataclasses.replace(rows[0], counts={"x.y": bad})])
    assert tables.read_scores(path) == rows
    assert [file.name for file in tmp_path.iterdir()] == ["scores.csv"]


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "summary.csv"
    tables.write_summary(path, [])
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        tables.write_summary(path, handmade.demo(2)[2])
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["summary.csv"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no/summary\.csv: cannot be written"):
        tables.write_summary(tmp_path / "no" / "summary.csv", [])


def test_a_missing_file_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"scores\.csv: no such file; `evalkit run`"):
        tables.read_scores(tmp_path / "scores.csv")


def test_a_spoilt_cell_is_named_by_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    tables.write_scores(path, handmade.scores(1))
    path.write_text(path.read_text().replace("simulated", "dreamt", 1))
    with pytest.raises(StoreError, match=r"scores\.csv:2: 'dreamt' is none of live, recorded, simulated"):
        tables.read_scores(path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "summary.csv"
    path.write_text("provider,route\na,rest\n")
    with pytest.raises(StoreError, match="column 'slice' is missing"):
        tables.read_summary(path)
