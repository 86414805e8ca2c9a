"""Policies with exact scores: a network from inputs to outputs, and a law of actions given the outputs.

Two networks, `Tabular` and `MLP` (a linear map where it has no hidden layer), times two laws, `SoftmaxPolicy` and
`GaussianPolicy`, are the tabular, contextual, sequential, linear-Gaussian and small neural policies. Parameters are one
flat vector ``theta (d,)`` that is passed in and never kept. K is the number of outputs of an input, B that of inputs,
n that of actions for each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import at, positive, short, words
from maxrl_est._arguments.arrays import real_array
from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.training._networks import MLP, Network, Tabular, check_network, jacobian

__all__ = [
    "MLP",
    "GaussianPolicy",
    "Network",
    "Policy",
    "SoftmaxPolicy",
    "Tabular",
    "scores",
]


@dataclass(frozen=True, slots=True)
class SoftmaxPolicy:
    """Action a of K with probability proportional to exp(output a); actions (B, n) are ints.

    Parameters
    ----------
    network : `Tabular`, `MLP`, or anything with the methods of `Network`; its outputs are the logits

    >>> import maxrl_est as mx
    >>> policy = mx.policies.SoftmaxPolicy(mx.policies.Tabular(1, 2))
    >>> policy.log_prob(np.array([[0.0, 0.0]]), np.array([[0, 1, 1]])).round(3).tolist()
    [[-0.693, -0.693, -0.693]]
    """

    network: Network

    def __post_init__(self) -> None:
        check_network(self.network)

    def outputs_for(self, width: int) -> int:
        """K for that many actions."""
        return width

    def sample(self, outputs: FloatArray, rng: np.random.Generator, n: int) -> Array:
        """Independent actions (B, n) for outputs (B, K), by inverting the distribution function."""
        cumulative = np.cumsum(np.exp(log_softmax(outputs)), axis=-1)
        edges, u = cumulative[:, :-1] / cumulative[:, -1:], rng.random((len(outputs), n))
        if len(edges) < edges.shape[1]:
            return np.stack([np.searchsorted(row, x, side="right") for row, x in zip(edges, u, strict=True)])
        actions = np.zeros(u.shape, dtype=np.intp)
        for edge in edges.T:
            actions += u >= edge[:, None]
        return actions

    def log_prob(self, outputs: FloatArray, actions: Array) -> FloatArray:
        """Log-probabilities (B, n)."""
        return np.asarray(np.take_along_axis(log_softmax(outputs), actions, axis=-1))

    def output_scores(self, outputs: FloatArray, actions: Array) -> FloatArray:
        """Gradients (B, n, K) of `log_prob` with respect to the outputs: e_a - pi."""
        return np.eye(outputs.shape[-1])[actions] - np.exp(log_softmax(outputs))[:, None, :]

    def weighted_output_score(self, outputs: FloatArray, actions: Array, weights: FloatArray) -> FloatArray:
        """Sum over rollouts (B, K) of weights (B, n) times `output_scores`, in O(B (n + K))."""
        rows, width = outputs.shape
        cells = (actions + width * np.arange(rows)[:, None]).ravel()
        total = np.bincount(cells, weights.ravel(), minlength=rows * width).reshape(rows, width)
        return np.asarray(total - weights.sum(axis=1, keepdims=True) * np.exp(log_softmax(outputs)))


@dataclass(frozen=True, slots=True)
class GaussianPolicy:
    """Actions (B, n, D) from N(mean, scale^2 I), the mean (D,) being the outputs.

    Not for rewards without noise of their own, such as a negative squared error: they are best at scale 0, where scores
    explode.

    Parameters
    ----------
    network : as for `SoftmaxPolicy`, with D outputs, or D + 1 where the scale is learned
    scale : standard deviation of each coordinate. None: the last output is its logarithm, which is learned too

    >>> import maxrl_est as mx
    >>> policy = mx.policies.GaussianPolicy(mx.policies.MLP((1, 2)), scale=0.5)
    >>> policy.sample(np.zeros((3, 2)), np.random.default_rng(0), 4).shape
    (3, 4, 2)
    """

    network: Network
    scale: float | None = None

    def __post_init__(self) -> None:
        check_network(self.network)
        if self.scale is not None:
            object.__setattr__(self, "scale", positive("scale", self.scale))
        elif self.network.outputs < 2:
            raise ValueError("network must have at least 2 outputs, a mean and a learned scale, got 1")

    def outputs_for(self, width: int) -> int:
        """K for actions of that many coordinates D."""
        return width if self.scale is not None else width + 1

    def mean_and_log_scale(self, outputs: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Means (B, D), and logarithms of the scales (B,)."""
        if self.scale is None:
            return outputs[:, :-1], outputs[:, -1]
        return outputs, np.full(len(outputs), math.log(self.scale))

    def sample(self, outputs: FloatArray, rng: np.random.Generator, n: int) -> Array:
        """Independent actions (B, n, D)."""
        mean, log_scale = self.mean_and_log_scale(outputs)
        noise = rng.standard_normal((len(mean), n, mean.shape[1]))
        return np.asarray(mean[:, None] + np.exp(log_scale)[:, None, None] * noise)

    def log_prob(self, outputs: FloatArray, actions: Array) -> FloatArray:
        """Log-densities (B, n)."""
        u, log_scale = self._standardised(outputs, actions)
        constant = u.shape[-1] * (log_scale + 0.5 * math.log(2 * math.pi))
        return np.asarray(-0.5 * (u * u).sum(axis=-1) - constant[:, None])

    def output_scores(self, outputs: FloatArray, actions: Array) -> FloatArray:
        """Gradients (B, n, K) of `log_prob` with respect to the outputs."""
        u, log_scale = self._standardised(outputs, actions)
        by_mean = u * np.exp(-log_scale)[:, None, None]
        if self.scale is not None:
            return np.asarray(by_mean)
        by_log_scale = (u * u).sum(axis=-1, keepdims=True) - u.shape[-1]
        return np.concatenate((by_mean, by_log_scale), axis=-1)

    def weighted_output_score(self, outputs: FloatArray, actions: Array, weights: FloatArray) -> FloatArray:
        """Sum over rollouts (B, K) of weights (B, n) times `output_scores`."""
        return np.asarray(np.matmul(weights[:, None, :], self.output_scores(outputs, actions))[:, 0])

    def _standardised(self, outputs: FloatArray, actions: Array) -> tuple[FloatArray, FloatArray]:
        mean, log_scale = self.mean_and_log_scale(outputs)
        return (actions - mean[:, None]) * np.exp(-log_scale)[:, None, None], log_scale


