"""What a step ascends that drops groups, against all batches there are and the process that draws prompts."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from batch_rules import RATES, mean_gradients, over_the_batch_mean
from maxrl_est._arguments import name_of
from maxrl_est.steps import effective_weights, filtered


def mixed(K, n):
    return 0 < K < n


def some_success(K, n):
    return K > 0


def some_failure(K, n):
    return n > K


def at_most_one(K, n):
    return K <= 1


def everything(K, n):
    return True


def rewards(r):
    """No baseline."""
    return r


def lone_success(r):
    """1 for the only success of a group: with groups of no success dropped, W is a multiple of the slope of kappa."""
    return r * (r.sum(axis=-1, keepdims=True) == 1)


FILTERS = [mixed, some_success, some_failure, at_most_one, everything]
ALONE = ["rloo", "maxrl_shipped", "ustat", rewards, lone_success]


def rule_of(rule):
    return mx.estimators.get(rule) if isinstance(rule, str) else rule


def mean_over_kept(rule, keep):
    """The same as a rule of the batch: B over the number of the kept, and 0 for those that are dropped."""

    def advantages(r):
        n = r.shape[-1]
        kept = np.array([[int(keep(int(row.sum()), n))] for row in r])
        return rule_of(rule)(r) * kept * F(len(r), max(int(kept.sum()), 1))

    return advantages


def of(keep, n):
    return lambda K: keep(K, n)


def groups_of(rule, keep, p, n):
    """Each group of a prompt rollout by rollout: its chance, whether it is kept, and its estimate over grad p."""
    for outcome in itertools.product((0, 1), repeat=n):
        l = np.array([F(x) for x in outcome], dtype=object)
        g = sum(a * (x - p) for a, x in zip(rule_of(rule)(l), l, strict=True)) / n
        yield math.prod(p if x else 1 - p for x in outcome), keep(sum(outcome), n), g / (p * (1 - p))


def kept_of(rule, keep, p, n):
    """The chance to be kept, and the mean estimate of what is kept, 0 for what is dropped."""
    kept = [(chance, g) for chance, is_kept, g in groups_of(rule, keep, p, n) if is_kept]
    return sum((chance for chance, _ in kept), F(0)), sum((chance * g for chance, g in kept), F(0))


@pytest.mark.parametrize("rule", ALONE, ids=name_of)
@pytest.mark.parametrize("keep", FILTERS, ids=name_of)
def test_of_a_fixed_set_the_weights_and_the_verdict_are_those_of_the_whole_batch(rule, keep):
    for prompts, n in ((1, 2), (2, 3), (3, 2)):
        found = filtered(rule, RATES[:prompts], n, of(keep, n), "fixed")
        batch = effective_weights(mean_over_kept(rule, keep), RATES[:prompts], n)
        assert found.weights.tolist() == batch.weights.tolist()
        assert found.verdict == batch.verdict
    assert found.weights.tolist() == mean_gradients(mean_over_kept(rule, keep), RATES, 2)


@pytest.mark.parametrize("rule", ["rloo", rewards], ids=name_of)
@pytest.mark.parametrize("keep", FILTERS, ids=name_of)
@pytest.mark.parametrize("prompts", [1, 2, 3])
def test_of_prompts_drawn_independently_the_weights_are_enumerated_over_all_batches(rule, keep, prompts):
    n, rates, chances = 2, RATES[:2], (F(1, 3), F(2, 3))
    every = [
        (x, chances[x] * chance, is_kept, g)
        for x, p in enumerate(rates)
        for chance, is_kept, g in groups_of(rule, keep, p, n)
    ]
    totals = [F(0), F(0)]
    for batch in itertools.product(every, repeat=prompts):
        kept = [(x, g) for x, _, is_kept, g in batch if is_kept]
        for x, g in kept:
            totals[x] += math.prod(chance for _, chance, _, _ in batch) * g / len(kept)
    population = list(zip(chances, rates, strict=True))
    found = filtered(rule, rates, n, of(keep, n), "independent", population=population, prompts=prompts)
    assert found.weights.tolist() == [total / chance for total, chance in zip(totals, chances, strict=True)]


@pytest.mark.parametrize("rule", ["rloo", rewards], ids=name_of)
@pytest.mark.parametrize("keep", FILTERS, ids=name_of)
def test_of_resampled_prompts_the_weights_are_those_of_the_process(rule, keep):
    """Prompts are drawn till two groups are kept: the chances of 0 and 1 kept groups, draw by draw."""
    n, each = 3, [kept_of(rule, keep, p, 3) for p in RATES]
    k = float(sum(kappa for kappa, _ in each)) / 3
    none, one, draws = 1.0, 0.0, 0.0
    for _ in range(400):
        draws += none + one  # which happens if fewer than two are kept
        none, one = none * (1 - k), one * (1 - k) + none * k
    found = filtered(rule, RATES, n, of(keep, n), "resampled")
    assert found.weights.astype(float) == pytest.approx([draws * float(own) / 2 for _, own in each], rel=1e-9)


@pytest.mark.parametrize("rule", ["rloo", rewards], ids=name_of)
@pytest.mark.parametrize("keep", FILTERS, ids=name_of)
def test_of_a_prompt_asked_until_it_is_kept_the_weight_is_that_of_the_kept(rule, keep):
    n, each = 3, [kept_of(rule, keep, p, 3) for p in RATES]
    found = filtered(rule, RATES, n, of(keep, n), "same")
    assert found.weights.tolist() == [own / kappa for kappa, own in each]
    assert found.kept.tolist() == [kappa for kappa, _ in each]
    assert found.verdict == "gradient"


def test_one_over_the_mean_chance_is_wrong_for_a_fixed_set_and_for_few_prompts():
    fixed, few, resampled = (
        filtered("rloo", RATES, 4, of(mixed, 4), sampling) for sampling in ("fixed", "independent", "resampled")
    )
    assert len(set(fixed.factors)) == 3
    assert len(set(few.factors)) == len(set(resampled.factors)) == 1
    assert few.factors[0] < resampled.factors[0]
    many = filtered("rloo", RATES, 4, of(mixed, 4), "independent", prompts=200)
    assert float(many.factors[0]) == pytest.approx(float(resampled.factors[0]))
    order = np.argsort(fixed.kept)
    assert (np.diff(fixed.factors[order]) > 0).all()  # what is often kept is favoured


def test_dropping_what_has_no_advantage_is_a_speed_where_prompts_are_drawn_and_no_more():
    whole = mx.effective_weight("rloo", 4)
    for sampling, same in (("independent", True), ("resampled", True), ("fixed", False), ("same", False)):
        found = filtered("rloo", RATES, 4, of(mixed, 4), sampling)
        assert found.own.tolist() == [whole.value(p) for p in RATES]
        assert (len(set(found.weights)) == 1) == same
        assert found.verdict == {"fixed": "none", "same": "gradient"}.get(sampling, "direction")


def test_the_verdict_is_what_it_is_for_all_pass_rates():
    keep = of(some_success, 3)
    assert filtered(lone_success, RATES, 3, keep, "fixed").verdict == "gradient"
    assert filtered(lone_success, RATES, 3, keep, "resampled").verdict == "gradient"
    assert filtered("rloo", RATES, 3, keep, "fixed").verdict == "none"
    assert filtered("rloo", RATES[:2], 3, keep, "fixed").verdict == "direction"
    assert filtered("rloo", RATES, 3, keep, "independent", prompts=1).verdict == "gradient"
    assert filtered("rloo", [0.5], 3, keep, "resampled").verdict == "gradient"


def test_filters_in_floats_are_those_of_fractions():
    rates = np.array([0.1, 0.5, 0.8])
    for sampling in ("fixed", "independent", "resampled", "same"):
        exact = filtered("rloo", RATES, 4, [False, True, True, True, False], sampling)
        floats = filtered("rloo", rates, 4, np.array([False, True, True, True, False]), sampling)
        assert floats.weights.dtype == np.float64
        assert floats.weights == pytest.approx(exact.weights.astype(float))
        assert list(floats.columns()) == ["pass rate", "kept", "own", "factor", "W"]
    assert filtered("grpo", RATES, 4, of(mixed, 4), "fixed").weights.dtype == np.float64
    assert filtered("rloo", [0.0, 1.0], 64, of(everything, 64), "fixed").kept.tolist() == [1, 1]


def test_a_rule_that_sees_the_batch_is_asked_with_its_filter_inside():
    n = 2
    with pytest.raises(ValueError, match=r"^rule must judge each group by itself"):
        filtered(over_the_batch_mean, RATES, n, of(mixed, n), "fixed")
    inside = effective_weights(mean_over_kept(over_the_batch_mean, mixed), RATES, n)
    assert inside.weights.tolist() == mean_gradients(mean_over_kept(over_the_batch_mean, mixed), RATES, n)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rule": "rlo"}, ValueError, r"^rule must be a name in the table, got 'rlo'; did you mean 'rloo'"),
        ({"keep": [True, False]}, ValueError, r"^keep must have n \+ 1 = 3 bools, got 2$"),
        ({"keep": [1, 0, 1]}, TypeError, r"^keep\[0\] must be True or False, got 1$"),
        ({"keep": lambda K: K}, TypeError, r"^keep\(0\) must be True or False, got 0$"),
        ({"keep": 3}, TypeError, r"^keep must be a list of n \+ 1 = 3 bools, or a function of the number of successes"),
        ({"sampling": "fix"}, ValueError, r"^sampling must be one of fixed, independent, resampled, same, got 'fix'"),
        (
            {"population": [(1, 0.5)]},
            ValueError,
            r'^population must be None with sampling "fixed", got \[\(1,',
        ),
        ({"prompts": 4}, ValueError, r'^prompts must be None with sampling "fixed", got 4$'),
        ({"prompts": 0, "sampling": "independent"}, ValueError, r"^prompts must be an int in \[1, 1024\], got 0$"),
        ({"keep": [False] * 3, "sampling": "resampled"}, ValueError, r"^keep must keep some group of the prompts that"),
        (
            {"pass_rates": [0.5, 0], "sampling": "same"},
            ValueError,
            r"^keep must keep some group at pass_rates\[1\],",
        ),
        ({"n": 2049}, ValueError, r"^n must be at most 2048, got 2049$"),
    ],
)
def test_a_filter_that_there_is_not_is_refused_in_a_line(change, error, message):
    arguments = {"rule": "rloo", "pass_rates": [0.1, 0.5], "n": 2, "keep": [False, True, False], "sampling": "fixed"}
    with pytest.raises(error, match=message) as caught:
        filtered(**{**arguments, **change})
    assert "\n" not in str(caught.value)
