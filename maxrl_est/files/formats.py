"""One table of text cells as markdown, CSV, LaTeX or HTML, and on a terminal with colour."""

from __future__ import annotations

import csv
import html
import io
import os
import sys
from collections.abc import Callable, Sequence

Cells = Sequence[str]
Tone = str  # "good", "bad" or "" for a row

_LATEX = str.maketrans(
    {
        "&": r"\&",
        "%": r"\%",
        "_": r"\_",
        "#": r"\#",
        "$": r"\$",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "±": r"$\pm$",
    }
)
_ANSI = {"good": "\033[32m", "bad": "\033[31m", "": ""}
_STYLE = (
    "table{border-collapse:collapse;font:14px sans-serif}td,th{padding:2px 8px;text-align:left;"
    "border-bottom:1px solid #ccc}.good{background:#e6f4e6}.bad{background:#fbe6e6}"
)


def to_markdown(head: Cells, rows: Sequence[Cells]) -> str:
    r"""A pipe table.

    >>> print(to_markdown(["a", "b"], [["1", "x|y"]]))
    | a | b |
    | --- | --- |
    | 1 | x\|y |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def to_csv(head: Cells, rows: Sequence[Cells]) -> str:
    """Comma-separated values with a header line, RFC 4180 quoting and plain newlines.

    >>> print(to_csv(["a", "b"], [["1", "x, y"]]))
    a,b
    1,"x, y"
    """
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([head, *rows])
    return stream.getvalue().rstrip("\n")


def to_latex(head: Cells, rows: Sequence[Cells]) -> str:
    r"""A tabular in the style of the package booktabs.

    >>> print(to_latex(["a_1"], [["5%"]]))
    \begin{tabular}{l}
    \toprule
    a\_1 \\
    \midrule
    5\% \\
    \bottomrule
    \end{tabular}
    """
    first, *rest = (" & ".join(cell.translate(_LATEX) for cell in line) + r" \\" for line in (head, *rows))
    body = [rf"\begin{{tabular}}{{{'l' * len(head)}}}", r"\toprule", first, r"\midrule", *rest, r"\bottomrule"]
    return "\n".join([*body, r"\end{tabular}"])


def to_html(title: str, head: Cells, rows: Sequence[Cells], tones: Sequence[Tone]) -> str:
    """A page that needs nothing else; rows are tinted by their tone.

    >>> to_html("t", ["a"], [["<1"]], ["good"]).splitlines()[-2]
    '<tr class="good"><td>&lt;1</td></tr>'
    """
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = [
        f'<tr class="{tone}">{"".join(f"<td>{html.escape(cell)}</td>" for cell in row)}</tr>'
        for row, tone in zip(rows, tones, strict=True)
    ]
    name = html.escape(title)
    start = f'<!doctype html><meta charset="utf-8"><title>{name}</title><style>{_STYLE}</style><h1>{name}</h1>'
    return "\n".join([start, f"<table><tr>{top}</tr>", *lines, "</table>"])


def terminal_painter() -> Callable[[str, Tone], str]:
    """How to colour a line by its tone: not at all unless standard output is a terminal and NO_COLOR is unset."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return lambda line, tone: line
    return lambda line, tone: f"{_ANSI[tone]}{line}\033[0m" if tone else line
