"""Any advantage function, as its author has it: how it is called is found, said, and hides no fault of it."""

from __future__ import annotations

import functools
import math
import warnings
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.estimators import WrappedFunction, as_it_stands, estimator_of
from maxrl_est.estimators._functions.layouts import interleaved, lengths, on_tokens

GROUPS = np.array([[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.25], [0.0, 0.0, 0.0, 1.0]])
CENTRED = GROUPS - GROUPS.mean(axis=1, keepdims=True)


def plain(rewards):
    return rewards - rewards.mean(axis=-1, keepdims=True)


def two_axes(rewards):
    return rewards - rewards.mean(axis=1, keepdims=True)


def with_returns(rewards):
    return plain(rewards), rewards


def lists_of_groups(groups):
    return [[x - sum(group) / len(group) for x in group] for group in groups]


def one_list(rewards):
    mean = sum(rewards) / len(rewards)
    return [x - mean for x in rewards]


def one_tuple(rewards: tuple[float, ...]):
    return tuple(one_list(rewards))


def one_array(rewards):
    if rewards.ndim != 1:
        raise ValueError("one group")
    return plain(rewards)


def flat_of_size(rewards, num_generations):
    return plain(rewards.reshape(-1, num_generations)).ravel()


def flat_of_default_size(rewards, group_size=8):
    return plain(rewards.reshape(-1, group_size)).ravel()


def flat_with_ids(rewards, group_ids):
    return np.array([r - rewards[group_ids == g].mean() for r, g in zip(rewards, group_ids, strict=True)])


def flat_with_optional_ids(rewards, index=None):
    if index is None:
        raise ValueError("index")
    return flat_with_ids(rewards, index)


def flat_with_int_ids(index, scores):
    return scores - (np.bincount(index, scores) / np.bincount(index))[index]


def flat_lists(rewards: list[float], uids: list[str]) -> list[float]:
    assert isinstance(rewards, list)
    assert isinstance(uids[0], str)
    by_uid = {u: [r for r, v in zip(rewards, uids, strict=True) if v == u] for u in uids}
    return [r - sum(by_uid[u]) / len(by_uid[u]) for r, u in zip(rewards, uids, strict=True)]


def of_tokens(token_level_rewards, response_mask, index, **_):
    assert token_level_rewards.shape == response_mask.shape
    advantages = flat_with_ids(token_level_rewards.sum(axis=-1), index)[:, None] * response_mask
    return advantages, advantages


def of_responses(token_level_rewards, eos_mask, index):
    assert eos_mask[:, -1].max() == 0
    return flat_with_ids(token_level_rewards.sum(axis=-1), index)


def spread_over_tokens(rewards, response_mask, index):
    return flat_with_ids(rewards, index)[:, None] * response_mask


def with_mask_of_rollouts(rewards, mask):
    assert rewards.shape == mask.shape
    return rewards - np.array([row[kept].mean() for row, kept in zip(rewards, mask, strict=True)])[:, None]


def flat_with_mask_of_rollouts(rewards, mask, group_ids):
    if mask.ndim != 1:
        raise ValueError("one for each rollout")
    return np.array([r - rewards[mask & (group_ids == g)].mean() for r, g in zip(rewards, group_ids, strict=True)])


def adds_a_column(batch):
    batch["advantages"] = flat_with_ids(batch["scores"], batch["uid"])
    return batch


def adds_a_column_silently(batch):
    batch["advantages"] = flat_with_ids(batch["rewards"], batch["index"])


def reads_attributes(data):
    return flat_with_ids(data.rewards, data.group_ids), None


def as_in_verl(data):
    rewards = data.batch["token_level_rewards"].sum(axis=-1)
    advantages = flat_with_ids(rewards, data.non_tensor_batch["uid"])
    data.batch["advantages"] = advantages[:, None] * data.batch["response_mask"]
    return data


def of_rollouts(rollouts):
    by_group = {}
    for rollout in rollouts:
        by_group.setdefault(rollout["group_id"], []).append(rollout["reward"])
    return [rollout["reward"] - np.mean(by_group[rollout["group_id"]]) for rollout in rollouts]


def fills_rollouts(samples):
    for sample in samples:
        group = [other.reward for other in samples if other.group_index == sample.group_index]
        sample.advantage = sample.reward - sum(group) / len(group)


def by_keyword(*, scores, uid):
    return flat_with_ids(scores, uid)


