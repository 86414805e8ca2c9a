"""What the other rollouts are together in operations of the array API standard: their mean, and that all of them fail.

The namesake of `maxrl_est.estimates._kernels.others`, for groups (..., N) of any framework with their namespace xp.
"""

from __future__ import annotations

from typing import Any

from maxrl_est.adapters._arrays import constant, size_of
from maxrl_est.adapters._quadrature import log_product


def mean_of_others(xp: Any, values: Any) -> Any:
    """Mean of the other rollouts (..., N), from both sides: the sum less l_i would lose likelihoods far below l_i."""
    zero = xp.zeros_like(values[..., :1])
    before = xp.cumulative_sum(xp.concat([zero, values[..., :-1]], axis=-1), axis=-1)
    reversed_values = xp.flip(values, axis=-1)
    after = xp.cumulative_sum(xp.concat([zero, reversed_values[..., :-1]], axis=-1), axis=-1)
    return (before + xp.flip(after, axis=-1)) / (size_of(values) - 1)


def failure_of_others(xp: Any, values: Any) -> Any:
    """Chance (..., N) that all the other rollouts fail, to N roundings: what comes before times what comes after."""
    one, q = xp.ones_like(values[..., :1]), 1.0 - values
    before = xp.cumulative_prod(xp.concat([one, q[..., :-1]], axis=-1), axis=-1)
    after = xp.cumulative_prod(xp.concat([one, xp.flip(q, axis=-1)[..., :-1]], axis=-1), axis=-1)
    return before * xp.flip(after, axis=-1)


def failure_of_all(xp: Any, values: Any) -> Any:
    """Chance (..., 1) that all rollouts fail, to a few roundings of 1.

    By logarithms, since roundings of a product add up. The largest likelihood, whose failure may have none, is a factor
    of its own; if it is 1 the product is 0, whatever the others are, so that these may be kept below 1.
    """
    places = constant(xp, tuple(range(size_of(values))), values, dtype=xp.int32)
    largest = xp.argmax(values, axis=-1, keepdims=True) == places
    zero = xp.zeros_like(values)
    others = xp.where(largest, zero, xp.clip(values, max=1.0 - float(xp.finfo(values.dtype).eps) / 2))
    failure = 1.0 - xp.sum(xp.where(largest, values, zero), axis=-1, keepdims=True)
    return failure * xp.exp(log_product(xp, others)[0])[..., None]
