"""Worked cases: failures."""

import json
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from evalkit.scoring import failures, words
from evalkit.scoring.text import profile
from tests.golden.shared import Answer, Case, rules_of, share, timed, tokens


def status(said: Any) -> int | None:
    """A status, or what came instead of one: "timeout", null."""
    return int(said) if str(said).isdigit() else None


def asked(request: Mapping[str, Any]) -> failures.Request:
    waited = tuple(request.get("waited_s") or ())
    told = tuple(request.get("retry_after_s") or ())[: len(waited)]
    pairs = zip_longest(waited, told)
    return failures.Request(tuple(map(status, request["attempts"])), tuple(told for _, told in pairs), waited)


def retry(case: Case) -> Answer:
    requests = [asked(request) for request in case["input"]["requests"]]
    found = failures.retries(requests, min_backoff_s=case["params"].get("min_backoff_s"))
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
    """A word without an end takes no part: nobody knows on which side of the cut it was."""
    given, rules = case["input"], profile(rules_of(case, "basic"))
    reference = [word for word in timed(given["reference"]) if word.end_s is not None]
    said, owners = words.word_tokens(reference, rules)
    ends_s = [reference[owner].end_s or 0.0 for owner in owners]
    committed, caption = (
        failures.salvage(said, ends_s, rules.tokens(given.get(held) or ""), given["disconnect_audio_s"])
        for held in ("committed", "caption")
    )
    return {
        "spoken_words": committed.spoken,
        "committed_kept": committed.kept,
        "caption_kept": caption.kept,
        "committed_salvage": committed.rate,
        "caption_salvage": caption.rate,
        "unsent_or_unspoken_words": committed.unspoken,
    }


def seam(case: Case) -> Answer:
    """The reference is a text, or words with times beside the audio time of the seam."""
    given, name = case["input"], rules_of(case, "basic")
    parts = (tokens(given[part], name) for part in ("part_before", "part_after"))
    if isinstance(given["reference"], str):
        found = failures.seam(tokens(given["reference"], name), *parts)
    else:
        reference = timed(given["reference"])
        said, owners = words.word_tokens(reference, profile(name))
        starts_s = [reference[owner].start_s or 0.0 for owner in owners]
        at_s = given.get("seam_audio_s", given.get("disconnect_audio_s"))
        found = failures.seam(said, *parts, starts_s=starts_s, seam_audio_s=at_s)
    return {
        "duplicated_words": found.duplicated,
        "lost_words": found.lost,
        "joined_errors": found.joined_errors,
        "hidden_as_substitutions": found.joined_substitutions,
    }


def text(body: Any) -> str:
    """A body as it came: text, or what its JSON says."""
    return body if isinstance(body, str) else json.dumps(body)


def rejection(case: Case) -> Answer:
    found = failures.rejections(
        [
            failures.BadInput(status(answer.get("status")), text(answer.get("body")), answer.get("s") or 0.0)
            for answer in case["input"]["cases"]
        ]
    )
    return {
        "rejected_4xx": found.rejected,
        "clear": found.clear,
        "clear_rejection_rate": found.clear_rate,
        "accepted_wrongly": found.accepted,
        "accept_wrong_rate": share(found.accepted, found.inputs),
        "server_error": found.server_errors,
        "hangs": found.hangs,
        "hang": found.hangs,
    }


ADAPTERS = {"retry": retry, "salvage": salvage, "seam": seam, "rejection": rejection}
