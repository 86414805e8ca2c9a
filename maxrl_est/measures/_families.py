"""Families of objectives with their weights at the nodes of one quadrature, and the members closest to a weight.

A member is given with its weight as the family computes it, from powers of one sign: from its coefficients, of mixed
signs for pass^k, floats would lose it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.measures._bernstein import nodes
from maxrl_est.measures._nearest import Weight
from maxrl_est.objectives import Objective

Member: TypeAlias = tuple[Objective, FloatArray]  # and its weight (P,)

SIMPLE = tuple(sorted({Fraction(a, b) for b in (1, 2, 3, 4) for a in range(1, 4 * b + 1)} - {Fraction(1)}))
_GRID = 64  # values of Tsallis' q in [0, 4] from which the search starts
_TRIPLES = 64  # rollouts, up to which mixtures of three are tried
_TRIED = 8  # of the best mixtures
ALL_OF = 320  # attempts; of more, coefficients in powers of q are above 1e100


class Families:
    """All members that groups of n estimate, beside one weight."""

    def __init__(self, weight: Weight) -> None:
        self.n = weight.n
        p, share = nodes(self.n)
        self.root = np.sqrt(share)
        self.p, self.ours = p, weight.at(p)
        self.powers = (1 - p)[:, None] ** np.arange(self.n)

    def common(self) -> Iterator[Member]:
        """The closest of J_1..J_n and of pass@1..pass@n."""
        yield self._closest(np.cumsum(self.powers, axis=1), Objective.maxrl)
        yield self._closest(self.powers * np.arange(1, self.n + 1), Objective.pass_at)

    def rare(self) -> Iterator[Member]:
        """The closest of pass^1..pass^n, and of Tsallis' family at orders n and n - 1."""
        attempts = np.arange(1, min(self.n, ALL_OF) + 1)
        yield self._closest(attempts * self.p[:, None] ** (attempts - 1), Objective.all_of)
        for order in range(max(3, self.n - 1), self.n + 1):
            yield from self._tsallis(order)

    def pairs(self) -> Iterator[Member]:
        """The closest mixtures of two pass@k."""
        return self._mixtures(2)

    def triples(self) -> Iterator[Member]:
        """The closest mixtures of three pass@k, in groups of up to 64: there are n^3 / 6 of them."""
        return self._mixtures(3) if self.n <= _TRIPLES else iter(())

    def _mixtures(self, terms: int) -> Iterator[Member]:
        """Those with positive shares of the sets that explain most; in small groups any weight would be a mixture."""
        if self.n < 2 * terms:
            return
        family = self.root[:, None] * self.powers * np.arange(1, self.n + 1)
        sizes = np.sqrt((family**2).sum(axis=0))
        units, ours = family / sizes, self.root * self.ours
        for places in _best_sets(units, ours, terms):
            shares = np.linalg.lstsq(units[:, places], ours)[0] / sizes[places]
            if (shares > 0).all():
                found = dict(zip((k + 1 for k in places), _simple(shares.tolist(), self.n), strict=True))
                yield mixture(found), (family[:, places] @ shares) / self.root

    def _tsallis(self, order: int) -> Iterator[Member]:
        """The closest member of this order: the best q of a grid, then halving steps around it; as simple fractions."""

        def cosine(q: float) -> float:
            return float(_cosines(self.root * self.ours, (self.root * self._of_q(q, order))[:, None])[0])

        around, step = np.linspace(0, 4, _GRID + 1)[1:], 4 / _GRID
        best = max(around.tolist(), key=cosine)
        while step > 1e-7:
            step /= 2
            best = max((best - step, best, best + step), key=cosine)
        for q in (min(SIMPLE, key=lambda q: abs(q - best)), Fraction(best).limit_denominator(1000)):
            yield Objective.tsallis(q, order), self._of_q(float(q), order)

    def _of_q(self, q: float, order: int) -> FloatArray:
        k = np.arange(1, order)
        return np.asarray(self.powers[:, :order] @ np.cumprod([1.0, *((q + k - 1) / k)]))

    def _closest(self, family: FloatArray, make: Callable[[int], Objective]) -> Member:
        best = int(_cosines(self.root * self.ours, self.root[:, None] * family).argmax())
        return make(best + 1), family[:, best]


def mixture(shares: Mapping[int, Fraction]) -> Objective:
    """sum_k shares[k] pass@k.

    >>> mixture({2: Fraction(1, 3), 5: Fraction(1, 7)}).name
    '1/7 pass@5 + 1/3 pass@2'
    """
    c = [Fraction(0)] * max(shares)
    for k, share in shares.items():
        c[k - 1] = k * share
    parts = [f"{_share(shares[k])}{f'pass@{k}' if k > 1 else 'J_1'}" for k in sorted(shares, reverse=True)]
    return Objective.from_coefficients(c, " + ".join(parts))


def _share(share: Fraction) -> str:
    if share == 1:
        return ""
    return f"{share} " if share.denominator < 10_000 else f"{float(share):.4g} "


def _simple(shares: Sequence[float], n: int) -> list[Fraction]:
    """The shares as ratios of small numbers if all are, to 9 digits; else as the floats that they are."""
    for most in (n, 4 * n, n * n, 4 * n * n):
        ratios = [Fraction(share).limit_denominator(most) for share in shares]
        if all(abs(ratio - share) <= 1e-9 * share for ratio, share in zip(ratios, shares, strict=True)):
            return ratios
    return [Fraction(share) for share in shares]


def _best_sets(units: FloatArray, ours: FloatArray, terms: int) -> list[list[int]]:
    """The sets of columns (P, n) of length 1 that explain most of a vector (P,), by their products with one another."""
    gram, with_ours = units.T @ units, units.T @ ours
    sets = np.array(list(itertools.combinations(range(units.shape[1]), terms)))
    inner = gram[sets[:, :, None], sets[:, None, :]]
    sides = with_ours[sets]
    solved = np.linalg.solve(inner + 1e-14 * np.eye(terms), sides[..., None])[..., 0]
    explained = (solved * sides).sum(axis=1)
    return [places.tolist() for places in sets[np.argsort(-explained)[:_TRIED]]]


def _cosines(ours: Array, family: FloatArray) -> FloatArray:
    """The squared cosine between one vector (P,) and each column (P, m), times its squared length."""
    return np.asarray((ours @ family) ** 2 / (family**2).sum(axis=0))
