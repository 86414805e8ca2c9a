"""torch: weights, advantages and a loss on tensors, and judges for advantage functions and losses of one's own.

Likelihoods are tensors (..., N) of bool, int or float dtype with the N rollouts of a prompt on the last axis, or their
logarithms, as for `maxrl_est.loo_weights`, which raises the same errors. Lists and arrays are taken as float64 on the
CPU. Results are on the device of the likelihoods and in their dtype, but in float32 for bfloat16 and float16, and in
torch's default dtype for bool and int. What is computed in float64 is rounded once.

On the CPU the compiled kernels compute on the tensor's own memory: the numbers are those of `maxrl_est`, for little
more time than it takes. Where torch has to see what is computed, as compilers and derivatives do, they are operators
that ``torch.compile`` does not look into (``fullgraph=True`` works), so wrong numbers raise their error in compiled
code too; an operator costs a tenth of a millisecond more. On other devices they compute in the operations of
`maxrl_est.adapters.array_api`.

Use `maxrl_est.adapters.array_api` itself on a GPU, where its functions can be fused by the compiler and operators wait
for the check of the numbers, and under ``torch.func`` or for forward-mode derivatives, which operators do not have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maxrl_est._arguments import finite, is_number, name_of
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.adapters import _torch_ops as ops
from maxrl_est.adapters._arrays import static
from maxrl_est.adapters._judged import judged
from maxrl_est.adapters._torch_steps import Tensors, as_step
from maxrl_est.estimates import ustatistics
from maxrl_est.estimates.baselines import Baseline, recipe
from maxrl_est.estimates.groups import groups_of, need_one
from maxrl_est.estimators import _advantages
from maxrl_est.objectives import Objective, ObjectiveLike, order_of

__all__ = ["Tensors", "advantages", "as_estimator", "as_step", "loo_weights", "maxrl_loss", "objective_estimate"]


def loo_weights(
    likelihoods: Tensor | None = None,
    objective: ObjectiveLike = None,
    *,
    log_likelihoods: Tensor | None = None,
    log_ceiling: float = 0.0,
) -> Tensor:
    """Leave-one-out weights ``omega (..., N)``, those of `maxrl_est.loo_weights` to the last bit on the CPU.

    Differentiable, any number of times: omega_i is affine in the likelihood of every other rollout. The derivative
    takes the time and memory of 2 N groups for each. Not as a factor in a loss unless detached, for which there is
    `maxrl_loss`. Not for likelihoods far below 1/N on every rollout: all weights are then near T.

    >>> loo_weights(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    tensor([4., 2., 2., 2.])
    """
    if log_likelihoods is None and ops.are_plain(likelihoods) and not _has_derivative(likelihoods):
        found = ustatistics.loo_weights(ops.array_of(likelihoods), objective, log_ceiling=log_ceiling)
        return _beside(likelihoods, found)
    values, dtype = _given(likelihoods, log_likelihoods, log_ceiling)
    return ops.loo_weights(values, *_asked(objective, "none")).to(dtype)


def advantages(
    likelihoods: Tensor | None = None,
    objective: ObjectiveLike = None,
    *,
    baseline: Baseline = None,
    log_likelihoods: Tensor | None = None,
    log_ceiling: float = 0.0,
    ratios: Tensor | None = None,
    control: float = 0.0,
) -> Tensor:
    """Advantages ``omega_i l_i - b_i (..., N)``, those of `maxrl_est.advantages`, with its baselines.

    The default baseline is ``"mean_loo"``, in groups of one ``"none"``. Advantages are constants, even if likelihoods
    require grad: an advantage multiplies the gradient of a log-probability, and is not differentiated itself. Not
    enough where likelihoods depend on parameters: then the gradient has a second term, which `maxrl_loss` has.

    With ``ratios (..., N)`` of whole rollouts, and ``control``, they are those of rollouts of another policy, as
    `maxrl_est.advantages` has it: computed on the CPU from any device, and not in compiled code.

    >>> advantages(torch.tensor([1, 0, 0, 0]))
    tensor([ 4.0000, -0.6667, -0.6667, -0.6667])
    >>> advantages(torch.tensor([1, 0, 0, 0]), baseline="one")
    tensor([ 3., -1., -1., -1.])
    """
    if ratios is not None or control != 0:
        given, logs, rho = (
            ops.array_of(x) if isinstance(x, Tensor) else x for x in (likelihoods, log_likelihoods, ratios)
        )
        found = _advantages.advantages(
            given,
            objective,
            baseline=baseline,
            log_likelihoods=logs,
            log_ceiling=log_ceiling,
            ratios=rho,
            control=control,
        )
        beside = likelihoods if log_likelihoods is None else log_likelihoods
        return _beside(beside, found).to(beside.device) if isinstance(beside, Tensor) else torch.from_numpy(found)
    if log_likelihoods is None and ops.are_plain(likelihoods):
        array = ops.array_of(likelihoods)
        return _beside(
            likelihoods, _advantages.advantages(array, objective, baseline=baseline, log_ceiling=log_ceiling)
        )
    values, dtype = _given(likelihoods, log_likelihoods, log_ceiling)
    return ops.advantages(values.detach(), *_asked(objective, baseline)).to(dtype)


def objective_estimate(
    likelihoods: Tensor | None = None,
    objective: ObjectiveLike = None,
    *,
    log_likelihoods: Tensor | None = None,
    log_ceiling: float = 0.0,
) -> Tensor:
    """Estimate ``(...)`` of J(p), unbiased: that of `maxrl_est.objective_estimate`, with derivatives ``omega_i / N``.

    Not a loss by itself unless rollouts are drawn from what does not change: its derivative leaves out how their
    probabilities do. `maxrl_loss` has both.

    >>> objective_estimate(torch.tensor([1.0, 0.0]))
    tensor(-0.5000)
    """
    values, dtype = _given(likelihoods, log_likelihoods, log_ceiling)
    return ops.objective_estimate(values, *_asked(objective, "none")).to(dtype)


def maxrl_loss(
    logprobs: Tensor,
    likelihoods: Tensor | None = None,
    objective: ObjectiveLike = None,
    *,
    baseline: Baseline = None,
    log_likelihoods: Tensor | None = None,
    log_ceiling: float = 0.0,
) -> Tensor:
    """Minus the mean estimate of J(p) over B groups: a scalar whose gradient is an unbiased estimate of that of -J.

    The gradient is ``-(1/B) sum_groups (1/N) sum_i (A_i grad logprobs_i + omega_i grad l_i)`` with the advantages A of
    `advantages`. The second term is there where likelihoods require grad, as a model's probability of the right answer
    does; no baseline is subtracted from it, because the mean of ``grad l_i`` is not zero.

    Not for losses that are means over tokens, nor with logprobs divided by lengths: rollouts then count by their
    length, which is a bias. Not for rollouts of another policy than the one differentiated, and so not with ratios,
    clipped or not: one gradient step for each batch of rollouts. Groups are whole; where a batch is taken in parts,
    weight the losses by their numbers of groups.

    Parameters
    ----------
    logprobs : (..., N) log-probability of each rollout given its prompt, summed over its tokens, with its graph
    likelihoods, objective, log_likelihoods : as for `advantages`
    baseline : as for `advantages`: by default ``"mean_loo"``, and ``"none"`` in groups of one. ``"pass_loo"`` without
        an objective is of order N - 1, in both terms
    log_ceiling : as for `advantages`, and a constant: if it depended on parameters, the objective would change with
        them

    Returns
    -------
    a scalar in the dtype of ``logprobs``, or in float32 if that has fewer bits

    Raises
    ------
    TypeError, ValueError
        As `advantages` does; for logprobs that are not finite; where the two tensors have different shapes, are on
        different devices, or have no groups.

    Source: MaxRL (arXiv 2602.02710), by U-statistics for graded rewards; with likelihoods that are differentiated,
    VeriFree (arXiv 2505.21493) at order 1.

    >>> logprobs = torch.tensor([-1.0, -2.0], requires_grad=True)
    >>> loss = maxrl_loss(logprobs, torch.tensor([1.0, 0.0]), baseline="one")
    >>> loss.backward()
    >>> loss.item(), logprobs.grad
    (0.5, tensor([-0.5000,  0.5000]))
    """
    values, _ = _given(likelihoods, log_likelihoods, log_ceiling)
    _check_logprobs(logprobs, values)
    estimates, found = ops.estimate_and_advantages(values, *_asked(objective, baseline))
    scores = found.detach() * ops.zeros(logprobs)
    return -(estimates + scores.mean(-1)).mean().to(_result_dtype(logprobs))


def as_estimator(function: Callable[[Tensor], Tensor]) -> Estimator:
    """An advantage function of tensors, (B, N) -> (B, N), as a function of arrays ``(..., N) -> (..., N)``.

    For `maxrl_est.check_estimator`, `maxrl_est.effective_weight` and `maxrl_est.exact_moments`, under its own name.
    It gets float64 tensors on the CPU, to show more than float32 would. Not for functions whose result is not the
    coefficient of a rollout's score, such as advantages of tokens.

    >>> def centred(rewards):
    ...     return rewards - rewards.mean(-1, keepdim=True)
    >>> as_estimator(centred)(np.array([1.0, 0.0, 0.0, 0.0]))
    array([ 0.75, -0.25, -0.25, -0.25])
    """
    name = name_of(function)

    def call(groups: Array) -> Array:
        found: Array = function(torch.tensor(groups)).double().numpy(force=True)
        return found

    return judged(call, name, f"as_estimator({name})")


def _given(likelihoods: Any, log_likelihoods: Any, log_ceiling: float) -> tuple[Tensor, torch.dtype]:
    """Likelihoods (..., N), which the operators check, and the dtype of results."""
    need_one(likelihoods, log_likelihoods, log_ceiling)
    name, given = ("likelihoods", likelihoods) if log_likelihoods is None else ("log_likelihoods", log_likelihoods)
    if isinstance(given, torch.masked.MaskedTensor):
        raise TypeError(f"{name} must be a plain tensor with a number for every rollout, got a MaskedTensor")
    if not isinstance(given, Tensor):
        groups = groups_of(likelihoods, log_likelihoods, log_ceiling)
        values = groups.values.astype(np.float64).reshape(*groups.batch, groups.size)
        return torch.tensor(values), torch.float64
    if not is_number(log_ceiling):
        finite("log_ceiling", log_ceiling)  # refuses it; values are left to the operator, since compiled code has none
    values = given if log_likelihoods is None else ops.exponentials(given, log_ceiling)
    return values, _result_dtype(given)


def _has_derivative(likelihoods: Any) -> bool:
    return bool(likelihoods.requires_grad) and torch.is_grad_enabled()


def _beside(likelihoods: Any, found: Array) -> Tensor:
    """Results of the package, in the dtype of likelihoods if these are floats already, as a tensor."""
    tensor = torch.from_numpy(found)
    return tensor if likelihoods.is_floating_point() else tensor.to(_result_dtype(likelihoods))


def _result_dtype(given: Tensor) -> torch.dtype:
    return torch.promote_types(given.dtype if given.is_floating_point() else torch.get_default_dtype(), torch.float32)


def _asked(objective: ObjectiveLike, baseline: Baseline) -> tuple[Tensor | None, bool, str | None, list[float] | None]:
    """An objective and a baseline as operators take them, which make the recipe where N and the numbers are."""
    if baseline is None or isinstance(baseline, str):
        return *_expansion(objective), baseline, None
    if not is_number(baseline):
        _need_recipe(baseline)
    if isinstance(baseline, tuple):
        name, *numbers = baseline
        return *_expansion(objective), name, [float(number) for number in numbers]
    return *_expansion(objective), None, [float(baseline)]


@static
def _need_recipe(baseline: Any) -> None:
    """TypeError or ValueError for what is no baseline."""
    recipe(None, baseline, 2)


def _expansion(objective: ObjectiveLike) -> tuple[Tensor | None, bool]:
    """The coefficients (T,), in a tensor, which compiled functions do not take for constant; whether of successes."""
    if objective is None:
        return None, False
    if isinstance(objective, Objective):
        found = objective.expansion
        return torch.from_numpy(found.coefficients.copy()), found.successes
    return torch.ones(order_of(objective), dtype=torch.float64, device="cpu"), False


def _check_logprobs(logprobs: Any, likelihoods: Tensor) -> None:
    if not isinstance(logprobs, Tensor) or not logprobs.is_floating_point():
        found = f"dtype {logprobs.dtype}" if isinstance(logprobs, Tensor) else type(logprobs).__name__
        raise TypeError(f"logprobs must be a tensor (..., N) of floats, got {found}")
    if logprobs.device != likelihoods.device:
        raise ValueError(f"logprobs must be on the device {likelihoods.device} of likelihoods, got {logprobs.device}")
    shape, other = tuple(logprobs.shape), tuple(likelihoods.shape)
    if shape != other:
        raise ValueError(f"logprobs must have the shape {other} of likelihoods, got {shape}")
    if not shape or 0 in shape:
        raise ValueError(f"logprobs must have one group or more on axes (..., N), got shape {shape}")
