"""Of n rollouts with 0/1 rewards K succeed: the chance of it, E_k there, and that the mean of E_k is (1-p)^k."""

import sympy as sp

from ..checking import Recurrence
from ..checking.statistics import N, p


def chance(n: sp.Expr, K: sp.Expr) -> sp.Expr:
    """The chance of K successes."""
    return sp.binomial(n, K) * p**K * (1 - p) ** (n - K)


def power(n: sp.Expr, k: sp.Expr, K: sp.Expr) -> sp.Expr:
    """E_k at K successes: the share of k-subsets without one."""
    return sp.binomial(n - K, k) / sp.binomial(n, k)


def unbiased(n: sp.Expr, k: sp.Symbol, K: sp.Symbol) -> Recurrence:
    """That the sum of chance times power is (1-p)^k for 0 < p < 1: by induction on k, from the binomial theorem.

    The number n of the rollouts is N, or N less a constant.
    """
    binomial_theorem = Recurrence(N, N - n, -sp.binomial(n, K - 1) * p**K * (1 - p) ** (n + 1 - K))
    step = p**K * (1 - p) ** (n - K + 1) * sp.binomial(n - k - 1, K - 1)
    return Recurrence(k, sp.S.Zero, step, behind=1 - p, base=binomial_theorem)
