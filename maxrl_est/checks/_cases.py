"""Each check of each function as a pytest case."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from maxrl_est._arguments import name_of, one_of, words
from maxrl_est._arguments.protocols import Estimator
from maxrl_est.checks._asked import Wanted, subject_of
from maxrl_est.checks._known import KnownFaults, known
from maxrl_est.checks._report import DECIDING
from maxrl_est.checks._runner import CHECKS, as_expected, run
from maxrl_est.estimators import chosen


def parametrize_with_checks(
    estimators: Iterable[str | Estimator],
    *,
    objective: Wanted | Mapping[str, Wanted] = None,
    expected_failed_checks: Mapping[str, KnownFaults] | Callable[[Any], KnownFaults] | None = None,
    **options: Any,
) -> Any:
    """A pytest decorator that makes each check of each estimator a case, called ``estimator`` and ``check``.

    A last case, ``verdict``, fails where no check of what is ascended could run.

    Needs pytest. Not where one report of all checks is wanted: that is `check_estimator`. ::

        @parametrize_with_checks(["rloo", my_advantages], objective=Objective.maxrl)
        def test_advantages(estimator, check):
            check(estimator)

    Parameters
    ----------
    estimators : functions, or names of rows; a case is called by the function's name and the check's,
        ``my_advantages-leave-one-out``
    objective : as in `check_estimator`, or one for each function that has one, by name
    expected_failed_checks : for each function that has known faults, by name, a `KnownFault` by check; or a function
        that has them for an estimator. Strict: such a case fails the day that the check passes, or finds another fault
    options : those of `check_estimator` that say what is checked

    Returns
    -------
    The mark ``pytest.mark.parametrize`` of these cases

    Raises
    ------
    TypeError, ValueError
        For bad arguments, when the decorator is made and not in a case.
    """
    import pytest

    if isinstance(estimators, str):
        raise TypeError(f"estimators must be a list of functions or names, got {words(estimators)}")
    functions = [chosen(estimator, f"estimators[{index}]") for index, estimator in enumerate(estimators)]
    names = [name_of(function) for function in functions]
    for argument, given in (("objective", objective), ("expected_failed_checks", expected_failed_checks)):
        for name in given if isinstance(given, Mapping) else ():
            one_of(f"a name in {argument}", name, names)
    cases = []
    for function, name in zip(functions, names, strict=True):
        faults = known(_faults(expected_failed_checks, function), CHECKS)
        wanted = objective.get(name) if isinstance(objective, Mapping) else objective
        subject_of(function, objective=wanted, **options)  # bad arguments are an error here, not a case that fails
        for title in CHECKS:
            case = functools.partial(_case, title, faults, {**options, "objective": wanted})
            cases.append(pytest.param(function, case, id=f"{name}-{title}"))
        case = functools.partial(_decided, {**options, "objective": wanted})
        cases.append(pytest.param(function, case, id=f"{name}-verdict"))
    return pytest.mark.parametrize(("estimator", "check"), cases)


def _faults(
    expected: Mapping[str, KnownFaults] | Callable[[Any], KnownFaults] | None, function: Estimator
) -> KnownFaults:
    if isinstance(expected, Mapping):
        return expected.get(name_of(function), {})
    return expected(function) if expected else {}


def _decided(options: Mapping[str, Any], estimator: Estimator) -> None:
    """Fails where no check of what is ascended could run: what was not checked is no pass."""
    import pytest

    subject = subject_of(estimator, **options)
    deciding = [run(title, subject) for title in DECIDING]
    if all(check.status == "skipped" for check in deciding):
        pytest.fail(f"undecided: no check of what it ascends could run: {deciding[0].message}", pytrace=False)


def _case(title: str, faults: KnownFaults, options: Mapping[str, Any], estimator: Estimator) -> None:
    """One check as a test: fails with its message, is skipped, or fails as is known."""
    import pytest

    check = as_expected(run(title, subject_of(estimator, **options)), faults)
    if check.status == "skipped":
        pytest.skip(check.message)
    if check.status == "xfailed":
        pytest.xfail(check.reason)
    if not check.ok:
        paste = f"\nto expect this: {check.known_fault}" if check.known_fault else ""
        pytest.fail(f"{check.message}{check.expectation}{paste}", pytrace=False)
