"""Rows of the estimator table, and the table as markdown, CSV, LaTeX, JSON and HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from typing import Any, Literal

from maxrl_est._arguments import printable
from maxrl_est.files import formats

UNBIASED = 1e-9  # relative bias below this is rounding, where nothing is sampled
STANDARD_ERRORS = 5  # a sampled bias within this many of 0 counts as none: one false alarm in two million rows

Method = Literal["enumerated", "closed form", "sampled", "none"]


@dataclass(frozen=True, slots=True)
class TableRow:
    """One estimator with groups of n on one problem; None where there is no such number, and ``note`` says why."""

    problem: str
    n: int
    estimator: str
    target: str
    method: Method
    bias: float | None = None  # |E[g] - gradient of the target|
    relative_bias: float | None = None  # over |gradient of the target|, if that is not 0
    angle: float | None = None  # degrees between E[g] and the gradient of the target, or grad p if there is no target
    total_variance: float | None = None  # trace of the covariance of one group's estimate
    mse: float | None = None  # total variance + bias^2
    relative_variance: float | None = None  # total variance over that of the best unbiased row of the same target
    rollouts: float | None = None  # for one estimate, on average
    bias_error: float = 0.0  # standard errors: 0 where nothing is sampled
    variance_error: float = 0.0
    gradient: bool | None = None  # whether E[g] is the gradient of anything on rewards of three levels
    note: str = ""
    limit: float | None = None  # the least total variance of an unbiased estimate, `maxrl_est.variance_bound`; above 0
    times_limit: float | None = None  # total variance over that, of an unbiased row
    efficiency: float | None = None  # the limit over its total variance

    @property
    def unbiased(self) -> bool:
        """Whether no bias is left: beyond rounding, or for a sampled row beyond its error."""
        if self.bias is None:
            return False
        if self.bias_error:
            return self.bias <= STANDARD_ERRORS * self.bias_error
        return (self.bias if self.relative_bias is None else self.relative_bias) <= UNBIASED


@dataclass(frozen=True, slots=True)
class BiasVarianceTable:
    """Rows of the estimator table, and ``meta``: what they were made with. Printed, it is a table for a terminal."""

    rows: tuple[TableRow, ...]
    meta: Mapping[str, str]

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, paint: Callable[[str, formats.Tone], str] = lambda line, tone: line) -> str:
        """A section of aligned lines for each problem and group size; ``paint`` colours a line by its tone."""
        parts = []
        for title, rows in self.sections():
            names, found = _columns(rows)
            head, rule, *body = formats.aligned(names, [tuple(map(_ascii, row)) for row in found])
            lines = (paint(line, tone(row)) for line, row in zip(body, rows, strict=True))
            parts.append("\n".join((printable(title), head, rule, *lines)))
        return "\n\n".join([*parts, _ascii(LEGEND).replace("; ", "\n")])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, numbers unrounded; an infinite variance is the text "inf", which JSON has no number for."""
        rows = [asdict(row) | {"unbiased": row.unbiased} for row in self.rows]
        result: dict[str, Any] = formats.plain({"meta": self.meta, "rows": rows})
        return result

    def to_dataframe(self) -> Any:
        """A row for each row, numbers unrounded, as a data frame of pandas or polars."""
        names = [*(field.name for field in fields(TableRow)), "unbiased"]
        return formats.to_dataframe({name: [getattr(row, name) for row in self.rows] for name in names})

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """A line for each row, numbers unrounded, empty where there is none."""
        head = [field.name for field in fields(TableRow)]
        rows = [["" if value is None else str(value) for value in asdict(row).values()] for row in self.rows]
        return formats.to_csv(head, rows) + "\n"

    def to_markdown(self) -> str:
        """A section for each problem and group size, rounded for reading."""
        made = ", ".join(f"{key} {value}" for key, value in self.meta.items())
        parts = [f"Made with: {formats.as_markdown(made)}.", LEGEND]
        for title, rows in self.sections():
            head, found = _columns(rows)
            texts = [list(map(formats.as_markdown, row)) for row in found]
            parts += [f"## {formats.as_markdown(title)}", formats.to_markdown(head, texts)]
        return "\n\n".join(parts) + "\n"

    def to_latex(self) -> str:
        """A tabular (booktabs) for each problem and group size."""
        parts = [f"{formats.as_comment(title)}\n{formats.to_latex(*_columns(rows))}" for title, rows in self.sections()]
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        """A page of its own, unbiased rows tinted green and biased ones red."""
        title = ", ".join(["Bias and variance of gradient estimators", *(f"{k} {v}" for k, v in self.meta.items())])
        return formats.to_html(title, *self._html_cells) + "\n"

    def _repr_html_(self) -> str:
        """What notebooks show."""
        return formats.html_table(*self._html_cells)

    @property
    def _html_cells(self) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[formats.Tone]]:
        names, found = _columns(self.rows)
        body = [(row.problem, str(row.n), *more) for row, more in zip(self.rows, found, strict=True)]
        return ("problem", "N", *names), body, list(map(tone, self.rows))

    def sections(self) -> Iterable[tuple[str, list[TableRow]]]:
        """Rows by problem and group size, with a title."""
        for (problem, n), rows in groupby(self.rows, key=lambda row: (row.problem, row.n)):
            yield f"{problem}, N = {n}", list(rows)


