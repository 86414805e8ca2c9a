"""Whether what stands after the end of a response counts."""

from __future__ import annotations

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._steps.factors import apart, common_factor, is_near
from maxrl_est.checks._steps.subject import StepSubject
from maxrl_est.checks._subject import Failed, Warned
from maxrl_est.steps import Batch
from maxrl_est.steps._answers import agree

_MORE = 3  # columns
_READ = {
    "ratios": "ratios to the policy that drew the rollouts",
    "reference_ratios": "ratios to the reference",
    "probabilities": "probabilities",
}
_OTHER = 0.25  # what stands there instead of 1


def padding(subject: StepSubject) -> str:
    """More padding on the right, and other numbers there, change no coefficient of a token."""
    batch = subject.mixed
    plain = subject(batch)
    wide = batch.map(_widened)
    found = subject(wide)[..., :-_MORE]
    if not agree(found, plain):
        raise _by_width(found, plain)
    read = [words for name, words in _READ.items() if not agree(_with_other(subject, wide, name), plain)]
    if read:
        return Warned(
            f"more padding changes nothing, but other {' and '.join(read)} after the end of responses do: right while "
            "they are 1 there, as in a Batch, and wrong where a trainer has any numbers there"
        )
    return "more padding on the right, and other numbers there, change no coefficient"


def _with_other(subject: StepSubject, wide: Batch, name: str) -> Array:
    """Coefficients of tokens where other numbers stand after the end of responses."""
    other = wide.map(np.copy)
    getattr(other, name)[~wide.mask] = _OTHER
    return subject(other)[..., :-_MORE]


def _by_width(found: Array, plain: Array) -> Failed:
    width = plain.shape[-1]
    factor = common_factor(found, plain)
    if factor is None:
        off = apart(found, plain)
        return Failed(
            f"{_MORE} more columns of padding change coefficients of tokens by {off:.2g} relative to the largest: it "
            "reads columns where no token is",
            found={"off": off},
        )
    cause = (
        "it divides by the padded width, which is that of the longest response in the batch"
        if is_near(factor, width / (width + _MORE))
        else "the padded width counts"
    )
    return Failed(
        f"{_MORE} more columns of padding multiply every coefficient by {factor:.4g}: {cause}", found={"factor": factor}
    )


def _widened(array: Array) -> Array:
    """A batch's array with more columns, where it has columns: no token, and ratios of 1."""
    if array.ndim < 3:
        return array
    more = np.zeros if array.dtype == bool else np.ones
    return np.concatenate([array, more((*array.shape[:-1], _MORE), dtype=array.dtype)], axis=-1)
