"""Expected likelihood less a multiple of its variance: a law's mean and spread, and no function of its levels."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import Any

from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.checked import mean_of_others
from maxrl_est.estimates.elementwise import elementwise
from maxrl_est.estimates.groups import need_size
from maxrl_est.estimates.means import mean
from maxrl_est.estimators._rows import Notes, row
from maxrl_est.objectives.targets import MeanLessVariance


def _less_half(n: int) -> MeanLessVariance:
    return MeanLessVariance()


@row(
    _less_half,
    Notes(
        estimates="the gradient of E l - Var l / 2",
        how="twice the mean, over pairs with rollout i, of (x + y)/2 - (x - y)^2/4, less the same over pairs of the "
        "others; on 0/1 rewards it ascends what mean_less_gini does",
        unbiased="always; refuses N < 3, where the others make no pair",
        cost="O(N)",
        source="mean and variance: H. Markowitz, J. Finance 7 (1952) 77; U-statistics of W. Hoeffding, 1948",
    ),
    any_reward=True,
)
def mean_less_variance(likelihoods: Array) -> Array:
    """`less_variance` with c = 1/2."""
    return less_variance(likelihoods, Fraction(1, 2))


def less_variance(likelihoods: Array, c: Fraction) -> Array:
    """l_i - M - c ((l_i - M)^2 - N/(N-2) v), M and v the mean and the variance of the others, with divisor N - 1.

    The mean of (l_i - l_j)^2 is (l_i - M)^2 + v, and twice the others' unbiased variance is 2 (N-1)/(N-2) v.
    """
    size = likelihoods.shape[-1]
    need_size(size, 3, "the variance of the others")
    own = elementwise(operator.sub, likelihoods, mean_of_others(likelihoods))
    squares = elementwise(lambda l, average: (l - average) ** 2, likelihoods, mean(likelihoods))
    factor = c if likelihoods.dtype == object else float(c)

    def advantage(own: Any, square: Any) -> Any:
        spread = square - (own / size) ** 2  # the mean of all is own/N off the mean of the others
        return own - factor * (own**2 - size * spread / (size - 2))

    return elementwise(advantage, own, mean_of_others(squares))
