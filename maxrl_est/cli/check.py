"""``maxrl-est check``: advantage functions of users, and whole training steps, judged."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from maxrl_est.cli import logs, steps
from maxrl_est.cli.console import Misuse, as_misuse, at_least, named, progress, terminal_width, write_text
from maxrl_est.cli.designs import WORDS, design
from maxrl_est.cli.loading import estimator
from maxrl_est.cli.objectives import FORMS, declared, fraction
from maxrl_est.cli.parsing import Commands, add_command, add_json, completed_by, estimator_words

if TYPE_CHECKING:
    from maxrl_est.checks import CheckReport

FORMATS = ("text", "json", "github", "junit", "sarif")
_NOTES = (
    "Exit status: 0 if every function passes, 1 if one fails or is undecided, or nothing known made a log, 2 for bad "
    "input. `maxrl-est explain "
    "verdict` says what these words mean, and `maxrl-est explain formats` what the formats have."
)


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "check",
        help="check advantage functions, or whole training steps: objective, exact bias, noise",
        description="Check functions of likelihoods (..., N) that return advantages (..., N); with --step, whole "
        "training steps.",
        examples=(
            "rloo",
            "mine.py:advantage --objective maxrl",
            "my_pkg.trainer:advantage --binary --group-sizes 4 16 -v",
            "mine.py:advantage --same-as rloo --scale 1",
            "rloo grpo --format github",
            "rloo mine.py:advantage --format sarif --output checks.sarif",
            "--log completions.jsonl",
            "--step mine.py:step --objective expected",
        ),
        notes=_NOTES,
    )
    targets = parser.add_argument(
        "targets",
        metavar="TARGET",
        nargs="*",
        help="path/to/file.py:function, package.module:function, trl:GRPOTrainer, verl:grpo, torchrl:MCAdvantage, or a "
        "known estimator (maxrl-est list estimators)",
    )
    objective = parser.add_argument(
        "--objective",
        metavar="NAME",
        help=f"what they should ascend: {', '.join(form.text for form in FORMS)} (maxrl-est list objectives); "
        "by default whichever known objective each ascends on 0/1 rewards",
    )
    same = parser.add_argument("--same-as", metavar="NAME", help="what they should be, up to a constant factor")
    parser.add_argument("--scale", metavar="X", help="insist on this factor, such as 1 or 7/8; by default any will do")
    parser.add_argument("--tolerance", metavar="X", type=float, default=1e-4, help="relative (0.0001)")
    parser.add_argument(
        "--precision", metavar="NAME", help="floats that they compute in, float32 or bfloat16 say, and may round as"
    )
    parser.add_argument(
        "--form", metavar="NAME", help="how they take rewards, where that is not found: batch, group, flat or tokens"
    )
    parser.add_argument("--binary", action="store_true", help="they are meant for 0/1 rewards only")
    parser.add_argument("--positive", action="store_true", help="they take logarithms: leave likelihoods of 0 out")
    parser.add_argument(
        "--values", metavar=("LOW", "HIGH"), type=float, nargs=2, default=(0, 1), help="of failure and success (0 1)"
    )
    parser.add_argument("--group-sizes", metavar="N", type=int, nargs="+", help="(1 2 3 4 8 16 64; of a step 3)")
    parser.add_argument(
        "--design", metavar="RULE", help=f"how many rollouts there are is decided by their 0/1 rewards: {WORDS}"
    )
    parser.add_argument(
        "--monte-carlo", metavar="GROUPS", type=int, help="also test the bias by sampling that many groups"
    )
    parser.add_argument("--seed", type=int, default=0, help="of random likelihoods and of sampling (0)")
    parser.add_argument("-v", "--verbose", action="store_true", help="show every check, and what was tried")
    form = parser.add_argument("--format", metavar="NAME", default="text", help=f"{', '.join(FORMATS)} (text)")
    parser.add_argument("--output", metavar="PATH", help="write what --format asks for there; - for standard output")
    logs.add_options(parser)
    steps.add_options(parser)
    add_json(parser)
    completed_by(targets, estimator_words)
    completed_by(same, estimator_words)
    completed_by(objective, lambda **_: [form.text for form in FORMS])
    completed_by(form, lambda **_: FORMATS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    named("--format", options.format, FORMATS)
    at_least(options, group_sizes=1, monte_carlo=2, seed=0)
    if options.format != "text" and options.output in (None, "-") and options.json == "-":
        raise Misuse(f"--json - and --format {options.format} must not both go to standard output")
    if bool(options.targets) == (options.log is not None):
        raise Misuse("TARGET or --log must be given, one of the two")
    for name in ("group", "reward", "advantage"):
        if options.log is None and getattr(options, name) is not None:
            raise Misuse(f"--{name} must come with --log, of which it is a column")
    steps.check_options(options)
    reports = []
    try:
        if options.step:
            return _status(steps.reports(options), options)
        functions = [(target, _function(target, options.form)) for target in options.targets] or _logged(options)
        given = _arguments(options)
        for target, function in functions:
            progress(target)
            reports.append(_report(target, function, options, given))
    finally:
        progress(None)
    return _status(reports, options)


def _status(reports: list[CheckReport], options: argparse.Namespace) -> int:
    """The exit status, after all is written."""
    progress(None)
    _write(reports, options)
    return 0 if reports and all(report.passed for report in reports) else 1


def _logged(options: argparse.Namespace) -> list[tuple[str, Any]]:
    """What made the advantages of the log, if that is known and can be judged; at the group sizes of the log."""
    log = logs.read(options)
    machines = options.json == "-" or (options.format != "text" and options.output in (None, "-"))
    print(f"{log.text}\n", file=sys.stderr if machines else sys.stdout)
    options.group_sizes = options.group_sizes or log.sizes
    options.binary = options.binary or log.binary
    return log.functions


def _arguments(options: argparse.Namespace) -> dict[str, Any]:
    """What is asked of every function."""
    from maxrl_est.checks._asked import GROUP_SIZES

    sizes, drawn = options.group_sizes or GROUP_SIZES, design(options.design)
    return {
        "objective": declared(options.objective, drawn.cap if drawn else max(sizes)),
        "group_sizes": sizes,
        "design": drawn,
        "monte_carlo": options.monte_carlo,
        "seed": options.seed,
        "tolerance": options.tolerance,
        "scale": None if options.scale is None else fraction("--scale", options.scale),
        "precision": options.precision,
        "same_as": None if options.same_as is None else _function(options.same_as),
        "values": tuple(options.values),
        "on_fail": None,
    }


def _report(target: str, function: Any, options: argparse.Namespace, given: dict[str, Any]) -> CheckReport:
    from maxrl_est.checks import check_estimator

    with as_misuse(), redirect_stdout(sys.stderr):  # what the user's code prints is no part of the report
        return check_estimator(
            function,
            binary_only=options.binary or getattr(function, "binary_only", False),
            positive_only=options.positive or getattr(function, "positive_only", False),
            name=target,
            **given,
        )


def _function(target: str, form: str | None = None) -> Any:
    from maxrl_est.estimators import SequentialEstimator, estimator_of

    with redirect_stdout(sys.stderr):
        function = estimator(target)
    if isinstance(function, SequentialEstimator):
        raise Misuse(f"TARGET must be a function of likelihoods, got {target}, which draws rollouts itself")
    if form is None:
        return function
    with as_misuse(), redirect_stdout(sys.stderr):
        return estimator_of(function, form=form)


def _write(reports: list[CheckReport], options: argparse.Namespace) -> None:
    """What was asked for where it was asked for; the text on standard output, unless something else takes that."""
    from maxrl_est.checks._formats import FORMATS as DOCUMENTS
    from maxrl_est.files.formats import terminal_painter

    taken = write_text(options.json, DOCUMENTS["json"](reports)) if options.json else False
    shape = {"width": terminal_width(), "verbose": options.verbose}
    if options.format != "text":
        taken |= write_text(options.output or "-", DOCUMENTS[options.format](reports))
    elif options.output not in (None, "-"):
        write_text(options.output, "\n\n".join(report.to_text(verbose=options.verbose) for report in reports) + "\n")
    if not taken:
        print("\n\n".join(report.to_text(terminal_painter(), **shape) for report in reports))
