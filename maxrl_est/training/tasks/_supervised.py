"""Supervised tasks as reinforcement learning: sample an answer to each input, and see how likely it makes the label.

Each input is a prompt, and a policy with shared parameters answers all of them. Pass rates and their gradients are
closed forms in the policy's outputs, so what is really ascended is known at every step of training.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import at, at_most, positive, short, whole
from maxrl_est._arguments.arrays import real_array
from maxrl_est._arguments.protocols import Array, FloatArray, Problem
from maxrl_est.problems import Finite, Gaussian, Shared, reparametrised
from maxrl_est.problems._finite import numbers
from maxrl_est.training._networks import jacobian
from maxrl_est.training.policies import (
    GaussianPolicy,
    Policy,
    SoftmaxPolicy,
    check_fit,
    log_softmax,
    parameters_of,
    scores,
)
from maxrl_est.training.tasks._policy_laws import together

_CLASSES = 10_000_000  # at most


class Supervised:
    """P prompts with inputs ``(P, ...)`` for the policy's network; the base of the tasks below."""

    needs: type[Policy]  # the policies whose actions it understands
    width: int  # their number, or that of their coordinates

    def __init__(self, inputs: npt.ArrayLike) -> None:
        self.inputs = real_array("inputs", inputs)
        if self.inputs.ndim == 0 or not len(self.inputs):
            raise ValueError(f"inputs must have a row for each of at least 1 prompt, got shape {self.inputs.shape}")

    def __len__(self) -> int:
        return len(self.inputs)

    def check(self, policy: Any) -> None:
        """TypeError or ValueError unless the policy answers these inputs with actions of this kind and number."""
        check_fit(policy, self.needs, self.inputs, self.width, type(self).__name__)

    def at(self, policy: Policy, theta: npt.ArrayLike) -> Shared:
        """The law of rollouts with these parameters: what `maxrl_est.exact_moments` and other measures take.

        All prompts are equally likely, in one vector of parameters. Not for many prompts and parameters at once: the
        scores of a prompt's outcomes are kept, and second moments are matrices (d, d).

        Parameters
        ----------
        policy : one that fits the task
        theta : its parameters (d,), such as the ``parameters`` of a curve that `maxrl_est.train` gave

        Returns
        -------
        A law of P prompts: finite ones for a `ContextualBandit`, Gaussian ones for a `Regression`

        Raises
        ------
        TypeError, ValueError
            Where the policy does not fit the task, theta is not d finite numbers, or a prompt's pass rate is 0 in
            float64 for a Gaussian policy.

        >>> import maxrl_est as mx
        >>> task = mx.tasks.ContextualBandit.of_labels([0, 1], [0, 2], classes=3)
        >>> policy = mx.policies.SoftmaxPolicy(mx.policies.Tabular(2, 3))
        >>> law = task.at(policy, np.zeros(6))
        >>> round(float(law.pass_rate), 4), mx.exact_moments(law, mx.estimators.get("rloo"), 2).mean.round(3).tolist()
        (0.3333, [0.111, -0.056, -0.056, -0.056, -0.056, 0.111])
        """
        self.check(policy)
        theta = parameters_of(policy, theta)
        outputs, slopes = policy.network(theta, self.inputs), jacobian(policy.network, theta, self.inputs)
        prompts = [reparametrised(self.law_of(policy, outputs, x), slopes[x]) for x in range(len(self))]
        return together(self, policy, prompts)

    def sample(
        self, policy: Policy, theta: FloatArray, prompts: Array, rng: np.random.Generator, n: int
    ) -> tuple[FloatArray, Array]:
        """Return n rollouts of each prompt (B,): likelihoods (B, n) and actions (B, n, ...)."""
        actions = policy.sample(policy.network(theta, self.inputs[prompts]), rng, n)
        return self.likelihoods_of(prompts, actions), actions

    def weighted_score(
        self, policy: Policy, theta: FloatArray, prompts: Array, actions: Array, weights: FloatArray
    ) -> FloatArray:
        """Sum (d,) over rollouts of weights (B, n) times scores."""
        inputs = self.inputs[prompts]
        by_outputs = policy.weighted_output_score(policy.network(theta, inputs), actions, weights)
        return policy.network.pullback(theta, inputs, by_outputs)

    def scores(self, policy: Policy, theta: FloatArray, prompts: Array, actions: Array) -> FloatArray:
        """Score (B, n, d) of each rollout; for checks, `weighted_score` is fast."""
        return scores(policy, theta, self.inputs[prompts], actions)

    def log_pass_rates(self, policy: Policy, theta: FloatArray, prompts: Array) -> FloatArray:
        """Log p (B,) of each prompt, exact."""
        return self.by_outputs(policy, policy.network(theta, self.inputs[prompts]), prompts)[0]

    def weighted_gradient(self, policy: Policy, theta: FloatArray, prompts: Array, weights: FloatArray) -> FloatArray:
        """Sum (d,) over prompts of weights (B,) times grad log p, exact."""
        inputs = self.inputs[prompts]
        _, gradients = self.by_outputs(policy, policy.network(theta, inputs), prompts)
        return policy.network.pullback(theta, inputs, weights[:, None] * gradients)

    def likelihoods_of(self, prompts: Array, actions: Array) -> FloatArray:
        """Likelihoods (B, n) of actions."""
        raise NotImplementedError

    def by_outputs(self, policy: Any, outputs: FloatArray, prompts: Array) -> tuple[FloatArray, FloatArray]:
        """Log p (B,), and its gradients (B, K) by the outputs."""
        raise NotImplementedError

    def law_of(self, policy: Any, outputs: FloatArray, prompt: int) -> Problem:
        """The law of answers to one prompt, whose parameters are its row of the outputs (P, K)."""
        raise NotImplementedError


