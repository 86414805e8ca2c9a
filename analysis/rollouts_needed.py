"""Rollouts that a gradient needs, from exact means and variances: noise on one prompt, bias on several."""

import math
import sys

import matplotlib.pyplot as plt
import numpy as np

import maxrl_est as mx
from analysis import mean_loo, study

QUESTION = "How many rollouts does a gradient need until it is more signal than noise, and can more of them mend bias?"
SETUP = (
    "The target is the gradient of maximum likelihood, t = grad E log p. M groups of N rollouts, each of a prompt "
    "drawn at random, have the mean gradient g with E g = m and Cov g = C / M, exact by mx.closed_form_moments. The "
    "error of an estimator is min over c of E|c g - t|^2 / |t|^2 = 1 - (m.t)^2 / (|t|^2 (|m|^2 + tr C / M)), so that "
    "every estimator has the step size that suits it best; 1 is no gradient at all. Without bias in direction it is 1 "
    "/ (1 + M snr) with snr = |m|^2 / tr C, and 1/2 is a signal-to-noise ratio of 1; limit is what is left for M = "
    "infinity, the squared sine of the angle between m and t. half, quarter and tenth are the rollouts N M for the "
    "least whole M with at most that error, empty if there is none. Single prompts, on which all 0/1 estimators have "
    "the direction of t, so that only noise counts: coins with one logit; 16 answers of which 8 are right, with 16 "
    "logits; and graded bandits and regressions (policy N(0, 1), likelihood of width 0.5, target at an offset). "
    "Mixtures: 6 equally likely prompts with parameters of their own, pass rates geometric from p to 0.5. Estimators "
    "in closed form: reinforce, rloo, grpo (0/1 only), and the U-statistics for J_N (ustat_mean_loo, the default, "
    "ustat and ustat_one) and J_(N-1) (ustat_pass_loo). On 0/1 rewards the last three are maxrl, maxrl_cv and "
    "maxrl_shipped; mean_centred is (1 - 1/N) rloo, with the same errors. N is a power of 2 up to 256. On coins "
    "successes have one score: a sum over successes alone then has next to no noise, so that coins flatter estimators "
    "with the right constant, and the verdict is on answers. The ratio snr is cut at 10^6. Nothing is sampled; "
    "ustat_mean_loo is by analysis/mean_loo.py."
)
SEED = 0  # nothing is drawn

ESTIMATORS = ("reinforce", "rloo", "grpo", "ustat", "ustat_one", "ustat_mean_loo", "ustat_pass_loo")
SIZES = tuple(2**k for k in range(1, 9))
SHOWN = {
    "reinforce": ("REINFORCE", "0.5"),
    "rloo": ("RLOO", "C2"),
    "grpo": ("GRPO", "C3"),
    "ustat_mean_loo": ("MaxRL", "C0"),
    "ustat_one": ("MaxRL, baseline 1", "C5"),
    "ustat": ("MaxRL, no baseline", "C4"),
    "ustat_pass_loo": ("MaxRL as shipped", "C1"),
}
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9)
HARDEST = (0.001, 0.003, 0.01, 0.03, 0.1)
LEVELS = {"half": 1 / 2, "quarter": 1 / 4, "tenth": 1 / 10}
MOST = 1e6  # signal-to-noise ratios are cut here: above, the noise is below the rounding of the closed form


def answers(p):
    """16 answers of which 8 are right: unlike a coin's, gradients of successes differ."""
    return mx.problems.Bandit([(1 - p) / 8] * 8 + [p / 8] * 8, [0.0] * 8 + [1.0] * 8)


def mixture(prompt, hardest):
    return mx.problems.Contextual([prompt(p) for p in np.geomspace(hardest, 0.5, 6).tolist()])


