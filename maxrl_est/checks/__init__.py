"""Is an advantage function, or a whole training step, right? Named checks, and one report.

Nothing is sampled unless asked for: the objective is read off 0/1 groups exactly, whether there is one for graded
rewards off differences of advantages, and the bias on graded likelihoods is a finite sum.
"""

from maxrl_est.checks._bias import BINARY, GRADED
from maxrl_est.checks._cases import parametrize_with_checks
from maxrl_est.checks._known import KnownFault
from maxrl_est.checks._logs import Match, Recovered, recover
from maxrl_est.checks._report import Check, CheckFailure, CheckReport, NoiseRow, PromptRow
from maxrl_est.checks._runner import CHECKS, check_estimator
from maxrl_est.checks._steps.runner import STEP_CHECKS, check_step

__all__ = [
    "BINARY",
    "CHECKS",
    "GRADED",
    "STEP_CHECKS",
    "Check",
    "CheckFailure",
    "CheckReport",
    "KnownFault",
    "Match",
    "NoiseRow",
    "PromptRow",
    "Recovered",
    "check_estimator",
    "check_step",
    "parametrize_with_checks",
    "recover",
]
