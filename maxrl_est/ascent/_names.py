"""What a rebuilt objective is called: the functional that its numbers h of groups are the unbiased estimates of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.ascent._families import Groups, flipped
from maxrl_est.ascent._levels import Levels
from maxrl_est.estimates.ustatistics import objective_estimate
from maxrl_est.estimators._levels import majority
from maxrl_est.measures._bernstein import nodes
from maxrl_est.measures._columns import shown
from maxrl_est.measures._known import nearest as nearest_weight
from maxrl_est.measures._nearest import Agreement, Nearest, Weight, compare, multiple
from maxrl_est.measures._precision import DOUBLE
from maxrl_est.objectives import Objective
from maxrl_est.objectives.targets import LogMean


class _Candidate(NamedTuple):
    """A functional's name, the factor before it, and what h is if it is this one."""

    name: str
    scale: Any
    predicted: Array
    objective: Objective | None = None


def nearest(levels: Levels, h: Array, tolerance: float) -> Nearest:
    """The functional whose estimate h (G,) is, up to a constant; else the one of the usual ones that is closest."""
    groups, precision = Groups(levels), (levels.precision or DOUBLE).name
    nothing = _agreement(levels, h, 0 * h, 0.0)
    if nothing != "none":
        return Nearest("0 (no learning)", None, 0, nothing, 0.0, precision)
    for found in _candidates(levels, groups, h, tolerance):
        agreement = _agreement(levels, h, found.predicted, tolerance)
        if agreement != "none":
            name, off = multiple(found.scale, found.name), _off(h, found.predicted)
            return Nearest(name, found.objective, found.scale, agreement, off, precision)
    usual = [_fitted(h, name, theirs, precision) for name, theirs in _usual(groups).items()]
    return min(usual, key=lambda near: near.distance)


def _agreement(levels: Levels, h: Array, predicted: Array, tolerance: float) -> Agreement:
    """How nearly h is as predicted, but for a constant."""
    gap = (h - h[0]) - (predicted - predicted[0])
    if levels.precision is None:
        return "none" if gap.any() else "exactly"
    if abs(gap).max() <= levels.allowed:
        return "to rounding"
    return "within tolerance" if _off(h, predicted) <= tolerance else "none"


def _off(h: Array, predicted: Array) -> float:
    """Root mean square over groups of the difference, but for a constant, relative to that of h."""
    gap, size = (np.asarray(x, dtype=np.float64).std() for x in (h - predicted, h))
    return float(gap / size) if size else math.inf


def _candidates(levels: Levels, groups: Groups, h: Array, tolerance: float) -> Iterator[_Candidate]:
    """Each family's member that has the numbers of h in a few groups, families with names of their own first."""
    f, width = groups.at_extremes(h), groups.high - groups.low
    slope = _simple((f[-1] - f[0]) / width, levels)
    yield _Candidate("E l", slope, groups.mean * slope, Objective.expected())
    near, chance = (nearest_weight(_weight(levels, x), tolerance) for x in (groups.at_ends(f), f / width))
    of_mean, of_levels = groups.of_the_mean(f), groups.of_levels(f)
    if near.known and near.objective and groups.of_likelihoods:
        yield _Candidate(near.objective.name, near.scale, of_mean, near.objective)
    yield from _of_usual_levels(chance, of_levels)
    if levels.n > 1:
        yield from _less_spread("Var l", levels, groups, h, groups.variance)
        yield from _less_spread("E|l - l'|", levels, groups, h, groups.difference)
    yield from _medians(_weight(levels, f / width), of_levels, tolerance)
    if groups.low > 0:
        scale = float(f[-1] - f[0]) / math.log(groups.high / groups.low)
        scale = _simple(scale, levels)
        yield _Candidate(LogMean(levels.n).name, scale, scale * np.log(groups.mean.astype(np.float64)))
    yield _Candidate("E phi(l)", 1, groups.of_one(groups.at_constants(h)))
    yield _Candidate("F(E l)" if not groups.of_likelihoods else f"F(E l), F nearest {near.name}", 1, of_mean)
    if chance.known and chance.objective is not None:
        yield _Candidate(f"levels of {chance.objective.name}", chance.scale, of_levels)
    yield _Candidate(f"levels of F, F nearest {chance.name}", 1, of_levels)


