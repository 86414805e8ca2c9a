"""Numbers to four decimals, with every rounding proved: integrals of polynomials are exact, the rest is enclosed."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp
from sympy.core.relational import Relational
from sympy.polys.rings import PolyRing

from ..checking.claim import Refuted, Rule
from ..checking.domain import Domain
from ..checking.enclosures import enclose
from ..checking.identities import sides


class Rounded(sp.Function):
    """The nearest multiple of 1/10000."""

    nargs = 1

    def _latex(self, printer: sp.printing.latex.LatexPrinter, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\operatorname{{round}}_4{power}\left({printer._print(self.args[0])}\right)"


@dataclass(frozen=True)
class Decimals(Rule):
    """Both sides are the same decimal. Symbols have the values listed, and the domain must say so."""

    at: tuple[tuple[sp.Symbol, sp.Expr], ...]

    def check(self, relation: Relational, domain: Domain) -> None:
        """Enclose what is rounded so tightly that its decimal is decided."""
        for symbol, value in self.at:
            if not domain.nonnegative(symbol - value) or not domain.nonnegative(value - symbol):
                raise Refuted(f"{symbol} may be another number than {value}")
        box = {symbol: enclose(sp.sympify(value), {}) for symbol, value in self.at}

        def rounded(argument: sp.Expr) -> sp.Expr:
            number = enclose(argument.replace(lambda node: isinstance(node, sp.Integral), _integrated), box)
            nearest = {math.floor(10_000 * end + Fraction(1, 2)) for end in (number.low, number.high)}
            if len(nearest) > 1:
                raise Refuted(f"{argument} is too close to the middle of two decimals")
            return sp.Rational(nearest.pop(), 10_000)

        left, right = (side.replace(Rounded, rounded) for side in sides(relation))
        if not (left.is_Rational and right.is_Rational and left == right):
            raise Refuted(f"{left} is not {right}")


@functools.lru_cache(maxsize=256)
def _integrated(total: sp.Integral) -> sp.Expr:
    """An integral of a polynomial between rational limits."""
    ring = PolyRing(sorted(total.function.free_symbols, key=str), sp.QQ)
    try:
        result = sp.Poly.from_dict(dict(ring.from_expr(total.function)), *ring.symbols, domain="QQ")
    except (ValueError, sp.CoercionFailed) as reason:
        raise Refuted(f"{total.function} is no polynomial") from reason
    for variable, low, high in total.limits:
        if not (low.is_Rational and high.is_Rational) or variable not in result.gens:
            raise Refuted(f"{total} is no integral of a polynomial between numbers")
        of = result.integrate(variable)
        difference = sp.sympify(of.eval(variable, high)).as_expr() - sp.sympify(of.eval(variable, low)).as_expr()
        gens = [symbol for symbol in result.gens if symbol != variable]
        if not gens:
            return sp.expand(difference)
        result = sp.Poly(difference, *gens, domain="QQ")
    return result.as_expr()