class ContextualBandit(Supervised):
    """K actions with a likelihood each, for softmax policies.

    Classification is the case of one-hot rows, `of_labels`: accuracy is then the pass rate, and cross-entropy -log p.
    Not for so many actions that their likelihoods cannot be listed.

    Parameters
    ----------
    inputs : (P, ...), one for each prompt, such as the policy's network takes
    likelihoods : (P, K) in [0, 1], of each action at each prompt

    Raises
    ------
    TypeError, ValueError
        For inputs that are no finite numbers, shapes that do not match, and likelihoods outside of [0, 1].

    >>> import maxrl_est as mx
    >>> task = mx.tasks.ContextualBandit([0, 1], [[0.0, 1.0], [0.5, 0.25]])
    >>> policy = mx.policies.SoftmaxPolicy(mx.policies.Tabular(2, 2))
    >>> np.exp(task.log_pass_rates(policy, np.zeros(4), [0, 1])).round(3).tolist()
    [0.5, 0.375]
    """

    needs = SoftmaxPolicy

    def __init__(self, inputs: npt.ArrayLike, likelihoods: npt.ArrayLike) -> None:
        super().__init__(inputs)
        self.likelihoods = real_array("likelihoods", likelihoods).astype(np.float64)
        shape = self.likelihoods.shape
        if len(shape) != 2 or shape[0] != len(self):
            raise ValueError(f"likelihoods must have shape ({len(self)}, K), a row for each input, got {shape}")
        self.width = shape[1]
        for index in np.argwhere(~((self.likelihoods >= 0) & (self.likelihoods <= 1)))[:1]:
            raise ValueError(f"{at('likelihoods', index)} must lie in [0, 1], got {self.likelihoods[tuple(index)]}")

    def __repr__(self) -> str:
        return f"ContextualBandit({len(self)} prompts, {self.width} actions)"

    @classmethod
    def of_labels(cls, inputs: npt.ArrayLike, labels: npt.ArrayLike, classes: int) -> ContextualBandit:
        """The task whose likelihood is 1 for the label and 0 for all else.

        Parameters
        ----------
        inputs : (P, ...), one for each prompt
        labels : (P,) ints below ``classes``
        classes : K

        Raises
        ------
        TypeError, ValueError
            For labels that are no ints (P,) below ``classes``; and as the task itself does.

        >>> import maxrl_est as mx
        >>> mx.tasks.ContextualBandit.of_labels([[0.0, 1.0], [1.0, 0.0]], [2, 0], classes=3).likelihoods.tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
        """
        wanted, classes = real_array("labels", labels), at_most("classes", whole("classes", classes), _CLASSES)
        if wanted.dtype.kind not in "iu" or wanted.ndim != 1:
            raise TypeError(f"labels must be ints (P,), got {wanted.dtype} of shape {wanted.shape}")
        given = real_array("inputs", inputs)
        if given.shape[:1] != wanted.shape:
            raise ValueError(f"labels must be one for each input, {given.shape[:1]}, got shape {wanted.shape}")
        for index in np.flatnonzero((wanted < 0) | (wanted >= classes))[:1]:
            raise ValueError(f"labels[{index}] must be an int in [0, {classes - 1}], got {short(wanted[index])}")
        return cls(given, (wanted[:, None] == np.arange(classes)).astype(np.float64))

    def likelihoods_of(self, prompts: Array, actions: Array) -> FloatArray:
        """Likelihoods (B, n) of actions (B, n)."""
        return np.asarray(self.likelihoods[np.asarray(prompts)[:, None], actions])

    def by_outputs(self, policy: SoftmaxPolicy, outputs: FloatArray, prompts: Array) -> tuple[FloatArray, FloatArray]:
        """Log p (B,); and the posterior of the actions given success, less the policy (B, K)."""
        log_pi = log_softmax(outputs)
        with np.errstate(divide="ignore"):
            joint = log_pi + np.log(self.likelihoods[prompts])
        most = joint.max(axis=-1, keepdims=True)
        most[np.isneginf(most)] = 0  # no action can succeed: p = 0, and nothing to learn
        parts = np.exp(joint - most)
        total = parts.sum(axis=-1, keepdims=True)
        posterior = np.divide(parts, total, out=np.exp(log_pi), where=total > 0)
        with np.errstate(divide="ignore"):
            log_p = (most + np.log(total))[:, 0]
        return np.minimum(log_p, 0.0), posterior - np.exp(log_pi)

    def law_of(self, policy: SoftmaxPolicy, outputs: FloatArray, prompt: int) -> Finite:
        """The law of one prompt, with an outcome for each action."""
        pi = np.exp(log_softmax(outputs[prompt]))
        return Finite._of(
            f"prompt {prompt} of {self}", numbers("probabilities", pi), self.likelihoods[prompt], np.eye(len(pi)) - pi
        )


