"""Is an advantage function right? Named checks, from its shape to its exact bias, and one report.

No sampling: the objective is read off 0/1 groups exactly, and the bias on graded likelihoods is a finite sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction as F
from typing import Any, Literal

import numpy as np

from maxrl_est import estimators
from maxrl_est._typing import Array, Estimator, FloatArray
from maxrl_est.exact import EffectiveWeight, Moments, effective_weight, exact_moments
from maxrl_est.objectives import Objective
from maxrl_est.problems import Bandit, Bernoulli

TOLERANCE = 1e-9  # relative, and 64 roundings where the function returns shorter floats
SAME = 1e-12  # exact rationals closer than this come from an objective that was given in floats
OWN_VALUES = (1e-6, 0.02, 0.25, 0.5, 0.7, 0.97, 1 - 1e-6)  # of a rollout, between 0 and 1
MAX_SIZE = 64
GRADED = (
    Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)]),
    Bandit([F(1, 4), F(1, 4), F(1, 2)], [F(1, 10), F(1, 2), F(9, 10)]),
    Bandit([F(1, 3), F(1, 3), F(1, 3)], [F(1, 1000), F(1, 20), F(999, 1000)]),
)
BINARY = Bernoulli(F(1, 4))

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check: what was found, in a sentence that stands by itself."""

    name: str
    status: Status
    message: str


@dataclass(frozen=True, slots=True)
class VarianceRow:
    """Total variance (the trace of the covariance) of one group's gradient estimate, from exact moments."""

    problem: str
    n: int
    estimator: str
    total_variance: float


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All checks of one advantage function, and its variance beside known ones of the same objective."""

    estimator: str
    checks: tuple[Check, ...]
    variances: tuple[VarianceRow, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(check.status != "failed" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return {**asdict(self), "passed": self.passed}

    def __str__(self) -> str:
        lines = [f"{self.estimator}: {'passed' if self.passed else 'FAILED'}"]
        lines += [f"  {check.status:8s} {check.name}: {check.message}" for check in self.checks]
        if self.variances:
            lines.append("  exact total variance of one group's gradient estimate:")
        for row in self.variances:
            lines.append(f"    {row.problem}, N = {row.n}: {row.total_variance:.6g}  {row.estimator}")
        return "\n".join(lines)


class CheckFailure(AssertionError):
    """Raised by `check_estimator` when a check fails; ``report`` holds all of them."""

    def __init__(self, report: CheckReport) -> None:
        super().__init__(str(report))
        self.report = report


class _Failed(Exception):
    """One check's verdict that something is wrong."""


class _Skipped(Exception):
    """Why one check does not apply."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is being checked, and against what."""

    function: Estimator
    objective: Callable[[int], Objective] | None
    group_sizes: tuple[int, ...]
    binary_only: bool

    @property
    def sizes(self) -> list[int]:
        """The group sizes above 1, largest first: failures of large groups say most."""
        return sorted((n for n in self.group_sizes if n > 1), reverse=True)

    def __call__(self, groups: Array) -> Array:
        """Advantages, or a _Failed that shows the input which made trouble."""
        try:
            got = np.asarray(self.function(groups))
        except (Exception, SystemExit) as error:
            raise _Failed(f"raised {type(error).__name__}: {error} for likelihoods {_shown(groups)}") from error
        if got.shape != groups.shape:
            raise _Failed(f"returned shape {got.shape} for likelihoods of shape {groups.shape}, {_shown(groups)}")
        if got.dtype.kind not in "fiu":
            raise _Failed(f"returned dtype {got.dtype} for likelihoods {_shown(groups)}")
        if not np.isfinite(got).all():
            raise _Failed(f"returned {_shown(got)} for likelihoods {_shown(groups)}")
        return got

    @property
    def tolerance(self) -> float:
        """Relative differences up to this are rounding, in the dtype that the function returns."""
        dtype = self(_random(self, (self.sizes[0],))).dtype
        return max(TOLERANCE, 64 * float(np.finfo(dtype).eps)) if dtype.kind == "f" else TOLERANCE

    def target(self, n: int) -> Objective | None:
        """The declared objective, else the known one nearest to what is ascended on 0/1 rewards."""
        return self.objective(n) if self.objective else effective_weight(self.function, n).nearest().objective


