"""One success probability with one parameter: what 0/1 rewards are at a single prompt."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from maxrl_est._arguments import short
from maxrl_est.objectives import check_rate
from maxrl_est.problems._finite import Finite, fractions_or_floats


class Bernoulli(Finite):
    """A rollout succeeds (l = 1) with probability p, the logistic function of one logit (d = 1).

    The score is l - p, so grad p = p (1 - p). Give a Fraction for exact answers; TypeError or
    ValueError where p is no number in [0, 1].

    >>> problem = Bernoulli(0.25)
    >>> float(problem.pass_rate), problem.grad_pass_rate.tolist()
    (0.25, [0.1875])
    """

    def __init__(self, p: float | Fraction) -> None:
        check_rate("p", p)
        exact = isinstance(p, Fraction)
        rate, *likelihoods = fractions_or_floats(np.array([p, 0, 1], dtype=object), exact=exact)
        l = np.array(likelihoods)
        self._hold(f"Bernoulli({short(p)})", np.array([1 - rate, rate]), l, (l - rate)[:, None])
