"""Weights, advantages and objectives on arrays of NumPy, torch, JAX and CuPy, in operations of the array API standard.

Likelihoods are arrays ``(..., N)``, N rollouts of a prompt on the last axis, or log-likelihoods as in
`maxrl_est.loo_weights`. Results are on their device and in their dtype: float32 for half precisions, the framework's
default for bool and int. They are computed in float64 where the framework has it (JAX has, with ``jax_enable_x64``).

Shapes are static and no Python branch depends on a value, so that ``jax.jit``, ``jax.vmap``, ``jax.grad`` and
``torch.compile(fullgraph=True)`` go through, and derivatives with respect to likelihoods are right. A traced array has
no values yet, so likelihoods outside [0, 1] or NaN are an error only outside of these; inside, they give a number that
means nothing. Orders above N are an error everywhere.

MaxRL takes O(N) time and memory a group at order T = N and, from N = 256 on, at any other, less ``"pass_loo"`` too:
for T < N up to 132 numbers a rollout at once in several arrays, and up to 800 where a derivative is to be taken or a
compiler orders the steps. Anything else, and estimates of objectives with T < N, take O(N T) of both, some N T / 2
numbers at once in several arrays. Not for NumPy, where `maxrl_est.loo_weights` is faster and needs less memory.
"""

from __future__ import annotations

from typing import Any

from maxrl_est.adapters import _traced
from maxrl_est.adapters._groups import groups_of
from maxrl_est.estimates.baselines import Baseline
from maxrl_est.objectives import ObjectiveLike

__all__ = ["advantages", "loo_weights", "objective_estimate"]


def loo_weights(
    likelihoods: Any = None, objective: ObjectiveLike = None, *, log_likelihoods: Any = None, log_ceiling: float = 0.0
) -> Any:
    """Leave-one-out weights ``omega (..., N)``: each rollout's estimate of w(p) from the other N-1 rollouts.

    As `maxrl_est.loo_weights`: with its errors, its source, and when not to use it. In float64 within 4 units in the
    last place for MaxRL of order T = N, 5 for T < N from N = 256 on, and 2 otherwise; in JAX without x64 within 5e-7 of
    each weight for both of these, and 1e-7. Of an objective in powers of p, such as pass^k, or with terms of both
    signs, these are units of the sum of the sizes of its coefficients; one whose terms cancel to less than 1/1024 of it
    (`Objective.expansion`) is refused.

    >>> import numpy as np
    >>> loo_weights(np.array([1.0, 0.0, 0.0, 0.0])).round(12)
    array([4., 2., 2., 2.])
    """
    groups = groups_of(likelihoods, log_likelihoods, log_ceiling)
    made_of = _traced.recipe_of(objective, "none", groups.size)
    return groups.returned(_traced.loo_weights(groups, made_of.weights))


def advantages(
    likelihoods: Any = None,
    objective: ObjectiveLike = None,
    *,
    baseline: Baseline = None,
    log_likelihoods: Any = None,
    log_ceiling: float = 0.0,
) -> Any:
    """Advantages ``omega_i l_i - b_i (..., N)``, with the baselines and errors of `maxrl_est.advantages`.

    The default baseline is ``"mean_loo"``, in groups of one ``"none"``. Not where all likelihoods are far below 1/N:
    all weights are then near T.

    >>> import numpy as np
    >>> advantages(np.array([1.0, 0.0, 0.0, 0.0])).round(8)
    array([ 4.        , -0.66666667, -0.66666667, -0.66666667])
    >>> advantages(np.array([1.0, 0.0, 0.0, 0.0]), baseline="one").round(12)
    array([ 3., -1., -1., -1.])
    """
    groups = groups_of(likelihoods, log_likelihoods, log_ceiling)
    made_of = _traced.recipe_of(objective, baseline, groups.size)
    return groups.returned(_traced.weights_and_advantages(groups, made_of)[1])


def objective_estimate(
    likelihoods: Any = None, objective: ObjectiveLike = None, *, log_likelihoods: Any = None, log_ceiling: float = 0.0
) -> Any:
    """Estimate ``(...)`` of J(p), unbiased, as `maxrl_est.objective_estimate`; ``omega_i / N`` is its derivative.

    Not a loss by itself: its derivative leaves out how the probabilities of rollouts change.

    >>> import numpy as np
    >>> float(objective_estimate(np.array([0.5, 0.25]), 1))
    -0.625
    """
    groups = groups_of(likelihoods, log_likelihoods, log_ceiling)
    made_of = _traced.recipe_of(objective, "none", groups.size)
    return groups.returned(_traced.objective_estimate(groups, made_of.weights))
