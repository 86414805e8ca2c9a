"""Problems with known answers: pass rate, its gradient, and every moment in closed form."""

from maxrl_est.problems.bandit import Bandit
from maxrl_est.problems.bernoulli import Bernoulli

__all__ = ["Bandit", "Bernoulli"]
