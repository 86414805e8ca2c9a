"""Checks of what is estimated: the objective on 0/1 rewards, and exact bias on graded likelihoods."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction as F
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._gradient import UNKNOWN, ascends_something
from maxrl_est.checks._structure import enumerable
from maxrl_est.checks._subject import Failed, Skipped, Subject, Warned
from maxrl_est.checks._targets import factor_of, target_of, target_or_nearest
from maxrl_est.measures import EffectiveWeight, exact_moments, target_gradient
from maxrl_est.measures._nearest import Nearest
from maxrl_est.measures._two_values import pushed_down
from maxrl_est.objectives import Objective
from maxrl_est.objectives.targets import on_binary_rewards
from maxrl_est.problems import Bandit, Bernoulli

WITH_ZERO = Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)])
POSITIVE = Bandit([F(1, 4), F(1, 4), F(1, 2)], [F(1, 10), F(1, 2), F(9, 10)])
WIDE = Bandit([F(1, 3), F(1, 3), F(1, 3)], [F(1, 1000), F(1, 20), F(999, 1000)])
GRADED = (WITH_ZERO, POSITIVE, WIDE)
BINARY = Bernoulli(F(1, 4))
COMMON = re.compile(r"J_\d+|pass@\d+")  # objectives that nobody is asked about
LARGE = 32  # rollouts, from which on a weight is compared with what it may come to in large groups
LARGEST_FLOATS = 64  # the same in floats, where no smaller group is asked for
LARGEST_GRADED = 8  # rollouts in groups of three outcomes that are enumerated in rationals


def graded_problems(subject: Subject) -> tuple[Bandit, ...]:
    """The graded problems that the function is meant for."""
    return tuple(problem for problem in GRADED if problem.likelihoods.all() or not subject.positive_only)


def ascends_an_objective(subject: Subject) -> str:
    """The effective weight on 0/1 rewards is that of the declared objective, or of a known one, up to a factor."""
    if subject.positive_only:
        raise Skipped("only meant for positive likelihoods")
    enumerable(subject)
    found = {n: _ascended(subject, n) for n in subject.sizes}
    return _said(subject, dict(reversed(found.items())))


def _ascended(subject: Subject, n: int) -> Nearest:
    """The objective at one group size, with its factor; Failed where it is none, or another than declared."""
    weight, declared, where = subject.weight(n), subject.declared(n), subject.groups(n)
    expected = on_binary_rewards(declared)
    near = weight.nearest(tolerance=subject.tolerance)
    meant = near if declared is None else _compared(weight, expected, subject.tolerance)
    if meant is None or meant.objective is None or not meant.known:
        raise Failed(
            f"{where}: {f'should ascend {declared.name}; ' if declared else ''}on {subject.rewards} it ascends {near}"
            f"{_background(weight, near)}",
            subject.weighed(n),
            _numbers(near, n),
        )
    if meant.scale < 0:
        raise Failed(
            f"{where}: on {subject.rewards} it descends {_name(meant)}: the factor is {_factor(meant.scale)}",
            subject.weighed(n),
            _numbers(meant, n),
        )
    if subject.scale is not None and abs(float(meant.scale) / subject.scale - 1) > subject.tolerance:
        raise Failed(
            f"{where}: should ascend {subject.scale:g} x {_name(meant)}; on {subject.rewards} the factor is "
            f"{_factor(meant.scale)}",
            subject.weighed(n),
            _numbers(meant, n),
        )
    return meant


def _background(weight: EffectiveWeight, near: Nearest) -> str:
    """What else is known of a weight: of a design W itself, its limit in large groups, and where it is negative."""
    limit = weight.limit() if weight.n >= LARGE and not near.known else None
    itself = [weight.title()[1]] if weight.design and weight.exact else []
    return "".join(f"; {text}" for text in itself + ([str(limit)] if limit else []) + pushed_down(weight.negative))


def _compared(weight: EffectiveWeight, objective: Objective | None, tolerance: float) -> Nearest | None:
    if objective is None or objective.order > weight.n:
        return None
    return weight.compare(objective, tolerance=tolerance)


def _numbers(near: Nearest, n: int) -> dict[str, Any]:
    return {"N": n, "nearest": _name(near), "scale": float(near.scale), "off": near.distance}


def _name(near: Nearest) -> str:
    return near.objective.name if near.objective else near.name


def _factor(scale: F | float) -> str:
    if isinstance(scale, F) and scale.denominator < 10_000:
        return str(scale)
    return f"{float(scale):.4g}"


def _said(subject: Subject, found: Mapping[int, Nearest]) -> str:
    """What is ascended at all sizes, in a line, and how nearly."""
    distance = max(near.distance for near in found.values())
    sizes = f"under {subject.design}" if subject.design else f"at N = {', '.join(map(str, found))}"
    agreements = {near.agreement for near in found.values()}
    if agreements == {"exactly"}:
        how, upto = "exactly ", ""
    elif "within tolerance" not in agreements:
        how, upto = "", f", to rounding in {subject.precision.name}"
    else:
        how, upto = "", f", up to {distance:.1g} (tolerance {subject.tolerance:g})"
    factors = [near.scale for near in found.values()]
    names = _in_general(found)
    if not subject.targets and not all(COMMON.fullmatch(_name(near)) for near in found.values()):
        return Warned(
            f"on {subject.rewards} {how}{names} {sizes}{upto}: declare objective= if that is meant, since few "
            "rollouts have many such weights"
        )
    if all(abs(float(factor) - 1) <= max(subject.tolerance, 1e-12) for factor in factors):
        return f"on {subject.rewards} {how}{names} {sizes}{upto}"
    same = max(map(float, factors)) / min(map(float, factors)) - 1 <= subject.tolerance
    if same:
        text = f"{how}{_factor(factors[0])} x {names} {sizes}{upto}: a constant factor, as a learning rate is"
        return text if subject.scale is not None else Warned(f"on {subject.rewards} {text}")
    each = ", ".join(map(_factor, factors))
    return Warned(f"on {subject.rewards} {how}{names} times a factor that depends on N: {each} {sizes}{upto}")


def _in_general(found: Mapping[int, Nearest]) -> str:
    """One name for the objectives at all sizes where there is one: J_N, J_{N-1}."""
    names = {n: _name(near) for n, near in found.items()}
    for pattern, less in (("J_N", 0), ("J_{N-1}", 1)):
        if len(names) > 1 and all(name == f"J_{n - less}" for n, name in names.items()):
            return pattern
    return ", ".join(dict.fromkeys(names.values()))


def is_unbiased_on_graded(subject: Subject) -> str:
    """Exact bias on graded problems, against the gradient of the target, up to the factor that 0/1 rewards have."""
    if subject.binary_only:
        raise Skipped("only meant for 0/1 rewards")
    enumerable(subject)
    exact, worst = True, 0.0
    sizes = [n for n in subject.sizes if n <= LARGEST_GRADED] or [n for n in subject.sizes[-1:] if n <= LARGEST_FLOATS]
    if not sizes:
        raise Skipped(f"groups of {subject.sizes[-1]} are too many to enumerate; leave-one-out has no such limit")
    for n in sizes:
        target, factor = target_or_nearest(subject, n), factor_of(subject, n)
        if target_of(subject, n) is None and not subject.positive_only and ascends_something(subject):
            raise Skipped(UNKNOWN)
        if target is None:
            if subject.positive_only:
                raise Skipped("no objective is declared")
            raise Failed(
                f"N = {n}: no objective is ascended on 0/1 rewards",
                subject.weighed(n),
                _mean(graded_problems(subject)[0], subject, n),
            )
        for index, problem in enumerate(graded_problems(subject)):
            law = problem if n <= LARGEST_GRADED else in_floats(problem)
            moments = exact_moments(law, subject.function, n)
            truth = target_gradient(law, target)
            if subject.positive_only and subject.scale is None and index == 0:
                factor = _fitted(moments.mean, truth, subject.tolerance)
            truth = factor * truth
            if not (moments.exact and truth.dtype == object):
                truth = truth.astype(np.float64)
            bias = (moments.mean - truth).astype(np.float64)
            gap = float(np.linalg.norm(bias)) / float(np.linalg.norm(truth.astype(np.float64)))
            if gap > subject.tolerance:
                rounded = subject.precision.name != "float64" and gap <= subject.precision.rounding
                hint = f"; precision={subject.precision.name!r} lets its rounding pass" if rounded else ""
                raise Failed(
                    _describe(moments.mean, truth, gap, n, f"{_times(factor)}{target.name}", problem) + hint,
                    f"maxrl_est.exact_moments({expression(problem)}, {subject.label}, {n}).mean",
                    {"N": n, "problem": str(problem), "mean": moments.mean.astype(np.float64).tolist()},
                )
            exact, worst = exact and moments.exact and gap == 0, max(worst, gap)
    if exact:
        return "exactly unbiased for the same objective"
    if worst <= subject.rounding:
        return "unbiased to rounding for the same objective"
    return f"unbiased up to {worst:.1g} (tolerance {subject.tolerance:g}) for the same objective"


def _mean(problem: Bandit, subject: Subject, n: int) -> dict[str, Any]:
    """What is ascended there, for a known fault."""
    mean = exact_moments(problem, subject.function, n).mean
    return {"N": n, "problem": str(problem), "mean": mean.astype(np.float64).tolist()}


def _fitted(mean: Array, truth: Array, tolerance: float) -> float:
    """The positive factor with which the mean is the truth; 1 where there is none."""
    got, expected = mean.astype(np.float64), truth.astype(np.float64)
    factor = float(got @ expected / (expected @ expected))
    close = np.linalg.norm(got - factor * expected) <= tolerance * np.linalg.norm(got)
    return factor if factor > 0 and close else 1.0


def _times(factor: F | float) -> str:
    return "" if abs(float(factor) - 1) <= 1e-12 else f"{_factor(factor)} x "


def _describe(mean: Array, truth: Array, gap: float, n: int, target: str, problem: Bandit) -> str:
    got, expected = mean.astype(np.float64), truth.astype(np.float64)
    cosine = float(got @ expected / (np.linalg.norm(got) * np.linalg.norm(expected) or 1.0))
    angle = math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
    measured, wanted, bias = (", ".join(f"{x:.6g}" for x in vector) for vector in (got, expected, got - expected))
    return (
        f"N = {n}, {problem}: E[g] misses the gradient of {target} by {100 * gap:.3g}%, {angle:.3g} degrees off; "
        f"exact bias [{bias}], measured [{measured}], expected [{wanted}]"
    )


def expression(problem: Bandit | Bernoulli) -> str:
    """How a problem is written."""
    if isinstance(problem, Bernoulli):
        return f"maxrl_est.problems.Bernoulli({problem.pass_rate})"
    pi, l = ([str(x) for x in values] for values in (problem.probabilities, problem.likelihoods))
    return f"maxrl_est.problems.Bandit([{', '.join(pi)}], [{', '.join(l)}])"


def in_floats(problem: Any) -> Any:
    """The same problem in floats: rationals take seconds at N = 16."""
    if isinstance(problem, Bernoulli):
        return Bernoulli(float(problem.pass_rate))
    return Bandit(problem.probabilities.astype(np.float64), problem.likelihoods.astype(np.float64))
