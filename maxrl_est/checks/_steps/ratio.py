"""How coefficients answer to the ratio pi/mu of a token, close to 1: of which ratio they are multiples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.checks._steps.probes import SMALL, answer, chosen, mixed, same
from maxrl_est.checks._steps.subject import StepSubject
from maxrl_est.checks._subject import Failed, Skipped, Warned
from maxrl_est.steps import Batch

Kind = Literal["none", "token", "prefix", "response", "geometric mean", "other"]

_SAID = {
    "token": "multiples of the ratio of its own token",
    "prefix": "multiples of the ratio of the response up to its token",
    "response": "multiples of the ratio of the whole response",
    "geometric mean": "multiples of a mean of the ratios of its response, such as the geometric one",
}
_TOKENS = 3
_MIDDLE = 1
_MANY = 64  # times as many rollouts, of which one has little part in a mean
_BEND = 0.1  # between powers above 1 and below: more than what is smooth has so close to 1
_WANTED: Mapping[Kind, tuple[float, float, float]] = {
    "token": (0, 1, 0),
    "prefix": (0, 1, 1),
    "response": (1, 1, 1),
    "geometric mean": (1 / _TOKENS, 1 / _TOKENS, 1 / _TOKENS),
}
"""Powers of the middle token's ratio: in the coefficient of the token before, of its own, and of the token after."""


class Powers(NamedTuple):
    """By which powers of the ratio of a response's middle token coefficients grow."""

    kind: Kind
    own: float
    before: float
    after: float
    others: float  # the largest, of the other rollouts
    above: float  # own, to the side of a ratio above 1
    below: float
    first: float = 0.0  # by which power of the ratio of the first token the middle one's coefficient grows


def ratio(subject: StepSubject) -> str:
    """At ratio 1 coefficients are multiples of a ratio, the right way up, and nothing is clipped or masked."""
    powers = subject.once(powers_of)
    if powers.kind == "none":
        raise Skipped(NO_RATIO)
    _need_no_mask(subject)
    if powers.kind != "other":
        beside = "" if same(powers.others, 0) else f"; those of the other rollouts by its power {powers.others:.3g}"
        return f"close to ratio 1 coefficients are {_SAID[powers.kind]}, and none is clipped there{beside}"
    found = {"own": powers.own, "before": powers.before, "after": powers.after}
    if abs(powers.above - powers.below) > _BEND:
        raise Failed(
            f"a bound of the ratio lies at 1, where every on-policy token is: a coefficient grows by the power "
            f"{powers.above:.3g} of a ratio above 1 and by {powers.below:.3g} of one below",
            found=found,
        )
    if _over_their_mean(powers) or _in_large_groups(subject):
        return Warned(
            f"a coefficient grows by the power {powers.own:.3g} of its ratio, and by {powers.others:.3g} of those of "
            "other rollouts: ratios, or a baseline that they weigh, are divided by their mean, which is right in large "
            "groups"
        )
    raise Failed(_wrong(powers), found=found)


def _wrong(powers: Powers) -> str:
    """What is wrong with the powers of a ratio that is none of a policy."""
    if same(powers.own, 0) and same(powers.before, 0) and same(powers.after, 0):
        if not same(powers.first, 0):
            return (
                f"a coefficient grows by the power {powers.first:.3g} of the ratio of the first token of its response "
                "and not by that of its own: that is the ratio of no policy"
            )
        return "the ratio decides about bounds and does not weigh: at ratio 1 no coefficient grows with it"
    if powers.own < 0:
        return (
            f"the ratio is upside down: coefficients grow by its power {powers.own:.3g}, and should by 1, since it is "
            "of the policy that is updated over the one that drew"
        )
    if same(powers.own, powers.others) and not same(powers.own, 0):
        return (
            f"a coefficient grows by the power {powers.own:.3g} of every ratio of its group, as of their mean, and not "
            "by those of its own response: that is the ratio of no policy"
        )
    message = (
        f"a coefficient grows by the power {powers.own:.3g} of the ratio of its own token, by {powers.after:.3g} of "
        f"that of the token before and by {powers.before:.3g} of that of the token after: "
    )
    if same(powers.own, 0):
        place = {(1.0, 0.0): "next", (0.0, 1.0): "previous"}.get((round(powers.before, 1), round(powers.after, 1)))
        if place:
            return f"{message}ratios are shifted by one, so that each coefficient has that of the {place} token"
    if same(powers.own, 1) and same(powers.before, 1) and same(powers.after, 0):
        return f"{message}ratios are multiplied from the end, and should be from the first token on"
    return f"{message}that is the ratio of no policy"


