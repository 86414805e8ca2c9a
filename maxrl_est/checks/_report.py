"""What the checks of one advantage function, or of one training step, found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from maxrl_est._arguments import one_of
from maxrl_est.checks import _formats, _text
from maxrl_est.checks._known import Found, line
from maxrl_est.files import formats

Severity = Literal["failed", "warned", "passed", "skipped"]
Status = Literal["passed", "warned", "failed", "skipped", "xfailed", "xpassed"]
Verdict = Literal["passed", "failed", "undecided"]

DECIDING = (
    *("effective objective", "leave-one-out", "bias on graded likelihoods", "Monte Carlo", "same function"),
    *("on policy", "lengths"),  # of a step
)


def identifier(name: str) -> str:
    """The identifier of the check of that name."""
    return name.lower().replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check: what was found, in a sentence that stands by itself.

    ``status`` is "warned" for what is no fault and should be known, such as a constant factor; "xfailed" where a known
    fault was found, for ``reason``; and "xpassed", which is a failure, where a known fault did not come. ``found`` has
    the numbers of a failure by name, and ``reproduce`` is a line of Python that shows it, where there is a short one.
    """

    name: str
    status: Status
    message: str
    reproduce: str = ""
    found: Found = field(default_factory=dict)
    reason: str = ""

    @property
    def id(self) -> str:
        """The name as an identifier that does not change: ``leave-one-out``, ``batch-independence``."""
        return identifier(self.name)

    @property
    def severity(self) -> Severity:
        """How bad it is: a known fault that is found passes, and one that is not found fails."""
        if self.status == "xfailed":
            return "passed"
        return "failed" if self.status == "xpassed" else self.status

    @property
    def ok(self) -> bool:
        """Whether it is as it should be."""
        return self.severity != "failed"

    @property
    def expectation(self) -> str:
        """What is added to the message where a failure was expected; empty elsewhere."""
        return {
            "xfailed": f" (expected: {self.reason})",
            "xpassed": f" (expected to fail: {self.reason}; take it off the list)",
        }.get(self.status, "")

    @property
    def known_fault(self) -> str:
        """The line that states this failure in ``expected_failed_checks``; empty for what did not fail."""
        return line(self.name, self.found) if self.status == "failed" else ""

    def __str__(self) -> str:
        return f"{self.name}: {self.message}{self.expectation}"


@dataclass(frozen=True, slots=True)
class NoiseRow:
    """Noise per signal of one group's gradient estimate g, tr Cov(g) / |E g|^2, from exact moments.

    It does not change with a constant factor. 4 groups have a quarter of it. ``times_limit`` is how many times that of
    the best unbiased estimate there can be, `maxrl_est.variance_bound`; None where that is 0, or the row is biased.
    """

    problem: str
    n: int
    estimator: str
    noise: float
    times_limit: float | None = None


@dataclass(frozen=True, slots=True)
class PromptRow:
    """The part of a prompt's gradient that a step's mean keeps, and how many degrees it is off; None without one."""

    responses: str
    prompt: str
    share: float | None
    degrees: float


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `check_estimator` or `check_step` found: all checks, and an estimator's noise beside that of known ones.

    ``tried`` says on what. ``report["leave-one-out"]`` is one check. ``noise`` is empty where the function cannot be
    enumerated, or has no target or no rival. ``settings`` are the arguments that decide what is checked; ``place`` is
    the function's file and line, where it has them. ``prompts`` has what a step's mean does to each prompt.

    >>> from maxrl_est.checks import check_estimator
    >>> print(check_estimator("rloo")["deterministic"])
    deterministic: twice the same input, twice the same result
    """

    estimator: str
    checks: tuple[Check, ...]
    noise: tuple[NoiseRow, ...]
    tried: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    place: tuple[str, int] | None = None
    prompts: tuple[PromptRow, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What comes of all checks: "undecided" where none failed and no check of what is ascended could run."""
        if not all(check.ok for check in self.checks):
            return "failed"
        return "passed" if any(check.status != "skipped" for check in self.deciding) else "undecided"

    @property
    def deciding(self) -> tuple[Check, ...]:
        """The checks of what is ascended; where all of them are skipped, nothing is decided."""
        return tuple(check for check in self.checks if check.name in DECIDING)

    @property
    def passed(self) -> bool:
        """Whether every check is as it should be, known faults among them, and what is ascended was checked."""
        return self.verdict == "passed"

    def __getitem__(self, name: str) -> Check:
        """The check of that name, one of `maxrl_est.checks.CHECKS` or `maxrl_est.checks.STEP_CHECKS`."""
        by_name = {check.name: check for check in self.checks}
        return by_name[one_of("name", name, by_name)]

    @property
    def summary(self) -> str:
        """The verdict in one line: what is ascended, or which checks fail, or why nothing is decided."""
        return _text.summary(self)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON; ``maxrl-est explain formats`` describes them."""
        return _formats.json.report_as_dict(self)

    def to_text(self, paint: _text.Paint = _text.uncoloured, *, width: int = _text.WIDTH, verbose: bool = False) -> str:
        """Lines of at most ``width`` columns: the verdict, what to do, what failed, what to know, what passed.

        ``verbose`` has every check, what was tried, and the noise. ``paint`` colours a line by its tone.
        """
        return _text.text(self, width=width, verbose=verbose, paint=paint)

    def to_dataframe(self) -> Any:
        """A row for each check, as a data frame of pandas or polars."""
        names = [entry.name for entry in fields(Check)]
        return formats.to_dataframe({name: [getattr(check, name) for check in self.checks] for name in names})

    def _repr_html_(self) -> str:
        """What notebooks show."""
        checks = [(check.name, check.status, f"{check.message}{check.expectation}") for check in self.checks]
        tones = [_text.TONES.get(check.status, "") for check in self.checks]
        parts = [formats.html_table((self.summary, "status", "found"), checks, tones)]
        if self.noise:
            rows = [
                (row.problem, str(row.n), row.estimator, f"{row.noise:.6g}", _text.times(row.times_limit))
                for row in self.noise
            ]
            parts.append(formats.html_table(("problem", "N", "estimator", "noise per signal", "x limit"), rows))
        return "\n".join(parts)

    def __str__(self) -> str:
        return self.to_text()


class CheckFailure(AssertionError):
    """Raised by `check_estimator` and `check_step` when a check fails or none decides; ``report`` holds all of them."""

    def __init__(self, report: CheckReport) -> None:
        super().__init__(str(report))
        self.report = report
