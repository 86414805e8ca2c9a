"""``maxrl-est bench``: speed as ratios, and accuracy."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from maxrl_est.cli.console import print_table, progress, write_json
from maxrl_est.cli.parsing import Commands, add_command, add_json


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "bench",
        help="speed as ratios within this run, and accuracy against Arb",
        description="Measure speed as ratios within this run, and accuracy against Arb (of the extra 'test').",
        examples=("--quick", "--accuracy --json bench.json"),
    )
    parser.add_argument("--accuracy", action="store_true", help="accuracy only")
    parser.add_argument("--quick", action="store_true", help="fewer sizes and repeats")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from maxrl_est.selftest import bench

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
