"""What the claims on baselines and on other estimators say, against the package's estimators, by exact enumeration."""

from __future__ import annotations

import functools
import itertools
import math
from fractions import Fraction as F

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

import maxrl_est as mx
from maxrl_est.selftest import mutants
from maxrl_est.selftest.prove import checking

from . import GROUP, by_name, evaluate, evaluate_on, value_of

ARMS = mx.problems.Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)])
COINS = tuple(map(mx.problems.Bernoulli, (F(1, 3), F(1, 50), F(9, 10))))
FOUR = GROUP[:4]
Mean = checking.statistics.Mean


def exactly(numbers):
    return np.array([F(number) for number in numbers], dtype=object)


def flips(size):
    """All groups of 0/1 rewards but for their order."""
    return [(F(1),) * count + (F(0),) * (size - count) for count in range(size + 1)]


def value(expression, group, i, statistics=None, functions=None, **values):
    """An expression on a group, seen from rollout i; `statistics` of the others and `functions` c are given by name."""
    size, others = len(group), group[:i] + group[i + 1 :]
    given = dict(values)
    values |= {"N": size, "l_i": group[i], "q_i": 1 - group[i], "M": sum(others)}
    named = {s: values[s.name] for s in expression.free_symbols if s.name in values}

    def average(node):
        members = (value(node.args[0], group, j, statistics, functions, **given) for j in range(size))
        return sp.Rational(sum(members) / size)

    expression = expression.replace(lambda e: e.func.__name__ == "Average", average)
    for name, replacement in (statistics or {}).items():
        is_it = functools.partial(lambda name, e: e.func.__name__ == "Statistic" and str(e.args[0]) == name, name)
        expression = expression.replace(is_it, functools.partial(lambda x, _: sp.Rational(x), replacement))
    return evaluate_on(expression, group, i, named, functions)


def advantage(side):
    """The coefficient of the score in the mean that a side of a relation is."""
    (node,) = side.atoms(Mean)
    return node.args[0] / next(s for s in node.free_symbols if s.name == "S_i")


def mean_gradient(side, problem, size, d, functions=None, **values):
    """A side without statistics of the group, for a problem: its p, gradient along d, and means over one rollout."""

    def mean(node):
        names = {s.name: s for s in node.free_symbols}
        total = 0
        rows = zip(problem.probabilities, problem.likelihoods, problem.scores, strict=True)
        for chance, likelihood, score in rows:
            at = {names.get("l_i"): likelihood, names.get("l_j"): likelihood, names.get("S_i"): score[d]}
            total += chance * evaluate(node.args[0], {s: x for s, x in at.items() if s is not None})
        return sp.Rational(total)

    side = side.replace(lambda e: isinstance(e, Mean), mean)
    values |= {"N": size, "p": problem.pass_rate, "g": problem.grad_pass_rate[d]}
    named = {s: F(values[s.name]) for s in side.free_symbols if s.name in values}
    return value_of(side, named, by_name(functions or {}), (AppliedUndef,))


def agrees(relation, estimator, groups, problems, *, given=None, functions=None, **values):
    """The relation's advantage is the package's estimator, and its right-hand side the exact mean of that."""
    for group in groups:
        got = np.asarray(estimator(exactly(group)))
        for i in range(len(group)):
            statistics = {name: f(group)[i] for name, f in (given or {}).items()}
            assert value(advantage(relation.lhs), group, i, statistics, functions, **values) == got[i]
    size = len(groups[0])
    return all(
        mean_gradient(relation.rhs, problem, size, d, functions, **values) == mean
        for problem in problems
        for d, mean in enumerate(mx.exact_moments(problem, estimator, size).mean)
    )


def mean_of_others(group):
    return [(sum(group) - x) / (len(group) - 1) for x in group]


def ustat(baseline, order):
    return lambda l: mx.advantages(l, order, baseline=baseline)


