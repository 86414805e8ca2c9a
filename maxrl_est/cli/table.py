"""``maxrl-est table``: bias, variance and cost of every estimator."""

from __future__ import annotations

import argparse

from maxrl_est.cli.console import Misuse, named, progress, write_text
from maxrl_est.cli.parsing import Commands, add_json

FORMATS = ("markdown", "csv", "latex", "html", "json")


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "table",
        help="bias, variance and cost of every estimator, exact where that is possible",
        description="Bias, variance and cost of one group's gradient estimate, exact where groups can be enumerated "
        "or a closed form exists, and with standard errors where they are sampled.",
    )
    parser.add_argument("--problems", metavar="NAME", nargs="+", help="default: all six")
    parser.add_argument("--estimators", metavar="NAME", nargs="+", help="default: all; ustat(T), passk(K), maxk(K) too")
    parser.add_argument("--group-sizes", metavar="N", type=int, nargs="+", help="default: 4 8 16")
    parser.add_argument("--groups", metavar="COUNT", type=int, help="drawn for each sampled row (262144)")
    parser.add_argument("--seed", type=int, default=0, help="of the sampled rows (0)")
    for name in FORMATS[:-1]:
        parser.add_argument(f"--{name}", metavar="PATH", help=f"write the table as {name}; - for standard output")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from maxrl_est.files import formats
    from maxrl_est.tables import measured as tables
    from maxrl_est.tables import rows as report

    known = list(tables.PROBLEMS)
    for name in options.problems or ():
        named("--problems", name, known)
    try:
        table = tables.bias_variance_table(
            {name: tables.PROBLEMS[name] for name in options.problems or known},
            options.estimators,
            options.group_sizes or tables.GROUP_SIZES,
            groups=tables.GROUPS if options.groups is None else options.groups,
            seed=options.seed,
            progress=progress,
        )
    except ValueError as error:
        raise Misuse(str(error)) from None
    finally:
        progress(None)
    written = [write_text(getattr(options, name), getattr(table, f"to_{name}")()) for name in FORMATS]
    if not any(written):
        paint = formats.terminal_painter()
        for title, rows in table.sections():
            head, rule, *body = formats.aligned(report.HEAD, list(map(report.cells, rows)))
            lines = (paint(line, report.tone(row)) for line, row in zip(body, rows, strict=True))
            print("\n".join((title, head, rule, *lines, "")))
        print(report.LEGEND)
    return 0
