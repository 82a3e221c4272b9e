"""Worked cases: diarization."""

from evalkit.scoring import speakers, text, words
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


def cp(case: Case) -> words.ErrorCounts:
    sides = [
        speakers.by_speaker(
            [Word(said, start, end, str(name)) for name, said, start, end in case["input"][side]], text.profile("none")
        )
        for side in ("reference", "hypothesis")
    ]
    return speakers.cp_counts(*sides)


def cpwer_family(case: Case) -> Answer:
    found = cp(case)
    return {"cpwer": {**flat(found), "length": found.reference_words, "rate": found.rate}}


def cpwer(case: Case) -> Answer:
    return {"meeteval": cp(case).rate}


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


ADAPTERS = {
    "der": der,
    "der_corpus": der_corpus,
    "cpwer_family": cpwer_family,
    "cpwer": cpwer,
    "words_to_segments": words_to_segments,
}