class Regression(Supervised):
    """Targets to come near to: ``l = exp(-|target - z|^2 / (2 sigma^2))`` for answers z of Gaussian policies.

    l is the normal density of the target about the answer z, scaled to be 1 at z = target. Its mean over a policy
    N(mean, s^2) is ``p = (sigma^2 / v)^(D/2) exp(-|target - mean|^2 / (2 v))`` with v = s^2 + sigma^2: maximum
    likelihood fits N(mean, v) to the targets. Not for sigma far below the errors to be expected: all likelihoods are
    then tiny, and every truncation of log p is nearly expected likelihood.

    Parameters
    ----------
    inputs : (P, ...), one for each prompt, such as the policy's network takes
    targets : (P,), or (P, D) for answers of D coordinates
    sigma : above 0, how far from the target an answer is still likely

    Raises
    ------
    TypeError, ValueError
        For inputs or targets that are no finite numbers, shapes that do not match, and sigma not above 0.

    >>> import maxrl_est as mx
    >>> task = mx.tasks.Regression([[0.0], [1.0]], [0.5, 1.5], sigma=1.0)
    >>> task.likelihoods_of([0], np.array([[[0.5], [1.5]]])).round(4).tolist()
    [[1.0, 0.6065]]
    """

    needs = GaussianPolicy

    def __init__(self, inputs: npt.ArrayLike, targets: npt.ArrayLike, sigma: float) -> None:
        super().__init__(inputs)
        given = real_array("targets", targets).astype(np.float64)
        self.targets = given[:, None] if given.ndim == 1 else given
        if self.targets.ndim != 2 or len(self.targets) != len(self):
            rule = f"shape ({len(self)},) or ({len(self)}, D), one for each input"
            raise ValueError(f"targets must have {rule}, got {given.shape}")
        self.sigma, self.width = positive("sigma", sigma), self.targets.shape[1]

    def __repr__(self) -> str:
        return f"Regression({len(self)} prompts, D = {self.width}, sigma {self.sigma})"

    def likelihoods_of(self, prompts: Array, actions: Array) -> FloatArray:
        """Likelihoods (B, n) of actions (B, n, D)."""
        missed = (actions - self.targets[prompts][:, None]) / self.sigma
        return np.asarray(np.exp(-0.5 * (missed * missed).sum(axis=-1)))

    def by_outputs(self, policy: GaussianPolicy, outputs: FloatArray, prompts: Array) -> tuple[FloatArray, FloatArray]:
        """Log p (B,), and its gradients (B, K) by mean and, where it is learned, by log scale."""
        mean, log_scale = policy.mean_and_log_scale(outputs)
        square = np.exp(2 * log_scale)
        variance = (square + self.sigma**2)[:, None]
        missed = self.targets[prompts] - mean
        size, dimensions = (missed * missed).sum(axis=-1, keepdims=True), mean.shape[1]
        log_p = -0.5 * (dimensions * np.log(variance / self.sigma**2) + size / variance)[:, 0]
        by_mean = missed / variance
        if policy.scale is not None:
            return log_p, by_mean
        by_log_scale = (square[:, None] / variance) * (size / variance - dimensions)
        return log_p, np.concatenate((by_mean, by_log_scale), axis=-1)

    def law_of(self, policy: GaussianPolicy, outputs: FloatArray, prompt: int) -> Gaussian:
        """The law of one prompt, by its mean and, where it is learned, log scale."""
        mean, log_scale = policy.mean_and_log_scale(outputs[prompt : prompt + 1])
        scale = float(np.exp(log_scale[0]))
        return Gaussian(mean[0], scale, self.targets[prompt], self.sigma, learn_scale=policy.scale is None)
