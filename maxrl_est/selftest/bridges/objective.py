"""The objectives and their weights: claims of `proofs/objective` against `Objective` and what is built on it.

Values are exact rationals at a few pass rates and orders, except for logarithms and powers with broken exponents.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import sympy as sp

import maxrl_est as mx

from . import evaluate, worked_out, written_out

RATES = (Fraction(1, 20), Fraction(1, 2), Fraction(5, 6), Fraction(1))
ORDERS = (1, 2, 5)
GRID = [(rate, order) for rate in RATES for order in ORDERS]


def valued(expression, **values):
    """The expression with values for symbols of these names; before it is differentiated, for the integers only."""
    expression = sp.sympify(expression)
    at = {symbol: sp.Rational(values[symbol.name]) for symbol in expression.free_symbols if symbol.name in values}
    if expression.has(sp.Derivative):
        integers = {symbol: value for symbol, value in at.items() if symbol.is_integer}
        expression = worked_out(expression.subs(integers))
    return written_out(expression.subs(at))


def exact(expression, **values):
    """Its value there, which is rational."""
    return evaluate(valued(expression, **values), {})


def number(expression, **values):
    """Its value there to double precision, by mpmath where it is an integral without a closed form."""
    return float(valued(expression, **values).doit().evalf(20))


def log_expansion(claim):
    expansion, at_least, at_most = (step.relation for step in claim.steps)
    for p, T in GRID:
        objective = mx.Objective.maxrl(T)
        remainder = number(expansion.rhs - next(x for x in expansion.rhs.args if x.has(sp.Sum)), p=p, T=T)
        assert math.isclose(float(objective.value(p)) + remainder, math.log(p), rel_tol=1e-14, abs_tol=1e-15)
        next_term = Fraction(1 - p) ** (T + 1) / (T + 1)
        assert exact(at_least.rhs, p=p, T=T) == objective.value(p) - next_term == mx.Objective.maxrl(T + 1).value(p)
        assert exact(at_most.lhs, p=p, T=T) == objective.value(p) - next_term / p
        assert exact(at_most.lhs, p=p, T=T) <= math.log(p) <= exact(at_least.rhs, p=p, T=T)
        assert p == 1 or abs(number(claim.sibling.rhs, p=p, T=T) - math.log(p)) > 1e-6


def maclaurin_coefficients(claim):
    derivative, coefficient = (step.relation for step in claim.steps)
    c = mx.Objective.maxrl(6).rational_coefficients
    for k in range(1, 7):
        assert exact(coefficient.lhs, k=k) == exact(coefficient.rhs, k=k) == -c[k - 1] / k
        taylor = (-1) ** k * exact(derivative.rhs, p=1, k=k) / math.factorial(k)
        assert taylor == exact(derivative.lhs, p=1, k=k) * (-1) ** k / math.factorial(k) == -c[k - 1] / k
        assert k == 1 or exact(claim.sibling.rhs, p=1, k=k) != exact(derivative.rhs, p=1, k=k)


def truncated_gradient(claim):
    derivative, closed = (step.relation for step in claim.steps)
    for p, T in GRID:
        weight = mx.Objective.maxrl(T).weight(p)
        assert {exact(side, p=p, T=T) for side in (*derivative.args, *closed.args)} == {weight}
        assert exact(claim.sibling.rhs, p=p, T=T) != weight
        assert exact(derivative.lhs.expr, p=p, T=T) == mx.Objective.maxrl(T).value(p)


def order_one(claim):
    value, weight = (step.relation for step in claim.steps)
    for p, T in GRID:
        objective = mx.Objective.maxrl(T)
        assert exact(value.lhs, p=p, T=T) == exact(value.rhs, p=p, T=T) == objective.value(p)
        assert exact(weight.lhs, p=p, T=T) == exact(weight.rhs, p=p, T=T) == objective.weight(p)
        assert exact(claim.sibling.rhs, p=p, T=T) != objective.value(p)
    for p in RATES:
        assert exact(value.rhs, p=p, T=1) == mx.Objective.expected().value(p) == p - 1
        assert exact(weight.rhs, p=p, T=1) == mx.Objective.expected().weight(p) == 1


def order_increment(claim):
    increment, decrease = (step.relation for step in claim.steps)
    for p, T in GRID:
        this, following = mx.Objective.maxrl(T).value(p), mx.Objective.maxrl(T + 1).value(p)
        assert exact(increment.lhs, p=p, T=T) == exact(increment.rhs, p=p, T=T) == following
        assert exact(decrease.lhs, p=p, T=T) == following <= this == exact(decrease.rhs, p=p, T=T)
        assert p == 1 or exact(claim.sibling.rhs, p=p, T=T) != following


def sandwich(claim):
    below, above = (step.relation for step in claim.steps)
    for p, T in GRID:
        objective, direct = mx.Objective.maxrl(T), mx.Objective.expected()
        assert exact(below.rhs, p=p, T=T) == exact(above.lhs, p=p, T=T) == objective.value(p)
        assert exact(above.rhs, p=p) == direct.value(p)
        assert number(below.lhs, p=p) <= objective.value(p) <= direct.value(p)
        assert direct.weight(p) <= objective.weight(p) <= 1 / p
        assert p == 1 or exact(claim.sibling.lhs, p=p, T=T) > number(claim.sibling.rhs, p=p)


def end_points(claim):
    weight_from_0, value_from_0, weight_to_1, value_to_1 = (step.relation for step in claim.steps)
    for p, T in [*GRID, (Fraction(0), 4)]:
        objective = mx.Objective.maxrl(T)
        assert {exact(side, p=p, T=T) for side in weight_from_0.args} == {objective.weight(p)}
        assert {exact(side, p=p, T=T) for side in (*value_from_0.args, *value_to_1.args)} == {objective.value(p)}
        assert {exact(side, p=p, T=T) for side in weight_to_1.args} == {mx.Objective.maxrl(T + 1).weight(p)}
        assert p == 0 or exact(claim.sibling.rhs, p=p, T=T) != objective.weight(p)
        failed, solved = [Fraction(0)] * T, [Fraction(1)] * T
        harmonic = sum(Fraction(1, k) for k in range(1, T + 1))
        assert exact(weight_from_0.rhs, p=0, T=T) == objective.weight(Fraction(0)) == T
        assert exact(value_from_0.rhs, p=0, T=T) == mx.objective_estimate(failed, T) == -harmonic
        assert set(mx.loo_weights(failed, T)) == {T}
        assert exact(weight_to_1.rhs, p=1, T=T) == objective.weight(Fraction(1)) == 1
        assert exact(value_to_1.rhs, p=1, T=T) == mx.objective_estimate(solved, T) == 0


def objective_weight_bounds(claim):
    most, least, ml = (step.relation for step in claim.steps)
    for p, T in GRID:
        weight = mx.Objective.maxrl(T).weight(p)
        assert exact(most.lhs, p=p, T=T) == exact(least.rhs, p=p, T=T) == exact(ml.lhs, p=p, T=T) == weight
        assert exact(least.lhs) <= weight <= exact(most.rhs, T=T)
        assert weight <= exact(ml.rhs, p=p)
        assert mx.Objective.maxrl(T).weight(Fraction(0)) == exact(most.rhs, T=T) > exact(claim.sibling.rhs, T=T)
        assert mx.Objective.maxrl(T).weight(Fraction(1)) == exact(least.lhs) == exact(ml.rhs, p=1)


def weight_decreases(claim):
    (step,) = claim.steps
    for T in ORDERS:
        for p, larger in itertools.pairwise(RATES):
            values = {"p": p, "p'": larger, "T": T}
            hard, easy = mx.Objective.maxrl(T).weight(p), mx.Objective.maxrl(T).weight(larger)
            assert exact(step.relation.lhs, **values) == easy <= hard == exact(step.relation.rhs, **values)
            assert T == 1 or exact(claim.sibling.lhs, **values) > exact(claim.sibling.rhs, **values)


def ml_limit(claim):
    missing, rate = (step.relation for step in claim.steps)
    for p, T in GRID:
        shortfall = 1 / p - mx.Objective.maxrl(T).weight(p)
        assert exact(missing.lhs, p=p, T=T) == exact(missing.rhs, p=p, T=T) == exact(rate.lhs, p=p, T=T) == shortfall
        assert 0 <= shortfall <= exact(rate.rhs, p=p, T=T)
        assert exact(claim.sibling.rhs, p=p, T=T) != shortfall or (p == 1 and T > 1)
    p = RATES[0]
    assert 1 / p - mx.Objective.maxrl(2000).weight(float(p)) < exact(rate.rhs, p=p, T=2000)


def log_derivative(claim):
    """Along one logit of a problem, at which its pass rate and the gradient of that are the package's."""
    chain, truncated = (step.relation for step in claim.steps)
    problem = mx.problems.Bandit([Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)], [Fraction(x, 4) for x in (1, 4, 0)])
    rate = problem.pass_rate
    theta = next(iter(chain.free_symbols))
    (p,) = chain.lhs.atoms(sp.core.function.AppliedUndef)
    for T in (1, 2, 4):
        mean = mx.exact_moments(problem, lambda l, T=T: mx.advantages(l, T), T).mean
        for slope, component in zip(problem.grad_pass_rate, mean, strict=True):
            line = sp.Rational(rate) + sp.Rational(slope) * theta
            along = [side.subs(p, line) for side in (*truncated.args, *chain.args, claim.sibling.rhs)]
            left, right, left_log, right_log, false = (exact(side, theta=0, T=T) for side in along)
            assert left == right == component == mx.Objective.maxrl(T).weight(rate) * slope
            assert left_log == right_log == slope / rate
            assert left == (1 - (1 - rate) ** T) * left_log
            assert false == slope != left_log