class Result(NamedTuple):
    returns: np.ndarray
    advantages: np.ndarray


def named_result(rewards):
    return Result(rewards, plain(rewards))


RIGHT = (
    plain,
    two_axes,
    with_returns,
    lists_of_groups,
    one_list,
    one_tuple,
    one_array,
    flat_of_size,
    flat_of_default_size,
    flat_with_ids,
    flat_with_optional_ids,
    flat_with_int_ids,
    flat_lists,
    of_tokens,
    of_responses,
    spread_over_tokens,
    with_mask_of_rollouts,
    flat_with_mask_of_rollouts,
    adds_a_column,
    adds_a_column_silently,
    reads_attributes,
    as_in_verl,
    of_rollouts,
    fills_rollouts,
    by_keyword,
    named_result,
)


@pytest.mark.parametrize("function", RIGHT)
def test_every_form_gives_the_same_advantages_for_any_batch_axes(function):
    estimator = estimator_of(function)
    np.testing.assert_allclose(estimator(GROUPS), CENTRED, atol=1e-15)
    np.testing.assert_allclose(estimator(GROUPS[0]), CENTRED[0], atol=1e-15)
    np.testing.assert_allclose(estimator(GROUPS[None, :2]), CENTRED[None, :2], atol=1e-15)
    assert estimator(GROUPS).dtype == np.float64
    assert estimator(GROUPS[:0]).shape == (0, 4)


@pytest.mark.parametrize("function", RIGHT)
def test_every_form_is_judged_as_what_it_is(function):
    weight = mx.effective_weight(as_it_stands(function), 4)
    assert weight.nearest().name == "3/4 x J_1"


def test_a_function_of_arrays_stays_as_it_is_and_others_are_wrapped():
    for function in (plain, mx.advantages, mx.estimators.get("rloo"), estimator_of(one_list)):
        assert as_it_stands(function) is function
    for function in RIGHT[1:]:
        assert isinstance(as_it_stands(function), WrappedFunction)


def test_it_says_how_it_calls_and_how_it_is_written():
    estimator = estimator_of(adds_a_column, rewards="scores", groups="uid")
    assert (estimator.name, estimator.__name__) == ("adds_a_column", "adds_a_column")
    assert estimator.__qualname__ == "maxrl_est.estimator_of(adds_a_column, rewards='scores', groups='uid')"
    assert estimator.how == (
        "called with NumPy arrays: flat rewards (B N,), uid = group ids (strings), as columns of one batch, "
        "groups interleaved"
    )
    assert estimator_of(one_list).how == "called with lists: the rewards (N,) of one group at a time"
    again = eval(estimator.__qualname__, {"maxrl_est": mx, "adds_a_column": adds_a_column})
    np.testing.assert_array_equal(again(GROUPS), estimator(GROUPS))


def test_options_settle_what_is_left_open():
    assert estimator_of(plain, form="group").way.form == "group"
    assert estimator_of(plain, array="numpy", form="batch").way.array == "numpy"
    assert estimator_of(flat_with_ids, groups="group_ids").way.groups == ("group_ids",)

    def other_names(values, whose):
        return {"made": flat_with_ids(values, whose)}

    np.testing.assert_allclose(estimator_of(other_names, groups="whose", advantages="made")(GROUPS), CENTRED)


def test_fields_of_rollouts_can_be_named():
    def function(rollouts):
        return {"made": of_rollouts([{"group_id": r.who, "reward": r["how_good"]} for r in rollouts])}

    estimator = estimator_of(function, rewards="how_good", groups="who", advantages="made")
    np.testing.assert_allclose(estimator(GROUPS), CENTRED)
    assert estimator.how == (
        "called with lists: flat rewards (B N,), who = group ids (a list of strings), as fields of a list of rollouts, "
        "groups interleaved"
    )


def test_a_keyword_taken_by_kwargs_can_be_named():
    def function(rewards, **batch):
        return flat_with_ids(rewards, batch["who"])

    np.testing.assert_allclose(estimator_of(function, groups="who")(GROUPS), CENTRED)


def test_other_parameters_can_be_fixed():
    def scaled(rewards, scale, index):
        return scale * flat_with_ids(rewards, index)

    np.testing.assert_allclose(estimator_of(functools.partial(scaled, scale=2.0))(GROUPS), 2 * CENTRED)


# What must be found out


def in_blocks(rewards, index):
    groups = rewards.reshape(len(set(index)), -1)
    return plain(groups).ravel()