def check_estimator(
    estimator: Estimator,
    *,
    objective: Objective | Callable[[int], Objective] | None = None,
    group_sizes: Sequence[int] = (1, 2, 3, 4, 8),
    binary_only: bool = False,
    name: str | None = None,
    on_fail: Literal["raise"] | None = "raise",
) -> CheckReport:
    """Check an advantage function ``(..., N) -> (..., N)``: structure, objective, exact bias, variance.

    Parameters
    ----------
    estimator : the function, of float64 likelihoods (and, if it can, of Fractions in object arrays)
    objective : what it should ascend: an Objective, or one for each group size. None: whichever known objective
        it ascends exactly on 0/1 rewards.
    group_sizes : the N at which it is checked, up to 64; those below the order of a given Objective are left out
    binary_only : whether it is meant for 0/1 rewards only, so that graded likelihoods are skipped
    on_fail : "raise" raises CheckFailure with the whole report; None returns the report

    Not for functions whose result is random: those need Monte Carlo.

    >>> from maxrl_est import estimators
    >>> check_estimator(estimators.get("rloo")).passed
    True
    >>> report = check_estimator(estimators.get("self_normalised"), on_fail=None)
    >>> [check.name for check in report.checks if check.status == "failed"]
    ['leave-one-out', 'bias on graded likelihoods']
    """
    if isinstance(objective, Objective):
        fixed = objective
        group_sizes = [n for n in group_sizes if n == 1 or n >= fixed.order]
        objective = lambda n: fixed  # noqa: E731
    if not any(n > 1 for n in group_sizes) or any(not 1 <= n <= MAX_SIZE for n in group_sizes):
        raise ValueError(
            f"group_sizes is {list(group_sizes)}: sizes lie in [1, {MAX_SIZE}], one of them above 1 and none but 1 "
            "below the order of the objective"
        )
    subject = _Subject(estimator, objective, tuple(group_sizes), binary_only)
    checks: list[Check] = []
    for title, check in _CHECKS:
        if checks and checks[0].status == "failed":
            checks.append(Check(title, "skipped", "the function does not return advantages"))
            continue
        try:
            note = check(subject)
            checks.append(Check(title, "passed", note))
        except _Skipped as reason:
            checks.append(Check(title, "skipped", str(reason)))
        except (_Failed, ValueError) as error:
            checks.append(Check(title, "failed", str(error)))
    report = CheckReport(
        name or str(getattr(estimator, "name", None) or getattr(estimator, "__name__", repr(estimator))),
        tuple(checks),
        tuple(_variances(subject)) if all(check.status == "passed" for check in checks[:_STRUCTURE]) else (),
    )
    if on_fail == "raise" and not report.passed:
        raise CheckFailure(report)
    return report


def _returns_advantages(subject: _Subject) -> str:
    for n in subject.sizes:
        for shape in ((n,), (5, n), (2, 3, n)):
            subject(_random(subject, shape))
    return "finite, of the shape of the likelihoods, any batch axes"


def _leaves_its_input_alone(subject: _Subject) -> str:
    groups = _random(subject, (5, subject.sizes[0]))
    given = groups.copy()
    subject(given)
    if not np.array_equal(given, groups):
        raise _Failed(f"wrote to its input {_shown(groups)}")
    return "the likelihoods are not written to"


def _is_deterministic(subject: _Subject) -> str:
    groups = _random(subject, (5, subject.sizes[0]))
    if not np.array_equal(subject(groups), subject(groups)):
        raise _Failed(f"returned two results for likelihoods {_shown(groups)}")
    return "twice the same input, twice the same result"


def _follows_the_order(subject: _Subject) -> str:
    for n in subject.sizes:
        groups = _random(subject, (20, n))
        order = np.random.default_rng(1).permutation(n)
        worst = _relative(subject(groups[:, order]), subject(groups)[:, order])
        if worst > subject.tolerance:
            raise _Failed(f"permuting a group of {n} changes advantages by {worst:.2g} relative")
    return "permuting rollouts permutes advantages"


