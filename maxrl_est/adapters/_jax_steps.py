"""Training steps read off losses of JAX arrays: a token has what the loss loses by its log-probability."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from maxrl_est._arguments import name_of, words
from maxrl_est._arguments.protocols import Array
from maxrl_est.adapters._stepped import coefficients, stepped
from maxrl_est.steps import Batch, Step

_FIELDS = ("rewards", "mask", "lengths", "old_log_probs", "ref_log_probs", "groups", "branches", "step")


@functools.partial(jax.tree_util.register_dataclass, data_fields=_FIELDS, meta_fields=("parts",))
@dataclass(frozen=True, slots=True)
class Arrays:
    """A `Batch` of B prompts, N rollouts and L tokens: what a loss is given beside its log-probabilities.

    Where ``parts`` is above 1 this is a micro-batch of some of the prompts of ``whole``; elsewhere that is itself.
    """

    rewards: Any  # (B, N) floats
    mask: Any  # (B, N, L) floats, 0 or 1
    lengths: Any  # (B, N) ints, at least 1
    old_log_probs: Any  # (B, N, L): of the policy that drew the tokens; 0 after the end
    ref_log_probs: Any  # (B, N, L): of the reference
    groups: Any  # (B, N) ints
    branches: Any  # (B, N) ints
    parts: int
    step: Arrays | None

    @property
    def whole(self) -> Arrays:
        """The batch of the whole step: this one, unless it is a micro-batch."""
        return self if self.step is None else self.step


def as_step(loss: Callable[[Any, Arrays], Any], *, adds: bool = False) -> Step:
    """A loss of JAX arrays as a training step, for `maxrl_est.steps.exact_step`: minus its derivative by each token.

    It is compiled, once for each shape, and given float64 where ``jax_enable_x64`` is set, and float32 elsewhere.

    Parameters
    ----------
    loss : a function ``loss(log_probs, batch)`` to a scalar, which `jax.jit` can trace. ``log_probs (B, N, L)`` are
        those of the tokens under the policy that is updated, 0 after the end. ``batch`` has ``rewards (B, N)``,
        ``mask (B, N, L)`` of 0.0 and 1.0, ``lengths (B, N)``, ``old_log_probs`` and ``ref_log_probs (B, N, L)``,
        ``groups`` and ``branches (B, N)``, ``parts``, and ``whole``, the same of the whole step
    adds : whether the losses of micro-batches add up to that of the step; where not, they are averaged

    Raises
    ------
    TypeError, ValueError
        When called, for a loss that is no scalar of floats, or is not finite.

    A loss that does not depend on ``log_probs`` is a step of zeros. Not for what happens after the loss, nor for what
    looks at logits of tokens that were not drawn.

    >>> def reinforce(log_probs, batch):
    ...     return -(batch.rewards * (log_probs * batch.mask).sum(-1)).mean()
    >>> as_step(reinforce)(Batch.of([[1, 0]], [[[1, 1, 0], [1, 0, 0]]])).tolist()
    [[[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]]
    """
    if not callable(loss):
        raise TypeError(f"loss must be a function of log_probs and a batch, got {words(loss)}")
    name = name_of(loss)

    def scalar(logs: Any, batch: Arrays) -> Any:
        found = loss(logs, batch)
        if jnp.shape(found) != () or not jnp.issubdtype(jnp.result_type(found), jnp.floating):
            shown = f"{jnp.result_type(found)} of shape {jnp.shape(found)}"
            raise TypeError(f"loss must return a scalar of floats, got {shown}")
        return found

    derivative = jax.jit(jax.value_and_grad(scalar))

    def call(batch: Batch) -> Array:
        value, found = derivative(jnp.asarray(batch.log_probs), _arrays(batch))
        return coefficients(np.asarray(found, dtype=np.float64), float(value), batch)

    return stepped(call, name, f"as_step({name})", adds=adds)


def _arrays(batch: Batch) -> Arrays:
    logs = batch.log_probs
    return Arrays(
        jnp.asarray(batch.rewards),
        jnp.asarray(batch.mask.astype(np.float64)),
        jnp.asarray(batch.lengths),
        jnp.asarray(logs - batch.log_ratios),
        jnp.asarray(logs - batch.log_reference_ratios),
        jnp.asarray(batch.groups),
        jnp.asarray(batch.branches),
        batch.parts,
        None if batch.step is None else _arrays(batch.step),
    )
