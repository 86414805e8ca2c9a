"""``maxrl-est prove``: every claim of the ledger checked, and the ledger printed."""

from __future__ import annotations

import argparse

from maxrl_est.cli.console import named, print_table, progress, write_json, write_text
from maxrl_est.cli.parsing import Commands, add_json


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "prove",
        help="check every claim of the ledger, and print it",
        description="Check that every claim has its proof, and that the false sibling of each is refuted.",
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
