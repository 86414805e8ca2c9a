"""Weights at T = N beside what every trainer does anyway: normalising the same array in NumPy.

Both use one thread and memory that the process already holds; weights are asked for by the public function, validation
and a new result included.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.selftest import definition
from maxrl_est.selftest.bench.clock import Pair, over, ratio
from maxrl_est.selftest.bench.figures import Figure
from maxrl_est.selftest.bench.inputs import KINDS, Draw, normalise, one_success, uniform

LIKELIHOODS = 1 << 18  # in one call: one group where N is larger
LIMITS = dict.fromkeys((2, 4, 8, 16), 0.8) | {32: 2.2, 64: 4.0, 128: 4.0, 256: 2.0, 512: 2.0}
LIMITS |= dict.fromkeys((1024, 2048, 4096, 16_384, 65_536, 1_000_000), 1.3)
GAUSSIAN_LIMITS = LIMITS | dict.fromkeys((256, 512, 1024), 4.0)  # likelihoods of all sizes are power sums of more terms
SINGLE_LIMITS = dict.fromkeys((32, 64, 128, 256), 1.5)  # in float32
SPEED_UPS = {"group by group": (1, 1000.0), "64 groups at once": (64, 100.0)}


def figures() -> list[Figure]:
    """All figures at full order."""
    return [*beside_normalising(), *in_float32(), *growth(), *times_faster()]


def beside_normalising(total: int = LIKELIHOODS) -> list[Figure]:
    """Time at T = N over that of `normalise`, for each N and kind of likelihoods."""
    return [
        over(
            "full order: time / normalising", f"N={n} {kind}", limit, partial(_with_normalising, draw, n, total, float)
        )
        for kind, draw in KINDS.items()
        for n, limit in (GAUSSIAN_LIMITS if kind == "Gaussian" else LIMITS).items()
    ]


def in_float32(total: int = LIKELIHOODS) -> list[Figure]:
    """The same in the dtype of trainers."""
    figure = "full order, float32: time / normalising in float32"
    return [
        over(figure, f"N={n} {kind}", limit, partial(_with_normalising, draw, n, total, np.float32))
        for kind, draw in KINDS.items()
        for n, limit in SINGLE_LIMITS.items()
    ]


def _with_normalising(draw: Draw, n: int, total: int, dtype: type) -> Pair:
    groups: FloatArray = draw(n, total).astype(dtype)
    return partial(loo_weights, groups), partial(normalise, groups)


def growth() -> list[Figure]:
    """Time per weight in long groups over that in short ones."""
    return [
        over("full order: time per weight", f"N=65536 over N=256, {kind}", 1.0, partial(_long_and_short, draw))
        for kind, draw in (("uniform", uniform), ("one success", one_success))
    ]


def _long_and_short(draw: Draw) -> Pair:
    return partial(loo_weights, draw(65_536, LIKELIHOODS)), partial(loo_weights, draw(256, LIKELIHOODS))


def times_faster(n: int = 64) -> list[Figure]:
    """How many times faster than the definition in NumPy a weight is."""
    figure = "full order: times faster than the definition"
    return [
        Figure(figure, f"N={n} {case}", limit, partial(_speed_up, n, groups), at_least=True)
        for case, (groups, limit) in SPEED_UPS.items()
    ]


def _speed_up(n: int, few: int, seconds: float) -> float:
    groups = uniform(n, LIKELIHOODS)
    slow = partial(definition.loo_weights, groups[:few], [1] * n)
    return ratio(slow, partial(loo_weights, groups), seconds) * len(groups) / few
