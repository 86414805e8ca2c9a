"""No two blocks, steps or purposes share a generator: not within a run, nor with the run of a neighbouring seed."""

from __future__ import annotations

import itertools
from collections import Counter
from functools import partial

import numpy as np
import pytest
from scipy import stats

import maxrl_est as mx
from maxrl_est import estimators
from maxrl_est.checks import _own, _round_trips, _trials
from maxrl_est.checks._asked import subject_of
from maxrl_est.checks._noise import agrees_with_samples
from maxrl_est.checks._subject import Skipped
from maxrl_est.measures import _blocks
from maxrl_est.training import _run
from maxrl_est.training.optimisers import SGD
from maxrl_est.training.policies import SoftmaxPolicy, Tabular

SEEDS, BLOCKS = range(8), 64
COIN = mx.problems.Bernoulli(0.5)
GAUSSIAN = mx.problems.Gaussian(0, 1, 1, 0.5)  # of which GRPO has no closed form
TASK = mx.tasks.ContextualBandit(list(range(5)), np.eye(5))
POLICY = SoftmaxPolicy(Tabular(5, 5))


@pytest.fixture
def streams(monkeypatch):
    """The first numbers of every generator that is made, in order."""
    made, make = [], np.random.default_rng

    def default_rng(seed=None):
        made.append(tuple(make(seed).integers(1 << 62, size=2).tolist()))
        return make(seed)

    monkeypatch.setattr(np.random, "default_rng", default_rng)
    return made


@pytest.fixture
def small(monkeypatch):
    """Blocks of one group."""
    monkeypatch.setattr(_blocks, "_GROUPS", 1)


def alone(runs, streams):
    """The generators of each run, but for those that are the same in all: no two runs have any in common."""
    found = []
    for run in runs:
        streams.clear()
        run()
        found.append({*streams})
    found = [each - set.intersection(*found) for each in found]
    assert max(Counter(itertools.chain.from_iterable(found)).values()) == 1
    return found


@pytest.mark.parametrize("name", ["ustat_one", "inverse_sampling"])
def test_each_block_of_each_seed_has_its_own_generator(name, streams, small):
    """Seed plus block would give block b of seed s to block b - 1 of seed s + 1."""
    row = estimators.get(name)
    n = None if name == "inverse_sampling" else 2

    runs = [partial(mx.monte_carlo, COIN, row, n, replicates=BLOCKS, seed=seed) for seed in SEEDS]
    assert [len(found) for found in alone(runs, streams)] == [BLOCKS] * len(SEEDS)


@pytest.mark.parametrize("seed", [0, 2**32, 2**64 + 1])
def test_a_block_has_the_generator_that_is_documented(seed):
    law, row = mx.problems.Bandit([0.2, 0.8], [0.1, 0.9]), estimators.get("rloo")
    got = _blocks.Blocks(law, row, 3, 10_000, seed).draw(1)[0]
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    likelihoods, scores = law.sample(rng, 4096, 3)
    assert got == pytest.approx(np.einsum("gi,gid->gd", row(likelihoods), scores) / 3, abs=1e-14)


def test_no_two_groups_of_neighbouring_runs_are_the_same(small):
    """What comes out, not which generators are made: on a continuum no two means agree."""
    means = []
    for seed in SEEDS:
        blocks = _blocks.Blocks(GAUSSIAN, estimators.get("rloo"), 2, BLOCKS, seed)
        means += [float(blocks.draw(block)[0][0, 0]) for block in range(BLOCKS)]
    assert len({*means}) == len(SEEDS) * BLOCKS


def test_tables_draw_other_groups_for_other_seeds_and_the_same_for_all_rows(streams, small):
    common = {"problems": {"continuum": GAUSSIAN}, "n": 3, "groups": BLOCKS}
    rows = ["grpo"], ["grpo", "maxrl_shipped"]
    one, both = (
        alone([partial(mx.bias_variance_table, estimators=names, **common, seed=seed) for seed in SEEDS], streams)
        for names in rows
    )
    assert [len(found) for found in one] == [BLOCKS] * len(SEEDS)
    assert one == both


