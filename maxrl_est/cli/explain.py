"""``maxrl-est explain``: the page of a check."""

from __future__ import annotations

import argparse

from maxrl_est.cli.console import named
from maxrl_est.cli.parsing import Commands, add_command, completed_by


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "explain",
        help="what a check means, why it matters, and how to mend what it finds",
        description="Show the page of a check (maxrl-est list checks), or one of the pages verdict and formats.",
        examples=("leave-one-out", "micro-batches", "verdict", "formats"),
    )
    check = parser.add_argument("check", metavar="CHECK", help="its id, or its name with spaces")
    completed_by(check, lambda **_: _ids())
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from maxrl_est.checks._pages import page

    print(page(named("CHECK", options.check.lower().replace(" ", "-"), _ids())).text, end="")
    return 0


def _ids() -> list[str]:
    from maxrl_est.checks import CHECKS, STEP_CHECKS
    from maxrl_est.checks._pages import GUIDES
    from maxrl_est.checks._report import identifier

    return [*map(identifier, [*CHECKS, *STEP_CHECKS]), *GUIDES]
