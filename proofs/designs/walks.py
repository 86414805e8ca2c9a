"""Groups whose size rewards decide: in how many orders a rule can draw so many successes and failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import sympy as sp

from ..checking.statistics import p

Rule = Callable[[int, int], bool]  # whether to stop at so many successes and failures


def endings(stops: Rule, most: int) -> Counter[tuple[int, int]]:
    """The orders of rollouts that can be drawn, at most so many, by the successes and failures at their end."""
    here, found = Counter({(0, 0): 1}), Counter[tuple[int, int]]()
    for size in range(1, most + 1):
        drawn = Counter[tuple[int, int]]()
        for (s, f), orders in here.items():
            drawn[s + 1, f] += orders
            drawn[s, f + 1] += orders
        here = Counter({at: orders for at, orders in drawn.items() if size < most and not stops(*at)})
        found += drawn - here
    return found


def weight(
    stops: Rule, most: int, success: Callable[..., sp.Expr], failure: Callable[..., sp.Expr], p: sp.Expr = p
) -> sp.Expr:
    """The multiple of grad p that is ascended: given the order, a success has the mean score grad p / p."""
    q, total = 1 - p, sp.S.Zero
    for (s, f), orders in endings(stops, most).items():
        up = success(s, f) * s * p ** (s - 1) * q**f if s else sp.S.Zero
        down = failure(s, f) * f * p**s * q ** (f - 1) if f else sp.S.Zero
        total += orders * (up - down) / sp.Integer(s + f)
    return total
