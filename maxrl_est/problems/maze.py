"""A maze in which a rollout succeeds if it finds the goal in time: many steps, and one bit of reward at the end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from maxrl_est._typing import Array, FloatArray
from maxrl_est.policies import Policy, Softmax, jacobian, log_softmax

_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))  # up, right, down, left


class Maze:
    """A grid of lines, ``#`` wall, ``S`` starts (the prompts, line by line), ``G`` goal, anything else free.

    At each of ``horizon`` steps the policy moves to one of four neighbours, into a wall means to stay. The likelihood
    of a rollout is 1 if it reaches the goal, where it ends, and 0 if not. Inputs of the policy are the numbers of the
    free cells, so a tabular policy is ``Softmax(Table(maze.cells, 4))``. Pass rates and their gradients are by dynamic
    programming.

    >>> maze = Maze(["S.G"], horizon=2)
    >>> from maxrl_est.policies import Table
    >>> policy = Softmax(Table(maze.cells, 4))
    >>> np.exp(maze.log_pass_rates(policy, np.zeros(12), [0])).tolist()  # right twice: 1/4 times 1/4
    [0.0625]
    """

    needs = Softmax

    def __init__(self, lines: Sequence[str], horizon: int) -> None:
        if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
            raise ValueError(f"horizon is {horizon!r}: it is an int of at least 1")
        free = [(row, column) for row, line in enumerate(lines) for column, x in enumerate(line) if x != "#"]
        numbers = {cell: number for number, cell in enumerate(free)}
        marks = [lines[row][column] for row, column in free]
        if marks.count("G") != 1 or "S" not in marks:
            raise ValueError(f"lines has {marks.count('G')} G and {marks.count('S')} S: one goal and at least 1 start")
        self.horizon, self.cells = horizon, len(free)
        self.goal, self.starts = marks.index("G"), np.array([i for i, mark in enumerate(marks) if mark == "S"])
        self.next = np.array(  # (cells, 4)
            [
                [numbers.get((row + down, column + right), here) for down, right in _MOVES]
                for here, (row, column) in enumerate(free)
            ]
        )
        self.next[self.goal] = self.goal
        self.name = f"Maze({'/'.join(lines)}, {horizon})"

    def __repr__(self) -> str:
        return self.name

    def __len__(self) -> int:
        return len(self.starts)

    def sample(
        self, policy: Policy, theta: FloatArray, prompts: Array, rng: np.random.Generator, n: int
    ) -> tuple[FloatArray, Array]:
        """Return n rollouts of each prompt (B,): likelihoods (B, n) and moves (B, n, horizon)."""
        outputs = policy.network(theta, np.arange(self.cells))
        cells = np.repeat(self.starts[prompts], n)
        moves = np.zeros((self.horizon, len(cells)), dtype=np.intp)
        for step in moves:
            going = np.flatnonzero(cells != self.goal)
            if not going.size:
                break
            step[going] = policy.sample(outputs[cells[going]], rng, 1)[:, 0]
            cells[going] = self.next[cells[going], step[going]]
        reached = (cells == self.goal).astype(np.float64)
        return reached.reshape(-1, n), moves.T.reshape(-1, n, self.horizon)

    def weighted_score(
        self, policy: Policy, theta: FloatArray, prompts: Array, actions: Array, weights: FloatArray
    ) -> FloatArray:
        """Sum (d,) over rollouts of weights (B, n) times scores, in one pass over the cells."""
        total = np.zeros((self.cells, len(_MOVES)))
        for cells, moves, going in self._replayed(prompts, actions):
            np.add.at(total, (cells[going], moves[going]), weights[going])
        inputs = np.arange(self.cells)
        probabilities = np.exp(log_softmax(policy.network(theta, inputs)))
        return policy.network.pullback(theta, inputs, total - total.sum(axis=1, keepdims=True) * probabilities)

    def scores(self, policy: Policy, theta: FloatArray, prompts: Array, actions: Array) -> FloatArray:
        """Score (B, n, d) of each rollout, the sum of its steps' scores; for checks, `weighted_score` is fast."""
        inputs = np.arange(self.cells)
        slopes, outputs = jacobian(policy.network, theta, inputs), policy.network(theta, inputs)
        steps = policy.output_scores(outputs, np.tile(np.arange(len(_MOVES)), (self.cells, 1))) @ slopes
        total = np.zeros((*actions.shape[:2], len(theta)))
        for cells, moves, going in self._replayed(prompts, actions):
            total[going] += steps[cells[going], moves[going]]
        return total

    def log_pass_rates(self, policy: Policy, theta: FloatArray, prompts: Array) -> FloatArray:
        """Log p (B,) of each prompt, exact."""
        with np.errstate(divide="ignore"):
            log_p = np.log(self._values(policy, theta)[0][0][self.starts[prompts]])
        return np.asarray(np.minimum(log_p, 0.0))

    def weighted_gradient(self, policy: Policy, theta: FloatArray, prompts: Array, weights: FloatArray) -> FloatArray:
        """Sum (d,) over prompts of weights (B,) times grad log p, exact: visits to a cell times the gain of a move."""
        values, probabilities = self._values(policy, theta)
        p = values[0][self.starts[prompts]]
        visits = np.bincount(
            self.starts[prompts], np.divide(weights, p, out=np.zeros(len(p)), where=p > 0), minlength=self.cells
        )
        total = np.zeros_like(probabilities)
        for here, after in pairwise(values):
            taken = visits[:, None] * probabilities
            total += taken * (after[self.next] - here[:, None])
            visits = np.bincount(self.next.ravel(), taken.ravel(), minlength=self.cells)
        return policy.network.pullback(theta, np.arange(self.cells), total)

    def _values(self, policy: Policy, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Chances (horizon + 1, cells) to reach the goal from each cell at each step; the policy (cells, 4)."""
        probabilities = np.exp(log_softmax(policy.network(theta, np.arange(self.cells))))
        values = np.zeros((self.horizon + 1, self.cells))
        values[:, self.goal] = 1
        for step in reversed(range(self.horizon)):
            values[step] = (probabilities * values[step + 1][self.next]).sum(axis=1)
            values[step, self.goal] = 1
        return values, probabilities

    def _replayed(self, prompts: Array, actions: Array) -> Sequence[tuple[Array, Array, Array]]:
        """For each step: cells (B, n), moves (B, n), and whether the goal was not reached yet (B, n)."""
        cells, steps = np.repeat(self.starts[prompts], actions.shape[1]).reshape(actions.shape[:2]), []
        for moves in np.moveaxis(actions, -1, 0):
            steps.append((cells, moves, cells != self.goal))
            cells = self.next[cells, moves]
        return steps
