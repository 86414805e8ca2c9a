"""How fast the package is, each figure with its limit: what `maxrl-est bench` measures, all but accuracy.

    python -m analysis.speed            rewrites speed.csv (the figures), .json (all else), .md (a table) and .svg
    python -m analysis.speed --check    measures again, writes nothing, fails if a limit is missed that was met
    python -m analysis.speed --redraw   writes all but the figures anew, from those in speed.csv
    python -m analysis.speed --quick    takes shorter turns, prints the verdict and writes nothing

Times differ from run to run and from machine to machine, so no bits are compared; ratios within a run hardly do. What
needs a framework is measured where it is: torch, TRL, verl and polars.
"""

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from matplotlib import pyplot as plt
from matplotlib import ticker

from analysis import study

QUESTION = "How fast is it, beside what everybody computes anyway, beside its arithmetic and beside others?"
SETUP = (
    "Each figure is a ratio of CPU times within one process, the least of many turns of both, or CPU seconds of a new "
    "process, and has a limit that was set before it was measured. One thread; weights by the public function, "
    "validation included. 'Normalising' is (r - mean) / std in NumPy on the same array of 2^18 likelihoods: uniform, "
    "0/1 with one success a group, and Gaussian exp(-x^2 / (2 sigma^2)) for standard normal x and sigma 0.1."
)
SEED = 0
GROUPS = ("start-up", "full-order", "any-order", "arithmetic", "advantages", "peers", "exact", "work")
DOUBLE = "full order: time / normalising"
SINGLE = "full order, float32: time / normalising in float32"
KINDS = {"uniform": "C0", "one success": "C1", "Gaussian": "C2"}
SAID = {True: "met", False: "missed", "": "not measured"}


