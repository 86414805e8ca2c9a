"""Running the checks of one function, with a report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any, Literal, TypeAlias

from maxrl_est._arguments import name_of, one_of
from maxrl_est._typing import Estimator
from maxrl_est.checks.bias import BIAS
from maxrl_est.checks.noise import NOISE, variances
from maxrl_est.checks.report import Check, CheckFailure, CheckReport
from maxrl_est.checks.structure import STRUCTURE
from maxrl_est.checks.subject import Failed, Skipped, Subject, on_binary_rewards
from maxrl_est.estimators import NamedEstimator, SequentialEstimator
from maxrl_est.targets import LogMean, Target

CHECKS: Mapping[str, Callable[[Subject], str]] = {**STRUCTURE, **BIAS, **NOISE}
MAX_SIZE = 64
_NEEDED = tuple(STRUCTURE)[:7]  # without these nothing can be enumerated

Reasons: TypeAlias = Mapping[str, str]
Wanted: TypeAlias = Target | Callable[[int], Target | None] | None


def check_estimator(
    estimator: Estimator,
    *,
    objective: Wanted = None,
    group_sizes: Sequence[int] = (1, 2, 3, 4, 8),
    binary_only: bool = False,
    positive_only: bool = False,
    name: str | None = None,
    expected_failed_checks: Reasons | None = None,
    monte_carlo: int | None = None,
    seed: int = 0,
    callback: Callable[[Check], None] | None = None,
    on_fail: Literal["raise", "warn"] | None = "raise",
) -> CheckReport:
    """Check an advantage function ``(..., N) -> (..., N)``: structure, objective, exact bias, variance.

    Parameters
    ----------
    estimator : the function, of float64 likelihoods (and, if it can, of Fractions in object arrays)
    objective : what it should ascend: an Objective or another target of `maxrl_est.estimators`, or one for each group
        size. None: whichever known objective it ascends exactly on 0/1 rewards.
    group_sizes : the N at which it is checked, up to 64; those below the order of a given Objective are left out
    binary_only : whether it is meant for 0/1 rewards only, so that graded likelihoods are skipped
    positive_only : whether it takes logarithms, so that likelihoods of 0 are left out; rows of the table know
    expected_failed_checks : names of checks that are known to fail, each with the reason. Strict: one that passes
        counts as a failure.
    monte_carlo : groups to draw for a bias test by sampling as well; None leaves it out. Error rates and the smallest
        bias that it can find are in its message.
    seed : of random likelihoods
    callback : called with each `Check` as it is done
    on_fail : "raise" raises CheckFailure with the whole report; "warn" warns; None only returns the report

    Not for functions whose result is random or depends on the order of rollouts: they fail, their bias is not
    enumerated, and `monte_carlo` gives an asymptotic verdict that is no evidence either way.

    >>> from maxrl_est import estimators
    >>> check_estimator(estimators.get("rloo")).passed
    True
    >>> report = check_estimator(estimators.get("self_normalised"), on_fail=None)
    >>> [check.name for check in report.checks if check.status == "failed"]
    ['leave-one-out', 'bias on graded likelihoods']
    """
    subject = subject_of(
        estimator,
        objective=objective,
        group_sizes=group_sizes,
        binary_only=binary_only,
        positive_only=positive_only,
        monte_carlo=monte_carlo,
        seed=seed,
    )
    expected = known(expected_failed_checks or {})
    if on_fail not in ("raise", "warn", None):
        raise ValueError(f"on_fail is {on_fail!r}: it is 'raise', 'warn' or None")
    checks: list[Check] = []
    for title in CHECKS:
        broken = bool(checks) and checks[0].status == "failed"
        check = Check(title, "skipped", "the function does not return advantages") if broken else run(title, subject)
        checks.append(_expected(check, expected.get(title)))
        if callback:
            callback(checks[-1])
    sound = all(check.status == "passed" for check in checks if check.name in _NEEDED)
    report = CheckReport(name or name_of(estimator), tuple(checks), tuple(variances(subject)) if sound else ())
    if not report.passed and on_fail == "raise":
        raise CheckFailure(report)
    if not report.passed and on_fail == "warn":
        warnings.warn(str(report), stacklevel=2)
    return report


def run(title: str, subject: Subject) -> Check:
    """The outcome of one check."""
    try:
        return Check(title, "passed", CHECKS[title](subject))
    except Skipped as reason:
        return Check(title, "skipped", str(reason))
    except (Failed, ValueError) as error:
        return Check(title, "failed", str(error))
    except (Exception, SystemExit) as error:  # of the function, where it is enumerated
        return Check(title, "failed", f"raised {type(error).__name__}: {error}")


def _expected(check: Check, reason: str | None) -> Check:
    """The same, where a failure was expected."""
    if reason is None or check.status == "skipped":
        return check
    return Check(check.name, "xfailed" if check.status == "failed" else "xpassed", check.message, reason)


def known(reasons: Reasons) -> Reasons:
    """The same, refused if a check has no such name."""
    for name in reasons:
        one_of("a name in expected_failed_checks", name, CHECKS)
    return reasons


def subject_of(
    estimator: Estimator,
    *,
    objective: Wanted = None,
    group_sizes: Sequence[int] = (1, 2, 3, 4, 8),
    binary_only: bool = False,
    positive_only: bool = False,
    monte_carlo: int | None = None,
    seed: int = 0,
) -> Subject:
    """What is checked, from the arguments of `check_estimator`."""
    if not callable(estimator) or isinstance(estimator, SequentialEstimator):
        raise TypeError(
            f"estimator is {name_of(estimator):.60}: it is a function of likelihoods (..., N), or a row such "
            "as maxrl_est.estimators.get('rloo')"
        )
    for index, n in enumerate(group_sizes):
        if not isinstance(n, Integral) or not 1 <= n <= MAX_SIZE:
            raise ValueError(f"group_sizes[{index}] is {n!r}: sizes are ints in [1, {MAX_SIZE}]")
    for label, value, least in (("monte_carlo", monte_carlo, 2), ("seed", seed, 0)):
        if value is not None and (not isinstance(value, Integral) or value < least):
            raise ValueError(f"{label} is {value!r}: it is an int of at least {least}")
    if objective is not None and not callable(objective):
        fixed = objective
        group_sizes = [n for n in group_sizes if n == 1 or n >= _order(fixed)]
        objective = lambda n: fixed  # noqa: E731
    if not any(n > 1 for n in group_sizes):
        raise ValueError(
            f"group_sizes is {list(group_sizes)}: one is above 1, and none but 1 below the order of the objective"
        )
    sizes, positive = tuple(group_sizes), positive_only or getattr(estimator, "positive_only", False)
    return Subject(estimator, _label(estimator), objective, sizes, binary_only, positive, monte_carlo, seed)


def _order(target: Target) -> int:
    """Rollouts that an unbiased estimate of its gradient takes."""
    objective = on_binary_rewards(target)
    return objective.order if objective else target.n if isinstance(target, LogMean) else 1


def _label(estimator: Any) -> str:
    """How the function is written: so that a line with it can be run where the function is at hand."""
    if isinstance(estimator, NamedEstimator):
        return f"maxrl_est.estimators.get({estimator.name!r})"
    return str(getattr(estimator, "__qualname__", repr(estimator)))
