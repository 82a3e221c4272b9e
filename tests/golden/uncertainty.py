"""Worked cases: uncertainty."""

import numpy as np
from numpy.typing import ArrayLike

from evalkit.scoring import segments as cuts
from evalkit.scoring import words
from evalkit.stats import bootstrap, decisions, intervals, power
from tests.golden.shared import Answer, Case, interval, level_of, rules_of, several, share, tokens


def zero_event_bound(case: Case) -> Answer:
    """The bound of the case's level; with events, the ends of the exact interval are that bound."""
    trials, events, level = case["input"]["n"], case["input"].get("events", 0), level_of(case)
    if not trials:
        return {"upper95_one_sided": None, "upper95_two_sided": None}
    bounds = [
        intervals.clopper_pearson(events, trials, level=within)[1]
        if events
        else intervals.zero_event_bound(trials, level=level, two_sided=two_sided)
        for two_sided, within in ((False, 2 * level - 1), (True, level))
    ]
    name = f"upper{100 * level:g}"
    return {f"{name}_one_sided": bounds[0], f"{name}_two_sided": bounds[1], "rule_of_three": 3 / trials}


def wer_interval(case: Case) -> Answer:
    """A single rate cannot be negative; without any error it has the bound of its clips, where known."""
    level, errors = level_of(case), case["input"]["cluster_errors"]
    found = intervals.cluster_ratio(errors, case["input"]["cluster_ref_words"], level=level)
    answer, name = interval(found, level), f"ci{100 * level:g}"
    if answer[name]:
        answer[name][0] = max(0.0, answer[name][0])
    clips = case["input"].get("n_clips", case["input"].get("clips"))
    if clips and not sum(errors):
        answer[name] = [0.0, intervals.zero_event_bound(clips, level=level, two_sided=True)]
    return {"wer": found.value, "k": found.clusters, "df": found.clusters - 1, **answer}


def wer_difference_cluster_t(case: Case) -> Answer:
    errors, reference = case["input"]["cluster_diff_errors"], case["input"]["cluster_ref_words"]
    level = level_of(case)
    found = intervals.cluster_ratio_difference(errors, reference, [0] * len(errors), reference, level=level)
    return {
        "delta": found.value,
        **interval(found, level),
        "df": found.clusters - 1,
        "t": intervals.t_quantile(found.clusters - 1, level=level) if found.clusters > 1 else None,
        "p_two_sided_signflip": intervals.sign_flip_p(errors),
    }


def permutation_test(case: Case) -> Answer:
    return {"sum": sum(case["input"]["diff"]), "p_two_sided": intervals.sign_flip_p(case["input"]["diff"])}


def percentile_ci(case: Case) -> Answer:
    numbers, wanted, level = several(case["input"]["n"]), several(case["input"]["q"]), level_of(case)
    shares = sorted({0.5, 0.9, 0.95, 0.99, *wanted})
    name = f"sided{100 * level:g}"
    return {
        "ranks": {
            str(n): {str(q): list(intervals.percentile_ranks(n, q, level=level)) for q in wanted} for n in numbers
        },
        f"min_n_upper_two_{name}": {str(q): intervals.units_for_upper_limit(q, level=level) for q in shares},
        f"min_n_upper_one_{name}": {
            str(q): intervals.units_for_upper_limit(q, level=level, two_sided=False) for q in shares
        },
    }


def proportion_ci(case: Case) -> Answer:
    events, trials, level = case["input"]["successes"], case["input"]["n"], level_of(case)
    return {
        "rate": share(events, trials),
        "wilson": list(intervals.wilson(events, trials, level=level)) if trials else None,
        "clopper": list(intervals.clopper_pearson(events, trials, level=level)) if trials else None,
    }


def resamples(numerator: ArrayLike, denominator: ArrayLike) -> bootstrap.Resamples:
    """Every resample while they can be counted, else seeded draws."""
    draw = bootstrap.every_resample if len(np.asarray(numerator)) <= bootstrap.MAX_EXACT else bootstrap.resampled
    return draw(numerator, denominator)


def new_minus_old(case: Case) -> list[float]:
    given = case["input"]
    return [new - old for old, new in zip(given["errors_a"], given["errors_b"], strict=True)]


