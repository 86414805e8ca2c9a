"""The estimates as operators of torch: opaque to its compiler, differentiable, and checked where the numbers are.

Operators take groups (..., N) of any real dtype, and what a recipe is made of: an objective by its coefficients (T,) in
powers of 1 - p or, as successes, of p, None where it is MaxRL of the largest order; a baseline by its name, by its
numbers, or by both, neither for the default. Results are float64. On the CPU the compiled kernels compute on the
tensor's own memory, on other devices operations of the array API. Each operator has its numbers checked once, by the
door of where they are.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual

from maxrl_est._arguments import at
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates import baselines, checked
from maxrl_est.estimates.groups import groups_of
from maxrl_est.objectives import Expansion, Objective, objective_of

_GROUPS = "Tensor likelihoods, Tensor? coefficients, bool successes, str? baseline, float[]? numbers"
_COMPILED = SimpleNamespace(  # what `_traced` has for other devices
    loo_weights=checked.loo_weights,
    objective_estimate=checked.objective_estimate,
    weights_and_advantages=baselines.weights_and_advantages,
)


def _operator(arguments: str, *axes: int) -> Callable[[Callable[..., Any]], Any]:
    """Register a function of groups (..., N), whose results have so many axes each after those of the batch."""
    schema = f"({arguments}) -> ({', '.join(['Tensor'] * len(axes))})"

    def register(function: Callable[..., Any]) -> Any:
        operator = torch.library.custom_op(f"maxrl_est::{function.__name__}", function, mutates_args=(), schema=schema)

        def fake(groups: Tensor, *others: Any) -> Any:
            shapes = (groups.shape[: groups.ndim - 1 + more] for more in axes)
            found = tuple(groups.new_empty(shape, dtype=torch.float64) for shape in shapes)
            return found[0] if len(found) == 1 else found

        operator.register_fake(fake)
        return operator

    return register


def are_plain(likelihoods: Any) -> bool:
    """Whether it is a tensor on the CPU that no compiler, tracer, mode, transform or forward derivative follows."""
    return not (
        torch.compiler.is_compiling()
        or type(likelihoods) is not Tensor
        or not likelihoods.is_cpu
        or torch._C._len_torch_dispatch_stack()
        or torch._C._functorch.is_functorch_wrapped_tensor(likelihoods)
        or torch.jit.is_tracing()
        or unpack_dual(likelihoods).tangent is not None
    )


def array_of(tensor: Tensor) -> Array:
    """The tensor's memory as an array; a copy from other devices, and of half precisions, which NumPy has not got."""
    half = tensor.is_floating_point() and tensor.itemsize < 4
    array: Array = (tensor.float() if half else tensor).numpy(force=True)
    return array


def _checked(
    likelihoods: Tensor,
    coefficients: Tensor | None,
    successes: bool,
    name: str | None,
    numbers: Sequence[float] | None,
) -> tuple[Any, Any, Any]:
    """What computes where the tensor is, the checked groups, and their recipe, as the functions of the first take them.

    The only way in: each operator calls it once.
    """
    objective = None if coefficients is None else _objective(coefficients.numpy().tobytes(), successes)
    baseline: Any = name if numbers is None else numbers[0] if name is None else (name, *numbers)
    if likelihoods.is_cpu:
        groups = groups_of(array_of(likelihoods))
        return _COMPILED, groups.values, baselines.recipe(objective, baseline, groups.size)
    from maxrl_est.adapters import _groups, _traced  # which import what is not needed on the CPU

    elsewhere = _groups.groups_of(likelihoods)
    return _traced, elsewhere, _traced.recipe_of(objective, baseline, elsewhere.size)


@functools.lru_cache(maxsize=64)
def _objective(coefficients: bytes, successes: bool) -> Objective:
    return objective_of(Expansion(successes, np.frombuffer(coefficients), math.nan))


def _like(likelihoods: Tensor, found: Any) -> Tensor:
    """Numbers of rollouts, (B, N) or (..., N), as a tensor (..., N)."""
    return torch.as_tensor(found).double().reshape(likelihoods.shape)


def _one_a_group(likelihoods: Tensor, found: Any) -> Tensor:
    """Numbers of groups, (B,) or (...), as a tensor (...)."""
    return torch.as_tensor(found).double().reshape(likelihoods.shape[:-1])


