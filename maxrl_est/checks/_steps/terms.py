"""Terms that a step adds whatever the rewards, such as of entropy or of length, and the step less them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.checks._steps.means import mean_update
from maxrl_est.checks._steps.probes import mixed
from maxrl_est.checks._steps.subject import LAWS, StepSubject
from maxrl_est.problems import Tokens
from maxrl_est.steps import Batch, ExactStep, Step
from maxrl_est.steps._answers import agree, coefficients


def has_term(subject: StepSubject) -> bool:
    """Whether, where no reward is given, tokens are told from each other: a constant would add nothing to the mean."""
    lengths = 1 + np.arange(2 * subject.n).reshape(2, subject.n) % 3
    batch = mixed(subject, lengths)
    likely = np.where(batch.mask, 0.3 + 0.02 * np.arange(batch.mask.size).reshape(batch.mask.shape), 1.0)
    found = subject(_without_rewards(replace(batch, probabilities=likely)))[batch.mask]
    return not agree(found, np.full_like(found, found[0]))


def without_term(subject: StepSubject) -> StepSubject:
    """What rewards have a part in: the subject, less a term of its own if there is one."""
    return replace(subject, step=_less_its_term(subject.step)) if subject.once(has_term) else subject


def rewarded(subject: StepSubject, laws: str) -> ExactStep:
    """The exact mean step on a pair of `LAWS`, of what rewards have a part in."""
    subject.mean(laws)  # of which the report has a table
    return subject.once(without_term).mean(laws)


def beside_rewards(subject: StepSubject, laws: str) -> str:
    """The term, in words that follow others, where it has a part in the mean step on a pair of `LAWS`."""
    if not subject.once(has_term):
        return ""
    pairs = zip(subject.mean(laws).mean, rewarded(subject, laws).mean, strict=True)
    return "" if all(agree(whole, rest) for whole, rest in pairs) else f"; {subject.once(term_of)}"


def term_of(subject: StepSubject) -> str:
    """What is added to the mean step whatever the rewards, in words; empty where nothing is."""
    if not subject.once(has_term):
        return ""
    laws = LAWS["lengths"]
    added = [mean_update(subject, law) - mean_update(subject.once(without_term), law) for law in laws]
    mean, known = np.concatenate(added).astype(np.float64), _known(laws)
    for count in range(1, len(known)):
        for names in itertools.combinations(known, count):
            basis = np.stack([known[name] for name in names], axis=1)
            shares = np.linalg.lstsq(basis, mean)[0]
            if np.linalg.norm(basis @ shares - mean) <= subject.tolerance * np.linalg.norm(mean):
                said = [f"{share:.3g} times the gradient of {name}" for share, name in zip(shares, names, strict=True)]
                return f"whatever the rewards, it adds {' and '.join(said)}"
    return (
        "whatever the rewards, it adds a term that goes with the lengths of responses or the probabilities of tokens, "
        "and is the gradient of no cost of length and of no entropy"
    )


def _known(laws: tuple[Tokens, ...]) -> Mapping[str, FloatArray]:
    """Gradients of what terms are of, by name, those of the laws one after the other."""
    entropies, tokens, costs = [], [], []
    for law in laws:
        chances, scores = law.probabilities.astype(np.float64), law.scores.astype(np.float64)
        logs = np.log(law.token_probabilities.astype(np.float64))
        entropies.append(-(chances * logs.sum(axis=1)) @ scores)
        each = law.token_scores.astype(np.float64)
        tokens.append(-np.einsum("y,yt,ytd->d", chances, logs, each))
        costs.append((chances * law.lengths) @ scores)
    return {
        "the length of a response, in tokens": np.concatenate(costs),
        "the entropy of whole responses": np.concatenate(entropies),
        "the entropy of each token, which takes what comes before it as given": np.concatenate(tokens),
    }


def _without_rewards(batch: Batch) -> Batch:
    """The batch whose rewards are all 0, exactly where they are exact."""
    return replace(batch, rewards=batch.rewards - batch.rewards)


def _less_its_term(step: Step) -> Step:
    """The step less what it does without rewards."""

    def rest(batch: Batch) -> Array:
        found: Any = coefficients(step, batch)
        return np.where(batch.mask, found - coefficients(step, _without_rewards(batch)), 0)

    return rest
