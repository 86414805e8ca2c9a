"""Checks of a whole training step: what each rejects, and why, in exact numbers; and what none of them may reject."""

from __future__ import annotations

import functools
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.checks import STEP_CHECKS, CheckFailure, KnownFault, check_step
from maxrl_est.checks._steps.subject import LAWS, StepSubject
from maxrl_est.steps import Batch, exact_step

RL = mx.Objective.expected()
MAXRL = mx.Objective.maxrl
OURS = list(STEP_CHECKS)[: list(STEP_CHECKS).index("other prompts") + 1]


def loo(r):
    """RLOO's advantages, exactly where rewards are Fractions."""
    n = r.shape[-1]
    return (r - r.sum(-1, keepdims=True) / n) * n / (n - 1)


def averaged(advantages, batch):
    return advantages[..., None] * batch.mask / (batch.rewards.shape[-2] * batch.rewards.shape[-1])


def rloo(batch):
    return averaged(loo(batch.rewards), batch)


def step_of(rule):
    """The step that averages a rule of floats over rollouts, and sums over tokens."""
    return lambda batch: averaged(rule(np.asarray(batch.rewards, dtype=float)), batch)


def shipped(r):
    mean = r.mean(-1, keepdims=True)
    return (r - mean) / np.where(mean == 0, 1, mean)


def reinforce(r):
    return r


def baseline_of_one(r):
    """MaxRL's average of successes less 1/N of all: exactly J_N over N, and failed groups are pulled."""
    return r / np.maximum(r.sum(-1, keepdims=True), 1) * r.shape[-1] - 1


def adding(step):
    @functools.wraps(step)
    def added(batch):
        return step(batch)

    added.adds = True
    return added


def token_mean(batch):
    return loo(batch.rewards)[..., None] * batch.mask / batch.mask.sum((-1, -2, -3), keepdims=True)


def token_mean_of_the_whole(batch):
    return loo(batch.rewards)[..., None] * batch.mask / batch.whole.mask.sum((-1, -2, -3), keepdims=True)


def longest_of_the_batch(batch):
    return rloo(batch) / batch.lengths.max((-1, -2))[..., None, None, None]


def mean_square_length(batch):
    return rloo(batch) / (batch.lengths**2).mean((-1, -2))[..., None, None, None]


def mean_of_kept(batch):
    kept = (batch.rewards.max(-1) != batch.rewards.min(-1)).sum(-1)[..., None, None, None]
    return loo(batch.rewards)[..., None] * batch.mask / (np.maximum(kept, 1) * batch.rewards.shape[-1])


def sum_of_all(batch):
    return loo(batch.rewards)[..., None] * batch.mask


def over_the_width(batch):
    return rloo(batch) / batch.mask.shape[-1]


def sees_the_width(batch):
    return rloo(batch) * (1 + batch.mask.shape[-1] * batch.mask)


def counts_empty_columns(batch):
    return rloo(batch) * (1 + (~batch.mask).sum(-1, keepdims=True))


def over_the_batch_sd(r):
    return (r - r.mean(-1, keepdims=True)) / np.maximum(r.std((-1, -2), keepdims=True), 1e-9)


def by_stride(batch):
    prompts, n = batch.rewards.shape
    return averaged(loo(batch.rewards.reshape(n, prompts).T).T.reshape(prompts, n), batch)


def by_number(batch):
    same = batch.groups[..., None, None] == batch.groups
    return averaged(batch.rewards - (same * batch.rewards).sum((-1, -2)) / same.sum((-1, -2)), batch)


def sorted_by_number(batch):
    order = np.argsort(batch.groups.ravel(), kind="stable")
    return averaged(loo(batch.rewards.ravel()[order].reshape(batch.rewards.shape)), batch)


def numbers_but_rows(batch):
    """Reads the numbers of groups, for their count, and takes neighbours."""
    rows = batch.rewards.reshape(len(np.unique(batch.groups)), -1)
    return averaged(loo(rows).reshape(batch.rewards.shape), batch)


