"""Designs against every sequence of rewards that they can draw, one by one: no lattice and no counting of paths.

Wrong versions stand beside what is right and are seen to differ: walks that pass an ending, successes that are not
divided by their number, walks to (1, k) counted as well, a cost that is off by one, a baseline of the mean score.
"""

from __future__ import annotations

import functools
import math
import pickle
from collections import Counter
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est import designs
from maxrl_est.estimators.designs._unbiased import of_successes

RATES = (F(1, 7), F(1, 2), F(5, 6))


def best_of_three(successes, failures):
    return successes == 2 or failures == 2


def one_more_failure(successes, failures):
    return failures > successes


def three_failures(successes, failures):
    return failures == 3


RULES = [
    (designs.fixed(4), lambda s, f: False, 4),
    (designs.until_successes(1, 5), lambda s, f: s >= 1, 5),
    (designs.until_successes(2, 6), lambda s, f: s >= 2, 6),
    (designs.until_mixed(5), lambda s, f: min(s, f) > 0, 5),
    (designs.staged(2, 4), lambda s, f: s + f == 2 and s > 0, 6),
    (designs.stopping(best_of_three, 5), best_of_three, 5),
    (designs.stopping(one_more_failure, 6), one_more_failure, 6),
    (designs.stopping(three_failures, 7), three_failures, 7),
]
NAMED = pytest.mark.parametrize(("design", "rule", "cap"), RULES, ids=[str(design) for design, *_ in RULES])


def sequences(rule, cap, drawn=()):
    """All rewards in the order in which they are drawn until the rule stops."""
    if drawn and (len(drawn) == cap or rule(sum(drawn), len(drawn) - sum(drawn))):
        return [drawn]
    return [whole for reward in (0, 1) for whole in sequences(rule, cap, (*drawn, reward))]


def chance(rewards, p):
    return math.prod(p if reward else 1 - p for reward in rewards)


def multiple(advantages, rule, cap, p):
    """E[g] over grad p: a success has the score 1/p and a failure -1/(1-p), on average, times grad p."""
    total = F(0)
    for rewards in sequences(rule, cap):
        A = advantages(np.array([F(reward) for reward in rewards], dtype=object))
        scores = [1 / p if reward else -1 / (1 - p) for reward in rewards]
        total += chance(rewards, p) * (A @ np.array(scores)) / len(rewards)
    return total


@NAMED
def test_endings_are_where_sequences_end_each_as_often(design, rule, cap):
    ends = Counter((sum(drawn), len(drawn) - sum(drawn)) for drawn in sequences(rule, cap))
    assert {(s, f): paths for s, f, paths in design.endings} == ends
    sizes = [ending.size for ending in design.endings]
    assert sizes == sorted(sizes)
    assert design.cap == max(len(drawn) for drawn in sequences(rule, cap))


def test_walks_that_pass_an_ending_would_be_more():
    wrong = [math.comb(s + f, s) for s, f, _ in designs.until_mixed(5).endings]
    assert wrong != [ending.paths for ending in designs.until_mixed(5).endings]


@NAMED
def test_costs_and_chances(design, rule, cap):
    for p in RATES:
        cost = sum(chance(drawn, p) * len(drawn) for drawn in sequences(rule, cap))
        assert design.rollouts(p) == cost != sum(chance(drawn, p) * (len(drawn) - 1) for drawn in sequences(rule, cap))
        assert sum(design.chances(p)) == 1
        for s, f, _ in design.endings:
            ends = [drawn for drawn in sequences(rule, cap) if (sum(drawn), len(drawn)) == (s, s + f)]
            assert design.probability(s, f, p) == sum(chance(drawn, p) for drawn in ends)
    floats = design.rollouts(np.array([float(p) for p in RATES]))
    assert floats == pytest.approx([float(design.rollouts(p)) for p in RATES], rel=2e-15 * cap)
    assert design.probability(99, 0, F(1, 2)) == 0


def test_stopping_at_the_first_success_costs_what_the_prompt_weighs():
    for n in (1, 2, 9):
        for p in RATES:
            assert designs.until_successes(1, n).rollouts(p) == mx.Objective.maxrl(n).weight(p)


