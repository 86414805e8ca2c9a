"""What a rollout's own likelihood adds to its advantage decides bias; what is left without it is a baseline.

A permutation-equivariant advantage treats rollouts alike, so E[g] = E[A_1 S_1]. Let w = sum_k c_k (1-p)^k be the
weight of an objective of order T <= N, and omega_1 = sum_k c_k E_k(q_-1). If A_1 is omega_1 l_1 and a function of the
others, E[g] = w(p) grad p, by the claims unbiased-gradient and free-baseline. Conversely:

0/1 rewards: let a rollout of reward l get A(l, m) where m of the others succeed. By the first step the bias for
(1-p)^k is a sum of independent polynomials, as in the claim uniqueness, and by linearity in c that for w as well: it
is zero for every p only if A(1, m) - A(0, m) is omega_1 at every m.

Graded ones: let a law move weight from a likelihood y to another, x. Then grad p = x - y, and E[g] is the mean over
the others of D = A_1(x; others) - A_1(y; others). Without bias h = D / (x - y) has the mean w(p) under every law in
which x and y occur, hence, both sides being polynomials in its weights, under every law. So h - omega_1 + 1 is
unbiased for (1-p)^0 and symmetric in the others. By the claim uniqueness it is 1, and D = omega_1 (x - y).
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, Via, eq
from ..checking.polynomials import Polynomial
from ..checking.rewards import Binary, m, q_i
from ..checking.statistics import M, Mean, N, S_i, grad, l_i, p
from ..checking.using import Using
from .zero_one import chance, power, unbiased

k = sp.Symbol("k", integer=True)
A = sp.Function("A")

others = N - 1
mean = Mean((A(1, M) * l_i + A(0, M) * q_i) * S_i)


def total(of: sp.Expr) -> sp.Expr:
    """The mean over the others' successes."""
    return sp.Sum(chance(others, m) * of, (m, 0, others))


adds, omega = A(1, m) - A(0, m), power(others, k, m)

CLAIM = Claim(
    id="own-likelihood",
    says=(
        "A permutation-equivariant advantage is unbiased for w(p) grad p under every law if and only if "
        "A_i(x) - A_i(y) = omega_i (x - y), the others as they are"
    ),
    domain=Domain(sp.Ge(k, 0), sp.Le(k, N - 1)),
    steps=(
        Step(
            "0/1 rewards: the bias of any advantage for (1-p)^k is a sum of independent polynomials",
            eq(mean - (1 - p) ** k * grad, total(adds - omega) * grad),
            Binary(
                Polynomial(
                    p,
                    Via(
                        (total(adds - omega) + total(omega)) * grad,
                        left=Algebra(),
                        right=Using(eq(total(omega), (1 - p) ** k), unbiased(others, k, m), Algebra()),
                    ),
                )
            ),
        ),
    ),
    sibling=eq(  # E_k of all N rollouts, this one among the successes
        mean - (1 - p) ** k * grad, total(adds - power(N, k, m + 1)) * grad
    ),
)
