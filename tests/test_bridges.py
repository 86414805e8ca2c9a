"""Formulas of the ledger have the values that sympy gives them, by another way than sympy's."""

from fractions import Fraction as F

import pytest
import sympy as sp

from maxrl_est.selftest.bridges import evaluate, value_of

a, b, j, k, m = sp.symbols("a b j k m")
VALUES = {a: F(2, 3), b: F(-5, 2), m: F(4)}
FORMULAS = {
    "sum": sp.Sum(a**k * sp.binomial(m, k) * b ** (m - k), (k, 0, m)),
    "double sum": sp.Sum(a * k + j**2, (k, 0, j), (j, 1, m)),
    "empty sum": sp.Sum(1 / k, (k, 1, 0)) + a,
    "sum that runs backwards": sp.Sum(k**2, (k, 6, 2)),
    "powers": (a - b) ** -3 + a**m * (b + sp.Rational(5, 2)) ** 0,
    "zero to the zero": sp.Pow(b + sp.Rational(5, 2), m - 4, evaluate=False),
    "binomials": sp.binomial(m, 2) + sp.binomial(m, 7) + sp.binomial(-m, 3) + sp.factorial(m),
    "integral": sp.Integral(k ** (m - 1) * (1 - a * k), (k, 0, 1)),
}


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_a_value_is_that_of_sympy(formula):
    expected = formula.subs({symbol: sp.Rational(value) for symbol, value in VALUES.items()}).doit()
    assert value_of(formula, VALUES) == F(int(expected.p), int(expected.q))


def test_functions_are_called_with_values():
    f = sp.Function("f")
    call = lambda node, values: value_of(node.args[0], values) ** 2  # noqa: E731
    assert value_of(3 * f(a + k) - b, VALUES | {k: F(1, 3)}, call, (f,)) == 3 + F(5, 2)


def test_what_has_no_rational_value_is_an_error():
    with pytest.raises(AssertionError):
        value_of(sp.sqrt(m + 1), VALUES)
    with pytest.raises(AssertionError):
        evaluate(a + b, {a: 1})
