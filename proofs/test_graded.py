"""The rules beside the claims on graded rewards refuse what they have no argument for, and what is false."""

import pytest
import sympy as sp

from .checking import Algebra, Domain, Refuted, eq, lt
from .checking.polynomials import Polynomial
from .checking.rewards import K, m, q_i
from .checking.statistics import OTHERS, E, Flips, M, Mean, N, S_i, grad, l_i, p
from .graded.lifts import AffineInLevels, AtEachLevel, Levels, P, P_grad, Rounded, tau
from .graded.normalised_heights import failure, success, work, x, y
from .graded.standardised import Advantage, Standardised

ANY = Domain(sp.Ge(N, 2))
ROUNDED = Rounded(Polynomial(p, Algebra()))
AT_LEVELS = AtEachLevel(Polynomial(p, Algebra()))
AFFINE = AffineInLevels(Algebra())


def total(f, p=p):
    """Of f over the others' successes, with their chances: it is f where f does not depend on m."""
    return sp.Sum(sp.binomial(N - 1, m) * p**m * (1 - p) ** (N - 1 - m) * f, (m, 0, N - 1))


def over_levels(f):
    return sp.Integral(f, (tau, 0, 1))


def refused(rule, relation, domain=ANY):
    with pytest.raises(Refuted):
        rule.check(relation, domain)
    return True


def test_flips_are_rewards_only_where_a_mean_is_of_them_alone():
    flip, expected = Flips(l_i * S_i), total(grad)
    ROUNDED.check(eq(Mean(flip), expected), ANY)
    assert refused(ROUNDED, eq(Mean(l_i * flip), expected))  # E[l^2 S] under graded rewards
    assert refused(ROUNDED, eq(Mean(flip * flip), expected))
    assert refused(ROUNDED, eq(Mean(l_i * S_i), expected))  # true, but of rewards and not of flips
    assert refused(ROUNDED, eq(flip, expected))
    assert refused(ROUNDED, eq(Mean(Flips(Levels(l_i) * S_i)), total((Levels(1) - Levels(0)) * grad)))


def test_levels_are_compared_one_by_one_and_not_multiplied():
    above, chance = Mean(Levels(l_i)), over_levels(total(P, P))
    AT_LEVELS.check(eq(above, chance), ANY)
    assert refused(AT_LEVELS, eq(above**2, over_levels(total(P, P) ** 2)))  # a square's integral is no square
    assert refused(AT_LEVELS, eq(above, over_levels(total(P**2, P))))
    assert refused(AT_LEVELS, eq(above, over_levels(total(p, P))))
    assert refused(AT_LEVELS, eq(above, sp.Integral(total(P, P), (tau, 0, 2))))
    assert refused(AT_LEVELS, eq(Mean(Levels(tau * l_i)), over_levels(total(tau * P, P))))
    assert refused(AT_LEVELS, eq(Mean(Levels(q_i * S_i)), over_levels(total(P_grad, P))))
    some_chance = Domain(sp.Ge(N, 2), sp.Gt(p, 0), sp.Lt(p, 1))  # but at some levels P is 0
    assert refused(AtEachLevel(Algebra()), eq(above, chance), some_chance)


def test_only_what_is_affine_is_integrated_by_its_arguments():
    mean = 1 - E(1, OTHERS)
    AFFINE.check(eq(Levels(M / (N - 1)), mean), ANY)
    assert refused(AFFINE, eq(Levels(l_i * M / (N - 1)), l_i * mean))
    assert refused(AFFINE, eq(Levels(l_i**2), l_i**2))  # it is l_i
    assert refused(AFFINE, eq(Levels(sp.Function("a")(M)), sp.Function("a")((N - 1) * mean)))
    assert refused(AFFINE, eq(Levels(sp.KroneckerDelta(M, 0)), sp.KroneckerDelta((N - 1) * mean, 0)))
    assert refused(AFFINE, eq(Levels(sp.floor(l_i)), sp.floor(l_i)))
    assert refused(AFFINE, eq(Levels(tau * l_i), tau * l_i))
    assert refused(AFFINE, eq(Levels(M / (N - 1)), mean), Domain(sp.Ge(N, 1)))  # there are no others


def test_standardised_values_are_known_beside_their_own_count_alone():
    rule, domain = Standardised((success, failure), Algebra()), ANY.given(sp.Lt(x, y))
    rule.check(eq(work(x, y), work(0, 1)), domain)
    assert refused(rule, eq(work(x, y), work(0, 1)), ANY)  # y may be below x, which turns the ranks
    assert refused(rule, eq(work(x, y), 2 * work(0, 1)), domain)

    def beside(count):
        return sp.Sum(Advantage(success, count), (K, 1, N - 2))

    assert refused(rule, eq(beside(K + 1), beside(K + 1)), domain)
    assert refused(rule, lt(beside(K), 2 * beside(K)), domain)