def tsallis_coefficients(claim):
    derivative, following, maxrl, expected = (step.relation for step in claim.steps)
    for q in (Fraction(1, 2), Fraction(1), Fraction(7, 3)):
        c = mx.Objective.tsallis(q, 6).rational_coefficients
        for k in range(5):
            assert (-1) ** k * exact(derivative.lhs, p=1, q=q, k=k) / math.factorial(k) == c[k]
            assert (-1) ** k * exact(derivative.rhs, p=1, q=q, k=k) / math.factorial(k) == c[k]
            assert k == 0 or exact(claim.sibling.rhs, p=1, q=q, k=k) != exact(derivative.rhs, p=1, q=q, k=k)
            assert exact(following.lhs, q=q, k=k) == exact(following.rhs, q=q, k=k) == (k + 1) * c[k + 1]
            assert k == 0 or exact(expected.lhs, q=q, k=k) == exact(expected.rhs, q=q, k=k) == c[k]
            assert exact(maxrl.lhs, k=k) == exact(maxrl.rhs) == mx.Objective.tsallis(1, 6).rational_coefficients[k]
    assert [exact(expected.rhs, q=0, k=k) for k in (1, 2, 3)] == [0, 0, 0]
    assert mx.Objective.tsallis(0, 4) == mx.Objective.expected()
    assert mx.Objective.tsallis(1, 4) == mx.Objective.maxrl(4)


