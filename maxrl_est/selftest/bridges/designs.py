"""What the claims on designs say, against `mx.designs`, effective weights and advantages under them."""

from __future__ import annotations

import functools
import itertools
import math
from fractions import Fraction as F

import sympy as sp

import maxrl_est as mx
from maxrl_est.selftest.prove import checking

from .baseline import COINS, mean_gradient, standardised
from .batches import number
from .formal_groups import at, exactly

RATES = (F(1, 5), F(3, 4))


def ahead(successes: int, failures: int) -> bool:
    return successes > failures


def any_stopping(claim):
    chances, *rules, cost = (step.relation for step in claim.steps)
    designs = (
        mx.designs.fixed(4),
        mx.designs.until_successes(1, 4),
        mx.designs.until_successes(2, 5),
        mx.designs.until_mixed(4),
        mx.designs.staged(2, 3),
        mx.designs.stopping(ahead, 5),
    )
    for p, (design, relation) in itertools.product(RATES, zip(designs, rules, strict=True)):
        weight = mx.effective_weight("maxrl", design=design)
        assert {number(side, p=p) for side in relation.args} == {weight.value(p)}
        for side in chances.args:
            assert number(side, N=design.cap, p=p, g=1) == weight.value(p)
        assert number(claim.sibling.rhs, p=p, g=1) != weight.value(p)
        assert {number(side, p=p) for side in cost.args} == {designs[1].rollouts(p)}


def two_of_each(successes, failures):
    return min(successes, failures) > 1


def best_of_three(successes, failures):
    return max(successes, failures) == 2


def stopping_matters(claim):
    rows = ("rloo", "mean_centred", "maxrl_shipped", "maxrl_cv", standardised)
    designs = {
        mx.designs.until_successes(2, 6): 1,
        mx.designs.until_successes(3, 8): 1,
        mx.designs.until_mixed(5): F(1, 3),
        mx.designs.staged(2, 4): 1,
        mx.designs.staged(4, 12): 1,
        mx.designs.stopping(two_of_each, 8): F(1, 3),
    }
    of_whole_groups, steps = functools.cache(mx.effective_weight), iter(claim.steps)
    for row, (design, y) in itertools.product(rows, designs.items()):
        under, whole = mx.effective_weight(row, design=design), of_whole_groups(row, design.cap)
        kind = F if under.exact else float
        twist = under.value(kind(0)) * whole.value(kind(y)) - under.value(kind(y)) * whole.value(kind(0))
        for side in next(steps).relation.args:
            assert twist != 0
            assert math.isclose(float(sp.N(side)), twist, rel_tol=1e-12)
            assert not under.exact or number(side) == twist
        if row == rows[0] and design == next(iter(designs)):
            assert number(claim.sibling.rhs) != twist
    for design in designs:
        relation, weight = next(steps).relation, mx.effective_weight("maxrl", design=design)
        for p in RATES:
            assert {number(side, p=p) for side in relation.args} == {weight.value(p)}
    for row in (row for row in rows if row != "maxrl_cv"):
        weight = mx.effective_weight(row, design=mx.designs.stopping(best_of_three, 3))
        for p, side in itertools.product(RATES, next(steps).relation.args):
            assert math.isclose(float(sp.N(at(side, p=p))), weight.value(float(p)), rel_tol=1e-12)
    assert next(steps, None) is None


def reached_terms(claim):
    ending, onward, of_all, free = (step.relation for step in claim.steps)
    for design, k in itertools.product((mx.designs.until_mixed(5), mx.designs.staged(2, 3)), (0, 1, 3)):
        objective, p = mx.Objective.from_coefficients([*[0] * k, F(2, 3)]), RATES[0]
        for baseline in (0, F(1, 2)):
            total = F(0)
            for s, f, paths in design.endings:
                given = mx.advantages(exactly([F(1)] * s + [F(0)] * f), objective, design=design, baseline=baseline)
                total += paths * p**s * (1 - p) ** f * sum(given[:s]) / (p * (s + f))
                total -= paths * p**s * (1 - p) ** f * sum(given[s:]) / ((1 - p) * (s + f))
            assert total == objective.weight(p)
        for s, f, paths in design.endings:
            if s and f >= k:
                A = mx.advantages(exactly([F(1)] * s + [F(0)] * f), objective, design=design)[0]
                from_there = A * s * paths / (s + f) / F(2, 3)
                assert from_there.denominator == 1
                known = {"s": s, "f": f, "k": k, "n": paths, "n_1": int(from_there), "c": F(2, 3), "p": p, "g": 1}
                for side in ending.args:
                    assert number(side, **known) == design.probability(s, f, p) * s * A / (s + f) / p
                if from_there and s > 1:
                    assert number(claim.sibling.lhs, **known) != number(claim.sibling.rhs, **known)
                assert len({number(side, **known) for side in onward.args}) == 1
    for size, s, k in ((5, 2, 3), (4, 1, 0), (6, 3, 2)):
        weight = mx.loo_weights(
            exactly([F(1)] * s + [F(0)] * (size - s)), mx.Objective.from_coefficients([0] * k + [1])
        )
        assert {number(side, N=size, s=s, k=k) for side in of_all.args} == {weight[0]}
        assert weight[0] == F(math.comb(size - s, k), math.comb(size - 1, k))
    for coin in COINS:
        for side in free.args:
            side = at(side, c=F(2, 3), beta=F(1, 7)).xreplace({checking.rewards.q_i: 1 - checking.statistics.l_i})
            assert mean_gradient(side, coin, 1, 0) == F(2, 3) * coin.grad_pass_rate[0]
