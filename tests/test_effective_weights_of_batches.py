"""What a batch of coupled prompts ascends, against batches enumerated rollout by rollout and limits in closed form."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est._arguments import name_of
from maxrl_est.ascent import over_prompts
from maxrl_est.steps import EffectiveWeights, effective_weights, filtered, population_weights

RATES = (F(1, 10), F(1, 2), F(4, 5))
H = F(1, 10**5)


def group_mean(r):
    return r.mean(axis=-1, keepdims=True)


def of_the_total(r):
    """Less the mean of the batch, over it: shipped MaxRL of all prompts together."""
    return (r - r.mean()) / (r.mean() if r.any() else 1)


def over_the_batch_mean(r):
    """Less the mean of the group, over that of the batch."""
    return (r - group_mean(r)) / (r.mean() if r.any() else 1)


def over_the_batch_variance(r):
    """Less the mean of the group, over the variance of the batch: what Fractions can have of a standard deviation."""
    variance = r.mean() * (1 - r.mean())
    return (r - group_mean(r)) / (variance if variance else 1)


def weighted_by_the_other_prompts(r):
    n = r.shape[-1]
    rloo = r - (r.sum(axis=-1, keepdims=True) - r) / (n - 1)
    return rloo * (r.sum() - r.sum(axis=-1, keepdims=True)) / n


def trl_batch(r):
    r = np.asarray(r, dtype=float)
    return (r - group_mean(r)) / (r.std() + 1e-4)


def reinforce_plus_plus(r):
    r = np.asarray(r, dtype=float)
    return (r - r.mean()) / (r.std() + 1e-8)


def reinforce_plus_plus_baseline(r):
    r = np.asarray(r, dtype=float)
    centred = r - group_mean(r)
    return (centred - centred.mean()) / (centred.std() + 1e-8)


COUPLED = [of_the_total, over_the_batch_mean, over_the_batch_variance, weighted_by_the_other_prompts]
BY_TOTAL = [of_the_total, reinforce_plus_plus]
CENTRED = [trl_batch, reinforce_plus_plus_baseline, over_the_batch_mean, over_the_batch_variance]


def mean_gradients(rule, rates, n):
    """E[(1/n) sum_i A_i S_i] of each prompt over grad p: all 2^(B n) outcomes, scores l - p of one logit a prompt."""
    found = [F(0)] * len(rates)
    for outcome in itertools.product((0, 1), repeat=len(rates) * n):
        batch = np.array([F(x) for x in outcome], dtype=object).reshape(len(rates), n)
        advantages = np.asarray(rule(batch))
        chance = math.prod(math.prod(p if x else 1 - p for x in row) for p, row in zip(rates, batch, strict=True))
        for x, p in enumerate(rates):
            found[x] += chance * sum(a * (l - p) for a, l in zip(advantages[x], batch[x], strict=True)) / n
    return [total / (p * (1 - p)) for total, p in zip(found, rates, strict=True)]


# At given pass rates.


@pytest.mark.parametrize("rule", COUPLED, ids=name_of)
@pytest.mark.parametrize(("prompts", "n"), [(2, 2), (3, 2), (2, 3)])
def test_the_weights_are_those_of_the_gradient_enumerated_rollout_by_rollout(rule, prompts, n):
    weights = effective_weights(rule, RATES[:prompts], n)
    assert weights.exact
    assert weights.weights.tolist() == mean_gradients(rule, RATES[:prompts], n)


@pytest.mark.parametrize("rule", CENTRED[:2], ids=name_of)
def test_rules_in_floats_have_their_weights_in_floats(rule):
    weights = effective_weights(rule, RATES[:2], 3)
    assert not weights.exact
    assert weights.weights.tolist() == pytest.approx([float(w) for w in mean_gradients(rule, RATES[:2], 3)])


def test_a_batch_that_does_not_change_with_the_own_exchange_would_have_other_weights():
    """E over batches of what the group's own successes and failures are apart in one and the same batch: wrong."""
    n, rates = 2, RATES[:2]
    exact = effective_weights(over_the_batch_mean, rates, n).weights
    chances = [[math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)] for p in rates]
    apart = F(0)
    for first, second in itertools.product(range(n + 1), repeat=2):
        batch = np.array([[F(i < k) for i in range(n)] for k in (first, second)], dtype=object)
        scale = batch.mean() or 1  # a success less a failure of the batch as it is
        apart += chances[0][first] * chances[1][second] / scale
    assert exact[0] == mean_gradients(over_the_batch_mean, rates, n)[0] != apart


