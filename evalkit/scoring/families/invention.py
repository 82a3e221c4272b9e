"""Invention: words where nobody speaks."""

from evalkit.scoring.define import ratio
from evalkit.scoring.hallucination import inserted_words, loops, silent_gaps, words_within
from evalkit.scoring.row import Case, Row
from evalkit.scoring.text import profile
from evalkit.types import Metric

_KOENECKE = "Koenecke et al. 2024"
_BARANSKI = "Barański et al. 2025"

METRICS: tuple[Metric, ...] = (
    ratio(
        "acc.halluc.clip_rate",
        "Hallucination, clips",
        "Share of clips without speech for which any word was returned.",
        ["acc.halluc.clips_with_words"],
        ["acc.halluc.clips"],
        source=_KOENECKE,
        bounded=True,
    ),
    ratio(
        "acc.halluc.words_per_min",
        "Hallucination, words per minute",
        "Words returned per minute of audio without speech.",
        ["acc.halluc.words"],
        ["acc.halluc.audio_s"],
        unit="per_min",
        scale=60.0,
        source=_KOENECKE,
    ),
    Metric(
        "acc.halluc.max_words",
        "Hallucination, most words in a clip",
        "count",
        "lower",
        "Most words returned for one clip without speech.",
        _KOENECKE,
        values="acc.halluc.words_of_clip",
        statistic="max",
    ),
    ratio(
        "acc.halluc.loop_rate",
        "Hallucination, loops",
        "Share of clips without speech in which one to six words come at least four times in a row.",
        ["acc.halluc.loops"],
        ["acc.halluc.clips"],
        source=_BARANSKI,
        bounded=True,
    ),
    ratio(
        "acc.halluc.nonspeech_insertions_per_min",
        "Words inserted in silence per minute",
        "Inserted words that lie wholly inside silence of the reference, per minute of such silence: gaps of at least "
        "0.5 s, 0.25 s taken off at each side.",
        ["acc.halluc.gap_words"],
        ["acc.halluc.gap_s"],
        unit="per_min",
        scale=60.0,
    ),
)

_NONSPEECH = tuple(metric.id for metric in METRICS[:-1])
_IN_GAPS = METRICS[-1].id


def measure(row: Row, case: Case) -> None:
    """Any word on a clip without speech; on the others, words in the gaps."""
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", _IN_GAPS)
        if case.failed:
            row.lack("missing_input", *_NONSPEECH)
            return
        tokens = profile("basic").tokens(case.got)
        row.add(
            "acc.halluc",
            {
                "clips": 1,
                "clips_with_words": bool(tokens),
                "words": len(tokens),
                "loops": loops(tokens),
                "audio_s": case.clip.duration_s,
            },
        )
        row.values["acc.halluc.words_of_clip"] = (float(len(tokens)),)
        return
    row.lack("not_applicable", *_NONSPEECH)
    reference = case.reference
    untimed = any(word.start_s is None or word.end_s is None for word in (*(reference or ()), *case.words))
    if case.failed or not reference or untimed:
        row.lack("missing_input", _IN_GAPS)
        return
    gaps = silent_gaps(reference, case.clip.duration_s)
    invented = words_within(inserted_words(reference, case.words, case.profile), gaps) if gaps else 0
    row.add("acc.halluc", {"gap_words": invented, "gap_s": sum(end_s - start_s for start_s, end_s in gaps)})
