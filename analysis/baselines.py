"""Baselines of the U-statistic estimator over a grid of problems: exact variances, and which default they favour."""

import sys
from itertools import groupby, product
from operator import itemgetter
from statistics import median

import matplotlib.pyplot as plt
import numpy as np

import maxrl_est as mx
from analysis import mean_loo, study
from analysis.rollouts_needed import answers

QUESTION = "Which baseline for the U-statistic estimator of J_T has least variance, and which default is best?"
SETUP = (
    "A case is a problem, N in 1, 2, 4, 8, 16, 64, 256 and T in 1, N/2, N-1, N. In each: the total variance (trace of "
    "the covariance) of one group's gradient with every baseline of mx.advantages, none (0), one (1), one_over_n "
    "(1/N), pass_loo (the others' pass@T; T < N only) and mean_loo (omega_i times the others' mean, the default; N >= "
    "2 only), and with the best constant for the case, which needs the problem's moments. maxrl_shipped is MaxRL as "
    "trainers ship it, at T = N-1 on 0/1 rewards, where it is pass_loo. Ratios are over the variance with the best "
    "constant; leave-one-out baselines are no constants, so theirs may be below 1. 0/1 problems: 16 answers, 8 of "
    "them right, with pass rates p from 0.001 to 0.9; a coin with one logit is left out, because its scores take two "
    "values only and a constant can cancel nearly all noise. Graded problems: softmax bandits and chains of steps. "
    "Regressions: a Gaussian policy of scale 1 in D dimensions, sigma the width of the likelihood and offset the "
    "distance of the target from the mean, two of them with the scale learned. All in closed form, that of mean_loo "
    "by analysis/mean_loo.py; nothing is sampled. Numbers to 6 digits."
)
SEED = 0  # nothing is drawn

BASELINES = ("none", "one", "one_over_n", "pass_loo", "mean_loo")
COLOURS = dict(zip(BASELINES, ("0.5", "C0", "C4", "C2", "C1"), strict=True))
SIZES = (1, 2, 4, 8, 16, 64, 256)
RATES = (0.001, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9)
USES = {  # what a user would say of the prompts, and which rows those are
    "hard prompts, p up to 0.03": lambda row: row["kind"] == "0/1" and row["p"] <= 0.03,
    "p from 0.1 to 0.5": lambda row: row["kind"] == "0/1" and 0.1 <= row["p"] <= 0.5,
    "easy prompts, p from 0.7": lambda row: row["kind"] == "0/1" and row["p"] >= 0.7,
    "graded likelihoods": lambda row: row["kind"] == "graded",
    "regressions": lambda row: row["kind"] == "regression",
}


def regression(dimensions, offset, sigma, learn_scale=False):
    return mx.problems.Gaussian([0.0] * dimensions, 1.0, offset, sigma, learn_scale)


PROBLEMS = {
    "0/1": {f"0/1 p={p}": answers(p) for p in RATES},
    "graded": {
        "arms, mixed": mx.problems.Bandit([0.5, 0.3, 0.2], [0.05, 0.4, 0.9]),
        "arms, rarely good": mx.problems.Bandit([0.9, 0.09, 0.01], [0.0, 0.3, 1.0]),
        "arms, all good": mx.problems.Bandit([0.3, 0.4, 0.3], [0.8, 0.9, 1.0]),
        "arms, all bad": mx.problems.Bandit([0.5, 0.3, 0.2], [0.001, 0.01, 0.05]),
        "chain of 2": mx.problems.Chain([0.5, 0.3], [0.0, 0.25, 1.0]),
        "chain of 3": mx.problems.Chain([0.6, 0.5, 0.4], [0.0, 0.1, 0.3, 1.0]),
    },
    "regression": {
        **{
            f"D=1 sigma={sigma} offset={offset}": regression(1, offset, sigma)
            for sigma in (0.25, 1.0)
            for offset in (0.0, 1.0, 2.0, 3.0)
        },
        "D=3 sigma=1": regression(3, [1.0, 0.5, 0.0], 1.0),
        "D=3 sigma=1 scale": regression(3, [1.0, 0.5, 0.0], 1.0, learn_scale=True),
        "D=8 sigma=1": regression(8, [0.5] * 8, 1.0),
        "D=8 sigma=3 scale": regression(8, [0.5] * 8, 3.0, learn_scale=True),
    },
}


