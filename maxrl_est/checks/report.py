"""What the checks of one advantage function found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

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

    def __str__(self) -> str:
        expected = {
            "xfailed": f" (expected: {self.reason})",
            "xpassed": f" (expected to fail: {self.reason}; take it off the list)",
        }.get(self.status, "")
        return f"{self.name}: {self.message}{expected}"


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
        """Whether every check is as it should be: none failed, and all failures that were expected came."""
        return all(check.ok for check in self.checks)

    def __getitem__(self, name: str) -> Check:
        """The check of that name."""
        return {check.name: check for check in self.checks}[name]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return {**asdict(self), "passed": self.passed}

    def __str__(self) -> str:
        lines = [f"{self.estimator}: {'passed' if self.passed else 'FAILED'}"]
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
