"""The law of walks through a maze: what a rollout's 0/1 reward and its score of many steps are like."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray, RolloutMoments
from maxrl_est.objectives import Objective
from maxrl_est.training.policies import Policy, SoftmaxPolicy, Tabular, log_softmax


class Steps(Protocol):
    """A maze: moves from C cells, ``next (C, 4)``, up to ``horizon`` of them, from ``starts (P,)`` to the ``goal``."""

    next: Array
    horizon: int
    starts: Array
    goal: int

    def sample(
        self, policy: Policy, theta: FloatArray, prompts: Array, rng: np.random.Generator, n: int
    ) -> tuple[FloatArray, Array]:
        """Return rewards (B, n) and moves (B, n, horizon)."""

    def scores(self, policy: Policy, theta: FloatArray, prompts: Array, actions: Array) -> FloatArray:
        """Scores (B, n, d)."""


class Walk:
    """Rollouts from one start of a maze with C cells; the d = 4 C parameters are the ``logits (C, 4)`` of the moves.

    There are too many walks to enumerate, so this is no `Finite` law: `maxrl_est.closed_form_moments` is for it. Its
    moments are exact by dynamic programming. A score is the sum of those of the steps, and given the past a step's has
    mean zero: pairs of two steps add nothing to E[S S'], but they do to E[l S S'], by what the later steps are worth.
    In float64, not for pass rates below about 1e-300; `Maze` itself has log p and its gradient for them.
    """

    def __init__(self, maze: Steps, logits: FloatArray, prompt: int) -> None:
        self.maze, self.logits, self.prompt = maze, logits, prompt
        self._policy = np.exp(log_softmax(logits))
        self._values = _values(maze, self._policy)
        self._visits = _visits(maze, self._policy, maze.starts[prompt])

    def __repr__(self) -> str:
        return f"{self.maze} from start {self.prompt}"

    @property
    def pass_rate(self) -> float:
        """p, the chance to reach the goal in time."""
        return min(float(self._values[0, self.maze.starts[self.prompt]]), 1.0)  # a sum of chances may round up

    @property
    def grad_pass_rate(self) -> FloatArray:
        """grad p (d,): how often a move is made, times what it gains."""
        gains = self._values[1:, self.maze.next] - self._values[:-1, :, None]
        return np.asarray(np.einsum("tc,ca,tca->ca", self._visits, self._policy, gains).ravel())

    @property
    def prompts(self) -> tuple[tuple[int, Walk], ...]:
        """Pairs of a probability and a problem of one prompt: here 1 and this one."""
        return ((1, self),)

    @cached_property
    def moments(self) -> RolloutMoments:
        """Moments of one rollout up to the second order; those with l^2 are those with l."""
        p, first = self.pass_rate, self.grad_pass_rate
        pairs = self._pairs_of_steps()
        rewarded = _blocks(self._step_squares(self._values[1:, self.maze.next])) + pairs + pairs.T
        fisher = _blocks(self._step_squares(np.ones((self.maze.horizon, *self._policy.shape))))
        return RolloutMoments(p, p, first, first, fisher, rewarded, rewarded)

    def gradient_over_levels(self, objective: Objective) -> FloatArray:
        """``Int_0^1 w(P(l > tau)) grad P(l > tau) dtau`` (d,) for the weight w of an objective: w(p) grad p."""
        return np.asarray(objective.weight(self.pass_rate) * self.grad_pass_rate)

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Independent rollouts: likelihoods (groups, n) and scores (groups, n, d)."""
        policy, theta = SoftmaxPolicy(Tabular(*self.logits.shape)), self.logits.ravel()
        prompts = np.full(groups, self.prompt)
        likelihoods, moves = self.maze.sample(policy, theta, prompts, rng, n)
        return likelihoods, self.maze.scores(policy, theta, prompts, moves)

    @property
    def _scores(self) -> FloatArray:
        """Score (C, 4, 4) of each move, by the logits of its cell; none at the goal, where a rollout ends."""
        scores = np.eye(4) - self._policy[:, None, :]
        scores[self.maze.goal] = 0
        return np.asarray(scores)

    def _step_squares(self, worths: FloatArray) -> FloatArray:
        """Sum over steps of E[worth s s'], a block (C, 4, 4) for each cell, for worths (horizon, C, 4) of moves."""
        weights = np.einsum("tc,ca,tca->ca", self._visits, self._policy, worths)
        return np.asarray(np.einsum("ca,caj,cak->cjk", weights, self._scores, self._scores))

    def _pairs_of_steps(self) -> FloatArray:
        """Sum (d, d) over pairs of a step and a later one of E[l s s_later'], backwards in time.

        ``later (C, d)`` is E[l times the sum of the scores still to come] from each cell.
        """
        cells, scores, nexts = len(self._policy), self._scores, self.maze.next
        later, total = np.zeros((cells, 4 * cells)), np.zeros((cells, 4, 4 * cells))
        for visits, values in zip(self._visits[::-1], self._values[:0:-1], strict=True):
            after = later[nexts]
            total += np.einsum("ca,caj,cak->cjk", visits[:, None] * self._policy, scores, after)
            later = np.einsum("ca,cak->ck", self._policy, after)
            now = np.einsum("ca,caj->cj", self._policy * values[nexts], scores)
            later.reshape(cells, cells, 4)[np.arange(cells), np.arange(cells)] += now
        return total.reshape(4 * cells, 4 * cells)


def _values(maze: Steps, policy: FloatArray) -> FloatArray:
    """Chances (horizon + 1, C) to reach the goal from each cell, before each step and after the last."""
    values = np.zeros((maze.horizon + 1, len(policy)))
    values[:, maze.goal] = 1
    for step in reversed(range(maze.horizon)):
        values[step] = (policy * values[step + 1][maze.next]).sum(axis=1)
        values[step, maze.goal] = 1
    return values


def _visits(maze: Steps, policy: FloatArray, start: int) -> FloatArray:
    """Chances (horizon, C) to be in each cell before each step."""
    visits = np.zeros((maze.horizon, len(policy)))
    visits[0, start] = 1
    for step in range(1, maze.horizon):
        moved = visits[step - 1][:, None] * policy
        visits[step] = np.bincount(maze.next.ravel(), moved.ravel(), minlength=len(policy))
    return visits


def _blocks(blocks: FloatArray) -> FloatArray:
    """The matrix (4 C, 4 C) with the blocks (C, 4, 4) on its diagonal."""
    cells = np.arange(len(blocks))
    matrix = np.zeros((len(blocks), 4, len(blocks), 4))
    matrix[cells, :, cells, :] = blocks
    return matrix.reshape(4 * len(blocks), 4 * len(blocks))
