"""Regression with a Gaussian policy: a continuum of likelihoods, and still everything in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from maxrl_est._arguments import at, finite, flag, positive, words
from maxrl_est._arguments.arrays import entries
from maxrl_est._arguments.protocols import Array, FloatArray, RolloutMoments
from maxrl_est.objectives import Objective, need_objective
from maxrl_est.problems._finite import check_draw

Point: TypeAlias = float | Sequence[float] | Array  # a number for D = 1, or (D,)

_AGREED = 1e-13  # two rules that agree to this, relative to the integral of sizes, have converged
_HALVINGS = 10

_LARGEST = 1e100  # size, so that squares are floats


class Gaussian:
    """The policy draws ``z ~ N(mean, scale^2 I)``, and ``l = exp(-|target - z|^2 / (2 sigma^2))``, in D dimensions.

    Parameters are the mean (d = D) and, with ``learn_scale``, the logarithm of the scale after it (d = D + 1);
    scores are ``(z - mean) / scale^2`` and ``|z - mean|^2 / scale^2 - D``. Likelihoods lie in (0, 1] and are a
    density of the target up to a constant factor. In float64: for exact rationals use a law of few outcomes.

    Parameters
    ----------
    mean, target : numbers, or one for each dimension (D,)
    scale, sigma : widths of the policy and of the likelihood, above 0
    learn_scale : whether the logarithm of the scale is a parameter too

    Raises
    ------
    TypeError, ValueError
        Where they are not so, or where the pass rate is 0 in float64.

    >>> problem = Gaussian(0.0, 1.0, 1.0, 0.5)
    >>> round(problem.pass_rate, 6), problem.grad_pass_rate.round(6).tolist()  # 5^-1/2 exp(-2/5), and 4/5 of it
    (0.299776, [0.239821])
    """

    def __init__(self, mean: Point, scale: float, target: Point, sigma: float, learn_scale: bool = False) -> None:
        self.mean, self.target = _point("mean", mean), _point("target", target)
        if self.target.shape != self.mean.shape:
            raise ValueError(f"target must have the shape {self.mean.shape} of mean, got {self.target.shape}")
        self.scale, self.sigma = _width("scale", scale), _width("sigma", sigma)
        self.learn_scale = flag("learn_scale", learn_scale)
        if self.pass_rate == 0:
            raise ValueError(
                f"target must be so near mean {mean} that the pass rate is not 0 in float64, got {words(target)}"
            )
        learned = ", learn_scale=True" if learn_scale else ""
        self.name = f"Gaussian({mean}, {scale}, {target}, {sigma}{learned})"

    def __repr__(self) -> str:
        return self.name

    @property
    def pass_rate(self) -> float:
        """p = E[l], a number."""
        return self._tilted(1)[0]

    @property
    def grad_pass_rate(self) -> FloatArray:
        """grad p = E[l S], of shape (d,)."""
        return self._weighted(1)[1]

    @property
    def prompts(self) -> tuple[tuple[int, Gaussian], ...]:
        """Pairs of a probability and a problem of one prompt: here 1 and this one."""
        return ((1, self),)

    @property
    def moments(self) -> RolloutMoments:
        """Moments of one rollout up to the second order."""
        (_, _, SS), (p, lS, lSS), (p2, l2S, l2SS) = (self._weighted(power) for power in (0, 1, 2))
        return RolloutMoments(p, p2, lS, l2S, SS, lSS, l2SS)

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Independent rollouts: likelihoods (groups, n) and scores (groups, n, d), in float64."""
        check_draw(rng, groups, n)
        dimensions = len(self.mean)
        u = rng.standard_normal((groups, n, dimensions))
        missed = u * (self.scale / self.sigma)
        missed -= (self.target - self.mean) / self.sigma
        likelihoods = np.exp(-0.5 * np.einsum("...i,...i", missed, missed))
        if not self.learn_scale:
            u /= self.scale
            return likelihoods, u
        scores = np.empty((groups, n, dimensions + 1))
        np.divide(u, self.scale, out=scores[..., :-1])
        scores[..., -1] = np.einsum("...i,...i", u, u) - dimensions
        return likelihoods, scores

    def gradient_over_levels(self, objective: Objective) -> FloatArray:
        """Return ``Int_0^1 w(P(l > tau)) grad P(l > tau) dtau`` (d,) for the weight w of an objective.

        By the trapezoidal rule to about 1e-12, in the logarithm of the distance r from the target at which l is
        tau: the integrand is analytic there and vanishes at both ends, so that every halving of the step
        doubles the number of correct digits. P(l > tau) is the chance that z is within r.
        """
        spread = 1 / math.hypot(1, self.scale / self.sigma)  # of what l leaves of the policy, in units of scale
        offset = float(np.linalg.norm(self.target - self.mean)) / self.scale
        least = 1e-6 * spread / need_objective(objective).order  # the integrand vanishes like r^(D + 2)
        most = offset * spread**2 + (math.sqrt(len(self.mean)) + 12) * spread
        start, length = math.log(least), math.log(most / least)
        total, previous = np.zeros(0), np.zeros(0)
        for halving in range(_HALVINGS):
            points = 64 << halving
            step = length / points
            terms = self._by_distance(objective, np.exp(start + step * np.arange(points + 1))) * step
            total, previous = terms.sum(axis=0), total
            if halving and abs(total - previous).max() <= _AGREED * abs(terms).sum(axis=0).max():
                break
        return total

    def _by_distance(self, objective: Objective, r: FloatArray) -> FloatArray:
        """``w(P) grad P tau |d log tau / d log r|`` (m, d) at distances r (m,) from the target, in units of scale.

        r^2 has a noncentral chi-square law, whose slope in the noncentrality is less its density at D + 2.
        """
        from scipy.special import chndtr  # here, because SciPy takes longer to import than the package

        dimensions, x = len(self.mean), r * r
        away = (self.mean - self.target) / self.scale
        centrality = float(away @ away)
        above = _chi_square(x, dimensions + 2, centrality)[:, None]
        gradient = -above * (2 * away / self.scale)
        if self.learn_scale:
            density = _chi_square(x, dimensions, centrality)
            by_scale = 2 * (centrality * above[:, 0] - x * density)
            gradient = np.append(gradient, by_scale[:, None], axis=1)
        chance = chndtr(x, dimensions, centrality)
        exponent = x * (self.scale / self.sigma) ** 2
        return np.asarray((objective.weight(chance) * np.exp(-0.5 * exponent) * exponent)[:, None] * gradient)

    def _tilted(self, power: int) -> tuple[float, FloatArray, float]:
        """E l^power; and mean (D,) and variance of each (z - mean) / scale under the law weighted by it."""
        ratio = power * (self.scale / self.sigma) ** 2
        away = (self.target - self.mean) / self.scale
        variance = 1 / (1 + ratio)
        mass = math.exp(-0.5 * ratio * variance * float(away @ away)) * variance ** (len(away) / 2)
        return mass, ratio * variance * away, variance

    def _weighted(self, power: int) -> tuple[float, FloatArray, FloatArray]:
        """``E l^power``, ``E l^power S`` (d,) and ``E l^power S S'`` (d, d)."""
        mass, mean, variance = self._tilted(power)
        dimensions, size = len(mean), float(mean @ mean)
        first = mean / self.scale
        second = (variance * np.eye(dimensions) + np.outer(mean, mean)) / self.scale**2
        if self.learn_scale:
            length = dimensions * variance + size  # E |u|^2, where u = (z - mean) / scale
            length2 = length**2 + 2 * variance * (dimensions * variance + 2 * size)  # E |u|^4
            across = first * (length + 2 * variance - dimensions)
            corner = length2 - 2 * dimensions * length + dimensions**2
            first = np.append(first, length - dimensions)
            second = np.block([[second, across[:, None]], [across[None, :], np.array([[corner]])]])
        return mass, mass * first, mass * second