NO_RATIO = "it reads no ratios, and is meant for rollouts of the policy that is updated alone"


def reads_ratios(subject: StepSubject) -> bool:
    """Whether ratios of any size, each another, change a coefficient."""
    logs = np.linspace(-2, 2, 2 * subject.n * _TOKENS).reshape(2, subject.n, _TOKENS)
    found, plain = (answer(subject, mixed(subject, **given)) for given in ({"log_ratios": logs}, {}))
    return bool(abs(found - plain).max() > 1e-6 * abs(plain).max())


def powers_of(subject: StepSubject) -> Powers:
    """The powers, found by moving the ratio of one token a little both ways."""
    if not reads_ratios(subject):
        return Powers("none", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    return _measured(subject)


def _measured(subject: StepSubject) -> Powers:
    plain = answer(subject, mixed(subject))
    place = chosen(plain)
    if place is None:
        return Powers("other", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    up, down = (_slopes(subject, place, _MIDDLE, sign * SMALL, plain) for sign in (1, -1))
    slopes = (up + down) / 2
    before, own, after = (float(x) for x in slopes[place])
    slopes[place] = 0
    others = float(slopes.flat[abs(slopes).argmax()])
    first = float(_slopes(subject, place, 0, SMALL, plain)[(*place, _MIDDLE)])
    kind = _kind(before, own, after)
    if kind == "geometric mean" and same(others, own):  # a mean over as many rollouts as there are tokens
        kind = "other"
    return Powers(kind, own, before, after, others, float(up[(*place, _MIDDLE)]), float(down[(*place, _MIDDLE)]), first)


def _slopes(subject: StepSubject, place: tuple[int, int], token: int, by: float, plain: FloatArray) -> FloatArray:
    """Relative changes of all coefficients by the logarithm of one token's ratio."""
    found = answer(subject, _one_token(subject, place, by, token))
    return np.divide(found - plain, by * plain, where=plain != 0, out=np.zeros(plain.shape))


def _over_their_mean(powers: Powers) -> bool:
    """Whether the powers are those of a known ratio over the mean of all rollouts' ratios."""
    if powers.own <= 0 or powers.others >= 0:
        return False
    return any(
        all(
            same(found, power) or same(found - powers.others, power)
            for found, power in zip((powers.before, powers.own, powers.after), wanted, strict=True)
        )
        for wanted in _WANTED.values()
    )


def _in_large_groups(subject: StepSubject) -> bool:
    """Whether with many more rollouts of each prompt the powers are those of a known ratio, if so many are taken."""
    try:
        return _measured(replace(subject, n=_MANY * subject.n)).kind != "other"
    except (Exception, SystemExit):  # of a step for so many rollouts and no more, whatever it raises
        return False


def _kind(before: float, own: float, after: float) -> Kind:
    for kind, powers in _WANTED.items():
        if all(same(x, power) for x, power in zip((before, own, after), powers, strict=True)):
            return kind
    return "other"


def _one_token(subject: StepSubject, place: tuple[int, int], by: float, token: int) -> Batch:
    logs = np.zeros((2, subject.n, _TOKENS))
    logs[(*place, token)] = by
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
