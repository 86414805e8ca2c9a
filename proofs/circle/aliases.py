"""The two aliases next to m bound all, relative to the weight: beyond them they fall faster than a geometric series.

Relative to omega_i, the alias of k counts C(n,k) r^(k-m)/C(n,m) Int E_k dt / Int E_m dt. For k > m the integrals' ratio
is at most 1, for E_k falls with k: it is affine in each value, so the fourth step suffices, at K values of 1 among
zeros. For k < m it is at most (m+1)/(k+1), for (k+1) Int E_k dt is the sum of the first k + 1 powers of which none is
negative (any-order-integral), and the third step makes that a binomial of n + 1 again. By the first step
C(n,k+M)/C(n,k) falls with k, so also from k to k + M: with a = C(n,m+M) r^M/C(n,m) the aliases above are at most a,
a^2, ..., by the last step less than a/(1-a) in all. Read backwards, C(n+1,n-k) = C(n+1,k+1), the same holds of those
below with b = C(n+1,m+1-M) r^(-M)/C(n+1,m+1). So the weight's relative error is at most a/(1-a) + b/(1-b), whatever l
is. The same holds of integrals up to a, with likelihoods a l, and of a Gauss rule for them: its error has the sign of
an even derivative of E_k, which is not negative (any-order-derivatives), so it gives no more than the integral.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Manifest, Step, eq, le
from ..checking.polynomials import Polynomial

h, j, k, m, n, K, M = sp.symbols("h j k m n K M", integer=True)
a = sp.Symbol("a", real=True)

ratio = sp.binomial(n, k + M) / sp.binomial(n, k)
share = sp.binomial(K, k) / sp.binomial(n, k)  # of the k-subsets, those within K values

CLAIM = Claim(
    id="circle-aliases",
    says="The weight's relative error is at most a/(1-a) + b/(1-b), a = C(n,m+M) r^M/C(n,m), b of C(n+1,m+1-M) r^-M",
    domain=Domain(sp.Ge(k, 0), sp.Ge(M, 1), sp.Le(k + M + 1, n)),
    steps=(
        Step(
            "binomials M apart: their ratio falls",
            le(ratio.subs(k, k + 1), ratio),
            Manifest(ratio * M * (n + 1) / ((n - k) * (k + M + 1))),
        ),
        Step(
            "read backwards",
            eq(sp.binomial(n + 1, n - k), sp.binomial(n + 1, k + 1)),
            Algebra(),
        ),
        Step(
            "an alias below m, with the integrals' ratio",
            eq(
                sp.binomial(n, k) / sp.binomial(n, m) * (m + 1) / (k + 1),
                sp.binomial(n + 1, k + 1) / sp.binomial(n + 1, m + 1),
            ),
            Algebra(),
            Domain(sp.Ge(k, 0), sp.Ge(m, k), sp.Ge(n, m)),
        ),
        Step(
            "E_k falls with k",
            le(share.subs(k, k + 1), share),
            Manifest(share * (n - K) / (n - k)),
            Domain(sp.Ge(k, 0), sp.Ge(K, k), sp.Ge(n, K), sp.Ge(n, k + 1)),
        ),
        Step(
            "a geometric series",
            eq((1 - a) * sp.Sum(a**j, (j, 1, h)), a - a ** (h + 1)),
            Polynomial(a, Induction(h)),
            Domain(sp.Ge(h, 1)),
        ),
    ),
    sibling=le(ratio, ratio.subs(k, k + 1)),
)
