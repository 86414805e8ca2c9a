"""Steps that look fine on the batches that they are tried on first, and laws at the ends of what floats are.

Each is held against a loop over all rollouts in all orders, or against what is plain without one.
"""

import itertools
import re
from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.problems import TokenBits, TokenChain, TokenLogits, Tokens
from maxrl_est.steps import Batch, effective_weights, exact_step, policy_gradient, population_weights, reuse
from maxrl_est.steps._draws import _groups

COIN = TokenBits([F(1, 3)], [F(0), F(1)])
HARD = TokenChain([F(1, 2), F(1, 3)], [F(0), F(1, 4), F(1)])
EASY = TokenChain([F(1, 4), F(1, 2)], [F(1), F(1, 2), F(1)])


def rewarded(batch):
    return batch.rewards[..., None] * batch.mask


def mean_of_coins(step, n):
    """The mean step of `COIN`, over all orders of n tosses, by Fractions one by one."""
    total = F(0)
    for tosses in itertools.product((0, 1), repeat=n):
        batch = replace(Batch.of([list(tosses)]), rewards=np.array([[F(toss) for toss in tosses]]))
        chance = F(1, 3) ** sum(tosses) * F(2, 3) ** (n - sum(tosses))
        found = step(batch)[0, :, 0]
        total += chance * sum(F(c) * (toss - F(1, 3)) for c, toss in zip(found, tosses, strict=True))
    return total


def in_a_ring(batch):
    """The baseline is of the neighbours in a ring: a roll and a reversal change nothing, other orders do."""
    r = batch.rewards
    return ((r - (np.roll(r, 1, axis=-1) + np.roll(r, -1, axis=-1)) / 2) ** 2)[..., None] * batch.mask


def of_the_first_branch(batch):
    """The number of a branch says that it is the first."""
    first = (batch.rewards * (batch.branches == 0)).sum(axis=-1, keepdims=True)
    return ((batch.rewards - first) ** 2)[..., None] * batch.mask


def of_one_order(batch):
    """One batch alone is answered otherwise, if its success is third."""
    places = np.arange(batch.rewards.shape[-1])
    once = (batch.rewards == (places == 2)).all(axis=-1)[..., None, None]
    return rewarded(batch) + once * (places == 0)[:, None] * batch.mask


@pytest.mark.parametrize("step", [in_a_ring, of_the_first_branch, of_one_order])
@pytest.mark.parametrize("n", [3, 4])
def test_every_order_is_enumerated_wherever_the_order_counts(step, n):
    expected = mean_of_coins(step, n)
    assert abs(float(exact_step(step, COIN, n).mean[0][0]) - expected) < 1e-12
    sorted_alone = sum(
        F(len(set(itertools.permutations(tosses))))
        * F(1, 3) ** sum(tosses)
        * F(2, 3) ** (n - sum(tosses))
        * sum(F(c) * (t - F(1, 3)) for c, t in zip(step(Batch.of([list(tosses)]))[0, :, 0], tosses, strict=True))
        for tosses in itertools.combinations_with_replacement((0, 1), n)
    )
    if (step, n) != (in_a_ring, 3):  # of three in a ring all orders are rolls and reversals
        assert abs(sorted_alone - expected) > 1e-3


def test_a_ring_of_five_has_all_its_orders():
    assert abs(float(exact_step(in_a_ring, COIN, 5).mean[0][0]) - mean_of_coins(in_a_ring, 5)) < 1e-12


def test_a_step_may_write_to_its_batch():
    def centred(batch):
        return (batch.rewards - batch.rewards.mean(axis=-1, keepdims=True))[..., None] * batch.mask

    def in_place(batch):
        batch.rewards[...] -= batch.rewards.mean(axis=-1, keepdims=True)
        batch.groups[...] = 7
        return batch.rewards[..., None] * batch.mask

    def takes_one(batch):
        assert batch.rewards.ndim == 2
        return in_place(batch)

    for step in (in_place, takes_one):
        for parts in (1, 2):
            found = exact_step(step, [HARD, EASY], 2, parts=parts)
            assert found.share == exact_step(centred, [HARD, EASY], 2, parts=parts).share
    assert reuse(in_place, TokenBits([0.3], [0, 1]), 2, epochs=2, learning_rate=0.1).displacement[0] == pytest.approx(
        reuse(centred, TokenBits([0.3], [0, 1]), 2, epochs=2, learning_rate=0.1).displacement[0]
    )


def test_an_advantage_that_writes_to_its_rewards_leaves_the_batch_as_it_is():
    def in_place(rewards):
        rewards -= rewards.mean(axis=-1, keepdims=True)
        return rewards

    batch = Batch.of([[1, 0]])
    assert policy_gradient(in_place)(batch)[0, :, 0].tolist() == [0.25, -0.25]
    assert batch.rewards.tolist() == [[1, 0]]


