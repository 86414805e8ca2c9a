"""Whether a whole batch's update is a gradient, against derivatives of the exactly enumerated update."""

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est._arguments import name_of
from maxrl_est.ascent import over_prompts

THREE = (F(0), F(1, 2), F(1))


def of_the_total(r):
    """Less the mean of the batch, over that mean: shipped MaxRL of all prompts together."""
    return (r - r.mean()) / (r.mean() if r.any() else 1)


def centred_over_the_batch(r):
    """Less the mean of the group, over the mean of the batch."""
    return (r - r.mean(axis=-1, keepdims=True)) / (r.mean() if r.any() else 1)


def standardised_over_the_batch(r):
    r = np.asarray(r, dtype=float)
    return (r - r.mean()) / (r.std() + 1e-6)


def scaled_by_the_batch(r):
    r = np.asarray(r, dtype=float)
    return (r - r.mean(axis=-1, keepdims=True)) / (r.std() + 1e-4)


def whitened_after_centring(r):
    r = np.asarray(r, dtype=float)
    centred = r - r.mean(axis=-1, keepdims=True)
    return (centred - centred.mean()) / (centred.std() + 1e-6)


def less_the_other_prompts(r):
    """The same baseline for all of a prompt, from the others: it moves nothing."""
    return r - (r.sum() - r.sum(axis=-1, keepdims=True)) / 2


def weighted_by_the_other_prompts(r):
    """RLOO times the other prompts' successes: E[g] is the gradient of a product of pass rates."""
    n = r.shape[-1]
    rloo = r - (r.sum(axis=-1, keepdims=True) - r) / (n - 1)
    return rloo * (r.sum() - r.sum(axis=-1, keepdims=True)) / n


def weighted_by_the_first_prompt(r):
    """RLOO times the successes of the first prompt, which the first one's own update does not know of."""
    n = r.shape[-1]
    rloo = r - (r.sum(axis=-1, keepdims=True) - r) / (n - 1)
    first = r[:1].sum() / n
    return rloo * np.array([[1], *[[first]] * (len(r) - 1)])


GRADIENTS = [of_the_total, standardised_over_the_batch, less_the_other_prompts, weighted_by_the_other_prompts]
NONE = [centred_over_the_batch, scaled_by_the_batch, whitened_after_centring, weighted_by_the_first_prompt]
ROWS = [mx.estimators.get(name) for name in ("rloo", "ustat", "maxrl_shipped", "plug_in_loo", "tailrl")]


def update(rule, prompts, n, values, laws):
    """a_b(x), the mean advantage of the first rollout of each prompt if its value is x: (B, k), by enumeration."""
    k = len(values)
    found = np.full((prompts, k), F(0), dtype=object)
    for outcomes in itertools.product(range(k), repeat=prompts * n):
        batch = np.array(outcomes).reshape(prompts, n)
        advantages = np.asarray(rule(np.array([[values[o] for o in row] for row in batch], dtype=object)))
        chances = [[laws[b][o] for o in row] for b, row in enumerate(batch)]
        for b in range(prompts):
            rest = math.prod(math.prod(row) for i, row in enumerate(chances) if i != b) * math.prod(chances[b][1:])
            found[b, batch[b, 0]] += advantages[b, 0] * rest
    return found


def curl(rule, prompts, n, values):
    """The largest asymmetry of the update's derivatives along e_x - e_0 of all prompts, at one law, by differences.

    In h the update is a polynomial of degree n prompts - 1 at most, and a central difference is exact to h^2.
    """
    k, h = len(values), F(1, 10**6)
    more = [F(1, 11 + b) for b in range(prompts)]
    laws = [[F(1, k) + more[b], *[F(1, k) - more[b] / (k - 1)] * (k - 1)] for b in range(prompts)]
    directions = [(b, x) for b in range(prompts) for x in range(1, k)]

    def slopes(step, direction):
        moved = [list(law) for law in laws]
        if direction:
            b, x = direction
            moved[b][x] += step
            moved[b][0] -= step
        a = update(rule, prompts, n, values, moved)
        return [a[b, x] - a[b, 0] for b, x in directions]

    rows = []
    for direction in directions:
        up, down = slopes(h, direction), slopes(-h, direction)
        rows.append([(a - b) / (2 * h) for a, b in zip(up, down, strict=True)])
    jacobian = np.array(rows, dtype=object).astype(float)
    return abs(jacobian - jacobian.T).max() / max(abs(jacobian).max(), 1e-3)


@pytest.mark.parametrize("values", [(F(0), F(1)), THREE])
@pytest.mark.parametrize("rule", [*GRADIENTS, *NONE, *ROWS], ids=name_of)
def test_the_verdict_is_what_derivatives_of_the_enumerated_update_say(rule, values):
    asymmetry = curl(rule, 2, 2, values)
    verdict = over_prompts(rule, 2, 2, values).verdict
    assert (verdict == "none") == (asymmetry > 1e-6), asymmetry


@pytest.mark.parametrize("prompts", [2, 3])
@pytest.mark.parametrize("n", [2, 3])
def test_on_binary_rewards_rules_of_the_total_are_gradients_and_batch_deviations_of_centred_groups_are_not(prompts, n):
    for rule in GRADIENTS:
        assert over_prompts(rule, prompts, n).verdict == "gradient"
    for rule in NONE:
        assert over_prompts(rule, prompts, n).verdict == "none"


