"""The checker accepts what is true and refutes what is false, and no pole, empty range or missing case slips by."""

import ast
import itertools
import math
import random
import sys
from fractions import Fraction
from pathlib import Path

import pytest
import sympy as sp

from .checking import (
    Algebra,
    Antiderivative,
    Domain,
    Independence,
    Induction,
    Manifest,
    Recurrence,
    Refuted,
    Slopes,
    SplitOff,
    Telescoping,
    Vertices,
    eq,
    le,
    lt,
)
from .checking.algebra import equal
from .checking.perturbation import perturbations
from .checking.rewards import GivenOthers
from .checking.statistics import GROUP, OTHERS, REST, E, Flips, M, Mean, N, S_i, Survival, grad, l_i, p
from .integral.integrand_bounds import Concave
from .variance.centred import Uncorrelated, e, v, z_j

j, k, n, K, T = sp.symbols("j k n K T", integer=True)
t, x, y = sp.symbols("t x y", real=True)
binomial = sp.binomial


def accepts(rule, relation, domain):
    try:
        rule.check(relation, domain)
    except Refuted:
        return False
    return True


# Domains


def test_linear_consequences_are_those_of_all_integer_points():
    """Against enumeration: what is proved holds at every point, and most of what holds is proved."""
    rng, symbols = random.Random(0), (n, K, T)
    box = [bound for symbol in symbols for bound in (sp.Ge(symbol, -3), sp.Le(symbol, 6))]
    proved = held = 0
    for _ in range(150):
        rows = [[rng.randint(-2, 2) or 1, *(rng.randint(-2, 2) for _ in range(3))] for _ in range(4)]
        forms = [sp.Add(*(c * symbol for c, symbol in zip(row, symbols, strict=False)), row[-1]) for row in rows]
        value, constraints = forms[0] + 6, [sp.Ge(form, 0) for form in forms[1:]]
        at = [
            [sum(c * x for c, x in zip(row, point, strict=False)) + row[-1] for row in rows]
            for point in itertools.product(range(-3, 7), repeat=3)
        ]
        holds = all(first + 6 > 0 for first, *others in at if min(others) >= 0)
        answer = Domain(*constraints, *box).positive(value)
        assert holds or not answer
        proved, held = proved + answer, held + holds
    assert held > 20
    assert proved > 0.8 * held


@pytest.mark.parametrize(
    ("value", "positive", "nonnegative"),
    [
        (x, False, True),
        (1 - x, True, True),
        (x**2 - 2 * x + 1, False, False),  # true, but not by signs of parts: no answer is no proof
        ((1 - x) ** n, True, True),
        (x**n, False, True),
        (1 - x**n, False, True),
        (-x, False, False),
        (-(1 - x) * (x - 1), True, True),
        (sp.exp(-x), True, True),
        (1 - sp.exp(-x), False, True),
        (sp.log(1 - x), False, False),
        (binomial(n, k), False, True),
        (sp.factorial(n), True, True),
        (sp.factorial(k), False, False),
        (1 / (1 - x), True, True),
        (1 / x, False, False),
        (y**2, False, True),
        (1 + y**2, True, True),
        (E(k, OTHERS), False, True),
        (1 - E(k, OTHERS), False, True),
    ],
)
def test_signs_follow_from_the_parts(value, positive, nonnegative):
    domain = Domain(sp.Ge(x, 0), sp.Lt(x, 1), sp.Ge(n, 0))
    assert domain.positive(value) == positive
    assert domain.nonnegative(value) == nonnegative


def test_strict_inequalities_between_integers_are_sharpened_and_those_between_reals_are_not():
    assert Domain(sp.Gt(n, 0)).nonnegative(n - 1)
    assert not Domain(sp.Gt(x, 0)).nonnegative(x - 1)
    assert Domain(sp.Gt(2 * n, 1)).positive(n)


