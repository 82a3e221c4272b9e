"""What is left of a plan, read from the heads of what is stored."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evalkit import agenda, corpora, providers
from evalkit.corpora import Corpus
from evalkit.plan import Choice, Plan
from evalkit.store import Store
from evalkit.types import Event, Trace

GOOD: dict[str, Any] = {"status": 200, "headers": {}, "body": '{"text": "hello"}'}


def test_every_changed_setting_is_named_and_a_new_one_was_its_default() -> None:
    now = providers.load("xai", "streaming", language="en", keyterms=("Grok",))
    stored = json.loads(json.dumps(now.settings))
    assert agenda._changed(now, stored) == []
    older = {name: value for name, value in stored.items() if name not in ("speed", "end_mode", "keyterms")}
    assert agenda._changed(now, older) == ['keyterms: [], now ["Grok"]']
    changed = {**stored, "language": None, "frame_ms": 20, "gone": True, "keyterms": ["a" * 100]}
    assert agenda._changed(now, changed) == [
        'language: null, now "en"', f'keyterms: ["{"a" * 57}…, now ["Grok"]', "frame_ms: 20, now 100",
        "gone: true, now unknown",
    ]  # fmt: skip


@pytest.mark.parametrize("noted", [True, False, None])
def test_an_answer_is_not_asked_for_again_whether_it_was_noted_or_must_be_read(
    tmp_path: Path, noted: bool | None
) -> None:
    clips = corpora.load("demo").clips[:3]
    plan, corpus = Plan(Choice("xai"), routes=("rest",), budget_usd=1), Corpus("three", clips, Path("demo"))
    settings = plan.providers("rest")[0].settings
    with Store(tmp_path).writing() as store:
        for clip, status in ((clips[0], 200), (clips[1], 503)):
            events = (Event(0.0, 0.0, "received", {**GOOD, "status": status}),)
            answered = noted if noted is None else status == 200
            trace = Trace(clip.id, "xai", "rest", settings, 1, datetime(2026, 11, 20, tzinfo=UTC), events)
            store.append(trace, answered=answered)
    found = agenda.agenda(plan, corpus, store)
    assert [(job.clip.id, job.first_attempt) for job in found.pending] == [(clips[1].id, 2), (clips[2].id, 1)]
    assert found.answered == {"xai": 1}
