"""What the claims on integrals say, against the package's weights, estimates, quadrature tables and constants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import sympy as sp

import maxrl_est as mx
from maxrl_est.estimates._kernels.nodes import COUNTS, LIMITS, NODES, WEIGHTS
from maxrl_est.estimates._kernels.quadrature import CUTOFF

from . import GROUP, evaluate, evaluate_on

LONG = (*GROUP, Fraction(1, 7), Fraction(2, 3), Fraction(99, 100), Fraction(1, 1000))


def named(relation: sp.Basic, **values: object) -> dict[sp.Symbol, object]:
    """Values for a relation's symbols of these names."""
    return {symbol: values[symbol.name] for symbol in relation.free_symbols if symbol.name in values}


def number(expression: sp.Expr, values: Mapping[sp.Symbol, object]) -> float:
    """An expression as a float, where it need not be rational."""
    return float(expression.subs({symbol: sp.Rational(Fraction(value)) for symbol, value in values.items()}).evalf(30))


def exactly(likelihoods) -> np.ndarray:
    return np.array([Fraction(value) for value in likelihoods], dtype=object)


def binary(successes: int, size: int) -> np.ndarray:
    return exactly([1] * successes + [0] * (size - successes))


def beta_integral(claim):
    relation = claim.steps[0].relation
    for n in range(6):
        for k in range(n + 1):
            values = named(relation, n=n, k=k)
            only_subset = mx.failure_powers(binary(n - k, n), k)[k] if n else 1  # of k failures
            assert evaluate(relation.lhs, values) == evaluate(relation.rhs, values)
            assert only_subset * math.comb(n, k) ** 2 == evaluate(relation.rhs, values) ** -1
            assert evaluate(claim.sibling.lhs, values) != only_subset


def weight_integral(claim):
    relation = claim.steps[0].relation
    weights = mx.loo_weights(exactly(LONG))
    floats = mx.loo_weights(np.array(LONG, dtype=float))
    for i, weight in enumerate(weights):
        assert evaluate_on(relation.lhs, LONG, i, {}) == weight == evaluate_on(relation.rhs, LONG, i, {})
        assert abs(floats[i] - float(weight)) <= 4 * np.spacing(float(weight))
        assert evaluate_on(claim.sibling.rhs, LONG, i, {}) != weight


def integrand_bounds(claim):
    for t in (Fraction(0), Fraction(1, 3), Fraction(9, 10)):
        for size in (1, len(LONG)):
            group = LONG[:size]
            product = float(mx.failure_powers(t * exactly(group), size)[size])
            (below, one_factor), (_, above) = (claim.steps[i].relation.args for i in (0, 1))
            values = {name: {"t": t, "l": sum(group)} for name in ("below", "above")}
            low = number(below, named(below, **values["below"]))
            high = number(above, named(above, **values["above"]))
            assert low <= product * (1 + 1e-14)
            assert product <= high * (1 + 1e-14)
            if size == 1:
                assert number(one_factor, named(one_factor, t=t, l=group[0])) == product


def weight_bounds(claim):
    below, above, at_successes = (step.relation.rhs for step in claim.steps)
    for scale in (1, 10, 1000):
        group = [likelihood / scale for likelihood in LONG]
        for weight, likelihood in zip(mx.loo_weights(exactly(group)), group, strict=True):
            values = {"N": len(group), "L": sum(group) - likelihood}
            assert evaluate(below, named(below, **values)) <= weight
            assert float(weight) <= number(above, named(above, **values))
    for K in range(1, 6):
        expected = evaluate(at_successes, named(at_successes, N=6, M=K - 1))
        assert mx.loo_weights(binary(K, 6))[0] == expected == evaluate(below, named(below, N=6, L=K - 1))
        assert K == 1 or evaluate(claim.sibling.rhs, named(claim.sibling.rhs, N=6, L=K - 1)) != expected


def weight_range(claim):
    weight, ones = claim.steps[0].relation.args
    for order in range(1, len(GROUP) + 1):
        values = named(claim.steps[0].relation, T=order)
        for i, computed in enumerate(mx.loo_weights(exactly(GROUP), order)):
            assert evaluate_on(weight, GROUP, i, values) == computed
            assert 1 <= computed <= evaluate(ones, values) == order
        assert mx.loo_weights(binary(5, 5), order)[0] == 1
        at_none = claim.steps[3].relation.lhs
        assert mx.loo_weights(binary(1, 5), order)[0] == order == evaluate(at_none, named(at_none, T=order, N=5))


def plug_in_within_30_percent(claim):
    relation = claim.steps[0].relation
    (worst,) = (Fraction(str(value)) for _, value in claim.steps[1].by.at)
    for total in (Fraction(1, 10), worst, Fraction(5), Fraction(30)):
        size = 10_000
        likelihoods = np.full(size, float(total / (size - 1)))
        ratio = float(mx.loo_weights(likelihoods)[0] * (1 + total) / size)
        values = named(relation, L=total)
        predicted = number(relation.lhs, values) / number(relation.rhs, values) * 1.3
        assert abs(ratio - predicted) < 1e-3
        assert 1 <= ratio <= 1.3
        if total == worst:
            assert ratio > 1.298 - 1e-3


def tail(claim):
    assert dict(claim.steps[0].by.at) == {symbol: CUTOFF for symbol, _ in claim.steps[0].by.at}
    share = claim.steps[0].relation.lhs
    for size, likelihood in ((76, Fraction(1, 2)), (1001, Fraction(1, 10))):
        s = (size - 1) * likelihood
        left_over = (1 - Fraction(37) / s * likelihood) ** size - (1 - likelihood) ** size
        relative = left_over / (1 - (1 - likelihood) ** size)  # of Int (1 - t l)^(N-1) dt, beyond a and in all
        assert relative <= number(share, named(share, c=37)) < 2.0**-53 < number(share, named(share, c=36))
        exact = size * likelihood**-1 * (1 - (1 - likelihood) ** size) / size
        assert abs(mx.loo_weights(np.full(size, float(likelihood)))[0] / float(exact) - 1) < 1e-14


