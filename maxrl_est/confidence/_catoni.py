"""A verdict on the mean of values whose variance has a declared bound, however large single values are.

Catoni's function phi(y) = sign(y) log(1 + |y| + y^2/2) lets a huge value count by its logarithm. Because
exp(phi(y)) <= 1 + y + y^2/2, values with mean c + delta and variance at most v have

    E exp(-phi(lambda (x - c))) <= h(delta) = 1 - lambda delta + lambda^2 (v + delta^2) / 2,

so that exp(-S) / h^n, S the sum of phi, has mean at most 1 and exceeds 1/alpha at some n with probability at most alpha
(Ville). As phi increases, the bound at its least, delta = 1/lambda, also serves for all larger delta: the means not
refuted form an interval, and its ends are roots of a quadratic. The other side is the mirror image.
Catoni (2012), arXiv 1009.2048; Wang and Ramdas, arXiv 2202.01250.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import rate
from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.confidence._state import Arrays
from maxrl_est.confidence._values import above_zero, block, coordinates, number_of, tolerances


class Catoni(Arrays):
    """Whether the means (d,) of values of bounded variance are their target, differ from it, or are close to it.

    Parameters
    ----------
    target : the claimed means (d,)
    variance : bounds of the variances, a number or (d,); nothing can check them, so they have to be known
    tolerance : a distance from the target within which a mean may be certified to lie, a number or (d,); None: no
        certificate is sought
    error_rate : the largest probability that an `interval` ever misses its mean, over all coordinates and all times;
        both kinds of wrong verdict are such misses
    family : number of means that share the error rate (Bonferroni), if not the d of this sequence
    horizon : number of values for which intervals are made narrowest; they are valid at any number

    Feed `update` blocks of independent values ``(B, d)``; memory does not grow. Not for variances estimated from the
    same values: then nothing is known of the error rates.

    >>> walk = Catoni([0.0], 1.0, tolerance=0.2, horizon=4000)
    >>> walk.update(np.random.default_rng(0).standard_normal((4000, 1)))
    >>> walk.biased, walk.certified
    (False, True)
    """

    _REMEMBERED = ("count", "_sum", "_low", "_high")

    def __init__(
        self,
        target: npt.ArrayLike,
        variance: npt.ArrayLike,
        *,
        tolerance: npt.ArrayLike | None = None,
        error_rate: float = 1e-9,
        family: int | None = None,
        horizon: int,
    ) -> None:
        self.target = coordinates("target", target)
        d = self.target.size
        self.variance = above_zero("variance", variance, d)
        self.tolerance = tolerances(tolerance, d)
        self.error_rate = rate("error_rate", error_rate)
        self.horizon = number_of("horizon", horizon)
        means = number_of("family", d if family is None else family)
        self._log = math.log(2 * means / self.error_rate)  # of Ville's 1/alpha, alpha the share of one side of one mean
        # Makes (log + n stake^2 variance / 2) / (n stake), half the width where phi is nearly y, least at the horizon.
        self._stake = np.sqrt(2 * self._log / (self.variance * self.horizon))
        self.count = 0
        self._sum = np.zeros(d)  # of phi
        self._low, self._high = np.full(d, -np.inf), np.full(d, np.inf)  # of mean - target, by all looks so far

    def update(self, values: npt.ArrayLike) -> None:
        """Take the next values (B, d)."""
        x = block(values, self.target.size)
        y = self._stake[:, None] * (x - self.target[:, None])
        self._sum += np.copysign(np.log(1 + abs(y) + 0.5 * y * y), y).sum(axis=1)
        self.count += x.shape[1]
        self._high = np.minimum(self._high, self._end(-self._sum))
        self._low = np.maximum(self._low, -self._end(self._sum))

    def _end(self, total: FloatArray) -> FloatArray:
        """The largest delta that is not refuted: the smaller root of log h(delta) = (total - log) / n, or infinity."""
        spread = self._stake**2 * self.variance
        beyond = spread - 2 * np.expm1((total - self._log) / max(1, self.count))  # 1 - the discriminant
        root = beyond / (1 + np.sqrt(np.maximum(0, 1 - beyond))) / self._stake
        return np.where(beyond < 1, root, np.inf)

    @property
    def refuted(self) -> Array:
        """Which means (d,) are not their target.

        If all targets are right, none is ever refuted, except with probability at most the error rate.
        """
        return np.asarray((self._low > 0) | (self._high < 0))

    @property
    def biased(self) -> bool:
        """Whether any is."""
        return bool(self.refuted.any())

    @property
    def certified(self) -> bool:
        """Whether all means are shown to lie within the tolerance.

        If one does not, this is never true, except with probability at most the error rate.
        """
        if self.tolerance is None:
            return False
        return bool(((-self.tolerance < self._low) & (self._high < self.tolerance)).all())

    @property
    def interval(self) -> tuple[FloatArray, FloatArray]:
        """Ends (d,), (d,) of intervals for the means, at any number of values.

        They contain all means at once, except with probability at most the error rate.
        """
        return self.target + self._low, self.target + self._high
