"""Where the rollouts of each group go in a flat batch, and rewards as they stand on tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maxrl_est._arguments.protocols import Array


def interleaved(sizes: Sequence[int]) -> Array:
    """Rows ``(M,)`` of all rollouts, taken group after group, where a trainer's shuffling leaves them.

    The same for the same sizes; the rollouts of a group keep their order. Neither blocks nor strides of rows are the
    groups, so that a function which cuts the batch into either, whatever the ids say, is found out. Where no such
    order exists, as for one group, it is any.

    >>> interleaved([2, 2])  # the second group has the first row and the last
    array([1, 2, 0, 3])
    """
    codes = np.repeat(np.arange(len(sizes)), sizes)
    rng = np.random.default_rng(0)
    for _ in range(100):  # few are needed: of two groups of two, one order in three will do
        codes = rng.permutation(codes)
        if not (_in_blocks(codes, len(sizes)) or _in_strides(codes, len(sizes))):
            break
    return np.argsort(codes, kind="stable")


def _in_blocks(codes: Array, groups: int) -> bool:
    return int(np.count_nonzero(np.diff(codes))) == groups - 1


def _in_strides(codes: Array, groups: int) -> bool:
    return codes.size % groups == 0 and bool((codes.reshape(-1, groups) == codes[:groups]).all())


def lengths(responses: int) -> Array:
    """Tokens of each response: 1 to 4, unlike those of its neighbours."""
    return 1 + np.arange(responses) * 5 % 7 % 4


def on_tokens(rewards: Array) -> tuple[Array, Array]:
    """Rewards ``(M, L)`` on the last token of each response ``(M,)``, and the mask: 1 on its tokens, 0 on padding."""
    of_each = lengths(len(rewards))
    mask = (np.arange(of_each.max(initial=0) + 1) < of_each[:, None]).astype(np.int64)
    spread = np.zeros(mask.shape, dtype=rewards.dtype)
    spread[np.arange(len(rewards)), of_each - 1] = rewards
    return spread, mask


def of_responses(values: Array, mask: Array) -> Array:
    """The one value of the tokens of each response; ValueError where they differ."""
    first = values[:, 0]
    differs = (values != first[:, None]) & (mask != 0) & (first == first)[:, None]
    if differs.any():
        row = int(differs.any(axis=1).argmax())
        tokens = values[row, mask[row] != 0].tolist()
        raise ValueError(f"advantages must be the same for all tokens of a response, got {tokens} for response {row}")
    return first