@pytest.mark.parametrize("name", ["rloo", "maxrl_shipped", "grpo", "ustat"])
def test_a_rule_that_judges_each_group_by_itself_has_the_weight_of_one_group(name):
    weights, alone = effective_weights(name, RATES, 3), mx.effective_weight(name, 3)
    assert weights.verdict == "gradient"
    assert weights.weights.tolist() == pytest.approx([alone.value(p) for p in RATES])
    assert weights.exact == alone.exact


@pytest.mark.parametrize("rule", COUPLED, ids=name_of)
def test_the_curl_is_the_slope_of_the_weights_each_way(rule):
    """By differences of exact weights at pass rates that are moved: off by H^2, of which Fractions lose nothing."""
    curl = effective_weights(rule, RATES, 2).curl
    slopes = np.empty((3, 3), dtype=object)
    for y in range(3):
        up, down = ([p + sign * H * (b == y) for b, p in enumerate(RATES)] for sign in (1, -1))
        W = [effective_weights(rule, rates, 2).weights for rates in (up, down)]
        slopes[:, y] = (W[0] - W[1]) / (2 * H)
    assert abs(curl - (slopes - slopes.T)).max() < 100 * H**2
    assert (curl == -curl.T).all()


def test_the_curl_of_one_prompt_is_nothing():
    """With B = 1 the update is a gradient whatever the rule is; two values and one prompt refute nothing."""
    for rule in (*COUPLED, *CENTRED):
        assert effective_weights(rule, [F(1, 3)], 3).verdict == "gradient"
    assert effective_weights(over_the_batch_mean, RATES[:2], 3).verdict != "gradient"


@pytest.mark.parametrize("rule", [*COUPLED, *CENTRED, *BY_TOTAL], ids=name_of)
@pytest.mark.parametrize(("prompts", "n"), [(2, 3), (3, 2)])
def test_what_is_a_gradient_is_what_the_other_judge_of_batches_says(rule, prompts, n):
    weights, judged = effective_weights(rule, RATES[:prompts], n), over_prompts(rule, prompts, n)
    assert (weights.verdict == "gradient") == (judged.verdict == "gradient")


@pytest.mark.parametrize("n", [2, 4])
def test_rules_of_the_total_are_gradients_and_centred_groups_over_the_batch_are_not_at_three_prompts(n):
    for rule in BY_TOTAL:
        assert effective_weights(rule, RATES, n).verdict == "gradient"
        assert abs(effective_weights(rule, RATES, n).curl).max() < 1e-9
    for rule in CENTRED:
        assert effective_weights(rule, RATES[:2], n).verdict == "direction"  # as all of two prompts
        assert effective_weights(rule, RATES, n).verdict == "none"


def test_a_common_speed_is_a_direction_and_no_gradient():
    """Advantages b_x (1 + v.K of all prompts), corrected for the own exchange: W_x = b_x c(p) exactly."""
    v = np.array([[1], [2], [5]])

    def rule(r):
        r, n = np.asarray(r), r.shape[-1]
        total = 1 + (v * r.sum(axis=-1, keepdims=True)).sum()
        own = r.sum(axis=-1, keepdims=True) - r  # the other rollouts of the same prompt
        beside = total - v * r.sum(axis=-1, keepdims=True) + v * own * F(n, n - 1)  # of mean 1 + v.E K, l_i apart
        return r * beside

    weights = effective_weights(rule, RATES, 3)
    speed = 1 + 3 * (1 * RATES[0] + 2 * RATES[1] + 5 * RATES[2])
    assert weights.weights.tolist() == [speed] * 3
    assert weights.verdict == "direction"
    assert weights.curl[0, 1] == 3 * (2 - 1)
    assert "has the direction of a gradient" in str(weights)


