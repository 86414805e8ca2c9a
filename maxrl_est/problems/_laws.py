"""What a problem has to be: a law of rollouts, which measures can ask for its prompts."""

from __future__ import annotations

from typing import Any

from maxrl_est._arguments import at, listed, words
from maxrl_est._arguments.protocols import Problem


def law(problem: Any, name: str = "problem") -> Problem:
    """The problem; refused with a word of advice if it is a task, which has no law before a policy acts in it."""
    if hasattr(problem, "prompts"):
        found: Problem = problem
        return found
    if hasattr(problem, "log_pass_rates"):
        advice = "give task.at(policy, theta), the law of a policy at a point"
        raise TypeError(f"{name} must be a law, got the task {words(problem)}: {advice}")
    raise TypeError(f"{name} must be a law, such as those of maxrl_est.problems, got {words(problem)}")


def laws(problems: Any) -> list[Problem]:
    """Each of several problems, at least one."""
    found = [
        law(problem, at("problems", [index])) for index, problem in enumerate(listed("problems", problems, "laws"))
    ]
    if not found:
        raise ValueError("problems must have at least 1 problem, got none")
    return found


def sampled_law(problem: Any) -> Problem:
    """The problem, refused if it is no law or has no rollouts to draw."""
    found = law(problem)
    if not hasattr(problem, "sample"):
        raise TypeError(f"problem must have sample(rng, groups, n), which draws rollouts, got {words(problem)}")
    return found


def parameters(problem: Problem) -> int:
    """The number d of a problem's parameters."""
    return len(problem.prompts[0][1].grad_pass_rate)
