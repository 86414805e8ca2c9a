"""The mean of a whole step, against every batch written out, slopes of the mean, and closed forms."""

import itertools
import math
import re
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.problems import TokenBits, TokenChain
from maxrl_est.steps import Batch, exact_step

HARD = TokenChain([F(1, 2), F(1, 3)], [F(0), F(1, 4), F(1)])
EASY = TokenChain([F(1, 4), F(1, 2)], [F(1), F(1, 2), F(1)])
BITS = TokenBits([F(1, 2), F(1, 3)], [[F(0), F(0)], [F(0), F(1)]])
PAIR = [HARD, EASY]
ROUNDED = 1e-12
SLOPE = 1e-7  # absolute, of central differences with step 1e-4 in steps of size 1


def others(r):
    return (r.sum(axis=-1, keepdims=True) - r) / (r.shape[-1] - 1)


def rollouts(batch):
    return math.prod(batch.rewards.shape[-2:])


def right(batch):
    return (batch.rewards - others(batch.rewards))[..., None] * batch.mask / rollouts(batch)


def by_length(batch):
    return right(batch) / batch.lengths[..., None]


def token_mean(batch):
    tokens = batch.lengths.sum(axis=(-1, -2))[..., None, None, None]
    return right(batch) * rollouts(batch) / tokens


def mixed_up(batch):
    """Divided by the tokens of all batches that lie in a stack."""
    return right(batch) * rollouts(batch) / batch.lengths.sum()


def previous_reward(batch):
    """The baseline is the reward of the rollout before: the order of rollouts counts."""
    baseline = np.roll(batch.rewards, 1, axis=-1)
    baseline = np.where(np.arange(batch.rewards.shape[-1]) == 0, 0, baseline)
    return (batch.rewards - baseline)[..., None] * batch.mask / rollouts(batch)


def of_tokens(batch):
    return right(batch) * batch.ratios


def of_responses(batch):
    return right(batch) * batch.ratios.prod(axis=-1, keepdims=True)


def held(batch):
    """A penalty on the log-ratio of the whole response to the reference, in the reward."""
    penalty = batch.log_reference_ratios.sum(axis=-1)
    return (batch.rewards - 0.3 * penalty)[..., None] * batch.mask / rollouts(batch)


def written_out(step, laws, n, unordered=False):
    """Mean (D,), covariance (D, D) and E[S g'] of a step, by loops over every ordered batch."""
    d = [law.scores.shape[1] for law in laws]
    starts = np.cumsum([0, *d])
    L = max(law.longest for law in laws)
    outcomes = [range(len(law.probabilities)) for law in laws for _ in range(n)]
    chances, updates, scores = [], [], []
    for flat in itertools.product(*outcomes):
        rows = np.array(flat).reshape(len(laws), n)
        if unordered and (np.diff(rows, axis=1) < 0).any():
            continue
        chance, mask = F(1), np.zeros((1, len(laws), n, L), dtype=bool)
        rewards = np.empty((1, len(laws), n), dtype=object)
        for b, i in np.ndindex(rows.shape):
            chance *= laws[b].probabilities[rows[b, i]]
            rewards[0, b, i] = laws[b].likelihoods[rows[b, i]]
            mask[0, b, i, : laws[b].lengths[rows[b, i]]] = True
        ones = np.full(mask.shape, F(1), dtype=object)
        groups = np.broadcast_to(np.arange(len(laws))[:, None], rewards.shape)
        branches = np.broadcast_to(np.arange(n), rewards.shape)
        found = step(Batch(rewards, mask, ones, ones, ones, groups, branches))
        update, score = np.full(sum(d), F(0)), np.full(sum(d), F(0))
        for b, i in np.ndindex(rows.shape):
            law = laws[b]
            part = slice(starts[b], starts[b + 1])
            for t in range(law.longest):
                update[part] += found[0, b, i, t] * law.token_scores[rows[b, i], t]
            score[part] += law.scores[rows[b, i]]
        chances.append(chance)
        updates.append(update)
        scores.append(score)
    chances, updates, scores = (np.array(x, dtype=object) for x in (chances, updates, scores))
    mean = chances @ updates
    return (
        mean,
        (chances[:, None] * updates).T @ updates - mean[:, None] * mean,
        (chances[:, None] * scores).T @ updates,
    )


