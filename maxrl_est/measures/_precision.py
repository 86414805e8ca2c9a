"""In which floating-point format an advantage function computes: found by what it returns, whatever its dtype says."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import Array, Estimator, FloatArray

ROUNDING = 1e-10  # two advantages closer than this, relative to the largest, are the same number in float64
HALF = 11  # bits of a significand, or fewer: half precision
_GROUPS = 8  # that a function is tried on
_FEW = 4  # numbers


class Precision(NamedTuple):
    """A floating-point format: what it is called, and the distance ``eps`` from 1 to the next number."""

    name: str
    bits: int  # of the significand

    @property
    def eps(self) -> float:
        """The distance from 1 to the next number."""
        return 2.0 ** (1 - self.bits)

    @property
    def rounding(self) -> float:
        """The relative difference that is taken for rounding.

        64 eps, sums of a group and quotients by small numbers; in half precision, where that would be half of an
        advantage, 8 eps.
        """
        return max(ROUNDING, (64 if self.bits > HALF else 8) * self.eps)


DOUBLE = Precision("float64", 53)
SHORTER = (Precision("bfloat16", 8), Precision("float16", 11), Precision("float32", 24))


def precision_of(function: Estimator, *probes: FloatArray) -> Precision:
    """The shortest format that the function passes its numbers through: `DOUBLE` where none shorter is found.

    It is told by two signs. All advantages fit in that format, and not in three bits less; or likelihoods may be
    rounded to it and no advantage changes. Of float32 the first is enough, since no one has its quotients by chance.
    Neither says anything of a function of thresholds or ranks, whose advantages few changes of likelihoods reach: what
    gives counts, few numbers, or the same ones in every group is told by neither, and a change of a few likelihoods by
    little more than eps has to show in most groups. Where the function refuses
    graded likelihoods it is asked about 0/1 rewards, in which only float32 is told from quotients of small ints.

    Parameters
    ----------
    function : takes likelihoods (B, N) to advantages (B, N)
    probes : groups (B, N) of likelihoods in (0, 1) with digits to lose, as of `probes_of`; the first that are answered

    Returns
    -------
    `Precision`: ``name``, ``eps`` and the ``rounding`` that it explains

    >>> probes = probes_of(8)
    >>> precision_of(lambda l: l - l.mean(-1, keepdims=True), *probes).name
    'float64'
    >>> precision_of(lambda l: l.astype(np.float32).astype(float) / 3, *probes).name
    'float32'
    >>> precision_of(lambda l: (l > 0.5) * 1.0, *probes).name
    'float64'
    """
    answers = ((groups, _answer(function, groups)) for groups in probes)
    groups, found = next((pair for pair in answers if pair[1] is not None), (probes[-1], None))
    if found is None:
        outcome = _answer(function, np.round(groups))
        return SHORTER[-1] if outcome is not None and _fits(outcome, SHORTER[-1]) else DOUBLE
    if _discrete(found):
        return DOUBLE
    if _fits(found, SHORTER[-1]):  # quotients of float32, which no one gets by chance
        return SHORTER[-1]
    for shorter in SHORTER:
        told = _fits(found, shorter) or _same(_answer(function, rounded(groups, shorter.bits)), found)
        if told and _reacts(function, groups, found, shorter):
            return shorter
    return DOUBLE


def probes_of(n: int) -> list[FloatArray]:
    """Likelihoods (8, N) in (1/16, 15/16), drawn once for all, for an N just below n and for n itself.

    Neither the first N nor N - 1 is a power of two, whose quotients have few digits in any format.
    """
    sizes = [size for size in range(n, 1, -1) if size & (size - 1) and (size - 1) & (size - 2)]
    return [
        np.random.default_rng(size).uniform(1 / 16, 15 / 16, (_GROUPS, size)) for size in dict.fromkeys([*sizes[:1], n])
    ]


def rounded(values: Array, bits: int) -> FloatArray:
    """The nearest numbers with significands of so many bits."""
    significands, exponents = np.frexp(values)
    return np.asarray(np.ldexp(np.round(np.ldexp(significands, bits)), exponents - bits))


def _discrete(found: FloatArray) -> bool:
    """Whether advantages are counts, few numbers, or the same in every group, as those of thresholds and ranks are."""
    if found.shape[1] == 2:  # +-1, whatever else they are
        return False
    alike = np.sort(found, axis=1)
    counts = found == np.round(found)
    return bool(counts.all() or (alike == alike[0]).all()) or len(np.unique(found)) <= _FEW


def _fits(values: FloatArray, shorter: Precision) -> bool:
    """Whether the format holds all values, and one of three bits less does not."""
    return _same(rounded(values, shorter.bits), values) and not _same(rounded(values, shorter.bits - 3), values)


def _reacts(function: Estimator, groups: FloatArray, found: FloatArray, shorter: Precision) -> bool:
    """Whether advantages change in most groups where a few likelihoods change by little more than eps.

    The largest, the least and those in the middle, so that what depends on one of these alone reacts, and what has
    thresholds does not.
    """
    places, size = np.argsort(groups, axis=1), groups.shape[1]
    few = np.unique(np.r_[0:2, size // 2 - 1 : size // 2 + 1, size - 2 : size].clip(0, size - 1))
    moved = groups.copy()
    rows = np.arange(len(groups))[:, None]
    moved[rows, places[:, few]] *= 1 + 1.5 * shorter.eps * np.where(np.arange(len(few)) % 2, -1, 1)
    changed = _answer(function, moved)
    return changed is not None and bool((changed != found).any(axis=-1).mean() > 0.5)


def _same(values: FloatArray | None, others: FloatArray) -> bool:
    return values is not None and bool((values == others).all())


def _answer(function: Estimator, groups: FloatArray) -> FloatArray | None:
    """The advantages as float64, or None where there are none."""
    try:
        with np.errstate(all="ignore"):
            got = np.asarray(function(groups.copy())).astype(np.float64)
    except (
        Exception,
        SystemExit,
    ):  # it may not be meant for such likelihoods, and what it is meant for is tried elsewhere
        return None
    return got if got.shape == groups.shape and np.isfinite(got).all() else None
