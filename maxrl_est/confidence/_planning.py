"""What a run will be able to tell, before it is run; and the limits of a rate from counts."""

from __future__ import annotations

import math

from maxrl_est._arguments import positive, rate, short, whole
from maxrl_est.confidence._values import MOST, number_of

# What a capital loses by stakes that follow a running mean, in log n: 1/2, as of the best universal codes for coins
# (Krichevsky and Trofimov, IEEE Trans. Inf. Theory 27, 1981); measured on coins, from 0.22 to 0.45.
_LEARNING = 0.5
# Of width / n for each unit of the logarithm, where single values could cost too much: at the largest stake, 1/2 of the
# width, a bias is worth a half of itself a value, so 2 would do without the first term; with it 1.5 does on the laws
# that need it most, ones that are rare.
_SKEWNESS = 1.5


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
    n : number of values, all of which are looked at
    variance : of one value
    width : distance of the declared bounds, for `Betting`; None: `Catoni`, with this variance declared
    error_rate : the largest probability of a false alarm, over all coordinates
    miss_rate : the probability with which a bias of the size returned may go unseen
    coordinates : number d of the means that are watched

    Returns
    -------
    A bias above 0, in the values' unit; infinity where none is found so surely

    Raises
    ------
    TypeError, ValueError
        Where an argument is not an int of at least 1, above 0, or in (0, 1).

    For `Catoni` this is a theorem. For `Betting` it is the growth of a capital whose stakes follow the running mean: a
    noncentrality s = bias sqrt(n / variance) earns s^2/2 + s z, z standard normal, less what it costs to learn the
    stake; tests measure that the power is as stated.

    >>> round(detectable_bias(100_000, 0.25, 1.0), 4)
    0.0163
    """
    n, spread, misses = number_of("n", n), positive("variance", variance), rate("miss_rate", miss_rate)
    log = math.log(2 * number_of("coordinates", coordinates) / rate("error_rate", error_rate))  # 2 sides of each
    if width is None:
        return _by_catoni(n, spread, log, -math.log(misses))
    return _by_betting(n, spread, positive("width", width), log, misses)


def _by_betting(n: int, variance: float, width: float, log: float, misses: float) -> float:
    from scipy.special import ndtri

    needed = log + _LEARNING * math.log(n)
    quantile = float(-ndtri(misses))
    noncentrality = quantile + math.sqrt(quantile**2 + 2 * needed)
    return noncentrality * math.sqrt(variance / n) + _SKEWNESS * width * needed / n


def _by_catoni(n: int, variance: float, log: float, log_of_misses: float) -> float:
    """Where log h(delta), for the true delta, is below what refutes 0 by as much as a miss needs to be rare.

    0 is refuted where -S > log + n log h(0). As exp(S) has at most the mean h(delta)^n at a distance delta, a miss has
    at most the chance h(delta)^n h(0)^n exp(log) (Markov): that is the miss rate at delta, and h(0) = 1 + spread/2.
    """
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

    Parameters
    ----------
    bias : what is to be found, above 0, in the values' unit
    variance, width, error_rate, miss_rate, coordinates : as for `detectable_bias`

    Returns
    -------
    An int of at least 1

    Raises
    ------
    TypeError, ValueError
        As `detectable_bias` does; ValueError too where no run is that long.

    >>> samples_needed(0.0163, 0.25, 1.0)
    100104
    """
    bias = positive("bias", bias)

    def enough(n: int) -> bool:
        return bias >= detectable_bias(n, variance, width, error_rate, miss_rate=miss_rate, coordinates=coordinates)

    high = 1
    while not enough(high):
        high *= 2
        if high > MOST:
            raise ValueError(f"bias must be one that {MOST} values can show, got {short(bias)}")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def clopper_pearson(k: int, n: int, level: float = 0.99) -> tuple[float, float]:
    """Exact lower and upper limits of a probability, from k occurrences in n independent trials.

    For a number of trials that was fixed beforehand: not for a run that stops when its result pleases. Source: Clopper
    and Pearson, Biometrika 26 (1934) 404.

    Parameters
    ----------
    k, n : occurrences, and trials
    level : the probability with which each limit is right by itself; both are with at least 2 level - 1

    Returns
    -------
    The lower and the upper limit, in [0, 1]

    Raises
    ------
    TypeError, ValueError
        Where k is no int in [0, n], n none of at least 1, or the level no number in (0, 1).

    >>> low, high = clopper_pearson(0, 10_000)
    >>> low, round(high, 6)
    (0.0, 0.00046)
    """
    from scipy.special import betaincinv

    n = number_of("n", n)
    k, error = whole("k", k, least=0, most=n), 1 - rate("level", level)
    low = float(betaincinv(k, n - k + 1, error)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - error)) if k < n else 1.0
    return low, high