def test_a_domain_reaches_a_value_only_if_all_its_points_may_take_it():
    assert Domain(sp.Ge(T, 1), sp.Le(T, N)).reaches(T, sp.S.One)
    assert not Domain(sp.Ge(T, 2), sp.Le(T, N)).reaches(T, sp.S.One)
    assert not Domain(sp.Gt(x, 0)).reaches(x, sp.S.Zero)


# Normal forms

CASES = [
    (binomial(n, k) * (n - k), binomial(n, k + 1) * (k + 1), True),
    (binomial(n, k) * (n - k), binomial(n, k + 1) * k, False),
    (binomial(n + 1, k), binomial(n, k) + binomial(n, k - 1), True),
    (binomial(n + 1, k), binomial(n, k) + binomial(n, k + 1), False),
    (sp.factorial(n + 2) / sp.factorial(n), (n + 1) * (n + 2), True),
    (x ** (n + 2), x**2 * x**n, True),
    (x ** (n + 2), x**3 * x**n, False),
    (sp.exp(2 * x + y), sp.exp(x) ** 2 * sp.exp(y), True),
    (sp.exp(2 * x + y), sp.exp(x) * sp.exp(y), False),
    (sp.sqrt(1 + x) ** 3, (1 + x) * sp.sqrt(1 + x), True),
    (sp.sqrt(1 + x) ** 3, sp.sqrt(1 + x), False),
    ((-1) ** (n + 1), -((-1) ** n), True),
    ((-1) ** n * (-1) ** n, 1, True),
    (sp.harmonic(n + 2), sp.harmonic(n) + 1 / (n + 1) + 1 / (n + 2), True),
    (sp.harmonic(n + 2), sp.harmonic(n) + 1 / (n + 1), False),
    (sp.Sum(k * binomial(n, k), (k, 1, n)), n * sp.Sum(binomial(n - 1, k), (k, 0, n - 1)), True),
    (sp.Sum(x**k, (k, 0, n + 1)) - sp.Sum(x**k, (k, 0, n)), x ** (n + 1), True),
    (sp.Sum(x**k, (k, 0, n + 1)) - sp.Sum(x**k, (k, 0, n)), x**n, False),
    (sp.Integral(t * x, (t, 0, 1)), x * sp.Integral(t, (t, 0, 1)), True),
    (sp.Integral(t * x, (t, 0, 1)), x * sp.Integral(t, (t, 0, 2)), False),
]


@pytest.mark.parametrize(("left", "right", "expected"), CASES)
def test_equal_expressions_have_one_normal_form(left, right, expected):
    domain = Domain(sp.Ge(n, 1), sp.Ge(k, 0), sp.Ge(x, 0))
    assert equal(left, right, domain) == expected


@pytest.mark.parametrize(("left", "right", "expected"), CASES)
def test_what_has_one_normal_form_has_one_value(left, right, expected):
    """The same by numbers, so that the checker's own tests do not rest on the checker."""
    values = [
        (left - right).subs({n: a, k: b, x: c, y: Fraction(1, 3)}).doit()
        for a, b, c in itertools.product((1, 2, 5), (0, 1, 3, 7), (Fraction(1, 2), 2))
    ]
    assert all(abs(sp.N(value)) < 1e-12 for value in values) == expected


def test_a_binomial_beyond_its_row_is_zero_and_not_a_pole():
    domain = Domain(sp.Ge(n, 0), sp.Ge(K, n + 1))
    assert equal(binomial(n, K), 0, domain)
    assert equal(K * binomial(0, K - 1 + 1), 0, Domain(sp.Ge(K, 0)))  # only K = 0 is left, and there K is 0


@pytest.mark.parametrize(
    ("left", "right", "known"),
    [
        (x / (x + x * y), 1 / (1 + y), sp.Gt(x, 0)),
        (sp.gamma(x + 1) / x, sp.gamma(x), sp.Gt(x, 0)),
        (binomial(n, k) / binomial(n - 1, k), n / (n - k), sp.Le(k, n - 1)),
    ],
)
def test_what_may_be_infinite_is_refuted(left, right, known):
    domain = Domain(sp.Ge(x, 0), sp.Ge(y, 0), sp.Ge(k, 0), sp.Ge(n, 1))
    assert equal(left, right, domain.given(known))
    with pytest.raises(Refuted):
        equal(left, right, domain)


