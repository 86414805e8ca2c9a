"""Laws with known answers: pass rate, its gradient and every moment in closed form, of a policy as it is."""

from maxrl_est.problems._bandit import Bandit
from maxrl_est.problems._bernoulli import Bernoulli
from maxrl_est.problems._chain import Chain
from maxrl_est.problems._contextual import Contextual
from maxrl_est.problems._finite import Finite
from maxrl_est.problems._gaussian import Gaussian
from maxrl_est.problems._mapped import reparametrised
from maxrl_est.problems._noisy import noisy
from maxrl_est.problems._shared import Shared
from maxrl_est.problems._tokens import TokenBits, TokenChain, TokenLogits, Tokens

__all__ = [
    "Bandit",
    "Bernoulli",
    "Chain",
    "Contextual",
    "Finite",
    "Gaussian",
    "Shared",
    "TokenBits",
    "TokenChain",
    "TokenLogits",
    "Tokens",
    "noisy",
    "reparametrised",
]
