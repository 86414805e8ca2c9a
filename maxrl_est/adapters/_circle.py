"""MaxRL of order T < N in operations of the array API standard, in time linear in N: static shapes, differentiable.

The integral and the circle of points of `maxrl_est.estimates._kernels.circle`, for groups (..., N) of float32 or
float64 with their namespace xp. Complex numbers, which many backends lack, are pairs of real ones; the points are an
axis before that of rollouts, four nodes of the integral at a time.

A product over the rollouts is exp of a sum of logarithms. Equal likelihoods round alike, so what is summed has to be
right to all its digits where factors 1 - s l are near 1: the angle is, and so is |1 - s l|^2 - 1 = |s l|^2 - 2 Re(s) l,
from which the logarithm of the modulus is mended. Neither suffers where factors are multiplied, four to a logarithm.
The sum of fractions mass / (1 - s l) is that of the masses, rounded once, and l times that of mass s / (1 - s l), which
is small in most groups.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.adapters._arrays import constant, size_of, static
from maxrl_est.adapters._quadrature import cut, nodes_of, summed
from maxrl_est.estimates._kernels.circle_rules import rule

_NODES = 4  # of the integral at a time; rules have a multiple of them, or fewer
_HALVINGS = 2  # more would take products of float32 out of its range


class _Factors(NamedTuple):
    """Complex numbers near 1."""

    real: Any
    imag: Any
    less: Any  # square of the modulus less 1


class _Rule(NamedTuple):
    """What the integral of a circle is made of."""

    mean: float  # m / n
    points: tuple[Array, ...]  # (4, points) each: s / a and weight / a, the real and the imaginary parts


def loo_weights(xp: Any, likelihoods: Any, order: int) -> Any:
    """Leave-one-out weights (..., N) of MaxRL of order T, 1 < T < N."""
    found = _of_integral(size_of(likelihoods), order)
    a = cut(xp, found.mean * (xp.sum(likelihoods, axis=-1) - xp.max(likelihoods, axis=-1)))
    return _sum_of_points(xp, likelihoods, found, a)


def failure_power_of_others(xp: Any, likelihoods: Any, power: int) -> Any:
    """E_k of the others (..., N), 1 <= k < N - 1, to a few roundings of 1."""
    found = _of_power(size_of(likelihoods), power)
    return _sum_of_points(xp, likelihoods, found, xp.ones_like(likelihoods[..., 0]))


def _sum_of_points(xp: Any, likelihoods: Any, found: _Rule, a: Any) -> Any:
    """Real part of the sum over all points s of weight prod_j (1 - s l_j) / (1 - s l_i), (..., N)."""
    size = size_of(likelihoods)
    padding = xp.zeros_like(likelihoods[..., : -size % 2**_HALVINGS])
    l = xp.concat([likelihoods, padding], axis=-1)[..., None, :]
    masses, fractions = [], []
    for points in found.points:
        s_real, s_imag, w_real, w_imag = (a[..., None] * row for row in constant(xp, points, likelihoods))
        factors = _factors(xp, s_real[..., None], s_imag[..., None], l)
        p_real, p_imag = _product(xp, factors)
        mass_real, mass_imag = w_real * p_real - w_imag * p_imag, w_real * p_imag + w_imag * p_real
        masses.append(mass_real)
        real, imag = mass_real * s_real - mass_imag * s_imag, mass_real * s_imag + mass_imag * s_real
        top = real[..., None] * factors.real + imag[..., None] * factors.imag
        fractions.append(xp.sum(top / _square(factors), axis=-2))
    mass = xp.sum(summed(masses), axis=-1, keepdims=True)
    return mass + likelihoods * summed(fractions)[..., :size]


def _factors(xp: Any, s_real: Any, s_imag: Any, l: Any) -> _Factors:
    """1 - s l."""
    x, y = s_real * l, s_imag * l
    return _Factors(1.0 - x, -y, (x * x + y * y) - 2.0 * x)


def _product(xp: Any, factors: _Factors) -> tuple[Any, Any]:
    """Real and imaginary part of the product over the last axis."""
    for _ in range(_HALVINGS):
        half = size_of(factors.real) // 2
        first, second = (_Factors(*(part[..., side] for part in factors)) for side in (slice(half), slice(half, None)))
        factors = _times(first, second)
    square = _square(factors)
    near = square >= 0.5
    lost = xp.where(near, factors.less - (square - 1.0), xp.zeros_like(square))
    under = xp.where(near, square, xp.ones_like(square))  # a derivative would square those that are small
    modulus = xp.exp(0.5 * xp.sum(xp.log(square) + lost / under, axis=-1))
    angle = xp.sum(xp.atan2(factors.imag, factors.real), axis=-1)
    return modulus * xp.cos(angle), modulus * xp.sin(angle)


def _times(x: _Factors, y: _Factors) -> _Factors:
    real, imag = x.real * y.real - x.imag * y.imag, x.real * y.imag + x.imag * y.real
    return _Factors(real, imag, x.less + y.less + x.less * y.less)


def _square(factors: _Factors) -> Any:
    """Square of the modulus."""
    return factors.real * factors.real + factors.imag * factors.imag


@functools.lru_cache(maxsize=64)
@static
def _of_integral(size: int, order: int) -> _Rule:
    nodes = np.array(nodes_of(order)[::-1])  # the small terms first
    parts = [nodes[k : k + _NODES] for k in range(0, len(nodes), _NODES)]
    return _rule(size, order, [(part[:, 0], order * part[:, 1]) for part in parts])


@functools.lru_cache(maxsize=64)
@static
def _of_power(size: int, power: int) -> _Rule:
    return _rule(size, power + 1, [(np.ones(1), np.ones(1))])


def _rule(size: int, order: int, parts: Sequence[tuple[Array, Array]]) -> _Rule:
    """Points and weights of the circle at nodes of given weights."""
    circle = rule(size, order)
    phi, weights = (circle.phi_real, circle.phi_imag), (circle.weight_real, circle.weight_imag)
    points = []
    for nodes, scales in parts:
        rows = [np.outer(nodes, x).ravel() for x in phi] + [np.outer(scales, x).ravel() for x in weights]
        points.append(np.stack(rows))
    return _Rule(circle.mean, tuple(points))
