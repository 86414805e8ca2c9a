"""Tasks and policies by name, for the command line and for first tries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from maxrl_est.training._run import Task
from maxrl_est.training.policies import MLP, GaussianPolicy, Policy, SoftmaxPolicy, Tabular
from maxrl_est.training.tasks import ContextualBandit, Maze, Regression

_MAZE = ("#######", "#S..#S#", "#.#.#.#", "#S#...#", "#.###.#", "#S..SG#", "#######")


@dataclass(frozen=True, slots=True)
class Preset:
    """A task, one to test on if there is one, and the policies that fit, the first being the default."""

    task: Task
    test: Task | None
    policies: Mapping[str, Policy]


def _bandit() -> Preset:
    """32 contexts with 50 arms: one arm always succeeds, the others nearly never."""
    rng = np.random.default_rng(0)
    likelihoods = rng.random((32, 50)) ** 20
    likelihoods[np.arange(32), rng.integers(50, size=32)] = 1
    return Preset(ContextualBandit(np.arange(32), likelihoods), None, {"tabular": SoftmaxPolicy(Tabular(32, 50))})


def _maze() -> Preset:
    """A maze with five starts and one goal, 16 steps at most."""
    maze = Maze(_MAZE, horizon=16)
    return Preset(maze, None, {"tabular": SoftmaxPolicy(Tabular(maze.cells, 4))})


def _regression() -> Preset:
    """A noisy sine: 200 rows to train on, 200 to test."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, (400, 1))
    y = np.sin(2 * x[:, 0]) + rng.standard_normal(400)
    parts = [Regression(x[rows], y[rows], sigma=0.5) for rows in (slice(200), slice(200, None))]
    policies = {"mlp": GaussianPolicy(MLP((1, 16, 2))), "linear": GaussianPolicy(MLP((1, 2)))}
    return Preset(parts[0], parts[1], policies)


def _digits() -> Preset:
    """scikit-learn's handwritten digits: 1200 to train on, 597 to test."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ImportError("digits needs scikit-learn, which is not installed: the extra 'analysis' has it") from None
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    parts = [
        ContextualBandit.of_labels(data.data[rows] / 16, data.target[rows], classes=10)
        for rows in (order[:1200], order[1200:])
    ]
    policies = {"mlp": SoftmaxPolicy(MLP((64, 32, 10))), "linear": SoftmaxPolicy(MLP((64, 10)))}
    return Preset(parts[0], parts[1], policies)


PRESETS: dict[str, Callable[[], Preset]] = {
    "bandit": _bandit,
    "maze": _maze,
    "regression": _regression,
    "digits": _digits,
}
