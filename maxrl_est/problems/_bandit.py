"""A softmax policy over a few arms with graded likelihoods."""

from __future__ import annotations

import numpy as np

from maxrl_est._arguments import short
from maxrl_est.problems._finite import Finite, Numbers, outcomes


class Bandit(Finite):
    """Arm z is drawn with probability pi_z, softmax of d = s logits, and has likelihood l_z.

    The score of arm z with respect to the logits is e_z - pi. The smallest problem on which rewards that are
    not 0/1 can be told from those that are. Give Fractions for exact answers.

    Parameters
    ----------
    probabilities, likelihoods : numbers (s,) in [0, 1], one for each arm; probabilities sum to 1

    Raises
    ------
    TypeError, ValueError
        Where they are not so.

    >>> from fractions import Fraction as F
    >>> arms = Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 2), F(1)])
    >>> arms.pass_rate
    Fraction(1, 3)
    >>> [str(x) for x in arms.grad_pass_rate]
    ['-1/6', '1/18', '1/9']
    """

    def __init__(self, probabilities: Numbers, likelihoods: Numbers) -> None:
        pi, l = outcomes(probabilities, likelihoods)
        identity = np.eye(len(pi), dtype=int)
        arms = ", ".join(f"{short(x)}: {short(y)}" for x, y in zip(pi, l, strict=True))
        self._hold(f"Bandit({arms})", pi, l, identity - pi)
