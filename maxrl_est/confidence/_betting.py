"""A verdict on the mean of bounded values, by betting against it.

Whoever bets on values in [0, 1] against the claim "the mean is m", paying m for each x and staking a share of
what they own that they fix before they see x, multiplies their capital by 1 +- lambda (x - m). If the claim is
true the expected factor is 1, and the chance that they are ever 1/alpha times as rich is at most alpha (Ville).
So whoever becomes that rich has refuted m at level alpha, whenever that happens. Waudby-Smith and Ramdas, "Estimating
means of bounded random variables by betting", arXiv 2010.09686.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import at, rate, short
from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.confidence._state import Running
from maxrl_est.confidence._values import LEAST, block, coordinates, ends, number_of, tolerances

# No error rate depends on these: any stakes that are set before the values will do. How soon a bias is found does.
_LARGEST_LOSS = 0.5  # of the capital, by one value: stakes stop here
_FIRST_STEP = 16  # values before stakes are set again; later a quarter of all so far


class Betting(Running):
    """Whether the means (d,) of bounded values are their target, differ from it, or are certainly close to it.

    Parameters
    ----------
    target : the claimed means (d,)
    lower, upper : bounds of the values, numbers or (d,); a value outside them is an error, not evidence
    tolerance : a distance from the target within which a mean may be certified to lie, a number or (d,); None: no
        certificate is sought
    error_rate : the largest probability, over all coordinates and all times, of each kind of error: to refute a target
        that is right, to certify a mean that is farther from it than the tolerance, to give an interval that misses
        its mean
    family : number of means that share the error rate (Bonferroni), if not the d of this sequence
    horizon : number of values for which `interval` is made narrowest; it is valid at any number

    Feed `update` blocks of independent values ``(B, d)``; memory does not grow. Coordinates may depend on each other.
    Not for values whose bounds are only guessed.

    >>> coin = Betting([0.5], 0, 1, tolerance=0.1, error_rate=1e-6, horizon=4000)
    >>> coin.update(np.random.default_rng(0).integers(0, 2, (4000, 1)))
    >>> coin.biased, coin.certified
    (False, True)
    """

    _REMEMBERED = (*Running._REMEMBERED, "_logs", "_peaks", "_stakes", "_stake_sums", "_costs")

    def __init__(
        self,
        target: npt.ArrayLike,
        lower: npt.ArrayLike,
        upper: npt.ArrayLike,
        *,
        tolerance: npt.ArrayLike | None = None,
        error_rate: float = 1e-9,
        family: int | None = None,
        horizon: int,
    ) -> None:
        self.target = coordinates("target", target)
        d = self.target.size
        self.lower, self.upper = ends((lower, upper), d)
        for index, (low, centre, high) in enumerate(zip(self.lower, self.target, self.upper, strict=True)):
            if not min(centre - low, high - centre) > LEAST * (high - low):
                raise ValueError(f"target[{index}] must lie between its bounds {low} and {high}, got {short(centre)}")
        self.tolerance = tolerances(tolerance, d)
        self.error_rate = rate("error_rate", error_rate)
        self.horizon = number_of("horizon", horizon)
        means = number_of("family", d if family is None else family)
        self._log = math.log(means / self.error_rate)  # of Ville's 1/alpha, alpha the share of one mean
        self._width = self.upper - self.lower
        self._centre = (self.target - self.lower) / self._width
        self._bets = _bets(self._centre, None if self.tolerance is None else self.tolerance / self._width)
        super().__init__(d)  # of the values on the scale of [0, 1]
        self._logs = np.zeros((len(self._bets), d))  # of the capital that each bet has made of 1
        self._peaks = np.zeros((len(self._bets) - 1, d))  # the most it was: of the first two together, then each
        self._stakes, self._stake_sums, self._costs = np.zeros(d), np.zeros(d), np.zeros(d)

    def update(self, values: npt.ArrayLike) -> None:
        """Take the next values (B, d). Raises ValueError, and takes none, if one is not within its bounds."""
        x = block(values, self.target.size)
        if (x.min(axis=1) < self.lower).any() or (x.max(axis=1) > self.upper).any():
            outside = (x < self.lower[:, None]) | (x > self.upper[:, None])
            row, column = np.argwhere(outside.T)[0].tolist()
            bounds = f"[{self.lower[column]}, {self.upper[column]}]"
            raise ValueError(
                f"{at('values', (row, column))} must lie in its declared bounds {bounds}, got {x[column, row]}, "
                f"value {self.count + row + 1} of all"
            )
        scaled = (x - self.lower[:, None]) / self._width[:, None]
        start = 0
        while start < scaled.shape[1]:
            stop = start + max(_FIRST_STEP, self.count // 4)
            self._take(scaled[:, start:stop])
            start = stop

    def _take(self, x: FloatArray) -> None:
        """Bet on values (d, b) with stakes that only earlier values have set, then learn from them."""
        variance = (0.25 + self.squares) / (1 + self.count)  # with one value at 1/2 from the mean
        for log, bet in zip(self._logs, self._bets, strict=True):
            stake = bet.stake(self.mean, variance, self.count, self._centre)
            gains = stake[:, None] * (x - bet.mean[:, None])
            log += np.log(1 + gains).sum(axis=1)  # log1p is slower; what it adds, 1e-16 a value, decides nothing
        # Both sides of the target share one capital, half each: the log 2 is all that two sides cost.
        self._peaks[0] = np.maximum(self._peaks[0], np.logaddexp(self._logs[0], self._logs[1]) - math.log(2))
        self._peaks[1:] = np.maximum(self._peaks[1:], self._logs[2:])
        expected = (0.5 + self.count * self.mean) / (1 + self.count)
        mean, squares = self.add(x)
        self._widen(x.shape[1], mean, squares + x.shape[1] * (mean - expected) ** 2, variance)

    def _widen(self, size: int, mean: FloatArray, squares: FloatArray, variance: FloatArray) -> None:
        """The sums of the empirical Bernstein interval; squares about means that were expected before the values.

        ``exp(stake (x - m) - (-log(1 - stake) - stake) (x - expected)^2)`` has at most the mean 1 for stakes below 1
        (Howard et al., arXiv 1810.08240), so each end has log + log 2 for its own side. Of these stakes, which would
        minimise the width if the variance were known, the width at the horizon is sqrt(2 variance (log + log 2) / n).
        """
        stake = np.minimum(_LARGEST_LOSS, np.sqrt(2 * (self._log + math.log(2)) / (variance * self.horizon)))
        self._stakes += stake * size
        self._stake_sums += stake * size * mean
        self._costs += (-np.log1p(-stake) - stake) * squares

    @property
    def refuted(self) -> Array:
        """Which means (d,) are not their target.

        If all targets are right, none is ever refuted, except with probability at most the error rate.
        """
        return np.asarray(self._peaks[0] >= self._log)

    @property
    def biased(self) -> bool:
        """Whether any is."""
        return bool(self.refuted.any())

    @property
    def certified(self) -> bool:
        """Whether all means are shown to lie within the tolerance.

        If one does not, this is never true, except with probability at most the error rate.

        All bets against "a mean is farther than that" have to succeed. Where one claim is true, the bet against it
        must succeed by luck, however many others there are: no correction for their number is due.
        """
        return len(self._bets) > 2 and bool((self._peaks[1:] >= -math.log(self.error_rate)).all())

    @property
    def interval(self) -> tuple[FloatArray, FloatArray]:
        """Ends (d,), (d,) of intervals for the means, at any number of values.

        They contain all means at once, except with probability at most the error rate.

        An empirical Bernstein bound in closed form: simple to report, and wider than what `biased` refutes.
        """
        if self.count == 0:
            return self.lower.copy(), self.upper.copy()
        centre, half = self._stake_sums / self._stakes, (self._log + math.log(2) + self._costs) / self._stakes
        low, high = np.maximum(centre - half, 0), np.minimum(centre + half, 1)
        return self.lower + low * self._width, self.lower + high * self._width


class _Bet:
    """That means are above (side 1) or below (-1) `mean`; what to stake on it follows from the values so far."""

    def __init__(self, side: int, mean: FloatArray, tolerance: FloatArray | None) -> None:
        self.side, self.mean, self.tolerance = side, mean, tolerance
        risk = mean if side > 0 else 1 - mean  # none where no value can contradict the bet
        self.largest = np.divide(_LARGEST_LOSS, risk, out=np.full_like(risk, np.inf), where=risk > 0)

    def stake(self, mean: FloatArray, variance: FloatArray, count: int, centre: FloatArray) -> FloatArray:
        """Near the fastest growth for the mean expected from `count` values, with its sign; 0 if on the wrong side.

        The target counts as one value against it, and as many as make a tolerance visible for a certificate: it is
        sought because the mean is thought to be there.
        """
        prior = 1.0 if self.tolerance is None else variance / self.tolerance**2
        gap = self.side * ((prior * centre + count * mean) / (prior + count) - self.mean)
        return self.side * np.clip(gap / (variance + gap**2), 0, self.largest)


def _bets(centre: FloatArray, tolerance: FloatArray | None) -> list[_Bet]:
    """Both sides of the target; then, for a certificate, below its upper end and above its lower end."""
    bets = [_Bet(1, centre, None), _Bet(-1, centre, None)]
    if tolerance is not None:
        bets += [_Bet(-1, centre + tolerance, tolerance), _Bet(1, centre - tolerance, tolerance)]
    return bets