def tsallis_remainder(claim):
    remainder, bound = (step.relation for step in claim.steps)
    for q in (1, 2, 3):  # powers and the integral are then rational
        for p, T in GRID:
            weight = mx.Objective.tsallis(q, T).weight(p)
            assert exact(bound.lhs, p=p, q=q, T=T) == weight <= exact(bound.rhs, p=p, q=q) == 1 / p**q
            assert exact(remainder.lhs, p=p, q=q, T=T) == exact(remainder.rhs, p=p, q=q, T=T) == weight * p**q
            assert exact(claim.sibling.rhs, p=p, q=q, T=T) != weight * p**q or p == 1 or T == 1
    half, p = mx.Objective.tsallis(Fraction(1, 2), 4), Fraction(1, 9)
    share = number(remainder.rhs, p=p, q=Fraction(1, 2), T=4)
    assert math.isclose(float(half.weight(p)) / 3, share, rel_tol=1e-14)


def all_of_k(claim):
    integral, expanded = (step.relation for step in claim.steps)
    for p, k in GRID:
        objective = mx.Objective.all_of(k)
        assert exact(integral.lhs, p=p, k=k) == exact(integral.rhs, p=p, k=k) == 1 + objective.value(p)
        assert exact(integral.lhs.function, u=p, k=k) == objective.weight(p)
        assert k == 1 or p == 0 or exact(claim.sibling.lhs, p=p, k=k) != 1 + objective.value(p)
        weight = k * exact(expanded.lhs, q=1 - p, n=k - 1)
        assert weight == k * exact(expanded.rhs, q=1 - p, n=k - 1) == objective.weight(p)
        assert mx.weight_estimate([p] * (k - 1), objective) == weight
        term = expanded.lhs.function
        c = [k * exact(term, q=1, n=k - 1, j=k - 1 - power) for power in range(k)]
        assert objective.rational_coefficients == tuple(c)


