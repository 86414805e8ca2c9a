"""The package's own verification: every identity it rests on, exactly, and its kernels against the oracle.

Each verdict is computed in the run that prints it, and comes with a wrong version that the same computation
rejects: a check that accepts its wrong version fails.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction as F
from typing import Any

import numpy as np

from maxrl_est._typing import Array, Estimator, FiniteProblem, FloatArray
from maxrl_est.checks import GRADED
from maxrl_est.estimates._kernels import load
from maxrl_est.estimates.ustatistics import failure_powers, loo_weights, objective_estimate, weight_estimate
from maxrl_est.estimators import NamedEstimator, advantages, get, names
from maxrl_est.measures import Moments, effective_weight, exact_moments, target_gradient
from maxrl_est.measures._closed_forms import closed_form_moments
from maxrl_est.objectives import Objective
from maxrl_est.problems import Bernoulli
from maxrl_est.selftest import reference
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.targets import Target

KERNEL_ULPS = 8  # what the kernels may lose against the correctly rounded weight
KERNEL_SIZES = (1, 2, 3, 4, 8, 16)
LARGE = 1_000_000

PROBLEMS: tuple[FiniteProblem, ...] = (Bernoulli(F(1, 3)), Bernoulli(F(1, 50)), *GRADED)
GROUPS = np.array(
    [
        [F(0), F(0), F(0), F(0), F(0)],
        [F(1), F(0), F(0), F(1), F(0)],
        [F(1, 2), F(1, 3), F(0), F(1), F(4, 5)],
        [F(1, 10**9), F(1, 7), F(6, 7), F(1) - F(1, 10**9), F(2, 3)],
    ],
    dtype=object,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One claim, whether it held in this run, and the wrong version that the same computation rejected."""

    claim: str
    holds: bool
    evidence: str
    rejects: str


@dataclass(frozen=True, slots=True)
class ObjectiveRow:
    """What an estimator ascends: exactly on 0/1 rewards, and its relative bias on a graded problem."""

    estimator: str
    n: int
    ascends: str
    exact: bool
    graded_bias: float  # |E[g] - truth| / |truth| for the objective ascended
    graded_angle: float  # degrees between E[g] and the truth
    stated_target: str


def verdicts() -> Iterator[tuple[str, Callable[[], Verdict]]]:
    """Name and computation of every check, so that a caller can show progress."""
    for check in (
        _weight_estimate_is_unbiased,
        _gradient_is_unbiased,
        _weights_differentiate_the_objective,
        _binary_weights_are_maxrl,
        _mean_advantage_is_pass_at_t,
        _weights_average_coin_flips,
        _weights_stay_between_bounds,
        _pass_baseline_generalises_rloo,
        _centring_costs_a_power,
        _effective_weight_is_the_mean,
        _variances_have_closed_forms,
        _kernels_are_accurate,
        _large_groups_are_accurate,
    ):
        yield check.__name__.strip("_").replace("_", " "), check
    for estimator, n, expected in (("maxrl_shipped", 8, "exactly J_7"), ("maxrl_cv", 8, "exactly J_8")):
        yield f"objective of {estimator}", lambda e=estimator, n=n, x=expected: _ascends(e, n, x)  # type: ignore[misc]
    yield "objective of grpo", _grpo_matches_no_objective
    yield "bias of self-normalised weights", _self_normalised_is_biased


def objective_table(n: int = 8) -> list[ObjectiveRow]:
    """Which objective each estimator of 0/1 rewards ascends with groups of n rollouts."""
    rows = []
    for name in _binary_rows():
        row = get(name)
        near = effective_weight(row, n).nearest()
        target = row.target(n)
        bias, angle = _graded_bias(row, target or near.objective or Objective.expected(), n)
        rows.append(ObjectiveRow(name, n, str(near), near.exact, bias, angle, target.name if target else "none"))
    return rows


def _binary_rows() -> list[str]:
    return [name for name in names() if not get(name).positive_only]


def _verdict(claim: str, evidence: str, rejects: str, check: Callable[[Any], bool], right: Any, wrong: Any) -> Verdict:
    """Holds if the check accepts the right version and rejects the wrong one."""
    return Verdict(claim, bool(check(right)) and not check(wrong), evidence, rejects)


def _weight_estimate_is_unbiased() -> Verdict:
    def unbiased(estimate: Callable[[Array, int], Array]) -> bool:
        return all(
            _expectation(problem, _at_order(estimate, order), n) == Objective.maxrl(order).weight(problem.pass_rate)
            for problem in PROBLEMS
            for n in range(1, 5)
            for order in range(1, n + 2)
        )

    def plug_in(groups: Array, order: int) -> Array:
        failure = 1 - groups.sum(axis=-1) / groups.shape[-1]
        return np.array([sum(q**k for k in range(order)) for q in failure], dtype=object)

    return _verdict(
        "E[weight_estimate] = w_T(p) for T <= N + 1",
        f"{len(PROBLEMS)} problems, N <= 4, every T, exact rationals",
        "powers of the mean in place of U-statistics",
        unbiased,
        weight_estimate,
        plug_in,
    )


