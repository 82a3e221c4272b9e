from dataclasses import replace

import pytest

from evalkit.reports import method
from evalkit.reports.headline import headline
from evalkit.reports.punctuality import Punctuality
from tests import handmade

MANIFEST, SCORES, SUMMARY, DIFFERENCES = handmade.demo()
OWN = Punctuality("a", "streaming", 4, 100, 0.001, 0.002, 0.003, 0.0, None, None, ("c1", "c3"))


def test_a_row_per_provider_and_route_says_what_was_sent_and_allowed() -> None:
    limits = {handmade.CANDIDATE: {"streaming": {"sessions": 100, "source": "your console", "date": "2026-11-18"}}}
    rows = method.settings({**MANIFEST, "limits": limits})
    assert len(rows) == 4
    rest, streaming = rows[:2]
    assert (rest["frames"], rest["end"], rest["speed"], rest["allowed"]) == ("–", "–", "–", "nothing known")
    assert (streaming["frames"], streaming["speed"], streaming["at_once"]) == ("20 ms", "1 ×", "2")
    assert streaming["allowed"] == "100 at once (your console, 2026-11-18)"
    both = {"sessions": 100, "upload_mb": 5, "source": "your console", "date": "2026-11-18",
            "origins": {"upload_mb": "page"}}  # fmt: skip
    assert method.allowed(both) == "100 at once (your console, 2026-11-18); 5 MB a file (page)"
    assert method.settings({}) == []


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"end_mode": "done", "trailing_silence_s": 2.0}, "done, no silence"),
        ({"end_mode": "silence", "trailing_silence_s": 1.5}, "1.5 s of silence, then done"),
        ({"end_mode": "finalize", "trailing_silence_s": 2.0}, "finalize, 2 s of silence, done"),
        ({"end_mode": "hang up"}, "hang up"),
        ({}, "–"),
    ],
)
def test_what_follows_the_last_word_is_said_in_words(sent: dict[str, object], words: str) -> None:
    providers = {"a": {"settings": {"streaming": sent}}}
    assert method.settings({"providers": providers})[0]["end"] == words


def test_clips_kept_out_are_named() -> None:
    assert method.kept_out(OWN) == "2 of 4 clips (50.0 %): c1, c3"
    assert method.kept_out(OWN, most=1) == "2 of 4 clips (50.0 %): c1 and 1 more"
    assert method.kept_out(replace(OWN, kept_out=())) == "0 of 4 clips (0.0 %)"
    head = replace(headline(MANIFEST, SCORES, SUMMARY, DIFFERENCES), punctuality=(OWN, replace(OWN, kept_out=())))
    assert method.spoilt(head) == ["a streaming, kept out of the delays: 2 of 4 clips (50.0 %): c1, c3."]


def test_every_kind_of_interval_in_a_run_is_explained_once() -> None:
    lines = method.intervals([*SUMMARY, *DIFFERENCES])
    used = ({row.ci_method for row in SUMMARY} | {row.ci_method for row in DIFFERENCES}) - {""}
    assert {line.partition(": ")[0] for line in lines} == used
    assert len(lines) == len(used)
    assert method.intervals([]) == []
