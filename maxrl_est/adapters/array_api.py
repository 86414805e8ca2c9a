"""Weights, advantages and objectives on arrays of NumPy, torch, JAX and CuPy, in operations of the array API standard.

Likelihoods are arrays ``(..., N)``, N rollouts of a prompt on the last axis, or log-likelihoods as in
`maxrl_est.loo_weights`. Results are on their device and in their dtype: float32 for half precisions, the framework's
default for bool and int. They are computed in float64 where the framework has it (JAX has, with ``jax_enable_x64``).

Shapes are static and no Python branch depends on a value, so that ``jax.jit``, ``jax.vmap``, ``jax.grad`` and
``torch.compile(fullgraph=True)`` go through, and derivatives with respect to likelihoods are right. A traced array has
no values yet, so likelihoods outside [0, 1] or NaN are an error only outside of these; inside, they give a number that
means nothing. Orders above N are an error everywhere.

MaxRL of order T = N takes O(N) time and memory a group; anything else O(N T) of both, some N T / 2 numbers at once in
several arrays. Not for NumPy, where `maxrl_est.loo_weights` is faster and needs less memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import array_api_compat
import numpy as np

from maxrl_est._arguments import finite
from maxrl_est.adapters import _product_tree, _quadrature
from maxrl_est.adapters._arrays import constant, size_of, static
from maxrl_est.estimates.baselines import Baseline, Recipe, recipe
from maxrl_est.estimates.groups import need_one
from maxrl_est.objectives import ObjectiveLike, resolve

_POWERS = 64  # E_k <= 2^-k where the mean failure mass is at most 1/2, so that further terms round off


class Groups(NamedTuple):
    """Checked likelihoods (..., N) in the dtype to compute in, and what gives a result the caller's."""

    xp: Any
    values: Any
    dtype: Any

    def returned(self, result: Any) -> Any:
        """Return a result in the caller's dtype."""
        return self.xp.astype(result, self.dtype, copy=False)


def loo_weights(
    likelihoods: Any = None, objective: ObjectiveLike = None, *, log_likelihoods: Any = None, log_ceiling: float = 0.0
) -> Any:
    """Leave-one-out weights ``omega (..., N)``: each rollout's estimate of w(p) from the other N-1 rollouts.

    As `maxrl_est.loo_weights`: with its errors, its source, and when not to use it. In float64 within 4 units in the
    last place for T = N and 2 otherwise, in JAX without x64 within 5e-7 of each weight and 1e-7.

    >>> loo_weights(np.array([1.0, 0.0, 0.0, 0.0])).round(12)
    array([4., 2., 2., 2.])
    """
    groups = as_groups(likelihoods, log_likelihoods, log_ceiling)
    return groups.returned(weights_of(groups, objective))


def advantages(
    likelihoods: Any = None,
    objective: ObjectiveLike = None,
    *,
    baseline: Baseline = None,
    log_likelihoods: Any = None,
    log_ceiling: float = 0.0,
) -> Any:
    """Advantages ``omega_i l_i - b_i (..., N)``, with the baselines and errors of `maxrl_est.advantages`.

    >>> advantages(np.array([1.0, 0.0, 0.0, 0.0]), 1, baseline="pass_loo").round(12)
    array([ 1.        , -0.33333333, -0.33333333, -0.33333333])
    """
    groups = as_groups(likelihoods, log_likelihoods, log_ceiling)
    made_of = recipe_of(groups, objective, baseline)
    weights = weights_of(groups, made_of.weights)
    return groups.returned(weights * groups.values - baseline_of(groups, made_of, weights))


def objective_estimate(
    likelihoods: Any = None, objective: ObjectiveLike = None, *, log_likelihoods: Any = None, log_ceiling: float = 0.0
) -> Any:
    """Estimate ``(...)`` of J(p), unbiased, as `maxrl_est.objective_estimate`; ``omega_i / N`` is its derivative.

    >>> float(objective_estimate(np.array([0.5, 0.25]), 1))
    -0.625
    """
    groups = as_groups(likelihoods, log_likelihoods, log_ceiling)
    return groups.returned(estimate_of(groups, objective))


def as_groups(likelihoods: Any, log_likelihoods: Any, log_ceiling: float) -> Groups:
    """The groups given as likelihoods or as their logarithms, checked as far as they have values."""
    need_one(likelihoods, log_likelihoods, log_ceiling)
    if log_likelihoods is None:
        xp, values, dtype = _as_floats("likelihoods", likelihoods)
        need("likelihoods", xp, values, (values >= 0) & (values <= 1), "likelihoods lie in [0, 1]")
        return Groups(xp, xp.astype(values, _widest(xp), copy=False), dtype)
    xp, logs, dtype = _as_floats("log_likelihoods", log_likelihoods)
    ceiling = finite("log_ceiling", log_ceiling)
    top = constant(xp, ceiling, log_likelihoods if _is_floating(xp, log_likelihoods) else logs)
    top = xp.astype(top, logs.dtype, copy=False)  # rounded as the logarithms that were given are
    rule = f"log-likelihoods are at most log_ceiling = {ceiling}"
    need("log_likelihoods", xp, logs, logs <= top, rule)
    wide = _widest(xp)
    return Groups(xp, xp.exp(xp.astype(logs, wide, copy=False) - xp.astype(top, wide, copy=False)), dtype)


