"""Diarization: who spoke, from the speaker labels of words."""

from collections.abc import Sequence

from evalkit.scoring import captions, joint, labels, speakers
from evalkit.scoring.define import columns, error_rate, ratio
from evalkit.scoring.row import Case, Row
from evalkit.scoring.words import ErrorCounts
from evalkit.types import Metric, Turn, Word

_NIST = "NIST Rich Transcription; pyannote.metrics"
_GAPS_S = {"dia.der": speakers.MERGE_GAP_S, "dia.der.gap300": 0.3, "dia.der.gap1000": 1.0}
_COLLAR_S = 0.25
_ORC = "Sklyar et al. 2022; von Neumann et al. 2023"
_TIGHT = 0.002
"""So far apart, as a share of the reference words, the bounds of ORC-WER may be to pass for one figure."""
_TIGHTLY = "clips whose bounds lie more than 0.2 points apart are left out"
_LASTING = "speakers who talk for at least 2 s and 1 % of all speech"


def _rate(metric_id: str, title: str, how: str) -> Metric:
    return ratio(
        metric_id,
        title,
        "Missed, invented and wrongly attributed speaker time per second of reference speaker time after the best "
        f"one-to-one map of speakers, overlap scored, {how}.",
        columns(metric_id, "miss_s", "false_alarm_s", "confusion_s"),
        columns(metric_id, "total_s"),
        source=_NIST,
    )


def _count(base: str, title: str, whom: str) -> list[Metric]:
    files = columns(base, "files")
    return [
        ratio(
            f"{base}.exact",
            f"{title} right",
            f"Share of clips with the right number of {whom}.",
            columns(base, "exact"),
            files,
            direction="higher",
            source="pyannote.metrics",
        ),
        ratio(
            f"{base}.mae",
            f"{title}, error",
            f"Mean absolute error of the number of {whom} per clip.",
            columns(base, "absolute"),
            files,
            unit="count",
            source="pyannote.metrics",
        ),
        ratio(
            f"{base}.bias",
            f"{title}, bias",
            f"Mean of the number of {whom} that were found minus that there are; positive is too many.",
            columns(base, "signed"),
            files,
            unit="count",
            direction="zero",
        ),
    ]


