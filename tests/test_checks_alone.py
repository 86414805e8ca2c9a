"""Each check sees what no other does: a mutant for each, at every group size in use, that only it rejects."""

from __future__ import annotations

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.checks import CHECKS, check_estimator

SIZES = (2, 3, 4, 8, 16, 32, 64)
EXPECTED = mx.Objective.expected()
NOTHING_FAILS = ("noise",)  # says how noisy a function is, which is no fault


def rloo(r):
    size = r.shape[-1]
    return r * 1.0 if size == 1 else r - (r.sum(axis=-1, keepdims=True) - r) / (size - 1)


def drops_the_batch_axes(r):
    return rloo(r).reshape(-1, r.shape[-1])


def clears_its_input(r):
    found = rloo(r)
    if r.flags.writeable:
        r[...] = 0
    return found


def reads_memory_as_it_lies(r):
    plain = np.frombuffer(r.tobytes("A"), dtype=r.dtype).reshape(r.shape)
    return rloo(plain)


RNG = np.random.default_rng(0)


def hardly_random(r):
    return rloo(r) * (1 + 1e-9 * RNG.random())


def prefers_the_first_of_the_best(r):
    """Gives the first of the tied best what all of them should share."""
    best = np.argmax(r, axis=-1, keepdims=True)
    tied = (r == r.max(axis=-1, keepdims=True)).sum(axis=-1, keepdims=True) > 1
    return rloo(r) + 0.1 * tied * (np.arange(r.shape[-1]) == best)


def centred_by_the_batch(r):
    return r - r.mean()


class Grouped:
    """Right for groups of one size; among groups of several it takes the mean of all rollouts."""

    __name__ = "grouped"
    __call__ = staticmethod(rloo)

    @staticmethod
    def ragged(groups):
        everything = np.concatenate(groups)
        return [group - everything.mean() for group in groups]


def divides_by_a_tiny_mean(r):
    return np.where((r.astype(np.float64) == 1e-300).all(axis=-1, keepdims=True), np.nan, rloo(r))


def has_no_group_of_one(r):
    return rloo(r) if r.shape[-1] > 1 else np.full_like(r, np.nan)


def truncates_integers(r):
    found = np.zeros_like(r)
    found[...] = rloo(r)
    return found


def fills_in_zero(r):
    return rloo(np.nan_to_num(r))


def shipped_with_an_eps(r):
    mean = r.mean(axis=-1, keepdims=True)
    return (r - mean) / (mean + 1e-5)


def relative_to_the_mean(r):
    """For positive rewards, of an objective that nobody stated: no other check has anything to hold it against."""
    return r / r.mean(axis=-1, keepdims=True) - 1


def praises_success_of_all(r):
    """On 0/1 rewards only."""
    return rloo(r) + 0.1 * r.all(axis=-1, keepdims=True)


def lowers_what_is_nearly_right(r):
    return rloo(np.where((r > 0.95) & (r < 0.98), 0.9, r))


def misreads_one_level(r):
    return rloo(np.where(abs(r - 0.05) < 1e-6, 0.07, r))


def centred_by_half(r):
    return r - 0.5


def loses_full_blocks(r):
    """Where groups come in blocks of 128 and none is left over."""
    return rloo(r) * (0 if r.ndim > 1 and len(r) % 128 == 0 else 1)


# check: (mutant, status, options)
ALONE = {
    "shape and dtype": (drops_the_batch_axes, "failed", {}),
    "input unchanged": (clears_its_input, "failed", {}),
    "memory layout": (reads_memory_as_it_lies, "failed", {}),
    "deterministic": (hardly_random, "failed", {}),
    "order of rollouts": (prefers_the_first_of_the_best, "failed", {}),
    "batch independence": (centred_by_the_batch, "failed", {}),
    "ragged batches": (Grouped(), "failed", {}),
    "extreme groups": (divides_by_a_tiny_mean, "failed", {}),
    "groups of one": (has_no_group_of_one, "failed", {}),
    "reward types": (truncates_integers, "failed", {}),
    "missing rewards": (fills_in_zero, "warned", {}),
    "small likelihoods": (shipped_with_an_eps, "warned", {"objective": None, "same_as": shipped_with_an_eps}),
    "is a gradient": (relative_to_the_mean, "failed", {"objective": None, "positive_only": True}),
    "effective objective": (praises_success_of_all, "failed", {"binary_only": True}),
    "leave-one-out": (lowers_what_is_nearly_right, "failed", {}),
    "bias on graded likelihoods": (misreads_one_level, "failed", {}),
    "same function": (centred_by_half, "failed", {"same_as": "rloo"}),
    "Monte Carlo": (loses_full_blocks, "failed", {"monte_carlo": 20_000}),
}


def test_every_check_has_a_mutant_of_its_own():
    assert set(ALONE) | set(NOTHING_FAILS) == set(CHECKS)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", ALONE)
def test_only_this_check_rejects_its_mutant(name, n):
    mutant, status, options = ALONE[name]
    report = check_estimator(mutant, **{"objective": EXPECTED, "group_sizes": (1, n), "on_fail": None, **options})
    others = ("failed",) if status == "failed" else ("failed", "warned")
    assert report[name].status == status
    assert {check.name for check in report.checks if check.status in others} == {name}


@pytest.mark.parametrize("n", SIZES)
def test_what_the_mutants_are_made_from_passes(n):
    report = check_estimator(rloo, objective=EXPECTED, group_sizes=(1, n), same_as="rloo", monte_carlo=2000)
    assert not {check.name for check in report.checks if check.status == "warned"}
