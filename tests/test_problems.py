"""Problems against their definitions: a softmax policy, differentiated and sampled."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction as F

import numpy as np
import pytest

from maxrl_est.problems import Bandit, Bernoulli, Finite, _finite, reparametrised

PROBLEMS = {
    "bernoulli": Bernoulli(F(1, 3)),
    "never": Bernoulli(F(0)),
    "always": Bernoulli(F(1)),
    "two arms": Bandit([F(1, 4), F(3, 4)], [F(1, 5), F(2, 3)]),
    "four arms": Bandit([F(1, 8), F(1, 8), F(1, 4), F(1, 2)], [F(1), F(9, 10), F(0), F(1, 7)]),
}
every_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)


@every_problem
def test_scores_have_mean_zero_and_the_gradient_is_that_of_the_likelihood_times_the_score(problem):
    pi, l, scores = problem.probabilities, problem.likelihoods, problem.scores
    d = scores.shape[1]
    assert problem.pass_rate == sum(x * y for x, y in zip(pi, l, strict=True))
    assert [sum(pi * scores[:, j]) for j in range(d)] == [0] * d
    assert problem.grad_pass_rate.tolist() == [sum(pi * l * scores[:, j]) for j in range(d)]
    assert problem.grad_pass_rate.shape == (d,)


def test_a_bandit_has_the_gradient_of_a_softmax_in_closed_form():
    problem = PROBLEMS["four arms"]
    expected = problem.probabilities * (problem.likelihoods - problem.pass_rate)
    assert problem.grad_pass_rate.tolist() == expected.tolist()


def test_a_bernoulli_problem_has_the_gradient_of_a_logistic_function():
    assert PROBLEMS["bernoulli"].grad_pass_rate.tolist() == [F(2, 9)]
    assert Bernoulli(0.25).grad_pass_rate.tolist() == [0.1875]


def softmax(logits):
    weights = np.exp(logits)
    return weights / weights.sum()


def slopes(value, at, step=1e-5):
    """Central differences; the error is about step^2 / 6 and 1e-16 / step."""
    return np.array([(value(at + e) - value(at - e)) / (2 * step) for e in step * np.eye(at.size)])


DIFFERENCES = 1e-9  # absolute; measured worst: 3e-11


def test_gradient_and_scores_are_the_slopes_of_a_softmax():
    logits, l = np.array([0.3, -1.0, 2.0, 0.1]), np.array([0.2, 1.0, 0.0, 0.6])
    problem = Bandit(softmax(logits), l)
    expected = slopes(lambda at: softmax(at) @ l, logits)
    assert abs(problem.grad_pass_rate - expected).max() < DIFFERENCES
    for arm, score in enumerate(problem.scores):
        expected = slopes(lambda at, arm=arm: np.log(softmax(at)[arm]), logits)
        assert abs(score - expected).max() < DIFFERENCES
    without_the_mean = (problem.probabilities * l) @ np.eye(4)
    assert abs(without_the_mean - slopes(lambda at: softmax(at) @ l, logits)).max() > 1e-2


def test_gradient_and_scores_are_the_slopes_of_a_logistic_function():
    logit = np.array([0.7])
    p = 1 / (1 + math.exp(-0.7))
    problem = Bernoulli(p)
    assert abs(problem.grad_pass_rate - slopes(lambda at: 1 / (1 + math.exp(-at[0])), logit)).max() < DIFFERENCES
    success = slopes(lambda at: -math.log1p(math.exp(-at[0])), logit)
    failure = slopes(lambda at: -math.log1p(math.exp(at[0])), logit)
    assert abs(problem.scores - [failure, success]).max() < DIFFERENCES


@every_problem
def test_floats_give_what_fractions_give(problem):
    numbers = problem.probabilities.astype(float), problem.likelihoods.astype(float)
    in_floats = Bandit(*numbers) if isinstance(problem, Bandit) else Bernoulli(float(problem.pass_rate))
    assert in_floats.probabilities.dtype == in_floats.likelihoods.dtype == in_floats.scores.dtype == np.float64
    assert float(in_floats.pass_rate) == pytest.approx(float(problem.pass_rate), rel=1e-15)
    assert in_floats.grad_pass_rate == pytest.approx(problem.grad_pass_rate.astype(float), rel=1e-14, abs=1e-16)


def test_fractions_stay_fractions_among_integers():
    problem = Bandit([F(1, 2), F(1, 2)], np.array([np.int64(1), F(1, 3)], dtype=object))
    assert problem.likelihoods.tolist() == [1, F(1, 3)]
    assert {type(x) for x in problem.likelihoods} == {F}
    assert type(problem.likelihoods[0].numerator) is int


# Sampling. With probability 1 - 1e-9 no test here fails by chance, over all seeds: by Hoeffding's inequality a
# frequency of M independent draws is further than sqrt(log(2 k / 1e-9) / 2M) from its probability, for one of k of
# them, with probability 1e-9. All differences are seen that exceed twice that.


SAMPLES = 200_000
FALSE_ALARMS = 1e-9


def farthest(k):
    return math.sqrt(math.log(2 * k / FALSE_ALARMS) / (2 * SAMPLES))


def pair_frequencies(likelihoods, values):
    """How often each pair of values comes up as the first two rollouts of a group."""
    first, second = (np.searchsorted(values, column) for column in likelihoods[:, :2].T)
    return np.bincount(first * len(values) + second, minlength=len(values) ** 2) / len(likelihoods)


class Uniform(Bandit):
    """Samples arms with equal probability."""

    def sample(self, rng, groups, n):
        arms = rng.integers(len(self.probabilities), size=(groups, n))
        return self.likelihoods.astype(float)[arms], self.scores.astype(float)[arms]


class Copies(Bandit):
    """Samples one rollout and repeats it."""

    def sample(self, rng, groups, n):
        likelihoods, scores = super().sample(rng, groups, 1)
        return likelihoods.repeat(n, axis=1), scores.repeat(n, axis=1)


def frequencies_fit(problem):
    order = np.argsort(problem.likelihoods.astype(float))
    values, pi = problem.likelihoods.astype(float)[order], problem.probabilities.astype(float)[order]
    likelihoods, scores = problem.sample(np.random.default_rng(2024), SAMPLES, 3)
    got = pair_frequencies(likelihoods, values)
    assert abs(got - np.outer(pi, pi).ravel()).max() < farthest(got.size)
    assert likelihoods.shape == (SAMPLES, 3)
    assert scores.shape == (SAMPLES, 3, problem.scores.shape[1])
    expected = problem.scores.astype(float)[order][np.searchsorted(values, likelihoods)]
    assert np.array_equal(scores, expected)


ARMS = ([F(1, 8), F(1, 8), F(1, 4), F(1, 2)], [F(1), F(9, 10), F(0), F(1, 7)])


@pytest.mark.parametrize("problem", [Bandit(*ARMS), Bernoulli(F(1, 3)), Bernoulli(0.01)], ids=str)
def test_rollouts_are_drawn_independently_with_their_probabilities_and_scores(problem):
    frequencies_fit(problem)


@pytest.mark.parametrize("wrong", [Uniform, Copies])
def test_wrong_samplers_are_found_out(wrong):
    with pytest.raises(AssertionError):
        frequencies_fit(wrong(*ARMS))


def test_the_same_generator_state_gives_the_same_rollouts_and_no_global_state_is_used():
    problem = Bandit(*ARMS)
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    first, second = (problem.sample(np.random.default_rng(5), 10, 4) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert first[0].dtype == first[1].dtype == np.float64
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


# What is refused.


RANGE = "must lie in [0, 1], got"
NUMBER = "must be a number in [0, 1], got"


@pytest.mark.parametrize(
    ("probabilities", "likelihoods", "error", "message"),
    [
        ([0.5, 0.6], [0.0, 1.0], ValueError, "probabilities must sum to 1, got 1.1"),
        ([F(1, 2), F(1, 3)], [F(0), F(1)], ValueError, "probabilities must sum to 1, got 5/6"),
        ([1.5, -0.5], [0.0, 1.0], ValueError, f"probabilities[0] {RANGE} 1.5"),
        ([F(1, 2), F(-1, 2), F(1)], [F(0)] * 3, ValueError, f"probabilities[1] {RANGE} -1/2"),
        ([0.5, math.nan], [0.0, 1.0], ValueError, f"probabilities[1] {RANGE} nan"),
        ([0.5, 0.5], [0.0, 1.1], ValueError, f"likelihoods[1] {RANGE} 1.1"),
        ([F(1, 2)] * 2, [F(0), F(3, 2)], ValueError, f"likelihoods[1] {RANGE} 3/2"),
        ([0.5, 0.5], [0.0, math.inf], ValueError, f"likelihoods[1] {RANGE} inf"),
        ([0.5, 0.5], [1.0], ValueError, "likelihoods must have one number for each of the 2 probabilities, got 1"),
        ([0.5, 0.5], [[0.0, 1.0]], ValueError, "likelihoods must be at least one number, (s,), got shape (1, 2)"),
        ([], [], ValueError, "probabilities must be at least one number, (s,), got shape (0,)"),
        (0.5, [1.0], TypeError, "probabilities must be a list of numbers, (s,), got 0.5"),
        ([[0.5], [0.5, 0.5]], [1.0], TypeError, f"probabilities[0] {NUMBER} [0.5]"),
        ([True, 0.0], [0.0, 1.0], TypeError, f"probabilities[0] {NUMBER} True"),
        ([0.5, 0.5], np.array([True, False]), TypeError, f"likelihoods[0] {NUMBER} np.True_"),
        ([0.5, "0.5"], [0.0, 1.0], TypeError, f"probabilities[1] {NUMBER} '0.5'"),
        ([0.5, 0.5], [0.0, None], TypeError, f"likelihoods[1] {NUMBER} None"),
        ([0.5, 0.5], [0.0, 1j], TypeError, f"likelihoods[1] {NUMBER} 1j"),
        ([0.5, 0.5], [0.0, Decimal(1)], TypeError, f"likelihoods[1] {NUMBER} Decimal('1')"),
    ],
)
def test_arms_that_are_none_are_refused_with_the_place_the_value_and_the_rule(
    probabilities, likelihoods, error, message
):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        Bandit(probabilities, likelihoods)


@pytest.mark.parametrize(
    ("p", "error", "message"),
    [
        (1.5, ValueError, f"p {RANGE} 1.5"),
        (F(3, 2), ValueError, f"p {RANGE} 3/2"),
        (-5e-324, ValueError, f"p {RANGE} -5e-324"),
        (math.nan, ValueError, f"p {RANGE} nan"),
        ("0.5", TypeError, f"p {NUMBER} '0.5'"),
        (None, TypeError, f"p {NUMBER} None"),
        (True, TypeError, f"p {NUMBER} True"),
        ([0.5], TypeError, f"p {NUMBER} [0.5]"),
    ],
)
def test_pass_rates_that_are_none_are_refused(p, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        Bernoulli(p)


def test_probabilities_may_miss_one_by_rounding_only():
    Finite("tenths", np.full(10, 0.1), np.zeros(10), np.zeros((10, 1)))
    with pytest.raises(ValueError, match=r"probabilities must sum to 1, got 0\.9999"):
        Finite("short", np.array([0.5, 0.5 - 1e-9]), np.zeros(2), np.zeros((2, 1)))


def test_a_problem_prints_as_it_is_made():
    assert str(Bernoulli(F(1, 3))) == "Bernoulli(1/3)"
    assert str(Bandit([F(1, 2)] * 2, [F(0), F(1)])) == "Bandit(1/2: 0, 1/2: 1)"


SHAPE = "scores must have shape (2, d), a row for each outcome, got"


@pytest.mark.parametrize(
    ("law", "error", "message"),
    [
        (([0.5, 0.6], [0.0, 1.0], [[1.0], [-1.0]]), ValueError, "probabilities must sum to 1, got 1.1"),
        (
            ([0.5, 0.5], [1.0], [[1.0], [-1.0]]),
            ValueError,
            "likelihoods must have one number for each of the 2 probabilities, got 1",
        ),
        (([0.5, 0.5], [0.0, 1.0], [[1.0], [0.0], [-1.0]]), ValueError, f"{SHAPE} (3, 1)"),
        (([0.5, 0.5], [0.0, 1.0], [1.0, -1.0]), ValueError, f"{SHAPE} (2,)"),
        (([0.5, 0.5], [0.0, 1.0], np.empty((2, 0))), ValueError, f"{SHAPE} (2, 0)"),
        (([0.5, 0.5], [0.0, 1.0], [[1.0], [math.nan]]), ValueError, "scores[1, 0] must be finite, got nan"),
        (([0.5, 0.5], [0.0, 1.0], [[1.0], [True]]), TypeError, "scores[1, 0] must be a number, got True"),
        (([0.5, 0.5], [0.0, 1.0], "scores"), TypeError, "scores must be an array of finite numbers, got 'scores'"),
    ],
)
def test_a_law_of_ones_own_is_refused_with_the_place_the_value_and_the_rule(law, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        Finite("own", *law)


@pytest.mark.parametrize("number", [F, float])
def test_a_law_of_ones_own_takes_lists_and_is_exact_on_fractions(number):
    law = Finite("own", [number(1) / 4, number(3) / 4], [number(0), number(1)], [[-3], [1]])
    arrays = Finite("own", *map(np.array, (law.probabilities, law.likelihoods, law.scores)))
    for got in (law, arrays):
        assert got.grad_pass_rate.tolist() == [number(3) / 4]
        assert {type(x) for x in (*got.grad_pass_rate.tolist(), *got.scores.ravel().tolist())} == {number}


def test_each_number_of_a_law_is_checked_once(monkeypatch):
    seen, check = [], _finite.check_rate
    monkeypatch.setattr(_finite, "check_rate", lambda name, x: (seen.append(name), check(name, x)))
    law = Bandit(*ARMS)
    reparametrised(law, np.eye(len(law.probabilities)))
    assert len(seen) == len(set(seen)) == 2 * len(law.probabilities)
