"""Accuracy as the reward against cross-entropy, on handwritten digits."""

import sys

import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits

import maxrl_est as mx
from analysis import study

QUESTION = "How does a classifier trained on its accuracy by sampling labels compare with one trained by cross-entropy?"
SETUP = (
    "scikit-learn's 8x8 digits, 1200 to train and 597 to test; and pairs of them as one of 100 classes, 2000 to train "
    "and 1000 to test, first pass rate about 0.01. A softmax policy with 64 hidden units answers; the likelihood is 1 "
    "for the right label, else 0. Adam, learning rate 0.003, batches of 64 prompts, 400 steps (digits) and 1000 "
    "(pairs), 5 seeds with common first weights and batches. Exact RL and exact ML (cross-entropy) ascend the "
    "gradients of E p and E log p themselves; ustat_mean_loo(T) is the U-statistic estimator of J_T with the default "
    "baseline, T = N where no T is given, and ustat_one that with baseline 1. A pass rate is how often a sampled "
    "answer is right, an accuracy how often the most likely one is."
)
SEED = 0
TASKS = {"digits": 400, "pairs": 1000}  # steps
SIZES = (4, 16, 64, 256, 1024)
ESTIMATORS = (
    "reinforce",
    "rloo",
    "grpo",
    "maxrl_shipped",
    "ustat_mean_loo(4)",
    "ustat_mean_loo(16)",
    "ustat_mean_loo",
    "ustat_one",
)
EXACT = ("exact_rl", "exact_ml")


def measure(quick=False):
    seeds, sizes = (1, (4, 16)) if quick else (5, SIZES)
    rows = []
    with study.workers() as executor:
        for name, steps in TASKS.items():
            steps = 10 if quick else steps
            task, test = tasks(name)
            policy = mx.policies.SoftmaxPolicy(mx.policies.MLP((task.inputs.shape[1], 64, task.likelihoods.shape[1])))
            for n in sizes:
                study.progress(f"{name}, N = {n}")
                allowed = [e for e in ESTIMATORS if not (e == "ustat_mean_loo(16)" and n < 16)]
                result = mx.train(
                    task,
                    policy,
                    [*allowed, *(EXACT if n == sizes[0] else ())],
                    n=n,
                    steps=steps,
                    batch=64,
                    seeds=range(SEED, SEED + seeds),
                    optimiser=mx.optimisers.Adam(0.003),
                    evaluate_every=steps,
                    test=test,
                    executor=executor,
                )
                rows += [row(name, n, policy, task, test, curve) for curve in result.curves]
    return rows


def tasks(name):
    """The task to train on and the one to test on; no image is in both."""
    data = load_digits()
    order = np.random.default_rng(SEED).permutation(len(data.target))
    images, labels = data.data[order] / 16, data.target[order]
    parts = (images[:1200], labels[:1200]), (images[1200:], labels[1200:])
    if name == "digits":
        return [mx.tasks.ContextualBandit.of_labels(x, y, 10) for x, y in parts]
    return [
        paired(x, y, count, np.random.default_rng((SEED, count)))
        for (x, y), count in zip(parts, (2000, 1000), strict=True)
    ]


def paired(images, labels, count, rng):
    left, right = rng.integers(0, len(labels), (2, count))
    inputs = np.concatenate((images[left], images[right]), axis=1)
    return mx.tasks.ContextualBandit.of_labels(inputs, 10 * labels[left] + labels[right], 100)


def row(name, n, policy, task, test, curve):
    first, last = curve.points[0], curve.points[-1]
    return {
        "task": name,
        "n": "" if curve.estimator in EXACT else n,
        "estimator": curve.estimator,
        "seed": curve.seed,
        "untrained_log_likelihood": first.log_pass_rate,
        "train_log_likelihood": last.log_pass_rate,
        "test_log_likelihood": last.test_log_pass_rate,
        "train_pass_rate": last.pass_rate,
        "test_pass_rate": last.test_pass_rate,
        "train_accuracy": accuracy(policy, task, curve.parameters),
        "test_accuracy": accuracy(policy, test, curve.parameters),
    }


