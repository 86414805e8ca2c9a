"""The command ``maxrl-est``: verify, check, weights, bench. Exit status 0 if all is well, 1 if not, 2 if misused."""

from __future__ import annotations

import argparse
import difflib
import importlib
import importlib.util
import json
import math
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
from maxrl_est.objectives import Objective
from maxrl_est.rollouts import RolloutFileError, replacing, write_weights


class _Misuse(Exception):
    """What the user has to change, in one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    with suppress(ValueError):  # outside the main thread
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that files are tidied up
    try:
        _check_json_path(getattr(options, "json", None))
        return int(options.run(options))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read the output has left
        return 128 + signal.SIGPIPE
    except MemoryError:
        print(f"maxrl-est {options.command}: not enough memory for the largest group or order", file=sys.stderr)
        return 2
    except (_Misuse, RolloutFileError, OSError) as error:
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

    for command in (verify, check, bench):
        command.add_argument("--json", metavar="PATH", help="write the result as JSON; - for standard output")
    return parser


def _verify(options: argparse.Namespace) -> int:
    from maxrl_est import verify

    verdicts = []
    for name, check in verify.verdicts():
        _progress(name)
        verdicts.append(check())
    _progress("objectives")
    table = verify.objective_table()
    _progress(None)
    holds = all(verdict.holds for verdict in verdicts)
    result = {"holds": holds, "verdicts": list(map(asdict, verdicts)), "objectives": list(map(asdict, table))}
    if not _write_json(options.json, result):
        for verdict in verdicts:
            print(f"{'holds ' if verdict.holds else 'FAILS '} {verdict.claim}")
            print(f"         {verdict.evidence}")
            print(f"         rejects: {verdict.rejects}")
        print(f"\nWhat each estimator ascends, N = {table[0].n} (on 0/1 rewards; then its bias on graded likelihoods)")
        _print_table(
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
    return 0 if holds else 1


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
        raise _Misuse(str(error)) from None
    if not _write_json(options.json, report.to_dict()):
        print(report)
    return 0 if report.passed else 1


def _weights(options: argparse.Namespace) -> int:
    from maxrl_est.estimators import BASELINES, weights_and_advantages

    baseline = options.baseline
    if baseline not in BASELINES:
        try:
            baseline = float(baseline)
        except ValueError:
            known = _closest(baseline, BASELINES)
            raise _Misuse(f"--baseline is {baseline!r}: no such baseline, and not a number; there is {known}") from None
        if not abs(baseline) < float("inf"):
            raise _Misuse(f"--baseline is {options.baseline}: it is finite")
    if options.order is not None and options.order < 1:
        raise _Misuse(f"--order is {options.order}: the order is at least 1")
    if options.max_group < 1:
        raise _Misuse(f"--max-group is {options.max_group}: it is at least 1")
    try:
        summary = write_weights(
            options.file,
            options.output,
            likelihood=options.likelihood,
            group=options.group,
            weigh=lambda groups: weights_and_advantages(groups, options.order, baseline=baseline),
            max_group=options.max_group,
            progress=lambda rows: _progress(f"{rows:,} rows"),
        )
    finally:
        _progress(None)
    if options.output is not None:
        print(f"{options.output}: {summary.rows:,} rollouts in {summary.groups:,} groups", file=sys.stderr)
    return 0


def _bench(options: argparse.Namespace) -> int:
    from maxrl_est import bench

    rows = []
    if not options.accuracy:
        _progress("start-up")
        rows += bench.start_up()
        rows += bench.speed(quick=options.quick, progress=_progress)
    rows += bench.accuracy(quick=options.quick, progress=_progress)
    _progress(None)
    meta = bench.meta()
    if not _write_json(options.json, {"meta": meta, "rows": list(map(asdict, rows))}):
        print(", ".join(f"{key} {value}" for key, value in meta.items()))
        _print_table(
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
            raise _Misuse(f"TARGET {error}; a function of yours is path/to/file.py:function") from None
    path, argv = Path(place), sys.argv
    try:
        sys.argv = [place]  # a script that reads its arguments finds none
        if place.endswith(".py"):
            if not path.is_file():
                raise _Misuse(f"TARGET {target}: no file {place}")
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
    except _Misuse:
        raise
    except (Exception, SystemExit) as error:
        raise _Misuse(f"TARGET {target}: importing {place} raised {type(error).__name__}: {error}") from error
    finally:
        sys.argv = argv
    function: Any = getattr(module, name, None)
    if not callable(function):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise _Misuse(f"TARGET {target}: {place} has no function {name!r}; it has {_closest(name, functions)}")
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
        raise _Misuse(f"--objective {text}: {error}") from None
    raise _Misuse(f"--objective is {text!r}: it is expected, maxrl, maxrl:T, pass:K or tsallis:Q:T")


def _order(text: str, largest: int) -> int:
    order = int(text)
    if order > largest:
        raise ValueError(f"order {order} needs groups of {order}, and the largest of --group-sizes is {largest}")
    return order


def _closest(name: str, known: Sequence[str]) -> str:
    """The closest known name, if one is close, else all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"{close[0]!r} (did you mean that?)" if close else ", ".join(known) or "none"


def _progress(text: str | None) -> None:
    """Show what is being done, on a terminal only; None clears the line."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text or ''}")
        sys.stderr.flush()


def _write_json(path: str | None, result: dict[str, Any]) -> bool:
    """Write the result where it was asked for; whether standard output is taken by it."""
    if path is None:
        return False
    text = json.dumps(_plain(result), indent=2, allow_nan=False) + "\n"
    if path == "-":
        sys.stdout.write(text)
        return True
    with replacing(Path(path)) as stream:
        stream.write(text.encode())
    return False


def _check_json_path(path: str | None) -> None:
    """Say that the report cannot be written before the work and not after it."""
    if path not in (None, "-") and not Path(str(path)).resolve().parent.is_dir():
        raise _Misuse(f"--json {path}: there is no folder {str(Path(str(path)).resolve().parent)!r}")


def _plain(value: Any) -> Any:
    """The same for JSON, which has no infinities and no NaN: they become text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, tuple("-" * width for width in widths), *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
