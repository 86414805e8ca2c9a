"""Networks: maps from inputs to outputs, with derivatives by one flat vector of parameters ``theta (d,)``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from maxrl_est._arguments import listed, short, whole, words
from maxrl_est._arguments.protocols import Array, FloatArray


class Network(Protocol):
    """A map from inputs (B, ...) to outputs (B, K) with d parameters; whatever has these methods serves as one."""

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


def check_network(value: Any) -> None:
    """TypeError unless it has all that a `Network` has."""
    for name in ("size", "outputs", "check", "initial", "__call__", "pullback"):
        if isinstance(value, type) or not hasattr(value, name):
            raise TypeError(f"network must be a network, such as Tabular(2, 3), with {name}, got {words(value)}")


@dataclass(frozen=True, slots=True)
class Tabular:
    """A row of outputs for each of finitely many inputs; all zero at first.

    Not for inputs that resemble each other: nothing that is learned of one helps another.

    Parameters
    ----------
    inputs : the number of inputs, which are the ints below it
    outputs : K

    >>> import maxrl_est as mx
    >>> mx.policies.Tabular(2, 3)(np.arange(6.0), np.array([1])).tolist()
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
            raise TypeError(f"inputs must be ints (P,) for a Tabular, got {inputs.dtype} of shape {inputs.shape}")
        for index in np.flatnonzero((inputs < 0) | (inputs >= self.inputs))[:1]:
            raise ValueError(f"inputs[{index}] must be an int in [0, {self.inputs - 1}], got {short(inputs[index])}")

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
    """Layers with tanh between them: a multilayer perceptron, and a linear map where there is no hidden layer.

    At first, weights are normal with variance 1/fan-in, those of the last layer a tenth as large, so that a new softmax
    policy is nearly uniform, and biases are zero. Not for large models: all is in float64, by NumPy.

    Parameters
    ----------
    sizes : of the inputs, which are float vectors (B, F), of hidden layers, and of the outputs: F, .., K

    >>> import maxrl_est as mx
    >>> mx.policies.MLP((64, 32, 10)).size, mx.policies.MLP((64, 10)).size  # the second is linear
    (2410, 650)
    """

    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        given = listed("sizes", self.sizes, "ints")
        if len(given) < 2:
            raise ValueError(f"sizes must have at least those of inputs and outputs, got {words(self.sizes)}")
        sizes = tuple(whole(f"sizes[{index}]", size) for index, size in enumerate(given))
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
            raise ValueError(f"inputs must have shape (P, {self.sizes[0]}) for this MLP, got {inputs.shape}")

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
                slopes = below * below
                np.subtract(1, slopes, out=slopes)
                slopes *= cotangents @ weights.T
                cotangents = slopes
        return gradient

    def _activations(self, theta: FloatArray, inputs: Array) -> list[FloatArray]:
        values = [np.asarray(inputs, dtype=np.float64)]
        for weights, bias in self._layers(theta):
            below = values[-1] if len(values) == 1 else np.tanh(values[-1], out=values[-1])
            values.append(below @ weights)
            values[-1] += bias
        return values

    def _layers(self, theta: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Views of weights (fan-in, fan-out) and biases (fan-out,), layer by layer."""
        start = 0
        for fan_in, fan_out in pairwise(self.sizes):
            middle, end = start + fan_in * fan_out, start + (fan_in + 1) * fan_out
            yield theta[start:middle].reshape(fan_in, fan_out), theta[middle:end]
            start = end


def jacobian(network: Network, theta: FloatArray, inputs: Array) -> FloatArray:
    """Derivatives of each output by each parameter, a ``pullback`` for each: for checks, laws and small networks.

    Parameters
    ----------
    network : `Tabular`, `MLP`, or anything with the methods of `Network`
    theta : its parameters (d,)
    inputs : (B, ...), such as it takes

    Returns
    -------
    (B, K, d) float64

    >>> import maxrl_est as mx
    >>> mx.policies.jacobian(mx.policies.MLP((1, 1)), np.zeros(2), np.array([[5.0]])).tolist()
    [[[5.0, 1.0]]]
    """
    unit = np.eye(network.outputs)
    rows = [
        [network.pullback(theta, inputs[b : b + 1], unit[k : k + 1]) for k in range(len(unit))]
        for b in range(len(inputs))
    ]
    return np.array(rows)