def accuracy(policy, task, theta):
    """How often the most likely answer is right, where the pass rate is how often a sampled one is."""
    answers = policy.network(theta, task.inputs).argmax(axis=1)
    return task.likelihoods[np.arange(len(task)), answers].mean()


def mean(rows, task, estimator, n, quantity):
    return np.mean([r[quantity] for r in rows if (r["task"], r["estimator"], r["n"]) == (task, estimator, n)])


def verdict(rows):
    return " ".join(on_task(rows, task) for task in TASKS)


def on_task(rows, task):
    sizes = sorted({r["n"] for r in rows} - {""})
    most = sizes[-1]
    ml, rl = (mean(rows, task, e, "", "train_log_likelihood") for e in EXACT[::-1])
    at, with_one = (
        {n: mean(rows, task, e, n, "train_log_likelihood") for n in sizes} for e in ("ustat_mean_loo", "ustat_one")
    )
    steps, of_one = (", ".join(f"{x:.3f} at N = {n}" for n, x in found.items()) for found in (at, with_one))
    others = [f"{e} {mean(rows, task, e, most, 'train_log_likelihood'):.3f}" for e in ESTIMATORS if "(" not in e]
    untrained = mean(rows, task, "exact_ml", "", "untrained_log_likelihood")
    tried = [e for e in ESTIMATORS if any((r["estimator"], r["n"]) == (e, sizes[0]) for r in rows)]
    worse = [e for e in tried if mean(rows, task, e, sizes[0], "train_log_likelihood") < untrained]
    right = [f"{e} {mean(rows, task, e, '', 'test_accuracy'):.1%}" for e in EXACT]
    right += [f"{e} {mean(rows, task, e, most, 'test_accuracy'):.1%}" for e in ("rloo", "grpo", "ustat_mean_loo")]
    passed = [f"{e} {mean(rows, task, e, '', 'test_pass_rate'):.1%}" for e in EXACT]
    passed += [f"grpo {mean(rows, task, 'grpo', most, 'test_pass_rate'):.1%}"]
    return (
        f"On {task} the training log-likelihood of the U-statistic estimator of order T = N is {steps}, and with "
        f"baseline 1 instead of the default {of_one}; exact ML reaches {ml:.3f} and exact RL {rl:.3f}, so its distance "
        f"from exact ML goes from {abs(at[sizes[0]] - ml):.3f} to {abs(at[most] - ml):.3f}. At N = {most} there are "
        f"{', '.join(others)}; at N = {sizes[0]} {', '.join(worse) or 'none'} end below the {untrained:.2f} of the "
        f"untrained policy. On the test set the most likely answer is right in: {', '.join(right)} (at N = {most}); a "
        f"sampled answer in: {', '.join(passed)}."
    )


def draw(rows):
    figure, panels = plt.subplots(1, 2, figsize=(10, 4))
    sizes = sorted({r["n"] for r in rows} - {""})
    for axes, task in zip(panels, TASKS, strict=True):
        for style, name, label in (("--", "exact_ml", "exact ML"), (":", "exact_rl", "exact RL")):
            axes.axhline(-mean(rows, task, name, "", "train_log_likelihood"), color="k", linestyle=style, label=label)
        for index, name in enumerate(ESTIMATORS):
            known = [n for n in sizes if any(r["estimator"] == name and r["n"] == n for r in rows)]
            values = [-mean(rows, task, name, n, "train_log_likelihood") for n in known]
            style, width = ("--o", 1) if name == "maxrl_shipped" else ("-", 2.5 if name == "ustat_mean_loo" else 1)
            axes.loglog(known, values, style, color=f"C{index}", label=name, markersize=3, linewidth=width)
        axes.set_xticks(sizes, map(str, sizes))
        axes.minorticks_off()
        axes.set(xlabel="rollouts of a prompt N", title=f"{task}: cross-entropy of the training labels (nats)")
    panels[0].set_yticks([0.07, 0.08, 0.1, 0.14], ["0.07", "0.08", "0.10", "0.14"])
    panels[0].legend(fontsize="x-small", ncols=2, loc="upper right")
    return figure


if __name__ == "__main__":
    study.main(sys.modules[__name__])
