"""How captions come to rest: when each word settles, what partials are worth, and what wrong text does meanwhile."""

from evalkit.scoring import captions, endpoints, retractions, settling
from evalkit.scoring.define import Statistic, ratio, spread
from evalkit.scoring.families import stability
from evalkit.scoring.partial_errors import partial_errors
from evalkit.scoring.row import Case, Row
from evalkit.scoring.text import primary_language
from evalkit.types import Metric

_SHARES: tuple[tuple[Statistic, str], ...] = (("p50", "median"), ("p95", "95th percentile by nearest rank"))


def _flips(kind: str, title: str, definition: str) -> Metric:
    return ratio(
        f"str.flips.{kind}",
        title,
        definition,
        [f"str.flips.{kind}"],
        [f"str.flips.{kind}_audio_s"],
        unit="per_min",
        scale=60.0,
    )


METRICS: tuple[Metric, ...] = (
    *(
        spread(
            f"str.time_to_stable.{statistic}",
            f"Time to stable {statistic}",
            f"From a final word being first shown until it was shown for good; {name} over final words.",
            "str.time_to_stable",
            statistic,
            source="Baumann et al. 2011",
        )
        for statistic, name in _SHARES
    ),
    ratio(
        "str.right_first",
        "Right first time",
        "Share of final words that were never taken back after they had first been shown.",
        ["str.right_first_words"],
        ["str.shown_words"],
        direction="higher",
        source="Baumann et al. 2011",
    ),
    ratio(
        "str.first_partial.prefix",
        "First partial right from the start",
        "Words of first partials that begin the final text of their utterance, per word of first partials.",
        ["str.first_partial.prefix_words"],
        ["str.first_partial.words"],
        direction="higher",
    ),
    ratio(
        "str.first_partial.hits",
        "First partial kept",
        "Words of first partials that are in the final text of their utterance, per word of first partials.",
        ["str.first_partial.hit_words"],
        ["str.first_partial.words"],
        direction="higher",
    ),
    ratio(
        "str.last_vs_final",
        "Last partial against final",
        "Words to change between the last partial and the final text of an utterance, per final word.",
        ["str.last_vs_final.edits"],
        ["str.last_vs_final.final_words"],
    ),
    ratio(
        "str.last_vs_final.utterances",
        "Utterances changed at the last",
        "Share of utterances whose last partial differs from the final text in more than formatting.",
        ["str.last_vs_final.differing"],
        ["str.last_vs_final.all"],
        bounded=True,
    ),
    ratio(
        "str.partial_wer",
        "Word error rate of captions",
        "Word errors of each caption against the words spoken to their end 0.3 s before it, summed over caption "
        "updates, per word spoken by then.",
        ["str.partial_wer.errors"],
        ["str.partial_wer.words"],
    ),
    ratio(
        "str.interim_only",
        "Transcripts never made final",
        "Share of streams whose transcript ends with words that were never locked.",
        ["str.interim_only.streams"],
        ["str.interim_only.all"],
        bounded=True,
    ),
    *(
        spread(
            f"str.cadence.{statistic}",
            f"Caption cadence {statistic}",
            f"Interval between neighbouring interims while speech ran; {name}.",
            "str.cadence",
            statistic,
        )
        for statistic, name in _SHARES
    ),
    spread(
        "str.stall.max",
        "Longest stall",
        "Longest time without new text while somebody spoke, over all utterances.",
        "str.stall",
        "max",
    ),
    spread(
        "str.stall.p50",
        "Longest stall per utterance p50",
        "Longest time without new text while somebody spoke, median over utterances.",
        "str.stall",
        "p50",
    ),
    ratio(
        "str.wrong_text",
        "Wrong text",
        "Seconds that retracted words stood before they went, summed over words, per minute of audio.",
        ["str.wrong_text.word_s"],
        ["str.wrong_text.audio_s"],
        unit="s",
        scale=60.0,
    ),
    *(
        spread(
            f"str.wrong_text.{statistic}",
            f"Wrong word shown {statistic}",
            f"How long a word stood that was then retracted, formatting aside; {name} over retracted words.",
            "str.wrong_text.stood",
            statistic,
        )
        for statistic, name in _SHARES
    ),
    _flips("numbers", "Numbers flipped", "Numbers shown and retracted, or put in another word's place, per minute."),
    _flips(
        "names",
        "Names flipped",
        "Capitalised words inside a sentence of the final text shown and retracted, or put in place of another word, "
        "per minute of audio.",
    ),
    _flips(
        "negations",
        "Negations flipped",
        "English negations that came into or went out of text already shown, per minute of audio.",
    ),
)

