"""The table of advantages: formulas, identities between rows, conventions at the edges, and refusals."""

from __future__ import annotations

import itertools
import pickle
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import maxrl_est as mx
from maxrl_est import estimators
from maxrl_est.estimators import _rows as rows
from maxrl_est.objectives import Objective
from maxrl_est.selftest.mutants import (
    ADVANTAGES,
    SAME_MEAN,
    centred_by_the_group,
    definition,
    in_sample_mean,
    mean_product,
)

small = settings(max_examples=40, deadline=None)
likelihoods = st.fractions(0, 1, max_denominator=12)
groups = st.lists(likelihoods, min_size=2, max_size=6).map(np.array)
coefficients = st.lists(st.fractions(-3, 3, max_denominator=4), min_size=1, max_size=5).filter(lambda c: c[0])
every_estimator = pytest.mark.parametrize("name", estimators.names())
GRADED = np.array([Fraction(1), Fraction(0), Fraction(1, 2), Fraction(1, 4)])


def binary(n, successes):
    return np.array([Fraction(int(i < successes)) for i in range(n)])


def order(n):
    return [Fraction(1)] * n


# Formulas, on the group 1, 0, 1/2, 1/4.


MEAN, SUM, SQUARES = 0.4375, 1.75, 1 + 1 / 4 + 1 / 16
POPULATION = (SQUARES / 4 - MEAN**2) ** 0.5
SAMPLE = ((SQUARES - 4 * MEAN**2) / 3) ** 0.5
FLOATS = GRADED.astype(float)
WEIGHTS = definition(GRADED, order(4)).astype(float)
FORMULAS = {
    "reinforce": FLOATS,
    "rloo": FLOATS - (SUM - FLOATS) / 3,
    "mean_centred": FLOATS - MEAN,
    "grpo": (FLOATS - MEAN) / (SAMPLE + 1e-4),
    "grpo_population": (FLOATS - MEAN) / (POPULATION + 1e-4),
    "maxrl": 4 * FLOATS / SUM,
    "maxrl_cv": 4 * FLOATS / SUM - 1,
    "maxrl_shipped": (FLOATS - MEAN) / MEAN,
    "self_normalised": 4 * FLOATS / SUM,
    "plug_in_loo": 4 * FLOATS / (1 + SUM - FLOATS),
    "ustat": WEIGHTS * FLOATS,
    "ustat_one": WEIGHTS * FLOATS - 1,
    "ustat_one_over_n": WEIGHTS * FLOATS - 1 / 4,
    "ustat_mean_loo": WEIGHTS * (FLOATS - (SUM - FLOATS) / 3),
    "ustat_prior": WEIGHTS * (FLOATS - (1 + SUM - FLOATS) / 5),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_each_row_is_its_formula(name):
    got = estimators.get(name)(FLOATS)
    assert got == pytest.approx(FORMULAS[name], rel=1e-14, abs=1e-15)
    others = [key for key in FORMULAS if key != name and FORMULAS[key] == pytest.approx(FORMULAS[name])]
    assert set(others) <= {"maxrl", "self_normalised", "maxrl_cv", "maxrl_shipped"}  # equal where the sum is not 0


POSITIVE = {  # on positive likelihoods, here those of GRADED with 1/8 for 0
    "vimco": lambda l: 4 * (np.log(l.mean()) - np.log((l.sum() - l) / 3)),
    "jackknife": lambda l: (
        4 * (4 * np.log(l.mean()) - 3 * np.log((l.sum() - l) / 3).mean() - np.log((l.sum() - l) / 3))
    ),
}
BY_SUBSETS = {"passk", "passk_loo", "maxk", "maxk_loo", "maxk_loo_minus_one", "tailrl", "tailrl_centred"}
BY_KERNELS = {"median", "mean_less_gini", "mean_less_variance"}
BY_FLIPS = {"grpo_mean_lift", "grpo_level_lift"}


def test_every_row_has_its_formula_here_or_below_or_where_subsets_levels_and_flips_are_enumerated():
    assert set(estimators.names()) - set(FORMULAS) == {
        "ustat_pass_loo",
        *POSITIVE,
        *BY_SUBSETS,
        *BY_KERNELS,
        *BY_FLIPS,
    }


@pytest.mark.parametrize("name", POSITIVE)
def test_rows_with_logarithms_are_their_formulas_and_refuse_zero_by_its_place(name):
    positive = np.maximum(FLOATS, 1 / 8)
    assert estimators.get(name)(positive) == pytest.approx(POSITIVE[name](positive), rel=1e-13)
    rule = "must be above 0, since their logarithms are taken, got 0.0"
    for values, place in ((FLOATS, "1"), ([[positive.tolist()], [FLOATS.tolist()]], "1, 0, 1")):
        with pytest.raises(ValueError, match="^" + re.escape(f"likelihoods[{place}] {rule}") + "$"):
            estimators.get(name)(values)
    with pytest.raises(
        TypeError, match=r"^likelihoods must be floats, since a logarithm is irrational, got Fractions$"
    ):
        estimators.get(name)(np.maximum(GRADED, Fraction(1, 8)))
    assert np.isfinite(estimators.get(name)([1.0, 1e-300, 1e-300])).all()  # the sum less 1 would be 0


def test_the_ustat_family_takes_an_order():
    for t in range(1, 5):
        weights = definition(GRADED, order(t))
        assert estimators.get(f"ustat({t})")(GRADED).tolist() == (weights * GRADED).tolist()
        assert estimators.get(f"ustat_one({t})")(GRADED).tolist() == (weights * GRADED - 1).tolist()
        assert estimators.get(f"ustat({t})").target(7) == Objective.maxrl(t)
    assert estimators.get("ustat(3)")(GRADED).tolist() != estimators.get("ustat")(GRADED).tolist()


# Identities.


def pass_loo(values, c):
    return mx.advantages(values, Objective.from_coefficients(c), baseline="pass_loo")


@small
@given(groups, coefficients)
def test_pass_loo_advantages_sum_to_zero_for_every_objective(values, c):
    assert pass_loo(values, c[: len(values) - 1]).sum() == 0


@small
@given(groups)
def test_pass_loo_is_rloo_at_order_one_and_subtracts_pass_at_t_of_the_others(values):
    assert pass_loo(values, order(1)).tolist() == estimators.get("rloo")(values).tolist()
    for t in range(1, len(values)):
        got = mx.advantages(values, t, baseline="pass_loo")
        baseline = [1 - mx.failure_powers(np.delete(values, i), t)[t] for i in range(len(values))]
        assert got.tolist() == (definition(values, order(t)) * values - baseline).tolist()


def pass_loo_identities(advantages):
    """Zero sum, RLOO at order 1, and leave-one-out: each advantage is affine in its own likelihood."""
    assert advantages(GRADED, order(3)).sum() == 0
    assert advantages(GRADED, order(1)).tolist() == estimators.get("rloo")(GRADED).tolist()
    low, middle, high = (
        advantages(np.array([own, *GRADED[1:]]), order(3))[0] for own in (Fraction(0), Fraction(1, 2), Fraction(1))
    )
    assert low + high == 2 * middle


@pytest.mark.parametrize("name", [*ADVANTAGES, *SAME_MEAN])
def test_no_other_advantage_has_the_properties_of_pass_loo(name):
    pass_loo_identities(pass_loo)
    with pytest.raises(AssertionError):
        pass_loo_identities((ADVANTAGES | SAME_MEAN)[name])


def test_centring_by_the_group_sums_to_zero_and_is_still_not_pass_loo():
    assert centred_by_the_group(GRADED, order(3)).sum() == 0
    assert centred_by_the_group(GRADED, order(3)).tolist() != pass_loo(GRADED, order(3)).tolist()


SIZES_AND_SUCCESSES = [(n, k) for n in range(1, 9) for k in range(n + 1)]


@pytest.mark.parametrize(("n", "successes"), SIZES_AND_SUCCESSES)
def test_on_binary_rewards_the_general_estimators_are_those_of_maxrl(n, successes):
    rewards = binary(n, successes)
    assert estimators.get("ustat")(rewards).tolist() == estimators.get("maxrl")(rewards).tolist()
    assert estimators.get("ustat_one")(rewards).tolist() == estimators.get("maxrl_cv")(rewards).tolist()
    if n > 1:
        shipped = estimators.get("maxrl_shipped")(rewards)
        assert estimators.get("ustat_pass_loo")(rewards).tolist() == shipped.tolist()
        assert mx.advantages(rewards, baseline="pass_loo").tolist() == shipped.tolist()
        assert mx.advantages(rewards, n - 1, baseline="pass_loo").tolist() == shipped.tolist()


def test_on_graded_likelihoods_they_differ():
    for general, binary_only in (("ustat", "maxrl"), ("ustat_one", "maxrl_cv"), ("ustat_pass_loo", "maxrl_shipped")):
        assert estimators.get(general)(GRADED).tolist() != estimators.get(binary_only)(GRADED).tolist()


@pytest.mark.parametrize("n", range(1, 7))
def test_without_a_success_maxrl_with_its_control_variate_is_minus_one_and_as_shipped_zero(n):
    assert estimators.get("maxrl_cv")(np.zeros(n)).tolist() == [-1.0] * n
    assert mx.advantages(np.zeros(n), baseline="one").tolist() == [-1.0] * n
    assert estimators.get("maxrl_shipped")(np.zeros(n)).tolist() == [0.0] * n
    assert estimators.get("maxrl")(np.zeros(n)).tolist() == [0.0] * n


@small
@given(groups, st.integers(1, 6))
def test_mean_loo_weighs_the_distance_to_the_mean_of_the_others(values, t):
    n, t = len(values), min(t, len(values))
    others = (values.sum() - values) / (n - 1)
    got = mx.advantages(values, t, baseline="mean_loo")
    assert got.tolist() == (definition(values, order(t)) * (values - others)).tolist()


def test_the_mean_of_all_is_not_the_mean_of_the_others():
    assert in_sample_mean(GRADED, order(4)).tolist() != mx.advantages(GRADED, baseline="mean_loo").tolist()


# Baselines.


@pytest.mark.parametrize(
    ("baseline", "value"),
    [("none", 0), ("one", 1), ("one_over_n", Fraction(1, 4)), (Fraction(1, 3), Fraction(1, 3)), (2, 2), (-1, -1)],
)
def test_constant_baselines_are_subtracted(baseline, value):
    expected = definition(GRADED, order(4)) * GRADED - value
    assert mx.advantages(GRADED, baseline=baseline).tolist() == expected.tolist()
    got = mx.advantages(FLOATS, baseline=baseline)
    assert got.dtype == np.float64
    assert got == pytest.approx(expected.astype(float), rel=1e-14)


def test_the_default_baseline_is_the_mean_of_the_others_and_the_default_order_n():
    others = (GRADED.sum() - GRADED) / 3
    for baseline in ({}, {"baseline": None}, {"baseline": "mean_loo"}):
        got = mx.advantages(GRADED, **baseline)
        assert got.tolist() == (definition(GRADED, order(4)) * (GRADED - others)).tolist()
    assert mx.advantages(GRADED, baseline="one").tolist() != got.tolist()
    assert mx.advantages(FLOATS, baseline=0.25).tolist() == mx.advantages(FLOATS, baseline="one_over_n").tolist()


def test_a_rollout_without_others_has_no_baseline_by_default():
    assert mx.advantages([[0.25], [1.0]]).tolist() == [[0.25], [1.0]]
    assert mx.advantages([Fraction(1, 3)]).tolist() == [Fraction(1, 3)]


NAMES = "none, one, one_over_n, pass_loo, mean_loo"


@pytest.mark.parametrize(
    ("baseline", "error", "message"),
    [
        ("mean", ValueError, f"baseline must be one of {NAMES}, got 'mean'; did you mean 'mean_loo'?"),
        ("", ValueError, f"baseline must be one of {NAMES}, got ''"),
        (float("nan"), ValueError, "baseline must be finite, got nan"),
        (float("inf"), ValueError, "baseline must be finite, got inf"),
        (True, TypeError, f"baseline must be a number, ('beta', alpha, beta) or one of {NAMES}, got True"),
        (1j, TypeError, f"baseline must be a number, ('beta', alpha, beta) or one of {NAMES}, got 1j"),
        ([1.0], TypeError, f"baseline must be a number, ('beta', alpha, beta) or one of {NAMES}, got [1.0]"),
    ],
)
def test_what_is_no_baseline_is_refused(baseline, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        mx.advantages([0.5, 0.25], baseline=baseline)


def test_baselines_of_the_others_need_others():
    rule = "^likelihoods must have groups of N >= {} for baseline '{}, got N = {}$"
    with pytest.raises(ValueError, match=rule.format(2, "pass_loo' of order 1", 1)):
        mx.advantages([0.5], baseline="pass_loo")
    with pytest.raises(ValueError, match=rule.format(3, "pass_loo' of order 2", 2)):
        mx.advantages([0.5, 0.2], 2, baseline="pass_loo")
    with pytest.raises(ValueError, match=rule.format(2, "mean_loo'", 1)):
        mx.advantages([0.5], baseline="mean_loo")


@pytest.mark.parametrize("number", [np.int64(2**62), np.float32(0.1), 0.1, Fraction(1, 3), 2])
def test_a_baseline_of_any_real_type_is_subtracted_without_rounding(number):
    values = [Fraction(1), Fraction(1, 3)]
    given = int(number) if isinstance(number, np.integer) else number
    expected = mx.advantages(values, baseline="none") - Fraction(*given.as_integer_ratio())
    got = mx.advantages(values, baseline=number)
    assert got.tolist() == expected.tolist()
    assert (got**9).tolist() == (expected**9).tolist()  # NumPy's integers, inside of a Fraction, would overflow


def test_recipes_are_told_apart_by_unrounded_objectives():
    nearly = Objective.from_coefficients([1, Fraction(10**20 + 1, 10**20)])
    for baseline in ("none", "pass_loo"):
        for objective in (Objective.maxrl(2), nearly):
            got = mx.advantages(GRADED, objective, baseline=baseline)
            assert got.tolist() == expected_advantages(GRADED, objective.rational_coefficients, baseline).tolist()


def expected_advantages(values, c, baseline):
    """From the definition alone."""
    weights = definition(values, c)
    if baseline == "none":
        return weights * values
    steps = [after - before for before, after in itertools.pairwise((0, *c, 0))]
    rest = [np.delete(values, i) for i in range(len(values))]
    return weights * values - [sum(s * mean_product(others, k) for k, s in enumerate(steps)) for others in rest]


# Every row alike.


@every_estimator
def test_rows_take_any_batch_axes_and_give_back_the_dtype(name):
    values = np.random.default_rng(0).random((2, 3, 5))
    row = estimators.get(name)
    got = row(values)
    assert got.shape == values.shape
    assert got.dtype == np.float64
    for index in np.ndindex(2, 3):
        assert row(values[index]) == pytest.approx(got[index], rel=1e-14)
    assert row(values.astype(np.float32)).dtype == np.float32
    assert row(values[:0]).shape == (0, 3, 5)
    successes = (values > 0.5) | row.positive_only
    assert row(successes.tolist()) == pytest.approx(row(successes.astype(float)))


@every_estimator
def test_rows_follow_the_order_of_rollouts_and_leave_their_input_alone(name):
    values = np.random.default_rng(0).random((20, 5))
    values.flags.writeable = False
    row, before = estimators.get(name), values.copy()
    got = row(values)
    assert row(values[:, ::-1])[:, ::-1] == pytest.approx(got, rel=1e-13, abs=1e-14)
    assert np.array_equal(values, before)
    assert not np.may_share_memory(got, values)


@every_estimator
def test_rows_are_exact_on_fractions_or_say_that_they_cannot_be(name):
    row = estimators.get(name)
    if name.startswith("grpo"):
        with pytest.raises(TypeError, match=r"^likelihoods must be floats, since a standard deviation is irrational"):
            row(GRADED)
    elif not row.positive_only:
        got = row(GRADED)
        assert {type(x) for x in got} <= {Fraction, int}
        assert got.astype(float) == pytest.approx(row(FLOATS), rel=1e-14, abs=1e-15)


OF_OTHERS = {"rloo", "grpo", "ustat_pass_loo", "ustat_mean_loo", "vimco", "jackknife"}
OF_SUBSETS = {name for name in estimators.names() if name.startswith(("passk", "maxk"))}
REFUSES_ONE = OF_OTHERS | OF_SUBSETS | BY_KERNELS | BY_FLIPS
ZERO_ALONE = dict.fromkeys(("mean_centred", "grpo_population", "maxrl_shipped", "tailrl_centred"), 0)
ALONE = ZERO_ALONE | {"ustat_one": -0.75, "ustat_one_over_n": -0.75, "ustat_prior": -0.25}


@every_estimator
def test_groups_of_one_are_refused_by_name_or_have_a_stated_answer(name):
    row = estimators.get(name)
    if name in REFUSES_ONE:
        with pytest.raises(ValueError, match=r"^likelihoods must have groups of N >= [234] for .*, got N = 1$"):
            row([0.25])
    else:
        expected = ALONE.get(name, {"maxrl": 1.0, "self_normalised": 1.0, "maxrl_cv": 0.0}.get(name, 0.25))
        assert row([0.25]).tolist() == [expected]


@every_estimator
def test_extreme_groups_have_finite_advantages(name):
    tiny = [[5e-324, 0, 0, 0], [1e-300] * 4, [1e-310, 1, 0, 0]]
    ends = [[0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0], [0, 1, 1, 1], [1 - 2**-53] * 4]
    row, groups = estimators.get(name), np.array(tiny + ends, dtype=np.float64)
    assert np.isfinite(row(np.maximum(groups, 5e-324 if row.positive_only else 0))).all()


def test_the_least_double_is_a_success_among_zeros_to_maxrl():
    assert estimators.get("maxrl")([5e-324, 0, 0, 0]).tolist() == [4.0, 0.0, 0.0, 0.0]


@every_estimator
def test_rows_check_their_likelihoods(name):
    row = estimators.get(name)
    value, rule = (np.inf, r"be finite, of a size up to 1e\+100") if row.any_reward else (1.5, r"lie in \[0, 1\]")
    with pytest.raises(ValueError, match=rf"^likelihoods\[1\] must {rule}, got {value}$"):
        row([0.5, value, 0.2])


# The registry.


@every_estimator
def test_rows_say_what_they_are(name):
    row = estimators.get(name)
    assert row.name == name
    assert all((row.notes.estimates, row.notes.how, row.notes.unbiased, row.notes.cost, row.notes.source))
    assert str(row.notes).count("\n") == 4
    assert (row.target(4) is None) == name.startswith("grpo")
    assert row.binary_only is (name in {"maxrl", "maxrl_cv", "maxrl_shipped"})


def test_targets_at_groups_of_one_are_none_where_nothing_is_learnt():
    without = {name for name in estimators.names() if estimators.get(name).target(1) is None}
    one_below = {"mean_centred", "maxrl_shipped", "ustat_pass_loo", "tailrl_centred"}
    assert without == {"grpo", "grpo_population", *BY_FLIPS, *one_below}


def test_a_row_with_an_order_keeps_its_notes():
    assert estimators.get("ustat(4)").notes == estimators.get("ustat").notes
    assert estimators.get("ustat(4)").name == "ustat(4)"


@pytest.mark.parametrize("name", [*estimators.names(), "ustat(3)", "ustat_pass_loo(2)"])
def test_rows_survive_pickling_for_use_in_other_processes(name):
    row = estimators.get(name)
    copied = pickle.loads(pickle.dumps(row))
    positive = np.maximum(FLOATS, 1 / 8)
    assert copied.name == row.name
    assert copied(positive).tolist() == row(positive).tolist()
    assert copied.target(4) == row.target(4)
    assert copied.affine(4) == row.affine(4)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rlo", "name must be a name in the table, got 'rlo'; did you mean 'rloo'?"),
        ("ustat_on(2)", "name must be a name in the table, got 'ustat_on(2)'; did you mean 'ustat_one'?"),
        ("xyz", "name must be a name in the table, got 'xyz'; known are reinforce, rloo, "),
        ("ustat(2.0)", "name must be a name in the table, got 'ustat(2.0)'; did you mean 'ustat"),
        ("rloo(2)", "name must be a name in the table, got 'rloo(2)'; "),
    ],
)
def test_unknown_names_are_refused_with_a_hint(name, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        estimators.get(name)


@pytest.mark.parametrize(
    ("name", "rule"), [("ustat(0)", "order"), ("passk(0)", "k"), ("inverse_sampling(0)", "acceptances")]
)
def test_parameters_of_zero_are_refused(name, rule):
    with pytest.raises(ValueError, match=re.escape(f"{rule} of {name[:-3]} must be an int of at least 1, got 0")):
        estimators.get(name)


def test_the_table_lists_every_function_that_describes_itself_as_a_row():
    described = [function.__name__ for function in rows._ROWS]
    assert sorted(described) == sorted(estimators.names())
