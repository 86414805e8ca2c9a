"""What a framework computes from likelihoods, as a function that `check_estimator` and `effective_weight` can judge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maxrl_est._typing import Array, Estimator
from maxrl_est.estimates.groups import groups_of


def judged(call: Callable[[Array], Array], name: str, expression: str) -> Estimator:
    """A function of float64 arrays (B, N) to advantages (B, N) as one of likelihoods (..., N).

    Reports say ``name`` of it, and reproduce what failed with ``expression``. ValueError for advantages of another
    shape.
    """

    def estimator(likelihoods: Array, /) -> Array:
        groups = groups_of(likelihoods)
        given = groups.values.astype(np.float64)
        found = call(given)
        if found.shape != given.shape:
            raise ValueError(f"{name} must return advantages of shape {given.shape}, got {found.shape}")
        return found.reshape(*groups.batch, groups.size)

    estimator.__name__, estimator.__qualname__ = name, expression
    return estimator
