"""Steps of the usual losses, against moments of the law, derivatives of the losses, and the policy that drew them."""

from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.steps import Batch, policy_gradient

HARD = mx.problems.TokenChain([F(1, 2), F(1, 3)], [F(0), F(1, 4), F(1, 2)])
EASY = mx.problems.TokenChain([F(1, 4), F(1, 2)], [F(3, 4), F(1), F(1, 2)])
STALE = mx.problems.TokenChain([F(1, 5), F(3, 4)], [F(0), F(1, 4), F(1, 2)])  # another policy on HARD
RULES = ("rloo", "maxrl_shipped", "ustat", "mean_centred")
RATIOS = (None, "token", "sequence", "geometric")


def means(step, laws, n, **settings):
    return mx.exact_step(step, laws, n, **settings).mean


@pytest.mark.parametrize("ratio", [None, "token", "sequence"])
@pytest.mark.parametrize("rule", RULES)
def test_a_sum_over_tokens_is_on_policy_the_estimate_of_the_advantage(rule, ratio):
    """Rejects what divides by any length."""
    expected = [mx.exact_moments(law, rule, 2).mean / 2 for law in (HARD, EASY)]
    found = means(policy_gradient(rule, ratio=ratio), [HARD, EASY], 2)
    assert all(isinstance(x, F) for mean in found for x in mean)
    assert all((g == t).all() for g, t in zip(found, expected, strict=True))
    alone = means(policy_gradient(rule, ratio=ratio), HARD, 3)[0]
    assert (alone == mx.exact_moments(HARD, rule, 3).mean).all()
    for lengths in ("mean", "tokens", "part_tokens"):
        wrong = mx.exact_step(policy_gradient(rule, ratio=ratio, lengths=lengths), HARD, 3)
        assert wrong.angle > 1


def test_grpo_is_exact_but_for_rounding():
    expected = mx.exact_moments(HARD, "grpo", 3).mean
    found = means(policy_gradient("grpo", ratio="token", clip=(0.2, 0.28)), HARD, 3)[0]
    np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=1e-12)


@pytest.mark.parametrize("lengths", ["sum", "mean", "tokens", "part_tokens"])
def test_micro_batches_matter_where_each_divides_by_its_own_tokens_and_nowhere_else(lengths):
    step = policy_gradient("rloo", lengths=lengths)
    whole, parts = (mx.exact_step(step, [HARD, EASY], 2, parts=parts) for parts in (1, 2))
    same = all((a == b).all() for a, b in zip(whole.mean, parts.mean, strict=True))
    assert same == (lengths != "part_tokens")
    total = policy_gradient("rloo", lengths="tokens")
    assert all((a == b).all() for a, b in zip(whole.mean, means(total, [HARD, EASY], 2), strict=True)) == (
        lengths in ("tokens", "part_tokens")
    )


@pytest.mark.parametrize("ratio", RATIOS)
def test_off_policy_the_product_over_a_response_alone_is_unbiased(ratio):
    """Rejects a token's own ratio, which misses its prefix, the geometric mean, and no ratio."""
    found = mx.exact_step(policy_gradient("rloo", ratio=ratio), HARD, 2, samplers=[STALE])
    assert (ratio == "sequence") == bool((found.mean[0] == HARD.grad_pass_rate).all())
    if ratio != "sequence":
        assert found.angle > 1


def test_a_tokens_own_ratio_misses_that_of_the_tokens_before_it():
    """The last choice: its gradient is that of the updated policy times the chance of the sampler to come there."""
    found = means(policy_gradient("rloo", ratio="token"), HARD, 2, samplers=[STALE])[0]
    from_there = HARD.stop[1] * (1 - HARD.stop[1]) * (HARD.right[1] - HARD.right[2])
    assert HARD.grad_pass_rate[1] == (1 - HARD.stop[0]) * from_there
    assert found[1] == (1 - STALE.stop[0]) * from_there


@pytest.mark.parametrize("rule", ["ustat", "maxrl_shipped"])
def test_off_policy_the_weight_of_a_prompt_is_that_of_the_policy_that_drew_it(rule):
    """Rejects the weight at the policy that is updated."""
    found = means(policy_gradient(rule, ratio="sequence"), HARD, 3, samplers=[STALE])[0]
    weight = mx.effective_weight(rule, 3)
    assert (found == weight.value(STALE.pass_rate) * HARD.grad_pass_rate).all()
    assert (found != weight.value(HARD.pass_rate) * HARD.grad_pass_rate).any()


def random_batch(seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 5, size=(2, 3))
    mask = np.arange(4) < lengths[..., None]
    return Batch.of([[1, 0, 0], [1, 1, 0]], mask, log_ratios=np.where(mask, rng.normal(0, 0.3, mask.shape), 0.0))


def loss(batch, logs, lengths, ratio, clip):
    """What trainers maximise, of log-probabilities: each response its own, or tokens each theirs."""
    low, high = clip or (1.0, np.inf)
    advantages = (batch.rewards - batch.rewards.mean(axis=-1, keepdims=True))[..., None]
    ratios = np.exp(logs) * batch.mask
    if ratio == "sequence":
        ratios = np.exp((logs * batch.mask).sum(axis=-1, keepdims=True))
    elif ratio == "geometric":
        ratios = np.exp((logs * batch.mask).sum(axis=-1, keepdims=True) / batch.lengths[..., None])
    surrogate = np.minimum(ratios * advantages, np.clip(ratios, 1 - low, 1 + high) * advantages)
    if ratio in ("sequence", "geometric"):
        return surrogate.sum() / 6
    of_responses = (surrogate * batch.mask).sum(axis=-1)
    return {
        "sum": of_responses.sum() / 6,
        "mean": (of_responses / batch.lengths).sum() / 6,
        "tokens": of_responses.sum() / batch.lengths.sum(),
    }[lengths]


