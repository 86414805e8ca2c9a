"""The command ``maxrl-est`` and its subcommands. Exit status 0 if all is well, 1 if not, 2 if misused."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import asdict
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

from maxrl_est._typing import Estimator
from maxrl_est.console import Misuse, check_folder, closest, print_table, progress, write_json, write_text
from maxrl_est.objectives import Objective
from maxrl_est.rollouts import RolloutFileError, write_weights


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    with suppress(ValueError):  # outside the main thread
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that files are tidied up
    try:
        for option in ("json", "markdown"):
            check_folder(option, getattr(options, option, None))
        return int(options.run(options))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read the output has left
        return 128 + signal.SIGPIPE
    except MemoryError:
        print(f"maxrl-est {options.command}: not enough memory for the largest group or order", file=sys.stderr)
        return 2
    except (Misuse, RolloutFileError, OSError) as error:
        print(f"maxrl-est {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nmaxrl-est {options.command}: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="maxrl-est",
        description="Unbiased policy gradients for maximum likelihood: weights, and exact verdicts on estimators.",
    )
    parser.add_argument("--version", action="version", version=f"maxrl-est {version('maxrl-est')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    verify = commands.add_parser("verify", help="verify this installation, and show what estimators ascend")
    verify.set_defaults(run=_verify)

    prove = commands.add_parser(
        "prove",
        help="check every claim of the ledger, and print it",
        description="Check that every claim has its proof, and that the false sibling of each is refuted.",
    )
    prove.add_argument("claims", metavar="CLAIM", nargs="*", help="ids of claims; default: all")
    prove.add_argument("--markdown", metavar="PATH", help="write the ledger with its formulas; - for standard output")
    prove.set_defaults(run=_prove)

    check = commands.add_parser(
        "check",
        help="check an advantage function: its objective, exact bias and variance",
        description="Check a function of likelihoods (..., N) that returns advantages (..., N).",
    )
    check.add_argument(
        "target",
        metavar="TARGET",
        help="path/to/file.py:function, package.module:function, or a known estimator",
    )
    check.add_argument(
        "--objective",
        metavar="NAME",
        help="what it should ascend: expected, maxrl (order N), maxrl:T, pass:K or tsallis:Q:T; "
        "by default whichever known objective it ascends on 0/1 rewards",
    )
    check.add_argument("--binary", action="store_true", help="it is meant for 0/1 rewards only")
    check.add_argument(
        "--group-sizes", metavar="N", type=int, nargs="+", default=[1, 2, 3, 4, 8], help="default: 1 2 3 4 8"
    )
    check.set_defaults(run=_check)

    weights = commands.add_parser(
        "weights",
        help="add weights and advantages to a file of rollouts",
        description="Read groups of likelihoods from .csv or .jsonl (rows of a group together) or .npy (a group "
        "a row), and write the same rows with weight and advantage added.",
    )
    weights.add_argument("file", metavar="FILE", type=Path)
    weights.add_argument("-o", "--output", metavar="FILE", type=Path, help="default: standard output")
    weights.add_argument("--likelihood", metavar="COLUMN", default="likelihood", help="default: likelihood")
    weights.add_argument("--group", metavar="COLUMN", default="group", help="default: group")
    weights.add_argument("--order", metavar="T", type=int, help="order of MaxRL; default: the size of each group")
    weights.add_argument("--baseline", default="one", help="one (default), none, seed, pass_loo, mean_loo, or a number")
    weights.add_argument(
        "--max-group", metavar="N", type=int, default=1_000_000, help="largest group held in memory (10^6)"
    )
    weights.set_defaults(run=_weights)

    bench = commands.add_parser("bench", help="speed as ratios within this run, and accuracy against Arb")
    bench.add_argument("--accuracy", action="store_true", help="accuracy only")
    bench.add_argument("--quick", action="store_true", help="fewer sizes and repeats")
    bench.set_defaults(run=_bench)

    for command in (verify, prove, check, bench):
        command.add_argument("--json", metavar="PATH", help="write the result as JSON; - for standard output")
    return parser


def _verify(options: argparse.Namespace) -> int:
    from maxrl_est import prove, verify

    verdicts = []
    for name, check in verify.verdicts():
        progress(name)
        verdicts.append(check())
    progress("objectives")
    table = verify.objective_table()
    proofs = list(prove.outcomes(progress=progress))
    progress(None)
    unproved = [outcome for outcome in proofs if outcome.failure]
    holds = all(verdict.holds for verdict in verdicts) and not unproved
    result = {
        "holds": holds,
        "verdicts": list(map(asdict, verdicts)),
        "objectives": list(map(asdict, table)),
        "proofs": list(map(prove.to_dict, proofs)),
    }
    if not write_json(options.json, result):
        for verdict in verdicts:
            print(f"{'holds ' if verdict.holds else 'FAILS '} {verdict.claim}")
            print(f"         {verdict.evidence}")
            print(f"         rejects: {verdict.rejects}")
        print(f"\nWhat each estimator ascends, N = {table[0].n} (on 0/1 rewards; then its bias on graded likelihoods)")
        print_table(
            ("estimator", "stated target", "ascends on 0/1 rewards", "graded bias", "angle"),
            [
                (
                    row.estimator,
                    row.stated_target,
                    row.ascends,
                    "none" if row.graded_bias == 0 else f"{row.graded_bias:.1%}",
                    f"{row.graded_angle:.1f} deg",
                )
                for row in table
            ],
        )
        print(f"\n{sum(v.holds for v in verdicts)} of {len(verdicts)} claims hold")
        print(f"{len(proofs) - len(unproved)} of {len(proofs)} theorems are proved (maxrl-est prove lists them)")
        for outcome in unproved:
            print(f"FAILS  {outcome.failure}")
    return 0 if holds else 1


def _prove(options: argparse.Namespace) -> int:
    from maxrl_est import prove

    known = [claim.id for claim in prove.ledger.LEDGER]
    for name in options.claims:
        if name not in known:
            raise Misuse(f"CLAIM is {name!r}: the ledger has {closest(name, known)}")
    if options.json == options.markdown == "-":
        raise Misuse("--json and --markdown cannot both go to standard output")
    outcomes = list(prove.outcomes(options.claims, progress=progress))
    progress(None)
    failures = [outcome for outcome in outcomes if outcome.failure]
    shown = write_json(options.json, {"holds": not failures, "claims": list(map(prove.to_dict, outcomes))})
    if not (write_text(options.markdown, prove.markdown(outcomes)) or shown):
        print_table(
            ("claim", "domain", "method", "seconds", "verdict"),
            [
                (
                    o.claim.id,
                    o.claim.where,
                    o.claim.method,
                    f"{o.seconds:.2f}",
                    "FAILS" if o.failure else "proved",
                )
                for o in outcomes
            ],
        )
        print(
            f"\n{len(outcomes) - len(failures)} of {len(outcomes)} claims are proved, and their false siblings refuted"
        )
        for outcome in failures:
            print(f"FAILS  {outcome.failure}")
    return 1 if failures else 0


def _check(options: argparse.Namespace) -> int:
    from maxrl_est.checks import check_estimator

    objective = _objective(options.objective, max(options.group_sizes))
    try:
        with redirect_stdout(sys.stderr):  # what the user's code prints is no part of the report
            function = _load(options.target)
            report = check_estimator(
                function,
                objective=objective,
                group_sizes=options.group_sizes,
                binary_only=options.binary or getattr(function, "binary_only", False),
                name=options.target,
                on_fail=None,
            )
    except ValueError as error:
        raise Misuse(str(error)) from None
    if not write_json(options.json, report.to_dict()):
        print(report)
    return 0 if report.passed else 1


def _weights(options: argparse.Namespace) -> int:
    from maxrl_est.estimators import BASELINES, weights_and_advantages

    baseline = options.baseline
    if baseline not in BASELINES:
        try:
            baseline = float(baseline)
        except ValueError:
            known = closest(baseline, BASELINES)
            raise Misuse(f"--baseline is {baseline!r}: no such baseline, and not a number; there is {known}") from None
        if not abs(baseline) < float("inf"):
            raise Misuse(f"--baseline is {options.baseline}: it is finite")
    if options.order is not None and options.order < 1:
        raise Misuse(f"--order is {options.order}: the order is at least 1")
    if options.max_group < 1:
        raise Misuse(f"--max-group is {options.max_group}: it is at least 1")
    try:
        summary = write_weights(
            options.file,
            options.output,
            likelihood=options.likelihood,
            group=options.group,
            weigh=lambda groups: weights_and_advantages(groups, options.order, baseline=baseline),
            max_group=options.max_group,
            progress=lambda rows: progress(f"{rows:,} rows"),
        )
    finally:
        progress(None)
    if options.output is not None:
        print(f"{options.output}: {summary.rows:,} rollouts in {summary.groups:,} groups", file=sys.stderr)
    return 0


def _bench(options: argparse.Namespace) -> int:
    from maxrl_est import bench

    rows = []
    if not options.accuracy:
        progress("start-up")
        rows += bench.start_up()
        rows += bench.speed(quick=options.quick, progress=progress)
    rows += bench.accuracy(quick=options.quick, progress=progress)
    progress(None)
    meta = bench.meta()
    if not write_json(options.json, {"meta": meta, "rows": list(map(asdict, rows))}):
        print(", ".join(f"{key} {value}" for key, value in meta.items()))
        print_table(
            ("figure", "case", "measured", "limit", ""),
            [
                (
                    row.figure,
                    row.case,
                    f"{row.measured:.4g} {row.unit}",
                    "" if row.limit is None else f"{row.limit:g}",
                    {True: "holds", False: "MISSED", None: ""}[row.holds],
                )
                for row in rows
            ],
        )
    return 0 if all(row.holds is not False for row in rows) else 1


def _load(target: str) -> Estimator:
    """The function that a TARGET names; importing it runs the user's code."""
    from maxrl_est import estimators

    place, colon, name = target.rpartition(":")
    if not colon:
        try:
            return estimators.get(target)
        except ValueError as error:
            raise Misuse(f"TARGET {error}; a function of yours is path/to/file.py:function") from None
    path, argv = Path(place), sys.argv
    try:
        sys.argv = [place]  # a script that reads its arguments finds none
        if place.endswith(".py"):
            if not path.is_file():
                raise Misuse(f"TARGET {target}: no file {place}")
            alias = f"maxrl_est_target_{path.stem}"  # a file may be called random.py
            spec = importlib.util.spec_from_file_location(alias, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[alias] = module
            sys.path.append(str(path.resolve().parent))
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(place)
    except Misuse:
        raise
    except (Exception, SystemExit) as error:
        raise Misuse(f"TARGET {target}: importing {place} raised {type(error).__name__}: {error}") from error
    finally:
        sys.argv = argv
    function: Any = getattr(module, name, None)
    if not callable(function):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise Misuse(f"TARGET {target}: {place} has no function {name!r}; it has {closest(name, functions)}")
    return function  # type: ignore[no-any-return]


def _objective(text: str | None, largest: int) -> Objective | Callable[[int], Objective] | None:
    """The objective that --objective names; its order is at most the largest group size."""
    if text is None:
        return None
    try:
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
                return Objective.tsallis(Fraction(q), _order(order, largest))
    except (ValueError, ZeroDivisionError) as error:
        raise Misuse(f"--objective {text}: {error}") from None
    raise Misuse(f"--objective is {text!r}: it is expected, maxrl, maxrl:T, pass:K or tsallis:Q:T")


def _order(text: str, largest: int) -> int:
    order = int(text)
    if order > largest:
        raise ValueError(f"order {order} needs groups of {order}, and the largest of --group-sizes is {largest}")
    return order
