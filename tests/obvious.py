"""Stability and settling the slow and obvious way: every caption written out and compared as a whole.

The fast way must come to the same figures, and the benchmark prints how much faster it does.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

from hypothesis import strategies as st

from evalkit.scoring import captions, retractions
from evalkit.scoring.stretches import rank, utterances
from evalkit.scoring.text import Profile
from evalkit.scoring.words import align, word_tokens
from evalkit.types import CaptionState, Hypothesis, Segment, State, Update, Word

Piece = tuple[Segment, Word, State]
Reading = Callable[[str], Sequence[str]]


def pieces(heard: Hypothesis) -> list[list[Piece]]:
    """After each update every word shown, with the utterance it belongs to."""
    utterance_of = utterances(heard)
    shown: dict[Segment, Update] = {}
    found = []
    for update in heard.updates:
        depth = len(update.segment)
        shown = {path: old for path, old in shown.items() if path[:depth] != update.segment}
        shown[update.segment] = update
        found.append(
            [(utterance_of[path], word, shown[path].state) for path in sorted(shown) for word in shown[path].words]
        )
    return found


def channel_pieces(heard: Hypothesis) -> dict[int, list[tuple[float, list[Piece]]]]:
    """The captions of each channel from its first text on, one per update that was about it."""
    found: dict[int, list[tuple[float, list[Piece]]]] = {}
    for update, shown in zip(heard.updates, pieces(heard), strict=True):
        about = {rank(word.channel) for word in update.words}
        for channel in sorted(about | set(found)):
            mine = [piece for piece in shown if rank(piece[1].channel) == channel]
            before = found.setdefault(channel, [])
            if channel in about or [piece[1] for piece in mine] != [piece[1] for piece in before[-1][1]]:
                before.append((update.t_s, mine))
    return {channel: found[channel] for channel in sorted(found)}


def channel_states(heard: Hypothesis) -> dict[int, list[CaptionState]]:
    return {
        channel: [
            CaptionState(t_s, tuple(word for _, word, _ in shown), tuple(state for _, _, state in shown))
            for t_s, shown in states
        ]
        for channel, states in channel_pieces(heard).items()
    }


def caption_erasure(heard: Hypothesis, *readings: Reading, extend_ok: bool = False) -> captions.Erasure:
    total = captions.Erasure()
    for states in channel_pieces(heard).values():
        found = [captions.Erasure(final_words=len(read(states[-1][1], readings[0])))]
        for (_, before), (_, after) in pairwise(states):
            updates = [
                captions.erasure([read(before, reading), read(after, reading)], extend_ok=extend_ok)
                for reading in readings
            ]
            least = min(updates, key=lambda update: update.erased)
            found.append(captions.Erasure(1, least.revisions, least.erased, least.changed, 0, least.depths))
        total = sum(found, total)
    return total


def read(shown: Sequence[Piece], reading: Reading) -> list[str]:
    return [
        token
        for utterance in dict.fromkeys(utterance for utterance, _, _ in shown)
        for token in reading(" ".join(word.text for mine, word, _ in shown if mine == utterance))
    ]


def changes(heard: Hypothesis, rules: Profile) -> list[retractions.Change]:
    found: list[tuple[float, retractions.Change]] = []
    for states in channel_states(heard).values():
        since = [states[0].t_s] * len(states[0].words)
        for before, after in pairwise(states):
            was, now = [word.text for word in before.words], [word.text for word in after.words]
            since, made = retractions.update_changes(was, now, since, after.t_s, rules)
            found += [(after.t_s, change) for change in made]
    return [change for _, change in sorted(found, key=lambda item: item[0])]


def final_text_s(heard: Hypothesis) -> float | None:
    at: float | None = None
    before: list[tuple[str, State]] = []
    for update, shown in zip(heard.updates, pieces(heard), strict=True):
        held: list[tuple[str, State]] = [(word.text, state) for _, word, state in shown if state != "interim"]
        if held != before:
            at, before = update.t_s, held
    return at


def emissions(heard: Hypothesis, rules: Profile) -> list[captions.Emission]:
    """Every stretch of every caption is aligned with the final words of its utterance and the next one."""
    captioned = pieces(heard)
    last = sorted(captioned[-1], key=lambda piece: (rank(piece[1].channel), piece[0])) if captioned else []
    places = list(dict.fromkeys((rank(word.channel), utterance) for utterance, word, _ in last))
    first: dict[int, float] = {}
    stable: dict[int, float] = {}
    committed: dict[int, float] = {}
    for update, shown in zip(heard.updates, captioned, strict=True):
        there: set[int] = set()
        locked: set[int] = set()
        for place in dict.fromkeys((rank(word.channel), utterance) for utterance, word, _ in shown):
            goal = [at for at in places if at >= place and at[0] == place[0]][:2]
            wanted = [index for index, (own, word, _) in enumerate(last) if (rank(word.channel), own) in goal]
            mine = [(word, state) for own, word, state in shown if (rank(word.channel), own) == place]
            there |= reached([word for word, _ in mine], [last[index][1] for index in wanted], wanted, rules)
            firm = [word for word, state in mine if state != "interim"]
            locked |= reached(firm, [last[index][1] for index in wanted], wanted, rules)
        for index in there:
            first.setdefault(index, update.t_s)
            stable.setdefault(index, update.t_s)
        for index in locked:
            committed.setdefault(index, update.t_s)
        stable = {index: t_s for index, t_s in stable.items() if index in there}
    found = [
        captions.Emission(piece[1], first[index], stable[index], committed.get(index))
        for index, piece in enumerate(last)
        if index in stable
    ]
    words = [piece[1] for piece in last]
    if len({word.channel for word in words}) > 1 and all(word.start_s is not None for word in words):
        found.sort(key=lambda emission: emission.word.start_s or 0.0)
    return found


def reached(words: Sequence[Word], final: Sequence[Word], numbers: Sequence[int], rules: Profile) -> set[int]:
    tokens, shown = word_tokens(words, rules)
    wanted, owners = word_tokens(final, rules)
    prefix = next((at for at, pair in enumerate(zip(tokens, wanted, strict=False)) if len(set(pair)) > 1), None)
    prefix = min(len(tokens), len(wanted)) if prefix is None else prefix
    hits = list(range(prefix))
    starts = [final[owner].start_s for owner in owners[prefix:]], [words[owner].start_s for owner in shown[prefix:]]
    for pair in align(wanted[prefix:], tokens[prefix:], *starts):
        if pair.op == "hit" and pair.reference is not None and pair.hypothesis is not None:
            finally_s, now_s = starts[0][pair.reference], starts[1][pair.hypothesis]
            if finally_s is None or now_s is None or abs(finally_s - now_s) <= captions.NEAR_S:
                hits.append(prefix + pair.reference)
    whole, seen = Counter(owners), Counter(owners[index] for index in hits)
    return {numbers[owner] for owner, count in seen.items() if count == whole[owner]}


_SPOKEN = "no no not twenty one nine thirty 9:30 fifteen fifty um well-known The the Smith. smith cat".split()  # noqa: SIM905
_WORDS = st.builds(
    Word,
    st.sampled_from(_SPOKEN),
    st.none() | st.integers(0, 12).map(lambda tick: tick / 4),
    speaker=st.sampled_from([None, "0", "1"]),
    channel=st.sampled_from([0, 0, 1]),
)
_SEGMENTS = st.lists(st.integers(0, 2), max_size=3).map(tuple)
_STATES: st.SearchStrategy[State] = st.sampled_from(["interim", "interim", "chunk_final", "utterance_final"])


@st.composite
def conversations(draw: st.DrawFn) -> Hypothesis:
    """Updates of any segment in any order: several channels, corrections, utterances opened again and taken away."""
    timed, channels = draw(st.booleans()), draw(st.booleans())
    made = []
    for t_s in range(draw(st.integers(0, 9))):
        words = [
            Word(
                word.text,
                (word.start_s or 0.0) if timed else word.start_s,
                speaker=word.speaker,
                channel=word.channel if channels else None,
            )
            for word in draw(st.lists(_WORDS, max_size=5))
        ]
        made.append(Update(float(t_s), tuple(words), draw(_SEGMENTS), draw(_STATES)))
    return Hypothesis(tuple(made))