def _sees_one_group(subject: _Subject) -> str:
    for n in subject.sizes:
        groups = _random(subject, (20, n))
        alone = np.stack([subject(group) for group in groups])
        worst = _relative(subject(groups), alone)
        if worst > subject.tolerance:
            raise _Failed(f"a group of {n} has other advantages in a batch than alone, by {worst:.2g} relative")
    return "a group's advantages do not depend on the batch"


def _survives_extremes(subject: _Subject) -> str:
    for n in subject.sizes:
        one = np.eye(n)[0]
        extremes = [np.zeros(n), np.ones(n), one, 1 - one]
        if not subject.binary_only:
            extremes += [np.full(n, 1e-300), one * 1e-300, np.full(n, 0.5), np.full(n, 1 - 2.0**-53)]
        for group in extremes:
            subject(group)
    return "finite for all-zero, all-one, single and tiny likelihoods"


def _handles_groups_of_one(subject: _Subject) -> str:
    if 1 not in subject.group_sizes:
        raise _Skipped("only checked if group_sizes has 1")
    for value in (0.0, 1.0):
        try:
            got = np.asarray(subject.function(np.array([value])))
        except (Exception, SystemExit) as error:
            return f"refused: {type(error).__name__}: {error}"
        if got.shape != (1,) or not np.isfinite(got).all():
            raise _Failed(
                f"returned {_shown(got)} for likelihoods [{value}]; a function that is not defined at N = 1 raises "
                "an exception there, or is checked at other group sizes"
            )
    return f"ascends {effective_weight(subject.function, 1).nearest().name}"


def _ascends_an_objective(subject: _Subject) -> str:
    found = []
    for n in subject.sizes:
        weight = effective_weight(subject.function, n)
        near = weight.nearest()
        expected = subject.objective(n) if subject.objective else near.objective
        if expected is None or not (weight.equals(expected) or _same(weight, expected)):
            wanted = f"expected {expected.name}; " if subject.objective and expected else ""
            gap = "" if near.exact else f" (off by {near.distance:.2g} of it over p)"
            raise _Failed(f"N = {n}: {wanted}on 0/1 rewards it ascends {near}{gap}")
        found.append(f"{expected.name} at N = {n}")
    return f"on 0/1 rewards exactly {', '.join(reversed(found))}"


def _weighs_by_the_others(subject: _Subject) -> str:
    if subject.binary_only:
        raise _Skipped("only meant for 0/1 rewards")
    for n in subject.sizes:
        groups = _random(subject, (20, n))

        def own(value: float, groups: FloatArray = groups) -> Array:
            changed = groups.copy()
            changed[:, 0] = value
            return subject(changed)[:, 0].astype(np.float64)

        low, high = own(0.0), own(1.0)
        size = max(float(np.max(abs(low) + abs(high))), np.finfo(np.float64).tiny)
        bends = {x: float(np.max(abs(own(x) - (1 - x) * low - x * high))) / size for x in OWN_VALUES}
        worst = max(bends, key=lambda x: bends[x])
        if bends[worst] > subject.tolerance:
            raise _Failed(
                f"N = {n}: the advantage of a rollout is not linear in its own likelihood (at {worst} off by "
                f"{bends[worst]:.2g}), so its weight or baseline depends on that rollout and no objective is ascended "
                "without bias"
            )
    return "each advantage is linear in its own likelihood"


def _is_unbiased_on_graded(subject: _Subject) -> str:
    if subject.binary_only:
        raise _Skipped("only meant for 0/1 rewards")
    exact = True
    for problem in GRADED:
        for n in subject.sizes:
            target = subject.target(n)
            if target is None:
                raise _Failed(f"N = {n}: no objective is ascended on 0/1 rewards")
            moments = exact_moments(problem, subject.function, n)
            truth = target.weight(problem.pass_rate) * problem.grad_pass_rate
            bias = moments.mean - (truth if moments.exact else truth.astype(np.float64))
            size = float(np.linalg.norm(truth.astype(np.float64)))
            relative = float(np.linalg.norm(bias.astype(np.float64))) / size
            if relative > (SAME if moments.exact else subject.tolerance):
                raise _Failed(_describe(moments.mean, truth, relative, n, target, problem))
            exact = exact and moments.exact and relative == 0
    return f"{'exactly unbiased' if exact else 'unbiased to rounding'} for the same objective"


