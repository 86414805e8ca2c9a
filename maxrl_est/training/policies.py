"""Policies with exact scores: a network from inputs to outputs, and a law of actions given the outputs.

Two networks, `Tabular` and `MLP` (a linear map where it has no hidden layer), times two laws, `SoftmaxPolicy` and
`GaussianPolicy`, are the tabular, contextual, sequential, linear-Gaussian and small neural policies. Parameters are one
flat vector ``theta (d,)`` that is passed in and never kept; K is the number of outputs of an input.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from maxrl_est._arguments import positive, whole
from maxrl_est._typing import Array, FloatArray

__all__ = ["MLP", "GaussianPolicy", "Network", "Policy", "SoftmaxPolicy", "Tabular", "scores"]


class Network(Protocol):
    """A map from inputs (B, ...) to outputs (B, K) with d parameters."""

    @property
    def size(self) -> int:
        """d."""

    @property
    def outputs(self) -> int:
        """K."""

    def check(self, inputs: Array) -> None:
        """Raise TypeError or ValueError if it has no outputs for these inputs (P, ...)."""

    def initial(self, rng: np.random.Generator) -> FloatArray:
        """Parameters (d,) to start from."""

    def __call__(self, theta: FloatArray, inputs: Array) -> FloatArray:
        """Outputs (B, K)."""

    def pullback(self, theta: FloatArray, inputs: Array, cotangents: FloatArray) -> FloatArray:
        """Gradient (d,) of the sum of cotangents (B, K) times outputs."""


@dataclass(frozen=True, slots=True)
class Tabular:
    """A row of outputs for each of finitely many inputs, which are ints below ``inputs``; all zero at first.

    Not for inputs that resemble each other: nothing that is learned of one helps another.

    >>> Tabular(2, 3)(np.arange(6.0), np.array([1])).tolist()
    [[3.0, 4.0, 5.0]]
    """

    inputs: int
    outputs: int

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs"):
            object.__setattr__(self, name, whole(name, getattr(self, name)))

    @property
    def size(self) -> int:
        """The number of parameters d."""
        return self.inputs * self.outputs

    def check(self, inputs: Array) -> None:
        """TypeError unless inputs (P,) are ints; ValueError unless each has a row; NumPy finds one for -1."""
        if inputs.dtype.kind not in "iu" or inputs.ndim != 1:
            raise TypeError(
                f"inputs has dtype {inputs.dtype} and shape {inputs.shape}: those of a Tabular are ints (P,)"
            )
        outside = np.flatnonzero((inputs < 0) | (inputs >= self.inputs))
        if outside.size:
            raise ValueError(
                f"inputs[{outside[0]}] is {inputs[outside[0]]}: those of this Tabular lie in 0 .. {self.inputs - 1}"
            )

    def initial(self, rng: np.random.Generator) -> FloatArray:
        """Zeros (d,)."""
        return np.zeros(self.size)

    def __call__(self, theta: FloatArray, inputs: Array) -> FloatArray:
        """Outputs (..., K) for inputs (...) of ints."""
        return theta.reshape(self.inputs, self.outputs)[inputs]

    def pullback(self, theta: FloatArray, inputs: Array, cotangents: FloatArray) -> FloatArray:
        """Gradient (d,) of the sum of cotangents (B, K) times outputs."""
        gradient = np.zeros((self.inputs, self.outputs))
        np.add.at(gradient, inputs, cotangents)
        return gradient.ravel()


@dataclass(frozen=True, slots=True)
class MLP:
    """Layers of the given sizes with tanh between them: ``MLP((64, 32, 10))``; ``MLP((64, 10))`` is linear.

    Inputs are float vectors (B, F). The first weights are normal with variance 1/fan-in, those of the last layer a
    tenth as large, so that a new softmax policy is nearly uniform; biases are zero. Not for large models: NumPy on one
    thread, and all parameters in float64.
    """

    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.sizes) < 2:
            raise ValueError(f"sizes is {self.sizes}: at least those of the inputs and of the outputs")
        sizes = tuple(whole(f"sizes[{index}]", size) for index, size in enumerate(self.sizes))
        object.__setattr__(self, "sizes", sizes)

    @property
    def size(self) -> int:
        """The number of parameters d."""
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(self.sizes))

    @property
    def outputs(self) -> int:
        """K."""
        return self.sizes[-1]

    def check(self, inputs: Array) -> None:
        """ValueError unless inputs are vectors (P, F)."""
        if inputs.ndim != 2 or inputs.shape[1] != self.sizes[0]:
            raise ValueError(f"inputs has shape {inputs.shape}: those of this MLP are vectors (P, {self.sizes[0]})")

    def initial(self, rng: np.random.Generator) -> FloatArray:
        """Random parameters (d,)."""
        theta = np.zeros(self.size)
        layers = list(self._layers(theta))
        for index, (weights, _) in enumerate(layers):
            shrink = 0.1 if index == len(layers) - 1 else 1.0
            weights[:] = rng.standard_normal(weights.shape) * (shrink / math.sqrt(len(weights)))
        return theta

    def __call__(self, theta: FloatArray, inputs: Array) -> FloatArray:
        """Outputs (B, K) for inputs (B, F)."""
        return self._activations(theta, inputs)[-1]

    def pullback(self, theta: FloatArray, inputs: Array, cotangents: FloatArray) -> FloatArray:
        """Gradient (d,) of the sum of cotangents (B, K) times outputs."""
        gradient = np.empty(self.size)
        activations = self._activations(theta, inputs)
        layers = list(zip(self._layers(theta), self._layers(gradient), activations[:-1], strict=True))
        for index, ((weights, _), (to_weights, to_bias), below) in reversed(list(enumerate(layers))):
            to_weights[:] = below.T @ cotangents
            to_bias[:] = cotangents.sum(axis=0)
            if index:
                cotangents = (cotangents @ weights.T) * (1 - below * below)
        return gradient

    def _activations(self, theta: FloatArray, inputs: Array) -> list[FloatArray]:
        values = [np.asarray(inputs, dtype=np.float64)]
        for weights, bias in self._layers(theta):
            values.append((values[-1] if len(values) == 1 else np.tanh(values[-1], out=values[-1])) @ weights + bias)
        return values

    def _layers(self, theta: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Views of weights (fan-in, fan-out) and biases (fan-out,), layer by layer."""
        start = 0
        for fan_in, fan_out in pairwise(self.sizes):
            middle, end = start + fan_in * fan_out, start + (fan_in + 1) * fan_out
            yield theta[start:middle].reshape(fan_in, fan_out), theta[middle:end]
            start = end