def in_strides(rewards, index):
    groups = rewards.reshape(-1, len(set(index)))
    return (groups - groups.mean(axis=0)).ravel()


def in_runs(rewards, index):
    starts = np.flatnonzero(np.r_[True, index[1:] != index[:-1]])
    return np.concatenate([plain(part) for part in np.split(rewards, starts[1:])])


@pytest.mark.parametrize("function", [in_blocks, in_strides, in_runs])
@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 2), (5, 8)])
def test_a_function_that_groups_by_place_and_not_by_id_is_wrong_on_every_batch_of_several_groups(function, shape):
    groups = np.random.default_rng(0).random(shape)
    assert abs(estimator_of(function)(groups) - plain(groups)).max() > 0.01


@pytest.mark.parametrize("function", [in_blocks, in_strides, in_runs])
def test_a_function_that_groups_by_place_fails_the_checks(function):
    report = mx.check_estimator(as_it_stands(function), on_fail=None)
    assert report["batch independence"].status == "failed"


@pytest.mark.parametrize(
    ("function", "form"),
    [(lambda r: r - r.mean(), "batch"), (lambda r: (r - r.mean(-1, keepdims=True)) / r.std(), "batch")],
)
def test_a_fault_of_a_function_of_arrays_is_not_mended_by_giving_it_one_group_at_a_time(function, form):
    assert as_it_stands(function) is function
    assert estimator_of(function).way.form == form
    assert mx.check_estimator(as_it_stands(function), on_fail=None)["batch independence"].status == "failed"


def test_what_a_function_writes_to_its_rewards_is_seen():
    def writes(rewards, index):
        advantages = flat_with_ids(rewards, index)
        rewards[:] = 0.0
        return advantages

    def appends_to_lists(rewards: list[float]):
        advantages = one_list(rewards)
        rewards[0] = 7.0
        return advantages

    for function in (writes, appends_to_lists):
        report = mx.check_estimator(estimator_of(function), group_sizes=[2, 4], on_fail=None)
        assert report["input unchanged"].status == "failed"
    given = GROUPS.copy()
    given.flags.writeable = False
    estimator_of(flat_with_ids)(given)
    np.testing.assert_array_equal(given, GROUPS)


def test_a_response_with_several_advantages_is_refused():
    def discounted(token_level_rewards, response_mask, index):
        return np.cumsum(token_level_rewards[:, ::-1], axis=1)[:, ::-1] * 0.5 ** np.arange(response_mask.shape[1])

    with pytest.raises(ValueError, match="must be the same for all tokens of a response, got"):
        estimator_of(discounted)


@pytest.mark.parametrize("default", [2, 3, 4, 5, 6])
def test_a_default_size_is_found_out(default):
    """The trials have a batch that it does not divide."""

    def function(rewards, group_size=default):
        return plain(rewards.reshape(-1, group_size)).reshape(rewards.shape)

    np.testing.assert_allclose(estimator_of(function)(GROUPS), CENTRED)


def test_a_function_that_needs_large_groups_or_positive_rewards_is_taken():
    def at_least_four(rewards):
        return plain(rewards) * (1 / max(0, rewards.shape[-1] - 3))

    def logarithms(rewards):
        return plain(np.frompyfunc(math.log, 1, 1)(rewards).astype(np.float64))

    assert as_it_stands(at_least_four) is at_least_four
    assert as_it_stands(logarithms) is logarithms


def test_a_function_that_works_in_no_way_says_what_was_tried():
    def broken(rewards):
        raise RuntimeError("the bug itself")

    def scalar(rewards):
        return 0.0

    with pytest.raises(ValueError, match=r"(?s)got from broken.*NumPy arrays: rewards.*RuntimeError: the bug itself"):
        estimator_of(broken)
    with pytest.raises(ValueError, match=r"(?s)shape \(3, 4\), got \(\).*say how it is called: maxrl_est.estimator_of"):
        estimator_of(scalar)
    assert as_it_stands(broken) is broken  # so that the checker shows the bug
    assert as_it_stands(scalar) is scalar