@pytest.mark.parametrize("p", [0.0, 1e-300, 1e-9, 1 - 2**-53, 1.0])
def test_chances_at_the_ends(p):
    design = designs.until_successes(1, 2048)
    assert design.rollouts(p) == pytest.approx(mx.Objective.maxrl(2048).weight(p), rel=1e-12)
    assert design.chances([p, p]).shape == (2, len(design.endings))
    assert design.probability(1, 0, p) == pytest.approx(p, rel=1e-12, abs=0)  # 0 at 0
    assert design.probability(0, 2048, p) == pytest.approx((1 - p) ** 2048, rel=1e-12, abs=0)


@NAMED
@pytest.mark.parametrize("row", ["maxrl", "reinforce", "maxrl_cv", "mean_centred", "maxrl_shipped"])
def test_the_effective_weight_is_the_mean_over_all_sequences(design, rule, cap, row):
    weight = mx.effective_weight(row, design=design)
    assert weight.exact
    assert weight.n == design.cap == len(weight.bernstein)
    for p in RATES:
        assert weight.value(p) == multiple(mx.estimators.get(row), rule, cap, p)


def test_of_n_rollouts_it_is_what_it_was():
    for row in ("rloo", "maxrl_cv", "grpo"):
        one, other = mx.effective_weight(row, 6), mx.effective_weight(row, design=designs.fixed(6))
        assert (one.bernstein, one.precision, one.n) == (other.bernstein, other.precision, other.n)
        assert other.limit() is None


def test_the_average_of_successes_is_immune():
    for design, *_ in RULES:
        if sum(not s for s, f, _ in design.endings) == 1:
            unsolved = next(f for s, f, _ in design.endings if not s)
            assert mx.effective_weight("maxrl", design=design).equals(mx.Objective.maxrl(unsolved))


def changes(row, design):
    """By how much W under the design is no multiple of W of groups of its cap, between pass rates."""
    p = np.array([0.1, 0.4, 0.8])
    ratios = mx.effective_weight(row, design=design).value(p) / mx.effective_weight(row, design.cap).value(p)
    return np.ptp(ratios) / ratios.max()


def two_of_each(successes, failures):
    return min(successes, failures) >= 2


@pytest.mark.parametrize(
    "design",
    [
        designs.until_successes(2, 6),
        designs.until_successes(3, 8),
        designs.until_mixed(5),
        designs.staged(2, 4),
        designs.staged(4, 12),
        designs.stopping(two_of_each, 8),
    ],
    ids=str,
)
def test_only_the_average_of_successes_ascends_what_it_does_in_groups_of_the_cap(design):
    assert changes("maxrl", design) < 1e-12
    for row in ("rloo", "grpo", "mean_centred", "maxrl_cv"):
        assert changes(row, design) > 0.02


def test_with_the_best_of_three_rloo_and_grpo_are_what_they_were_times_a_factor():
    for row in ("rloo", "grpo", "mean_centred"):
        assert changes(row, designs.stopping(best_of_three, 5)) < 1e-12
    assert changes("maxrl_cv", designs.stopping(best_of_three, 5)) > 0.05


def test_rewards_of_other_values_are_encoded():
    weight = mx.effective_weight("mean_centred", values=(-1, 1), design=designs.until_mixed(5))
    assert weight.bernstein == tuple(2 * x for x in mx.effective_weight("mean_centred", design=weight.design).bernstein)


def test_it_says_which_design_and_what_it_costs():
    text = str(mx.effective_weight("maxrl", design=designs.until_successes(1, 8)))
    assert text.startswith("until_successes(1, 8): E[g] = W(p) grad p")
    assert text.endswith("exactly J_8\n7.73, 5.7, 1.99 rollouts on average at p = 0.01, 0.1, 0.5")
    assert "rollouts on average" not in str(mx.effective_weight("maxrl", 8))


def reached(rule, cap):
    """The k for which some sequence comes by one success and k failures."""
    return {i for drawn in sequences(rule, cap) for i in range(cap) if sum(drawn[: i + 1]) == 1 and len(drawn) > i}


OBJECTIVES = [1, 2, mx.Objective.pass_at(2), mx.Objective.from_coefficients([F(1, 2), -3, 5]), None]


