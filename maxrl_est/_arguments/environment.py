"""What the environment says of the kernels; without NumPy, since commands ask before anything is computed."""

from __future__ import annotations

import functools
import os

VARIABLE = "MAXRL_EST_KERNELS"
SETTINGS = ("auto", "numba", "numpy")


@functools.cache
def setting() -> str:
    """What the environment asks for; ValueError for anything else."""
    asked = os.environ.get(VARIABLE, "") or "auto"
    if asked not in SETTINGS:
        raise ValueError(f"{VARIABLE} must be one of {', '.join(SETTINGS)}, got {asked!r}")
    return asked
