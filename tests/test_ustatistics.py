"""Public estimates: what they take and give back, what they refuse, and the identities that single them out."""

from __future__ import annotations

import itertools
import math
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import maxrl_est as mx
from maxrl_est.estimates._kernels import generic
from maxrl_est.estimates.groups import groups_of
from maxrl_est.objectives import Objective
from maxrl_est.selftest import reference
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.mutants import (
    WEIGHTS,
    definition,
    earlier_rollouts_only,
    mean_product,
    plug_in_powers,
    power_sum,
    scaled_over_the_batch,
)

ULPS = 8  # of float results at N <= 64; measured worst: 4
GRADED = [Fraction(0), Fraction(1, 3), Fraction(1), Fraction(3, 7), Fraction(1, 3)]
FUNCTIONS = {
    "loo_weights": mx.loo_weights,
    "weight_estimate": mx.weight_estimate,
    "objective_estimate": mx.objective_estimate,
    "failure_powers": lambda l: mx.failure_powers(l, 0),
    "loo_failure_powers": lambda l: mx.loo_failure_powers(l, 0),
    "advantages": mx.advantages,
    "an estimator": mx.estimators.get("maxrl"),
}
every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
OBJECTIVES = {
    "expected": Objective.expected(),
    "maxrl": Objective.maxrl(3),
    "pass@3": Objective.pass_at(3),
    "tsallis": Objective.tsallis(Fraction(1, 2), 3),
    "signs": Objective.from_coefficients([Fraction(1, 3), -2, 0, Fraction(1, 10)]),
}


def fractions(values):
    return np.array([Fraction(value) for value in np.asarray(values).flat]).reshape(np.shape(values))


def order(n):
    return [Fraction(1)] * n


# Values: against the definition and the exact oracle.


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_fractions_give_the_definition_exactly(objective):
    c = objective.rational_coefficients
    values = np.array(GRADED)
    assert mx.loo_weights(GRADED, objective).tolist() == definition(values, c).tolist()
    assert mx.weight_estimate(GRADED, objective) == power_sum(values, c)
    integrated = -sum(c[k - 1] * mean_product(values, k) / k for k in range(1, len(c) + 1))
    assert mx.objective_estimate(GRADED, objective) == integrated
    assert mx.failure_powers(GRADED, 5).tolist() == [mean_product(values, k) for k in range(6)]
    loo_powers = mx.loo_failure_powers(GRADED, 4).tolist()
    assert loo_powers == [[mean_product(np.delete(values, i), k) for k in range(5)] for i in range(5)]


@pytest.mark.parametrize("name", WEIGHTS)
def test_wrong_weights_are_not_the_definition(name):
    values, c = np.array(GRADED), order(3)
    assert WEIGHTS[name](values, c).tolist() != mx.loo_weights(GRADED, 3).tolist()


def test_exact_coefficients_are_not_rounded_on_fractions():
    nearly = Fraction(10**20 + 1, 10**20)  # 1 as a float
    got = mx.loo_weights([Fraction(1, 2), Fraction(1, 3)], Objective.from_coefficients([1, nearly]))
    assert got.tolist() == [1 + nearly * Fraction(2, 3), 1 + nearly / 2]


def exact_estimates(group, c):
    """What the public functions should give for one group of floats, from the oracle."""
    values = [Fraction(value) for value in group.tolist()]
    n, t = len(values), len(c)
    return {
        "weights": reference.exact_loo_weights(values, c),
        "estimate": [reference.exact_weight_estimate(values, c)],
        "full estimate": [reference.exact_weight_estimate(values, order(n + 1))],
        "powers": reference.exact_failure_powers(values, t),
        "loo powers": [
            power
            for i in range(n)
            for power in (reference.exact_failure_powers(values[:i] + values[i + 1 :], t - 1) if n > 1 else [1])
        ],
    }


def float_estimates(group, c):
    objective = Objective.from_coefficients(c)
    return {
        "weights": mx.loo_weights(group, objective),
        "estimate": [mx.weight_estimate(group, objective)],
        "full estimate": [mx.weight_estimate(group)],
        "powers": mx.failure_powers(group, len(c)),
        "loo powers": mx.loo_failure_powers(group, len(c) - 1).ravel(),
    }


MODERATE = ("all-zero", "all-one", "equal-third", "hot-1", "uniform", "uniform-low", "uniform-high", "dyadic")


