"""The families of metrics. Each module holds its lines of the catalogue and fills the columns they are made from.

Adding a metric is one entry in ``METRICS`` and its columns in ``measure``; nothing else has to know it.
"""

from evalkit.scoring.families import (
    accuracy,
    agent,
    assembly,
    channels,
    confidence,
    delays,
    diarization,
    failing,
    forgiveness,
    invention,
    locks,
    omission,
    presentation,
    running,
    settling,
    spending,
    stability,
    timestamps,
    vocabulary,
)

FAMILIES = (
    accuracy,
    invention,
    omission,
    vocabulary,
    confidence,
    presentation,
    forgiveness,
    diarization,
    timestamps,
    channels,
    stability,
    settling,
    locks,
    assembly,
    delays,
    spending,
    running,
    failing,
    agent,
)