def derivative_bound(claim):
    smaller, larger = claim.steps[0].relation.args
    *others, last = LONG
    for r in range(2, len(LONG) + 1):
        means = mx.failure_powers(1 - exactly(LONG), r)
        elementary = means[r] * math.comb(len(LONG), r)
        values = named(claim.steps[0].relation, r=r, S=sum(others), l=last)
        assert math.factorial(r) * elementary <= evaluate(smaller, values) <= evaluate(larger, values) == sum(LONG) ** r


def gauss_legendre(claim):
    moments, norm, constant, _ = (step.relation for step in claim.steps)
    for m in range(1, 5):
        for j in {0, m - 1, m, 2 * m}:
            values = named(moments, m=m, j=j)
            assert evaluate(moments.lhs, values) == evaluate(moments.rhs, values)
            assert (evaluate(moments.rhs, values) == 0) == (j < m)
        assert evaluate(norm.rhs, named(norm, m=m)) == Fraction(1, 2 * m + 1)
        rule = COUNTS.tolist().index(m)
        nodes, weights = NODES[rule, :m], WEIGHTS[rule, :m]
        error = 1 / (2 * m + 1) - float(weights @ nodes ** (2 * m))
        assert abs(error - evaluate(constant.rhs, named(constant, m=m)) * math.factorial(2 * m)) < 1e-15
    for rule, m in enumerate(COUNTS.tolist()):
        for degree in range(2 * m):
            exact = 1 / (degree + 1)
            assert abs(float(WEIGHTS[rule, :m] @ NODES[rule, :m] ** degree) - exact) <= 4 * np.spacing(1.0)


def quadrature_nodes(claim):
    bound, accuracy = claim.steps[0].relation.args
    for m, limit in zip(COUNTS.tolist(), LIMITS.tolist(), strict=True):
        m_symbol, x_symbol = (symbol for symbol, _ in claim.steps[0].by.at)
        assert evaluate(bound, {m_symbol: m, x_symbol: limit}) <= evaluate(accuracy, {})
        assert evaluate(bound, {m_symbol: m, x_symbol: math.nextafter(limit, math.inf)}) > evaluate(accuracy, {})
    assert dict(claim.steps[0].by.at)[m_symbol] == COUNTS[-1]
    assert CUTOFF + 1 < dict(claim.steps[0].by.at)[x_symbol] < LIMITS[-1]


def node_table(claim):
    tables = claim.steps[0].by.tables
    assert [table.count for table in tables] == COUNTS.tolist()
    for table, nodes, weights in zip(tables, NODES, WEIGHTS, strict=True):
        assert list(table.nodes) == nodes[: table.count].tolist()
        assert list(table.weights) == weights[: table.count].tolist()


def objective_integral(claim):
    at_successes, one_more = claim.steps[0].relation, claim.steps[1].relation
    for N in range(1, 6):
        harmonic = sum(Fraction(1, k) for k in range(1, N + 1))
        for K in range(1, N + 1):
            values = named(at_successes, K=K)
            estimate = mx.objective_estimate(binary(K, N))
            assert (
                evaluate(at_successes.lhs, values) - harmonic
                == estimate
                == evaluate(at_successes.rhs, values) - harmonic
            )
            assert evaluate(claim.sibling.rhs, values) - harmonic != estimate
    for i in range(len(GROUP)):
        others = GROUP[:i] + GROUP[i + 1 :]
        added = mx.objective_estimate(exactly(GROUP)) - mx.objective_estimate(exactly(others)) + Fraction(1, len(GROUP))
        assert evaluate_on(one_more.rhs, GROUP, i, {}) == added


def any_order_integral(claim):
    relation, moments = (step.relation for step in claim.steps)
    for T in (1, 2, 5):
        for K in (1, 3, 5):
            values = named(relation, N=5, T=T, K=K)
            weight = mx.loo_weights(binary(K, 5), T)[0]
            assert evaluate(relation.lhs, values) == weight == evaluate(relation.rhs, values)
            assert T == 5 or evaluate(claim.sibling.lhs, values) != weight
        for i, weight in enumerate(mx.loo_weights(exactly(GROUP), T)):
            others = GROUP[:i] + GROUP[i + 1 :]
            means = mx.failure_powers(1 - exactly(others), T - 1)
            terms = (
                Fraction((-1) ** j * math.comb(4, j), j + 1)
                * means[j]
                * evaluate(moments.rhs, named(moments, m=T - 1, n=4, j=j))
                for j in range(T)
            )
            assert T * sum(terms) == weight


def interior_nodes(claim):
    assert all(((row > 0) & (row < 1))[:count].all() for row, count in zip(NODES, COUNTS.tolist(), strict=True))
    least, factor = claim.steps[0].relation.args
    for t in NODES[-1, (0, 13, -1)].tolist():
        whole = mx.failure_powers(Fraction(t) * exactly(LONG), len(LONG))[-1]
        for i, likelihood in enumerate(LONG):
            values = named(claim.steps[0].relation, t=t, l=likelihood)
            others = Fraction(t) * exactly(LONG[:i] + LONG[i + 1 :])
            assert whole / evaluate(factor, values) == mx.failure_powers(others, len(LONG) - 1)[-1]
            assert 0 < evaluate(least, values) <= evaluate(factor, values)
