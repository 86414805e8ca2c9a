"""What the tables of advantage functions say is so: right ones have no bias, and wrong ones are caught in the act."""

import inspect
import itertools

import numpy as np
import pytest
from scipy import stats

import maxrl_est as mx
from maxrl_est.problems import Bandit
from semantic import RIGHT, WRONG

BINARY = [Bandit([1 - p, p], [0, 1]) for p in (0.5, 0.04, 0.85)]
GRADED = [
    Bandit([0.5, 0.3, 0.2], [0, 1 / 3, 1]),
    Bandit([0.2, 0.45, 0.35], [0.9, 0.2, 0.29]),
    Bandit([0.4, 0.35, 0.25], [1e-9, 4e-9, 2e-7]),
    Bandit([0.1, 0.3, 0.3, 0.3], [0.07, 0.513, 0.71, 0.985]),
]


def objective_at(entry, n):
    return entry.objective(n) if inspect.isroutine(entry.objective) else entry.objective


def enumerated(law, function, n):
    """Mean of (1/N) sum_i A_i S_i over all ordered groups."""
    outcomes = np.array(list(itertools.product(range(len(law.likelihoods)), repeat=n)))
    l, pi = np.asarray(law.likelihoods, dtype=float), np.asarray(law.probabilities, dtype=float)
    advantages = np.asarray(function(l[outcomes]), dtype=float)
    scores = np.eye(len(pi))[outcomes] - pi
    return np.einsum("g,gn,gnd->d", pi[outcomes].prod(-1), advantages, scores) / n


def off_target(entry, n):
    """How far the gradients at all laws are from one multiple of the right ones, relative; and that multiple."""
    laws = BINARY if entry.options.get("binary_only") else BINARY + GRADED
    target = objective_at(entry, n)
    right = [np.asarray(mx.target_gradient(law, target), dtype=float) for law in laws]
    size = [np.linalg.norm(x) for x in right]
    expected = np.concatenate([x / s for x, s in zip(right, size, strict=True)])
    got = np.concatenate([enumerated(law, entry.function, n) / s for law, s in zip(laws, size, strict=True)])
    factor = got @ expected / (expected @ expected)
    return np.linalg.norm(got - factor * expected) / max(np.linalg.norm(got), 1e-300), factor


def off_target_by_counts(entry, n):
    """The same for 0/1 rewards and groups that are too large to list, from those with 0..N successes."""
    groups = np.tri(n + 1, n, -1)
    got = np.asarray(entry.function(groups), dtype=float)
    p = np.linspace(0.01, 0.99, 99)
    ascended = stats.binom.pmf(np.arange(n), n - 1, p[:, None]) @ (got[1:, 0] - got[:-1, -1])
    expected = objective_at(entry, n).weight(p)
    ratio = ascended / expected
    return np.ptp(ratio) / abs(ratio).max()


def sizes(entry, among):
    asked = entry.options.get("group_sizes", (1, 8))
    return [n for n in among if min(asked) <= n <= max(asked)]


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_function_ascends_its_objective_up_to_a_factor(name):
    entry = RIGHT[name]
    for n in sizes(entry, (2, 3, 5)):
        off, factor = off_target(entry, n)
        assert off < 3e-6, n
        assert factor > 0


def test_there_are_enough_of_both():
    assert len(WRONG) >= 110
    assert len(RIGHT) >= 50


REWARDS = np.array([[0.0, 1, 0, 1], [1, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]])
GROUPS = np.array([[0.0, 0.2, 0.9, 0.3], [1.0, 0.2, 0.2, 0.05], [0.0, 0.0, 0.1, 0.0], [1.0, 0.0, 1.0, 0.7], [0.6] * 4])


def answer(function, rewards):
    """What comes back; None where the function raises, or the shape is another."""
    try:
        got = np.asarray(function(rewards.copy()), dtype=float)
    except (ValueError, TypeError, IndexError):
        return None
    return got if got.shape == rewards.shape else None


def unlike(got, expected):
    return got is None or expected is None or not np.allclose(got, expected, rtol=2e-5, atol=1e-9)


def one_by_one(function, batch):
    """Answers for the parts of a batch, each by itself."""
    answers = [answer(function, part) for part in batch]
    return None if any(x is None for x in answers) else np.stack(answers)


def writes(function, rewards):
    given = rewards.copy()
    function(given)
    return not np.array_equal(given, rewards)


def cube(x):
    return np.stack([x, x[::-1], np.sort(x, axis=-1)])


# What an advantage function keeps to, each as the case that it is broken for a function and a batch of rewards.
BROKEN = {
    "shape": lambda f, x: answer(f, x[:3]) is None,
    "int": lambda f, x: unlike(answer(f, REWARDS.astype(int)), answer(f, REWARDS)),
    "bool": lambda f, x: unlike(answer(f, REWARDS.astype(bool)), answer(f, REWARDS)),
    "float32": lambda f, x: unlike(answer(f, (x / 999).astype(np.float32)), answer(f, x / 999)),
    "one group": lambda f, x: unlike(answer(f, x[:1]), one_by_one(f, x[:1])),
    "batch": lambda f, x: unlike(answer(f, x), np.concatenate([f(row[None].copy()) for row in x])),
    "square": lambda f, x: unlike(answer(f, x[:4]), one_by_one(f, x[:4])),
    "axes": lambda f, x: unlike(answer(f, cube(x)), one_by_one(f, cube(x))),
    "large batch": lambda f, x: unlike(answer(f, np.tile(x, (99, 1))), np.tile(f(x.copy()), (99, 1))),
    "order": lambda f, x: unlike(answer(f, np.roll(x, 1, -1)), np.roll(f(x.copy()), 1, -1)),
    "repeat": lambda f, x: unlike(answer(f, x), answer(f, x)),
    "history": lambda f, x: (
        unlike(answer(f, x), answer(f, x)) or unlike(answer(f, x[:, [0, 2, 1, 3]]), answer(f, x)[:, [0, 2, 1, 3]])
    ),
    "input": writes,
    "finite": lambda f, x: not np.isfinite(f(REWARDS)).all(),
}

