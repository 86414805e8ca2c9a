"""What the claims on dropped groups say, against all batches and `effective_weight`."""

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
