"""Worked cases: diarization."""

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.scoring import joint, labels, speakers, text, words
from evalkit.types import Turn, Word
from tests.golden.shared import Answer, Case, flat, rules_of, several, share, timed, turns


def evaluated(given: Mapping[str, Any], case: Case) -> tuple[list[Turn], list[Turn], float, dict[str, Any]]:
    """Both sides on a clock that starts with the evaluated part, its length, and how to count.

    Without a part it reaches from the first to the last moment anybody speaks, as in pyannote.
    """
    sides = [turns(given[side] or ()) for side in SIDES]
    edges = [edge for side in sides for turn in side for edge in (turn.start_s, turn.end_s)]
    start_s, end_s = given.get("uem") or (min(edges, default=0.0), max(edges, default=0.0))
    said, got = ([Turn(turn.speaker, turn.start_s - start_s, turn.end_s - start_s) for turn in side] for side in sides)
    params = case["params"]
    collar_s = next((params[key] for key in COLLARS if params.get(key) is not None), 0.0)
    return said, got, end_s - start_s, {"collar_s": collar_s, "skip_overlap": bool(params.get("skip_overlap"))}


def der(case: Case) -> Answer:
    said, got, duration_s, how = evaluated(case["input"], case)
    # The file holds pyannote's own figures: overlaps of one speaker counted twice, and 0 or 1 where there is no rate.
    found = speakers.speaker_seconds(said, got, duration_s, **how, merge=False)
    jaccard, speaker_count = speakers.jaccard_error(said, got, duration_s, **how, merge=False)
    merged, merged_count = speakers.jaccard_error(said, got, duration_s, **how)
    return {
        "total": found.total,
        "miss": found.miss,
        "fa": found.false_alarm,
        "confusion": found.confusion,
        "der": float(found.errors > 0) if found.rate is None else found.rate,
        "jer": jaccard / speaker_count if speaker_count else 1.0,
        "der_evalkit": speakers.speaker_seconds(said, got, duration_s, **how).rate,
        "jer_evalkit": share(merged, merged_count),
    }


def der_corpus(case: Case) -> Answer:
    found = []
    for file in case["input"]["files"]:
        said, got, duration_s, how = evaluated(file, case)
        found.append(speakers.speaker_seconds(said, got, duration_s, **how))
    rates = [file.rate for file in found if file.rate is not None]
    return {
        "per_file": [file.rate for file in found],
        "pooled": sum(found, speakers.SpeakerSeconds()).rate,
        "macro": share(sum(rates), len(rates)),
    }


def speaker_count(case: Case) -> Answer:
    pairs = zip(several(case["input"]["reference_counts"]), several(case["input"]["hypothesis_counts"]), strict=True)
    found = sum((labels.speaker_count(*pair) for pair in pairs), labels.CountErrors())
    return {"accuracy": found.accuracy, "mae": found.mean_absolute, "signed_mean": found.mean_signed}


def said_by(rows: Sequence[Sequence[Any]] | None, rules: text.Profile) -> list[Word]:
    """Utterances (speaker, words, start, end), each as one word of several tokens, by start."""
    spoken = timed((" ".join(rules.tokens(said)), *[*times, None, None][:2], name) for name, said, *times in rows or ())
    return sorted(spoken, key=lambda word: word.start_s or 0.0)


def cp(case: Case) -> words.ErrorCounts:
    rules = text.profile(rules_of(case))
    sides = (speakers.by_speaker(said_by(case["input"][side], rules), text.profile("none")) for side in SIDES)
    return joint.cp_counts(*sides)


def cpwer_family(case: Case) -> Answer:
    reference, hypothesis = (said_by(case["input"][side], text.profile(rules_of(case))) for side in SIDES)
    plain = text.profile("none")
    utterances = [plain.tokens(utterance.text) for utterance in reference]
    free = joint.orc_counts(utterances, speakers.by_speaker(hypothesis, plain)).counts
    paired = cp(case)
    found = {"cpwer": paired, "orcwer": free}
    if all(word.start_s is not None and word.end_s is not None for word in (*reference, *hypothesis)):
        collar_s = case["params"].get("tcp_collar_s", joint.COLLAR_S)
        found["tcpwer"] = joint.tcp_counts(reference, hypothesis, plain, collar_s=collar_s)
    rates = {
        name: {**flat(errors), "length": errors.reference_words, "rate": errors.rate} for name, errors in found.items()
    }
    return {"tcpwer": None, **rates, "speaker_confusion_cost": joint.confusion_cost(paired, free)}


def cpwer(case: Case) -> Answer:
    found = cp(case)
    return {**flat(found), "meeteval": found.rate, "cpwer": found.rate, "rate": found.rate}


def wder(case: Case) -> Answer:
    said, got = (
        timed((token, *[*times, None, None][:2], name) for token, name, *times in case["input"][side] or ())
        for side in SIDES
    )
    found = labels.word_labels(said, got, text.profile(rules_of(case)))
    return {"aligned_pairs": found.aligned, "wrong_speaker": found.wrong, "wder": found.rate}


def words_to_segments(case: Case) -> Answer:
    said = timed(case["input"]["words"])
    unlabelled = speakers.unlabelled_words(said)
    return {
        "segments": [
            [turn.start_s, turn.end_s, turn.speaker]
            for turn in speakers.turns_of(said, gap_s=case["params"].get("max_gap_s", speakers.MERGE_GAP_S))
        ],
        "unlabelled_words": unlabelled,
        "unlabelled_share": share(unlabelled, len(said)),
    }


COLLARS = ("collar_one_sided_s", "collar_s", "collar")
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
