"""Which metrics stand in which table of a report, what a reader calls them there, and in what order."""

from dataclasses import dataclass

COST = "cost.per_audio_hour"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table."""

    metric: str
    label: str
    group: str
    brief: bool = False
    """Whether the terminal shows it too."""
    more: bool = False
    """Whether the page shows it only when asked for."""
    bounds: tuple[str, str, str] | None = None
    """What its ends are called, and the metrics that are its lower and its upper end."""


LINES = (
    Line("acc.wer.en", "Word error rate", "Words"),
    Line("acc.wer.en.sub_rate", "Substituted words", "Words"),
    Line("acc.wer.en.del_rate", "Deleted words", "Words"),
    Line("acc.wer.en.ins_rate", "Inserted words", "Words"),
    Line("acc.wer.basic", "Word error rate, basic text rules", "Words"),
    Line("acc.cer", "Character error rate", "Words"),
    Line("acc.halluc.words_per_min", "Words invented where nobody speaks", "Words"),
    Line("dia.der", "Diarization error rate", "Speakers", brief=True),
    Line("dia.cpwer", "Word errors with speakers, cpWER", "Speakers", brief=True),
    Line(
        "dia.orcwer",
        "Word errors whoever spoke, ORC-WER",
        "Speakers",
        more=True,
        bounds=("bounds", "dia.orcbound.low", "dia.orcbound.high"),
    ),
    Line("mch.wer", "Word error rate per channel", "Channels"),
    Line("mch.wer_merged", "Word error rate, channels merged", "Channels"),
    Line("mch.swap", "Clips with channels swapped", "Channels", more=True),
    Line("ts.offset.start.mae", "Word start error, mean size", "Timestamps", brief=True),
    Line("ts.offset.start.p95", "Word start error, 95th percentile", "Timestamps"),
    Line("ts.offset.start.mean", "Word start drift, late is positive", "Timestamps"),
    Line("ts.coverage", "Timed words matched", "Timestamps"),
    Line(
        "ts.slope.p50",
        "Drift gained per minute of audio",
        "Timestamps",
        more=True,
        bounds=("within a clip", "ts.slope.low", "ts.slope.high"),
    ),
    Line("ts.agree.mae", "Word starts, stream against REST", "Timestamps", more=True),
    Line("ts.numbers", "Number words, left out of drift", "Timestamps", more=True),
    Line("lat.ttfp_speech.p50", "First text after speech begins", "Delay", brief=True),
    Line("lat.word_first.p50", "A word is shown, median", "Delay", brief=True),
    Line("lat.word_first.p95", "A word is shown, 95th percentile", "Delay", brief=True),
    Line("lat.word_first.p99", "A word is shown, 99th percentile", "Delay", more=True),
    Line("lat.ttfs.p50", "Final text after speech ends, median", "Delay", brief=True),
    Line("lat.ttfs.p99", "Final text after speech ends, 99th percentile", "Delay", more=True),
    Line("lat.ttfs_silence.p50", "Final text when silence follows, median", "Delay", more=True),
    Line("lat.ttfs_forced.p50", "Final text when asked for, median", "Delay", more=True),
    Line("lat.finalize.p50", "Last message after end of audio, median", "Delay"),
    Line("lat.finalize.p99", "Last message after end of audio, 99th percentile", "Delay", more=True),
    Line("lat.setup.p50", "Ready for audio, once warm, median", "Delay", more=True),
    Line("lat.setup_cold.p50", "Ready for audio, first connection, median", "Delay", more=True),
    Line("lat.rest_total.p50", "REST answer, median", "Delay", brief=True),
    Line("lat.rest_total.p95", "REST answer, 95th percentile", "Delay", brief=True),
    Line("lat.rest_total.p99", "REST answer, 99th percentile", "Delay", more=True),
    Line("lat.rest_cold.p50", "REST answer, first request, median", "Delay", more=True),
    Line("lat.rtfx", "REST speed, audio per waiting", "Delay", brief=True),
    Line("str.ne", "Words taken back per final word", "Captions", brief=True),
    Line("str.ne.macro", "The same, mean of utterances", "Captions", more=True),
    Line("str.rewrites_per_min", "Visible rewrites", "Captions", brief=True),
    Line("str.partial_wer", "Word error rate of what was shown", "Captions", more=True),
    Line("str.interim_only", "Streams that end unlocked", "Captions", more=True),
    Line("str.locked_changed.utterance", "Words changed in text said to be final", "Captions", more=True),
    Line(COST, "Price per audio hour", "Cost", brief=True),
    Line("cost.per_1000_clips", "Price per 1,000 clips", "Cost", more=True),
    Line("cost.per_1000_correct_words", "Price per 1,000 right words", "Cost", more=True),
    Line("cost.retry_overhead", "Paid for failed attempts, per dollar of answers", "Cost", more=True),
    Line("cost.billed_hours", "Audio sent per hour of clips", "Cost", more=True),
)
"""Candidate against incumbent, and REST against streaming."""

RELIABILITY = (
    Line("fail.first_try", "Answered at once", "Requests"),
    Line("fail.eventual", "Answered in the end", "Requests"),
    Line("fail.retry_success", "Retries that helped", "Requests"),
    Line("fail.amplification", "Attempts per request", "Requests"),
    Line("fail.wrong_retry", "Pointless retries per request", "Requests"),
    Line("fail.rate_limited", "Requests held back (429)", "Requests"),
    Line("fail.retry_after", "Waits asked for and kept", "Requests"),
    Line("fail.recover_s.p50", "Time to recover, median", "Requests"),
    Line("fail.recover_s.p95", "Time to recover, 95th percentile", "Requests"),
    Line("fail.hang", "Attempts that hung", "Requests"),
    Line("fail.dropped", "Sockets dropped", "Streams"),
    Line("fail.salvage.locked", "Spoken words saved, in locked text", "Streams"),
    Line("fail.salvage.caption", "Spoken words saved, in the caption", "Streams"),
    Line("fail.seam.duplicated", "Words doubled per seam", "Streams"),
    Line("fail.seam.lost", "Words lost per seam", "Streams"),
)
"""How a client fares when something fails."""

AGENT = (
    Line("agt.ttfa.p50", "First audio after the user's turn, median", "Turns"),
    Line("agt.ttfa.p95", "First audio after the user's turn, 95th percentile", "Turns"),
    Line("agt.response_rate", "Turns answered", "Turns"),
    Line("agt.tor_end", "Spoke at the end of a turn", "Turns"),
    Line("agt.tor_pause", "Spoke into a pause", "Turns"),
    Line("agt.barge_in", "Stopped when interrupted", "Interruptions"),
    Line("agt.stop_latency.p50", "Time to stop, median", "Interruptions"),
    Line("agt.false_stop", "Stopped without reason", "Interruptions"),
    Line("agt.input_wer", "Word error rate of the input transcript", "Hearing"),
    Line("agt.input_missing", "Input transcripts missing", "Hearing"),
    Line("agt.echo", "Heard itself", "Hearing"),
    Line("agt.cost", "Price per minute of conversation", "Cost"),
)
"""What is measured of a voice agent, over no other route."""
