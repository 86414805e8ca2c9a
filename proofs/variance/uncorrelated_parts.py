"""The covariance of every estimate with affine coefficients, for any objective, any baseline, any N and any law.

The estimate is g = (1/N) sum_i A_i S_i with A_i = sum_{k<K} (c_k l_i - d_k) E_k(q_{-i}). In centred failures
z = p - l that is A_i = sum_{h<K} (L_h - t_h z_i) e_h(z_{-i}), by the step on E_k and since sums are linear: t_h is
sum_k c_k C(k,h) (1-p)^(k-h) / C(N-1,h), s_h the same with d, and L_h = p t_h - s_h. Of rollouts i and j each sees the
other: an h-subset of all but i contains j or it does not, so e_h(z_{-i}) is e_h + z_j e_{h-1} of the rest. The mean
square of g is that of one summand over N, and the mean product of two of them times 1 - 1/N.

It is a sum over the sets of m rollouts, each of which adds the mean square of its own part of N g,

    sum_{i in set} y_i prod_{j in set - i} z_j + (N - m) t_m grad p prod_{j in set} z_j,
    with y = (L_{m-1} - z t_{m-1}) S - t_{m-1} grad p,

for the factors of a part are independent and have mean zero. The part of the empty set is N times the mean, which is
t_0 grad p (`unbiased-gradient`). So the others add up to the variance; as every direction of the parameters is allowed,
to the whole covariance matrix.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Step, eq
from ..checking.statistics import (
    OTHERS,
    REST,
    E,
    Mean,
    N,
    S_i,
    S_j,
    grad,
    l_i,
    m_ll,
    m_llS,
    m_llSS,
    m_lSS,
    m_SS,
    p,
)
from .centred import MultipliedOut, Uncorrelated, e, m_zSS, m_zzS, m_zzSS, v, z_i, z_j

h, k, m, K = sp.symbols("h k m K", integer=True)
L, t = (sp.Function(name, real=True) for name in "Lt")


def summand(own: sp.Expr, others: sp.Expr) -> sp.Expr:
    """The advantage of a rollout, by its own z and e_h of the others'."""
    return sp.Sum((L(h) - t(h) * own) * others, (h, 0, K - 1))


alone = summand(z_i, e(h, OTHERS)) * S_i
seeing_j, seeing_i = (summand(own, e(h, REST) + z * e(h - 1, REST)) for own, z in ((z_i, z_j), (z_j, z_i)))
square = Mean(alone**2) / N + (N - 1) / N * Mean(seeing_j * S_i * seeing_i * S_j)

before = {of: of(m - 1) for of in (L, t)}
y_y = before[L] ** 2 * m_SS - 2 * before[L] * before[t] * m_zSS + before[t] ** 2 * (m_zzSS - grad**2)  # E y^2
y_z = before[L] * grad + before[t] * m_zzS  # -E[y z]
left_out = (N - m) * t(m) * grad
sets = sp.binomial(N, m) / N**2

one_member = sp.Sum(sets * m * v ** (m - 1) * y_y, (m, 1, K))
two_members = sp.Sum(sets * m * (m - 1) * v ** (m - 2) * y_z**2, (m, 2, K))
mixed = sp.Sum(sets * m * v ** (m - 1) * y_z * left_out, (m, 1, K - 1))
no_member = sp.Sum(sets * v**m * left_out**2, (m, 0, K - 1))

CLAIM = Claim(
    id="uncorrelated-parts",
    says="For any c and d, E[g^2] of g = (1/N) sum_i (sum_k (c_k l_i - d_k) E_k(q_{-i})) S_i is a sum over sets of "
    "rollouts, in seven moments; the empty set adds the square of the mean, and the others the covariance",
    domain=Domain(sp.Ge(N, 2), sp.Ge(K, 1), sp.Le(K, N)),
    steps=(
        Step(
            "a summand with itself and with another",
            eq(square, one_member + two_members - 2 * mixed + no_member),
            Uncorrelated(Algebra()),
        ),
        Step(
            "E_k, multiplied out",
            eq(
                E(k, OTHERS),
                sp.Sum(sp.binomial(k, h) * (1 - p) ** (k - h) / sp.binomial(N - 1, h) * e(h, OTHERS), (h, 0, k)),
            ),
            MultipliedOut(),
            Domain(sp.Ge(k, 0), sp.Le(k, N - 1)),
        ),
        Step("moments of z, besides E[z S] = -g: v", eq(Mean((p - l_i) ** 2), m_ll - p**2), Independence(Algebra())),
        Step("m_zzS", eq(Mean((p - l_i) ** 2 * S_i), m_llS - 2 * p * grad), Independence(Algebra())),
        Step("m_zSS", eq(Mean((p - l_i) * S_i**2), p * m_SS - m_lSS), Independence(Algebra())),
        Step(
            "m_zzSS",
            eq(Mean((p - l_i) ** 2 * S_i**2), m_llSS - 2 * p * m_lSS + p**2 * m_SS),
            Independence(Algebra()),
        ),
    ),
    sibling=eq(square, one_member + no_member),
)
