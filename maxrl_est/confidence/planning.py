"""What a run will be able to tell, before it is run; and the limits of a rate from counts."""

from __future__ import annotations

import math

import numpy as np

from maxrl_est.confidence import _values as arguments

_MOST = 1 << 62  # values; more will not be drawn
_LEARNING = 0.5  # of log n: what a capital loses by stakes that follow a running mean
_SKEWNESS = 1.5  # of width / n for each unit of its logarithm: stakes stop where single values could cost too much


def detectable_bias(
    n: int,
    variance: float,
    width: float | None = None,
    error_rate: float = 1e-9,
    *,
    miss_rate: float = 1e-2,
    coordinates: int = 1,
) -> float:
    """The smallest bias of a mean that `n` values show with probability ``1 - miss_rate``, in the values' unit.

    Parameters
    ----------
    n : number of values, looked at until the end
    variance : of one value
    width : distance of the declared bounds, for `Betting`; None: `Catoni`, with this variance declared
    error_rate, coordinates : as there; the rate is for all coordinates

    For `Catoni` this is a theorem. For `Betting` it is the growth of a capital whose stakes follow the running mean: a
    noncentrality s = bias sqrt(n / variance) earns s^2/2 + s z, z standard normal, less what it costs to learn the
    stake; tests measure that the power is as stated. Infinity where no bias is found so surely.

    >>> round(detectable_bias(100_000, 0.25, 1.0), 4)
    0.0163
    """
    n, rates = arguments.count("n", n), arguments.rate("error_rate", error_rate)
    (spread,) = arguments.positive("variance", np.array([variance], dtype=np.float64))
    misses, d = arguments.rate("miss_rate", miss_rate), arguments.count("coordinates", coordinates)
    if width is None:
        return _by_catoni(n, spread, math.log(2 * d / rates), -math.log(misses))
    if not width > 0:
        raise ValueError(f"width is {width}: it is above 0")
    return _by_betting(n, spread, width, math.log(2 * d / rates), misses)


def _by_betting(n: int, variance: float, width: float, log: float, misses: float) -> float:
    from scipy.special import ndtri

    needed = log + _LEARNING * math.log(n)
    quantile = float(-ndtri(misses))
    noncentrality = quantile + math.sqrt(quantile**2 + 2 * needed)
    return noncentrality * math.sqrt(variance / n) + _SKEWNESS * width * needed / n


def _by_catoni(n: int, variance: float, log: float, log_of_misses: float) -> float:
    """Where log h(delta), for the true delta, is below what refutes 0 by as much as a miss needs to be rare."""
    stake = math.sqrt(2 * log / (variance * n))
    spread = stake**2 * variance
    beyond = spread - 2 * (math.expm1(-(log + log_of_misses) / n - math.log1p(spread / 2)))
    return beyond / (1 + math.sqrt(1 - beyond)) / stake if beyond < 1 else math.inf


def samples_needed(
    bias: float,
    variance: float,
    width: float | None = None,
    error_rate: float = 1e-9,
    *,
    miss_rate: float = 1e-2,
    coordinates: int = 1,
) -> int:
    """The least number of values with which a bias of this size is a `detectable_bias`.

    >>> samples_needed(0.0163, 0.25, 1.0)
    100104
    """
    if not bias > 0:
        raise ValueError(f"bias is {bias}: it is above 0")

    def enough(n: int) -> bool:
        return bias >= detectable_bias(n, variance, width, error_rate, miss_rate=miss_rate, coordinates=coordinates)

    high = 1
    while not enough(high):
        high *= 2
        if high > _MOST:
            raise ValueError(f"bias is {bias}: more than {_MOST} values would be needed")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def clopper_pearson(k: int, n: int, level: float = 0.99) -> tuple[float, float]:
    """Exact limits of a rate of which k in n were seen: each holds by itself with probability `level`.

    >>> low, high = clopper_pearson(0, 10_000)
    >>> low, round(high, 6)
    (0.0, 0.00046)
    """
    from scipy.special import betaincinv

    if not 0 <= k <= n or n < 1:
        raise ValueError(f"k is {k} and n is {n}: they satisfy 0 <= k <= n and n >= 1")
    error = 1 - arguments.rate("level", level)
    low = float(betaincinv(k, n - k + 1, error)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - error)) if k < n else 1.0
    return low, high
