"""Baselines as guesses of the pass rate: what each costs against a baseline that knows it, for every pass rate."""

import math
import sys

import matplotlib.pyplot as plt
import numpy as np

import maxrl_est as mx
from analysis import study
from analysis.baselines import BASELINES, COLOURS

QUESTION = "A baseline is a guess of the pass rate: how good a guess is each?"
SETUP = (
    "0/1 rewards, N in 2, 4, 8, 16, 64, 256, T = N, but N-1 for pass_loo and for maxrl_shipped, which is MaxRL as "
    "trainers ship it. With m successes among the N-1 others an advantage is W_m (1 - t_m) for a success and -W_m t_m "
    "for a failure: W_m estimates w(p), and t_m is the baseline's guess of p. Both are read off the advantages. Where "
    "there are many right and many wrong answers the noise is E A^2, the mean over m of W_m^2 (p (1 - p) + (t_m - "
    "p)^2), and ratios are over the noise with t_m = p, the baseline that knows p. p from 0.001 to 0.999. The best "
    "guess when pass rates have a Beta(alpha, beta) law is (m + alpha) / (N - 1 + alpha + beta), for every objective: "
    "none guesses 0, as Beta(0, infinity) does, mean_loo m / (N - 1), Beta(0, 0), as RLOO does, and one (m + 1) / N, "
    "Beta(1, 0); maxrl_shipped guesses as one does, but 0 where m = 0. In floats, rounded to 6 digits; nothing is "
    "sampled."
)
SEED = 0  # nothing is drawn

SIZES = (2, 4, 8, 16, 64, 256)
ESTIMATORS = {**{name: f"ustat_{name}" for name in BASELINES}, "none": "ustat", "maxrl_shipped": "maxrl_shipped"}
LOWER = [study.rounded(p) for p in np.geomspace(0.001, 0.5, 28)]
RATES = (*LOWER, *(study.rounded(1 - p) for p in LOWER[-2::-1]))


def measure(quick):
    return [row for n in (SIZES[2:4] if quick else SIZES) for name in ESTIMATORS for row in curve(name, n)]


def curve(name, n):
    weights, guesses = weights_and_guesses(mx.estimators.get(ESTIMATORS[name]), np.tri(n + 1, n, -1))
    rows = []
    for p in RATES:
        found, known = noise(p, weights, guesses), noise(p, weights, [p] * n)
        about = {"N": n, "baseline": name, "p": p}
        rows.append({**about, "noise": study.rounded(found), "ratio": study.rounded(found / known)})
    return rows


def weights_and_guesses(estimator, groups):
    """W (N,) and t (N,) for 0 .. N-1 successes among the others, from groups (N+1, N) of 0 .. N, which come first."""
    advantages = estimator(groups)
    of_success, of_failure = advantages[1:, 0], advantages[:-1, -1]
    return of_success - of_failure, -of_failure / (of_success - of_failure)


def noise(p, weights, guesses):
    """E A^2 in the arithmetic of p."""
    return sum(c * p**i * (1 - p) ** j for c, i, j in terms(weights, guesses))


def terms(weights, guesses):
    """E A^2 as a polynomial, c p^i (1-p)^j: those of successes and of failures."""
    others = len(weights) - 1
    for m, (weight, guess) in enumerate(zip(weights, guesses, strict=True)):
        ways = math.comb(others, m) * weight**2
        yield ways * (1 - guess) ** 2, m + 1, others - m
        yield ways * guess**2, m, others - m + 1


def verdict(rows):
    return " ".join([worst(rows), control_variate(rows)])


def worst(rows):
    """The largest ratio over all pass rates, and where it is."""
    said = []
    for n in sorted({row["N"] for row in rows}):
        most = {name: max(chosen(rows, name, n), key=lambda row: row["ratio"]) for name in ESTIMATORS}
        costs = [f"{name} {study.short(row['ratio'])} (p = {study.short(row['p'])})" for name, row in most.items()]
        said.append(f"N = {n}: {', '.join(costs)}")
    return f"The noise over that of a baseline that knows p is at worst, at {'; at '.join(said)}."


def control_variate(rows):
    noise = {(row["N"], row["baseline"]): row["noise"] for row in rows if row["p"] == RATES[0]}
    said = []
    for n in (8, 16):
        one, mine = (study.short(noise[n, name] / noise[n, "maxrl_shipped"]) for name in ("one", "mean_loo"))
        weights = [mx.Objective.maxrl(order).weight(RATES[0]) for order in (n, n - 1)]
        signal = study.short((weights[0] / weights[1]) ** 2)
        said.append(f"{one} times with N = {n} (mean_loo {mine}; the square of the mean gradient {signal})")
    return f"At p = {RATES[0]} the noise with baseline one is, over that of MaxRL as shipped, {' and '.join(said)}."


def chosen(rows, name, n):
    return [row for row in rows if (row["N"], row["baseline"]) == (n, name)]


def draw(rows):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.0))
    for name, colour in (COLOURS | {"maxrl_shipped": "k"}).items():
        style = {"color": colour, "label": name, "linestyle": ":" if name == "maxrl_shipped" else "-"}
        shown = chosen(rows, name, 16)
        left.plot([row["p"] for row in shown], [row["ratio"] for row in shown], **style)
        sizes = sorted({row["N"] for row in rows})
        right.loglog(sizes, [max(row["ratio"] for row in chosen(rows, name, n)) for n in sizes], marker=".", **style)
    left.set(xscale="logit", ylim=(0.95, 5), xlabel="pass rate p", ylabel="noise / noise where p is known")
    left.set_title("N = 16")
    right.set_xticks(sizes, map(str, sizes))
    right.minorticks_off()
    right.set(xlabel="rollouts of a prompt N", title="worst pass rate from 0.001 to 0.999")
    right.legend()
    return figure


if __name__ == "__main__":
    study.main(sys.modules[__name__])