def free_baseline(claim):
    """On the package's baselines in turn, and by its mean gradient, which stays."""
    relation = claim.steps[1].relation
    without = mx.exact_moments(ARMS, ustat("none", 3), 4).mean
    weights = mx.loo_weights(exactly(FOUR), 3)
    for baseline in ("one", "one_over_n", "pass_loo", "mean_loo"):
        estimator = ustat(baseline, 3)
        got = estimator(exactly(FOUR))
        c = weights * exactly(FOUR) - got
        for i in range(4):
            assert value(advantage(relation.lhs), FOUR, i, {"a": weights[i], "c": c[i]}) == got[i]
        assert (mx.exact_moments(ARMS, estimator, 4).mean == without).all()
    own = mx.exact_moments(ARMS, lambda l: mx.loo_weights(l, 3) * l - l, 4).mean  # the third step
    assert (own == without - ARMS.grad_pass_rate).all()
    assert (own != without).any()


def constant_baseline(claim):
    mean, binary, one, seed = (step.relation for step in claim.steps)
    for baseline, beta in (("one", 1), ("one_over_n", F(1, 4)), ("none", 0)):
        assert agrees(mean, ustat(baseline, 3), [FOUR], [ARMS], T=3, beta=beta)
    for group in flips(4):
        successes = int(sum(group))
        got = mx.advantages(exactly(group), baseline="one")
        assert set(got[successes:]) <= {-1}
        if successes:
            N, K = (next(s for s in one.free_symbols if s.name == name) for name in "NK")
            size = {N: 4, K: successes}
            assert evaluate(binary.lhs, size) == evaluate(binary.rhs, size) == got[0] + 1
            for relation, baseline in ((one, "one"), (seed, "one_over_n")):
                mean_score = next(s for s in relation.free_symbols if s.name == "Sbar")
                values = size | {mean_score: F(2, 5)}  # every success has score 1/3, and all together 2/5 on average
                right = relation.rhs.subs(K, successes).doit()
                right = right.replace(lambda e: isinstance(e, AppliedUndef), lambda _: sp.Rational(1, 3))
                scores = np.array([F(1, 3)] * successes + [F(0)] * (4 - successes), dtype=object)
                rest = 4 * F(2, 5) - successes * F(1, 3)  # what the failures' scores add up to
                advantages = mx.advantages(exactly(group), baseline=baseline)
                failure = advantages[-1] if successes < 4 else -1 if baseline == "one" else F(-1, 4)
                assert evaluate(right, values) == (advantages @ scores + failure * rest) / 4


def effective_weight(claim):
    mean, counted = (step.relation for step in claim.steps)
    for name, size in itertools.product(("rloo", "mean_centred", "maxrl", "maxrl_cv", "maxrl_shipped"), (2, 5)):
        row = mx.estimators.get(name)
        found = mx.effective_weight(row, size)
        given = [row(exactly(group)) for group in flips(size)]
        ab = {"a": lambda K, given=given: given[K][0], "b": lambda K, given=given: given[K][-1]}
        assert agrees(mean, row, flips(size), COINS, functions=ab)
        for problem in COINS:
            for side in counted.args:
                assert mean_gradient(side, problem, size, 0, ab) == found.value(problem.pass_rate)


def noisy_verifier(claim):
    """By the mean gradient of each rule on what a verifier says, a law that lists what it may say."""
    mean, seen = (step.relation for step in claim.steps)
    for name, (f, h) in itertools.product(
        ("rloo", "maxrl_cv", "maxrl_shipped"), ((F(1, 10), F(1, 5)), (F(0), F(1, 3)))
    ):
        for problem in COINS:
            law = mx.problems.noisy(problem, f, h)
            errors = {"f": f, "h": h, "p": problem.pass_rate}
            assert law.pass_rate == evaluate(seen.rhs, {x: errors[x.name] for x in seen.rhs.free_symbols})
            weight = mx.effective_weight(name, 4).value(law.pass_rate)
            values = {**errors, "a": weight, "b": 0, "c": 0, "g": problem.grad_pass_rate[0]}
            said, false = (
                evaluate(side, {x: values[x.name] for x in side.free_symbols}) for side in (mean.rhs, claim.sibling.rhs)
            )
            assert mx.exact_moments(law, name, 4).mean[0] == said != false