def test_a_function_that_needs_more_than_rewards_keeps_saying_so():
    def critic(token_level_rewards, values, response_mask):
        return values

    with pytest.raises(ValueError, match=r"got critic\(token_level_rewards, values, response_mask\)") as error:
        estimator_of(critic)
    assert "functools.partial" in str(error.value)
    report = mx.check_estimator(as_it_stands(critic), on_fail=None)
    assert "got critic(token_level_rewards, values" in report["shape and dtype"].message
    assert report.estimator == "critic"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"form": "rows"}, ValueError, "form must be one of batch, group, flat, tokens, responses, got 'rows'"),
        ({"array": "tensorflow"}, ValueError, "array must be one of numpy, torch, jax, list, got 'tensorflow'"),
        ({"groups": 3}, TypeError, "groups must be the name of an argument or a column, got 3"),
        ({"groups": "group_id"}, ValueError, "groups must be a parameter of flat_with_ids, rewards, group_ids, got"),
        ({"groups": "group_id"}, ValueError, "did you mean 'group_ids'"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        estimator_of(flat_with_ids, **options)


def test_what_is_no_function_of_rewards_is_refused():
    with pytest.raises(TypeError, match="function must be callable, got 3"):
        estimator_of(3)
    with pytest.raises(TypeError, match="got 'sumo', which draws rollouts itself"):
        estimator_of(mx.estimators.get("sumo"))
    with pytest.raises(ValueError, match="must have groups on the last axis"):
        estimator_of(plain)(1.0)


# Ragged groups, exactness, warnings


def test_forms_that_can_take_ragged_groups_do():
    groups = [np.array([1.0, 0.0]), np.array([1.0]), np.array([0.0, 0.5, 1.0])]
    for function in (one_list, flat_with_ids, flat_with_int_ids, of_tokens, adds_a_column, of_rollouts):
        for got, group in zip(estimator_of(function).ragged(groups), groups, strict=True):
            np.testing.assert_allclose(got, plain(group), atol=1e-15)
    for function in (plain, flat_of_size):
        assert estimator_of(function).ragged is None


def test_a_function_that_takes_all_groups_for_equal_in_size_is_wrong_on_ragged_ones():
    estimator = estimator_of(in_blocks)
    with pytest.raises(ValueError, match="reshape"):
        estimator.ragged([np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.0])])


def test_fractions_stay_exact_where_the_function_keeps_them():
    third = [Fraction(1, 3), Fraction(0)]
    for function in (plain, one_list, flat_of_size):
        got = estimator_of(function)(np.array([third], dtype=object))
        assert got.tolist() == [[Fraction(1, 6), Fraction(-1, 6)]]


def test_warnings_of_trials_decide_nothing():
    def warns(rewards):
        warnings.warn("slow", stacklevel=2)
        return plain(rewards)

    assert as_it_stands(warns) is warns


def test_rollouts_of_a_batch_are_neither_in_blocks_nor_in_strides():
    for sizes in ([2, 2], [2, 1], [3, 3], [2, 2, 2], [8] * 5, [1, 4, 2]):
        rows = interleaved(sizes)
        codes = np.empty(sum(sizes), dtype=int)
        codes[rows] = np.repeat(np.arange(len(sizes)), sizes)
        assert sorted(rows.tolist()) == list(range(sum(sizes)))
        assert np.count_nonzero(np.diff(codes)) > len(sizes) - 1
        if len(set(sizes)) == 1:
            assert (codes.reshape(-1, len(sizes)) != codes[: len(sizes)]).any()
        np.testing.assert_array_equal(rows, interleaved(sizes))


def test_responses_have_several_tokens_and_padding():
    rewards, mask = on_tokens(np.arange(1.0, 9.0))
    assert set(lengths(8).tolist()) == {1, 2, 3, 4}
    np.testing.assert_array_equal(mask.sum(axis=1), lengths(8))
    np.testing.assert_array_equal(rewards.sum(axis=1), np.arange(1.0, 9.0))
    assert (rewards * (1 - mask) == 0).all()
    assert mask[:, -1].max() == 0


def test_a_batch_is_laid_out_as_its_function_tells_groups():
    def by_size(batch):
        r = np.asarray(batch["rewards"]).reshape(-1, batch["num_generations"])
        return (r - r.mean(axis=1, keepdims=True)).ravel()

    def by_ids(batch):
        return flat_with_ids(batch["rewards"], batch["index"])

    for function in (by_size, by_ids):
        np.testing.assert_allclose(estimator_of(function)(GROUPS), CENTRED)
    assert "interleaved" not in estimator_of(by_size).how
    assert "interleaved" in estimator_of(by_ids).how
    np.testing.assert_allclose(estimator_of(by_size, rewards="rewards", size="num_generations")(GROUPS), CENTRED)
