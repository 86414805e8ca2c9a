"""What a term that holds the policy to a reference adds to the mean step: which divergence it descends, if any."""

from __future__ import annotations

from fractions import Fraction as F
from typing import NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.checks._steps.lengths import divisor_of, lengths
from maxrl_est.checks._steps.means import mean_update
from maxrl_est.checks._steps.probes import answer, mixed, same
from maxrl_est.checks._steps.subject import LAWS, StepSubject, in_degrees
from maxrl_est.checks._subject import Failed, Skipped, Warned
from maxrl_est.problems import TokenChain
from maxrl_est.steps import Batch
from maxrl_est.steps._answers import agree
from maxrl_est.steps._exact import degrees

_AWAY = 0.5  # of a logarithm, at which forms of the estimate differ


class Cause(NamedTuple):
    """What the term is, in words, and whether it is one that most take for the divergence."""

    said: str
    usual: bool = False


def kl_term(subject: StepSubject) -> str:
    """What a reference adds to the mean step is minus the gradient of the divergence from it, of whole responses."""
    if not reads_references(subject):
        _need_no_constant(subject)
        raise Skipped("it reads no reference")
    angles, shares = [], []
    for law in LAWS["lengths"]:
        assert isinstance(law, TokenChain)
        reference = TokenChain([_away(stop) for stop in law.stop], law.right)
        added = mean_update(subject, law, reference=reference) - mean_update(subject, law)
        truth = -divergence(law, reference)
        angles.append(degrees(added.astype(np.float64), truth))
        shares.append(float(added.astype(np.float64) @ truth / (truth @ truth)))
    off = in_degrees(*angles)
    beta = " and ".join(f"{share:.3g}" for share in shares)
    if max(angles) <= np.degrees(max(subject.tolerance, 1e-6)):
        return f"the reference adds {beta} of minus the gradient of the divergence of whole responses, KL(pi || pi_ref)"
    found = {"degrees": [round(angle, 4) for angle in angles], "shares": shares}
    if max(shares) < 0:
        raise Failed(
            f"the KL term drives the policy away from the reference: it adds {beta} of minus the gradient of "
            f"KL(pi || pi_ref), {off} degrees off it",
            found=found,
        )
    cause = _cause(subject)
    message = (
        f"what the reference adds is {off} degrees off minus the gradient of the divergence KL(pi || pi_ref) of whole "
        f"responses, at a hard and an easy prompt: {cause.said}"
    )
    if cause.usual:
        return Warned(message)
    raise Failed(message, found=found)


def divergence(law: TokenChain, reference: TokenChain) -> FloatArray:
    """The gradient (d,) of KL(pi || pi_ref) of whole responses: the mean of the log-ratio times the score."""
    logs = np.log((law.token_probabilities / reference.token_probabilities).astype(np.float64)).sum(axis=1)
    return np.asarray((law.probabilities.astype(np.float64) * logs) @ law.scores.astype(np.float64))


def reads_references(subject: StepSubject) -> bool:
    """Whether ratios to a reference, each another, change a coefficient."""
    logs = np.linspace(-1, 1, 2 * subject.n * 3).reshape(2, subject.n, 3)
    found, plain = (answer(subject, mixed(subject, **given)) for given in ({"log_reference_ratios": logs}, {}))
    return bool(abs(found - plain).max() > 1e-6 * max(float(abs(plain).max()), 1e-30))


def _away(stop: F) -> F:
    """A chance with odds that are 3/2 of the others."""
    return 3 * stop / (2 + stop)


def _need_no_constant(subject: StepSubject) -> None:
    """Failed where tokens are pulled alike, whatever the reward, as by an estimate in the loss whose slope is 1."""
    shape = (2, subject.n)
    mask = np.arange(3) < 1 + np.arange(2 * subject.n).reshape(*shape, 1) % 3
    failed, solved = (answer(subject, Batch.of(np.full(shape, r), mask))[mask] for r in (0.0, 1.0))
    size = float(abs(failed).max())
    if size and np.ptp(failed) <= 1e-6 * size and abs(failed - solved).max() <= 1e-6 * size:
        raise Failed(
            f"every token has {float(failed[0]) * mask[..., 0].size:.3g} added whatever its reward, its length and its "
            "reference: that is what k1, the log-ratio, does in the loss (or a cost for each token), and it has no "
            "gradient at all in the mean",
            found={"constant": float(failed[0])},
        )