def maxrl(claim):
    for step, name in zip(claim.steps[:2], ("maxrl", "maxrl_cv"), strict=True):
        for size in (1, 2, 5):
            row = mx.estimators.get(name)
            assert agrees(step.relation, row, flips(size), COINS)
            assert mx.effective_weight(row, size).equals(mx.Objective.maxrl(size))
    assert not agrees(claim.sibling, mx.estimators.get("maxrl"), flips(5), COINS)


def maxrl_shipped(claim):
    row = mx.estimators.get("maxrl_shipped")
    for size in (1, 2, 5):
        assert agrees(claim.steps[0].relation, row, flips(size), COINS)
    assert mx.effective_weight(row, 5).equals(mx.Objective.maxrl(4))
    assert not agrees(claim.sibling, row, flips(5), COINS)


def graded_rewards(claim):
    arms = mx.problems.Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(1, 4), F(1, 2), F(1)])
    truth = arms.grad_pass_rate
    for step, name, size in zip(claim.steps, ("maxrl_shipped", "self_normalised"), (2, 3), strict=True):
        mean = mx.exact_moments(arms, mx.estimators.get(name), size).mean
        assert mean[0] * truth[1] - mean[1] * truth[0] == evaluate(step.relation.rhs, {}) != 0
        right = mx.exact_moments(arms, ustat("one", size), size).mean
        assert right[0] * truth[1] - right[1] * truth[0] == evaluate(claim.sibling.rhs, {}) == 0


def pass_baseline(claim):
    sums, group_estimate, mean, last = (step.relation for step in claim.steps)
    for objective in (mx.Objective.maxrl(3), mx.Objective.pass_at(2), mx.Objective.maxrl(1)):
        c = {"c": lambda k, objective=objective: objective.rational_coefficients[k]}
        order = objective.order
        assert agrees(mean, ustat("pass_loo", objective), [FOUR], [ARMS], functions=c, T=order)
        assert sum(ustat("pass_loo", objective)(exactly(FOUR))) == 0
        weighted, baseline = (value(side, FOUR, 0, None, c, T=order) for side in sums.args)
        total = value(group_estimate.rhs, FOUR, 0, None, c, T=order)
        assert weighted == baseline == total == sum(mx.loo_weights(exactly(FOUR), objective) * exactly(FOUR)) / 4
    for i in range(4):
        passed = mx.loo_weights(exactly(FOUR), 3)[i] * FOUR[i] - ustat("pass_loo", 3)(exactly(FOUR))[i]
        assert value(last.lhs, FOUR, i, T=3) == value(last.rhs, FOUR, i, T=3) == passed
    assert len({value(side, FOUR, 0, None, {"c": lambda _: 1}, T=3) for side in claim.sibling.args}) == 2


def pass_baseline_binary(claim):
    success, failure, weight = (step.relation for step in claim.steps)
    names = {s.name: s for relation in (success, weight) for s in relation.free_symbols}
    for size in (2, 3, 5):
        for group in flips(size):
            K = int(sum(group))
            at = {names["N"]: size, names["K"]: K, names["T"]: size - 1}
            got = mx.advantages(exactly(group), size - 1, baseline="pass_loo")
            assert (got == mx.estimators.get("maxrl_shipped")(exactly(group))).all()
            if K:
                assert evaluate(success.lhs, at) == evaluate(success.rhs, at) == got[0]
                assert evaluate(weight.lhs, at) == mx.loo_weights(exactly(group), size - 1)[0]
                assert (evaluate(claim.sibling.lhs, at) == got[0]) == (K > 1)
            if size > K:
                assert evaluate(failure.lhs, at) == evaluate(failure.rhs, at) == got[-1]
    rloo = mx.advantages(exactly(FOUR), 1, baseline="pass_loo")
    assert (rloo == mx.estimators.get("rloo")(exactly(FOUR))).all()


