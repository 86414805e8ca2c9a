"""The estimates as operators of torch: opaque to its compiler, differentiable, and checked where the numbers are.

Operators take groups (..., N) of any real dtype and give float64. On the CPU they are the functions of `maxrl_est`, on
the tensor's own memory; on other devices those of `maxrl_est.adapters.array_api`. An objective goes in as its
coefficients (T,), and as None where it is MaxRL of order N.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maxrl_est._typing import Array
from maxrl_est.estimates import ustatistics
from maxrl_est.estimates.groups import groups_of
from maxrl_est.estimators import advantages as of_arrays
from maxrl_est.objectives import Objective


def _operator(schema: str, axes: int = 1) -> Callable[[Callable[..., Tensor]], Any]:
    """Register a function of groups (..., N), with the last ``axes`` axes of them in its result."""

    def register(function: Callable[..., Tensor]) -> Any:
        operator = torch.library.custom_op(f"maxrl_est::{function.__name__}", function, mutates_args=(), schema=schema)

        def fake(groups: Tensor, *others: Any) -> Tensor:
            return groups.new_empty(groups.shape[: groups.ndim - 1 + axes], dtype=torch.float64)

        operator.register_fake(fake)
        return operator

    return register


def _array(tensor: Tensor) -> Array:
    """The tensor's memory as an array; a copy from other devices, and of half precisions, which NumPy has not got."""
    half = tensor.is_floating_point() and tensor.itemsize < 4
    array: Array = (tensor.float() if half else tensor).numpy(force=True)
    return array


def _estimate(function: Callable[..., Any], groups: Tensor, coefficients: Tensor | None, **options: Any) -> Tensor:
    """The estimate by a function of the package, or by its namesake for any device."""
    objective = None if coefficients is None else Objective.from_coefficients(coefficients.numpy())
    if groups.is_cpu:
        found = function(_array(groups), objective, **options)
        return torch.from_numpy(np.asarray(found, dtype=np.float64))
    from maxrl_est.adapters import array_api  # which imports what is not needed on the CPU

    return getattr(array_api, function.__name__)(groups, objective, **options).double()


@_operator("(Tensor likelihoods, Tensor? coefficients) -> Tensor")
def loo_weights(likelihoods: Tensor, coefficients: Tensor | None) -> Tensor:
    """Leave-one-out weights (..., N)."""
    return _estimate(ustatistics.loo_weights, likelihoods, coefficients)


@_operator("(Tensor likelihoods, Tensor? coefficients) -> Tensor", axes=0)
def objective_estimate(likelihoods: Tensor, coefficients: Tensor | None) -> Tensor:
    """Estimate (...) of J(p)."""
    return _estimate(ustatistics.objective_estimate, likelihoods, coefficients)


@_operator("(Tensor likelihoods, Tensor? coefficients, str? baseline, float constant) -> Tensor")
def advantages(likelihoods: Tensor, coefficients: Tensor | None, baseline: str | None, constant: float) -> Tensor:
    """Without a derivative; the constant is the baseline where that has no name."""
    chosen = constant if baseline is None else baseline
    return _estimate(of_arrays, likelihoods, coefficients, baseline=chosen)


@_operator("(Tensor log_likelihoods, float log_ceiling) -> Tensor")
def exponentials(log_likelihoods: Tensor, log_ceiling: float) -> Tensor:
    """Likelihoods, by the CPU on any device, with the ceiling rounded as their logarithms are."""
    if log_likelihoods.is_floating_point():
        log_ceiling = torch.tensor(log_ceiling, dtype=log_likelihoods.dtype).item()
    groups = groups_of(None, _array(log_likelihoods), log_ceiling)
    return torch.tensor(groups.values, device=log_likelihoods.device).reshape(log_likelihoods.shape)


@_operator("(Tensor logprobs) -> Tensor")
def zeros(logprobs: Tensor) -> Tensor:
    """Zeros with the derivative of logprobs, which have to be finite."""
    wrong = (~logprobs.isfinite()).nonzero()
    if len(wrong):
        index = wrong[0].tolist()
        value = logprobs[tuple(index)].item()
        raise ValueError(f"logprobs{index} is {value}: log-probabilities of rollouts are finite")
    return logprobs.new_zeros(logprobs.shape, dtype=torch.float64)


def _save_inputs(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _save_output(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(output)


def _of_weights(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None]:
    """Weights are affine in each l_i: slopes (..., i, j) of omega_j are differences between l_i = 1 and l_i = 0."""
    likelihoods, coefficients = ctx.saved_tensors
    itself = torch.eye(likelihoods.shape[-1], dtype=torch.bool, device=likelihoods.device)
    groups = likelihoods.double().unsqueeze(-2)
    at_one, at_zero = (loo_weights(torch.where(itself, value, groups), coefficients) for value in (1.0, 0.0))
    slopes = (at_one - at_zero).masked_fill(itself, 0.0)
    return (slopes * cotangent.unsqueeze(-2)).sum(-1), None


def _of_objective(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None]:
    likelihoods, coefficients = ctx.saved_tensors
    return cotangent.unsqueeze(-1) * loo_weights(likelihoods, coefficients) / likelihoods.shape[-1], None


def _of_exponentials(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None]:
    (likelihoods,) = ctx.saved_tensors
    return cotangent * likelihoods, None


loo_weights.register_autograd(_of_weights, setup_context=_save_inputs)
objective_estimate.register_autograd(_of_objective, setup_context=_save_inputs)
exponentials.register_autograd(_of_exponentials, setup_context=_save_output)
zeros.register_autograd(lambda ctx, cotangent: cotangent)
