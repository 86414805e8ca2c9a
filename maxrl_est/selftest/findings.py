"""What holds on this machine and is no theorem: the rounding of the kernels, and numbers that are computed.

Each finding comes with a wrong version that the same computation rejects: a check that accepts it fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimates._kernels import load
from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.estimators import get
from maxrl_est.measures import effective_weight
from maxrl_est.selftest import reference
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.definition import weights_by_deflation

KERNEL_ULPS = 8  # what the kernels may lose against the correctly rounded weight
KERNEL_SIZES = (1, 2, 3, 4, 8, 16)
LARGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement, whether it held in this run, and the wrong version that the same computation rejected."""

    statement: str
    holds: bool
    evidence: str
    rejects: str


def kernels_are_accurate() -> Finding:
    """Both kernels against the oracle, on every adversarial family."""
    worst, where = 0.0, ""
    for name, draw in FAMILIES.items():
        for n in KERNEL_SIZES:
            group = draw(n, np.random.default_rng(0))
            group.flags.writeable = False  # as the public functions pass it
            for order in sorted({1, (n + 1) // 2, n}):
                error = _kernel_error(group, order)
                if error >= worst:
                    worst, where = error, f"{name}, N = {n}, T = {order}"
    group = FAMILIES["uniform"](32, np.random.default_rng(0))
    deflated = reference.ulp_error(weights_by_deflation(group), _exact_weights(group, 32))
    kind = "compiled" if load().compiled else "NumPy"
    return Finding(
        f"both {kind} kernels are within {KERNEL_ULPS} ulp of the definition",
        worst <= KERNEL_ULPS < deflated,
        f"{len(FAMILIES)} families, N <= {KERNEL_SIZES[-1]}: worst {worst:.2g} ulp ({where})",
        f"dividing a value out of e_k of the group: {deflated:.1e} ulp at N = 32",
    )


def _kernel_error(group: FloatArray, order: int) -> float:
    kernels, n = load(), group.size
    got, expected = np.empty((1, n)), _exact_weights(group, order)
    kernels.loo_weights(group[None], np.ones(order), False, got)
    error = reference.ulp_error(got[0], expected)
    if order == n:
        kernels.full_order_weights(group[None], got)
        error = max(error, reference.ulp_error(got[0], expected))
    return error


def _exact_weights(group: FloatArray, order: int) -> FloatArray:
    return np.array(reference.exact_loo_weights(group, [1] * order), dtype=np.float64)


def large_groups_are_accurate() -> Finding:
    """0/1 rewards at N = 10^6, where the weights are ratios of integers."""
    worst = 0.0
    for successes in (1, 37, 1000, LARGE // 2):
        group = np.zeros(LARGE)
        group[:successes] = 1.0
        expected = np.where(group == 1.0, LARGE / successes, LARGE / (successes + 1))
        worst = max(worst, reference.ulp_error(loo_weights(group), expected))
    early = np.zeros(LARGE)
    early[:38] = 1.0
    short = loo_weights(early[:-1])[0]  # one rollout fewer
    return Finding(
        f"at N = 10^6 the weights of K successes are N/K and N/(K+1), within {KERNEL_ULPS} ulp",
        worst <= KERNEL_ULPS < reference.ulp_error(np.array([short]), np.array([LARGE / 38])),
        f"K = 1, 37, 1000 and N/2: worst {worst:.2g} ulp",
        "a group of N - 1",
    )


def grpo_matches_no_objective() -> Finding:
    """How far GRPO's effective weight is off the nearest known objective, at several N."""
    found = {n: effective_weight(get("grpo"), n).nearest() for n in (4, 8, 16, 32)}
    three = effective_weight(get("grpo"), 3).nearest()
    return Finding(
        "GRPO matches no J_T at any scale, at N = 4, 8, 16 and 32",
        three.known and not any(near.known for near in found.values()),
        "; ".join(f"N = {n}: {near.distance:.1%} off {near.name}" for n, near in found.items()),
        f"N = 3, where it is {three}",
    )


CHECKS: tuple[Callable[[], Finding], ...] = (
    kernels_are_accurate,
    large_groups_are_accurate,
    grpo_matches_no_objective,
)
