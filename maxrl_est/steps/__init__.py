"""What a whole training step ascends, where the prompts of a batch are coupled."""

from maxrl_est.steps._population import PopulationWeights, population_weights
from maxrl_est.steps._weights import EffectiveWeights, effective_weights

__all__ = ["EffectiveWeights", "PopulationWeights", "effective_weights", "population_weights"]
