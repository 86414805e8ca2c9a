# PYTHON_ARGCOMPLETE_OK
"""The command ``maxrl-est``, a module for each subcommand. Exit status 0 if all is well, 1 if not, 2 if misused."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version

from maxrl_est._arguments.environment import setting
from maxrl_est.cli import bench, check, compile, explain, listing, prove, table, train, verify, weights
from maxrl_est.cli.console import Misuse, as_misuse, check_target, writes_any_text
from maxrl_est.cli.loading import guests
from maxrl_est.cli.parsing import Parser, texts
from maxrl_est.files.whole import FileError

OUTPUTS = ("json", "markdown", "csv", "latex", "html", "output")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Without arguments it prints the help, which is no misuse: 0."""
    parser = _parser()
    _complete(parser)
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    try:
        with writes_any_text(), guests(), _tidy_at_termination():
            _check_outputs(options)
            _check_environment()
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
    parser = Parser(
        prog="maxrl-est",
        **texts(
            "Unbiased policy gradients for maximum likelihood: weights, and exact verdicts on estimators.",
            ("check rloo", "list estimators", "explain leave-one-out", "table --problems bandit"),
            "maxrl-est COMMAND --help has the options of a command, and examples.",
        ),
    )
    parser.add_argument("--version", action="version", version=f"maxrl-est {version('maxrl-est')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in (check, explain, listing, table, train, weights, verify, prove, bench, compile):
        command.add(commands)
    return parser


def _complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks for completions, and exit; it asks by this variable, if argcomplete is set up there."""
    if "_ARGCOMPLETE" in os.environ:
        with suppress(ImportError):
            import argcomplete

            argcomplete.autocomplete(parser)


def _check_environment() -> None:
    """Say of a wrong variable what it is, or it would be taken for a fault of what is judged."""
    with as_misuse():
        setting()


def _check_outputs(options: argparse.Namespace) -> None:
    """Say before the work that a report cannot be written, or that two would share standard output."""
    paths = {name: getattr(options, name, None) for name in OUTPUTS}
    for name, path in paths.items():
        check_target(name, path)
    streams = [f"--{name}" for name, path in paths.items() if path == "-"]
    if len(streams) > 1:
        raise Misuse(f"{' and '.join(streams)} must not both be -, which is standard output")