KINDS = {"coin": mx.problems.Bernoulli, "answers": answers}
GRADED = {
    "arms, mixed": mx.problems.Bandit([0.5, 0.3, 0.2], [0.05, 0.4, 0.9]),
    "arms, rarely good": mx.problems.Bandit([0.9, 0.09, 0.01], [0.0, 0.3, 1.0]),
    **{f"Gaussian, offset {offset}": mx.problems.Gaussian(0.0, 1.0, float(offset), 0.5) for offset in (1, 2, 3, 4)},
}


def measure(quick):
    rows = []
    for n in SIZES[1:4] if quick else SIZES:
        for estimator in ESTIMATORS:
            study.progress(f"N = {n}, {estimator}")
            for kind, make in KINDS.items():
                rows += [row(kind, make(p), p, estimator, n) for p in RATES]
                rows += [row(f"mixture of {kind}", mixture(make, p), p, estimator, n) for p in HARDEST]
            if estimator != "grpo":
                rows += [row(name, x, study.rounded(x.pass_rate), estimator, n) for name, x in GRADED.items()]
    return rows


def row(kind, problem, p, estimator, n):
    likelihood = sum(float(weight) * prompt.grad_pass_rate / prompt.pass_rate for weight, prompt in problem.prompts)
    mean, noise = mean_and_noise(problem, estimator, n)
    signal = float(mean @ mean)
    noise = max(float(noise), signal / MOST)
    along = float(mean @ likelihood) ** 2 / float(likelihood @ likelihood)
    return {
        "problem": kind,
        "p": p,
        "estimator": estimator,
        "N": n,
        "snr": study.rounded(signal / noise),
        "limit": round(max(0.0, 1 - along / signal), 6),
        **{name: rollouts(n, noise, along / (1 - level) - signal) for name, level in LEVELS.items()},
    }


def mean_and_noise(problem, estimator, n):
    """E g (d,) and tr Cov g of one group."""
    if estimator == "ustat_mean_loo":
        return of_mean_loo(problem, n)
    moments = mx.closed_form_moments(problem, mx.estimators.get(estimator), n)
    return moments.mean, np.trace(moments.covariance)


def of_mean_loo(problem, n):
    """A group belongs to one prompt, so that the spread of the prompts' means is noise too."""
    chances = np.array([float(weight) for weight, _ in problem.prompts])
    prompts = [prompt for _, prompt in problem.prompts]
    means = np.array([mx.target_gradient(prompt, mx.Objective.maxrl(n)) for prompt in prompts])
    within = [mean_loo.total_variance(mean_loo.raw_moments(prompt), n, n) for prompt in prompts]
    mean = chances @ means
    return mean, chances @ within + chances @ ((means - mean) ** 2).sum(axis=1)


def rollouts(n, noise, room):
    """Rollouts in groups of n until ``noise / groups <= room``, empty if that is never."""
    return n * max(1, math.ceil(noise / room - 1e-6)) if room > 0 else ""


def verdict(rows):
    return " ".join([one_prompt(rows), graded(rows), mixtures(rows)])


def one_prompt(rows):
    said = []
    for estimator in ("ustat_mean_loo", "ustat_one", "ustat_pass_loo", "ustat"):
        against = relative(rows, estimator)
        low, high = min(against, key=against.get), max(against, key=against.get)
        said.append(f"{estimator} {against[low]:.2f} (p = {low}) to {against[high]:.2g} (p = {high})")
    rarest = [chosen(rows, "answers", RATES[0], name) for name in ("rloo", "ustat_mean_loo")]
    rloo, maxrl = (least(some, "half") for some in rarest)
    more = "about as many as" if 0.95 < maxrl / rloo < 1.05 else "fewer than" if maxrl < rloo else "more than"
    return (
        f"On one 0/1 prompt of p = {RATES[0]}, each with its best N, MaxRL needs {more} RLOO for a "
        f"signal-to-noise ratio of 1: {maxrl} rollouts and {rloo}. In groups of 16 the rollouts needed, over those of "
        f"RLOO, are: {', '.join(said)}."
    )