def one_branch_out(batch):
    other = batch.branches[..., :, None] != batch.branches[..., None, :]
    means = (other * batch.rewards[..., None, :]).sum(-1) / other.sum(-1)
    return averaged(batch.rewards - means, batch)


def kept_only(r):
    """MaxRL with the baseline 1, without the groups that all failed."""
    return baseline_of_one(r) * r.any(-1, keepdims=True)


def of_rewards_in_0_1(batch):
    if ((batch.rewards < 0) | (batch.rewards > 1)).any():
        raise ValueError("rewards must lie in [0, 1]")
    return rloo(batch)


def of_rewards_0_and_1(batch):
    if (np.asarray(batch.rewards, float) % 1 != 0).any():
        raise ValueError("rewards must be 0 or 1")
    return rloo(batch)


def fails_at_the_second_batch(batch):
    if batch.rewards[0].all():
        raise KeyError("solved first")
    return rloo(batch)


def nothing(batch):
    return batch.mask * 0.0


CALLS = iter(range(10**9))
# name of the check: (wrong step, words of the cause), ...
WRONG = {
    "coefficients": [
        (step_of(lambda r: r * np.nan), "step must return finite coefficients[0, 0, 0], got nan for rewards [[1.0, "),
        (lambda batch: batch.rewards, "step must return a coefficient for each token, shape (4, 3, 4), got (4, 3)"),
        (lambda _: 1 / 0, "the step raises ZeroDivisionError: division by zero"),
        (lambda logs, batch: -logs.sum(), "of a loss(log_probs, batch) as_step of an adapter makes one"),
        (fails_at_the_second_batch, "the step raises KeyError: 'solved first'"),
        (lambda batch: rloo(batch) * (1 + next(CALLS) % 2), "asked twice of the same batch"),
        (lambda batch: batch.rewards.sort() or rloo(batch), "wrote to the rewards of its batch"),
    ],
    "padding": [
        (over_the_width, "multiply every coefficient by 0.5714: it divides by the padded width"),
        (
            lambda batch: rloo(batch) * batch.mask.shape[-1],
            "multiply every coefficient by 1.75: the padded width counts",
        ),
        (counts_empty_columns, "reads columns where no token is"),
    ],
    "order of rows": [
        (
            step_of(lambda r: np.roll(r, 1, -1)),
            "the coefficient of rollout 0 rises with the reward of rollout 2 and not with its own",
        ),
        (
            step_of(lambda r: r - np.roll(r, 1, -1)),
            "rollout 0 answers to the reward of rollout 2 and not to that of rollout 1",
        ),
        (step_of(lambda r: loo(r) * (1 + np.arange(r.shape[-1]))), "the place of a rollout in its group counts"),
    ],
    "order of prompts": [
        (by_stride, "groups are taken by stride, every 4th rollout for one prompt"),
        (sorted_by_number, "rollouts are sorted by the numbers of their groups, and coefficients not put back"),
        (
            step_of(lambda r: loo(np.roll(r, 1, -2))),
            "rollout 0 of prompt 0 answers to the reward of rollout 0 of prompt 3 and not to that of rollout 0 of its",
        ),
        (
            step_of(lambda r: loo(r) * (1 + np.arange(r.shape[-2]))[:, None]),
            "the place of a prompt in the batch counts",
        ),
        (numbers_but_rows, "taken by their place and not by their groups, although these are read"),
    ],
    "micro-batches": [
        (
            lambda batch: rloo(batch) / batch.parts,
            "2 multiply it by 0.5 and 4 multiply it by 0.25: it divides by the nu",
        ),
        (lambda batch: rloo(batch) * batch.parts, "it multiplies by the number of micro-batches"),
        (lambda batch: rloo(batch) * batch.parts**2, "4 multiply it by 16: their number counts"),
        (sum_of_all, "it is a sum over prompts and not a mean"),
        (adding(rloo), "means of micro-batches are added up and not averaged"),
        (token_mean, "the token mean is taken per micro-batch"),
        (longest_of_the_batch, "divides by its own longest response"),
        (mean_square_length, "lengths are averaged in each micro-batch"),
        (step_of(lambda r: r - r.mean((-1, -2), keepdims=True)), "statistics of rewards over prompts"),
        (mean_of_kept, "the prompts that are kept, those whose rewards differ, are counted in each micro-batch"),
        (lambda batch: rloo(batch) * (1 + batch.groups[..., None] * (batch.parts > 1)), "belongs to the whole batch"),
    ],
    "reward encoding": [
        (step_of(shipped), "a hard prompt by -1.45 and of an easy one by 1: it unlearns what is right"),
        (step_of(lambda r: loo(r) * (r.min(-1, keepdims=True) == 0)), "nothing is learnt of it"),
    ],
    "shaped rewards": [
        (step_of(lambda r: loo(r) * (r.max(-1, keepdims=True) >= 1)), "groups without a success do nothing"),
        (step_of(lambda r: loo((r > 0.4) * 1.0)), "groups without a success do nothing"),
        (step_of(lambda r: loo((r > 0) * 1.0)), "rewards are read as right or wrong"),
        (
            step_of(lambda r: (r - r.mean(-1, keepdims=True)) / np.maximum(r.std(-1, keepdims=True), 1e-9)),
            "and the gradient of nothing: it divides by a deviation of the group's rewards",
        ),
        (
            step_of(lambda r: (r - r.mean(-1, keepdims=True)) / (r.std(-1, keepdims=True, ddof=1) + 1e-4)),
            "it divides by a deviation of the group's rewards",
        ),
        (step_of(shipped), "it divides by the group's mean reward"),
        (step_of(lambda r: loo(r**2)), "coefficients do not go with rewards in proportion"),
    ],
    "other prompts": [
        (step_of(over_the_batch_sd), "rewards are normalised over the batch"),
    ],
}
CASES = [(name, step, words) for name, cases in WRONG.items() for step, words in cases]


