"""Mean and covariance of a gradient estimate, and what it ascends, in the order of evidence.

`moments` is the door to all of it, and says what it used. `exact_moments` enumerates every group and `effective_weight`
every count of successes; `closed_form_moments` needs a few moments of one rollout; `monte_carlo` draws, with stated
error rates, where neither reaches. What no unbiased estimate goes below is in `variance_bound` and `least_variance`.
Where the problem's numbers are ``fractions.Fraction`` and the estimator can compute with them, what is not sampled is
an exact rational; elsewhere it carries a few roundings of float64.
"""

from maxrl_est.measures._bound import VarianceBound, variance_bound
from maxrl_est.measures._closed_forms import NoClosedForm, closed_form_moments, closed_form_variance
from maxrl_est.measures._effective import EffectiveWeight, effective_weight
from maxrl_est.measures._enumerated import MAX_ROLLOUTS, Moments, exact_moments
from maxrl_est.measures._evidence import Evidence, moments
from maxrl_est.measures._gradients import target_gradient
from maxrl_est.measures._group_sizes import GroupSizes, best_group_size
from maxrl_est.measures._least import LeastVariance, least_variance
from maxrl_est.measures._mass import CoefficientMass, coefficient_mass
from maxrl_est.measures._nearest import Nearest
from maxrl_est.measures._optimal import OptimalBaseline, optimal_baseline, ustat_optimal
from maxrl_est.measures._regression import regression_efficiency
from maxrl_est.measures._sampled import Result, monte_carlo

__all__ = [
    "MAX_ROLLOUTS",
    "CoefficientMass",
    "EffectiveWeight",
    "Evidence",
    "GroupSizes",
    "LeastVariance",
    "Moments",
    "Nearest",
    "NoClosedForm",
    "OptimalBaseline",
    "Result",
    "VarianceBound",
    "best_group_size",
    "closed_form_moments",
    "closed_form_variance",
    "coefficient_mass",
    "effective_weight",
    "exact_moments",
    "least_variance",
    "moments",
    "monte_carlo",
    "optimal_baseline",
    "regression_efficiency",
    "target_gradient",
    "ustat_optimal",
    "variance_bound",
]
