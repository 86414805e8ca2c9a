"""``maxrl-est verify``: the package proves itself on this machine."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from maxrl_est.cli.console import print_table, progress, write_json
from maxrl_est.cli.parsing import Commands, add_json


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("verify", help="verify this installation, and show what estimators ascend")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from maxrl_est.selftest import prove, verify

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
