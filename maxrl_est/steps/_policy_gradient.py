"""The usual losses of trainers as steps: an advantage, what lengths are divided by, ratios, and a clip range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from maxrl_est._arguments import finite, one_of, positive, short, words
from maxrl_est._arguments.arrays import unpacked
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.estimators import SequentialEstimator, chosen
from maxrl_est.estimators._answers import answer
from maxrl_est.steps._batch import Batch

_LENGTHS = ("sum", "mean", "tokens", "part_tokens")
_RATIOS = ("token", "sequence", "geometric")


@dataclass(frozen=True, slots=True)
class PolicyGradient:
    """A step made by `policy_gradient`: a `Batch`, or a stack of them, to coefficients (..., B, N, L)."""

    advantage: Estimator
    lengths: str
    ratio: str | None
    clip: tuple[Any, Any] | None

    @property
    def adds(self) -> bool:
        """Whether micro-batches are summed and not averaged: where each divides by the tokens of the whole step."""
        return self.lengths == "tokens"

    def __call__(self, batch: Batch) -> Array:
        """Coefficients of the scores of tokens."""
        if not isinstance(batch, Batch):
            raise TypeError(f"batch must be a Batch, got {words(batch)}")
        rewards = batch.rewards
        advantages = answer("advantage", self.advantage(rewards.copy()), rewards.shape, rewards.dtype == object)[
            ..., None
        ]
        found = advantages * batch.mask / _divisor(self.lengths, batch)
        if self.ratio is None:
            return np.asarray(found)
        ratios = _of_tokens(self.ratio, batch)
        return np.asarray(found * ratios * _inside(ratios, advantages, self.clip))


def policy_gradient(
    advantage: str | Estimator,
    *,
    lengths: str = "sum",
    ratio: str | None = None,
    clip: tuple[Any, Any] | None = None,
) -> PolicyGradient:
    """The step of a trainer's loss: ``A_i ratio_it`` for each token where it is not clipped, over a divisor.

    On policy, ``lengths="sum"`` with ratio None, "token" or "sequence" is the estimate (1/N) sum_i A_i S_i of each
    prompt, exact for whatever the advantage ascends; every other divisor is of a length, and the mean is then another
    or no gradient at all. Off policy only ``ratio="sequence"`` is unbiased, for advantages of expected reward whose
    baseline is of the other rollouts (rloo), and clipping biases it too. Where the advantage weighs prompts, the
    weight is that of the policy that drew the rollouts.

    Parameters
    ----------
    advantage : a name of `maxrl_est.estimators.names`, a row, or a function of rewards (..., N)
    lengths : what the sum over tokens is divided by, after the number of rollouts but for the last two

        - ``"sum"``: nothing; a constant, as in Dr. GRPO, is another learning rate. Right
        - ``"mean"``: of each response its own length, as in GRPO: short responses count more
        - ``"tokens"``: the tokens of the whole step, as in DAPO: one learning rate for all, but a random one, so that
          the mean is near the right direction and not in it
        - ``"part_tokens"``: the tokens of the micro-batch: prompts in micro-batches of long responses count less
    ratio : pi / mu that a token is weighted by: None, its own ("token": misses its prefix and what follows), the
        product over its response ("sequence": importance sampling) or the geometric mean ("geometric", as in GSPO,
        whose loss has ``lengths="mean"``)
    clip : (low, high): a token has no gradient where A > 0 and the ratio exceeds 1 + high, or A < 0 and it is below
        1 - low; None: never

    Returns
    -------
    a function of a `Batch`, for `exact_step` and `reuse`

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above, or a clip range has no ratio to clip; when called, where the advantage gives
        what are no finite numbers (..., N).

    Source: PPO (arXiv 1707.06347), GRPO (2402.03300), Dr. GRPO (2503.20783), DAPO (2503.14476), GSPO (2507.18071).

    >>> from fractions import Fraction as F
    >>> import maxrl_est as mx
    >>> hard = mx.problems.TokenChain([F(1, 2)], [F(0), F(1, 4)])  # two tokens if it is right
    >>> for lengths in ("sum", "mean", "tokens"):
    ...     print(mx.exact_step(policy_gradient("rloo", lengths=lengths), hard, 2).share)
    1
    3/4
    2/3
    """
    if isinstance(chosen(advantage, "advantage"), SequentialEstimator):
        raise TypeError(f"advantage must be a function of groups of rollouts, got {words(advantage)}")
    one_of("lengths", lengths, _LENGTHS)
    if ratio is not None:
        one_of("ratio", ratio, _RATIOS)
    return PolicyGradient(chosen(advantage, "advantage"), lengths, ratio, _clip(clip, ratio))


def _clip(clip: Any, ratio: str | None) -> tuple[Any, Any] | None:
    if clip is None:
        return None
    pair = unpacked("clip", clip)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise TypeError(f"clip must be two numbers (low, high) or None, got {words(clip)}")
    if ratio is None:
        raise ValueError(f"clip must be None without a ratio to clip, got {words(clip)}")
    low, high = pair
    if not 0 < finite("clip[0]", low) <= 1:
        raise ValueError(f"clip[0] must lie in (0, 1], got {short(low)}")
    positive("clip[1]", high)
    return low, high


def _divisor(lengths: str, batch: Batch) -> Any:
    """What coefficients are divided by: (), (..., B, N, 1) or (..., 1, 1, 1)."""
    if lengths in ("tokens", "part_tokens"):
        counted = batch.whole if lengths == "tokens" else batch
        return counted.lengths.sum(axis=(-2, -1))[..., None, None, None]
    rollouts = batch.rewards.shape[-2] * batch.rewards.shape[-1]
    return rollouts * batch.lengths[..., None] if lengths == "mean" else rollouts


def _of_tokens(ratio: str, batch: Batch) -> Array:
    """The ratio that each token is weighted by, (..., B, N, L) or (..., B, N, 1)."""
    if ratio == "token":
        return batch.ratios
    whole = batch.ratios.prod(axis=-1, keepdims=True)
    if ratio == "sequence":
        return np.asarray(whole)
    return np.asarray(whole.astype(np.float64) ** (1 / batch.lengths[..., None]))


def _inside(ratios: Array, advantages: Array, clip: tuple[Any, Any] | None) -> Any:
    """Where a loss min(ratio A, clipped ratio A) has a gradient: at the ends of the range too."""
    if clip is None:
        return 1
    low, high = clip
    return np.where(advantages > 0, ratios <= 1 + high, ratios >= 1 - low)
