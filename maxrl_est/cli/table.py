"""``maxrl-est table``: bias, variance and cost of every estimator."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from typing import Any

from maxrl_est.cli.console import as_misuse, at_least, named, progress, write_text
from maxrl_est.cli.loading import estimator
from maxrl_est.cli.parsing import Commands, add_command, add_json, completed_by, estimator_words

FORMATS = ("markdown", "csv", "latex", "html", "json")


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "table",
        help="bias, variance and cost of every estimator, exact where that is possible",
        description="Bias, variance and cost of one group's gradient estimate, exact where groups can be enumerated "
        "or a closed form exists, and with standard errors where they are sampled.",
        examples=(
            "--problems bandit --estimators rloo ustat --group-sizes 8",
            "--problems bandit --estimators rloo mine.py:advantage --markdown table.md",
        ),
    )
    problems = parser.add_argument("--problems", metavar="NAME", nargs="+", help="default: all six")
    rows = parser.add_argument(
        "--estimators",
        metavar="NAME",
        nargs="+",
        help="names, also ustat(T), passk(K), maxk(K), and functions: path/to/file.py:function or "
        "package.module:function; default: all names",
    )
    parser.add_argument("--group-sizes", metavar="N", type=int, nargs="+", help="default: 4 8 16")
    parser.add_argument("--groups", metavar="COUNT", type=int, help="drawn for each sampled row (262144)")
    parser.add_argument("--seed", type=int, default=0, help="of the sampled rows (0)")
    for name in FORMATS[:-1]:
        parser.add_argument(f"--{name}", metavar="PATH", help=f"write the table as {name}; - for standard output")
    add_json(parser)
    completed_by(problems, lambda **_: _problem_names())
    completed_by(rows, estimator_words)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from maxrl_est.files import formats
    from maxrl_est.tables import GROUP_SIZES, GROUPS, PROBLEMS, bias_variance_table

    at_least(options, group_sizes=1, groups=2, seed=0)
    for name in options.problems or ():
        named("--problems", name, _problem_names())
    try:
        with as_misuse(), redirect_stdout(sys.stderr):  # what the user's code prints is no part of the table
            table = bias_variance_table(
                {name: PROBLEMS[name] for name in options.problems or PROBLEMS},
                _estimators(options.estimators),
                options.group_sizes or GROUP_SIZES,
                groups=GROUPS if options.groups is None else options.groups,
                seed=options.seed,
                progress=progress,
            )
    finally:
        progress(None)
    written = [write_text(getattr(options, name), getattr(table, f"to_{name}")()) for name in FORMATS]
    if not any(written):
        print(table.to_text(formats.terminal_painter()))
    return 0


def _problem_names() -> list[str]:
    from maxrl_est.tables import PROBLEMS

    return list(PROBLEMS)


def _estimators(given: list[str] | None) -> dict[str, Any] | None:
    """What is measured, by the words it was asked for with."""
    from maxrl_est.tables._contents import OPTIMAL

    if given is None:
        return None
    return {text: text if text == OPTIMAL else estimator(text) for text in given}