class Counting:
    calls = 0

    def __call__(self, batch):
        self.calls += 1
        return rewarded(batch) * self.calls


@pytest.mark.parametrize("ask", [exact_step, lambda *args: reuse(*args, epochs=1, learning_rate=0.1)])
def test_a_step_that_remembers_has_no_mean(ask):
    with pytest.raises(ValueError, match=r"^step must answer a batch as it did before, got coefficients\[0, 0, 0\] = "):
        ask(Counting(), COIN, 2)


def test_fractions_that_turn_into_floats_at_some_batches_are_called_floats():
    def at_times(batch):
        pairs = (batch.rewards.sum(axis=-1) == 37)[..., None, None]
        return np.where(pairs, 0.1, 1) * rewarded(batch) if pairs.any() else rewarded(batch)

    assert (exact_step(at_times, COIN, 150).rounding, exact_step(rewarded, COIN, 150).rounding) == (1e-12, 0)


def test_a_step_that_mixes_only_batches_of_equal_rewards_is_given_batches_one_by_one():
    def bonus(batch):
        return rewarded(batch) + (batch.rewards == 1).all() * batch.mask

    assert (
        exact_step(bonus, [COIN, COIN], 2).covariance.tolist()
        == exact_step(
            lambda batch: rewarded(batch) + (batch.rewards == 1).all(axis=(-1, -2))[..., None, None, None] * batch.mask,
            [COIN, COIN],
            2,
        ).covariance.tolist()
    )


def prefixes(batch):
    return batch.rewards[..., None] * np.cumprod(batch.probabilities, axis=-1) * batch.mask


def of_the_other(batch):
    """The first prompt is weighted by what the second one's first rollout had as its chance."""
    weight = np.stack([batch.probabilities[..., 1, 0, :].prod(axis=-1), np.ones(batch.rewards.shape[:-2])], axis=-1)
    return rewarded(batch) * weight[..., None, None]


@pytest.mark.parametrize("held", [False, True], ids=["alone", "with references"])
@pytest.mark.parametrize("step", [prefixes, of_the_other])
def test_what_a_step_makes_of_probabilities_turns_its_mean_on_policy_too(step, held):
    laws = [TokenChain(law.stop.astype(float), law.right.astype(float)) for law in (HARD, EASY)]

    def mean(way, sign):
        moved = [law.moved(sign * 1e-4 * way[2 * k : 2 * k + 2]) for k, law in enumerate(laws)]
        return np.concatenate(exact_step(step, moved, 2, references=laws if held else None).mean)

    slopes = np.array([(mean(way, 1) - mean(way, -1)) / 2e-4 for way in np.eye(4)])
    found = exact_step(step, laws, 2, references=laws if held else None).turning
    assert np.allclose(found, slopes - slopes.T, atol=1e-7)
    assert abs(found).max() > 1e-3


def test_a_mean_of_zero_is_the_gradient_of_a_constant_in_floats_too():
    law = TokenChain([0.1, 0.2], [0.7, 0.7, 0.7])
    assert exact_step(lambda batch: batch.mask * 1.0, law, 3).is_gradient
    assert not exact_step(lambda batch: prefixes(batch) * 1e-9, law, 2).is_gradient


def test_sums_that_cancel_in_floats_are_no_gradient():
    laws = (TokenChain([a / 10, b / 10], [c / 10] * 3) for a in range(1, 6) for b in range(1, 6) for c in range(1, 10))
    law = next(law for law in laws if law.grad_pass_rate.any())  # 1e-17, where a processor's sums do not cancel
    found = exact_step(rewarded, [law, TokenBits([0.5], [0, 1])], 2)
    assert (found.shares[0], found.ratios) == (None, (None, None))
    assert reuse(rewarded, law, 2, epochs=1, learning_rate=0.1).shares == (None,)


def test_a_pass_rate_that_rounds_above_1_has_an_objective():
    law = TokenChain([0.1, 0.2, 0.7], [1.0, 1.0, 1.0, 1.0])
    sums = [TokenChain([a / 10, b / 10], [1.0] * 3) for a in range(1, 10) for b in range(1, 10)]
    above = next(law for law in sums if law.pass_rate > 1)
    for one in (law, above):
        assert exact_step(rewarded, one, 1, objective=mx.Objective.maxrl(2)).share is None


@pytest.mark.parametrize("p", [1e-300, 1e-12, 1 - 1e-12])
def test_shares_at_the_ends_of_floats_are_shares(p):
    found = exact_step(policy_gradient("rloo"), [TokenBits([p], [0.0, 1.0]), TokenChain([p], [1.0, 0.0])], 2)
    assert np.allclose(found.shares, 1, rtol=1e-9)
    assert max(found.angles) < 1e-6


