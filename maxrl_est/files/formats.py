"""Results for readers: cells as text, markdown, CSV, LaTeX or HTML; values for JSON; columns for data frames."""

from __future__ import annotations

import csv
import html
import importlib.util
import io
import math
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from maxrl_est._arguments import printable

Cells = Sequence[str]
Tone = str  # "good", "warn", "bad" or "" for a row

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
_MARKDOWN = str.maketrans({"\\": r"\\", "<": "&lt;", "[": r"\[", "`": r"\`", "|": r"\|"})
_ANSI = {"good": "\033[32m", "warn": "\033[33m", "bad": "\033[31m", "": ""}
_STYLE = (
    "table{border-collapse:collapse;font:14px sans-serif}td,th{padding:2px 8px;text-align:left;"
    "border-bottom:1px solid #ccc}.good{background:#e6f4e6}.warn{background:#fdf4d9}.bad{background:#fbe6e6}"
)


def as_markdown(text: str) -> str:
    r"""A text that is no markup, for a page of markdown.

    >>> print(as_markdown("[a](b) <c>"))
    \[a](b) &lt;c>
    """
    return printable(text).translate(_MARKDOWN)


def as_comment(text: str) -> str:
    r"""A line of LaTeX that is not set, whatever the text has.

    >>> print(as_comment("a\nb"))
    % a\nb
    """
    return f"% {printable(text)}"


def to_markdown(head: Cells, rows: Sequence[Cells]) -> str:
    r"""A pipe table, of cells that may have markup; `as_markdown` makes some of what must not.

    >>> print(to_markdown(["a", "b"], [["1", "x|y"]]))
    | a | b |
    | --- | --- |
    | 1 | x\|y |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_barred(cell) for cell in line)} |" for line in lines)


def _barred(cell: str) -> str:
    """In one cell: bars that are not escaped yet would end it."""
    return re.sub(r"(?<!\\)((?:\\\\)*+)\|", r"\1\\|", printable(cell))


def to_csv(head: Cells, rows: Sequence[Cells]) -> str:
    """Comma-separated values with a header line, RFC 4180 quoting and plain newlines.

    A text that a spreadsheet would take for a formula has an apostrophe before it; numbers have none.

    >>> print(to_csv(["a", "b"], [["1", "x, y"]]))
    a,b
    1,"x, y"
    >>> print(to_csv(["a"], [["-1.5"], ["=A1"], ["-"]]))
    a
    -1.5
    '=A1
    -
    """
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([_no_formula(cell) for cell in row] for row in [head, *rows])
    return stream.getvalue().rstrip("\n")


def _no_formula(cell: str) -> str:
    if len(cell) > 1 and cell[0] in "=+-@\t\r\n":
        try:
            float(cell)
        except ValueError:
            return f"'{cell}"
    return cell


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
    first, *rest = (" & ".join(printable(cell).translate(_LATEX) for cell in line) + r" \\" for line in (head, *rows))
    body = [rf"\begin{{tabular}}{{{'l' * len(head)}}}", r"\toprule", first, r"\midrule", *rest, r"\bottomrule"]
    return "\n".join([*body, r"\end{tabular}"])


def to_html(title: str, head: Cells, rows: Sequence[Cells], tones: Sequence[Tone]) -> str:
    """A page that needs nothing else; rows are tinted by their tone."""
    name = html.escape(title)
    start = f'<!doctype html><meta charset="utf-8"><title>{name}</title><style>{_STYLE}</style><h1>{name}</h1>'
    return f"{start}\n{html_table(head, rows, tones)}"


def html_table(head: Cells, rows: Sequence[Cells], tones: Sequence[Tone] | None = None) -> str:
    """A table element, which notebooks show.

    >>> print(html_table(["a"], [["<1"]], ["good"]))
    <table><tr><th>a</th></tr>
    <tr class="good"><td>&lt;1</td></tr>
    </table>
    """
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = [
        f'<tr class="{tone}">{"".join(f"<td>{html.escape(cell)}</td>" for cell in row)}</tr>'
        for row, tone in zip(rows, tones or [""] * len(rows), strict=True)
    ]
    return "\n".join([f"<table><tr>{top}</tr>", *lines, "</table>"])


def aligned(head: Cells, rows: Sequence[Cells]) -> list[str]:
    r"""Lines with columns as wide as their widest cell: the head, a rule, the rows.

    >>> print("\n".join(aligned(["a", "b"], [["1.5", "x"]])))
    a    b
    ---  -
    1.5  x
    """
    head, *rows = ([printable(cell) for cell in line] for line in (head, *rows))
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = (head, ["-" * width for width in widths], *rows)
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def plain(value: Any) -> Any:
    """The same for JSON: arrays become lists; Fractions, infinities and NaN, which it has not, become text.

    >>> import numpy as np
    >>> plain({"mean": np.array([0.5, np.inf]), "exact": Fraction(1, 3)})
    {'mean': [0.5, 'inf'], 'exact': '1/3'}
    """
    if hasattr(value, "tolist"):  # of NumPy, which is not imported for this
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Fraction) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value


def to_dataframe(columns: Mapping[str, Sequence[Any]]) -> Any:
    """A data frame of pandas, or of polars where that is installed alone; ImportError where neither is."""
    for package in ("pandas", "polars"):
        if importlib.util.find_spec(package):
            return importlib.import_module(package).DataFrame(dict(columns))
    raise ImportError("to_dataframe needs pandas or polars, and neither is installed: pip install pandas")


def terminal_painter() -> Callable[[str, Tone], str]:
    """How to colour a line by its tone: not at all unless standard output is a terminal and NO_COLOR is unset."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return lambda line, tone: line
    return lambda line, tone: f"{_ANSI[tone]}{line}\033[0m" if tone else line