def pass_at_k(claim):
    integral, mixture = (step.relation for step in claim.steps)
    for p, k in GRID:
        objective = mx.Objective.pass_at(k)
        assert exact(integral.lhs, p=p, k=k) == exact(integral.rhs, p=p, k=k) == 1 + objective.value(p)
        assert exact(integral.lhs.function, u=p, k=k) == objective.weight(p)
        assert objective.rational_coefficients == (0,) * (k - 1) + (k,)
        assert k == 1 or exact(claim.sibling.lhs, p=p, k=k) != 1 + objective.value(p)
        maxrl, all_k = mx.Objective.maxrl(k), [mx.Objective.pass_at(j) for j in range(1, k + 1)]
        assert sum(part.weight(p) / j for j, part in enumerate(all_k, 1)) == maxrl.weight(p)
        parts = sum((1 + part.value(p)) / j for j, part in enumerate(all_k, 1))
        assert exact(mixture.lhs, p=p, T=k) == exact(mixture.rhs, p=p, T=k) == parts
        assert parts == maxrl.value(p) - maxrl.value(Fraction(0))


def general_objective(claim):
    derivative, integral = (step.relation for step in claim.steps)
    for c in ([1], [0, 3], [Fraction(1, 2), -2, 0, Fraction(5, 3)]):
        objective = mx.Objective.from_coefficients(c)

        def given(side, p, c=c):
            T = next(symbol for symbol in side.free_symbols if symbol.name == "T")
            terms = worked_out(side.subs(T, len(c)))
            coefficient = {node: at(c, node) for node in terms.atoms(sp.core.function.AppliedUndef)}
            return exact(terms.xreplace(coefficient), p=p)

        for p in RATES:
            assert given(derivative.lhs, p) == given(derivative.rhs, p) == objective.weight(p)
            assert given(integral.lhs, p) == given(integral.rhs, p) == objective.value(p)
            assert len(c) == 1 or given(claim.sibling.rhs, p) != given(claim.sibling.lhs, p) or p == 1
            assert mx.objective_estimate([p] * 4, objective) == given(integral.rhs, p)
            assert mx.weight_estimate([p] * 4, objective) == given(derivative.rhs, p)


def at(c, node):
    """c(k), and zero beyond the coefficients."""
    k = int(node.args[0])
    return sp.Rational(c[k]) if k < len(c) else sp.S.Zero