def _gradient_is_unbiased() -> Verdict:
    def unbiased(weights: Callable[[Array, int], Array]) -> bool:
        for problem in PROBLEMS:
            for n in range(1, 5):
                for order in range(1, n + 1):
                    weigh = _at_order(weights, order)
                    moments = exact_moments(problem, lambda l, weigh=weigh: weigh(l) * l, n)
                    truth = Objective.maxrl(order).weight(problem.pass_rate) * problem.grad_pass_rate
                    if not (moments.mean == truth).all():
                        return False
        return True

    def from_all_values(groups: Array, order: int) -> Array:
        return np.broadcast_to(failure_powers(groups, order - 1).sum(axis=-1)[..., None], groups.shape)

    return _verdict(
        "E[(1/N) sum omega_i l_i S_i] = w_T(p) grad p for T <= N",
        f"{len(PROBLEMS)} problems, N <= 4, every T, exact rationals",
        "weights that are not leave-one-out",
        unbiased,
        loo_weights,
        from_all_values,
    )


def _weights_differentiate_the_objective() -> Verdict:
    def is_derivative(order_of_weights: int) -> bool:
        n = GROUPS.shape[1]
        for i in range(n):
            low, high = GROUPS.copy(), GROUPS.copy()
            low[:, i], high[:, i] = F(0), F(1)
            slope = n * (objective_estimate(high, 4) - objective_estimate(low, 4))  # affine in each l_i
            if not (slope == loo_weights(GROUPS, order_of_weights)[:, i]).all():
                return False
        return True

    return _verdict(
        "omega_i = N dJ/dl_i of the objective estimate",
        f"{len(GROUPS)} groups of 5, T = 4, exact rationals",
        "weights of order T - 1",
        is_derivative,
        4,
        3,
    )


def _binary_weights_are_maxrl() -> Verdict:
    def matches(shift: int) -> bool:
        for n, k, order in _binary_cases():
            group = np.array([F(1)] * k + [F(0)] * (n - k), dtype=object)
            closed = F(n + shift, k) * (1 - F(math.comb(n - k, order), math.comb(n, order)))
            if loo_weights(group, order)[0] != closed:
                return False
        return True

    return _verdict(
        "for K successes in N, omega = (N/K)(1 - C(N-K,T)/C(N,T)); T = N gives MaxRL's N/K",
        "every 1 <= K <= N <= 7 and T <= N, exact rationals",
        "(N+1)/K",
        matches,
        0,
        1,
    )


def _mean_advantage_is_pass_at_t() -> Verdict:
    def matches(shift: int) -> bool:
        n = GROUPS.shape[1]
        powers = failure_powers(GROUPS, n)
        return all(
            ((loo_weights(GROUPS, t) * GROUPS).sum(axis=-1) / n == 1 - powers[:, t - shift]).all()
            for t in range(1, n + 1)
        )

    return _verdict(
        "(1/N) sum omega_i l_i = 1 - E_T, the estimate of pass@T",
        f"{len(GROUPS)} groups of 5, every T, exact rationals",
        "pass@(T-1)",
        matches,
        0,
        1,
    )


def _weights_average_coin_flips() -> Verdict:
    def matches(order: int) -> bool:
        n = GROUPS.shape[1]
        for group in GROUPS:
            mean = np.array([F(0)] * n, dtype=object)
            for flips in itertools.product((0, 1), repeat=n):
                chance = math.prod(l if b else 1 - l for l, b in zip(group, flips, strict=True))
                mean += chance * np.array([F(b, max(sum(flips), 1)) for b in flips], dtype=object)
            if not (loo_weights(group, order) * group / n == mean).all():
                return False
        return True

    return _verdict(
        "omega_i l_i / N = E[b_i / sum b] over coin flips b_j ~ Bernoulli(l_j), T = N",
        f"{len(GROUPS)} groups, all 2^5 flips, exact rationals",
        "order N - 1",
        matches,
        5,
        4,
    )


def _weights_stay_between_bounds() -> Verdict:
    def bounded(factor: float) -> bool:
        for draw in FAMILIES.values():
            group = draw(16, np.random.default_rng(0))
            weights, others = factor * loo_weights(group), group.sum() - group
            slack = 1e-14 * 16
            upper = np.where(others > 1e-8, -np.expm1(-others) / np.maximum(others, 1e-300), 1.0)
            if (weights < 16 / (1 + others) - slack).any() or (weights > 16 * upper + slack).any():
                return False
        return True

    return _verdict(
        "N/(1+L) <= omega_i <= N (1 - exp(-L))/L, L the sum of the other likelihoods, T = N",
        f"{len(FAMILIES)} adversarial families of 16, float64",
        "weights 1e-9 too large",
        bounded,
        1.0,
        1.0 + 1e-9,
    )


