"""The estimators in other frameworks: on their arrays and in their trainers, and a judge for what these ship.

| module | has | needs |
| --- | --- | --- |
| ``array_api`` | ``advantages``, weights and objectives on arrays of NumPy, torch, JAX and CuPy | array-api-compat |
| ``torch`` | the same on tensors by the compiled kernels, and ``maxrl_loss`` | torch |
| ``jax`` | the same for ``jit``, ``vmap`` and ``grad``, and ``maxrl_loss`` | jax |
| ``trl`` | ``MaxRLTrainer``, a GRPO trainer with these advantages | trl |
| ``verl`` | ``TokenAdvantages`` and their names, for verl and SkyRL | torch; verl to register |
| ``torchrl`` | ``MaxRLAdvantage``, a transform of a replay buffer | torchrl |
| ``swift`` | ``MaxRLTrainer``, a GRPO trainer by a plugin of two lines | ms-swift |
| ``tunix`` | ``GroupAdvantages`` and ``register``, for tunix's registry | google-tunix |

All but ``array_api`` have ``as_estimator``, which makes what the framework ships, or a function of one's own, an
estimator for `maxrl_est.check_estimator`, and ``as_step``, which makes a whole training step, for
`maxrl_est.steps.exact_step`, of its loss. A module is imported at its first use, so that this package needs none of the
frameworks; where one is missing, the error says which extra brings it. Not for NumPy alone, which has
`maxrl_est.advantages`.

>>> from maxrl_est import adapters
>>> adapters.__all__
['array_api', 'jax', 'swift', 'torch', 'torchrl', 'trl', 'tunix', 'verl']
"""

from importlib import import_module
from typing import Any

__all__ = ["array_api", "jax", "swift", "torch", "torchrl", "trl", "tunix", "verl"]


def __getattr__(name: str) -> Any:
    """Import a module at its first use; ImportError with the extra that brings its framework where that is missing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        extra = name.replace("_", "-")
        raise ModuleNotFoundError(
            f"{__name__}.{name} needs {error.name}: pip install 'maxrl-est[{extra}]'", name=error.name
        ) from error


def __dir__() -> list[str]:
    return __all__
