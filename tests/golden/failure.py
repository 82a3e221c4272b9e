"""Worked cases: failures."""

from evalkit.scoring import failures
from tests.golden.shared import Answer, Case, tokens


def status(said: str) -> int | None:
    return int(said) if said.isdigit() else None


def retry(case: Case) -> Answer:
    requests = [
        failures.Request(
            tuple(status(said) for said in request["attempts"]),
            tuple(request.get("retry_after_s", ())),
            tuple(request.get("waited_s", ())),
        )
        for request in case["input"]["requests"]
    ]
    found = failures.retries(requests)
    return {
        "requests": found.requests,
        "attempts": found.attempts,
        "first_try_success_rate": found.first_try_rate,
        "retryable_failures": found.retryable,
        "retry_success_rate": found.retry_success_rate,
        "eventual_success_rate": found.eventual_rate,
        "retry_amplification": found.amplification,
        "retry_after_honoured": found.honoured_rate,
        "wrongly_retried": found.wrong_retries,
    }


def salvage(case: Case) -> Answer:
    given = case["input"]
    said, ends_s = [word for word, _, _ in given["reference"]], [end_s for _, _, end_s in given["reference"]]
    committed, caption = (
        failures.salvage(said, ends_s, tokens(given[held]), given["disconnect_audio_s"])
        for held in ("committed", "caption")
    )
    return {
        "spoken_words": committed.spoken,
        "committed_salvage": committed.rate,
        "caption_salvage": caption.rate,
        "unsent_or_unspoken_words": committed.unspoken,
    }


def seam(case: Case) -> Answer:
    given = case["input"]
    found = failures.seam(tokens(given["reference"]), tokens(given["part_before"]), tokens(given["part_after"]))
    return {
        "duplicated_words": found.duplicated,
        "lost_words": found.lost,
        "joined_errors": found.joined_errors,
        "hidden_as_substitutions": found.joined_substitutions,
    }


def rejection(case: Case) -> Answer:
    found = failures.rejections(
        [failures.BadInput(answer["status"], answer["body"], answer["s"]) for answer in case["input"]["cases"]]
    )
    return {
        "rejected_4xx": found.rejected,
        "clear": found.clear,
        "clear_rejection_rate": found.clear_rate,
        "accepted_wrongly": found.accepted,
        "server_error": found.server_errors,
    }


ADAPTERS = {"retry": retry, "salvage": salvage, "seam": seam, "rejection": rejection}
