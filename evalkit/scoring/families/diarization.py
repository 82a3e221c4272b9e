"""Diarization: who spoke, from the speaker labels of words."""

from evalkit.scoring import speakers
from evalkit.scoring.define import columns, error_rate, ratio
from evalkit.scoring.row import Case, Row, error_columns
from evalkit.types import Metric, Turn

_NIST = "NIST Rich Transcription; pyannote.metrics"
_COLLAR_S = {"dia.der": 0.0, "dia.der.collar250": 0.25}


def _diarization(metric_id: str, title: str, collar: str) -> Metric:
    return ratio(
        metric_id,
        title,
        "Missed, invented and wrongly attributed speaker time per second of reference speaker time after the best "
        f"one-to-one map of speakers, overlap scored, {collar}; turns are built from the words (gaps up to 0.5 s).",
        columns(metric_id, "miss_s", "false_alarm_s", "confusion_s"),
        columns(metric_id, "total_s"),
        source=_NIST,
    )


METRICS: tuple[Metric, ...] = (
    _diarization("dia.der", "DER", "no collar"),
    _diarization("dia.der.collar250", "DER, collar 0.25 s", "a collar of 0.25 s on each side of a reference boundary"),
    error_rate(
        "dia.cpwer",
        "cpWER",
        "Word errors per reference word when each speaker's words are joined and the speakers are paired so that there "
        "are fewest; words of unpaired speakers are errors.",
        "Watanabe et al. 2020 (CHiME-6)",
    ),
)


def measure(row: Row, case: Case) -> None:
    """Speaker time and words, judged by the labels of the words."""
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", "dia")
        return
    labelled = speakers.distinct_speakers(case.words)
    silent = not case.words
    if not silent and all(word.speaker is None for word in labelled):
        row.lack("missing_input", "dia")
        return
    reference = case.reference or ()
    expected_turns = _reference_turns(case)
    got_turns = speakers.turns_of(labelled)
    if expected_turns is None or (not silent and not got_turns):
        row.lack("missing_input", "dia.der")
    else:
        for base, collar_s in _COLLAR_S.items():
            found = speakers.speaker_seconds(expected_turns, got_turns, case.clip.duration_s, collar_s=collar_s)
            row.add(
                base,
                {
                    "miss_s": found.miss,
                    "false_alarm_s": found.false_alarm,
                    "confusion_s": found.confusion,
                    "total_s": found.total,
                },
            )
    if not reference or any(word.speaker is None for word in reference):
        row.lack("missing_input", "dia.cpwer")
    else:
        sides = (speakers.by_speaker(side, case.profile) for side in (reference, labelled))
        row.add("dia.cpwer", error_columns(speakers.cp_counts(*sides)))


def _reference_turns(case: Case) -> tuple[Turn, ...] | None:
    if case.clip.turns is not None:
        return case.clip.turns
    words = case.reference or ()
    if not words or any(word.speaker is None or word.start_s is None or word.end_s is None for word in words):
        return None
    return speakers.turns_of(words)
