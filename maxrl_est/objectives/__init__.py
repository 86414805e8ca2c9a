"""Objectives of the pass rate p: what is ascended.

One idea: **an objective is its coefficients.** With q = 1 - p the failure rate and c of shape ``(T,)``, ::

    w(p) = dJ/dp = sum_{k<T} c_k q^k          J(p) = -sum_{k=1..T} c_{k-1} q^k / k,  so J(1) = 0

and a group of n >= T rollouts estimates every q^k, hence w, without bias. Nothing downstream asks which
objective it was given: expected reward, pass@k, pass^k, MaxRL and Tsallis' logarithm are five ways to fill in c. In
floats, an objective is computed in powers of q or of p, whichever cancel less (`Objective.expansion`).

>>> Objective.maxrl(3).weight(0.5)  # 1 + 1/2 + 1/4
1.75
>>> Objective.maxrl(1) == Objective.expected() == Objective.pass_at(1)
True
"""

from maxrl_est.objectives import targets
from maxrl_est.objectives._expansion import Expansion as Expansion  # for the package itself, as below
from maxrl_est.objectives._numbers import check_rate as check_rate
from maxrl_est.objectives._numbers import exact_number as exact_number
from maxrl_est.objectives._numbers import probabilities as probabilities
from maxrl_est.objectives._objective import Objective
from maxrl_est.objectives._resolve import ObjectiveLike
from maxrl_est.objectives._resolve import meant as meant
from maxrl_est.objectives._resolve import need_objective as need_objective
from maxrl_est.objectives._resolve import objective_of as objective_of
from maxrl_est.objectives._resolve import order_of as order_of
from maxrl_est.objectives._resolve import resolve as resolve

__all__ = ["Objective", "ObjectiveLike", "targets"]
