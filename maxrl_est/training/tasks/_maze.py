"""A maze in which a rollout succeeds if it finds the goal in time: many steps, and one bit of reward at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import at, at_most, listed, whole, words
from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.problems import Shared, reparametrised
from maxrl_est.training._networks import jacobian
from maxrl_est.training.policies import Policy, SoftmaxPolicy, Tabular, check_fit, log_softmax, parameters_of
from maxrl_est.training.tasks._policy_laws import together
from maxrl_est.training.tasks._walks import Walk

_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))  # up, right, down, left
_NEVER = -(1 << 30)  # the exponent of a chance of 0

_LONGEST = 1_000_000  # horizon


class Maze:
    """A way to find in time, from each of several starts.

    At each step the policy moves to one of four neighbours; into a wall means to stay. The likelihood of a rollout is 1
    if it reaches the goal, where it ends, and 0 if not. Inputs of the policy are the numbers of the free cells, line by
    line, so a tabular policy is ``SoftmaxPolicy(Tabular(maze.cells, 4))``. Pass rates and their gradients are by
    dynamic programming, in numbers with exponents of their own: no way is so long that log p is -inf where p > 0. Not
    for rewards along the way: there is one bit, at the end.

    Parameters
    ----------
    lines : of the grid: ``#`` wall, ``S`` starts, which are the prompts, line by line, ``G`` goal, anything else free
    horizon : the number of steps

    Raises
    ------
    TypeError, ValueError
        Where there is not one goal and at least one start, or the horizon is no int of at least 1.

    >>> import maxrl_est as mx
    >>> maze = mx.tasks.Maze(["S.G"], horizon=2)
    >>> policy = mx.policies.SoftmaxPolicy(mx.policies.Tabular(maze.cells, 4))
    >>> np.exp(maze.log_pass_rates(policy, np.zeros(12), [0])).tolist()  # right twice: 1/4 times 1/4
    [0.0625]
    """

    needs = SoftmaxPolicy

    def __init__(self, lines: Sequence[str], horizon: int) -> None:
        lines = _lines(lines)
        free = [(row, column) for row, line in enumerate(lines) for column, x in enumerate(line) if x != "#"]
        numbers = {cell: number for number, cell in enumerate(free)}
        marks = [lines[row][column] for row, column in free]
        if marks.count("G") != 1 or "S" not in marks:
            counts = f"{marks.count('G')} G and {marks.count('S')} S"
            raise ValueError(f"lines must have one goal G and at least 1 start S, got {counts}")
        self.horizon, self.cells = at_most("horizon", whole("horizon", horizon), _LONGEST), len(free)
        self.goal, self.starts = marks.index("G"), np.array([i for i, mark in enumerate(marks) if mark == "S"])
        self.next = np.array(  # (cells, 4)
            [
                [numbers.get((row + down, column + right), here) for down, right in _MOVES]
                for here, (row, column) in enumerate(free)
            ]
        )
        self.next[self.goal] = self.goal
        self.name = f"Maze({'/'.join(lines)}, {self.horizon})"

    def __repr__(self) -> str:
        return self.name

    def __len__(self) -> int:
        return len(self.starts)

    def check(self, policy: Any) -> None:
        """TypeError or ValueError unless the policy has four moves in each of the cells."""
        network = getattr(policy, "network", None)
        if isinstance(network, Tabular) and network.inputs != self.cells:
            raise ValueError(f"policy must have a Tabular of {self.cells} inputs for this Maze, got {network.inputs}")
        check_fit(policy, self.needs, np.arange(self.cells), len(_MOVES), "Maze")

    def at(self, policy: Policy, theta: npt.ArrayLike) -> Shared:
        """The law of rollouts with these parameters: what `maxrl_est.closed_form_moments` and other measures take.

        Exact, with 0/1 rewards and a prompt for each start, all equally likely. Not for `maxrl_est.exact_moments`:
        walks are too many to enumerate. Not for pass rates below about 1e-300, nor for thousands of cells: second
        moments take time and memory like their square.

        Parameters
        ----------
        policy : a `SoftmaxPolicy` that fits the maze
        theta : its parameters (d,), such as the ``parameters`` of a curve that `maxrl_est.train` gave

        Raises
        ------
        TypeError, ValueError
            Where the policy does not fit the maze, or theta is not d finite numbers.

        >>> import maxrl_est as mx
        >>> maze = mx.tasks.Maze(["S.G"], horizon=2)
        >>> policy = mx.policies.SoftmaxPolicy(mx.policies.Tabular(maze.cells, 4))
        >>> law = maze.at(policy, np.zeros(12))
        >>> float(law.pass_rate), law.grad_pass_rate[:4].tolist()
        (0.0625, [-0.015625, 0.046875, -0.015625, -0.015625])
        >>> mx.closed_form_moments(law, mx.estimators.get("rloo"), 4).covariance.shape
        (12, 12)
        """
        self.check(policy)
        theta, cells = parameters_of(policy, theta), np.arange(self.cells)
        logits, slopes = policy.network(theta, cells), jacobian(policy.network, theta, cells)
        by_theta = slopes.reshape(logits.size, len(theta))
        prompts = [reparametrised(Walk(self, logits, prompt), by_theta) for prompt in range(len(self))]
        return together(self, policy, prompts)

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
        values, exponents, _ = self._values(policy, theta)
        value, exponent = values[0][self.starts[prompts]], exponents[0][self.starts[prompts]]
        below = np.minimum(exponent + 1000, 0)  # what of the exponent a float has no room for
        with np.errstate(divide="ignore"):
            log_p = np.log(np.ldexp(value, exponent - below)) + below * math.log(2)
        return np.asarray(np.minimum(log_p, 0.0))

    def weighted_gradient(self, policy: Policy, theta: FloatArray, prompts: Array, weights: FloatArray) -> FloatArray:
        """Sum (d,) over prompts of weights (B,) times grad log p, exact: visits to a cell times the gain of a move."""
        values, exponents, probabilities = self._values(policy, theta)
        p = values[0][self.starts[prompts]]
        shares = np.divide(weights, p, out=np.zeros(len(p)), where=p > 0)
        visits = np.bincount(self.starts[prompts], shares, minlength=self.cells)
        total = np.zeros_like(probabilities)
        for step in range(self.horizon):  # visits are times 2^exponent of their cell: alone, 1/p overflows
            shifts = exponents[step + 1][self.next] - exponents[step][:, None]
            up, down = np.maximum(shifts, 0), np.minimum(shifts, 0)  # each where it cannot overflow
            taken = np.ldexp(visits[:, None] * probabilities, up)
            total += taken * (np.ldexp(values[step + 1][self.next], down) - np.ldexp(values[step][:, None], -up))
            visits = np.bincount(self.next.ravel(), np.ldexp(taken, down).ravel(), minlength=self.cells)
        return policy.network.pullback(theta, np.arange(self.cells), total)

    def _values(self, policy: Policy, theta: FloatArray) -> tuple[FloatArray, Array, FloatArray]:
        """Chances to reach the goal from each cell at each step, and the policy (cells, 4).

        A chance is a value (horizon + 1, cells), in [1/2, 1) or 0, times 2^exponent (horizon + 1, cells): powers of 2
        round nothing, so sums have the bits of plain ones wherever those are neither tiny nor 0.
        """
        probabilities = np.exp(log_softmax(policy.network(theta, np.arange(self.cells))))
        values = np.zeros((self.horizon + 1, self.cells))
        exponents = np.full(values.shape, _NEVER, dtype=np.int32)
        values[:, self.goal], exponents[:, self.goal] = 0.5, 1
        for step in reversed(range(self.horizon)):
            parts, scales = _normal(probabilities * values[step + 1][self.next], exponents[step + 1][self.next])
            most = scales.max(axis=1)
            values[step], exponents[step] = _normal(np.ldexp(parts, scales - most[:, None]).sum(axis=1), most)
            values[step, self.goal], exponents[step, self.goal] = 0.5, 1
        return values, exponents, probabilities

    def _replayed(self, prompts: Array, actions: Array) -> Sequence[tuple[Array, Array, Array]]:
        """For each step: cells (B, n), moves (B, n), and whether the goal was not reached yet (B, n)."""
        cells, steps = np.repeat(self.starts[prompts], actions.shape[1]).reshape(actions.shape[:2]), []
        for moves in np.moveaxis(actions, -1, 0):
            steps.append((cells, moves, cells != self.goal))
            cells = self.next[cells, moves]
        return steps


def _lines(given: Any) -> list[str]:
    lines = listed("lines", given, "strings")
    for index, line in enumerate(lines):
        if not isinstance(line, str):
            raise TypeError(f"{at('lines', [index])} must be a string, got {words(line)}")
    return lines


def _normal(values: FloatArray, exponents: Array) -> tuple[FloatArray, Array]:
    """The same numbers >= 0 with values in [1/2, 1), or 0."""
    fractions, more = np.frexp(values)
    return fractions, np.where(fractions > 0, exponents + more, _NEVER)
