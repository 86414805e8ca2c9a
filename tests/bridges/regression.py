"""Gaussian likelihoods by quadrature, and laws that depend on a parameter by the package's own exact tools."""

from __future__ import annotations

import math
from fractions import Fraction as F

import numpy as np
import sympy as sp
from scipy import integrate

import maxrl_est as mx

from . import GROUP

DIGITS = 1e-10  # quadrature against closed forms
MEAN, SCALE, TARGET, NOISE = 0.3, 0.8, 1.1, 0.5


def number(expression, **values):
    """An expression at numbers given by the names of its symbols."""
    return float(expression.doit().subs({x: values[x.name] for x in expression.free_symbols if x.name in values}))


def expectation(f):
    """E f(z) for z ~ Normal(MEAN, SCALE^2)."""

    def integrand(z):
        return f(z) * math.exp(-((z - MEAN) ** 2) / (2 * SCALE**2)) / (SCALE * math.sqrt(2 * math.pi))

    return integrate.quad(integrand, MEAN - 12 * SCALE, MEAN + 12 * SCALE, epsabs=1e-14, epsrel=1e-13)[0]


def likelihood(z):
    return math.exp(-((TARGET - z) ** 2) / (2 * NOISE**2))


def close(got, expected):
    return math.isclose(got, expected, rel_tol=DIGITS, abs_tol=DIGITS)


AT = {"r": TARGET - MEAN, "s": SCALE, "sigma": NOISE}


def gaussian_marginal(claim):
    by_mean, by_scale = (step.relation.rhs for step in claim.steps[1:])
    score, scale_score = (lambda z: (z - MEAN) / SCALE**2), (lambda z: (z - MEAN) ** 2 / SCALE**3 - 1 / SCALE)
    assert close(number(by_mean, **AT), expectation(lambda z: likelihood(z) * score(z)))
    assert close(number(by_scale, **AT), expectation(lambda z: likelihood(z) * scale_score(z)))
    left, right = claim.steps[0].relation.args
    assert all(close(number(left, u=u, **AT), number(right, u=u, **AT)) for u in (-1.0, 0.2, 3.0))
    assert not close(number(left, u=0.2, **AT), number(claim.sibling.rhs, u=0.2, **AT))


def gaussian_moments(claim):
    for n in (1, 2, 3):
        first, second = (number(claim.steps[i].relation.rhs, n=n, **AT) for i in (3, 4))
        assert close(first, expectation(lambda z, n=n: likelihood(z) ** n * (z - MEAN) / SCALE**2))
        square = expectation(lambda z, n=n: likelihood(z) ** n * ((z - MEAN) / SCALE**2) ** 2)
        assert close(second, square)


def gaussian_baseline_numbers(claim):
    """The variances by sampling the package's own weights: four standard errors at 2e5 groups."""
    rng, groups = np.random.default_rng(0), 200_000
    z = rng.standard_normal((groups, 8))
    l = np.exp(-2 * (1 - z) ** 2)
    weighted = mx.loo_weights(l) * l
    constants = {"0.1070": 1.0, "0.0607": 0.0, "0.0528": 1 / 8, "0.0483": 0.3151}
    stated = {f"{float(step.relation.rhs):.4f}" for step in claim.steps}
    for decimal, beta in constants.items():
        g = ((weighted - beta) * z).mean(axis=1)
        squares = (g - g.mean()) ** 2
        assert abs(squares.mean() - float(decimal)) < 4 * squares.std() / math.sqrt(groups)
        assert decimal in stated


def density_scale(claim):
    """At finite T a scaled likelihood has another gradient, and it is the one stated."""
    scaled = claim.steps[2].relation.rhs
    (T,) = (x for x in scaled.free_symbols if x.name == "T")
    (kappa,) = (x for x in scaled.free_symbols if x.name == "kappa")
    p, slope = next(iter(scaled.atoms(sp.Function))), next(iter(scaled.atoms(sp.Derivative)))
    for order in (1, 2, 5):
        values = {T: order, kappa: sp.Rational(1, 3), p: sp.Rational(2, 5)}
        multiplier = scaled.subs(slope, 1).subs(values).doit()
        assert F(int(multiplier.p), int(multiplier.q)) == F(1, 3) * mx.Objective.maxrl(order).weight(F(1, 3) * F(2, 5))
        assert order == 1 or multiplier * 3 != sp.Rational(mx.Objective.maxrl(order).weight(F(2, 5)))


