"""Ratios cut at C: what is kept of the law is min(pi, C mu), and a leave-one-out baseline stops being free.

t = min(rho, C) = rho - x, where x is what is cut off, so that E_mu[t f] is the sum over outcomes of min(pi, C mu) f:
the first step is sum_y min(pi, C mu)(y) (l(y) - b) S(y) with the others' mean b = E_mu l. A baseline that is multiplied
by t costs -b E_mu[t S] = b E_mu[x S]. Without a cut that is 0.

Let the outcomes have a softmax with a logit each, S_y being 1 at y less pi(y), pi_y what pi gives to y, and cut the sum
of what is taken off pi at all outcomes, of which cut_y is taken off there. For C >= 1 some outcome is left whole, as pi
is not larger than mu everywhere. By the last two steps the drift -b E[t S_y] is -b pi_y cut there, which is not 0
unless nothing is cut or b = 0. So the baseline is free for every policy exactly where no ratio is above C.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, lt
from ..checking.rewards import q_i
from ..checking.statistics import Mean, S_i, grad, l_i, l_j
from .draws import IndependentDraws
from .ratios import p_mu, rho_i, rollout

x_i, m_xS, m_xlS = sp.symbols("x_i m_xS m_xlS", real=True)  # what is cut off a ratio; E[x S], E[x l S]
pi_y, cut_y, cut = sp.symbols("pi_y cut_y cut", real=True)

kept = rho_i - x_i
cut_off = ((x_i * S_i, m_xS), (x_i * l_i * S_i, m_xlS))
by = IndependentDraws(((*rollout, *cut_off), ((l_j, p_mu),)), Algebra())
mean = Mean(((1 - l_j) * l_i - l_j * q_i) * kept * S_i)


def drift(cut_y: sp.Expr) -> sp.Expr:
    """E[t S_y]: what is kept at y, and pi_y of all that is kept."""
    return (pi_y - cut_y) * (1 - pi_y) - pi_y * ((1 - cut) - (pi_y - cut_y))


CLAIM = Claim(
    id="truncated-ratio",
    says=(
        "min(rho_i, C) (l_i - mean of the others) S_i, rho - x where x is cut off, has the mean "
        "grad p - E[x l S] + E_mu[l] E[x S]; on a softmax and for C >= 1 E[x S] = 0 only where nothing is cut"
    ),
    domain=Domain(sp.Gt(pi_y, 0), sp.Lt(pi_y, 1)),
    steps=(
        Step("the baseline is multiplied by what is kept", eq(mean, grad - m_xlS + p_mu * m_xS), by),
        Step("the score of a logit against what is kept", eq(drift(cut_y), pi_y * cut - cut_y), Algebra()),
        Step(
            "where nothing is cut at y but something elsewhere",
            lt(0, drift(sp.S.Zero)),
            Manifest(pi_y * cut),
            Domain(sp.Gt(pi_y, 0), sp.Gt(cut, 0)),
        ),
    ),
    sibling=eq(mean, grad - m_xlS),
)
