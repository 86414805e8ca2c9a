"""What does a whole training step ascend? Steps map a batch to coefficients of token scores, and are enumerated."""

from maxrl_est.steps._batch import Batch, Step
from maxrl_est.steps._exact import ExactStep, exact_step
from maxrl_est.steps._policy_gradient import PolicyGradient, policy_gradient
from maxrl_est.steps._reuse import Reuse, reuse

__all__ = ["Batch", "ExactStep", "PolicyGradient", "Reuse", "Step", "exact_step", "policy_gradient", "reuse"]