@pytest.mark.parametrize("clip", [None, (0.2, 0.2), (0.1, 0.4)])
@pytest.mark.parametrize(
    ("lengths", "ratio"),
    [("sum", "token"), ("mean", "token"), ("tokens", "token"), ("sum", "sequence"), ("mean", "geometric")],
)
def test_coefficients_are_the_derivatives_of_the_loss_by_the_log_probabilities(lengths, ratio, clip):
    """Rejects clipping on both sides whatever the sign, and a geometric mean that is no mean."""
    batch = random_batch()
    step = policy_gradient("mean_centred", lengths=lengths, ratio=ratio, clip=clip)
    slopes = np.zeros(batch.mask.shape)
    for index in np.argwhere(batch.mask):
        change = np.zeros(batch.mask.shape)
        change[tuple(index)] = 1e-6
        up, down = (loss(batch, batch.log_ratios + sign * change, lengths, ratio, clip) for sign in (1, -1))
        slopes[tuple(index)] = (up - down) / 2e-6
    np.testing.assert_allclose(step(batch), slopes, atol=1e-9)
    if clip and ratio == "token":
        assert (slopes[batch.mask] == 0).any()
        ratios = batch.ratios
        both = policy_gradient("mean_centred", lengths=lengths, ratio=ratio)(batch)
        assert abs(both * ((ratios > 1 - clip[0]) & (ratios < 1 + clip[1])) - slopes).max() > 0.01


def test_a_clip_range_changes_nothing_at_ratio_1_nor_at_its_ends():
    """Rejects a minimum whose ties go to the clipped side, which has no gradient there: nothing ever moves."""
    on_policy = Batch.of([[1, 0, 0]])
    plain, clipped = (policy_gradient("rloo", ratio="token", clip=clip)(on_policy) for clip in (None, (0.2, 0.2)))
    assert (plain == clipped).all()
    ratios, advantages = on_policy.ratios, plain * 3
    ties = np.where(ratios * advantages < np.clip(ratios, 0.8, 1.2) * advantages, plain, 0)
    assert not ties.any()
    for ratio, kept in ((1.25, True), (1.26, False), (0.5, True)):
        at = Batch.of([[1, 0]], log_ratios=[[[np.log(ratio)], [0.0]]])
        coefficient = policy_gradient("rloo", ratio="token", clip=(0.25, 0.25 + 1e-12))(at)[0, 0, 0]
        assert bool(coefficient) == kept
    exact = mx.exact_step(policy_gradient("rloo", ratio="token", clip=(F(1, 5), F(1, 5))), HARD, 2)
    assert (exact.mean[0] == HARD.grad_pass_rate).all()


@pytest.mark.parametrize("lengths", ["sum", "mean", "tokens", "part_tokens"])
@pytest.mark.parametrize("ratio", RATIOS)
def test_a_stack_of_batches_has_the_coefficients_of_each(lengths, ratio):
    batches = [random_batch(seed) for seed in range(3)]
    names = ("rewards", "mask", "ratios", "reference_ratios", "probabilities", "groups", "branches")
    stack = Batch(*(np.stack([getattr(batch, name) for batch in batches]) for name in names))
    step = policy_gradient("rloo", lengths=lengths, ratio=ratio)
    np.testing.assert_allclose(step(stack), [step(batch) for batch in batches], rtol=1e-12)
    assert not step(stack)[~stack.mask].any()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"lengths": "token"}, ValueError, "lengths must be one of .*, got 'token'; did you mean 'tokens'"),
        ({"ratio": "tokens"}, ValueError, "ratio must be one of token, sequence, geometric, got 'tokens'"),
        ({"clip": (0.2, 0.2)}, ValueError, r"clip must be None without a ratio to clip, got \(0.2, 0.2\)"),
        ({"clip": 0.2, "ratio": "token"}, TypeError, r"clip must be two numbers \(low, high\) or None, got 0.2"),
        ({"clip": (1.2, 0.2), "ratio": "token"}, ValueError, r"clip\[0\] must lie in \(0, 1\], got 1.2"),
        ({"clip": (0.2, 0), "ratio": "token"}, ValueError, r"clip\[1\] must be finite and above 0, got 0"),
    ],
)
def test_wrong_settings_are_refused_in_a_line(settings, error, message):
    with pytest.raises(error, match=message):
        policy_gradient("rloo", **settings)


def test_what_is_no_rule_of_groups_is_refused():
    with pytest.raises(TypeError, match=r"advantage must be a function of groups of rollouts, got .*sumo"):
        policy_gradient("sumo")
    with pytest.raises(ValueError, match="advantage must be a name in the table, got 'rlo'"):
        policy_gradient("rlo")
    with pytest.raises(ValueError, match=r"advantage must return shape \(1, 2\), got \(1,\)"):
        policy_gradient(lambda rewards: rewards[..., 0])(Batch.of([[1, 0]]))