def _same(weight: EffectiveWeight, objective: Objective) -> bool:
    """Whether the weight is the objective's but for the rounding of coefficients given as floats."""
    if objective.order > weight.n:
        return False
    p = np.linspace(0.0, 1.0, 2 * weight.n + 1)
    expected = objective.weight(p)
    return bool(np.max(abs(weight.value(p) - expected)) <= SAME * np.max(abs(expected)))


def _describe(mean: Array, truth: Array, relative: float, n: int, target: Objective, problem: Bandit) -> str:
    got, expected = mean.astype(np.float64), truth.astype(np.float64)
    cosine = float(got @ expected / (np.linalg.norm(got) * np.linalg.norm(expected) or 1.0))
    angle = math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
    vector = ", ".join(f"{x:.6g}" for x in got - expected)
    return (
        f"N = {n}, {problem}: E[g] misses the gradient of {target.name} by {100 * relative:.3g}%, "
        f"{angle:.3g} degrees off; "
        f"exact bias [{vector}]"
    )


_CHECKS: tuple[tuple[str, Callable[[_Subject], str]], ...] = (
    ("shape and dtype", _returns_advantages),
    ("input unchanged", _leaves_its_input_alone),
    ("deterministic", _is_deterministic),
    ("order of rollouts", _follows_the_order),
    ("batch independence", _sees_one_group),
    ("extreme groups", _survives_extremes),
    ("groups of one", _handles_groups_of_one),
    ("effective objective", _ascends_an_objective),
    ("leave-one-out", _weighs_by_the_others),
    ("bias on graded likelihoods", _is_unbiased_on_graded),
)


_STRUCTURE = 6  # the first checks, without which nothing can be enumerated


def _variances(subject: _Subject) -> Iterator[VarianceRow]:
    """This function's exact variance, then that of the known unbiased estimators of its objective, best first."""
    n = min(subject.sizes[0], 8)
    target = subject.target(n)
    if target is None:
        return
    for problem in (BINARY,) if subject.binary_only else (BINARY, GRADED[1]):
        truth = target.weight(problem.pass_rate) * problem.grad_pass_rate
        yield _variance_row("this function", exact_moments(problem, subject.function, n), problem)
        rivals = []
        for row in map(estimators.get, estimators.names()):
            if row.target(n) == target and row is not subject.function:
                moments = exact_moments(problem, row, n)
                if (moments.mean == truth).all():
                    rivals.append(_variance_row(row.name, moments, problem))
        yield from sorted(rivals, key=lambda row: row.total_variance)


def _variance_row(name: str, moments: Moments, problem: Bernoulli | Bandit) -> VarianceRow:
    return VarianceRow(str(problem), moments.n, name, float(np.trace(moments.covariance)))


def _random(subject: _Subject, shape: tuple[int, ...]) -> FloatArray:
    uniform = np.random.default_rng(0).random(shape)
    return (uniform < 0.5).astype(np.float64) if subject.binary_only else uniform


def _relative(got: Array, expected: Array) -> float:
    return float(np.max(abs(got - expected)) / max(1.0, np.max(abs(expected))))


def _shown(values: Array) -> str:
    """At most one group of numbers, short enough for a line."""
    flat = np.asarray(values).reshape(-1, values.shape[-1]) if np.ndim(values) else np.asarray(values)[None, None]
    broken = np.flatnonzero(~np.isfinite(flat.astype(np.float64)).all(axis=1))
    row = flat[broken[0] if broken.size else 0]
    text = ", ".join(f"{float(x):.6g}" for x in row[:8])
    return f"[{text}{', ...' if row.size > 8 else ''}]"
