"""Regression with low signal to noise: does maximum likelihood by sampling help there?"""

import sys
from itertools import product

import numpy as np
from matplotlib import pyplot as plt
from scipy import stats
from sklearn.datasets import load_diabetes

import maxrl_est as mx
from analysis import study

QUESTION = (
    "Does the likelihood-based estimator help in regressions with a low signal-to-noise ratio, as was expected of it?"
)
SETUP = (
    "y = x w + noise with 10 normal features and targets standardised, 200 rows to train and 1000 to test, for ratios "
    "of the variances of signal and noise of 10, 1, 0.1 and 0.01; and scikit-learn's diabetes data, 300 rows to train "
    "and 142 to test. Each of 20 seeds draws data, split and rollouts anew. A policy N(mean, s^2), both linear in x "
    "and s either 0.5 or learned, answers z; l = exp(-(y - z)^2 / (2 sigma^2)), sigma = 0.5; N = 16 or 64 rollouts a "
    "row, T = N, 500 steps of Adam with learning rate 0.01 on all rows. rloo and reinforce ascend expected "
    "likelihood; mse_rloo and mse_grpo take -(y - z)^2 as the reward; the U-statistic is ustat_mean_loo, the default, "
    "and baseline 1 ustat_one; exact_ml is supervised Gaussian maximum likelihood, exact_rl exact expected "
    "likelihood. Test NLL is of N(mean, s^2 + sigma^2); refitted NLL is of N(mean, v) with v the mean squared error "
    "on the training rows, so that the learned scale plays no part: rewards without noise of their own, such as -(y - "
    "z)^2, are greatest at s = 0. Intervals are 95% by Student's t over seeds, and of differences between estimators "
    "seed by seed. N = 16 where none is named."
)
SEED = 0
SIGMA = 0.5
SIZES = (16, 64)
RATIOS = {"ratio 10": 10.0, "ratio 1": 1.0, "ratio 0.1": 0.1, "ratio 0.01": 0.01}


def mse_rloo(likelihoods):
    """RLOO for the reward -(y - z)^2 / (2 sigma^2), which is log l."""
    reward, n = np.log(likelihoods), likelihoods.shape[-1]
    return (reward - reward.mean(axis=-1, keepdims=True)) * (n / (n - 1))


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
)
EXACT = ("exact_rl", "exact_ml")
OTHERS = {
    "rloo": "expected likelihood (rloo)",
    "mse_rloo": "squared error (mse_rloo)",
    "maxrl_shipped": "shipped MaxRL (biased here)",
}
MEASURES = {(0.5, "test_mse"): "MSE", ("learned", "test_nll"): "NLL", ("learned", "test_nll_refitted"): "refitted NLL"}
LOW = ("ratio 0.1", "ratio 0.01")
BETTER, WORSE = "U-statistic better", "U-statistic worse"


def measure(quick=False):
    seeds = 2 if quick else 20
    rows = []
    with study.workers() as executor:
        for data in [*RATIOS, "diabetes"]:
            for seed in range(SEED, SEED + seeds):
                task, test = tasks(data, seed)
                for scale, n in product((0.5, None), SIZES):
                    study.progress(f"{data}, seed {seed}")
                    features = task.inputs.shape[1]
                    policy = mx.policies.GaussianPolicy(mx.policies.MLP((features, 1 if scale else 2)), scale)
                    steps = 10 if quick else 500
                    result = mx.train(
                        task,
                        policy,
                        [*ESTIMATORS, *(EXACT if n == SIZES[0] else ())],
                        n=n,
                        steps=steps,
                        seeds=[seed],
                        evaluate_every=steps,
                        test=test,
                        executor=executor,
                    )
                    rows += [row(data, policy, n, task, test, curve) for curve in result.curves]
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
    return [mx.tasks.Regression(x[part], y[part], SIGMA) for part in (slice(train), slice(train, None))]


