"""Checks of what is estimated: the objective on 0/1 rewards, and exact bias on graded likelihoods."""

from __future__ import annotations

import math
from fractions import Fraction as F

import numpy as np

from maxrl_est._typing import Array, FloatArray
from maxrl_est.checks._structure import follows_the_order, is_deterministic, sees_one_group
from maxrl_est.checks._subject import LONGEST, Failed, Skipped, Subject, on_binary_rewards
from maxrl_est.measures import EffectiveWeight, effective_weight, exact_moments, target_gradient
from maxrl_est.objectives import Objective
from maxrl_est.problems import Bandit, Bernoulli
from maxrl_est.targets import Target

SAME = 1e-12  # exact rationals closer than this come from an objective that was given in floats
OWN_VALUES = (1e-6, 0.02, 0.25, 0.5, 0.7, 0.97, 1 - 1e-6)  # of a rollout, between 0 and 1
WITH_ZERO = Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)])
POSITIVE = Bandit([F(1, 4), F(1, 4), F(1, 2)], [F(1, 10), F(1, 2), F(9, 10)])
WIDE = Bandit([F(1, 3), F(1, 3), F(1, 3)], [F(1, 1000), F(1, 20), F(999, 1000)])
GRADED = (WITH_ZERO, POSITIVE, WIDE)
BINARY = Bernoulli(F(1, 4))


def graded_problems(subject: Subject) -> tuple[Bandit, ...]:
    """The graded problems that the function is meant for."""
    return tuple(problem for problem in GRADED if problem.likelihoods.all() or not subject.positive_only)


def enumerable(subject: Subject) -> None:
    """Skipped, unless one order of each group and no other group in the batch decide what the function returns."""
    for check in (is_deterministic, follows_the_order, sees_one_group):
        try:
            check(subject)
        except Failed as reason:
            raise Skipped(f"cannot be enumerated: {reason}") from None


def ascends_an_objective(subject: Subject) -> str:
    """The exact effective weight on 0/1 rewards is that of the declared objective, or of a known one."""
    if subject.positive_only:
        raise Skipped("only meant for positive likelihoods")
    enumerable(subject)
    found = []
    for n in subject.sizes:
        weight = effective_weight(subject.function, n)
        near, declared = weight.nearest(), subject.declared(n)
        expected = on_binary_rewards(declared) if declared else near.objective
        if expected is None or not (weight.equals(expected) or _same(weight, expected)):
            wanted = f"should ascend {expected.name}; " if declared and expected else ""
            raise Failed(
                f"N = {n}: {wanted}on 0/1 rewards it ascends {near}",
                f"maxrl_est.effective_weight({subject.label}, {n}).nearest()",
            )
        found.append(f"{expected.name} at N = {n}")
    return f"on 0/1 rewards exactly {', '.join(reversed(found))}"


def weighs_by_the_others(subject: Subject) -> str:
    """The weight and the baseline of a rollout do not know its likelihood."""
    if subject.binary_only:
        raise Skipped("only meant for 0/1 rewards")
    other = next((t for n in subject.sizes if (t := subject.declared(n)) and not isinstance(t, Objective)), None)
    if other is not None:
        raise Skipped(f"{other.name} is no objective of the pass rate, so its advantages need not be linear")
    if subject.positive_only and not subject.targets:
        raise Skipped("no objective is declared")
    least = OWN_VALUES[0] if subject.positive_only else 0.0
    for n in subject.sizes:
        groups = subject.random((20, n))

        def own(value: float, groups: FloatArray = groups) -> Array:
            changed = groups.copy()
            changed[:, 0] = value
            return subject(changed)[:, 0].astype(np.float64)

        low, high = own(least), own(1.0)
        size = max(float(np.max(abs(low) + abs(high))), np.finfo(np.float64).tiny)
        bends = {}
        for x in OWN_VALUES:
            share = (x - least) / (1 - least)
            bends[x] = float(np.max(abs(own(x) - (1 - share) * low - share * high))) / size
        worst = max(bends, key=lambda x: bends[x])
        if bends[worst] > subject.tolerance:
            rest = ", ".join(map(str, groups[0, 1:].tolist()))
            raise Failed(
                f"N = {n}: the advantage of a rollout is not linear in its own likelihood (at {worst} off by "
                f"{bends[worst]:.2g}), so its weight or baseline depends on that rollout and no objective is ascended "
                "without bias",
                f"[{subject.label}(numpy.array([x, {rest}]))[0] for x in ({least}, {worst}, 1)]"
                if n <= LONGEST
                else "",
            )
    return "each advantage is linear in its own likelihood"


def is_unbiased_on_graded(subject: Subject) -> str:
    """Exact bias on graded problems, against the gradient of the target."""
    if subject.binary_only:
        raise Skipped("only meant for 0/1 rewards")
    enumerable(subject)
    exact = True
    for problem in graded_problems(subject):
        for n in subject.sizes:
            target = subject.target(n)
            if target is None:
                if subject.positive_only:
                    raise Skipped("no objective is declared")
                raise Failed(
                    f"N = {n}: no objective is ascended on 0/1 rewards",
                    f"maxrl_est.effective_weight({subject.label}, {n}).nearest()",
                )
            moments = exact_moments(problem, subject.function, n)
            truth = target_gradient(problem, target)
            if not (moments.exact and truth.dtype == object):
                truth = truth.astype(np.float64)
            bias = moments.mean - truth
            size = float(np.linalg.norm(truth.astype(np.float64)))
            gap = float(np.linalg.norm(bias.astype(np.float64))) / size
            if gap > (SAME if moments.exact else subject.tolerance):
                raise Failed(
                    _describe(moments.mean, truth, gap, n, target, problem),
                    f"maxrl_est.exact_moments({expression(problem)}, {subject.label}, {n}).mean",
                )
            exact = exact and moments.exact and gap == 0
    return f"{'exactly unbiased' if exact else 'unbiased to rounding'} for the same objective"


def _same(weight: EffectiveWeight, objective: Objective) -> bool:
    """Whether the weight is the objective's but for the rounding of coefficients given as floats."""
    if objective.order > weight.n:
        return False
    p = np.linspace(0.0, 1.0, 2 * weight.n + 1)
    expected = objective.weight(p)
    return bool(np.max(abs(weight.value(p) - expected)) <= SAME * np.max(abs(expected)))


def _describe(mean: Array, truth: Array, gap: float, n: int, target: Target, problem: Bandit) -> str:
    got, expected = mean.astype(np.float64), truth.astype(np.float64)
    cosine = float(got @ expected / (np.linalg.norm(got) * np.linalg.norm(expected) or 1.0))
    angle = math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
    measured, wanted, bias = (", ".join(f"{x:.6g}" for x in vector) for vector in (got, expected, got - expected))
    return (
        f"N = {n}, {problem}: E[g] misses the gradient of {target.name} by {100 * gap:.3g}%, {angle:.3g} degrees off; "
        f"exact bias [{bias}], measured [{measured}], expected [{wanted}]"
    )


def expression(problem: Bandit | Bernoulli) -> str:
    """How a problem is written."""
    if isinstance(problem, Bernoulli):
        return f"maxrl_est.problems.Bernoulli({problem.pass_rate})"
    pi, l = ([str(x) for x in values] for values in (problem.probabilities, problem.likelihoods))
    return f"maxrl_est.problems.Bandit([{', '.join(pi)}], [{', '.join(l)}])"


BIAS = {
    "effective objective": ascends_an_objective,
    "leave-one-out": weighs_by_the_others,
    "bias on graded likelihoods": is_unbiased_on_graded,
}
