"""Rational bounds: of constants, of functions on an interval, and the rules that rest on them.

Every number is enclosed between two rationals and every rounding goes outward, so what is shown of the enclosure holds
of the number. exp and log are their series with the remainder bounded; no floating point is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import reduce

import sympy as sp
from sympy.core.relational import Relational

from .claim import Refuted, Rule
from .domain import Domain
from .identities import differentiated
from .inequalities import gap

BITS = 192  # to which enclosures are rounded


@dataclass(frozen=True, slots=True)
class Interval:
    """All numbers from low to high."""

    low: Fraction
    high: Fraction

    def __add__(self, other: Interval) -> Interval:
        return outward(self.low + other.low, self.high + other.high)

    def __mul__(self, other: Interval) -> Interval:
        ends = [x * y for x in (self.low, self.high) for y in (other.low, other.high)]
        return outward(min(ends), max(ends))

    def power(self, n: int) -> Interval:
        """The n-th power, for an integer n."""
        if n < 0:
            if self.low <= 0 <= self.high:
                raise Refuted("division by an interval with zero in it")
            return outward(1 / self.high, 1 / self.low).power(-n)
        ends = [self.low**n, self.high**n] + [Fraction(0)] * (n > 0 and self.low <= 0 <= self.high)
        return outward(min(ends), max(ends))


def point(value: Fraction | int) -> Interval:
    """The interval of one number."""
    return Interval(Fraction(value), Fraction(value))


def outward(low: Fraction, high: Fraction) -> Interval:
    """An interval around low..high whose ends have few digits."""
    return Interval(_floor(low), -_floor(-high))


def _floor(x: Fraction) -> Fraction:
    shift = BITS + x.denominator.bit_length() - x.numerator.bit_length()
    if shift < 0 or x.denominator.bit_length() <= BITS:
        return x
    return Fraction((x.numerator << shift) // x.denominator, 1 << shift)


def exponential(x: Fraction) -> Interval:
    """exp(x) = exp(y)^(2^r) with |y| <= 1/2, by its series; what is left of it is below twice its first term."""
    halvings = max(0, math.ceil(abs(x)).bit_length() + 1)
    y, term, total, n = x / 2**halvings, Fraction(1), Fraction(0), 0
    while abs(term) > Fraction(1, 2 ** (BITS + 16)):
        total, n = total + term, n + 1
        term = term * y / n
    result = outward(total - 2 * abs(term), total + 2 * abs(term))
    for _ in range(halvings):
        result = result.power(2)
    return result


def logarithm(x: Fraction) -> Interval:
    """log x = n log 2 + 2 artanh(z), for z = (y - 1)/(y + 1) and y = x / 2^n between 1/2 and 2."""
    if x <= 0:
        raise Refuted(f"log({x}) is no real number")
    n = x.numerator.bit_length() - x.denominator.bit_length()

    def near_one(y: Fraction) -> Interval:
        z = (y - 1) / (y + 1)
        terms = range(1, 2 * BITS, 2)  # z is at most 1/3 in size: what is left is below 9/8 of its first term
        total, rest = sum(z**k / k for k in terms), 2 * abs(z) ** (terms[-1] + 2)
        return outward(2 * total - rest, 2 * total + rest)

    return near_one(x / Fraction(2) ** n) + point(n) * near_one(Fraction(2))


def root(x: Fraction) -> Interval:
    """The square root, by that of an integer."""
    if x < 0:
        raise Refuted(f"sqrt({x}) is no real number")
    scale = 1 << 2 * BITS
    below = math.isqrt(x.numerator * scale // x.denominator)
    return Interval(Fraction(below, 1 << BITS), Fraction(below + 1, 1 << BITS))


def enclose(expression: sp.Expr, box: Mapping[sp.Basic, Interval]) -> Interval:
    """An interval that holds every value of the expression for symbols in the box."""
    if expression in box:
        return box[expression]
    if expression.is_Rational:
        return point(Fraction(int(expression.p), int(expression.q)))
    if expression is sp.E:
        return exponential(Fraction(1))
    inner = [enclose(argument, box) for argument in expression.args]
    if isinstance(expression, sp.Add):
        return reduce(Interval.__add__, inner)
    if isinstance(expression, sp.Mul):
        return reduce(Interval.__mul__, inner)
    if isinstance(expression, sp.exp):
        return _monotone(exponential, inner[0])
    if isinstance(expression, sp.log) and len(inner) == 1:
        return _monotone(logarithm, inner[0])
    if isinstance(expression, sp.factorial) and _integer(inner[0]) >= 0:
        return point(math.factorial(_integer(inner[0])))
    if isinstance(expression, sp.Pow):
        base, exponent = inner
        if 2 * exponent.low == 2 * exponent.high == 1:
            return _monotone(root, base)
        if _integer(exponent) >= 0 or base.low > 0 or base.high < 0:
            return base.power(_integer(exponent))
    raise Refuted(f"no bounds are known for {expression}")


def _monotone(function: Callable[[Fraction], Interval], x: Interval) -> Interval:
    return Interval(function(x.low).low, function(x.high).high)


def _integer(x: Interval) -> int:
    if x.low != x.high or x.low.denominator != 1:
        raise Refuted(f"{x.low}..{x.high} is no integer")
    return int(x.low)


@dataclass(frozen=True)
class Enclosure(Rule):
    """One number is below another, and their ratio is, in the digits given, what the certificate says.

    Symbols have the values listed, and the domain must say so.
    """

    ratio: str  # of the smaller to the larger, correct to half a unit of its last digit
    at: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()

    def check(self, relation: Relational, domain: Domain) -> None:
        """Enclose both sides and compare them, then their ratio."""
        gap(relation)
        box = {symbol: enclose(sp.sympify(value), {}) for symbol, value in self.at}
        for symbol, value in self.at:
            if not domain.nonnegative(symbol - value) or not domain.nonnegative(value - symbol):
                raise Refuted(f"{symbol} may be another number than {value}")
        small, large = (enclose(differentiated(side), box) for side in (relation.lts, relation.gts))
        if not small.high < large.low or large.low <= 0:
            raise Refuted(f"{relation.lts} is not below {relation.gts}, or both are negative")
        quotient, said = small * large.power(-1), Decimal(self.ratio)
        half_unit = Fraction(10) ** int(said.as_tuple().exponent) / 2
        if not Fraction(said) - half_unit <= quotient.low <= quotient.high <= Fraction(said) + half_unit:
            raise Refuted(f"the ratio is {float(quotient.low)}, not {self.ratio}")