@NAMED
@pytest.mark.parametrize("baseline", [None, "none", 1, F(-2, 3)])
def test_advantages_are_unbiased_under_every_design(design, rule, cap, baseline):
    for objective in OBJECTIVES:
        made = functools.partial(mx.advantages, objective=objective, design=design, baseline=baseline)
        meant = mx.Objective.maxrl(objective) if isinstance(objective, int) else objective
        terms = meant.order if meant else max(reached(rule, cap)) + 1
        if not set(range(terms)) <= reached(rule, cap):
            with pytest.raises(ValueError, match=f"terms that .* reaches, got {meant.name}: its term"):
                made([1, 0])
            continue
        weight = mx.effective_weight(made, design=design)
        for p in RATES:
            expected = (meant or mx.Objective.maxrl(terms)).weight(p)
            assert multiple(made, rule, cap, p) == weight.value(p) == expected


@pytest.mark.parametrize("n", [1, 2, 5])
def test_for_groups_of_n_they_are_the_leave_one_out_weights(n):
    rewards = np.array([[F(i >> j & 1) for j in range(n)] for i in range(1 << n)], dtype=object)
    for order in range(1, n + 1):
        expected = mx.loo_weights(rewards, order) * rewards
        assert (mx.advantages(rewards, order, design=designs.fixed(n)) == expected).all()
        ours = mx.advantages(rewards, order, design=designs.fixed(n), baseline=F(1, 3))
        assert (ours == mx.advantages(rewards, order, baseline=F(1, 3))).all()
        floats = mx.advantages(rewards.astype(float), order, design=designs.fixed(n))
        assert floats.tolist() == expected.astype(float).tolist()


def test_wrong_shares_of_successes_are_biased():
    rule, cap, p = RULES[3][1], 5, F(1, 7)
    design, objective = designs.until_mixed(5), mx.Objective.maxrl(3)
    right = of_successes(design, objective)

    def giving(shares, baseline=lambda n: F(0)):
        def advantages(l):
            s = int(sum(l))
            return len(l) * (shares[s, len(l) - s] * l - baseline(len(l)))

        return multiple(advantages, rule, cap, p)

    truth = objective.weight(p)
    assert giving(right) == truth
    assert giving({(s, f): s * share for (s, f), share in right.items()}) != truth  # not divided by s
    assert giving({ending: F(1) for ending in right}) != truth
    to_first = {(s, f): share * (2 if f else 1) for (s, f), share in right.items()}  # two ways lead to (1, 1)
    assert giving(to_first) != truth
    assert giving(right, lambda n: F(1, cap)) == truth  # a multiple of the sum of the scores is free
    assert giving(right, lambda n: F(1, n)) != truth  # one of their mean is not


def test_rollouts_come_in_any_order_and_groups_of_any_size():
    design = designs.until_mixed(4)
    flat = mx.advantages([1, 0, 0, 0, 1, 1, 1, 0], 2, groups=[7, 5, 7, 5, 5, 3, 3, 3], design=design)
    for ids, rewards in (([0, 2], [1, 0]), ([1, 3, 4], [0, 0, 1]), ([5, 6, 7], [1, 1, 0])):
        assert flat[ids].tolist() == mx.advantages(rewards, 2, design=design).tolist()
    batch = mx.advantages(np.array([[[1, 0], [0, 1]]]), design=design)
    assert batch.tolist() == [[[2.0, 0.0], [0.0, 2.0]]]
    out = np.empty((1, 2, 2))
    assert mx.advantages(np.array([[[1, 0], [0, 1]]]), design=design, out=out) is out
    assert mx.advantages(np.ones((1, 4), np.float32), design=design).dtype == np.float32
    assert mx.advantages(log_likelihoods=[[0.0, -np.inf]], design=design).tolist() == [[2.0, 0.0]]
    assert mx.advantages(np.empty((0, 2)), design=design).shape == (0, 2)


THREE = mx.problems.Finite(
    "two ways to succeed",
    [F(1, 2), F(1, 3), F(1, 6)],
    [F(0), F(1), F(1)],
    [[F(1), F(-1)], [F(-1), F(3, 2)], [F(-1), F(0)]],
)


