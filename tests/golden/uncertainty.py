"""Worked cases: uncertainty."""

from evalkit import bootstrap, decisions, intervals, power
from evalkit.scoring import segments as cuts
from evalkit.scoring import words
from tests.golden.shared import Answer, Case, interval, tokens


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


def new_minus_old(case: Case) -> list[float]:
    given = case["input"]
    return [new - old for old, new in zip(given["errors_a"], given["errors_b"], strict=True)]


def paired_bootstrap(case: Case) -> Answer:
    found = bootstrap.every_resample(new_minus_old(case), case["input"]["ref_words"])
    return {
        "delta": found.point,
        "n_resamples": found.total,
        "p_lt0": found.below_zero,
        "p_eq0": found.zero,
        "p_gt0": found.above_zero,
        "min": found.quantile(0.0),
        "max": found.quantile(1.0),
    }


def cluster_bootstrap(case: Case) -> Answer:
    clusters, sizes, differences = case["input"]["cluster"], case["input"]["ref_words"], new_minus_old(case)
    sums = bootstrap.cluster_sums(differences, clusters)
    by_cluster = bootstrap.every_resample(sums, bootstrap.cluster_sums(sizes, clusters))
    by_clip = bootstrap.every_resample(differences, sizes)
    return {
        "delta": by_cluster.point,
        "cluster_deltas": dict(zip(dict.fromkeys(clusters), sums.tolist(), strict=True)),
        "sd_cluster": by_cluster.sd,
        "sd_clip": by_clip.sd,
        "p_lt0_cluster": by_cluster.below_zero,
        "p_lt0_clip": by_clip.below_zero,
    }


def bootstrap_wer(case: Case) -> Answer:
    found = bootstrap.every_resample(case["input"]["errors"], case["input"]["ref_words"])
    normal = None
    if found.mean is not None and found.sd is not None:
        normal = list(intervals.normal_interval(found.mean, found.sd))
    return {
        "point": found.point,
        "bootstrap_mean": found.mean,
        "normal_ci95": normal,
        "percentile_ci95": list(found.interval()),
    }


def mapsswe(case: Case) -> Answer:
    given = case["input"]
    utterances = [
        [tokens(said) for said in said_of]
        for said_of in zip(given["references"], given["system_a"], given["system_b"], strict=True)
    ]
    aligned = [(words.align(said, first), words.align(said, second)) for said, first, second in utterances]
    found = [
        segment
        for first, second in aligned
        for segment in cuts.segments(first, second, min_good=case["params"]["min_good"])
    ]
    tested = decisions.z_test([segment.difference for segment in found])
    totals = [sum((words.counts(pairs) for pairs in side), words.ErrorCounts()) for side in zip(*aligned, strict=True)]
    return {
        "n_seg": tested.units,
        "mean": tested.mean,
        "sd": tested.sd,
        "z": tested.z,
        "seg_ref": sum(segment.reference_words for segment in found),
        "err_a": sum(segment.errors for segment in found),
        "err_b": sum(segment.against_errors for segment in found),
        "significant_at_95": tested.p is not None and tested.p < 0.05,
        "p_two_sided": tested.p,
        "wer_a": totals[0].rate,
        "wer_b": totals[1].rate,
    }


def mapsswe_z(case: Case) -> Answer:
    found = decisions.z_test(case["input"]["segment_diffs"])
    return {"mean": found.mean, "sd": found.sd, "z": found.z, "p_two_sided": found.p}


def mcnemar(case: Case) -> Answer:
    return {"p_two_sided": decisions.mcnemar_p(case["input"]["only_a_right"], case["input"]["only_b_right"])}


def wer_difference_se(case: Case) -> Answer:
    differences, sizes = case["input"]["diff_errors"], case["input"]["ref_words"]
    found = intervals.cluster_ratio(differences, sizes)
    spread, mean_words = power.unit_spread(differences, sizes), sum(sizes) / len(sizes)
    assert found.value is not None
    assert found.se is not None
    assert spread is not None
    return {
        "delta": found.value,
        "se": found.se,
        "ci95": list(intervals.normal_interval(found.value, found.se)),
        "sd_u": spread,
        "mean_words": mean_words,
        "mde80": intervals.detectable(found.se),
        "clips_for_1pt": power.units_needed(spread, mean_words, 0.01),
        "clips_for_0_5pt": power.units_needed(spread, mean_words, 0.005),
    }


def non_inferiority(case: Case) -> Answer:
    margin = case["params"]["margin"]
    return {
        "labels": {
            row["id"]: decisions.non_inferiority(row["ci_low"], row["ci_high"], margin)
            for row in case["input"]["cases"]
        }
    }


def multiple_comparisons(case: Case) -> Answer:
    adjusted = decisions.holm(case["input"]["p"])
    return {
        "holm": adjusted,
        "bh": decisions.benjamini_hochberg(case["input"]["p"]),
        "reject_holm_05": [p <= 0.05 for p in adjusted],
    }


def design_effect(case: Case) -> Answer:
    given = case["input"]
    return {
        "deff": power.design_effect(given["cluster_size"], given["icc"]),
        "effective_n": power.effective_units(given["n"], given["cluster_size"], given["icc"]),
    }


def zero_failure_n(case: Case) -> Answer:
    return {
        f"n_{name}95": [
            intervals.zero_failure_trials(rate, two_sided=name == "two_sided") for rate in case["input"]["max_rate"]
        ]
        for name in ("one_sided", "two_sided")
    }


ADAPTERS = {
    "paired_bootstrap": paired_bootstrap,
    "cluster_bootstrap": cluster_bootstrap,
    "bootstrap_wer": bootstrap_wer,
    "mapsswe": mapsswe,
    "mapsswe_z": mapsswe_z,
    "mcnemar": mcnemar,
    "wer_difference_se": wer_difference_se,
    "non_inferiority": non_inferiority,
    "multiple_comparisons": multiple_comparisons,
    "design_effect": design_effect,
    "zero_failure_n": zero_failure_n,
    "zero_event_bound": zero_event_bound,
    "wer_interval": wer_interval,
    "wer_difference_cluster_t": wer_difference_cluster_t,
    "permutation_test": permutation_test,
    "percentile_ci": percentile_ci,
    "proportion_ci": proportion_ci,
}
