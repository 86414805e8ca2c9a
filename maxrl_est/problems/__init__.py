"""Problems with known answers: pass rate, its gradient, and every moment in closed form.

Problems of a fixed policy, for measuring estimators: Bandit, Bernoulli, Chain, Contextual, Gaussian. Tasks that a
policy is trained on, with pass rates and gradients exact at every step: ContextualBandit, Regression, Maze.
"""

from maxrl_est.problems.bandit import Bandit
from maxrl_est.problems.bernoulli import Bernoulli
from maxrl_est.problems.chain import Chain
from maxrl_est.problems.contextual import Contextual
from maxrl_est.problems.gaussian import Gaussian
from maxrl_est.problems.maze import Maze
from maxrl_est.problems.supervised import ContextualBandit, Regression

__all__ = ["Bandit", "Bernoulli", "Chain", "Contextual", "ContextualBandit", "Gaussian", "Maze", "Regression"]
