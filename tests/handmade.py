"""A small run made by hand, shaped like a real one: two providers, two routes, plausible errors and delays."""

import functools
import hashlib
import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from evalkit import stats
from evalkit.reports import tables
from evalkit.scoring import words
from evalkit.scoring.text import PROFILES
from evalkit.store import Store
from evalkit.types import Clip, Difference, Pacing, Route, Score, SummaryRow, Word

CANDIDATE, INCUMBENT = "local-moonshine", "local-pocketsphinx"
SENTENCES = (
    ("read", "clean", "and mister john dashwood had then leisure to consider how much there might be in his power"),
    ("read", "clean", "keep going and if you are lucky you will run plumb into them"),
    ("call center", "clean", "You are currently the only person in this conference."),
    ("call center", "clean", "At the tone, please say your name."),
    ("call center", "telephone, G.711 mu-law", "The conference is now being recorded."),
    ("call center", "telephone, G.711 mu-law", "Please enter your agent number followed by the pound key."),
    ("call center", "pink noise", "You have been removed from the conference."),
    ("spontaneous", "clean", "this is the acoustic corpus I'm talking pretty fast here there's nothing going on"),
)
SOUND = Path(__file__).parent.parent / "datasets" / "open" / "audio" / "prompt-auth-incorrect.flac"
OTHER_WORDS = ("the", "to", "conference", "none", "pure", "and", "a", "press")


