"""What is said of a function whose update on graded rewards is the gradient of nothing, for who never heard of such."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from maxrl_est.ascent import Triangle
from maxrl_est.ascent._multisets import count
from maxrl_est.ascent._triangles import is_direction
from maxrl_est.checks._round_trips import LARGEST, RoundTrip, Sides, sides_of, values_of
from maxrl_est.checks._subject import Failed, Subject
from maxrl_est.estimators import NamedEstimator
from maxrl_est.measures._columns import shown

GROUPS = 20_000  # that a line which reproduces it may ask for: a second


def no_objective(subject: Subject, sides: Sides, triangle: Triangle, trip: RoundTrip | None) -> Failed:
    """What a round trip gains, if one does, the triangle that it comes from, and which lift has an objective."""
    n, turning = sides.n, _turns_on_one_prompt(subject, sides)
    parts = [*([_gain(trip, turning)] if trip else []), _sum(triangle), *_lifts(subject, n)]
    return Failed(
        f"N = {n}: on graded rewards the mean update is the gradient of nothing: {'; '.join(parts)}",
        _line(subject, n, triangle, trip),
        {
            "N": n,
            "triangle": [float(value) for value in (triangle.x, triangle.y, triangle.z)],
            "sum": float(triangle.sum),
            "work": trip.net if trip else 0.0,
        },
    )


def _gain(trip: RoundTrip, turning: str) -> str:
    up, then, back = trip.climbs
    climb = f"{_number(up)} {'+' if then >= 0 else '-'} {_number(abs(then))}"
    home = "loses nothing" if not back else f"{'goes down only' if back < 0 else 'climbs another'} {_number(abs(back))}"
    return (
        f"from all rollouts at {shown(trip.x)} to all at {shown(trip.y)} to all at {shown(trip.z)} it climbs {climb}, "
        f"and coming straight back it {home}, so that every round trip gains {_number(trip.net)}: {turning}"
    )


def _turns_on_one_prompt(subject: Subject, sides: Sides) -> str:
    """What training can do; whether it takes a second prompt, by the largest groups of which every one is asked for."""
    sizes = [n for n in subject.sizes if n <= min(sides.n, LARGEST)]
    every = sides if sides.n in sizes else sides_of(subject, sizes[0]) if sizes else None
    if every and every.levels and every.worst(subject.tolerance)[1] and is_direction(every.levels):
        one = f"on one alone, at N = {every.n}, it has locally the direction of a gradient, at a speed of its own"
        return f"training on two prompts or more can go round for ever, and no objective rises all the time ({one})"
    return "training can go round for ever, and no objective rises all the time"


def _sum(triangle: Triangle) -> str:
    x, y, z = shown(triangle.x), shown(triangle.y), shown(triangle.z)
    beside = f"in groups with {triangle.beside} more, " if triangle.others else ""
    less = f"the advantage of {x} less that of {y}, of {y} less that of {z}, and of {z} less that of {x}"
    return f"{beside}{less} add up to {_number(triangle.sum)}, not 0"


def _lifts(subject: Subject, n: int) -> list[str]:
    """What ascends the objective that 0/1 rewards have; nothing where they are not taken."""
    if subject.positive_only:
        return []
    near = subject.weight(n).nearest(tolerance=subject.tolerance)
    rule = repr(subject.name) if isinstance(subject.function, NamedEstimator) else subject.label
    lift = f"maxrl_est.lift({rule}, 'mean')"
    if near.known and near.objective:
        name = near.objective.name
        return [f"{lift} ascends {name} of the mean reward, and 'levels' {name} of each level"]
    return [f"{lift} and 'levels' ascend what it does on 0/1 rewards, for the mean reward and for each level"]


def _line(subject: Subject, n: int, triangle: Triangle, trip: RoundTrip | None) -> str:
    """A line that shows the same with all groups of these rewards, if they are not too many."""
    three = sorted({trip.x, trip.y, trip.z} if trip else {triangle.x, triangle.y, triangle.z, *triangle.others})
    for values in (values_of(subject), three):
        if count(n, len(values)) <= GROUPS:
            return f"maxrl_est.objective_of({subject.label}, {n}, [{', '.join(map(_written, values))}])"
    return ""


def _written(value: Fraction) -> str:
    """As Python has it."""
    return str(float(value)) if value.denominator > 1 else str(value)


def _number(value: Any) -> str:
    return f"{float(value):.4g}"