# Sums


def test_a_certificate_with_a_pole_in_the_range_is_refuted():
    """sympy's gosper_sum gives 1/((k-2)(k-3)) a finite sum over 0..5, though two of its terms are infinite."""
    term = 1 / ((k - 2) * (k - 3))
    partial = -(k - 3)  # sum up to k of the term is -1/(k-2) + constant, where nothing is infinite
    total, value = sp.Sum(term, (k, 4, n)), 1 - 1 / (n - 2)
    assert accepts(Telescoping(partial), eq(total, value), Domain(sp.Ge(n, 4)))
    for low in (0, 2, 3):
        wrong = eq(sp.Sum(term, (k, low, n)), value)
        assert not accepts(Telescoping(partial), wrong, Domain(sp.Ge(n, low)))


def test_the_term_beyond_the_range_is_not_used():
    """For T = N the next term is C(N-K, N) / C(N-1, N), a zero over a zero."""
    term = binomial(N - K, k) / binomial(N - 1, k)
    rule, total = Telescoping(-(N - K - k) / K), sp.Sum(term, (k, 0, T - 1))
    value = N / K * (1 - binomial(N - K, T) / binomial(N, T))
    constraints = sp.Ge(K, 1), sp.Le(K, N), sp.Ge(T, 1)
    assert accepts(rule, eq(total, value), Domain(*constraints, sp.Le(T, N)))
    assert not accepts(rule, eq(total, value), Domain(*constraints, sp.Le(T, N + 1)))
    assert not accepts(rule, eq(total, value), Domain(sp.Ge(K, 0), *constraints[1:], sp.Le(T, N)))  # K = 0


def test_a_wrong_certificate_is_refuted_even_if_the_claim_is_true():
    total, value = sp.Sum(k, (k, 1, n)), n * (n + 1) / 2
    assert accepts(Telescoping((k + 1) / 2), eq(total, value), Domain(sp.Ge(n, 1)))
    assert not accepts(Telescoping((k + 2) / 2), eq(total, value), Domain(sp.Ge(n, 1)))
    assert not accepts(Telescoping((k + 1) / 2), eq(total, value), Domain(sp.Ge(n, 0)))  # an empty sum


def test_induction_needs_its_base_its_step_and_its_domain():
    total, value = sp.Sum(k, (k, 1, n)), n * (n + 1) / 2
    rule, domain = Induction(n), Domain(sp.Ge(n, 1))
    assert accepts(rule, eq(total, value), domain)
    assert not accepts(rule, eq(total, value + 1), domain)  # right step, wrong base
    assert not accepts(rule, eq(total, n), domain)  # right base, wrong step
    assert not accepts(rule, eq(sp.Sum(k * n, (k, 1, n)), n * value), domain)  # the term depends on n
    assert not accepts(rule, eq(total, value), Domain(sp.Ge(n, 5)))  # the base is no point of the domain


def test_an_antiderivative_must_be_finite_where_it_is_used():
    rule = Antiderivative(-1 / t)
    assert accepts(rule, eq(sp.Integral(1 / t**2, (t, x, 1)), 1 / x - 1), Domain(sp.Gt(x, 0), sp.Le(x, 1)))
    assert not accepts(rule, eq(sp.Integral(1 / t**2, (t, -1, 1)), -2), Domain())


# Inequalities


def test_a_looser_bound_is_refuted_though_it_is_true():
    domain = Domain(sp.Ge(x, 0), sp.Le(x, 1))
    assert accepts(Manifest(x * (1 - x)), le(x**2, x), domain)
    assert not accepts(Manifest(x * (1 - x)), le(x**2, 2 * x), domain)
    assert not accepts(Manifest(x * (1 - x)), lt(x**2, x), domain)  # equal at the ends
    assert not accepts(Manifest(x * (1 - x)), le(x**2, x), Domain(sp.Ge(x, 0)))
    assert not accepts(Manifest(x * (1 - x)), eq(x**2, x), domain)


