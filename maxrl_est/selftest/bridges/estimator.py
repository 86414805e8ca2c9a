"""What the claims on estimators say, against the package's weights, powers, estimates and exact moments."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
import sympy as sp

import maxrl_est as mx
from maxrl_est.selftest.prove import checking

from . import GROUP, fraction, worked_out

SMALL = GROUP[:2] + GROUP[4:]
LAW = mx.problems.Bandit([Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)], [Fraction(0), Fraction(1, 2), Fraction(1)])
COEFFICIENTS = (Fraction(2), Fraction(1, 3), Fraction(1), Fraction(5, 7), Fraction(3), Fraction(1, 2))
ORDERS = (1, 2, 3)


def exactly(likelihoods: Sequence[object]) -> np.ndarray:
    return np.array([Fraction(value) for value in likelihoods], dtype=object)


def binary(successes: int, size: int) -> np.ndarray:
    return exactly([1] * successes + [0] * (size - successes))


def elementary(k: object, values: Sequence[Fraction]) -> Fraction:
    """e_k, zero for k below zero or beyond the number of values."""
    return sum((math.prod(chosen) for chosen in itertools.combinations(values, int(k))), Fraction(0)) if k >= 0 else 0


def failures(likelihoods: Sequence[Fraction]) -> list[Fraction]:
    return [1 - value for value in likelihoods]


def coefficient(k: object) -> Fraction:
    return COEFFICIENTS[int(k)]


def objective(order: int) -> mx.Objective:
    return mx.Objective.from_coefficients(COEFFICIENTS[:order])


def named(expression: sp.Basic, **values: object) -> dict[sp.Symbol, object]:
    """Values for the symbols of these names."""
    return {symbol: values[symbol.name] for symbol in expression.free_symbols if symbol.name in values}


def value(
    expression: sp.Expr, functions: Mapping[str, Callable[..., object]] | None = None, **values: object
) -> Fraction:
    """An expression at values of its symbols and of its functions, by their names."""

    def known(node: sp.Expr) -> bool:
        return isinstance(node, sp.Function) and node.func.__name__ in (functions or {})

    def call(node: sp.Expr) -> sp.Rational:
        return sp.Rational(Fraction(functions[node.func.__name__](*node.args)))

    numbers = {symbol: sp.Rational(Fraction(number)) for symbol, number in named(expression, **values).items()}
    return fraction(worked_out(expression.subs(numbers)).replace(known, call))


def on_group(
    expression: sp.Expr, group: Sequence[Fraction], i: int = 0, j: int | None = None, **values: object
) -> Fraction:
    """An expression with statistics of a group and of its rollouts i and j, by the definition of each statistic."""
    everyone = range(len(group))
    members = {"group": everyone, "others": set(everyone) - {i}, "rest": set(everyone) - {i, j}}
    at_i = {"N": len(group), "l_i": group[i], "l_j": group[j or 0], **values}

    def power(k: sp.Expr, of: sp.Symbol) -> Fraction:
        chosen = [1 - group[rollout] for rollout in members[of.name]]
        return elementary(k, chosen) / math.comb(len(chosen), int(k))

    def flips(node: sp.Expr) -> sp.Rational:
        total = Fraction(0)
        for sides in itertools.product((0, 1), repeat=len(group)):
            chance = math.prod(l if side else 1 - l for l, side in zip(group, sides, strict=True))
            if sides[i]:
                total += chance * value(node.args[0], **at_i | {"l_i": 1, "M": sum(sides) - 1})
        return sp.Rational(total)

    def average(node: sp.Expr) -> sp.Rational:
        return sp.Rational(sum(on_group(node.args[0], group, rollout, **values) for rollout in everyone), len(group))

    for name, replacement in (("Flips", flips), ("Average", average)):
        expression = expression.replace(lambda node, name=name: type(node).__name__ == name, replacement)
    return value(expression, {"E": power, "c": coefficient}, **at_i)


def laws(size: int) -> list[tuple[Fraction, list[int]]]:
    """Every group of rollouts of the law, as outcomes, with its chance."""
    groups = itertools.product(range(len(LAW.likelihoods)), repeat=size)
    return [(math.prod(LAW.probabilities[o] for o in group), list(group)) for group in groups]


def mean(statistic: Callable[[np.ndarray], object], size: int) -> object:
    """Mean over all groups of a statistic of their likelihoods."""
    return sum(chance * statistic(LAW.likelihoods[group]) for chance, group in laws(size))


def refused(function: Callable[..., object], likelihoods: np.ndarray, order: int) -> bool:
    """Whether the order is said to have no unbiased estimate."""
    try:
        function(likelihoods, order)
    except ValueError as reason:
        return "no unbiased estimate" in str(reason)
    return False


def split_off_one(claim):
    relation, size = claim.steps[0].relation, len(GROUP)
    for i in range(size):
        others = failures(GROUP[:i] + GROUP[i + 1 :])
        e = {"e": lambda k, _, others=others: elementary(k, others)}
        for k in range(1, size):
            values = {"N": size, "k": k, "q_i": 1 - GROUP[i]}
            assert value(relation.lhs, e, **values) == mx.failure_powers(exactly(GROUP), k)[k]
            assert value(relation.rhs, e, **values) == mx.failure_powers(exactly(GROUP), k)[k]
            if others:
                without, contained = mx.failure_powers(exactly(GROUP[:i] + GROUP[i + 1 :]), k)[[k, k - 1]]
                assert value(claim.sibling.rhs, e, **values) == without + (1 - GROUP[i]) * contained
    assert value(claim.sibling.rhs, e, **values) != value(relation.lhs, e, **values)


def unbiased_powers(claim):
    relation = claim.steps[0].relation
    for size, k in ((1, 1), (2, 2), (3, 1), (3, 2), (3, 3)):
        powers = mean(lambda likelihoods, k=k: mx.failure_powers(likelihoods, k)[k], size)
        assert powers == value(relation.rhs, k=k, p=LAW.pass_rate)
        by_definition = relation.lhs.args[0]
        assert powers == mean(lambda l, k=k, of=by_definition: on_group(of, tuple(l), k=k), size)
    biased = claim.sibling.lhs.args[0]
    assert mean(lambda likelihoods: on_group(biased, tuple(likelihoods), k=2), 3) != value(
        relation.rhs, k=2, p=LAW.pass_rate
    )
    generating, x, y, size = claim.steps[2].relation, Fraction(2, 3), Fraction(3, 5), len(GROUP)
    powers = mx.failure_powers(exactly(GROUP), size)
    by_powers = sum(math.comb(size, k) * x**k * y ** (size - k) * power for k, power in enumerate(powers))
    assert by_powers == math.prod(y + x * q for q in failures(GROUP))
    for side in generating.args:  # all likelihoods the same
        same = mx.failure_powers(exactly([Fraction(1, 4)] * 4), 4)
        by_powers = sum(math.comb(4, k) * x**k * y ** (4 - k) * power for k, power in enumerate(same))
        assert by_powers == value(side, N=4, q=Fraction(3, 4), x=x, y=y)


def unbiased_weight(claim):
    general, series = (step.relation for step in claim.steps)
    for size, order in itertools.product((1, 2, 3), (1, 2, 3, 4)):
        if order > size + 1:
            assert refused(mx.weight_estimate, exactly(GROUP[:size]), order)
            continue
        weight = value(general.rhs, {"c": coefficient}, T=order, p=LAW.pass_rate)
        assert weight == objective(order).weight(LAW.pass_rate)
        assert weight == mean(lambda l, order=order: mx.weight_estimate(l, objective(order)), size)
        maxrl = mean(lambda l, order=order: mx.weight_estimate(l, order), size)
        assert maxrl == value(series.rhs, T=order, p=LAW.pass_rate) == value(series.lhs, T=order, p=LAW.pass_rate)
    for order in range(1, 7):
        estimate = mx.weight_estimate(exactly(GROUP), objective(order))
        assert estimate == on_group(general.lhs.args[0], GROUP, T=order)
        assert estimate != on_group(claim.sibling.lhs.args[0], GROUP, T=order)


def unbiased_gradient(claim):
    maxrl, general = (step.relation for step in claim.steps)
    for size, order in ((1, 1), (2, 2), (3, 2)):
        p, gradient = LAW.pass_rate, LAW.grad_pass_rate
        moments = mx.exact_moments(LAW, mx.estimators.get(f"ustat({order})"), size)
        target = objective(order)
        weighted = mx.exact_moments(LAW, lambda l, target=target: l * mx.loo_weights(l, target), size)
        assert moments.exact
        assert weighted.exact
        for g, maxrl_mean, mean_gradient in zip(gradient, moments.mean, weighted.mean, strict=True):
            assert maxrl_mean == value(maxrl.rhs, p=p, g=g, T=order)
            assert mean_gradient == value(general.rhs, {"c": coefficient}, p=p, g=g, T=order)
    in_sample = mx.exact_moments(LAW, lambda l: l * mx.weight_estimate(l, order)[..., None], size)
    assert (in_sample.mean != moments.mean).all()
    for order in ORDERS:
        factor = maxrl.lhs.args[0].subs({s: 1 for s in maxrl.lhs.free_symbols if s.name in ("l_i", "S_i")})
        for i, weight in enumerate(mx.loo_weights(exactly(GROUP), order)):
            assert weight == on_group(factor, GROUP, i, T=order)


def weight_is_derivative(claim):
    derivative, of_estimate, of_weight, maxrl = (step.relation for step in claim.steps)
    for order in (1, 2, 5):
        estimate = mx.objective_estimate(exactly(GROUP), objective(order))
        assert estimate == on_group(of_estimate.lhs.args[0], GROUP, T=order)
        p = Fraction(2, 5)
        assert objective(order).value(p) == value(of_estimate.rhs, {"c": coefficient}, T=order, p=p)
        for relation, target in ((derivative, objective(order)), (maxrl, order)):
            for i, weight in enumerate(mx.loo_weights(exactly(GROUP), target)):
                at = [mx.objective_estimate(exactly([*GROUP[:i], l, *GROUP[i + 1 :]]), target) for l in (0, 1)]
                assert weight == len(GROUP) * (at[1] - at[0]) == on_group(relation.lhs, GROUP, i, T=order)
                assert weight != (len(GROUP) - 1) * (at[1] - at[0])  # the sibling
        if order <= len(SMALL):
            target = objective(order)
            mean_weight = mean(lambda l, target=target: mx.loo_weights(l, target)[0], len(SMALL))
            assert mean_weight == target.weight(LAW.pass_rate)
        assert of_weight.lhs.args[0] == derivative.lhs


def binary_weight(claim):
    truncated, full = (step.relation for step in claim.steps)
    for size in (1, 2, 5, 6):
        for successes in range(1, size + 1):
            for order in range(1, size + 1):
                weight = mx.loo_weights(binary(successes, size), order)[0]
                for side in truncated.args:
                    assert weight == value(side, N=size, K=successes, T=order)
                assert weight != value(claim.sibling.rhs, N=size, K=successes, T=order)
            for side in full.args:
                assert value(side, N=size, K=successes) == mx.loo_weights(binary(successes, size))[0]


def binary_objective(claim):
    relation, step = (step.relation for step in claim.steps)
    for size in (1, 2, 5, 6):
        estimates = [mx.objective_estimate(binary(successes, size)) for successes in range(size + 1)]
        for successes, estimate in enumerate(estimates):
            for side in relation.args:
                assert estimate == value(side, N=size, K=successes)
            if successes < size:
                for side in step.args:
                    assert estimates[successes + 1] - estimate == value(side, N=size, K=successes)
        wrong = claim.sibling.rhs.subs(named(claim.sibling.rhs, N=size, K=1))
        assert size == 1 or abs(float(wrong) - float(estimates[1])) > 0.01


def mean_advantage(claim):
    relation, taken, general = (step.relation for step in claim.steps)
    for group in (GROUP, SMALL):
        for order in range(1, len(group) + 1):
            average = (mx.loo_weights(exactly(group), order) * exactly(group)).sum() / len(group)
            assert average == on_group(relation.lhs, group, T=order) == on_group(relation.rhs, group, T=order)
            assert average != on_group(claim.sibling.rhs, group, T=order)
    average = (mx.loo_weights(exactly(SMALL), objective(2)) * exactly(SMALL)).sum() / len(SMALL)
    assert average == on_group(general.lhs, SMALL, T=2) == on_group(general.rhs, SMALL, T=2)
    pass_at = mean(lambda l: (mx.loo_weights(l, 2) * l).sum() / 3, 3)
    assert pass_at == value(taken.rhs, p=LAW.pass_rate, T=2)
    assert (mx.loo_weights(exactly(GROUP)) * exactly(GROUP)).sum() / len(GROUP) == 1 - math.prod(failures(GROUP))


def coin_flips(claim):
    full, truncated = (step.relation for step in claim.steps)
    for i, likelihood in enumerate(SMALL):
        for order in range(1, len(SMALL) + 1):
            share = mx.loo_weights(exactly(SMALL), order)[i] * likelihood / len(SMALL)
            for side in (full if order == len(SMALL) else truncated).args:
                assert share == on_group(side, SMALL, i, T=order)
        assert share != on_group(claim.sibling.rhs, SMALL, i)


def uniqueness(claim):
    bias, _, forced = (step.relation for step in claim.steps)
    size, p = 4, Fraction(2, 7)
    for k in range(1, size + 1):

        def power(successes: object, k: int = k) -> Fraction:
            return mx.failure_powers(binary(int(successes), size), k)[k]

        def plug_in(successes: object, k: int = k) -> Fraction:
            return (1 - Fraction(int(successes), size)) ** k

        for side in bias.args:
            assert value(side, {"h": power}, N=size, k=k, p=p) == 0
        assert value(bias.lhs, {"h": plug_in}, N=size, k=k, p=p) == value(bias.rhs, {"h": plug_in}, N=size, k=k, p=p)
        assert (value(bias.lhs, {"h": plug_in}, N=size, k=k, p=p) == 0) == (k == 1)
        assert k == 1 or value(claim.sibling.rhs, {"h": power}, N=size, k=k, p=p) != 0
        for side in forced.args:
            e = {"e": lambda k: elementary(k, failures(GROUP))}
            assert value(side, e, N=len(GROUP), k=k) == mx.failure_powers(exactly(GROUP), k)[k]


def own_likelihood(claim):
    bias, size, p = claim.steps[0].relation, 4, Fraction(2, 7)

    def ustat(l: np.ndarray, k: int) -> np.ndarray:
        return mx.advantages(l, mx.Objective.from_coefficients([Fraction(0)] * k + [Fraction(1)]))

    def in_sample(l: np.ndarray, k: int) -> np.ndarray:
        return l * mx.failure_powers(l, k)[..., [k]]

    def plug_in(l: np.ndarray, k: int) -> np.ndarray:
        return l * (1 - (l.sum(axis=-1, keepdims=True) - l) / (size - 1)) ** k

    def binary_moves(row: Callable[..., np.ndarray]) -> list[Fraction]:
        groups = [binary(m, size - 1) for m in range(size)]
        return [row(exactly([1, *others]))[0] - row(exactly([0, *others]))[0] for others in groups]

    for k, (form, greatest) in itertools.product(range(size), ((ustat, size), (in_sample, 0), (plug_in, 1))):
        row, weight = functools.partial(form, k=k), (1 - p) ** k
        effective = mx.effective_weight(row, size).value(p)
        given = {"A": lambda x, m, row=row: row(exactly([x, *binary(int(m), size - 1)]))[0]}
        mean_is = bias.lhs.replace(checking.statistics.Mean, lambda _, found=effective: sp.Rational(found))
        for side in (mean_is, bias.rhs):
            assert value(side, given, N=size, k=k, p=p, g=1) == effective - weight
        assert (effective == weight) == (k <= greatest)
        assert (value(claim.sibling.rhs, given, N=size, k=k, p=p, g=1) == effective - weight) == (k == 0)
        omega = [mx.failure_powers(binary(m, size - 1), k)[k] for m in range(size)]
        assert (binary_moves(row) == omega) == (k <= greatest)

    x, y = Fraction(5, 7), Fraction(1, 9)
    weight = mx.loo_weights(exactly([x, *SMALL]))[0]
    for name in ("ustat", "ustat_one", "ustat_mean_loo", "plug_in_loo", "self_normalised"):
        row = mx.estimators.get(name)
        assert binary_moves(row) == binary_moves(mx.estimators.get("maxrl"))  # all unbiased on 0/1 rewards
        moves = row(exactly([x, *SMALL]))[0] - row(exactly([y, *SMALL]))[0]
        assert (moves == weight * (x - y)) == name.startswith("ustat")


def least_variance(claim):
    average, baseline = (step.relation for step in claim.steps)
    for k in (1, 2):
        first = mean(lambda l, k=k: math.prod(1 - l[:k]) ** 2, 3)  # unbiased too, without averaging over orders
        assert mean(lambda l, k=k: mx.failure_powers(l, k)[k] ** 2, 3) < first
    for values in ({"r": 1, "a": 3, "h": 1}, {"r": 2, "a": Fraction(1, 2), "h": 5}):
        assert value(average.lhs, **values) < value(average.rhs, **values)
    S = LAW.scores[:, 0]
    m_SS, m_lSS = (LAW.probabilities * S**2).sum(), (LAW.probabilities * LAW.likelihoods * S**2).sum()
    none = mx.exact_moments(LAW, mx.estimators.get("reinforce"), 1)
    with_one = mx.exact_moments(LAW, lambda l: mx.advantages(l, baseline=m_lSS / m_SS), 1)
    assert none.mean[0] == with_one.mean[0]
    assert none.covariance[0, 0] - with_one.covariance[0, 0] == value(baseline.rhs, m_SS=m_SS, m_lSS=m_lSS)


def order_at_most_n(claim):
    powers, multiplier = (step.relation for step in claim.steps)
    for order in range(2, 6):
        weight = mx.Objective.maxrl(order).weight(Fraction(2, 7))
        for side in powers.args:
            assert weight == value(side, T=order, p=Fraction(2, 7))
        assert weight != value(claim.sibling.rhs, T=order, p=Fraction(2, 7))
        assert refused(mx.loo_weights, exactly([Fraction(1, 2)] * (order - 1)), order)
    size = 4
    for name in ("rloo", "maxrl_shipped", "ustat_one(3)"):
        estimator = mx.estimators.get(name)
        given = {
            "a": lambda K, estimator=estimator: estimator(binary(int(K), size))[0],
            "b": lambda K, estimator=estimator: estimator(binary(int(K), size))[-1],
        }
        effective = mx.effective_weight(estimator, size)
        assert len(effective.coefficients) == size  # degree N - 1
        for side in multiplier.args:
            assert effective.value(Fraction(2, 7)) == value(side, given, N=size, p=Fraction(2, 7))


def forward_recursion(claim):
    relation = claim.steps[0].relation
    for i in range(2, len(GROUP) + 1):
        e = {"e": lambda k, i=i: elementary(k, failures(GROUP[: i - 1]))}
        powers = mx.failure_powers(exactly(GROUP[:i]), i)
        for k in range(1, i):
            for side in relation.args:
                assert powers[k] == value(side, e, i=i, k=k, q_i=1 - GROUP[i - 1])
            assert powers[k] != value(claim.sibling.rhs, e, i=i, k=k, q_i=1 - GROUP[i - 1])


def backward_recursion(claim):
    relation, chances = (step.relation for step in claim.steps)
    size, order = len(GROUP), 4
    weights = mx.loo_weights(exactly(GROUP), objective(order))

    def c(k: object) -> Fraction:
        return COEFFICIENTS[int(k)] if k < order else Fraction(0)

    def weight(side: sp.Expr, j: int) -> Fraction:
        """The weight of the rollout before j, from the powers of those before it."""
        before = mx.failure_powers(exactly(GROUP[: j - 2]), j - 2) if j > 2 else [1]
        known = {
            "d": lambda k: c(k) / math.comb(size - 1, int(k)) if k < size else 0,
            "e": lambda k: elementary(k, failures(GROUP[j:])),
        }
        parts = (value(side, known, N=size, j=j, a=a, q_j=1 - GROUP[j - 1]) for a in range(j - 1))
        return sum(power * part for power, part in zip(before, parts, strict=True))

    for j in range(2, size + 1):
        assert weights[j - 2] == weight(relation.lhs, j) == weight(relation.rhs, j)
    assert weight(claim.sibling.rhs, size) != weights[size - 2]
    j = 3
    before, after = mx.failure_powers(exactly(GROUP[:2]), 2), mx.failure_powers(exactly(GROUP[3:]), 2)
    for side in chances.args:
        shares = {
            (a, b): value(side, N=size, j=j, a=a, b=b) * before[a] * after[b]
            for a, b in itertools.product(range(3), repeat=2)
        }
        assert weights[j - 1] == sum(share * c(a + b) for (a, b), share in shares.items())


def deflation(claim):
    whole, one_step = (step.relation for step in claim.steps)
    size = len(GROUP)
    for i in range(size):
        others = failures(GROUP[:i] + GROUP[i + 1 :])
        e = {"e": lambda k, _, others=others: elementary(k, others)}
        powers = mx.loo_failure_powers(exactly(GROUP), size - 1)[i]
        for k in range(1, size):
            left_out = powers[k] * math.comb(size - 1, k)
            assert (
                left_out
                == value(whole.lhs, e, n=k, k=k, q_i=1 - GROUP[i])
                == value(whole.rhs, e, n=k, k=k, q_i=1 - GROUP[i])
            )
            for side in one_step.args:
                assert powers[k] == on_group(side, GROUP, i, k=k)
    assert value(claim.sibling.lhs, e, n=2, k=2, q_i=Fraction(1, 5)) != elementary(2, others)


def within_prompt(claim):
    order_of, twice, _ = (step.relation for step in claim.steps)
    for order in (2, 4, 5):
        weights = mx.loo_weights(exactly(GROUP), order)
        for i, j in itertools.permutations(range(len(GROUP)), 2):
            if GROUP[j] < GROUP[i]:
                smaller, larger = (on_group(side, GROUP, i, j, T=order) for side in order_of.args)
                assert (smaller, larger) == (weights[j], weights[i])
                assert smaller < larger <= 2 * smaller
                for side in twice.args:
                    assert 2 * weights[j] - weights[i] == on_group(side, GROUP, i, j, T=order)
    attained = mx.loo_weights(binary(1, 6))
    assert attained[0] == 2 * attained[1]


def binary_mean(claim):
    chance, series = (step.relation for step in claim.steps)
    for size in (1, 2, 4):
        for p in (Fraction(1, 3), Fraction(1)):
            problem = mx.problems.Bernoulli(p)
            gradient = problem.grad_pass_rate[0]
            average = mx.exact_moments(problem, mx.estimators.get("maxrl"), size).mean[0]
            for side in chance.args:
                assert average == value(side, N=size, p=p) * gradient / p
            for side in series.args:
                assert average == value(side, N=size, p=p, g=gradient)
    assert value(claim.sibling.rhs, N=2, p=Fraction(1, 3)) != value(chance.rhs, N=2, p=Fraction(1, 3))
