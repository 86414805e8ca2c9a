"""Groups of likelihoods as the batches that verl's trainer makes of them, and advantages of tokens read back."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import torch

from maxrl_est._arguments import closest, name_of
from maxrl_est._arguments.protocols import Array
from maxrl_est.adapters._judged import in_turns

_DATA = {  # what the trainer may have in its batch beside rewards: the axes of each
    "reward_baselines": 1,
    "old_log_probs": 2,
    "sum_pi_squared": 2,
    "rollout_is_weights": 2,
}
_TRIED = (4, 8, 16, 32, 64)  # rollouts in the groups of a trial, the first that are enough


@dataclass(frozen=True)
class Batch:
    """Responses by turns of their groups, each with its reward on its last token."""

    rewards: torch.Tensor  # (R, L)
    mask: torch.Tensor  # (R, L)
    uids: Array  # (R,)
    places: list[tuple[int, int]]  # group and number of each row
    sizes: list[int]

    @classmethod
    def of(cls, groups: list[Array], longest: int, dtype: torch.dtype) -> Batch:
        """Failures are the longest responses and successes have one token, so that what counts tokens shows it."""
        sizes = [len(group) for group in groups]
        places = in_turns(sizes)
        likelihoods = np.array([groups[group][number] for group, number in places])
        lengths = longest - np.floor((longest - 1) * likelihoods).astype(int)
        rewards = torch.zeros(len(places), longest, dtype=dtype)
        rewards[torch.arange(len(places)), torch.from_numpy(lengths - 1)] = torch.from_numpy(likelihoods).to(dtype)
        mask = torch.from_numpy((np.arange(longest) < lengths[:, None]).astype(np.int64))
        uids = np.array([f"prompt {len(sizes) - group}" for group, _ in places], dtype=object)  # not in order
        return cls(rewards, mask, uids, places, sizes)

    def advantages(self, tokens: torch.Tensor, name: str) -> list[Array]:
        """Advantages (N,) of each group from those of tokens (R, L), which a response has to have in common."""
        if tokens.shape != self.mask.shape:
            raise ValueError(
                f"{name} must return advantages of tokens of shape {tuple(self.mask.shape)}, got {tuple(tokens.shape)}"
            )
        common, is_token = tokens[:, :1], self.mask != 0
        differs = (~torch.isclose(tokens, common, equal_nan=True) & is_token).any(dim=-1)
        if differs.any():
            row = int(differs.int().argmax())
            raise ValueError(
                f"{name} differs within a response: its tokens have advantages {tokens[row, is_token[row]].tolist()}, "
                "and no rollout has one; longest=1 gives responses of one token"
            )
        values = common[:, 0].to(torch.promote_types(tokens.dtype, torch.float32)).numpy(force=True)
        found = [np.empty(size, dtype=values.dtype) for size in self.sizes]
        for (group, number), advantage in zip(self.places, values, strict=True):
            found[group][number] = advantage
        return found


class Shipped(NamedTuple):
    """An advantage function of verl's signature, and how it is called."""

    name: str
    call: Callable[[Batch, Mapping[str, Any]], torch.Tensor]  # with options, to advantages of tokens (R, L)
    defaults: Mapping[str, Any]  # of options

    def on_trial(self, options: Mapping[str, Any], longest: int, dtype: torch.dtype) -> torch.Tensor | None:
        """Advantages of groups graded, 0/1 and unanimous; None where it has none of any, for want of an option."""
        for size in _TRIED:
            graded = np.random.default_rng(0).random((2, size))
            groups = [*graded, (graded[0] < 0.5).astype(float), np.zeros(size), np.ones(size)]
            try:
                return self.call(Batch.of(groups, longest, dtype), options).nan_to_num()
            except Exception:  # frameworks refuse in ways of their own
                continue
        return None

    def warn_of_idle(self, options: Mapping[str, Any], longest: int, dtype: torch.dtype) -> None:
        """Warn of each option without which trial groups have the same advantages."""
        told = {name: options[name] for name in options if name != "config" and not self._by_default(name, options)}
        expected = self.on_trial(options, longest, dtype) if told else None
        for name, value in told.items():
            got = self.on_trial({other: options[other] for other in options if other != name}, longest, dtype)
            if got is not None and expected is not None and torch.equal(got, expected):
                warnings.warn(f"{name} = {value!r} changes nothing in {self.name}", stacklevel=3)

    def _by_default(self, name: str, options: Mapping[str, Any]) -> bool:
        value, default = options[name], self.defaults.get(name)
        return type(value) is type(default) and bool(np.all(value == default))


def by_name(name: str, options: Mapping[str, Any]) -> Shipped:
    """What verl has registered under a name, called by verl's trainer; TypeError for what that does not pass."""
    from verl import DataProto
    from verl.trainer.config import AlgoConfig
    from verl.trainer.ppo.core_algos import get_adv_estimator_fn
    from verl.trainer.ppo.ray_trainer import compute_advantage

    get_adv_estimator_fn(name)  # refuses names that are not registered
    defaults = {field.name: getattr(AlgoConfig(), field.name) for field in fields(AlgoConfig)}
    for option in options:
        if option not in defaults and option not in _DATA and option != "config":
            hint = closest(option, [*defaults, *_DATA])
            raise TypeError(
                f"{name} takes no option {option!r} from verl's trainer, which has the fields of AlgoConfig and "
                f"{', '.join(_DATA)}{hint and '; '}{hint}"
            )
        if option in defaults and "config" in options:
            raise TypeError(f"{option} must be in the config that is given beside it, got {options[option]!r}")

    def call(batch: Batch, given: Mapping[str, Any]) -> torch.Tensor:
        own = {option: value for option, value in given.items() if option in defaults}
        config = given.get("config") or AlgoConfig(**{"adv_estimator": name, "gdpo_reward_keys": ["reward"], **own})
        rows, length = batch.mask.shape
        shapes = {1: (rows,), 2: (rows, length)}
        tensors = {
            "token_level_rewards": batch.rewards,
            "response_mask": batch.mask,
            "prompts": torch.zeros(rows, 1, dtype=torch.int64),
            "attention_mask": torch.cat([torch.ones(rows, 1, dtype=torch.int64), batch.mask], dim=1),
            **{option: given[option].expand(shapes[axes]) for option, axes in _DATA.items() if option in given},
        }
        others = {"uid": batch.uids, "reward": batch.rewards.sum(dim=-1).numpy()}
        data = compute_advantage(
            DataProto.from_dict(tensors=tensors, non_tensors=others),
            adv_estimator=name,
            gamma=config.gamma,
            lam=config.lam,
            norm_adv_by_std_in_grpo=config.get("norm_adv_by_std_in_grpo", True),
            config=config,
        )
        found: torch.Tensor = data.batch["advantages"]
        return found

    return Shipped(name, call, defaults)


def by_itself(function: Callable[..., Any], options: Mapping[str, Any]) -> Shipped:
    """A function of verl's signature with options of its own; TypeError for those that it does not take."""
    name, parameters = name_of(function), inspect.signature(function).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        for option in options:
            if option not in parameters:
                hint = closest(option, parameters)
                raise TypeError(f"{name} takes no option {option!r}{hint and '; '}{hint}")

    def call(batch: Batch, given: Mapping[str, Any]) -> torch.Tensor:
        got = function(token_level_rewards=batch.rewards, response_mask=batch.mask, index=batch.uids, **given)
        found: torch.Tensor = got[0] if isinstance(got, tuple) else got
        return found

    return Shipped(name, call, {option: parameter.default for option, parameter in parameters.items()})
