"""What is ascended where groups of equal rewards are dropped, as dynamic sampling does: exactly, for each baseline."""

from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx

SIZES = (2, 3, 4, 8)
KEPT = {"mean_loo": 0, "pass_loo": 1, "one": 1}  # orders below N of what is ascended once groups are dropped


def dropping(baseline):
    """The advantages with a baseline, 0 in groups whose likelihoods are all equal."""

    def advantages(likelihoods):
        likelihoods = np.asarray(likelihoods)
        unanimous = (likelihoods == likelihoods[..., :1]).all(axis=-1, keepdims=True)
        return np.where(unanimous, 0 * likelihoods, mx.advantages(likelihoods, baseline=baseline))

    return advantages


def coefficients(baseline, n, *, dropped):
    function = dropping(baseline) if dropped else lambda likelihoods: mx.advantages(likelihoods, baseline=baseline)
    weight = mx.effective_weight(function, n)
    assert weight.exact
    return weight


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("baseline", [None, "mean_loo", "pass_loo"])
def test_nothing_is_lost_where_the_baseline_is_the_mean_or_the_pass_rate_of_the_others(baseline, n):
    whole, dropped = (coefficients(baseline, n, dropped=dropped) for dropped in (False, True))
    assert dropped.bernstein == whole.bernstein
    assert str(dropped.nearest()) == f"exactly J_{n - 1 if baseline == 'pass_loo' else n}"


@pytest.mark.parametrize("baseline", [None, "mean_loo", "pass_loo"])
@pytest.mark.parametrize("value", [F(0), F(1, 5), F(2, 3), F(1)])
def test_groups_of_equal_likelihoods_have_advantage_zero_with_these(baseline, value):
    for n in SIZES:
        assert not mx.advantages(np.array([value] * n, dtype=object), baseline=baseline).any()


@pytest.mark.parametrize("n", SIZES)
def test_the_constant_one_loses_exactly_an_order(n):
    assert str(coefficients("one", n, dropped=False).nearest()) == f"exactly J_{n}"
    assert str(coefficients("one", n, dropped=True).nearest()) == f"exactly J_{n - 1}"


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(("baseline", "constant"), [("none", F(0)), ("one_over_n", None)])
def test_other_constants_lose_a_share_of_both_ends(baseline, constant, n):
    constant = F(1, n) if constant is None else constant
    dropped, top = coefficients(baseline, n, dropped=True), n - 1
    for p in (F(1, 7), F(1, 2), F(9, 10)):
        lost = (1 - constant) * p**top + constant * (1 - p) ** top
        assert dropped.value(p) == sum((1 - p) ** k for k in range(n)) - lost
    if n > 3:  # fewer rollouts have few objectives
        assert not dropped.nearest().exact


def test_dropping_by_a_range_of_means_is_a_bias_for_the_others_mean_too():
    def within(likelihoods):
        likelihoods = np.asarray(likelihoods)
        mean = likelihoods.mean(axis=-1, keepdims=True)
        return np.where((mean > F(1, 5)) & (mean < F(4, 5)), mx.advantages(likelihoods), 0 * likelihoods)

    assert not mx.effective_weight(within, 8).nearest().exact


def test_the_mean_over_the_groups_that_are_kept_has_one_factor_for_all_prompts():
    n, rates = 4, [F(1, 10), F(1, 2), F(4, 5)]
    prompts = [mx.problems.Bandit([1 - p, p], [F(0), F(1)]) for p in rates]
    kept = [1 - p**n - (1 - p) ** n for p in rates]
    given_kept = [mx.exact_moments(x, dropping(None), n).mean / k for x, k in zip(prompts, kept, strict=True)]
    targets = [mx.target_gradient(x, mx.Objective.maxrl(n)) for x in prompts]
    share = [k / sum(kept) for k in kept]  # of each prompt among the groups that are kept
    factors = {(s * g / t)[0] for s, g, t in zip(share, given_kept, targets, strict=True)}
    assert factors == {1 / sum(kept)}
    assert len({(g / t)[0] for g, t in zip(given_kept, targets, strict=True)}) == 3  # as many groups of each prompt
