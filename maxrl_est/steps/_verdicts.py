"""Is a step the gradient of anything: three verdicts, and how they are said."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

from maxrl_est._arguments.protocols import Array

Verdict = Literal["gradient", "direction", "none"]

WORDS: dict[Verdict, str] = {
    "gradient": "is a gradient",
    "direction": "has the direction of a gradient, at a speed of its own",
    "none": "is the gradient of nothing, at any speed",
}


def is_direction(weights: Array, curl: Array, tolerance: float) -> bool:
    """Whether sum_x W_x dp_x can be a function times a gradient at a point: W_x C_yz + W_y C_zx + W_z C_xy = 0.

    Always with two prompts. The sums are compared with the largest product.

    >>> import numpy as np
    >>> curl = np.array([[0, 1, 2], [-1, 0, 3], [-2, -3, 0]])
    >>> is_direction(np.array([1, 1, 1]), curl, 0), is_direction(np.array([1, 2, 1]), curl, 0)
    (False, True)
    """
    allowed = tolerance * float(abs(weights).max()) * float(abs(curl).max())
    return all(
        abs(weights[x] * curl[y, z] + weights[y] * curl[z, x] + weights[z] * curl[x, y]) <= allowed
        for x, y, z in combinations(range(len(weights)), 3)
    )