def _pass_baseline_generalises_rloo() -> Verdict:
    def matches(baseline: str) -> bool:
        n = GROUPS.shape[1]
        centred = all((advantages(GROUPS, t, baseline=baseline).sum(axis=-1) == 0).all() for t in range(1, n))
        rloo = (advantages(GROUPS, 1, baseline=baseline) == get("rloo")(GROUPS)).all()
        shipped = (advantages(GROUPS[:2], n - 1, baseline=baseline) == get("maxrl_shipped")(GROUPS[:2])).all()
        return bool(centred and rloo and shipped)

    return _verdict(
        "omega_i l_i - (others' pass@T) sums to zero, is RLOO at T = 1 and shipped MaxRL at T = N - 1",
        f"{len(GROUPS)} groups of 5, exact rationals",
        "the leave-one-out mean as baseline",
        matches,
        "pass_loo",
        "mean_loo",
    )


def _centring_costs_a_power() -> Verdict:
    n = 4

    def matches(power: int) -> bool:
        for problem in PROBLEMS:
            for order in range(1, n + 1):
                p = problem.pass_rate

                def centred(l: Array, t: int = order) -> Array:
                    a = loo_weights(l, t) * l
                    return np.asarray(a - a.sum(axis=-1, keepdims=True) / n)

                weight = Objective.maxrl(order).weight(p) - F(order, n) * (1 - p) ** (order - power)
                if not (exact_moments(problem, centred, n).mean == weight * problem.grad_pass_rate).all():
                    return False
        return True

    return _verdict(
        "subtracting the group's mean advantage changes w_T to w_T - (T/N)(1-p)^(T-1)",
        f"{len(PROBLEMS)} problems, N = 4, every T, exact rationals",
        "(1-p)^T in place of (1-p)^(T-1)",
        matches,
        1,
        0,
    )


def _effective_weight_is_the_mean() -> Verdict:
    n, problems = 4, [Bernoulli(F(1, 3)), Bernoulli(F(1, 50)), Bernoulli(F(9, 10))]
    rational = [get(name) for name in _binary_rows() if not name.startswith("grpo")]

    def matches(at: Callable[[F], F]) -> bool:
        return all(
            exact_moments(problem, row, n).mean
            == effective_weight(row, n).value(at(problem.pass_rate)) * problem.grad_pass_rate
            for row in rational
            for problem in problems
        )

    return _verdict(
        "E[g] = W(p) grad p on 0/1 rewards, with the effective weight W read off N + 1 groups",
        f"{len(rational)} estimators, {len(problems)} pass rates, N = {n}, exact rationals",
        "W(1 - p)",
        matches,
        lambda p: p,
        lambda p: 1 - p,
    )


def _variances_have_closed_forms() -> Verdict:
    rows = [row for name in names() if (row := get(name)).affine(3)]

    def matches(moments: Callable[[FiniteProblem, NamedEstimator, int], Moments]) -> bool:
        return all(
            (moments(problem, row, n).covariance == exact_moments(problem, row, n).covariance).all()
            for problem in PROBLEMS
            for row in rows
            for n in (3, 5)
        )

    return _verdict(
        "the covariance of U-statistic estimators follows from seven moments of one rollout",
        f"{len(rows)} estimators, {len(PROBLEMS)} problems, N = 3 and 5, exact rationals",
        "the same with one rollout less",
        matches,
        closed_form_moments,
        lambda problem, row, n: closed_form_moments(problem, get(row.name), n - 1),
    )


