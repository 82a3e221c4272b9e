"""Evaluate speech-to-text APIs on your own audio before one goes into production.

Everything public is here; each name is imported when it is first used, so that importing evalkit costs nothing.

==========================================  ==========================================================================
look at a run                               ``run = Run.load("results/demo")``
make one                                    ``await evalkit.run(Plan(Choice("xai")), corpora.load("demo"), folder)``
score it again                              ``evalkit.score(folder)``
a provider of your own                      subclass ``Provider``; see evalkit/providers/README.md
one conversation, scored by hand            ``scoring.score(clip, traces, Hypothesis.of(provider.parse(trace.events)))``
figures from scores                         ``summarise(scores)``, ``compare(scores, candidate, incumbent)``
what a number means                         ``METRICS``, ``Run.metrics``
==========================================  ==========================================================================
"""

import difflib
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit import corpora, providers, scoring, stats
    from evalkit.corpora import Corpus
    from evalkit.errors import EvalkitError
    from evalkit.plan import Choice, Plan
    from evalkit.providers import Provider
    from evalkit.reports.notebook import Run
    from evalkit.runs import Results, run, score
    from evalkit.scoring.catalogue import METRICS
    from evalkit.stats import compare, summarise
    from evalkit.types import Audio, Clip, Event, Hypothesis, Score, Trace, Update, Word
    from evalkit.wire import Wire

_HOMES = {
    "corpora": ("Corpus",),
    "errors": ("EvalkitError",),
    "plan": ("Choice", "Plan"),
    "providers": ("Provider",),
    "reports.notebook": ("Run",),
    "runs": ("Results", "run", "score"),
    "scoring.catalogue": ("METRICS",),
    "stats": ("compare", "summarise"),
    "types": ("Audio", "Clip", "Event", "Hypothesis", "Score", "Trace", "Update", "Word"),
    "wire": ("Wire",),
}
_ROOMS = ("corpora", "providers", "scoring", "stats")
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "METRICS",
    "Audio",
    "Choice",
    "Clip",
    "Corpus",
    "EvalkitError",
    "Event",
    "Hypothesis",
    "Plan",
    "Provider",
    "Results",
    "Run",
    "Score",
    "Trace",
    "Update",
    "Wire",
    "Word",
    "compare",
    "corpora",
    "providers",
    "run",
    "score",
    "scoring",
    "stats",
    "summarise",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"evalkit.{name}")
    if name not in _HOME:
        near = difflib.get_close_matches(name, __all__, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"module 'evalkit' has no attribute {name!r}{hint}")
    return getattr(importlib.import_module(f"evalkit.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
