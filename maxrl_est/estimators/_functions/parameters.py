"""What the parameters of someone's advantage function are for, as far as their names and annotations say."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

REWARDS = (
    "rewards",
    "scores",
    "reward",
    "score",
    "token_level_rewards",
    "token_level_scores",
    "outcome_rewards",
    "likelihoods",
)
GROUPS = (
    "index",
    "indices",
    "uid",
    "uids",
    "ids",
    "groups",
    "group",
    "group_id",
    "group_ids",
    "group_index",
    "group_indices",
    "prompt_id",
    "prompt_ids",
    "prompt_uids",
    "prompt_index",
    "problem_ids",
    "task_ids",
)
SIZE = (
    "num_generations",
    "group_size",
    "grpo_size",
    "n",
    "G",
    "N",
    "n_samples",
    "num_samples",
    "n_rollouts",
    "num_rollouts",
    "rollouts_per_prompt",
    "samples_per_prompt",
    "samples_per_problem",
    "n_samples_per_prompt",
    "num_return_sequences",
)
MASK = ("response_mask", "response_masks", "mask", "masks", "eos_mask", "loss_mask", "action_mask", "completion_mask")
ADVANTAGES = ("advantages", "advantage", "advs", "adv")
ROLES = {"groups": GROUPS, "size": SIZE, "mask": MASK}  # besides the rewards, which may have any name

_LISTS = re.compile(r"\b(?:list|List|Sequence|Iterable|tuple|Tuple)\b")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of a function: the one of each role, those it cannot be called without, and hints of annotations."""

    known: bool  # False where Python cannot say, as of some compiled functions
    names: tuple[str, ...]
    roles: dict[str, str]  # name by role: rewards, groups, size, mask
    required: frozenset[str]
    first_by_place: bool  # whether the first can be given without its name
    takes_any: bool  # keywords, as ``**kwargs``
    array: str | None  # numpy, torch, jax or list, where that is plain to see
    lists: int  # how deep the lists are that the annotation speaks of


def parameters_of(function: Callable[..., Any]) -> Parameters:
    """What can be told from the signature; rewards are the parameter of that name, else the first without a role.

    >>> def f(r, index, num_generations=8): ...
    >>> parameters_of(f).roles
    {'groups': 'index', 'size': 'num_generations', 'rewards': 'r'}
    """
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return Parameters(False, (), {}, frozenset(), True, False, None, 0)
    named = [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    names = tuple(p.name for p in named)
    roles = {role: name for role, known in ROLES.items() for name in names if name in known}
    others = [name for name in names if name not in roles.values()]
    rewards = [name for name in others if name in REWARDS] or others
    if names and not rewards:  # a sole parameter called groups has the rewards
        rewards = [names[0]]
        roles = {role: name for role, name in roles.items() if name != names[0]}
    if rewards:
        roles["rewards"] = rewards[0]
    texts = [str(p.annotation) for p in named if p.name == roles.get("rewards") and p.annotation is not p.empty]
    text = texts[0] if texts else ""
    return Parameters(
        True,
        names,
        roles,
        frozenset(p.name for p in named if p.default is p.empty),
        not named or named[0].kind is not named[0].KEYWORD_ONLY,
        any(p.kind is p.VAR_KEYWORD for p in found),
        _array(text, function),
        len(_LISTS.findall(text)) if "[" in text and not re.search("Tensor|ndarray|Array", text) else 0,
    )


def _array(text: str, function: Callable[..., Any]) -> str | None:
    """The kind of array that an annotation names; else that of the one framework which the function's file imports."""
    for word, kind in (("Tensor", "torch"), ("ndarray|NDArray|ArrayLike", "numpy"), (r"\bjax|\bjnp|jaxtyping", "jax")):
        if re.search(word, text):
            return kind
    if _LISTS.search(text):
        return "list"
    held = {id(value) for value in getattr(function, "__globals__", {}).values()}
    imported = [name for name in ("numpy", "torch", "jax") if id(sys.modules.get(name)) in held]
    return imported[0] if len(imported) == 1 else None