@pytest.mark.parametrize(("name", "step", "words"), CASES, ids=[f"{name}: {words[:40]}" for name, _, words in CASES])
def test_a_check_rejects_its_wrong_steps_and_names_the_cause(name, step, words):
    report = check_step(step, on_fail=None)
    assert report[name].status == "failed"
    assert words in report[name].message
    assert report[name].found
    first = next(check.name for check in report.checks if check.status == "failed")
    assert first == name or (name, first) in {("shaped rewards", "reward encoding"), ("other prompts", "micro-batches")}


RIGHT = {
    "RLOO": (rloo, {}),
    "RLOO with two rollouts": (rloo, {"n": 2}),
    "RLOO with four": (rloo, {"n": 4, "objective": RL}),
    "REINFORCE": (step_of(reinforce), {}),
    "the mean of the group": (step_of(lambda r: r - r.mean(-1, keepdims=True)), {}),
    "a constant baseline": (step_of(lambda r: r - 0.5), {}),
    "the best of the others": (
        step_of(lambda r: r - np.stack([np.delete(r, i, -1).max(-1) for i in range(r.shape[-1])], -1)),
        {},
    ),
    "a constant divisor": (lambda batch: rloo(batch) / 1024, {"objective": RL}),
    "groups by number": (by_number, {}),
    "micro-batches that add up": (adding(lambda batch: rloo(batch) / batch.parts), {}),
    "rewards in [0, 1] alone": (of_rewards_in_0_1, {}),
    "rewards 0 and 1 alone": (of_rewards_0_and_1, {}),
    "MaxRL with the baseline 1": (step_of(baseline_of_one), {"objective": MAXRL(3)}),
    "shipped MaxRL, which is of order 2 at N = 3": (step_of(shipped), {"objective": MAXRL(2)}),
    "one branch left out": (one_branch_out, {"n": 4, "siblings": 2}),
}


@pytest.mark.parametrize("name", RIGHT)
def test_no_check_rejects_what_is_right(name):
    step, options = RIGHT[name]
    report = check_step(step, on_fail=None, **options)
    assert [check.name for check in report.checks if check.status == "failed" and check.name in OURS] == []
    assert report["lengths"].status != "failed"