_SPEECH_CLOCK = ("str.cadence", "str.stall", "str.partial_wer")
_ENGLISH = "str.flips.negations"


def measure(row: Row, case: Case) -> None:
    """Settling of words and partials."""
    if (reason := stability.no_captions(case)) is not None:
        row.lack(reason, *(metric.id for metric in METRICS))
        return
    _words(row, case)
    _partials(row, case)
    row.add("str.interim_only", {"streams": settling.final_source(case.hypothesis) == "interim_only", "all": 1})
    _rhythm(row, case)
    _wrong_text(row, case)


def _words(row: Row, case: Case) -> None:
    shown = captions.emissions(case.hypothesis, case.profile)
    settled = tuple(word.stable_s - word.first_s for word in shown)
    row.values["str.time_to_stable"] = settled
    row.add("str", {"right_first_words": sum(seconds == 0 for seconds in settled), "shown_words": len(settled)})


def _partials(row: Row, case: Case) -> None:
    found = settling.caption_partials(case.hypothesis, case.profile)
    if not found.utterances:
        row.lack("not_applicable", "str.first_partial", "str.last_vs_final")
        return
    row.add(
        "str.first_partial",
        {"words": found.first_words, "prefix_words": found.first_prefix, "hit_words": found.first_hits},
    )
    row.add(
        "str.last_vs_final",
        {
            "edits": found.last_edits,
            "final_words": found.final_words,
            "differing": found.differing,
            "all": found.utterances,
        },
    )


def _rhythm(row: Row, case: Case) -> None:
    pacing, origin_s = case.trace.pacing(), case.trace.audio_origin_s()
    if pacing is not None and not pacing.valid:
        row.lack("invalid_pacing", *_SPEECH_CLOCK)
        return
    speech = endpoints.all_speech(endpoints.spoken_spans(case.clip))
    if origin_s is None or not speech:
        row.lack("missing_input", *_SPEECH_CLOCK)
        return
    times_s, spans = settling.interim_times_s(case.hypothesis), endpoints.moved(speech, origin_s)
    row.values["str.cadence"] = tuple(settling.cadence_s(times_s, spans))
    shown_s = [update.t_s for update in case.hypothesis.updates if update.words]
    row.values["str.stall"] = tuple(settling.stalls_s(shown_s, spans))
    found = partial_errors(case.hypothesis, case.reference or (), origin_s, case.profile)
    if found is None:
        row.lack("missing_input", "str.partial_wer")
    else:
        row.add("str.partial_wer", {"errors": found.errors, "words": found.words, "updates": found.updates})


def _wrong_text(row: Row, case: Case) -> None:
    found = retractions.changes(case.hypothesis, case.profile)
    stood = tuple(change.stood_s for change in retractions.retracted(found))
    audio_s = case.clip.duration_s
    row.add("str.wrong_text", {"word_s": sum(stood), "words": len(stood), "audio_s": audio_s})
    row.values["str.wrong_text.stood"] = stood
    final = [word.text for word in case.words]
    flips = {
        "numbers": retractions.number_flips(found, case.profile),
        "names": retractions.name_flips(found, final, case.profile),
    }
    if primary_language(case.clip.language) == "en":
        flips["negations"] = retractions.negation_flips(found, case.profile)
    else:
        row.lack("not_applicable", _ENGLISH)
    for kind, count in flips.items():
        row.add("str.flips", {kind: count, f"{kind}_audio_s": audio_s})
