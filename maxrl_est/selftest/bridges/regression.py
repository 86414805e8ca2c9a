"""What the claims on regression say, against the package's weights on finite models and against quadrature."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np
import sympy as sp

import maxrl_est as mx

from . import GROUP, evaluate_on, fraction, worked_out

AT = Fraction(1, 3)  # the parameter theta
TOLERANCE = 1e-10

# A model with two outcomes: chances m and likelihoods l, functions of theta, with their derivatives there.
theta = sp.Symbol("theta", real=True)
CHANCES, LIKELIHOODS = (theta, 1 - theta), ((1 + theta) / 2, theta**2)


def at(expression: sp.Expr) -> Fraction:
    return fraction(expression.subs(theta, sp.Rational(AT)))


m, l = ([at(f) for f in functions] for functions in (CHANCES, LIKELIHOODS))
dm, dl = ([at(sp.diff(f, theta)) for f in functions] for functions in (CHANCES, LIKELIHOODS))
S = [slope / chance for slope, chance in zip(dm, m, strict=True)]
P = sum((chance * likelihood for chance, likelihood in zip(CHANCES, LIKELIHOODS, strict=True)), sp.S.Zero)


def unknown(node: sp.Basic) -> bool:
    """Whether this is a function that has only a name."""
    return isinstance(node, sp.core.function.AppliedUndef)


def modelled(expression: sp.Expr, values: Mapping[str, object]) -> Fraction:
    """An expression with m(z, theta), l(z, theta), f(theta) and p(theta), on the model."""

    def function(node: sp.Expr) -> sp.Expr:
        match node.func.__name__:
            case "p":
                return P
            case "f":
                return LIKELIHOODS[0]
        first, second = CHANCES if node.func.__name__ == "m" else LIKELIHOODS
        return first * (2 - node.args[0]) + second * (node.args[0] - 1)

    names = {x: values[x.name] for x in expression.free_symbols if x.name in values}
    named = expression.replace(unknown, function).subs(names)
    return fraction(worked_out(named).subs(theta, sp.Rational(AT)))


def mean_gradient(size: int, order: int, path: Callable[[Fraction], Fraction], baseline: Fraction) -> Fraction:
    """Mean over all groups of (1/N) sum_i path(omega_i) grad l_i + (omega_i l_i - baseline) S_i."""
    total = Fraction(0)
    for group in itertools.product((0, 1), repeat=size):
        omega = mx.loo_weights(np.array([l[z] for z in group], dtype=object), order)
        terms = (path(w) * dl[z] + (w * l[z] - baseline) * S[z] for w, z in zip(omega, group, strict=True))
        total += math.prod(m[z] for z in group) * sum(terms) / size
    return total


def pathwise_gradient(claim: object) -> None:
    grad_p, chain, _ = (step.relation for step in claim.steps)
    assert modelled(grad_p.lhs, {"n": 2}) == modelled(grad_p.rhs, {"n": 2}) == at(sp.diff(P, theta))
    assert modelled(claim.sibling.rhs, {"n": 2}) != at(sp.diff(P, theta))
    for size in (1, 2, 3):
        for order in range(1, size + 1):
            exact = mean_gradient(size, order, lambda w: w, Fraction(0))
            assert modelled(chain.rhs, {"T": order}) == exact == modelled(chain.lhs, {"T": order})


def pathwise_baseline(claim: object) -> None:
    for b_l, b_S in itertools.product((Fraction(0), Fraction(1), Fraction(1, 3)), repeat=2):
        exact = mean_gradient(3, 3, lambda w, b=b_l: w - b, b_S)
        known = {"n": 2, "w": mx.Objective.maxrl(3).weight(at(P)), "b_l": b_l, "b_S": b_S}
        known = {name: sp.Rational(Fraction(value)) for name, value in known.items()}
        assert modelled(claim.steps[0].relation.rhs, known) == exact == modelled(claim.steps[0].relation.lhs, known)
        assert (modelled(claim.sibling.rhs, known) == exact) == (b_l == 0)


def surrogate_loss(claim: object) -> None:
    gradient, sibling = claim.steps[0].relation.rhs, claim.sibling.rhs
    log_m, likelihood, slope, score = Fraction(-1, 2), Fraction(1, 3), Fraction(3, 4), Fraction(-2)
    for order in range(1, len(GROUP) + 1):
        for i in range(len(GROUP)):

            def estimate(value: int, i: int = i, order: int = order) -> Fraction:
                group = np.array([*GROUP[:i], Fraction(value), *GROUP[i + 1 :]], dtype=object)
                return mx.objective_estimate(group, order)

            def number(expression: sp.Expr, i: int = i, order: int = order) -> Fraction:
                def derivative(node: sp.Derivative) -> sp.Rational:
                    return sp.Rational(slope if node.expr.func.__name__ == "l" else score)

                def value(node: sp.Expr) -> sp.Rational:
                    return sp.Rational(likelihood if node.func.__name__ == "l" else log_m)

                plain = expression.replace(lambda node: isinstance(node, sp.Derivative), derivative)
                plain = plain.replace(unknown, value)
                known = {"T": order, "c": log_m}
                return evaluate_on(plain, GROUP, i, {x: known[x.name] for x in plain.free_symbols if x.name in known})

            exact = (estimate(1) - estimate(0)) * (slope + likelihood * score)  # the estimate is affine in l_i
            assert number(gradient) == exact != number(sibling)


def floats(expression: sp.Expr, values: Mapping[str, float]) -> float:
    """An expression's value, its symbols given by their names."""
    expression = expression.doit()
    return float(expression.subs({x: values[x.name] for x in expression.free_symbols}))


