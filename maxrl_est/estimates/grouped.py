"""Flat rollouts ``(M,)`` with an id of the group that each belongs to: in any order, groups of any sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import words
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.groups import Groups, groups_of


class Block(NamedTuple):
    """All groups of one size: rows ``(B, N)`` of their rollouts in the flat order, and the row of the first of each."""

    rows: Array
    ids: Array  # (B,), where the id of each group stands


def blocks(name: str, ids: Any, size: int, what: str) -> Iterator[Block]:
    """The groups of M = size rollouts, smallest first; O(M log M). TypeError or ValueError for what are no ids.

    >>> [block.rows.tolist() for block in blocks("groups", ["a", "b", "a"], 3, "likelihoods")]
    [[[1]], [[0, 2]]]
    """
    codes, first = _codes(name, ids, size, what)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    for n in np.unique(sizes):
        same = np.flatnonzero(sizes == n)
        yield Block(order[starts[same][:, None] + np.arange(n)], first[same])


def id_at(ids: Any, row: int) -> str:
    """The id of a rollout, as errors have it."""
    return words(_plain((np.asarray(ids) if hasattr(ids, "__array__") else ids)[row]))


def flat_of(likelihoods: npt.ArrayLike | None, log_likelihoods: npt.ArrayLike | None, log_ceiling: float) -> Groups:
    """Likelihoods ``(M,)``, or what their logarithms stand for, checked as one group; ValueError for other shapes."""
    flat = groups_of(likelihoods, log_likelihoods, log_ceiling, least=0)
    if flat.batch:
        name = "likelihoods" if log_likelihoods is None else "log_likelihoods"
        raise ValueError(f"{name} must be flat, (M,), where groups are given, got shape {(*flat.batch, flat.size)}")
    return flat


def of_groups(
    flat: Groups, ids: Any, compute: Callable[..., Sequence[Array]], results: int, *beside: Array
) -> list[Array]:
    """Results ``(1, M)`` of what computes several ``(B, N)`` from groups ``(B, N)`` of one size.

    It takes likelihoods, and those of each array ``(1, M)`` beside them. Groups that it refuses are named.
    """
    found = [np.empty_like(flat.values) for _ in range(results)]
    for block in blocks("groups", ids, flat.size, "likelihoods"):
        taken = [array[0, block.rows] for array in (flat.values, *beside)]
        for array in taken:
            array.flags.writeable = False  # as kernels have it
        try:
            computed = compute(*taken)
        except ValueError as error:
            raise ValueError(f"{error} (group {id_at(ids, block.ids[0])})") from None
        for whole, part in zip(found, computed, strict=True):
            whole[0, block.rows] = part
    return found


def _codes(name: str, ids: Any, size: int, what: str) -> tuple[Array, Array]:
    """Numbers (M,) of the groups, and the row where each begins."""
    if np.ma.isMaskedArray(ids) and np.ma.getmaskarray(ids).any():
        row = int(np.ma.getmaskarray(ids).argmax())
        raise ValueError(f"{name}[{row}] must be an id, got a masked entry")
    array = np.asarray(ids) if hasattr(ids, "__array__") else None
    if array is None and (isinstance(ids, str | bytes) or not isinstance(ids, Sequence)):
        raise TypeError(f"{name} must be a list or an array of ids, got {words(ids)}")
    if array is not None and array.ndim != 1:
        raise ValueError(f"{name} must have an id for each of the {size} {what}, got shape {array.shape}")
    values = ids if array is None else array
    if len(values) != size:
        raise ValueError(f"{name} must have an id for each of the {size} {what}, got {len(values)}")
    if array is not None and array.dtype != object:
        wrong = np.flatnonzero(array != array)  # NaN, and no time
        if wrong.size:
            raise _no_id(name, int(wrong[0]), array[wrong[0]])
        _, first, codes = np.unique(array, return_index=True, return_inverse=True)
        return codes, first
    return _codes_of_objects(name, values)


def _codes_of_objects(name: str, values: Any) -> tuple[Array, Array]:
    numbers: dict[Any, int] = {}
    codes = np.empty(len(values), dtype=np.intp)
    first: list[int] = []
    for row, value in enumerate(values):
        plain = _plain(value)
        if value is np.ma.masked:
            raise ValueError(f"{name}[{row}] must be an id, got a masked entry")
        try:
            if plain not in numbers:
                numbers[plain] = len(first)
                first.append(row)
                if plain != plain:
                    raise _no_id(name, row, plain)
            codes[row] = numbers[plain]
        except TypeError:
            raise TypeError(f"{name}[{row}] must be hashable, got {words(value)}") from None
    return codes, np.array(first, dtype=np.intp)


def _plain(value: Any) -> Any:
    """Python's own number, which is equal where it looks equal, as tensors of one number are not."""
    try:
        return value.item() if hasattr(value, "item") else value
    except (ValueError, RuntimeError):  # of several numbers, which cannot be hashed either
        return value


def _no_id(name: str, row: int, value: Any) -> ValueError:
    return ValueError(f"{name}[{row}] must be equal to itself, got {value}")