def test_the_sum_that_is_shown_is_what_it_says():
    found = over_prompts(centred_over_the_batch, 3, 2)
    (first, second), (x, y, x2, y2) = found.prompts, found.values

    def M(a, b):
        batch = [list(group) for group in found.batch]
        batch[first].insert(0, a)
        batch[second].insert(0, b)
        advantages = centred_over_the_batch(np.array(batch, dtype=object))
        return advantages[second, 0] - advantages[first, 0]

    assert [len(group) for group in found.batch] == [1, 1, 2]
    assert found.sum == M(x, x2) - M(y, x2) - M(x, y2) + M(y, y2)
    assert found.sum != 0
    assert str(found).startswith(
        "the batch's mean update is the gradient of nothing\nround the 4-cycle 0, 1, 0, 1 of prompt 0 "
    )


def test_the_triangle_that_is_shown_is_what_it_says():
    rule = mx.estimators.get("maxrl_shipped")
    found = over_prompts(rule, 2, 3, THREE)
    (b,), (x, y, z) = found.prompts, found.values
    others = found.batch[b]
    D = [rule([v, w, *others])[0] - rule([w, v, *others])[0] for v, w in ((x, y), (y, z), (z, x))]
    assert [len(group) for group in found.batch] == [1, 3]
    assert found.sum == sum(D) != 0


def test_the_right_direction_on_one_prompt_is_not_enough_for_two():
    assert mx.objective_of("plug_in_loo", 2, THREE).verdict == "direction"
    assert over_prompts(mx.estimators.get("plug_in_loo"), 2, 2, THREE).verdict == "none"


def test_a_sum_of_advantages_in_place_of_their_difference_would_refuse_the_gradient_of_a_product():
    """M has the second prompt's advantage less that of the first: with a plus, what is a gradient would be none."""
    rule = weighted_by_the_other_prompts

    def cycle(sign):
        def M(a, b):
            advantages = rule(np.array([[a, F(0)], [b, F(1)]], dtype=object))
            return advantages[1, 0] + sign * advantages[0, 0]

        return M(F(0), F(0)) - M(F(1), F(0)) - M(F(0), F(1)) + M(F(1), F(1))

    assert over_prompts(rule, 2, 2).verdict == "gradient"
    assert cycle(-1) == 0
    assert cycle(1) != 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rule": "rlo"}, ValueError, r"^rule must be a name in the table, got 'rlo'; did you mean 'rloo'"),
        ({"rule": 3}, TypeError, r"^rule must be a name, a row or a function of likelihoods \(..., N\), got 3$"),
        ({"rule": "sumo"}, TypeError, r"^rule must be a function of groups of rollouts, got sumo, which draws"),
        ({"prompts": 1}, ValueError, r"^prompts must be an int in \[2, 16\], got 1$"),
        ({"prompts": 10**8}, ValueError, r"^prompts must be an int in \[2, 16\], got 100000000$"),
        ({"n": 10**6, "prompts": 16}, ValueError, r"^n must make at most 100000 batches, got 1000000: with 16 prompts"),
        ({"values": [0, 10**400]}, ValueError, r"^values\[1\] must be of a size up to 1e\+100, got 10{36}\.\.\.$"),
        ({"n": 0}, ValueError, r"^n must be an int of at least 1, got 0$"),
        ({"n": 400}, ValueError, r"^n must make at most 100000 batches, got 400: with 2 prompts there are 160801$"),
        ({"values": [1, 1]}, ValueError, r"^values\[1\] must differ from values\[0\], got 1 again$"),
        ({"tolerance": -1}, ValueError, r"^tolerance must be finite and above 0, got -1$"),
        ({"rule": lambda r: r.sum()}, ValueError, r"^rule must return shape \(2, 2\), got \(\)$"),
        ({"rule": lambda r: r * np.nan}, ValueError, r"^what rule returns\[0, 0\] must be finite, got nan$"),
        ({"rule": lambda r: r * np.arange(2)}, ValueError, r"^rule must treat the rollouts of a prompt alike, but the"),
    ],
)
def test_a_wrong_question_is_refused_in_a_line(change, error, message):
    with pytest.raises(error, match=message) as caught:
        over_prompts(**{"rule": of_the_total, "prompts": 2, "n": 2, **change})
    assert "\n" not in str(caught.value)


def twice(*places):
    """RLOO, that of these rollouts of each prompt twice."""

    def rule(r):
        found = mx.estimators.get("rloo")(r)
        found[..., list(places)] *= 2
        return found

    return rule


@pytest.mark.parametrize(("n", "places"), [(3, [1]), (3, [0, 2]), (4, [0, 3]), (5, [0, 4]), (5, [1, 2, 3])])
def test_no_part_of_a_group_is_treated_otherwise_unseen(n, places):
    """A reversal alone would see none of these: each of them is its own mirror image."""
    with pytest.raises(ValueError, match=r"^rule must treat the rollouts of a prompt alike"):
        over_prompts(twice(*places), 2, n)
    with pytest.raises(ValueError, match=r"depends on the order of rollouts"):
        mx.objective_of(twice(*places), n, THREE)
    with pytest.raises(ValueError, match=r"depends on the order of rollouts"):
        mx.effective_weight(twice(*places), n)


def test_a_rule_that_is_another_one_on_fractions_is_judged_by_its_floats():
    def rule(r):
        return r if r.dtype == object else scaled_by_the_batch(r)

    assert over_prompts(rule, 2, 2).verdict == "none"


def test_small_rules_are_judged_by_their_size():
    def rule(r):
        return 1e-9 * scaled_by_the_batch(r)

    assert over_prompts(rule, 2, 2).verdict == "none"
    assert len(over_prompts(rule, 2, 2).columns()["sum"]) == 1


def test_one_rollout_of_each_prompt_is_asked_about_too():
    assert over_prompts(lambda r: r - r.mean(), 2, 1, THREE).verdict == "gradient"
    assert over_prompts(lambda r: r * r[:1].mean(), 2, 1, THREE).verdict == "none"
