"""Subtracting a constant from the advantages does not always lower the variance: 1 raises it here, 1/N lowers it.

Gaussian regression at mu = 0, s = 1, y = 1, sigma = 1/2 with N = 8 = T. The moments of `gaussian_moments` are
multiples of E l and E l^2; with them the variance is an integral of a polynomial in s and t.
"""

import sympy as sp

from ..checking import Claim, Domain, Post, Step, eq
from ..checking.statistics import m_ll, p
from ..variance.weight_second_moment import double, s, t
from . import gaussian_moments as gaussian
from .decimals import Decimals, Rounded

size = 8
at = {gaussian.r: 1, gaussian.s: 1, gaussian.sigma: sp.Rational(1, 2)}
constants = tuple((moment, gaussian.moment.subs({**at, gaussian.n: n})) for n, moment in ((1, p), (2, m_ll)))
grad, m_llS = (m * gaussian.score_factor.subs({**at, gaussian.n: n}) for n, m in ((1, p), (2, m_ll)))
m_SS, m_lSS, m_llSS = (m * gaussian.square_factor.subs({**at, gaussian.n: n}) for n, m in ((0, 1), (1, p), (2, m_ll)))

each, w = 1 - (s + t) * p + s * t * m_ll, (1 - (1 - p) ** size) / p
own = size * m_llSS * double(each ** (size - 1))
cross = size * (size - 1) * double((grad - s * m_llS) * (grad - t * m_llS) * each ** (size - 2))
slope = size * (size - 1) * sp.Integral(t * (1 - t * p) ** (size - 2), (t, 0, 1))
variance, covariance = own + cross - (w * grad) ** 2, (w * m_lSS - slope * grad**2) / size
best = covariance * size / m_SS


def with_baseline(beta: sp.Expr) -> sp.Expr:
    return variance - 2 * beta * covariance + beta**2 * m_SS / size


def step(says: str, number: sp.Expr, decimal: str) -> Step:
    return Step(says, eq(Rounded(number), sp.Rational(decimal)), Decimals(constants))


CLAIM = Claim(
    id="gaussian-baseline-numbers",
    says="Var g is .0607 without a baseline, .1070 with 1, .0528 with 1/N and .0483 with the best constant .3151, for "
    "y = s = 1, mu = 0, sigma = 1/2, N = T = 8",
    domain=Domain(*(bound(symbol, value) for symbol, value in constants for bound in (sp.Ge, sp.Le))),
    steps=(
        step("the constant 1", with_baseline(sp.S.One), "0.1070"),
        step("no baseline", variance, "0.0607"),
        step("1/N", with_baseline(sp.Rational(1, size)), "0.0528"),
        step("the best constant", best, "0.3151"),
        step("which is best", variance - best * covariance, "0.0483"),
    ),
    sibling=eq(Rounded(with_baseline(sp.S.One)), sp.Rational("0.0607")),
    post=(
        Post.CORRECTED,
        "subtracting 1/N from the advantages reduces variance; so it does here, and the constant 1 does not",
    ),
)
