"""Dividing one value out of the elementary symmetric sums of the whole group gives an alternating sum.

e_k of the group is e_k + q_i e_{k-1} of the others. Solved for the others that is a recursion downwards, the textbook
way to leave one out; written out, powers of -q_i multiply ever larger sums, whose differences lose all digits in
floating point.
"""

import sympy as sp

from ..checking import Claim, Domain, Induction, SplitOff, Step, eq
from ..checking.statistics import GROUP, OTHERS, E, N, l_i

j, k, n = sp.symbols("j k n", integer=True)
q = sp.Symbol("q_i", real=True)
e = sp.Function("e")

group = e(k - j, OTHERS) + q * e(k - j - 1, OTHERS)

CLAIM = Claim(
    id="deflation",
    says="sum_{j<=n} (-q_i)^j e_{k-j}(q) is e_k(q_{-i}) - (-q_i)^(n+1) e_{k-n-1}(q_{-i}), whose rest is 0 at n = k",
    domain=Domain(sp.Ge(n, 0), sp.Le(n, k), sp.Ge(k, 1)),
    steps=(
        Step(
            "the sum telescopes",
            eq(sp.Sum((-q) ** j * group, (j, 0, n)), e(k, OTHERS) - (-q) ** (n + 1) * e(k - n - 1, OTHERS)),
            Induction(n),
        ),
        Step(
            "one step of it, for means: a difference, enlarged by N/(N-k)",
            eq(E(k, OTHERS), N / (N - k) * E(k, GROUP) - k / (N - k) * (1 - l_i) * E(k - 1, OTHERS)),
            SplitOff(),
            Domain(sp.Ge(k, 1), sp.Le(k, N - 1)),
        ),
    ),
    sibling=eq(sp.Sum(q**j * group, (j, 0, n)), e(k, OTHERS) - q ** (n + 1) * e(k - n - 1, OTHERS)),
)
