"""Running the checks of one function, with a report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from maxrl_est._arguments import name_of, one_of
from maxrl_est._typing import Estimator
from maxrl_est.checks._asked import GROUP_SIZES, Wanted, subject_of
from maxrl_est.checks._bias import BIAS
from maxrl_est.checks._noise import NOISE, variances
from maxrl_est.checks._report import Check, CheckFailure, CheckReport
from maxrl_est.checks._structure import ENUMERABLE, SHAPE, STRUCTURE
from maxrl_est.checks._subject import Failed, Skipped, Subject

CHECKS: Mapping[str, Callable[[Subject], str]] = {**STRUCTURE, **BIAS, **NOISE}

Reasons: TypeAlias = Mapping[str, str]


def check_estimator(
    estimator: str | Estimator,
    *,
    objective: Wanted = None,
    group_sizes: Sequence[int] = GROUP_SIZES,
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

    Not for functions whose result is random or depends on the order of rollouts: they fail, their bias is not
    enumerated, and `monte_carlo` gives an asymptotic verdict that is no evidence either way.

    Parameters
    ----------
    estimator : the function, of float64 likelihoods (and, if it can, of Fractions in object arrays); or the name of a
        row of `maxrl_est.estimators`
    objective : what it should ascend: an Objective or another target of `maxrl_est.targets`, or a function that gives
        one for each group size. None: whichever known objective it ascends exactly on 0/1 rewards
    group_sizes : the N at which it is checked, up to 64; those below the order of a given Objective are left out
    binary_only : whether it is meant for 0/1 rewards only, so that graded likelihoods are skipped
    positive_only : whether it takes logarithms, so that likelihoods of 0 are left out; rows of the table know
    name : what the report calls it; None: its own name
    expected_failed_checks : names of checks that are known to fail, each with the reason. Strict: one that passes
        counts as a failure
    monte_carlo : groups to draw for a bias test by sampling as well; None leaves it out. Error rates and the smallest
        bias that it can find are in its message
    seed : of random likelihoods
    callback : called with each `Check` as it is done
    on_fail : "raise" raises CheckFailure with the whole report; "warn" warns; None only returns the report

    Returns
    -------
    A `CheckReport`

    Raises
    ------
    CheckFailure
        If a check fails and ``on_fail`` is "raise".
    TypeError, ValueError
        For arguments that are not as above.

    >>> check_estimator("rloo").passed
    True
    >>> report = check_estimator("self_normalised", on_fail=None)
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
    if on_fail is not None:
        one_of("on_fail", on_fail, ("raise", "warn"))
    checks = _checked(subject, expected, callback)
    sound = all(check.status == "passed" for check in checks if check.name in ENUMERABLE)
    report = CheckReport(name or name_of(subject.function), tuple(checks), tuple(variances(subject)) if sound else ())
    if not report.passed and on_fail == "raise":
        raise CheckFailure(report)
    if not report.passed and on_fail == "warn":
        warnings.warn(str(report), stacklevel=2)
    return report


def _checked(subject: Subject, expected: Reasons, callback: Callable[[Check], None] | None) -> list[Check]:
    """The outcome of each check; what returns no advantages at all is asked nothing more."""
    checks: list[Check] = []
    broken = False
    for title in CHECKS:
        check = Check(title, "skipped", "the function does not return advantages") if broken else run(title, subject)
        checks.append(_expected(check, expected.get(title)))
        broken = broken or (title == SHAPE and checks[-1].status == "failed")
        if callback:
            callback(checks[-1])
    return checks


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
    """The outcome as it counts where a failure was expected."""
    if reason is None or check.status == "skipped":
        return check
    return Check(check.name, "xfailed" if check.status == "failed" else "xpassed", check.message, reason)


def known(reasons: Reasons) -> Reasons:
    """The same reasons; TypeError or ValueError where they are not by names of checks."""
    if not isinstance(reasons, Mapping):
        raise TypeError(f"expected_failed_checks must be a dict of reasons by the names of checks, got {reasons!r}")
    for name in reasons:
        one_of("a name in expected_failed_checks", name, CHECKS)
    return reasons
