"""The mean update of one prompt alone, without what else `maxrl_est.exact_step` measures, so that it is cheap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._steps.subject import StepSubject
from maxrl_est.problems import TokenBits, Tokens
from maxrl_est.steps import Batch, Step
from maxrl_est.steps._answers import asked
from maxrl_est.steps._draws import draws_of
from maxrl_est.steps._updates import updates


def mean_update(
    subject: StepSubject,
    law: Tokens,
    *,
    step: Step | None = None,
    sampler: Tokens | None = None,
    reference: Tokens | None = None,
    rewards: Array | None = None,
    siblings: int = 1,
) -> Array:
    """The mean update (d,) of a prompt that is alone in its batch; of another step than the subject's, if given.

    For steps to which the order of rollouts is nothing, as is asked of them before.
    """
    step = step or subject.step

    draws = draws_of(
        [law],
        subject.n,
        samplers=[sampler or law],
        references=[reference or law],
        rewards=[law.likelihoods if rewards is None else rewards],
        siblings=siblings,
    )
    numbers = np.concatenate(list(draws.chunks()))
    how = asked(step, draws.batch(numbers, floats=True), draws.batch(numbers) if draws.exact else None)
    chances = draws.chances(numbers)
    return np.asarray((chances if how.exact else chances.astype(np.float64)) @ updates(how, draws, numbers))


def gradient(subject: StepSubject, law: Tokens) -> Array:
    """What the mean update should be, but for a constant: of the objective, or of the pass rate."""
    weight = subject.objective.weight(law.pass_rate) if subject.objective else 1
    return np.asarray(weight * law.grad_pass_rate)


def without_ratios(step: Step) -> Step:
    """The same step, told that the policy that is updated drew the rollouts."""

    def ignoring(batch: Batch) -> Any:
        one = batch.ratios.flat[0] / batch.ratios.flat[0]
        return step(replace(batch, ratios=np.full_like(batch.ratios, one)))

    return ignoring


def moved(law: TokenBits, by: Callable[[Any], Any], token: int) -> TokenBits:
    """The policy whose chance of one token is another."""
    first = list(law.token_probabilities[-1])
    first[token] = by(first[token])
    return TokenBits(first, law.likelihoods.reshape((2,) * len(first)))