def likelihood_scale(claim):
    multiplier, logarithm, growth = (step.relation for step in claim.steps)
    for p, T in GRID:
        for kappa in (Fraction(1), Fraction(1, 3)):
            values = {"p": p, "T": T, "kappa": kappa}
            weight = kappa * mx.Objective.maxrl(T).weight(kappa * p)  # of grad p, by the chain rule
            assert {exact(side, **values) for side in (*multiplier.args, *growth.args)} == {weight}
            assert exact(logarithm.lhs, **values) == exact(logarithm.rhs, **values) == 1 / p
            assert weight < 1 / p or kappa * p == 1
            assert kappa == 1 or exact(claim.sibling.rhs, **values) != weight
        binary, scaled = (mx.problems.Bandit([1 - p / 2, p / 2], [Fraction(0), l]) for l in (Fraction(1), kappa))
        mean = mx.exact_moments(scaled, lambda l, T=T: mx.advantages(l, T), T).mean
        weight = exact(multiplier.rhs, p=binary.pass_rate, T=T, kappa=kappa)
        assert mean.tolist() == (weight * binary.grad_pass_rate).tolist()


def small_likelihoods(claim):
    least, most = (step.relation for step in claim.steps)
    for p, T in [*GRID, (Fraction(1, 1000), 8)]:
        weight = mx.Objective.maxrl(T).weight(p)
        assert exact(least.rhs, p=p, T=T) == exact(most.lhs, p=p, T=T) == weight
        assert exact(least.lhs, p=p, T=T) <= weight <= exact(most.rhs, T=T)
    p = Fraction(1, 1000)
    assert exact(claim.sibling.lhs, p=p, T=8) > mx.Objective.maxrl(8).weight(p) > Fraction(996, 1000) * 8


def remainder_grows(claim):
    grows, slope, bounded = (step.relation for step in claim.steps)
    for T in ORDERS:
        objective = mx.Objective.maxrl(T)
        for p, larger in itertools.pairwise(RATES):
            values = {"p": p, "p'": larger, "T": T}
            below, above = (number(side, **values) for side in grows.args)
            assert math.isclose(above, objective.value(float(p)) - math.log(p), rel_tol=1e-12)
            assert math.isclose(below, objective.value(float(larger)) - math.log(larger), rel_tol=1e-10, abs_tol=1e-15)
            assert below < above
            assert number(claim.sibling.lhs, **values) > number(claim.sibling.rhs, **values)
            difference = objective.weight(p) - 1 / p
            assert exact(slope.lhs, p=p, T=T) == exact(slope.rhs, p=p, T=T) == difference
            assert exact(bounded.rhs, p=p, T=T) == objective.value(p) >= exact(bounded.lhs, T=T)
        assert exact(bounded.lhs, T=T) == objective.value(Fraction(0))


def jensen(claim):
    """The pass rate of two arms is the mean of their likelihoods; truncated objectives are concave too."""
    (step,) = claim.steps
    for x, d in ((Fraction(1, 10), Fraction(1, 2)), (Fraction(1, 2), Fraction(1, 2)), (Fraction(1, 3), Fraction(0))):
        values = {"x": x, "d": d, "b": Fraction(1, 2)}
        problem = mx.problems.Bandit([Fraction(1, 2)] * 2, [x, x + d])
        mean_of_logs, log_of_mean = number(step.relation.lhs, **values), number(step.relation.rhs, **values)
        assert math.isclose(log_of_mean, math.log(problem.pass_rate), rel_tol=1e-14)
        assert math.isclose(mean_of_logs, sum(map(math.log, problem.likelihoods)) / 2, rel_tol=1e-14)
        assert mean_of_logs < log_of_mean or d == 0
        one, two = (mx.Objective.maxrl(30).value(float(l)) for l in problem.likelihoods)
        assert (one + two) / 2 <= mx.Objective.maxrl(30).value(float(problem.pass_rate))
