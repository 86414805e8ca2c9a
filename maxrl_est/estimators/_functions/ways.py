"""One way to call someone's advantage function: in which form rewards go in, and how advantages come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np

from maxrl_est._arguments import name_of
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimators._functions.containers import double_precision, given, ids_as, in_numpy, numbers, whole_numbers
from maxrl_est.estimators._functions.layouts import interleaved, of_responses, on_tokens
from maxrl_est.estimators._functions.parameters import ADVANTAGES

FORMS = {
    "batch": "rewards (B, N)",
    "group": "the rewards (N,) of one group at a time",
    "flat": "flat rewards (B N,)",
    "tokens": "rewards of tokens (B N, L)",
    "responses": "flat rewards (B N,) and tokens (B N, L)",
}
_WITH_TOKENS = ("tokens", "responses")
_BATCHES = {"columns": "as columns of one batch", "records": "as fields of a list of rollouts"}
_ARRAYS = {
    "numpy": "NumPy arrays",
    "torch": "torch tensors",
    "torch in float32": "torch tensors in float32",
    "jax": "JAX arrays",
    "list": "lists",
}


class Fields(dict[str, Any]):
    """Columns of a batch, or fields of a rollout: items and attributes, and in verl's way items of a part."""

    def __getattr__(self, name: str) -> Any:
        if name in ("batch", "non_tensor_batch"):
            return self
        if name not in self:
            raise AttributeError(f"the batch has no {name!r}")
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


@dataclass(frozen=True, slots=True)
class Way:
    """A form, what arrays and ids are, and the names under which they go: of parameters, or of columns of a batch."""

    form: str  # of FORMS
    array: str  # of ARRAYS
    ids: str | None  # of IDS, where groups are told by ids
    masks: str | None  # "ints" or "bools", where there is a mask
    rewards: tuple[str, ...]  # none: the first argument
    groups: tuple[str, ...]
    size: tuple[str, ...]
    mask: tuple[str, ...]
    advantages: str | None  # of the result, where it has parts with names
    batch: str  # "columns" or "records" of the one argument that all of these are in, or empty

    def __str__(self) -> str:
        """How the function is called, in words."""
        named = {f"group ids ({self.ids})": self.groups, "group size": self.size, f"mask ({self.masks})": self.mask}
        shown = [f"{names[0]} = {what}" for what, names in named.items() if len(names) == 1]
        if self.batch:
            shown.append(_BATCHES[self.batch])
        if self.groups:
            shown.append("groups interleaved")
        return ", ".join([f"{_ARRAYS[self.array]}: {FORMS[self.form]}", *shown])

    @property
    def ragged(self) -> bool:
        """Whether groups may have different sizes."""
        return self.form != "batch" and (self.batch != "" or not self.size)

    def __call__(self, function: Callable[..., Any], values: Array, sizes: Sequence[int]) -> Array:
        """Advantages (M,) of rewards (M,), the groups after one another.

        What the function writes to its rewards is written to the values, as it would be without a way between.
        """
        if self.form != "group":
            return self._of(function, values, sizes)
        ends = np.cumsum(sizes)
        return np.concatenate(
            [self._of(function, values[end - n : end], [n]) for n, end in zip(sizes, ends.tolist(), strict=True)]
        )

    def _of(self, function: Callable[..., Any], values: Array, sizes: Sequence[int]) -> Array:
        rows = interleaved(sizes) if self.groups else np.arange(len(values))
        flat = np.empty_like(values)
        flat[rows] = values
        packed = flat.reshape(len(sizes), -1) if self.form == "batch" else flat
        mask = np.ones(packed.shape, dtype=np.int64)
        if self.form in _WITH_TOKENS:
            spread, mask = on_tokens(flat)
            packed = spread if self.form == "tokens" else flat
        with double_precision(self.array):
            sent = given(packed.copy(), self.array)
            before = in_numpy(sent)
            found = self._result(function, self._arguments(sent, rows, sizes, mask))
            after = in_numpy(sent)
        got = self._unpacked(found, packed, mask, name_of(function))
        if not np.array_equal(after, before, equal_nan=after.dtype != object):
            values[...] = (after.sum(axis=1) if self.form == "tokens" else after).ravel()[rows]
        return got[rows]

    def _arguments(self, sent: Any, rows: Array, sizes: Sequence[int], mask: Array) -> dict[str, Any]:
        """What goes in by name; the first argument has the name ''."""
        arguments = dict.fromkeys(self.rewards or ("",), sent)
        if self.ids is not None:
            codes = np.empty(len(rows), dtype=np.int64)
            codes[rows] = np.repeat(np.arange(len(sizes)), sizes)
            arguments |= dict.fromkeys(self.groups, ids_as(codes, self.ids, self.array))
        arguments |= dict.fromkeys(self.size, sizes[0])
        if self.masks is not None:
            kind = mask if self.masks == "ints" else mask.astype(np.bool_)
            arguments |= dict.fromkeys(self.mask, whole_numbers(kind, self.array))
        return arguments

    def _result(self, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """The advantages in what the function returns, or leaves in its batch."""
        if self.batch == "columns":
            columns = Fields(arguments)
            found = function(columns)
            found = columns if found is None else found
        elif self.batch == "records":
            records = _records(arguments)
            found = function(records)
            found = _column(records if found is None else found, self.advantages)
        elif "" in arguments:
            found = function(arguments.pop(""), **arguments)
        else:
            found = function(**arguments)
        for name in ADVANTAGES if self.advantages is None else (self.advantages,):
            if isinstance(found, Mapping) and name in found:
                return found[name]
            if not isinstance(found, Mapping) and hasattr(found, name):
                return getattr(found, name)
        if self.advantages is not None:
            raise ValueError(f"{name_of(function)} must return {self.advantages!r}, got {type(found).__name__}")
        if isinstance(found, tuple) and found and not isinstance(found[0], Number):
            return found[0]  # advantages come before returns
        return found

    def _unpacked(self, found: Any, packed: Array, mask: Array, name: str) -> Array:
        """Advantages (M,) of all rollouts, in the order in which their rewards went in."""
        got = numbers(found)
        allowed = {packed.shape}
        if self.form in ("flat", *_WITH_TOKENS):
            allowed |= {packed.shape[:1], (len(packed), 1), mask.shape}
        if got.shape not in allowed:
            raise ValueError(f"{name} must return advantages of shape {packed.shape}, got {got.shape}")
        if self.form in _WITH_TOKENS and got.shape == mask.shape:
            return of_responses(got, mask)
        return got.ravel()


def _records(columns: dict[str, Any]) -> list[Fields]:
    """The rollouts of flat columns; what is one number is every rollout's."""
    size = max(len(column) for column in columns.values() if isinstance(column, list))
    return [
        Fields({name: column[row] if isinstance(column, list) else column for name, column in columns.items()})
        for row in range(size)
    ]


def _column(found: Any, name: str | None) -> Any:
    """The advantages that records have got, or what was returned in their place."""
    if not (isinstance(found, list) and found and isinstance(found[0], Mapping)):
        return found
    names = [key for key in (ADVANTAGES if name is None else (name,)) if key in found[0]]
    return [record[names[0]] for record in found] if names else found
