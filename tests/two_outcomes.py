"""How often Catoni's sequence is wrong at any of its looks, on values with two outcomes: exactly, and without paths."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from maxrl_est.confidence import Catoni


def influence(y):
    return math.copysign(math.log(1 + abs(y) + y * y / 2), y)


def ever(values, p, wrong, *, alpha, horizon, end, step, variance=1.0, target=0.0):
    """The chance that a sequence is ever wrong at a look, of values with two outcomes: from their number at each look.

    No path is drawn: of so many values so many are the second, with a binomial chance, less those that were wrong.
    """
    a, b = values
    stake = math.sqrt(2 * math.log(2 / alpha) / (variance * horizon))
    sums = [influence(stake * (x - target)) for x in (a, b)]
    alive, found = np.array([1.0]), 0.0
    for n in range(step, end + 1, step):
        alive = np.convolve(alive, stats.binom.pmf(np.arange(step + 1), step, p))
        count = np.flatnonzero(alive > 1e-16)
        last = count == n  # else the last value is the first outcome
        sequence = Catoni(np.full(count.size, target), variance, error_rate=alpha, family=1, horizon=horizon)
        before = (n - 1 - count + last) * sums[0] + (count - last) * sums[1]
        low, high = [-math.inf] * count.size, [math.inf] * count.size
        sequence.restore({"count": n - 1, "_sum": before.tolist(), "_low": low, "_high": high})
        sequence.update(np.where(last, b, a)[None])
        off = count[wrong(sequence)]
        found += alive[off].sum()
        alive[off] = 0
    return found


def misses(mean):
    return lambda sequence: (mean < sequence.interval[0]) | (mean > sequence.interval[1])