def scores(count: int = 24, *, seed: int = 0) -> list[Score]:
    """``count`` clips, each over both routes of both providers."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        domain, noise, text = SENTENCES[number % len(SENTENCES)]
        for provider, share in ((CANDIDATE, 0.06), (INCUMBENT, 0.30)):
            for route in ("rest", "streaming"):
                extra = 0.05 if noise != "clean" else 0.0
                found.append(one(f"clip-{number:02d}", provider, route, text, share + extra, chance, domain, noise))
    return found


def degraded(count: int = 24, *, noise_db: Sequence[int] = (20, 10, 0)) -> list[Score]:
    """The same clips clean and in noise, as ``evalkit corpus degrade`` would make them."""
    chance = random.Random(1)
    found = []
    for score in scores(count):
        share = 0.06 if score.provider == CANDIDATE else 0.30
        found.append(replace(score, slices={**score.slices, "condition": "clean", "source": score.clip_id}))
        for snr in noise_db:
            place = (f"{score.clip_id}@noise-{snr}dB", score.provider, score.route, score.reference or "")
            copy = one(*place, share + 0.02 * (22 - snr), chance, score.slices["domain"], score.slices["noise"])
            tags = {**score.slices, "condition": f"noise-{snr}dB", "source": score.clip_id}
            found.append(replace(copy, slices=tags, cluster=score.cluster))
    return found


def one(
    clip_id: str, provider: str, route: Route, text: str, share: float, chance: random.Random, domain: str, noise: str
) -> Score:
    """One score whose hypothesis is ``text`` with about ``share`` of its words wrong."""
    heard = []
    for word in text.split():
        luck = chance.random()
        if luck < share * 0.6:
            heard.append(chance.choice(OTHER_WORDS))
        elif luck < share * 0.8:
            continue
        else:
            heard.append(word)
        if luck > 1 - share * 0.2:
            heard.append(chance.choice(OTHER_WORDS))
    hypothesis = " ".join(heard)
    slow = 1.0 if provider == CANDIDATE else 1.6
    wrong = words.unit_counts(*(PROFILES["en"].tokens(side) for side in (text, hypothesis)))
    hits, audio_s = wrong.hits, 0.35 * len(text.split()) + 0.4
    counts: dict[str, float] = {"run.clips": 1, "run.answered": 1, "run.failed": 0}
    for profile in ("en", "basic"):
        for metric in (f"acc.wer.{profile}", f"acc.wer.{profile}.scored_only"):
            counts |= {f"{metric}.{name}": value for name, value in asdict(wrong).items()}
    offsets = [round(chance.gauss(0.03 * slow, 0.05), 3) for _ in range(hits)]
    counts |= {"ts.offset.start.words": hits, "ts.offset.start.sum_s": sum(offsets)}
    counts["ts.offset.start.absolute_s"] = sum(map(abs, offsets))
    values = {"ts.offset.start": tuple(offsets), "ts.offset.start.absolute": tuple(map(abs, offsets))}
    absent = {"dia.der": "missing_input", "dia.cpwer": "missing_input"}
    if domain == "spontaneous" and provider == CANDIDATE:
        absent = {}
        counts |= {
            "dia.der.miss_s": 0.2,
            "dia.der.false_alarm_s": 0.1,
            "dia.der.confusion_s": 0.4,
            "dia.der.total_s": 4,
        }
        counts |= {f"dia.cpwer.{name}": value for name, value in asdict(wrong).items()}
    pacing = None
    if route == "streaming":
        counts |= {"str.erased": chance.randint(0, 4), "str.final_words": hits + 1}
        counts |= {"str.changed": chance.randint(0, 6), "str.audio_s": audio_s}
        values["lat.word_first"] = tuple(round(chance.lognormvariate(-0.7, 0.35) * slow, 4) for _ in range(hits))
        values["lat.ttfs"] = (round(chance.lognormvariate(-0.5, 0.2) * slow, 4),)
        values["lat.ttfp_speech"] = (round(chance.lognormvariate(-0.4, 0.2) * slow, 4),)
        values["lat.finalize"] = (round(chance.lognormvariate(-1.2, 0.2) * slow, 4),)
        late = sorted(chance.lognormvariate(-7.5, 0.4) for _ in range(60))
        pacing = Pacing(60, late[29], late[59], late[59], late[10])
    else:
        wait_s = round(audio_s * 0.05 * slow + 0.04, 4)
        values["lat.rest_total"] = (wait_s,)
        counts |= {"lat.rtfx.audio_s": audio_s, "lat.rtfx.processing_s": wait_s}
    counts |= {"cost.usd": audio_s / 3600 * (0.10 if route == "rest" else 0.20), "cost.audio_s": audio_s}
    return Score(
        clip_id=clip_id,
        provider=provider,
        route=route,
        evidence="simulated",
        kind="speech",
        cluster=f"voice-{hash_of(clip_id) % 9}",
        language="en",
        slices={"domain": domain, "noise": noise, "language": "en"},
        audio_s=round(audio_s, 3),
        attempts=1,
        failure=None,
        counts=counts,
        values=values,
        absent=absent,
        pacing=pacing,
        reference=text,
        hypothesis=hypothesis,
    )


def hash_of(text: str) -> int:
    """The same small number in every process."""
    return sum(text.encode())


def manifest(rows: Sequence[Score]) -> dict[str, Any]:
    """What ``run.json`` holds."""
    clips = {score.clip_id: score.audio_s for score in rows}
    return {
        "format": 1,
        "run": "demo",
        "created_at": "2026-11-20T08:00:00+00:00",
        "finished_at": "2026-11-20T08:05:10+00:00",
        "wall_s": 310.4,
        "command": "evalkit run",
        "evalkit": "0.1.0",
        "python": "3.11.7",
        "libraries": {"jiwer": "4.0.0", "pyannote.metrics": "4.1.0", "websockets": "16.0"},
        "machine": {"cpu": "AMD EPYC 9B14", "cores": 2, "memory_gib": 24.0, "os": "Debian GNU/Linux 12"},
        "seed": 0,
        "corpus": {
            "name": "demo",
            "path": "datasets/demo/manifest.jsonl",
            "sha256": "4f" * 32,
            "clips": len(clips),
            "audio_s": sum(clips.values()),
        },
        "routes": ["rest", "streaming"],
        "candidate": CANDIDATE,
        "incumbent": INCUMBENT,
        "providers": {
            CANDIDATE: {
                "description": "Moonshine tiny-en 0.1.0, embedded; word times by forced alignment",
                "evidence": "simulated",
                "settings": {"rest": {"diarize": True}, "streaming": {"endpointing_ms": 400, "frame_ms": 20}},
            },
            INCUMBENT: {
                "description": "PocketSphinx en-us 5.1, embedded",
                "evidence": "simulated",
                "settings": {"rest": {"diarize": False}, "streaming": {"endpointing_ms": 400, "frame_ms": 20}},
            },
        },
        "prices": [
            {
                "provider": name,
                "route": route,
                "basis": "audio seconds",
                "usd_per_hour": price,
                "source": "list price of the service it stands in for",
                "date": "2026-09-01",
                "note": "the embedded recogniser itself costs nothing",
            }
            for name in (CANDIDATE, INCUMBENT)
            for route, price in (("rest", 0.10), ("streaming", 0.20))
        ],
        "scoring": {"version": "1", "profiles": {"en": {"version": "1", "hash": "ab12cd34"}}},
        "concurrency": {CANDIDATE: {"rest": 1, "streaming": 2}, INCUMBENT: {"rest": 1, "streaming": 2}},
    }


def demo(count: int = 24) -> tuple[dict[str, Any], list[Score], list[SummaryRow], list[Difference]]:
    """Manifest, scores, summary and differences of one run; the lists are the caller's own."""
    rows = scores(count)
    summary, differences = _folded(count)
    return manifest(rows), rows, list(summary), list(differences)


@functools.cache
def _folded(count: int) -> tuple[tuple[SummaryRow, ...], tuple[Difference, ...]]:
    rows = scores(count)
    return tuple(stats.summarise(rows)), tuple(stats.compare(rows, CANDIDATE, INCUMBENT))


def write_run(folder: Path, count: int = 24) -> Path:
    """The files of a run, with the sound of real clips; returns the folder."""
    described, rows, figures, paired = demo(count)
    folder.mkdir(parents=True)
    files = Store(folder)
    files.write_manifest(described)
    files.write_clips(_clips(rows))
    tables.write_scores(folder / "scores.csv", rows)
    tables.write_summary(folder / "summary.csv", figures)
    tables.write_differences(folder / "comparison.csv", paired)
    return folder


def _clips(rows: Sequence[Score]) -> list[Clip]:
    sound = SOUND.read_bytes()
    return [
        Clip(
            score.clip_id,
            str(SOUND),
            hashlib.sha256(sound).hexdigest(),
            score.audio_s,
            16_000,
            1,
            reference=tuple(Word(word) for word in (score.reference or "").split()),
            cluster=score.cluster,
            tags=score.slices,
        )
        for score in {score.clip_id: score for score in rows}.values()
    ]
