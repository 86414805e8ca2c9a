"""MaxRL of order T = N in operations of the array API standard: static shapes, no branch on a value, differentiable.

The integral of `maxrl_est.estimates._kernels.quadrature`, for groups (..., N) of float32 or float64 with their
namespace xp, with products through logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from maxrl_est.adapters._arrays import size_of
from maxrl_est.estimates._kernels.nodes import COUNTS, NODES, WEIGHTS

CUTOFF = 37.0  # as in `maxrl_est.estimates._kernels.quadrature`
RULES = tuple(tuple(zip(NODES[r, :c].tolist(), WEIGHTS[r, :c].tolist(), strict=True)) for r, c in enumerate(COUNTS))


def loo_weights(xp: Any, likelihoods: Any) -> Any:
    """Leave-one-out weights (..., N) of order N: N Int_0^1 prod_{j != i} (1 - t l_j) dt."""
    size = size_of(likelihoods)
    a = cut(xp, xp.sum(likelihoods, axis=-1) - xp.max(likelihoods, axis=-1))

    def terms() -> Iterator[Any]:
        for node, weight in reversed(nodes_of(size)):  # the small ones first
            log, rest = log_product(xp, (a * node)[..., None] * likelihoods)
            yield (size * weight * a * xp.exp(log))[..., None] / rest

    return summed(terms())


def objective_estimate(xp: Any, likelihoods: Any) -> Any:
    """Estimate (...) of J_N(p): Int_0^1 (1 - prod_j (1 - t l_j)) / t dt - H_N, to a few roundings of H_N."""
    size = size_of(likelihoods)
    a = cut(xp, xp.sum(likelihoods, axis=-1))

    def terms() -> Iterator[Any]:
        yield -xp.log(a)
        for part in _halves(math.fsum(1 / k for k in range(1, size + 1))):
            yield -part * xp.ones_like(a)
        for node, weight in nodes_of(size):
            yield -weight / node * xp.expm1(log_product(xp, (a * node)[..., None] * likelihoods)[0])

    return summed(terms())


def cut(xp: Any, decay: Any) -> Any:
    """The point a (...) beyond which an integrand that falls off like exp(-decay t) leaves nothing."""
    return CUTOFF / xp.where(decay > CUTOFF, decay, CUTOFF * xp.ones_like(decay))


def nodes_of(order: int) -> Sequence[tuple[float, float]]:
    """Nodes and weights on [0, 1], exact for polynomials of degree T - 1 or accurate for exp(-37 t)."""
    return next((rule for rule in RULES if order <= 2 * len(rule)), RULES[-1])


def log_product(xp: Any, x: Any) -> tuple[Any, Any]:
    """Logarithm of prod_j (1 - x_j), and 1 - x. By log, because log1p of XLA errs by up to 128 ulp."""
    rest = 1.0 - x
    return xp.sum(xp.log(rest) + ((1.0 - rest) - x) / rest, axis=-1), rest


def summed(terms: Iterable[Any]) -> Any:
    """The sum of arrays, with what rounding loses carried along."""
    total, carry = 0.0, 0.0
    for term in terms:
        after = total + term
        shift = after - total
        carry = carry + ((total - (after - shift)) + (term - shift))
        total = after
    return total + carry


def _halves(number: float) -> tuple[float, float]:
    """A number as a float32, and the rest."""
    high = float(np.float32(number))
    return high, number - high
