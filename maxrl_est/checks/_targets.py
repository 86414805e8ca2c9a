"""What a function is held against at a group size: what is declared, else the known objective that it ascends."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._subject import Subject
from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.estimators import advantages
from maxrl_est.estimators._logmean import vimco
from maxrl_est.estimators._variance import less_variance
from maxrl_est.objectives import Objective
from maxrl_est.objectives.targets import LogMean, MeanLessVariance, OverLevels, Target, on_binary_rewards


def target_of(subject: Subject, n: int) -> Target | None:
    """The declared target; else the known objective on 0/1 rewards, of the pass rate or of levels; None if none is."""
    if subject.targets or subject.positive_only:
        return subject.declared(n)
    near = subject.weight(n).nearest(tolerance=subject.tolerance)
    if near.objective is None or not near.known:
        return None
    if subject.binary_only or near.objective.order == 1:
        return near.objective
    levels = OverLevels(near.objective)
    return levels if _is_of_levels(subject, levels, n) else near.objective


def target_or_nearest(subject: Subject, n: int) -> Target | None:
    """The same; where nothing is declared and no known objective is ascended, the nearest one."""
    found = target_of(subject, n)
    return found if found or subject.targets or subject.positive_only else subject.weight(n).nearest().objective


def factor_of(subject: Subject, n: int) -> Fraction | float:
    """The positive factor between the gradient of the target and what is ascended, where 0/1 rewards show one."""
    objective = None if subject.positive_only else on_binary_rewards(target_of(subject, n))
    if subject.scale is not None or objective is None:
        return subject.scale or 1
    near = subject.weight(n).compare(objective, tolerance=subject.tolerance)
    return near.scale if near.scale > 0 and near.known else 1


def unbiased(target: Target | None) -> Callable[[Array], Array] | None:
    """An estimator of the target without bias and without a baseline, where there is one."""
    if isinstance(target, Objective):
        return lambda groups: advantages(groups, target, baseline="none")
    if isinstance(target, OverLevels):
        return lambda groups: _over_levels(groups, target.objective)
    if isinstance(target, MeanLessVariance):
        return lambda groups: less_variance(groups, target.c)
    if isinstance(target, LogMean):
        return vimco
    return None


def _over_levels(groups: Array, objective: Objective) -> Array:
    """``Int_0^{l_i} omega_i(tau) dtau``, with the weight of a success among rewards that are 1 above the level tau."""
    n = groups.shape[-1]
    above = np.tril(np.ones((n, n)), -1)[:, ::-1]  # 0, 1, .. n - 1 of the others
    weights = loo_weights(above, objective)[:, 0]
    order = np.argsort(groups, axis=-1)
    steps = np.diff(np.take_along_axis(groups, order, axis=-1), axis=-1, prepend=0.0)
    found = np.empty_like(groups)
    np.put_along_axis(found, order, np.cumsum(steps * weights[::-1], axis=-1), axis=-1)
    return found


def _is_of_levels(subject: Subject, levels: OverLevels, n: int) -> bool:
    """Whether the likelihood of one rollout moves its advantage as levels say, between those of the others."""
    groups = np.tile(np.arange(1, n + 1) / (n + 1), (n + 2, 1))
    groups[:, 0] = np.arange(n + 2) / (n + 1)
    ours = subject(groups)[:, 0].astype(np.float64)
    theirs = _over_levels(groups, levels.objective)[:, 0]
    ours, theirs = ours - ours[0], theirs - theirs[0]
    factor = ours[-1] / theirs[-1]
    return bool(np.max(abs(ours - factor * theirs)) <= subject.tolerance * abs(ours[-1]))