def _chi_square(x: FloatArray, freedom: int, centrality: float) -> FloatArray:
    """The noncentral chi-square density (m,) at x (m,) > 0, with a relative error also where it is tiny."""
    from scipy.special import gamma, hyp0f1, ive

    order, z = freedom / 2 - 1, np.sqrt(centrality * x)
    near = hyp0f1(order + 1, np.minimum(z, 1.0) ** 2 / 4) * np.exp(-z) / (2**order * gamma(order + 1))
    far = np.maximum(z, 1.0)
    bessel = np.where(z < 1, near, ive(order, far) / far**order)  # I_order(z) exp(-z) / z^order
    return np.asarray(0.5 * np.exp(-0.5 * (np.sqrt(x) - math.sqrt(centrality)) ** 2) * x**order * bessel)


def _point(name: str, value: Point) -> FloatArray:
    array = np.atleast_1d(entries(name, value))
    if array.ndim != 1 or not array.size:
        raise TypeError(f"{name} must be a number, or one for each dimension, (D,), got {words(value)}")
    point = np.array([finite(at(name, [index]), x) for index, x in enumerate(array.tolist())])
    for index in np.flatnonzero(abs(point) > _LARGEST):
        raise ValueError(f"{at(name, [index])} must be of a size up to {_LARGEST:g}, got {point[index]}")
    return point


def _width(name: str, value: float) -> float:
    width = positive(name, value)
    if not 1 / _LARGEST <= width <= _LARGEST:
        raise ValueError(f"{name} must lie in [{1 / _LARGEST:g}, {_LARGEST:g}], got {width}")
    return width