def test_every_check_of_the_table_has_a_wrong_step():
    assert {*WRONG, "unanimous groups"} == {*OURS}


@pytest.mark.parametrize(
    ("name", "step", "words"),
    [
        ("padding", lambda b: rloo(b) * np.exp(b.log_ratios.sum(-1, keepdims=True)), "ratios to the policy that drew"),
        ("padding", lambda b: rloo(b) * b.probabilities.min(-1, keepdims=True), "probabilities after the end"),
        ("micro-batches", adding(lambda b: sum_of_all(b) / 12), "twice the prompts make 2 times the update"),
        ("micro-batches", lambda b: sum_of_all(b) / b.rewards.shape[-2], "twice the rollouts of each make 1.6 times"),
        ("unanimous groups", mean_of_kept, "all failed or all solved are dropped from the number of prompts"),
        (
            "reward encoding",
            step_of(lambda r: loo(r) * (2 + r.mean(-1, keepdims=True))),
            "the weight of hard prompts against easy ones goes with how rewards are written",
        ),
        ("other prompts", mean_of_kept, "the batch multiplies all its prompts by one number"),
    ],
)
def test_what_is_no_fault_but_should_be_known_is_a_warning(name, step, words):
    report = check_step(step, on_fail=None)
    assert report[name].status == "warned"
    assert words in report[name].message


def test_a_deviation_over_one_less_is_no_sum_that_grows():
    def sampled(r):
        return (r - r.mean(-1, keepdims=True)) / np.maximum(r.std((-1, -2), ddof=1, keepdims=True), 1e-9)

    of_whole = adding(lambda b: step_of(sampled)(b.whole)[b.groups[:, 0]] if b.parts > 1 else step_of(sampled)(b))
    assert check_step(of_whole, on_fail=None)["micro-batches"].status == "passed"


def test_the_token_mean_of_the_whole_may_be_taken_in_micro_batches():
    """The same divisor where trainers average again divides by the number of micro-batches a second time."""
    assert check_step(adding(token_mean_of_the_whole), on_fail=None)["micro-batches"].status == "passed"
    twice = check_step(token_mean_of_the_whole, on_fail=None)["micro-batches"]
    assert (twice.status, twice.found) == ("failed", {"in 2": 0.5, "in 4": 0.25})
    assert "a second time" in twice.message


def test_the_shares_of_a_token_mean_in_micro_batches_are_those_of_the_exact_mean():
    laws = LAWS["lengths"]
    one, two = (exact_step(token_mean, laws, 3, parts=parts) for parts in (1, 2))
    found = check_step(token_mean, on_fail=None)["micro-batches"].found
    assert found["shares"] == [round(float(share), 6) for share in two.shares]
    assert found["in one"] == [round(float(share), 6) for share in one.shares]
    assert found["shares"] != found["in one"]


def test_dividing_by_kept_prompts_multiplies_each_by_what_the_other_keeps():
    """2 - kappa of the other prompt, kappa = 1 - p^N - q^N; by its own kappa the two would be exchanged."""
    hard, easy = (1 - law.pass_rate**3 - (1 - law.pass_rate) ** 3 for law in LAWS["equal lengths"])
    assert (2 - easy, 2 - hard) == (F(4, 3), F(19, 12))
    assert exact_step(mean_of_kept, LAWS["equal lengths"], 3).shares == (2 - easy, 2 - hard)
    message = check_step(mean_of_kept, on_fail=None)["unanimous groups"].message
    assert "4/3 and 19/12 of their gradients are kept, 4/3 and 19/12 times what a fixed divisor keeps" in message