@pytest.mark.parametrize("step", [right, by_length, token_mean, previous_reward, mixed_up])
def test_mean_covariance_and_curl_are_those_of_every_batch_in_rationals(step):
    found = exact_step(step, PAIR, 2)
    mean, covariance, slope = written_out(step, PAIR, 2)
    assert found.rounding == 0
    assert np.concatenate(found.mean).tolist() == mean.tolist()
    assert (found.covariance == covariance).all()
    assert (found.turning == slope - slope.T).all()


def test_batches_in_one_order_alone_are_not_all_batches():
    mean, *_ = written_out(right, PAIR, 2, unordered=True)
    assert np.concatenate(exact_step(right, PAIR, 2).mean).tolist() != mean.tolist()


def test_a_step_that_mixes_a_stack_is_given_batches_one_by_one():
    assert exact_step(mixed_up, PAIR, 2).shares == exact_step(token_mean, PAIR, 2).shares


def test_a_constant_divisor_is_exact_and_lengths_in_it_bend_the_step_by_their_closed_form():
    found = exact_step(right, PAIR, 2)
    assert (found.shares, found.angle, found.is_gradient) == ((1, 1), 0, True)
    bent = exact_step(by_length, PAIR, 3)
    for law, mean in zip(PAIR, bent.mean, strict=True):
        p, u = law.probabilities, np.array([F(1, int(length)) for length in law.lengths])
        l, S = law.likelihoods, law.scores
        expected = (p * l * u) @ S - (p @ l) * ((p * u) @ S)
        assert (mean == expected / 2).all()
        assert (mean != (p * l * u) @ S / 2).any()  # as if the baseline were free
    assert bent.angle > 10
    assert not bent.is_gradient


def moved_mean(step, by, sampler=None, reference=None):
    """The mean of a step whose policies have moved by (D,), in floats."""
    laws = [law.moved(by[2 * b : 2 * b + 2]) for b, law in enumerate(PAIR)]
    given = {"samplers": sampler, "references": reference}
    return np.concatenate(exact_step(step, laws, 2, **{k: v for k, v in given.items() if v}).mean)


@pytest.mark.parametrize(
    ("step", "off_policy", "reference"),
    [
        (by_length, False, False),
        (of_tokens, True, False),
        (of_responses, True, False),
        (held, False, True),
        (held, True, True),
    ],
)
def test_the_curl_is_the_antisymmetric_part_of_the_slopes_of_the_mean(step, off_policy, reference):
    far = [law.moved(by) for law, by in zip(PAIR, ([0.4, -0.3], [-0.2, 0.5]), strict=True)]
    here = [law.moved([0, 0]) for law in PAIR]
    sampler, held_to = far if off_policy else None, far[::1] if reference else None
    high, low = ([moved_mean(step, s * e, sampler, held_to) for e in 1e-4 * np.eye(4)] for s in (1, -1))
    slopes = (np.array(high) - np.array(low)) / 2e-4
    found = exact_step(step, here, 2, samplers=sampler, references=held_to)
    assert abs(found.turning - (slopes - slopes.T)).max() < SLOPE
    assert found.is_gradient == (abs(slopes - slopes.T).max() < SLOPE)


def test_ratios_of_responses_are_exact_off_policy_and_ratios_of_tokens_miss_the_prefix():
    samplers = [TokenChain([F(1, 3), F(1, 2)], HARD.right), TokenChain([F(1, 2), F(1, 5)], EASY.right)]
    found = exact_step(of_responses, PAIR, 2, samplers=samplers)
    assert (found.rounding, found.shares, found.angle) == (0, (1, 1), 0)
    for step in (of_tokens, right):
        assert exact_step(step, PAIR, 2, samplers=samplers).angle > 1


def test_micro_batches_are_averaged_unless_the_step_adds_them_up():
    def adds(batch):
        return right(batch) / batch.parts

    adds.adds = True
    for step in (right, adds):
        assert exact_step(step, PAIR, 2, parts=2).shares == (1, 1)
    del adds.adds  # divides by their number a second time
    assert exact_step(adds, PAIR, 2, parts=2).shares == (F(1, 2), F(1, 2))
    assert exact_step(token_mean, PAIR, 2, parts=2).shares != exact_step(token_mean, PAIR, 2).shares


