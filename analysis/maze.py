"""A maze with sparse success: which estimator learns the starts that almost never succeed?"""

import sys
from itertools import product

import numpy as np
from matplotlib import pyplot as plt

import maxrl_est as mx
from analysis import study

QUESTION = "In a maze where far starts almost never find the goal by chance, which estimator learns them?"
LINES = (
    "###########",
    "#S..#....S#",
    "#.#.#.###.#",
    "#S#...#...#",
    "###.###.#.#",
    "#...#S..#.#",
    "#.###.###.#",
    "#S..#.#...#",
    "#.#.#.#.#.#",
    "#.#S..#.#G#",
    "###########",
)
SETUP = (
    "An 11 x 11 maze with six starts as prompts and one goal, 40 steps at most, success 1 and failure 0; one tabular "
    "softmax policy for all starts, uniform at first. 200 steps of plain gradient ascent with N rollouts of every "
    "start each, 5 seeds. Estimators keep the scale that they have, up to a factor of N between them, so each is run "
    "with learning rates 1/4, 1, 4, 16 and 64, and its best is the one with the greatest log p on average over the "
    "run. Pass rates are exact, by dynamic programming, to 6 digits; log p is the mean over starts; the U-statistics "
    "have T = N, ustat_mean_loo being the default, with the others' mean as the baseline, ustat_one with 1 and ustat "
    "with none. Solved is the first step, of every tenth, at which log p, the mean over seeds too, is above -0.1."
)
SEED = 0
HORIZON = 40
SIZES = (4, 16, 64)
LEARNING_RATES = (0.25, 1.0, 4.0, 16.0, 64.0)
ESTIMATORS = ("reinforce", "rloo", "grpo", "maxrl_shipped", "ustat", "ustat_one", "ustat_mean_loo")
EXACT = ("exact_rl", "exact_ml")
SOLVED = -0.1


def measure(quick=False):
    seeds, sizes, steps = (2, SIZES[:1], 10) if quick else (5, SIZES, 200)
    maze = mx.tasks.Maze(LINES, HORIZON)
    policy = mx.policies.SoftmaxPolicy(mx.policies.Tabular(maze.cells, 4))
    rows = []
    with study.workers() as executor:
        for n, rate in product(sizes, LEARNING_RATES[1:3] if quick else LEARNING_RATES):
            study.progress(f"N = {n}, learning rate {rate}")
            result = mx.train(
                maze,
                policy,
                [*ESTIMATORS, *(EXACT if n == sizes[0] else ())],
                n=n,
                steps=steps,
                seeds=range(SEED, SEED + seeds),
                optimiser=mx.optimisers.SGD(rate),
                evaluate_every=10,
                executor=executor,
            )
            rows += [row(n, rate, curve, point) for curve in result.curves for point in curve.points]
    return rows


def row(n, rate, curve, point):
    return {
        "n": "" if curve.estimator in EXACT else n,
        "learning_rate": rate,
        "estimator": curve.estimator,
        "seed": curve.seed,
        "step": point.step,
        "pass_rate": study.rounded(point.pass_rate),
        "log_pass_rate": study.rounded(point.log_pass_rate),
    }


def curves(rows, name, n):
    """Log p (seeds, points) by learning rate."""
    chosen = [r for r in rows if (r["estimator"], r["n"]) == (name, n)]
    points = len({r["step"] for r in chosen})
    return {
        rate: np.reshape([r["log_pass_rate"] for r in chosen if r["learning_rate"] == rate], (-1, points))
        for rate in dict.fromkeys(r["learning_rate"] for r in chosen)
    }


def best(rows, name, n):
    """The best learning rate, and log p (seeds, points) with it."""
    found = curves(rows, name, n)
    rate = max(found, key=lambda rate: found[rate].mean())
    return rate, found[rate]


def solved(rows, values):
    """The step at which log p (seeds, points) has come near 0, infinity if none."""
    steps = sorted({r["step"] for r in rows})
    return min((step for step, x in zip(steps, values.mean(axis=0), strict=True) if x > SOLVED), default=np.inf)


def verdict(rows):
    first = next(r for r in rows if r["step"] == 0)
    lines = [
        f"Pass rates are {first['pass_rate']:.4f} in the mean at first, and log p is {first['log_pass_rate']:.2f}."
    ]
    for n in sizes_of(rows):
        runs = {name: best(rows, name, n) for name in (ESTIMATORS if n else EXACT)}
        when = {name: solved(rows, values) for name, (_, values) in runs.items()}
        said = [
            f"{name} {f'solved at {when[name]}' if when[name] < np.inf else 'unsolved'}, ends at "
            f"{values[:, -1].mean():.3f}, worst seed {values[:, -1].min():.3f} (rate {rate:g})"
            for name, (rate, values) in runs.items()
        ]
        soonest = [name for name in when if when[name] == min(when.values()) < np.inf]
        lines.append(f"{label(n)}, best rates: {'; '.join(said)}. Soonest: {', '.join(soonest) or 'none'}.")
    return " ".join([*lines, at_one_rate(rows)])


def at_one_rate(rows):
    """What the scale alone does."""
    ends = [
        f"{name} ({label(n)}) {curves(rows, name, n)[1.0][:, -1].mean():.3f}"
        for n in sizes_of(rows)
        for name in (("rloo", "grpo", "ustat_mean_loo", "ustat_one") if n else EXACT)
    ]
    return f"With a learning rate of 1 for all, log p ends at: {', '.join(ends)}."


def sizes_of(rows):
    """Group sizes, the empty one of exact gradients last."""
    return [*sorted({r["n"] for r in rows} - {""}), ""]


def label(n):
    return f"N = {n}" if n else "exact gradients"


def draw(rows):
    sizes, steps = sizes_of(rows)[:-1], sorted({r["step"] for r in rows})
    figure, panels = plt.subplots(1, len(sizes), figsize=(12, 3.8), sharey=True, squeeze=False)
    for axes, n in zip(panels[0], sizes, strict=True):
        for index, (name, size) in enumerate([*((e, n) for e in ESTIMATORS), *((e, "") for e in EXACT)]):
            rate, values = best(rows, name, size)
            style = {"exact_rl": "k:", "exact_ml": "k--"}.get(name, f"C{index}-")
            axes.plot(steps, values.mean(axis=0), style, label=f"{name}, {rate:g}")
        axes.set(xlabel="step", title=f"N = {n}: log p")
        axes.legend(fontsize="x-small", title="best learning rate", title_fontsize="x-small")
    return figure


if __name__ == "__main__":
    study.main(sys.modules[__name__])
