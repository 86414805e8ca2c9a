"""At any order T the weight is T times the integral of a mean of products over the (T-1)-subsets of the others.

Both are symmetric and affine in each of the others' likelihoods, thus equal if they are where K - 1 of them succeed:
there a subset with v failures, one of C(K-1,T-1-v) C(N-K,v), has the product (1-t)^(T-1-v). In powers of t, E_m(1 - t
l) of n values is sum_j (-t)^j C(m,j)/C(n,j) e_j(l): a j-subset lies in C(n-j,m-j) of the C(n,m) m-subsets. That is the
functional which maps phi^j to C(m,j)/C(n,j), applied to prod_j (1 - t phi l_j).
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Recurrence, Step, Telescoping, Via, eq
from ..checking.statistics import N
from ..checking.using import Inside, Reversed

j, k, m, n, K, T, v = sp.symbols("j k m n K T v", integer=True)
t = sp.Symbol("t", real=True)

share = sp.binomial(K - 1, T - 1 - v) * sp.binomial(N - K, v) / sp.binomial(N - 1, T - 1)  # with v failures
product = sp.Integral((1 - t) ** (T - 1 - v), (t, 0, 1))
weight = N / K * (1 - sp.binomial(N - K, T) / sp.binomial(N, T))
power = sp.binomial(N - K, k) / sp.binomial(N - 1, k)

from_order_to_order = Recurrence(
    T, sp.S.One, -sp.binomial(K - 1, v) * sp.binomial(N - K, T - v) / sp.binomial(N - 1, T)
)
integrated = Inside(
    product, 1 / (T - v), Antiderivative(-((1 - t) ** (T - v)) / (T - v)), Reversed(from_order_to_order)
)
mean = sp.Sum(share * product, (v, 0, T - 1))  # Int E_{T-1}(1 - t l_-i) dt
powers = sp.Sum(power, (k, 0, T - 1))

CLAIM = Claim(
    id="any-order-integral",
    says="omega_i = T Int E_{T-1}(1 - t l_-i) dt for every T <= N; E_m(1 - t l) = sum_j (-t)^j C(m,j)/C(n,j) e_j(l)",
    domain=Domain(sp.Ge(K, 1), sp.Le(K, N), sp.Ge(T, 1), sp.Le(T, N)),
    steps=(
        Step(
            "compare where K - 1 of the others succeed",
            eq(T * mean, powers),
            Via(weight, integrated, Telescoping(-(N - K - k) / K)),
        ),
        Step(
            "the moments: the share of the m-subsets in which a j-subset lies",
            eq(sp.binomial(n - j, m - j) / sp.binomial(n, m), sp.binomial(m, j) / sp.binomial(n, j)),
            Algebra(),
            Domain(sp.Ge(j, 0), sp.Ge(m, j), sp.Ge(n, m)),
        ),
    ),
    sibling=eq(N * mean, powers),
)
