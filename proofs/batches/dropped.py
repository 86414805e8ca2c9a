"""Prompts drawn anew for each batch, groups dropped by a rule, the mean over those that are kept: a learning rate.

A group with K successes is kept where c(K) = 1 and dropped where c(K) = 0; kappa is the chance that it is kept, over
prompts and rollouts, and g is the mean gradient of a group that is. B groups are independent, and the mean over the
kept is 0 if there are none. Given that one group is kept, so are n of the other B - 1 with a binomial chance, and it
counts 1/(n + 1). By the first two steps the whole batch has the mean w_B(kappa) kappa g, with MaxRL's own weight w_B.

kappa g is the mean of a group that counts 0 if it is dropped. That is the mean over prompts of W_c(p) grad p, W_c by
the last step, so that the filter changes the objective by what it takes from W, and all prompts together by one factor
from 1 to B that depends on the policy as a learning rate would. Where all-failed and all-solved groups have advantage 0
before they are dropped, b(0) = 0 = a(N), only the factor is left.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Recurrence, Step, eq
from ..checking.polynomials import Polynomial
from ..checking.rewards import Binary, m, q_i
from ..checking.statistics import M, Mean, N, S_i, grad, l_i, p

B, k, n = sp.symbols("B k n", integer=True)
kappa, g = sp.symbols("kappa g_kept", real=True)
a, b, c = map(sp.Function, "abc")

others_kept = sp.binomial(B - 1, n) * kappa**n * (1 - kappa) ** (B - 1 - n)
of_batch = sp.Sum(others_kept * B / (n + 1) * kappa * g, (n, 0, B - 1))
any_kept = 1 - (1 - kappa) ** B
below = -sp.binomial(B, n) * kappa ** (n + 1) * (1 - kappa) ** (B - n) * g

chance = sp.binomial(N - 1, m) * p**m * (1 - p) ** (N - 1 - m)
counted = c(m + 1) * a(m + 1) - c(m) * b(m)
weight = sp.Sum(chance * counted, (m, 0, N - 2)) + p ** (N - 1) * (c(N) * a(N) - c(N - 1) * b(N - 1))

CLAIM = Claim(
    id="dropped-groups",
    says=(
        "The mean over the kept of B groups, all of fresh prompts, has the mean w_B(kappa) kappa g, where kappa is the "
        "chance to be kept and g the mean of a kept group: dropping is a learning rate of 1 to B"
    ),
    domain=Domain(sp.Ge(B, 1)),
    steps=(
        Step(
            "a kept group counts 1/(n + 1) beside n others: the chance that any is kept",
            eq(of_batch, any_kept * g),
            Polynomial(kappa, Recurrence(B, sp.S.One, below)),
        ),
        Step(
            "which is w_B(kappa) times the mean of a group that counts 0 if it is dropped",
            eq(sp.Sum((1 - kappa) ** k, (k, 0, B - 1)) * kappa * g, any_kept * g),
            Induction(B),
            Domain(sp.Ge(B, 1), sp.Gt(kappa, 0), sp.Lt(kappa, 1)),
        ),
        Step(
            "that mean, on one prompt: successes get c_K a_K, and failures c_K b_K",
            eq(Mean((c(M + 1) * a(M + 1) * l_i + c(M) * b(M) * q_i) * S_i), weight * grad),
            Binary(Algebra()),
            Domain(sp.Ge(N, 1), sp.Gt(p, 0), sp.Lt(p, 1)),
        ),
    ),
    sibling=eq(of_batch, g),
)
