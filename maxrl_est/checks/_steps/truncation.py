"""What bounds of the ratio do to the mean step where they bite: how far it turns, and whether it drifts."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._steps.bounds import Bound, Bounds, bounds_of
from maxrl_est.checks._steps.means import gradient, mean_update
from maxrl_est.checks._steps.ratio import NO_RATIO, powers_of
from maxrl_est.checks._steps.subject import StepSubject, in_degrees
from maxrl_est.checks._subject import Failed, Skipped, Warned
from maxrl_est.problems import TokenBits
from maxrl_est.steps._exact import degrees

_BEYOND = F(3, 2)  # how far beyond the bounds ratios are


def truncated_ratio(subject: StepSubject) -> str:
    """Where bounds of the ratio bite, what the rewards do not depend on is left alone."""
    powers, bounds = subject.once(powers_of), subject.once(bounds_of)
    if powers.kind == "none":
        raise Skipped(NO_RATIO)
    if not bounds.any:
        return "ratios between 1/20 and 20 are neither clipped nor truncated"
    law, sampler = _far(bounds, 2 if powers.kind == "geometric mean" else 1)
    drifts = {
        "all alike": _drift(subject, law, sampler, law.likelihoods * 0 + 1),
        "independent of the first token": _drift(subject, law, sampler, _second(law)),
    }
    turned = degrees(mean_update(subject, law, sampler=sampler), gradient(subject, law))
    ratios = np.unique((law.token_probabilities / sampler.token_probabilities)[:, 0].astype(np.float64))
    beyond = " and ".join(f"{ratio:.3g}" for ratio in ratios)
    message = f"bounds: {bounds}; of rollouts with ratios of {beyond} the mean step is {in_degrees(turned)} degrees off"
    worst = max(drifts, key=lambda name: drifts[name])
    if drifts[worst] <= subject.tolerance:
        return Warned(f"{message}, and does not drift where rewards do not depend on the tokens")
    drift = f"it drifts where rewards are {worst}, by {drifts[worst]:.3g} of the mean step on policy"
    if _trust_region(bounds):
        return Warned(f"{message}; {drift}, as of a bound that holds each update back")
    cause = (
        "under a bound a baseline is not free, since the truncated weights no longer add up to 1"
        if any(bound and bound.beyond == "stays" for bound in bounds.above + bounds.below)
        else "coefficients are lost where an update has yet to go, and kept where it has gone too far"
    )
    raise Failed(
        f"{message}; {drift}: {cause}",
        found={"degrees": round(turned, 6), "drift": drifts[worst]},
    )


def _trust_region(bounds: Bounds) -> bool:
    """Whether every bound ends an update that has gone far enough: coefficients vanish, on its outer side at least."""
    outer = ((bounds.above, bounds.above[1]), (bounds.below, bounds.below[0]))
    return all(outward is not None and all(_ends(bound) for bound in pair) for pair, outward in outer if any(pair))


def _ends(bound: Bound | None) -> bool:
    return bound is None or bound.beyond != "stays"


def _far(bounds: Bounds, power: int) -> tuple[TokenBits, TokenBits]:
    """A policy and one that draws, whose first token has just two ratios: beyond the bounds above and below."""
    high, low = (F(x).limit_denominator(1000) for x in (bounds.high, bounds.low))
    high, low = (high * _BEYOND) ** power, (low / _BEYOND) ** power
    chance = (1 / low - 1) / (1 / low - 1 / high)
    rewards = [[F(0), F(0)], [F(0), F(1)]]
    return TokenBits([chance, F(1, 2)], rewards), TokenBits([chance / high, F(1, 2)], rewards)


def _second(law: TokenBits) -> Array:
    """Rewards that are the second token."""
    return np.array([F(0), F(1), F(0), F(1)], dtype=object)


def _drift(subject: StepSubject, law: TokenBits, sampler: TokenBits, rewards: Array) -> float:
    """The first token's mean update, which should be 0, over the largest of the mean on policy with rewards."""
    mean = mean_update(subject, law, sampler=sampler, rewards=rewards)
    size = float(abs(mean_update(subject, law).astype(np.float64)).max())
    if size <= 1e-9 * float(abs(mean.astype(np.float64)).max()):
        raise Skipped("on policy the mean step is 0")
    return abs(float(mean[0])) / max(size, 1e-30)