def graded(rows):
    gains = {}
    for name, problem in GRADED.items():
        p = study.rounded(problem.pass_rate)
        rloo, maxrl = (least(chosen(rows, name, p, x), "tenth") for x in ("rloo", "ustat_mean_loo"))
        gains[name] = rloo / maxrl
    low, high = min(gains, key=gains.get), max(gains, key=gains.get)
    return (
        f"On graded prompts, to an error of a tenth with the best N, RLOO needs {gains[low]:.2g} ({low}) to "
        f"{gains[high]:.2g} ({high}) times the rollouts of ustat_mean_loo."
    )


def mixtures(rows):
    limits = [enough(rows, name) for name in ("ustat_mean_loo", "rloo")]
    return (
        "On mixtures there is bias too; rollouts to errors of 1/2, 1/4 and 1/10 with the best N, by the pass rate of "
        f"the hardest prompt: {'; '.join(described(rows, p) for p in HARDEST[::-2])}. The least N whose error is below "
        f"a tenth with infinitely many rollouts: {', '.join(limits)}."
    )


def enough(rows, name):
    sizes = {p: [r["N"] for r in mixed(rows, p, name) if r["limit"] < 0.1] for p in reversed(HARDEST)}
    found = [f"{min(n, default='more than measured')} for {p}" for p, n in sizes.items()]
    return f"{SHOWN[name][0]} {', '.join(found) if any(sizes.values()) else 'none'}"


def described(rows, p):
    parts = []
    for name in ("rloo", "grpo", "ustat_mean_loo"):
        some = mixed(rows, p, name)
        needs = ", ".join(str(least(some, level) or "never") for level in LEVELS)
        parts.append(f"{SHOWN[name][0]} {needs} (its limit at N = {some[-1]['N']}: {some[-1]['limit']:.2f})")
    return f"{p}: {' / '.join(parts)}"


def mixed(rows, p, estimator):
    return chosen(rows, "mixture of answers", p, estimator)


def relative(rows, estimator):
    """Rollouts for a signal-to-noise ratio of 1 over those of RLOO, in groups of 16 answers, by p."""
    mine, rloo = ([r for r in rows if key(r)[::2] == ("answers", x) and r["N"] == 16] for x in (estimator, "rloo"))
    return {a["p"]: b["snr"] / a["snr"] for a, b in zip(mine, rloo, strict=True)}


def chosen(rows, problem, p, estimator):
    return [row for row in rows if key(row) == (problem, p, estimator)]


def key(row):
    return row["problem"], row["p"], row["estimator"]


def least(rows, level):
    """Rollouts with the best N, None if no N will do."""
    return min((row[level] for row in rows if row[level]), default=None)


def draw(rows):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.0))
    for estimator, (label, colour) in SHOWN.items():
        against = relative(rows, estimator)
        left.loglog(list(against), list(against.values()), color=colour, marker=".", label=label)
    left.set(xlabel="pass rate p", ylabel="rollouts needed / those of RLOO", title="One prompt, N = 16: only noise")
    left.legend()
    budget = np.geomspace(32, 1e6, 300)
    for estimator in ("rloo", "grpo", "ustat_mean_loo"):
        label, colour = SHOWN[estimator]
        some = mixed(rows, 0.01, estimator)
        right.loglog(budget, np.nanmin([error(row, budget) for row in some], axis=0), color=colour, label=label)
        if estimator == "ustat_mean_loo":
            right.loglog(
                budget, error(some[2], budget), color=colour, linestyle="--", label=f"{label}, N = {some[2]['N']}"
            )
    right.set(xlabel="rollouts, best N", ylabel="error of the gradient", title="Prompts from 0.01 to 0.5: bias too")
    right.legend()
    return figure


def error(row, budget):
    """The error for so many rollouts; nan where they are less than a group."""
    groups = np.where(budget >= row["N"], budget / row["N"], np.nan)
    return 1 - (1 - row["limit"]) / (1 + 1 / (row["snr"] * groups))


if __name__ == "__main__":
    study.main(sys.modules[__name__])