def test_pass_rates_of_0_and_1_are_asked_about_too():
    """A success of the first is one of 3 among 4, 1/2 over 3/4; a failure of the second beside 1, -1/2 over 1/4."""
    assert effective_weights(over_the_batch_mean, [F(0), F(1)], 2).weights.tolist() == [F(2, 3), 2]


def test_the_result_is_shown_as_a_table():
    weights = effective_weights(over_the_batch_mean, [F(1, 2), F(1, 2)], 2)
    assert isinstance(weights, EffectiveWeights)
    lines = str(weights).splitlines()
    assert lines[0] == "2 prompts, n = 2: E[g] = W grad p of each, for 0/1 rewards"
    assert lines[2] == "the curl is 0 at these pass rates alone"
    assert list(weights.columns()) == ["pass rate", "W", "W / mean W"]
    assert weights.ratios.tolist() == [1, 1]
    assert effective_weights(lambda r: 0 * r, [F(1, 2)], 2).ratios is None


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rule": "rlo"}, ValueError, r"^rule must be a name in the table, got 'rlo'; did you mean 'rloo'"),
        ({"pass_rates": [0.5, 1.5]}, ValueError, r"^pass_rates\[1\] must lie in \[0, 1\], got 1.5$"),
        ({"pass_rates": []}, ValueError, r"^pass_rates must be at least one number"),
        ({"pass_rates": 0.5}, TypeError, r"^pass_rates must be a list of numbers, \(s,\), got 0.5$"),
        ({"n": 0}, ValueError, r"^n must be an int of at least 1, got 0$"),
        ({"n": 400}, ValueError, r"^n must make at most 100000 batches, got 400: with 2 prompts there are 160801$"),
        ({"rule": lambda r: r.sum()}, ValueError, r"^rule must return shape \(2, 2\), got \(\)$"),
        ({"rule": lambda r: r * np.arange(2)}, ValueError, r"^rule must treat the rollouts of a prompt alike, but the"),
    ],
)
def test_a_wrong_question_is_refused_in_a_line(change, error, message):
    with pytest.raises(error, match=message) as caught:
        effective_weights(**{"rule": of_the_total, "pass_rates": [0.1, 0.5], "n": 2, **change})
    assert "\n" not in str(caught.value)


# As prompts become many.

POPULATIONS = [
    [(F(1, 2), F(1, 10)), (F(1, 2), F(1, 2))],
    [(0.2, 0.05), (0.3, 0.5), (0.5, 0.9)],
    [(0.9, 0.01), (0.1, 0.3)],
    [(1, 0.3)],
]


def moments_of(population):
    """The mean pass rate, and the mean of p (1 - p)."""
    chances, rates = np.array(population, dtype=float).T
    return chances @ rates, chances @ (rates * (1 - rates))


def closed_form(rule, population, n):
    mean, spread = moments_of(population)
    return {
        "trl_batch": (n - 1) / n / (math.sqrt(mean * (1 - mean)) + 1e-4),
        "reinforce_plus_plus": 1 / (math.sqrt(mean * (1 - mean)) + 1e-8),
        "reinforce_plus_plus_baseline": (n - 1) / n / (math.sqrt((n - 1) / n * spread) + 1e-8),
        "over_the_batch_mean": (n - 1) / n / mean,
        "over_the_batch_variance": (n - 1) / n / (mean * (1 - mean)),
        "of_the_total": 1 / mean,
    }[rule.__name__]


LIMITS = {
    trl_batch: "gradient",  # of ((n-1)/n) 2 arcsin sqrt(mean p)
    reinforce_plus_plus: "gradient",  # of 2 arcsin sqrt(mean p)
    over_the_batch_mean: "gradient",  # of ((n-1)/n) log(mean p)
    over_the_batch_variance: "gradient",  # of ((n-1)/n) times the log-odds of mean p
    of_the_total: "gradient",  # of log(mean p)
    reinforce_plus_plus_baseline: "direction",  # that of mean p
}


