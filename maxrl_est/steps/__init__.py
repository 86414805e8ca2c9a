"""What does a whole training step ascend? Steps map a batch to coefficients of token scores, and are enumerated."""

from maxrl_est.steps._batch import Batch, Step
from maxrl_est.steps._exact import ExactStep, exact_step

__all__ = ["Batch", "ExactStep", "Step", "exact_step"]
