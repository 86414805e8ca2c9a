"""Draws that bring more than a likelihood: their means are by name, and what has no name or is no draw is refused."""

import pytest
import sympy as sp

from .checking import Algebra, Domain, Refuted, eq
from .checking.statistics import Mean, N, S_i, grad, l_i, l_j, p
from .steps.draws import IndependentDraws, Subsets

k, T = sp.symbols("k T", integer=True)
u_i, m_u = sp.symbols("u_i m_u", real=True)
ROLLOUT = ((l_i, p), (S_i, sp.S.Zero), (l_i * S_i, grad), (u_i, m_u))
OTHER = ((l_j, p), (l_j**2, m_u))
RULE, ANY = IndependentDraws((ROLLOUT, OTHER), Algebra()), Domain(sp.Ge(N, 2))
SOME = Domain(sp.Ge(k, 1), sp.Le(k, N - 1))


def refused(relation, domain=ANY, rule=RULE):
    with pytest.raises(Refuted):
        rule.check(relation, domain)
    return True


def test_a_product_over_two_draws_has_the_product_of_their_means():
    RULE.check(eq(Mean((u_i + l_j) * l_j), m_u * p + m_u), ANY)
    RULE.check(eq(Mean(l_j * l_i * S_i), p * grad), ANY)
    assert refused(eq(Mean(l_j**2), p**2))  # one draw twice is no two draws
    assert refused(eq(Mean(l_j * S_i), grad))


@pytest.mark.parametrize("product", [u_i * l_i, u_i**2, 1 / u_i, sp.exp(l_i), l_i**l_j, 1 / (l_i + l_j)])
def test_what_has_no_name_has_no_known_mean(product):
    assert refused(eq(Mean(product), Mean(product)))


def test_what_is_random_stands_in_a_mean():
    assert refused(eq(Mean(l_i) + u_i, p + u_i))


def test_draws_that_share_a_symbol_are_not_independent():
    both = IndependentDraws((ROLLOUT, ((l_i, p), (l_j, p))), Algebra())
    assert refused(eq(Mean(l_i * l_j), p**2), rule=both)


def test_a_product_over_others_is_a_power_where_so_many_are_there():
    failed = Subsets(k, 1 - l_j)
    RULE.check(eq(Mean(failed * l_i * S_i), (1 - p) ** k * grad), SOME)
    RULE.check(
        eq(Mean(sp.Sum(failed, (k, 0, T))), sp.Sum((1 - p) ** k, (k, 0, T))), Domain(sp.Ge(T, 0), sp.Le(T, N - 1))
    )
    assert refused(eq(Mean(failed), (1 - p) ** k), Domain(sp.Ge(k, 1), sp.Le(k, N)))
    assert refused(eq(Mean(failed), (1 - p) ** k), Domain(sp.Le(k, N - 1)))


@pytest.mark.parametrize(
    "unknown",
    [
        Subsets(k, 1 - l_j) * l_j,  # j may be in the subset
        Subsets(k, 1 - l_j) ** 2,
        Subsets(k, 1 - l_j) * Subsets(1, l_j),
        Subsets(k, l_i) * l_i,
        Subsets(k, l_i * l_j),
        Subsets(k, Subsets(k, l_j)),
        Subsets(k, l_j**3),
        Subsets(k, u_i**2 * 0 + 2),  # of nobody
    ],
)
def test_a_statistic_of_the_others_beside_one_of_them_is_refused(unknown):
    assert refused(eq(Mean(unknown), Mean(unknown)), SOME)
