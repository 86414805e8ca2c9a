"""Polynomials in q = 1 - p, or in p, as they are written, for text and for notebooks."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from maxrl_est._arguments.protocols import FloatArray

_WRITTEN = 4  # terms of a polynomial that are written out


def plain_power(letter: str, k: int) -> str:
    return letter if k == 1 else f"{letter}^{k}"


def html_power(letter: str, k: int) -> str:
    return f"<i>{letter}</i>" if k == 1 else f"<i>{letter}</i><sup>{k}</sup>"


def symbols(c: FloatArray, power: Callable[[int], str]) -> str:
    """sum_k c_k q^k as it is written, long ones by their first terms and the last."""
    places = c.nonzero()[0].tolist()
    shown = places if len(places) <= _WRITTEN else [*places[: _WRITTEN - 1], places[-1]]
    terms = [("-" if c[k] < 0 else "+") + " " + _term(abs(float(c[k])), power(k) if k else "") for k in shown]
    if len(places) > _WRITTEN:
        terms.insert(-1, f"{terms[-1][0]} ...")
    return " ".join(terms).removeprefix("+ ").replace("- ", "-", int(terms[0][0] == "-"))


def _term(size: float, symbol: str) -> str:
    """A coefficient before its power of q, as a ratio where it is one."""
    ratio = Fraction(size).limit_denominator(10**6)
    if abs(float(ratio) - size) > 1e-15 * size:
        return f"{size:.4g} {symbol}".rstrip()
    above, below = ratio.as_integer_ratio()
    factor = "" if above == 1 and symbol else str(above)
    return f"{factor} {symbol}".strip() + (f"/{below}" if below > 1 else "")
