"""Tasks that `train` takes: prompts for a policy with shared parameters, with exact pass rates and gradients."""

from maxrl_est.training.tasks._maze import Maze
from maxrl_est.training.tasks._supervised import ContextualBandit, Regression

__all__ = ["ContextualBandit", "Maze", "Regression"]
