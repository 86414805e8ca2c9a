"""Results for readers: cells as text, markdown, CSV, LaTeX or HTML; values for JSON; columns for data frames."""

from __future__ import annotations

import csv
import html
import importlib.util
import io
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

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
_ANSI = {"good": "\033[32m", "warn": "\033[33m", "bad": "\033[31m", "": ""}
_STYLE = (
    "table{border-collapse:collapse;font:14px sans-serif}td,th{padding:2px 8px;text-align:left;"
    "border-bottom:1px solid #ccc}.good{background:#e6f4e6}.warn{background:#fdf4d9}.bad{background:#fbe6e6}"
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
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = (head, tuple("-" * width for width in widths), *rows)
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
