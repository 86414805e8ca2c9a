"""Baselines of the U-statistic estimator over a grid of problems: exact variances, and which default they favour."""

import sys
from itertools import groupby
from operator import itemgetter
from statistics import median

import matplotlib.pyplot as plt
import numpy as np

import maxrl_est as mx
from analysis import study
from maxrl_est.measures.closed_forms import ustat_optimal
from maxrl_est.problems import Bandit, Chain, Gaussian

QUESTION = "Which baseline for the U-statistic estimator of J_T has least variance, and which default is best?"
SETUP = (
    "A case is a problem, N in 2, 4, 8, 16, 64 and T in 1, N/2, N-1, N. In each: the total variance (trace of the "
    "covariance) of one group's gradient with every baseline of mx.advantages, none (0), one (1), one_over_n (1/N), "
    "pass_loo (the others' pass@T; T <= N-1 only) and mean_loo (omega_i times the others' mean), and with the best "
    "constant for the case, which needs the problem's moments. Ratios are over the variance with that constant; "
    "leave-one-out baselines are no constants, so theirs may be below 1. 0/1 problems: four answers, two of them "
    "right, with pass rates p from 0.001 to 0.9; a coin with one logit is left out, because its scores take two "
    "values only and a constant can cancel nearly all noise. Graded problems: softmax bandits, chains of steps, and "
    "regressions with a Gaussian policy of scale 1 in D dimensions, sigma the width of the likelihood and offset the "
    "distance of the target from the mean, two of them with the scale learned. Closed forms, but for mean_loo, for "
    "which every group is enumerated; on regressions, whose outcomes are a continuum, it has no exact variance and "
    "its rows are left out. Nothing is sampled. Numbers to 6 digits."
)
SEED = 0  # nothing is drawn

BASELINES = ("none", "one", "one_over_n", "pass_loo", "mean_loo")
DEFAULT = "one"
COLOURS = dict(zip(BASELINES, ("0.5", "C0", "C4", "C2", "C1"), strict=True))
SIZES = (2, 4, 8, 16, 64)
RATES = (0.001, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9)


def answers(p):
    """Two right answers and two wrong ones."""
    return Bandit([(1 - p) / 2] * 2 + [p / 2] * 2, [0.0, 0.0, 1.0, 1.0])


BINARY = {f"0/1 p={p}": answers(p) for p in RATES}
GRADED = {
    "arms, mixed": Bandit([0.5, 0.3, 0.2], [0.05, 0.4, 0.9]),
    "arms, rarely good": Bandit([0.9, 0.09, 0.01], [0.0, 0.3, 1.0]),
    "arms, all good": Bandit([0.3, 0.4, 0.3], [0.8, 0.9, 1.0]),
    "arms, all bad": Bandit([0.5, 0.3, 0.2], [0.001, 0.01, 0.05]),
    "chain of 2": Chain([0.5, 0.3], [0.0, 0.25, 1.0]),
    "chain of 3": Chain([0.6, 0.5, 0.4], [0.0, 0.1, 0.3, 1.0]),
    **{
        f"D=1 sigma={sigma} offset={offset}": Gaussian(0.0, 1.0, offset, sigma)
        for sigma in (0.25, 1.0)
        for offset in (0.0, 1.0, 2.0, 3.0)
    },
    "D=3 sigma=1": Gaussian([0.0] * 3, 1.0, [1.0, 0.5, 0.0], 1.0),
    "D=3 sigma=1 scale": Gaussian([0.0] * 3, 1.0, [1.0, 0.5, 0.0], 1.0, learn_scale=True),
    "D=8 sigma=1": Gaussian([0.0] * 8, 1.0, [0.5] * 8, 1.0),
    "D=8 sigma=3 scale": Gaussian([0.0] * 8, 1.0, [0.5] * 8, 3.0, learn_scale=True),
}


