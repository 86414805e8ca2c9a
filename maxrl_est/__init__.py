"""Unbiased policy gradients for maximum likelihood, and exact verdicts on any estimator of them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maxrl_est import estimators, optimisers, policies, problems
    from maxrl_est.checks import check_estimator, parametrize_with_checks
    from maxrl_est.estimators import advantages
    from maxrl_est.exact import effective_weight, exact_moments, target_gradient
    from maxrl_est.montecarlo import monte_carlo
    from maxrl_est.objectives import Objective
    from maxrl_est.tables import bias_variance_table
    from maxrl_est.training import train
    from maxrl_est.ustatistics import (
        failure_powers,
        loo_failure_powers,
        loo_weights,
        objective_estimate,
        weight_estimate,
    )
    from maxrl_est.variance import closed_form_moments, closed_form_variance, optimal_baseline

__all__ = [
    "Objective",
    "advantages",
    "bias_variance_table",
    "check_estimator",
    "closed_form_moments",
    "closed_form_variance",
    "effective_weight",
    "estimators",
    "exact_moments",
    "failure_powers",
    "loo_failure_powers",
    "loo_weights",
    "monte_carlo",
    "objective_estimate",
    "optimal_baseline",
    "optimisers",
    "parametrize_with_checks",
    "policies",
    "problems",
    "target_gradient",
    "train",
    "weight_estimate",
]

_HOMES = {  # module of each name that is no module itself
    "checks": ("check_estimator", "parametrize_with_checks"),
    "estimators": ("advantages",),
    "exact": ("effective_weight", "exact_moments", "target_gradient"),
    "montecarlo": ("monte_carlo",),
    "objectives": ("Objective",),
    "tables": ("bias_variance_table",),
    "training": ("train",),
    "ustatistics": (
        "failure_powers",
        "loo_failure_powers",
        "loo_weights",
        "objective_estimate",
        "weight_estimate",
    ),
    "variance": ("closed_form_moments", "closed_form_variance", "optimal_baseline"),
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that importing the package, or its pytest plugin, costs nothing."""
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is not None:
        value = getattr(import_module(f"maxrl_est.{home}"), name)
    elif name in __all__:
        value = import_module(f"maxrl_est.{name}")
    else:
        raise AttributeError(f"module 'maxrl_est' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