def outcomes(rule, cap, drawn=()):
    """All outcomes of THREE in the order in which they are drawn until the rule stops."""
    successes = sum(outcome > 0 for outcome in drawn)
    if drawn and (len(drawn) == cap or rule(successes, len(drawn) - successes)):
        return [drawn]
    return [whole for outcome in (0, 1, 2) for whole in outcomes(rule, cap, (*drawn, outcome))]


@pytest.mark.parametrize("rule", ["maxrl", "maxrl_cv", mx.Objective.maxrl(2)], ids=str)
@pytest.mark.parametrize(("design", "stops", "cap"), RULES[:4], ids=[str(design) for design, *_ in RULES[:4]])
def test_moments_under_a_design_are_those_of_all_sequences(design, stops, cap, rule):
    function = mx.estimators.get(rule) if isinstance(rule, str) else None
    made = function or functools.partial(mx.advantages, objective=rule, design=design)
    mean, square, cost = np.zeros(2, object), np.zeros((2, 2), object), F(0)
    by_rewards = {}
    for drawn in outcomes(stops, cap):
        rewards = tuple(THREE.likelihoods[list(drawn)])
        if rewards not in by_rewards:
            by_rewards[rewards] = made(np.array(rewards, dtype=object)) / F(len(drawn))
        g = by_rewards[rewards] @ THREE.scores[list(drawn)]
        weight = math.prod(THREE.probabilities[list(drawn)])
        mean, square, cost = mean + weight * g, square + weight * np.outer(g, g), cost + weight * len(drawn)
    found = mx.moments(THREE, designs.sequential(rule, design))
    assert found.method == "closed form"
    assert found.mean.tolist() == mean.tolist()
    assert found.covariance.tolist() == (square - np.outer(mean, mean)).tolist()
    assert found.rollouts == cost


def test_a_row_draws_until_its_design_ends():
    """Rewards in a known order: each group takes the first that are left."""
    stream = iter([[1, 0, 0], [0, 1], [1], [0]])  # of the groups that go on

    def sample(rng, groups, n):
        rewards = np.array(next(stream), dtype=float)[:, None]
        assert rewards.shape == (groups, n)
        return rewards, rewards[:, :, None] * 2 + 1

    stops = designs.stopping(lambda s, f: (s, f) in ((1, 0), (0, 2), (2, 2), (1, 4)), 5)
    drawn = designs.sequential("maxrl", stops)(sample, np.random.default_rng(0), 3)
    assert drawn.costs.tolist() == [1, 2, 4]
    assert drawn.gradients.tolist() == [[3.0], [0.0], [3.0]]


@pytest.mark.parametrize("rule", ["maxrl", "mean_centred", "grpo", mx.Objective.pass_at(2)], ids=str)
def test_monte_carlo_takes_designs(rule):
    design = designs.staged(2, 3)
    row, coin = designs.sequential(rule, design), mx.problems.Bernoulli(F(1, 4))
    exact = mx.moments(coin, row)
    if isinstance(rule, str):
        weight = mx.effective_weight(rule, design=design).value(0.25)
        assert float(exact.mean[0]) == pytest.approx(weight * 0.25 * 0.75)
    asked = {"target": exact.mean.astype(float), "bounds": (-3, 3), "tolerance": 0.1}
    result = mx.monte_carlo(coin, row, None, replicates=20_000, seed=0, **asked)
    assert result.verdict == "CERTIFIED"
    assert result.rollouts / 20_000 == pytest.approx(float(design.rollouts(0.25)), abs=0.1)
    assert pickle.loads(pickle.dumps(row)).name == row.name == f"{getattr(rule, 'name', rule)}, staged(2, 3)"


