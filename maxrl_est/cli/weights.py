"""``maxrl-est weights``: weights and advantages for a file of rollouts."""

from __future__ import annotations

import argparse
import sys
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from maxrl_est._arguments import finite, printable
from maxrl_est.cli.console import Misuse, as_misuse, at_least, named, progress
from maxrl_est.cli.parsing import Commands, add_command, completed_by

if TYPE_CHECKING:
    from maxrl_est._arguments.protocols import FloatArray
    from maxrl_est.estimates.baselines import Baseline
    from maxrl_est.files.rollouts import Weigh


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "weights",
        help="add weights and advantages to a file of rollouts",
        description="Read groups of likelihoods from .csv or .jsonl (rows of a group together) or .npy (a group "
        "a row), and write the same rows with weight and advantage added.",
        examples=(
            "rollouts.csv -o weighted.csv",
            "rollouts.csv --order 2 --baseline one",
            "rollouts.csv --group prompt --log-likelihood logp",
            "rollouts.csv --ratios ratio --control 1",
        ),
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("-o", "--output", metavar="FILE", help="- or none: standard output")
    column = parser.add_mutually_exclusive_group()
    column.add_argument("--likelihood", metavar="COLUMN", default="likelihood", help="default: likelihood")
    column.add_argument("--log-likelihood", metavar="COLUMN", help="take this column of logarithms instead")
    parser.add_argument("--log-ceiling", metavar="X", type=float, help="what no logarithm exceeds (0)")
    parser.add_argument(
        "--ratios", metavar="COLUMN", help="pi / mu of each whole rollout, drawn by another policy mu (of pi itself)"
    )
    parser.add_argument("--control", metavar="C", type=float, help="constant of the control variate of ratios (0)")
    parser.add_argument("--group", metavar="COLUMN", default="group", help="default: group")
    parser.add_argument("--order", metavar="T", type=int, help="order of MaxRL; default: the size of each group")
    baseline = parser.add_argument(
        "--baseline",
        metavar="NAME",
        help="mean_loo (default; none in groups of one), pass_loo, one, one_over_n, none, or a number",
    )
    parser.add_argument(
        "--max-group", metavar="N", type=int, default=1_000_000, help="largest group held in memory (10^6)"
    )
    completed_by(baseline, lambda **_: _baselines())
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from maxrl_est.files.rollouts import write_weights

    _check(options)
    column = options.likelihood if options.log_likelihood is None else options.log_likelihood
    output = None if options.output in (None, "-") else Path(options.output)
    bounds = (0.0, 1.0) if options.log_likelihood is None else (-inf, options.log_ceiling or 0.0)
    try:
        summary = write_weights(
            options.file,
            output,
            likelihood=column,
            group=options.group,
            weigh=_weigh(options),
            max_group=options.max_group,
            bounds=bounds,
            ratios=options.ratios,
            progress=lambda rows: progress(f"{rows:,} rows"),
        )
    finally:
        progress(None)
    if output is not None:
        print(f"{printable(options.output)}: {summary.rows:,} rollouts in {summary.groups:,} groups", file=sys.stderr)
    return 0


def _check(options: argparse.Namespace) -> None:
    at_least(options, order=1, max_group=1)
    if options.log_ceiling is not None:
        with as_misuse():
            finite("--log-ceiling", options.log_ceiling)
        if options.log_likelihood is None:
            raise Misuse(f"--log-ceiling must come with --log-likelihood, got {options.log_ceiling} without")
    if options.control is not None:
        with as_misuse():
            finite("--control", options.control)
        if options.ratios is None:
            raise Misuse(f"--control must come with --ratios, got {options.control} without")


def _weigh(options: argparse.Namespace) -> Weigh:
    """Weights and advantages of groups (B, N) of likelihoods, or of logarithms, and of ratios, by these options."""
    from maxrl_est.estimators import weights_and_advantages

    baseline, control = _baseline(options.baseline), options.control or 0.0
    name = "likelihoods" if options.log_likelihood is None else "log_likelihoods"

    def weigh(groups: FloatArray, ratios: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
        return weights_and_advantages(
            **{name: groups},
            objective=options.order,
            baseline=baseline,
            log_ceiling=options.log_ceiling or 0.0,
            ratios=ratios,
            control=control,
        )

    return weigh


def _baselines() -> list[str]:
    from maxrl_est.estimators import BASELINES

    return list(BASELINES)


def _baseline(text: str | None) -> Baseline:
    """The number or the name."""
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return named("--baseline", text, _baselines())
    with as_misuse():
        return finite("--baseline", number)
