"""Regression with low signal to noise: does maximum likelihood by sampling help there?"""

import sys

import numpy as np
from matplotlib import pyplot as plt
from scipy import stats
from sklearn.datasets import load_diabetes

import maxrl_est as mx
from analysis import study
from maxrl_est.policies import MLP, Gaussian

QUESTION = (
    "Does the likelihood-based estimator help in regressions with a low signal-to-noise ratio, as was expected of it?"
)
SETUP = (
    "y = x w + noise with 10 normal features and targets standardised, 200 rows to train and 1000 to test, for "
    "ratios of the variances of signal and noise of 10, 1, 0.1 and 0.01; and scikit-learn's diabetes data, 300 "
    "rows to train and 142 to test. Each of 20 seeds draws data, split and rollouts anew. A policy N(mean, s^2), "
    "both linear in x and s either 0.5 or learned, answers z; l = exp(-(y - z)^2 / (2 sigma^2)), sigma = 0.5; N = "
    "16 rollouts a row, 500 steps of Adam with learning rate 0.01 on all rows. rloo and reinforce ascend expected "
    "likelihood; mse_rloo and mse_grpo take -(y - z)^2 as the reward; exact_ml is supervised Gaussian maximum "
    "likelihood, exact_rl exact expected likelihood. Test NLL is of N(mean, s^2 + sigma^2). Intervals are 95% by "
    "Student's t over seeds, and of differences between estimators seed by seed."
)
SEED = 0
SIGMA, N = 0.5, 16
RATIOS = {"ratio 10": 10.0, "ratio 1": 1.0, "ratio 0.1": 0.1, "ratio 0.01": 0.01}


def mse_rloo(likelihoods):
    """RLOO for the reward -(y - z)^2 / (2 sigma^2), which is log l."""
    reward = np.log(likelihoods)
    return (reward - reward.mean(axis=-1, keepdims=True)) * (N / (N - 1))


def mse_grpo(likelihoods):
    """GRPO for the same reward, whose scale it divides out."""
    reward = np.log(likelihoods)
    return (reward - reward.mean(axis=-1, keepdims=True)) / (reward.std(axis=-1, keepdims=True) + 1e-6)


ESTIMATORS = (
    "reinforce",
    "rloo",
    mse_rloo,
    mse_grpo,
    "maxrl_shipped",
    "self_normalised",
    "tailrl_centred",
    "ustat_one",
    "ustat_mean_loo",
    "exact_rl",
    "exact_ml",
)


def measure(quick=False):
    seeds = 2 if quick else 20
    rows = []
    with study.workers() as executor:
        for data in [*RATIOS, "diabetes"]:
            for seed in range(SEED, SEED + seeds):
                task, test = tasks(data, seed)
                for scale in (0.5, None):
                    study.progress(f"{data}, seed {seed}")
                    features = task.inputs.shape[1]
                    policy = Gaussian(MLP((features, 1 if scale else 2)), scale)
                    steps = 10 if quick else 500
                    result = mx.train(
                        task,
                        policy,
                        ESTIMATORS,
                        n=N,
                        steps=steps,
                        seeds=[seed],
                        evaluate_every=steps,
                        test=test,
                        executor=executor,
                    )
                    rows += [row(data, policy, test, curve) for curve in result.curves]
    return rows


def tasks(data, seed):
    rng = np.random.default_rng((SEED, seed))
    if data == "diabetes":
        x, y = load_diabetes(return_X_y=True)
        order, train = rng.permutation(len(y)), 300
        x, y = x[order], y[order]
    else:
        train, ratio = 200, RATIOS[data]
        x, w = rng.standard_normal((train + 1000, 10)), rng.standard_normal(10)
        y = x @ (w / np.linalg.norm(w)) * np.sqrt(ratio) + rng.standard_normal(len(x))
    x, y = ((a - a[:train].mean(axis=0)) / a[:train].std(axis=0) for a in (x, y))  # by what is known when training
    return [mx.problems.Regression(x[part], y[part], SIGMA) for part in (slice(train), slice(train, None))]


