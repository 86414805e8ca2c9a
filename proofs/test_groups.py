"""Formal groups: an identity holds for every advantage, and what only looks like one is refuted."""

import pytest
import sympy as sp

from .ascent.curl import Weights
from .ascent.groups import SHARED, Drawn, Draws, Supposing, a, b, h, r, w, x, y, y_0
from .checking import Algebra, Domain, Refuted, eq
from .checking.statistics import Mean, N

j, k = sp.symbols("j k", integer=True)
u = sp.Symbol("u", real=True)
ALGEBRA, ANY = Algebra(), Domain(sp.Ge(N, 2))


def accepts(rule, relation, domain=ANY):
    try:
        rule.check(relation, domain)
    except Refuted:
        return False
    return True


def test_a_group_is_the_same_in_any_order_and_not_with_one_member_twice():
    assert accepts(ALGEBRA, eq(h(w + x + y), h(y + w + x)))
    assert not accepts(ALGEBRA, eq(h(w + x + y), h(w + 2 * x)))
    assert accepts(ALGEBRA, eq(h((N - 1) * r + x), h(N * r + x - r)))


def test_two_members_of_a_group_have_the_shared_number_in_common_and_not_the_baseline():
    group = w + x + y
    rule = Supposing(a, SHARED, ALGEBRA)
    assert accepts(rule, eq(a(x, group) - a(y, group), b(w + y) - b(w + x)))
    assert not accepts(rule, eq(a(x, group), a(y, group)))
    assert not accepts(rule, eq(a(x, group) - a(y, group), b(w + x) - b(w + y)))
    assert not accepts(rule, eq(h(group), h(group)))  # what is supposed of a says nothing here


def test_a_draw_joins_draws_of_the_same_law():
    drawn = Drawn(ALGEBRA)
    more, all_of_them = Mean(h(y_0 + Draws(j) + r)), Mean(h(Draws(j + 1) + r))
    assert accepts(drawn, eq(more, all_of_them))
    assert accepts(drawn, eq(Mean(2 * h(y_0 + Draws(j) + r) - N * h(r)), 2 * all_of_them - N * h(r)))
    assert not accepts(drawn, eq(more, Mean(h(Draws(j) + r))))
    assert not accepts(drawn, eq(more, Mean(h(Draws(j + 1) + 2 * r))))
    assert not accepts(drawn, eq(Mean(h(Draws(j)) ** 2), Mean(h(Draws(j))) ** 2))


@pytest.mark.parametrize(
    "unknown",
    [
        Mean(a(y_0, y_0 + Draws(j))),  # knows which member was drawn last
        Mean(h(2 * y_0 + Draws(j))),
        Mean(h(y_0 + Draws(j)) * h(Draws(j))),
        Mean(h(y_0 + Draws(j)) * h(Draws(k))),
        Mean(h(y_0)),
        h(y_0 + Draws(j)),
    ],
)
def test_a_draw_that_is_more_than_one_member_of_a_group_is_refuted(unknown):
    assert not accepts(Drawn(ALGEBRA), eq(unknown, unknown))


def test_a_weight_of_less_than_no_members_is_refuted():
    """C(N, N + 1) is 0, so that a sum that goes too far has the right value."""
    R = sp.Function("R")

    def total(last):
        return sp.Sum(sp.binomial(N, k) * u ** (N - k) * R(k), (k, 0, last))

    positive = ANY.given(sp.Gt(u, 0))
    assert accepts(ALGEBRA, eq(total(N + 1), total(N)), positive)
    assert accepts(Weights(ALGEBRA), eq(total(N), total(N)), positive)
    assert not accepts(Weights(ALGEBRA), eq(total(N + 1), total(N)), positive)
