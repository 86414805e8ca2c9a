"""The rules of `checking.calculus` accept what is true; no pole, jump or missing case slips by."""

import pytest
import sympy as sp

from .checking import Algebra, Domain, Manifest, Refuted, eq, le, lt
from .checking.calculus import Orders, Slopes, Times, WrittenOut

k, T = sp.symbols("k T", integer=True)
s, x, y = sp.symbols("s x y", real=True)

algebra, one = Algebra(), sp.S.One
around = Domain(sp.Ge(x, -1), sp.Le(x, 2))
unit = Domain(sp.Gt(x, 0), sp.Le(x, 1))
inverse_square = eq(sp.Integral(1 / s**2, (s, x, 1)), 1 / x - 1)
log_orders = eq(sp.Derivative(sp.log(x), (x, k)), (-1) ** (k - 1) * sp.factorial(k - 1) / x**k)


@pytest.mark.parametrize(
    ("rule", "relation", "domain"),
    [
        (Slopes(x, 1, algebra), eq(sp.log(x), -sp.log(1 / x)), Domain(sp.Gt(x, 0))),
        (Slopes(x, 1, algebra), inverse_square, unit),
        (Slopes(x, 1, Manifest((1 - x) / x)), le(sp.log(x), x - 1), unit),
        (Slopes(T, 0, algebra), eq(sp.Sum(k, (k, 1, T)), T * (T + 1) / 2), Domain(sp.Ge(T, 0))),
        (Manifest(x**2, algebra), lt(1 - x, 1 - x + x**2), unit),
        (Orders(k, 0), eq(sp.Derivative(sp.exp(x), (x, k)), sp.exp(x)), Domain(sp.Ge(k, 0))),
        (Orders(k, 1), log_orders, Domain(sp.Ge(k, 1), sp.Gt(x, 0))),
        (WrittenOut(algebra), eq(sp.Subs(sp.Derivative(x**2, x), x, 3), 6), Domain()),
        (Times(x, Manifest(1 - x)), le(1, 1 / x), unit),
    ],
)
def test_what_is_true_is_accepted(rule, relation, domain):
    rule.check(relation, domain)


@pytest.mark.parametrize(
    ("rule", "relation", "domain"),
    [
        (Slopes(x, 1, algebra), eq(sp.log(x**2), 2 * sp.log(x)), around),
        (Slopes(x, 1, algebra), eq(sp.sqrt(x**2), x), around),
        (Slopes(x, 1, algebra), eq(sp.floor(x), 1), around),
        (Slopes(x, 1, algebra), eq(1 / x, 1 / x), around),
        (Slopes(x, 1, algebra), eq(sp.Sum(x**k / k, (k, 0, T)), sp.Sum(x**k / k, (k, 0, T))), unit),
        (Slopes(x, 0, algebra), inverse_square, Domain(sp.Ge(x, 0), sp.Le(x, 1))),
        (Slopes(x, 1, algebra), inverse_square, Domain(sp.Gt(x, 0))),
        (Slopes(x, 0, Manifest(2 * x - 2 * y)), le(2 * x * y, x**2), Domain(sp.Ge(x, y), sp.Ge(x, 0))),
        (Slopes(x, 0, Manifest(one)), lt(0, x), Domain(sp.Ge(x, 0))),
        (Slopes(x, 1, Manifest(one)), le(1, x), around),
        (Slopes(x, 1, Manifest(one)), le(1, x), unit),
        (Slopes(T, sp.S.Half, algebra), eq(T, T), Domain(sp.Ge(T, 0))),
        (Slopes(T, 1, algebra), eq(sp.Sum(k, (k, 1, T)), T * (T + 1) / 2), Domain(sp.Ge(T, -3))),
        (Manifest(x**2 - x, algebra), le(1 - x, 1 - 2 * x + x**2), unit),
        (Manifest(x**3, algebra), le(1 - x, 1 - x + x**2), unit),
        (Orders(k, 1), log_orders, Domain(sp.Ge(k, 1))),
        (Orders(k, 1), log_orders, Domain(sp.Ge(k, 0), sp.Gt(x, 0))),
        (Orders(k, 1), log_orders, Domain(sp.Ge(k, 1), sp.Ge(x, 1), sp.Le(x, 1))),
        (Orders(k, 1), eq(sp.Derivative(x, (x, k)), 1), Domain(sp.Ge(k, 1), sp.Gt(x, 0))),
        (WrittenOut(algebra), eq(sp.Subs(1 / x, x, 0), 6), Domain()),
        (WrittenOut(algebra), eq(sp.Sum(k, (k, 1, -5)), 0), Domain()),
        (Times(-one, Manifest(one)), le(0, -1), Domain()),
        (Times(x - 1, Manifest(one)), le(0, -1), unit),
    ],
)
def test_what_is_false_or_not_defined_is_refuted(rule, relation, domain):
    with pytest.raises(Refuted):
        rule.check(relation, domain)
