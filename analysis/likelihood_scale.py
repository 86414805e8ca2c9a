"""What does a constant factor on the likelihood do to truncated maximum likelihood, and what does its order T do?"""

import math
import sys
from dataclasses import dataclass, replace

import matplotlib.pyplot as plt
import numpy as np

import maxrl_est as mx
from analysis import mean_loo, study

QUESTION = "What does a constant factor kappa on the likelihood do, and how large need the order T be?"
SETUP = (
    "Likelihoods kappa l instead of l: log p only gains a constant, but the gradient of J_T becomes kappa w_T(kappa "
    "p) grad p. Exact, in floats; p is always the pass rate before scaling. part 'share': p kappa w_T(kappa p) = 1 - "
    "(1 - kappa p)^T, the share of the gradient of log p that is kept. part 'contrast': weight of a hard prompt over "
    "that of an easy one, for pass rates 0.009 and 0.9 and for the regression below with targets 3 and 0; 'ideal' is "
    "the inverse ratio of pass rates. part 'noise': |E g|^2 / tr Cov g of one estimate with N = T = 16, for "
    "regression (policy N(0, 1), target 1, l = exp(-2 (z - 1)^2)) and for three arms drawn with 1/2, 1/3, 1/6 and l = "
    "0, 1/3, 1; ustat_mean_loo, the default, subtracts omega_i times the others' mean, ustat_optimal the constant of "
    "least variance, in part 'constant'. part 'order': the least T that keeps 90%; 'ideal' is log(10) / (kappa p)."
)
SEED = 0  # nothing is drawn

KAPPAS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
ORDERS = (1, 2, 4, 8, 16, 64, 256)
RATES = (*(step / 10**digits for digits in (4, 3, 2, 1) for step in (1, 1.5, 2, 3, 4, 5, 7)), 0.9, 1.0)
GROUP = 16
NEAR, FAR = (mx.problems.Gaussian(mean=0, scale=1, target=target, sigma=0.5) for target in (0, 3))
PAIRS = {"two pass rates": (0.9, 0.009), "regression": (NEAR.pass_rate, FAR.pass_rate)}
PROBLEMS = {
    "regression": mx.problems.Gaussian(mean=0, scale=1, target=1, sigma=0.5),
    "three arms": mx.problems.Bandit([1 / 2, 1 / 3, 1 / 6], [0.0, 1 / 3, 1.0]),
}
ESTIMATORS = {
    "ustat_mean_loo": "default baseline",
    "ustat_one": "baseline 1",
    "ustat": "no baseline",
    "ustat_optimal": "best constant",
}


@dataclass(frozen=True)
class Scaled:
    """A problem of one prompt with likelihoods kappa l."""

    problem: object
    kappa: float

    @property
    def prompts(self):
        return ((1, self),)

    @property
    def moments(self):
        m, k = self.problem.moments, self.kappa
        first = {"p": k * m.p, "lS": k * m.lS, "lSS": k * m.lSS}
        return replace(m, **first, p2=k * k * m.p2, l2S=k * k * m.l2S, l2SS=k * k * m.l2SS)


def measure(quick):
    kappas = KAPPAS[::3] if quick else KAPPAS
    return [row for part in (shares, contrasts, noises, orders) for kappa in kappas for row in part(kappa)]


def row(part, kappa, value, problem="", estimator="", order="", p="", ideal=""):
    about = {"part": part, "problem": problem, "estimator": estimator, "kappa": kappa, "order": order, "p": p}
    return {**about, "value": float(value), "ideal": ideal}


def weights(kappa, order, p):
    """What multiplies grad p in the gradient of J_T(kappa p)."""
    return kappa * mx.Objective.maxrl(order).weight(kappa * np.array(p))


def shares(kappa):
    kept = {order: weights(kappa, order, RATES) * RATES for order in ORDERS}
    return [
        row("share", kappa, value, order=order, p=p, ideal=1)
        for order, values in kept.items()
        for p, value in zip(RATES, values, strict=True)
    ]


def contrasts(kappa):
    found = []
    for problem, (easy, hard) in PAIRS.items():
        for order in ORDERS:
            of_easy, of_hard = weights(kappa, order, (easy, hard))
            found.append(row("contrast", kappa, of_hard / of_easy, problem, order=order, p=hard, ideal=easy / hard))
    return found


def noises(kappa):
    found = []
    for name, problem in PROBLEMS.items():
        scaled = Scaled(problem, kappa)
        about = {"problem": name, "order": GROUP, "p": float(problem.pass_rate)}
        signal = weights(kappa, GROUP, problem.pass_rate) * problem.grad_pass_rate
        for estimator in ESTIMATORS:
            clear = study.rounded(signal @ signal / noise(scaled, estimator))
            found.append(row("noise", kappa, clear, estimator=estimator, **about))
        best = study.rounded(mx.optimal_baseline(scaled, GROUP).constant)
        found.append(row("constant", kappa, best, **about))
    return found


