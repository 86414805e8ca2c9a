"""Which way of calling a function works: found on small batches, so that one that fits by chance is none."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from maxrl_est._arguments import name_of
from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimators._functions.asking import Asked, ways
from maxrl_est.estimators._functions.parameters import ROLES, parameters_of
from maxrl_est.estimators._functions.ways import Way

PROPOSAL = "say how it is called: maxrl_est.estimator_of(function, rewards=..., groups=...)"

# Sizes with few divisors in common, so that a function which cuts a batch by a size of its own is found out. The larger
# ones are for functions that need groups of some size.
TRIALS = ((3, 4), (2, 3), (1, 5))
LARGER = ((2, 8), (2, 16), (2, 64))


def working_way(function: Callable[..., Any], asked: Asked) -> Way:
    """The first way that works on all trials, else on some of any size; ValueError with what each way gave."""
    faults: dict[str, list[Way]] = {}
    for way in _in_order(function, asked):
        fault = next(filter(None, (_fault(function, way, shape) for shape in TRIALS)), None)
        if fault is None:
            return way
        faults.setdefault(fault, []).append(way)
    for way in itertools.chain(*faults.values()):
        if not all(_fault(function, way, shape) for shape in TRIALS + LARGER):
            return way
    raise ValueError(_nothing_works(function, faults))


def is_of_arrays(function: Callable[..., Any]) -> bool:
    """Whether NumPy's arrays (B, N) give arrays: then that is what it is for, and where it fails is its fault.

    Of another shape too, unless its parameters speak of groups: then it may want its rewards flat.
    """
    found = [_given(function, rewards) for shape in TRIALS[:2] for rewards in _rewards(shape)]
    arrays = [got for got in found if isinstance(got, np.ndarray) and got.dtype.kind in "fiub"]
    shapes = {got.shape for got in arrays}
    return bool(shapes & {*TRIALS[:2]}) or bool(arrays and not set(parameters_of(function).roles) & {*ROLES})


def takes_any_axes(function: Callable[..., Any]) -> bool:
    """Whether it takes one group (N,) and groups on several axes, whatever it makes of them."""
    return any(
        all(_given(function, rewards) is not None for rewards in (groups[0], groups[None]))
        for groups in _rewards(TRIALS[0])
    )


def _given(function: Callable[..., Any], rewards: FloatArray) -> Any:
    """What it returns; None if it raises."""
    try:
        with _quietly():
            return function(rewards.copy())
    except (Exception, SystemExit):
        return None


def _in_order(function: Callable[..., Any], asked: Asked) -> Iterator[Way]:
    """The ways; a list of one group comes first where an array (B, N) gives a list, as of one written for lists."""
    found = ways(function, asked)
    first = next(found, None)
    if first is None:
        return iter(())
    order = itertools.chain([first], found)
    if (
        asked.form is None
        and (first.form, first.array) == ("batch", "numpy")
        and isinstance(_given(function, next(_rewards(TRIALS[0]))), list)
    ):
        return itertools.chain(ways(function, Asked("group", "list", asked.rewards)), order)
    return order


def _fault(function: Callable[..., Any], way: Way, shape: tuple[int, int]) -> str | None:
    """None if it returns advantages of rewards 0 and 1, or of some between; else what it gave for the former."""
    faults = []
    for rewards in _rewards(shape):
        try:
            with _quietly():
                way(function, rewards.ravel(), [shape[1]] * shape[0])
            return None
        except (Exception, SystemExit) as error:
            faults.append(_shown(error))
    return faults[0]


def _rewards(shape: tuple[int, int]) -> Iterator[FloatArray]:
    """Rewards (B, N): both 0 and 1 in each group, then both 1/4 and 3/4."""
    passed = np.add.outer(*map(np.arange, shape)) % 3 == 0
    yield passed.astype(np.float64)
    yield np.where(passed, 0.75, 0.25)


def _quietly() -> warnings.catch_warnings[None]:
    """Warnings of a try are nobody's, and where they are errors they would decide it."""
    return warnings.catch_warnings(action="ignore")


def _shown(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text if len(text) <= 160 else text[:157] + '...'}"


def _nothing_works(function: Callable[..., Any], faults: dict[str, list[Way]]) -> str:
    name = name_of(function)
    if not faults:
        known = parameters_of(function)
        return (
            "function must take rewards, group ids, a group size and a mask at most, got "
            f"{name}({', '.join(known.names)}); fix others by functools.partial, and {PROPOSAL}"
        )
    lines = [
        f"- {found[0]}{f' (and {len(found) - 1} more)' if len(found) > 1 else ''}: {fault}"
        for fault, found in faults.items()
    ]
    return "\n".join([f"function must return advantages when called in some way, got from {name}", *lines, PROPOSAL])