@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize("rule", LIMITS, ids=name_of)
@pytest.mark.parametrize("n", [2, 5])
def test_limits_are_the_closed_forms_within_the_error_that_is_said(rule, n, population):
    found = population_weights(rule, [0.0, 0.2, 0.9], n, population)
    closed = closed_form(rule, population, n)
    assert (abs(found.weights - closed) <= found.error).all()
    assert (found.error <= 0.005 * closed).all()
    assert found.verdict == LIMITS[rule]


def test_n_in_place_of_n_less_1_would_be_another_limit():
    found = population_weights(trl_batch, [0.2], 4, POPULATIONS[0])
    wrong = closed_form(trl_batch, POPULATIONS[0], 4) * 4 / 3
    assert abs(found.weights[0] - wrong) > 1000 * found.error[0]


def drawn(rule, p, n, population, prompts):
    """W exactly, of a prompt beside prompts - 1 others drawn independently: by multisets of their counts."""
    chances, rates = np.array(population, dtype=float).T
    law = [[math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1)] for q in rates]
    shares = chances @ np.array(law)
    group, total = (np.arange(n) < np.arange(n + 1)[:, None]) * 1.0, 0.0
    for counts in itertools.combinations_with_replacement(range(n + 1), prompts - 1):
        times = [counts.count(k) for k in range(n + 1)]
        ways = math.factorial(prompts - 1) // math.prod(map(math.factorial, times))
        chance = ways * math.prod(share**t for share, t in zip(shares, times, strict=True))
        for m in range(n):
            more, less = (rule(np.vstack([group[m + e], *group[list(counts)]])) for e in (1, 0))
            total += chance * math.comb(n - 1, m) * p**m * (1 - p) ** (n - 1 - m) * (more[0, 0] - less[0, -1])
    return total


@pytest.mark.parametrize("rule", [trl_batch, reinforce_plus_plus_baseline, of_the_total], ids=name_of)
def test_batches_of_prompts_that_are_drawn_come_to_the_limit(rule):
    """At a distance that halves with twice the prompts: exact weights at 32 and 64, and what they come to."""
    limit = population_weights(rule, [0.4], 2, POPULATIONS[0]).weights[0]
    few, many = (drawn(rule, 0.4, 2, POPULATIONS[0], size) for size in (32, 64))
    assert 1.9 < (few - limit) / (many - limit) < 2.1
    assert 2 * many - few == pytest.approx(limit, rel=5e-4)


def test_drawn_batches_of_two_are_means_of_given_ones():
    of_pairs = [effective_weights(trl_batch, [F(2, 5), q], 2).weights[0] for _, q in POPULATIONS[0]]
    assert drawn(trl_batch, 0.4, 2, POPULATIONS[0], 2) == pytest.approx(sum(of_pairs) / 2)


def test_the_curl_of_the_limit_is_that_of_its_closed_form():
    """W = s / sqrt(v), v = E pq: moving up at p_y changes it by -s (1 - 2 p_y) / (2 v^(3/2)), s^2 = (n-1)/n."""
    n, rates = 4, np.array([0.1, 0.5, 0.8])
    found = population_weights(reinforce_plus_plus_baseline, rates, n, POPULATIONS[1])
    slope = -math.sqrt((n - 1) / n) * (1 - 2 * rates) / (2 * moments_of(POPULATIONS[1])[1] ** 1.5)
    assert found.curl == pytest.approx(slope[None, :] - slope[:, None], rel=1e-3, abs=1e-3)
    flat = population_weights(trl_batch, rates, n, POPULATIONS[1])
    assert abs(flat.curl).max() < 1e-3 < abs(found.curl).max()