METRICS: tuple[Metric, ...] = (
    _rate("dia.der", "DER", "no collar; turns are built from the words (gaps up to 0.5 s)"),
    _rate("dia.der.gap300", "DER, gaps to 0.3 s", "no collar; turns are built from the words (gaps up to 0.3 s)"),
    _rate("dia.der.gap1000", "DER, gaps to 1 s", "no collar; turns are built from the words (gaps up to 1 s)"),
    _rate(
        "dia.der.collar250",
        "DER, collar 0.25 s",
        "a collar of 0.25 s on each side of a reference boundary; turns are built from the words (gaps up to 0.5 s)",
    ),
    ratio(
        "dia.der.macro",
        "DER, mean of clips",
        "Mean over clips of the diarization error rate without collar, every clip weighing the same.",
        ["dia.der.macro.rates"],
        ["dia.der.macro.clips"],
        source=_NIST,
    ),
    ratio(
        "dia.jer",
        "JER",
        "Mean over reference speakers of missed and false-alarm time per second of the union with the mapped speaker, "
        "1 for a speaker who has none.",
        ["dia.jer.errors"],
        ["dia.jer.speakers"],
        source="Ryant et al. 2019 (DIHARD II)",
        bounded=True,
    ),
    *_count("dia.count", "Speaker count", "speakers"),
    *_count("dia.count.lasting", "Lasting speakers", _LASTING),
    error_rate(
        "dia.cpwer",
        "cpWER",
        "Word errors per reference word when each speaker's words are joined and the speakers are paired so that there "
        "are fewest; words of unpaired speakers are errors.",
        "Watanabe et al. 2020 (CHiME-6)",
    ),
    error_rate(
        "dia.orcwer",
        "ORC-WER",
        "Word errors per reference word when each utterance is given to the hypothesis speaker with whom there are "
        f"fewest, so that who spoke does not matter; {_TIGHTLY}.",
        _ORC,
    ),
    ratio(
        "dia.orcbound.low",
        "ORC-WER at least",
        "Word errors per reference word that no way of giving utterances to hypothesis speakers avoids; equal to the "
        "upper bound where the optimum is proven.",
        ["dia.orcbound.low"],
        ["dia.orcbound.words"],
        source=_ORC,
    ),
    ratio(
        "dia.orcbound.high",
        "ORC-WER at most",
        "Word errors per reference word of the best way found of giving utterances to hypothesis speakers.",
        ["dia.orcbound.high"],
        ["dia.orcbound.words"],
        source=_ORC,
    ),
    ratio(
        "dia.confusion_cost",
        "Cost of speaker confusion",
        "Word errors per reference word that exist only because of mistakes about who spoke: cpWER minus ORC-WER, of "
        f"which the lower bound is taken; {_TIGHTLY}.",
        ["dia.confusion_cost.errors"],
        ["dia.confusion_cost.words"],
    ),
    error_rate(
        "dia.tcpwer",
        "tcpWER",
        "Word errors per reference word as in cpWER when words more than 5 s apart may not match; far above cpWER the "
        "timeline is broken.",
        "von Neumann et al. 2023 (MeetEval)",
    ),
    ratio(
        "dia.wder",
        "WDER",
        "Share of the words both sides have (hits and substitutions) that carry the label of another speaker, after "
        "the best one-to-one map.",
        ["dia.wder.wrong"],
        ["dia.wder.aligned"],
        source="El Shafey et al. 2019",
        bounded=True,
    ),
    ratio(
        "dia.turn.precision",
        "Turn changes, precision",
        "Share of the changes of speaker between neighbouring aligned words that are changes in the reference.",
        ["dia.turn.both"],
        ["dia.turn.hypothesis"],
        direction="higher",
    ),
    ratio(
        "dia.turn.recall",
        "Turn changes, recall",
        "Share of the reference's changes of speaker between neighbouring aligned words that were found.",
        ["dia.turn.both"],
        ["dia.turn.reference"],
        direction="higher",
    ),
    ratio(
        "dia.flip",
        "Speaker labels changed live",
        "Words of the last caption whose speaker label changed after they were first shown, per word of it.",
        ["dia.flip.relabelled"],
        ["dia.flip.final_words"],
    ),
    ratio(
        "dia.unlabelled",
        "Words without speaker",
        "Share of the words of an answer with speaker labels that have none.",
        ["dia.unlabelled.words"],
        ["dia.unlabelled.of"],
        bounded=True,
    ),
    ratio(
        "dia.overlap",
        "Overlapped speech",
        "Share of the reference's speech time in which several speakers talk; there the order of words, and with it "
        "WDER, is ambiguous.",
        ["dia.overlap.overlap_s"],
        ["dia.overlap.speech_s"],
        bounded=True,
    ),
)


_OF_WORDS = tuple(f"dia.{name}" for name in ("cpwer", "orcwer", "orcbound", "confusion_cost", "tcpwer", "wder", "turn"))


def measure(row: Row, case: Case) -> None:
    """Speaker time and words, judged by the labels of the words."""
    if case.clip.kind == "nonspeech":
        row.lack("not_applicable", "dia")
        return
    labelled = speakers.distinct_speakers(case.words)
    unasked = case.trace.settings.get("diarize") is False
    if (unasked and not case.words) or (case.words and all(word.speaker is None for word in labelled)):
        # An empty answer misses every speaker, but not when nobody asked who spoke.
        row.lack("missing_input", "dia")
        return
    row.add("dia.unlabelled", {"words": speakers.unlabelled_words(labelled), "of": len(labelled)})
    _time(row, case, labelled)
    _count_speakers(row, case, labelled)
    if case.reference is None or any(word.speaker is None for word in case.reference):
        row.lack("missing_input", *_OF_WORDS)
    else:
        _words(row, case, case.reference, labelled)
    _flips(row, case)


def _time(row: Row, case: Case, labelled: Sequence[Word]) -> None:
    expected, got = _reference_turns(case), speakers.turns_of(labelled)
    if expected is None:
        row.lack("missing_input", "dia.overlap")
    else:
        overlap_s, speech_s = speakers.overlap_seconds(expected, case.clip.duration_s)
        row.add("dia.overlap", {"overlap_s": overlap_s, "speech_s": speech_s})
    if expected is None or (labelled and not got):
        row.lack("missing_input", "dia.der", "dia.jer")
        return
    for base, gap_s in _GAPS_S.items():
        sides = _reference_turns(case, gap_s=gap_s) or (), speakers.turns_of(labelled, gap_s=gap_s)
        row.add(base, _seconds(speakers.speaker_seconds(*sides, case.clip.duration_s)))
    plain = speakers.speaker_seconds(expected, got, case.clip.duration_s)
    collared = speakers.speaker_seconds(expected, got, case.clip.duration_s, collar_s=_COLLAR_S)
    row.add("dia.der.collar250", _seconds(collared))
    row.add("dia.der.macro", {"rates": plain.rate or 0.0, "clips": plain.rate is not None})
    errors, found = speakers.jaccard_error(expected, got, case.clip.duration_s)
    row.add("dia.jer", {"errors": errors, "speakers": found})


