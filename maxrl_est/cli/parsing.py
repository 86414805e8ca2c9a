"""What the commands' parsers share."""

from __future__ import annotations

import argparse
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option that every command with a result has."""
    parser.add_argument("--json", metavar="PATH", help="write the result as JSON; - for standard output")