def measure(quick):
    rows = []
    for name, problem in list((BINARY | GRADED).items())[:: 5 if quick else 1]:
        for n in SIZES[1:4:2] if quick else SIZES:
            study.progress(f"{name}, N = {n}")
            for order in sorted({1, n // 2, n - 1, n}):
                rows += case(name, problem, n, order)
    return rows


def case(name, problem, n, order):
    variances = {baseline: variance(problem, n, order, baseline) for baseline in (*BASELINES, "optimal")}
    kind = "0/1" if name.startswith("0/1") else "graded"
    return [
        {
            "kind": kind,
            "problem": name,
            "p": study.rounded(problem.pass_rate),
            "N": n,
            "T": order,
            "baseline": baseline,
            "variance": study.rounded(value),
            "ratio": study.rounded(value / variances["optimal"]),
        }
        for baseline, value in variances.items()
        if value is not None
    ]


def variance(problem, n, order, baseline):
    """The total variance, None where a baseline does not exist or has no exact variance."""
    if baseline == "optimal":
        return np.trace(mx.closed_form_variance(problem, ustat_optimal(problem, n, order), n))
    if baseline == "pass_loo" and order == n:
        return None
    row = mx.estimators.get(f"{'ustat' if baseline == 'none' else f'ustat_{baseline}'}({order})")
    if baseline != "mean_loo":
        return np.trace(mx.closed_form_variance(problem, row, n))
    if isinstance(problem, Gaussian):
        return None
    return np.trace(mx.exact_moments(problem, row, n).covariance)


def verdict(rows):
    kinds = {kind: [row for row in rows if row["kind"] == kind] for kind in ("0/1", "graded")}
    text = [f"On {kind} likelihoods {summary(chosen)}." for kind, chosen in kinds.items()]
    return " ".join([*text, recommendation(rows), elsewhere(rows)])


def summary(rows):
    best = [winners(case) for case in cases(rows)]
    parts = [
        f"{name} {spread(ratios(rows, name))}, best in {sum(name in names for names in best)} of "
        f"{len(ratios(rows, name))} cases"
        for name in BASELINES
    ]
    return "the variance over that with the best constant is in the median (at worst): " + "; ".join(parts)


def recommendation(rows):
    """The baseline that costs least at worst, against that of `mx.advantages`, where all but pass_loo are known."""
    both = [row for case in cases(rows) if "mean_loo" in case for row in case.values()]
    everywhere = [name for name in BASELINES if name != "pass_loo"]
    choice = min(everywhere, key=lambda name: max(ratios(both, name)))
    parts = {
        "T = N": [row for row in both if row["T"] == row["N"]],
        "T = N >= 8": [row for row in both if row["T"] == row["N"] >= 8],
        "T = 1": [row for row in both if row["T"] == 1],
    }
    compared = [
        f"{label} " + " against ".join(spread(ratios(some, name)) for name in (choice, DEFAULT))
        for label, some in parts.items()
    ]
    worst = max((row for row in both if row["baseline"] == choice), key=itemgetter("ratio"))
    dearer = max(case[choice]["ratio"] / case[DEFAULT]["ratio"] for case in cases(both))
    cheaper = max(case[DEFAULT]["ratio"] / case[choice]["ratio"] for case in cases(both))
    return (
        f"Where outcomes are finitely many the baseline that costs least at worst is {choice}: {worst['ratio']:.3g} "
        f"({worst['problem']}, N = {worst['N']}, T = {worst['T']}). {choice} against {DEFAULT}, the default of "
        f"mx.advantages: {', '.join(compared)}; {choice} has up to {dearer:.3g} times the variance of {DEFAULT}, and "
        f"{DEFAULT} up to {cheaper:.3g} times that of {choice}."
    )


def elsewhere(rows):
    some = [row for row in rows if "sigma" in row["problem"] and row["T"] == row["N"]]
    known = [f"{name} {spread(ratios(some, name))}" for name in BASELINES if ratios(some, name)]
    return f"On regressions, where mean_loo is not known exactly, at T = N: {', '.join(known)}."


def spread(values):
    return f"{median(values):.2f} ({max(values):.3g})"


def ratios(rows, baseline):
    return [row["ratio"] for row in rows if row["baseline"] == baseline]


def cases(rows):
    """The rows of each case, by baseline."""
    return [{row["baseline"]: row for row in group} for _, group in groupby(rows, itemgetter("problem", "N", "T"))]


def winners(case):
    """The baselines with least variance, several where they agree to 5 digits."""
    least = min(case[name]["ratio"] for name in BASELINES if name in case)
    return [name for name in BASELINES if name in case and case[name]["ratio"] <= (1 + 1e-5) * least]


def draw(rows):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.0))
    for name in BASELINES:
        shown = [r for r in rows if (r["kind"], r["N"], r["T"], r["baseline"]) == ("0/1", 16, 15, name)]
        left.semilogx([r["p"] for r in shown], [r["ratio"] for r in shown], color=COLOURS[name], marker=".", label=name)
    left.set(xlabel="pass rate p", ylabel="variance / variance with the best constant", title="0/1, N = 16, T = 15")
    left.set_ylim(0.9, 2.5)
    left.legend()
    for shift, kind in ((-0.18, "0/1"), (0.18, "graded")):
        boxes(right, shift, kind, [r for r in rows if r["kind"] == kind])
    right.set_yscale("log")
    right.set_xticks(range(len(BASELINES)), BASELINES)
    right.set_title("all cases, with quartiles; 0/1 hollow, graded filled")
    for axes in (left, right):
        axes.axhline(1, color="k", linewidth=0.8, linestyle=":")
    return figure


def boxes(axes, shift, kind, rows):
    for place, name in enumerate(BASELINES):
        axes.boxplot(
            [ratios(rows, name)],
            positions=[place + shift],
            widths=0.3,
            whis=(0, 100),
            patch_artist=True,
            boxprops={"facecolor": COLOURS[name] if kind == "graded" else "none", "edgecolor": COLOURS[name]},
            medianprops={"color": "k"},
            manage_ticks=False,
        )


if __name__ == "__main__":
    study.main(sys.modules[__name__])