def measure(quick):
    rows = []
    for kind, problems in PROBLEMS.items():
        for name, problem in list(problems.items())[:: 5 if quick else 1]:
            for n in SIZES[0:4:3] if quick else SIZES:
                study.progress(f"{name}, N = {n}")
                for order in sorted({1, n // 2, n - 1, n} - {0}):
                    rows += case({"kind": kind, "problem": name}, problem, n, order)
    return rows


def case(about, problem, n, order):
    found = {name: total_variance(problem, name, n, order) for name in rivals(about["kind"], n, order)}
    about = {**about, "p": study.rounded(problem.pass_rate), "N": n, "T": order}
    best = found["optimal"]
    return [
        {**about, "baseline": name, "variance": study.rounded(value), "ratio": study.rounded(value / best)}
        for name, value in found.items()
    ]


def rivals(kind, n, order):
    """The baselines that exist for this order, and what they are compared with."""
    exist = {"pass_loo": order < n, "mean_loo": n > 1}
    known = [name for name in BASELINES if exist.get(name, True)]
    return [*known, *(["maxrl_shipped"] if kind == "0/1" and order == n - 1 else []), "optimal"]


def total_variance(problem, baseline, n, order):
    if baseline == "mean_loo":
        return mean_loo.total_variance(mean_loo.raw_moments(problem), n, order)
    if baseline == "optimal":
        row = mx.ustat_optimal(problem, n, order)
    elif baseline == "maxrl_shipped":
        row = mx.estimators.get(baseline)
    else:
        row = mx.estimators.get(f"{'ustat' if baseline == 'none' else f'ustat_{baseline}'}({order})")
    return np.trace(mx.closed_form_variance(problem, row, n))


def verdict(rows):
    groups = [row for row in rows if row["N"] > 1]
    return " ".join([overall(groups), *uses(groups), against_one(groups), shipped(rows), alone(rows)])


def overall(rows):
    """The baseline that costs least at worst, of those that exist for every order."""
    everywhere = [name for name in BASELINES if name != "pass_loo"]
    choice = min(everywhere, key=lambda name: max(ratios(rows, name)))
    worst = max((row for row in rows if row["baseline"] == choice), key=itemgetter("ratio"))
    best = [winners(case) for case in cases(rows)]
    parts = [
        f"{name} {spread(ratios(rows, name))}, best in {sum(name in names for names in best)} of "
        f"{len(ratios(rows, name))}"
        for name in BASELINES
    ]
    return (
        f"The baseline that costs least at worst is {choice}: {study.short(worst['ratio'])} times the variance with "
        f"the best constant ({worst['problem']}, N = {worst['N']}, T = {worst['T']}). Over all cases with N >= 2 that "
        f"ratio is in the median (at worst): {'; '.join(parts)} cases."
    )


def uses(rows):
    """What each baseline costs by kind of prompt, at the greatest order that it has."""
    for label, costs in by_use(rows):
        yield f"On {label}, each at its greatest T: {', '.join(f'{name} {cost}' for name, cost in costs.items())}."


def table(rows):
    """The same as a table of Markdown."""
    lines = [f"| | {' | '.join(f'`{name}`' for name in BASELINES)} |", "| --- " * (len(BASELINES) + 1) + "|"]
    lines += [f"| {label} | {' | '.join(costs.values())} |" for label, costs in by_use(rows)]
    return "\n".join(lines) + "\n"


def by_use(rows):
    for (label, chosen), least in product(USES.items(), (2, 8)):
        some = [row for row in rows if chosen(row) and row["N"] >= least]
        yield f"{label}, N >= {least}", {name: spread(ratios(at_most(some, name), name)) for name in BASELINES}


def at_most(rows, baseline):
    """Rows of the greatest order that the baseline has."""
    return [row for row in rows if row["T"] == row["N"] - (baseline == "pass_loo")]


def against_one(rows):
    pairs = [(case["mean_loo"], case["one"]) for case in cases(rows)]
    dearer, cheaper = (max(a[key]["ratio"] / a[1 - key]["ratio"] for a in pairs) for key in (0, 1))
    whole = [(mine["ratio"], one["ratio"]) for mine, one in pairs if one["T"] == one["N"] >= 8]
    mine, one = (spread(costs) for costs in zip(*whole, strict=True))
    return (
        f"mean_loo has up to {study.short(dearer)} times the variance of one, and one up to {study.short(cheaper)} "
        f"times that of mean_loo; at T = N >= 8 mean_loo costs {mine} and one {one}."
    )


def shipped(rows):
    """The paper's control variate, at T = N, against what trainers ship, of one order less."""

    def variance(p, n, order, name):
        wanted = {"kind": "0/1", "p": p, "N": n, "T": order, "baseline": name}
        return next((row["variance"] for row in rows if wanted.items() <= row.items()), np.nan)

    def against(p, n, name):
        return study.short(variance(p, n, n, name) / variance(p, n, n - 1, "maxrl_shipped"))

    hard = [
        f"{n}, {against(0.001, n, 'one')} times (mean_loo {against(0.001, n, 'mean_loo')}, none "
        f"{against(0.001, n, 'none')})"
        for n in (8, 16, 64)
    ]
    easy = [f"{against(0.9, 8, name)} with {name}" for name in ("one", "mean_loo", "none")]
    return (
        "The control variate of the paper, one at T = N, raises the variance of hard prompts: at p = 0.001 it is, over "
        f"that of MaxRL as shipped, of order N-1, at N = {'; at N = '.join(hard)}. At p = 0.9 and N = 8 the ratio is "
        f"{', '.join(easy)}."
    )


def alone(rows):
    """Groups of one have no others: what the two constants cost."""
    single = [row for row in rows if row["N"] == 1]
    costs = [
        f"on {label} none {spread(ratios(some, 'none'))}, one {spread(ratios(some, 'one'))}"
        for label, chosen in USES.items()
        if (some := [row for row in single if chosen(row)])
    ]
    return f"In groups of one: {'; '.join(costs)}."


def spread(values):
    return f"{median(values):.2f} ({study.short(max(values))})" if values else "none measured"


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
    groups = [row for row in rows if row["N"] > 1]
    for shift, label in ((-0.18, "0/1"), (0.18, "graded")):
        boxes(right, shift, label, [r for r in groups if (r["kind"] == "0/1") == (label == "0/1")])
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
