"""Two summands of the gradient estimate are dependent, since each one's weight sees the other's likelihood (T = N).

omega_i = N Int (1 - s l_j) prod_{k != i,j} (1 - s l_k) ds, and omega_j is the same with l_i in the place of l_j.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Step, eq
from ..checking.statistics import REST, Mean, N, S_i, S_j, Survival, grad, l_i, l_j, m_ll, m_llS, p
from .weight_second_moment import double, s, t

weights = N**2 * double((1 - s * l_j) * Survival(s, REST) * (1 - t * l_i) * Survival(t, REST))
product = weights * l_i * S_i * l_j * S_j
each = 1 - (s + t) * p + s * t * m_ll

CLAIM = Claim(
    id="cross-moment",
    says="E[omega_i l_i S_i omega_j l_j S_j] = N^2 Int Int (a_1 - s a_2)(a_1 - t a_2)(1 - (s+t) p + s t E[l^2])^(N-2) "
    "ds dt, where a_k = E[l^k S]",
    domain=Domain(sp.Ge(N, 2)),
    steps=(
        Step(
            "take the mean over rollouts i, j and the rest",
            eq(Mean(product), N**2 * double((grad - s * m_llS) * (grad - t * m_llS) * each ** (N - 2))),
            Independence(Algebra()),
        ),
    ),
    sibling=eq(Mean(product), N**2 * double(grad**2 * each ** (N - 2))),
)