@_operator(_GROUPS, 1)
def loo_weights(likelihoods: Tensor, *asked: Any) -> Tensor:
    """Leave-one-out weights (..., N)."""
    of, groups, made_of = _checked(likelihoods, *asked)
    return _like(likelihoods, of.loo_weights(groups, made_of.weights))


@_operator(_GROUPS, 0)
def objective_estimate(likelihoods: Tensor, *asked: Any) -> Tensor:
    """Estimate (...) of J(p)."""
    of, groups, made_of = _checked(likelihoods, *asked)
    return _one_a_group(likelihoods, of.objective_estimate(groups, made_of.weights))


@_operator(_GROUPS, 1)
def advantages(likelihoods: Tensor, *asked: Any) -> Tensor:
    """Advantages (..., N), without a derivative."""
    of, groups, made_of = _checked(likelihoods, *asked)
    return _like(likelihoods, of.weights_and_advantages(groups, made_of)[1])


@_operator(_GROUPS, 0, 1)
def estimate_and_advantages(likelihoods: Tensor, *asked: Any) -> tuple[Tensor, Tensor]:
    """Estimate (...) of J(p), and advantages (..., N), of which only the first has a derivative."""
    of, groups, made_of = _checked(likelihoods, *asked)
    estimate = of.objective_estimate(groups, made_of.weights)
    found = of.weights_and_advantages(groups, made_of)[1]
    return _one_a_group(likelihoods, estimate), _like(likelihoods, found)


@_operator("Tensor log_likelihoods, float log_ceiling", 1)
def exponentials(log_likelihoods: Tensor, log_ceiling: float) -> Tensor:
    """Likelihoods, by the CPU on any device, with the ceiling rounded as their logarithms are."""
    if log_likelihoods.is_floating_point():
        log_ceiling = torch.tensor(log_ceiling, dtype=log_likelihoods.dtype).item()
    groups = groups_of(None, array_of(log_likelihoods), log_ceiling)
    return torch.tensor(groups.values, device=log_likelihoods.device).reshape(log_likelihoods.shape)


@_operator("Tensor logprobs", 1)
def zeros(logprobs: Tensor) -> Tensor:
    """Zeros with the derivative of logprobs, which have to be finite."""
    wrong = (~logprobs.isfinite()).nonzero()
    if len(wrong):
        index = tuple(wrong[0].tolist())
        raise ValueError(f"{at('logprobs', index)} must be finite, got {logprobs[index].item()}")
    return logprobs.new_zeros(logprobs.shape, dtype=torch.float64)


def _save_inputs(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    likelihoods, coefficients, *ctx.asked = inputs
    ctx.save_for_backward(likelihoods, coefficients)


def _save_output(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(output)


def _of_weights(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None, None, None, None]:
    """Weights are affine in each l_i: slopes (..., i, j) of omega_j are differences between l_i = 1 and l_i = 0."""
    likelihoods, coefficients = ctx.saved_tensors
    itself = torch.eye(likelihoods.shape[-1], dtype=torch.bool, device=likelihoods.device)
    groups = likelihoods.double().unsqueeze(-2)
    at_one, at_zero = (
        loo_weights(torch.where(itself, value, groups), coefficients, *ctx.asked) for value in (1.0, 0.0)
    )
    slopes = (at_one - at_zero).masked_fill(itself, 0.0)
    return (slopes * cotangent.unsqueeze(-2)).sum(-1), None, None, None, None


def _of_estimate(ctx: Any, cotangent: Tensor, *_: Tensor) -> tuple[Tensor, None, None, None, None]:
    likelihoods, coefficients = ctx.saved_tensors
    weights = loo_weights(likelihoods, coefficients, *ctx.asked)
    return cotangent.unsqueeze(-1) * weights / likelihoods.shape[-1], None, None, None, None


def _of_exponentials(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None]:
    (likelihoods,) = ctx.saved_tensors
    return cotangent * likelihoods, None


loo_weights.register_autograd(_of_weights, setup_context=_save_inputs)
objective_estimate.register_autograd(_of_estimate, setup_context=_save_inputs)
estimate_and_advantages.register_autograd(_of_estimate, setup_context=_save_inputs)
exponentials.register_autograd(_of_exponentials, setup_context=_save_output)
zeros.register_autograd(lambda ctx, cotangent: cotangent)
