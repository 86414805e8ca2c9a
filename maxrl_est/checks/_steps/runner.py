"""Running the checks of one training step, with a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from maxrl_est._arguments import at_most, name_of, one_of, positive, short, whole, words
from maxrl_est.checks._known import KnownFaults, known
from maxrl_est.checks._report import Check, CheckReport, PromptRow
from maxrl_est.checks._runner import as_expected, outcome, place_of, told
from maxrl_est.checks._steps.coefficients import coefficients
from maxrl_est.checks._steps.epochs import several_epochs
from maxrl_est.checks._steps.kl import kl_term
from maxrl_est.checks._steps.lengths import lengths
from maxrl_est.checks._steps.micro_batches import micro_batches
from maxrl_est.checks._steps.neighbours import other_prompts
from maxrl_est.checks._steps.on_policy import on_policy
from maxrl_est.checks._steps.order import in_order, order_of_prompts, order_of_rows
from maxrl_est.checks._steps.own_reward import own_reward
from maxrl_est.checks._steps.padding import padding
from maxrl_est.checks._steps.ratio import ratio
from maxrl_est.checks._steps.rewards import reward_encoding, shaped_rewards
from maxrl_est.checks._steps.stale import stale_ratio
from maxrl_est.checks._steps.subject import LAWS, StepSubject
from maxrl_est.checks._steps.trees import tree_siblings
from maxrl_est.checks._steps.truncation import truncated_ratio
from maxrl_est.checks._steps.turning import turning
from maxrl_est.checks._steps.unanimous import unanimous_groups
from maxrl_est.checks._subject import TOLERANCE
from maxrl_est.objectives import Objective
from maxrl_est.steps import Step

_LARGEST = 1024  # n, of which batches of two prompts can hardly be enumerated

COEFFICIENTS = "coefficients"
STEP_CHECKS: Mapping[str, Callable[[StepSubject], str]] = {
    COEFFICIENTS: coefficients,
    "padding": padding,
    "order of rows": order_of_rows,
    "order of prompts": order_of_prompts,
    "micro-batches": micro_batches,
    "unanimous groups": unanimous_groups,
    "reward encoding": reward_encoding,
    "shaped rewards": shaped_rewards,
    "other prompts": other_prompts,
    "on policy": on_policy,
    "own reward in the baseline": own_reward,
    "lengths": lengths,
    "turning": turning,
    "ratio": ratio,
    "stale ratio": stale_ratio,
    "truncated ratio": truncated_ratio,
    "KL term": kl_term,
    "several epochs": several_epochs,
    "tree siblings": tree_siblings,
}
"""What is checked of a step, by name and in this order."""

ANY_ORDER = (COEFFICIENTS, "padding", "order of rows", "order of prompts")  # asked whether or not places count


def check_step(
    step: Step,
    *,
    objective: Objective | None = None,
    n: int = 3,
    tolerance: float = TOLERANCE,
    siblings: int = 1,
    epochs: int = 1,
    name: str | None = None,
    expected_failed_checks: KnownFaults | None = None,
    callback: Callable[[Check], None] | None = None,
    on_fail: Literal["raise", "warn"] | None = "raise",
) -> CheckReport:
    """Check a whole training step: what its mean does to each prompt, exactly, and what bends it.

    A step is what a trainer's loss makes of a batch: the coefficient of each token's score. It is tried on every batch
    of small token policies, and asked with one thing changed at a time, so that what is wrong has its cause named:
    micro-batches, padding, places, lengths, ratios, other rewards. Any constant factor passes, which is a learning
    rate. Not for what comes after the step: clipping of gradients, optimisers, schedules.

    Parameters
    ----------
    step : a function of a `maxrl_est.steps.Batch` of shapes (B, N, L), and (..., B, N, L) if it can, that returns
        coefficients of the same shape. With the attribute ``adds`` its micro-batches are added up and not averaged.
        Adapters have ``as_step``, which makes one of what a framework ships
    objective : what it should ascend, a function of the pass rate; rewards are then 0 and 1. None: whichever it ascends
    n : rollouts of each prompt, N; every batch of that size is enumerated, so 3 or 4 is best
    tolerance : relative difference, and angle in radians, that is let pass
    siblings : rollouts that share their first token, a divisor of n, where the step is meant for trees
    epochs : steps that are taken on each batch
    name : what the report calls it; None: its own name
    expected_failed_checks : a `KnownFault` for each check that is known to fail, by its name. Strict: a check that
        passes, or that finds something else, counts as a failure
    callback : called with each `Check` as it is done
    on_fail : "raise" raises CheckFailure with the whole report; "warn" warns; None only returns the report

    Returns
    -------
    A `CheckReport`, with a check for each name of `STEP_CHECKS`

    Raises
    ------
    CheckFailure
        If a check fails, or none could decide what is ascended, and ``on_fail`` is "raise".
    TypeError, ValueError
        For arguments that are not as above.

    >>> def token_mean(batch):
    ...     tokens = batch.mask.sum((-1, -2, -3), keepdims=True)
    ...     return batch.rewards[..., None] * batch.mask / tokens
    >>> report = check_step(token_mean, on_fail=None)
    >>> report["micro-batches"].message.rpartition(": ")[2]
    'each divides by its own number of tokens'
    >>> def of_a_constant(batch):
    ...     prompts, n, _ = batch.mask.shape[-3:]
    ...     return batch.rewards[..., None] * batch.mask / (prompts * n * 1024)
    >>> check_step(of_a_constant).passed
    True
    """
    if not callable(step):
        raise TypeError(f"step must be a function of a Batch, got {words(step)}")
    if objective is not None and not isinstance(objective, Objective):
        raise TypeError(f"objective must be an Objective or None, got {words(objective)}")
    subject = StepSubject(
        step,
        name_of(step),
        objective,
        at_most("n", whole("n", n, 2), _LARGEST),
        positive("tolerance", tolerance),
        _siblings(siblings, n),
        whole("epochs", epochs),
    )
    expected = known(expected_failed_checks or {}, STEP_CHECKS)
    if on_fail is not None:
        one_of("on_fail", on_fail, ("raise", "warn"))
    checks = []
    for title in STEP_CHECKS:
        checks.append(as_expected(_outcome(title, subject), expected))
        if callback:
            callback(checks[-1])
    report = CheckReport(
        name or subject.name, tuple(checks), (), _tried(subject), _settings(subject), place_of(step), _prompts(subject)
    )
    return told(report, on_fail, stacklevel=3)


def _siblings(given: int, n: int) -> int:
    """How many rollouts share a first token: a divisor of n, and not all of it."""
    if n % whole("siblings", given) or given == n:
        raise ValueError(f"siblings must divide n = {short(n)} and be less, got {short(given)}")
    return given


def _outcome(title: str, subject: StepSubject) -> Check:
    """The outcome of one check; a step that returns nothing usable, or mixes rollouts up, is asked nothing more."""
    try:
        if title != COEFFICIENTS:
            subject.once(STEP_CHECKS[COEFFICIENTS])
    except (Exception, SystemExit):  # of the step, too: that check says what it raises
        return Check(title, "skipped", "the step does not return coefficients that can be compared")
    try:
        usual = title in ANY_ORDER or in_order(subject)
    except (Exception, SystemExit):  # of the step: the checks of order say what it raises
        usual = False
    if not usual:
        return Check(title, "skipped", "the place of a rollout or of a prompt counts, so there is no mean to ask for")
    return outcome(title, lambda: subject.once(STEP_CHECKS[title]))


def _tried(subject: StepSubject) -> tuple[str, ...]:
    """On what."""
    laws = "; ".join(f"{kind}: {hard} and {easy}" for kind, (hard, easy) in LAWS.items())
    return (f"every batch of {subject.n} rollouts of two prompts, {laws}",)


def _prompts(subject: StepSubject) -> tuple[PromptRow, ...]:
    """What the mean does to each prompt, where there is one: those that the checks have asked for."""
    rows = []
    for kind, responses in (("equal lengths", "of one length"), ("lengths", "of several")):
        if subject.has_mean(kind):
            found = subject.mean(kind)
            for prompt, share, angle in zip(("hard", "easy"), found.shares, found.angles, strict=True):
                rows.append(PromptRow(responses, prompt, None if share is None else float(share), angle))
    return tuple(rows)


def _settings(subject: StepSubject) -> dict[str, Any]:
    return {
        "objective": {subject.n: subject.objective.name} if subject.objective else {},
        "group_sizes": [subject.n],
        "tolerance": subject.tolerance,
        "siblings": subject.siblings,
        "epochs": subject.epochs,
    }
