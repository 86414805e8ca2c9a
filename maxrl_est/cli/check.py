"""``maxrl-est check``: a user's advantage function, judged."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from maxrl_est.cli import logs
from maxrl_est.cli.console import Misuse, as_misuse, at_least, write_json
from maxrl_est.cli.loading import estimator
from maxrl_est.cli.parsing import Commands, add_json

if TYPE_CHECKING:
    from maxrl_est.objectives import Objective


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "check",
        help="check an advantage function: its objective, exact bias and variance",
        description="Check a function of likelihoods (..., N) that returns advantages (..., N).",
    )
    parser.add_argument(
        "target",
        metavar="TARGET",
        nargs="?",
        help="path/to/file.py:function, package.module:function, or a known estimator",
    )
    parser.add_argument(
        "--objective",
        metavar="NAME",
        help="what it should ascend: expected, maxrl (order N), maxrl:T, pass:K or tsallis:Q:T; "
        "by default whichever known objective it ascends on 0/1 rewards",
    )
    parser.add_argument("--binary", action="store_true", help="it is meant for 0/1 rewards only")
    parser.add_argument(
        "--group-sizes", metavar="N", type=int, nargs="+", default=[1, 2, 3, 4, 8], help="default: 1 2 3 4 8"
    )
    parser.add_argument(
        "--monte-carlo", metavar="GROUPS", type=int, help="also test the bias by sampling that many groups"
    )
    logs.add_options(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from maxrl_est.checks import check_estimator

    at_least(options, group_sizes=1, monte_carlo=2)
    objective = _objective(options.objective, max(options.group_sizes))
    if (options.target is None) == (options.log is None):
        raise Misuse("TARGET or --log must be given, one of the two")
    if options.log is not None:
        return logs.run(options, objective)
    with as_misuse(), redirect_stdout(sys.stderr):  # what the user's code prints is no part of the report
        function = _loaded(options.target)
        report = check_estimator(
            function,
            objective=objective,
            group_sizes=options.group_sizes,
            binary_only=options.binary or getattr(function, "binary_only", False),
            name=options.target,
            monte_carlo=options.monte_carlo,
            on_fail=None,
        )
    if not write_json(options.json, report.to_dict()):
        print(report)
    return 0 if report.passed else 1


def _loaded(target: str) -> Any:
    from maxrl_est.estimators import SequentialEstimator

    function = estimator(target)
    if isinstance(function, SequentialEstimator):
        raise Misuse(f"TARGET must be a function of likelihoods, got {target}, which draws rollouts itself")
    return function


def _objective(text: str | None, largest: int) -> Objective | Callable[[int], Objective] | None:
    """The objective that --objective names; its order is at most the largest group size."""
    from maxrl_est.objectives import Objective

    if text is None:
        return None
    match text.split(":"):
        case ["expected"]:
            return Objective.expected()
        case ["maxrl"]:
            return Objective.maxrl
        case ["maxrl", order]:
            return Objective.maxrl(_order(order, largest))
        case ["pass", k]:
            return Objective.pass_at(_order(k, largest))
        case ["tsallis", q, order]:
            with as_misuse():
                return Objective.tsallis(_fraction(q), _order(order, largest))
    raise Misuse(f"--objective must be expected, maxrl, maxrl:T, pass:K or tsallis:Q:T, got {text!r}")


def _order(text: str, largest: int) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= largest):
        rule = f"an int in [1, {largest}], as no group of --group-sizes is larger"
        raise Misuse(f"the order in --objective must be {rule}, got {text!r}")
    return int(text)


def _fraction(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise Misuse(f"Q in --objective must be a number such as 0.3 or 3/10, got {text!r}") from None