@pytest.mark.parametrize("n", [*range(1, 13), 16, 24, 64])
@pytest.mark.parametrize("family", MODERATE)
def test_floats_are_a_few_units_in_the_last_place_from_the_oracle(family, n):
    group = FAMILIES[family](n, np.random.default_rng(n))
    for t in {1, min(2, n), (n + 1) // 2, n}:
        got, expected = float_estimates(group, order(t)), exact_estimates(group, order(t))
        for key in expected:
            assert reference.ulp_error(got[key], [float(x) for x in expected[key]]) <= ULPS, (key, t)


@pytest.mark.parametrize("n", [1, 2, 5, 16, 64, 65, 150])
@pytest.mark.parametrize("family", MODERATE)
def test_the_objective_estimate_is_exact_to_a_few_roundings(family, n):
    group = FAMILIES[family](n, np.random.default_rng(n))
    for t in (None, 1, (n + 1) // 2):
        expected = float(reference.exact_objective_estimate(group.tolist(), order(t or n)))
        assert abs(mx.objective_estimate(group, t) - expected) <= 2e-15 * abs(expected)


@pytest.mark.parametrize("n", [65, 100, 161])
def test_the_objective_estimate_loses_nothing_to_the_harmonic_number(n, kernels, monkeypatch):
    """With a mean just below 1/2, J is -.7 and H_N 5: plain sums of its size lose 14 units in the last place of J."""
    rng = np.random.default_rng(n)
    groups = [np.full(n, m) for m in (0.45, 0.499, np.nextafter(0.5, 0))]
    groups += [np.clip(m + rng.normal(0, 0.05, n), 0, 1) for m in (0.4, 0.45, 0.48, 0.49) for _ in range(4)]
    groups = np.array([group for group in groups if group.mean() < 0.5])
    expected = [float(reference.exact_objective_estimate(group.tolist(), order(n))) for group in groups]
    assert reference.ulp_error(mx.objective_estimate(groups), expected) <= 6  # measured worst: 4.3
    if kernels == "numpy":
        monkeypatch.setattr(generic, "rounded_off", lambda x, y, total: np.zeros_like(total))
        assert reference.ulp_error(mx.objective_estimate(groups), expected) > 6


def test_a_rule_of_one_node_too_few_is_seen_by_these_tests():
    # Gauss-Legendre of n/2 nodes is exact for degree n - 1, and the product of n factors has degree n.
    nodes, weights = np.polynomial.legendre.leggauss(4)
    short = 9 * np.sum(weights / 2 * (1 - (1 + nodes) / 2) ** 8)
    assert reference.ulp_error(short, 1.0) > 1e10
    assert mx.weight_estimate(np.ones(8)) == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize("objective", [None, 1, 3, OBJECTIVES["signs"]])
@pytest.mark.parametrize("kind", ["float", "fraction"])
def test_a_leave_one_out_weight_is_the_estimate_of_the_others(kind, objective):
    values = np.array(GRADED) if kind == "fraction" else np.array(GRADED).astype(float)
    got = mx.loo_weights(values, objective)
    expected = [mx.weight_estimate(np.delete(values, i), objective) for i in range(5)]
    assert got.tolist() == (expected if kind == "fraction" else pytest.approx(expected, rel=1e-14))
    wrong = WEIGHTS["not leave-one-out"](values, order(3))
    assert wrong.astype(float).tolist() != pytest.approx([float(x) for x in expected], rel=1e-2)


def test_a_lone_rollout_has_weight_c_0_and_so_has_no_rollout():
    assert mx.loo_weights([0.3]).tolist() == [1.0]
    assert mx.loo_weights([0.3], Objective.from_coefficients([Fraction(5, 2)])).tolist() == [2.5]
    assert mx.weight_estimate([]) == 1.0
    assert mx.weight_estimate(np.zeros((2, 0))).tolist() == [1.0, 1.0]
    assert mx.weight_estimate([], Objective.from_coefficients([3])) == 3.0
    assert mx.failure_powers(np.zeros((2, 0)), 0).tolist() == [[1.0], [1.0]]


# Shapes, dtypes and memory.


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (2, 1, 3), (0,), (2, 0)])
@pytest.mark.parametrize("objective", [None, 2])
def test_any_leading_axes_are_a_batch_and_rows_are_computed_one_by_one(batch, objective):
    values = np.random.default_rng(0).random((*batch, 4))
    shapes = {
        (*batch, 4): lambda l: mx.loo_weights(l, objective),
        batch: lambda l: mx.weight_estimate(l, objective),
        (*batch, 3): lambda l: mx.failure_powers(l, 2),
        (*batch, 4, 3): lambda l: mx.loo_failure_powers(l, 2),
    }
    for shape, function in shapes.items():
        got = np.asarray(function(values))
        assert got.shape == np.shape(function(fractions(values))) == shape
        for row in np.ndindex(batch):
            assert reference.ulp_error(got[row], function(values[row])) <= ULPS
    assert np.shape(mx.objective_estimate(values, objective)) == batch
    assert mx.advantages(values, objective).shape == (*batch, 4)


def test_a_mean_over_the_batch_would_be_seen():
    values = np.random.default_rng(0).random((3, 4))
    alone = scaled_over_the_batch(values[:1], order(4))
    assert reference.ulp_error(scaled_over_the_batch(values, order(4))[:1], alone) > 1e6 * ULPS


DTYPES = [bool, np.int8, np.uint8, np.int64, np.uint64, np.float16, np.float32, np.float64, ">f8", object]


