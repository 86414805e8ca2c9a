"""Several steps on one batch, against a loop over every ordered batch, differences, and closed forms of a coin."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.problems import TokenBits, TokenChain
from maxrl_est.steps import Batch, exact_step, policy_gradient, reuse

CHAIN = TokenChain([0.5, 0.3], [0.0, 0.25, 1.0])
BITS = TokenBits([0.4, 0.7], [[0.0, 1.0], [0.0, 0.5]])
STALE = [TokenChain([0.4, 0.45], [0.0, 0.25, 1.0]), TokenBits([0.5, 0.6], [[0.0, 1.0], [0.0, 0.5]])]
HELD = [TokenChain([0.6, 0.2], [0.0, 0.25, 1.0]), TokenBits([0.3, 0.8], [[0.0, 1.0], [0.0, 0.5]])]
CLIPPED = policy_gradient("rloo", ratio="token", clip=(0.1, 0.15))


def coin(p):
    return TokenBits([p], [0, 1])


def held_on_to(batch):
    """The clipped loss, less a KL term."""
    rollouts = batch.rewards.shape[-2] * batch.rewards.shape[-1]
    return CLIPPED(batch) - 0.1 * batch.log_reference_ratios * batch.mask / rollouts


def batch_of(laws, rows, chances, drawn, held):
    """The batch of outcomes (B, N), chances of tokens being those of three policies on each prompt."""
    width = max(law.longest for law in laws)

    def of_tokens(policies):
        made = np.ones((*rows.shape, width))
        for b, policy in enumerate(policies):
            made[b, :, : policy.longest] = policy.token_probabilities[rows[b]]
        return made

    pairs = list(zip(laws, rows, strict=True))
    mask = np.arange(width) < np.array([law.lengths[row] for law, row in pairs])[..., None]
    plain = Batch.of(np.array([law.likelihoods[row] for law, row in pairs]), mask)
    now = of_tokens(chances)
    return replace(plain, ratios=now / of_tokens(drawn), reference_ratios=now / of_tokens(held), probabilities=now)


def mean_of_loops(step, laws, n, epochs, rate, samplers, references, wrong=None):
    """E[theta_K] by a loop over every batch in every order, of laws that have moved."""
    total = 0.0
    for outcomes in itertools.product(*[range(len(law.probabilities)) for law in laws for _ in range(n)]):
        rows = np.array(outcomes).reshape(len(laws), n)
        chance = np.prod([sampler.probabilities[row].prod() for sampler, row in zip(samplers, rows, strict=True)])
        theta, mu = np.zeros((len(laws), len(laws[0].chances))), samplers
        for _ in range(epochs):
            moved = [law.moved(by) for law, by in zip(laws, theta, strict=True)]
            found = step(batch_of(laws, rows, laws if wrong == "ratios stay" else moved, mu, references))
            for b, law in enumerate(laws if wrong == "scores stay" else moved):
                theta[b] += rate * np.einsum("nl,nld->d", found[b, :, : law.longest], law.token_scores[rows[b]])
            mu = moved if wrong == "mu moves along" else mu
        total = total + chance * theta
    return total


@pytest.mark.parametrize("laws", [[CHAIN], [BITS], [CHAIN, BITS]], ids=str)
def test_the_mean_is_that_of_loops_over_all_batches(laws):
    """Rejects ratios that stay, scores that stay, and mu that moves along."""
    places = [[CHAIN, BITS].index(law) for law in laws]
    settings = {"samplers": [STALE[i] for i in places], "references": [HELD[i] for i in places]}
    n = 3 if len(laws) == 1 else 2
    for epochs in (1, 3):
        found = reuse(held_on_to, laws, n, epochs=epochs, learning_rate=0.8, **settings)
        expected = mean_of_loops(held_on_to, laws, n, epochs, 0.8, **settings)
        np.testing.assert_allclose(found.displacement, expected, rtol=0, atol=1e-13)
    if len(laws) == 1:
        for wrong in ("ratios stay", "scores stay", "mu moves along"):
            other = mean_of_loops(held_on_to, laws, n, 3, 0.8, **settings, wrong=wrong)
            assert abs(np.array(found.displacement) - other).max() > 1e-4, wrong


def test_one_step_is_the_exact_step():
    found = reuse(CLIPPED, [CHAIN, BITS], 2, epochs=1, learning_rate=0.3, objective=mx.Objective.maxrl(2))
    expected = exact_step(CLIPPED, [CHAIN, BITS], 2, objective=mx.Objective.maxrl(2))
    np.testing.assert_allclose(found.displacement, 0.3 * np.array(expected.mean), rtol=1e-12)
    np.testing.assert_allclose(found.shares, expected.shares, rtol=1e-12)
    np.testing.assert_allclose(found.angles, expected.angles, atol=1e-6)
    np.testing.assert_allclose(found.step, expected.mean, rtol=1e-12)
    assert found.weights == (None, None)


@pytest.mark.parametrize("name", ["grpo", "rloo", "maxrl_shipped"])
def test_one_step_of_a_coin_has_the_weight_of_the_advantage(name):
    coins = [coin(p) for p in (0.01, 0.5, 0.9)]
    found = reuse(policy_gradient(name), coins, 4, epochs=1, learning_rate=0.1).weights
    np.testing.assert_allclose(found, mx.effective_weight(name, 4).value(np.array([0.01, 0.5, 0.9])), rtol=1e-12)


@pytest.mark.parametrize("ratio", [None, "token", "sequence", "geometric"])
def test_the_mean_is_that_of_second_order_but_for_the_cube_of_the_rate(ratio):
    """Rejects K^2 / 2 for K (K - 1) / 2, and the bend of a batch each."""
    step = policy_gradient("maxrl_shipped", ratio=ratio)
    big, small = (reuse(step, [CHAIN, BITS], 2, epochs=3, learning_rate=rate) for rate in (1e-2, 5e-3))

    def left(of, expected):
        return abs(np.array(of.displacement) - np.array(expected(of))).max()

    assert left(big, lambda of: of.second_order) / left(small, lambda of: of.second_order) == pytest.approx(8, rel=0.05)

    def squared(of):
        rate = of.learning_rate
        return 3 * rate * np.array(of.step) + rate**2 * 9 / 2 * np.array(of.bend)

    def afresh(of):
        rate = of.learning_rate
        return 3 * rate * np.array(of.step) + rate**2 * 3 * np.array(of.bend_afresh)

    for wrong in (squared, afresh):
        assert left(big, wrong) / left(small, wrong) == pytest.approx(4, rel=0.1)
        assert left(big, wrong) > 10 * left(big, lambda of: of.second_order)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_the_bias_of_reuse_for_a_coin_without_a_baseline_is_the_variance_of_its_successes(p):
    """g = K/N p'(1 - p')/p of K successes, so that E[H g] has E[(K/N)^2] = p^2 + p q / N: rejects N - 1."""
    q, step = 1 - p, policy_gradient("reinforce", ratio="token")
    for n in (2, 4, 8):
        found = reuse(step, coin(p), n, epochs=2, learning_rate=0.1)
        np.testing.assert_allclose(found.bias[0], q**2 * (q - p) * p * q / n, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(found.bend_afresh[0], q**2 * (q - p) * p**2, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", ["rloo", "grpo", "maxrl_shipped"])
def test_the_bias_of_reuse_falls_as_one_over_n(name):
    step = policy_gradient(name, ratio="token")
    eight, sixteen = (reuse(step, CHAIN, n, epochs=2, learning_rate=0.1).bias[0][1] for n in (8, 16))
    assert 1.8 < eight / sixteen < 2.3


def test_without_ratios_a_batch_pulls_until_its_shares_are_reached():
    """No baseline and no ratio: a coin goes on to p = 1 as successes pull and failures do not; K = 2 by hand."""
    p, rate = 0.3, 0.4
    found = reuse(policy_gradient("reinforce"), coin(p), 2, epochs=2, learning_rate=rate).displacement[0]
    expected = 0.0
    for successes, chance in ((1, 2 * p * (1 - p)), (2, p * p)):
        first = rate * successes / 2 * (1 - p)
        odds = p / (1 - p) * np.exp(first)
        expected += chance * (first + rate * successes / 2 / (1 + odds))
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_a_clipped_coin_stops_within_a_step_of_the_end_of_its_range():
    """Rejects a clip that kills the gradient at ratio 1: nothing would move at all."""
    law, rate = coin(0.5), 0.05
    free, held = (
        reuse(policy_gradient("grpo", ratio="token", clip=clip), law, 2, epochs=40, learning_rate=rate)
        for clip in (None, (0.2, 0.2))
    )
    moved = held.displacement[0][0] * 2  # half of all groups are mixed, and alike
    end = np.log(0.6 / 0.4)  # ratio 1.2 of a success; that of a failure is then 0.8
    assert end < moved < end + rate
    assert free.displacement[0] > 1.5 * held.displacement[0]
    assert 0.99 < reuse(CLIPPED, law, 2, epochs=1, learning_rate=rate).weights[0] < 1.01


def test_off_policy_the_sequence_ratio_starts_along_the_gradient():
    step = policy_gradient("rloo", ratio="sequence")
    found = reuse(step, [CHAIN], 2, epochs=1, learning_rate=0.1, samplers=[STALE[0]])
    np.testing.assert_allclose(found.shares, [1.0], rtol=1e-12)
    assert found.angles[0] < 1e-6


def test_a_step_that_takes_one_batch_at_a_time_is_given_one():
    def singly(batch):
        if batch.rewards.ndim != 2:
            raise ValueError("one batch")
        return CLIPPED(batch)

    one, many = (reuse(step, [CHAIN, BITS], 2, epochs=3, learning_rate=0.8) for step in (singly, CLIPPED))
    np.testing.assert_allclose(one.displacement, many.displacement, rtol=1e-12)


def test_a_step_that_mixes_batches_only_off_policy_is_found_out():
    """Rejects trying a step on policy alone, where ratios say nothing."""

    def mixing(batch):
        ratios = batch.ratios / batch.ratios.mean(axis=0) if batch.ratios.ndim == 4 else batch.ratios / batch.ratios
        return policy_gradient("rloo")(batch) * ratios

    mixed, plain = (reuse(step, CHAIN, 2, epochs=2, learning_rate=0.8) for step in (mixing, policy_gradient("rloo")))
    np.testing.assert_allclose(mixed.displacement, plain.displacement, rtol=1e-12)


def test_a_step_that_looks_at_the_order_has_all_orders():
    def of_the_first(batch):
        found = policy_gradient("rloo", ratio="token")(batch)
        return found * (np.arange(batch.rewards.shape[-1]) == 0)[:, None] * batch.rewards.shape[-1]

    found = reuse(of_the_first, CHAIN, 2, epochs=1, learning_rate=0.1)
    np.testing.assert_allclose(found.shares, [1.0], rtol=1e-12)


@pytest.mark.parametrize("law", [CHAIN, BITS], ids=str)
def test_a_law_that_has_moved_has_the_scores_of_its_tokens_and_comes_back(law):
    step = 1e-6 * np.eye(len(law.chances))
    slopes = [
        (np.log(law.moved(by).token_probabilities) - np.log(law.moved(-by).token_probabilities)) / 2e-6 for by in step
    ]
    np.testing.assert_allclose(np.stack(slopes, axis=2), law.token_scores, atol=1e-9)
    far = np.array([1.5, -2.0])
    np.testing.assert_allclose(law.moved(far).moved(-far).probabilities, law.probabilities, rtol=1e-12)
    assert (law.moved([0.0, 0.0]).probabilities == law.probabilities).all()
    assert (law.moved(far).likelihoods == law.likelihoods).all()


def test_a_law_without_logits_of_tokens_is_refused_in_a_line():
    class Other(mx.problems.Tokens):
        def __init__(self):
            self._hold_tokens("other", *(getattr(BITS, name) for name in NAMES))

    with pytest.raises(TypeError, match=r"prompts\[1\] must be a law with a logit for each token, .* got other"):
        reuse(CLIPPED, [BITS, Other()], 2, epochs=1, learning_rate=0.1)
    with pytest.raises(ValueError, match="epochs must be an int of at least 1, got 0"):
        reuse(CLIPPED, BITS, 2, epochs=0, learning_rate=0.1)
    with pytest.raises(ValueError, match="learning_rate must be finite and above 0, got -1"):
        reuse(CLIPPED, BITS, 2, epochs=1, learning_rate=-1)
    with pytest.raises(TypeError, match="objective must be an Objective or None, got 'maxrl'"):
        reuse(CLIPPED, BITS, 2, epochs=1, learning_rate=1, objective="maxrl")


NAMES = ("probabilities", "likelihoods", "lengths", "token_probabilities", "token_scores")


def test_the_table_says_where_prompts_went():
    found = reuse(CLIPPED, [coin(0.5), CHAIN], 2, epochs=2, learning_rate=0.5)
    text = str(found)
    assert text.startswith("2 steps of rate 0.5 on one batch of 2 prompts, 2 rollouts each")
    assert found.columns()["weight of grad p"][1] is None
    flat = reuse(CLIPPED, TokenBits([0.5], [1.0, 1.0]), 2, epochs=1, learning_rate=0.5)
    assert flat.shares == flat.weights == (None,)
    assert flat.angles == (0.0,)