def likelihood_softmax(claim):
    """Shares of self-normalised weights are the softmax, and better rollouts get more of the exact ones too."""
    errors = np.array([0.1, 0.7, 1.5])
    l = np.exp(-(errors**2) / (2 * NOISE**2))
    share = mx.estimators.get("self_normalised")(l) / l.size
    rhs = claim.steps[0].relation.rhs
    got = [number(rhs, x=math.log(l[i]), R=l.sum() - l[i]) for i in range(3)]
    assert np.allclose(got, share, rtol=1e-14)
    assert (np.diff(mx.loo_weights(l) * l) < 0).all()
    assert not np.allclose(number(claim.sibling.rhs, x=math.log(l[0]), R=l[1] + l[2]), share[0])


def _laws(shift):
    """A policy over three outcomes and likelihoods that both move with the parameter."""
    logits = sp.Matrix([sp.log(2 + shift), sp.log(3), sp.log(5 - shift)])
    weights = logits.applyfunc(sp.exp)
    return list(weights / sum(weights)), [
        sp.Rational(1, 2) + shift / 3,
        sp.Rational(1, 5) - shift / 7,
        sp.S.One - shift,
    ]


def _pathwise_parts():
    theta = sp.Symbol("theta", real=True)
    m, l = _laws(theta)
    at = {theta: 0}
    p = sum(a * b for a, b in zip(m, l, strict=True))
    path = sum(a * sp.diff(b, theta) for a, b in zip(m, l, strict=True)).subs(at)
    score = sum(sp.diff(a, theta) * b for a, b in zip(m, l, strict=True)).subs(at)
    return sp.diff(p, theta).subs(at), path, score, [x.subs(at) for x in m], [x.subs(at) for x in l]


def pathwise_gradient(claim):
    """The score alone misses part of grad p, and the exact weights of the package average to w_T(p)."""
    gradient, path, score, m, l = _pathwise_parts()
    assert gradient == path + score
    assert path != 0
    mean_weight = claim.steps[2].relation.rhs
    bandit = mx.problems.Bandit([F(str(x)) for x in m], [F(str(x)) for x in l])
    names = {x.name: x for x in mean_weight.free_symbols}
    for order in (1, 2, 3):
        value = mean_weight.subs({names["T"]: order, names["p"]: sp.Rational(bandit.pass_rate)}).doit()
        assert mx.Objective.maxrl(order).weight(bandit.pass_rate) == F(int(value.p), int(value.q))


def pathwise_baseline(claim):
    """With w = w_T(p): b on grad l moves the mean by b E[grad l], and b on S by nothing."""
    gradient, path, _, m, l = _pathwise_parts()
    theta = sp.Symbol("theta", real=True)
    of_m, of_l = _laws(theta)
    w, b = sp.Rational(mx.Objective.maxrl(3).weight(F(str(sum(a * c for a, c in zip(m, l, strict=True)))))), 2

    def mean(on_l, on_score):
        terms = zip(of_m, of_l, strict=True)
        total = sum(a * (w - on_l) * sp.diff(c, theta) + (w * c - on_score) * sp.diff(a, theta) for a, c in terms)
        return sp.nsimplify(total.subs(theta, 0))

    assert mean(0, b) == mean(0, 0) == w * gradient
    assert mean(b, 0) == w * gradient - b * path
    assert claim.steps[0].relation.rhs != claim.sibling.rhs


def squared_error(claim):
    rate, r, v, tau = claim.steps[0].relation.rhs, 1.3, 0.6, 0.2

    def p(spread):
        density = lambda z: math.exp(-(z**2) / (2 * spread) - (r - z) ** 2 / (2 * tau))  # noqa: E731
        return integrate.quad(density, -9, 9, epsabs=1e-14)[0] / math.sqrt(2 * math.pi * spread)

    step = 1e-4
    difference = (p(v + step) - p(v - step)) / (2 * step)
    assert math.isclose(number(rate, r=r, v=v, tau=tau), difference, rel_tol=1e-6)
    assert not math.isclose(number(claim.sibling.rhs, r=r, v=v, tau=tau), difference, rel_tol=1e-2)


def surrogate_loss(claim):
    """The estimate is affine in l_i, so its chain rule is the package's weight over N."""
    n = len(GROUP)
    for order in (1, 3, n):
        weights = mx.loo_weights(np.array(GROUP, dtype=object), order)
        for i in range(n):
            low, high = (list(GROUP), list(GROUP))
            low[i], high[i] = F(0), F(1)
            ends = [mx.objective_estimate(np.array(ends, dtype=object), order) for ends in (low, high)]
            assert ends[1] - ends[0] == weights[i] / n
    right, wrong = (relation.rhs for relation in (claim.steps[0].relation, claim.sibling))
    assert right.subs(dict.fromkeys(right.atoms(sp.Derivative), 0)) == 0
    assert len(wrong.atoms(sp.Derivative)) < len(right.atoms(sp.Derivative))
