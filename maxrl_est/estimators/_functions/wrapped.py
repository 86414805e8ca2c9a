"""Any advantage function, as its author has it, as one of NumPy's likelihoods ``(..., N)``: how to call it is found."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import name_of, words
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.estimators._functions.asking import Asked
from maxrl_est.estimators._functions.parameters import parameters_of
from maxrl_est.estimators._functions.trying import is_of_arrays, takes_any_axes, working_way
from maxrl_est.estimators._functions.ways import Way
from maxrl_est.estimators._rows import NamedEstimator
from maxrl_est.estimators._sequential import SequentialEstimator


@dataclass(frozen=True)
class WrappedFunction:
    """A function of rewards as an advantage function ``(..., N) -> (..., N)``, made by `maxrl_est.estimator_of`.

    Parameters
    ----------
    function : as its author has it
    how : one sentence on how it is called
    expression : what makes the same of the function, where that is at hand
    way : how it is called
    """

    function: Callable[..., Any]
    how: str
    expression: str
    way: Way

    def __post_init__(self) -> None:
        object.__setattr__(self, "__name__", self.name)
        object.__setattr__(self, "__qualname__", self.expression)

    @property
    def name(self) -> str:
        """That of the function."""
        return name_of(self.function)

    def __call__(self, likelihoods: npt.ArrayLike, /) -> Array:
        """Advantages (..., N) of likelihoods (..., N), float64, or Fractions where the function keeps those."""
        given = np.asarray(likelihoods)
        if given.ndim == 0 or given.shape[-1] == 0:
            raise ValueError(f"likelihoods must have groups on the last axis, got shape {given.shape}")
        if given.size == 0:
            return np.empty(given.shape)
        size = given.shape[-1]
        return self.way(self.function, given.reshape(-1), [size] * (given.size // size)).reshape(given.shape)

    @property
    def ragged(self) -> Callable[[Sequence[Array]], list[Array]] | None:
        """A function of groups (N_1,), (N_2,), ... in one batch to their advantages; None where sizes are all one."""
        return self._of_groups if self.way.ragged else None

    def _of_groups(self, groups: Sequence[Array]) -> list[Array]:
        sizes = [len(group) for group in groups]
        return list(np.split(self.way(self.function, np.concatenate(groups), sizes), np.cumsum(sizes)[:-1]))


def estimator_of(
    function: Callable[..., Any],
    *,
    form: str | None = None,
    array: str | None = None,
    rewards: str | None = None,
    groups: str | None = None,
    size: str | None = None,
    mask: str | None = None,
    advantages: str | None = None,
) -> WrappedFunction:
    """The advantage function ``(..., N) -> (..., N)`` that a function is, in whatever form its author has it.

    For `maxrl_est.check_estimator` and `maxrl_est.effective_weight`. What is left open is found by calling the function
    on small batches of rewards 0 and 1, or between them where it refuses those, in this order, of which the first
    that gives real numbers of the right shape is taken:

    - where it has required parameters for group ids, a group size or a mask (``index``, ``uids``, ``num_generations``,
      ``response_mask``, ... or what the options name): flat rewards with these, or rewards of tokens; with a mask
      alone, arrays (B, N) of both
    - else arrays (B, N); then flat, where optional parameters have such names; then one group at a time, which comes
      first where rewards are annotated as a list of numbers, and wherever an array gives lists
    - a dict of columns, or a list with a dict for each rollout, with the usual names or those of the options; columns
      and fields are also attributes

    and in each of them NumPy arrays, torch tensors in float64 and in float32, JAX arrays, lists, as far as these have
    been imported; the kind that is annotated, or that the function's file alone imports, comes first. Group ids are
    strings or ints, in arrays or lists, and groups are interleaved, as trainers' shuffling leaves them: a function
    that cuts the batch where ids say otherwise is found out. Responses have 1 to 4 tokens, the reward on the last.

    Of what is returned, the advantages are taken from a dict or an object that names them, or first in a tuple; tensors
    are detached, and tokens of a response have to agree. Not for a function that takes (B, N) without complaint but
    means something else by it, which nothing shows: give ``form``. For other required parameters there is
    ``functools.partial``.

    Parameters
    ----------
    function : what computes advantages
    form : ``"batch"`` (B, N), ``"group"`` (N,), ``"flat"`` (B N,), ``"tokens"`` (B N, L), or ``"responses"``: flat with
        a mask of tokens
    array : ``"numpy"``, ``"torch"``, ``"jax"`` or ``"list"``
    rewards, groups, size, mask : names of its parameters, or of the columns or fields in the one argument that it takes
    advantages : name of the advantages in what it returns, or leaves in its argument

    Returns
    -------
    `maxrl_est.estimators.WrappedFunction`, which says ``how`` the function is called; its ``ragged`` takes groups of
    several sizes

    Raises
    ------
    TypeError, ValueError
        For options that are not as above; ValueError if no way works, with what each of them gave.

    >>> def advantages(scores, uids):  # flat, in any order
    ...     return [s - np.mean([t for t, v in zip(scores, uids) if v == u]) for s, u in zip(scores, uids)]
    >>> estimator = estimator_of(advantages)
    >>> estimator([[1.0, 0.0], [1.0, 1.0]])
    array([[ 0.5, -0.5],
           [ 0. ,  0. ]])
    >>> print(estimator.how)
    called with NumPy arrays: flat rewards (B N,), uids = group ids (strings), groups interleaved
    """
    if not callable(function):
        raise TypeError(f"function must be callable, got {words(function)}")
    if isinstance(function, SequentialEstimator):
        raise TypeError(f"function must be one of rewards, got {function.name!r}, which draws rollouts itself")
    asked = Asked(form, array, rewards, groups, size, mask, advantages)
    if array in ("torch", "jax"):
        importlib.import_module(array)
    way = working_way(function, asked)
    shown = (
        str(getattr(function, "__qualname__", name_of(function))).rpartition("<locals>.")[2].replace("<lambda>", "f")
    )
    return WrappedFunction(function, f"called with {way}", f"maxrl_est.estimator_of({shown}{asked})", way)


def as_it_stands(function: Callable[..., Any]) -> Any:
    """A row, or a function of NumPy arrays (B, N), as it is; any other by `maxrl_est.estimator_of`.

    One that no way of calling it suits is given back as it is, so that its own error shows, unless it cannot be called
    on rewards alone: then calling it raises what `maxrl_est.estimator_of` says.
    """
    if isinstance(function, NamedEstimator | SequentialEstimator | WrappedFunction):
        return function
    of_arrays = is_of_arrays(function)
    if of_arrays and takes_any_axes(function):
        return function
    try:
        return estimator_of(function, form="batch", array="numpy") if of_arrays else estimator_of(function)
    except ValueError as error:
        takes_rewards_alone = len(parameters_of(function).required) <= 1
        return function if takes_rewards_alone else _raising(name_of(function), error)


def _raising(name: str, error: ValueError) -> Estimator:
    def uncallable(likelihoods: Array, /) -> Array:
        raise ValueError(str(error))

    uncallable.__name__ = uncallable.__qualname__ = name
    return uncallable
