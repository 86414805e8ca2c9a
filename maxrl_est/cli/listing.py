"""``maxrl-est list``: the names that the other commands take."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from maxrl_est.cli.console import named, terminal_width
from maxrl_est.cli.objectives import FORMS
from maxrl_est.cli.parsing import Commands, add_command, completed_by

Rows: TypeAlias = Sequence[tuple[str, ...]]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "list",
        help="names of estimators, problems, objectives and checks, with a line each",
        description="List the names that the other commands take, with a line each.",
        examples=("", "estimators", "checks", "objectives problems"),
    )
    kinds = parser.add_argument("kinds", metavar="KIND", nargs="*", help=f"{', '.join(KINDS)}; default: all")
    completed_by(kinds, lambda **_: KINDS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    for kind in options.kinds:
        named("KIND", kind, list(KINDS))
    width = terminal_width()
    sections = [(title, rows()) for kind in options.kinds or KINDS for title, rows in KINDS[kind].items()]
    print("\n\n".join(_section(kind, rows, width) for kind, rows in sections))
    return 0


def _section(title: str, rows: Rows, width: int) -> str:
    *columns, _ = zip(*rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = [title]
    for *cells, last in rows:
        start = "".join(f"  {cell:{size}}" for cell, size in zip(cells, widths, strict=True)) + "  "
        lines += textwrap.wrap(last, width, initial_indent=start, subsequent_indent=" " * len(start))
    return "\n".join(lines)


def _estimators() -> Rows:
    from maxrl_est import estimators

    return [(name, estimators.get(name).notes.estimates) for name in estimators.names()]


def _sequential() -> Rows:
    from maxrl_est import estimators

    return [(name, estimators.get(name).notes.estimates) for name in estimators.sequential_names()]


def _problems() -> Rows:
    from maxrl_est.tables import PROBLEMS
    from maxrl_est.training._presets import PRESETS

    laws = [(name, "table", str(problem)) for name, problem in PROBLEMS.items()]
    return [*laws, *((name, "train", (make.__doc__ or "").strip()) for name, make in PRESETS.items())]


def _objectives() -> Rows:
    return [(form.text, form.says) for form in FORMS]


def _checks() -> Rows:
    from maxrl_est.checks import CHECKS

    return _described(CHECKS)


def _step_checks() -> Rows:
    from maxrl_est.checks import STEP_CHECKS

    return _described(STEP_CHECKS)


def _described(names: Iterable[str]) -> Rows:
    from maxrl_est.checks._pages import page
    from maxrl_est.checks._report import identifier

    pages = [page(identifier(name)) for name in names]
    return [(about.id, about.severity, about.description) for about in pages]


KINDS: dict[str, dict[str, Callable[[], Rows]]] = {
    "estimators": {"estimators": _estimators},
    "sequential": {"sequential": _sequential},
    "problems": {"problems": _problems},
    "objectives": {"objectives": _objectives},
    "checks": {"checks": _checks, "checks of a training step, check --step": _step_checks},
}
"""By kind its sections: title, and what has the rows."""
