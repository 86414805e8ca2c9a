"""How often does a verdict flag a mean that is right? Ten thousand runs of each kind, looked at all the way.

    python -m analysis.false_alarms

writes false_alarms.json beside this file: for each verdict and law of values the runs flagged at some look, out of
all, and the upper limit of the rate by Clopper and Pearson at a level of 99%. The last rows are verdicts that do not
hold: a normal interval looked at repeatedly, a variance declared too small.
"""

from __future__ import annotations

import datetime
import functools
import json
from pathlib import Path

import numpy as np

import maxrl_est as mx
from analysis import study

RUNS, LENGTH, LOOK, ALPHA, SEED = 10_000, 5000, 50, 1e-2, 2026
ARMS = mx.problems.Bandit([0.7, 0.29, 0.01], [0.01, 0.3, 1.0])
ESTIMATOR = mx.estimators.get("ustat_one")
N, BLOCK = 4, 4096  # rollouts in a group, groups that are drawn at once


def rare(rng, size):
    return (rng.random(size) < 1e-3).astype(float)


def skewed(rng, size):
    return rng.random(size) ** 20


def pareto(rng, size):
    return rng.pareto(2.2, size)


def gradient(rng, size):
    """The last coordinate of the gradient estimate of ustat_one, whose rare arm makes it skewed."""
    groups, seed = int(np.prod(size)), int(rng.integers(1 << 62))
    found = np.empty(groups)
    for block, start in enumerate(range(0, groups, BLOCK)):
        of_block = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block,)))
        likelihoods, scores = ARMS.sample(of_block, min(BLOCK, groups - start), N)
        found[start : start + BLOCK] = (ESTIMATOR(likelihoods)[:, None] @ scores)[:, 0, 2] / N
    return found.reshape(size)


def largest_gradient():
    """Bounds of it: |A| is at most N and a score at most 1."""
    return -float(N), float(N)


LAWS = {  # name: (draw, mean, variance, lower, upper)
    "Bernoulli(0.001)": (rare, 1e-3, 1e-3 * (1 - 1e-3), 0.0, 1.0),
    "uniform^20": (skewed, 1 / 21, 1 / 41 - 1 / 21**2, 0.0, 1.0),
    "gradient of ustat_one": (gradient, *[None] * 2, *largest_gradient()),
    "Pareto(2.2)": (pareto, 1 / 1.2, 2.2 / (1.2**2 * 0.2), None, None),
}


def misses(mean, sequence):
    low, high = sequence.interval
    return (mean < low) | (mean > high)


def refutes(sequence):
    return sequence.refuted


def flagged(sequence, draw, seed, *wrong):
    """Runs in which each of `wrong` happens at some look."""
    rng, found = np.random.default_rng(seed), np.zeros((len(wrong), RUNS), dtype=bool)
    for _ in range(LENGTH // LOOK):
        sequence.update(draw(rng, (LOOK, RUNS)))
        found |= [test(sequence) for test in wrong]
    return found.sum(axis=1).tolist()


def row(verdict, law, count):
    low, high = mx.confidence.clopper_pearson(count, RUNS)
    print(f"{verdict:45s} {law:24s} {count:5d} of {RUNS}, at most {high:.5f}", flush=True)
    return {"verdict": verdict, "law": law, "flagged": count, "lower_limit": low, "upper_limit": high}


def measure():
    rows = []
    common = {"error_rate": ALPHA, "family": 1}
    for index, (name, (draw, mean, variance, lower, upper)) in enumerate(LAWS.items()):
        if mean is None:
            exact = mx.exact_moments(ARMS, ESTIMATOR, N)
            mean, variance = float(exact.mean[2]), float(exact.covariance[2, 2])
        target, wrong = np.full(RUNS, mean), functools.partial(misses, mean)
        if lower is not None:
            bets = mx.confidence.Betting(target, lower, upper, **common, horizon=LENGTH)
            betting, interval = flagged(bets, draw, (SEED, index, 0), refutes, wrong)
            rows += [row("betting", name, betting), row("empirical Bernstein interval", name, interval)]
        catoni = mx.confidence.Catoni(target, variance, **common, horizon=LENGTH)
        rows.append(row("Catoni", name, *flagged(catoni, draw, (SEED, index, 1), wrong)))
        normal = mx.confidence.Normal(target, **common)
        rows.append(row("normal, at every look (does not hold)", name, *flagged(normal, draw, (SEED, index, 2), wrong)))
        small = mx.confidence.Catoni(target, variance / 9, **common, horizon=LENGTH)
        count = flagged(small, draw, (SEED, index, 3), wrong)
        rows.append(row("Catoni, a ninth of the variance (does not hold)", name, *count))
    return rows


def main():
    result = {
        "command": "python -m analysis.false_alarms",
        "date": datetime.date.today().isoformat(),
        "versions": study.versions("maxrl-est", "numpy", "scipy"),
        "seed": SEED,
        "runs": RUNS,
        "values_in_each": LENGTH,
        "values_between_looks": LOOK,
        "stated_rate": ALPHA,
        "level_of_the_limits": 0.99,
        "rows": measure(),
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
