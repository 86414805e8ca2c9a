"""0/1 rewards through a verifier that errs: the law of what it says, with the scores of the responses."""

from __future__ import annotations

from dataclasses import replace
from numbers import Rational
from typing import Any

import numpy as np

from maxrl_est._arguments import words
from maxrl_est._arguments.protocols import Array, FloatArray, Problem, Prompt, RolloutMoments
from maxrl_est.objectives import check_rate, need_objective
from maxrl_est.problems._finite import Finite, fractions_or_floats
from maxrl_est.problems._laws import law
from maxrl_est.problems._shared import Shared


def noisy(problem: Problem, false_positive: Any, false_negative: Any) -> Finite | Noisy | Shared:
    """The law of rewards from a verifier that errs by chance, whatever else the response is.

    A failure is rewarded with chance ``false_positive``, a success is not with chance ``false_negative``. The pass rate
    that is seen is P = fp + (1 - fn - fp) p, and its gradient (1 - fn - fp) grad p: a rule with effective weight W has
    E[g] = (1 - fn - fp) W(P) grad p. So hard prompts lose their weight: W(P) is at most W(fp), however small p is.

    A target on this law is that of the rewards that are seen. For the bias against the true one, give its gradient:
    ``moments(noisy(problem, fp, fn), estimator, n, target=target_gradient(problem, objective))``.

    Parameters
    ----------
    problem : a law with 0/1 rewards
    false_positive, false_negative : numbers in [0, 1]

    Returns
    -------
    A law: `Finite` where there are finitely many outcomes, twice as many as before; `Shared` where there are several
    prompts. In Fractions where the problem is, and the chances are ints or Fractions; else in float64.

    Raises
    ------
    TypeError, ValueError
        Where the problem is no law or has rewards other than 0 and 1, or a chance is none.

    >>> from fractions import Fraction as F
    >>> from maxrl_est import exact_moments
    >>> from maxrl_est.problems import Bernoulli
    >>> seen = noisy(Bernoulli(F(1, 100)), F(1, 10), F(1, 5))
    >>> seen.pass_rate, seen.grad_pass_rate
    (Fraction(107, 1000), array([Fraction(693, 100000)], dtype=object))
    >>> round(float(exact_moments(seen, "maxrl_cv", 8).mean[0] / seen.grad_pass_rate[0]), 3)  # w_8(P); w_8(p) is 7.7
    5.566
    """
    chances = {"false_positive": false_positive, "false_negative": false_negative}
    for name, chance in chances.items():
        check_rate(name, chance)
    prompts = law(problem).prompts
    for _, prompt in prompts:
        if prompt.moments.p2 != prompt.moments.p:
            raise ValueError(f"problem must have 0/1 rewards, got {words(prompt)}")
    seen = [_seen(prompt, *chances.values()) for _, prompt in prompts]
    return seen[0] if len(seen) == 1 else Shared(seen, [weight for weight, _ in prompts])


def _seen(prompt: Prompt, false_positive: Any, false_negative: Any) -> Finite | Noisy:
    name = f"noisy({prompt}, {false_positive}, {false_negative})"
    exact = isinstance(prompt.pass_rate, Rational)
    chances = fractions_or_floats(np.array([false_positive, false_negative], dtype=object), exact=exact)
    if not isinstance(prompt, Finite):
        return Noisy(prompt, float(chances[0]), float(chances[1]), name)
    kind = object if chances.dtype == object else np.float64
    probabilities, likelihoods, scores = (
        x.astype(kind) for x in (prompt.probabilities, prompt.likelihoods, prompt.scores)
    )
    says_yes = chances[0] + (1 - chances[0] - chances[1]) * likelihoods
    both = np.concatenate([probabilities * says_yes, probabilities * (1 - says_yes)])
    rewards = fractions_or_floats(np.repeat(np.array([1, 0], dtype=object), len(likelihoods)), exact=kind is object)
    return Finite._of(name, both, rewards, np.concatenate([scores, scores]))


class Noisy:
    """What `noisy` makes of a prompt that is no finite sum."""

    def __init__(self, prompt: Prompt, false_positive: float, false_negative: float, name: str) -> None:
        self.prompt, self.false_positive, self.name = prompt, false_positive, name
        self.kept = 1 - false_positive - false_negative

    def __repr__(self) -> str:
        return self.name

    @property
    def pass_rate(self) -> Any:
        """The chance of a reward, P."""
        return self.false_positive + self.kept * self.prompt.pass_rate

    @property
    def grad_pass_rate(self) -> Array:
        """Grad P, of shape (d,)."""
        return np.asarray(self.kept * self.prompt.grad_pass_rate)

    @property
    def prompts(self) -> tuple[tuple[int, Noisy], ...]:
        """Pairs of a probability and a problem of one prompt: here 1 and this one."""
        return ((1, self),)

    @property
    def moments(self) -> RolloutMoments:
        """Moments of one rollout up to the second order; rewards are their own squares."""
        clean, lS = self.prompt.moments, self.grad_pass_rate
        lSS = self.false_positive * clean.SS + self.kept * clean.lSS
        return replace(clean, p=self.pass_rate, p2=self.pass_rate, lS=lS, l2S=lS, lSS=lSS, l2SS=lSS)

    def gradient_over_levels(self, objective: Any) -> Array:
        """``Int_0^1 w(P(l > tau)) grad P(l > tau) dtau`` (d,): for 0/1 rewards w(P) grad P."""
        return np.asarray(need_objective(objective).weight(self.pass_rate) * self.grad_pass_rate)

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Independent rollouts: rewards (groups, n) and scores (groups, n, d), in float64."""
        likelihoods, scores = self.prompt.sample(rng, groups, n)
        seen = rng.random(likelihoods.shape) < self.false_positive + self.kept * likelihoods
        return seen.astype(np.float64), scores
