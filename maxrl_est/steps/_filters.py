"""What a step ascends that drops groups by their successes and takes the mean over the rest, as dynamic sampling does.

Of a rule that judges each group by itself, with keep(K) 0 or 1, the gradient estimate of a prompt is dropped or kept
with a weight W_f(p) of its own, ``sum_m C(n-1, m) p^m q^(n-1-m) (keep(m+1) a_(m+1) - keep(m) b_m)``. The mean over the
kept multiplies it by a factor that is made of the chances kappa_x to be kept, and by how prompts are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, cast, get_args

import numpy as np

from maxrl_est._arguments import at, flag, listed, one_of, whole, words
from maxrl_est._arguments.protocols import Array, Estimator, FloatArray
from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.measures._columns import Columns
from maxrl_est.measures._equivariant import MAX_COUNTED, equivariant_advantages, of_groups
from maxrl_est.measures._precision import ROUNDING
from maxrl_est.measures._sizes import group_size
from maxrl_est.measures._two_values import counted_groups
from maxrl_est.objectives import Objective
from maxrl_est.problems._finite import numbers
from maxrl_est.steps._exchanges import binomials
from maxrl_est.steps._prompts import Population, prompts_of
from maxrl_est.steps._verdicts import WORDS, Verdict

Sampling = Literal["fixed", "independent", "resampled", "same"]

MOST = 1024  # prompts of a step
_SAID: dict[str, str] = {
    "fixed": "of these prompts, the mean over the kept",
    "independent": "of prompts drawn independently, the mean over the kept",
    "resampled": "of prompts drawn until enough are kept, their mean",
    "same": "of prompts each of which is asked until it is kept, the mean",
}


@dataclass(frozen=True, slots=True)
class FilteredWeights(Columns):
    """W with E[step] = the mean over prompts of W grad p, where groups are dropped: ``weights = own * factors``, (B,).

    ``kept (B,)`` is the chance that a group of this pass rate is kept, ``own`` W where dropped groups count as 0, and
    ``factors`` what the mean over the kept makes of it. Exact rationals where pass rates are Fractions and the rule
    computes with Fractions. ``verdict`` is for all pass rates.
    """

    pass_rates: tuple[Any, ...]
    n: int
    sampling: Sampling
    kept: Array
    own: Array
    factors: Array
    verdict: Verdict

    @property
    def weights(self) -> Array:
        """What a prompt is weighed by (B,)."""
        return np.asarray(self.own * self.factors)

    def title(self) -> list[str]:
        """How prompts are drawn, and whether the step ascends anything."""
        head = f"n = {self.n}, {_SAID[self.sampling]}: E[g] = W grad p of each, for 0/1 rewards"
        return [head, f"the mean update {WORDS[self.verdict]}"]

    def columns(self) -> dict[str, Any]:
        """A row for each pass rate."""
        numbers = {"kept": self.kept, "own": self.own, "factor": self.factors, "W": self.weights}
        return {"pass rate": list(self.pass_rates), **{name: values.tolist() for name, values in numbers.items()}}


def filtered(
    rule: str | Estimator,
    pass_rates: Sequence[Any],
    n: int,
    keep: Callable[[int], bool] | Sequence[bool],
    sampling: Sampling,
    *,
    population: Population | None = None,
    prompts: int | None = None,
) -> FilteredWeights:
    """Which multiples of grad p a step ascends that keeps groups by how many rollouts succeed, for 0/1 rewards.

    The step is the mean over the groups that are kept, 0 if there are none. With kappa_x the chance that a group of
    prompt x is kept, and k the mean of these over prompts that are drawn, the factors are

    - "fixed", B prompts that are all asked: ``E[B / (1 + M)]``, M how many of the others are kept, which is the
      leave-one-out weight of MaxRL with chances in the place of likelihoods: it favours what is often kept
    - "independent", B prompts drawn independently: ``(1 - (1-k)^B) / k``, the same for all, so that dropping groups
      whose advantages are 0 changes the speed alone
    - "resampled", prompts drawn until a fixed number of groups is kept: ``1 / k``
    - "same", each prompt asked again until its group is kept: ``1 / kappa_x``

    For rules that judge each group by itself. Others are asked with their filter inside, by `effective_weights`.

    Parameters
    ----------
    rule : a name, a row or a function of rewards (..., N), the same for any order of rollouts
    pass_rates : (B,) numbers in [0, 1], at which W is asked for; if "fixed" those of the batch
    n : rollouts of each prompt, at most 2048
    keep : whether a group of K successes is kept: a function of K, or n + 1 bools for K = 0..n
    sampling : one of the four above
    population : of which prompts are drawn ("independent", "resampled"), as in `population_weights`; None: the pass
        rates, equally likely
    prompts : B if "independent", at most 1024; None: as many as pass rates

    Returns
    -------
    `FilteredWeights`: ``weights``, ``kept``, ``own``, ``factors`` and ``verdict``

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above, has no meaning with this sampling, or what is drawn would never end.

    >>> for sampling in ("fixed", "independent"):
    ...     found = filtered("rloo", [0.1, 0.5, 0.9], 8, lambda K: 0 < K < 8, sampling)
    ...     print(found.verdict, found.weights.round(3).tolist())
    none [1.223, 1.616, 1.223]
    direction [1.373, 1.373, 1.373]
    """
    function, n = of_groups(rule, "rule"), group_size(n, MAX_COUNTED)
    how = cast(Sampling, one_of("sampling", sampling, get_args(Sampling)))
    rates, keeps = numbers("pass_rates", pass_rates), _keeps(keep, n)
    chances, drawn, size = _drawn(how, rates, population, prompts)
    advantages, precision = equivariant_advantages(function, counted_groups(n, Fraction(0), Fraction(1)), "rule")
    advantages = advantages * keeps[:, None]
    own = advantages[1:, 0] - advantages[:-1, -1]
    rounding = precision.rounding if precision else ROUNDING
    verdict = _verdict(how, own.astype(np.float64), keeps, len(drawn), size, rounding)
    if precision or rates.dtype != object:
        rates, own = rates.astype(np.float64), own.astype(np.float64)
    kappa = _kept(keeps, n, rates)
    factors = _factors(how, kappa, _kept(keeps, n, drawn), chances, size)
    return FilteredWeights(tuple(rates.tolist()), n, how, kappa, binomials(n - 1, rates) @ own, factors, verdict)


def _keeps(keep: Any, n: int) -> Array:
    """1 for each count of successes (n + 1,) that is kept, and 0 elsewhere."""
    if callable(keep):
        named = [(f"keep({count})", keep(count)) for count in range(n + 1)]
    else:
        given = listed("keep", keep, f"n + 1 = {n + 1} bools, or a function of the number of successes")
        if len(given) != n + 1:
            raise ValueError(f"keep must have n + 1 = {n + 1} bools, got {len(given)}")
        named = [(at("keep", [count]), value) for count, value in enumerate(given)]
    plain = ((name, value.item() if isinstance(value, np.bool_) else value) for name, value in named)
    return np.array([int(flag(name, value)) for name, value in plain])


def _drawn(sampling: Sampling, rates: Array, population: Any, prompts: Any) -> tuple[Array, Array, int]:
    """Chances and pass rates of the prompts that a step may have, and how many it has."""
    if population is not None and sampling in ("fixed", "same"):
        raise ValueError(f'population must be None with sampling "{sampling}", got {words(population)}')
    if prompts is not None and sampling != "independent":
        raise ValueError(f'prompts must be None with sampling "{sampling}", got {words(prompts)}')
    size = len(rates) if prompts is None else whole("prompts", prompts, 1, MOST)
    if population is not None:
        return *prompts_of(population), size
    return np.full(len(rates), Fraction(1, len(rates))), rates, size


def _kept(keeps: Array, n: int, rates: Array) -> Array:
    """The chance that a group is kept, at each pass rate; of floats never above 1."""
    chances = binomials(n, rates)
    kept, dropped = chances @ keeps, chances @ (1 - keeps)
    return np.asarray(kept / (kept + dropped))


def _factors(sampling: Sampling, kappa: Array, drawn: Array, chances: Array, size: int) -> Array:
    """What the mean over the kept multiplies W of dropped groups at 0 by, for each prompt."""
    if sampling == "fixed":
        return loo_weights(kappa)
    if sampling == "same":
        for index in np.flatnonzero(kappa == 0):
            raise ValueError(f"keep must keep some group at pass_rates[{index}], got none: it would be asked for ever")
        return np.asarray(1 / kappa)
    k = chances @ drawn
    if k == 0 and sampling == "resampled":
        raise ValueError("keep must keep some group of the prompts that are drawn, got none: they would be for ever")
    factor = 1 / k if sampling == "resampled" else Objective.maxrl(size).weight(k)
    return np.full(len(kappa), factor if kappa.dtype == object else float(factor))


def _verdict(sampling: Sampling, own: FloatArray, keeps: Array, distinct: int, size: int, rounding: float) -> Verdict:
    """By whether W_f and the slope of kappa are multiples of one another, as polynomials (n,) in the binomial basis.

    The curl is W_f(p) kappa'(p') - W_f(p') kappa'(p) times a number. Of three prompts and more, all asked, the sum that
    is 0 for directions is a number times the determinant of W_f, W_f kappa and kappa' at three pass rates: these are
    independent where the two are no multiples, since only a constant times W_f can have the lower degree of kappa'.
    """
    slope = np.diff(keeps)
    one = distinct == 1 or (size == 1 and sampling in ("fixed", "independent"))
    if sampling == "same" or one or not slope.any() or not own.any():
        return "gradient"
    along = own - slope * (own @ slope) / (slope @ slope)
    if abs(along).max() <= rounding * abs(own).max():
        return "gradient"
    return "none" if sampling == "fixed" and size > 2 else "direction"
