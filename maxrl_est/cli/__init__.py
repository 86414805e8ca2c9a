"""The command ``maxrl-est``, a module for each subcommand. Exit status 0 if all is well, 1 if not, 2 if misused."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version

from maxrl_est.cli import bench, check, prove, table, train, verify, weights
from maxrl_est.cli.console import Misuse, check_folder, writes_any_text
from maxrl_est.files.whole import FileError

OUTPUTS = ("json", "markdown", "csv", "latex", "html")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with writes_any_text(), _tidy_at_termination():
            _check_outputs(options)
            return int(options.run(options))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read the output has left
        return 128 + signal.SIGPIPE
    except MemoryError:
        print(f"maxrl-est {options.command}: not enough memory for the largest group or order", file=sys.stderr)
        return 2
    except (Misuse, FileError, OSError) as error:
        print(f"maxrl-est {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nmaxrl-est {options.command}: interrupted", file=sys.stderr)
        return 130


@contextmanager
def _tidy_at_termination() -> Iterator[None]:
    """Have SIGTERM raise SystemExit, so that files half written are removed; the caller's handler comes back."""
    earlier = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    except ValueError:  # outside the main thread, where handlers cannot be set
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if earlier is None else earlier)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="maxrl-est",
        description="Unbiased policy gradients for maximum likelihood: weights, and exact verdicts on estimators.",
    )
    parser.add_argument("--version", action="version", version=f"maxrl-est {version('maxrl-est')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (verify, prove, check, table, train, weights, bench):
        command.add(commands)
    return parser


def _check_outputs(options: argparse.Namespace) -> None:
    """Say before the work that a report cannot be written, or that two would share standard output."""
    paths = {name: getattr(options, name, None) for name in OUTPUTS}
    for name, path in paths.items():
        check_folder(name, path)
    streams = [f"--{name}" for name, path in paths.items() if path == "-"]
    if len(streams) > 1:
        raise Misuse(f"{' and '.join(streams)} must not both be -, which is standard output")
