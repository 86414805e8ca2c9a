"""The least variances against what they are the least of: all functions of a group, all rules of counts."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.measures import least_variance, variance_bound
from maxrl_est.measures._bound import ROUNDING
from maxrl_est.problems import Bandit, Bernoulli, Chain, Contextual, Finite, Gaussian, reparametrised

CHANCES, GRADED = [F(1, 5), F(1, 10), F(3, 10), F(2, 5)], [F(0), F(1, 3), F(9, 10), F(1)]
ONE = [[F(1)], [F(-3)], [F(2)], [F(-5, 4)]]
TWO = [[F(1), F(2)], [F(-3), F(-1)], [F(2), F(1)], [F(-5, 4), F(-3, 2)]]
FEW = {  # fewer parameters than outcomes
    "one parameter": Finite("one", CHANCES, GRADED, ONE),
    "two": Finite("two", CHANCES, GRADED, TWO),
    "dependent": Finite("dependent", CHANCES, GRADED, [[x, -2 * x] for (x,) in ONE]),
    "one at rest": Finite("one at rest", CHANCES, GRADED, [[0, x] for (x,) in ONE]),
    "0/1": Finite("0/1", CHANCES, [F(0), F(1), F(1), F(0)], TWO),
}
OBJECTIVES = {"J_n": mx.Objective.maxrl, "J_1": lambda n: mx.Objective.maxrl(1), "pass@n": mx.Objective.pass_at}
LOUD = Finite(
    "loud",
    [F(1, 20), F(1, 20), F(9, 20), F(9, 20)],
    [F(1), F(1), F(0), F(0)],
    [[3, 1], [-1, F(1, 2)], [1, F(-1, 4)], [F(-11, 9), F(1, 12)]],
)
GAUSSIAN = Gaussian(0.0, 1.0, 1.0, 0.5)


def in_floats(problem):
    arrays = problem.probabilities, problem.likelihoods, problem.scores
    return Finite(problem.name, *(x.astype(float) for x in arrays))


def quiet(p):
    """A law whose scores say nothing of the reward, so that only how much they vary counts."""
    return Finite("quiet", [p / 2, p / 2, (1 - p) / 2, (1 - p) / 2], [F(1), F(1), F(0), F(0)], [[F(1)], [F(-1)]] * 2)


def least_over_all_functions(problem, objective, n):
    """The U-statistic less its projection on all sums of phi(the others) S_i: every function of every group, floats."""
    problem = in_floats(problem)
    pi, l, S = problem.probabilities, problem.likelihoods, problem.scores
    groups = np.array(list(itertools.product(range(len(pi)), repeat=n)))
    root = np.sqrt(pi[groups].prod(axis=1))
    omega = mx.loo_weights(l[groups], objective=objective)
    estimate = np.einsum("gi,gi,gid->gd", omega, l[groups], S[groups]) / n
    columns = []
    for i in range(n):
        others = np.delete(groups, i, axis=1)
        for seen in np.unique(others, axis=0):
            columns += list((S[groups[:, i]] * (others == seen).all(axis=1)[:, None]).T)
    zero = np.array(columns).T * root[:, None]
    left = estimate * root[:, None]
    left = left - zero @ np.linalg.lstsq(zero, left, rcond=1e-11)[0]
    mean = root**2 @ estimate
    return left.T @ left - np.outer(mean, mean)


def residual_moments(problem, objective, n, beta, slopes):
    """Mean and covariance, in rationals, of (1/n) sum_i v_i sum_k c_k E_k(1 - x_-i) with these x and v."""
    l, S = problem.likelihoods, problem.scores
    x, v = l - S @ beta, l[:, None] * S - S @ slopes.T
    mean, square = 0, 0
    for group in itertools.product(range(len(l)), repeat=n):
        chance = np.prod(problem.probabilities[list(group)])
        omega = [
            sum(c * subsets([1 - x[j] for j in group[:i] + group[i + 1 :]], k) for k, c in enumerate(objective))
            for i in range(n)
        ]
        g = sum(w * v[z] for w, z in zip(omega, group, strict=True)) / n
        mean, square = mean + chance * g, square + chance * np.outer(g, g)
    return mean, square - np.outer(mean, mean)


def subsets(values, k):
    chosen = list(itertools.combinations(values, k))
    return sum(np.prod(np.array(some, dtype=object)) if some else F(1) for some in chosen) / F(len(chosen))


# S18: any function of likelihoods and scores.


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("problem", FEW.values(), ids=FEW)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_bound_is_the_least_over_all_functions_of_the_group(problem, objective, n):
    bound = variance_bound(problem, objective(n), n)
    assert bound.exact
    expected = least_over_all_functions(problem, objective(n), n)
    assert abs(bound.covariance.astype(float) - expected).max() < 1e-13
    floats = variance_bound(in_floats(problem), objective(n), n)
    assert not floats.exact
    assert abs(floats.covariance - expected).max() < 1e-13


@pytest.mark.parametrize("problem", [FEW["one parameter"], FEW["two"]])
@pytest.mark.parametrize("n", [2, 3])
def test_it_is_attained_at_its_law_and_wrong_versions_of_it_are_not_least(problem, n):
    m, c = problem.moments, mx.Objective.maxrl(n).rational_coefficients
    information = np.linalg.inv(m.SS.astype(float))
    inverse = np.array([[F(x).limit_denominator(10**6) for x in row] for row in information], dtype=object)
    assert (inverse @ m.SS == np.eye(len(m.SS), dtype=int)).all()
    beta, slopes = inverse @ m.lS, m.lSS @ inverse
    mean, covariance = residual_moments(problem, c, n, beta, slopes)
    bound = variance_bound(problem, n, n)
    assert (covariance == bound.covariance).all()
    assert (mean == mx.target_gradient(problem, mx.Objective.maxrl(n))).all()
    for wrong in ((0 * beta, slopes), (beta, 0 * slopes), (-beta, slopes), (beta, slopes / 2)):
        same, more = residual_moments(problem, c, n, *wrong)
        assert (same == mean).all()
        assert np.trace(more) > bound.total_variance


@pytest.mark.parametrize(
    "problem", [*FEW.values(), GAUSSIAN, Gaussian([0.0, 0.5], 1.0, [1.0, 0.5], 0.7, learn_scale=True)]
)
@pytest.mark.parametrize("name", ["ustat", "ustat_one", "ustat_optimal"])
def test_no_unbiased_row_varies_less_in_any_direction(problem, name):
    n = 4
    row = mx.ustat_optimal(problem, n) if name == "ustat_optimal" else name
    more = mx.closed_form_variance(problem, row, n) - variance_bound(problem, n, n).covariance
    values = np.linalg.eigvalsh(more.astype(float))
    assert values.min() > -1e-12
    assert values.max() > 1e-3


@pytest.mark.parametrize("n", [1, 2, 7])
def test_it_is_zero_where_scores_tell_outcomes_apart(n):
    for problem in (Bernoulli(F(1, 3)), Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 2), F(1)])):
        assert variance_bound(problem, None, n).total_variance == 0
    for problem in (Bernoulli(0.3), Bandit([0.5, 0.3, 0.2], [0.05, 0.4, 0.9]), Bernoulli(1e-6)):
        assert variance_bound(problem, None, n).total_variance == 0


def test_with_several_prompts_it_has_what_lies_between_them():
    problem = Contextual([Bernoulli(F(1, 10)), Bernoulli(F(1, 2))])
    gradients = [
        mx.target_gradient(Contextual([Bernoulli(F(1, 10)), Bernoulli(F(1, 2))], [w, 1 - w]), mx.Objective.maxrl(3))
        for w in (F(1), F(0))
    ]
    half = (gradients[0] - gradients[1]) / 2
    assert (variance_bound(problem, 3, 3).covariance == np.outer(half, half)).all()


def test_the_size_of_a_parameter_does_not_decide_whether_it_is_one():
    problem = in_floats(FEW["two"])
    units = np.array([1.0, 1e-9])
    scaled = variance_bound(reparametrised(problem, np.diag(units)), 3, 3).covariance
    expected = variance_bound(problem, 3, 3).covariance * np.outer(units, units)
    assert abs(scaled / expected - 1).max() < 1e-9


def test_it_says_what_it_is():
    bound = variance_bound(FEW["one parameter"], 2, 3)
    assert str(bound).startswith("least total variance of an unbiased estimate of grad J_2 from 3 rollouts: ")
    assert bound.n == 3
    assert variance_bound(GAUSSIAN, 8, 8).rounding == ROUNDING


@pytest.mark.parametrize("measure", [variance_bound, least_variance])
@pytest.mark.parametrize(
    ("problem", "objective", "n", "message"),
    [
        (Bernoulli(0.5), 5, 4, "objective must have an order T of at most n = 4, got 5"),
        (Bernoulli(0.5), "J_4", 4, "objective must be an Objective, an int (the order of MaxRL) or None, got 'J_4'"),
        (Bernoulli(0.5), 1, 0, "n must be an int of at least 1, got 0"),
        (0.5, 1, 1, "problem must be a law, such as those of maxrl_est.problems, got 0.5"),
    ],
)
def test_wrong_arguments_are_named(measure, problem, objective, n, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        measure(problem, objective, n)


def test_counts_of_sets_that_are_no_floats_are_refused():
    with pytest.raises(ValueError, match="n must be such that counts of sets of rollouts are floats, got 10000000"):
        variance_bound(GAUSSIAN, 2048, 10**7)


# Rules of the number of successes.


@pytest.mark.parametrize("problem", [LOUD, FEW["0/1"], Chain([F(3, 5), F(1, 2)], [F(0), F(0), F(1)])])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_every_unbiased_rule_beside_the_best_varies_more(problem, n):
    best = least_variance(problem, None, n)
    found = mx.exact_moments(problem, best, n)
    assert (found.covariance == best.covariance).all()
    assert (found.mean == mx.target_gradient(problem, mx.Objective.maxrl(n))).all()
    assert mx.effective_weight(best, n).equals(mx.Objective.maxrl(n))
    assert best.total_variance >= variance_bound(problem, n, n).total_variance
    for m in range(n):
        by = np.array([F(k == m, 1000) for k in range(n)])
        for move in (by, -by):
            other = replace(best, success=best.success + move, failure=best.failure + move)
            assert mx.exact_moments(problem, other, n).total_variance > best.total_variance


@pytest.mark.parametrize("objective", [None, 1, mx.Objective.pass_at(3)])
def test_floats_have_the_rule_of_the_rationals(objective):
    exact, floats = least_variance(LOUD, objective, 4), least_variance(in_floats(LOUD), objective, 4)
    assert floats.success.dtype == np.float64
    assert np.allclose(floats.success, exact.success.astype(float), rtol=1e-13)
    assert np.allclose(floats.failure, exact.failure.astype(float), rtol=1e-12)
    assert np.isclose(floats.total_variance, float(exact.total_variance), rtol=1e-11)


def test_a_large_group_has_a_rule():
    best = least_variance(in_floats(LOUD), None, 2048)
    assert np.isfinite(best.success).all()
    assert 0 < best.total_variance < np.trace(mx.closed_form_variance(in_floats(LOUD), "maxrl_cv", 2048))


def test_a_coin_has_a_rule_without_variance_and_a_sure_thing_any():
    for n in (1, 2, 6):
        assert least_variance(Bernoulli(F(1, 3)), None, n).total_variance == 0
    for p in (F(0), F(1)):
        assert least_variance(Bernoulli(p), None, 3).total_variance == 0
    at_rest = Finite("at rest", [F(1, 2), F(1, 2)], [F(0), F(1)], [[0], [0]])
    assert least_variance(at_rest, None, 3).total_variance == 0


@pytest.mark.parametrize("p", [F(1, 1000), F(1, 10), F(1, 2), F(99, 100)])
@pytest.mark.parametrize("n", [2, 8, 16])
def test_where_scores_say_nothing_the_best_baseline_is_the_pass_rate(p, n):
    best = least_variance(quiet(p), None, n)
    weights = np.array([F(n, m + 1) for m in range(n)])
    assert (best.success == (1 - p) * weights).all()
    assert (best.failure == -p * weights).all()


def test_the_control_variate_of_maxrl_has_not_the_least_variance():
    """Between 1.05 and 16.5 times the least at N = 8, and never the least."""
    rates = [F(1, 1000), *(F(k, 100) for k in range(1, 100)), F(999, 1000)]
    ratios = [
        float(
            mx.closed_form_variance(quiet(p), "maxrl_cv", 8).item() / least_variance(quiet(p), None, 8).total_variance
        )
        for p in rates
    ]
    assert min(ratios) == pytest.approx(1.0518, abs=1e-4)
    assert rates[ratios.index(min(ratios))] == F(15, 100)
    assert max(ratios) == ratios[0] == pytest.approx(16.473, abs=1e-3)


@pytest.mark.parametrize(
    ("rewards", "message"),
    [([1.0, 0.5], "rewards[1] must be 0 or 1, got 0.5"), ([1.0], "rewards must have groups of 2, got shape (1,)")],
)
def test_the_rule_takes_groups_of_its_size_with_rewards_0_and_1(rewards, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        least_variance(LOUD, None, 2)(np.array(rewards))


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (FEW["two"], "problem must have 0/1 rewards, got two: see maxrl_est.variance_bound"),
        (Contextual([Bernoulli(0.1)] * 2), "problem must have one prompt, got 2: each has a best rule of its own"),
    ],
)
def test_laws_without_a_best_rule_are_refused(problem, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        least_variance(problem, None, 2)


@pytest.mark.parametrize("p", [1e-17, 1e-9, 0.3])
def test_what_is_0_for_fractions_is_not_below_0_in_floats(p):
    assert least_variance(Bernoulli(F(p)), None, 4).total_variance == 0
    assert least_variance(Bernoulli(p), None, 4).total_variance == 0
