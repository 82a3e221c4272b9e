"""What the systems of a run said: its recording, read again by the providers' own parsers. Offline and free."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from evalkit import providers
from evalkit.scoring import stitching
from evalkit.store import Store
from evalkit.types import Hypothesis, Route, Trace

Key = tuple[str, str, Route]
"""Clip, provider and route."""


def said(trace: Trace, entry: Mapping[str, Any]) -> Hypothesis:
    """What one attempt says by itself.

    Args:
        trace: the attempt.
        entry: the provider's part of the manifest.
    """
    provider = providers.load(entry["provider"], trace.route, name=trace.provider, **trace.settings)
    return Hypothesis.of(provider.parse(trace.events))


def whole(attempts: Sequence[Trace], entry: Mapping[str, Any]) -> Hypothesis:
    """What all attempts at a clip say together: the last one, and those that it went on from."""
    pieces = stitching.chain(attempts)
    return stitching.stitched(pieces, [said(piece, entry) for piece in pieces])


class Hypotheses(Mapping[Key, Hypothesis]):
    """Every answer of a run by ``(clip_id, provider, route)``, read from disk whenever it is asked for."""

    def __init__(self, store: Store, manifest: Mapping[str, Any]) -> None:
        self._store, self._manifest = store, manifest

    def __getitem__(self, key: Key) -> Hypothesis:
        return whole(self.attempts(key), self._manifest["providers"][key[1]])

    def __iter__(self) -> Iterator[Key]:
        yield from self._places

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __repr__(self) -> str:
        return f"<{len(self)} hypotheses by (clip_id, provider, route)>"

    def attempts(self, key: Key) -> list[Trace]:
        """Every recorded attempt at one answer, in order.

        Raises:
            KeyError: there is no such answer; names the nearest.
            StoreError: the traces cannot be read.
        """
        if key not in self._places:
            named = {str(known): known for known in self._places}
            near = difflib.get_close_matches(str(key), named, n=1)
            hint = f"did you mean {near[0]}?" if near else "a key is (clip_id, provider, route)"
            raise KeyError(f"no answer {key!r}; {hint}")
        return self._store.traces_at(self._places[key])

    @cached_property
    def _places(self) -> Mapping[Key, Sequence[int]]:
        places: Any = self._store.attempts()
        return places  # type: ignore[no-any-return]