def _seconds(found: speakers.SpeakerSeconds) -> dict[str, float]:
    return {
        "miss_s": found.miss,
        "false_alarm_s": found.false_alarm,
        "confusion_s": found.confusion,
        "total_s": found.total,
    }


def _count_speakers(row: Row, case: Case, labelled: Sequence[Word]) -> None:
    turns = _reference_turns(case)
    if turns is not None:
        expected = len(speakers.speech_by_speaker(turns))
    elif case.reference is not None and all(word.speaker is not None for word in case.reference):
        expected = labels.speakers_in(case.reference)
    else:
        row.lack("missing_input", "dia.count")
        return
    row.add("dia.count", _count_columns(labels.speaker_count(expected, labels.speakers_in(labelled))))
    got = speakers.turns_of(labelled)
    if turns is None or (labelled and not got):
        row.lack("missing_input", "dia.count.lasting")
        return
    found = labels.speaker_count(speakers.lasting_speakers(turns), speakers.lasting_speakers(got))
    row.add("dia.count.lasting", _count_columns(found))


def _count_columns(found: labels.CountErrors) -> dict[str, float]:
    return {"files": found.files, "exact": found.exact, "signed": found.signed, "absolute": found.absolute}


def _words(row: Row, case: Case, reference: Sequence[Word], labelled: Sequence[Word]) -> None:
    sides = [speakers.by_speaker(side, case.profile) for side in (reference, labelled)]
    paired = joint.cp_counts(*sides)
    row.errors("dia.cpwer", paired)
    _free(row, case, reference, sides[1], paired)
    timed = all(word.start_s is not None and word.end_s is not None for word in (*reference, *labelled))
    if timed and max(map(len, sides)) <= joint.MAX_SPEAKERS:
        row.errors("dia.tcpwer", joint.tcp_counts(reference, labelled, case.profile))
    else:
        row.lack("missing_input", "dia.tcpwer")
    found = labels.word_labels(reference, labelled, case.profile)
    row.add("dia.wder", {"wrong": found.wrong, "aligned": found.aligned})
    changes = found.changes()
    row.add("dia.turn", {"both": changes.both, "reference": changes.reference, "hypothesis": changes.hypothesis})


def _free(
    row: Row, case: Case, reference: Sequence[Word], streams: dict[str, tuple[str, ...]], paired: ErrorCounts
) -> None:
    """ORC-WER, and what cpWER has on top of it."""
    utterances = [case.profile.tokens(" ".join(word.text for word in said)) for said in joint.utterances(reference)]
    free = joint.orc_counts(utterances, streams)
    # Giving each utterance to the stream of its speaker is one of the choices: a short search may have missed it.
    least = min(free.counts, paired, key=lambda found: found.errors)
    words = paired.reference_words
    row.add("dia.orcbound", {"low": free.low, "high": least.errors, "words": words})
    if least.errors - free.low > _TIGHT * words:
        row.lack("missing_input", "dia.orcwer", "dia.confusion_cost")
        return
    row.errors("dia.orcwer", least)
    row.add("dia.confusion_cost", {"errors": paired.errors - free.low, "words": words})


def _flips(row: Row, case: Case) -> None:
    if case.trace.route == "rest":
        row.lack("not_applicable", "dia.flip")
    elif case.failed:
        row.lack("missing_input", "dia.flip")
    elif not captions.has_interims(case.hypothesis):
        row.lack("not_applicable", "dia.flip")
    else:
        found = labels.caption_flips(case.hypothesis, case.profile)
        row.add("dia.flip", {"relabelled": found.relabelled, "final_words": found.final_words})


def _reference_turns(case: Case, *, gap_s: float = speakers.MERGE_GAP_S) -> tuple[Turn, ...] | None:
    if case.clip.turns is not None:
        return case.clip.turns
    words = case.reference
    if words is None or any(word.speaker is None or word.start_s is None or word.end_s is None for word in words):
        return None
    return speakers.turns_of(words, gap_s=gap_s)
