"""``maxrl-est weights``: weights and advantages for a file of rollouts."""

from __future__ import annotations

import argparse
import sys
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from maxrl_est.cli.console import Misuse, progress
from maxrl_est.cli.parsing import Commands

if TYPE_CHECKING:
    from maxrl_est._typing import Array, FloatArray


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "weights",
        help="add weights and advantages to a file of rollouts",
        description="Read groups of likelihoods from .csv or .jsonl (rows of a group together) or .npy (a group "
        "a row), and write the same rows with weight and advantage added.",
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="default: standard output")
    column = parser.add_mutually_exclusive_group()
    column.add_argument("--likelihood", metavar="COLUMN", default="likelihood", help="default: likelihood")
    column.add_argument("--log-likelihood", metavar="COLUMN", help="take this column of logarithms instead")
    parser.add_argument("--log-ceiling", metavar="X", type=float, help="what no logarithm exceeds (0)")
    parser.add_argument("--group", metavar="COLUMN", default="group", help="default: group")
    parser.add_argument("--order", metavar="T", type=int, help="order of MaxRL; default: the size of each group")
    parser.add_argument(
        "--baseline", default="one", help="one (default), none, one_over_n, pass_loo, mean_loo, or a number"
    )
    parser.add_argument(
        "--max-group", metavar="N", type=int, default=1_000_000, help="largest group held in memory (10^6)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from maxrl_est.estimators import BASELINES, weights_and_advantages
    from maxrl_est.files.rollouts import write_weights

    baseline = options.baseline
    if baseline not in BASELINES:
        try:
            baseline = float(baseline)
        except ValueError:
            raise Misuse(f"--baseline must be a number or one of {', '.join(BASELINES)}, got {baseline!r}") from None
        if not abs(baseline) < float("inf"):
            raise Misuse(f"--baseline is {options.baseline}: it is finite")
    if options.order is not None and options.order < 1:
        raise Misuse(f"--order is {options.order}: the order is at least 1")
    ceiling = options.log_ceiling or 0.0
    if not abs(ceiling) < inf:
        raise Misuse(f"--log-ceiling is {ceiling}: it is finite")
    if options.log_ceiling is not None and options.log_likelihood is None:
        raise Misuse(f"--log-ceiling is {ceiling}: it goes with --log-likelihood")
    if options.max_group < 1:
        raise Misuse(f"--max-group is {options.max_group}: it is at least 1")

    def weigh(groups: FloatArray) -> tuple[Array, Array]:
        if options.log_likelihood is None:
            return weights_and_advantages(groups, options.order, baseline=baseline)
        return weights_and_advantages(
            None, options.order, baseline=baseline, log_likelihoods=groups, log_ceiling=ceiling
        )

    try:
        summary = write_weights(
            options.file,
            options.output,
            likelihood=options.likelihood if options.log_likelihood is None else options.log_likelihood,
            group=options.group,
            weigh=weigh,
            max_group=options.max_group,
            bounds=(0.0, 1.0) if options.log_likelihood is None else (-inf, ceiling),
            progress=lambda rows: progress(f"{rows:,} rows"),
        )
    finally:
        progress(None)
    if options.output is not None:
        print(f"{options.output}: {summary.rows:,} rollouts in {summary.groups:,} groups", file=sys.stderr)
    return 0
