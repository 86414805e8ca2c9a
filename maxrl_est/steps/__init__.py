"""What a whole training step ascends, where the prompts of a batch are coupled."""

from maxrl_est.steps._filters import FilteredWeights, filtered
from maxrl_est.steps._population import PopulationWeights, population_weights
from maxrl_est.steps._weights import EffectiveWeights, effective_weights

__all__ = [
    "EffectiveWeights",
    "FilteredWeights",
    "PopulationWeights",
    "effective_weights",
    "filtered",
    "population_weights",
]