def test_slopes_need_the_start_the_form_and_its_sign():
    relation, slope = le(1 + x, sp.exp(x)), sp.exp(x) - 1
    assert not accepts(
        Slopes(x, 0, Manifest(slope)), relation, Domain(sp.Ge(x, 0))
    )  # the sign of exp(x) - 1 is not plain
    relation, slope = le(1 - sp.exp(-x), x), 1 - sp.exp(-x)
    assert accepts(Slopes(x, 0, Manifest(slope)), relation, Domain(sp.Ge(x, 0)))
    assert not accepts(
        Slopes(x, 0, Manifest(slope)), relation, Domain(sp.Ge(x, 1))
    )  # the start is no point of the domain
    assert not accepts(Slopes(x, 0, Manifest(slope)), le(1 - sp.exp(-x), x + 1), Domain(sp.Ge(x, 0)))
    bernoulli, increase = le((1 - x) ** n * (1 + n * x), 1), (1 - x) ** n * x**2 * (n + 1)
    assert accepts(Slopes(n, 0, Manifest(increase)), bernoulli, Domain(sp.Ge(n, 0), sp.Ge(x, 0), sp.Le(x, 1)))
    assert not accepts(Slopes(n, 0, Manifest(increase)), bernoulli, Domain(sp.Ge(n, 0), sp.Ge(x, 0), sp.Le(x, 2)))


def test_concave_needs_both_ends_and_the_curvature():
    relation, curvature = le((1 - t) ** x, 1 - t * x), sp.log(1 - t) ** 2 * (1 - t) ** x
    inside = Domain(sp.Ge(x, 0), sp.Le(x, 1), sp.Ge(t, 0), sp.Lt(t, 1))
    assert accepts(Concave(x, 0, 1, curvature), relation, inside)
    assert not accepts(Concave(x, 0, 2, curvature), relation, Domain(sp.Ge(x, 0), sp.Le(x, 2), *inside.constraints[2:]))
    assert not accepts(Concave(x, 0, 1, curvature), relation, Domain(sp.Ge(x, 0), *inside.constraints[2:]))


# Statistics of a group

domain = Domain(sp.Ge(T, 1), sp.Le(T, N))
weight = sp.Sum(E(k, OTHERS), (k, 0, T - 1))


def test_splitting_off_a_rollout_is_the_definition_on_an_example():
    q = [Fraction(1, 2), Fraction(1, 3), Fraction(1), Fraction(1, 5)]

    def mean(of, size):
        subsets = list(itertools.combinations(of, size))
        return Fraction(sum(map(math.prod, subsets)), len(subsets))

    for size in (1, 2, 3):
        split = (1 - k / N) * E(k, OTHERS) + k / N * (1 - l_i) * E(k - 1, OTHERS)
        values = {E(size, OTHERS): mean(q[1:], size), E(size - 1, OTHERS): mean(q[1:], size - 1)}
        got = split.subs({k: size, N: 4, l_i: 1 - q[0]}).subs(values)
        assert got == sp.Rational(mean(q, size))
        assert accepts(SplitOff(), eq(E(k, GROUP), split), Domain(sp.Ge(k, 1), sp.Le(k, N - 1)))


def test_a_weight_that_sees_its_own_rollout_is_not_unbiased():
    series = grad * sp.Sum((1 - p) ** k, (k, 0, T - 1))
    unit = domain.given(sp.Ge(p, 0), sp.Le(p, 1))
    assert accepts(Independence(Algebra()), eq(Mean(weight * l_i * S_i), series), unit)
    for wrong in (
        Mean(sp.Sum(E(k, GROUP), (k, 0, T - 1)) * l_i * S_i),
        Mean(weight * l_i**2 * S_i),
        Mean(weight * S_i),
        Mean(weight * l_i),
    ):
        assert not accepts(Independence(Algebra()), eq(wrong, series), unit)