def mean_baseline(claim):
    for step, given in zip(claim.steps, ({"x": mean_of_others}, None), strict=True):
        for order in (1, 3, 4):
            assert agrees(step.relation, ustat("mean_loo", order), [FOUR], [ARMS], given=given, T=order)
    in_sample = _as_function(mutants.in_sample_mean, 3)
    assert not agrees(claim.sibling, in_sample, [FOUR], [ARMS], T=3)


def group_centring(claim):
    centred, in_sample = (_as_function(f, 3) for f in (mutants.centred_by_the_group, mutants.in_sample_mean))
    assert agrees(claim.steps[0].relation, centred, [FOUR], [ARMS, *COINS], T=3)
    assert agrees(claim.steps[1].relation, in_sample, [FOUR], [ARMS, *COINS], T=3)
    assert not agrees(claim.sibling, centred, [FOUR], [ARMS], T=3)


def _as_function(mutant, order):
    return lambda l: mutant(l, [1] * order)


def expected_reward(claim):
    dr_grpo, rloo, proportional, reinforce = (step.relation for step in claim.steps)
    for relation, name in ((dr_grpo, "mean_centred"), (rloo, "rloo"), (reinforce, "reinforce")):
        assert agrees(relation, mx.estimators.get(name), [FOUR], [ARMS, *COINS])
    for i, got in enumerate(mx.estimators.get("rloo")(exactly(FOUR))):
        assert value(proportional.lhs, FOUR, i) == value(proportional.rhs, FOUR, i) == got
    assert not agrees(claim.sibling, mx.estimators.get("mean_centred"), [FOUR], [ARMS])


def standardised(l):
    """(l - mean)/sd of a group, 0 where all are equal."""
    l = np.asarray(l, float)
    deviation = l.std(-1, keepdims=True)
    return np.where(deviation > 0, (l - l.mean(-1, keepdims=True)) / np.where(deviation > 0, deviation, 1), 0)


def grpo(claim):
    """In floats: the square roots are not rational, and what is shipped adds 1e-4 to the standard deviation."""
    mean, coefficient, difference = (step.relation for step in claim.steps[:3])
    for size in (2, 3, 4, 8):
        found = mx.effective_weight(standardised, size)
        shipped = mx.effective_weight(mx.estimators.get("grpo_population"), size)
        sample = mx.effective_weight(mx.estimators.get("grpo"), size)
        for m, got in enumerate(found.bernstein):
            at = {s: {"m": m, "N": size}[s.name] for s in coefficient.free_symbols}
            expected = float(coefficient.lhs.subs(at))
            assert math.isclose(float(got), expected, rel_tol=1e-12)
            assert math.isclose(float(shipped.bernstein[m]), expected, rel_tol=1e-3)
            assert math.isclose(float(sample.bernstein[m]), expected * math.sqrt(1 - 1 / size), rel_tol=1e-3)
        for p in (0.1, 0.5, 0.8):
            at = {s: {"p": p, "N": size, "g": 1}[s.name] for s in mean.rhs.free_symbols}
            assert math.isclose(float(mean.rhs.subs(at).doit()), found.value(p), rel_tol=1e-12)
        gap = float(difference.rhs.subs(dict.fromkeys(difference.free_symbols, size)))
        constant = found.equals(mx.Objective.expected(), math.sqrt(size - 1))  # the sibling
        assert constant == (size <= 3) == (abs(gap) < 1e-12)
        assert found.nearest().known == (size <= 3)


