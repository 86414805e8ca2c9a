"""Rollouts in an array of NumPy's, a group a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from maxrl_est._arguments import at
from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.files.rollouts.groups import Weigh, weigh_block
from maxrl_est.files.rollouts.text import outside
from maxrl_est.files.whole import FileError

_BATCH_BYTES = 1 << 20  # input held until its groups are weighed together


def read(source: Path, max_group: int) -> Array:
    """The array (N,) or (B, N) of a file, mapped into memory."""
    try:
        values: Array = np.lib.format.open_memmap(source, mode="r")  # never unpickles
    except Exception as error:  # a damaged header can raise almost anything
        raise FileError(f"{source}: must be a plain .npy array, got one that fails: {error}") from error
    if values.ndim not in (1, 2) or values.dtype.kind not in "biuf":
        raise FileError(f"{source}: must hold numbers (N,) or (B, N), got {values.dtype} of shape {values.shape}")
    if values.shape[-1] > max_group:
        raise FileError(
            f"{source}: a group must have at most {max_group} rows, got {values.shape[-1]}; raise --max-group"
        )
    return values


def write(
    source: Path,
    values: Array,
    out: BinaryIO,
    *,
    weigh: Weigh,
    bounds: tuple[float, float],
    progress: Callable[[int], None],
) -> None:
    """Write likelihoods, weights and advantages (..., N, 3) of likelihoods (..., N), a block of groups at a time."""
    table = np.atleast_2d(values)
    size = table.shape[1]
    step = max(1, _BATCH_BYTES // 8 // size)
    np.lib.format.write_array_header_1_0(out, {"descr": "<f8", "fortran_order": False, "shape": (*values.shape, 3)})
    for start in range(0, len(table), step):
        block = np.array(table[start : start + step], dtype=np.float64)
        _check(source, block, start, values.ndim, bounds)
        weights, advantages = weigh_block(f"{source}: group {start}", [block], weigh)
        out.write(np.stack([block, weights, advantages], axis=-1, dtype="<f8").tobytes())
        progress((start + len(block)) * size)


def _check(source: Path, block: FloatArray, start: int, axes: int, bounds: tuple[float, float]) -> None:
    for row, column in np.argwhere(~((block >= bounds[0]) & (block <= bounds[1]))).tolist():
        index = (start + row, column)[-axes:]
        raise outside(source, at("likelihood", index), float(block[row, column]), bounds)
