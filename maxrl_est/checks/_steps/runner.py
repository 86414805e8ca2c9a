"""Running the checks of one training step, with a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from maxrl_est._arguments import name_of, one_of, positive, whole, words
from maxrl_est.checks._known import KnownFaults, known
from maxrl_est.checks._report import Check, CheckReport
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
from maxrl_est.checks._subject import TOLERANCE, Failed
from maxrl_est.objectives import Objective
from maxrl_est.steps import Step

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

    (the docstring is to be finished)
    """
    if not callable(step):
        raise TypeError(f"step must be a function of a Batch, got {words(step)}")
    if objective is not None and not isinstance(objective, Objective):
        raise TypeError(f"objective must be an Objective or None, got {words(objective)}")
    subject = StepSubject(
        step,
        name_of(step),
        objective,
        whole("n", n, 2),
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
    report = CheckReport(name or subject.name, tuple(checks), (), _tried(subject), _settings(subject), place_of(step))
    return told(report, on_fail, stacklevel=3)


def _siblings(given: int, n: int) -> int:
    """How many rollouts share a first token: a divisor of n, and not all of it."""
    if n % whole("siblings", given) or given == n:
        raise ValueError(f"siblings must divide n = {n} and be less, got {given}")
    return given


def _outcome(title: str, subject: StepSubject) -> Check:
    """The outcome of one check; a step that returns nothing usable, or mixes rollouts up, is asked nothing more."""
    try:
        if title != COEFFICIENTS:
            subject.once(STEP_CHECKS[COEFFICIENTS])
    except Failed:
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


def _settings(subject: StepSubject) -> dict[str, Any]:
    return {
        "objective": subject.objective.name if subject.objective else None,
        "group_sizes": [subject.n],
        "tolerance": subject.tolerance,
        "siblings": subject.siblings,
        "epochs": subject.epochs,
    }
