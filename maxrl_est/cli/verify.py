"""``maxrl-est verify``: the package proves itself on this machine."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from maxrl_est.cli.console import Misuse, print_table, progress, write_json
from maxrl_est.cli.parsing import Commands, add_command, add_json

_DESCRIPTION = (
    "Prove every claim of the ledger and compare it with what the package computes, measure the kernels against "
    "exact arithmetic, and show what each estimator ascends."
)
_JSON = (
    "The JSON is an object: holds (whether all is well); claims, a list with id, says, holds, failure, seconds and "
    "the fields of `maxrl-est prove --json`; findings, a list of statement, holds, evidence and rejects, the wrong "
    "version that the same computation rejected; objectives, a list with a row for each estimator: estimator, n, "
    "stated_target, ascends, exact (whether it ascends just that on 0/1 rewards), graded (whether E[g] is a gradient "
    "on graded rewards: gradient, direction, that of one on one prompt, or none), graded_objective (its name or null), "
    "graded_bias (relative to the gradient of the stated target, null without one) and graded_angle (in degrees)."
)


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "verify",
        help="verify this installation, and show what estimators ascend",
        description=_DESCRIPTION,
        examples=("", "--json verified.json"),
        notes=_JSON,
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    try:
        from maxrl_est.selftest import prove, verify
    except ImportError as error:  # python -O
        raise Misuse(str(error)) from error

    found = verify.verification(progress=progress)
    progress(None)
    result = {
        "holds": found.holds,
        "claims": list(map(prove.to_dict, found.claims)),
        "findings": list(map(asdict, found.findings)),
        "objectives": list(map(asdict, found.objectives)),
    }
    if not write_json(options.json, result):
        _print(found)
    return 0 if found.holds else 1


def _print(found: Any) -> None:
    for finding in found.findings:
        print(f"{'holds ' if finding.holds else 'FAILS '} {finding.statement}")
        print(f"         {finding.evidence}")
        print(f"         rejects: {finding.rejects}")
    n = found.objectives[0].n
    print(f"\nWhat each estimator ascends, N = {n} (on 0/1 rewards; then on graded ones:")
    print("whether it is the gradient of anything, and its bias)")
    print_table(
        ("estimator", "on 0/1 rewards", "graded", "bias", "angle"),
        [
            (
                row.estimator,
                row.ascends.removeprefix("no known objective; ").partition(" (off")[0],
                row.graded,
                "-" if row.graded_bias is None else "none" if row.graded_bias == 0 else f"{row.graded_bias:.1%}",
                f"{row.graded_angle:.1f} deg",
            )
            for row in found.objectives
        ],
    )
    failures = [outcome.failure for outcome in found.claims if outcome.failure]
    counted = f"{len(found.claims) - len(failures)} of {len(found.claims)}"
    print(f"\n{counted} claims are proved, and the package computes what they say")
    print("(maxrl-est prove lists them)")
    for failure in failures:
        print(f"FAILS  {failure}")