@every_function
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes_are_computed_in_double_precision_and_float32_and_fractions_come_back(function, dtype):
    given = np.array([[1, 0, 0, 1], [0, 0, 0, 1]]).astype(dtype)
    got, expected = function(given), function(given.astype(np.float64))
    assert got.dtype == (dtype if dtype in (np.float32, object) else np.float64)
    if dtype is object:
        assert {type(x) for x in got.flat} <= {Fraction, int}
        assert got.astype(np.float64) == pytest.approx(expected, rel=1e-15)
    else:
        assert np.array_equal(got, expected.astype(got.dtype))


@every_function
def test_lists_are_arrays(function):
    for values in ([[True, False]], [[1, 0]], [[1.0, 0.5]], [[Fraction(1), 0]]):
        assert np.array_equal(function(values), function(np.array(values)))


def test_float16_is_exact_where_half_precision_would_not_be():
    values = np.array([0.1, 0.7, 0.3], dtype=np.float16)
    assert mx.loo_weights(values).tolist() == mx.loo_weights(values.astype(np.float64)).tolist()
    assert definition(values, order(3)).astype(np.float64).tolist() != mx.loo_weights(values).tolist()


def test_float32_is_rounded_once():
    values = np.random.default_rng(0).random((50, 9)).astype(np.float32)
    got, in_double = mx.loo_weights(values), mx.loo_weights(values.astype(np.float64))
    assert got.dtype == np.float32
    assert np.array_equal(got, in_double.astype(np.float32))


def test_object_arrays_of_numpy_integers_do_not_overflow():
    third = [Fraction(1, 3)] * 40
    values = np.array([np.int64(1), np.int8(0), *third], dtype=object)
    assert mx.loo_weights(values).tolist() == mx.loo_weights([Fraction(1), Fraction(0), *third]).tolist()


@every_function
def test_inputs_of_any_layout_are_read_and_never_written(function):
    values = np.random.default_rng(0).random((4, 6))
    expected = function(values.copy())
    apart = np.repeat(values, 2, axis=1)[:, ::2]
    for layout in (values.copy(), values.copy(order="F"), apart, values[::-1].copy()[::-1]):
        before = layout.copy()
        layout.flags.writeable = False
        got = function(layout)
        assert np.array_equal(got, expected)
        assert np.array_equal(layout, before)
        assert not np.may_share_memory(got, layout)
        layout.flags.writeable = True
        function(layout)
        assert np.array_equal(layout, before)
        assert layout.flags.writeable
    exact = fractions(values)
    before = exact.copy()
    function(exact)
    assert (exact == before).all()
    assert exact.flags.writeable


def test_results_are_the_callers_own():
    values = np.array([[0.5, 0.25]])
    mx.loo_weights(values)[:] = 7
    mx.advantages(values, 1, baseline="none")[:] = 7
    mx.estimators.get("reinforce")(values)[:] = 7
    assert values.tolist() == [[0.5, 0.25]]
    assert not groups_of(values).values.flags.writeable


def test_a_masked_array_without_masked_entries_is_an_array():
    values = np.ma.array([0.5, 0.25, 1.0], mask=[False] * 3)
    assert mx.loo_weights(values).tolist() == mx.loo_weights([0.5, 0.25, 1.0]).tolist()
    assert not np.ma.isMaskedArray(mx.loo_weights(values))


# out=


OUTPUTS = {
    "contiguous": lambda: np.full((3, 5), np.nan),
    "columns apart": lambda: np.full((3, 10), np.nan)[:, ::2],
    "transposed": lambda: np.full((5, 3), np.nan).T,
    "reversed": lambda: np.full((3, 5), np.nan)[::-1],
}


@pytest.mark.parametrize("make", OUTPUTS.values(), ids=OUTPUTS)
@pytest.mark.parametrize("objective", [None, 2])
def test_out_is_filled_and_returned_whatever_its_layout(make, objective):
    values, out = np.random.default_rng(0).random((3, 5)), make()
    got = mx.loo_weights(values, objective, out=out)
    assert got is out
    assert np.array_equal(out, mx.loo_weights(values, objective))


@pytest.mark.parametrize("dtype", [np.float32, object])
def test_out_of_the_results_dtype_is_filled(dtype):
    values = np.array([[0, 1, 1], [0, 0, 1]]).astype(dtype)
    out = np.zeros((2, 3), dtype=dtype)
    assert mx.loo_weights(values, out=out) is out
    assert np.array_equal(out, mx.loo_weights(values))


@pytest.mark.parametrize("objective", [None, 2])
@pytest.mark.parametrize("view", [lambda x: x, lambda x: x[::-1], lambda x: x[:, ::-1]], ids=["self", "rows", "row"])
def test_out_may_be_the_input(view, objective):
    values = np.random.default_rng(0).random((4, 5))
    expected = mx.loo_weights(values, objective)
    mx.loo_weights(values, objective, out=view(values))
    assert np.array_equal(view(values), expected)


