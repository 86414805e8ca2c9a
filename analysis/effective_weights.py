"""What do the advantages that trainers use ascend? Their exact effective weights W(p), E[g] = W(p) grad p."""

import sys
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np

import maxrl_est as mx
from analysis import study

QUESTION = "What do the advantages that trainers ship really optimise?"
SETUP = (
    "0/1 rewards, groups of N = 2, 4, 8 and 16 rollouts: the weight W(p) of the exact mean gradient W(p) grad p, and "
    "the objective, its integral with value 0 at p = 1, in rational arithmetic (W of the four grpo rows in floats). "
    "All registered estimators that accept rewards of 0, so not vimco and jackknife, which take logarithms of them; "
    "passk_loo, maxk_loo, mean_less_gini, mean_less_variance and median from N = 4, because their baselines need two "
    "others, or three. 'nearest' is J_T or pass@k up to a factor, and 'exact' whether W is that one. What median and "
    "the two means less a spread ascend on graded rewards is another polynomial of p on 0/1 rewards, where the two "
    "lifts of grpo are grpo itself."
)
SEED = 0  # nothing is drawn

SIZES = (2, 4, 8, 16)
NEEDS_MORE = ("passk_loo", "maxk_loo", "median", "mean_less_gini", "mean_less_variance")
DECADE = (10, 15, 20, 30, 50, 70)
RATES = sorted(
    [
        *(Fraction(step, 10**digits) for digits in (4, 3, 2) for step in DECADE),
        *(Fraction(percent, 100) for percent in (40, 60, 80, 90, 95, 98, 99, 100)),
    ]
)
SHOWN = {
    "ustat": ("MaxRL, unbiased: J_16", "C0", "-"),
    "maxrl_shipped": ("MaxRL as shipped: J_15", "C1", "--"),
    "grpo": ("GRPO: no J_T", "C3", "-"),
    "rloo": ("RLOO: J_1", "C2", "-"),
}


def measure(quick):
    return [row for n in (SIZES[-1:] if quick else SIZES) for name in names(n) for row in curve(name, n)]


def names(n):
    """The estimators that are defined for 0/1 rewards of n rollouts."""
    accepting = [name for name in mx.estimators.names() if not mx.estimators.get(name).positive_only]
    return [name for name in accepting if n > 2 or name not in NEEDS_MORE]


def curve(name, n):
    weight = mx.effective_weight(mx.estimators.get(name), n)
    near, powers = weight.nearest(), weight.coefficients
    about = {"n": n, "estimator": name, "nearest": near.name, "exact": near.known}
    return [
        {**about, "p": float(p), "weight": float(weight.value(p)), "objective": float(integral(powers, 1 - p))}
        for p in RATES
    ]


def integral(powers, q):
    """J at failure rate q, from dJ/dp = sum_k c_k q^k and J = 0 at q = 0."""
    return -sum(c * q ** (k + 1) / (k + 1) for k, c in enumerate(powers))


def verdict(rows):
    rows = [row for row in rows if row["n"] == SIZES[-1]]
    nearest = {row["estimator"]: row["nearest"] for row in rows}
    strange = list(dict.fromkeys(row["estimator"] for row in rows if not row["exact"]))
    grpo, ustat = ({row["p"]: row["weight"] for row in rows if row["estimator"] == x} for x in ("grpo", "ustat"))
    least = min(grpo, key=grpo.get)
    return (
        f"With N = {SIZES[-1]}, {len(nearest) - len(strange)} of {len(nearest)} estimators ascend a J_T or a pass@k "
        f"exactly, up to a constant factor; {', '.join(strange[:-1])} and {strange[-1]} ascend none. MaxRL as shipped "
        f"is exactly {nearest['maxrl_shipped']}, one order behind {nearest['ustat']} of the unbiased estimator; "
        f"centring on the mean (Dr. GRPO) is exactly {nearest['mean_centred']}. GRPO weighs a prompt solved with "
        f"p = 0.9 by {grpo[0.9]:.2f}, one with p = {least:g} by {grpo[least]:.2f} (its least) and one with p = 0.1 by "
        f"{grpo[0.1]:.2f}; at p = 0.001 and p = 1 its weight is {grpo[0.001]:.2f} and {grpo[1.0]:.2f}, where that of "
        f"the unbiased estimator is {ustat[0.001]:.2f} and {ustat[1.0]:.2f}."
    )


def draw(rows):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2))
    p = np.geomspace(1e-3, 1, 200)
    left.loglog(p, 1 / p, color="0.6", linestyle=":", label="maximum likelihood: 1/p")
    right.semilogx(p, np.log(p), color="0.6", linestyle=":")
    for name, (label, colour, style) in SHOWN.items():
        shown = [row for row in rows if row["n"] == SIZES[-1] and row["estimator"] == name]
        p, weight, objective = (np.array([row[key] for row in shown]) for key in ("p", "weight", "objective"))
        left.loglog(p, weight, colour + style, label=label)
        right.semilogx(p, objective * 2 / weight[p == 0.5], colour + style)
    left.set(xlabel="pass rate p of a prompt", ylabel="weight W(p) of its gradient", ylim=(0.5, 400))
    left.set_title("its weight")
    left.legend()
    right.set(xlabel="pass rate p of a prompt", ylabel="objective, slope 2 at p = 1/2 as log p")
    right.set_title("its integral, the objective")
    figure.suptitle(f"What an advantage ascends with N = {SIZES[-1]} rollouts, 0/1 rewards", fontsize="medium")
    return figure


if __name__ == "__main__":
    study.main(sys.modules[__name__])
