"""Tables of doubles: that each is the nearest to a root of a polynomial, or to a value there, in exact arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp
from sympy.core.relational import Relational

from ..checking.claim import Refuted, Rule
from ..checking.domain import Domain
from ..checking.enclosures import Interval, enclose, point
from ..checking.identities import sides

WIDTH = 180  # bits after the point to which a root is enclosed


@dataclass(frozen=True, slots=True)
class NodeTable:
    """Nodes and weights of the rule with so many nodes."""

    count: int
    nodes: tuple[float, ...]
    weights: tuple[float, ...]


def legendre(n: int, x: sp.Expr) -> sp.Expr:
    """P_n(x) in powers of t = (x + 1)/2; P_{-1} is 1."""
    return sum((c * ((x + 1) / 2) ** k for k, c in enumerate(coefficients(n))), sp.S.Zero)


def coefficients(n: int) -> list[int]:
    """Those of P_n(2t - 1), from the constant on."""
    n = max(n, -n - 1)
    return [(-1) ** (n + k) * math.comb(n, k) * math.comb(n + k, k) for k in range(n + 1)]


def sign(polynomial: list[int], t: Fraction) -> int:
    """The sign of a polynomial with integer coefficients at t."""
    value, scale = 0, 1
    for c in reversed(polynomial):
        value, scale = value * t.numerator + c * scale, scale * t.denominator
    return (value > 0) - (value < 0)


def around(x: float) -> tuple[Fraction, Fraction]:
    """Between which numbers x is the nearest double: the midpoints to its neighbours."""
    below, above = (Fraction(math.nextafter(x, end)) for end in (-math.inf, math.inf))
    return (below + Fraction(x)) / 2, (above + Fraction(x)) / 2


def root(polynomial: list[int], low: Fraction, high: Fraction, bits: int = WIDTH) -> Interval:
    """An interval of so many bits in which the polynomial changes sign, as it does from low to high."""
    at_low = sign(polynomial, low)
    if at_low * sign(polynomial, high) >= 0:
        raise Refuted(f"no change of sign between {float(low)} and {float(high)}")
    while high - low > Fraction(1, 1 << bits):
        middle = Fraction(int((low + high) * (1 << bits)), 1 << bits + 1)
        low, high = (middle, high) if sign(polynomial, middle) == at_low else (low, middle)
    return Interval(low, high)


def _at(expression: sp.Expr, degree: sp.Symbol, count: int) -> sp.Expr:
    """The expression for so many nodes, with its Legendre polynomials written out."""

    def written(n: sp.Expr, x: sp.Expr) -> sp.Expr:
        n = n.subs(degree, count)
        if not n.is_Integer:
            raise Refuted(f"{n} is no degree")
        return legendre(int(n), x)

    return expression.replace(sp.legendre, written).subs(degree, count)


@dataclass(frozen=True)
class RoundedRoots(Rule):
    """For each table, the equation has as many solutions as there are nodes, and rounded they are the nodes.

    Its sides change order between the midpoints to a node's neighbours; as many changes as the degree are all roots.
    """

    t: sp.Symbol
    degree: sp.Symbol
    tables: tuple[NodeTable, ...]

    certificate = "the table"

    def check(self, relation: Relational, domain: Domain) -> None:
        """Look for the changes of sign."""
        left, right = sides(relation)
        for table in self.tables:
            try:
                polynomial = sp.Poly(_at(left, self.degree, table.count) - _at(right, self.degree, table.count), self.t)
            except sp.PolynomialError as reason:
                raise Refuted(f"{relation} is no polynomial") from reason
            whole = [int(c) for c in reversed(polynomial.clear_denoms()[1].all_coeffs())]
            if polynomial.degree() != len(table.nodes) or sorted(set(table.nodes)) != list(table.nodes):
                raise Refuted(f"{table.count} nodes are not as many as the degree, in order")
            for node in table.nodes:
                low, high = around(node)
                if sign(whole, low) * sign(whole, high) >= 0:
                    raise Refuted(f"no root of the polynomial of degree {table.count} rounds to {node}")


@dataclass(frozen=True)
class RoundedWeights(Rule):
    """For each table, the right side at the roots of P_m(2t - 1) rounds to the weights, of which the left side is."""

    t: sp.Symbol
    weight: sp.Symbol
    degree: sp.Symbol
    tables: tuple[NodeTable, ...]

    certificate = "the table"

    def check(self, relation: Relational, domain: Domain) -> None:
        """Enclose every root, then the right side there."""
        left, right = sides(relation)
        for table in self.tables:
            polynomial, value = coefficients(table.count), _at(right, self.degree, table.count)
            for node, weight in zip(table.nodes, table.weights, strict=True):
                there = {self.t: root(polynomial, *around(node)), self.degree: point(table.count)}
                allowed = enclose(left, there | {self.weight: Interval(*around(weight))})
                found = enclose(value, there)
                if not allowed.low < found.low <= found.high < allowed.high:
                    raise Refuted(f"with {table.count} nodes, {float(found.low)} does not round to {weight}")
