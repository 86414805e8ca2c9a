"""Checks of directions, lengths, ratios, references and trees: what they find is so, and by its cause."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest

from maxrl_est.checks import check_step
from maxrl_est.checks._steps.bounds import bounds_of
from maxrl_est.checks._steps.epochs import several_epochs
from maxrl_est.checks._steps.kl import divergence, kl_term
from maxrl_est.checks._steps.lengths import divisor_of, lengths
from maxrl_est.checks._steps.means import mean_update, moved
from maxrl_est.checks._steps.on_policy import ascends, on_policy
from maxrl_est.checks._steps.own_reward import own_reward
from maxrl_est.checks._steps.ratio import powers_of, ratio
from maxrl_est.checks._steps.stale import stale_ratio
from maxrl_est.checks._steps.subject import LAWS, StepSubject
from maxrl_est.checks._steps.trees import tree_siblings
from maxrl_est.checks._steps.truncation import truncated_ratio
from maxrl_est.checks._steps.turning import turning
from maxrl_est.checks._subject import Failed, Skipped, Warned
from maxrl_est.problems import TokenBits, TokenChain
from maxrl_est.steps import exact_step
from steps_entries import MAXRL, RL, grpo, rloo, shipped, step_of, summed, whole_ratio
from steps_usual import clipped, geometric, over_their_mean, token_mean, tokens, truncated
from steps_wrong import sd_of_the_batch
from steps_wrong_ratios import (
    baseline_without_ratio,
    best,
    bound_without_ratio,
    half,
    in_the_loss,
    in_the_reward,
    last_token,
    longest,
    masked_at_one,
    median,
    one_leaf_out,
    own_length,
    tokens_of_the_prompt,
)

HARD, EASY = LAWS["equal lengths"]
WHOLE = step_of(rloo, whole_ratio)
RIGHT = step_of(rloo)


def subject(step, objective=None, n=3, siblings=1, epochs=1):
    return StepSubject(step, "step", objective, n, 1e-4, siblings, epochs)


def prefix(batch):
    return np.cumprod(np.where(batch.mask, batch.ratios, 1), axis=-1)


def test_the_mean_of_a_prompt_alone_is_that_of_exact_step():
    sampler = moved(HARD, lambda chance: chance * F(9, 10), 1)
    found = mean_update(subject(WHOLE), HARD, sampler=sampler)
    assert found.tolist() == exact_step(WHOLE, [HARD], 3, samplers=[sampler]).mean[0].tolist()
    assert found.tolist() == HARD.grad_pass_rate.tolist()
    assert found.tolist() != mean_update(subject(RIGHT), HARD, sampler=sampler).tolist()


def needs_plain_memory(batch):
    """As tensors of torch do."""
    if min(batch.rewards.strides) < 0:
        raise ValueError("negative strides are not supported")
    return RIGHT(batch)


def raises(batch):
    raise RuntimeError("no device")


def test_a_step_is_given_arrays_that_any_framework_takes_and_what_it_raises_is_reported():
    assert check_step(needs_plain_memory).passed
    report = check_step(raises, on_fail=None)
    assert "RuntimeError: no device" in report["coefficients"].message
    assert {check.status for check in report.checks[1:]} == {"skipped"}


def test_an_advantage_function_is_told_from_a_step():
    assert "a function for check_estimator" in check_step(rloo, on_fail=None)["coefficients"].message
    assert "check_estimator" not in check_step(raises, on_fail=None)["coefficients"].message


def test_verdicts_fit_in_a_line():
    for objective in (None, RL, MAXRL(1)):
        lines = str(check_step(RIGHT, objective=objective, name="mine.py:my_own_step")).splitlines()
        assert lines[0].startswith("PASSED  mine.py:my_own_step: ascends")
        assert max(map(len, lines)) <= 80
        assert "..." not in lines[0]


def test_on_policy_says_which_token_keeps_what():
    with pytest.raises(Failed, match="it keeps 0 and 1 in the hard one and 0 and 1 in the easy one"):
        on_policy(subject(step_of(rloo, last_token)))


def test_on_policy_weighs_prompts_by_the_objective_that_is_declared_and_names_it_where_none_is():
    assert "alike" in on_policy(subject(step_of(shipped), MAXRL(2)))
    with pytest.raises(Failed, match="183% and 133%"):
        on_policy(subject(step_of(shipped), RL))
    assert on_policy(subject(step_of(shipped))) == "ascends J_7 to rounding at N = 8, on 0/1 rewards"
    assert ascends(subject(step_of(shipped), n=4)).objective == MAXRL(3)
    assert isinstance(on_policy(subject(step_of(median))), Warned)
    of_three = step_of(lambda r: shipped(r.reshape(*r.shape[:-2], -1, 3)).reshape(r.shape))
    assert on_policy(subject(of_three)) == "ascends J_2 to rounding at N = 3, on 0/1 rewards"


def test_grpo_is_told_from_the_expected_reward_by_groups_of_eight():
    """Of three rewards 0 and 1 the deviation is the same for one success and for two."""
    assert ascends(subject(step_of(grpo))).objective == MAXRL(1)
    found = on_policy(subject(step_of(grpo)))
    assert isinstance(found, Warned)
    assert "no known objective; nearest 2.1 x J_1 (off by 0.11) at N = 8" in found
    mixed_up = step_of(lambda r: grpo(r.reshape(*r.shape[:-1], -1, 4)).reshape(r.shape))
    assert "at N = 4" in on_policy(subject(mixed_up, n=4))


def test_on_policy_says_a_factor_and_lets_it_pass():
    found = on_policy(subject(lambda b: summed(rloo(b.rewards), b) * F(1, 3), RL))
    assert found == "ascends 1/3 x expected, hard and easy prompts alike"


@pytest.mark.parametrize("step", [step_of(lambda r: -rloo(r)), step_of(lambda r: r * 0)])
def test_on_policy_fails_what_descends_or_learns_nothing(step):
    with pytest.raises(Failed, match=r"descends|is 0"):
        on_policy(subject(step))


@pytest.mark.parametrize("rule", [median, best])
def test_the_own_reward_is_found_in_a_baseline_of_order(rule):
    with pytest.raises(Failed, match="own reward, as a median or a maximum"):
        own_reward(subject(step_of(rule)))


def test_the_own_reward_in_the_mean_is_a_factor_and_in_a_scale_a_warning():
    centred = step_of(lambda r: r - r.sum(-1, keepdims=True) / r.shape[-1])
    assert "2/3 of the reward less the mean of the others" in own_reward(subject(centred))
    assert "2/3" not in own_reward(subject(RIGHT))
    assert isinstance(own_reward(subject(step_of(shipped))), Warned)
    assert not isinstance(own_reward(subject(step_of(median), n=2)), Warned)  # of two, it is the mean


def test_a_median_that_is_the_declared_objective_on_two_rewards_is_a_warning():
    """Of 0/1 rewards nothing tells a maximum with the rollout in it from a rule of the others."""
    with pytest.raises(Failed):
        own_reward(subject(step_of(best), n=2))
    assert isinstance(own_reward(subject(step_of(shipped), MAXRL(2))), Warned)


DIVISORS = {
    "its own length": own_length,
    "longest response of the batch": longest,
    "tokens of each prompt": tokens_of_the_prompt,
    "longest response of its prompt": lambda b: 1 / b.lengths.max(-1)[..., None, None],
    "token to token": last_token,
    "times 0.707": lambda b: b.lengths[..., None] ** -0.5,
}


@pytest.mark.parametrize("cause", DIVISORS)
def test_the_divisor_is_found_by_making_one_response_longer(cause):
    assert cause in divisor_of(subject(step_of(rloo, DIVISORS[cause]))).cause
    with pytest.raises(Failed, match=cause):
        lengths(subject(step_of(rloo, DIVISORS[cause])))


def test_a_token_mean_of_the_batch_is_a_warning_and_a_sum_passes():
    for check in (lengths, turning):
        assert "token mean" in check(subject(token_mean))
        assert isinstance(check(subject(token_mean)), Warned)
        assert not isinstance(check(subject(RIGHT)), Warned)


def test_lengths_do_not_fail_a_step_for_its_sign():
    """Rejects the plain angle to the gradient, 180 degrees here: the sign is what on policy is asked about."""
    assert "and nothing beside them" in lengths(subject(step_of(lambda r: -rloo(r))))


def test_turning_says_between_what():
    with pytest.raises(Failed, match="pass rate of the other prompt") as failure:
        turning(subject(sd_of_the_batch))
    assert failure.value.found["between prompts"] > 0.02
    assert failure.value.found["within a prompt"] < 1e-9


KINDS = {
    "token": lambda b: b.ratios,
    "prefix": prefix,
    "response": whole_ratio,
    "geometric mean": geometric,
    "none": lambda b: b.mask * 1,
    "other": lambda b: whole_ratio(b) ** 2,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_ratio_is_found(kind):
    assert powers_of(subject(step_of(rloo, KINDS[kind]))).kind == kind


def test_the_kind_is_found_within_narrow_bounds():
    found = powers_of(subject(clipped(3e-4, 4e-4, ratio=geometric)))
    assert found.kind == "geometric mean"


def test_ratios_that_do_not_weigh_or_mask_at_one_fail_and_none_are_skipped():
    with pytest.raises(Failed, match="does not weigh"):
        ratio(subject(bound_without_ratio))
    with pytest.raises(Failed, match="coefficients of failures are lost at 1 and below 1"):
        ratio(subject(masked_at_one))
    with pytest.raises(Skipped, match="reads no ratios"):
        ratio(subject(RIGHT))
    assert "whole response" in ratio(subject(WHOLE))
    assert isinstance(ratio(subject(over_their_mean)), Warned)


def test_bounds_are_found_for_each_sign_of_the_advantage():
    found = bounds_of(subject(clipped(0.2, 0.28, 3)))
    assert found.above[0] is None
    bounds = (found.above[1], *found.below)
    assert [bound.beyond for bound in bounds] == ["vanishes"] * 3
    assert np.allclose([bound.ratio for bound in bounds], [1.28, 0.8, 3], rtol=1e-3)
    narrow = bounds_of(subject(clipped(3e-4, 4e-4, ratio=geometric)))
    assert np.isclose(narrow.narrow, 3e-4, rtol=0.01)
    assert not bounds_of(subject(WHOLE)).any


def test_only_ratios_of_whole_responses_are_exact_under_another_policy():
    """And a ratio that is 1 to the first order only would pass if the errors were not held against those of none."""
    assert "is the gradient at the policy that is updated" in stale_ratio(subject(WHOLE))
    for each, words in ((tokens, "91.4%"), (prefix, "64.6%"), (geometric, "geometric mean")):
        found = stale_ratio(subject(step_of(rloo, each)))
        assert isinstance(found, Warned)
        assert words in found
    with pytest.raises(Failed, match="times as far off as if the ratio were ignored"):
        stale_ratio(subject(baseline_without_ratio))


def test_a_ratio_before_weights_of_the_policy_that_drew_is_a_stale_weight():
    found = stale_ratio(subject(step_of(shipped, whole_ratio), MAXRL(2)))
    assert isinstance(found, Warned)
    assert "stale pass rates" in found


def test_truncation_drifts_with_a_constant_baseline_by_what_its_sum_says():
    """E[min(rho, 2) S] of the first token, by hand, and not at all with the mean of the others or without a bound."""
    with pytest.raises(Failed, match="drifts where rewards are all alike") as failure:
        truncated_ratio(subject(step_of(half, lambda b: np.minimum(whole_ratio(b).astype(float), 2))))
    chance, ratios = F(3, 7), (F(2, 3), F(3))  # of a first token of 1, and pi/mu of 0 and of 1
    by_hand = F(1, 2) * chance * (1 - chance) * (2 / ratios[1] - 1)
    law = TokenBits([chance, F(1, 2)], [[F(0), F(0)], [F(0), F(1)]])
    assert (1 - chance) / ratios[0] + chance / ratios[1] == 1
    assert np.isclose(failure.value.found["drift"], float(-by_hand / max(law.grad_pass_rate)), rtol=5e-3)
    assert "does not drift" in truncated_ratio(subject(truncated(whole_ratio, 2)))
    assert "neither clipped nor truncated" in truncated_ratio(subject(WHOLE))


def test_the_divergence_is_that_of_whole_responses_by_differences():
    law, reference = TokenChain([0.5, 0.3], [0.0, 1.0, 0.0]), TokenChain([0.4, 0.5], [0.0, 1.0, 0.0])

    def kl(by):
        p = law.moved(by)
        logs = np.log(p.token_probabilities / reference.token_probabilities).sum(axis=1)
        return p.probabilities @ logs

    steps = 1e-5 * np.eye(2)
    slopes = [(kl(step) - kl(-step)) / 2e-5 for step in steps]
    assert np.allclose(divergence(law, reference), slopes, atol=1e-9)
    prefixes_frozen = [
        (law.probabilities * np.log(law.token_probabilities / reference.token_probabilities)[:, t])
        @ law.token_scores[:, t, t]
        for t in range(2)
    ]
    assert not np.allclose(prefixes_frozen, slopes, atol=1e-3)


TERMS = {
    "k2": (in_the_loss(lambda d: d), Warned),
    "k3": (in_the_loss(lambda d: 1 - np.exp(-d)), Failed),
    "no gradient at all": (in_the_loss(np.ones_like), Failed),
    "away from the reference": (in_the_reward(lambda d: -d), Failed),
    "forward": (in_the_reward(lambda d: -np.exp(-d)), Failed),
}


@pytest.mark.parametrize("words", TERMS)
def test_a_kl_term_is_judged_by_its_mean_and_named_by_its_form(words):
    step, kind = TERMS[words]
    if kind is Failed:
        with pytest.raises(Failed, match=words):
            kl_term(subject(step))
    else:
        found = kl_term(subject(step))
        assert isinstance(found, Warned)
        assert words in found


def test_k1_in_the_reward_is_the_divergence_and_its_factor_is_said():
    assert "the reference adds 0.1 and 0.1 of minus the gradient" in kl_term(subject(in_the_reward(lambda d: d)))
    with pytest.raises(Skipped, match="no reference"):
        kl_term(subject(RIGHT))


def test_several_epochs_need_a_ratio_and_are_followed():
    with pytest.raises(Skipped):
        several_epochs(subject(RIGHT))
    with pytest.raises(Failed, match="does what the first did"):
        several_epochs(subject(RIGHT, epochs=3))
    assert "3 steps on one batch" in several_epochs(subject(WHOLE, epochs=3))


@pytest.mark.parametrize(("n", "size"), [(4, 2), (6, 2), (6, 3)])
def test_one_leaf_left_out_leaves_this_part_of_the_shared_token(n, size):
    part = 1 - F(size - 1, n - 1)
    with pytest.raises(Failed, match=f"keeps {part} and {part} of what later tokens") as failure:
        tree_siblings(subject(one_leaf_out, n=n, siblings=size))
    assert failure.value.found["share"] == [float(part)] * 2
    if n == 4:
        with pytest.raises(Failed, match="siblings share the first token"):
            on_policy(subject(one_leaf_out, n=n, siblings=size))
    assert part != 1 - F(size - 1, n)  # which is what the mean of all leaves would leave
    with pytest.raises(Skipped):
        tree_siblings(subject(one_leaf_out, n=n))


def test_a_kl_term_that_lengths_bend_says_so():
    step = in_the_loss(lambda d: d)
    assert "its own length" in kl_term(subject(lambda b: step(b) * own_length(b)))
    assert "its own length" not in kl_term(subject(step))


@pytest.mark.parametrize("n", [2, 4])
def test_a_right_step_passes_at_other_sizes(n):
    one = subject(WHOLE, n=n)
    for check in (on_policy, own_reward, lengths, turning, ratio, stale_ratio, truncated_ratio):
        assert not isinstance(check(one), Warned)
