"""Where a walk can come to one success and k failures, the term (1-p)^k has an unbiased estimate, whatever the rule.

A rule that stops by successes s and failures f is a walk on their lattice; n of the paths from (0, 0), and n_1 of those
from (1, k), first meet an ending there. Each success gets c n_1/(s n) in the sum of scores. By the first step an ending
then adds c (1-p)^k grad p times n_1 p^(s-1) (1-p)^(f-k), the chance that a walk from (1, k) ends there. By the second
that chance, where the walk goes on, is divided among the next two points. It begins as 1 at (1, k), and a walk that is
bounded ends: so all endings together have 1, and g the mean c (1-p)^k grad p. That (1, k) can be reached is needed for
n, which is divided by, to be above 0 wherever n_1 is. Terms add up. Of N rollouts, whatever they are, it is the
leave-one-out weight of a success.

A multiple beta of the sum of all scores is a free baseline: by the last step it adds nothing to the mean of a rollout,
and whether that is drawn was settled before it (Wald). It is none if it is divided by N, which was not.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.rewards import GivenOthers, q_i
from ..checking.statistics import Mean, N, S_i, grad, l_i, p

s, f, k, n, n_1 = sp.symbols("s f k n n_1", integer=True)
c, beta = sp.symbols("c beta", real=True)
q = 1 - p

of_success = c * n_1 / (s * n)
at_ending = n * p**s * q**f  # the chance of it
arrives = p ** (s - 1) * q ** (f - k)  # the chance of one path from (1, k)
inside = (sp.Gt(p, 0), sp.Lt(p, 1))
lattice = Domain(sp.Ge(s, 1), sp.Ge(k, 0), sp.Ge(f, k), sp.Ge(n, 1), *inside)
of_all = sp.binomial(N - 1 - k, s - 1) / (s * sp.binomial(N, s))

CLAIM = Claim(
    id="reached-terms",
    says=(
        "Where a stopping rule can come to 1 success and k failures, c n_1/(s n) for each of s successes, n_1 of the "
        "paths from there, has the mean c (1-p)^k grad p"
    ),
    domain=lattice,
    steps=(
        Step("an ending", eq(at_ending * s * of_success * (grad / p), c * q**k * grad * (n_1 * arrives)), Algebra()),
        Step(
            "a walk that goes on",
            eq(arrives, arrives.subs(s, s + 1) + arrives.subs(f, f + 1)),
            Algebra(),
        ),
        Step(
            "of N rollouts: N times it is the share of the others' subsets of k that fail",
            eq(N * of_all, sp.binomial(N - s, k) / sp.binomial(N - 1, k)),
            Algebra(),
            Domain(sp.Ge(s, 1), sp.Ge(k, 0), sp.Le(s + k, N)),
        ),
        Step(
            "beta for every score besides",
            eq(Mean(((c + beta) * l_i + beta * q_i) * S_i), c * grad),
            GivenOthers(Algebra()),
        ),
    ),
    sibling=eq(at_ending * s * (s * of_success) * (grad / p), c * q**k * grad * (n_1 * arrives)),
)