@dataclass(frozen=True, slots=True)
class SoftmaxPolicy:
    """Action a of K with probability proportional to exp(output a); actions (B, n) are ints.

    >>> policy = SoftmaxPolicy(Tabular(1, 2))
    >>> policy.log_prob(np.array([[0.0, 0.0]]), np.array([[0, 1, 1]])).round(3).tolist()
    [[-0.693, -0.693, -0.693]]
    """

    network: Network

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

    With ``scale=None`` the network has one output more, the logarithm of the scale, which is then learned too. Not for
    rewards without noise of their own (a negative squared error): they are best at scale 0, where scores explode.
    """

    network: Network
    scale: float | None = None

    def __post_init__(self) -> None:
        if self.scale is not None:
            object.__setattr__(self, "scale", positive("scale", self.scale))
        elif self.network.outputs < 2:
            raise ValueError("network has 1 output: a mean and a learned scale are at least 2")

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
    """Raise TypeError or ValueError unless a policy can answer a task's inputs (P, ...).

    ``width`` is the number of a softmax's actions, or of the coordinates of a Gaussian's.
    """
    if not isinstance(policy, law):
        raise TypeError(f"policy is a {type(policy).__name__}: a {task} needs a {law.__name__}")
    policy.network.check(inputs)
    if policy.network.outputs != policy.outputs_for(width):
        raise ValueError(
            f"policy.network.outputs is {policy.network.outputs}: this {task} needs {policy.outputs_for(width)}"
        )


def scores(policy: Policy, theta: FloatArray, inputs: Array, actions: Array) -> FloatArray:
    """Exact scores (B, n, d), grad_theta log m(action given input), of actions (B, n) or (B, n, D).

    For checks and small d: a gradient estimate needs only their weighted sum, which is one `pullback`.

    >>> scores(SoftmaxPolicy(Tabular(1, 2)), np.zeros(2), np.array([0]), np.array([[0, 1]])).tolist()
    [[[0.5, -0.5], [-0.5, 0.5]]]
    """
    by_outputs = policy.output_scores(policy.network(theta, inputs), actions)
    return np.asarray(by_outputs @ jacobian(policy.network, theta, inputs))


def jacobian(network: Network, theta: FloatArray, inputs: Array) -> FloatArray:
    """Derivatives (B, K, d) of each output by each parameter."""
    unit = np.eye(network.outputs)
    rows = [
        [network.pullback(theta, inputs[b : b + 1], unit[k : k + 1]) for k in range(len(unit))]
        for b in range(len(inputs))
    ]
    return np.array(rows)


def log_softmax(outputs: FloatArray) -> FloatArray:
    """Logarithms (..., K) of exp(outputs) over their sum, for outputs of any size."""
    shifted = outputs - outputs.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