def test_a_limit_that_ascends_nothing_at_any_speed_is_found():
    """W(p) = f(p) c + d, 1, f and the slope of d independent: that of a square would be as linear as f."""

    def rule(r):
        centred, mean = r - group_mean(r), group_mean(r)
        return centred * (mean * r.mean() + (mean**3).mean())

    assert population_weights(rule, [0.5], 4, POPULATIONS[1]).verdict == "none"
    assert population_weights(lambda r: (r - group_mean(r)) * r.std(), [0.5], 4, POPULATIONS[1]).verdict == "gradient"


@pytest.mark.parametrize(("rule", "verdict"), [(trl_batch, "gradient"), (reinforce_plus_plus_baseline, "direction")])
def test_rules_in_float32_have_the_same_verdict(rule, verdict):
    found = population_weights(lambda r: rule(r).astype(np.float32), [0.5], 4, POPULATIONS[1])
    assert found.verdict == verdict
    assert found.weights == pytest.approx(population_weights(rule, [0.5], 4, POPULATIONS[1]).weights, rel=1e-5)


def test_groups_that_are_judged_alone_have_their_own_weight_as_the_limit():
    found = population_weights("maxrl_shipped", [0.1, 0.9], 4, POPULATIONS[1])
    assert found.weights == pytest.approx([mx.effective_weight("maxrl_shipped", 4).value(p) for p in (0.1, 0.9)])
    assert found.verdict == "gradient"


def test_a_problem_is_a_population():
    coins = [mx.problems.Bernoulli(p) for p in (F(1, 10), F(1, 2))]
    found = effective_weights(trl_batch, [0.1, 0.5], 2, population=mx.problems.Contextual(coins))
    assert found.limit.tolist() == population_weights(trl_batch, [0.1, 0.5], 2, POPULATIONS[0]).weights.tolist()
    assert list(found.columns())[-2:] == ["limit", "+-"]
    assert "as prompts become many it is a gradient" in str(found)
    assert effective_weights(trl_batch, [0.1, 0.5], 2).limit is None


def jumping(r):
    return (r - group_mean(r)) * (1 + (r.mean() > 0.5))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"rule": lambda r: (r - group_mean(r)) / math.log(len(r))},
            ValueError,
            r"^rule must settle .* got weights 0\.",
        ),
        ({"rule": lambda r: (r - group_mean(r)) * r.sum()}, ValueError, r"^rule must settle as prompts become many"),
        ({"rule": jumping}, ValueError, r"^rule must settle as prompts become many, .* got slopes that grow beside"),
        (
            {"rule": lambda r: r * np.arange(len(r))[:, None]},
            ValueError,
            r"^rule must treat the prompts of a batch",
        ),
        ({"rule": lambda r: r * np.arange(2)}, ValueError, r"^rule must treat the rollouts of a prompt alike"),
        ({"population": [(1, 0)]}, ValueError, r"^rule must settle as prompts become many"),
        ({"population": [(0.5, 0.2)]}, ValueError, r"^probabilities of population must sum to 1, got 0.5$"),
        ({"population": [0.5]}, TypeError, r"^population\[0\] must be a list of two numbers, a probability and a pass"),
        (
            {"population": [(1, 0.5, 2)]},
            ValueError,
            r"^population\[0\] must be two numbers, a probability",
        ),
        ({"population": 3}, TypeError, r"^population must be a list of pairs \(probability, pass rate\), or a problem"),
        (
            {"population": mx.problems.Bandit([0.5, 0.5], [0, 0.5])},
            ValueError,
            r"^population must have likelihoods 0",
        ),
        ({"n": 65}, ValueError, r"^n must be at most 64, got 65$"),
        ({"prompts": 8}, ValueError, r"^prompts must be an int in \[64, 1048576\], got 8$"),
    ],
)
def test_a_limit_that_there_is_not_is_refused_in_a_line(change, error, message):
    arguments = {"rule": trl_batch, "pass_rates": [0.5], "n": 2, "population": [(0.5, 0.2), (0.5, 0.8)], **change}
    with pytest.raises(error, match=message) as caught:
        population_weights(**arguments)
    assert "\n" not in str(caught.value)


# Groups that are dropped.


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