def test_orders_are_counted_where_there_are_many_outcomes():
    chances = np.array([F(i + 1, 91) for i in range(13)])
    rows, found = _groups(chances, 3, ordered=False)
    assert len(rows) == 455
    assert found.sum() == 1
    assert found[[0, 1]].tolist() == [F(1, 91) ** 3, 3 * F(1, 91) ** 2 * F(2, 91)]


def test_a_part_of_a_part_knows_the_whole_step():
    part = Batch.of([[1, 0], [1, 1], [0, 0], [0, 1]]).split(2)[1].split(2)[0]
    assert (part.whole.rewards.shape, part.parts, part.groups.tolist()) == ((4, 2), 4, [[2, 2]])


class Graph:
    """As a tensor of a framework that keeps a graph."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("detach it first")


def test_a_rate_that_takes_chances_to_0_is_no_warning():  # an error here, as all warnings are
    step = policy_gradient("rloo", ratio="token")
    found = reuse(step, TokenBits([0.3], [0, 1]), 2, epochs=2, learning_rate=1e5)
    assert np.isclose(found.displacement[0][0], 1e5 * 0.21)  # after one step nothing is left to move by


MANY = TokenBits([0.5] * 10, np.zeros((2,) * 10))
REFUSED = {
    "step must be a function of a Batch, got 'rloo'": lambda: exact_step("rloo", COIN, 2),
    "step must return real coefficients[0, 0, 0], got '1'": lambda: exact_step(
        lambda batch: np.full(batch.mask.shape, "1", dtype=object), COIN, 2
    ),
    "step must return what NumPy can read, got Graph: detach it first": lambda: exact_step(
        lambda batch: Graph(), COIN, 2
    ),
    "batch must be a Batch, got [[1, 0]]": lambda: policy_gradient("rloo")([[1, 0]]),
    f"samplers[0] must have the responses of {HARD}, got TokenChain(1/2, 1/3: 0, 3/4, 1)": lambda: exact_step(
        rewarded, HARD, 2, samplers=[TokenChain(HARD.stop, [F(0), F(3, 4), F(1)])]
    ),
    "prompts[0] must be a law of tokens, such as problems.TokenChain, got x": lambda: exact_step(
        rewarded, Tokens("x", [0.5, 0.5], [0, 1], [[1.0], [-1.0]]), 2
    ),
    "prompts[0] must be a law of tokens, such as problems.TokenChain, got y": lambda: reuse(
        rewarded, TokenLogits("y", [0.5, 0.5], [0, 1], [[1.0], [-1.0]]), 2, epochs=1, learning_rate=1.0
    ),
    "epochs must be at most 10000, got 1000000000000": lambda: reuse(
        rewarded, COIN, 2, epochs=10**12, learning_rate=0.1
    ),
    f"siblings must make at most 100000 branches of a prompt, got 4: of {MANY} there are 137438953472": lambda: (
        exact_step(rewarded, MANY, 8, siblings=4)
    ),
    "the length of stop must be at most 128, got 5000": lambda: TokenChain([0.5] * 5000, [0.5] * 5001),
    "n must make batches of at most 2000000 rollouts in all, got 50000: with 1 prompts there are 2500050000": lambda: (
        effective_weights("rloo", [0.5], 50_000)
    ),
    "prompts must make batches of at most 8388608 rollouts, 4294967296 in all, got 1048576: with n = 64 there are "
    "67108864, 283534950400 in all": lambda: population_weights("rloo", [0.5], 64, [(1, 0.5)], prompts=1 << 20),
    "log_ratios[0, 0, 0] must lie in [-700, 700], so that its exponential is a float, got 1000.0": lambda: Batch.of(
        [[1, 0]], log_ratios=1000.0
    ),
    "log_probs[0, 0, 0] must lie in [-700, 700], so that its exponential is a float, got -1000.0": lambda: Batch.of(
        [[1, 0]], log_probs=-1000.0
    ),
    "mask must be one array, got rows of different lengths": lambda: Batch.of([[1, 0]], [[[1, 1], [1]]]),
    "groups must be one array, got rows of different lengths": lambda: Batch.of([[1, 0]], groups=[[1, 2], [1]]),
    "probabilities[0, 1, 0] must be finite and above 0 to have a logarithm, got 0.0": lambda: (
        replace(Batch.of([[1, 0]]), probabilities=np.array([[[1.0], [0.0]]])).log_probs
    ),
}


@pytest.mark.parametrize("error", REFUSED)
def test_what_would_take_all_memory_or_mean_nothing_is_refused_in_a_line(error):
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(error)}$"):
        REFUSED[error]()
