"""U-statistic weights with the baselines of `maxrl_est.advantages`: unbiased for any likelihoods."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.baselines import Baseline, recipe, weights_and_advantages
from maxrl_est.estimators._rows import Affine, Notes, row
from maxrl_est.objectives import Objective

_ANY_ORDER = "grad J_T, T = N by default"
_COST = "O(N), or O(N T) for T < N < 256"
_SOURCE = "U-statistics of W. Hoeffding, Ann. Math. Statist. 19 (1948) 293, for MaxRL (arXiv 2602.02710)"


def _maxrl(n: int, order: int | None = None) -> Objective:
    return Objective.maxrl(n if order is None else order)


def _maxrl_below_n(n: int, order: int | None = None) -> Objective | None:
    if order is None and n == 1:
        return None
    return Objective.maxrl(n - 1 if order is None else order)


def less_constant(constant: Fraction, n: int, order: int | None = None) -> Affine | None:
    """Coefficients of omega_i l_i - constant."""
    order = n if order is None else order
    return ((Fraction(1),) * order, (constant,)) if order <= n else None


def _less_share(n: int, order: int | None = None) -> Affine | None:
    return less_constant(Fraction(1, n), n, order)


def _less_pass(n: int, order: int | None = None) -> Affine | None:
    """The others' pass@T is 1 - E_T."""
    order = n - 1 if order is None else order
    steps = (Fraction(1), *[Fraction(0)] * (order - 1), Fraction(-1))
    return ((Fraction(1),) * order, steps) if 1 <= order < n else None


def _advantages(likelihoods: Array, order: int | None, baseline: Baseline) -> Array:
    return weights_and_advantages(likelihoods, recipe(order, baseline, likelihoods.shape[-1]))[1]


@row(
    _maxrl,
    Notes(
        estimates=_ANY_ORDER,
        how="weights that are means of products of the others' 1 - l over all subsets",
        unbiased="always; refuses T > N",
        cost=_COST,
        source=f"{_SOURCE}; on 0/1 rewards, order T is its authors' estimator over subsets, c_{{T,N}}",
    ),
    parameter="order",
    affine=partial(less_constant, Fraction(0)),
)
def ustat(likelihoods: Array, order: int | None = None) -> Array:
    """omega_i l_i."""
    return _advantages(likelihoods, order, "none")


@row(
    _maxrl,
    Notes(
        estimates=_ANY_ORDER,
        how="ustat less the constant 1; maxrl_cv on 0/1 rewards, and -1 for every rollout at K = 0",
        unbiased="always; refuses T > N",
        cost=_COST,
        source=_SOURCE,
    ),
    parameter="order",
    affine=partial(less_constant, Fraction(1)),
)
def ustat_one(likelihoods: Array, order: int | None = None) -> Array:
    """omega_i l_i - 1."""
    return _advantages(likelihoods, order, "one")


@row(
    _maxrl,
    Notes(
        estimates=_ANY_ORDER,
        how="ustat less the constant 1/N",
        unbiased="always; refuses T > N",
        cost=_COST,
        source=_SOURCE,
    ),
    parameter="order",
    affine=_less_share,
)
def ustat_one_over_n(likelihoods: Array, order: int | None = None) -> Array:
    """omega_i l_i - 1/N."""
    return _advantages(likelihoods, order, "one_over_n")


@row(
    _maxrl_below_n,
    Notes(
        estimates="grad J_T, T = N - 1 by default",
        how="ustat less a leave-one-out baseline that makes every group sum to zero: rloo at T = 1, and maxrl_shipped "
        "at T = N - 1 on 0/1 rewards",
        unbiased="always; refuses T > N - 1, so N = 1",
        cost="O(N), or O(N T) for T < N - 1 < 255",
        source=_SOURCE,
    ),
    parameter="order",
    affine=_less_pass,
)
def ustat_pass_loo(likelihoods: Array, order: int | None = None) -> Array:
    """omega_i l_i less the others' pass@T."""
    return _advantages(likelihoods, order, "pass_loo")


@row(
    _maxrl,
    Notes(
        estimates=_ANY_ORDER,
        how="ustat less a leave-one-out baseline",
        unbiased="always; refuses T > N, and N = 1",
        cost=_COST,
        source=f"{_SOURCE}; the baseline is in nlyu1/maxrl-statistics",
    ),
    parameter="order",
)
def ustat_mean_loo(likelihoods: Array, order: int | None = None) -> Array:
    """omega_i (l_i - mean of the others)."""
    return _advantages(likelihoods, order, "mean_loo")


@row(
    _maxrl,
    Notes(
        estimates=_ANY_ORDER,
        how="ustat less omega_i times the mean pass rate given the others, under the prior Beta(1, 1): no baseline has "
        "less noise on 0/1 rewards of prompts whose pass rates are uniform",
        unbiased="always; refuses T > N",
        cost=_COST,
        source=f"{_SOURCE}; the baseline is the rule of succession, P. S. Laplace, Mem. Acad. R. Sci. 6 (1774) 621",
    ),
    parameter="order",
)
def ustat_prior(likelihoods: Array, order: int | None = None) -> Array:
    """omega_i (l_i - (1 + sum of the others) / (N + 1))."""
    return _advantages(likelihoods, order, ("beta", 1, 1))