def test_a_micro_batch_knows_the_whole():
    def over_all_tokens(batch):
        tokens = batch.whole.lengths.sum(axis=(-1, -2))[..., None, None, None]
        return right(batch) * rollouts(batch) / tokens

    over_all_tokens.adds = True
    whole, split = (exact_step(over_all_tokens, PAIR, 2, parts=parts) for parts in (1, 2))
    assert whole.shares == split.shares == exact_step(token_mean, PAIR, 2).shares
    assert (whole.covariance == split.covariance).all()


def test_leaving_one_leaf_out_of_a_tree_shrinks_the_gradient_of_the_shared_token():
    leaves, branches = 2, 2

    def less_other_branches(batch):
        r = batch.rewards
        own = batch.branches[..., :, None] == batch.branches[..., None, :]
        apart = (~own).sum(axis=-1)
        baseline = (r[..., None, :] * ~own).sum(axis=-1) / apart
        return (r - baseline)[..., None] * batch.mask / rollouts(batch)

    found, leaf = (
        exact_step(step, [BITS], leaves * branches, siblings=leaves) for step in (less_other_branches, right)
    )
    assert (found.share, found.angle) == (1, 0)
    truth, mean = found.truth[0], leaf.mean[0]
    assert mean[0] / truth[0] == 1 - F(leaves - 1, leaves * branches - 1)
    assert mean[1] / truth[1] == 1
    assert exact_step(right, [BITS], leaves * branches).share == 1  # without a tree


def test_dropping_groups_of_fixed_prompts_weighs_them_by_the_leave_one_out_weights_of_their_chances_to_be_kept():
    def filtered(batch):
        r = batch.rewards
        kept = (r.max(axis=-1) != r.min(axis=-1))[..., None]
        number = kept.sum(axis=(-1, -2))[..., None, None]
        return ((r - others(r)) * kept / (np.where(number == 0, 1, number) * r.shape[-1]))[..., None] * batch.mask

    laws = [TokenBits([p], [F(0), F(1)]) for p in (F(1, 10), F(1, 2), F(2, 3))]
    kept = np.array([1 - p**2 - (1 - p) ** 2 for p in (F(1, 10), F(1, 2), F(2, 3))])
    found = exact_step(filtered, laws, 2)
    assert list(found.shares) == mx.loo_weights(kept).tolist()
    assert list(found.shares) != [1 / kept.mean()] * 3


def test_an_objective_and_rewards_of_ones_own_say_what_the_gradient_should_be():
    def maxrl(batch):
        return mx.advantages(batch.rewards.astype(float))[..., None] * batch.mask / rollouts(batch)

    laws = [TokenChain(law.stop.astype(float), law.right.astype(float)) for law in PAIR]
    assert np.allclose(exact_step(maxrl, laws, 3, objective=mx.Objective.maxrl(3)).shares, 1, atol=ROUNDED)
    assert not np.allclose(exact_step(maxrl, laws, 3).shares, 1, atol=ROUNDED)
    longer = exact_step(right, PAIR, 2, rewards=lambda likelihood, length: likelihood - F(length, 8))
    assert (longer.shares, longer.rounding) == ((1, 1), 0)
    assert exact_step(right, PAIR, 2).mean[0].tolist() != longer.mean[0].tolist()


def test_where_there_is_no_gradient_there_is_no_share():
    same = TokenChain([F(1, 2)], [F(1, 2), F(1, 2)])
    found = exact_step(right, [same, HARD], 2)
    assert (found.shares, found.angles[0], found.ratios) == ((None, 1), 0, (None, None))
    assert "-" in str(found)
    assert exact_step(by_length, [same], 2).share is None


def test_the_report_has_a_row_for_each_prompt():
    text = str(exact_step(by_length, PAIR, 2))
    assert text.splitlines()[0].startswith("mean step of 2 prompts, 2 rollouts each, in rationals: ")
    assert "no gradient at this policy" in text
    assert len(text.splitlines()) == 6


