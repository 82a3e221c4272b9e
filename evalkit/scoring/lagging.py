"""Average lagging, for comparison with papers on simultaneous translation.

They assume evenly spaced words; for speech recognition with word times, the latency of each word is the honest
figure. Definitions as in SimulEval, with its habit of not looking beyond the first word that came after the source
had ended.
"""

from collections.abc import Sequence


def average_lagging(delays: Sequence[float], source: float, reference_words: int) -> float | None:
    """AL (Ma et al. 2019): mean delay of each word against an ideal that is spread over the source.

    Rewards a system that says more than the reference has.

    Args:
        delays: how much source had been heard when each word came, ascending.
        source: length of the source, in the unit of the delays.
        reference_words: words of the reference.

    Returns:
        In the unit of the delays; None when there are no words or no source.
    """
    if not delays or source <= 0 or reference_words <= 0:
        return None
    if delays[0] > source:
        return delays[0]
    pace = source / reference_words
    lags: list[float] = []
    for index, delay in enumerate(delays):
        lags.append(delay - index * pace)
        if delay >= source:
            break
    return sum(lags) / len(lags)


def length_adaptive_average_lagging(delays: Sequence[float], source: float, reference_words: int) -> float | None:
    """LAAL (Papi et al. 2022; Polák et al. 2022): AL against the longer of reference and hypothesis.

    Arguments and result as for ``average_lagging``.
    """
    return average_lagging(delays, source, max(reference_words, len(delays)))


def differentiable_average_lagging(delays: Sequence[float], source: float) -> float | None:
    """DAL (Cherry and Foster 2019): every word costs at least its share of the source.

    Arguments and result as for ``average_lagging``.
    """
    if not delays or source <= 0:
        return None
    pace = source / len(delays)
    total, last = 0.0, float("-inf")
    for index, delay in enumerate(delays):
        last = max(delay, last + pace)
        total += last - index * pace
    return total / len(delays)
