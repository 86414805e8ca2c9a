"""What a sample says about a mean, valid at every sample size at once, and what it will be able to say.

Values are watched as they come and may be looked at any time, so a run may stop, resume or be extended without
touching its error rates. `Betting` needs bounds of the values, `Catoni` a bound of their variance; a mean of
values with neither gets a verdict from `Normal`, whose error rates are not known. `question` chooses among them by
what is known, and its `Question` has a `SamplingPlan`, what a run will be able to say, and a verdict.
"""

from maxrl_est.confidence._betting import Betting
from maxrl_est.confidence._catoni import Catoni
from maxrl_est.confidence._normal import Normal
from maxrl_est.confidence._planning import clopper_pearson, detectable_bias, samples_needed
from maxrl_est.confidence._questions import Question, SamplingPlan, Verdict, question

__all__ = [
    "Betting",
    "Catoni",
    "Normal",
    "Question",
    "SamplingPlan",
    "Verdict",
    "clopper_pearson",
    "detectable_bias",
    "question",
    "samples_needed",
]
