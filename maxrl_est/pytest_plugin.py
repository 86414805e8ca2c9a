"""pytest plugin: fixtures that check advantage functions and training steps, options, and a summary of what was found.

Loaded by every pytest run where the package is installed, so it imports nothing until a fixture is used.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from maxrl_est._arguments.protocols import Estimator
    from maxrl_est.checks import CheckReport
    from maxrl_est.steps import Step

PROPERTY = "maxrl_est"  # of a test's report, and of the JUnit file: one line for each function or step checked


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options: they change what the fixture checks where the test does not say."""
    group = parser.getgroup("maxrl_est", "advantage functions (maxrl_est)")
    group.addoption(
        "--maxrl-est-group-sizes",
        metavar="N,N,...",
        type=_sizes,
        help="group sizes at which advantage functions are checked (1,2,3,4,8,16,64)",
    )
    group.addoption(
        "--maxrl-est-monte-carlo",
        metavar="GROUPS",
        type=int,
        help="also test their bias by sampling that many groups",
    )
    group.addoption("--maxrl-est-seed", metavar="SEED", type=int, help="seed of random likelihoods (0)")


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in text.split(","))
    except ValueError:
        rule = "must be ints with commas between, such as 2,4,8"
        raise argparse.ArgumentTypeError(f"{rule}, got {text!r}") from None


@pytest.fixture
def check_advantages(request: pytest.FixtureRequest) -> Callable[..., CheckReport]:
    """A function that works as `maxrl_est.check_estimator`; its report goes to the summary and to the JUnit file."""

    def check(estimator: str | Estimator, **options: Any) -> CheckReport:
        __tracebackhide__ = True
        from maxrl_est.checks import check_estimator

        asked = {name: request.config.getoption(f"maxrl_est_{name}") for name in ("group_sizes", "monte_carlo", "seed")}
        given = {name: value for name, value in asked.items() if value is not None} | options
        return _noted(request, check_estimator(estimator, on_fail=None, **given))

    return check


@pytest.fixture
def check_update(request: pytest.FixtureRequest) -> Callable[..., CheckReport]:
    """A function that works as `maxrl_est.check_step`; its report goes to the summary and to the JUnit file."""

    def check(step: Step, **options: Any) -> CheckReport:
        __tracebackhide__ = True
        from maxrl_est.checks import check_step

        return _noted(request, check_step(step, on_fail=None, **options))

    return check


def _noted(request: pytest.FixtureRequest, report: CheckReport) -> CheckReport:
    """The report, which the test carries from now on, and fails by where it does not pass."""
    __tracebackhide__ = True
    request.node.user_properties += [(PROPERTY, report.summary)] + [
        (f"{PROPERTY}: {report.estimator}: {found.name}", f"{found.status}: {found.message}") for found in report.checks
    ]
    if not report.passed:
        pytest.fail(str(report), pytrace=False)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print a line for each advantage function and step; reports carry them, so this works with workers too."""
    lines = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for key, value in report.user_properties
        if key == PROPERTY
    ]
    if lines:
        terminalreporter.section("advantage functions (maxrl_est)")
        for line in lines:
            terminalreporter.line(line)
