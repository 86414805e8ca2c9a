"""Whole pieces of work: proving the package, weighing a file of rollouts, training a small policy."""

from __future__ import annotations

import tempfile
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from maxrl_est.selftest.bench.clock import Pair, ratio
from maxrl_est.selftest.bench.figures import Figure, NotMeasured
from maxrl_est.selftest.bench.peers import with_torch
from maxrl_est.selftest.bench.processes import python, seconds_of
from maxrl_est.training import optimisers, policies, tasks, train

VERIFY_LIMIT = 15.0
ROWS, GROUP, FILE_LIMIT, PATIENCE = 10**6, 8, 3.0, 60.0
PROMPTS, ROLLOUTS, SIZES, STEPS, TRAINING_LIMIT = 256, 16, (64, 128, 10), 50, 1.3

BY_POLARS = """
frame = polars.read_csv({source!r})
groups = frame["likelihood"].to_numpy().reshape(-1, {group})
columns = {{"weight": maxrl_est.loo_weights(groups), "advantage": maxrl_est.advantages(groups)}}
frame.with_columns(**{{name: values.ravel() for name, values in columns.items()}}).write_csv({output!r})
"""
BY_COMMAND = "assert main(['weights', {source!r}, '-o', {output!r}]) == 0"


def figures() -> list[Figure]:
    """Figures of work that takes seconds."""
    return [
        Figure("maxrl-est verify", "compiled code in the cache", VERIFY_LIMIT, _verify, "CPU s"),
        Figure("maxrl-est weights: time / a script of polars", f"{ROWS:,} rows of csv, N={GROUP}", FILE_LIMIT, _file),
        Figure(
            "train: time of a step / in torch, float64",
            f"{PROMPTS} prompts, N={ROLLOUTS}, MLP {'-'.join(map(str, SIZES))}",
            TRAINING_LIMIT,
            _training,
        ),
    ]


def _verify(_: float) -> tuple[float, str]:
    return seconds_of("from maxrl_est.cli import main", "assert main(['verify']) == 0", VERIFY_LIMIT)


def _file(_: float, rows: int = ROWS) -> tuple[float, str]:
    """A file of equal groups, which a script that knows that reads as one array."""
    if find_spec("polars") is None:
        raise NotMeasured("`pip install polars`")
    with tempfile.TemporaryDirectory() as folder:
        source, output = (str(Path(folder, name)) for name in ("rollouts.csv", "weighted.csv"))
        likelihoods = np.random.default_rng(0).random(rows).tolist()
        lines = [f"{row // GROUP},{likelihood}\n" for row, likelihood in enumerate(likelihoods)]
        Path(source).write_text("group,likelihood\n" + "".join(lines))
        texts = [text.format(source=source, output=output, group=GROUP) for text in (BY_COMMAND, BY_POLARS)]
        imports = "import maxrl_est, polars; from maxrl_est.cli import main; maxrl_est.advantages([[1.0, 0.0]])"
        times = [[seconds_of(imports, text, PATIENCE)[0] for text in texts] for _ in range(2)]
    ours, script = map(min, zip(*times, strict=True))
    return ours / script, f"{rows / ours:,.0f} rows a CPU second"


def _training(seconds: float) -> float:
    """In a new process, since only there BLAS can be told to use one thread, as torch is."""
    if find_spec("torch") is None:
        raise NotMeasured("`pip install 'maxrl-est[torch]'`")
    code = f"from maxrl_est.selftest.bench import work; print(work.training_ratio({seconds}))"
    return float(python(code, OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", OMP_NUM_THREADS="1"))


def training_ratio(seconds: float) -> float:
    """Time of steps of `train` over that of the same steps in torch."""
    return ratio(*with_torch(_steps), seconds)


def _steps(torch: Any) -> Pair:
    """The same steps of stochastic gradient ascent, from the same inputs."""
    rng = np.random.default_rng(0)
    inputs, labels = rng.standard_normal((PROMPTS, SIZES[0])), rng.integers(SIZES[-1], size=PROMPTS)
    task = tasks.ContextualBandit.of_labels(inputs, labels, SIZES[-1])
    policy = policies.SoftmaxPolicy(policies.MLP(SIZES))
    ours = partial(train, task, policy, "ustat", n=ROLLOUTS, steps=STEPS, optimiser=optimisers.SGD(0.1))
    layers = [torch.nn.Linear(*sizes, dtype=torch.float64) for sizes in pairwise(SIZES)]
    network = torch.nn.Sequential(layers[0], torch.nn.Tanh(), layers[1])
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    x, right = torch.from_numpy(inputs), torch.from_numpy(labels)[:, None]

    def in_torch() -> None:
        from maxrl_est.adapters.torch import advantages

        for _ in range(STEPS):
            log_probabilities = network(x).log_softmax(-1)
            actions = torch.multinomial(log_probabilities.detach().exp(), ROLLOUTS, replacement=True)
            factors = advantages((actions == right).double(), baseline="none")
            optimiser.zero_grad()
            (-(factors * log_probabilities.gather(-1, actions)).mean()).backward()
            optimiser.step()

    return partial(ours, evaluate_every=STEPS), in_torch
