"""Regression by a Gaussian policy: likelihoods between 0 and 1, and every moment in closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._typing import FloatArray, RolloutMoments
from maxrl_est.objectives import Objective

_NODES = 200  # of the Gauss-Legendre rule over levels; 120 already agree to 1e-13


class Gaussian:
    """A Gaussian policy z ~ N(mean, scale^2 I) in D dimensions, with likelihood exp(-|target - z|^2 / (2 sigma^2)).

    Parameters of the policy are the mean, d = D, and with ``learn_scale`` the logarithm of the scale after it,
    d = D + 1: scores (z - mean) / scale^2 and |z - mean|^2 / scale^2 - D. The likelihood is a Gaussian density over
    its peak, so that it lies in (0, 1]; the peak's height is a factor that changes J_T at finite T. Never exact
    rationals; for those take a `Bandit`.

    >>> problem = Gaussian(mean=0, scale=1, target=1, sigma=0.5)
    >>> round(problem.pass_rate, 6), problem.grad_pass_rate.round(6).tolist()
    (0.299776, [0.239821])
    """

    def __init__(
        self,
        mean: npt.ArrayLike,
        scale: float,
        target: npt.ArrayLike,
        sigma: float,
        learn_scale: bool = False,
    ) -> None:
        self.mean, self.target = _vector("mean", mean), _vector("target", target)
        if self.mean.shape != self.target.shape:
            raise ValueError(f"target has shape {self.target.shape}: that of the mean, {self.mean.shape}")
        for label, value in (("scale", scale), ("sigma", sigma)):
            if not 0 < value < math.inf:
                raise ValueError(f"{label} is {value}: it is positive and finite")
        self.scale, self.sigma, self.learn_scale = float(scale), float(sigma), learn_scale

    def __repr__(self) -> str:
        mean, target = (v.tolist() if v.size > 1 else v.item() for v in (self.mean, self.target))
        learned = ", learn_scale=True" if self.learn_scale else ""
        return f"Gaussian({mean}, {self.scale:g}, {target}, {self.sigma:g}{learned})"

    @property
    def prompts(self) -> tuple[tuple[float, Gaussian], ...]:
        """Pairs of a probability and a problem of one prompt: here 1 and this one."""
        return ((1.0, self),)

    @property
    def pass_rate(self) -> float:
        """p = E[l]."""
        return self._tilted(1)[0]

    @property
    def grad_pass_rate(self) -> FloatArray:
        """grad p = E[l S], of shape (d,)."""
        return self._tilted(1)[1]

    @property
    def moments(self) -> RolloutMoments:
        """Moments of one rollout up to the second order."""
        (_, _, SS), (p, lS, lSS), (p2, l2S, l2SS) = map(self._tilted, range(3))
        return RolloutMoments(p, p2, lS, l2S, SS, lSS, l2SS)

    def _tilted(self, power: int) -> tuple[float, FloatArray, FloatArray]:
        """E l^power, E l^power S ``(d,)`` and E l^power S S' ``(d, d)``.

        l^power times the policy's density is the total times the density of x = (z - mean) / scale ~ N(m, v I).
        """
        D, ratio = self.mean.size, power * (self.scale / self.sigma) ** 2
        gap = (self.target - self.mean) / self.scale
        v = 1 / (1 + ratio)
        m = gap * (ratio * v)
        total = v ** (D / 2) * math.exp(-0.5 * ratio * v * float(gap @ gap))
        first, second = m / self.scale, (np.outer(m, m) + v * np.eye(D)) / self.scale**2
        if self.learn_scale:
            norm = float(m @ m)
            square = norm + D * v - D  # E r, r = |x|^2 - D
            with_mean = m * (square + 2 * v) / self.scale  # E x r
            fourth = square**2 + 4 * v * norm + 2 * D * v**2
            first = np.append(first, square)
            second = np.block([[second, with_mean[:, None]], [with_mean[None], np.full((1, 1), fourth)]])
        return total, total * first, total * second

    def gradient_over_levels(self, objective: Objective) -> FloatArray:
        """``Int_0^1 w(P) grad P dtau (d,)``, P = P(l > tau), by quadrature to about 1e-13.

        l > tau where z lies within r of the target, and |z - target|^2 / scale^2 is noncentral chi-square with D
        degrees of freedom and noncentrality |mean - target|^2 / scale^2. Raising the noncentrality moves mass from D
        degrees to D + 2, which is the derivative; with tau = exp(-r^2 / 2 sigma^2) the integrand is smooth in r.
        """
        from scipy.special import chndtr  # here, since importing SciPy takes longer than all of this package

        D, gap = self.mean.size, (self.mean - self.target) / self.scale
        centre = float(gap @ gap)
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        end = 9 * self.sigma / self.scale  # tau there is below 3e-18
        r = end * (nodes + 1) / 2
        tau_weights = (
            weights * end / 2 * r * (self.scale / self.sigma) ** 2 * np.exp(-0.5 * (r * self.scale / self.sigma) ** 2)
        )
        below, above = chndtr(r**2, D, centre), chndtr(r**2, D + 2, centre)
        by_centre = (above - below) / 2
        by_mean = by_centre[:, None] * (2 * gap / self.scale)
        columns = by_mean
        if self.learn_scale:  # 2 x f_D(x) = D (F_D - F_{D+2}) + centre (F_{D+2} - F_{D+4}) at x = r^2
            farther = chndtr(r**2, D + 4, centre)
            by_x = D * (below - above) + centre * (above - farther)
            columns = np.column_stack([by_mean, -by_x - 2 * centre * by_centre])
        return np.asarray((tau_weights * objective.weight(np.clip(below, 0.0, 1.0))) @ columns)

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Independent rollouts: likelihoods (groups, n) and scores (groups, n, d)."""
        x = rng.standard_normal((groups, n, self.mean.size))
        away = x - (self.target - self.mean) / self.scale
        likelihoods = np.exp(np.einsum("gnd,gnd->gn", away, away) * (-0.5 * (self.scale / self.sigma) ** 2))
        if not self.learn_scale:
            x /= self.scale
            return likelihoods, x
        square = np.einsum("gnd,gnd->gn", x, x) - self.mean.size
        return likelihoods, np.concatenate([x / self.scale, square[..., None]], axis=-1)


def _vector(name: str, values: Any) -> FloatArray:
    """A vector (D,) of finite floats; a scalar is D = 1."""
    vector = np.atleast_1d(np.array(values, dtype=np.float64))
    if vector.ndim != 1 or vector.size == 0:
        raise ValueError(f"{name} has shape {vector.shape}: it is a number or one for each dimension, (D,)")
    if not np.isfinite(vector).all():
        index = int(np.isfinite(vector).argmin())
        raise ValueError(f"{name}[{index}] is {vector[index]}: it is finite")
    return vector
