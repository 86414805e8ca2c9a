"""A maze with sparse success: which estimator learns the starts that almost never succeed?"""

import sys

import numpy as np
from matplotlib import pyplot as plt

import maxrl_est as mx
from analysis import study
from maxrl_est.policies import Softmax, Table

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
    "softmax policy for all starts, uniform at first. 200 steps of plain gradient ascent with learning rate 1; "
    "estimators keep the scale that they have. N rollouts of every start in a step, 5 seeds. Pass rates are exact, "
    "by dynamic programming; ustat, ustat_one and ustat_mean_loo have T = N."
)
SEED = 0
HORIZON = 40
SIZES = (4, 16, 64)
ESTIMATORS = ("reinforce", "rloo", "grpo", "maxrl_shipped", "ustat", "ustat_one", "ustat_mean_loo")
EXACT = ("exact_rl", "exact_ml")


def measure(quick=False):
    seeds, sizes, steps = (2, (4,), 10) if quick else (5, SIZES, 200)
    maze = mx.problems.Maze(LINES, HORIZON)
    policy = Softmax(Table(maze.cells, 4))
    first = np.exp(maze.log_pass_rates(policy, np.zeros(policy.network.size), np.arange(len(maze))))
    rows = []
    with study.workers() as executor:
        for n in sizes:
            study.progress(f"N = {n}")
            result = mx.train(
                maze,
                policy,
                [*ESTIMATORS, *(EXACT if n == sizes[0] else ())],
                n=n,
                steps=steps,
                seeds=range(SEED, SEED + seeds),
                optimiser=mx.optimisers.SGD(1.0),
                evaluate_every=max(1, steps // 20),
                executor=executor,
            )
            for curve in result.curves:
                last = np.exp(maze.log_pass_rates(policy, curve.parameters, np.arange(len(maze))))
                rows += [row(n, curve, point, first.min(), last.min()) for point in curve.points]
    return rows


def row(n, curve, point, least_at_first, least):
    return {
        "n": "" if curve.estimator in EXACT else n,
        "estimator": curve.estimator,
        "seed": curve.seed,
        "step": point.step,
        "pass_rate": point.pass_rate,
        "log_pass_rate": point.log_pass_rate,
        "least_pass_rate_at_first": least_at_first,
        "least_pass_rate_at_the_end": least,
    }


def at_end(rows, estimator, n, quantity):
    """Mean over seeds."""
    last = max(r["step"] for r in rows)
    return np.mean([r[quantity] for r in rows if (r["estimator"], r["n"], r["step"]) == (estimator, n, last)])


def verdict(rows):
    sizes = sorted({r["n"] for r in rows} - {""})
    first = next(r for r in rows if r["step"] == 0)
    parts = []
    for name in ESTIMATORS:
        ends = ", ".join(f"{at_end(rows, name, n, 'log_pass_rate'):.3f}" for n in sizes)
        parts.append(f"{name} {ends}")
    exact = [f"{name} {at_end(rows, name, '', 'log_pass_rate'):.3f}" for name in EXACT]
    least = [
        f"{name} {at_end(rows, name, sizes[-1], 'least_pass_rate_at_the_end'):.3f}" for name in ("rloo", "ustat_one")
    ]
    p, log_p, hardest = (first[key] for key in ("pass_rate", "log_pass_rate", "least_pass_rate_at_first"))
    return (
        f"Starting from a mean pass rate of {p:.4f}, {hardest:.0e} for the hardest start, and a mean log p "
        f"of {log_p:.2f}, the mean log p after training is, for "
        f"N = {', '.join(map(str, sizes))}: {'; '.join(parts)}; exact gradients: {', '.join(exact)}. "
        f"The pass rate of the hardest start at N = {sizes[-1]} ends at: {', '.join(least)}."
    )


def draw(rows):
    sizes = sorted({r["n"] for r in rows} - {""})
    figure, panels = plt.subplots(1, len(sizes), figsize=(12, 3.8), sharey=True)
    for axes, n in zip(np.atleast_1d(panels), sizes, strict=True):
        for index, (name, size) in enumerate([*((e, n) for e in ESTIMATORS), *((e, "") for e in EXACT)]):
            chosen = [r for r in rows if (r["estimator"], r["n"]) == (name, size)]
            steps = sorted({r["step"] for r in chosen})
            values = np.array([[r["log_pass_rate"] for r in chosen if r["step"] == step] for step in steps])
            style = {"exact_rl": "k:", "exact_ml": "k--"}.get(name, f"C{index}-")
            axes.plot(steps, values.mean(axis=1), style, label=name)
        axes.set(xlabel="step", title=f"N = {n}: mean log p over starts")
    np.atleast_1d(panels)[-1].legend(fontsize="x-small")
    return figure


if __name__ == "__main__":
    study.main(sys.modules[__name__])
