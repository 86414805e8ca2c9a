"""What the commands' parsers share: help that ends with examples, and words that a shell completes."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Words: TypeAlias = Callable[..., Iterable[str]]

_WIDTH = 78


def add_command(
    commands: Commands, name: str, *, help: str, description: str, examples: Sequence[str], notes: str = ""
) -> argparse.ArgumentParser:
    """A command's parser. ``examples`` are what follows "maxrl-est" in lines that can be run as they stand."""
    return commands.add_parser(name, help=help, **texts(description, [f"{name} {rest}" for rest in examples], notes))


def texts(description: str, examples: Sequence[str], notes: str = "") -> dict[str, Any]:
    """The arguments of a parser for its texts, which argparse leaves in the lines that they have here."""
    lines = [*textwrap.wrap(notes, _WIDTH, break_on_hyphens=False), *([""] if notes else []), "examples:"]
    lines += [f"  maxrl-est {example}".rstrip() for example in examples]
    return {
        "description": "\n".join(textwrap.wrap(description, _WIDTH, break_on_hyphens=False)),
        "epilog": "\n".join(lines),
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as those of the commands are."""

    def error(self, message: str) -> NoReturn:
        """Say it, and exit with status 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def completed_by(action: argparse.Action, words: Words) -> None:
    """Have a shell complete this option by these words, with argcomplete."""
    action.completer = words  # type: ignore[attr-defined]


def estimator_words(prefix: str, **_: Any) -> list[str]:
    """Names of the table's rows; files and modules are the shell's own to complete, where there is a slash or colon."""
    from maxrl_est import estimators

    return [name for name in estimators.names() if name.startswith(prefix)]


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option that every command with a result has."""
    parser.add_argument("--json", metavar="PATH", help="write the result as JSON; - for standard output")
