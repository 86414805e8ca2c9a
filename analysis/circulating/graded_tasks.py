"""Tasks with graded rewards that one linear softmax policy cannot solve in full, and what is reached on them.

A rubric has four points, of which an answer gets each right or wrong: there are 16 answers, and a prompt asks for a
pattern of its own.
"""

import numpy as np

import maxrl_est as mx

PROMPTS, FEATURES, ANSWERS, POINTS = 24, 6, 16, 4


def rubric(seed):
    """The reward is the share of points that are right: 0, 1/4, 1/2, 3/4 or 1."""
    return _task(seed, lambda rng: right(rng.integers(ANSWERS, size=PROMPTS)).mean(axis=-1))


def bonus(seed):
    """1/4 for the right form, which is the same for all prompts, and 3/4 if all other points are right."""

    def rewards(rng):
        points = right(rng.integers(ANSWERS // 2, size=PROMPTS))
        return 0.25 * points[..., -1] + 0.75 * points[..., :-1].all(axis=-1)

    return _task(seed, rewards)


def of_levels(count):
    """Tasks, by their seed, with rewards drawn from equally spaced levels."""
    values = np.linspace(0, 1, count)
    return lambda seed: _task(seed, lambda rng: values[rng.integers(count, size=(PROMPTS, ANSWERS))])


def _task(seed, rewards):
    rng = np.random.default_rng(seed)
    return mx.tasks.ContextualBandit(rng.standard_normal((PROMPTS, FEATURES)), rewards(rng))


def right(patterns):
    """Whether each answer (P, 16, 4) has each point as the pattern (P,) asks, a bit for a point."""
    bits = np.arange(POINTS)
    return (np.arange(ANSWERS)[:, None] ^ patterns[:, None, None]) >> bits & 1 == 0


def policy():
    """Linear in the features."""
    return mx.policies.SoftmaxPolicy(mx.policies.MLP((FEATURES, ANSWERS)))


def reached(task, policy, theta):
    """Mean reward, chance of full marks, and mean over prompts of the logarithm of the mean reward."""
    law, rates = task.at(policy, theta), task.log_pass_rates(policy, theta, np.arange(len(task)))
    full = [prompt.probabilities @ (prompt.likelihoods == 1) for _, prompt in law.prompts]
    return {"mean reward": np.exp(rates).mean(), "full marks": np.mean(full), "log mean reward": rates.mean()}


def reached_by(task, estimator, rate, n, steps, seed):
    """What an estimator has reached after so many steps of plain ascent, with all prompts in each."""
    linear, ascent = policy(), mx.optimisers.SGD(rate)
    run = mx.train(task, linear, [estimator], n=n, steps=steps, seeds=[seed], optimiser=ascent, evaluate_every=steps)
    return reached(task, linear, run.curves[0].parameters)
