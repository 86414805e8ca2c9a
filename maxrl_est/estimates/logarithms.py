"""Weights of likelihoods that no float holds: exp(-746) is 0, and only its logarithm tells it from none."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import at
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates import checked
from maxrl_est.estimates.grouped import blocks, id_at
from maxrl_est.estimates.groups import Groups, below_ceiling, groups_of
from maxrl_est.objectives import Objective, ObjectiveLike, resolve


def log_weights(log_likelihoods: npt.ArrayLike, objective: ObjectiveLike = None, *, log_ceiling: float = 0.0) -> Array:
    """Logarithms ``log(omega_i l_i) (..., N)`` of what scores are weighted by, for likelihoods of any smallness.

    The advantages without a baseline, as logarithms: ``log omega_i + log_likelihoods_i - log_ceiling`` with omega by
    `maxrl_est.loo_weights`, which are never lost. Where all likelihoods of a batch are below exp(-745), `advantages`
    are 0. Subtract one number from all of the batch before the exponential, such as the largest: that is a learning
    rate. Not a number for each group: that changes what prompts count for, and so the objective. Not where likelihoods
    are above 1e-300: `maxrl_est.advantages` have baselines.

    Parameters
    ----------
    log_likelihoods : (..., N) natural logarithms of likelihoods; -inf for l = 0
    objective : an `Objective` of order T <= N with coefficients of at least 0; an int T for MaxRL of order T; None for
        MaxRL of order N
    log_ceiling : what no log-likelihood exceeds; l is ``exp(log_likelihoods - log_ceiling)``

    Returns
    -------
    (..., N) float64, in nats, -inf where omega_i l_i is 0; float32 for float32 input

    Raises
    ------
    TypeError, ValueError
        As `maxrl_est.loo_weights` does; for an objective with negative coefficients, whose weights have no logarithm,
        or with coefficients in powers of p, such as pass^k, whose weights vanish with the likelihoods.

    Source: logarithms of the U-statistics of `maxrl_est.loo_weights`.

    >>> logs = np.array([[-800.0, -802.0], [-801.0, -np.inf]])
    >>> log_weights(logs).round(4)
    array([[-799.3069, -801.3069],
           [-800.3069,      -inf]])
    >>> found = log_weights(logs)
    >>> np.exp(found - found.max()).round(4)
    array([[1.    , 0.1353],
           [0.3679, 0.    ]])
    """
    groups = groups_of(None, log_likelihoods, log_ceiling)
    resolved = resolve(objective, groups.size, groups.size)
    if resolved is not None:
        _need_positive(resolved)
    below = below_ceiling(np.asarray(log_likelihoods), log_ceiling).reshape(groups.values.shape)
    with np.errstate(divide="ignore"):
        found: Array = groups.back(np.log(checked.loo_weights(groups.values, resolved)) + below)
    return found


def _need_positive(objective: Objective) -> None:
    if objective.expansion.successes or (objective.coefficients < 0).any():
        raise ValueError(
            f"objective must have coefficients of at least 0 in powers of 1 - p, so that logarithms of weights are "
            f"finite, got {objective.name!r}"
        )


def warn_of_underflow(log_likelihoods: npt.ArrayLike | None, groups: Groups, ids: Any = None) -> None:
    """A warning for the first group whose likelihoods are all 0 as floats, though a logarithm is not -inf.

    Where there are ids, the groups are those that they tell in flat likelihoods.
    """
    if log_likelihoods is None or groups.values.all():
        return
    logs = np.asarray(log_likelihoods).reshape(groups.values.shape)
    if ids is None:
        found: list[tuple[Array, Array, Array]] = [(groups.values, logs, np.arange(len(logs)))]
    else:
        of_sizes = blocks("groups", ids, groups.size, "likelihoods")
        found = [(groups.values[0, block.rows], logs[0, block.rows], block.ids) for block in of_sizes]
    for values, given, places in found:
        lost = np.flatnonzero(~values.any(axis=-1) & np.isfinite(given).any(axis=-1))
        if lost.size:
            place = int(places[lost[0]])
            if ids is None:
                name = at("log_likelihoods", np.unravel_index(place, groups.batch) if groups.batch else ())
            else:
                name = f"log_likelihoods of group {id_at(ids, place)}"
            warnings.warn(
                f"{name} must have a rollout within 745 of log_ceiling, got {given[lost[0]].max()} at most: all its "
                f"likelihoods are 0 as floats, and count as 0; a lower log_ceiling keeps them, and so does "
                f"maxrl_est.log_weights",
                stacklevel=3,
            )
            return