GAUSSIANS = tuple(
    {"r": r, "s": s, "sigma": sigma} for r, s, sigma in ((1.0, 1.0, 0.5), (-0.3, 2.0, 1.0), (2.5, 0.7, 0.4))
)


def quadrature(case: Mapping[str, float], f: Callable[[float], float]) -> float:
    """The mean of f(u) for u ~ Normal(0, s^2), by sums at equal steps: exact to rounding where f is so smooth."""
    step, s = 1 / 40, case["s"]
    points = [i * step for i in range(-360, 361)]
    return math.fsum(f(s * x) * math.exp(-(x**2) / 2) for x in points) * step / math.sqrt(2 * math.pi)


def likelihood(case: Mapping[str, float], n: float = 1) -> Callable[[float], float]:
    return lambda u: math.exp(-n * (case["r"] - u) ** 2 / (2 * case["sigma"] ** 2))


def gaussian_marginal(claim: object) -> None:
    for case in GAUSSIANS:
        _marginal(claim, case, case["s"])


def _marginal(claim: object, case: Mapping[str, float], s: float) -> None:
    square, in_mu, in_s = (step.relation for step in claim.steps)
    l_at, at_u = likelihood(case), {**case, "u": 0.37}
    assert abs(floats(square.lhs, at_u) - floats(square.rhs, at_u)) < TOLERANCE
    assert abs(floats(claim.sibling.lhs, at_u) - floats(claim.sibling.rhs, at_u)) > TOLERANCE
    known = {x: case[x.name] for x in square.free_symbols if x.name in case}
    of_u = sp.lambdify(sp.Symbol("u", real=True), square.rhs.subs(known))
    marginal = quadrature(case, lambda u: math.exp(of_u(u) + u**2 / (2 * s**2) + math.log(s)))
    assert abs(marginal - quadrature(case, l_at)) < TOLERANCE
    by_mu = quadrature(case, lambda u: l_at(u) * u / s**2)
    assert abs(floats(in_mu.lhs, case) - by_mu) < TOLERANCE > abs(floats(in_mu.rhs, case) - by_mu)
    by_s = quadrature(case, lambda u: l_at(u) * (u**2 / s**3 - 1 / s))
    assert abs(floats(in_s.lhs, case) - by_s) < TOLERANCE > abs(floats(in_s.rhs, case) - by_s)


def gaussian_moments(claim: object) -> None:
    for case, n in itertools.product(GAUSSIANS, (1.0, 2.0, 0.5)):
        _moments(claim, case, n, case["s"])


def _moments(claim: object, case: Mapping[str, float], n: float, s: float) -> None:
    with_score, with_square = (floats(step.relation.rhs, {**case, "n": n}) for step in claim.steps[3:])
    l_at = likelihood(case, n)
    assert abs(with_score - quadrature(case, lambda u: l_at(u) * u / s**2)) < TOLERANCE
    assert abs(with_square - quadrature(case, lambda u: l_at(u) * u**2 / s**4)) < TOLERANCE


def gaussian_baseline_numbers(claim: object) -> None:
    """By simulation: the package's weights on 400 000 groups of rollouts."""
    said = [float(step.relation.rhs) for step in claim.steps]
    z = np.random.default_rng(0).standard_normal((400_000, 8))
    l_z = np.exp(-((1 - z) ** 2) / (2 * 0.5**2))
    for number, beta in zip(said, (1.0, 0.0, 1 / 8, None, said[3]), strict=True):
        if beta is not None:
            g = (mx.advantages(l_z, baseline=beta) * z).mean(axis=1)
            squares = (g - g.mean()) ** 2
            error = squares.std() / math.sqrt(len(g))
            assert abs(squares.mean() - number) < 5 * error + 5e-5
            assert number == said[1] or abs(squares.mean() - said[1]) > 5 * error or beta == 1 / 8


