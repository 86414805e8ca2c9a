"""Whether rollouts that share their first token are taken for others of each other."""

from __future__ import annotations

from fractions import Fraction as F

from maxrl_est.checks._steps.means import gradient, mean_update
from maxrl_est.checks._steps.subject import LAWS, StepSubject, percent
from maxrl_est.checks._subject import Failed, Skipped


def tree_siblings(subject: StepSubject) -> str:
    """Of rollouts that share their first token, it learns as much about that token as about those after it."""
    size, n = subject.siblings, subject.n
    if size == 1:
        raise Skipped("no rollouts share a token; siblings= asks for trees")
    if n % size or n == size:
        raise Skipped(f"trees of {size} siblings need at least two in a group, and n is {n}")
    shares = [mean_update(subject, law, siblings=size) / gradient(subject, law) for law in LAWS["equal lengths"]]
    parts = [first / second if second else None for first, second in shares]
    leaf = 1 - F(size - 1, n - 1)
    if all(part is not None and abs(float(part) - 1) <= subject.tolerance for part in parts):
        return f"in trees of {size} siblings the first token keeps as much of its gradient as those after it"
    said = " and ".join("no part" if part is None else percent(part) for part in parts)
    message = (
        f"in trees of {n // size} branches with {size} leaves the first token, which siblings share, keeps {said} of "
        "what later tokens keep of their gradient"
    )
    found = {"share": [None if part is None else float(part) for part in parts]}
    if all(part is not None and abs(float(part) - float(leaf)) <= subject.tolerance for part in parts):
        raise Failed(
            f"{message}: one leaf is left out of the baseline, and its siblings stay in: 1 - {size - 1}/{n - 1}",
            found=found,
        )
    raise Failed(f"{message}: its reward is held against those of its own branch", found=found)
