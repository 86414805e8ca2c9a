"""Rollouts of another policy mu, weighed by the ratio rho = pi/mu of whole rollouts: grad J_T of pi, for T <= N.

Where mu is positive wherever pi is, E_mu[rho f] = E_pi[f]: rho has the mean 1, rho l the mean p of pi, rho l S its
gradient and rho S the mean 0, S being the score of pi. So each 1 - rho_j l_j has the mean 1 - p and the product over k
of the others the k-th power of it. It may be negative, as no failure mass is. Without the ratio the weights see the
pass rate p_mu of the policy that was sampled, and only the ratio in front is of the one that learns.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Step, eq
from ..checking.rewards import q_i
from ..checking.statistics import Mean, N, S_i, grad, l_i, l_j, p
from .draws import IndependentDraws, Subsets

k, T = sp.symbols("k T", integer=True)
c = sp.Function("c")
rho_i, rho_j, p_mu = sp.symbols("rho_i rho_j p_mu", real=True)
rollout = ((rho_i, sp.S.One), (rho_i * l_i, p), (rho_i * S_i, sp.S.Zero), (rho_i * l_i * S_i, grad))
other = ((rho_j, sp.S.One), (rho_j * l_j, p), (l_j, p_mu))
DRAWS = (rollout, other)


def weight(failure: sp.Expr, coefficient: sp.Expr = sp.S.One) -> sp.Expr:
    """The weight of rollout i, where each of the others has this in the place of its failure mass."""
    return sp.Sum(coefficient * Subsets(k, failure), (k, 0, T - 1))


def w(p: sp.Expr) -> sp.Expr:
    """The weight of any objective at a pass rate."""
    return sp.Sum(c(k) * (1 - p) ** k, (k, 0, T - 1))


weighed, forgotten = weight(1 - rho_j * l_j, c(k)), weight(1 - l_j, c(k))
by = IndependentDraws(DRAWS, Algebra())

CLAIM = Claim(
    id="ratios",
    says=(
        "Of rollouts of mu, with rho = pi/mu of whole rollouts, sum_k c_k E_k(1 - rho_j l_j) rho_i l_i S_i has the "
        "mean w(p) grad p of pi, for every T <= N; without rho in the weights w is that of the pass rate under mu"
    ),
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N), sp.Gt(p, 0), sp.Le(p, 1)),
    steps=(
        Step("any objective", eq(Mean(weighed * rho_i * l_i * S_i), w(p) * grad), by),
        Step(
            "MaxRL",
            eq(Mean(weight(1 - rho_j * l_j) * rho_i * l_i * S_i), (1 - (1 - p) ** T) / p * grad),
            IndependentDraws(DRAWS, Induction(T)),
        ),
        Step(
            "a ratio in front alone: the weight is stale",
            eq(Mean(forgotten * rho_i * l_i * S_i), w(p_mu) * grad),
            by,
        ),
        Step(
            "what does not depend on rollout i is free, multiplied by its ratio",
            eq(Mean(((weighed - l_j) * l_i - l_j * q_i) * rho_i * S_i), w(p) * grad),
            IndependentDraws((rollout, other), Algebra()),
        ),
    ),
    sibling=eq(Mean(forgotten * rho_i * l_i * S_i), w(p) * grad),
)