@pytest.mark.parametrize(
    "unknown", [E(k, OTHERS) * E(j, OTHERS), l_i**3, sp.exp(l_i), E(k, OTHERS) * Survival(t, OTHERS), 1 / E(k, OTHERS)]
)
def test_a_mean_that_is_not_known_is_refuted(unknown):
    assert not accepts(Independence(Algebra()), eq(Mean(unknown), Mean(unknown)), domain)


def test_0_1_likelihoods_decide_multi_affine_statistics_only():
    full = Domain(sp.Ge(N, 1))
    all_powers = sp.Sum(E(k, OTHERS), (k, 0, N - 1))
    by_certificate = Telescoping(-(N - 1 - M - k) / (M + 1))
    rule = Vertices(Algebra(), by_certificate)
    assert accepts(rule, eq(all_powers * l_i, N * Flips(l_i / (l_i + M))), full)
    assert not accepts(rule, eq(all_powers * l_i**2, N * Flips(l_i / (l_i + M))), full)  # equal at 0 and 1 only
    assert not accepts(rule, eq(all_powers * l_i, (N - 1) * Flips(l_i / (l_i + M))), full)
    same = Vertices(Algebra(), Algebra())
    assert not accepts(same, eq(E(k, OTHERS) * l_i**2, E(k, OTHERS) * l_i), full.given(sp.Ge(k, 0), sp.Le(k, N - 1)))
    assert not accepts(same, eq(Flips(l_i) * l_i, Flips(l_i)), full)
    assert not accepts(same, eq(E(1, OTHERS) ** 2, E(1, OTHERS) ** 2 * 1 + 0 * l_i), full)


def test_products_over_different_sets_of_centred_failures_are_uncorrelated():
    """Of two others, on a law with values 1/4 and -1/8 of z: the mean square of 2 + 3 e_1 + 5 e_2 by enumeration."""
    law = {Fraction(1, 4): Fraction(1, 3), Fraction(-1, 8): Fraction(2, 3)}
    square = sum(law[a] * law[b] * (2 + 3 * (a + b) + 5 * a * b) ** 2 for a, b in itertools.product(law, repeat=2))
    spread = sum(chance * z**2 for z, chance in law.items())
    assert square == 4 + 2 * 9 * spread + 25 * spread**2
    c = sp.Function("c")
    estimate = sp.Sum(c(k) * e(k, OTHERS), (k, 0, T - 1))
    said = sp.Sum(binomial(N - 1, k) * c(k) ** 2 * v**k, (k, 0, T - 1))
    assert accepts(Uncorrelated(Algebra()), eq(Mean(estimate**2), said), domain)
    assert not accepts(Uncorrelated(Algebra()), eq(Mean(estimate**2), said + c(0)), domain)
    others = (l_i, z_j, M)  # random, and j is one of the others
    for unknown in (estimate, estimate**3, *(estimate * other * estimate for other in others)):
        assert not accepts(Uncorrelated(Algebra()), eq(Mean(unknown), Mean(unknown)), domain)
    for term in (c(k) * e(k, REST), c(k), e(2 * k, OTHERS)):
        product = Mean(estimate * sp.Sum(term, (k, 0, T - 1)))
        assert not accepts(Uncorrelated(Algebra()), eq(product, product), domain)


# Perturbations


