"""What both surveys do with rows: which trainers are asked, whose committed rows stay, and what is written."""

import datetime
import json
import sys
from importlib.metadata import PackageNotFoundError, version

from analysis import study


def installed(name):
    """The version of a framework, None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def add_names(parser, frameworks):
    """The argument for trainers that are measured alone."""
    parser.add_argument("names", nargs="*", metavar="trainer", help=f"of {', '.join(frameworks)}; all by default")


def named(parser, options, frameworks):
    """Those trainers; an error of the parser where one is unknown or not installed."""
    for name in options.names:
        if name not in frameworks or not installed(name):
            parser.error(f"trainer must be installed, and one of {', '.join(frameworks)}, got {name!r}")
    return options.names or frameworks


def merged(rows, name, frameworks):
    """Rows of a survey in the order of its frameworks: those committed, of measured frameworks replaced."""
    old = study.from_csv((study.HERE / f"{name}.csv").read_text())
    measured = {r["framework"] for r in rows}
    rows = rows + [r for r in old if r["framework"] not in measured]
    return sorted(rows, key=lambda r: list(frameworks).index(r["framework"]))


def check(rows, name):
    """Exit by whether rows are as committed."""
    same = study.to_csv(rows) == (study.HERE / f"{name}.csv").read_text()
    print(f"{name}: {'as committed' if same else 'NOT as committed'}")
    sys.exit(not same)


def page(title, rows, columns, cells, verdict, setup):
    """The verdict, the set-up and a table for each framework."""
    lines = []
    for framework in dict.fromkeys(r["framework"] for r in rows):
        chosen = [r for r in rows if r["framework"] == framework]
        lines += ["", f"## {framework} {chosen[0]['version']}", ""]
        lines += [f"| {' | '.join(columns.values())} |", f"|{' --- |' * len(columns)}"]
        lines += [f"| {' | '.join(cells(r))} |" for r in chosen]
    return "\n".join([f"# {title}", "", verdict, "", setup, *lines, ""])


def write(rows, name, page, verdict, setup):
    """The rows, the page, and set-up and verdict."""
    path = study.HERE / f"{name}.csv"
    path.write_text(study.to_csv(rows))
    path.with_suffix(".md").write_text(page)
    result = {
        "command": f"python -m analysis.{name}",
        "date": datetime.date.today().isoformat(),
        "versions": study.versions("maxrl-est", "numpy"),
        "seed": 0,
        "setup": setup,
        "verdict": verdict,
        "rows": path.name,
    }
    path.with_suffix(".json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(verdict)
