"""Exact answers by enumeration: moments of a gradient estimate, and the objective an advantage ascends.

Nothing here samples. Where the problem's numbers are ``fractions.Fraction`` and the estimator can compute with
them, the answers are exact rationals; elsewhere they carry a few roundings of float64.
"""

from maxrl_est.exact.advantages import equivariant_advantages
from maxrl_est.exact.moments import MAX_ROLLOUTS, Moments, exact_moments
from maxrl_est.exact.targets import target_gradient
from maxrl_est.exact.weight import EffectiveWeight, Nearest, effective_weight

__all__ = [
    "MAX_ROLLOUTS",
    "EffectiveWeight",
    "Moments",
    "Nearest",
    "effective_weight",
    "equivariant_advantages",
    "exact_moments",
    "target_gradient",
]
