"""Advantages in use, one short function each, and what each of them is said to estimate.

An estimator maps likelihoods ``(..., N)`` to advantages A ``(..., N)``; the gradient estimate it stands for is
``g = (1/N) sum_i A_i S_i`` with the scores S_i of the rollouts. What it *really* ascends is a question for
`maxrl_est.effective_weight` and `maxrl_est.exact_moments`; ``target`` is what its authors intend. (That an advantage
has an objective, and which one, is also asked in arXiv 2510.23049 and 2510.13651.)

Object arrays of ``fractions.Fraction`` are computed exactly where the formula is rational. The ``sequential`` ones
draw as many rollouts as they need. `names` lists the rows, and `NamedEstimator` is what one is.
"""

from maxrl_est.estimates.baselines import BASELINES
from maxrl_est.estimators import designs
from maxrl_est.estimators._advantages import advantages, weights_and_advantages
from maxrl_est.estimators._any_kernel import advantage_of
from maxrl_est.estimators._functions.wrapped import WrappedFunction, as_it_stands, estimator_of
from maxrl_est.estimators._lifts import lift
from maxrl_est.estimators._priors import BetaPrior, fit_prior
from maxrl_est.estimators._registry import chosen, get, names, sequential_names
from maxrl_est.estimators._rows import NamedEstimator, Notes
from maxrl_est.estimators._sequential import Draws, SequentialEstimator, SequentialMoments
from maxrl_est.objectives.targets import LogMean, LogPassRate, MeanLessVariance, OverLevels, Target

__all__ = [
    "BASELINES",
    "BetaPrior",
    "Draws",
    "LogMean",
    "LogPassRate",
    "MeanLessVariance",
    "NamedEstimator",
    "Notes",
    "OverLevels",
    "SequentialEstimator",
    "SequentialMoments",
    "Target",
    "WrappedFunction",
    "advantage_of",
    "advantages",
    "as_it_stands",
    "chosen",
    "designs",
    "estimator_of",
    "fit_prior",
    "get",
    "lift",
    "names",
    "sequential_names",
    "weights_and_advantages",
]
