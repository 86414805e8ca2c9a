"""What a mean seems to be if it were normal: for values of which nothing is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import rate
from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.confidence._state import Running
from maxrl_est.confidence._values import block, coordinates, number_of, tolerances


class Normal(Running):
    """As `Betting`, with intervals whose error rate holds in the limit of many values and at a single look only.

    Parameters as there. Not evidence: at a nominal 1e-9, the mean of 10^4 values that are 1 once in a thousand and 0
    else is flagged 500,000 times as often (fewer than two ones seem to have hardly any variance), and looking
    repeatedly flags any mean in the end.
    """

    def __init__(
        self,
        target: npt.ArrayLike,
        *,
        tolerance: npt.ArrayLike | None = None,
        error_rate: float = 1e-9,
        family: int | None = None,
    ) -> None:
        self.target = coordinates("target", target)
        self.tolerance = tolerances(tolerance, self.target.size)
        self.error_rate = rate("error_rate", error_rate)
        self._family = number_of("family", self.target.size if family is None else family)
        super().__init__(self.target.size)

    def update(self, values: npt.ArrayLike) -> None:
        """Take the next values (B, d)."""
        self.add(block(values, self.target.size))

    @property
    def _half(self) -> FloatArray:
        from scipy.special import ndtri

        if self.count < 2:
            return np.full(self.target.size, np.inf)
        quantile = -ndtri(self.error_rate / (2 * self._family))  # for one side of one mean
        return np.asarray(quantile * np.sqrt(self.squares / (self.count - 1) / self.count))

    @property
    def refuted(self) -> Array:
        """Which means (d,) seem not to be their target."""
        return np.asarray(abs(self.mean - self.target) > self._half)

    @property
    def biased(self) -> bool:
        """Whether any is."""
        return bool(self.refuted.any())

    @property
    def certified(self) -> bool:
        """Whether all means seem to lie within the tolerance."""
        return self.tolerance is not None and bool((abs(self.mean - self.target) + self._half < self.tolerance).all())

    @property
    def interval(self) -> tuple[FloatArray, FloatArray]:
        """Ends (d,), (d,) of intervals about the means."""
        return self.mean - self._half, self.mean + self._half
