"""The families of metrics. Each module holds its lines of the catalogue and fills the columns they are made from.

Adding a metric is one entry in ``METRICS`` and its columns in ``measure``; nothing else has to know it.
"""

from evalkit.scoring.families import accuracy, delays, diarization, running, stability, timestamps

FAMILIES = (accuracy, diarization, timestamps, stability, delays, running)
