"""Problems of several prompts, of several steps, and of a continuum: closed forms against independent routes."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction as F

import numpy as np
import pytest
from scipy import integrate, stats

from maxrl_est.objectives import Objective
from maxrl_est.problems import Bandit, Bernoulli, Chain, Contextual, Gaussian, Shared, reparametrised
from maxrl_est.problems._finite import Finite

OBJECTIVES = [Objective.expected(), Objective.maxrl(3), Objective.pass_at(2), Objective.maxrl(16)]


# A chain, step by step.


CHAINS = {
    "sparse": Chain([F(1, 2), F(1, 3), F(3, 4)], [F(0), F(0), F(0), F(1)]),
    "graded": Chain([F(1, 2), F(1, 3), F(3, 4)], [F(1, 9), F(0), F(1, 2), F(1)]),
    "one step": Chain([F(2, 7)], [F(1, 5), F(4, 5)]),
}
every_chain = pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)


def trajectories(chain, forget_earlier_steps=False):
    """Probability, likelihood and score of every sequence of successes that ends at its first failure."""
    pi = chain.advance.tolist()
    for end in range(len(pi) + 1):
        steps = [1] * end + [0] * (end < len(pi))
        chance = math.prod((x if step else 1 - x for x, step in zip(pi, steps, strict=False)), start=F(1))
        score = [step - x for x, step in zip(pi, steps, strict=False)] + [F(0)] * (len(pi) - len(steps))
        if forget_earlier_steps:
            score = [s if i == len(steps) - 1 else F(0) for i, s in enumerate(score)]
        yield chance, chain.likelihoods[end], score


@every_chain
def test_a_chain_has_the_outcomes_of_its_trajectories(chain):
    for outcome, (chance, likelihood, score) in enumerate(trajectories(chain)):
        assert chain.probabilities[outcome] == chance
        assert chain.likelihoods[outcome] == likelihood
        assert chain.scores[outcome].tolist() == score


def test_scores_of_the_last_step_alone_are_not_those_of_a_rollout():
    chain = CHAINS["graded"]
    alone = [score for *_, score in trajectories(chain, forget_earlier_steps=True)]
    assert chain.scores.tolist() != alone


@every_chain
def test_dynamic_programming_and_the_sum_over_outcomes_agree(chain):
    assert chain.pass_rate == Finite.pass_rate.fget(chain)
    assert chain.grad_pass_rate.tolist() == Finite.grad_pass_rate.fget(chain).tolist()
    assert (chain.probabilities @ chain.scores).tolist() == [0] * len(chain.advance)


SLOPE = 1e-8  # absolute, of central differences with step 1e-5; measured worst: 4e-11


def slopes(value, at, step=1e-5):
    return np.array([(value(at + e) - value(at - e)) / (2 * step) for e in step * np.eye(len(at))])


def test_the_gradient_of_a_chain_is_its_slope_in_the_logits():
    logits, l = np.array([0.2, -0.7, 1.1]), [0.1, 0.0, 0.5, 1.0]

    def chain(at):
        return Chain(1 / (1 + np.exp(-at)), l)

    assert abs(chain(logits).grad_pass_rate - slopes(lambda at: chain(at).pass_rate, logits)).max() < SLOPE


# Objectives over levels.


def level_objective(problem, objective):
    """Int_0^1 J(P(l > tau)) dtau of a finite problem, by its definition."""
    edges = sorted({0.0, 1.0, *problem.likelihoods.astype(float)})
    pi, l = problem.probabilities.astype(float), problem.likelihoods.astype(float)
    return sum(
        (high - low) * objective.value(min(1.0, float(pi[l > low].sum()))) for low, high in itertools.pairwise(edges)
    )


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda x: x.name)
def test_gradients_over_levels_are_slopes_of_the_mean_over_levels(objective):
    logits, l = np.array([0.3, -1.0, 0.5]), np.array([0.2, 0.9, 0.4])

    def bandit(at):
        return Bandit(np.exp(at) / np.exp(at).sum(), l)

    got = bandit(logits).gradient_over_levels(objective)
    assert abs(got - slopes(lambda at: level_objective(bandit(at), objective), logits)).max() < SLOPE
    reversed_levels = Bandit(bandit(logits).probabilities, l[::-1]).gradient_over_levels(objective)
    assert abs(reversed_levels - got).max() > 1e-2


def test_on_binary_rewards_levels_are_the_pass_rate_exactly():
    for problem in (Bernoulli(F(1, 3)), CHAINS["sparse"], Bandit([F(1, 2)] * 2, [F(0), F(1)])):
        for objective in OBJECTIVES:
            expected = objective.weight(problem.pass_rate) * problem.grad_pass_rate
            assert problem.gradient_over_levels(objective).tolist() == expected.tolist()


# Several prompts.


PARTS = [Bernoulli(F(1, 10)), Bandit([F(1, 2), F(1, 4), F(1, 4)], [F(0), F(1, 3), F(1)])]
TWO = Contextual(PARTS, [F(1, 3), F(2, 3)])


def test_prompts_have_parameters_of_their_own():
    assert [weight for weight, _ in TWO.prompts] == [F(1, 3), F(2, 3)]
    assert TWO.pass_rate == F(1, 3) * F(1, 10) + F(2, 3) * F(1, 3)
    first, second = (prompt for _, prompt in TWO.prompts)
    assert first.scores.tolist() == [[*row, 0, 0, 0] for row in PARTS[0].scores.tolist()]
    assert second.scores.tolist() == [[0, *row] for row in PARTS[1].scores.tolist()]
    expected = [F(1, 3) * PARTS[0].grad_pass_rate[0], *(F(2, 3) * PARTS[1].grad_pass_rate)]
    assert TWO.grad_pass_rate.tolist() == expected
    assert Contextual(PARTS).prompts[0][0] == F(1, 2)


SAMPLES, FALSE_ALARMS = 200_000, 1e-9


def hoeffding(width, tests=1):
    return width * math.sqrt(math.log(2 * tests / FALSE_ALARMS) / (2 * SAMPLES))


def test_a_group_belongs_to_one_prompt_drawn_with_its_weight():
    likelihoods, scores = TWO.sample(np.random.default_rng(1), SAMPLES, 2)
    of_first = (scores[:, :, 0] != 0).any(axis=1)
    assert abs(of_first.mean() - 1 / 3) < hoeffding(1)
    assert not (of_first[:, None] & (scores[:, :, 1:] != 0).any(axis=2)).any()
    assert abs(likelihoods[:, 0].mean() - float(TWO.pass_rate)) < hoeffding(1)
    assert abs(likelihoods[:, 0].mean() - float(Contextual(PARTS).pass_rate)) > hoeffding(1)  # equal weights


def test_prompts_of_a_continuum_can_be_mixed_with_others():
    mixed = Contextual([Gaussian(0.0, 1.0, 1.0, 0.5), Bernoulli(0.5)])
    (_, regression), (_, coin) = mixed.prompts
    assert regression.moments.l2SS.shape == (2, 2)
    assert regression.grad_pass_rate.tolist() == [*Gaussian(0.0, 1.0, 1.0, 0.5).grad_pass_rate, 0]
    assert coin.grad_pass_rate.tolist() == [0, 0.25]
    _, scores = mixed.sample(np.random.default_rng(0), 100, 3)
    assert ((scores != 0).all(axis=1).sum(axis=1) == 1).all()


# The same laws in other parameters.


def logistic(logit):
    return 1 / (1 + math.exp(-logit))


MAP = np.array([[1, 0, -2], [0, 3, 1], [1, 1, 1]])


def test_other_parameters_keep_fractions_exact_and_have_the_scores_of_the_chain_rule():
    law = reparametrised(PARTS[1], MAP)
    assert law.likelihoods.tolist() == PARTS[1].likelihoods.tolist()
    assert law.scores.tolist() == (PARTS[1].scores @ MAP).tolist()
    assert all(isinstance(x, F) for x in law.moments.l2SS.flat)
    assert law.moments.l2SS.tolist() == (MAP.T @ PARTS[1].moments.l2SS @ MAP).tolist()
    assert law.moments.l2SS.tolist() != (MAP @ PARTS[1].moments.l2SS @ MAP.T).tolist()


def test_what_is_not_exact_is_all_in_floats():
    for law in (reparametrised(PARTS[1], MAP + 0.0), reparametrised(Bernoulli(0.25), np.array([[F(1, 3)]]))):
        for values in (law.probabilities, law.likelihoods, law.scores, law.grad_pass_rate):
            assert values.dtype == np.float64


def test_prompts_that_share_parameters_have_the_slope_of_their_mean_pass_rate():
    features, theta = np.array([[1.0, -0.5], [0.3, 2.0], [-1.0, 1.0]]), np.array([0.2, -0.4])

    def law(at):
        coins = [Bernoulli(logistic(x @ at)) for x in features]
        return Shared([reparametrised(c, x[None]) for c, x in zip(coins, features, strict=True)], [0.5, 0.25, 0.25])

    got, expected = law(theta).grad_pass_rate, slopes(lambda at: law(at).pass_rate, theta)
    assert abs(got - expected).max() < SLOPE
    assert abs(sum(p.grad_pass_rate for _, p in law(theta).prompts) / 3 - expected).max() > 1e-2  # equal weights


def test_several_prompts_are_mapped_one_by_one_and_a_selection_is_contextual():
    blocks = np.split(np.eye(4, dtype=int), [1])
    own = Shared([reparametrised(part, block) for part, block in zip(PARTS, blocks, strict=True)], [F(1, 3), F(2, 3)])
    twice = reparametrised(TWO, np.eye(4, dtype=int)[::-1])
    for (weight, prompt), (_, one), (other, back) in zip(TWO.prompts, own.prompts, twice.prompts, strict=True):
        assert weight == other
        assert prompt.scores.tolist() == one.scores.tolist() == back.scores[:, ::-1].tolist()


def test_a_continuum_in_other_parameters_has_the_moments_of_its_samples():
    moments_fit(reparametrised(regression(AT), np.array([[1.0, 0.5], [0.0, 2.0], [0.3, 0.0], [0.1, -0.2]])))
    first, objective = reparametrised(regression(AT), np.eye(4)[:, :2]), OBJECTIVES[-1]
    expected = regression(AT).gradient_over_levels(objective)[:2]
    assert first.gradient_over_levels(objective).tolist() == expected.tolist()
    assert first.pass_rate == regression(AT).pass_rate


# A continuum, against quadrature and finite differences.


REGRESSIONS = {
    "plain": (0.0, 1.0, 1.0, 0.5, False),
    "with scale": (0.3, 0.7, -0.4, 0.9, True),
    "far target": (0.0, 0.5, 3.0, 0.4, True),
    "narrow policy": (0.2, 0.01, 0.25, 1.0, True),
}
QUADRATURE = 1e-10  # relative to the largest entry; measured worst: 3e-14


@pytest.mark.parametrize("name", REGRESSIONS)
def test_moments_in_one_dimension_are_integrals(name):
    mean, scale, target, sigma, learned = REGRESSIONS[name]
    problem = Gaussian(*REGRESSIONS[name])

    def expect(power, *scores):
        centre = (mean / scale**2 + power * target / sigma**2) / (1 / scale**2 + power / sigma**2)
        width = 12 / math.sqrt(1 / scale**2 + power / sigma**2)
        nodes, weights = np.polynomial.legendre.leggauss(200)
        z = centre + width * nodes
        u = (z - mean) / scale
        score = {"mean": u / scale, "scale": u * u - 1}
        l = np.exp(-0.5 * power * ((target - z) / sigma) ** 2)
        return width * weights @ math.prod((score[s] for s in scores), start=stats.norm.pdf(z, mean, scale) * l)

    names = ["mean", "scale"][: 1 + learned]
    m = problem.moments
    for power, first, second in ((0, None, m.SS), (1, m.lS, m.lSS), (2, m.l2S, m.l2SS)):
        expected = np.array([[expect(power, a, b) for b in names] for a in names])
        assert abs(second - expected).max() <= QUADRATURE * abs(expected).max()
        if first is not None:
            expected = np.array([expect(power, a) for a in names])
            assert abs(first - expected).max() <= QUADRATURE * abs(expected).max()
    assert (m.p, m.p2) == pytest.approx((expect(1), expect(2)), rel=QUADRATURE)


def regression(at):
    return Gaussian(at[:-1], math.exp(at[-1]), [1.0, 0.5, 0.0], 0.9, learn_scale=True)


AT = np.array([0.1, -0.2, 0.3, 0.2])


def test_gradients_in_three_dimensions_are_slopes_in_mean_and_log_scale():
    assert abs(regression(AT).grad_pass_rate - slopes(lambda at: regression(at).pass_rate, AT)).max() < SLOPE
    assert regression(AT).moments.lS.tolist() == regression(AT).grad_pass_rate.tolist()


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda x: x.name)
def test_gradients_over_levels_of_a_continuum_are_slopes(objective):
    def over_levels(at):
        problem = regression(at)
        gap = (problem.target - problem.mean) / problem.scale

        def value(r):  # by parts over the distance r, at which the level is exp(-r^2 s^2 / 2 sigma^2)
            inside = stats.ncx2.cdf(r * r, 3, gap @ gap)
            ratio = (problem.scale / problem.sigma) ** 2
            return objective.value(inside) * r * ratio * math.exp(-0.5 * ratio * r * r)

        return integrate.quad(value, 0, 12, epsabs=1e-13, epsrel=1e-12, limit=400)[0]

    got = regression(AT).gradient_over_levels(objective)
    assert abs(got - slopes(over_levels, AT, step=1e-4)).max() < 1e-6
    assert abs(got).max() > 1e-2


@pytest.mark.parametrize("name", REGRESSIONS)
def test_the_expected_reward_over_levels_is_the_pass_rate(name):
    problem = Gaussian(*REGRESSIONS[name])
    got, expected = problem.gradient_over_levels(Objective.expected()), problem.grad_pass_rate
    assert abs(got - expected).max() <= QUADRATURE * abs(expected).max()


def moments_fit(problem):
    """Means of likelihoods, likelihoods times scores and scores, each within six of its standard errors.

    Of at most 30 nearly normal means of 2 x 10^5 values: by chance once in ten million seeds.
    """
    l, scores = (x[:, 0] for x in problem.sample(np.random.default_rng(5), SAMPLES, 1))
    m = problem.moments
    columns = [(l, m.p), (l * l, m.p2)]
    d = scores.shape[1]
    columns += [(scores[:, j], 0.0) for j in range(d)] + [(l * scores[:, j], m.lS[j]) for j in range(d)]
    columns += [(l * scores[:, j] * scores[:, k], m.lSS[j, k]) for j in range(d) for k in range(j, d)]
    for values, expected in columns:
        assert abs(values.mean() - expected) <= 6 * values.std() / math.sqrt(SAMPLES)


class WithoutDimensions(Gaussian):
    """Forgets to subtract D in the score of the scale."""

    def sample(self, rng, groups, n):
        likelihoods, scores = super().sample(rng, groups, n)
        return likelihoods, scores + np.append(np.zeros(self.mean.size), self.mean.size)


def test_sampling_a_continuum_has_its_moments():
    moments_fit(regression(AT))
    with pytest.raises(AssertionError):
        moments_fit(WithoutDimensions(AT[:-1], math.exp(AT[-1]), [1.0, 0.5, 0.0], 0.9, learn_scale=True))


# What is refused.


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Chain([0.5, 1.5], [0.0, 0.0, 1.0]), "advance[1] must lie in [0, 1], got 1.5"),
        (
            lambda: Chain([0.5, 0.5], [0.0, 1.0]),
            "likelihoods must have 3 numbers, one for each step and the end, got 2",
        ),
        (lambda: Contextual([]), "problems must have at least 1 problem, got none"),
        (lambda: Contextual(PARTS, [F(1, 2)]), "weights must have one number for each of the 2 problems, got 1"),
        (lambda: Contextual(PARTS, [F(1, 2), F(1, 3)]), "weights must sum to 1, got 5/6"),
        (lambda: Shared(PARTS), "problems[1] must have the 1 parameters of problems[0], got 3"),
        (
            lambda: reparametrised(PARTS[1], np.eye(2)),
            "jacobian must have shape (3, d), a row for each",
        ),
        (lambda: reparametrised(PARTS[0], [[math.nan]]), "jacobian[0, 0] must be finite, got nan"),
        (lambda: Gaussian(0.0, 0.0, 1.0, 0.5), "scale must be finite and above 0, got 0.0"),
        (lambda: Gaussian(0.0, 1.0, 1.0, math.inf), "sigma must be finite and above 0, got inf"),
        (lambda: Gaussian([0.0, 1.0], 1.0, 1.0, 0.5), "target must have the shape (2,) of mean, got (1,)"),
        (lambda: Gaussian(math.nan, 1.0, 1.0, 0.5), "mean[0] must be finite, got nan"),
        (lambda: Gaussian(0.0, 1.0, 1e6, 0.5), "that the pass rate is not 0 in float64, got 1000000.0"),
    ],
)
def test_what_is_no_problem_is_refused_with_the_place_the_value_and_the_rule(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


COIN = Bernoulli(0.5)
LAW = "must be a law, such as those of maxrl_est.problems, got 3"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Contextual(COIN), "problems must be a list of laws, got Bernoulli(0.5)"),
        (lambda: Shared(COIN), "problems must be a list of laws, got Bernoulli(0.5)"),
        (lambda: Contextual([COIN, 3]), f"problems[1] {LAW}"),
        (lambda: Shared([COIN, 3]), f"problems[1] {LAW}"),
        (lambda: reparametrised(3, [[1]]), f"problem {LAW}"),
        (lambda: reparametrised(COIN, [["x"]]), "jacobian[0, 0] must be a number, got 'x'"),
        (lambda: reparametrised(COIN, None), "jacobian must be an array of finite numbers, got None"),
        (lambda: Chain([True], [0, 1]), "advance[0] must be a number in [0, 1], got True"),
        (lambda: Gaussian([0.0, True], 1, [0, 1], 0.5), "mean[1] must be a finite number, got True"),
        (lambda: Gaussian(0, 1, 1, 0.5, "yes"), "learn_scale must be True or False, got 'yes'"),
    ],
)
def test_what_is_of_another_type_is_refused_with_the_place_the_value_and_the_rule(make, message):
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        make()


def test_problems_may_come_from_a_generator():
    assert Contextual(Bernoulli(F(1, k)) for k in (2, 4)).pass_rate == F(3, 8)
