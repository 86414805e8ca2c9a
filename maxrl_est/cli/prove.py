"""``maxrl-est prove``: every claim of the ledger checked, and the ledger printed."""

from __future__ import annotations

import argparse
import textwrap
from typing import Any

from maxrl_est.cli.console import named, progress, write_json, write_text
from maxrl_est.cli.parsing import Commands, add_command, add_json

_WIDTH = 80


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "prove",
        help="check every claim of the ledger, and print it",
        description="Check that every claim has its proof, and that the false sibling of each is refuted.",
        examples=("binary-weight", "binary-weight --markdown -"),
    )
    parser.add_argument("claims", metavar="CLAIM", nargs="*", help="ids of claims; default: all")
    parser.add_argument("--markdown", metavar="PATH", help="write the ledger with its formulas; - for standard output")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from maxrl_est.selftest import prove

    known = [claim.id for claim in prove.ledger.LEDGER]
    for name in options.claims:
        named("CLAIM", name, known)
    outcomes = prove.outcomes(options.claims, progress=progress)
    progress(None)
    holds = not any(outcome.failure for outcome in outcomes)
    shown = write_json(options.json, {"holds": holds, "claims": list(map(prove.to_dict, outcomes))})
    if not (write_text(options.markdown, prove.markdown(outcomes)) or shown):
        _print(outcomes)
    return 0 if holds else 1


def _print(outcomes: list[Any]) -> None:
    for outcome in outcomes:
        verdict = "FAILS " if outcome.failure else "proved"
        print(f"{verdict}  {outcome.claim.id} ({outcome.seconds:.2f} s)")
        print(_wrapped(f"{outcome.claim.says}. For {outcome.claim.where}."))
    failures = [outcome.failure for outcome in outcomes if outcome.failure]
    counted = f"{len(outcomes) - len(failures)} of {len(outcomes)}"
    print(f"\n{counted} claims are proved, and their false siblings refuted")
    for failure in failures:
        print(f"FAILS  {failure}")


def _wrapped(text: str) -> str:
    indent = " " * 8
    return textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False)
