"""E_k is the only symmetric statistic of N likelihoods that is unbiased for (1-p)^k under every law.

0/1 rewards: with p = x / (1 + x) the terms p^K (1-p)^(N-K) become powers of x times one factor, so a sum of them
vanishes for every p only if each coefficient does. By the first step a bias of zero is h(K) = C(N-K,k) / C(N,k),
which is E_k.

Graded ones: let the law have N atoms, with weights pi_j and failure masses q_j. The mean of h is a polynomial of the
pi_j, in which pi_1 ... pi_N has the coefficient N! h. In a^k b^(N-k), a = sum pi_j q_j and b = sum pi_j, which is
(1-p)^k on the simplex and homogeneous as well, the coefficient is found by differentiating by one pi_j after the
other. Each acts as q_j d/da + d/db, so that r of them leave k! (N-k)! times the sum over i of e_i(q_1..q_r) a^s b^t /
(s! t!), s = k - i and t = N - k - r + i. At r = N that is k! (N-k)! e_k.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, Via, eq
from ..checking.polynomials import Polynomial
from ..checking.statistics import N, p
from ..checking.using import Using
from .zero_one import chance, power, unbiased

k, K, i, s, t = sp.symbols("k K i s t", integer=True)
a, b, q = sp.symbols("a b q_r", positive=True)
h, e = sp.Function("h"), sp.Function("e")

at_K, chance_of_K = power(N, k, K), chance(N, K)
mean, mean_of_power = sp.Sum(chance_of_K * h(K), (K, 0, N)), sp.Sum(chance_of_K * at_K, (K, 0, N))


def moment(s: sp.Expr, t: sp.Expr) -> sp.Expr:
    """A power of a and one of b, divided by what differentiating them s and t times multiplies them by."""
    return a**s * b**t / (sp.factorial(s) * sp.factorial(t))


CLAIM = Claim(
    id="uniqueness",
    says="E_k is the only symmetric function of N >= k likelihoods that is unbiased for (1-p)^k under every law",
    domain=Domain(sp.Ge(k, 0), sp.Le(k, N)),
    steps=(
        Step(
            "0/1 rewards: the bias of any h(K) is a sum of independent polynomials",
            eq(mean - (1 - p) ** k, sp.Sum(chance_of_K * (h(K) - at_K), (K, 0, N))),
            Polynomial(
                p,
                Via(
                    mean - mean_of_power,
                    left=Using(eq(mean_of_power, (1 - p) ** k), unbiased(N, k, K), Algebra()),
                    right=Algebra(),
                ),
            ),
        ),
        Step(
            "graded ones: differentiate by the weight of one atom more",
            eq(
                e(i) * sp.Derivative(moment(s, t + 1), b) + q * e(i - 1) * sp.Derivative(moment(s + 1, t), a),
                (e(i) + q * e(i - 1)) * moment(s, t),
            ),
            Algebra(),
            Domain(sp.Ge(s, 0), sp.Ge(t, 0)),
        ),
        Step(
            "so that N! h is k! (N-k)! e_k, and h is E_k",
            eq(sp.factorial(k) * sp.factorial(N - k) * e(k) / sp.factorial(N), e(k) / sp.binomial(N, k)),
            Algebra(),
        ),
    ),
    sibling=eq(mean - (1 - p) ** k, sp.Sum(chance_of_K * (h(K) - (1 - K / N) ** k), (K, 0, N))),
)
