import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring.failures import (
    BadInput,
    Rejections,
    Request,
    Retries,
    Salvage,
    message,
    overlap,
    rejections,
    retries,
    retryable,
    salvage,
    seam,
)

STATUS = st.sampled_from([200, 204, 301, 400, 401, 408, 413, 425, 429, 500, 503, None])
REQUEST = st.builds(Request, st.lists(STATUS, max_size=5).map(tuple))
WORDS = st.lists(st.sampled_from("abcde"), max_size=12)


@given(st.lists(REQUEST, max_size=8), st.lists(REQUEST, max_size=8))
def test_counts_of_requests_add(first: list[Request], second: list[Request]) -> None:
    found = retries(first) + retries(second)
    assert found == retries([*first, *second])
    assert found.first_try <= found.eventual <= found.requests
    assert found.recovered <= found.retryable


@pytest.mark.parametrize(
    ("status", "expected"), [(408, True), (425, True), (429, True), (500, True), (503, True), (None, True),
                             (400, False), (401, False), (404, False), (413, False), (200, False)],
)  # fmt: skip
def test_what_may_be_retried(status: int | None, expected: bool) -> None:
    assert retryable(status) == expected


def test_a_retry_that_cannot_help_is_counted() -> None:
    assert retries([Request((400, 400, 200)), Request((503, 200)), Request((401,))]).wrong_retries == 2


def test_waits_are_judged_against_what_was_told_or_the_policy() -> None:
    request = Request((429, 503, 200), (2.0, None), (2.0, 0.4))
    assert (retries([request]).waits_honoured, retries([request]).waits_told) == (1, 1)
    assert retries([request], min_backoff_s=0.5).honoured_rate == 0.5
    assert retries([Request((503, 200), waited_s=(1.0,))]).honoured_rate is None


def test_no_requests_have_no_rates() -> None:
    nothing = Retries()
    assert nothing.amplification is nothing.eventual_rate is nothing.retry_success_rate is None


@given(WORDS, st.integers(0, 12))
def test_what_was_said_in_full_is_salvaged_in_full(said: list[str], cut: int) -> None:
    ends_s = [float(k + 1) for k in range(len(said))]
    found = salvage(said, ends_s, said[:cut], float(cut))
    assert found.kept == found.spoken == min(cut, len(said))
    assert found.spoken + found.unspoken == len(said)
    assert salvage(said, ends_s, [], float(cut)).kept == 0


def test_salvage_adds_and_has_no_rate_before_the_first_word() -> None:
    assert (Salvage(4, 2, 1) + Salvage(4, 4, 0)).rate == 0.75
    assert salvage(["a"], [1.0], [], 0.5).rate is None


@given(WORDS, WORDS)
def test_the_overlap_is_the_longest(before: list[str], after: list[str]) -> None:
    found = overlap(before, after)
    slow = max(k for k in range(min(len(before), len(after)) + 1) if before[len(before) - k :] == after[:k])
    assert found == slow


def test_a_clean_seam_has_nothing() -> None:
    found = seam(["a", "b", "c", "d"], ["a", "b"], ["c", "d"])
    assert (found.duplicated, found.lost, found.joined_errors) == (0, 0, 0)


def test_only_words_at_the_seam_are_lost_there() -> None:
    said = ["a", "b", "c", "d", "e", "f", "g", "h"]
    assert seam(said, ["a", "c", "d"], ["f", "g"]).lost == 1
    starts_s = [float(10 * k) for k in range(8)]
    assert seam(said, ["a", "c", "d"], ["f", "g"], starts_s=starts_s, seam_audio_s=38.0).lost == 1
    assert seam(said, ["a", "c", "d"], ["f", "g"], starts_s=starts_s, seam_audio_s=14.0).lost == 1
    assert seam(said, ["a", "c", "d"], ["f", "g"], starts_s=starts_s, seam_audio_s=24.0).lost == 0


@pytest.mark.parametrize(
    ("said", "before", "after", "lost"),
    [
        ("no no no thank you", "no no", "thank you", 1),
        ("thank you no no no", "thank you", "no no", 1),
        ("go no no no no go", "go no", "no go", 3),
        ("a b c d e f", "a b x", "f", 2),
        ("a b c d e f", "a b", "x f", 2),
        ("", "a", "b", 0),
    ],
)
def test_a_loss_is_at_the_seam_whichever_of_equal_words_it_was(said: str, before: str, after: str, lost: int) -> None:
    assert seam(said.split(), before.split(), after.split()).lost == lost


def test_a_cut_before_the_first_word() -> None:
    assert seam(["a", "b", "c"], [], ["c"]).lost == 2
    assert seam(["a", "b", "c"], ["a"], []).lost == 2


ANSWER = st.builds(BadInput, STATUS, st.sampled_from(["", "{}", '{"error":"no"}', "oops"]), st.floats(0, 20))


@given(st.lists(ANSWER, max_size=8), st.lists(ANSWER, max_size=8))
def test_counts_of_rejections_add(first: list[BadInput], second: list[BadInput]) -> None:
    found = rejections(first) + rejections(second)
    assert found == rejections([*first, *second])
    assert found.clear <= found.rejected <= found.inputs


def test_clear_means_a_message_in_time() -> None:
    body = '{"error":"no audio"}'
    found = rejections([BadInput(400, body, 10.0), BadInput(400, body, 10.1), BadInput(None, "", 30.0)])
    assert (found.clear, found.rejected, found.hangs) == (1, 2, 1)
    assert found.clear_rate == pytest.approx(1 / 3)
    assert Rejections().clear_rate is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"error":{"message":"bad key","code":1}}', "bad key"),
        ('{"detail":[{"msg":"field required"}]}', "field required"),
        ('{"error":"","message":"m"}', "m"),
        ("not found ", "not found"),
        ("{}", ""),
        ("  ", ""),
        ("null", ""),
        ("[]", ""),
    ],
)
def test_messages(body: str, expected: str) -> None:
    assert message(body) == expected
