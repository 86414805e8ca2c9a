"""Drawing groups until M are kept, as dynamic sampling does: the factor is 1/kappa, whatever M is.

A group is kept with chance kappa, and G is the mean of a group that counts 0 if it is dropped. After a kept group the
search for the next begins anew. With at most R draws in each, M such searches find by the first step M times (1 -
(1-kappa)^R)/kappa times G, and the mean over them tends to G/kappa. It is the factor of R groups at once (claim
dropped-groups).

With at most R draws in all, the m-th kept group comes at draw n with the chance C(n-1,m-1) kappa^m (1-kappa)^(n-m). By
the second step the (m+1)-th falls short of the m-th by the chance that just m of R are kept, which by the third is at
most (m+1)/((R+1) kappa), because the rest of the right side is a chance. So all M come with chance 1.

Where the prompt is not drawn anew, but its own group until it is mixed, the same argument divides its weight by its own
kappa: another objective. Of RLOO, with W = 1, the last two steps give it for two and three rollouts.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Step, eq
from ..checking.statistics import p
from ..checking.using import Inside

M, R, j, m, n = sp.symbols("M R j m n", integer=True)
kappa, G = sp.symbols("kappa G", real=True)

search = sp.Sum((1 - kappa) ** (n - 1), (n, 1, R))
found = (1 - (1 - kappa) ** R) / kappa
of_all = sp.Sum(G * search, (j, 1, M))
at_draw = sp.binomial(n - 1, m - 1) * kappa**m * (1 - kappa) ** (n - m)
one_more = sp.binomial(n - 1, m) * kappa ** (m + 1) * (1 - kappa) ** (n - m - 1)
just = sp.binomial(R, m) * kappa**m * (1 - kappa) ** (R - m)
log_odds = sp.log(p) - sp.log(1 - p)

some = (sp.Gt(kappa, 0), sp.Lt(kappa, 1))
at_most_all = Domain(sp.Ge(m, 1), sp.Le(m, R), *some)
inside = Domain(sp.Gt(p, 0), sp.Lt(p, 1))

CLAIM = Claim(
    id="resampled-groups",
    says=(
        "Sampling until M groups are kept multiplies the mean of a group that counts 0 if it is dropped by 1/kappa, "
        "whatever M is; of one prompt drawn until it is mixed, RLOO with N = 2 ascends half the log-odds"
    ),
    domain=Domain(sp.Ge(M, 1), sp.Ge(R, 1), *some),
    steps=(
        Step(
            "M searches of at most R draws each",
            eq(of_all, M * G * found),
            Inside(search, found, Induction(R), Induction(M)),
        ),
        Step(
            "with R draws in all: one kept group more is as rare as just m of them",
            eq(sp.Sum(at_draw - one_more, (n, m, R)), just),
            Induction(R),
            at_most_all,
        ),
        Step(
            "which is a chance times what tends to 0",
            eq(just, (m + 1) / ((R + 1) * kappa) * just.subs({R: R + 1, m: m + 1}, simultaneous=True)),
            Algebra(),
            at_most_all,
        ),
        Step(
            "one prompt, two rollouts, until one succeeds and one fails",
            eq(1 / (1 - p**2 - (1 - p) ** 2), sp.Derivative(log_odds, p) / 2),
            Algebra(),
            inside,
        ),
        Step(
            "three rollouts, until they are mixed",
            eq(1 / (1 - p**3 - (1 - p) ** 3), sp.Derivative(log_odds, p) / 3),
            Algebra(),
            inside,
        ),
    ),
    sibling=eq(of_all, M * G * found.subs(R, M)),
)
