"""The check of what a rollout's own likelihood does to its advantage, at every group size and without enumeration.

A permutation-equivariant advantage is unbiased for every law of likelihoods if and only if, in every group,
``A_1(x; others)`` less ``A_1(x'; others)`` is what it is for one unbiased estimator: the mean over the others' law is a
polynomial in that law, and a polynomial decides the symmetric function of the others that it is the mean of (claim
own-likelihood). For an objective of the pass rate that difference is ``omega_1 (x - x')``; what is left over, at
x' = 0, is a baseline, and any function of the others is one. Where no objective is declared or known, the difference
has to be linear in x at least.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.checks import _trials
from maxrl_est.checks._gradient import UNKNOWN, ascends_something
from maxrl_est.checks._structure import enumerable
from maxrl_est.checks._subject import LONGEST, Failed, Skipped, Subject
from maxrl_est.checks._targets import factor_of, target_of, unbiased
from maxrl_est.measures._precision import HALF
from maxrl_est.objectives import Objective

OWN_VALUES = (1e-9, 1e-6, 1e-3, 0.02, 0.2, 0.25, 0.5, 0.7, 0.9, 0.97, 1 - 1e-6, 1.0)  # of the rollout, above the least
BETWEEN = 16  # more of them at random, one in each sixteenth, others at each group size
TINY = 1e-9  # stands for 0 where logarithms are taken


def weighs_by_the_others(subject: Subject) -> str:
    """The weight of a rollout is that of the objective from the others, and its baseline does not know it either."""
    if subject.binary_only:
        raise Skipped("only meant for 0/1 rewards")
    enumerable(subject)
    said = []
    for n in subject.sizes:
        target = target_of(subject, n)
        if isinstance(target, Objective) or (target is None and not subject.positive_only):
            try:
                _is_linear(subject, n)
            except Failed:
                if target is None and ascends_something(subject):
                    raise Skipped(UNKNOWN) from None
                raise
        reference = unbiased(target)
        if reference:
            _is_as_that_of(subject, n, reference)
            said.append(n)
    if not said and subject.positive_only:
        raise Skipped("no objective is declared")
    if not said:
        return "each advantage is linear in its own likelihood"
    return (
        f"an advantage grows with its own likelihood as an unbiased one does, in all groups tried, to N = {max(said)}"
    )


def _is_linear(subject: Subject, n: int) -> None:
    groups, values, moves, floor = _moves(subject, subject, n)
    share = (values - values[0]) / (values[-1] - values[0])
    straight = share[:, None] * moves[-1]
    bends = moves - straight
    _hold(
        bends,
        subject.tolerance * abs(straight) + floor,
        lambda row, k: Failed(
            f"N = {n}: the advantage of a rollout is not linear in its own likelihood: up to {values[k]:g} it grows by "
            f"{moves[k, row]:.4g}, on a straight line by {straight[k, row]:.4g}: its weight or baseline depends on it",
            _line(subject, groups[row], values[[0, k, -1]]),
            {
                "N": n,
                "likelihood": float(values[k]),
                "grows": float(moves[k, row]),
                "straight": float(straight[k, row]),
            },
        ),
    )


def _is_as_that_of(subject: Subject, n: int, reference: Callable[[Array], Array]) -> None:
    groups, values, moves, floor = _moves(subject, subject, n)
    factor = float(factor_of(subject, n))
    expected = factor * _moves(subject, reference, n)[2]
    off = moves - expected
    target = target_of(subject, n)
    assert target is not None
    _hold(
        off,
        subject.tolerance * abs(expected) + floor,
        lambda row, k: Failed(
            f"N = {n}: from likelihood {values[0]:g} to {values[k]:g}, the others as they are, a rollout's advantage "
            f"grows by {moves[k, row]:.6g}, and without bias for {target.name} it would by {expected[k, row]:.6g}",
            _line(subject, groups[row], values[[0, k]]),
            {
                "N": n,
                "likelihood": float(values[k]),
                "grows": float(moves[k, row]),
                "unbiased": float(expected[k, row]),
            },
        ),
    )


def _moves(
    subject: Subject, function: Callable[[Array], Array], n: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Groups (B, n), values (V,) of the first rollout, what they add to its advantage (V, B), and what is rounding."""
    least = TINY if subject.positive_only else 0.0
    finest = 1e-3 if subject.precision.bits <= HALF else least
    groups = _trials.groups(subject, n)
    between = (np.arange(BETWEEN) + np.random.default_rng([subject.seed, n]).random(BETWEEN)) / BETWEEN
    values = np.array([least, *(x for x in (*between, *OWN_VALUES) if x > least and x >= finest)])
    tried = np.repeat(groups[None], len(values), axis=0)
    tried[:, :, 0] = values[:, None]
    found = np.stack([np.asarray(function(each), dtype=np.float64)[:, 0] for each in tried])
    sizes = np.maximum(abs(found), tried.max(axis=2))
    floor = subject.rounding * np.maximum(sizes, sizes[0])
    return groups, values, found - found[0], floor


def _hold(off: FloatArray, allowed: FloatArray, failure: Callable[[int, int], Failed]) -> None:
    """Raise the failure of the group and the value that are off by most, of those off by more than is allowed."""
    wrong = np.where(abs(off) > allowed, abs(off), 0)
    if wrong[-len(OWN_VALUES) :].any():
        wrong[: -len(OWN_VALUES)] = 0  # what the usual values show is the same for every seed
    if wrong.any():
        k, row = np.unravel_index(int(wrong.argmax()), off.shape)
        raise failure(int(row), int(k))


def _line(subject: Subject, group: FloatArray, values: FloatArray) -> str:
    if len(group) > LONGEST:
        return ""
    rest = ", ".join(map(str, group[1:].tolist()))
    return f"[{subject.label}(numpy.array([x, {rest}]))[0] for x in {tuple(values.tolist())}]"
