"""The variance of the gradient estimate for T = N, any N and any law, is a double integral in five moments.

The variance of a mean of N exchangeable summands X_i is E[X_i^2]/N + (1 - 1/N) E[X_i X_j] - (E X_i)^2. X_i is
omega_i l_i S_i along a direction of the parameters; as every direction is allowed, this is the whole covariance matrix.
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Independence, Step, eq
from ..checking.statistics import Mean, N, S_i, grad, l_i, m_llS, m_llSS, p
from ..checking.using import Using
from .cross_moment import each, product
from .weight_second_moment import double, s, square, t, weight

mean = (1 - (1 - p) ** N) / p * grad
unbiased = eq(Mean(weight * l_i * S_i), mean)
by_independence = Independence(Antiderivative(-((1 - t * p) ** N) / p * grad))

variance = Mean(square * l_i**2 * S_i**2) / N + (N - 1) / N * Mean(product) - Mean(weight * l_i * S_i) ** 2
own = N * m_llSS * double(each ** (N - 1))
cross = N * (N - 1) * double((grad - s * m_llS) * (grad - t * m_llS) * each ** (N - 2))

CLAIM = Claim(
    id="gradient-variance",
    says="Var g = N E[l^2 S^2] II (..)^(N-1) + N (N-1) II (a_1 - s a_2)(a_1 - t a_2) (..)^(N-2) - (w_N(p) grad p)^2, "
    "where (..) = 1 - (s+t) p + s t E[l^2] and a_k = E[l^k S], in every direction",
    domain=Domain(sp.Ge(N, 2), sp.Gt(p, 0), sp.Le(p, 1)),
    steps=(
        Step(
            "the variance of a mean of exchangeable summands",
            eq(variance, own + cross - mean**2),
            Using(unbiased, by_independence, Independence(Algebra())),
        ),
        Step("the mean of a summand", unbiased, by_independence),
    ),
    sibling=eq(variance, own),
)