def test_a_row_of_an_objective_is_held_against_it():
    row = designs.sequential(mx.Objective.maxrl(4), designs.until_successes(1, 4))
    assert row.target(1) == mx.Objective.maxrl(4)
    never = mx.moments(mx.problems.Bernoulli(F(0)), row)
    assert (never.mean.tolist(), never.rollouts) == ([0], 4)
    with pytest.raises(ValueError, match=r"^problem must have rewards of 0 and 1 where a design is given"):
        mx.moments(mx.problems.Bandit([0.5, 0.5], [0.2, 1.0]), row)
    with pytest.raises(ValueError, match=r"^sample must draw rewards of 0 or 1 where a design is given, got 0.2"):
        mx.monte_carlo(mx.problems.Bandit([1.0], [0.2]), row, None, replicates=10, seed=0)
    with pytest.raises(TypeError, match=r"^rule must be a function of groups of rollouts, got sumo"):
        designs.sequential("sumo", designs.fixed(3))
    with pytest.raises(ValueError, match="N >= 2"):
        designs.sequential("rloo", designs.until_successes(1, 4))
    with pytest.raises(ValueError, match=r"^rule must treat rollouts of one reward alike"):
        designs.sequential(lambda l: l * np.arange(1, l.shape[-1] + 1), designs.fixed(3))
    with pytest.raises(ValueError, match=r"^rule must treat rollouts of one reward alike"):  # however small they are
        designs.sequential(lambda l: 1e-12 * l * np.arange(1, l.shape[-1] + 1), designs.fixed(3))


def test_rewards_of_one_kind_may_round_differently():
    exact = designs.sequential("rloo", designs.fixed(3))
    rounds = designs.sequential(
        lambda l: (l - l.mean(-1, keepdims=True)) * (1.5 + 1e-15 * np.arange(3)), designs.fixed(3)
    )
    coin = mx.problems.Bernoulli(0.3)
    assert mx.moments(coin, rounds).mean == pytest.approx(mx.moments(coin, exact).mean)


@NAMED
@pytest.mark.parametrize("row", ["maxrl", "maxrl_cv", mx.Objective.maxrl(2)], ids=str)
def test_a_replay_gives_what_would_have_been_drawn_and_nothing_to_the_rest(design, rule, cap, row):
    made = designs.replayed(row, design)
    function = functools.partial(mx.advantages, objective=row, design=design)
    function = mx.estimators.get(row) if isinstance(row, str) else function
    for index in range(1 << design.cap):
        rewards = [index >> i & 1 for i in range(design.cap)]
        n = next(n for n in range(1, cap + 1) if n == cap or rule(sum(rewards[:n]), n - sum(rewards[:n])))
        expected = function(np.array(rewards[:n], float)) * design.cap / n
        assert made([rewards])[0].tolist() == pytest.approx([*expected, *[0.0] * (design.cap - n)])
        assert made.drawn(rewards) == n


def test_train_takes_a_replayed_design():
    task = mx.tasks.ContextualBandit.of_labels([0, 1], [3, 7], classes=10)
    policy = mx.policies.SoftmaxPolicy(mx.policies.Tabular(2, 10))
    rule = designs.replayed("maxrl", designs.until_successes(1, 8))
    found = mx.train(task, policy, rule, n=8, steps=60, optimiser=mx.optimisers.Adam(0.1))
    assert "maxrl, until_successes(1, 8)" in str(found)
    first, *rest = np.diff(found.values("maxrl, until_successes(1, 8)", "rollouts")[0])
    assert 3 * 2 * 4 < first < 3 * 2 * 8
    assert min(rest) == rest[-1] == 3 * 2  # in the end the first rollout solves
    with pytest.raises(ValueError, match=r"^likelihoods must have groups of N = 8 for maxrl, until"):
        rule([1, 0])
    with pytest.raises(ValueError, match=r"^likelihoods\[0, 2\] must be 0 or 1 where a design is given, got 0.5"):
        rule([[1, 0, 0.5, 0, 0, 0, 0, 0]])


