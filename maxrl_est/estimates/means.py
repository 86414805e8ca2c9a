"""Means over a group, and a ratio that says what it is where it is 0 / 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from maxrl_est._typing import Array


def mean(values: Array) -> Array:
    """Mean of each group, (..., 1)."""
    return np.asarray(values.sum(axis=-1, keepdims=True) / values.shape[-1])


def mean_of_others(values: Array) -> Array:
    """Mean of the other rollouts, for each of the N >= 2 rollouts: (..., N)."""
    if values.shape[-1] < 2:
        raise ValueError("likelihoods must have groups of N >= 2, whose rollouts have others, got N = 1")
    # From both sides: the sum less l_i would lose likelihoods far below l_i.
    means, after = np.zeros_like(values), np.zeros_like(values)
    np.cumsum(values[..., :-1], axis=-1, out=means[..., 1:])
    np.cumsum(values[..., :0:-1], axis=-1, out=after[..., -2::-1])
    means += after
    means /= values.shape[-1] - 1
    return means


def ratio(top: Array, bottom: Array, otherwise: Any) -> Array:
    """Top / bottom with the value that stands where bottom is zero stated by the caller."""
    zero = bottom == 0
    return np.where(zero, otherwise, top / np.where(zero, 1, bottom))


def positive(likelihoods: Array) -> Array:
    """The likelihoods, refused where one is 0 and has no logarithm, or where logarithms would not be exact."""
    if likelihoods.dtype == object:
        raise TypeError("a logarithm has no exact value on Fractions: give floats")
    if not likelihoods.all():
        index = tuple(np.argwhere(likelihoods == 0)[0].tolist())
        raise ValueError(f"likelihoods{list(index)} is 0: this estimator takes logarithms, so likelihoods are positive")
    return likelihoods
