"""States of runs as JSON has them, and back; what is read is checked to be what could have been written."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.training._curves import Point
from maxrl_est.training._run import State

_RUN = ("step", "rollouts", "theta", "optimiser", "points")


def listed(states: Sequence[State], points: Sequence[Sequence[Point]]) -> dict[str, Any]:
    """Where all runs are, and the points of their curves."""
    return {
        "runs": [
            {
                "step": state.step,
                "rollouts": state.rollouts,
                "theta": state.theta.tolist(),
                "optimiser": _lists(state.optimiser),
                "points": [list(asdict(point).values()) for point in reached],
            }
            for state, reached in zip(states, points, strict=True)
        ]
    }


def restored(
    saved: Any, starts: Sequence[State], stops: Sequence[int], tested: bool
) -> tuple[list[State], list[list[Point]]]:
    """The states and points that `listed` made this of; ValueError with the place and the rule if it made it of others.

    ``starts`` are the first states of the runs, ``stops`` the steps of their points, which have pass rates of a test
    task or not.
    """
    runs: Any = saved.get("runs") if isinstance(saved, dict) else None
    _need(isinstance(runs, list) and len(runs) == len(starts), "runs", f"be a list of {len(starts)}", runs)
    _need(len(saved) == 1, "the state", "have runs and no more", list(saved))
    states, points = [], []
    for index, (run, start) in enumerate(zip(runs, starts, strict=True)):
        where = f"runs[{index}]"
        _need(isinstance(run, dict) and set(run) == set(_RUN), where, f"have {', '.join(_RUN)} and no more", run)
        points.append(_points(run["points"], f"{where}.points", stops, tested))
        states.append(_state(run, where, start, _between(stops, len(points[-1]))))
    return states, points


def _points(saved: Any, where: str, stops: Sequence[int], tested: bool) -> list[Point]:
    _need(isinstance(saved, list) and len(saved) <= len(stops), where, f"be a list of at most {len(stops)}", saved)
    kinds = [int, int, float, float, float, *([float if tested else type(None)] * 2)]
    names = ", ".join(field.name for field in fields(Point))
    for index, (values, stop) in enumerate(zip(saved, stops, strict=False)):
        here = f"{where}[{index}]"
        numbers = isinstance(values, list) and list(map(type, values)) == kinds
        _need(numbers and not any(x != x for x in values), here, f"have numbers {names}", values)  # NaN is none
        _need(values[0] == stop, here, f"be of step {stop}", values)
    return [Point(*values) for values in saved]


def _state(run: dict[str, Any], where: str, start: State, between: tuple[int, int]) -> State:
    low, high = between
    step = run["step"]
    _need(type(step) is int and low <= step <= high, f"{where}.step", f"be an int in [{low}, {high}]", step)
    rollouts = run["rollouts"]
    _need(type(rollouts) is int and rollouts >= 0, f"{where}.rollouts", "be an int of at least 0", rollouts)
    theta = _like(start.theta, run["theta"], f"{where}.theta")
    _need(bool(np.isfinite(theta).all()), f"{where}.theta", "be finite", run["theta"])
    return State(step, rollouts, theta, _like(start.optimiser, run["optimiser"], f"{where}.optimiser"))


def _between(stops: Sequence[int], points: int) -> tuple[int, int]:
    """Where a run with that many points may be: at the last of them, or on the way to the next."""
    return stops[max(points - 1, 0)], stops[min(points, len(stops) - 1)]


def _lists(state: Any) -> Any:
    """An optimiser's state, an array or tuples of states, as JSON has it."""
    return [_lists(part) for part in state] if isinstance(state, tuple) else np.asarray(state).tolist()


def _like(template: Any, saved: Any, where: str) -> Any:
    """The state that `_lists` made a list of."""
    if not isinstance(template, tuple):
        return _array(np.asarray(template), saved, where)
    _need(isinstance(saved, list) and len(saved) == len(template), where, f"be a list of {len(template)}", saved)
    parts = [
        _like(part, own, f"{where}[{index}]") for index, (part, own) in enumerate(zip(template, saved, strict=True))
    ]
    return type(template)(*parts) if hasattr(template, "_fields") else tuple(parts)


def _array(template: Array, saved: Any, where: str) -> Array:
    try:
        array = np.array(saved, dtype=template.dtype)
        same = array.shape == template.shape and array.tolist() == saved
    except (ValueError, TypeError, OverflowError):
        same = False
    _need(same, where, f"have {template.dtype} numbers of shape {template.shape}", saved)
    return array


def _need(holds: bool, where: str, rule: str, value: Any) -> None:
    if not holds:
        raise ValueError(f"{where} must {rule}, got {reprlib.repr(value)}")
