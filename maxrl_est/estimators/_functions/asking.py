"""The ways in which a function may want to be called, likeliest first, from what the caller and its signature say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from maxrl_est._arguments import closest, name_of, one_of, words
from maxrl_est.estimators._functions.containers import ARRAYS, ids_for, loaded
from maxrl_est.estimators._functions.parameters import GROUPS, MASK, REWARDS, ROLES, SIZE, Parameters, parameters_of
from maxrl_est.estimators._functions.ways import FORMS, Way


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller says of a function; None is left to be found."""

    form: str | None = None
    array: str | None = None
    rewards: str | None = None
    groups: str | None = None
    size: str | None = None
    mask: str | None = None
    advantages: str | None = None

    def __post_init__(self) -> None:
        for name, known in (("form", FORMS), ("array", ("numpy", "torch", "jax", "list"))):
            if getattr(self, name) is not None:
                one_of(name, getattr(self, name), known)
        for field in fields(self)[2:]:
            value = getattr(self, field.name)
            if value is not None and not isinstance(value, str):
                raise TypeError(f"{field.name} must be the name of an argument or a column, got {words(value)}")

    def __str__(self) -> str:
        """As keyword arguments, each after a comma."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return "".join(f", {name}={value!r}" for name, value in named.items() if value is not None)

    def names(self) -> dict[str, str]:
        """The names that are said to be those of the function's parameters or of its batch's columns."""
        named = {role: getattr(self, role) for role in ("rewards", *ROLES)}
        return {role: name for role, name in named.items() if name is not None}


def ways(function: Callable[..., Any], asked: Asked) -> Iterator[Way]:
    """Ways to try; a framework counts once it has been imported, which an earlier try may have done.

    By keyword, if the names are the function's own: the form that its required parameters speak of, where they speak;
    else (B, N), then the flat forms that its optional parameters allow, then one group at a time. Last, or at once
    where names are given that are no parameters, one batch with these columns, or a list of rollouts with such fields.
    """
    known = parameters_of(function)
    for form, names, batch in _forms(known, asked, name_of(function)):
        if asked.form in (None, form):
            for array in _arrays(known.array, asked.array):
                if not loaded(array) or (batch == "records" and array != "list"):
                    continue
                of_ids = ids_for(array) if names["groups"] else (None,)
                of_masks = _masks(names, known) if names["mask"] else (None,)
                for ids, masks in itertools.product(of_ids, of_masks):
                    yield Way(form, array, ids, masks, advantages=asked.advantages, batch=batch, **names)


def _forms(known: Parameters, asked: Asked, name: str) -> Iterator[tuple[str, dict[str, tuple[str, ...]], str]]:
    """Each form, the names that go with it by role, and whether they are columns or records of one argument."""
    if _has_columns(known, asked, name):
        yield from _in_one_argument(asked)
        return
    roles = known.roles | asked.names()
    if known.required - set(roles.values()):
        return
    needed = {role for role in ROLES if roles.get(role) in known.required} | (set(asked.names()) & set(ROLES))
    flat = _flat_forms(needed, roles)
    if needed:
        order = flat if needed & {"groups"} else [*flat, "batch"] if needed & {"size"} else ["batch", *flat, "group"]
    elif known.lists == 1:
        order = ["group", "batch", *(flat if set(roles) & {"groups", "size"} else [])]
    else:
        order = ["batch", *(flat if set(roles) & {"groups", "size"} else []), "group"]
    for form in order:
        yield form, _arguments(known, roles, needed, form), ""
    if not needed and asked.rewards is None and len(known.required) <= 1:
        yield from _in_one_argument(asked)


def _in_one_argument(asked: Asked) -> Iterator[tuple[str, dict[str, tuple[str, ...]], str]]:
    if asked.names().keys() <= {"rewards"}:  # a function that asks for nothing else has no flat rewards
        yield "batch", {**next(_columns(asked, "batch")), "groups": (), "size": (), "mask": ()}, "columns"
    for form in ("tokens", "flat") if asked.mask else ("flat", "tokens"):
        for names in _columns(asked, form):
            yield form, names, "columns"
    if not asked.mask:
        for names in _columns(asked, "flat"):
            yield "flat", names, "records"


def _flat_forms(needed: set[str], roles: dict[str, str]) -> list[str]:
    """The forms of all rollouts in a row: of tokens first where a mask has to be given, or rewards are of tokens."""
    if "mask" not in roles:
        return ["flat"]
    first = "mask" in needed or roles.get("rewards", "").startswith("token")
    return ["tokens", "responses", "flat"] if first else ["flat", "tokens", "responses"]


def _masks(names: dict[str, tuple[str, ...]], known: Parameters) -> tuple[str, str]:
    """Kinds of masks to try: ints index what bools select, so they come first only where verl's names say so."""
    verl = known.roles.get("rewards", "").startswith("token") or len(names["rewards"]) > 1
    return ("ints", "bools") if verl else ("bools", "ints")


def _arguments(known: Parameters, roles: dict[str, str], needed: set[str], form: str) -> dict[str, tuple[str, ...]]:
    """Parameters that are given in this form: what it needs, and what the function does."""
    given = set(needed)
    given |= {"groups", "size"} if form in ("flat", "tokens", "responses") else set()
    given |= {"mask"} if form in ("tokens", "responses") else set()
    names = {role: (roles[role],) if role in given and role in roles else () for role in ROLES}
    first = known.names[0] if known.names else ""
    rewards = roles.get("rewards", first)
    return {"rewards": () if rewards == first and known.first_by_place else (rewards,), **names}


def _has_columns(known: Parameters, asked: Asked, name: str) -> bool:
    """Whether the names that were given are columns of a batch, being no parameters; ValueError if some are."""
    if not known.known or known.takes_any:
        return False
    strange = {role: given for role, given in asked.names().items() if given not in known.names}
    if strange and (len(strange) < len(asked.names()) or len(known.required) > 1):
        role, given = next(iter(strange.items()))
        hint = closest(given, known.names)
        there = ", ".join(known.names)
        raise ValueError(f"{role} must be a parameter of {name}, {there}, got {words(given)}{hint and '; '}{hint}")
    return bool(strange)


def _columns(asked: Asked, form: str) -> Iterator[dict[str, tuple[str, ...]]]:
    """Names of columns: those that were given, and all usual ones where none was.

    Where it is open how groups are told: by ids alone; by a size alone, so that they lie one after the other; by both.
    """
    usual = {"rewards": REWARDS, "groups": GROUPS, "size": SIZE, "mask": MASK if form == "tokens" else ()}
    named = asked.names()
    found = {role: (named[role],) if role in named else names for role, names in usual.items()}
    if "groups" not in named and "size" not in named:
        yield {**found, "size": ()}
    if "groups" not in named:
        yield {**found, "groups": ()}
    if "size" not in named or "groups" in named:
        yield found


def _arrays(hinted: str | None, asked: str | None) -> list[str]:
    """Kinds of arrays, the one that is asked for alone, and the one that the function's file speaks of first."""
    if asked is not None:
        return [kind for kind in ARRAYS if kind.partition(" ")[0] == asked]
    return sorted(ARRAYS, key=lambda kind: kind.partition(" ")[0] != hinted)
