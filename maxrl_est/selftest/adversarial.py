"""Named families of likelihood groups on which a leave-one-out weight is easily computed wrongly.

Each of `FAMILIES` draws one group ``(N,)`` in [0, 1] for any N >= 1. Between them they hold the extremes (all
zero, all one, one success), values within an ulp of 0 and 1, subnormals, magnitudes from 1e-300 to 1 side by
side, and sums of about 37, past which exp(-sum) is below the rounding of a double and fast methods cut off an
integral. However large N is, a group has at most 4096 distinct values, so that a reference which works with
distinct values stays fast.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray

Family: TypeAlias = Callable[[int, np.random.Generator], FloatArray]

_MOST_DISTINCT = 4096
_TINY = math.ulp(0.0)  # the least positive double
_ULP = 2.0**-53  # 1 - _ULP is the double next below one


def _spread(n: int, draw: Callable[[int], Array]) -> FloatArray:
    """Values of ``draw`` over n rollouts, repeated past 4096: the one place that bounds distinct values."""
    values = np.asarray(draw(min(n, _MOST_DISTINCT)), dtype=np.float64)
    return np.resize(np.clip(values, 0.0, 1.0), n)


def _equal(value: Callable[[int], float]) -> Family:
    return lambda n, rng: np.full(n, min(value(n), 1.0))


def _hot(count: Callable[[int], float], *, high: float = 1.0, low: float = 0.0) -> Family:
    """At ``high``, ``count(N)`` rollouts or all if there are fewer; the others at ``low``; order random."""

    def group(n: int, rng: np.random.Generator) -> FloatArray:
        rank = rng.permutation(n)
        return np.where(rank < count(n), high, low)

    return group


def _binary(pass_rate: Callable[[int], float]) -> Family:
    return lambda n, rng: (rng.random(n) < pass_rate(n)).astype(np.float64)


def _uniform(low: Callable[[int], float], high: Callable[[int], float]) -> Family:
    return lambda n, rng: _spread(n, lambda m: rng.uniform(low(n), high(n), m))


def _beta(a: float, b: float) -> Family:
    return lambda n, rng: _spread(n, lambda m: rng.beta(a, b, m))


def _geometric(least: float, most: float = 1.0) -> Family:
    """Equal steps in the logarithm from ``least`` to ``most``."""
    return lambda n, rng: _spread(n, lambda m: np.geomspace(least, most, m))


def _gaussian(scale: float) -> Family:
    """Likelihoods exp(-x^2 / (2 scale^2)) of a standard normal x."""
    return lambda n, rng: _spread(n, lambda m: np.exp(-0.5 * (rng.standard_normal(m) / scale) ** 2))


def _ramp(order: Callable[[FloatArray], FloatArray]) -> Family:
    return lambda n, rng: order(np.sort(_spread(n, lambda m: np.arange(1, m + 1) / m)))


def _choice(*values: float) -> Family:
    return lambda n, rng: rng.choice(np.array(values), n)


def _straddling(threshold: float) -> Family:
    """An eighth of the rollouts (at most 100) within 0.1% or an ulp of S/296 = ``threshold``, S their sum.

    A method that cuts its integral at 37/S may treat values above an eighth of S/37 one by one.
    """

    def group(n: int, rng: np.random.Generator) -> FloatArray:
        near = min(100, (n + 7) // 8)
        crowd = min(1.0, (297 - near) * threshold / max(1, n - near))
        values = np.full(n, crowd)
        up, down = math.nextafter(threshold, 1.0), math.nextafter(threshold, 0.0)
        values[:near] = rng.choice([0.999 * threshold, down, threshold, up, 1.001 * threshold], near)
        return rng.permutation(values)

    return group


def _alternating(n: int, rng: np.random.Generator) -> FloatArray:
    return np.resize(np.array([1.0 - _ULP, 1e-300]), n)


def _dominant(mass: float) -> Family:
    """A single one in a crowd of equal values whose sum is ``mass``."""
    return lambda n, rng: np.where(np.arange(n) == rng.integers(n), 1.0, min(1.0, mass / n))


def _subnormal(n: int, rng: np.random.Generator) -> FloatArray:
    return _spread(n, lambda m: rng.integers(1, 2**52, m) * _TINY)


def _mixed_magnitudes(n: int, rng: np.random.Generator) -> FloatArray:
    return _spread(n, lambda m: rng.random(m) * 10.0 ** -rng.integers(0, 20, m))


def _near_one(n: int, rng: np.random.Generator) -> FloatArray:
    return _spread(n, lambda m: 1.0 - rng.integers(0, 5, m) * _ULP)


def _near_one_widely(n: int, rng: np.random.Generator) -> FloatArray:
    return _spread(n, lambda m: 1.0 - 10.0 ** rng.uniform(-16.0, 0.0, m))


def _dyadic(n: int, rng: np.random.Generator) -> FloatArray:
    return _spread(n, lambda m: rng.integers(0, 257, m) / 256.0)


def _powers_of_two(n: int, rng: np.random.Generator) -> FloatArray:
    return _spread(n, lambda m: 0.5 ** rng.integers(0, 60, m))


def _harmonic(n: int, rng: np.random.Generator) -> FloatArray:
    return _spread(n, lambda m: 1.0 / np.arange(1, m + 1))


def _softmax(n: int, rng: np.random.Generator) -> FloatArray:
    """Likelihoods that sum to at most about one: a softmax of logits with standard deviation 3."""

    def draw(m: int) -> Array:
        exponentials: FloatArray = np.exp(3.0 * rng.standard_normal(m))
        return exponentials / (float(exponentials.sum()) * (n / m))

    return _spread(n, draw)


def _two_clusters(n: int, rng: np.random.Generator) -> FloatArray:
    return _spread(n, lambda m: rng.choice([0.05, 0.9], m) + rng.uniform(-0.04, 0.04, m))


def _sorted(n: int, rng: np.random.Generator) -> FloatArray:
    return np.sort(_spread(n, rng.random))


def _descending(ascending: FloatArray) -> FloatArray:
    return np.ascontiguousarray(ascending[::-1])


def _ends_first(ascending: FloatArray) -> FloatArray:
    """Least, greatest, second least, second greatest, and so on."""
    half = (ascending.size + 1) // 2
    folded = np.empty_like(ascending)
    folded[0::2] = ascending[:half]
    folded[1::2] = ascending[half:][::-1]
    return folded


FAMILIES: dict[str, Family] = {
    # every rollout alike
    "all-zero": _equal(lambda n: 0.0),
    "all-one": _equal(lambda n: 1.0),
    "equal-least-double": _equal(lambda n: _TINY),
    "equal-1e-300": _equal(lambda n: 1e-300),
    "equal-1e-20": _equal(lambda n: 1e-20),
    "equal-half-ulp-of-one": _equal(lambda n: _ULP),
    "equal-0.1": _equal(lambda n: 0.1),
    "equal-third": _equal(lambda n: 1.0 / 3.0),
    "equal-half": _equal(lambda n: 0.5),
    "equal-0.9": _equal(lambda n: 0.9),
    "equal-ulp-below-one": _equal(lambda n: 1.0 - _ULP),
    "equal-sum-one": _equal(lambda n: 1.0 / n),
    "equal-sum-two": _equal(lambda n: 2.0 / n),
    "equal-sum-12": _equal(lambda n: 12.0 / n),
    "equal-sum-37": _equal(lambda n: 37.0 / n),
    "equal-sum-38": _equal(lambda n: 38.0 / n),
    "equal-sum-150": _equal(lambda n: 150.0 / n),
    "equal-inverse-square": _equal(lambda n: 1.0 / n**2),
    "equal-inverse-root": _equal(lambda n: n**-0.5),
    # so many successes
    "hot-1": _hot(lambda n: 1),
    "hot-2": _hot(lambda n: 2),
    "hot-37": _hot(lambda n: 37),
    "hot-38": _hot(lambda n: 38),
    "hot-39": _hot(lambda n: 39),
    "hot-150": _hot(lambda n: 150),
    "hot-root": _hot(lambda n: math.isqrt(n)),
    "hot-half": _hot(lambda n: n // 2),
    "hot-all-but-one": _hot(lambda n: n - 1),
    "one-zero-among-ulp-below-one": _hot(lambda n: n - 1, high=1.0 - _ULP),
    "one-ulp-below-one-among-zeros": _hot(lambda n: 1, high=1.0 - _ULP),
    "one-among-1e-300": _hot(lambda n: 1, low=1e-300),
    "one-among-1e-17": _hot(lambda n: 1, low=1e-17),
    "one-least-double-among-zeros": _hot(lambda n: 1, high=_TINY),
    "one-half-among-ones": _hot(lambda n: 1, high=0.5, low=1.0),
    "38-halves-among-1e-12": _hot(lambda n: 38, high=0.5, low=1e-12),
    "300-eighths-among-zeros": _hot(lambda n: 300, high=0.125),
    "one-with-crowd-of-sum-1": _dominant(1.0),
    "one-with-crowd-of-sum-37": _dominant(37.0),
    "one-with-crowd-of-sum-1e-9": _dominant(1e-9),
    # random successes
    "binary-0.001": _binary(lambda n: 0.001),
    "binary-0.05": _binary(lambda n: 0.05),
    "binary-0.5": _binary(lambda n: 0.5),
    "binary-0.99": _binary(lambda n: 0.99),
    "binary-about-one": _binary(lambda n: 1.0 / n),
    "binary-about-37": _binary(lambda n: 37.0 / n),
    # continuous laws
    "uniform": _uniform(lambda n: 0.0, lambda n: 1.0),
    "uniform-low": _uniform(lambda n: 0.0, lambda n: 0.01),
    "uniform-high": _uniform(lambda n: 0.99, lambda n: 1.0),
    "uniform-narrow": _uniform(lambda n: 0.3, lambda n: 0.3 + 1e-12),
    "uniform-sum-half": _uniform(lambda n: 0.0, lambda n: 1.0 / n),
    "uniform-sum-37": _uniform(lambda n: 0.0, lambda n: min(1.0, 74.0 / n)),
    "beta-u-shaped": _beta(0.05, 0.05),
    "beta-j-shaped": _beta(0.2, 3.0),
    "beta-reversed-j": _beta(3.0, 0.2),
    "beta-peaked": _beta(50.0, 50.0),
    "beta-almost-zero": _beta(0.01, 5.0),
    "gaussian": _gaussian(1.0),
    "gaussian-narrow": _gaussian(0.1),
    "gaussian-tiny-scale": _gaussian(0.001),
    "softmax": _softmax,
    "two-clusters": _two_clusters,
    "mixed-magnitudes": _mixed_magnitudes,
    # structure
    "geometric-1e-300": _geometric(1e-300),
    "geometric-1e-16": _geometric(1e-16),
    "geometric-subnormal": _geometric(1e-323, 1e-300),
    "harmonic": _harmonic,
    "ramp": _ramp(lambda values: values),
    "ramp-descending": _ramp(_descending),
    "ramp-ends-first": _ramp(_ends_first),
    "sorted": _sorted,
    "sorted-descending": lambda n, rng: _descending(_sorted(n, rng)),
    "alternating-magnitudes": _alternating,
    "dyadic": _dyadic,
    "powers-of-two": _powers_of_two,
    # edges of the format and of the method
    "subnormal": _subnormal,
    "within-ulps-of-zero": _choice(0.0, _TINY, 2.0 * _TINY),
    "within-ulps-of-one": _near_one,
    "near-one-widely": _near_one_widely,
    "ends-and-their-neighbours": _choice(0.0, _TINY, _ULP, 1.0 - _ULP, 1.0),
    "around-an-eighth": _choice(math.nextafter(0.125, 0.0), 0.125, math.nextafter(0.125, 1.0)),
    "around-threshold-eighth": _straddling(0.125),
    "around-threshold-half": _straddling(0.5),
}
