"""The rows of the table by name."""

from __future__ import annotations

import re
from typing import Any

from maxrl_est._arguments import closest, whole, words
from maxrl_est.estimators._expected import grpo, grpo_population, mean_centred, reinforce, rloo
from maxrl_est.estimators._levels import (
    maxk,
    maxk_loo,
    maxk_loo_minus_one,
    mean_less_gini,
    median,
    tailrl,
    tailrl_centred,
)
from maxrl_est.estimators._lifted import grpo_level_lift, grpo_mean_lift
from maxrl_est.estimators._logmean import jackknife, vimco
from maxrl_est.estimators._maxrl import maxrl, maxrl_cv, maxrl_shipped, plug_in_loo, self_normalised
from maxrl_est.estimators._passk import passk, passk_loo
from maxrl_est.estimators._rows import row_of
from maxrl_est.estimators._sequential import INVERSE_SAMPLING, SUMO
from maxrl_est.estimators._ustat import (
    ustat,
    ustat_mean_loo,
    ustat_one,
    ustat_one_over_n,
    ustat_pass_loo,
    ustat_prior,
)
from maxrl_est.estimators._variance import mean_less_variance

_ORDER = (
    reinforce,
    rloo,
    mean_centred,
    grpo,
    grpo_population,
    maxrl,
    maxrl_cv,
    maxrl_shipped,
    self_normalised,
    plug_in_loo,
    ustat,
    ustat_one,
    ustat_one_over_n,
    ustat_pass_loo,
    ustat_mean_loo,
    ustat_prior,
    passk,
    passk_loo,
    maxk,
    maxk_loo,
    maxk_loo_minus_one,
    tailrl,
    tailrl_centred,
    median,
    mean_less_gini,
    mean_less_variance,
    grpo_mean_lift,
    grpo_level_lift,
    vimco,
    jackknife,
)
_TABLE = {function.__name__: row_of(function) for function in _ORDER}
_SEQUENTIAL = {row.name: row for row in (INVERSE_SAMPLING, SUMO)}


def names() -> tuple[str, ...]:
    """Names of all advantage functions, in the order of the table.

    >>> names()[:3]
    ('reinforce', 'rloo', 'mean_centred')
    """
    return tuple(_TABLE)


def sequential_names() -> tuple[str, ...]:
    """Names of the estimators that decide as they go how many rollouts to draw.

    >>> sequential_names()
    ('inverse_sampling', 'sumo')
    """
    return tuple(_SEQUENTIAL)


def chosen(estimator: Any, name: str = "estimator") -> Any:
    """The row that a name stands for; a row, or any function of likelihoods, as it is.

    Parameters
    ----------
    estimator : a name, as `get` takes it; a row; or a function of likelihoods (..., N)
    name : what errors call it

    Returns
    -------
    what can be called

    Raises
    ------
    TypeError
        For what is neither a name nor a function.
    ValueError
        For a name that is none.

    >>> chosen("rloo").name
    'rloo'
    """
    if isinstance(estimator, str):
        return _row(name, estimator)
    if not callable(estimator):
        raise TypeError(f"{name} must be a name, a row or a function of likelihoods (..., N), got {words(estimator)}")
    return estimator


def get(name: str) -> Any:
    """The row of that name.

    Parameters
    ----------
    name : one of `names` or `sequential_names`; a row with a parameter takes it in parentheses: the order of the
        ``ustat`` family, k of the ``passk`` and ``maxk`` families and of ``median``, the number of acceptances of
        ``inverse_sampling``

    Returns
    -------
    a `NamedEstimator`, or a `SequentialEstimator` for one of `sequential_names`

    Raises
    ------
    TypeError, ValueError
        For what is no name of a row, with the closest one, and for a parameter of 0.

    >>> get("rloo")([1.0, 0.0, 0.5])
    array([ 0.75, -0.75,  0.  ])
    >>> get("ustat_one(2)")([1.0, 0.0])
    array([ 1., -1.])
    >>> get("rloo").notes.source
    'arXiv 2402.14740'
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, one of {', '.join(_TABLE)}, got {words(name)}")
    return _row("name", name)


def _row(argument: str, name: str) -> Any:
    match = re.fullmatch(r"(\w+)\((\d+)\)", name)
    plain = match[1] if match else name
    known = (*_TABLE, *_SEQUENTIAL)
    row = _TABLE.get(plain) or _SEQUENTIAL.get(plain)
    if row is None or (match and row.parameter is None):
        hint = closest(plain, known) or f"known are {', '.join(known)}"
        raise ValueError(f"{argument} must be a name in the table, got {words(name)}; {hint}")
    own = {row.parameter: whole(f"{row.parameter} of {plain}", int(match[2]))} if match and row.parameter else {}
    return row.having(name, own)