def _cause(subject: StepSubject) -> Cause:
    """By what the log-ratio of one token changes: its own coefficient, those of its response, those of others."""
    place = (0, 0, 1)
    plain = answer(subject, mixed(subject))

    def change(log: float) -> Array:
        logs = np.zeros((2, subject.n, 3))
        logs[place] = log
        return answer(subject, mixed(subject, log_reference_ratios=logs)) - plain

    up, down = change(_AWAY), change(-_AWAY)
    own = float(up[place])
    rest = np.delete(
        np.concatenate([up.ravel(), down.ravel()]),
        [np.ravel_multi_index(place, up.shape), up.size + np.ravel_multi_index(place, up.shape)],
    )
    alone = bool(abs(rest).max() <= 1e-6 * max(abs(own), 1e-30))
    odd = own / float(down[place]) if down[place] else float("nan")
    if alone and same(odd, -1):
        return Cause(
            "it is what k2 adds, half the square of the log-ratio of each token in the loss, which takes each prefix "
            f"as given{_of_lengths(subject)}",
            usual=True,
        )
    if alone and same(odd, (1 - np.exp(-_AWAY)) / (1 - np.exp(_AWAY))):
        return Cause(
            "it is what k3 adds in the loss, whose mean gradient is that of the forward divergence KL(pi_ref || pi) of "
            "each token"
        )
    where = "in the loss" if alone else "in the reward"
    if _multiplies(subject):
        return Cause(
            "it is no term but a factor, which does nothing where rewards are all equal: a ratio to the reference is "
            "taken for that to the policy that drew"
        )
    if own == 0:
        return Cause("the coefficient of a token goes with the log-ratios of others and not with its own")
    if same(odd, 1):
        return Cause(f"a term {where} that has lost the sign of the log-ratio, as its size or its square")
    if odd < -1 and not same(odd, -1):
        return Cause(
            f"a term {where} that grows with the ratio pi/pi_ref and not with its logarithm, as of k3 with the ratio "
            "upside down"
        )
    if same(abs(odd), float(np.exp(-_AWAY))) or abs(own) < abs(float(down[place])):
        return Cause(
            f"a term {where} that grows where the reference has more, as of the forward divergence KL(pi_ref || pi)"
        )
    if same(odd, -1):
        if same(_of_one_token(subject) / own, 3):
            return Cause(f"log-ratios {where} are averaged over the tokens of each response, and should be summed")
        return Cause(f"log-ratios {where}, under a rule that is not in proportion to the reward, or with lengths in it")
    return Cause(f"a term {where} that is no known estimate of it")


def _multiplies(subject: StepSubject) -> bool:
    """Whether the reference has no part where all rewards are equal."""
    shape = (2, subject.n)
    logs = np.linspace(-1, 1, 2 * subject.n * 3).reshape(*shape, 3)
    given = {"rewards": np.ones(shape), "mask": np.ones((*shape, 3))}
    return agree(*(answer(subject, Batch.of(**given, log_reference_ratios=each)) for each in (logs, 0.0)))


def _of_one_token(subject: StepSubject) -> float:
    """By what a log-ratio changes the coefficient of a response of one token, beside others of three."""
    lengths = np.full((2, subject.n), 3)
    lengths[0, 0] = 1
    logs = np.zeros((2, subject.n, 3))
    logs[0, 0, 0] = _AWAY
    found, plain = (answer(subject, mixed(subject, lengths, log_reference_ratios=each)) for each in (logs, 0.0))
    return float((found - plain)[0, 0, 0])


def _of_lengths(subject: StepSubject) -> str:
    """What lengths have to do with it, where they bend the step anyway."""
    try:
        subject.once(lengths)
    except Failed:
        return f"; and {subject.once(divisor_of).cause}"
    return ""
