"""``maxrl-est bench``: speed as ratios, and accuracy."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from maxrl_est.cli.console import print_table, progress, write_json
from maxrl_est.cli.parsing import Commands, add_command, add_json

if TYPE_CHECKING:
    from maxrl_est.selftest.bench import Measurement

GROUPS = (
    "start-up",
    "full-order",
    "any-order",
    "arithmetic",
    "advantages",
    "peers",
    "exact",
    "work",
    "accuracy",
)  # those of `selftest.bench`, which a parser must not import
VERDICTS = {True: "met", False: "MISSED", None: "not measured"}


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "bench",
        help="speed as ratios within this run, and accuracy against Arb",
        description="Measure speed as ratios within this run, and accuracy against Arb (of the extra 'test'), each "
        "with its limit. Ctrl-C shows what was measured until then.",
        examples=("--quick", "--only full-order peers", "--accuracy --json bench.json"),
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--only", metavar="GROUP", nargs="+", choices=GROUPS, help=f"some of {', '.join(GROUPS)}")
    which.add_argument("--accuracy", action="store_const", dest="only", const=["accuracy"], help="accuracy only")
    parser.add_argument("--quick", action="store_true", help="shorter turns, and no large groups for accuracy")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status: 0, or 1 where a limit is missed, or 130 where it was interrupted."""
    from maxrl_est.selftest import bench

    rows: list[Measurement] = []
    interrupted = False
    try:
        rows.extend(bench.measure(options.only or GROUPS, quick=options.quick, progress=progress))
    except KeyboardInterrupt:
        interrupted = True
    progress(None)
    meta = bench.meta()
    if not write_json(options.json, {"meta": meta, "rows": list(map(asdict, rows))}):
        print(", ".join(f"{key} {value}" for key, value in meta.items()))
        print_table(("figure", "case", "measured", "limit", "unit", "", ""), list(map(_cells, rows)))
    if interrupted:
        return 130
    return 0 if all(row.holds is not False for row in rows) else 1


def _cells(row: Measurement) -> tuple[str, ...]:
    measured = "" if row.measured is None else f"{row.measured:.3g}"
    return row.figure, row.case, measured, f"{row.limit:g}", row.unit, VERDICTS[row.holds], row.note