def weights_of(groups: Groups, objective: ObjectiveLike) -> Any:
    """Leave-one-out weights (..., N) in the dtype to compute in."""
    coefficients = _coefficients(objective, size_of(groups.values))
    if coefficients is None:
        return _quadrature.loo_weights(groups.xp, groups.values)
    return _product_tree.loo_weights(groups.xp, groups.values, coefficients)


def estimate_of(groups: Groups, objective: ObjectiveLike) -> Any:
    """Estimate (...) of the objective in the dtype to compute in."""
    xp, values, size = groups.xp, groups.values, size_of(groups.values)
    coefficients = _coefficients(objective, size)
    terms = (1.0,) * min(size, _POWERS) if coefficients is None else coefficients
    by_powers = _product_tree.combined_powers(xp, values, (0.0, *(-c / k for k, c in enumerate(terms, 1))))
    if coefficients is not None or size <= _POWERS:
        return by_powers
    by_integral = _quadrature.objective_estimate(xp, values)
    return xp.where(xp.mean(values, axis=-1) >= 0.5, by_powers, by_integral)  # powers are accurate even near 0


@static
def recipe_of(groups: Groups, objective: ObjectiveLike, baseline: Baseline) -> Recipe:
    """What advantages of these groups are made of."""
    return recipe(objective, baseline, size_of(groups.values))


def baseline_of(groups: Groups, made_of: Recipe, weights: Any) -> Any:
    """Baselines b_i, (..., N) or one number, beside weights (..., N)."""
    if made_of.mean:
        return weights * _mean_of_others(groups.xp, groups.values)
    if made_of.others is not None:
        return weights_of(groups, made_of.others)
    return float(made_of.constant)


def _mean_of_others(xp: Any, values: Any) -> Any:
    """Mean of the other rollouts (..., N), from both sides: the sum less l_i would lose likelihoods far below l_i."""
    zero = xp.zeros_like(values[..., :1])
    before = xp.cumulative_sum(xp.concat([zero, values[..., :-1]], axis=-1), axis=-1)
    reversed_values = xp.flip(values, axis=-1)
    after = xp.cumulative_sum(xp.concat([zero, reversed_values[..., :-1]], axis=-1), axis=-1)
    return (before + xp.flip(after, axis=-1)) / (size_of(values) - 1)


@static
def _coefficients(objective: ObjectiveLike, size: int) -> tuple[float, ...] | None:
    """The coefficients (T,) of an objective of order T <= N, or None for MaxRL of order N > 1."""
    chosen = resolve(objective, size, size)
    if chosen is None:
        return (1.0,) if size == 1 else None
    return tuple(chosen.coefficients.tolist())


def _as_floats(name: str, given: Any) -> tuple[Any, Any, Any]:
    """The namespace, the array as floats, and the dtype of results; an error for what has no groups of numbers."""
    try:
        xp = array_api_compat.array_namespace(given)
    except TypeError:
        raise TypeError(
            f"{name} is of type {type(given).__name__}: it is an array of NumPy, torch, JAX or CuPy"
        ) from None
    if isinstance(given, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array: every rollout needs a likelihood")
    if not xp.isdtype(given.dtype, ("bool", "integral", "real floating")):
        raise TypeError(f"{name} has dtype {given.dtype}: {name} are bool, int or float")
    if given.ndim == 0 or given.shape[-1] == 0:
        raise ValueError(f"{name} has shape {tuple(given.shape)}: a group has N >= 1 rollouts on the last axis")
    if _is_floating(xp, given):
        dtype = xp.result_type(given.dtype, xp.float32)
    else:
        dtype = xp.__array_namespace_info__().default_dtypes()["real floating"]
    return xp, xp.astype(given, dtype, copy=False), dtype


def _is_floating(xp: Any, values: Any) -> bool:
    return bool(xp.isdtype(values.dtype, "real floating"))


def _widest(xp: Any) -> Any:
    return xp.__array_namespace_info__().dtypes(kind="real floating").get("float64", xp.float32)


def need(name: str, xp: Any, values: Any, right: Any, rule: str) -> None:
    """ValueError for the first entry that is not right, NaN among them, where the values are known."""
    if array_api_compat.is_torch_namespace(xp) and xp.compiler.is_compiling():
        return
    try:
        all_right = bool(xp.all(right))
    except (TypeError, RuntimeError):  # traced by JAX, or batched by torch.vmap
        return
    if not all_right:
        first = int(xp.argmin(xp.astype(xp.reshape(right, (-1,)), xp.int8)))
        index = ", ".join(str(int(i)) for i in np.unravel_index(first, tuple(values.shape)))
        raise ValueError(f"{name}[{index}] is {_number(xp, xp.reshape(values, (-1,))[first])}: {rule}")


def _number(xp: Any, value: Any) -> float:
    """The value, also where JAX follows it for a derivative."""
    if array_api_compat.is_jax_namespace(xp):
        from jax.lax import stop_gradient

        return float(stop_gradient(value))
    return float(value)