REFUSED = [
    ({"likelihoods": [[1, 0], [0, 0]]}, ValueError, r"^likelihoods\[1\] must be s successes and f failures with"),
    ({"likelihoods": [0, 0], "groups": ["a", "a"]}, ValueError, r"^likelihoods of group 'a' must be s successes and"),
    ({"likelihoods": [[1, 0], [1, 0.5]]}, ValueError, r"^likelihoods\[1, 1\] must be 0 or 1 where a design is given"),
    ({"likelihoods": [1, 0.5], "groups": [1, 1]}, ValueError, r"^likelihoods\[1\] must be 0 or 1"),
    ({"baseline": "mean_loo"}, ValueError, "^baseline must be 'none' or a number where a design is given, got 'mean_"),
    ({"baseline": "mean"}, ValueError, "^baseline must be one of none"),
    ({"baseline": [1]}, TypeError, "^baseline must be 'none' or a number"),
    ({"baseline": ("beta", 1, 1)}, TypeError, "^baseline must be 'none' or a number where a design is given"),
    ({"baseline": math.nan}, ValueError, "^baseline must be finite, got nan"),
    ({"ratios": [1.0, 1.0]}, ValueError, "^ratios must be None where a design is given"),
    ({"objective": 5}, ValueError, r"got J_5: its term \(1 - p\)\^4 is estimated where 1 success and 4 failures"),
    ({"design": 4}, TypeError, "^design must be a Design, such as maxrl_est.designs.fixed"),
]


@pytest.mark.parametrize(("given", "error", "words"), REFUSED)
def test_advantages_refuse(given, error, words):
    with pytest.raises(error, match=words):
        mx.advantages(**({"likelihoods": [1, 0], "design": designs.until_mixed(4)} | given))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: designs.fixed(0), ValueError, r"^n must be an int in \[1, 2048\], got 0"),
        (lambda: designs.fixed(2.0), TypeError, "^n must be an int"),
        (lambda: designs.until_successes(3, 2), ValueError, r"^k must be an int in \[1, 2\], got 3"),
        (lambda: designs.until_mixed(4096), ValueError, r"^cap must be an int in \[1, 2048\], got 4096"),
        (lambda: designs.staged(4, 0), ValueError, "^more must be an int"),
        (lambda: designs.stopping(3, 4), TypeError, "^function must be a function"),
        (lambda: designs.stopping(None, 4), TypeError, "^function must take successes and failures"),
        (
            lambda: designs.stopping(lambda s, f: s - 1, 4),
            TypeError,
            r"^function\(0, 1\) must be True or False, got -1",
        ),
        (lambda: mx.effective_weight("rloo"), TypeError, "^n or design must be given, and not both"),
        (lambda: mx.effective_weight("rloo", 4, design=designs.fixed(4)), TypeError, "^n or design must be given"),
        (lambda: mx.effective_weight("rloo", design=4), TypeError, "^design must be a Design"),
        (lambda: designs.fixed(4).rollouts(1.5), ValueError, "^p must lie in"),
    ],
)
def test_what_is_no_design_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_design_is_a_value():
    one, other = designs.staged(2, 4), designs.staged(2, 4)
    assert one == other
    assert hash(one) == hash(other)
    assert one != designs.staged(2, 5)
    assert pickle.loads(pickle.dumps(one)) == one
    assert designs.stopping(lambda s, f: np.bool_(s == 1), 3).endings == designs.until_successes(1, 3).endings


def spread(rates, counts, weight):
    return sum(float(weight(p)) ** 2 * float(p * (1 - p)) / n for p, n in zip(rates, counts, strict=True))


@pytest.mark.parametrize("objective", [None, mx.Objective.expected(), mx.Objective.pass_at(3)], ids=str)
def test_an_allocation_is_the_best_of_all(objective):
    """Against every way to split the budget; in proportion to w^2 p (1-p), or to w alone, is worse."""
    rates, budget = [F(1, 20), F(1, 3), F(4, 5)], 12
    weight = (lambda p: 1 / p) if objective is None else objective.weight
    found = designs.allocation(rates, budget, objective)
    splits = [(a, b, budget - a - b) for a in range(1, budget) for b in range(1, budget - a)]
    assert sum(found) == budget
    assert spread(rates, found, weight) == pytest.approx(min(spread(rates, split, weight) for split in splits))