def paired_bootstrap(case: Case) -> Answer:
    found = resamples(new_minus_old(case), case["input"]["ref_words"])
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
    by_cluster = resamples(sums, bootstrap.cluster_sums(sizes, clusters))
    by_clip = resamples(differences, sizes)
    return {
        "delta": by_cluster.point,
        "cluster_deltas": dict(zip(dict.fromkeys(clusters), sums.tolist(), strict=True)),
        "sd_cluster": by_cluster.sd,
        "sd_clip": by_clip.sd,
        "p_lt0_cluster": by_cluster.below_zero,
        "p_lt0_clip": by_clip.below_zero,
    }


def bootstrap_wer(case: Case) -> Answer:
    level = level_of(case)
    found = resamples(case["input"]["errors"], case["input"]["ref_words"])
    normal = None
    if found.mean is not None and found.sd is not None:
        normal = list(intervals.normal_interval(found.mean, found.sd, level=level))
    return {
        "point": found.point,
        "bootstrap_mean": found.mean,
        f"normal_ci{100 * level:g}": normal,
        f"percentile_ci{100 * level:g}": list(found.interval(level=level)),
    }


def mapsswe(case: Case) -> Answer:
    given = case["input"]
    utterances = [
        [tokens(said, rules_of(case)) for said in said_of]
        for said_of in zip(given["references"], given["system_a"], given["system_b"], strict=True)
    ]
    aligned = [(words.align(said, first), words.align(said, second)) for said, first, second in utterances]
    found = [
        segment
        for first, second in aligned
        for segment in cuts.segments(first, second, min_good=case["params"].get("min_good", cuts.MIN_GOOD))
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
    level, wanted = level_of(case), float(case["params"].get("power", 0.8))
    found = intervals.cluster_ratio(differences, sizes)
    spread = power.unit_spread(differences, sizes)
    mean_words = share(sum(sizes), len(sizes))
    answer: Answer = {"delta": found.value, "se": found.se, "sd_u": spread, "mean_words": mean_words}
    if found.value is None or found.se is None or spread is None or mean_words is None:
        return answer
    for percent in {80, 90, round(100 * wanted)}:
        answer[f"mde{percent}"] = intervals.detectable(found.se, power=percent / 100, level=level)
    for points in ("0.1", "0.2", "0.25", "0.3", "0.5", "0.75", "1", "1.5", "2", "2.5", "3", "4", "5", "10"):
        needed = power.units_needed(spread, mean_words, float(points) / 100, power=wanted, level=level)
        answer[f"clips_for_{points.replace('.', '_')}pt"] = needed
    return {**answer, f"ci{100 * level:g}": list(intervals.normal_interval(found.value, found.se, level=level))}


def non_inferiority(case: Case) -> Answer:
    labels: dict[str, decisions.Label] = {}
    gates: dict[str, decisions.Gate] = {}
    for row in case["input"]["cases"]:
        margin = row.get("margin", case["params"].get("margin", decisions.MIN_MARGIN))
        label = decisions.non_inferiority(row["ci_low"], row["ci_high"], margin)
        labels[row["id"]], gates[row["id"]] = label, decisions.gate(label, row.get("delta", row.get("point")), margin)
    return {"labels": labels, "gates": gates, "advice": {name: decisions.ADVICE[labels[name]] for name in labels}}


def multiple_comparisons(case: Case) -> Answer:
    adjusted = {"holm": decisions.holm(case["input"]["p"]), "bh": decisions.benjamini_hochberg(case["input"]["p"])}
    return {
        **adjusted,
        **{
            f"reject_{name}_{alpha}": [p <= float(f"0.{alpha}") for p in values]
            for name, values in adjusted.items()
            for alpha in ("10", "05", "025", "01", "001")
        },
    }


def design_effect(case: Case) -> Answer:
    given = case["input"]
    return {
        "deff": power.design_effect(given["cluster_size"], given["icc"]),
        "effective_n": power.effective_units(given.get("n", 0), given["cluster_size"], given["icc"]),
    }


def zero_failure_n(case: Case) -> Answer:
    level = level_of(case)
    return {
        f"n_{name}{100 * level:g}": [
            intervals.zero_failure_trials(rate, level=level, two_sided=name == "two_sided")
            for rate in several(case["input"]["max_rate"])
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