BROKEN_BY = {
    "truncated_like_input": "int",
    "assigned_into_copy": "int",
    "negated_bits": "int",
    "sum_in_own_dtype": "bool",
    "width_tolerance": "float32",
    "half_the_width": "float32",
    "squeezed": "one group",
    "second_axis": "axes",
    "batch_axes_merged": "axes",
    "fortran_order": "axes",
    "broadcast_if_it_fits": "square",
    "transposed_if_square": "square",
    "first_256_groups": "large batch",
    "interleaved": "batch",
    "transposed_out": "shape",
    "one_a_group": "shape",
    "kept_axis": "shape",
    "batch_standardised": "batch",
    "group_centred_batch_scaled": "batch",
    "batch_centred_group_scaled": "batch",
    "batch_pass_rate": "batch",
    "batch_maximum": "batch",
    "whitened_twice": "batch",
    "solved_groups_leave_the_batch": "batch",
    "neighbouring_group": "batch",
    "length_for_n": "batch",
    "ordinal_ranks": "order",
    "first_winner": "order",
    "reversed": "order",
    "sorted_first": "order",
    "shuffled": "order",
    "first_is_reference": "order",
    "last_left_out": "order",
    "first_left_out": "order",
    "noisy_labels": "repeat",
    "failures_sampled_down": "repeat",
    "running_ratio": "repeat",
    "running_scale": "repeat",
    "annealed_to_maxrl": "repeat",
    "cached_by_shape": "history",
    "cached_by_first": "history",
    "cached_by_sum": "history",
    "centres_its_input": "input",
    "out_is_input": "input",
    "clamps_its_input": "input",
    "sorts_its_input": "input",
    "undefined_if_failed": "finite",
    "undefined_if_unanimous": "finite",
    "infinite_if_failed": "finite",
    "undeclared_noise": "repeat",
    "undeclared_squeeze": "one group",
    "undeclared_write": "input",
    "undeclared_batch": "batch",
    "undeclared_order": "order",
}

BY_COUNTS = {
    "maxrl_clipped_at_five": 8,
    "weights_at_most_five": 8,
    "chunks_of_8": 9,
    "chunks_of_16": 17,
    "chunks_of_32": 33,
    "trimmed_mean": 16,
    "counted_in_bytes": 160,
}


@pytest.mark.parametrize("name", BROKEN_BY)
def test_a_function_wrong_by_its_manners_breaks_what_it_is_said_to_break(name):
    function = WRONG[name].function
    rewards = GROUPS if name not in {"undefined_if_failed", "infinite_if_failed"} else REWARDS
    assert BROKEN[BROKEN_BY[name]](function, rewards)


@pytest.mark.parametrize("name", BY_COUNTS)
def test_a_function_wrong_in_large_groups_ascends_no_multiple_of_its_objective_there(name):
    n = BY_COUNTS[name]
    assert off_target_by_counts(WRONG[name], n) > 1e-3
    assert name == "counted_in_bytes" or off_target_by_counts(WRONG[name], 5) < 1e-9


LARGE_AND_GRADED = {"small_group_limit": 16, "divided_out": 64}


@pytest.mark.parametrize("name", LARGE_AND_GRADED)
def test_a_function_wrong_for_graded_likelihoods_in_large_groups_is_off_there(name):
    def relative(n):
        l = np.random.default_rng(0).uniform(0, 0.3, (9, n))
        return WRONG[name].function(l) / RIGHT["quadrature"].function(l)

    assert abs(relative(8) - 1).max() < 1e-12
    assert np.ptp(relative(LARGE_AND_GRADED[name])) > 0.02


@pytest.mark.parametrize("name", [x for x in WRONG if x not in {*BROKEN_BY, *BY_COUNTS, *LARGE_AND_GRADED}])
def test_a_wrong_function_is_off_its_objective_by_more_than_a_factor(name):
    entry = WRONG[name]
    found = [off_target(entry, n) for n in sizes(entry, (1,) if name == "alone_is_normalised" else (2, 3, 4, 5))]
    insists = "scale" in entry.options
    assert any(off > 1e-3 or factor < 1e-9 or (insists and abs(factor - 1) > 1e-3) for off, factor in found)


@pytest.mark.parametrize("breaks", BROKEN)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_function_keeps_to_all_that_wrong_ones_break(name, breaks):
    entry = RIGHT[name]
    graded = not entry.options.get("binary_only")
    if breaks == "float32" and not graded:
        return
    if max(entry.options.get("group_sizes", (4,))) >= 4:
        assert not BROKEN[breaks](entry.function, GROUPS if graded else REWARDS)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_function_takes_read_only_rewards_and_groups_of_its_sizes_in_silence(name):
    entry = RIGHT[name]
    for n in entry.options.get("group_sizes", (2, 3, 4, 8)):
        rewards = np.tri(n + 1, n, -1)
        rewards.flags.writeable = False
        assert np.isfinite(entry.function(rewards)).all()