def row(data, policy, n, task, test, curve):
    train_mse, test_mse = (squared_error(policy, part, curve.parameters) for part in (task, test))
    return {
        "data": data,
        "scale": policy.scale or "learned",
        "n": "" if curve.estimator in EXACT else n,
        "estimator": curve.estimator,
        "seed": curve.seed,
        "test_nll": 0.5 * np.log(2 * np.pi * SIGMA**2) - curve.points[-1].test_log_pass_rate,
        "test_nll_refitted": 0.5 * (np.log(2 * np.pi * train_mse) + test_mse / train_mse),
        "test_mse": test_mse,
        "train_pass_rate": curve.points[-1].pass_rate,
    }


def squared_error(policy, task, theta):
    mean, _ = policy.mean_and_log_scale(policy.network(theta, task.inputs))
    return ((task.targets - mean) ** 2).mean()


def values(rows, data, scale, estimator, quantity, n=SIZES[0]):
    """One number a seed."""
    wanted = (data, scale, "" if estimator in EXACT else n, estimator)
    chosen = (r for r in rows if (r["data"], r["scale"], r["n"], r["estimator"]) == wanted)
    return np.array([r[quantity] for r in sorted(chosen, key=lambda r: r["seed"])])


def interval(x):
    """Mean and half-width of its 95% interval."""
    return x.mean(), stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))


def versus(rows, data, scale, other, quantity, n=SIZES[0]):
    """By how much the U-statistic estimator is lower than another."""
    mine, theirs = (values(rows, data, scale, name, quantity, n) for name in ("ustat_mean_loo", other))
    return interval(theirs - mine)


def outcome(centre, half):
    return BETTER if centre > half else WORSE if centre < -half else "not told apart"


def verdict(rows):
    lines = []
    for (scale, quantity), label in MEASURES.items():
        for other, name in OTHERS.items():
            parts = []
            for data in [*RATIOS, "diabetes"]:
                centre, half = versus(rows, data, scale, other, quantity)
                parts.append(f"{data} {centre:+.3f} ± {half:.3f} ({outcome(centre, half)})")
            lines.append(f"Scale {scale}, test {label} of {name} less that of the U-statistic: {'; '.join(parts)}.")
    for n in SIZES:
        gaps = [versus(rows, data, "learned", "exact_ml", "test_nll", n)[0] for data in [*RATIOS, "diabetes"]]
        centre, half = versus(rows, "ratio 0.01", "learned", "maxrl_shipped", "test_nll", n)
        lines.append(
            f"With N = {n} and a learned scale its NLL is within {max(np.abs(gaps)):.3f} nats of supervised maximum "
            f"likelihood, and that of shipped MaxRL at ratio 0.01 differs from it by {centre:+.3f} ± {half:.3f}."
        )
    return " ".join([*lines, *(expectation(rows, other) for other in OTHERS), baseline(rows)])


def expectation(rows, other):
    """Whether the U-statistic estimator is better wherever there is little signal, by each measure."""
    said = []
    for (scale, quantity), label in MEASURES.items():
        found = {outcome(*versus(rows, data, scale, other, quantity)) for data in LOW}
        said.append(f"{'holds' if found == {BETTER} else 'does not hold'} in {label}")
    return f"At ratios 0.1 and 0.01 the expectation {', '.join(said)} against {OTHERS[other]}."


def baseline(rows):
    """Whether the baseline 1 trains otherwise than the default."""
    data = [*RATIOS, "diabetes"]
    found = [
        outcome(*versus(rows, x, scale, "ustat_one", quantity, n))
        for scale, quantity in MEASURES
        for x in data
        for n in SIZES
    ]
    told = {label: found.count(label) for label in (BETTER, WORSE)}
    return (
        f"Over all data, measures and N the default baseline is better than 1 in {told[BETTER]} of {len(found)} "
        f"comparisons and worse in {told[WORSE]}."
    )


def draw(rows):
    names = [e if isinstance(e, str) else e.__name__ for e in (*ESTIMATORS, "exact_rl")]
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
            axes.locator_params(axis="x", nbins=4)
            axes.set_title(f"{data}, scale {scale}", fontsize="small")
        line[0].set_yticks(range(len(names)), names)
        line[len(settings) // 2].set_xlabel(f"{quantity.replace('_', ' ')} less that of supervised maximum likelihood")
    return figure


if __name__ == "__main__":
    study.main(sys.modules[__name__])
