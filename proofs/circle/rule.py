"""E_m of n values is a sum over M points of a circle, less aliases that are at most ratios of binomial probabilities.

prod_j (1 + z q_j) = sum_k C(n,k) E_k(q) z^k. At q = 1 - t l each factor is (1+z) (1 - t phi l) with phi = z/(1+z). At
z_b = r w^b, w a primitive M-th root of unity, the sum over b of z_b^(k-m) is 0 unless M divides k - m: then x = w^(k-m)
is 1, else x^M = 1 and the second step says (x - 1) sum x^b = 0, an identity of polynomials and so of complex numbers
too. So with W_b = (1+z_b)^n z_b^(-m)/(M C(n,m)) for every l

    E_m(1 - t l) = sum_b W_b prod_j (1 - t phi_b l_j) - sum_{j != 0} C(n,m+jM) r^(jM) / C(n,m) E_{m+jM}(1 - t l).

Every E_k lies between 0 and 1. With r = c/(1-c) the first step says how much is subtracted: at most P(X = m mod M, X
!= m) of P(X = m), for X ~ Bin(n, c). At c = m/n, X is most likely m, and r = m/(n-m). With points turned by half a
step, z_b = r w^b y for y^M = -1, the alias of m + jM has the sign (-1)^j = y^(jM), and the bound is the same.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Step, eq
from ..checking.polynomials import Polynomial

b, k, m, n, M = sp.symbols("b k m n M", integer=True)
c, l, t, x, z = sp.symbols("c l t x z", real=True)


def chance(successes: sp.Expr) -> sp.Expr:
    """P(X = k) for X ~ Bin(n, c)."""
    return sp.binomial(n, successes) * c**successes * (1 - c) ** (n - successes)


alias = sp.binomial(n, k) / sp.binomial(n, m)

CLAIM = Claim(
    id="circle-rule",
    says="E_m(1 - t l) = sum_b W_b prod (1 - t phi_b l_j) less 0 <= err <= P(X = m mod M, X != m)/P(X = m), for all l",
    domain=Domain(sp.Ge(m, 1), sp.Gt(n, m), sp.Ge(k, 0), sp.Le(k, n), sp.Gt(c, 0), sp.Lt(c, 1)),
    steps=(
        Step(
            "the largest that an alias can be, with (c/(1-c))^(k-m)",
            eq(chance(k) / chance(m), alias * c ** (k - m) * (1 - c) ** (m - k)),
            Algebra(),
        ),
        Step("the radius", eq(m / n / (1 - m / n), m / (n - m)), Algebra()),
        Step(
            "powers of a root of unity",
            eq((x - 1) * sp.Sum(x**b, (b, 0, M - 1)), x**M - 1),
            Polynomial(x, Induction(M)),
            Domain(sp.Ge(M, 1)),
        ),
        Step("and of one itself", eq(sp.Sum(1, (b, 0, M - 1)), M), Induction(M), Domain(sp.Ge(M, 1))),
        Step(
            "a factor of the generating function",
            eq(1 + z * (1 - t * l), (1 + z) * (1 - t * z / (1 + z) * l)),
            Algebra(),
            Domain(sp.Gt(z, 0)),
        ),
    ),
    sibling=eq(chance(k) / chance(m), alias * c ** (k - m)),  # r = m/n
)
