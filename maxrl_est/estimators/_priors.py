"""A law of pass rates from counts of successes, for the baseline that is the best guess of a pass rate under it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import at, at_most, positive, whole
from maxrl_est._arguments.arrays import entries
from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.objectives import ObjectiveLike, resolve

LARGEST = 100_000  # rollouts in a group
_SPREADS = np.geomspace(1e-6, 1e6, 49)  # of 1 / (alpha + beta), where the search starts and what it stays within
_NO_GAIN = 1e-9  # of a logarithm of likelihood


class _Beta(NamedTuple):
    alpha: float
    beta: float


class BetaPrior(_Beta):
    """Beta(alpha, beta) as the law of pass rates over prompts.

    Parameters
    ----------
    alpha, beta : finite numbers above 0

    Raises
    ------
    TypeError, ValueError
        For what are none.

    >>> prior = BetaPrior(1.0, 9.0)
    >>> prior.baseline
    ('beta', 1.0, 9.0)
    >>> round(prior.gain(4), 3), round(prior.gain(64), 3)
    (1.117, 1.007)
    """

    __slots__ = ()

    def __new__(cls, alpha: float, beta: float) -> BetaPrior:
        return super().__new__(cls, positive("alpha", alpha), positive("beta", beta))

    @property
    def baseline(self) -> tuple[str, float, float]:
        """What `maxrl_est.advantages` takes."""
        return "beta", self.alpha, self.beta

    def gain(self, n: int, objective: ObjectiveLike = None) -> float:
        """How many times the mean square of `advantages` with ``"mean_loo"`` is that with this prior as the baseline.

        Exact for 0/1 rewards in groups of n, if pass rates do have this law. It is the ratio of the noise of gradients
        where the squares of scores have the same mean at right and wrong answers and many of each are drawn.
        """
        from scipy.stats import betabinom  # here, because SciPy takes longer to import than the package

        n = at_most("n", whole("n", n, 2), LARGEST)
        m = np.arange(n)
        weights = _weights(n, objective)
        counted = n - 1 + self.alpha + self.beta
        guess, failure = (m + self.alpha) / counted, (m[::-1] + self.beta) / counted
        least = guess * failure
        squares = betabinom(n - 1, self.alpha, self.beta).pmf(m) * weights**2
        return float(squares @ (least + (m / (n - 1) - guess) ** 2) / (squares @ least))


def fit_prior(successes: npt.ArrayLike, sizes: npt.ArrayLike) -> BetaPrior:
    """The likeliest Beta law of pass rates, by the successes that groups of 0/1 rewards had: empirical Bayes.

    Its ``baseline`` is the best leave-one-out baseline of 0/1 rewards for prompts of that law, whatever the objective.
    Fit it to groups drawn before, or to other prompts: fitted to the groups whose advantages it is for, it depends on
    each rollout a little, and so is not quite free. Not for graded likelihoods, nor for a whole training run: as the
    policy learns the law moves, and a prior of large alpha + beta that is wrong costs more than ``"mean_loo"``.

    Parameters
    ----------
    successes : (G,) ints K, of each group
    sizes : (G,) ints N, of each group, at most 10^5; or an int, of all

    Returns
    -------
    `BetaPrior`: alpha, beta, ``baseline``, and ``gain(n)`` over ``"mean_loo"``

    Raises
    ------
    TypeError, ValueError
        For what are no counts; where no law is likeliest: without a success or without a failure; with no group that
        has both, where Beta(0, 0) is approached, which is ``"mean_loo"``; and where groups differ by no more than
        chance has it at one pass rate.

    Source: the beta-binomial law of J. G. Skellam, J. R. Statist. Soc. B 10 (1948) 257.

    >>> prior = fit_prior([0, 0, 1, 0, 3, 0, 8, 0, 1, 0], 8)
    >>> round(prior.alpha, 3), round(prior.beta, 3), round(prior.gain(8), 2)
    (0.133, 0.543, 1.01)
    """
    counts, drawn = _counts(successes, sizes)
    if not 0 < counts.sum() < drawn.sum():
        kind = "failure" if counts.any() else "success"
        raise ValueError(
            f"successes must have a success and a failure among them, got no {kind} in {drawn.sum()} rollouts"
        )
    if not ((counts > 0) & (counts < drawn)).any():
        raise ValueError(
            "successes must have a group with both a success and a failure, got none: the likeliest law is approached "
            "as alpha and beta go to 0, baseline 'mean_loo'"
        )
    of = _Draws(*map(_longer_than, (counts, drawn - counts, drawn)))
    mean, spread = _likeliest(of)
    if _log_likelihood(mean, spread, of)[0] <= _log_likelihood(of.pooled, 0.0, of)[0] + _NO_GAIN:
        raise ValueError(
            f"successes must differ between groups by more than chance has it at one pass rate, got groups that are "
            f"likeliest at {of.pooled:.3g} for all: the best guess of each is that number"
        )
    return BetaPrior(mean / spread, (1 - mean) / spread)


class _Draws(NamedTuple):
    """How many groups have more than k = 0, 1, ... successes, failures, and rollouts."""

    successes: FloatArray
    failures: FloatArray
    rollouts: FloatArray

    @property
    def groups(self) -> float:
        """G."""
        return float(self.rollouts[0])

    @property
    def pooled(self) -> float:
        """The pass rate of all rollouts."""
        return float(self.successes.sum() / self.rollouts.sum())


def _counts(successes: Any, sizes: Any) -> tuple[Array, Array]:
    """Successes (G,) and sizes (G,) as ints."""
    given, of = entries("successes", successes), entries("sizes", sizes)
    if given.ndim != 1 or given.size == 0:
        raise ValueError(f"successes must be counts (G,) of one group or more, got shape {given.shape}")
    if of.shape not in ((), given.shape):
        raise ValueError(f"sizes must be an int, or {given.size} as successes are, got shape {of.shape}")
    each = [at_most(at("sizes", index), whole(at("sizes", index), n), LARGEST) for index, n in np.ndenumerate(of)]
    each = each if of.shape else each * given.size
    counts = [whole(at("successes", (g,)), k, 0, n) for g, (k, n) in enumerate(zip(given, each, strict=True))]
    return np.array(counts), np.array(each)


def _weights(n: int, objective: ObjectiveLike) -> FloatArray:
    """The leave-one-out weights (n,) of a rollout whose n - 1 others have m = 0..n-1 successes.

    ``sum_k c_k C(f, k) / C(n-1, k)`` of f = n - 1 - m failures; n / (m + 1) where all c are 1.
    """
    goal = resolve(objective, n, n)
    m = np.arange(n)
    if goal is None:
        return np.asarray(n / (m + 1))
    by = goal.expansion
    counted, term, total = m if by.successes else m[::-1], np.ones(n), np.zeros(n)
    for k, c in enumerate(by.coefficients.tolist()):
        total += c * term
        term = term * np.maximum(counted - k, 0) / max(n - 1 - k, 1)
    return total


def _longer_than(counts: Array) -> FloatArray:
    """How many counts exceed 0, 1, 2, ..., as far as any do."""
    return np.asarray(len(counts) - np.cumsum(np.bincount(counts))[:-1], dtype=np.float64)


def _log_likelihood(mean: float, spread: float, of: _Draws) -> tuple[float, float, float]:
    """The log-likelihood of alpha = mean / spread, beta = (1 - mean) / spread, and its slopes by mean and by spread.

    Draws of a group are those of an urn: after k successes the next has the chance mean + k spread, over 1 + k spread
    after k draws, and so with failures. The ways to order draws are left out.
    """
    value = by_mean = by_spread = 0.0
    for counted, start, sign, direction in zip(of, (mean, 1 - mean, 1.0), (1, 1, -1), (1, -1, 0), strict=True):
        k = np.arange(counted.size)
        chances = start + spread * k
        value += sign * float(counted @ np.log(chances))
        each = sign * counted / chances
        by_mean += direction * float(each.sum())
        by_spread += float(each @ k)
    return value, by_mean, by_spread


def _likeliest(of: _Draws) -> tuple[float, float]:
    """The mean, and the spread 1 / (alpha + beta), of greatest likelihood: from the best of some spreads uphill."""
    from scipy.optimize import minimize  # here, because SciPy takes longer to import than the package
    from scipy.special import expit

    groups, pooled = of.groups, of.pooled
    start = max(_SPREADS, key=lambda spread: _log_likelihood(pooled, spread, of)[0])

    def downhill(x: FloatArray) -> tuple[float, FloatArray]:
        mean, spread = float(expit(x[0])), math.exp(x[1])
        value, by_mean, by_spread = _log_likelihood(mean, spread, of)
        return -value / groups, np.array([by_mean * mean * (1 - mean), by_spread * spread]) / -groups

    found = minimize(
        downhill,
        [math.log(pooled / (1 - pooled)), math.log(start)],
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), (math.log(_SPREADS[0]), math.log(_SPREADS[-1]))],
        options={"ftol": 0, "gtol": 1e-10},
    )
    return float(expit(found.x[0])), math.exp(found.x[1])
