"""What an advantage function ascends on rewards of a few values, or the proof that it ascends nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from numbers import Rational
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import at, short
from maxrl_est._arguments.protocols import Array
from maxrl_est.ascent._levels import Levels, chances, one_of_values
from maxrl_est.ascent._multisets import places
from maxrl_est.ascent._potential import work
from maxrl_est.ascent._triangles import Triangle
from maxrl_est.estimates.groups import groups_of
from maxrl_est.measures._columns import Columns, shown
from maxrl_est.measures._nearest import Nearest
from maxrl_est.objectives import exact_number
from maxrl_est.objectives._numbers import real_numbers

Verdict = Literal["gradient", "direction", "none"]
_SUM = 1e-6  # that the sum of probabilities in floats, float32 too, may be off by


@dataclass(frozen=True, slots=True, eq=False)
class Ascent(Columns):
    """Whether E[g] is a gradient, of what, and the triangle that shows it where it is none.

    ``verdict`` is

    - ``"gradient"``: E[g] = grad F for a functional F of the law of a reward, for every policy and any prompts
    - ``"direction"``: on one prompt, near every law where E[g] is not 0, it is the gradient of something times a factor
      that depends on the law; with a second prompt the factors differ and it is the gradient of nothing. With three
      values every update is at least that; round a law where E[g] is 0 it may still turn
    - ``"none"``: of nothing at any speed

    ``nearest`` is the usual functional that F is, or that is closest to it; None where there is no F. ``triangle`` is
    None where there is one.
    """

    verdict: Verdict
    reference: Fraction
    triangle: Triangle | None
    nearest: Nearest | None
    levels: Levels = field(repr=False)
    potential: Array | None = field(repr=False)  # h of each group

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ascent):
            return NotImplemented
        ours, theirs = ((x.verdict, x.reference, x.values, x.n, x.nearest) for x in (self, other))
        return ours == theirs and np.array_equal(self.levels.beside, other.levels.beside)

    def __hash__(self) -> int:
        return hash((self.verdict, self.reference, self.values, self.n))

    @property
    def n(self) -> int:
        """Rollouts in a group."""
        return self.levels.n

    @property
    def values(self) -> tuple[Fraction, ...]:
        """The rewards that occur."""
        return self.levels.values

    @property
    def exact(self) -> bool:
        """Whether the function computed with Fractions."""
        return self.levels.precision is None

    @property
    def rounding(self) -> float:
        """The relative error to expect: 0 for exact rationals."""
        return self.levels.precision.rounding if self.levels.precision else 0.0

    @property
    def name(self) -> str | None:
        """The functional that is ascended, with its factor; None where nothing is."""
        if self.nearest is None:
            return None
        return self.nearest.name if self.nearest.known else "an objective without a name"

    def value(self, probabilities: npt.ArrayLike) -> Any:
        """F(law) - F(all at the reference), for probabilities (k,) of the values, of sum 1.

        Exact for Fractions, where the function computed with them. ValueError where there is no F, and for what are no
        probabilities.
        """
        h, law = self._numbers("value"), _law(probabilities, len(self.values))
        if law.dtype != object or not self.exact:
            return float(chances(self.n, law.astype(np.float64)) @ h.astype(np.float64))
        return chances(self.n, law) @ h

    def estimate(self, likelihoods: npt.ArrayLike) -> Any:
        """The unbiased estimate (...) of F(law) - F(all at the reference) from groups (..., N) of these values.

        What `maxrl_est.objective_estimate` is for MaxRL. ValueError where there is no F, and for other rewards or
        groups of another size.
        """
        h, groups = self._numbers("estimate"), groups_of(likelihoods, any_reward=True)
        if groups.size != self.n:
            raise ValueError(f"likelihoods must have groups of N = {self.n} rollouts, got N = {groups.size}")
        known = np.array(self.values, dtype=object).astype(groups.returned).astype(groups.values.dtype)
        of_value = groups.values[..., None] == known  # of float32 rewards the nearest to each
        if not of_value.any(axis=-1).all():
            row, i = np.argwhere(~of_value.any(axis=-1))[0].tolist()
            place = (*(int(j) for j in np.unravel_index(row, groups.batch)), i) if groups.batch else (i,)
            rule = one_of_values(self.values)
            raise ValueError(f"{at('likelihoods', place)} must be {rule}, got {short(groups.values[row, i])}")
        if not len(groups.values):
            return groups.back(np.zeros(0, dtype=h.dtype))
        return groups.back(h[places(of_value.sum(axis=1))])

    def work(self, x: Any, y: Any) -> Any:
        """The integral of E[g] along the straight line from "all at x" to "all at y", whatever the verdict.

        Of a gradient it is F(all at y) - F(all at x); of others it depends on the way, so that round x, y, z and back
        something may be gained for ever.
        """
        return work(self.levels, self.levels.place("x", x), self.levels.place("y", y))

    def title(self) -> list[str]:
        """The verdict, and what it rests on."""
        values = ", ".join(map(shown, self.values))
        head = f"n = {self.n}, rewards {values}: "
        if self.nearest is None:
            assert self.triangle is not None
            more = ", but on one prompt it has locally the direction of one" if self.verdict == "direction" else ""
            return [f"{head}E[g] is the gradient of nothing{more}", str(self.triangle)]
        if len(self.values) == 2:
            return [f"{head}E[g] is the gradient of {self.nearest}", "two values cannot tell: ask with three or more"]
        return [f"{head}E[g] is the gradient of {self.nearest}"]

    def columns(self) -> dict[str, Any]:
        """The work from the reference to each value; where there is an objective that is what it is there."""
        start = "F" if self.nearest else f"work from {shown(self.reference)}"
        return {"all at": list(self.values), start: [self.work(self.reference, value) for value in self.values]}

    def _numbers(self, name: str) -> Array:
        if self.potential is None:
            raise ValueError(f"{name} must be asked of a gradient, got the verdict {self.verdict!r}: {self.triangle}")
        return self.potential


def _law(probabilities: npt.ArrayLike, k: int) -> Array:
    """Probabilities (k,) of sum 1: Fractions where all are exact, else floats."""
    given = real_numbers("probabilities", probabilities, allowed="iufO")
    if given.shape != (k,):
        raise ValueError(f"probabilities must be of shape ({k},), one for each value, got shape {given.shape}")
    exact = [exact_number(f"probabilities[{index}]", value) for index, value in enumerate(given)]
    for index, chance in enumerate(exact):
        if not 0 <= chance <= 1:
            raise ValueError(f"probabilities[{index}] must lie in [0, 1], got {short(given[index])}")
    rounded = any(not isinstance(value, Rational | np.integer) for value in given)
    total = sum(exact, Fraction(0))
    if abs(total - 1) > (_SUM if rounded else 0):
        raise ValueError(f"probabilities must have the sum 1, got {float(total)}")
    law = np.array(exact, dtype=object)
    return law.astype(np.float64) if rounded else law
