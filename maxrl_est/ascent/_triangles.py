"""Whether an update is a gradient: differences of advantages summed round triangles of values.

The mean update is sum_x a(x; mu) grad mu_x, with a(x; mu) the mean advantage of a rollout of value x, a polynomial in
the law mu of the values. It is the gradient of a functional of the law if and only if, for all values x, y, z and
every multiset w of n - 2 others, D(x, y) + D(y, z) + D(z, x) = 0, where D(x, y) = A(x; y, w) - A(y; x, w) is the
difference between two members of one group (claim triangle). It is enough to ask of triangles with one corner fixed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.ascent._levels import Levels, chances
from maxrl_est.ascent._multisets import joined, multisets
from maxrl_est.measures._columns import shown
from maxrl_est.measures._precision import HALF

_DRAWN = 30  # bits of the weights of a law that is drawn


@dataclass(frozen=True, slots=True)
class Triangle:
    """Three values whose differences of advantages do not add up to 0, and the others of the group.

    ``sides`` are D(x, y), D(y, z) and D(z, x): by how much the advantage of the first is above that of the second in
    a group of both and the others; ``sum`` is their sum, which a gradient has as 0.
    """

    x: Fraction
    y: Fraction
    z: Fraction
    others: tuple[Fraction, ...]
    sides: tuple[Any, Any, Any]

    @property
    def sum(self) -> Any:
        """What is left over round the triangle."""
        return sum(self.sides)

    @property
    def beside(self) -> str:
        """The others in words, by their number; empty if there are none."""
        counted = Counter(self.others).items()
        return " and ".join(f"{times} at {shown(value)}" for value, times in counted)

    def __str__(self) -> str:
        x, y, z = (shown(value) for value in (self.x, self.y, self.z))
        sides = " + ".join(f"({shown(side)})" for side in self.sides)
        beside = f" beside {self.beside}" if self.others else ""
        return f"D({x}, {y}) + D({y}, {z}) + D({z}, {x}){beside} = {sides} = {shown(self.sum)}, of a gradient 0"


def differences(beside: Array, n: int) -> Array:
    """D(x, y) beside each multiset of n - 2 others: (.., W, k, k), antisymmetric, of advantages (.., U, k)."""
    with_other = beside[..., joined(n - 2, beside.shape[-1]), :]  # (.., W, y, x): the advantage of x beside y and w
    return np.asarray(with_other.swapaxes(-1, -2) - with_other)


def sums_round(D: Array, corner: int) -> Array:
    """D(c, x) + D(x, y) + D(y, c) of all x and y: (.., W, k, k); any triangle is a sum of three of them."""
    return np.asarray(D[..., corner, :, None] + D + D[..., None, :, corner])


def triangle_of(values: tuple[Fraction, ...], others: Array, D: Array, x: int, y: int, z: int) -> Triangle:
    """The triangle of three values beside others (k,), from their differences D (k, k), in the order of the values."""
    x, y, z = sorted((x, y, z), key=lambda i: values[i])
    beside = tuple(np.repeat(np.array(values, dtype=object), others))
    return Triangle(values[x], values[y], values[z], beside, (D[x, y], D[y, z], D[z, x]))


def worst_triangle(levels: Levels, corner: int) -> Triangle | None:
    """The triangle with that corner whose sum is furthest from 0; None where all are 0, but for rounding."""
    k, n = len(levels.values), levels.n
    if n < 2 or k < 3:
        return None
    D = differences(levels.beside, n)
    sums = sums_round(D, corner)
    sizes = abs(sums).astype(np.float64)
    if not (sums != 0).any() or sizes.max() <= 2 * levels.allowed:
        return None
    w, x, y = (int(i) for i in np.unravel_index(int(sizes.argmax()), sizes.shape))
    return triangle_of(levels.values, multisets(n - 2, k)[w], D[w], corner, x, y)


def is_direction(levels: Levels) -> bool:
    """Whether the update is locally the gradient of something times a positive factor that depends on the law.

    That is so near every law where the update is not 0, if for the form omega that it is, omega ^ d omega vanishes:
    polynomials of degree 2 n - 3 in the law, here at two laws drawn at random, of weights up to 2^30. One that is not 0
    everywhere is 0 at both with a chance below (2n / 2^30)^2. With three values there is no such polynomial. Floats of
    half precision cannot tell, and then it is not said.
    """
    k = len(levels.values)
    if k == 3:
        return True
    if levels.precision is not None and levels.precision.bits <= HALF:
        return False
    for seed in range(2):
        weights = np.random.default_rng([levels.n, seed]).integers(1, 1 << _DRAWN, k)
        law = np.array([Fraction(int(x), int(weights.sum())) for x in weights])
        if levels.precision is not None:
            law = law.astype(np.float64)
        if not _closed_up_to_speed(levels, law):
            return False
    return True


def _closed_up_to_speed(levels: Levels, law: Array) -> bool:
    """Whether omega ^ d omega is 0 at a law (k,), omega = sum_x b_x d mu_x with mu_0 left out."""
    k, n = len(levels.values), levels.n
    means = chances(n - 1, law) @ levels.beside
    slopes = (n - 1) * np.tensordot(chances(n - 2, law), levels.beside[joined(n - 2, k)], 1)  # (y, x): of x along mu_y
    turning = slopes - slopes.T
    b, c = (means - means[0])[1:], (turning - turning[:, :1] - turning[:1])[1:, 1:]
    wedge = b[:, None, None] * c + b[:, None] * c.T[:, None, :] + b * c[:, :, None]
    allowed = 4 * n * levels.allowed * float(abs(b).max() + abs(c).max())
    return bool((abs(wedge).astype(np.float64) <= allowed).all()) if levels.precision else not wedge.any()
