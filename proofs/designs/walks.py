"""Groups whose size rewards decide: every order in which a rule can draw successes and failures."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from ..checking.statistics import p

Rule = Callable[[int, int], bool]  # whether to stop at so many successes and failures


def endings(stops: Rule, most: int, s: int = 0, f: int = 0) -> list[tuple[int, int]]:
    """Successes and failures at the end of every order of rollouts that can be drawn, at most so many."""
    if s + f == most or (s + f and stops(s, f)):
        return [(s, f)]
    return endings(stops, most, s + 1, f) + endings(stops, most, s, f + 1)


def weight(stops: Rule, most: int, success: Callable[..., sp.Expr], failure: Callable[..., sp.Expr]) -> sp.Expr:
    """The multiple of grad p that is ascended: given the order, a success has the mean score grad p / p."""
    q, total = 1 - p, sp.S.Zero
    for s, f in endings(stops, most):
        a = sp.sympify(success(s, f)) if s else sp.S.Zero
        b = sp.sympify(failure(s, f)) if f else sp.S.Zero
        total += (a * s * p ** (s - 1) * q**f - b * f * p**s * q ** (f - 1)) / sp.Integer(s + f)
    return total