Policy = SoftmaxPolicy | GaussianPolicy


def check_fit(policy: Any, law: type[Policy], inputs: Array, width: int, task: str) -> None:
    """Raise TypeError or ValueError unless a policy can answer a task's inputs; for tasks of your own.

    Parameters
    ----------
    policy : whatever was given for one
    law : `SoftmaxPolicy` or `GaussianPolicy`, which the task needs
    inputs : (P, ...) of the task
    width : the number of a softmax's actions, or of the coordinates of a Gaussian's
    task : what messages call it
    """
    if not isinstance(policy, law):
        raise TypeError(f"policy must be a {law.__name__} for a {task}, got {words(policy)}")
    policy.network.check(inputs)
    needed, given = policy.outputs_for(width), policy.network.outputs
    if given != needed:
        raise ValueError(f"policy must have {needed} outputs for this {task}, got {given}")


def scores(policy: Policy, theta: npt.ArrayLike, inputs: npt.ArrayLike, actions: npt.ArrayLike) -> FloatArray:
    """Exact scores: the gradients of the log-probabilities of actions by the parameters.

    For checks and small d: a gradient estimate needs only their weighted sum, which is one ``pullback``.

    Parameters
    ----------
    policy : a `SoftmaxPolicy` or `GaussianPolicy`
    theta : its parameters (d,)
    inputs : (B, ...), such as its network takes
    actions : (B, n) ints for a softmax, (B, n, D) floats for a Gaussian

    Returns
    -------
    (B, n, d) float64

    Raises
    ------
    TypeError, ValueError
        Where they are not so.

    >>> import maxrl_est as mx
    >>> policy = mx.policies.SoftmaxPolicy(mx.policies.Tabular(1, 2))
    >>> mx.policies.scores(policy, np.zeros(2), np.array([0]), np.array([[0, 1]])).tolist()
    [[[0.5, -0.5], [-0.5, 0.5]]]
    """
    if not isinstance(policy, Policy):
        raise TypeError(f"policy must be a SoftmaxPolicy or a GaussianPolicy, got {words(policy)}")
    theta, inputs = parameters_of(policy, theta), real_array("inputs", inputs)
    policy.network.check(inputs)
    actions = _actions_of(policy, actions, len(inputs))
    by_outputs = policy.output_scores(policy.network(theta, inputs), actions)
    return np.asarray(by_outputs @ jacobian(policy.network, theta, inputs))


def parameters_of(policy: Policy, theta: npt.ArrayLike) -> FloatArray:
    """The parameters (d,) as float64; TypeError or ValueError unless they are d finite numbers."""
    given = real_array("theta", theta)
    if given.shape != (policy.network.size,):
        raise ValueError(f"theta must have shape ({policy.network.size},) for this policy, got {given.shape}")
    return given.astype(np.float64)


def _actions_of(policy: Policy, actions: npt.ArrayLike, inputs: int) -> Array:
    """Actions of a policy at so many inputs; TypeError or ValueError unless it could have drawn them."""
    given, width = real_array("actions", actions), policy.network.outputs
    if isinstance(policy, GaussianPolicy):
        coordinates = width if policy.scale is not None else width - 1
        if given.ndim != 3 or given.shape[::2] != (inputs, coordinates):
            raise ValueError(f"actions must have shape ({inputs}, n, {coordinates}), got {given.shape}")
        return given
    if given.dtype.kind not in "iu":
        raise TypeError(f"actions must be ints, got {given.dtype}")
    if given.ndim != 2 or len(given) != inputs:
        raise ValueError(f"actions must have shape ({inputs}, n), got {given.shape}")
    for index in np.argwhere((given < 0) | (given >= width))[:1]:
        raise ValueError(f"{at('actions', index)} must be an int in [0, {width - 1}], got {short(given[tuple(index)])}")
    return given


def log_softmax(outputs: FloatArray) -> FloatArray:
    """Logarithms (..., K) of exp(outputs) over their sum, for outputs of any size.

    >>> log_softmax(np.array([1000.0, 1000.0])).round(3).tolist()
    [-0.693, -0.693]
    """
    shifted = outputs - outputs.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