def test_dropping_failed_groups_of_maxrl_loses_an_order_and_fails_only_where_that_is_not_declared():
    dropping = step_of(kept_only)
    lost = check_step(dropping, objective=MAXRL(3), on_fail=None)["unanimous groups"]
    assert lost.status == "failed"
    assert "makes J_{N-1} of J_N; J_3, which is declared, is not what is ascended" in lost.message
    assert check_step(dropping, objective=MAXRL(2), on_fail=None)["unanimous groups"].status == "passed"
    assert check_step(dropping, on_fail=None)["unanimous groups"].status == "passed"
    best = step_of(lambda r: r - np.stack([np.delete(r, i, -1).max(-1) for i in range(3)], -1))  # has no part in it
    assert check_step(best, objective=MAXRL(3), on_fail=None)["unanimous groups"].status == "passed"
    solved = step_of(lambda r: r * ~r.all(-1, keepdims=True))
    message = check_step(solved, objective=RL, on_fail=None)["unanimous groups"].message
    assert "groups without a failure do nothing" in message


def test_what_pulled_groups_have_of_the_mean_is_p_to_the_others():
    """For REINFORCE: solved groups have p^(N-1) of the gradient, 1/36 and 4/9, and p^N would be wrong."""
    message = check_step(step_of(reinforce), on_fail=None)["unanimous groups"].message
    assert (
        "all failed has the coefficient 0, all solved 0.0833: 2.78% of a hard prompt's mean update and 44.4%" in message
    )
    beside = step_of(lambda r: r - r.mean((-1, -2), keepdims=True))
    assert "pulled too: beside two" in check_step(beside, on_fail=None)["unanimous groups"].message


def test_a_mean_over_prompts_beside_it_is_said_where_only_coefficients_depend_on_it():
    centred = step_of(lambda r: r - r.mean((-1, -2), keepdims=True))
    found = check_step(centred, on_fail=None)["other prompts"]
    assert (found.status, "but its mean update does not" in found.message) == ("passed", True)


def test_refused_rewards_are_no_fault():
    report = check_step(of_rewards_0_and_1, on_fail=None)
    assert report["shaped rewards"].status == "skipped"
    assert "graded rewards are refused: ValueError: rewards must be 0 or 1" in report["shaped rewards"].message
    refused = check_step(of_rewards_in_0_1)["reward encoding"]
    assert refused.message == "rewards of -1 are refused: ValueError: rewards must lie in [0, 1]"


def test_an_objective_of_the_pass_rate_makes_other_rewards_a_warning():
    declared = check_step(step_of(shipped), objective=MAXRL(2), on_fail=None)
    assert [declared[name].status for name in ("reward encoding", "shaped rewards")] == ["warned", "warned"]
    expected = check_step(step_of(shipped), objective=RL, on_fail=None)
    assert [expected[name].status for name in ("reward encoding", "shaped rewards")] == ["failed", "failed"]


def test_what_is_off_on_0_and_1_is_not_asked_for_graded_rewards():
    report = check_step(lambda batch: rloo(batch) * (np.arange(batch.mask.shape[-1]) == 0), on_fail=None)
    assert "degrees off already" in report["shaped rewards"].message
    zero = check_step(nothing, on_fail=None)
    assert (zero["reward encoding"].status, zero["shaped rewards"].status) == ("skipped", "skipped")


def test_after_a_step_that_cannot_be_asked_only_that_is_said():
    unusable = check_step(lambda batch: batch.rewards, on_fail=None)
    assert {check.status for check in unusable.checks[1:]} == {"skipped"}
    mixed_up = check_step(by_stride, on_fail=None)
    assert [check.name for check in mixed_up.checks if check.status == "failed"] == ["order of prompts"]
    assert "there is no mean to ask for" in mixed_up["micro-batches"].message
    assert mixed_up.prompts == ()
    between = check_step(numbers_but_rows, on_fail=None)  # right where rows are prompts: all else can be asked
    assert between["micro-batches"].status == "passed"


def test_a_step_for_so_many_rollouts_and_no_more_is_not_asked_for_twice_as_many():
    def of_three(batch):
        if batch.rewards.shape[-1] != 3 or batch.rewards.shape[-2] > 4:
            raise RuntimeError("compiled for other shapes")
        return rloo(batch)

    assert check_step(of_three)["micro-batches"].status == "passed"


