"""A rule under a design as a row that draws for itself, with its exact moments, or replayed on what was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import at, name_of, short
from maxrl_est._arguments.protocols import Array, Estimator, FloatArray, RolloutMoments
from maxrl_est.estimates.groups import groups_of
from maxrl_est.estimators._answers import ROUNDING, answer
from maxrl_est.estimators._registry import chosen
from maxrl_est.estimators._rows import Notes
from maxrl_est.estimators._sequential import Draws, Sampler, SequentialEstimator, SequentialMoments
from maxrl_est.estimators.designs._design import Design, design_of
from maxrl_est.estimators.designs._unbiased import objective_under, of_successes
from maxrl_est.objectives import Objective

_ROUNDING = 1e-9  # of E l^2 beside E l: by more, rewards are not 0 and 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderDesign(SequentialEstimator):
    """What `sequential` makes: with the rule and the design, of which `maxrl_est.effective_weight` says W."""

    rule: Estimator | Objective
    design: Design


def sequential(rule: str | Estimator | Objective, design: Design) -> UnderDesign:
    """A rule under a design as a row: `maxrl_est.moments` has its exact moments, `maxrl_est.monte_carlo` draws it.

    Of 0/1 rewards. Not for what it ascends, which `maxrl_est.effective_weight` says of the rule and the design, and
    `maxrl_est.bias_variance_table` of the row.

    Parameters
    ----------
    rule : a name, a row or a function of likelihoods (..., N), which treats rollouts of one reward alike; or an
        Objective, for the advantages without a baseline that are unbiased for it
    design : one of this module

    Returns
    -------
    A `maxrl_est.estimators.SequentialEstimator`

    Raises
    ------
    TypeError, ValueError
        Where rule or design is not so, the design does not reach the objective, or the rule refuses a group with which
        the design ends.

    >>> import maxrl_est as mx
    >>> row = sequential(mx.Objective.maxrl(8), mx.designs.until_successes(1, 8))
    >>> print(mx.moments(mx.problems.Bernoulli(Fraction(1, 2)), row, target=mx.Objective.maxrl(8)))
    closed form; 255/128 rollouts an estimate; total variance 255/262144
    coordinate  mean     variance    target   bias
    ----------  -------  ----------  -------  ----
    0           255/512  255/262144  255/512  0
    """
    name, shares, ascends = _shares(rule, design)
    drawn = _Stopped(design, shares)
    notes = Notes(
        estimates="a multiple of grad p that effective_weight finds" if ascends is None else f"grad {ascends.name}",
        how=f"{name} of the rollouts of {design}",
        unbiased="for what it ascends on 0/1 rewards",
        cost=f"at most {design.cap} rollouts",
        source="A. Wald, Sequential Analysis (1947)",
    )
    made_of = rule if isinstance(rule, Objective) else chosen(rule, "rule")
    return UnderDesign(
        f"{name}, {design}", drawn.draw, notes, drawn.moments, ascends=ascends, rule=made_of, design=design
    )


def replayed(rule: str | Estimator | Objective, design: Design) -> Replayed:
    """A rule under a design as a function of groups of ``cap`` rollouts in the order in which they were drawn.

    Those that the design would not have drawn get 0, and the others so much more that the mean over cap is that over N:
    the estimate is the same as of `sequential`. For `maxrl_est.train` with ``n=design.cap``, and for rollouts that are
    there already. Not for saving rollouts: all are drawn, though `train` counts those of the design.

    Parameters
    ----------
    rule, design : as for `sequential`

    Returns
    -------
    A function of 0/1 rewards (..., cap), which are not alike in every order

    Raises
    ------
    TypeError, ValueError
        As `sequential` does.

    >>> from maxrl_est import designs
    >>> replayed("maxrl", designs.until_mixed(3))([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    array([[3., 0., 0.],
           [0., 0., 3.]])
    """
    name, shares, _ = _shares(rule, design)
    return Replayed(f"{name}, {design}", design, shares.astype(np.float64))


def _shares(rule: Any, design: Design) -> tuple[str, Array, Objective | None]:
    """What a rule is called, what it gives at each ending (E, 2), and the objective if it is made for one."""
    design_of(design)
    if isinstance(rule, Objective):
        meant = objective_under(design, rule)
        shares = of_successes(design, meant)
        return rule.name, np.array([(shares[s, f], Fraction(0)) for s, f, _ in design.endings], dtype=object), meant
    function = chosen(rule, "rule")
    if isinstance(function, SequentialEstimator):
        raise TypeError(f"rule must be a function of groups of rollouts, got {function.name}, which draws for itself")
    return name_of(function), _asked(function, design), None


def _asked(function: Estimator, design: Design) -> Array:
    """What the score of a success and that of a failure are multiplied with in g, at each ending (E, 2)."""
    try:
        return _pairs(function, design, exact=True)
    except Exception:  # a rule that cannot compute with Fractions; what it refuses besides, it refuses again
        return _pairs(function, design, exact=False)


def _pairs(function: Estimator, design: Design, *, exact: bool) -> Array:
    pairs: list[tuple[Any, Any]] = []
    for size, endings in design.sizes:
        successes = np.array([ending.successes for ending in endings])
        kinds = np.array([Fraction(0), Fraction(1)] if exact else [0.0, 1.0])
        groups = kinds[(np.arange(size) < successes[:, None]).astype(int)]
        for s, own in zip(successes, answer("rule", function(groups), groups.shape, exact) / size, strict=True):
            floats = own.astype(np.float64)
            if max(np.ptp(part) for part in (floats[:s], floats[s:]) if part.size) > ROUNDING * abs(floats).max():
                raise ValueError(f"rule must treat rollouts of one reward alike, got {own.tolist()} for {s} successes")
            pairs.append((own[0] * (s > 0), own[-1] * (s < size)))
    return np.array(pairs, dtype=object if exact else np.float64)


@dataclass(frozen=True)
class Replayed:
    """What `replayed` makes."""

    name: str
    design: Design
    shares: FloatArray  # (E, 2)

    def __call__(self, likelihoods: npt.ArrayLike, /) -> FloatArray:
        """Advantages (..., cap) of 0/1 rewards (..., cap); ValueError for other numbers, or other sizes of groups."""
        rewards, endings = self._ended(likelihoods)
        shares = self.design.cap * self.shares[endings]
        own = np.where(rewards == 1, shares[..., None, 0], shares[..., None, 1])
        return np.where(np.arange(self.design.cap) < self._sizes[endings, None], own, 0.0)

    def drawn(self, likelihoods: npt.ArrayLike, /) -> Array:
        """How many (...) of the rollouts of each group (..., cap) the design draws: `maxrl_est.train` counts these."""
        return self._sizes[self._ended(likelihoods)[1]]

    def _ended(self, likelihoods: npt.ArrayLike) -> tuple[FloatArray, Array]:
        """Checked rewards (..., cap), and which ending (...) of the design they come to."""
        given, cap = groups_of(likelihoods, any_reward=True), self.design.cap
        if given.size != cap:
            raise ValueError(f"likelihoods must have groups of N = {cap} for {self.name}, got N = {given.size}")
        rewards = given.values.reshape(*given.batch, cap)
        outside = np.argwhere((rewards != 0) & (rewards != 1))
        if len(outside):
            index = tuple(outside[0].tolist())
            rule = "0 or 1 where a design is given"
            raise ValueError(f"{at('likelihoods', index)} must be {rule}, got {short(rewards[index])}")
        rewards = rewards.astype(np.float64)
        places = np.full((cap + 1, cap + 1), -1)
        s, f = np.array([(s, f) for s, f, _ in self.design.endings]).T
        places[s, f] = np.arange(len(s))
        successes = np.cumsum(rewards, axis=-1).astype(int)
        found = places[successes, np.arange(1, cap + 1) - successes]
        first = np.argmax(found >= 0, axis=-1)[..., None]
        return rewards, np.take_along_axis(found, first, axis=-1)[..., 0]

    @property
    def _sizes(self) -> Array:
        return np.array([ending.size for ending in self.design.endings])


@dataclass(frozen=True)
class _Stopped:
    """Estimates a sum of scores, those of successes and those of failures each times their share at the ending."""

    design: Design
    shares: Array  # (E, 2)

    def draw(self, sample: Sampler, rng: np.random.Generator, groups: int) -> Draws:
        """One rollout of each group that goes on, until all have ended."""
        ends = {(s, f): index for index, (s, f, _) in enumerate(self.design.endings)}
        counts, ended, left = np.zeros((groups, 2), int), np.zeros(groups, int), np.arange(groups)
        sums: FloatArray | None = None
        while left.size:
            rewards, scores = sample(rng, left.size, 1)
            if not np.isin(rewards, (0, 1)).all():
                wrong = rewards[~np.isin(rewards, (0, 1))][0]
                raise ValueError(f"sample must draw rewards of 0 or 1 where a design is given, got {wrong}")
            both = np.concatenate([rewards == 1, rewards == 0], axis=1)
            sums = np.zeros((groups, 2, scores.shape[-1])) if sums is None else sums
            counts[left] += both
            sums[left] += both[:, :, None] * scores
            ended[left] = [ends.get((s, f), -1) for s, f in counts[left].tolist()]
            left = left[ended[left] < 0]
        shares = self.shares.astype(np.float64)[ended]
        return Draws((shares[:, :, None] * np.asarray(sums)).sum(axis=1), counts.sum(axis=1))

    def moments(self, moments: RolloutMoments) -> SequentialMoments:
        """Exact, from those of a rollout: given the ending, scores are independent draws of either kind."""
        p, q = moments.p, 1 - moments.p
        if abs(float(moments.p2 - p)) > _ROUNDING * float(p):
            raise ValueError(f"problem must have rewards of 0 and 1 where a design is given, got E l^2 = {moments.p2}")
        chances = self.design.chances(p)
        up, down = _given(p, moments.lS, moments.lSS), _given(q, -moments.lS, moments.SS - moments.lSS)
        exact = chances.dtype == self.shares.dtype == moments.lS.dtype == object
        kind: Any = object if exact else np.float64
        chances, shares = chances.astype(kind), self.shares.astype(kind)
        counts = np.array([(s, f) for s, f, _ in self.design.endings], dtype=kind)
        each = counts * shares
        means = each[:, :1] * up[0].astype(kind) + each[:, 1:] * down[0].astype(kind)
        within = chances @ (each * shares)
        mean = chances @ means
        centred = means - mean
        covariance = within[0] * up[1].astype(kind) + within[1] * down[1].astype(kind)
        covariance = covariance + (chances[:, None] * centred).T @ centred
        return SequentialMoments(mean, covariance, self.design.rollouts(p))


def _given(chance: Any, first: Array, second: Array) -> tuple[Array, Array]:
    """Mean (d,) and covariance (d, d) of a score given what has this chance; 0 where that never is."""
    if not chance:
        return 0 * first, 0 * second
    mean = first / chance
    return mean, second / chance - np.outer(mean, mean)
