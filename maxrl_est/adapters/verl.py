"""verl and SkyRL: maximum-likelihood advantages for their registries, and judges for functions and steps they ship.

Importing this needs torch only; verl is imported by what registers with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from maxrl_est._arguments import one_of, whole
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.adapters._judged import judged
from maxrl_est.adapters._rewards import advantages_of_rewards, check_settings
from maxrl_est.adapters._torch_ops import array_of
from maxrl_est.adapters._verl_batch import Batch, by_itself, by_name
from maxrl_est.adapters._verl_steps import as_step
from maxrl_est.estimates.baselines import BASELINES, Baseline
from maxrl_est.estimates.grouped import blocks
from maxrl_est.objectives import ObjectiveLike, order_of

__all__ = ["TokenAdvantages", "as_estimator", "as_step", "load", "register"]

ORDERS = (2, 4, 8, 16, 32, 64)  # that have names of their own
MASKED = ("refuse", "leave_out")


@dataclass(frozen=True)
class TokenAdvantages:
    """`maxrl_est.advantages` as verl and SkyRL call it: rewards of tokens ``(B N, L)`` to advantages of tokens.

    The sum of a response's token rewards, rounded to their dtype, is its likelihood, and its advantage goes to each
    of its tokens. Responses with the same uid are a group, in any order; groups may have different N. Advantages are
    computed on the CPU in float64, and have the dtype (float32 at least) and device of the rewards.

    Parameters
    ----------
    objective : an `Objective`, an int T for MaxRL of order T, or None for MaxRL of each group's own order N
    baseline : as for `maxrl_est.advantages`: None is ``"mean_loo"``, and ``"none"`` in groups of one
    log_ceiling : None where rewards are likelihoods; a number where they are log-likelihoods, which it bounds
    masked : ``"refuse"``, or ``"leave_out"`` for groups of those responses that have a token; see below

    Raises
    ------
    TypeError, ValueError
        At once, for what no group could satisfy; when called, for a response whose likelihood is outside [0, 1] or
        NaN, for one without a token in a group that has some, and for a group with fewer rollouts than the objective
        or the baseline needs, which the uid names.

    **Masks and filters.** A response whose mask is all zero, as those are that ``rollout_correction.rollout_rs``
    rejects, has no gradient. If it stayed in its group, the mean would be ``w(p) grad E[l kept] - b grad P(kept)`` for
    a constant baseline b: with ``"one"`` that trains towards being masked. It is refused. Left out where asked, with
    p' = E[l | kept], M of N rollouts are kept, and the mean of ``(1/N) sum_i A_i S_i`` given M is

        (M/N) (w(p') grad p' + a grad log P(kept)),

    with w of the order that M rollouts have, and a their mean advantage: 0 for ``"pass_loo"``, p' w(p') for ``"none"``,
    which for MaxRL is pass@T, and p' w(p') - b for a constant, so -(1 - p')^T for ``"one"``; for ``"mean_loo"`` of
    MaxRL at least 0, and 0 at order 1. So p' is ascended and not p, even with ``"pass_loo"``: a policy gains by having
    its worse responses masked. Only a mask that does not depend on the response leaves all as it is.

    - A group without any token is passed over, as the padding of verl's batches; so is a group all of which is masked.
      Responses that failed to be generated are not in the batch, which leaves them out: this too is the above.
    - Tokens of tools, masked inside a response, are none of the policy's, and change nothing. Tokens that
      ``rollout_rs="token_..."`` masks look the same and are its own: the scores of the rest have no mean of zero, and
      no baseline is free. Ratios (``rollout_is``) that are cut off have the same effect. ``bypass_mode`` does both
      after advantages are made, as SkyRL's ``apply_overlong_filtering`` does, where nothing here can see it.
    - Weights cannot have the ratios of whole rollouts here: verl gives ``rollout_is_weights``, which it cuts off at
      ``rollout_is_threshold``, and ``old_log_probs`` to its own ``optimal_token_baseline`` alone. Those of sequences in
      the loss give ``w(p') grad p`` where nothing is cut, p' being the pass rate of the policy that drew. For ``w(p)
      grad p`` put your own in the place of ``compute_advantage`` of verl's trainer, whose batch has ``old_log_probs``
      and ``rollout_log_probs``: advantages are those of `maxrl_est.adapters.torch.advantages` with ``ratios``, exp of
      the sum of their differences over a response's tokens, and ``rollout_is: null`` keeps the loss from having them
      once more.
    - ``filter_groups`` (DAPO; ``dynamic_sampling`` in SkyRL) drops groups of equal rewards, to which the default,
      ``"mean_loo"``, and ``"pass_loo"`` give advantage 0: nothing is lost, and the mean over the rest is that over all
      groups times a factor, the same for all prompts of a step. But ``"one"`` of order N then ascends exactly J_{N-1}
      on 0/1 rewards, and ``"none"`` and ``"one_over_n"`` no known objective. By another metric it is a bias for all.
    - DAPO's ``overlong_buffer`` is a penalty and no mask: it is refused where it takes a likelihood out of [0, 1].

    Not with a KL penalty in the rewards (``algorithm.use_kl_in_reward``), whose sums are no likelihoods; use the KL
    loss. Not for agents with several outputs a trajectory, of which verl spreads only GRPO's advantages: each output
    would count as a rollout. Likelihoods far below 1/N on every rollout leave all weights near T.

    SkyRL calls functions as verl does: ``AdvantageEstimatorRegistry.register("maxrl_est", TokenAdvantages())``.

    Source: MaxRL (arXiv 2602.02710), by U-statistics for graded rewards.
    """

    objective: ObjectiveLike = None
    baseline: Baseline = None
    log_ceiling: float | None = None
    masked: str = "refuse"

    def __post_init__(self) -> None:
        one_of("masked", self.masked, MASKED)
        size = 2 if self.objective is None else order_of(self.objective) + 1
        check_settings(self.objective, self.baseline, self.log_ceiling, size)

    def __call__(
        self, token_level_rewards: torch.Tensor, response_mask: torch.Tensor, index: Array, **_: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advantages ``(B N, L)`` and, the same again, returns; index ``(B N,)`` are the uids."""
        dtype = torch.promote_types(token_level_rewards.dtype, torch.float32)
        scores = _sums(token_level_rewards).to(dtype).cpu().numpy()
        uids, kept = _uids(index, len(scores)), np.flatnonzero(_has_tokens(response_mask))
        if self.masked == "refuse" and kept.size < len(scores):
            _need_tokens(uids, kept)
        found = np.zeros_like(scores)
        for block in blocks("index", [uids[row] for row in kept], kept.size, "responses"):
            rows = kept[block.rows]  # (B, N)
            self._check(scores, rows, index)
            try:
                found[rows] = self._of(scores[rows])
            except ValueError as error:
                raise ValueError(f"{error} (uid {index[rows[0, 0]]!r})") from None
        spread = torch.from_numpy(found).to(token_level_rewards.device)[:, None] * response_mask
        return spread, spread

    def _of(self, scores: Array) -> Array:
        """Advantages (B, N) of likelihoods or log-likelihoods (B, N)."""
        return advantages_of_rewards(scores, self.objective, self.baseline, self.log_ceiling)

    def _check(self, scores: Array, rows: Array, index: Array) -> None:
        """Refuse the first response whose score is no likelihood, by its row in the batch and its uid."""
        if self.log_ceiling is None:
            right = (scores[rows] >= 0) & (scores[rows] <= 1)
            rule = "have a sum in [0, 1], which a KL penalty in the rewards leaves"
        else:
            right = scores[rows] <= scores.dtype.type(self.log_ceiling)
            rule = f"have a sum of at most log_ceiling = {self.log_ceiling}"
        if not right.all():
            row = int(rows[~right][0])
            raise ValueError(f"token_level_rewards[{row}] must {rule}, got {scores[row]} (uid {index[row]!r})")


def _sums(rewards: torch.Tensor) -> torch.Tensor:
    """Sums (B N,) in float64, rounded to the dtype of rewards (B N, L), which have no more digits."""
    if rewards.is_cpu:  # NumPy adds in float64 without a copy in it
        return torch.from_numpy(np.add.reduce(array_of(rewards), axis=-1, dtype=np.float64)).to(rewards.dtype)
    return rewards.sum(dim=-1, dtype=torch.float64).to(rewards.dtype)


def _has_tokens(mask: torch.Tensor) -> Array:
    """Which responses (B N,) have a token; most have one in the first place, so that others are looked at alone."""
    has: torch.Tensor = (mask[:, :1] != 0).any(dim=-1)
    rest = (~has).nonzero()[:, 0]
    has[rest] = (mask[rest] != 0).any(dim=-1)
    found: Array = has.numpy(force=True)
    return found


def _need_tokens(uids: list[Any], kept: Array) -> None:
    """ValueError for a response without a token in a group of which others are kept."""
    masked = set(range(len(uids))).difference(kept.tolist())
    trained = {uids[row] for row in kept}
    for row in sorted(masked):
        if uids[row] in trained:
            raise ValueError(
                f"response_mask[{row}] must have a token, since others of its group do and it would count among them "
                f"without a gradient (masked='leave_out' leaves it out of the group), got none (uid {uids[row]!r})"
            )


def _uids(index: Any, size: int) -> list[Any]:
    """The uids (B N,) as values that are equal where they look equal, which tensors of one number and NaN are not."""
    uids: Array = np.asarray(index)
    if uids.shape != (size,):
        raise ValueError(f"index must have a uid for each of the {size} responses, got shape {uids.shape}")
    values: list[Any] = uids.tolist()
    for row, uid in enumerate(values):
        if uid != uid:  # NaN, which is no group's
            raise ValueError(f"index[{row}] must be equal to itself, got {uid}")
    return values


def register(
    name: str,
    objective: ObjectiveLike = None,
    *,
    baseline: Baseline = None,
    log_ceiling: float | None = None,
    masked: str = "refuse",
) -> None:
    """Give `TokenAdvantages` of these parameters a name in verl, for ``algorithm.adv_estimator=name``.

    To register the same twice is harmless; a name that already means something else is verl's ValueError. Every
    process that computes advantages has to do it, so put it into a module that ``VERL_USE_EXTERNAL_MODULES`` names.
    Not needed for the names that `load` registers, which verl finds by itself.

    verl's gradient is that of the advantages for ``actor.loss_agg_mode`` ``"seq-mean-token-sum"`` and, up to the
    constant length of responses, ``"seq-mean-token-sum-norm"``. Its default ``"token-mean"`` divides by the tokens of
    the batch, which is random; ``"seq-mean-token-mean"`` divides each rollout by its own length, which is a bias.

    >>> register("my_order_3", 3, baseline="one")
    """
    from verl.trainer.ppo.core_algos import register_adv_est

    register_adv_est(name)(TokenAdvantages(objective, baseline, log_ceiling, masked))


def load() -> None:
    """Register names for verl's configuration, which has no place for a number.

    ``maxrl_est`` is MaxRL of order N with the default baseline, ``"mean_loo"`` (``"none"`` in groups of one);
    ``maxrl_est_t2``, ``_t4``, ... up to ``_t64`` are MaxRL of these orders with the same; ``maxrl_est_none``, ``_one``,
    ``_one_over_n``, ``_pass_loo`` and ``_mean_loo`` are MaxRL of order N, or N - 1 with ``pass_loo``, with these.
    For all else there is `register`.
    """
    register("maxrl_est")
    for order in ORDERS:
        register(f"maxrl_est_t{order}", order)
    for baseline in BASELINES:
        register(f"maxrl_est_{baseline}", baseline=baseline)


def as_estimator(
    shipped: str | Callable[..., Any], *, dtype: torch.dtype = torch.float64, longest: int = 4, **options: Any
) -> Estimator:
    """An advantage function of verl or SkyRL as a function ``(..., N) -> (..., N)`` to be judged.

    For `maxrl_est.check_estimator` and `maxrl_est.effective_weight`. All groups are one batch, as trainers feed it:
    rows of different uids by turns, a reward on the last token of its response, which for the likelihood l has
    ``longest - floor((longest - 1) l)`` tokens: what is normalised over the batch depends on it, what takes neighbours
    for groups is found out, and so is what counts tokens. ``.ragged(groups)`` of what is returned takes a list of
    groups ``(N_b,)`` of different sizes, and gives the list of their advantages.

    Parameters
    ----------
    shipped : a name in verl's registry, which then is called by ``compute_advantage`` of verl's trainer, with what that
        passes and nothing else (for ``grpo_vectorized`` no ``norm_adv_by_std_in_grpo``); or a function of the same
        signature, such as SkyRL's, which is called itself
    dtype : of the rewards: float64, to show more than the float32 of trainers would; ``torch.float32`` for what has it
        inside anyway (``grpo_vectorized``, ``tir_optimal_token_baseline``)
    longest : tokens of the longest response. 1 for functions whose advantages differ from token to token
        (``optimal_token_baseline``), and to see what others are where all responses have one length (``opo``)
    options : for names, fields of verl's ``AlgoConfig``, or ``config`` for all of them, and what the trainer may have
        in its batch: the same for all rollouts, ``reward_baselines (1,)`` for ``remax``, ``old_log_probs (1, 1)`` and
        ``sum_pi_squared (1, 1)`` for ``optimal_token_baseline``. For functions, any further arguments

    Raises
    ------
    TypeError
        For an option that the trainer does not pass, or that the function does not take.
    ValueError
        For a name that verl does not have; when called, for advantages that differ within a response.

    Warns
    -----
    UserWarning
        For an option without which trial groups have the same advantages.

    Not for functions of more than rewards that differ from rollout to rollout: ``gae`` has a critic and no groups.

    >>> rloo = as_estimator("rloo")
    >>> rloo(np.array([1.0, 0.0, 0.0]))
    array([ 1. , -0.5, -0.5])
    >>> rloo.ragged([np.array([1.0, 0.0]), np.array([1.0, 0.0, 0.0])])
    [array([ 1., -1.]), array([ 1. , -0.5, -0.5])]
    """
    whole("longest", longest)
    judge = by_name(shipped, options) if isinstance(shipped, str) else by_itself(shipped, options)
    judge.warn_of_idle(options, longest, dtype)

    def ragged(groups: list[Array]) -> list[Array]:
        batch = Batch.of(groups, longest, dtype)
        return batch.advantages(judge.call(batch, options), judge.name)

    def call(groups: Array) -> Array:
        return np.reshape(ragged(list(groups)), groups.shape)

    settings = {**options, **({} if longest == 4 else {"longest": longest})}
    shown = ", ".join(f"{key}={value!r}" for key, value in settings.items())
    typed = repr(shipped) if isinstance(shipped, str) else judge.name
    return judged(call, f"{judge.name}({shown})", f"as_estimator({typed}{shown and ', '}{shown})", ragged)