def in_sample_weight(claim):
    mean, closed = (step.relation for step in claim.steps)
    for order in (1, 2, 4):
        assert agrees(mean, _as_function(mutants.ADVANTAGES["not leave-one-out"], order), [FOUR], [ARMS], T=order)
        weight = mx.effective_weight(_as_function(mutants.ADVANTAGES["not leave-one-out"], order), 4)
        for problem in COINS:
            for side in closed.args:
                assert mean_gradient(side, problem, 4, 0, T=order) == weight.value(problem.pass_rate)
    half = mx.problems.Bernoulli(F(1, 2))
    assert mean_gradient(closed.rhs, half, 4, 0, T=4) == F(15, 8) * (1 - F(11, 60))
    assert not agrees(claim.sibling, _as_function(mutants.ADVANTAGES["not leave-one-out"], 4), [FOUR], [ARMS], T=4)


def plug_in_powers(claim):
    square, cubes = (step.relation for step in claim.steps)
    outcomes = list(zip(ARMS.probabilities, ARMS.likelihoods, strict=True))
    mean = unbiased = F(0)
    for others in itertools.product(outcomes, repeat=3):
        chance = math.prod(x[0] for x in others)
        powers = mx.failure_powers(exactly(x[1] for x in others), 2)
        mean, unbiased = mean + chance * powers[1] ** 2, unbiased + chance * powers[2]
    assert mean == mean_gradient(square.rhs, ARMS, 4, 0)
    assert unbiased == mean_gradient(claim.sibling.rhs, ARMS, 4, 0) != mean
    half = mx.problems.Bernoulli(F(1, 2))
    plug_in = mx.exact_moments(half, _as_function(mutants.ADVANTAGES["plug-in powers"], 4), 4).mean[0]
    right = mx.exact_moments(half, ustat("none", 4), 4).mean[0]
    factor = cubes.rhs.replace(lambda e: isinstance(e, Mean), lambda _: sp.Rational(half.grad_pass_rate[0]))
    assert plug_in == evaluate(factor, {}) == F(10, 9) * right


def wrong_weights(claim):
    steps = zip(claim.steps, ("order T - 1", "k = 0 dropped", "division by N - 1"), strict=True)
    for (step, name), order in itertools.product(steps, (2, 4)):
        wrong = _as_function(mutants.ADVANTAGES[name], order)
        right = mx.exact_moments(ARMS, ustat("none", order), 4).mean
        mean = mx.exact_moments(ARMS, wrong, 4).mean
        for d in range(3):
            assert mean_gradient(step.relation.rhs, ARMS, 4, d, T=order) == mean[d] != right[d]
        got = wrong(exactly(FOUR))
        scale = F(4, 3) if name == "division by N - 1" else 1
        for i in range(4):
            assert scale * value(advantage(step.relation.lhs), FOUR, i, T=order) == got[i]
    assert mean_gradient(claim.sibling.rhs, ARMS, 4, 0, T=4) == mx.exact_moments(ARMS, ustat("none", 4), 4).mean[0]


def inverse_sampling(claim):
    score, chance, cost, remainder = (step.relation for step in claim.steps)
    for order, problem in itertools.product((1, 2, 5), (ARMS, *COINS)):
        p = problem.pass_rate
        weight = mx.Objective.maxrl(order).weight(p)
        for d, gradient in enumerate(problem.grad_pass_rate):
            for side in score.args:
                assert mean_gradient(side, problem, 1, d, T=order) == weight * gradient
            assert mean_gradient(claim.sibling.rhs, problem, 1, d, T=order) != weight * gradient
        for side in chance.args:
            assert mean_gradient(side, problem, 1, 0, T=order) == p * weight
        for side in cost.args:
            assert mean_gradient(side, problem, 1, 0, T=order) == weight - order * (1 - p) ** order
        assert mean_gradient(remainder.lhs, problem, 1, 0, T=order) <= 1
