"""Unbiased policy gradients for maximum likelihood, and exact verdicts on any estimator of them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maxrl_est import (
        adapters,
        ascent,
        checks,
        confidence,
        estimators,
        measures,
        objectives,
        problems,
        steps,
        tables,
        training,
    )
    from maxrl_est.ascent import objective_of
    from maxrl_est.checks import check_estimator, check_step, parametrize_with_checks
    from maxrl_est.estimates.logarithms import log_weights
    from maxrl_est.estimates.ustatistics import (
        failure_powers,
        loo_failure_powers,
        loo_weights,
        objective_estimate,
        weight_estimate,
    )
    from maxrl_est.estimators import advantage_of, advantages, designs, estimator_of, lift
    from maxrl_est.measures import (
        closed_form_moments,
        closed_form_variance,
        effective_weight,
        exact_moments,
        moments,
        monte_carlo,
        optimal_baseline,
        target_gradient,
        ustat_optimal,
        variance_bound,
    )
    from maxrl_est.objectives import Objective, targets
    from maxrl_est.steps import effective_weights, exact_step
    from maxrl_est.tables import bias_variance_table
    from maxrl_est.training import optimisers, policies, tasks, train

__version__: str  # of the installed package, read at its first use

_HOMES = {  # module of each public name, which is an attribute of it or a module in it
    "": (
        "adapters",
        "ascent",
        "checks",
        "confidence",
        "estimators",
        "measures",
        "objectives",
        "problems",
        "steps",
        "tables",
        "training",
    ),
    "ascent": ("objective_of",),
    "checks": ("check_estimator", "check_step", "parametrize_with_checks"),
    "estimates.logarithms": ("log_weights",),
    "estimates.ustatistics": (
        "failure_powers",
        "loo_failure_powers",
        "loo_weights",
        "objective_estimate",
        "weight_estimate",
    ),
    "estimators": ("advantage_of", "advantages", "designs", "estimator_of", "lift"),
    "measures": (
        "closed_form_moments",
        "closed_form_variance",
        "effective_weight",
        "exact_moments",
        "moments",
        "monte_carlo",
        "optimal_baseline",
        "target_gradient",
        "ustat_optimal",
        "variance_bound",
    ),
    "objectives": ("Objective", "targets"),
    "steps": ("effective_weights", "exact_step"),
    "tables": ("bias_variance_table",),
    "training": ("optimisers", "policies", "tasks", "train"),
}

__all__ = [
    "Objective",
    "adapters",
    "advantage_of",
    "advantages",
    "ascent",
    "bias_variance_table",
    "check_estimator",
    "check_step",
    "checks",
    "closed_form_moments",
    "closed_form_variance",
    "confidence",
    "designs",
    "effective_weight",
    "effective_weights",
    "estimator_of",
    "estimators",
    "exact_moments",
    "exact_step",
    "failure_powers",
    "lift",
    "log_weights",
    "loo_failure_powers",
    "loo_weights",
    "measures",
    "moments",
    "monte_carlo",
    "objective_estimate",
    "objective_of",
    "objectives",
    "optimal_baseline",
    "optimisers",
    "parametrize_with_checks",
    "policies",
    "problems",
    "steps",
    "tables",
    "target_gradient",
    "targets",
    "tasks",
    "train",
    "training",
    "ustat_optimal",
    "variance_bound",
    "weight_estimate",
]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that importing the package, or its pytest plugin, costs nothing."""
    if name == "__version__":
        from importlib.metadata import version

        return version("maxrl-est")
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'maxrl_est' has no attribute {name!r}")
    module = import_module(f"maxrl_est.{home}".rstrip("."))
    try:
        value = vars(module)[name]
    except KeyError:
        value = import_module(f"{module.__name__}.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
