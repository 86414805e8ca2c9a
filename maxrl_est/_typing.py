"""Array aliases and the protocols that estimators and problems satisfy."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]


class Estimator(Protocol):
    """An advantage function: likelihoods ``(..., N)`` to coefficients of the scores ``(..., N)``.

    The gradient estimate it stands for is ``(1/N) sum_i A_i S_i`` over each group.
    """

    def __call__(self, likelihoods: Array, /) -> Array: ...


class FiniteProblem(Protocol):
    """A problem whose rollouts take finitely many values, so expectations are finite sums.

    With s outcomes and d parameters: ``probabilities (s,)``, ``likelihoods (s,)``, ``scores (s, d)``.
    Entries may be floats, or ``fractions.Fraction`` in object arrays for exact arithmetic.
    """

    @property
    def probabilities(self) -> Array: ...

    @property
    def likelihoods(self) -> Array: ...

    @property
    def scores(self) -> Array: ...

    @property
    def pass_rate(self) -> Any: ...

    @property
    def grad_pass_rate(self) -> Array: ...
