"""What functions do, in a few digits: a checkpoint is of a run whose task, estimators and optimiser do the same."""

from __future__ import annotations

import hashlib

import numpy as np

from maxrl_est._arguments.protocols import Array, Estimator, FloatArray
from maxrl_est.training._run import Exact, Task, advantages_of
from maxrl_est.training.optimisers import Optimiser
from maxrl_est.training.policies import Policy


def task_digest(task: Task, policy: Policy) -> str:
    """Of log p, its gradient, and a rollout of each prompt, where the policy is far from uniform."""
    rng, prompts = np.random.default_rng(0), np.arange(len(task))
    theta = policy.network.initial(rng) + 0.1 * rng.standard_normal(policy.network.size)
    likelihoods, actions = task.sample(policy, theta, prompts, rng, 1)
    return _digest(
        task.log_pass_rates(policy, theta, prompts),
        task.weighted_gradient(policy, theta, prompts, np.ones(len(prompts))),
        likelihoods,
        task.weighted_score(policy, theta, prompts, actions, np.ones((len(prompts), 1))),
    )


def estimator_digest(name: str, estimator: Estimator | Exact, shape: tuple[int, int]) -> str:
    """Of advantages for 0/1 and for graded likelihoods (B, n), or of the weights of exact gradients."""
    likelihoods = np.random.default_rng(0).random(shape)
    if isinstance(estimator, Exact):
        return _digest(estimator.share(likelihoods.ravel()))
    return _digest(*(_advantages(name, estimator, x) for x in (likelihoods, (likelihoods > 0.5).astype(np.float64))))


def optimiser_digest(optimiser: Optimiser, size: int) -> str:
    """Of two updates of d parameters."""
    rng = np.random.default_rng(0)
    theta, updates = rng.standard_normal(size), []
    state = optimiser.init(theta)
    for _ in range(2):
        update, state = optimiser.update(rng.standard_normal(size), state, theta)
        updates.append(np.asarray(update, dtype=np.float64))
        theta = theta + updates[-1]
    return _digest(*updates)


def _advantages(name: str, estimator: Estimator, likelihoods: FloatArray) -> FloatArray:
    """Advantages (B, n), or none if likelihoods of that kind are refused."""
    with np.errstate(all="ignore"):
        try:
            return advantages_of(name, estimator, likelihoods)
        except ValueError:
            return np.empty(0)


def _digest(*arrays: Array) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]