def _kernels_are_accurate() -> Verdict:
    kernels, worst, where = load(), 0.0, ""
    for name, draw in FAMILIES.items():
        for n in KERNEL_SIZES:
            group = draw(n, np.random.default_rng(0))
            group.flags.writeable = False  # as the public functions pass it
            for order in sorted({1, (n + 1) // 2, n}):
                got, expected = np.empty((1, n)), _defined_weights(group, order)
                kernels.loo_weights(group[None], np.ones(order), got)
                errors = [reference.ulp_error(got[0], expected)]
                if order == n:
                    kernels.full_order_weights(group[None], got)
                    errors.append(reference.ulp_error(got[0], expected))
                if max(errors) >= worst:
                    worst, where = max(errors), f"{name}, N = {n}, T = {order}"
    group = FAMILIES["uniform"](32, np.random.default_rng(0))
    deflated = reference.ulp_error(_deflated_weights(group), _defined_weights(group, 32))
    kind = "compiled" if kernels.compiled else "NumPy"
    return Verdict(
        f"both {kind} kernels are within {KERNEL_ULPS} ulp of the definition",
        worst <= KERNEL_ULPS < deflated,
        f"{len(FAMILIES)} families, N <= {KERNEL_SIZES[-1]}: worst {worst:.2g} ulp ({where})",
        f"dividing a value out of e_k of the group: {deflated:.1e} ulp at N = 32",
    )


def _at_order(function: Callable[[Array, int], Array], order: int) -> Callable[[Array], Array]:
    return lambda groups: function(groups, order)


def _defined_weights(group: FloatArray, order: int) -> FloatArray:
    return np.array(reference.exact_loo_weights(group, [1] * order), dtype=np.float64)


def _deflated_weights(group: FloatArray) -> FloatArray:
    """The textbook route in floating point, as the wrong version: it loses all digits."""
    n, q = group.size, 1.0 - group
    symmetric = np.zeros(n + 1)
    symmetric[0] = 1.0
    for value in q:
        symmetric[1:] += value * symmetric[:-1].copy()
    binomials = [math.comb(n - 1, k) for k in range(n)]
    weights, others = np.ones(n), np.ones(n)
    for k in range(1, n):
        others = symmetric[k] - q * others
        weights += others / binomials[k]
    return weights


def _large_groups_are_accurate() -> Verdict:
    worst = 0.0
    for successes in (1, 37, 1000, LARGE // 2):
        group = np.zeros(LARGE)
        group[:successes] = 1.0
        got = loo_weights(group)
        expected = np.where(group == 1.0, LARGE / successes, LARGE / (successes + 1))
        worst = max(worst, reference.ulp_error(got, expected))
    early = np.zeros(LARGE)
    early[:38] = 1.0
    short = loo_weights(early[:-1])[0]  # one rollout fewer
    return Verdict(
        f"at N = 10^6 the weights of K successes are N/K and N/(K+1), within {KERNEL_ULPS} ulp",
        worst <= KERNEL_ULPS < reference.ulp_error(np.array([short]), np.array([LARGE / 38])),
        f"K = 1, 37, 1000 and N/2: worst {worst:.2g} ulp",
        "a group of N - 1",
    )


def _ascends(name: str, n: int, expected: str) -> Verdict:
    found, below = (str(effective_weight(get(name), size).nearest()) for size in (n, n - 1))
    return Verdict(
        f"{name} is {expected} for groups of {n}, on 0/1 rewards",
        found == expected != below,
        f"computed in exact rationals: {found}",
        f"groups of {n - 1} ({below})",
    )


def _grpo_matches_no_objective() -> Verdict:
    found = {n: effective_weight(get("grpo"), n).nearest() for n in (4, 8, 16, 32)}
    three = effective_weight(get("grpo"), 3).nearest()
    return Verdict(
        "GRPO matches no J_T at any scale, for N >= 4",
        three.exact and not any(near.exact for near in found.values()),
        "; ".join(f"N = {n}: {near.distance:.1%} off {near.name}" for n, near in found.items()),
        f"N = 3, where it is {three}",
    )


def _self_normalised_is_biased() -> Verdict:
    n, target = 8, Objective.maxrl(8)
    bias, angle = _graded_bias(get("self_normalised"), target, n)
    control, _ = _graded_bias(get("ustat"), target, n)
    return Verdict(
        "self-normalised weights N l_i / sum(l) are biased on graded likelihoods",
        bias > 0 == control,
        f"N = {n}, {GRADED[0]}: E[g] misses grad J_8 by {bias:.2%}, {angle:.1f} degrees off",
        "the U-statistic weights, with bias 0",
    )


def _graded_bias(estimator: Estimator, target: Target, n: int) -> tuple[float, float]:
    """Relative size of the exact bias on a graded problem, and the angle to the true gradient in degrees."""
    problem = GRADED[0]
    truth = target_gradient(problem, target)
    mean = exact_moments(problem, estimator, n).mean
    bias = float(np.linalg.norm((mean - truth).astype(np.float64)) / np.linalg.norm(truth.astype(np.float64)))
    got, expected = mean.astype(np.float64), truth.astype(np.float64)
    across = np.linalg.norm(got - (got @ expected) / (expected @ expected) * expected)
    return bias, math.degrees(math.atan2(float(across), float(got @ expected) / float(np.linalg.norm(expected))))


def _expectation(problem: FiniteProblem, statistic: Callable[[Array], Array], n: int) -> Any:
    """E of a statistic (B, N) -> (B,) over all ordered groups of n outcomes."""
    index = np.array(list(itertools.product(range(len(problem.probabilities)), repeat=n)))
    chances = np.prod(problem.probabilities[index], axis=1)
    return (chances * statistic(problem.likelihoods[index])).sum()


def _binary_cases() -> Iterator[tuple[int, int, int]]:
    for n in range(1, 8):
        yield from itertools.product((n,), range(1, n + 1), range(1, n + 1))