def noise(scaled, estimator):
    """tr Cov of one estimate."""
    if estimator == "ustat_mean_loo":
        return mean_loo.total_variance(mean_loo.raw_moments(scaled.problem, scaled.kappa), GROUP, GROUP)
    row = mx.ustat_optimal(scaled, GROUP) if estimator == "ustat_optimal" else mx.estimators.get(estimator)
    return np.trace(mx.closed_form_variance(scaled, row, GROUP))


def orders(kappa):
    return [row("order", kappa, least(kappa * p), p=p, ideal=math.log(10) / (kappa * p)) for p in RATES]


def least(p):
    """The least T with (1 - p)^T <= 1/10; the small term lets T be a whole solution, as 1 is for p = 0.9."""
    return 1 if p == 1 else math.ceil(math.log(0.1) / math.log1p(-p) - 1e-9)


def verdict(rows):
    def at(part, kappa, **about):
        wanted = {"part": part, "kappa": kappa, **about}
        return next(r["value"] for r in rows if all(r[key] == value for key, value in wanted.items()))

    def excess(kappa, estimator):
        clear = [at("noise", kappa, problem="regression", estimator=x) for x in ("ustat_optimal", estimator)]
        return clear[0] / clear[1]  # of variances, because both have the same mean

    spread = [at("contrast", kappa, problem="two pass rates", order=GROUP) for kappa in (1.0, 0.1, 0.001)]
    kept = [at("share", kappa, order=GROUP, p=0.1) for kappa in (1.0, 0.1, 0.001)]
    best = [at("constant", kappa, problem="regression") for kappa in (1.0, 0.001)]
    needed = [(r["value"], math.ceil(r["ideal"])) for r in rows if r["part"] == "order"]
    return (
        f"Scaled down, truncated log p turns into expected likelihood: at T = {GROUP} the share of the gradient of "
        f"log p kept at p = 0.1 falls from {kept[0]:.0%} through {kept[1]:.0%} to {kept[2]:.2%} as kappa goes from 1 "
        f"through 0.1 to 0.001, and a prompt of p = 0.009 weighs {spread[0]:.1f}, {spread[1]:.2f} and {spread[2]:.3f} "
        f"times one of p = 0.9, where maximum likelihood says 100. A baseline of 1 is then far too large: on "
        f"regression its variance is {excess(1.0, 'ustat_one'):.1f} times that of the best constant at kappa = 1 and "
        f"{excess(0.001, 'ustat_one'):,.0f} times at 0.001, while the best constant falls from {best[0]:.2f} to "
        f"{best[1]:.4f}; the default baseline, which follows the scale, costs {excess(1.0, 'ustat_mean_loo'):.2f} and "
        f"{excess(0.001, 'ustat_mean_loo'):.2f} times, and none {excess(1.0, 'ustat'):.2f} and "
        f"{excess(0.001, 'ustat'):.2f} times. "
        f"Keeping 90% at p = 0.1 takes T = {at('order', 1.0, p=0.1):.0f}, and {at('order', 0.001, p=0.1):,.0f} at "
        f"kappa = 0.001; log(10) / (kappa p) rounded up suffices in {sum(x <= y for x, y in needed)} of {len(needed)} "
        "cases. So scale the likelihood until the largest attainable one is 1, and choose T, and with it N, of at "
        "least about 2.3 / p for the pass rates that are to count."
    )


def draw(rows):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2))
    draw_shares(left, [r for r in rows if r["part"] == "share"])
    draw_noise(right, [r for r in rows if r["part"] == "noise"])
    return figure


def draw_shares(axes, rows):
    for i, kappa in enumerate((1.0, 0.1, 0.01, 0.001)):
        for order, style in ((GROUP, "-"), (256, "--")):
            values = [r["value"] for r in rows if r["kappa"] == kappa and r["order"] == order]
            axes.semilogx(RATES, values, f"C{i}{style}", label=f"kappa = {kappa:g}" if style == "-" else None)
    axes.plot([], [], "k--", label="dashed: T = 256")
    axes.axhline(0.9, color="0.6", linestyle=":", linewidth=1)
    axes.set(xlabel="pass rate p before scaling", ylabel="share of the gradient of log p", ylim=(0, 1.03))
    axes.set_title(f"What J_{GROUP} keeps of maximum likelihood")
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.87))


def draw_noise(axes, rows):
    for i, (estimator, label) in enumerate(ESTIMATORS.items()):
        for problem, style in zip(PROBLEMS, ("-", "--"), strict=True):
            shown = [r for r in rows if r["problem"] == problem and r["estimator"] == estimator]
            x, y = ([r[key] for r in shown] for key in ("kappa", "value"))
            axes.loglog(x, y, f"C{i}{style}", label=label if style == "-" else None)
    axes.plot([], [], "k--", label="dashed: three arms")
    axes.set(xlabel="factor kappa on the likelihood", ylabel="|E g|^2 / tr Cov g")
    axes.set_title(f"Signal to noise, N = T = {GROUP}, regression")
    axes.legend()


if __name__ == "__main__":
    study.main(sys.modules[__name__])
