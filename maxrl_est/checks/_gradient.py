"""The check that on graded rewards the mean update is the gradient of something, whatever it is.

On 0/1 rewards every advantage ascends an objective. With three rewards or more most do not: what is gained on the way
from one law of rewards to another depends on the way, so that a round trip may gain, and no objective does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.ascent._levels import Levels
from maxrl_est.ascent._multisets import places
from maxrl_est.ascent._names import nearest
from maxrl_est.ascent._potential import potential
from maxrl_est.checks._no_objective import no_objective
from maxrl_est.checks._round_trips import EXACT, LARGEST, SETS, round_trip, sides_of, values_of
from maxrl_est.checks._structure import enumerable
from maxrl_est.checks._subject import Failed, Skipped, Subject
from maxrl_est.measures._columns import shown
from maxrl_est.measures._nearest import Nearest, multiple

UNKNOWN = "it is the gradient of an objective that is no known one, and is held against none"
UNNAMED = re.compile(r"phi|\bF\b|without a name")  # so that its numbers are given
SIZE = re.compile(r"(?<=J_)\d+|(?<= of )\d+|(?<=@)\d+")  # in the name of an objective


class _Gradient(NamedTuple):
    """What is ascended in groups of one size: by name where every group was asked for in rationals."""

    off: float  # what is left round a triangle or a round trip, relative to the largest difference or climb
    exact: bool
    near: Nearest | None = None
    at_constants: str = ""  # the objective where all rewards are alike


def is_a_gradient(subject: Subject) -> str:
    """Differences of advantages add up to 0 round triangles of graded rewards, so that something is ascended."""
    if subject.binary_only:
        raise Skipped("on 0/1 rewards every advantage ascends something")
    enumerable(subject)
    found = {n: _ascended(subject, n) for n in subject.sizes}
    return _said(subject, dict(reversed(found.items())))


def ascends_something(subject: Subject) -> bool:
    """Whether that check passes."""
    try:
        subject.once(is_a_gradient)
    except (Failed, Skipped):
        return False
    return True


def _ascended(subject: Subject, n: int) -> _Gradient:
    """What is ascended at one group size; Failed where sums round a triangle, or a round trip of laws, are not 0."""
    sides = sides_of(subject, n)
    triangle, is_open = sides.worst(subject.tolerance)
    trip, off, gains = round_trip(subject, n)
    if is_open or gains:
        raise no_objective(subject, sides, triangle, trip if gains else None)
    off = max(abs(float(triangle.sum)) / (sides.size or 1.0), off if off > subject.rounding else 0.0)
    if n > EXACT or sides.levels is None:
        return _Gradient(off, exact=False)
    h = potential(sides.levels, 0)
    near = nearest(sides.levels, h, subject.tolerance)
    off = max(off, near.distance if near.agreement == "within tolerance" else 0.0)
    return _Gradient(off, sides.exact and off == 0, near, _constants(sides.levels, h))


def _constants(levels: Levels, h: Array) -> str:
    """F where all rewards are alike, at each of the values."""
    k, n = len(levels.values), levels.n
    at = h[places(n * np.eye(k, dtype=np.int64))]
    return f"{_listed(f'{float(F):.4g}' for F in at)} where all are alike, at N = {n}"


def _said(subject: Subject, found: dict[int, _Gradient]) -> str:
    """What is ascended at all sizes, in a line, and how nearly."""
    named = {n: each.near for n, each in found.items() if each.near}
    off, rest = max(each.off for each in found.values()), [n for n in found if n not in named]
    said = []
    if named:
        exactly = "exactly " if all(found[n].exact for n in named) else ""
        said.append(f"{exactly}the gradient of {_in_general(named, found[max(named)].at_constants)}")
    if rest:
        some = f", beside {SETS} sets of others where N > {LARGEST}" if max(rest) > LARGEST else ""
        said.append(f"at N = {_listed(rest)} no round trip gains{some}")
    upto = f", up to {off:.1g} (tolerance {subject.tolerance:g})" if off > subject.rounding else ""
    return f"on rewards {_listed(map(shown, values_of(subject)))} {'; '.join(said)}{upto}"


def _in_general(named: dict[int, Nearest], at_constants: str) -> str:
    """The objectives, each with its sizes; one name, such as J_N, for those of several sizes that differ by N alone."""
    names = {n: _name(near) for n, near in named.items()}
    general = {n: SIZE.sub(partial(_of_size, n), name) for n, name in names.items()}
    fewer = len({*general.values()}) < len({*names.values()})
    by_name: dict[str, list[int]] = {}
    for n, name in (general if fewer else names).items():
        by_name.setdefault(name, []).append(n)
    parts = []
    for name, sizes in by_name.items():
        scales = {named[n].scale for n in sizes}
        if UNNAMED.search(name):
            text = f"{name} ({at_constants})" if max(named) in sizes else name
        else:
            text = multiple(scales.pop(), name) if len(scales) == 1 else f"{name}, times a factor that depends on N,"
        parts.append(f"{text} at N = {_listed(sizes)}")
    return "; ".join(parts)


def _of_size(n: int, found: re.Match[str]) -> str:
    return {n: "N", n - 1: "{N-1}"}.get(int(found[0]), found[0])


def _name(near: Nearest) -> str:
    if not near.known:
        return "an objective without a name"
    return near.name.removeprefix(multiple(near.scale, "")).partition(", F nearest")[0]


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))
