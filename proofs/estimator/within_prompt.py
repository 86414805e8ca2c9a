"""Within a prompt a larger likelihood gets a larger weight, by a factor of two at most.

Split j off the others of i, and i off those of j: omega_i and omega_j differ only in the value they do not share. E_k
falls with k, as a product of k + 1 numbers up to one is at most that of k of them, so the last two steps leave only
positive terms in 2 omega_j - omega_i. Hence omega_i l_i / (omega_j l_j) is l_i / l_j, a softmax of log-likelihoods,
up to a factor from 1 to 2. One success against one failure, all others failing, and T = N attain 2.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Manifest, Post, Step, eq, le
from ..checking.statistics import REST, E, N, l_i, l_j

k, n, T = sp.symbols("k n T", integer=True)


def weight(other: sp.Symbol) -> sp.Expr:
    """Weight of one of the two rollouts i and j, where the other has this likelihood."""
    without, contained = (1 - k / (N - 1)) * E(k, REST), k / (N - 1) * (1 - other) * E(k - 1, REST)
    return 1 + sp.Sum(without + contained, (k, 1, T - 1))


shared = sp.Sum(k / (N - 1) * E(k - 1, REST), (k, 1, T - 1))
plain = (N - T) / (N - 1) * (1 + sp.Sum(E(k, REST), (k, 1, T - 1)))
step = (T - 1 - k) * E(k, REST) - k * E(k - 1, REST)
falls = k * (T - 1 - k) * (E(k - 1, REST) - E(k, REST))

unit = (sp.Ge(l_j, 0), sp.Le(l_j, l_i), sp.Le(l_i, 1))

CLAIM = Claim(
    id="within-prompt",
    says="If l_j <= l_i then omega_j <= omega_i <= 2 omega_j: within a prompt omega l grows like l, as in a softmax",
    domain=Domain(sp.Ge(T, 2), sp.Le(T, N), *unit),
    steps=(
        Step("compare what is not shared", le(weight(l_i), weight(l_j)), Manifest((l_i - l_j) * shared)),
        Step(
            "twice the smaller weight less the larger",
            eq(
                2 * weight(l_i) - weight(l_j),
                plain + (1 + 2 * (1 - l_i) - (1 - l_j)) * shared + (T - 1 + sp.Sum(step, (k, 1, T - 1))) / (N - 1),
            ),
            Algebra(),
        ),
        Step(
            "whose last part, by parts up to n = T - 1, is a positive sum of E_{k-1} - E_k",
            eq(sp.Sum(step - falls, (k, 1, n)), (n + 1) * (T - 1 - n) * E(n, REST) - (T - 1)),
            Induction(n),
            Domain(sp.Ge(n, 1)),
        ),
    ),
    sibling=le(weight(l_j), weight(l_i)),
    post=(Post.PROVED, "for one prompt the most successful rollouts are weighted up, as by a softmax"),
)
