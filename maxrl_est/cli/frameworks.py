"""What frameworks ship, by ``framework:name``: ``trl:GRPOTrainer``, ``verl:grpo``, ``torchrl:MCAdvantage``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from maxrl_est._arguments import closest
from maxrl_est.cli.console import Misuse

Maker: TypeAlias = Callable[..., Any]
"""An adapter's ``as_estimator`` or ``as_step``."""


def shipped(framework: str, name: str, *, step: bool = False) -> Any:
    """What the framework ships under that name, as a function of likelihoods or a step; Misuse where it has none."""
    try:
        adapter = import_module(f"maxrl_est.adapters.{framework}")
        return _MAKERS[framework](adapter.as_step if step else adapter.as_estimator, name)
    except ImportError as error:
        raise Misuse(f"{framework}:{name}: {framework} cannot be imported: {error}") from None
    except (ValueError, AttributeError) as error:
        raise Misuse(f"{framework}:{name}: {error}") from None


def _of_trl(make: Maker, name: str) -> Any:
    """A trainer, with the config that goes with it."""
    trl = import_module("trl")
    return make(_there(trl, name), _there(trl, name.replace("Trainer", "Config")))


def _of_verl(make: Maker, name: str) -> Any:
    """A name in the registry of advantage estimators, or of policy losses."""
    return make(name)


def _of_torchrl(make: Maker, name: str) -> Any:
    """A transform that writes advantages, or a loss."""
    return make(_there(import_module("torchrl.objectives.llm"), name))


def _there(module: Any, name: str) -> Any:
    if not hasattr(module, name):
        raise ValueError(f"no {name!r} in {module.__name__}; {closest(name, dir(module))}".rstrip("; "))
    return getattr(module, name)


_MAKERS: dict[str, Callable[[Maker, str], Any]] = {"trl": _of_trl, "verl": _of_verl, "torchrl": _of_torchrl}
FRAMEWORKS = tuple(_MAKERS)
