"""JAX: weights, advantages, objectives and a loss on its arrays, under jit, vmap and grad; and judges for your own.

`loo_weights`, `advantages` and `objective_estimate` are those of `maxrl_est.adapters.array_api`: JAX alone, on any
device, in float32 unless ``jax_enable_x64`` is set. `kernel_loo_weights` calls the compiled kernels of `maxrl_est`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from maxrl_est._arguments import name_of
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.adapters import _traced
from maxrl_est.adapters._groups import groups_of, need
from maxrl_est.adapters._jax_steps import Arrays, as_step
from maxrl_est.adapters._judged import judged
from maxrl_est.adapters.array_api import advantages, loo_weights, objective_estimate
from maxrl_est.estimates.baselines import Baseline
from maxrl_est.estimates.ustatistics import loo_weights as compiled_loo_weights
from maxrl_est.objectives import ObjectiveLike

__all__ = [
    "Arrays",
    "advantages",
    "as_estimator",
    "as_step",
    "kernel_loo_weights",
    "loo_weights",
    "maxrl_loss",
    "objective_estimate",
]


def maxrl_loss(
    logprobs: Any,
    likelihoods: Any = None,
    objective: ObjectiveLike = None,
    *,
    baseline: Baseline = None,
    log_likelihoods: Any = None,
    log_ceiling: float = 0.0,
) -> Any:
    """Minus the mean estimate of J(p) over B groups: a scalar whose gradient is an unbiased estimate of that of -J.

    The gradient is ``-(1/B) sum_groups (1/N) sum_i (A_i grad logprobs_i + omega_i grad l_i)`` with the advantages A of
    `advantages`. The second term is there where likelihoods depend on the parameters too; no baseline is subtracted
    from it, because the mean of ``grad l_i`` is not zero. In the dtype of ``logprobs``, float32 at least.

    Not for logprobs averaged over tokens, nor for rollouts of an older policy: a logprob is the sum over the tokens of
    a rollout drawn from the policy that is differentiated. Not for second derivatives.

    Parameters
    ----------
    logprobs : (..., N) log-probability of each rollout given its prompt, summed over its tokens
    likelihoods, objective, log_likelihoods, log_ceiling : as for `maxrl_est.advantages`; gradients go through both
        likelihoods and their logarithms
    baseline : as for `maxrl_est.advantages`: by default ``"mean_loo"``, and ``"none"`` in groups of one. ``"pass_loo"``
        without an objective is of order N - 1, in both terms

    Raises
    ------
    TypeError, ValueError
        As `maxrl_est.advantages` does; for logprobs that are not finite, and for shapes that differ or have no groups.
        Wrong numbers are an error only where they are known, outside ``jax.jit``.

    Source: MaxRL (arXiv 2602.02710), by U-statistics for graded likelihoods.

    >>> logprobs, likelihoods = jnp.zeros(4), jnp.array([1.0, 0.0, 0.0, 0.0])
    >>> jax.grad(maxrl_loss)(logprobs, likelihoods, baseline="one").round(4).tolist()
    [-0.75, 0.25, 0.25, 0.25]
    """
    likelihoods, log_likelihoods = (
        None if given is None else jnp.asarray(given) for given in (likelihoods, log_likelihoods)
    )
    groups = groups_of(likelihoods, log_likelihoods, log_ceiling)
    logprobs = _checked(logprobs, groups.values.shape)
    made_of = _traced.recipe_of(objective, baseline, groups.size)
    fixed = groups._replace(values=jax.lax.stop_gradient(groups.values))
    weights, found = _traced.weights_and_advantages(fixed, made_of)
    ascended = found * _change(logprobs) + weights * _change(groups.values)
    loss = -jnp.mean(_traced.objective_estimate(fixed, made_of.weights)) - jnp.mean(ascended)
    return loss.astype(jnp.result_type(logprobs.dtype, jnp.float32))


def _checked(logprobs: Any, shape: tuple[int, ...]) -> Any:
    """Logprobs (..., N) as an array of finite floats, of the likelihoods' shape."""
    if logprobs is None or not jnp.issubdtype(jnp.asarray(logprobs).dtype, jnp.floating):
        found = "None" if logprobs is None else f"dtype {jnp.asarray(logprobs).dtype}"
        raise TypeError(f"logprobs must be an array (..., N) of floats, got {found}")
    logprobs = jnp.asarray(logprobs)
    if logprobs.shape != shape:
        raise ValueError(f"logprobs must have the shape {shape} of likelihoods, got {logprobs.shape}")
    if 0 in shape:
        raise ValueError(f"logprobs must have one group or more, got shape {shape}")
    need("logprobs", jnp, logprobs, jnp.isfinite(logprobs), "be finite")
    return logprobs


def _change(values: Any) -> Any:
    """Zero, with the derivative of the values."""
    return values - jax.lax.stop_gradient(values)


def kernel_loo_weights(
    likelihoods: Any = None, objective: ObjectiveLike = None, *, log_likelihoods: Any = None, log_ceiling: float = 0.0
) -> Any:
    """`loo_weights` by the compiled kernels, called back from compiled JAX: under jit, vmap and derivatives too.

    For large groups or orders on the CPU, and for errors: likelihoods outside [0, 1] are one in traced code too. Not on
    other devices, from which each call copies the likelihoods, nor for small groups, whose weights take less time than
    the call back.

    >>> kernel_loo_weights(jnp.array([1.0, 0.0, 0.0, 0.0])).tolist()
    [4.0, 2.0, 2.0, 2.0]
    """
    groups = groups_of(likelihoods, log_likelihoods, log_ceiling)
    return groups.returned(_called_back(groups.values, objective))


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _called_back(values: Any, objective: ObjectiveLike) -> Any:
    shape = jax.ShapeDtypeStruct(values.shape, values.dtype)
    kernel = functools.partial(_kernel, objective=objective)
    return jax.pure_callback(kernel, shape, values, vmap_method="broadcast_all")


@_called_back.defjvp  # type: ignore[untyped-decorator]
def _derivative(objective: ObjectiveLike, values: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
    of_arrays = functools.partial(loo_weights, objective=objective)
    return _called_back(*values, objective), jax.jvp(of_arrays, values, tangents)[1]


def _kernel(values: Any, objective: ObjectiveLike) -> Array:
    return compiled_loo_weights(np.asarray(values), objective)


def as_estimator(function: Callable[[Any], Any]) -> Estimator:
    """An advantage function of JAX arrays (B, N) as one of NumPy arrays (..., N), with its name.

    For `maxrl_est.check_estimator`, `maxrl_est.effective_weight` and `maxrl_est.exact_moments`. It is given float64
    where ``jax_enable_x64`` is set, and float32 elsewhere, to whose rounding it is then judged: set it. A function of
    one group (N,) goes in as ``jax.vmap(function)``.

    >>> as_estimator(advantages)(np.array([1.0, 0.0])).round(6)
    array([ 2., -1.])
    """
    name = name_of(function)

    def call(groups: Array) -> Array:
        return np.asarray(function(jnp.asarray(groups)), dtype=np.float64)

    return judged(call, name, f"as_estimator({name})")
