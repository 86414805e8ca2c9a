"""What all studies share: a question, rows of numbers, a verdict written from them, a figure, and how they are saved.

A study module has QUESTION, SETUP and SEED, and three functions::

    measure(quick) -> rows      a list of dicts with the same keys: the numbers, from SEED alone; quick takes seconds
    verdict(rows) -> str        two sentences or so, every number in it computed from the rows
    draw(rows) -> Figure

and ends with ``if __name__ == "__main__": study.main(sys.modules[__name__])``. Then

    python -m analysis.NAME             rewrites NAME.csv (the rows), NAME.json (all else) and NAME.svg
    python -m analysis.NAME --check     measures again, writes nothing, fails unless every bit is as in NAME.csv
    python -m analysis.NAME --redraw    writes verdict and figure anew from the numbers in NAME.csv
    python -m analysis.NAME --quick     a small version, printed and not written
"""

from __future__ import annotations

import argparse
import csv
import datetime
import io
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl

import maxrl_est as mx

mpl.use("svg")
HERE = Path(__file__).parent
STYLE = {
    "svg.hashsalt": "maxrl_est",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "legend.frameon": False,
    "legend.fontsize": "small",
    "figure.constrained_layout.use": True,
}


def name(module):
    """The last part of a module's name, also when it is run as a script."""
    return Path(module.__file__).stem


def main(module, arguments=None):
    parser = argparse.ArgumentParser(prog=f"python -m analysis.{name(module)}", description=module.QUESTION)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--quick", action="store_true", help="a small version, printed and not written")
    mode.add_argument("--check", action="store_true", help="compare with the committed numbers, write nothing")
    mode.add_argument("--redraw", action="store_true", help="verdict and figure anew from the committed numbers")
    options = parser.parse_args(arguments)
    if options.redraw:
        rows = from_csv((HERE / f"{name(module)}.csv").read_text())
        show(module, rows, json.loads((HERE / f"{name(module)}.json").read_text()))
        return
    start = time.monotonic()
    rows = module.measure(options.quick)
    seconds = time.monotonic() - start
    if options.check:
        same = to_csv(rows) == (HERE / f"{name(module)}.csv").read_text()
        print(f"{name(module)}: {'every bit as committed' if same else 'NOT as committed'} ({seconds:.0f} s)")
        sys.exit(not same)
    if options.quick:
        print(module.verdict(rows))
        return
    (HERE / f"{name(module)}.csv").write_text(to_csv(rows))
    made = {"date": datetime.date.today().isoformat(), "seconds": round(seconds)}
    show(module, rows, made | {"versions": versions("maxrl-est", "numpy", "scipy")})


def versions(*packages):
    """What numbers were made with, by name."""
    return {"python": platform.python_version(), **{package: version(package) for package in packages}}


def show(module, rows, measured):
    """Write all but the numbers, and print the verdict; measured: when, for how long and with what."""
    path = HERE / name(module)
    result = {
        "command": f"python -m analysis.{name(module)}",
        **{key: measured[key] for key in ("date", "seconds", "versions")},
        **words(module, rows),
        "rows": f"{path.name}.csv",
    }
    path.with_suffix(".json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    with mpl.rc_context(STYLE):
        module.draw(rows).savefig(path.with_suffix(".svg"), metadata={"Date": None})
    print(result["verdict"])


def words(module, rows):
    """What is said of the numbers."""
    said = {"question": module.QUESTION, "setup": module.SETUP, "verdict": module.verdict(rows)}
    return {"seed": module.SEED, **said}


def rounded(x):
    """Six digits: closed forms promise ten, and the last ones may depend on the machine's linear algebra."""
    return float(f"{x:.6g}")


def short(x):
    """Three significant digits in words: 3,410 and not 3.41e+03."""
    return f"{float(f'{x:.3g}'):,g}"


def to_csv(rows):
    """Numbers with all their digits, so that equal text means equal bits."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def from_csv(text):
    """The rows that `to_csv` wrote: a cell is an int, a float, a truth value, or else text."""
    return [{key: _value(cell) for key, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]


def _value(cell):
    if cell in ("True", "False"):
        return cell == "True"
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell


def workers():
    """Processes, one a core; results do not depend on how many."""
    return mx.training.workers(os.cpu_count())


def progress(text):
    """On a terminal, what is being done."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()
