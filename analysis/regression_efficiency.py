"""Regression by likelihood: how much of the data does its optimum use, beside least squares?"""

import sys

import numpy as np
from matplotlib import pyplot as plt

import maxrl_est as mx
from analysis import study

QUESTION = "Do likelihood objectives suit regressions with a low signal-to-noise ratio, if they are optimised exactly?"
SETUP = (
    "A prediction drawn with variance s^2 has the likelihood of a Gaussian of variance sigma^2 at the target; targets "
    "have Gaussian noise, whose variance v is given in units of s^2 + sigma^2. The efficiency of the optimum of J_T is "
    "the variance of least squares over its own, for large samples (mx.measures.regression_efficiency). Simulated: the "
    "mean of 400 targets, fitted by reweighting until it stands still from the least-squares fit, in 2000 samples. "
    "Without bias J_T takes at least T rollouts a target. T = 1 is expected likelihood."
)
SEED = 0
ORDERS = (1, 16, 1024, 10**6)
VARIANCES = tuple(2.0 ** (k / 2) for k in range(-8, 15))
SIMULATED = (0.5, 2.0, 8.0)
SAMPLES, TARGETS, ROUNDS = 2000, 400, 200


def measure(quick):
    rng = np.random.default_rng(SEED)
    samples = SAMPLES // 20 if quick else SAMPLES
    return [
        {
            "noise_variance": study.rounded(v),
            "order": order,
            "efficiency": study.rounded(mx.measures.regression_efficiency(v, order)),
            "simulated": study.rounded(simulated(rng, v, order, samples)) if v in SIMULATED else "",
        }
        for v in VARIANCES
        for order in ORDERS
    ]


def simulated(rng, v, order, samples):
    """Variance of the mean over that of the fit of J_T, each of as many samples."""
    y = np.sqrt(v) * rng.standard_normal((samples, TARGETS))
    mean = y.mean(axis=1)
    fit = mean.copy()
    for _ in range(ROUNDS):
        p = np.exp(-((y - fit[:, None]) ** 2) / 2)
        weights = -np.expm1(order * np.log1p(-np.minimum(p, 1 - 1e-16)))
        fit = (weights * y).sum(axis=1) / weights.sum(axis=1)
    return float((mean**2).mean() / (fit**2).mean())


def verdict(rows):
    at = {(row["noise_variance"], row["order"]): row["efficiency"] for row in rows}
    assert max(at.values()) <= 1
    off = max(abs(row["simulated"] / row["efficiency"] - 1) for row in rows if row["simulated"] != "")
    first, second, _, largest = ORDERS
    needed = {v: np.exp(1.183 * v) for v in (8.0, 32.0)}  # 2 log T = v times the median of chi^2, 3 degrees of freedom
    return (
        f"No: their optimum never uses the data better than least squares, and the worse the more noise there is. "
        f"Where the variance of the likelihood is that of the noise (v = 1) expected likelihood has "
        f"{at[1.0, first]:.0%} of the efficiency of least squares and J_16 {at[1.0, second]:.0%}; at v = 8 they have "
        f"{at[8.0, first]:.0%} and {at[8.0, second]:.0%}, J_T of T = {largest:,} {at[8.0, largest]:.0%}, "
        f"and at v = 32 {at[32.0, first]:.1%}, "
        f"{at[32.0, second]:.1%} and {at[32.0, largest]:.0%}. Half of it takes an order near exp(1.183 v), "
        f"{study.short(needed[8.0])} at v = 8 and {needed[32.0]:.1e} at v = 32, and as many rollouts a target. A wide "
        f"likelihood has no such loss ({at[0.25, first]:.0%} at v = 0.25, {at[0.0625, first]:.1%} at 0.0625): what "
        f"suits low signal to noise is a width above the noise, where J_T is least squares. Simulated fits are within "
        f"{off:.0%} of these numbers."
    )


def draw(rows):
    figure, axes = plt.subplots(figsize=(6.4, 4.2))
    for index, order in enumerate(ORDERS):
        shown = [row for row in rows if row["order"] == order]
        label = "T = 1, expected likelihood" if order == 1 else f"T = {order:,}"
        v, efficiency = (np.array([row[key] for row in shown]) for key in ("noise_variance", "efficiency"))
        axes.loglog(v, efficiency, f"C{index}-", label=label)
        points = [(row["noise_variance"], row["simulated"]) for row in shown if row["simulated"] != ""]
        axes.loglog(*zip(*points, strict=True), f"C{index}o", markersize=4)
    axes.axhline(1, color="0.6", linestyle=":")
    axes.axvline(1, color="0.8", linewidth=0.8)
    axes.set(xlabel="variance of the noise over that of the likelihood, v", ylabel="efficiency against least squares")
    axes.set(ylim=(1e-3, 1.5), title="Regression by likelihood (points: simulated fits)")
    axes.legend(loc="lower left")
    return figure


if __name__ == "__main__":
    study.main(sys.modules[__name__])