def test_a_large_allocation_is_in_proportion():
    rates = [0.01, 0.2, 0.5]
    found = designs.allocation(rates, 30_000)
    shares = [math.sqrt((1 - p) / p) for p in rates]
    assert found == pytest.approx([30_000 * share / sum(shares) for share in shares], abs=1)
    squares = [share**2 for share in shares]
    assert found != pytest.approx([30_000 * square / sum(squares) for square in squares], rel=0.1)
    assert designs.allocation([0.0, 1.0, 1.0], 8, mx.Objective.expected()) == [3, 3, 2]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (([0.5, 0.0], 8), ValueError, r"^pass_rates\[1\] must be above 0 for log p, got 0.0"),
        (([0.5, 1.5], 8), ValueError, r"^pass_rates\[1\] must lie in \[0, 1\], got 1.5"),
        (([0.5, "a"], 8), TypeError, r"^pass_rates\[1\] must be a number in \[0, 1\]"),
        (([], 8), ValueError, "^pass_rates must have at least 1"),
        (([0.5, 0.5], 1), ValueError, "^budget must be an int of at least 2, got 1"),
        (([1e-310, 0.5], 8), ValueError, r"^pass_rates\[0\] must not be as small"),
    ],
)
def test_an_allocation_that_is_none(given, error, words):
    with pytest.raises(error, match=words):
        designs.allocation(*given)


def one_by_one(sizes, budget):
    """Each rollout where it takes off most: by the definition, in as many steps."""
    counts = [1] * len(sizes)
    for _ in range(budget - len(sizes)):
        gains = [(-size / (n * (n + 1)), n, x) for x, (size, n) in enumerate(zip(sizes, counts, strict=True))]
        counts[min(gains)[2]] += 1
    return counts


@pytest.mark.parametrize("seed", range(40))
def test_an_allocation_is_that_of_single_rollouts_one_by_one(seed):
    rng = np.random.default_rng(seed)
    rates = [F(k, 10) for k in rng.integers(0, 11, 1 + seed % 7).tolist()]
    budget, objective = len(rates) + int(rng.integers(0, 300)), mx.Objective.maxrl(1 + seed % 5)
    sizes = [objective.weight(float(p)) ** 2 * float(p) * (1 - float(p)) for p in rates]
    found = designs.allocation(rates, budget, objective)
    assert found == one_by_one([size / (max(sizes) or 1) for size in sizes], budget)
    assert sum(found) == budget
    assert found == designs.allocation(rates, budget, 1 + seed % 5)


def test_an_allocation_of_10_to_the_12_is_not_made_in_so_many_steps():
    assert designs.allocation([0.1, 0.2], 10**12) == [6 * 10**11, 4 * 10**11]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: designs.allocation([0.1, 0.2], 10**400), ValueError, "budget must be at most 1000000000000, got 1000"),
        (lambda: designs.allocation([0.1], -(10**5000)), ValueError, "budget must be .*, got about -10.5000"),
        (lambda: designs.allocation([0.1], 9, "J"), TypeError, "objective must be an Objective, an int .*, got 'J'"),
        (lambda: designs.allocation([F(1, 10**400)], 9), ValueError, r"pass_rates\[0\] must not be as small"),
        (lambda: designs.fixed(10**5000), ValueError, r"n must be an int in \[1, 2048\], got about 10.5000"),
        (lambda: designs.fixed(3).rollouts(10**400), ValueError, "p must be finite, got 1000"),
        (lambda: designs.fixed(3).chances([10**400, 0.5]), ValueError, r"p\[0\] must be finite, got 1000"),
        (lambda: designs.fixed(3).chances(np.ma.array([0.5], mask=[True])), ValueError, r"p\[0\] .* a masked entry"),
        (lambda: designs.fixed(3).probability("3", 0, 0.5), TypeError, "successes must be an int .*, got '3'"),
        (lambda: designs.fixed(3).probability(3, float("nan"), 0.5), TypeError, "failures must be an int .*, got nan"),
    ],
)
def test_no_number_goes_into_a_design_unseen(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


@pytest.mark.parametrize(
    ("rewards", "message"),
    [
        ([1, 0, 10**400], r"likelihoods\[2\] must be 0 or 1 where a design is given, got 1000"),
        ([1, 0, [3]], "likelihoods must have groups of one size"),
        ([1, 0, np.ma.masked], r"likelihoods\[2\] must be a number for every rollout, got a masked entry"),
    ],
)
def test_replayed_rewards_come_in_by_the_door(rewards, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        designs.replayed("maxrl", designs.until_mixed(3))(rewards)
