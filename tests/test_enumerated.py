"""The exact engine against brute force and closed forms, and what it decides about every row of the table."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est import estimators
from maxrl_est.estimators import LogMean, LogPassRate, MeanLessVariance, OverLevels
from maxrl_est.measures import effective_weight, exact_moments, target_gradient
from maxrl_est.measures._enumerated import group_chances
from maxrl_est.objectives import Objective
from maxrl_est.objectives.targets import on_binary_rewards
from maxrl_est.problems import Bandit, Bernoulli, Contextual, Gaussian
from maxrl_est.problems._finite import Finite
from maxrl_est.selftest.mutants import ADVANTAGES, RELATIVE_BIAS, SAME_MEAN, definition, earlier_rollouts_only

GRADED = {
    "three arms": Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 2), F(1)]),
    "no ends": Bandit([F(1, 4), F(3, 4)], [F(1, 5), F(2, 3)]),
    "four arms": Bandit([F(1, 8), F(1, 8), F(1, 4), F(1, 2)], [F(1), F(9, 10), F(1, 10), F(1, 1000)]),
}
TILTED = Finite(
    "tilted by exp(theta l), so that the score is l - p",
    np.array([F(1, 2), F(1, 4), F(1, 4)]),
    np.array([F(1, 4), F(1, 2), F(1)]),
    np.array([[F(-1, 4)], [F(0)], [F(1, 2)]]),
)
BINARY = Bandit([F(1, 2), F(1, 4), F(1, 8), F(1, 8)], [F(0), F(0), F(1), F(1)])
graded = pytest.mark.parametrize("problem", GRADED.values(), ids=GRADED)
FLOAT_ROUNDING = 1e-12  # relative to the largest entry; measured worst: 5e-15


def truth(objective, problem):
    return (objective.weight(problem.pass_rate) * problem.grad_pass_rate).tolist()


def mutant(name, t):
    function = (ADVANTAGES | SAME_MEAN)[name]
    return lambda values: function(values, [1] * t)


# Moments: against enumeration of all ordered groups.


def by_brute_force(problem, estimator, n, *, ways=lambda group: 1):
    """Mean and covariance over all s^n ordered groups."""
    mean, square = 0, 0
    for group in itertools.product(range(len(problem.probabilities)), repeat=n):
        chance = math.prod(problem.probabilities[list(group)]) * ways(group)
        share = F(1, n) if problem.probabilities.dtype == object else 1 / n  # quotients of ints would be floats
        gradient = np.asarray(estimator(problem.likelihoods[list(group)])) @ problem.scores[list(group)] * share
        mean = mean + chance * gradient
        square = square + chance * np.outer(gradient, gradient)
    return mean, square - np.outer(mean, mean)


@graded
@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["reinforce", "ustat_one", "maxrl", "maxrl_cv"])
def test_moments_are_those_of_all_ordered_groups(problem, name, n):
    got = exact_moments(problem, estimators.get(name), n)
    mean, covariance = by_brute_force(problem, estimators.get(name), n)
    assert got.exact
    assert got.n == n
    assert got.mean.tolist() == mean.tolist()
    assert got.covariance.tolist() == covariance.tolist()


def test_counting_groups_without_their_orders_gives_other_moments():
    problem, row = GRADED["three arms"], estimators.get("ustat")
    mean, covariance = by_brute_force(problem, row, 3, ways=lambda group: group == tuple(sorted(group)))
    got = exact_moments(problem, row, 3)
    assert got.mean.tolist() != mean.tolist()
    assert got.covariance.tolist() != covariance.tolist()


@graded
@pytest.mark.parametrize("name", ["ustat_one", "rloo", "grpo", "ustat_mean_loo"])
def test_moments_in_floats_differ_by_roundings(problem, name):
    in_floats = Bandit(problem.probabilities.astype(float), problem.likelihoods.astype(float))
    got = exact_moments(in_floats, estimators.get(name), 4)
    mean, covariance = by_brute_force(in_floats, estimators.get(name), 4)
    assert not got.exact
    assert got.mean.dtype == got.covariance.dtype == np.float64
    assert abs(got.mean - mean).max() <= FLOAT_ROUNDING * abs(mean).max()
    assert abs(got.covariance - covariance).max() <= FLOAT_ROUNDING * abs(covariance).max()


@pytest.mark.parametrize("name", ["grpo", "grpo_population", "grpo_mean_lift", "grpo_level_lift"])
def test_an_estimator_that_cannot_take_fractions_is_given_floats(name):
    got = exact_moments(GRADED["three arms"], estimators.get(name), 3)
    assert not got.exact
    assert got.mean.dtype == np.float64


# Bias, on graded likelihoods, exactly.


UNBIASED = [name for name in estimators.names() if name.startswith("ustat")] + ["reinforce", "rloo", "mean_centred"]


@graded
@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("name", UNBIASED)
def test_rows_said_to_be_unbiased_are_on_graded_likelihoods(problem, name, n):
    row = estimators.get(name)
    if n == 1 and name in ("rloo", "ustat_pass_loo", "ustat_mean_loo"):
        with pytest.raises(ValueError, match="N = 1"):
            exact_moments(problem, row, n)
        return
    got, target = exact_moments(problem, row, n), row.target(n)
    assert got.exact
    assert got.mean.tolist() == (truth(target, problem) if target else [0] * len(got.mean))


@graded
@pytest.mark.parametrize("t", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "name", ["ustat", "ustat_one", "ustat_one_over_n", "ustat_mean_loo", "ustat_prior", "ustat_pass_loo"]
)
def test_the_ustat_family_is_unbiased_at_every_order_it_takes(problem, name, t):
    row = estimators.get(f"{name}({t})")
    if name == "ustat_pass_loo" and t == 4:
        with pytest.raises(ValueError, match=r"N >= 5 for baseline 'pass_loo' of order 4, got N = 4"):
            exact_moments(problem, row, 4)
    else:
        assert exact_moments(problem, row, 4).mean.tolist() == truth(Objective.maxrl(t), problem)


OBJECTIVES = [
    Objective.pass_at(3),
    Objective.tsallis(F(1, 2), 3),
    Objective.from_coefficients([F(1, 3), -2, F(1, 7)]),
]


@graded
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)
@pytest.mark.parametrize("baseline", ["none", "one", "one_over_n", "pass_loo", "mean_loo", 0.5, F(2, 7)])
def test_advantages_are_unbiased_for_any_objective_and_baseline(problem, objective, baseline):
    got = exact_moments(problem, lambda values: mx.advantages(values, objective, baseline=baseline), 4)
    expected = truth(objective, problem)
    if isinstance(baseline, float):
        assert got.mean.astype(float) == pytest.approx(np.array(expected, dtype=float), rel=1e-13)
    else:
        assert got.mean.tolist() == expected


@graded
@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("name", ["maxrl", "maxrl_cv", "maxrl_shipped", "self_normalised"])
def test_maxrl_as_written_is_biased_on_graded_likelihoods_at_every_order(problem, name, n):
    mean = exact_moments(problem, estimators.get(name), n).mean
    for t in range(1, n + 1):
        assert mean.tolist() != truth(Objective.maxrl(t), problem)


@pytest.mark.parametrize("key", ["three arms", "four arms"])
def test_its_mean_does_not_even_point_along_the_gradient(key):
    problem = GRADED[key]
    mean, gradient = exact_moments(problem, estimators.get("maxrl_shipped"), 4).mean, problem.grad_pass_rate
    assert mean[0] * gradient[1] != mean[1] * gradient[0]
    right = exact_moments(problem, estimators.get("ustat_pass_loo"), 4).mean
    assert right[0] * gradient[1] == right[1] * gradient[0]


@pytest.mark.parametrize("name", ADVANTAGES)
def test_every_wrong_advantage_is_found_out(name):
    for problem in GRADED.values():
        assert exact_moments(problem, mutant(name, 4), 4).mean.tolist() != truth(Objective.maxrl(4), problem)


@pytest.mark.parametrize("name", ADVANTAGES)
def test_wrong_advantages_have_their_stated_relative_bias(name):
    (mean,), (gradient,) = exact_moments(TILTED, mutant(name, 4), 4).mean, truth(Objective.maxrl(4), TILTED)
    assert TILTED.pass_rate == F(1, 2)
    assert mean / gradient - 1 == RELATIVE_BIAS[name]


@pytest.mark.parametrize("name", SAME_MEAN)
def test_other_baselines_of_the_others_are_not_flagged(name):
    for problem in (*GRADED.values(), TILTED):
        assert exact_moments(problem, mutant(name, 4), 4).mean.tolist() == truth(Objective.maxrl(4), problem)


# Covariance, for binary rewards in closed form.


def binary_covariance(problem, estimator, n, *, forget_scores=False):
    """Var g = E[(K a^2 S+ + (N-K) b^2 S-)]/N^2 + Var[(K a mu+ + (N-K) b mu-)/N], K ~ Binomial(N, p)."""
    p, moments = problem.pass_rate, []
    outcomes = list(zip(problem.probabilities, problem.likelihoods, strict=True))
    for reward in (1, 0):
        chances = np.array([x if l == reward else F(0) for x, l in outcomes])
        chances = chances / chances.sum()
        mean = chances @ problem.scores
        centred = problem.scores - mean
        moments.append((mean, (chances[:, None] * centred).T @ centred))
    (mu, sigma), (mu_failed, sigma_failed) = moments
    inner, mean, square = 0, 0, 0
    for k in range(n + 1):
        chance = math.comb(n, k) * p**k * (1 - p) ** (n - k)
        advantages = estimator(np.array([F(int(i < k)) for i in range(n)]))
        a, b = advantages[0] * (k > 0), advantages[-1] * (k < n)
        inner = inner + chance * (k * a**2 * sigma + (n - k) * b**2 * sigma_failed) / n**2
        between = (k * a * mu + (n - k) * b * mu_failed) / n
        mean, square = mean + chance * between, square + chance * np.outer(between, between)
    return square - np.outer(mean, mean) + (0 if forget_scores else inner)


ROOTS = ("grpo", "grpo_population", "grpo_mean_lift", "grpo_level_lift")
NO_OBJECTIVE = (*ROOTS, "vimco", "jackknife")  # square roots, and logarithms of zeros
EXACT_ROWS = [name for name in estimators.names() if name not in NO_OBJECTIVE]
OF_THREE = ("passk_loo", "maxk_loo", "mean_less_gini", "mean_less_variance")  # k = 2 of the others
LEAST = dict.fromkeys(OF_THREE, 3) | {"median": 4}
SIZES = [(name, n) for name in EXACT_ROWS for n in range(LEAST.get(name, 2), 11)]


@pytest.mark.parametrize(("name", "n"), [(name, n) for name, n in SIZES if n in (2, 3, 8)])
def test_binary_covariances_have_their_closed_form(name, n):
    got = exact_moments(BINARY, estimators.get(name), n).covariance.tolist()
    assert got == binary_covariance(BINARY, estimators.get(name), n).tolist()
    assert got != binary_covariance(BINARY, estimators.get(name), n, forget_scores=True).tolist()


def test_with_one_score_for_each_reward_the_outer_variance_is_all():
    problem, row = Bernoulli(F(1, 3)), estimators.get("maxrl")
    expected = binary_covariance(problem, row, 4, forget_scores=True)
    assert exact_moments(problem, row, 4).covariance.tolist() == expected.tolist()


# Effective weights.


def stated(n):
    one, full, below = Objective.expected(), Objective.maxrl(n), Objective.maxrl(n - 1)
    averse = Objective.from_coefficients([F(3, 2), -1])
    return {
        "reinforce": one,
        "rloo": one,
        "mean_centred": Objective.from_coefficients([F(n - 1, n)]),
        "maxrl": full,
        "maxrl_cv": full,
        "maxrl_shipped": below,
        "self_normalised": full,
        "ustat": full,
        "ustat_one": full,
        "ustat_one_over_n": full,
        "ustat_pass_loo": below,
        "ustat_mean_loo": full,
        "ustat_prior": full,
        "plug_in_loo": full,
        "tailrl": full,
        "tailrl_centred": below,
        "median": Objective.from_coefficients([0, 6, -6]),
        "mean_less_gini": averse,
        "mean_less_variance": averse,
    } | dict.fromkeys(("passk", "passk_loo", "maxk", "maxk_loo", "maxk_loo_minus_one"), Objective.pass_at(2))


NOT_KNOWN = ("median", "mean_less_gini", "mean_less_variance")  # they have names, and no family of their own


def test_every_row_that_has_a_target_is_decided_here():
    assert set(stated(4)) == set(EXACT_ROWS)


@pytest.mark.parametrize(("name", "n"), SIZES)
def test_each_row_ascends_its_stated_objective_exactly(name, n):
    row, target = estimators.get(name), stated(n)[name]
    got = effective_weight(row, n)
    assert got.exact
    assert got.equals(target)
    assert got.equals(on_binary_rewards(row.target(n)))
    assert got.coefficients == target.rational_coefficients + (0,) * (n - target.order)
    assert not got.equals(Objective.maxrl(n + 1))
    wrong = Objective.maxrl(n) if target != Objective.maxrl(n) else Objective.maxrl(n - 1)
    assert not got.equals(wrong)
    nearest = got.nearest()
    assert nearest.exact == (name not in NOT_KNOWN)
    if name in NOT_KNOWN:
        assert str(nearest).startswith("no known objective; nearest")
    elif name == "mean_centred":
        assert (nearest.scale, nearest.objective) == (F(n - 1, n), Objective.expected())
    else:
        assert (nearest.scale, nearest.objective, nearest.distance) == (1, target, 0.0)


@pytest.mark.parametrize("name", ["rloo", "maxrl", "maxrl_shipped", "maxrl_cv", "ustat_one(3)", "mean_centred"])
def test_at_64_rollouts_too(name):
    got, n = effective_weight(estimators.get(name), 64), 64
    target = Objective.maxrl(3) if name == "ustat_one(3)" else stated(n)[name]
    assert got.exact
    assert got.coefficients == target.rational_coefficients + (0,) * (n - target.order)
    assert got.nearest().exact


@pytest.mark.parametrize("n", range(1, 11))
def test_as_shipped_maxrl_ascends_one_order_less_and_nothing_alone(n):
    nearest = effective_weight(estimators.get("maxrl_shipped"), n).nearest()
    if n == 1:
        assert str(nearest) == "exactly 0 (no learning)"
    else:
        assert nearest.objective == Objective.maxrl(n - 1)
    for p in (F(1, 3), F(9, 10)):
        mean = exact_moments(Bernoulli(p), estimators.get("maxrl_shipped"), n).mean
        assert mean.tolist() == (truth(Objective.maxrl(n - 1), Bernoulli(p)) if n > 1 else [0])


@pytest.mark.parametrize("n", [4, 8, 16, 32])
@pytest.mark.parametrize("name", ROOTS)
def test_grpo_ascends_no_known_objective_at_any_scale(name, n):
    nearest = effective_weight(estimators.get(name), n).nearest()
    assert not nearest.exact
    assert nearest.distance > 0.02
    assert "no known objective; nearest" in str(nearest)


def test_other_objectives_are_recognised_with_their_scale():
    for k in (2, 3, 6):
        row = lambda values, k=k: mx.advantages(values, Objective.pass_at(k))  # noqa: E731
        assert effective_weight(row, 6).nearest().objective == Objective.pass_at(k)
        scaled = effective_weight(lambda values, row=row: row(values) * F(3, 7), 6).nearest()
        assert (scaled.exact, scaled.scale, scaled.objective) == (True, F(3, 7), Objective.pass_at(k))


@pytest.mark.parametrize("name", ADVANTAGES)
def test_wrong_advantages_do_not_ascend_the_objective(name):
    assert effective_weight(mutant(name, 4), 4).equals(Objective.maxrl(4)) is False
    assert effective_weight(lambda values: definition(values, [1] * 4) * values, 4).equals(Objective.maxrl(4))


@pytest.mark.parametrize("name", SAME_MEAN)
def test_other_baselines_ascend_the_same(name):
    assert effective_weight(mutant(name, 4), 4).equals(Objective.maxrl(4))


def test_the_effective_weight_is_the_mean_over_the_gradient():
    row = estimators.get("maxrl_shipped")
    for p in (F(1, 7), F(2, 3)):
        problem = Bernoulli(p)
        (mean,) = exact_moments(problem, row, 5).mean
        assert effective_weight(row, 5).value(p) == mean / problem.grad_pass_rate[0]


@pytest.mark.parametrize("name", ["maxrl", "maxrl_shipped", "mean_centred"])
def test_its_value_is_that_of_its_polynomial(name):
    got = effective_weight(estimators.get(name), 7)
    for p in (F(0), F(1, 3), F(1)):
        assert got.value(p) == sum(c * (1 - p) ** k for k, c in enumerate(got.coefficients))
    points = np.linspace(0, 1, 11)
    expected = [float(got.value(F(p))) for p in points.tolist()]
    assert got.value(points) == pytest.approx(expected, rel=1e-14)
    assert got.value(0.25) == pytest.approx(float(got.value(F(1, 4))), rel=1e-14)


# Floats at 64 rollouts: a polynomial of degree 63, compared in the basis in which that is stable.


def in_floats(values):
    """MaxRL with roundings."""
    values = np.asarray(values, dtype=np.float64)
    return values * (1 / np.maximum(values.mean(axis=-1, keepdims=True), 1e-9) / 3) * 3


def perturbed(size):
    def advantages(values):
        half = np.asarray(values, dtype=np.float64).sum(axis=-1, keepdims=True) == values.shape[-1] // 2
        return in_floats(values) * (1 + size * half)

    return advantages


@pytest.mark.parametrize("n", [16, 64])
def test_rounding_is_forgiven_and_a_millionth_is_not(n):
    got = effective_weight(in_floats, n)
    assert not got.exact
    assert got.equals(Objective.maxrl(n))
    assert got.nearest().name == f"J_{n}"
    assert not effective_weight(perturbed(1e-6), n).equals(Objective.maxrl(n))
    assert not effective_weight(perturbed(1e-6), n).nearest().exact
    assert effective_weight(perturbed(1e-14), n).equals(Objective.maxrl(n))


def test_coefficients_of_powers_would_not_tell_rounding_from_error():
    coefficients = effective_weight(in_floats, 64).coefficients
    assert max(abs(float(c) - 1) for c in coefficients) > 1e3


# What is refused.


def by_position(values):
    return values * np.arange(values.shape[-1])


def by_distance_from_the_ends(values):
    """Blind to reversal."""
    position = np.arange(values.shape[-1])
    return values * np.minimum(position, position[::-1])


def less_the_next(values):
    """Blind to rotation."""
    return values - np.roll(values, 1, axis=-1)


def from_earlier_rollouts(values):
    return earlier_rollouts_only(values, [1] * 4) * values


@pytest.mark.parametrize("estimator", [by_position, by_distance_from_the_ends, less_the_next, from_earlier_rollouts])
def test_estimators_that_depend_on_the_order_of_rollouts_are_refused(estimator):
    with pytest.raises(ValueError, match=r"estimator depends on the order of rollouts: reordering to \["):
        effective_weight(estimator, 4)
    with pytest.raises(ValueError, match="estimator depends on the order of rollouts"):
        exact_moments(GRADED["three arms"], estimator, 4)


def less_the_mean_of_the_batch(values):
    return values - values.sum() / values.size


def over_the_deviation_of_the_batch(values):
    return (values - values.sum(axis=-1, keepdims=True) / values.shape[-1]) / (values.astype(float).std() + 1e-4)


@pytest.mark.parametrize("estimator", [less_the_mean_of_the_batch, over_the_deviation_of_the_batch])
@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_estimators_that_depend_on_the_batch_are_refused(estimator, n):
    with pytest.raises(ValueError, match=r"estimator depends on the batch: \["):
        effective_weight(estimator, n)
    with pytest.raises(ValueError, match="estimator depends on the batch"):
        exact_moments(GRADED["three arms"], estimator, n)


def not_finite(values):
    with np.errstate(all="ignore"):
        return values.astype(float) / values.astype(float).sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (lambda values: values.sum(axis=-1), "estimator must return the shape of likelihoods, (5, 4), got (5,)"),
        (lambda values: values[:, :2], "estimator must return the shape of likelihoods, (5, 4), got (5, 2)"),
        (not_finite, "estimator must be finite, got [nan, nan, nan, nan] for [0.0, 0.0, 0.0, 0.0]"),
    ],
)
def test_results_that_are_no_advantages_are_refused(estimator, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        effective_weight(estimator, 4)


@pytest.mark.parametrize("n", [0, -1])
def test_groups_of_none_are_refused(n):
    for measure in (effective_weight, lambda row, n: exact_moments(BINARY, row, n)):
        with pytest.raises(ValueError, match=f"n must be an int of at least 1, got {n}"):
            measure(estimators.get("maxrl"), n)


def test_more_groups_than_can_be_enumerated_are_refused_with_their_number():
    many = Bandit([F(1, 20)] * 20, [F(k, 20) for k in range(20)])
    groups = math.comb(30 + 19, 19)
    with pytest.raises(ValueError, match=f"n must make .*, got 30: with 20 outcomes there are {groups} groups"):
        exact_moments(many, estimators.get("ustat"), 30)


def test_an_estimator_may_write_to_what_it_is_given():
    def writes(values):
        values *= 2
        return values / 2

    assert effective_weight(writes, 4).equals(Objective.expected())
    assert exact_moments(TILTED, writes, 3).mean.tolist() == truth(Objective.expected(), TILTED)
    assert TILTED.likelihoods.tolist() == [F(1, 4), F(1, 2), F(1)]


# Several prompts.


PROMPTS = [Bandit([F(1, 2), F(1, 2)], [F(1, 4), F(1)]), Bernoulli(F(1, 10))]
MIXED = Contextual(PROMPTS, [F(1, 3), F(2, 3)])


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("name", ["maxrl", "ustat_one"])
def test_a_group_of_several_prompts_belongs_to_one_of_them(name, n):
    row = estimators.get(name)
    mean, square, within = 0, 0, 0
    for weight, prompt in MIXED.prompts:
        its_mean, its_covariance = by_brute_force(prompt, row, n)
        mean, within = mean + weight * its_mean, within + weight * its_covariance
        square = square + weight * np.outer(its_mean, its_mean)
    got = exact_moments(MIXED, row, n)
    assert got.exact
    assert got.mean.tolist() == mean.tolist()
    assert all(isinstance(x, F) for x in (*got.mean, *got.covariance.flat))
    assert got.covariance.tolist() == (within + square - np.outer(mean, mean)).tolist()
    assert got.covariance.tolist() != within.tolist()  # the spread between prompts left out


def test_a_prompt_computed_in_floats_makes_the_mixture_one_of_floats():
    got = exact_moments(MIXED, estimators.get("grpo"), 3)
    assert not got.exact
    assert got.mean.dtype == got.covariance.dtype == np.float64


def test_a_continuum_of_outcomes_is_refused():
    with pytest.raises(ValueError, match=r"problem must list its outcomes .*got Gaussian\(.*cannot be enumerated"):
        exact_moments(Gaussian(0, 1, 1, 0.5), estimators.get("ustat"), 2)


# Gradients of targets.


def test_the_gradient_of_an_objective_weights_each_prompt_by_itself():
    objective = Objective.maxrl(4)
    expected = sum(w * objective.weight(x.pass_rate) * x.grad_pass_rate for w, x in MIXED.prompts)
    assert target_gradient(MIXED, objective).tolist() == expected.tolist()
    pooled = objective.weight(MIXED.pass_rate) * MIXED.grad_pass_rate
    assert target_gradient(MIXED, objective).tolist() != pooled.tolist()


def test_the_gradient_of_log_p_is_that_of_each_prompt():
    expected = sum(w * x.grad_pass_rate / x.pass_rate for w, x in MIXED.prompts)
    assert target_gradient(MIXED, LogPassRate()).tolist() == expected.tolist()
    with pytest.raises(ValueError, match="log p has no gradient at p = 0"):
        target_gradient(Bandit([F(1, 2), F(1, 2)], [F(0), F(0)]), LogPassRate())


@pytest.mark.parametrize("k", [1, 2, 3])
def test_over_levels_of_pass_at_k_is_the_largest_of_k(k):
    """E max of k likelihoods: its gradient by the score function over all groups, as for any function of a group."""
    problem = Contextual([PROMPTS[0], GRADED["three arms"]])

    def largest(likelihoods):
        return np.broadcast_to(k * likelihoods.max(axis=-1, keepdims=True), likelihoods.shape)

    got = target_gradient(problem, OverLevels(Objective.pass_at(k)))
    assert got.tolist() == exact_moments(problem, largest, k).mean.tolist()
    assert (got.tolist() == target_gradient(problem, Objective.pass_at(k)).tolist()) == (k == 1)


@pytest.mark.parametrize("c", [F(1, 2), F(-2, 3), 1, 0.25])
def test_the_mean_less_the_variance_is_that_of_a_kernel_of_two(c):
    """E l - c Var l: its gradient by the score function over all groups, as for any function of a group."""
    problem = Contextual([PROMPTS[0], GRADED["three arms"]])

    def kernel(likelihoods):
        x, y = likelihoods[..., :1], likelihoods[..., 1:]
        return np.broadcast_to(2 * ((x + y) / 2 - F(c) * (x - y) ** 2 / 2), likelihoods.shape)

    got = target_gradient(problem, MeanLessVariance(c))
    assert got.tolist() == exact_moments(problem, kernel, 2).mean.tolist()
    squares = sum(weight * x.moments.l2S for weight, x in problem.prompts)
    assert got.tolist() != (problem.grad_pass_rate - F(c) * squares).tolist()  # the square of the mean forgotten
    binary = Bernoulli(F(1, 3))
    assert target_gradient(binary, MeanLessVariance(c)).tolist() == truth(
        on_binary_rewards(MeanLessVariance(c)), binary
    )


DIFFERENCE = 1e-6
DIFFERENCE_ERROR = 1e-8  # relative; central differences, measured worst: 2e-10


@pytest.mark.parametrize("n", [1, 2, 4])
def test_the_gradient_of_a_log_mean_is_its_slope(n):
    likelihoods = np.array([0.1, 0.5, 0.9])

    def bound(logits):
        policy = np.exp(logits) / np.exp(logits).sum()
        groups = list(itertools.product(range(3), repeat=n))
        return sum(math.prod(policy[list(g)]) * math.log(likelihoods[list(g)].mean()) for g in groups)

    logits = np.log([0.5, 0.3, 0.2])
    steps = DIFFERENCE * np.eye(3)
    expected = np.array([bound(logits + e) - bound(logits - e) for e in steps]) / (2 * DIFFERENCE)
    got = target_gradient(Bandit([0.5, 0.3, 0.2], likelihoods.tolist()), LogMean(n))
    assert abs(got - expected).max() <= DIFFERENCE_ERROR * abs(expected).max()
    other = target_gradient(Bandit([0.5, 0.3, 0.2], likelihoods.tolist()), LogMean(n + 1))
    assert abs(other - expected).max() > 1e-3 * abs(expected).max()


def test_a_log_mean_is_refused_where_it_cannot_be_enumerated():
    with pytest.raises(ValueError, match=r"problem must have likelihoods above 0, got likelihoods\[0\] = 0"):
        target_gradient(GRADED["three arms"], LogMean(2))
    with pytest.raises(ValueError, match="cannot be enumerated"):
        target_gradient(Gaussian(0, 1, 1, 0.5), LogMean(2))


A_TARGET = "must be an Objective, such as maxrl_est.Objective.expected()"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: target_gradient(Bernoulli(0.5), 3), TypeError, f"target {A_TARGET}, or another target, got 3"),
        (lambda: target_gradient(Bernoulli(0.5), "x"), TypeError, f"target {A_TARGET}, or another target, got 'x'"),
        (lambda: OverLevels(3), TypeError, f"objective {A_TARGET}, got 3"),
        (lambda: LogMean(True), TypeError, "n must be an int of at least 1, got True"),
        (lambda: MeanLessVariance("1"), TypeError, "c must be an int, a float or a Fraction, got '1'"),
        (lambda: MeanLessVariance(math.inf), ValueError, "c must be finite, got inf"),
        (lambda: LogMean(0), ValueError, "n must be an int of at least 1, got 0"),
    ],
)
def test_what_is_no_target_is_refused(make, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        make()


def test_chances_of_more_groups_than_floats_count_are_right_beside_an_outcome_that_never_comes():
    """0 times the logarithm of 0 is no number."""
    counts = np.array([[750, 750, 0], [749, 750, 1], [1500, 0, 0]])
    found = group_chances(counts, np.array([0.5, 0.5, 0.0]))
    assert found.tolist() == [pytest.approx(float(F(math.comb(1500, 750), 2**1500)), rel=1e-12), 0.0, 0.5**1500]
