"""Results that people look at: columns of numbers by name, as text, as HTML for notebooks and as a data frame."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.files import formats

_SHOWN = 12  # rows; of more only the first and the last few
_LONGEST = 12  # characters of a Fraction; a longer one is shown as a decimal


class Columns:
    """The base of results: `title` lines, then a table of `columns`, of which text shows the ends if it is long."""

    __slots__ = ()

    def title(self) -> list[str]:
        """The lines above the table."""
        raise NotImplementedError

    def columns(self) -> Mapping[str, Sequence[Any]]:
        """Columns of one length by their names."""
        raise NotImplementedError

    def __str__(self) -> str:
        return "\n".join([*self.title(), *formats.aligned(*self._cells())])

    def _repr_html_(self) -> str:
        return f"<p>{'<br>'.join(map(html.escape, self.title()))}</p>\n{formats.html_table(*self._cells())}"

    def to_dataframe(self) -> Any:
        """A data frame of pandas or polars, exact numbers as they are; ImportError where neither is installed."""
        return formats.to_dataframe(self.columns())

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        columns = self.columns()
        rows = [[shown(x) for x in row] for row in zip(*columns.values(), strict=True)]
        if len(rows) > _SHOWN:
            rows[_SHOWN // 2 : -_SHOWN // 2] = [["..."] * len(columns)]
        return list(columns), rows


class OfCovariance(Columns):
    """Results with a ``covariance (d, d)``."""

    __slots__ = ()
    covariance: Array

    @property
    def total_variance(self) -> Any:
        """The trace of the covariance."""
        return np.trace(self.covariance)


def shown(value: Any) -> str:
    """A number as people read it: a short Fraction as it is, other numbers to 6 digits.

    >>> [shown(x) for x in (Fraction(1, 3), 2.0, 1 / 3, None)]
    ['1/3', '2', '0.333333', '-']
    """
    if value is None:
        return "-"
    if isinstance(value, str | int) or (isinstance(value, Fraction) and len(str(value)) <= _LONGEST):
        return str(value)
    return f"{float(value):.6g}"
