"""Unbiased policy gradients for maximum likelihood, and exact verdicts on any estimator of them."""

from maxrl_est import estimators, problems
from maxrl_est.checks import check_estimator
from maxrl_est.estimators import advantages
from maxrl_est.exact import effective_weight, exact_moments
from maxrl_est.objectives import Objective
from maxrl_est.ustatistics import (
    failure_powers,
    loo_failure_powers,
    loo_weights,
    objective_estimate,
    weight_estimate,
)

__all__ = [
    "Objective",
    "advantages",
    "check_estimator",
    "effective_weight",
    "estimators",
    "exact_moments",
    "failure_powers",
    "loo_failure_powers",
    "loo_weights",
    "objective_estimate",
    "problems",
    "weight_estimate",
]
