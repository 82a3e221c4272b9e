"""Worked cases: uncertainty."""

from evalkit import intervals
from tests.golden.shared import Answer, Case, interval


def zero_event_bound(case: Case) -> Answer:
    trials = case["input"]["n"]
    return {
        "upper95_one_sided": intervals.zero_event_bound(trials),
        "upper95_two_sided": intervals.zero_event_bound(trials, two_sided=True),
    }


def wer_interval(case: Case) -> Answer:
    found = intervals.cluster_ratio(case["input"]["cluster_errors"], case["input"]["cluster_ref_words"])
    return {"wer": found.value, **interval(found)}


def wer_difference_cluster_t(case: Case) -> Answer:
    errors, reference = case["input"]["cluster_diff_errors"], case["input"]["cluster_ref_words"]
    found = intervals.cluster_ratio_difference(errors, reference, [0] * len(errors), reference)
    return {
        "delta": found.value,
        **interval(found),
        "df": found.clusters - 1,
        "t": intervals.t_quantile(found.clusters - 1),
        "p_two_sided_signflip": intervals.sign_flip_p(errors),
    }


def permutation_test(case: Case) -> Answer:
    return {"sum": sum(case["input"]["diff"]), "p_two_sided": intervals.sign_flip_p(case["input"]["diff"])}


def percentile_ci(case: Case) -> Answer:
    shares = sorted({0.9, *case["input"]["q"]})
    return {
        "ranks": {
            str(n): {str(q): list(intervals.percentile_ranks(n, q)) for q in case["input"]["q"]}
            for n in case["input"]["n"]
        },
        "min_n_upper_two_sided95": {str(q): intervals.units_for_upper_limit(q) for q in shares},
        "min_n_upper_one_sided95": {str(q): intervals.units_for_upper_limit(q, two_sided=False) for q in shares},
    }


def proportion_ci(case: Case) -> Answer:
    events, trials = case["input"]["successes"], case["input"]["n"]
    return {
        "wilson": list(intervals.wilson(events, trials)),
        "clopper": list(intervals.clopper_pearson(events, trials)),
    }


ADAPTERS = {
    "zero_event_bound": zero_event_bound,
    "wer_interval": wer_interval,
    "wer_difference_cluster_t": wer_difference_cluster_t,
    "permutation_test": permutation_test,
    "percentile_ci": percentile_ci,
    "proportion_ci": proportion_ci,
}
