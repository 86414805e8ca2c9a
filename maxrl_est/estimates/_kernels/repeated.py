"""Exact groups of few distinct likelihoods, by how often each occurs: 0/1 rewards, above all.

What a rollout gets depends on its likelihood and on the others', so it is worked out once for each distinct value. The
elementary symmetric polynomials e_k of m_u copies of a_u are the coefficients of P(x) = prod_u (1 + a_u x)^m_u. By
``P' prod_u (1 + a_u x) = P sum_u m_u a_u prod_{v != u} (1 + a_v x)`` each follows from as many before it as there are
values, in integers. E_k is e_k / C(N-1, k).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any, TypeAlias

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.elementwise import distinct
from maxrl_est.objectives._numbers import in_one_unit

MOST = 16  # distinct values, up to which it is the shorter way

Copies: TypeAlias = dict[Fraction, int]  # how often each value occurs


def fill_few(values: Array, out: Array, of_others: Callable[[Copies], Any]) -> Array:
    """Fill the rows of out (B, N) whose exact groups have few distinct values; whether each row is left over (B,).

    ``of_others`` takes how often each value occurs among the others.
    """
    left, known = np.ones(len(values), dtype=bool), dict[Any, Any]()
    if values.dtype != object:
        return left
    objects, which = distinct(values)
    ratios = [value.as_integer_ratio() for value in objects]
    for g, row in enumerate(which):
        occurring, place, counts = np.unique(row, return_inverse=True, return_counts=True)
        own = [ratios[u] for u in occurring]
        copies = Counter[tuple[int, int]]()
        for ratio, count in zip(own, counts.tolist(), strict=True):
            copies[ratio] += count
        if len(copies) > MOST:
            continue
        found = {}
        for ratio in copies:
            others = copies - Counter((ratio,))
            key = frozenset(others.items())
            if key not in known:
                known[key] = of_others({Fraction(*x): count for x, count in others.items()})
            found[ratio] = known[key]
        out[g] = np.array([*(found[ratio] for ratio in own), None], dtype=object)[place]
        left[g] = False
    return left


class Weights:
    """sum_k c_k E_k of the others' values, for coefficients (T,) and N - 1 others, as integers over one unit."""

    def __init__(self, coefficients: Iterable[Any], count: int) -> None:
        ways = accumulate(range(count), lambda ways, k: ways * (count - k) // (k + 1), initial=1)
        self._shares = [Fraction(c) / way for c, way in zip(coefficients, ways, strict=False)]
        self._by_unit: dict[int, tuple[list[int], int]] = {}

    def __call__(self, others: Copies) -> Fraction:
        values, unit = in_one_unit(others)
        if unit not in self._by_unit:
            powers = accumulate(self._shares[1:], lambda power, _: power * unit, initial=1)
            self._by_unit[unit] = in_one_unit(share / power for share, power in zip(self._shares, powers, strict=True))
        shares, whole = self._by_unit[unit]
        symmetric = _elementary(list(zip(values, others.values(), strict=True)))
        return Fraction(sum(share * e for share, e in zip(shares, symmetric, strict=False)), whole)


def mean(others: Copies) -> Fraction:
    """The mean of the others."""
    return sum((x * count for x, count in others.items()), Fraction(0)) / sum(others.values())


def product(others: Copies) -> Fraction:
    """The product of the others."""
    return math.prod((x**count for x, count in others.items()), start=Fraction(1))


def _elementary(copies: Sequence[tuple[int, int]]) -> Iterator[int]:
    """e_0, e_1, ... of m copies of a for each (a, m), as long as they are not all 0."""
    kept = [(a, m) for a, m in copies if a]
    product, slope = [1], [0]  # of 1 + a x over the values; the sum over u with m_u a_u in the place of one of them
    for a, m in kept:
        slope = _plus(_times(slope, a), [m * a * x for x in product])
        product = _times(product, a)
    last = [1]  # e_k, e_{k-1}, ...
    for k in range(sum(m for _, m in kept) + 1):
        yield last[0]
        total = sum(x * e for x, e in zip(slope, last, strict=False))
        total -= sum(x * (k + 1 - j) * e for j, (x, e) in enumerate(zip(product[1:], last, strict=False), start=1))
        last = [total // (k + 1), *last[: len(kept)]]


def _times(polynomial: Sequence[int], a: int) -> list[int]:
    """The polynomial times 1 + a x."""
    return _plus([*polynomial, 0], [0, *(a * x for x in polynomial)])


def _plus(one: Sequence[int], other: Sequence[int]) -> list[int]:
    size = max(len(one), len(other))
    return [x + y for x, y in zip([*one, *[0] * (size - len(one))], [*other, *[0] * (size - len(other))], strict=True)]
