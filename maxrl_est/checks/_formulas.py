"""Formulas that trainers normalise advantages by, with the eps left open: (r - centre) / (scale + eps)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray

# Of rewards (M,), blocks of rows (B, N) of the groups of each size, and blocks (1, M) of each batch.
Rows = Sequence[Array]
Part = Callable[[FloatArray, Rows, Rows], FloatArray]


def _over(blocks: Rows, values: FloatArray, statistic: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """A statistic (B,) of each row of the blocks, at each of its rollouts (M,); NaN where it has none."""
    found = np.full(len(values), np.nan)
    for rows in blocks:
        found[rows] = statistic(values[rows])[:, None]
    return found


def _deviation(ddof: int) -> Callable[[FloatArray], FloatArray]:
    """The standard deviation of each row, 0 where rewards are one number; NaN for a row too short for it."""

    def statistic(values: FloatArray) -> FloatArray:
        if values.shape[1] <= ddof:
            return np.full(len(values), np.nan)
        return np.where(np.ptp(values, axis=1) == 0, 0.0, values.std(axis=1, ddof=ddof))

    return statistic


def _mean(values: FloatArray) -> FloatArray:
    """The mean of each row, exact where rewards are one number."""
    return np.where(np.ptp(values, axis=1) == 0, values[:, 0], values.mean(axis=1))


def centred(rewards: FloatArray, groups: Rows, batches: Rows) -> FloatArray:
    """Less the mean of the group."""
    return rewards - _over(groups, rewards, _mean)


def centred_in_batch(rewards: FloatArray, groups: Rows, batches: Rows) -> FloatArray:
    """Less the mean of the batch."""
    return rewards - _over(batches, rewards, _mean)


def whitened(rewards: FloatArray, groups: Rows, batches: Rows) -> FloatArray:
    """Less the mean of the group, and that less its mean over the batch."""
    left = centred(rewards, groups, batches)
    return left - _over(batches, left, _mean)


@dataclass(frozen=True, slots=True)
class Formula:
    """A numerator over a scale, each (M,), whose eps is fitted."""

    name: str  # with {eps}
    numerator: Part
    scale: Part
    written: str = ""  # of r (..., N), for NumPy; empty where other groups of the batch matter

    @property
    def in_batch(self) -> bool:
        """Whether other groups of the batch matter."""
        return not self.written


def _sd(ddof: int) -> Part:
    return lambda rewards, groups, batches: _over(groups, rewards, _deviation(ddof))


def _batch_sd(ddof: int, of: Part | None = None) -> Part:
    return lambda rewards, groups, batches: _over(
        batches, rewards if of is None else of(rewards, groups, batches), _deviation(ddof)
    )


def _group_mean(rewards: FloatArray, groups: Rows, batches: Rows) -> FloatArray:
    return _over(groups, rewards, _mean)


_DIVISOR = {0: "divisor N", 1: "divisor N - 1"}
FORMULAS = (
    *(
        Formula(
            f"(r - mean) / (sd{{eps}}), {_DIVISOR[ddof]}",
            centred,
            _sd(ddof),
            f"(r - r.mean(-1, keepdims=True)) / (r.std(-1, ddof={ddof}, keepdims=True){{eps}})",
        )
        for ddof in (1, 0)
    ),
    Formula(
        "(r - mean) / (mean{eps})",
        centred,
        _group_mean,
        "(r - r.mean(-1, keepdims=True)) / (r.mean(-1, keepdims=True){eps})",
    ),
    *(
        Formula(f"{text} / ({sd}{{eps}}), {_DIVISOR[ddof]}", numerator, _batch_sd(ddof, of))
        for text, sd, numerator, of in (
            ("(r - mean)", "sd of the batch", centred, None),
            ("(r - mean of the batch)", "sd of the batch", centred_in_batch, None),
            ("(r - mean, whitened)", "sd of r - mean in the batch", whitened, centred),
        )
        for ddof in (1, 0)
    ),
)