def measure(quick=False):
    """The figures, and what they were made with."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.json")
        command = [sys.executable, "-m", "maxrl_est", "bench", "--only", *GROUPS, "--json", str(path)]
        subprocess.run(command + ["--quick"] * quick, check=False)  # fails where a limit is missed
        found = json.loads(path.read_text())
    for row in found["rows"]:
        row["measured"] = row["measured"] and float(f"{row['measured']:.4g}")
    return study.from_csv(study.to_csv(found["rows"])), found["meta"]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m analysis.speed", description=QUESTION)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--quick", action="store_true", help="shorter turns, printed and not written")
    mode.add_argument("--check", action="store_true", help="compare with the committed verdicts, write nothing")
    mode.add_argument("--redraw", action="store_true", help="verdict, table and figure anew from the committed numbers")
    options = parser.parse_args(arguments)
    if options.redraw:
        write(committed(), json.loads((study.HERE / "speed.json").read_text()))
        return
    start = time.monotonic()
    rows, versions = measure(options.quick)
    made = {"date": versions.pop("date"), "seconds": round(time.monotonic() - start), "versions": versions}
    if options.quick:
        print(verdict(rows))
    elif options.check:
        lost = newly_missed(rows, committed())
        print("\n".join(lost) or f"speed: every limit that was met is met ({made['seconds']} s)")
        sys.exit(bool(lost))
    else:
        (study.HERE / "speed.csv").write_text(study.to_csv(rows))
        write(rows, made)


def committed():
    return study.from_csv((study.HERE / "speed.csv").read_text())


def write(rows, made):
    study.show(sys.modules[__name__], rows, made)
    (study.HERE / "speed.md").write_text(markdown(rows, made))


def newly_missed(rows, earlier):
    """A line for each figure whose limit was met and is missed."""
    met = {(row["figure"], row["case"]) for row in earlier if row["holds"] is True}
    return [
        "{}, {}: {}, limit {}".format(*cells(row))
        for row in rows
        if row["holds"] is False and (row["figure"], row["case"]) in met
    ]


def markdown(rows, made):
    """The table for readers."""
    versions = ", ".join(f"{key} {value}" for key, value in made["versions"].items())
    lines = [
        "# Speed, each figure with its limit",
        "",
        f"{verdict(rows)}",
        "",
        f"{SETUP} Measured on {made['date']} ({versions}) by `python -m analysis.speed`.",
        "",
        "| figure | case | measured | limit | | |",
        "| --- | --- | --- | --- | --- | --- |",
        *(f"| {' | '.join(cells(row))} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def cells(row):
    unit, least = row["unit"].removesuffix(" (at least)"), row["unit"].endswith(" (at least)")
    measured = "" if row["measured"] == "" else f"{row['measured']:.3g} {unit}"
    holds, note = SAID[row["holds"]], str(row["note"]).removeprefix("not measured: ")
    return row["figure"], row["case"], measured, f"{'at least ' * least}{row['limit']:g}", holds, note


def verdict(rows):
    holds = [row["holds"] for row in rows]
    sizes = {n: [r["measured"] for r in rows if r["figure"] == DOUBLE and size(r) == n] for n in (16, 32, 64, 1024)}
    single = [row["measured"] for row in rows if row["figure"] == SINGLE]
    missed = [f"{row['figure']}, {row['case']} ({excess(row):.2g})" for row in rows if row["holds"] is False]
    said = "; ".join(f"N = {n:,}: {min(x):.2g} to {max(x):.2g}" for n, x in sizes.items())
    return (
        f"{holds.count(True)} of {len(rows)} limits are met, {holds.count(False)} missed and {holds.count('')} not "
        f"measured. Weights of order T = N take so many times as long as normalising the same rewards: {said}; in "
        f"float32 {min(single):.2g} to {max(single):.2g} times from N = 32 to 256. "
        + (f"Missed, and by how many times: {'; '.join(missed)}." if missed else "None is missed.")
    )


def size(row):
    """N of a case."""
    return int(re.match(r"N=(\d+)", row["case"])[1])


def excess(row):
    """By how many times a limit is missed, or what share of it is used: 1 is the limit."""
    if row["measured"] == "":
        return math.inf
    least = row["unit"].endswith("(at least)")
    return row["limit"] / row["measured"] if least else row["measured"] / row["limit"] if row["limit"] else 1.0


def draw(rows):
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 6.4), width_ratios=(1, 1))
    draw_normalising(left, rows)
    draw_shares(right, [row for row in rows if row["measured"] != "" and row["limit"]])
    return figure


def draw_normalising(axes, rows):
    for kind, colour in KINDS.items():
        for name, style in ((DOUBLE, "o-"), (SINGLE, "s--")):
            shown = [row for row in rows if row["figure"] == name and row["case"].endswith(f" {kind}")]
            label = kind if name == DOUBLE else None
            axes.loglog(*points(shown, "measured"), colour + style, markersize=4, label=label)
    for name, kind, style in ((DOUBLE, "uniform", "-"), (DOUBLE, "Gaussian", ":"), (SINGLE, "uniform", "--")):
        shown = [row for row in rows if row["figure"] == name and row["case"].endswith(f" {kind}")]
        label = {"-": "limit", ":": "limit, Gaussian"}.get(style)
        axes.step(*points(shown, "limit"), "0.3", where="mid", linewidth=1, linestyle=style, label=label)
    axes.plot([], [], "ks--", markersize=4, label="dashed: float32, over float32")
    axes.yaxis.set_major_locator(ticker.LogLocator(2))
    axes.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(ticker.NullFormatter())
    axes.set(xlabel="rollouts in a group N", ylabel="time / time of normalising in NumPy")
    axes.set_title("Weights at T = N")
    axes.legend()


def points(rows, key):
    return [size(row) for row in rows], [row[key] for row in rows]


def draw_shares(axes, rows):
    """For each figure a line from the least to the most of its limit that its cases take."""
    names = list(dict.fromkeys(row["figure"] for row in rows))[::-1]
    for y, name in enumerate(names):
        shares = [excess(row) for row in rows if row["figure"] == name]
        axes.plot([min(shares), max(shares)], [y, y], "0.7", linewidth=1)
        for share in shares:
            axes.plot(share, y, "C0o" if share <= 1 else "C3o", markersize=4)
    axes.axvline(1, color="0.3", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.set_yticks(range(len(names)), names, fontsize="x-small")
    axes.set(xlabel="share of the limit (a dot a case; red: missed)", title="All figures")


if __name__ == "__main__":
    main()