def row(data, policy, test, curve):
    mean, _ = policy.mean_and_log_scale(policy.network(curve.parameters, test.inputs))
    return {
        "data": data,
        "scale": policy.scale or "learned",
        "estimator": curve.estimator,
        "seed": curve.seed,
        "test_nll": 0.5 * np.log(2 * np.pi * SIGMA**2) - curve.points[-1].test_log_pass_rate,
        "test_mse": ((test.targets - mean) ** 2).mean(),
        "train_pass_rate": curve.points[-1].pass_rate,
    }


def values(rows, data, scale, estimator, quantity):
    """One number a seed."""
    chosen = (r for r in rows if (r["data"], r["scale"], r["estimator"]) == (data, scale, estimator))
    return np.array([r[quantity] for r in sorted(chosen, key=lambda r: r["seed"])])


def interval(x):
    """Mean and half-width of its 95% interval."""
    return x.mean(), stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))


def versus(rows, data, scale, other, quantity):
    """By how much the U-statistic estimator is lower than another."""
    mine, theirs = (values(rows, data, scale, name, quantity) for name in ("ustat_one", other))
    return interval(theirs - mine)


def outcome(centre, half):
    return "lower" if centre > half else "higher" if centre < -half else "not told apart"


def verdict(rows):
    lines = []
    for scale, quantity, label in ((0.5, "test_mse", "MSE"), ("learned", "test_nll", "NLL")):
        what = "fixed scale" if scale == 0.5 else "learned scale"
        for other, name in (("rloo", "expected likelihood (rloo)"), ("mse_rloo", "squared error (mse_rloo)")):
            parts = []
            for data in [*RATIOS, "diabetes"]:
                centre, half = versus(rows, data, scale, other, quantity)
                parts.append(f"{data} {centre:+.3f} ± {half:.3f} ({outcome(centre, half)})")
            lines.append(f"{what}: test {label} of {name} less that of the U-statistic: {', '.join(parts)}.")
    gaps = [versus(rows, data, "learned", "exact_ml", "test_nll")[0] for data in [*RATIOS, "diabetes"]]
    lines.append(
        f"With a learned scale the U-statistic is within {max(np.abs(gaps)):.3f} nats of supervised maximum likelihood."
    )
    low = [versus(rows, data, "learned", "rloo", "test_nll") for data in ("ratio 0.1", "ratio 0.01")]
    squared = [versus(rows, data, 0.5, "mse_rloo", "test_mse") for data in ("ratio 0.1", "ratio 0.01")]
    holds = all(outcome(*x) == "lower" for x in low)
    beats = all(outcome(*x) == "lower" for x in squared)
    said = ["holds" if x else "does not hold" for x in (holds, beats)]
    lines.append(
        f"At low signal to noise (0.1 and 0.01) the expectation {said[0]} against expected likelihood in NLL, "
        f"and {said[1]} in MSE against the plain squared-error reward."
    )
    return " ".join(lines)


def draw(rows):
    names = [e if isinstance(e, str) else e.__name__ for e in ESTIMATORS]
    settings = [*RATIOS, "diabetes"]
    figure, panels = plt.subplots(2, len(settings), figsize=(13, 6.5), sharey=True)
    for line, scale, quantity in zip(panels, (0.5, "learned"), ("test_mse", "test_nll"), strict=True):
        for axes, data in zip(line, settings, strict=True):
            for index, name in enumerate(names):
                difference = values(rows, data, scale, name, quantity) - values(rows, data, scale, "exact_ml", quantity)
                centre, half = interval(difference)
                colour = "C3" if name.startswith("ustat") else "C0"
                axes.errorbar(centre, index, xerr=half, fmt="o", color=colour, markersize=4, capsize=2)
            axes.axvline(0, color="0.7", linewidth=0.8)
            axes.set_xscale("symlog", linthresh=0.01)
            axes.set_title(f"{data}, scale {scale}", fontsize="small")
            axes.tick_params(axis="x", labelsize="x-small")
        line[0].set_yticks(range(len(names)), names)
        line[len(settings) // 2].set_xlabel(f"{quantity.replace('_', ' ')} less that of supervised maximum likelihood")
    return figure


if __name__ == "__main__":
    study.main(sys.modules[__name__])