def test_batches_are_such_as_any_framework_takes():
    """Reversed views have negative strides, which torch refuses."""

    def strict(batch):
        for name in ("rewards", "mask", "ratios", "probabilities", "groups"):
            assert min(getattr(batch, name).strides) >= 0
        return rloo(batch)

    assert check_step(strict, n=2).passed


def test_what_stands_after_the_end_counts_for_nothing():
    assert check_step(lambda batch: rloo(batch) + ~batch.mask * 7.0).passed


def test_the_batch_that_is_tried_has_siblings_where_these_are_asked_for():
    subject = StepSubject(rloo, "rloo", None, 4, 1e-4, 2, 1)
    assert subject.mixed.branches[0].tolist() == [0, 0, 1, 1]
    assert subject.mean("lengths").shares != exact_step(rloo, LAWS["lengths"], 4).shares  # one leaf out, not one branch


def test_a_report_has_what_the_mean_does_to_each_prompt_where_it_was_asked_for():
    report = check_step(token_mean, on_fail=None)
    exact = exact_step(token_mean, LAWS["lengths"], 3)
    rows = [row for row in report.prompts if row.responses == "of several"]
    assert [(row.prompt, row.share, row.degrees) for row in rows] == [
        (name, float(share), angle)
        for name, share, angle in zip(("hard", "easy"), exact.shares, exact.angles, strict=True)
    ]
    assert "51.98%  2.27         hard    of several" in str(report)
    assert report.to_dict()["prompts"][-1]["prompt"] == "easy"
    assert "51.98%" not in str(check_step(rloo))
    assert "100%" in check_step(rloo).to_text(verbose=True)


def test_a_known_fault_is_expected_as_it_is_found():
    fault = {"micro-batches": KnownFault("the trainer divides", {"in 2": 0.5, "in 4": 0.25})}
    report = check_step(lambda batch: rloo(batch) / batch.parts, expected_failed_checks=fault)
    assert report["micro-batches"].status == "xfailed"
    with pytest.raises(CheckFailure, match="take it off the list"):
        check_step(rloo, expected_failed_checks=fault)
    with pytest.raises(ValueError, match="must be one of"):
        check_step(rloo, expected_failed_checks={"micro batches": KnownFault("", {})})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 3}, "step must be a function of a Batch, got 3"),
        ({"objective": "maxrl"}, "objective must be an Objective or None, got 'maxrl'"),
        ({"n": 1}, "n must be an int of at least 2, got 1"),
        ({"tolerance": 0}, "tolerance must be"),
        ({"siblings": 2}, "siblings must divide n = 3 and be less, got 2"),
        ({"siblings": 3}, "siblings must divide n = 3 and be less, got 3"),
        ({"siblings": 0}, "siblings must be an int of at least 1, got 0"),
        ({"epochs": 0}, "epochs must be an int of at least 1, got 0"),
        ({"on_fail": "shout"}, "on_fail must be one of raise, warn"),
    ],
)
def test_arguments_that_are_wrong_are_named(options, message):
    with pytest.raises((TypeError, ValueError)) as raised:
        check_step(**{"step": rloo, **options})
    assert message in str(raised.value)


def test_a_failure_is_raised_warned_of_or_returned():
    with pytest.raises(CheckFailure) as raised:
        check_step(over_the_width)
    assert raised.value.report["padding"].status == "failed"
    with pytest.warns(UserWarning, match="padded width"):
        check_step(over_the_width, on_fail="warn")
    seen = []
    check_step(rloo, callback=seen.append)
    assert [check.name for check in seen] == list(STEP_CHECKS)


def test_a_batch_of_the_subject_is_on_policy_and_as_long_as_it_is_asked_for():
    batch = StepSubject(rloo, "rloo", None, 3, 1e-4, 1, 1).batch([[1, 0, 0]], [[1, 2, 3]], width=5)
    assert isinstance(batch, Batch)
    assert (batch.lengths.tolist(), batch.mask.shape, set(batch.ratios.ravel())) == ([[1, 2, 3]], (1, 3, 5), {1.0})
