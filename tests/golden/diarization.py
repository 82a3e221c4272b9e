"""Worked cases: diarization."""

from collections.abc import Sequence
from typing import Any

from evalkit.scoring import joint, labels, speakers, text, words
from evalkit.types import Word
from tests.golden.shared import Answer, Case, flat, turns


def der(case: Case) -> Answer:
    said, got = turns(case["input"]["reference"]), turns(case["input"]["hypothesis"])
    collar_s, skip = case["params"]["collar_one_sided_s"], case["params"]["skip_overlap"]
    duration_s = case["input"]["uem"][1]
    # The file holds pyannote's own figures: overlaps of one speaker counted twice, and 1.0 where there is no rate.
    found = speakers.speaker_seconds(said, got, duration_s, collar_s=collar_s, skip_overlap=skip, merge=False)
    jaccard, speaker_count = speakers.jaccard_error(said, got, duration_s, collar_s=collar_s, skip_overlap=skip)
    return {
        "total": found.total,
        "miss": found.miss,
        "fa": found.false_alarm,
        "confusion": found.confusion,
        "der": 1.0 if found.rate is None else found.rate,
        "jer": jaccard / speaker_count if speaker_count else 1.0,
    }


def der_corpus(case: Case) -> Answer:
    found = [
        speakers.speaker_seconds(turns(file["reference"]), turns(file["hypothesis"]), file["uem"][1])
        for file in case["input"]["files"]
    ]
    rates = [file.rate for file in found if file.rate is not None]
    return {
        "per_file": [file.rate for file in found],
        "pooled": sum(found, speakers.SpeakerSeconds()).rate,
        "macro": sum(rates) / len(rates),
    }


def speaker_count(case: Case) -> Answer:
    pairs = zip(case["input"]["reference_counts"], case["input"]["hypothesis_counts"], strict=True)
    found = sum((labels.speaker_count(*pair) for pair in pairs), labels.CountErrors())
    return {"accuracy": found.accuracy, "mae": found.mean_absolute, "signed_mean": found.mean_signed}


def said_by(rows: Sequence[Sequence[Any]]) -> list[Word]:
    """Utterances (speaker, words, start, end), each as one word of several tokens, by start."""
    spoken = [Word(said, start, end, str(name)) for name, said, start, end in rows]
    return sorted(spoken, key=lambda word: word.start_s or 0.0)


def cp(case: Case) -> words.ErrorCounts:
    sides = (speakers.by_speaker(said_by(case["input"][side]), text.profile("none")) for side in SIDES)
    return joint.cp_counts(*sides)


def cpwer_family(case: Case) -> Answer:
    reference, hypothesis = (said_by(case["input"][side]) for side in SIDES)
    plain = text.profile("none")
    utterances = [plain.tokens(utterance.text) for utterance in reference]
    free = joint.orc_counts(utterances, speakers.by_speaker(hypothesis, plain)).counts
    paired = cp(case)
    found = {
        "cpwer": paired,
        "orcwer": free,
        "tcpwer": joint.tcp_counts(reference, hypothesis, plain, collar_s=case["params"]["tcp_collar_s"]),
    }
    rates = {
        name: {**flat(errors), "length": errors.reference_words, "rate": errors.rate} for name, errors in found.items()
    }
    return {**rates, "speaker_confusion_cost": joint.confusion_cost(paired, free)}


def cpwer(case: Case) -> Answer:
    return {"meeteval": cp(case).rate}


def wder(case: Case) -> Answer:
    said, got = ([Word(token, speaker=str(name)) for token, name in case["input"][side]] for side in SIDES)
    found = labels.word_labels(said, got, text.profile("none"))
    return {"aligned_pairs": found.aligned, "wrong_speaker": found.wrong, "wder": found.rate}


def words_to_segments(case: Case) -> Answer:
    said = [
        Word(token, start, end, None if name is None else str(name))
        for token, start, end, name in case["input"]["words"]
    ]
    unlabelled = speakers.unlabelled_words(said)
    return {
        "segments": [
            [turn.start_s, turn.end_s, turn.speaker]
            for turn in speakers.turns_of(said, gap_s=case["params"]["max_gap_s"])
        ],
        "unlabelled_words": unlabelled,
        "unlabelled_share": unlabelled / len(said),
    }


SIDES = ("reference", "hypothesis")
ADAPTERS = {
    "der": der,
    "der_corpus": der_corpus,
    "speaker_count": speaker_count,
    "cpwer_family": cpwer_family,
    "cpwer": cpwer,
    "wder": wder,
    "words_to_segments": words_to_segments,
}
