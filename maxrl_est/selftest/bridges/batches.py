"""What the claims on whole batches say, against all batches, `effective_weight` and `over_prompts`."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction as F

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

import maxrl_est as mx
from maxrl_est.ascent import over_prompts
from maxrl_est.selftest.prove import checking

from . import evaluate_on, fraction, written_out
from .baseline import COINS, advantage, flips, mean_gradient, value
from .formal_groups import at, exactly

SIZE = 2
RATES, SHARES = (F(1, 5), F(3, 4)), (F(1, 3), F(2, 3))  # two prompts, and how often each is drawn
Row = Callable[[np.ndarray], np.ndarray]
Drawn = tuple[F, bool, np.ndarray]  # the chance of a group, whether it is kept, its gradient by each pass rate


def number(expression: sp.Expr, functions: dict[str, Callable[..., object]] | None = None, **numbers: object) -> F:
    """An exact value, by the names of symbols and of unknown functions."""
    known = written_out(at(expression, **numbers)).doit()
    return fraction(
        known.replace(
            lambda node: isinstance(node, AppliedUndef),
            lambda node: sp.Rational((functions or {})[node.func.__name__](*map(int, node.args))),
        )
    )


def dropping(row: Row, kept: Callable[[F], bool]) -> Row:
    """The advantages of a row, 0 in groups whose number of successes is not kept."""

    def function(rewards: np.ndarray) -> np.ndarray:
        keep = np.vectorize(kept, otypes=[bool])(rewards.sum(-1, keepdims=True))
        return np.where(keep, row(rewards), 0 * rewards)

    return function


def groups_drawn(row: Row, kept: Callable[[F], bool]) -> list[Drawn]:
    """All groups of a prompt that is drawn."""
    found = []
    for b, (rate, share) in enumerate(zip(RATES, SHARES, strict=True)):
        for rewards in itertools.product((F(0), F(1)), repeat=SIZE):
            chance = share * math.prod(rate if reward else 1 - rate for reward in rewards)
            scores = exactly([1 / rate if reward else -1 / (1 - rate) for reward in rewards])
            gradient = exactly([0] * len(RATES))
            gradient[b] = (row(exactly(rewards)) * scores).sum() / SIZE
            found.append((chance, kept(sum(rewards)), gradient))
    return found


def of_drawn(row: Row, kept: Callable[[F], bool]) -> tuple[list[Drawn], F, np.ndarray]:
    """All groups, the chance that one is kept, and the mean of one that counts 0 if it is dropped."""
    drawn = groups_drawn(row, kept)
    weight = mx.effective_weight(dropping(row, kept), SIZE)
    one = exactly([share * weight.value(rate) for rate, share in zip(RATES, SHARES, strict=True)])
    assert (one == sum(chance * gradient for chance, keep, gradient in drawn if keep)).all()
    return drawn, sum((chance for chance, keep, _ in drawn if keep), F(0)), one


RULES = {
    "maxrl_cv": lambda K: K > 0,
    "maxrl": lambda K: 0 < K < SIZE,
    "rloo": lambda K: K < SIZE,
}


def dropped_groups(claim: object) -> None:
    batch, factor, of_one = (step.relation for step in claim.steps)
    for (name, kept), size in itertools.product(RULES.items(), (1, 2, 3)):
        row = mx.estimators.get(name)
        drawn, kappa, one = of_drawn(row, kept)
        assert number(factor.lhs, B=size, kappa=kappa, g_kept=1) == mx.Objective.maxrl(size).weight(kappa) * kappa
        mean = exactly([0, 0])
        for groups in itertools.product(drawn, repeat=size):
            gradients = [gradient for _, keep, gradient in groups if keep]
            mean += math.prod(chance for chance, *_ in groups) * sum(gradients) / (len(gradients) or 1)
        for got, g in zip(mean, one / kappa, strict=True):
            for side in (*batch.args, *factor.args):
                assert number(side, B=size, kappa=kappa, g_kept=g) == got
            assert number(claim.sibling.rhs, g_kept=g) != got
        given = [row(exactly(group)) for group in flips(SIZE)]
        functions = {"a": lambda K, given=given: given[K][0], "b": lambda K, given=given: given[K][-1]}
        functions["c"] = lambda K, kept=kept: int(kept(K))
        for group in flips(SIZE):
            got = dropping(row, kept)(exactly(group))
            assert [value(advantage(of_one.lhs), group, i, None, functions) for i in range(SIZE)] == list(got)
        for problem in COINS:
            weight = mx.effective_weight(dropping(row, kept), SIZE).value(problem.pass_rate)
            assert mean_gradient(of_one.rhs, problem, SIZE, 0, functions) == weight * problem.grad_pass_rate[0]


def resampled_groups(claim: object) -> None:
    searches, one_more, rest, two, three = (step.relation for step in claim.steps)
    for name, kept in RULES.items():
        drawn, kappa, one = of_drawn(mx.estimators.get(name), kept)
        for wanted, most in ((1, 2), (2, 2), (2, 3)):
            found = exactly([0, 0])
            for draws in itertools.product(drawn, repeat=most):
                gradients = [gradient for _, keep, gradient in draws if keep]
                found += math.prod(chance for chance, *_ in draws) * (gradients[0] if gradients else 0)
            for got, G in zip(found, one, strict=True):
                for side in searches.args:
                    assert number(side, M=wanted, R=most, kappa=kappa, G=G) == wanted * got
                wrong = number(claim.sibling.rhs, M=wanted, R=most, kappa=kappa, G=G)
                assert (wrong == wanted * got) == (wanted == most)
    kappa, most, m = F(2, 7), 5, 2
    kept_of = [
        (math.prod(kappa if keep else 1 - kappa for keep in draws), sum(draws))
        for draws in itertools.product((0, 1), repeat=most)
    ]
    just = sum(chance for chance, count in kept_of if count == m)
    for side in (*one_more.args, *rest.args):
        assert number(side, R=most, m=m, kappa=kappa) == just
    for relation, size in ((two, 2), (three, 3)):
        weight = mx.effective_weight(mx.estimators.get("rloo"), size)
        for p in RATES:
            mixed = 1 - p**size - (1 - p) ** size
            assert {number(side, p=p) for side in relation.args} == {weight.value(p) / mixed}


def fixed_prompts(claim: object) -> None:
    share, total, favoured = (step.relation for step in claim.steps)
    for chances in ((F(1, 3), F(1, 2), F(9, 10)), (F(1, 4), F(1)), (F(0), F(2, 3), F(2, 3), F(1, 5))):
        size, weights = len(chances), mx.loo_weights(exactly(chances))
        factors = []
        for i in range(size):
            others, factor = chances[:i] + chances[i + 1 :], F(0)
            for keeps in itertools.product((0, 1), repeat=size - 1):
                flip = math.prod(x if keep else 1 - x for x, keep in zip(others, keeps, strict=True))
                factor += flip / (1 + sum(keeps))
            assert evaluate_on(share.lhs, chances, i, {}) == factor == weights[i] / size
            mean = sum(others) / (size - 1)
            assert evaluate_on(claim.sibling.rhs, chances, i, {}) == 1 / (1 + (size - 1) * mean)
            factors.append(factor)
        assert (factors[0] == evaluate_on(claim.sibling.rhs, chances, 0, {})) == (set(chances[1:]) <= {0, 1})
        any_kept = 1 - math.prod(1 - x for x in chances)
        assert value(total.lhs, chances, 0) == evaluate_on(total.rhs, chances, 0, {}) == any_kept
        assert sum(x * f for x, f in zip(chances, factors, strict=True)) == any_kept
        for side in favoured.args:
            known = side.replace(checking.statistics.Survival, functools.partial(_survival, chances[2:]))
            assert number(known, l_i=chances[0], l_j=chances[1]) == factors[0] - factors[1]


def _survival(of: Sequence[F], t: sp.Expr, members: sp.Symbol) -> sp.Expr:
    assert members == checking.statistics.REST
    return sp.Mul(*(1 - t * sp.Rational(x) for x in of))


def dropped_failures(claim: object) -> None:
    of_any, of_constant, powers = (step.relation for step in claim.steps)
    for size, name in itertools.product((2, 4), ("rloo", "maxrl_shipped", "maxrl_cv")):
        row = mx.estimators.get(name)
        given = [row(exactly(group)) for group in flips(size)]
        functions = {"a": lambda K, given=given: given[K][0], "b": lambda K, given=given: given[K][-1]}
        whole, dropped = (mx.effective_weight(rule, size) for rule in (row, dropping(row, bool)))
        for problem in COINS:
            p, slope = problem.pass_rate, problem.grad_pass_rate[0]
            assert mean_gradient(of_any.rhs, problem, size, 0, functions) == dropped.value(p) * slope
            assert mean_gradient(claim.sibling.rhs, problem, size, 0, functions) == whole.value(p) * slope
            assert (whole.value(p) == dropped.value(p)) == (name != "maxrl_cv")
        assert dropped.equals(mx.Objective.maxrl(size - 1 if name != "rloo" else 1))
    for size, (beta, baseline) in itertools.product((2, 4), ((0, "none"), (1, "one"), (None, "one_over_n"))):
        beta = F(1, size) if beta is None else beta
        dropped = mx.effective_weight(dropping(functools.partial(mx.advantages, baseline=baseline), bool), size)
        for problem in COINS:
            p, slope = problem.pass_rate, problem.grad_pass_rate[0]
            assert mean_gradient(of_constant.rhs, problem, size, 0, beta=beta) == dropped.value(p) * slope
            for side in powers.args:
                lost = (1 - beta) * (1 - p) ** (size - 1)
                assert number(side, N=size, p=p, beta=beta) == dropped.value(p) - lost


def _standardised(rewards: np.ndarray) -> np.ndarray:
    return (rewards - rewards.mean()) / (rewards.std() or 1)


def _of_total(rewards: np.ndarray) -> np.ndarray:
    """MaxRL with the mean of the batch."""
    return rewards / (rewards.mean() or 1) - 1


def total_count(claim: object) -> None:
    slope, growth = (step.relation for step in claim.steps)
    for rule, prompts, size in ((_of_total, 2, 2), (_of_total, 3, 2), (_standardised, 2, 3), (_standardised, 3, 2)):
        assert over_prompts(rule, prompts, size).verdict == "gradient"
    given = [_of_total(exactly([*[1] * K, *[0] * (4 - K)])) for K in range(5)]
    functions = {"a": lambda K: given[K][0], "b": lambda K: given[K][-1]}
    h = [F(0), *itertools.accumulate(given[j + 1][0] - given[j][-1] for j in range(4))]
    for K in range(4):
        assert {number(side, functions, K=K) for side in growth.args} == {h[K + 1] - h[K]}
    p, means = RATES[0], []
    for n in range(SIZE + 1):  # successes of the other prompt
        mean = F(0)
        for rewards in itertools.product((F(0), F(1)), repeat=SIZE):
            chance = math.prod(p if reward else 1 - p for reward in rewards)
            scores = exactly([1 / p if reward else -1 / (1 - p) for reward in rewards])
            got = _of_total(exactly([*rewards, *[1] * n, *[0] * (SIZE - n)]))[:SIZE]
            mean += chance * (got * scores).sum()
        for side in slope.args:
            written = written_out(at(side, N=SIZE, n=n)).doit()  # derivatives before numbers
            assert number(written, {"h": lambda K: h[K]}, x=p, u=1 - p) == mean
        means.append(mean)
        wrong = number(claim.sibling.rhs, {"h": lambda K: h[K]}, N=SIZE, x=p, u=1 - p)
        assert (wrong == mean) == (n == 0)
    other = [math.comb(SIZE, n) * p**n * (1 - p) ** (SIZE - n) for n in range(SIZE + 1)]
    batch = mx.Objective.maxrl(2 * SIZE)  # of all rollouts as one group, where pass rates are the same
    assert sum(chance * mean for chance, mean in zip(other, means, strict=True)) == SIZE * batch.weight(p)


def _scaled(rewards: np.ndarray) -> np.ndarray:
    return (rewards - rewards.mean(-1, keepdims=True)) / (rewards.std() or 1)


def _whitened(rewards: np.ndarray) -> np.ndarray:
    centred = rewards - rewards.mean(-1, keepdims=True)
    return centred / (centred.std() or 1)


def batch_deviation(claim: object) -> None:
    """In floats: deviations are not rational."""
    by_total, convex, means, by_counts, last = (step.relation for step in claim.steps)
    for prompts, size in ((2, 2), (2, 3), (2, 5), (3, 2)):
        found, rollouts = over_prompts(_scaled, prompts, size), prompts * size
        assert found.verdict == "none"
        first, second = (int(sum(found.batch[i])) for i in (0, 1))
        inside = sum(int(sum(group)) for group in found.batch)

        def scale(K: int, rollouts: int = rollouts) -> sp.Expr:
            return rollouts / sp.sqrt(K * (rollouts - K))

        for side in by_total.args:
            side = side.replace(lambda node: isinstance(node, AppliedUndef), lambda node: scale(node.args[0]))
            cycle = at(side, m=first, n=second, N=size, K=inside).evalf(30)
            assert math.isclose(abs(cycle), abs(float(found.sum)), rel_tol=1e-12)
        for K in range(1, rollouts - 2):
            left, right = (number(side, A=rollouts, K=K) for side in convex.args)
            assert left < right
            x, y = scale(K) ** sp.Rational(1, 2), scale(K + 2) ** sp.Rational(1, 2)
            left, right = (side.subs({s: {"x": x, "y": y}[s.name] for s in side.free_symbols}) for side in means.args)
            assert 2 * scale(K + 1) < left <= right
    for size in (2, 3, 5):
        found = over_prompts(_whitened, 2, size)
        assert found.verdict == "none"
        left, right = (float(at(side, N=size).evalf(30)) for side in last.args)
        rewards = [[0] * (size - 1), [1] * (size - 1)]
        assert math.isclose(left, right, rel_tol=1e-12)
        assert math.isclose(_cycle(_whitened, rewards), right, rel_tol=1e-12)
        assert abs(found.sum) > right * (1 - 1e-12)  # the worst of all

        def of_counts(first: sp.Expr, second: sp.Expr, size: int = size) -> float:
            centred = [((sp.Integer(1) * K) * (size - K)) / size for K in (first, second)]
            return sp.sqrt(2 * size / sum(centred)) if any(centred) else sp.Integer(0)

        for side in by_counts.args:
            side = at(side, m=size - 1, n=0, N=size)
            cycle = side.replace(lambda node: isinstance(node, AppliedUndef), lambda node: of_counts(*node.args))
            assert math.isclose(float(cycle.evalf(30)), right, rel_tol=1e-12)


def _cycle(rule: Row, others: Sequence[Sequence[int]]) -> float:
    """Round the 4-cycle of a success and a failure of each prompt: the first prompt is the second of `others`."""
    second, first = others

    def owed(one: int, other: int) -> float:
        batch = rule(np.array([[one, *first], [other, *second]], dtype=float))
        return float(batch[1, 0] - batch[0, 0])

    return owed(0, 0) + owed(1, 1) - owed(0, 1) - owed(1, 0)


def three_prompts(claim: object) -> None:
    """In floats, by slopes of the exact weights; these are polynomials of degree two in each pass rate."""
    steps, rates = [step.relation for step in claim.steps], np.array([0, 0.5, 1])
    for rule, numbers in ((_scaled, steps[1]), (_whitened, steps[3])):
        assert over_prompts(rule, 3, SIZE).verdict == "none"
        slopes = np.empty((3, 3))  # of the weight of prompt i by the pass rate of j
        for j in range(3):
            ahead, behind = (_batch_weights(rule, rates + sign * 0.25 * np.eye(3)[j]) for sign in (1, -1))
            slopes[:, j] = (ahead - behind) / 0.5
        curls = [slopes[k, j] - slopes[j, k] for j, k in ((1, 2), (2, 0), (0, 1))]
        twist = float(_batch_weights(rule, rates) @ curls)
        assert twist < -0.1
        for side in numbers.args:
            assert math.isclose(float(side.evalf(30)), twist, rel_tol=1e-12)
    scales = {"s_1": F(6, 5), "s_2": F(1, 3), "s_3": F(2)}
    for relation in (steps[0], steps[2]):
        assert len({number(side, **scales) for side in relation.args}) == 1
    assert number(claim.sibling.lhs, **scales) != 0


def _batch_weights(rule: Row, rates: np.ndarray) -> np.ndarray:
    """What multiplies grad p of each of three prompts: polynomials of the pass rates, which need not be chances."""
    total = np.zeros(3)
    for rewards in itertools.product((0, 1), repeat=3 * SIZE):
        batch = np.array(rewards, dtype=float).reshape(3, SIZE)
        for i in range(3):
            chances = np.where(batch == 1, rates[:, None], 1 - rates[:, None])
            chances[i, 0] = 1 if batch[i, 0] else -1  # the slope of its chance
            total[i] += chances.prod() * rule(batch)[i, 0]
    return total


def many_prompts(claim: object) -> None:
    """In floats, by the number of successes of the other groups of each of two kinds of prompts."""
    of_all, of_centred, slopes = (step.relation for step in claim.steps)
    size, share = 3, F(1, 2)
    P = sum(RATES) * share
    V = sum(p * (1 - p) for p in RATES) * share
    limit = float(at(of_all.rhs, P=P, N=size).evalf(30))
    assert math.isclose(limit, float(at(of_all.lhs.doit(), P=P, N=size).evalf(30)), rel_tol=1e-12)
    assert not math.isclose(limit, float(at(claim.sibling.lhs.doit(), P=P).evalf(30)))
    for p in RATES:
        assert mx.effective_weight(mx.estimators.get("mean_centred"), size).value(p) == F(size - 1, size)
        assert {number(side, N=size, p=p) for side in of_centred.args} == {size * (size - 1) * p * (1 - p)}
    whitened = math.sqrt((size - 1) / size / float(V))
    for deviation, expected in ((_of_all, limit), (_of_centred, whitened)):
        gaps = [[abs(weight - expected) for weight in _weights(deviation, size, prompts)] for prompts in (8, 16, 32)]
        assert all(1.7 < few / more < 2.4 for pair in itertools.pairwise(gaps) for few, more in zip(*pair, strict=True))
    x, y = RATES
    along = sum(sign * (1 - 2 * p) for sign, p in zip((1, -1), (x, y), strict=True))
    assert {number(side.doit(), x=x, y=y) for side in slopes.args} == {along}


def _of_all(successes: np.ndarray, squares: np.ndarray, rollouts: int) -> np.ndarray:
    return successes * (rollouts - successes) / rollouts**2 + 0 * squares


def _of_centred(successes: np.ndarray, squares: np.ndarray, rollouts: int) -> np.ndarray:
    return squares / rollouts + 0 * successes


def _weights(deviation: Callable[[np.ndarray, np.ndarray, int], np.ndarray], size: int, prompts: int) -> list[float]:
    """What multiplies grad p of either kind of prompt, half of the batch being of each."""
    counts = np.arange(size + 1)
    sums = counts * (size - counts)  # N times a centred group's sum of squares, a whole number
    of_one = []
    for p in map(float, RATES):
        table = np.zeros((size + 1, sums.max() + 1))
        table[counts, sums] = [math.comb(size, K) * p**K * (1 - p) ** (size - K) for K in counts]
        of_one.append(table)
    found = []
    for own, p in enumerate(map(float, RATES)):
        law = np.ones((1, 1))
        for kind, table in enumerate(of_one):
            for _ in range(prompts // 2 - (kind == own)):
                law = _convolved(law, table)
        total, weight = np.indices(law.shape), 0.0
        for K in counts:
            variance = deviation(total[0] + K, (total[1] + K * (size - K)) / size, size * prompts)
            mean = (law / np.sqrt(np.where(variance > 0, variance, np.inf))).sum()
            chance = math.comb(size, K) * p**K * (1 - p) ** (size - K)
            success, failure = (1 - K / size) * mean, -K / size * mean
            weight += chance * (K / size * success / p - (1 - K / size) * failure / (1 - p))
        found.append(weight)
    return found


def _convolved(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    result = np.zeros(np.add(one.shape, other.shape) - 1)
    for (i, j), chance in np.ndenumerate(other):
        if chance:
            result[i : i + one.shape[0], j : j + one.shape[1]] += chance * one
    return result
