"""What the checks of one advantage function found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from maxrl_est._arguments import one_of
from maxrl_est.files import formats

Status = Literal["passed", "failed", "skipped", "xfailed", "xpassed"]


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check: what was found, in a sentence that stands by itself.

    ``status`` is "xfailed" where a failure was expected, for ``reason``, and "xpassed", which is a failure, where an
    expected one did not come.
    """

    name: str
    status: Status
    message: str
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is as it should be."""
        return self.status not in ("failed", "xpassed")

    @property
    def expectation(self) -> str:
        """What is added to the message where a failure was expected; empty elsewhere."""
        return {
            "xfailed": f" (expected: {self.reason})",
            "xpassed": f" (expected to fail: {self.reason}; take it off the list)",
        }.get(self.status, "")

    def __str__(self) -> str:
        return f"{self.name}: {self.message}{self.expectation}"


@dataclass(frozen=True, slots=True)
class VarianceRow:
    """Total variance (the trace of the covariance) of one group's gradient estimate, from exact moments."""

    problem: str
    n: int
    estimator: str
    total_variance: float


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `check_estimator` found: all checks, and the function's variance beside that of known estimators.

    Printed, it has a line for each check; notebooks show a table. ``report["leave-one-out"]`` is one check.
    ``variances`` is empty where the function cannot be enumerated or has no target.

    >>> from maxrl_est.checks import check_estimator
    >>> print(check_estimator("rloo")["leave-one-out"])
    leave-one-out: each advantage is linear in its own likelihood
    """

    estimator: str
    checks: tuple[Check, ...]
    variances: tuple[VarianceRow, ...]

    @property
    def passed(self) -> bool:
        """Whether every check is as it should be: none failed, and all failures that were expected came."""
        return all(check.ok for check in self.checks)

    def __getitem__(self, name: str) -> Check:
        """The check of that name, one of `maxrl_est.checks.CHECKS`."""
        by_name = {check.name: check for check in self.checks}
        return by_name[one_of("name", name, by_name)]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        report: dict[str, Any] = formats.plain({**asdict(self), "passed": self.passed})
        return report

    def to_dataframe(self) -> Any:
        """A row for each check, as a data frame of pandas or polars."""
        names = [field.name for field in fields(Check)]
        return formats.to_dataframe({name: [getattr(check, name) for check in self.checks] for name in names})

    def _repr_html_(self) -> str:
        """What notebooks show."""
        checks = [(check.name, check.status, f"{check.message}{check.expectation}") for check in self.checks]
        tones = ["good" if check.status == "passed" else "" if check.ok else "bad" for check in self.checks]
        parts = [formats.html_table((self._verdict, "status", "found"), checks, tones)]
        if self.variances:
            rows = [(row.problem, str(row.n), row.estimator, f"{row.total_variance:.6g}") for row in self.variances]
            parts.append(formats.html_table(("problem", "N", "estimator", "exact total variance"), rows))
        return "\n".join(parts)

    @property
    def _verdict(self) -> str:
        return f"{self.estimator}: {'passed' if self.passed else 'FAILED'}"

    def __str__(self) -> str:
        lines = [self._verdict]
        lines += [f"  {check.status:8s} {check}" for check in self.checks]
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