REFUSED = [
    (lambda: exact_step(right, [], 2), "prompts must be a list of laws of tokens, such as problems.TokenChain, got []"),
    (
        lambda: exact_step(right, [mx.problems.Bernoulli(0.5)], 2),
        "prompts[0] must be a law of tokens, such as problems.TokenChain, got Bernoulli(0.5)",
    ),
    (lambda: exact_step(right, PAIR, 0), "n must be an int of at least 1, got 0"),
    (lambda: exact_step(right, PAIR, 2, parts=3), "parts must divide the 2 prompts, got 3"),
    (lambda: exact_step(right, PAIR, 3, siblings=2), "siblings must divide n = 3, got 2"),
    (lambda: exact_step(right, PAIR, 2, objective="maxrl"), "objective must be an Objective or None, got 'maxrl'"),
    (
        lambda: exact_step(right, PAIR, 2, samplers=[HARD]),
        "samplers must have one law for each of the 2 prompts, got 1",
    ),
    (
        lambda: exact_step(right, [HARD], 2, references=[BITS]),
        f"references[0] must have the responses of {HARD}, got {BITS}",
    ),
    (
        lambda: exact_step(right, PAIR, 64),
        "n must make batches of at most 20000000 tokens in all, got 64: of 2 prompts there are 2294889025 batches",
    ),
    (
        lambda: exact_step(lambda b: b.rewards, PAIR, 2),
        "step must return a coefficient for each token, shape (2, 2, 3), got (2, 2)",
    ),
    (
        lambda: exact_step(lambda b: b.mask / b.rewards.max(axis=(-1, -2))[..., None, None, None], PAIR, 2),
        "step must return finite coefficients[0, 0, 0], got inf for rewards [[0.0, 0.0], [0.0, 0.0]]",
    ),
    (lambda: exact_step(lambda b: "a", PAIR, 2), "step must return real numbers, got dtype <U1"),
]


@pytest.mark.filterwarnings("ignore:(divide|invalid):RuntimeWarning")
@pytest.mark.parametrize(("call", "error"), REFUSED, ids=[error[:40] for _, error in REFUSED])
def test_bad_arguments_are_one_line(call, error):
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(error)}$"):
        call()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"rewards": [1, 0]}, "rewards must have shape (B, N), got (2,)"),
        ({"rewards": [[1, np.nan]]}, "rewards[0, 1] must be finite, got nan"),
        ({"rewards": [[1, 0]], "mask": [[1, 1]]}, "mask must have shape (1, 2, L), got (1, 2)"),
        ({"rewards": [[1, 0]], "mask": [[[1, 2], [1, 0]]]}, "mask[0, 0, 1] must be 0 or 1, got 2"),
        ({"rewards": [[1, 0]], "mask": [[[1], [0]]]}, "mask[0, 1] must have a token, got none"),
        (
            {"rewards": [[1, 0]], "mask": [[[1, 1], [0, 1]]]},
            "mask[0, 1, 1] must be 0 after the 0 before it, since a response has no holes, got 1",
        ),
        ({"rewards": [[1, 0]], "log_ratios": [[[0], [-np.inf]]]}, "log_ratios[0, 1, 0] must be finite, got -inf"),
        (
            {"rewards": [[1, 0]], "log_ratios": [[0, 0]]},
            "log_ratios must have shape (1, 2, 1), as the mask, got (1, 2)",
        ),
        ({"rewards": [[1, 0]], "log_probs": [[[0], [0.5]]]}, "log_probs[0, 1, 0] must be at most 0, got 0.5"),
        ({"rewards": [[1, 0]], "groups": [[0.0, 0.0]]}, "groups must be ints (1, 2), got dtype float64"),
        ({"rewards": [[1, 0]], "groups": [0]}, "groups must have shape (1, 2), as the rewards, got (1,)"),
    ],
)
def test_a_batch_that_is_none_is_refused_in_one_line(given, error):
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(error)}$"):
        Batch.of(**given)


def test_a_batch_of_ones_own_has_what_it_was_given():
    batch = Batch.of([[1, 0], [0, 0]], np.ones((2, 2, 3)), log_ratios=0.5, log_reference_ratios=-0.5, log_probs=-1.0)
    for got, expected in ((batch.log_ratios, 0.5), (batch.log_reference_ratios, -0.5), (batch.log_probs, -1.0)):
        assert np.allclose(got, expected, atol=ROUNDED)
    assert right(batch).shape == batch.mask.shape == (2, 2, 3)
    first, second = batch.split(2)
    assert (first.parts, first.whole is batch, second.rewards.tolist()) == (2, True, [[0, 0]])
    with pytest.raises(ValueError, match=re.escape("parts must divide the 2 prompts, got 3")):
        batch.split(3)