def test_every_number_exponent_bound_and_argument_is_changed():
    relation = eq(sp.Sum(3 * x**k / binomial(n, k), (k, 2, n)), y**5)
    changed = set(perturbations(relation))
    expected = {
        eq(sp.Sum(4 * x**k / binomial(n, k), (k, 2, n)), y**5),
        eq(sp.Sum(3 * x ** (k + 1) / binomial(n, k), (k, 2, n)), y**5),
        eq(sp.Sum(3 * x**k / binomial(n + 1, k), (k, 2, n)), y**5),
        eq(sp.Sum(3 * x**k / binomial(n, k + 1), (k, 2, n)), y**5),
        eq(sp.Sum(3 * x**k / binomial(n, k), (k, 3, n)), y**5),
        eq(sp.Sum(3 * x**k / binomial(n, k), (k, 2, n + 1)), y**5),
        eq(2 * sp.Sum(3 * x**k / binomial(n, k), (k, 2, n)), y**5),
        eq(relation.lhs, y**6),
        eq(relation.lhs, 2 * y**5),
    }
    assert expected <= changed
    assert relation not in changed


m = sp.Symbol("m", integer=True)
total = sp.Sum


@pytest.mark.parametrize(
    ("rule", "relation", "where"),
    [
        (
            Algebra(),
            eq(total(k * total(m**2, (m, 0, n)), (k, 0, n)), total(k**2 * total(m, (m, 0, n)), (k, 0, n))),
            [sp.Ge(n, 0)],
        ),
        (Telescoping((k + 1) / (2 * k)), eq(k * total(1, (k, 1, n)), n * (n + 1) / 2), [sp.Ge(n, 1)]),
        (Independence(Algebra()), eq(Mean(weight), total((1 - p) ** k, (k, 0, T - 1))), [sp.Ge(T, 1)]),
        (SplitOff(), eq(E(k, GROUP), (1 - k / N) * E(k, OTHERS) + k / N * (1 - l_i) * E(k - 1, OTHERS)), [sp.Ge(k, 1)]),
        (GivenOthers(Algebra()), eq(Mean(weight * l_i), p * total((1 - p) ** k, (k, 0, T - 1))), [sp.Ge(T, 1)]),
        (Independence(Algebra()), eq(Mean(M * l_i), M * p), []),
        (Algebra(), eq(sp.Derivative(E(k, GROUP), l_i), 0), []),
        (Algebra(), eq((-1) ** (2 * x), 1), []),
        (Algebra(), eq(sp.harmonic(T + 1), sp.harmonic(T) + 1 / (T + 1)), [sp.Ge(T, -5)]),
        (Manifest(sp.Integral(t, (t, 1, x))), le(0, sp.Integral(t, (t, 1, x))), [sp.Ge(x, 0), sp.Le(x, 1)]),
        (Slopes(y, 0, Manifest(1)), lt(0, y), [sp.Ge(y, 0)]),
        (Slopes(x, y, Manifest(2 * (x - y))), le(2 * x * y, x**2 + y**2 - 1), [sp.Ge(x, y)]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Algebra | Telescoping) else None,
)
def test_what_looks_like_a_proof_and_is_none_is_refuted(rule, relation, where):
    assert not accepts(rule, relation, Domain(sp.Ge(N, 1), *where))


def test_a_recurrence_must_reach_all_of_its_domain():
    """sum_k C(n,k) = 2^n c, where c(T) is 1 at T = 1, 2 only: with T < n the start n = 0 says nothing."""
    claim = eq(sp.Sum(binomial(n, k), (k, 0, n)), 2**n * (1 + (T - 1) / sp.factorial(T - 1)))
    rule = Recurrence(n, 0, -binomial(n, k - 1) / 2, ahead=sp.S.Half)
    true = eq(claim.lhs, 2**n)
    assert accepts(rule, true, Domain(sp.Ge(n, 0)))
    assert not accepts(rule, claim, Domain(sp.Ge(T, 1), sp.Le(T, n - 1)))
    assert not accepts(rule, true, Domain(sp.Ge(n, 2)))


def test_the_proofs_import_sympy_and_the_standard_library_alone():
    """A bug of the numeric package cannot vouch for itself."""
    allowed = {"sympy", "pytest", *sys.stdlib_module_names}
    for path in Path(__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert {alias.name.partition(".")[0] for alias in node.names} <= allowed, path
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module.partition(".")[0] in allowed, path