def likelihood_softmax(claim: object) -> None:
    """The gradient of log-mean-likelihood is that of the self-normalised weights, N l_i / sum l."""
    softmax, ratio, bound = (step.relation for step in claim.steps)
    errors, sigma = (0.1, -0.6, 1.2, 0.5), 0.4
    likelihoods = np.exp(-np.square(errors) / (2 * sigma**2))
    weights = mx.estimators.get("self_normalised")(likelihoods)
    for i, x in enumerate(np.log(likelihoods)):
        values = {"x": x, "R": likelihoods.sum() - likelihoods[i]}
        assert abs(floats(softmax.rhs, values) - weights[i] / 4) < TOLERANCE
        assert abs(floats(claim.sibling.rhs, values) - weights[i] / 4) > TOLERANCE
        assert abs(floats(softmax.lhs, values) - weights[i] / 4) < TOLERANCE
        said = floats(ratio.rhs, {"e_i": errors[i], "e_j": errors[0], "sigma": sigma})
        assert abs(said - weights[i] / weights[0]) < TOLERANCE
    gap = 0.5**2 - 0.1**2
    least = {"n": 3, "d": gap, "sigma": sigma, "l": likelihoods[0], "R": likelihoods[1:].sum()}
    assert floats(bound.lhs, least) < weights[0] / 4
    assert abs(floats(bound.rhs, least) - weights[0] / 4) < TOLERANCE
    least["R"] = 3 * likelihoods[0] * math.exp(-gap / (2 * sigma**2))
    assert abs(floats(bound.lhs, least) - floats(bound.rhs, least)) < TOLERANCE


def squared_error(claim: object) -> None:
    for case in GAUSSIANS:
        _squared_error(claim, case, case["s"])


def _squared_error(claim: object, case: Mapping[str, float], s: float) -> None:
    spread, linear, bound = (step.relation for step in claim.steps)
    values, l_at = {"r": case["r"], "v": s**2, "tau": case["sigma"] ** 2}, likelihood(case)
    by_score = quadrature(case, lambda u: l_at(u) * (u**2 / s**3 - 1 / s) / (2 * s))
    assert abs(floats(spread.rhs, values) - by_score) < TOLERANCE
    assert abs(floats(claim.sibling.rhs, values) - by_score) > TOLERANCE
    mean_log = quadrature(case, lambda u: math.log(l_at(u)))
    assert abs(floats(linear.rhs, values) - mean_log) < TOLERANCE > abs(floats(bound.lhs, values) - mean_log)
    assert abs(floats(bound.rhs, values) - math.log(quadrature(case, l_at))) < TOLERANCE
    assert floats(bound.lhs, values) < floats(bound.rhs, values)


def density_scale(claim: object) -> None:
    """Scaled likelihoods, through the weights, have the gradient that the claim says for finite T."""
    scaled = claim.steps[2].relation.rhs
    for kappa, size in itertools.product((Fraction(1, 2), Fraction(1, 7)), (1, 2, 3)):
        exact = Fraction(0)
        for group in itertools.product((0, 1), repeat=size):
            values = [kappa * l[z] for z in group]
            omega = mx.loo_weights(np.array(values, dtype=object))
            terms = (w * (kappa * dl[z] + x * S[z]) for w, z, x in zip(omega, group, values, strict=True))
            exact += math.prod(m[z] for z in group) * sum(terms) / size
        known = {"kappa": sp.Rational(kappa), "T": size}
        assert modelled(scaled, known) == exact
        grad_log = claim.steps[0].relation
        assert modelled(grad_log.lhs, known) == modelled(grad_log.rhs, known) == at(sp.diff(sp.log(P), theta))
        assert modelled(claim.sibling.rhs, known) != modelled(grad_log.lhs, known)
    peak = claim.steps[1].relation
    at_peak = floats(peak.lhs, {"x": 0.0, "sigma": 0.5})
    assert at_peak == floats(peak.rhs, {"sigma": 0.5}) == 1 / (0.5 * math.sqrt(2 * math.pi))


def regression_efficiency(claim: object) -> None:
    """The closed form at T = 1, and sums of the claim's moments at T = 3, whose terms do not cancel much."""
    one, moment = claim.steps[0].relation.rhs, claim.steps[3].relation.rhs
    j = next(symbol for symbol in moment.free_symbols if symbol.name == "j")
    c = {k: math.comb(3, k) * (-1) ** (k + 1) for k in (1, 2, 3)}
    for v in (0.1, 1.0, 10.0):
        assert abs(mx.measures.regression_efficiency(v, 1) - floats(one, {"v": v})) < TOLERANCE
        assert abs(mx.measures.regression_efficiency(v, 1) - floats(claim.sibling.lhs, {"v": v})) > 1e-3
        M = {k: floats(moment.subs(j, k), {"v": v}) for k in range(1, 7)}
        D = sum(c[k] * M[k] / v for k in c)
        S = sum(c[a] * c[b] * M[a + b] for a in c for b in c)
        assert abs(mx.measures.regression_efficiency(v, 3) - v * D**2 / S) < TOLERANCE
