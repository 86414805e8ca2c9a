"""Laws with known answers: pass rate, its gradient and every moment in closed form, of a policy as it is."""

from maxrl_est.problems.bandit import Bandit
from maxrl_est.problems.bernoulli import Bernoulli
from maxrl_est.problems.chain import Chain
from maxrl_est.problems.contextual import Contextual
from maxrl_est.problems.finite import Finite
from maxrl_est.problems.gaussian import Gaussian
from maxrl_est.problems.mapped import Mapped, reparametrised
from maxrl_est.problems.shared import Shared

__all__ = ["Bandit", "Bernoulli", "Chain", "Contextual", "Finite", "Gaussian", "Mapped", "Shared", "reparametrised"]
