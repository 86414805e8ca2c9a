"""The groups that are timed, and the measure of cheapness."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from maxrl_est._arguments.protocols import FloatArray

Draw: TypeAlias = Callable[[int, int], FloatArray]  # N and how many in all to groups (B, N): one group if N is larger

SIGMA = 0.1  # width of the Gaussian likelihoods, over the spread of what it judges


def uniform(n: int, total: int) -> FloatArray:
    """Graded likelihoods, half of them large."""
    return np.random.default_rng(0).random((max(1, total // n), n))


def one_success(n: int, total: int) -> FloatArray:
    """Groups of a hard prompt: 0/1 rewards with a single 1, anywhere."""
    groups = np.zeros((max(1, total // n), n))
    groups[np.arange(len(groups)), np.random.default_rng(0).integers(n, size=len(groups))] = 1.0
    return groups


def gaussian(n: int, total: int) -> FloatArray:
    """Likelihoods of a regression, exp(-x^2 / (2 sigma^2)): a few large ones, and all sizes down to nothing."""
    x = np.random.default_rng(0).standard_normal((max(1, total // n), n))
    return np.asarray(np.exp(-((x / SIGMA) ** 2) / 2))


KINDS: dict[str, Draw] = {"uniform": uniform, "one success": one_success, "Gaussian": gaussian}


def normalise(rewards: FloatArray) -> FloatArray:
    """The groups (..., N) with mean 0 and standard deviation 1, in their dtype."""
    return np.asarray((rewards - rewards.mean(-1, keepdims=True)) / rewards.std(-1, keepdims=True))