def test_a_sampled_row_of_a_table_depends_on_the_seed():
    common = {"problems": {"continuum": GAUSSIAN}, "estimators": ["grpo"], "n": 3, "groups": 50}
    found = {mx.bias_variance_table(**common, seed=seed).rows[0].total_variance for seed in SEEDS}
    assert len(found) == len(SEEDS)


def run_of(seed, batch=2):
    return _run.Run(TASK, POLICY, "rloo", estimators.get("rloo"), 3, batch, SGD(0.1), seed)


def test_a_step_of_a_training_has_generators_of_its_own_for_batch_and_rollouts(streams):
    """And the first parameters have another: 1 and 2 for each step, of all seeds."""

    def train(seed):
        theta = run_of(seed).start().theta
        for step in range(1, BLOCKS + 1):
            run_of(seed).gradient(theta, step)

    runs = [partial(train, seed) for seed in SEEDS]
    assert [len(found) for found in alone(runs, streams)] == [1 + 2 * BLOCKS] * len(SEEDS)


def test_the_generator_of_rollouts_does_not_say_which_prompts_are_in_the_batch(monkeypatch):
    """Prompts drawn by it are those of the batch once in twenty steps, as by chance; by one generator, always."""
    drawn, same = [], []
    sample = type(TASK).sample

    def watched(task, policy, theta, prompts, rng, n):
        state = rng.bit_generator.state
        same.append(rng.choice(len(TASK), 2, replace=False).tolist() == prompts.tolist())
        rng.bit_generator.state = state
        drawn.append(tuple(prompts.tolist()))
        return sample(task, policy, theta, prompts, rng, n)

    monkeypatch.setattr(type(TASK), "sample", watched)
    for seed in SEEDS:
        for step in range(1, BLOCKS + 1):
            run_of(seed).gradient(np.zeros(25), step)
    assert stats.binomtest(sum(same), len(same), 1 / 20).pvalue > 1e-6
    counts = Counter(drawn)
    assert len(counts) == 20
    assert stats.chisquare([*counts.values()]).pvalue > 1e-6


def test_estimators_of_a_seed_are_tried_on_the_same_prompts_whatever_they_draw(monkeypatch):
    """As many numbers as an estimator takes of its rollouts' generator, it changes no later batch."""
    seen = {2: [], 5: []}
    sample = type(TASK).sample

    def watched(task, policy, theta, prompts, rng, n):
        seen[n].append(prompts.tolist())
        return sample(task, policy, theta, prompts, rng, n)

    monkeypatch.setattr(type(TASK), "sample", watched)
    for n in seen:
        mx.train(TASK, POLICY, "rloo", n=n, steps=30, batch=2, seeds=[3])
    assert seen[2] == seen[5]
    assert len({*map(tuple, seen[2])}) > 10


@pytest.mark.parametrize(
    "draw",
    [
        _trials.kinds,
        lambda subject, n: _own._moves(subject, subject, n),
        lambda subject, n: _round_trips._some_others(subject, n, 4),
    ],
)
def test_checks_try_other_groups_for_other_seeds_and_sizes(draw, streams):
    """Wherever they draw: seed plus size would try those of one again for the next."""
    sizes = range(9, 13)
    subjects = [subject_of("rloo", group_sizes=sizes, seed=seed) for seed in SEEDS]
    for subject in subjects:
        assert subject.precision.name == "float64"  # which draws too, once
    runs = [partial(draw, subject, n) for subject in subjects for n in sizes]
    assert all(alone(runs, streams))


def test_the_sampling_check_draws_other_groups_for_other_seeds(streams, small):
    def sample(seed):
        with pytest.raises(Skipped, match=f"INCONCLUSIVE .*seed {seed};"):
            agrees_with_samples(subject_of("rloo", group_sizes=[9], monte_carlo=BLOCKS, seed=seed))

    runs = [partial(sample, seed) for seed in SEEDS]
    assert all(len(found) >= BLOCKS for found in alone(runs, streams))
