"""The estimate of the objective at full order is an integral, too, less a harmonic number.

It is affine in l_i and its slope is omega_i/N, that of the estimate (weight-is-derivative, weight-integral); and at l =
0 the estimate is -H_N. At K successes it is thus H_K - H_N. Beyond a, where the product is negligible, the rest of the
integral is -log a.
"""

import sympy as sp

from ..checking import Antiderivative, Claim, Domain, Induction, SplitOff, Step, eq
from ..checking.recurrences import IntegralRecurrence
from ..checking.statistics import GROUP, OTHERS, N, Survival, l_i

j, K = sp.symbols("j K", integer=True)
t, a = sp.symbols("t a", real=True)

at_successes = sp.Integral((1 - (1 - t) ** K) / t, (t, 0, 1))
by_success = IntegralRecurrence(
    on=K,
    start=sp.S.One,
    base=Antiderivative(t),
    certificate_term=-((1 - t) ** (K + 1)) / (K + 1),
    ahead=sp.S.One,
    behind=sp.S.One,
)

CLAIM = Claim(
    id="objective-integral",
    says="J-hat_N = Int (1 - prod_j (1 - t l_j))/t dt - H_N over [0,1]; with K successes it is H_K - H_N",
    domain=Domain(sp.Ge(K, 1), sp.Ge(N, 1)),
    steps=(
        Step("the integral at K successes", eq(at_successes, sp.harmonic(K)), by_success),
        Step(
            "what rollout i adds to the integral",
            eq(
                sp.Integral((1 - Survival(t, GROUP)) / t, (t, 0, 1))
                - sp.Integral((1 - Survival(t, OTHERS)) / t, (t, 0, 1)),
                l_i * sp.Integral(Survival(t, OTHERS), (t, 0, 1)),
            ),
            SplitOff(),
        ),
        Step(
            "the integrand at K successes is a polynomial",
            eq(sp.Sum((1 - t) ** j, (j, 0, K - 1)), (1 - (1 - t) ** K) / t),
            Induction(K),
            Domain(sp.Ge(K, 1), sp.Gt(t, 0), sp.Le(t, 1)),
        ),
        Step(
            "the rest beyond a",
            eq(sp.Integral(1 / t, (t, a, 1)), -sp.log(a)),
            Antiderivative(sp.log(t)),
            Domain(sp.Gt(a, 0), sp.Le(a, 1)),
        ),
    ),
    sibling=eq(at_successes, sp.harmonic(K - 1)),
)
