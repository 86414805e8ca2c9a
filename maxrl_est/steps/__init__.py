"""What does a whole training step ascend? Steps map a batch to coefficients of token scores, and are enumerated.

Rules whose advantages of one prompt depend on the others are asked by counts of successes, without tokens.
"""

from maxrl_est.steps._batch import Batch, Step
from maxrl_est.steps._exact import ExactStep, exact_step
from maxrl_est.steps._filters import FilteredWeights, filtered
from maxrl_est.steps._policy_gradient import PolicyGradient, policy_gradient
from maxrl_est.steps._population import PopulationWeights, population_weights
from maxrl_est.steps._reuse import Reuse, reuse
from maxrl_est.steps._weights import EffectiveWeights, effective_weights

__all__ = [
    "Batch",
    "EffectiveWeights",
    "ExactStep",
    "FilteredWeights",
    "PolicyGradient",
    "PopulationWeights",
    "Reuse",
    "Step",
    "effective_weights",
    "exact_step",
    "filtered",
    "policy_gradient",
    "population_weights",
    "reuse",
]