def _of_usual_levels(near: Nearest, predicted: Array) -> Iterator[_Candidate]:
    """Int F(P(l > tau)) dtau for the F that people ascend: E max and E min of k, and MaxRL at each level."""
    if near.known and near.objective is not None:
        k = near.objective.order
        usual = {
            Objective.pass_at(k): f"E max of {k}",
            Objective.all_of(k): f"E min of {k}",
            Objective.maxrl(k): f"levels of J_{k}",
        }
        if near.objective in usual:
            yield _Candidate(usual[near.objective], near.scale, predicted)


def _medians(weight: Weight, predicted: Array, tolerance: float) -> Iterator[_Candidate]:
    """E of the median of 3, 5, ...: the one whose F' is as high at 1/2, relative to its mean.

    In floats F' is a power of 4 p q, since from the median of 15 on its terms in powers of q cancel.
    """
    halves = range(1, (weight.n + 1) // 2)
    if not halves or not any(weight.bernstein):
        return
    middle, mean = float(weight.at(np.array(0.5))), float(sum(weight.bernstein) / weight.n)
    half = min(halves, key=lambda half: abs(middle - _height(half) * mean))
    p, _ = nodes(weight.n)
    near = compare(weight, majority(2 * half + 1), tolerance, _height(half) * (4 * p * (1 - p)) ** half)
    if near.known:
        yield _Candidate(f"E median of {2 * half + 1}", near.scale, predicted)


def _height(half: int) -> float:
    """F'(1/2) of the median of 2 half + 1, whose F' has the mean 1.

    >>> _height(1)
    1.5
    """
    return float(Fraction((2 * half + 1) * math.comb(2 * half, half), 4**half))


def _less_spread(name: str, levels: Levels, groups: Groups, h: Array, spread: Array) -> Iterator[_Candidate]:
    """s (E l - c D) for a measure D of spread that is 0 where all are alike; -c D where s = 0."""
    of_h, of_mean, of_spread = (groups.at_extremes(x)[[0, 1, -1]] for x in (h, groups.mean, spread))
    up = of_h[2] - of_h[0]  # all at the highest value, against all at the least
    s = up / (of_mean[2] - of_mean[0]) if abs(up) > levels.allowed else 0
    left = s * (of_mean[1] - of_mean[0]) - (of_h[1] - of_h[0])  # and one of them
    share = left / of_spread[1]
    if s:
        share, s = share / s, _simple(s, levels)
        size = shown(abs(share))
        factor = "" if size == "1" else f"{size} "
        less = f"E l {'-' if share > 0 else '+'} {factor}{name}"
        yield _Candidate(less if s == 1 else f"({less})", s, s * (groups.mean - share * spread))
    else:
        scale = _simple(-share, levels)
        yield _Candidate(name, scale, scale * spread)


def _simple(factor: Any, levels: Levels) -> Any:
    """A factor as a ratio of small numbers, where it is one but for rounding."""
    if levels.precision is None:
        return factor
    ratio = Fraction(float(factor)).limit_denominator(4 * levels.n)
    return ratio if ratio and abs(ratio - factor) <= levels.precision.rounding * abs(factor) else factor


def _usual(groups: Groups) -> dict[str, FloatArray]:
    """Functionals that people ascend, as numbers of groups (G,)."""
    n, found = groups.n, {"E l": groups.mean.astype(np.float64)}
    successes = np.tri(n + 1, n, -1)
    for k in range(2, n + 1):
        best, log, least = (
            objective_estimate(successes, objective)
            for objective in (Objective.pass_at(k), Objective.maxrl(k), Objective.all_of(k))
        )
        found |= {f"E max of {k}": groups.of_levels(best), f"E min of {k}": groups.of_levels(least)}
        if groups.likelihoods is not None:
            found |= {f"pass@{k}": flipped(best, groups.likelihoods), f"J_{k}": flipped(log, groups.likelihoods)}
        found[f"levels of J_{k}"] = groups.of_levels(log)
    return {name: np.asarray(h, dtype=np.float64) for name, h in found.items()}


def _fitted(h: Array, name: str, theirs: FloatArray, precision: str) -> Nearest:
    """The multiple of a functional that is closest to h, by least squares over groups."""
    ours, centred = h.astype(np.float64), theirs - theirs.mean()
    scale = float(ours @ centred / (centred @ centred))
    return Nearest(multiple(scale, name), None, scale, "none", _off(ours, scale * theirs), precision)


def _weight(levels: Levels, f: Array) -> Weight:
    """F' by the numbers f (n + 1,) that an unbiased estimate of F has at 0..n successes."""
    steps = levels.n * np.diff(f)
    return Weight(tuple(Fraction(x) for x in steps), levels.precision)