def test_out_may_overlap_the_input():
    memory = np.random.default_rng(0).random(9)
    expected = mx.loo_weights(memory[:6])
    mx.loo_weights(memory[:6], out=memory[3:])
    assert np.array_equal(memory[3:], expected)


READ_ONLY = np.zeros((2, 3))
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.zeros((3, 2)), "out must be an array of float64 and shape (2, 3), got float64 (3, 2)"),
        (np.zeros(6), "out must be an array of float64 and shape (2, 3), got float64 (6,)"),
        (np.zeros((2, 3), np.float32), "out must be an array of float64 and shape (2, 3), got float32 (2, 3)"),
        (np.zeros((2, 3), int), f"out must be an array of float64 and shape (2, 3), got {np.dtype(int)} (2, 3)"),
        ([[0.0] * 3] * 2, "out must be an array of float64 and shape (2, 3), got list"),
        (READ_ONLY, "out must be writeable, got a read-only array"),
    ],
)
def test_out_of_the_wrong_kind_is_refused_and_left_alone(out, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        mx.loo_weights(np.full((2, 3), 0.5), out=out)
    assert not np.asarray(out).any()


# What is refused, and what is said.


RANGE = "must lie in [0, 1]"
KINDS = "likelihoods must be bool, int or float of up to 64 bits"
OBJECTS = "must be a Fraction or int in an object array"
ABOVE, BELOW = np.nextafter(1.0, 2.0), -5e-324
REFUSED = {
    "NaN": ([[0.5, 0.2], [math.nan, 0.1]], ValueError, f"likelihoods[1, 0] {RANGE}, got nan"),
    "infinite": ([0.5, math.inf], ValueError, f"likelihoods[1] {RANGE}, got inf"),
    "minus infinite": ([-math.inf, 0.5], ValueError, f"likelihoods[0] {RANGE}, got -inf"),
    "just above 1": ([0.5, 1.0, ABOVE], ValueError, f"likelihoods[2] {RANGE}, got {ABOVE}"),
    "just below 0": ([0.5, BELOW], ValueError, f"likelihoods[1] {RANGE}, got {BELOW}"),
    "above 1 in float32": (np.float32([0.5, 1.5]), ValueError, f"likelihoods[1] {RANGE}, got 1.5"),
    "an integer above 1": ([[[0, 1]], [[2, 0]]], ValueError, f"likelihoods[1, 0, 0] {RANGE}, got 2"),
    "the least integer": (np.array([0, -128], np.int8), ValueError, f"likelihoods[1] {RANGE}, got -128"),
    "a Fraction above 1": ([Fraction(1, 2), Fraction(3, 2)], ValueError, f"likelihoods[1] {RANGE}, got 3/2"),
    "the second of two": ([0.5, math.nan, 7.0], ValueError, f"likelihoods[1] {RANGE}, got nan"),
    "complex": ([0.5, 0j], TypeError, f"{KINDS}, got dtype complex128"),
    "text": (["0.5"], TypeError, f"{KINDS}, got dtype <U3"),
    "bytes": ([b"0.5"], TypeError, f"{KINDS}, got dtype |S3"),
    "dates": (
        np.zeros(2, "M8[s]"),
        TypeError,
        f"{KINDS}, got dtype datetime64[s]",
    ),
    "None among numbers": ([0.5, None], TypeError, f"likelihoods[1] {OBJECTS}, got None of type NoneType"),
    "None": (None, TypeError, "likelihoods or log_likelihoods must be given, one of the two, got neither"),
    "a set": ({0.5}, TypeError, f"likelihoods {OBJECTS}, got {{0.5}} of type set"),
    "decimals": ([Decimal("0.5")], TypeError, f"likelihoods[0] {OBJECTS}, got Decimal('0.5') of type Decimal"),
    "None among Fractions": (
        [[Fraction(1), None]],
        TypeError,
        f"likelihoods[0, 1] {OBJECTS}, got None of type NoneType",
    ),
    "masked": (
        np.ma.array([[0.5, 0.2], [0.1, 0.3]], mask=[[0, 0], [0, 1]]),
        ValueError,
        "likelihoods[1, 1] must be a number for every rollout, got a masked entry",
    ),
    "ragged": (
        [[0.5], [0.5, 0.2]],
        ValueError,
        "likelihoods must have groups of one size in one array, got ragged ones",
    ),
    "one number": (0.5, ValueError, "likelihoods must be an array (..., N), got the single number 0.5"),
    "one Fraction": (
        Fraction(1, 2),
        ValueError,
        "likelihoods must be an array (..., N), got the single number 1/2",
    ),
}
if np.dtype(np.longdouble).itemsize > 8:
    name = np.dtype(np.longdouble).name
    REFUSED["longdouble"] = (np.longdouble([0.5]), TypeError, f"{KINDS}, got dtype {name}")


@every_function
@pytest.mark.parametrize(("given", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_likelihood_is_refused_with_the_place_the_value_and_the_rule(function, given, error, message):
    with pytest.raises(error, match="^" + re.escape(message)):
        function(given)


@pytest.mark.parametrize("name", ["loo_weights", "objective_estimate", "loo_failure_powers", "advantages"])
@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_groups_of_none_are_refused(name, shape):
    message = f"likelihoods must have groups of N >= 1 rollouts on the last axis, got shape {shape}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        FUNCTIONS[name](np.zeros(shape))


@every_function
def test_zero_and_one_are_likelihoods_whatever_their_sign_and_neighbours(function):
    function([1.0, np.nextafter(1.0, 0.0), 5e-324])
    assert np.array_equal(function([-0.0, 1.0]), function([0.0, 1.0]))


RULE = "objective must be an Objective, an int (the order of MaxRL) or None"
TOO_LARGE = "objective must be of order T <= "
WITHOUT_AN_ORDER = [
    (0, ValueError, "objective must be an int of at least 1, got 0"),
    (-3, ValueError, "objective must be an int of at least 1, got -3"),
    (2.0, TypeError, f"{RULE}, got 2.0"),
    ("2", TypeError, f"{RULE}, got '2'"),
    (True, TypeError, f"{RULE}, got True"),
    (Fraction(2), TypeError, f"{RULE}, got Fraction(2, 1)"),
    ([1, 1], TypeError, f"{RULE}, got [1, 1]"),
    (5, ValueError, TOO_LARGE),
    (Objective.pass_at(5), ValueError, TOO_LARGE),
]


@pytest.mark.parametrize(("objective", "error", "message"), WITHOUT_AN_ORDER)
@pytest.mark.parametrize("function", [mx.loo_weights, mx.weight_estimate, mx.objective_estimate, mx.advantages])
def test_an_order_that_is_none_or_too_large_is_refused_with_the_reason(function, objective, error, message):
    for values in ([0.5, 0.2, 0.1], [Fraction(1, 2)] * 3):
        with pytest.raises(error, match="^" + re.escape(message)):
            function(values, objective)


def test_the_largest_order_is_the_size_and_one_more_for_weights_of_others():
    for n in range(1, 5):
        values = [0.5] * n
        assert mx.loo_weights(values, n).shape == (n,)
        assert mx.weight_estimate(values, n + 1) == mx.weight_estimate(values)
        assert mx.loo_weights(values, np.int64(n)).tolist() == mx.loo_weights(values).tolist()
        for function, largest in ((mx.loo_weights, n), (mx.weight_estimate, n + 1), (mx.objective_estimate, n)):
            rule = f"T <= {largest} for groups of N = {n}, got T = {largest + 1}: no unbiased estimate exists"
            with pytest.raises(ValueError, match=rule):
                function(values, largest + 1)


@pytest.mark.parametrize(
    ("power", "error", "message"),
    [
        (-1, ValueError, "max_power must be an int in [0, "),
        (4, ValueError, "max_power must be an int in [0, "),
        (1.0, TypeError, "max_power must be an int in [0, "),
        ("1", TypeError, "max_power must be an int in [0, "),
        (None, TypeError, "max_power must be an int in [0, "),
    ],
)
def test_powers_that_are_none_or_too_large_are_refused(power, error, message):
    for function in (mx.failure_powers, mx.loo_failure_powers):
        with pytest.raises(error, match="^" + re.escape(message)):
            function([0.5] * 3, power)
    with pytest.raises(ValueError, match=re.escape("max_power must be an int in [0, 2], got 3")):
        mx.loo_failure_powers([0.5] * 3, 3)


# Identities, on any group of rationals. Each is a function of the weights, so that wrong ones can be put in.


small = settings(max_examples=40, deadline=None)
likelihoods = st.fractions(0, 1, max_denominator=12)
groups = st.lists(likelihoods, min_size=1, max_size=6).map(np.array)
groups_of_two = st.lists(likelihoods, min_size=2, max_size=6).map(np.array)
coefficients = st.lists(st.fractions(-3, 3, max_denominator=4), min_size=1, max_size=5).filter(any)
SPREAD = np.array([Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1)])


def shipped(values, c):
    return mx.loo_weights(values, Objective.from_coefficients(c))


def cut(c, values):
    """The coefficients that the group has rollouts for, not all zero."""
    return c[: len(values)] if any(c[: len(values)]) else [Fraction(1)]


def slopes_of_the_objective_estimate(weigh, values, c):
    """omega_i = N dJhat/dl_i, and Jhat is affine in each l_i."""
    n, objective = len(values), Objective.from_coefficients(c)

    def changed(i, value):
        return np.array([*values[:i], value, *values[i + 1 :]])

    for i, weight in enumerate(weigh(values, c)):
        low, middle, high = (
            mx.objective_estimate(changed(i, value), objective) for value in (Fraction(0), Fraction(1, 2), Fraction(1))
        )
        assert weight == n * (high - low)
        assert middle == (low + high) / 2


@small
@given(groups, coefficients)
def test_weights_are_the_slopes_of_the_objective_estimate(values, c):
    slopes_of_the_objective_estimate(shipped, values, cut(c, values))


def mean_advantage_is_the_estimate_of_pass_at_t(weigh, values, t):
    """(1/N) sum omega_i l_i = 1 - E_T(q); the whole product at T = N."""
    mean = (weigh(values, order(t)) * values).sum() / len(values)
    assert mean == 1 - mx.failure_powers(values, t)[t]
    assert t < len(values) or mean == 1 - (1 - values).prod()


@small
@given(groups, st.integers(1, 6))
def test_the_mean_weighted_likelihood_estimates_pass_at_t(values, t):
    mean_advantage_is_the_estimate_of_pass_at_t(shipped, values, min(t, len(values)))


def weights_average_binary_maxrl_over_coin_flips(weigh, values):
    """omega_i l_i / N = E[b_i / sum b] with b_j = 1 with probability l_j; T = N."""
    n = len(values)
    expected = np.array([Fraction(0)] * n)
    for flips in itertools.product((0, 1), repeat=n):
        chance = math.prod(l if flip else 1 - l for l, flip in zip(values, flips, strict=True))
        expected += np.array([chance * flip / max(1, sum(flips)) for flip in flips])
    assert (weigh(values, order(n)) * values / n).tolist() == expected.tolist()


@small
@given(groups)
def test_weights_are_those_of_binary_rewards_averaged_over_coin_flips(values):
    weights_average_binary_maxrl_over_coin_flips(shipped, values)


def order_of_rollouts_does_not_matter(weigh, values, c):
    backwards = values[::-1].copy()
    assert weigh(backwards, c).tolist() == weigh(values, c)[::-1].tolist()


@small
@given(groups, coefficients)
def test_permuting_rollouts_permutes_weights(values, c):
    order_of_rollouts_does_not_matter(shipped, values, cut(c, values))


@small
@given(st.lists(likelihoods, min_size=4, max_size=20), st.integers(1, 4))
def test_groups_of_a_batch_do_not_see_each_other(values, t):
    batch = np.array(values[: len(values) // 4 * 4]).reshape(-1, 4)
    assert mx.loo_weights(batch, t).tolist() == [mx.loo_weights(row, t).tolist() for row in batch]
    rows = batch.astype(np.float64)
    alone = [mx.loo_weights(row, t) for row in rows]
    assert reference.ulp_error(mx.loo_weights(rows, t), alone) <= ULPS


WEIGHTED_WRONGLY = {**WEIGHTS, "earlier rollouts only": earlier_rollouts_only}
IDENTITIES = {
    "slopes": (lambda weigh: slopes_of_the_objective_estimate(weigh, SPREAD, order(4)), set(WEIGHTED_WRONGLY)),
    "pass@T": (
        lambda weigh: mean_advantage_is_the_estimate_of_pass_at_t(weigh, SPREAD, 4),
        set(WEIGHTED_WRONGLY) - {"earlier rollouts only"},
    ),
    "coin flips": (lambda weigh: weights_average_binary_maxrl_over_coin_flips(weigh, SPREAD), set(WEIGHTED_WRONGLY)),
    "order": (lambda weigh: order_of_rollouts_does_not_matter(weigh, SPREAD, order(4)), {"earlier rollouts only"}),
}


@pytest.mark.parametrize(
    ("identity", "wrong"), [(key, name) for key, (_, names) in IDENTITIES.items() for name in sorted(names)]
)
def test_every_identity_rejects_wrong_weights(identity, wrong):
    check, _ = IDENTITIES[identity]
    check(definition)
    with pytest.raises(AssertionError):
        check(WEIGHTED_WRONGLY[wrong])


# Binary rewards: closed forms.


def harmonic(n):
    return sum((Fraction(1, k) for k in range(1, n + 1)), Fraction(0))


def binary(n, successes):
    return np.array([Fraction(int(i < successes)) for i in range(n)])


def closed_forms_hold(weigh, n, successes, t):
    """(N/K)(1 - C(N-K, T)/C(N, T)) for a success, by the telescoping sum of t_k = C(N-K, k)/C(N-1, k)."""
    failed = n - successes
    weights = weigh(binary(n, successes), order(t)).tolist()
    if successes:
        terms = [Fraction(math.comb(failed, k), math.comb(n - 1, k)) for k in range(t)]
        closed = Fraction(n, successes) * (1 - Fraction(math.comb(failed, t), math.comb(n, t)))
        assert sum(terms) == closed
        assert weights[0] == closed
        assert t < n or closed == Fraction(n, successes)
    else:
        assert weights == [t] * n
    if failed and t == n:
        assert weights[-1] == Fraction(n, successes + 1)


SIZES_AND_SUCCESSES = [(n, k) for n in (1, 2, 3, 7, 10) for k in range(n + 1)]


@pytest.mark.parametrize(("n", "successes"), SIZES_AND_SUCCESSES)
def test_binary_rewards_have_the_closed_forms_of_maxrl(n, successes):
    rewards = binary(n, successes)
    for t in range(1, n + 1):
        closed_forms_hold(shipped, n, successes, t)
        in_floats = mx.loo_weights(rewards.astype(float), t)
        assert in_floats == pytest.approx(mx.loo_weights(rewards, t).astype(float), rel=1e-14)
    expected = harmonic(successes) - harmonic(n)
    assert mx.objective_estimate(rewards) == expected
    assert mx.objective_estimate(rewards.astype(float)) == pytest.approx(float(expected), rel=1e-14)


@pytest.mark.parametrize("name", WEIGHTS)
def test_closed_forms_reject_wrong_weights(name):
    with pytest.raises(AssertionError):
        closed_forms_hold(WEIGHTS[name], 5, 1, 5)


@pytest.mark.parametrize("size", [2816, 4095])
def test_estimates_of_any_order_are_as_accurate_as_their_powers(size):
    """Rejects plain sums of powers: 4 ulp and more."""
    failures = np.zeros(4096)
    expected = float(-harmonic(size))
    assert reference.ulp_error(mx.objective_estimate(failures, size), expected) <= 1
    assert reference.ulp_error(-np.cumsum(1 / np.arange(1, size + 1))[-1], expected) > 4
    c = np.random.default_rng(0).random(size)
    estimate = mx.weight_estimate(failures, Objective.from_coefficients(c))
    assert reference.ulp_error(estimate, math.fsum(c)) <= 1


# Bounds.


BOUNDS_ROUNDING = 2e-15  # relative; measured worst: 4.5e-16


def bounds_hold(weigh, values):
    """1 <= omega <= N and N/(1+L) <= omega <= N (1-exp(-L))/L, with L the sum of the others."""
    n = len(values)
    weights = np.asarray(weigh(values, order(n)), dtype=np.float64)
    rest = np.array([math.fsum([*values[:i], *values[i + 1 :]]) for i in range(n)])
    upper = np.array([n * (-math.expm1(-mass) / mass if mass > 0 else 1.0) for mass in rest])
    low, high = 1 - BOUNDS_ROUNDING, 1 + BOUNDS_ROUNDING
    assert (low <= weights).all()
    assert (weights <= n * high).all()
    assert (low * n / (1 + rest) <= weights).all()
    assert (weights <= high * upper).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_of_full_order_lie_within_their_bounds(family):
    for n in (1, 2, 3, 8, 64, 300):
        bounds_hold(lambda values, c: mx.loo_weights(values), FAMILIES[family](n, np.random.default_rng(n)))


@small
@given(groups, st.integers(1, 6))
@example(np.array([Fraction(0)] * 3), 3)
def test_maxrl_weights_lie_between_1_and_the_order(values, t):
    t = min(t, len(values))
    weights = mx.loo_weights(values, t)
    assert (weights >= 1).all()
    assert (weights <= t).all()
    if t == len(values):
        rest = values.sum() - values
        assert (weights >= t / (1 + rest)).all()
        if set(values) <= {0, 1}:
            assert (weights == t / (1 + rest)).all()


BREAK_THE_BOUNDS = {
    "order T - 1": [0.0, 0.0, 0.0],
    "k = 0 dropped": [1.0, 1.0, 1.0],
    "division by N - 1": [0.0, 0.0, 0.0],
    "C(N, k)": [0.0, 0.0, 0.0],
    "l for 1 - l": [0.0, 0.0, 0.0],
    "not leave-one-out": [1.0, 0.0, 0.0],
}


@pytest.mark.parametrize("name", BREAK_THE_BOUNDS)
def test_the_bounds_reject_wrong_weights(name):
    values = np.array(BREAK_THE_BOUNDS[name])
    bounds_hold(definition, values)
    with pytest.raises(AssertionError):
        bounds_hold(WEIGHTS[name], values)


# The recursion of which the kernels are faster versions.


def forward_backward(values, c, *, off=0):
    """omega_i = sum_a p_{i-1}[a] D_i[a], both sides averages of products, by additions of positive terms only."""
    n, t, q = len(values), len(c), [1 - value for value in values]
    forward = [[Fraction(1)] + [Fraction(0)] * (t - 1)]
    for i in range(1, n):
        p = forward[-1]
        forward.append([p[0]] + [((i - k) * p[k] + k * q[i - 1] * p[k - 1]) / i for k in range(1, t)])
    d, weights = list(c), [None] * n
    for j in range(n, 0, -1):
        weights[j - 1] = sum(forward[j - 1][a] * d[a] for a in range(min(t, j)))
        if j > 1:
            top = min(j - 2, t - 1) + 1
            d = [
                ((j - 1 - a + off) * d[a] + (a + 1) * q[j - 1] * (d[a + 1] if a + 1 < len(d) else 0)) / (j - 1)
                for a in range(top)
            ]
    return np.array(weights)


@small
@given(groups, coefficients)
def test_the_forward_backward_recursion_is_the_definition(values, c):
    c = cut(c, values)
    expected = definition(values, c).tolist()
    assert forward_backward(values, c).tolist() == expected
    assert shipped(values, c).tolist() == expected


def test_the_recursion_one_step_off_is_not():
    assert forward_backward(SPREAD, order(4), off=1).tolist() != definition(SPREAD, order(4)).tolist()
    assert plug_in_powers(SPREAD, order(4)).tolist() != definition(SPREAD, order(4)).tolist()


LOGS = np.array([[-700.0, -np.inf, -1.5, 0.0], [-300.0, -700.0, -699.0, -650.0]])
BY_LOGS = {
    "loo_weights": lambda *given, **logs: mx.loo_weights(*given, **logs),
    "weight_estimate": lambda *given, **logs: mx.weight_estimate(*given, **logs),
    "objective_estimate": lambda *given, **logs: mx.objective_estimate(*given, **logs),
    "failure_powers": lambda given=None, **logs: mx.failure_powers(given, 3, **logs),
    "loo_failure_powers": lambda given=None, **logs: mx.loo_failure_powers(given, 3, **logs),
    "advantages": lambda *given, **logs: mx.advantages(*given, baseline="none", **logs),
}


@pytest.mark.parametrize("function", BY_LOGS.values(), ids=BY_LOGS)
def test_logarithms_of_likelihoods_give_what_likelihoods_give(function):
    np.testing.assert_array_equal(function(log_likelihoods=LOGS), function(np.exp(LOGS)))
    np.testing.assert_array_equal(function(log_likelihoods=LOGS + 3, log_ceiling=3.0), function(np.exp(LOGS)))
    single = LOGS.astype(np.float32)
    assert function(log_likelihoods=single).dtype == np.float32


def test_an_advantage_is_right_down_to_a_log_likelihood_of_minus_700():
    got = mx.advantages(log_likelihoods=[-700.0, -np.inf], baseline="none")
    np.testing.assert_allclose(got, [2 * math.exp(-700), 0], rtol=1e-15)
    single = np.array([-700, -np.inf], dtype=np.float32)  # exp in float32 would be 0, and is not taken
    np.testing.assert_array_equal(mx.loo_weights(log_likelihoods=single), [2, 2])


def test_a_ceiling_is_a_scale_and_scales_the_objective():
    logs = np.array([-3.0, -4.0, -5.0])
    assert (mx.loo_weights(log_likelihoods=logs, log_ceiling=-3.0) < mx.loo_weights(log_likelihoods=logs)).all()
    in_single = np.array([0.3], dtype=np.float32)
    assert mx.loo_weights(log_likelihoods=in_single, log_ceiling=0.3) == 1  # 0.3 in float32 is above 0.3 in float64


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, TypeError, "likelihoods or log_likelihoods must be given, one of the two, got neither"),
        (
            {"likelihoods": [0.5], "log_likelihoods": [0.0]},
            TypeError,
            "likelihoods or log_likelihoods must be given, one of the two, got both",
        ),
        (
            {"log_likelihoods": [[0, -1], [-2, 0.5]]},
            ValueError,
            r"log_likelihoods\[1, 1\] must be at most log_ceiling = 0.0, got 0.5",
        ),
        (
            {"log_likelihoods": [-2, -1], "log_ceiling": -1.5},
            ValueError,
            r"log_likelihoods\[1\] must be at most log_ceiling = -1.5, got -1",
        ),
        ({"log_likelihoods": [np.nan]}, ValueError, r"log_likelihoods\[0\] must be at most log_ceiling = 0.0, got nan"),
        ({"log_likelihoods": [0.0], "log_ceiling": np.inf}, ValueError, "log_ceiling must be finite, got inf"),
        ({"log_likelihoods": [0.0], "log_ceiling": "0"}, TypeError, "log_ceiling must be a finite number, got '0'"),
        ({"log_likelihoods": [Fraction(0)]}, TypeError, "log_likelihoods must be floats, got dtype object"),
        (
            {"log_likelihoods": [None, 0.0]},
            TypeError,
            r"log_likelihoods\[0\] must be a Fraction or int in an object array, got None",
        ),
        ({"likelihoods": [1, 0], "log_ceiling": 3}, TypeError, "log_ceiling must come with log_likelihoods, got 3"),
        ({"likelihoods": [1, 0], "log_ceiling": None}, TypeError, "log_ceiling must come with log_likelihoods"),
        ({"log_likelihoods": -1.0}, ValueError, "single number -1.0"),
        (
            {"log_likelihoods": np.ma.array([0.0], mask=True)},
            ValueError,
            r"log_likelihoods\[0\] must be a number for every rollout, got a masked entry",
        ),
    ],
)
def test_logarithms_that_are_none_are_refused_by_name(arguments, error, message):
    with pytest.raises(error, match=message):
        mx.loo_weights(**arguments)
