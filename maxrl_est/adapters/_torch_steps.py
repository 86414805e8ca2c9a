"""Training steps read off losses of tensors: a token has what the loss loses by its log-probability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from maxrl_est._arguments import name_of, words
from maxrl_est._arguments.protocols import Array
from maxrl_est.adapters._stepped import coefficients, stepped
from maxrl_est.steps import Batch, Step


@dataclass(frozen=True, slots=True)
class Tensors:
    """A `Batch` of B prompts, N rollouts and L tokens on the CPU: what a loss is given beside its log-probabilities.

    Where ``parts`` is above 1 this is a micro-batch of some of the prompts of ``whole``; elsewhere that is None.
    """

    rewards: Tensor  # (B, N) float64
    mask: Tensor  # (B, N, L) float64, 0 or 1
    lengths: Tensor  # (B, N) int64, at least 1
    old_log_probs: Tensor  # (B, N, L) float64: of the policy that drew the tokens; 0 after the end
    ref_log_probs: Tensor  # (B, N, L) float64: of the reference
    groups: Tensor  # (B, N) int64
    branches: Tensor  # (B, N) int64
    parts: int
    step: Tensors | None

    @property
    def whole(self) -> Tensors:
        """The batch of the whole step: this one, unless it is a micro-batch."""
        return self if self.step is None else self.step


def tensors_of(batch: Batch) -> tuple[Tensor, Tensors]:
    """Log-probabilities (B, N, L), which require grad, and the rest."""
    logs = _tensor(batch.log_probs)
    step = None if batch.step is None else tensors_of(batch.step)[1]
    found = Tensors(
        _tensor(batch.rewards),
        _tensor(batch.mask),
        torch.from_numpy(batch.lengths.astype("int64")),
        logs - _tensor(batch.log_ratios),
        logs - _tensor(batch.log_reference_ratios),
        torch.from_numpy(batch.groups.astype("int64")),
        torch.from_numpy(batch.branches.astype("int64")),
        batch.parts,
        step,
    )
    return logs.clone().requires_grad_(), found


def coefficients_of(loss: Callable[[Tensor, Tensors], Any], batch: Batch) -> Array:
    """Minus the derivative (B, N, L) of a loss by the log-probabilities of a batch."""
    logs, tensors = tensors_of(batch)
    with torch.enable_grad():
        found = loss(logs, tensors)
        if not isinstance(found, Tensor) or found.numel() != 1:
            shown = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else words(found)
            raise TypeError(f"loss must return a scalar tensor, got {shown}")
        if not found.requires_grad:
            raise ValueError("loss must depend on log_probs, got one that does not")
        (derivative,) = torch.autograd.grad(found.sum(), logs, allow_unused=True)
    if derivative is None:
        raise ValueError("loss must depend on log_probs, got one that does not")
    return coefficients(derivative.numpy(), float(found.detach()), batch)


def as_step(loss: Callable[[Tensor, Tensors], Tensor], *, adds: bool = False) -> Step:
    """A loss of tensors as a training step, for `maxrl_est.steps.exact_step`: minus its derivative by each token.

    Parameters
    ----------
    loss : a function ``loss(log_probs, batch)`` to a scalar tensor. ``log_probs (B, N, L)``, float64 on the CPU, are
        those of the tokens under the policy that is updated, 0 after the end, and require grad. ``batch`` has, of the
        same B prompts, N rollouts and L tokens, ``rewards (B, N)``, ``mask (B, N, L)`` of 0.0 and 1.0,
        ``lengths (B, N)``, ``old_log_probs`` and ``ref_log_probs (B, N, L)``, which are constants, ``groups`` and
        ``branches (B, N)``, ``parts``, and ``whole``, the same of the whole step
    adds : whether the losses of micro-batches add up to that of the step, because each has divided by ``batch.parts``
        or by what it takes from ``batch.whole``. Where not, they are averaged, as by trainers that divide each by
        their number

    Returns
    -------
    A `maxrl_est.steps.Step`: batches on leading axes are given to the loss one by one

    Raises
    ------
    TypeError, ValueError
        When called, for a loss that is no scalar tensor, is not finite, or does not depend on ``log_probs``.

    It is called twice on each batch, so it must not draw random numbers. Not for what happens after the loss: clipping
    of gradients and the optimizer see the sum of tokens. Not for what looks at logits of tokens that were not drawn,
    such as an entropy bonus.

    >>> from maxrl_est.problems import TokenChain
    >>> from maxrl_est.steps import exact_step
    >>> def by_length(log_probs, batch):
    ...     each = batch.rewards * (log_probs * batch.mask).sum(-1) / batch.lengths
    ...     return -each.mean()
    >>> hard, easy = TokenChain([0.5], [0.0, 0.25]), TokenChain([0.5], [0.5, 1.0])
    >>> [round(float(share), 3) for share in exact_step(as_step(by_length), [hard, easy], 2).shares]
    [0.5, 0.0]
    """
    if not callable(loss):
        raise TypeError(f"loss must be a function of log_probs and a batch, got {words(loss)}")
    name = name_of(loss)
    return stepped(lambda batch: coefficients_of(loss, batch), name, f"as_step({name})", adds=adds)


def _tensor(array: Array) -> Tensor:
    return torch.tensor(array, dtype=torch.float64)
