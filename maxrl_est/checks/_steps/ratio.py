"""How coefficients answer to the ratio pi/mu of a token, close to 1: of which ratio they are multiples."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from maxrl_est.checks._steps.probes import SMALL, answer, chosen, mixed, same
from maxrl_est.checks._steps.subject import StepSubject
from maxrl_est.checks._subject import Failed, Skipped, Warned
from maxrl_est.steps import Batch

Kind = Literal["none", "token", "prefix", "response", "geometric mean", "other"]

_SAID = {
    "token": "multiples of the ratio of its own token",
    "prefix": "multiples of the ratio of the response up to its token",
    "response": "multiples of the ratio of the whole response",
    "geometric mean": "multiples of the geometric mean of the ratios of its response",
}
_TOKENS = 3
_MIDDLE = 1


class Powers(NamedTuple):
    """By which powers of the ratio of a response's middle token coefficients grow."""

    kind: Kind
    own: float
    before: float
    after: float
    others: float  # the largest, of the other rollouts


def ratio(subject: StepSubject) -> str:
    """At ratio 1 coefficients are multiples of a ratio, the right way up, and nothing is clipped or masked."""
    powers = subject.once(powers_of)
    if powers.kind == "none":
        raise Skipped(NO_RATIO)
    _need_no_mask(subject)
    if powers.kind != "other":
        beside = "" if same(powers.others, 0) else f"; those of the other rollouts by its power {powers.others:.3g}"
        return f"close to ratio 1 coefficients are {_SAID[powers.kind]}, and none is clipped there{beside}"
    shared = powers.own - powers.others
    if same(shared, 1) and powers.own > 0:
        return Warned(
            f"coefficients grow by the power {powers.own:.3g} of a ratio and fall by {-powers.others:.3g} of those of "
            "other rollouts: ratios are divided by their mean, which is right in large groups"
        )
    found = {"own": powers.own, "before": powers.before, "after": powers.after}
    if same(powers.own, 0) and same(powers.before, 0) and same(powers.after, 0):
        raise Failed(
            "the ratio decides about bounds and does not weigh: at ratio 1 no coefficient grows with it", found=found
        )
    if powers.own < 0:
        raise Failed(
            f"the ratio is upside down: coefficients grow by its power {powers.own:.3g}, and should by 1, since it is "
            "of the policy that is updated over the one that drew",
            found=found,
        )
    raise Failed(
        f"a coefficient grows by the power {powers.own:.3g} of the ratio of its own token, by {powers.before:.3g} and "
        f"{powers.after:.3g} of one behind and one before it: that is the ratio of no policy",
        found=found,
    )


NO_RATIO = "it reads no ratios, and is meant for rollouts of the policy that is updated alone"


def reads_ratios(subject: StepSubject) -> bool:
    """Whether ratios of any size, each another, change a coefficient."""
    logs = np.linspace(-2, 2, 2 * subject.n * _TOKENS).reshape(2, subject.n, _TOKENS)
    found, plain = (answer(subject, mixed(subject, **given)) for given in ({"log_ratios": logs}, {}))
    return bool(abs(found - plain).max() > 1e-6 * abs(plain).max())


def powers_of(subject: StepSubject) -> Powers:
    """The powers, found by moving the ratio of one token a little both ways."""
    if not reads_ratios(subject):
        return Powers("none", 0.0, 0.0, 0.0, 0.0)
    plain = answer(subject, mixed(subject))
    place = chosen(plain)
    if place is None:
        return Powers("other", 0.0, 0.0, 0.0, 0.0)
    high, low = (answer(subject, _one_token(subject, place, sign * SMALL)) for sign in (1, -1))
    slopes = np.divide(high - low, 2 * SMALL * plain, where=plain != 0, out=np.zeros(plain.shape))
    before, own, after = (float(x) for x in slopes[place])
    slopes[place] = 0
    others = float(slopes.flat[abs(slopes).argmax()])
    return Powers(_kind(before, own, after), own, before, after, others)


def _kind(before: float, own: float, after: float) -> Kind:
    wanted: dict[Kind, tuple[float, float, float]] = {
        "token": (0, 1, 0),
        "prefix": (0, 1, 1),
        "response": (1, 1, 1),
        "geometric mean": (1 / _TOKENS, 1 / _TOKENS, 1 / _TOKENS),
    }
    for kind, powers in wanted.items():
        if all(same(x, power) for x, power in zip((before, own, after), powers, strict=True)):
            return kind
    return "other"


def _one_token(subject: StepSubject, place: tuple[int, int], by: float) -> Batch:
    logs = np.zeros((2, subject.n, _TOKENS))
    logs[(*place, _MIDDLE)] = by
    return mixed(subject, log_ratios=logs)


def _need_no_mask(subject: StepSubject) -> None:
    """Failed where coefficients vanish at ratio 1, or at once beside it."""
    plain = answer(subject, mixed(subject, 1))[..., 0]
    logs = (np.full((2, subject.n, 1), sign * SMALL) for sign in (1, -1))
    near = [answer(subject, mixed(subject, 1, log_ratios=each))[..., 0] for each in logs]
    for name, rows in (("successes", (0, 0)), ("failures", (1, -1))):
        at_one, above, below = plain[rows], near[0][rows], near[1][rows]
        largest = max(map(abs, (at_one, above, below)))
        lost = [
            where
            for where, value in (("at 1", at_one), ("above 1", above), ("below 1", below))
            if abs(value) < 0.5 * largest
        ]
        if lost:
            raise Failed(
                f"something is clipped or masked at ratio 1, where every on-policy token is: the coefficients of "
                f"{name} are lost {' and '.join(lost)}",
                found={"of": name, "lost": ", ".join(lost)},
            )
