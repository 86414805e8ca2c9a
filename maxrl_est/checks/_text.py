"""A report as text: the verdict and what to do in one line each, then what failed, what to know, and what passed."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from maxrl_est._arguments import printable
from maxrl_est.checks._code import wrapped
from maxrl_est.checks._pages import page
from maxrl_est.files.formats import Tone, aligned

if TYPE_CHECKING:
    from maxrl_est.checks._report import Check, CheckReport

WIDTH = 80
_TAG = 9  # columns of what stands before a text
_NAME = 32  # of a longer name are shown where the verdict takes more than a line

TONES: dict[str, Tone] = {"passed": "good", "warned": "warn", "undecided": "warn", "failed": "bad", "xpassed": "bad"}

Paint = Callable[[str, Tone], str]


def uncoloured(line: str, tone: Tone) -> str:
    """The line as it is."""
    return line


def summary(report: CheckReport) -> str:
    """The verdict in one line: what is ascended, or which checks fail, or why nothing is decided.

    It is as long as it is; `text` shortens it to its width.
    """
    return _headline(report, report.estimator)


def text(report: CheckReport, *, width: int = WIDTH, verbose: bool = False, paint: Paint = uncoloured) -> str:
    """The report in lines of at most `width` columns, but for lines of Python that cannot be broken.

    ``verbose`` shows every check with its message, what was tried, and the noise beside known estimators.
    """
    name = report.estimator
    over = len(summary(report)) - width
    if over > 0 and len(name) > _NAME:  # a path, whose end says most
        name = f"...{name[-max(_NAME, len(name) - over - 3) :]}"
    lines = [paint(_short(_headline(report, name), width), TONES[report.verdict])]
    lines += [*_advice(report, width), ""]
    if verbose:
        for check in report.checks:
            lines += _whole(check, width, paint)
        lines += _background(report, width)
    else:
        lines += _compact(report, width, paint)
    if verbose or report.verdict == "failed":
        lines += _prompts(report, width)
    return "\n".join(lines).rstrip()


def undecided(report: CheckReport) -> str:
    """Why no check of what is ascended could run: the first reason there is."""
    reasons = [check.message for check in report.deciding if check.status == "skipped"]
    return f"no check of what it ascends could run: {reasons[0] if reasons else 'none was asked for'}"


def _headline(report: CheckReport, name: str) -> str:
    return f"{report.verdict.upper()}  {_shown(f'{name}: {_gist(report)}')}"


def _gist(report: CheckReport) -> str:
    if report.verdict == "undecided":
        return undecided(report)
    if report.verdict == "failed":
        return ", ".join(check.name for check in report.checks if not check.ok)
    known = [check.name for check in report.checks if check.status == "xfailed"]
    if known:
        return f"its known {'fault' if len(known) == 1 else 'faults'} and no other: {', '.join(known)}"
    return next(check.message for check in report.deciding if check.status != "skipped")


def _advice(report: CheckReport, width: int) -> list[str]:
    """What to do about the first check that fails, or else warns."""
    wrong = [check for severity in ("failed", "warned") for check in report.checks if check.severity == severity]
    if report.verdict == "undecided":
        id, advice = "verdict", page("verdict").advice
    elif wrong:
        id, advice = wrong[0].id, page(wrong[0].id).advice_on(wrong[0].severity)
    else:
        return []
    return [_short(f"{'advice':{_TAG}}{advice}", width), f"{'page':{_TAG}}maxrl-est explain {id}"]


def _compact(report: CheckReport, width: int, paint: Paint) -> Iterator[str]:
    for severity in ("failed", "warned"):
        for check in report.checks:
            if check.severity == severity:
                yield from _whole(check, width, paint)
    for check in report.checks:
        if check.status == "xfailed":
            yield _short(f"{'known':{_TAG}}{check.name}: {_shown(check.reason)}", width)
    passed = [check for check in report.checks if check.status == "passed"]
    if passed:
        yield paint(f"{'passed':{_TAG}}{len(passed)} of {len(report.checks)} checks", "good")
    skipped: dict[str, list[str]] = {}
    for check in report.checks:
        if check.status == "skipped":
            skipped.setdefault(check.message, []).append(check.name)
    for reason, names in skipped.items():
        yield from _filled("skipped", f"{', '.join(names)} ({reason})", width)


def _whole(check: Check, width: int, paint: Paint) -> Iterator[str]:
    """A check with its message, the line that reproduces it, and the line that states it as a known fault."""
    yield paint(f"{check.status:{_TAG}}{check.name}", TONES.get(check.status, ""))
    yield from _filled("", f"{check.message}{check.expectation}", width)
    for label, code in (("reproduce: ", check.reproduce), ("known fault: ", check.known_fault)):
        if code:
            yield from wrapped(code, width, " " * _TAG + label, " " * (_TAG + 2))


def _background(report: CheckReport, width: int) -> Iterator[str]:
    for tried in report.tried:
        yield from _filled("tried", tried, width)
    given = {
        name: _listed(value)
        for name, value in report.settings.items()
        if value not in (None, {}) and value is not False
    }
    if given:
        yield from _filled("asked", "; ".join(f"{name} {value}" for name, value in given.items()), width)
    if report.noise:
        yield ""
        yield from textwrap.wrap("Noise per signal of one group's gradient estimate, tr Cov / |mean|^2", width)
        rows = [
            (f"{row.noise:.6g}", times(row.times_limit), row.estimator, str(row.n), row.problem) for row in report.noise
        ]
        for line in aligned(("noise", "x limit", "estimator", "N", "problem"), rows):
            yield _short(line, width)


def times(ratio: float | None) -> str:
    """How many times the least there can be; a dash where nothing is known of it."""
    return "-" if ratio is None else f"{ratio:.3g}"


def _prompts(report: CheckReport, width: int) -> Iterator[str]:
    """What a step's mean does to each prompt."""
    if report.prompts:
        yield ""
        yield from textwrap.wrap("Of each prompt's gradient, what the mean step keeps, and how far it is off", width)
        rows = [
            (
                "none" if row.share is None else f"{100 * row.share:.4g}%",
                f"{round(row.degrees, 6):.3g}",
                row.prompt,
                row.responses,
            )
            for row in report.prompts
        ]
        for line in aligned(("kept", "degrees off", "prompt", "responses"), rows):
            yield _short(line, width)


def _listed(value: Any) -> str:
    """A setting in words: a list without its brackets, an objective for each group size once if they are one."""
    if isinstance(value, Mapping):
        several = len({*value.values()}) > 1
        return ", ".join(f"{entry} at N = {n}" for n, entry in value.items()) if several else next(iter(value.values()))
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _filled(tag: str, message: str, width: int) -> list[str]:
    return textwrap.wrap(
        _shown(message),
        width,
        initial_indent=f"{tag:{_TAG}}",
        subsequent_indent=" " * _TAG,
        break_on_hyphens=False,
    )


def _short(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 3].rstrip()}..."


def _shown(message: str) -> str:
    """In one line, with what would move a terminal's cursor written out."""
    return printable(" ".join(message.split()))
