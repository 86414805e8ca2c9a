"""Whether the update of a whole batch is a gradient, where the advantages of a prompt depend on other prompts.

The laws of B prompts are independent, and the mean update is sum_b sum_x a_b(x; all laws) grad mu_b(x). It is the
gradient of a functional of all laws if and only if, all else in the batch as it is,

- within each prompt the differences of advantages add up to 0 round triangles of values, and
- between two prompts, of one with values x, y and another with x', y', M(x, x') - M(y, x') - M(x, y') + M(y, y') = 0,
  where M(x, x') is the advantage of a rollout of value x' in the second prompt less that of one of value x in the
  first, in the batch that has both (claim four-cycle)

With 0/1 rewards only the second is left. A rule that judges each group by itself has M(x, x') = u(x') - v(x), so that
nothing but triangles decides: to ascend in the right direction at a speed of its own is not enough for two prompts.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from maxrl_est._arguments import positive, whole
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.ascent._batches import need_few_batches, tables_of
from maxrl_est.ascent._levels import different_values
from maxrl_est.ascent._multisets import joined, multisets
from maxrl_est.ascent._triangles import differences, sums_round
from maxrl_est.measures._columns import Columns, shown
from maxrl_est.measures._equivariant import of_groups
from maxrl_est.measures._sizes import group_size

MOST = 16  # prompts: of 17 there are more batches, whatever they are of
TOLERANCE = 1e-6  # relative to the largest advantage: more than float32 rounds, less than any fault


@dataclass(frozen=True, slots=True)
class OverPrompts(Columns):
    """Whether a batch's update is a gradient, and a sum that shows it where it is none.

    ``prompts`` are the numbers of the prompts in which rewards are exchanged: one for a triangle of three ``values``,
    two for a 4-cycle, whose values are two of the first and two of the second. ``batch`` has the rewards that all this
    is beside: of these prompts all but one or two rollouts. ``sum`` would be 0.
    """

    verdict: Literal["gradient", "none"]
    prompts: tuple[int, ...] = ()
    values: tuple[Fraction, ...] = ()
    batch: tuple[tuple[Fraction, ...], ...] = ()
    sum: Any = 0

    def __str__(self) -> str:
        return "\n".join(self.title())

    def title(self) -> list[str]:
        """The verdict, and the sum that it rests on."""
        if self.verdict == "gradient":
            return ["the batch's mean update is a gradient"]
        beside = "; ".join(", ".join(map(shown, group)) for group in self.batch)
        values = ", ".join(map(shown, self.values))
        kind = "the triangle" if len(self.prompts) == 1 else "the 4-cycle"
        who = " and ".join(f"prompt {b}" for b in self.prompts)
        return [
            "the batch's mean update is the gradient of nothing",
            f"round {kind} {values} of {who}, beside [{beside}], advantages add up to {shown(self.sum)}, and not 0",
        ]

    def columns(self) -> dict[str, Any]:
        """The sum in a row; no row where there is none."""
        cells = {"prompts": self.prompts, "values": self.values, "batch": self.batch, "sum": self.sum}
        return {name: [cell] if self.prompts else [] for name, cell in cells.items()}


def over_prompts(
    rule: str | Estimator, prompts: int, n: int, values: Sequence[Any] = (0, 1), *, tolerance: float = TOLERANCE
) -> OverPrompts:
    """Whether the mean update of a batch of prompts is the gradient of any function of the policy.

    For rules that see the whole batch, such as a normalisation over it; they are called with one batch at a time, in
    every composition that it can have. For what judges each group by itself `maxrl_est.objective_of` says more.

    Parameters
    ----------
    rule : a name, a row or a function of the rewards of a batch (B, N) that returns advantages (B, N), the same for any
        order of the rollouts of a prompt
    prompts : B, from 2 to 16
    n : rollouts of each prompt; there are at most 100,000 batches, C(n+k-1, k-1)^B with k values
    values : the rewards that occur
    tolerance : how far from 0 sums may be, relative to the largest advantage; Fractions are exact

    Returns
    -------
    `OverPrompts`: ``verdict`` "gradient" or "none", with the sum that is not 0

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above.

    >>> over_prompts(lambda r: r - r.mean(), 2, 2).verdict  # less the mean of the batch
    'gradient'
    >>> print(over_prompts(lambda r: (r - r.mean(-1, keepdims=True)) / (r.std() + 1), 2, 2).verdict)
    none
    """
    function, prompts, n = of_groups(rule, "rule"), whole("prompts", prompts, 2, MOST), group_size(n)
    exact_values, tolerance = different_values(values), positive("tolerance", tolerance)
    need_few_batches(prompts, n, len(exact_values))
    tables = tables_of(function, prompts, n, exact_values)
    largest = max(float(abs(table).max()) for table in tables)
    allowed = 0.0 if tables[0].dtype == object else tolerance * largest
    within = (((b,), _triangles(table, b, n)) for b, table in enumerate(tables))
    between = ((pair, _cycles(tables, *pair, n)) for pair in itertools.combinations(range(prompts), 2))
    for chosen, sums in itertools.chain(within, between):
        sizes = abs(sums).astype(np.float64)
        if sizes.max() > allowed:
            where = tuple(int(i) for i in np.unravel_index(int(sizes.argmax()), sizes.shape))
            return _refuted(where, chosen, exact_values, prompts, n, sums[where])
    return OverPrompts("gradient")


def _triangles(table: Array, b: int, n: int) -> Array:
    """Sums round triangles of the first value, x and y in prompt b: (groups of the others.., W, x, y)."""
    if n < 2:
        return np.zeros([1] * table.ndim)
    return sums_round(differences(np.moveaxis(table, b, -2), n), 0)


def _cycles(tables: Sequence[Array], first: int, second: int, n: int) -> Array:
    """Sums round 4-cycles of the first value and x, and of it and x': (groups of the others.., U, U', x, x')."""
    row = joined(n - 1, tables[0].shape[-1])
    ours, theirs = (np.moveaxis(tables[b], (first, second), (-3, -2)) for b in (first, second))
    M = theirs[..., row, :, :].swapaxes(-3, -2) - ours[..., row, :].swapaxes(-2, -1)
    return np.asarray(M - M[..., :1, :] - M[..., :, :1] + M[..., :1, :1])


def _refuted(
    where: tuple[int, ...], chosen: tuple[int, ...], values: tuple[Fraction, ...], prompts: int, n: int, total: Any
) -> OverPrompts:
    """The sum at an index of `_triangles` or `_cycles`, with the batch that it is beside."""
    x, y = (values[i] for i in where[-2:])
    exchanged = (values[0], x, y) if len(chosen) == 1 else (values[0], x, values[0], y)
    others = [b for b in range(prompts) if b not in chosen]
    rows, sizes = dict(zip((*others, *chosen), where, strict=False)), dict.fromkeys(others, n)
    counts = [multisets(sizes.get(b, n - 3 + len(chosen)), len(values))[rows[b]] for b in range(prompts)]
    batch = tuple(tuple(np.repeat(np.array(values, dtype=object), times)) for times in counts)
    return OverPrompts("none", chosen, exchanged, batch, total)
