"""What the claims on normalisation over a batch say, against all batches and `over_prompts`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction as F

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

import maxrl_est as mx
from maxrl_est.ascent import over_prompts

from . import written_out
from .batches import RATES, SIZE, Row, number
from .formal_groups import at, exactly


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
