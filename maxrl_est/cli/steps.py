"""``maxrl-est check --step``: whole training steps of users and frameworks, judged."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from maxrl_est.cli.console import Misuse, as_misuse, at_least, progress
from maxrl_est.cli.loading import step
from maxrl_est.cli.objectives import declared

if TYPE_CHECKING:
    from maxrl_est.checks import CheckReport

_OF_FUNCTIONS = ("same_as", "design", "scale", "precision", "form", "binary", "positive", "monte_carlo", "seed", "log")
_OWN = ("siblings", "epochs")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only steps have."""
    group = parser.add_argument_group("training steps")
    group.add_argument(
        "--step",
        action="store_true",
        help="targets are whole steps: functions of a maxrl_est.steps.Batch that return coefficients of tokens",
    )
    group.add_argument("--siblings", metavar="M", type=int, help="rollouts that share their first token (1)")
    group.add_argument("--epochs", metavar="K", type=int, help="steps that are taken on each batch (1)")


def check_options(options: argparse.Namespace) -> None:
    """Misuse where options of functions and of steps are mixed."""
    if not options.step:
        for name in _OWN:
            if getattr(options, name) is not None:
                raise Misuse(f"--{name} must come with --step")
        return
    for name in _OF_FUNCTIONS:
        if getattr(options, name):
            raise Misuse(f"--{name.replace('_', '-')} must not come with --step, which is a whole step to judge")
    if tuple(options.values) != (0, 1):
        raise Misuse("--values must not come with --step, which is tried on rewards -1 and 1 as well")
    if options.group_sizes and len(options.group_sizes) > 1:
        raise Misuse(f"--group-sizes must be one N with --step, got {' '.join(map(str, options.group_sizes))}")
    at_least(options, siblings=1, epochs=1, group_sizes=2)


def reports(options: argparse.Namespace) -> list[CheckReport]:
    """A report for each target, all of which are loaded before one is checked."""
    from maxrl_est.checks import check_step

    with redirect_stdout(sys.stderr):  # what the user's code prints is no part of the report
        steps = [(target, step(target)) for target in options.targets]
    given = _arguments(options)
    found = []
    for target, function in steps:
        progress(target)
        with as_misuse(), redirect_stdout(sys.stderr):
            found.append(check_step(function, name=target, on_fail=None, **given))
    return found


def _arguments(options: argparse.Namespace) -> dict[str, Any]:
    n = (options.group_sizes or [3])[0]
    objective: Any = declared(options.objective, n)
    return {
        "objective": objective(n) if options.objective == "maxrl" else objective,
        "n": n,
        "tolerance": options.tolerance,
        "siblings": options.siblings or 1,
        "epochs": options.epochs or 1,
    }
