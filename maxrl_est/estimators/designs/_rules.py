"""Designs in use, and any other by the rule that says when to stop."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from maxrl_est._arguments import callable_or_none, flag, name_of, whole, words
from maxrl_est.estimators.designs._design import Design, Ending, start, walk

LARGEST = 2048  # rollouts, as of the groups whose effective weights are known


def fixed(n: int) -> Design:
    """Just n rollouts, whatever they are: the groups of all other functions here.

    >>> [ending.paths for ending in fixed(4).endings]
    [1, 4, 6, 4, 1]
    """
    n = whole("n", n, 1, LARGEST)
    return Design(f"fixed({n})", tuple(Ending(s, n - s, math.comb(n, s)) for s in range(n + 1)))


def until_successes(k: int, cap: int) -> Design:
    """Until there are k successes, or cap rollouts.

    With k = 1 it costs w_cap(p) rollouts: what a prompt costs is what it weighs in J_cap.

    Parameters
    ----------
    k : successes that are waited for, at most cap
    cap : the most rollouts, at most 2048

    Returns
    -------
    A `Design`

    Raises
    ------
    TypeError, ValueError
        Where k or cap is no such int.

    >>> from fractions import Fraction
    >>> from maxrl_est import Objective
    >>> p = Fraction(1, 10)
    >>> until_successes(1, 8).rollouts(p) == Objective.maxrl(8).weight(p)
    True
    """
    cap = whole("cap", cap, 1, LARGEST)
    k = whole("k", k, 1, cap)
    return _stopping(f"until_successes({k}, {cap})", lambda s, f: s == k, cap)


def until_mixed(cap: int) -> Design:
    """Until there are a success and a failure, or cap rollouts: a group that is unanimous teaches RLOO nothing.

    >>> [tuple(ending) for ending in until_mixed(3).endings]
    [(1, 1, 2), (0, 3, 1), (1, 2, 1), (2, 1, 1), (3, 0, 1)]
    """
    cap = whole("cap", cap, 1, LARGEST)
    return _stopping(f"until_mixed({cap})", lambda s, f: s > 0 and f > 0, cap)


def staged(first: int, more: int) -> Design:
    """A few rollouts first, and more only of a prompt that none of them solved.

    Parameters
    ----------
    first : rollouts of every prompt
    more : further rollouts where all of these failed; at most 2048 in all

    Returns
    -------
    A `Design`

    Raises
    ------
    TypeError, ValueError
        Where first or more is no such int.

    >>> from fractions import Fraction
    >>> staged(4, 12).rollouts(Fraction(1, 2))  # 4 + 12 / 16
    Fraction(19, 4)
    """
    first = whole("first", first, 1, LARGEST - 1)
    more = whole("more", more, 1, LARGEST - first)
    return _stopping(f"staged({first}, {more})", lambda s, f: s + f == first and s > 0, first + more)


def stopping(function: Callable[[int, int], bool], cap: int) -> Design:
    """Any rule: it is asked after each rollout whether to stop.

    Not for a rule that looks at anything but the number of successes and of failures, such as the order in which they
    came: what is exact here holds for no other.

    Parameters
    ----------
    function : takes successes and failures, two ints, and returns True to stop or False
    cap : the most rollouts, at most 2048

    Returns
    -------
    A `Design`

    Raises
    ------
    TypeError, ValueError
        Where function is none, returns anything but True or False, or cap is no such int.

    >>> stopping(lambda successes, failures: successes == 2 or failures == 2, 5).cap  # the best of three
    3
    """
    if callable_or_none("function", function) is None:
        raise TypeError(f"function must take successes and failures and return a bool, got {words(function)}")
    cap = whole("cap", cap, 1, LARGEST)
    return _stopping(f"stopping({name_of(function)}, {cap})", function, cap)


def _stopping(name: str, function: Callable[[int, int], Any], cap: int) -> Design:
    """The endings of a rule, which is asked once wherever a walk comes."""
    endings: list[Ending] = []
    ended: set[tuple[int, int]] = set()
    for size, row in walk(lambda s, f: (s, f) in ended, cap, start):
        for s in sorted(row) if size else ():
            f = size - s
            if size == cap or _answered(f"function({s}, {f})", function(s, f)):
                ended.add((s, f))
                endings.append(Ending(s, f, row[s]))
    return Design(name, tuple(endings))


def _answered(call: str, answer: Any) -> bool:
    return flag(call, bool(answer) if isinstance(answer, np.bool_) else answer)
