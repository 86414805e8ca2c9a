"""Which objective an advantage ascends on graded rewards, if any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maxrl_est._arguments import positive, short
from maxrl_est._arguments.protocols import Estimator
from maxrl_est.ascent._levels import different_values, levels_of, need_few_groups, one_of_values
from maxrl_est.ascent._names import nearest
from maxrl_est.ascent._potential import potential
from maxrl_est.ascent._result import Ascent
from maxrl_est.ascent._triangles import is_direction, worst_triangle
from maxrl_est.measures._equivariant import of_groups
from maxrl_est.measures._nearest import TOLERANCE
from maxrl_est.measures._sizes import group_size
from maxrl_est.objectives import exact_number


def objective_of(
    advantage: str | Estimator, n: int, values: Sequence[Any], *, reference: Any = None, tolerance: float = TOLERANCE
) -> Ascent:
    """Of which functional of the law of a reward E[g] is the gradient, or the proof that it is of none.

    On 0/1 rewards every advantage ascends something; on three levels or more most do not: their update is the gradient
    of nothing, and ascent may go round. Decided by every group of n rollouts of these values, without sampling and
    for all laws at once: differences of advantages have to add up to 0 round triangles of values. Where they do, the
    functional is rebuilt from them, and named if it is a usual one. For 0/1 rewards use `maxrl_est.effective_weight`;
    rewards with a continuum of values are asked about by a few of them, which can refute a gradient but not prove it.

    Sources: sums round triangles decide whether a game has a potential (Hofbauer, Journal of Mathematical Biology 23
    (1985) 41; Monderer & Shapley, Games and Economic Behavior 14 (1996) 124; Sandholm, Journal of Economic Theory 97
    (2001) 81); discounted policy updates are the gradient of nothing, too (Nota & Thomas, arXiv 1906.07073); with 0/1
    rewards all ascend something (Davis & Recht, arXiv 2510.13651).

    Parameters
    ----------
    advantage : a name, a row or a function of rewards (..., N), the same for any order of rollouts
    n : rollouts in a group; with k values there are C(n+k-1, k-1) groups, at most 10^7 rollouts in all of them
    values : the rewards that occur, two or more different numbers
    reference : the value at which the objective is 0; None: the first
    tolerance : for names alone, since the verdict lets rounding pass and no more: of a function of floats, the
        distance, relative to the objective, up to which it has the name of another

    Returns
    -------
    `Ascent`: ``verdict`` ("gradient", "direction" or "none"), ``name``, ``value(probabilities)``, ``estimate(groups)``,
    ``work(x, y)``, ``triangle``; exact where the function computes with Fractions, and elsewhere to its rounding

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above, or the function depends on the order of rollouts or on other groups.

    >>> from fractions import Fraction as F
    >>> print(objective_of("maxk", 4, [0, F(1, 2), 1]))
    n = 4, rewards 0, 1/2, 1: E[g] is the gradient of exactly E max of 2
    all at  F
    ------  ---
    0       0
    1/2     1/2
    1       1
    >>> shipped = objective_of("maxrl_shipped", 4, [0, F(1, 4), F(1, 2), 1])
    >>> shipped.verdict
    'none'
    """
    n, function, exact = group_size(n), of_groups(advantage, "advantage"), different_values(values)
    need_few_groups(n, exact)
    tolerance = positive("tolerance", tolerance)
    start = exact[0] if reference is None else exact_number("reference", reference)
    if start not in exact:
        raise ValueError(f"reference must be {one_of_values(exact)}, got {short(reference)}")
    levels = levels_of(function, n, exact)
    triangle = worst_triangle(levels, exact.index(start))
    if triangle is not None:
        return Ascent("direction" if is_direction(levels) else "none", start, triangle, None, levels, None)
    h = potential(levels, exact.index(start))
    return Ascent("gradient", start, None, nearest(levels, h, tolerance), levels, h)
