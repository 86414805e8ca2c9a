"""Laws whose parameters are a linear map of others, as outputs of a network are of its weights, to first order."""

from __future__ import annotations

from dataclasses import replace
from numbers import Rational
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray, Problem, Prompt, RolloutMoments
from maxrl_est.problems._finite import Finite, matrix
from maxrl_est.problems._laws import law, parameters
from maxrl_est.problems._shared import Shared


def reparametrised(problem: Problem, jacobian: Array) -> Finite | Mapped | Shared:
    """The same law in d other parameters, by which those of the problem have the given derivatives.

    By the chain rule a score s becomes ``s @ jacobian``; likelihoods and their chances stay. This is how one parameter
    vector comes to move several prompts (`Shared`). Only the derivatives at a point are needed, so any policy will do.

    Parameters
    ----------
    problem : a law with k parameters, such as `Bernoulli`, `Bandit` or `Gaussian`
    jacobian : derivatives (k, d) of its parameters by the others

    Returns
    -------
    A law with d parameters: `Finite` where there are finitely many outcomes, `Shared` where there are several prompts.
    In Fractions where the problem is in Fractions and the Jacobian in ints or Fractions, else in float64.

    Raises
    ------
    TypeError, ValueError
        Where the problem is no law, or the Jacobian has not a row of finite numbers for each of the k parameters.

    >>> from fractions import Fraction as F
    >>> from maxrl_est.problems import Bernoulli
    >>> coin = reparametrised(Bernoulli(F(1, 4)), np.array([[2, 0, -1]]))  # its logit is 2 theta_0 - theta_2
    >>> [str(x) for x in coin.grad_pass_rate]
    ['3/8', '0', '-3/16']
    """
    jacobian = matrix("jacobian", jacobian, parameters(law(problem)), "parameter")
    weights, prompts = zip(*((weight, _mapped(prompt, jacobian)) for weight, prompt in problem.prompts), strict=True)
    return prompts[0] if len(prompts) == 1 else Shared(prompts, weights)


def _mapped(prompt: Prompt, jacobian: Array) -> Finite | Mapped:
    exact = jacobian.dtype.kind in "iu" or all(isinstance(x, Rational) for x in jacobian.flat)
    if not isinstance(prompt, Finite):
        return Mapped(prompt, jacobian.astype(np.float64))
    probabilities, likelihoods, scores = prompt.probabilities, prompt.likelihoods, prompt.scores
    if exact and scores.dtype == object:
        return Finite._of(prompt.name, probabilities, likelihoods, scores @ jacobian)
    probabilities, likelihoods, scores, jacobian = (
        x.astype(np.float64) for x in (probabilities, likelihoods, scores, jacobian)
    )
    return Finite._of(prompt.name, probabilities, likelihoods, scores @ jacobian)


class Mapped:
    """What `reparametrised` makes of a prompt that is no finite sum: its scores times ``jacobian (k, d)``."""

    def __init__(self, prompt: Prompt, jacobian: Array) -> None:
        self.prompt, self.jacobian = prompt, jacobian

    def __repr__(self) -> str:
        return repr(self.prompt)

    @property
    def pass_rate(self) -> Any:
        """p = E[l], a number."""
        return self.prompt.pass_rate

    @property
    def grad_pass_rate(self) -> Array:
        """grad p = E[l S], of shape (d,)."""
        return np.asarray(self.prompt.grad_pass_rate @ self.jacobian)

    @property
    def prompts(self) -> tuple[tuple[int, Mapped], ...]:
        """Pairs of a probability and a problem of one prompt: here 1 and this one."""
        return ((1, self),)

    @property
    def moments(self) -> RolloutMoments:
        """Moments of one rollout up to the second order."""
        moments, J = self.prompt.moments, self.jacobian
        vectors = {name: getattr(moments, name) @ J for name in ("lS", "l2S")}
        matrices = {name: J.T @ getattr(moments, name) @ J for name in ("SS", "lSS", "l2SS")}
        return replace(moments, **vectors, **matrices)

    def gradient_over_levels(self, objective: Any) -> Array:
        """``Int_0^1 w(P(l > tau)) grad P(l > tau) dtau`` (d,) for the weight w of an objective."""
        return np.asarray(self.prompt.gradient_over_levels(objective) @ self.jacobian)

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Independent rollouts: likelihoods (groups, n) and scores (groups, n, d), in float64."""
        likelihoods, scores = self.prompt.sample(rng, groups, n)
        return likelihoods, scores @ self.jacobian
