"""The rule for products, factor by factor, accepts what holds and refuses every way in which an induction can fail."""

import pytest
import sympy as sp

from .checking import Domain, Manifest, Refuted, eq, le, lt
from .circle.ratios import Ratios

k = sp.Symbol("k", integer=True)
x, y = sp.symbols("x y", real=True)
below = Domain(sp.Ge(k, 0), sp.Ge(x, 0), sp.Ge(y, x))


def powers(**changes) -> Ratios:
    fields = {"on": k, "start": 0, "of_smaller": x, "of_larger": y, "then": Manifest(y - x)}
    return Ratios(**(fields | changes))


def test_powers_compare_as_their_bases_do():
    powers().check(le(x**k, y**k), below)


@pytest.mark.parametrize(
    ("relation", "rule", "domain"),
    [
        pytest.param(le(y**k, x**k), powers(of_smaller=y, of_larger=x), below, id="the ratios compare the other way"),
        pytest.param(le(x**k, 2 * y**k), powers(), below, id="the sides differ at the start"),
        pytest.param(le(x**k, y**k), powers(of_smaller=x / 2), below, id="a ratio is another side's"),
        pytest.param(le(x**k, y**k), powers(start=1), below, id="the domain begins before the start"),
        pytest.param(lt(x**k, y**k), powers(), below, id="the relation is strict"),
        pytest.param(eq(x**k, y**k), powers(), below, id="the relation is an equation"),
        pytest.param(
            le(x**k, y**k), powers(), Domain(sp.Ge(k, 0), sp.Ge(y, x)), id="a ratio may be negative: (-2)^2 > 1^2"
        ),
        pytest.param(
            le(x**k, y**k),
            powers(),
            Domain(sp.Ge(k, 0), sp.Ge(k, x), sp.Ge(x, 0), sp.Ge(y, x)),
            id="points are missing",
        ),
    ],
)
def test_a_false_induction_is_refused(relation, rule, domain):
    with pytest.raises(Refuted):
        rule.check(relation, domain)


def test_an_induction_is_over_integers():
    z = sp.Symbol("z", real=True)
    with pytest.raises(Refuted, match="does not reach"):
        powers(on=z).check(le(x**z, y**z), Domain(sp.Ge(z, 0), sp.Gt(x, 0), sp.Ge(y, x)))
