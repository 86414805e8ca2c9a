"""Objectives against exact rationals and proved enclosures, each beside a wrong version that must fail."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
import tracemalloc
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from flint import arb, arb_poly, ctx, fmpq, fmpq_poly

from maxrl_est.objectives import Objective

HALF = Fraction(1, 2)
TOLERANCE = 4  # ulp; measured worst over 4500 p and orders 1 to 10^6: MaxRL 1.17, pass@k 2.21, Tsallis 1.43
CONSTRUCTORS = {
    "maxrl": Objective.maxrl,
    "pass_at": Objective.pass_at,
    "tsallis(1/2)": lambda order: Objective.tsallis(HALF, order),
    "tsallis(2)": lambda order: Objective.tsallis(2, order),
    "tsallis(0.3)": lambda order: Objective.tsallis(0.3, order),
}
SMALL = [make(order) for make in CONSTRUCTORS.values() for order in (1, 2, 3, 7)] + [
    Objective.from_coefficients([HALF, -2, 0, 0.1], name="signs")
]
RATIONALS = [Fraction(k, 12) for k in range(13)]
ENDS = [0.0, 5e-324, 1e-310, 1e-300, 1e-20, 1.0]
MIDDLE = [2**-53, 1e-12, 1e-9, 1e-7, 1e-6, 1.7e-5, 1e-4, 3e-3, 0.01, 0.07, 0.1, 0.2, 0.25, 1 / 3, 0.5, 0.6]
PLAIN_SUM_FAILS = [6.226174080325199e-05, 0.0026805402180320433]  # 5 ulp for Tsallis at order 1000
NEAR_ONE = [0.725, 0.9, 0.95, 0.99, 1 - 1e-6, 1 - 2**-52, 1 - 2**-53]


# Enclosures: intervals of 256 bits that are proved to hold the exact number.


@pytest.fixture(autouse=True)
def _precision():
    with ctx.workprec(256):
        yield


def ball(x):
    return arb(fmpq(*x.as_integer_ratio()))


def ulps(got, exact):
    """The error of a float, in units in the last place of what it should be."""
    assert exact.rad() <= abs(exact.mid()) * arb(2) ** -100, "the enclosure is too wide to judge by"
    return float(abs(ball(got) - exact)) / math.ulp(float(exact))


@cache
def series(label, order):
    """Enclosing polynomials in 1 - p of w and of J, from the definition of the coefficients."""
    with ctx.workprec(256):
        if label == "pass_at":
            c = [arb(0)] * (order - 1) + [arb(order)]
        else:
            q = ball({"maxrl": 1, "tsallis(1/2)": HALF, "tsallis(2)": 2, "tsallis(0.3)": 0.3}[label])
            c = [arb(1)]
            for k in range(1, order):
                c.append(c[-1] * (q + (k - 1)) / k)
        return arb_poly(c), arb_poly([arb(0), *(-x / k for k, x in enumerate(c, 1))])


def worst_ulps(method, polynomial, points):
    got = method(np.array(points)).tolist()
    return max(ulps(x, polynomial(1 - ball(p))) for x, p in zip(got, points, strict=True))


def naive_weight(objective):
    """A wrong version: powers of the rounded 1 - p."""
    powers = np.arange(objective.order)
    return lambda p: ((1 - p[:, None]) ** powers * objective.coefficients).sum(axis=1)


@pytest.mark.parametrize("order", [1, 2, 3, 10, 100, 1000, 10**4])
@pytest.mark.parametrize("label", CONSTRUCTORS)
def test_value_and_weight_are_accurate_at_every_p_from_0_to_1(label, order):
    objective, (w, J) = CONSTRUCTORS[label](order), series(label, order)
    points = ENDS + MIDDLE + NEAR_ONE + PLAIN_SUM_FAILS + np.random.default_rng(order).random(10).tolist()
    assert worst_ulps(objective.weight, w, points) <= TOLERANCE
    assert worst_ulps(objective.value, J, points) <= TOLERANCE


@pytest.mark.parametrize("label", ["maxrl", "pass_at", "tsallis(0.3)"])
def test_value_and_weight_are_accurate_at_order_a_million(label):
    objective, (w, J) = CONSTRUCTORS[label](10**6), series(label, 10**6)
    points = [5e-324, 1e-9, 8e-7, 1.7e-5, 2e-4, 0.3]
    assert worst_ulps(objective.weight, w, points) <= TOLERANCE
    assert worst_ulps(objective.value, J, points) <= TOLERANCE


def test_powers_of_the_rounded_failure_rate_are_not_accurate_enough():
    objective, (w, _) = Objective.pass_at(10**4), series("pass_at", 10**4)
    points = [1e-3, 3e-3, 0.01]
    assert worst_ulps(naive_weight(objective), w, points) > 100 * TOLERANCE
    assert worst_ulps(objective.weight, w, points) <= TOLERANCE


# (order, p) with (1-p)^order from 1e-290 to less than the smallest float; measured worst: 1.95 ulp.
@pytest.mark.parametrize("k", [20, 1000, 10**6])
@pytest.mark.parametrize("log2", [-960, -1015, -1022, -1040, -1060, -1073, -1080])
def test_results_next_to_underflow_are_as_accurate(k, log2):
    p = -math.expm1(log2 * math.log(2) / k)
    objective, q = Objective.pass_at(k), 1 - ball(p)
    assert ulps(objective.weight(p), k * q ** (k - 1)) <= TOLERANCE
    assert ulps(objective.value(p), -(q**k)) <= TOLERANCE


def test_a_product_with_an_underflowing_power_is_not_accurate_next_to_underflow():
    k = 10**6
    p = -math.expm1(-1070 * math.log(2) / k)
    q = 1 - ball(p)
    assert ulps(k * float(q ** (k - 1)), k * q ** (k - 1)) > 100 * TOLERANCE


@pytest.mark.parametrize("size", [1e-100, 1e100])
def test_extreme_coefficients_are_as_accurate(size):
    objective = Objective.from_coefficients([size, size, size])
    for p in ENDS + MIDDLE + NEAR_ONE:
        q = 1 - ball(p)
        assert ulps(objective.weight(p), ball(size) * (1 + q + q**2)) <= TOLERANCE
        assert ulps(objective.value(p), -ball(size) * (q + q**2 / 2 + q**3 / 3)) <= TOLERANCE


# The expansion of less cancellation.


def alternating(k):
    """pass^k in powers of 1 - p, of sizes up to 1e20 at k = 64."""
    return [(-1) ** j * k * math.comb(k - 1, j) for j in range(k)]


def both_signs(k):
    """J = -p^k - (1 - p)^k, which has terms of both signs in powers of p and of 1 - p."""
    return [*(-c for c in alternating(k)[:-1]), k - alternating(k)[-1]]


@pytest.mark.parametrize("k", [1, 2, 3, 10, 55, 64, 69, 320])
def test_the_chance_that_all_succeed_is_accurate_at_every_p(k):
    for objective in (Objective.all_of(k), Objective.from_coefficients(alternating(k))):
        for p in [x for x in MIDDLE + NEAR_ONE + [1.0] if x**k > 1e-280]:
            assert ulps(objective.weight(p), k * ball(p) ** (k - 1)) <= TOLERANCE
            assert abs(ball(objective.value(p)) - ball(p) ** k + 1) <= TOLERANCE * 2**-53
        assert objective.value([0.0, 1.0]).tolist() == [-1, 0]


def test_powers_of_failures_of_the_chance_that_all_succeed_cancel():
    wrong = np.polynomial.polynomial.polyval(1.0 - 0.01, np.array(alternating(64), np.float64))
    assert abs(wrong) > 10
    assert Objective.all_of(64).weight(0.01) < 1e-120


def test_the_chance_that_all_succeed_is_an_objective_like_others():
    objective = Objective.all_of(64)
    assert objective == Objective.from_coefficients(alternating(64)) != Objective.all_of(63)
    assert Objective.all_of(2) == Objective.from_coefficients([2, -2]) == Objective.from_coefficients([2.0, -2.0])
    assert Objective.all_of(1) == Objective.expected()
    assert hash(objective) == hash(Objective.from_coefficients(alternating(64), "mine"))
    assert pickle.loads(pickle.dumps(objective)).expansion.coefficients.tolist() == [*[0] * 63, 64]
    for p in RATIONALS:
        assert objective.value(p) == p**64 - 1
        assert objective.weight(p) == 64 * p**63
    assert str(Objective.all_of(3)) == "pass^3: J = -1 + p^3, w = 3 p^2"
    assert (
        Objective.all_of(3)._repr_html_() == "<b>pass^3</b>: J = -1 + <i>p</i><sup>3</sup>, w = 3 <i>p</i><sup>2</sup>"
    )


def test_ints_that_numpy_would_round_are_kept():
    c = [2**63, -1, 2**53 + 1]
    assert np.array(c).dtype == np.float64
    assert Objective.from_coefficients(c).rational_coefficients == tuple(c)
    assert Objective.from_coefficients([2**60 + 1, 0.5]).rational_coefficients == (2**60 + 1, HALF)


@pytest.mark.parametrize(
    ("c", "successes", "growth"),
    [
        ([1, 1, 1], False, 1),
        ([-1, 0, -3], False, 1),
        ([1, 0, 0, -1], False, 2),  # 1 - q^3: of both signs, and nothing is lost
        ([-1, 2], False, 3),  # of p (1 - p)
        ([2, -2], True, 1),
        ([1, -1], True, 1),
        ([HALF, -HALF], True, 1),
        (both_signs(8), False, 129),
    ],
)
def test_an_objective_is_computed_in_the_powers_that_cancel_less(c, successes, growth):
    found = Objective.from_coefficients(c).expansion
    assert found.successes == successes
    assert found.growth == pytest.approx(growth, rel=1e-12)


def test_the_expansion_is_the_same_polynomial():
    for objective in [*SMALL, Objective.all_of(5), Objective.from_coefficients(both_signs(6))]:
        found = objective.expansion
        for p in RATIONALS[1:]:
            x = float(p if found.successes else 1 - p)
            got = np.polynomial.polynomial.polyval(x, found.coefficients)
            assert got == pytest.approx(float(objective.weight(p)), rel=1e-13, abs=1e-13)
            got = np.polynomial.polynomial.polyval(x, found.integrated())
            assert got == pytest.approx(float(objective.value(p)), rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("k", [4, 10, 18])
def test_terms_of_both_signs_are_off_by_no_more_than_their_growth(k):
    objective = Objective.from_coefficients(both_signs(k))
    bound = 8 * objective.expansion.growth * 2**-53 * k
    assert bound < 1e-9 * k
    for p in (0.01, 0.3, 0.5, 0.9, 1 - 1e-9):
        exact = k * ((1 - Fraction(p)) ** (k - 1) - Fraction(p) ** (k - 1))
        assert abs(Fraction(objective.weight(p)) - exact) <= bound


def test_objectives_that_cancel_both_ways_are_refused_in_floats_and_exact_in_fractions():
    objective = Objective.from_coefficients(both_signs(40))
    assert objective.weight(Fraction(1, 3)) == 40 * (Fraction(2, 3) ** 39 - Fraction(1, 3) ** 39)
    assert str(objective).startswith("custom: J = ")
    for function in (objective.weight, objective.value, lambda p: objective.expansion):
        with pytest.raises(ValueError, match="objective 'custom' must be computed with Fractions: "):
            function(0.5)


def test_floats_that_are_rounded_where_terms_cancel_are_refused():
    """As floats, the coefficients of pass^64 are those of another polynomial."""
    with pytest.raises(ValueError, match="must be computed with Fractions"):
        Objective.from_coefficients(np.array(alternating(64), np.float64)).weight(0.5)


@pytest.mark.parametrize("k", [2, 64, 1023, 10**4])
def test_the_growth_of_a_narrow_weight_is_not_taken_for_more(k):
    """k p q^(k-1), the baseline of pass@k, has its peak at p = 1/k."""
    c = np.zeros(k + 1)
    c[[-2, -1]] = k, -k
    growth = Objective.from_coefficients(c).expansion.growth
    assert growth == pytest.approx(2 * k / (1 - 1 / k) ** (k - 1), rel=0.05)


def test_long_objectives_of_both_signs_are_made_at_once():
    c = np.zeros(10**5)
    c[[0, -1]] = 1, -1
    assert Objective.from_coefficients(c).expansion.growth == 2


def test_the_closed_form_of_maxrl_agrees_for_every_order():
    p = np.array([1e-300, 1e-9, 1e-4, 0.03, 0.5, 1 - 2**-53])
    for T in (1, 2, 9, 64, 1025, 10**5):
        got = Objective.maxrl(T).weight(p)
        expected, wrong = (-np.expm1(t * np.log1p(-p)) / p for t in (T, T + 1))
        np.testing.assert_allclose(got, expected, rtol=8 * 2**-52)  # measured: 3 * 2^-52
        assert abs(got / wrong - 1).max() > 1 / (2 * T + 1)


# Exact arithmetic.


def interpolated(f, points):
    """The polynomial through (x, f(x)) for x in points, exactly."""
    total = fmpq_poly([0])
    for x in points:
        term = fmpq_poly([fmpq(*f(x).as_integer_ratio())])
        for y in points:
            if y != x:
                term *= fmpq_poly([-fmpq(*y.as_integer_ratio()), 1]) * (1 / fmpq(*(x - y).as_integer_ratio()))
        total += term
    return total


@pytest.mark.parametrize("objective", SMALL, ids=lambda o: o.name)
def test_the_weight_is_the_derivative_of_the_value(objective):
    derivative = interpolated(objective.value, RATIONALS).derivative()
    assert derivative == interpolated(objective.weight, RATIONALS)
    longer = Objective.from_coefficients([*objective.rational_coefficients, 1])
    assert derivative != interpolated(longer.weight, RATIONALS)


@pytest.mark.parametrize("objective", SMALL, ids=lambda o: o.name)
def test_the_weight_is_the_series_of_the_coefficients(objective):
    c = objective.rational_coefficients
    for p in RATIONALS:
        assert objective.weight(p) == sum(x * (1 - p) ** k for k, x in enumerate(c))
    assert objective.weight(HALF) != sum(x * HALF**k for k, x in enumerate(c, 1))


@pytest.mark.parametrize("objective", SMALL, ids=lambda o: o.name)
def test_floats_and_fractions_agree(objective):
    for p in (0.0, 0.3, 0.75, 1.0):
        assert objective.value(p) == pytest.approx(float(objective.value(Fraction(p))), rel=1e-15, abs=0)
        assert objective.weight(p) == pytest.approx(float(objective.weight(Fraction(p))), rel=1e-15, abs=0)
    assert type(objective.value(HALF)) is type(objective.weight(HALF)) is Fraction


def test_maxrl_has_the_closed_form_of_its_own_order_only():
    for T in range(1, 12):
        for p in RATIONALS[1:-1]:
            got = Objective.maxrl(T).weight(p)
            assert got == (1 - (1 - p) ** T) / p
            assert got != (1 - (1 - p) ** (T + 1)) / p


def test_maxrl_falls_with_its_order_from_p_minus_1_towards_log_p():
    for p in RATIONALS[1:-1]:
        values = [Objective.maxrl(T).value(p) for T in range(1, 30)]
        assert values[0] == p - 1
        assert all(after < before for before, after in itertools.pairwise(values))
        assert ball(values[-1]) > ball(p).log() > ball(values[-1] - (1 - p) ** 30 / (30 * p))


def test_pass_at_k_is_the_chance_of_a_success_among_k_less_1():
    for k in range(1, 8):
        for p in RATIONALS:
            got = Objective.pass_at(k).value(p)
            assert got == 1 - (1 - p) ** k - 1
            assert p in (0, 1) or got != 1 - (1 - p) ** (k + 1) - 1


def test_every_objective_is_0_at_p_1_without_a_sign():
    for objective in SMALL:
        assert objective.value(Fraction(1)) == 0
        assert math.copysign(1, objective.value(1.0)) == 1


def test_the_ends_are_exact():
    for T in (1, 5, 1000, 10**5):
        assert Objective.maxrl(T).weight([0.0, 1.0]).tolist() == [T, 1]
        assert Objective.pass_at(T).value([0.0, 1.0]).tolist() == [-1, 0]
        assert Objective.maxrl(T).weight(5e-324) == T
    assert Objective.maxrl(3).value(0) == float(-Fraction(11, 6))


# Coefficients.


def test_tsallis_joins_the_expected_reward_to_maxrl():
    assert Objective.tsallis(0, 9) == Objective.expected() == Objective.maxrl(1) == Objective.pass_at(1)
    assert Objective.tsallis(1, 9) == Objective.tsallis(1.0, 9) == Objective.maxrl(9) != Objective.maxrl(8)
    assert Objective.tsallis(2, 4).coefficients.tolist() == [1, 2, 3, 4]


def test_tsallis_weight_approaches_a_power_of_p():
    for q in (0.3, HALF, 2):
        got = Objective.tsallis(q, 4000).weight([0.02, 0.5])
        np.testing.assert_allclose(got, np.array([0.02, 0.5]) ** -float(q), rtol=1e-14)
        assert abs(Objective.tsallis(q, 4).weight(0.02) / 0.02 ** -float(q) - 1) > 0.1


@pytest.mark.parametrize("q", [0.3, HALF, 2, 7e-99, Fraction(10**30, 7**36), 12.5])
def test_tsallis_coefficients_are_the_nearest_floats(q):
    objective = Objective.tsallis(q, 60)
    exact = [math.prod((Fraction(q) + j) / (j + 1) for j in range(k)) for k in range(60)]
    assert list(objective.rational_coefficients) == exact
    assert objective.coefficients.tolist() == [float(c) for c in exact]


def test_tsallis_coefficients_do_not_drift_at_order_a_million():
    q, order = 0.3, 10**6
    indices = (1, 10, 999, 10**5, order - 1)
    exact = [ball(q).rising(i) / arb(i + 1).gamma() for i in indices]
    got = Objective.tsallis(q, order).coefficients
    assert max(ulps(float(got[i]), c) for i, c in zip(indices, exact, strict=True)) <= 0.51
    k = np.arange(1, order)
    wrong = np.append(1.0, np.cumprod((q + k - 1) / k))
    assert max(ulps(float(wrong[i]), c) for i, c in zip(indices, exact, strict=True)) > 20


def test_given_coefficients_are_kept_exactly_and_trailing_zeros_dropped():
    third, tenth = Fraction(1, 3), Fraction(13421773, 2**27)
    for c, expected in (
        ([third, 0, 2**70 + 1, 0], (third, 0, 2**70 + 1)),
        ([1, 0.5, 0.0], (1, HALF)),
        (np.array([0.1, 3], np.float32), (tenth, 3)),
        ([2**60 + 1, 1], (2**60 + 1, 1)),
        ((np.int64(2), third), (2, third)),
    ):
        objective = Objective.from_coefficients(c)
        assert objective.rational_coefficients == expected
        assert objective.coefficients.tolist() == [float(x) for x in expected]
        assert objective.order == len(expected)


def test_the_given_array_is_copied():
    for dtype in (float, int, object):
        c = np.array([1, 2], dtype)
        objective = Objective.from_coefficients(c)
        c[0] = 5
        assert objective.rational_coefficients == (1, 2)


def test_objectives_are_values():
    first, second = Objective.maxrl(3), Objective.from_coefficients([1, 1, 1, -0.0], "mine")
    assert first == second
    assert hash(first) == hash(second)
    assert {first, second, Objective.maxrl(4)} == {Objective.maxrl(4), second}
    assert first != "J_3"
    with pytest.raises(AttributeError):
        first.name = "other"
    with pytest.raises(ValueError, match="read-only"):
        first.coefficients[0] = 2


def test_objectives_are_equal_by_their_unrounded_coefficients():
    third, rounded = Objective.from_coefficients([Fraction(1, 3)]), Objective.from_coefficients([1 / 3])
    assert third.coefficients.tolist() == rounded.coefficients.tolist()
    assert third != rounded
    assert third == Objective.from_coefficients([Fraction(2, 6), 0])
    nearly = Objective.from_coefficients([1, 1 + Fraction(1, 10**30)])
    assert nearly.coefficients.tolist() == [1, 1]
    assert nearly != Objective.maxrl(2)
    assert Objective.tsallis(0.3, 9) != Objective.tsallis(Fraction(3, 10), 9)
    assert Objective.from_coefficients([1, 1]) == Objective.from_coefficients([1.0, 1.0]) == Objective.maxrl(2)
    assert Objective.from_coefficients(Objective.tsallis(HALF, 9).rational_coefficients) == Objective.tsallis(HALF, 9)


def test_large_objectives_are_compared_without_working_out_their_rationals():
    first, second = (Objective.tsallis(0.3, 10**5) for _ in range(2))  # whose last rational has millions of digits
    assert first == second
    assert first != Objective.from_coefficients(first.coefficients)


@pytest.mark.parametrize(
    ("objective", "J", "w"),
    [
        (Objective.expected(), "-q", "1"),
        (Objective.maxrl(3), "-q - q^2/2 - q^3/3", "1 + q + q^2"),
        (Objective.maxrl(64), "-q - q^2/2 - q^3/3 - ... - q^64/64", "1 + q + q^2 + ... + q^63"),
        (Objective.pass_at(3), "-q^3", "3 q^2"),
        (Objective.tsallis(HALF, 3), "-q - q^2/4 - q^3/8", "1 + q/2 + 3 q^2/8"),
        (Objective.from_coefficients([-1, 0, 2**0.5]), "q - 0.4714 q^3", "-1 + 1.414 q^2"),
        (Objective.from_coefficients([Fraction(2, 3), -1e-80]), "-2 q/3 + 5e-81 q^2", "2/3 - 1e-80 q"),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_printed_objectives_say_what_is_ascended(objective, J, w):
    assert str(objective) == f"{objective.name}: J = {J}, w = {w}, q = 1 - p"


def test_notebooks_show_powers_and_no_markup_of_a_name():
    shown = Objective.from_coefficients([0, 1], "a<b")._repr_html_()
    assert shown == "<b>a&lt;b</b>: J = -<i>q</i><sup>2</sup>/2, w = <i>q</i>, <i>q</i> = 1 - p"


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_are_equal_exact_and_still_read_only(clone):
    for objective in [*SMALL, Objective.from_coefficients([Fraction(1, 3), 1])]:
        got = clone(objective)
        assert got == objective
        assert got.name == objective.name
        assert got.rational_coefficients == objective.rational_coefficients
        assert not got.coefficients.flags.writeable


def test_names_say_what_they_are():
    objectives = [Objective.maxrl(4), Objective.expected(), Objective.pass_at(3), Objective.tsallis(HALF, 8)]
    assert [o.name for o in objectives] == ["J_4", "expected", "pass@3", "tsallis(1/2, 8)"]
    assert repr(objectives[0]) == "Objective(name='J_4', coefficients=array([1., 1., 1., 1.]))"


# Shapes, types and memory.


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3), (1, 1, 1)])
def test_the_result_has_the_shape_of_p(shape):
    p = np.random.default_rng(0).random(shape)
    for method in (Objective.maxrl(5).value, Objective.maxrl(5).weight):
        got = method(p)
        assert np.shape(got) == shape
        assert isinstance(got, float if shape == () else np.ndarray)
        assert got == float(method(float(p))) if shape == () else got.dtype == np.float64


def test_a_result_depends_on_its_own_p_only():
    p = np.random.default_rng(0).random((40, 30))
    p.flags.writeable = False
    objective = Objective.tsallis(HALF, 5000)  # so that the 1200 points take many blocks
    got = objective.weight(p)
    assert got[::13, ::7].tolist() == objective.weight(p[::13, ::7]).tolist()
    assert [objective.weight(x) for x in p[3, :4].tolist()] == got[3, :4].tolist()
    assert objective.weight(p.tolist()).tolist() == got.tolist()


def test_p_of_any_real_type_is_taken_at_its_value():
    objective = Objective.maxrl(3)
    single = np.float32(0.1)
    assert objective.weight(single) == objective.weight(float(single)) != objective.weight(0.1)
    assert objective.weight(np.array([0, 1])).tolist() == [3, 1]
    assert objective.weight(0) == 3
    assert objective.weight(np.ma.array([0.0, 1.0], mask=[False, False])).tolist() == [3, 1]


def test_nothing_is_signalled_under_strict_floating_point_errors():
    with np.errstate(all="raise"):
        got = Objective.pass_at(10**5).value([0.0, 0.007, 0.5, 1.0])
    assert got[0] == -1
    assert got[1] < 0
    assert got[2:].tolist() == [0, 0]


def test_memory_does_not_grow_with_the_number_of_points():
    objective, p = Objective.maxrl(10**5), np.linspace(0, 1, 100)  # 76 MiB for one array of all terms
    tracemalloc.start()
    objective.value(p)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 2**20  # measured: 6.2 MiB


# Errors.

J3 = Objective.maxrl(3)
given, tsallis = Objective.from_coefficients, Objective.tsallis
MASKED = np.ma.array([0.1, 0.2], mask=[False, True])
ERRORS = [
    (Objective.maxrl, [0], ValueError, "order must be an int of at least 1, got 0"),
    (Objective.maxrl, [True], TypeError, "order must be an int of at least 1, got True"),
    (Objective.maxrl, [2.0], TypeError, "order must be an int of at least 1, got 2.0"),
    (Objective.maxrl, ["3"], TypeError, "order must be an int of at least 1, got '3'"),
    (Objective.pass_at, [-1], ValueError, "k must be an int of at least 1, got -1"),
    (tsallis, [1, 0], ValueError, "order must be an int of at least 1, got 0"),
    (tsallis, [-0.5, 3], ValueError, "q must be at least 0, got -0.5"),
    (tsallis, [math.nan, 3], ValueError, "q must be finite, got nan"),
    (tsallis, [1j, 3], TypeError, "q must be an int, a float or a Fraction, got 1j"),
    (tsallis, [True, 3], TypeError, "q must be an int, a float or a Fraction, got True"),
    (tsallis, [1e-200, 3], ValueError, "c[1] must be 0 or of size 1e-100 to 1e100, got 1e-200"),
    (tsallis, [1e200, 9], ValueError, "c[1] must be 0 or of size 1e-100 to 1e100, got 1e+200"),
    (Objective.all_of, [0], ValueError, "k must be an int in [1, 320], got 0"),
    (Objective.all_of, [321], ValueError, "k must be an int in [1, 320], got 321"),
    (given, [[]], ValueError, "c must have an entry that is not 0, got []"),
    (given, [[0, 0]], ValueError, "c must have an entry that is not 0, got [0, 0]"),
    (given, [[1, math.nan]], ValueError, "c[1] must be 0 or of size 1e-100 to 1e100, got nan"),
    (given, [[1, HALF, math.inf]], ValueError, "c[2] must be finite, got inf"),
    (given, [[1, 1e101]], ValueError, "c[1] must be 0 or of size 1e-100 to 1e100, got 1e+101"),
    (given, [[HALF, Fraction(1, 10**400)]], ValueError, "c[1] must be 0 or of size 1e-100 to 1e100, got 1/1000"),
    (given, [[1, None]], TypeError, "c[1] must be an int, a float or a Fraction, got None"),
    (given, [[1, 1j]], TypeError, "c must be real numbers, got dtype complex128"),
    (given, [[True]], TypeError, "c must be real numbers, got dtype bool"),
    (given, [[[1, 2]]], ValueError, "c must be one sequence (T,), got shape (1, 2)"),
    (given, [3], ValueError, "c must be one sequence (T,), got shape ()"),
    (given, [[[1], [1, 2]]], ValueError, "c must have rows of one length, got ragged ones"),
    (given, [MASKED], ValueError, "c[1] must be a number, got a masked entry"),
    (J3.value, [[0, 1, 0, 1.5]], ValueError, "p[3] must lie in [0, 1], got 1.5"),
    (J3.weight, [[[0, 1], [0, -0.25]]], ValueError, "p[1, 1] must lie in [0, 1], got -0.25"),
    (J3.value, [math.nan], ValueError, "p must lie in [0, 1], got nan"),
    (J3.value, [Fraction(3, 2)], ValueError, "p must lie in [0, 1], got 3/2"),
    (J3.weight, [Fraction(-1, 2)], ValueError, "p must lie in [0, 1], got -1/2"),
    (J3.weight, [0.5j], TypeError, "p must be real numbers, got dtype complex128"),
    (J3.weight, [[HALF]], TypeError, "p must be real numbers, got dtype object"),
    (J3.weight, ["0.5"], TypeError, "p must be real numbers, got dtype <U3"),
    (J3.weight, [True], TypeError, "p must be real numbers, got dtype bool"),
    (J3.weight, [MASKED], ValueError, "p[1] must be a number, got a masked entry"),
]


@pytest.mark.parametrize(("function", "arguments", "error", "message"), ERRORS)
def test_a_bad_argument_is_refused_in_one_line_that_names_it(function, arguments, error, message):
    with pytest.raises(error) as caught:
        function(*arguments)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_numpy_integers_are_orders():
    assert Objective.maxrl(np.int32(3)) == Objective.maxrl(np.uint8(3)) == J3
    assert Objective.tsallis(np.int64(2), np.int64(3)) == Objective.tsallis(2, 3)