LEGEND = (
    "bias: |E[g] - gradient of the target|; angle: degrees between the two, or to grad p where there is no target; "
    "variance: trace of the covariance of one estimate; x best: variance over that of the best unbiased row with the "
    "same target; x limit: variance over the least that an unbiased estimate can have here, where that is above 0; "
    "efficiency: the inverse; "
    "gradient: whether the mean update is the gradient of any objective on rewards of three levels; "
    "rollouts: for one estimate; ±: one standard error."
)
LIMITS = ("x limit", "efficiency")  # left out where no row has them
HEAD = (
    "estimator",
    "target",
    "bias",
    "relative",
    "angle",
    "variance",
    "MSE",
    "x best",
    *LIMITS,
    "gradient",
    "rollouts",
    "how",
)


def cells(row: TableRow) -> tuple[str, ...]:
    """The cells of a row under `HEAD`, rounded for reading; sampled numbers with their standard error."""
    exact_zero = row.unbiased and not row.bias_error
    return (
        row.estimator,
        row.target,
        "0" if exact_zero else _number(row.bias, row.bias_error),
        "0" if exact_zero else "-" if row.relative_bias is None else f"{row.relative_bias:.2%}",
        "-" if row.angle is None else f"{row.angle:.1f}",
        _number(row.total_variance, row.variance_error),
        _number(row.mse),
        "-" if row.relative_variance is None else f"{row.relative_variance:.2f}",
        "-" if row.times_limit is None else f"{row.times_limit:.2f}",
        "-" if row.efficiency is None else f"{row.efficiency:.1%}",
        "-" if row.gradient is None else "yes" if row.gradient else "no",
        "-" if row.rollouts is None else f"{row.rollouts:.4g}",
        row.note if row.method == "none" else row.method,
    )


def _columns(rows: Sequence[TableRow]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The head and the cells of rows."""
    if any(row.times_limit is not None for row in rows):
        return HEAD, list(map(cells, rows))
    kept = [place for place, name in enumerate(HEAD) if name not in LIMITS]
    return tuple(HEAD[place] for place in kept), [tuple(cells(row)[place] for place in kept) for row in rows]


def tone(row: TableRow) -> formats.Tone:
    """How a row is tinted: "good" if unbiased, "bad" if biased, "" if neither can be said."""
    return "" if row.bias is None else "good" if row.unbiased else "bad"


def _ascii(text: str) -> str:
    """For terminals, which may have no other characters."""
    return text.replace("±", "+-")


def _number(value: float | None, error: float = 0.0) -> str:
    if value is None:
        return "-"
    return f"{value:.4g} ± {error:.1g}" if error else f"{value:.4g}"
