"""What a training step sees: rewards, tokens, ratios, and which prompt each rollout answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from maxrl_est._arguments import at, finite, is_number, short, whole
from maxrl_est._arguments.arrays import real_array, refuse_masked
from maxrl_est._arguments.protocols import Array


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch, or several on leading axes: B prompts, N rollouts of each, L tokens of the longest.

    ``Batch.of`` makes one of plain arrays and checks them. Numbers are floats, or Fractions where the law that is
    enumerated is exact. Where ``parts`` is above 1 this is a micro-batch, of some of the prompts of ``whole``.
    """

    rewards: Array  # (..., B, N)
    mask: Array  # (..., B, N, L) bools: tokens of the policy
    ratios: Array  # (..., B, N, L) pi / mu of each token, mu being the policy that drew it; 1 on policy
    reference_ratios: Array  # (..., B, N, L) pi / pi_ref of each token; 1 without a reference
    probabilities: Array  # (..., B, N, L) pi of each token; 1 after the end
    groups: Array  # (..., B, N) the number of the prompt
    branches: (
        Array  # (..., B, N) rollouts of a prompt with the same number share their first token; all differ elsewhere
    )
    parts: int = 1
    step: Batch | None = None  # what this is a part of

    @classmethod
    def of(
        cls,
        rewards: Any,
        mask: Any = None,
        *,
        log_ratios: Any = 0.0,
        log_reference_ratios: Any = 0.0,
        log_probs: Any = 0.0,
        groups: Any = None,
        branches: Any = None,
    ) -> Batch:
        """One batch of floats, to try a step on.

        Parameters
        ----------
        rewards : finite numbers (B, N)
        mask : 0 or 1 for each token (B, N, L), ones first; None is one token for each rollout
        log_ratios, log_reference_ratios : finite logarithms (B, N, L) of pi/mu and pi/pi_ref
        log_probs : finite logarithms (B, N, L), at most 0, of pi
        groups, branches : ints (B, N); None: each row is a prompt, and no rollouts share a token

        Raises
        ------
        TypeError, ValueError
            Where they are not so.

        >>> Batch.of([[1, 0]], [[[1, 1, 0], [1, 0, 0]]]).lengths
        array([[2, 1]])
        >>> Batch.of([[1, 0]], [[[1, 0, 1], [1, 0, 0]]])
        Traceback (most recent call last):
        ValueError: mask[0, 0, 2] must be 0 after the 0 before it, since a response has no holes, got 1
        """
        given = real_array("rewards", rewards)
        if given.ndim != 2 or not given.size:
            raise ValueError(f"rewards must have shape (B, N), got {given.shape}")
        tokens = _tokens(given.shape, mask)

        def of_tokens(name: str, values: Any) -> Array:
            array = np.asarray(finite(name, values) if is_number(values) else real_array(name, values), np.float64)
            if array.ndim and array.shape != tokens.shape:
                raise ValueError(f"{name} must have shape {tokens.shape}, as the mask, got {array.shape}")
            logs = np.where(tokens, np.broadcast_to(array, tokens.shape), 0.0)
            for index in np.argwhere(abs(logs) > _LARGEST):
                rule = f"lie in [-{_LARGEST}, {_LARGEST}], so that its exponential is a float"
                raise ValueError(f"{at(name, index)} must {rule}, got {short(logs[tuple(index)])}")
            return logs

        logs = of_tokens("log_probs", log_probs)
        if (logs > 0).any():
            index = np.argwhere(logs > 0)[0]
            raise ValueError(f"{at('log_probs', index)} must be at most 0, got {short(logs[tuple(index)])}")
        each = np.broadcast_to(np.arange(given.shape[0])[:, None], given.shape)
        return cls(
            given.astype(np.float64),
            tokens,
            np.exp(of_tokens("log_ratios", log_ratios)),
            np.exp(of_tokens("log_reference_ratios", log_reference_ratios)),
            np.exp(logs),
            each if groups is None else _numbers("groups", groups, given.shape),
            np.broadcast_to(np.arange(given.shape[1]), given.shape)
            if branches is None
            else _numbers("branches", branches, given.shape),
        )

    @property
    def lengths(self) -> Array:
        """Tokens of each rollout, ints (..., B, N)."""
        return np.asarray(self.mask.sum(axis=-1))

    @property
    def log_ratios(self) -> Array:
        """log pi - log mu of each token (..., B, N, L); exactly 0 where the ratio is 1."""
        return _logarithms("ratios", self.ratios)

    @property
    def log_reference_ratios(self) -> Array:
        """log pi - log pi_ref of each token (..., B, N, L); exactly 0 where the ratio is 1."""
        return _logarithms("reference_ratios", self.reference_ratios)

    @property
    def log_probs(self) -> Array:
        """log pi of each token (..., B, N, L); exactly 0 after the end."""
        return _logarithms("probabilities", self.probabilities)

    @property
    def whole(self) -> Batch:
        """The batch of the whole step: this one, unless it is a micro-batch."""
        return self if self.step is None else self.step

    def split(self, parts: int) -> list[Batch]:
        """Micro-batches of neighbouring prompts, of which there are a multiple of ``parts``.

        >>> [part.groups.tolist() for part in Batch.of([[1, 0], [0, 0]]).split(2)]
        [[[0, 0]], [[1, 1]]]
        """
        prompts, size = self.rewards.shape[-2], whole("parts", parts)
        if prompts % size:
            raise ValueError(f"parts must divide the {prompts} prompts, got {short(parts)}")
        return [self.prompts(slice(k, k + prompts // size), size) for k in range(0, prompts, prompts // size)]

    def prompts(self, chosen: slice, parts: int) -> Batch:
        """The micro-batch of some prompts, one of so many."""
        rows: dict[str, Any] = {name: getattr(self, name)[..., chosen, :] for name in _OF_ROLLOUTS}
        rows |= {name: getattr(self, name)[..., chosen, :, :] for name in _OF_TOKENS}
        return replace(self, **rows, parts=parts * self.parts, step=self.whole)

    def each(self) -> list[Batch]:
        """The batches of a stack (Q, B, N), one by one."""
        return [self[index] for index in range(len(self.rewards))]

    def __getitem__(self, index: Any) -> Batch:
        """Some batches of a stack."""
        return self.map(lambda array: array[index])

    def map(self, change: Callable[[Array], Array]) -> Batch:
        """The batch whose arrays are changed, all in one way."""
        changed: dict[str, Any] = {name: change(getattr(self, name)) for name in _OF_ROLLOUTS + _OF_TOKENS}
        return replace(self, **changed, step=None if self.step is None else self.step.map(change))


_LARGEST = 700  # a logarithm, of which the exponential is a float
_OF_ROLLOUTS = ("rewards", "groups", "branches")
_OF_TOKENS = ("mask", "ratios", "reference_ratios", "probabilities")

Step: TypeAlias = Callable[[Batch], Any]
"""A training step: a batch to coefficients (..., B, N, L) of the scores of tokens, which the update is the sum of."""


def _rectangle(name: str, values: Any) -> Array:
    """An array, of rows that are all as long."""
    refuse_masked(name, values)
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must be one array, got rows of different lengths") from None


def _tokens(shape: tuple[int, ...], mask: Any) -> Array:
    """Bools (B, N, L), ones first, at least one of each rollout."""
    if mask is None:
        return np.ones((*shape, 1), dtype=bool)
    given = _rectangle("mask", mask)
    if given.shape[:-1] != shape or given.ndim != 3:
        raise ValueError(f"mask must have shape ({shape[0]}, {shape[1]}, L), got {given.shape}")
    if given.dtype.kind not in "biuf" or not np.isin(given, (0, 1)).all():
        index = np.argwhere(~np.isin(given, (0, 1)))
        where, found = (at("mask", index[0]), given[tuple(index[0])]) if len(index) else ("mask", given.dtype)
        raise ValueError(f"{where} must be 0 or 1, got {short(found)}")
    tokens = given.astype(bool)
    holes = np.argwhere(tokens[..., 1:] & ~tokens[..., :-1])
    for index in holes:
        place = (*index[:2], index[2] + 1)
        raise ValueError(
            f"{at('mask', place)} must be 0 after the 0 before it, since a response has no holes, got {given[place]}"
        )
    for index in np.argwhere(~tokens.any(axis=-1)):
        raise ValueError(f"{at('mask', index)} must have a token, got none")
    return tokens


def _numbers(name: str, values: Any, shape: tuple[int, ...]) -> Array:
    array = _rectangle(name, values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be ints {shape}, got dtype {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, as the rewards, got {array.shape}")
    return array


def _logarithms(name: str, ratios: Array) -> Array:
    if (ratios == 1).all():  # exact, and exact arithmetic stays so
        return ratios - ratios
    floats = ratios.astype(np.float64)
    for index in np.argwhere(~((floats > 0) & (floats < np.inf))):
        raise ValueError(
            f"{at(name, index)} must be finite and above 0 to have a logarithm, got {floats[tuple(index)]}"
        )
    return np.asarray(np.log(floats))
