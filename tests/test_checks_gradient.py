"""The check that graded rewards ascend something: what is and is not a gradient, and by how much, at every group size.

Wrong versions that are rejected: A(x; y) + A(y; x) for their difference; two rewards only; triangles averaged over the
others; others of the wrong number, or in another's place; a tolerance that is relative to nothing, or to one triangle
where many add up.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

import maxrl_est as mx
from maxrl_est.checks import KnownFault, check_estimator
from maxrl_est.checks._asked import subject_of
from maxrl_est.checks._round_trips import VALUES, round_trip, sides_of
from maxrl_est.checks._runner import run

NAME = "is a gradient"
SIZES = (2, 3, 4, 8, 16, 64)


def mean(r):
    return r.sum(axis=-1, keepdims=True) / r.shape[-1]


def rloo(r):
    return (r - mean(r)) * r.shape[-1] / max(r.shape[-1] - 1, 1)


def over(top, bottom):
    return np.where(bottom == 0, 0, top / np.where(bottom == 0, 1, bottom))


def spread(r):
    return r.max(axis=-1, keepdims=True) - r.min(axis=-1, keepdims=True)


def pairs(r):
    return r[..., :, None] - r[..., None, :]


def ties_of_the_best(r):
    return (r == r.max(axis=-1, keepdims=True)).sum(axis=-1, keepdims=True)


def grpo(r):
    sd = r.std(axis=-1, keepdims=True)
    return (r - mean(r)) / np.where(sd > 1e-12, sd, 1)


def checked(function, sizes=SIZES, **options):
    return run(NAME, subject_of(function, group_sizes=sizes, **options))


NO_GRADIENT = {
    "standardised": grpo,
    "over the mean deviation": lambda r: over(r - mean(r), abs(r - mean(r)).mean(axis=-1, keepdims=True)),
    "over the range": lambda r: over(r - mean(r), spread(r)),
    "MaxRL as shipped": lambda r: over(r - mean(r), mean(r)),
    "self-normalised": lambda r: over(r, mean(r)),
    "MaxRL over K + 1": lambda r: r.shape[-1] * r / (r.sum(axis=-1, keepdims=True) + 1),
    "plug-in": mx.estimators.get("plug_in_loo"),
    "ranks": lambda r: stats.rankdata(r, axis=-1),
    "wins less losses": lambda r: np.sign(pairs(r)).mean(axis=-1),
    "above the mean or below": lambda r: np.sign(r - mean(r)),
    "the best share one": lambda r: over(1.0 * (r == r.max(axis=-1, keepdims=True)), ties_of_the_best(r)),
    "clipped": lambda r: np.clip(r - mean(r), -0.2, 0.2),
    "weighted by a softmax": lambda r: r * np.exp(2 * r) / np.exp(2 * r).mean(axis=-1, keepdims=True),
    "softmax": lambda r: np.exp(2 * r) / np.exp(2 * r).mean(axis=-1, keepdims=True),
    "times the deviation": lambda r: (r - mean(r)) * r.std(axis=-1, keepdims=True),
    "roots of differences": lambda r: (np.sign(pairs(r)) * np.sqrt(abs(pairs(r)))).mean(axis=-1),
    "pass@3 with replacement": lambda r: 3 * (1 - mean(r)) ** 2 * r,
}
GRADIENT = {
    "less the median of all": lambda r: r - np.median(r.astype(np.float64), axis=-1, keepdims=True),
    "less the best": lambda r: r - r.max(axis=-1, keepdims=True),
    "squares": lambda r: r**2 - mean(r**2),
    "passed or not": lambda r: rloo(1.0 * (r > 0.3)),
    "exponentials": lambda r: np.exp(r),
    "times the mean": lambda r: (r - mean(r)) * mean(r),
    "times the mean of failures": lambda r: (r - mean(r)) * (1 - mean(r)),
    "a number for all": lambda r: np.broadcast_to(np.sin(9 * r.sum(axis=-1, keepdims=True)), r.shape).copy(),
    "GRPO's lift to means": mx.lift("grpo", "mean"),
    "GRPO's lift to levels": mx.lift("grpo", "levels"),
    "nothing": lambda r: 0.0 * r,
}


@pytest.mark.parametrize("n", [2, 3, 8, 32])
@pytest.mark.parametrize("name", NO_GRADIENT)
def test_most_that_is_divided_ranked_or_clipped_is_the_gradient_of_nothing(name, n):
    check = checked(NO_GRADIENT[name], (n,))
    assert check.status == "failed"
    assert check.found["N"] == n  # and it did not raise


@pytest.mark.parametrize("name", GRADIENT)
def test_numbers_shared_by_a_group_and_functions_of_one_reward_are_gradients(name):
    assert checked(GRADIENT[name]).status == "passed"


# The numbers, against the definition term by term.


def by_definition(function, x, y, z, others):
    """D(x, y) + D(y, z) + D(z, x), one call for each group."""

    def lead(first, second):
        advantages = function(np.array([first, second, *others], dtype=np.float64))
        return advantages[0] - advantages[1]

    return lead(x, y) + lead(y, z) + lead(z, x)


@pytest.mark.parametrize("n", SIZES)
def test_the_sum_that_is_found_is_that_of_its_triangle_and_no_other_is_larger(n):
    found = checked(grpo, (n,)).found
    subject = subject_of(grpo, group_sizes=(n,))
    sides = sides_of(subject, n)
    triangle, is_open = sides.worst(subject.tolerance)
    assert is_open
    assert len(triangle.others) == n - 2
    corners = [float(value) for value in (triangle.x, triangle.y, triangle.z)]
    assert found["triangle"] == corners
    assert found["sum"] == pytest.approx(by_definition(grpo, *corners, triangle.others), rel=1e-9)
    for others in itertools.combinations_with_replacement(VALUES, n - 2) if n <= 8 else [[v] * (n - 2) for v in VALUES]:
        for x, y, z in itertools.combinations(map(float, VALUES), 3):
            if x == 0:
                assert abs(by_definition(grpo, x, y, z, others)) <= abs(found["sum"]) * (1 + 1e-9)


def test_every_side_in_large_groups_is_of_the_others_that_it_stands_beside():
    asymmetric = mx.estimators.get("self_normalised")
    sides = sides_of(subject_of(asymmetric, group_sizes=(20,)), 20)
    assert len(sides.others) == 16
    for w, counts in enumerate(sides.others):
        assert counts.sum() == 18
        others = np.repeat([float(value) for value in VALUES], counts)
        for x, y in itertools.permutations(range(4), 2):
            group = np.array([float(VALUES[x]), float(VALUES[y]), *others])
            first, second, *_ = asymmetric(group)
            assert sides.found[w, x, y] == pytest.approx(first - second, abs=1e-12)


@pytest.mark.parametrize("name", ["grpo", "maxrl_shipped", "plug_in_loo"])
@pytest.mark.parametrize("n", [3, 8, 12])
def test_the_round_trip_is_that_of_the_objective_that_is_looked_for(name, n):
    row = mx.estimators.get(name)
    trip, _, gains = round_trip(subject_of(row, group_sizes=(n,)), n)
    assert gains
    assert trip.net > 0
    nets = []
    for x, y, z in itertools.combinations(VALUES, 3):
        ways = [float(mx.objective_of(row, n, way).work(*way)) for way in ((x, y), (y, z), (x, z))]
        nets.append(abs(ways[0] + ways[1] - ways[2]))
        if {trip.x, trip.y, trip.z} == {x, y, z}:
            assert abs(trip.net) == pytest.approx(nets[-1], rel=1e-9)
            assert sorted(map(abs, trip.climbs)) == pytest.approx(sorted(map(abs, ways)))
    assert trip.net == pytest.approx(max(nets), rel=1e-9)
    assert checked(row, (n,)).found["work"] == pytest.approx(trip.net, rel=1e-9)


def worse_in_mixed_groups(r):
    steps = (np.diff(np.sort(r, axis=-1), axis=-1) > 0).sum(axis=-1, keepdims=True)
    return rloo(r) + np.where(steps > 2, 1, 0.2) * grpo(r)


def test_a_fault_that_shows_beside_others_that_are_alike_is_the_same_for_every_seed():
    found = [checked(worse_in_mixed_groups, (64,), seed=seed).found for seed in range(3)]
    assert all(KnownFault("", found[0]).matches(other) for other in found)


# Up to how much.


def test_what_is_let_pass_is_relative_to_the_advantages_and_said():
    bent = lambda r: rloo(r) + 3e-6 * grpo(r)  # noqa: E731
    assert "(tolerance 0.0001)" in checked(bent, (4, 8)).message
    assert checked(bent, (4, 8), tolerance=1e-7).status == "failed"
    for size in (1e-5, 1e5):
        assert checked(lambda r, size=size: size * bent(r), (4, 64)).status == "passed"
        assert checked(lambda r, size=size: size * grpo(r), (4, 64)).status == "failed"


def test_small_triangles_that_add_up_in_large_groups_are_found_by_the_round_trip():
    biased = NO_GRADIENT["pass@3 with replacement"]
    subject = subject_of(biased, group_sizes=(256,))
    assert not sides_of(subject, 256).worst(subject.tolerance)[1]
    check = checked(biased, (256,))
    assert check.status == "failed"
    assert check.found["work"] > 1e-3


def test_a_gradient_in_short_floats_is_one():
    assert checked(lambda r: rloo(np.asarray(r, dtype=np.float32))).status == "passed"
    assert checked(lambda r: grpo(np.asarray(r, dtype=np.float32))).status == "failed"


# What is asked, and what is said.


def test_a_gradient_in_small_groups_only_is_found_out():
    check = checked(lambda r: grpo(r) if r.shape[-1] > 16 else rloo(r))
    assert check.status == "failed"
    assert check.found["N"] == 64
    assert checked(lambda r: rloo(r) if r.shape[-1] > 8 else grpo(r)).found["N"] == 8


def test_it_is_named_at_all_sizes_where_rationals_say_what_it_is():
    assert checked("ustat").message == (
        "on rewards 0, 1/4, 1/2, 1 exactly the gradient of J_N at N = 2, 3, 4, 8; at N = 16, 64 no round trip gains, "
        "beside 16 sets of others where N > 16"
    )
    messages = {name: checked(name, (4, 8)).message for name in ("tailrl_centred", "mean_centred", "jackknife")}
    assert "exactly the gradient of levels of J_{N-1} at N = 4, 8" in messages["tailrl_centred"]
    assert "exactly the gradient of E l, times a factor that depends on N, at N = 4, 8" in messages["mean_centred"]
    assert "without a name (0, 0.6931, 1.386, 2.079 where all are alike, at N = 8)" in messages["jackknife"]
    assert messages["jackknife"].startswith("on rewards 1/8, 1/4, 1/2, 1 the gradient of")


def test_a_failure_shows_the_round_trip_the_triangle_and_the_lift():
    message = checked("maxrl_shipped", (8,)).message
    assert "from all rollouts at 0 to all at 1/4 to all at 1 it climbs" in message
    assert "training can go round for ever, and no objective rises all the time; in groups with 6 at 0 more" in message
    assert (
        "the advantage of 0 less that of 1/4, of 1/4 less that of 1, and of 1 less that of 0 add up to -4.8, not 0"
        in message
    )
    assert "maxrl_est.lift('maxrl_shipped', 'mean') ascends J_7 of the mean reward, and 'levels' J_7 of" in message
    assert "maxrl_est.lift(grpo, 'mean') and 'levels' ascend what it does on 0/1 rewards" in checked(grpo, (8,)).message
    assert "lift" not in checked(grpo, (8,), positive_only=True).message


def test_where_the_trouble_takes_two_prompts_that_is_said():
    assert "on two prompts or more can go round for ever" in checked("plug_in_loo", (8,)).message
    assert "(on one alone, at N = 8, it has locally the direction" in checked("plug_in_loo", (8, 64)).message
    assert "two prompts" not in checked(grpo, (8, 64)).message


@pytest.mark.parametrize("n", [4, 64])
def test_the_line_that_reproduces_it_finds_no_gradient(n):
    line = checked(grpo, (n,)).reproduce
    assert eval(line, {"maxrl_est": mx, "grpo": grpo}).verdict != "gradient"


def test_it_is_not_asked_of_what_is_meant_for_two_rewards_or_cannot_be_enumerated():
    assert checked(grpo, binary_only=True).message == "on 0/1 rewards every advantage ascends something"
    assert checked(grpo, values=(-1, 1)).status == "skipped"
    assert checked(grpo, same_as="grpo").status == "skipped"
    assert checked(lambda r: r - r.mean()).message.startswith("cannot be enumerated: depends on the batch")


def test_the_gradient_of_an_objective_without_a_name_is_held_against_none():
    """GRPO itself, which is no gradient, is still shown what it misses."""
    lifted = check_estimator(mx.lift("grpo", "mean"), group_sizes=[4, 8], on_fail=None)
    assert lifted["is a gradient"].status == "passed"
    assert lifted["bias on graded likelihoods"].status == "skipped"
    assert lifted["effective objective"].status == "failed"
    assert check_estimator("grpo", group_sizes=[4, 8], on_fail=None)["bias on graded likelihoods"].status == "failed"


def test_names_of_different_sizes_stand_with_their_sizes():
    message = checked("tailrl_centred", (2, 4, 8)).message
    assert "exactly the gradient of E l at N = 2; levels of J_{N-1} at N = 4, 8" in message


def test_a_way_back_that_loses_nothing_is_said_so():
    def beyond(r):
        kept = (r.mean(-1, keepdims=True) > 0.2) & (r.mean(-1, keepdims=True) < 0.8)
        return kept * (r - r.mean(-1, keepdims=True))

    assert "and coming straight back it loses nothing, so that every round trip gains" in checked(beyond, (4,)).message


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1e3])
def test_a_learning_rate_hides_nothing(factor):
    """Rejects a bound of rounding that is the same for all: small advantages would pass."""
    assert checked(lambda r: factor * grpo(r), (4, 32)).status == "failed"
    assert checked(lambda r: factor * rloo(r), (4, 32)).status == "passed"


def test_ranks_whose_numbers_are_small_ints_are_no_half_precision():
    def signed_squares(r):
        d = np.sign(r[..., :, None] - r[..., None, :]).sum(-1)
        return d * abs(d)

    for n in (8, 12, 16):
        assert mx.objective_of(lambda r: signed_squares(r.astype(float)), n, (0, 0.25, 0.5, 1)).verdict == "none"
    assert "locally the direction" not in checked(signed_squares, (16,)).message


def test_large_groups_have_many_kinds_of_others():
    """Rejects others that are nearly all alike: a fault beside mixtures alone would pass."""
    subject = subject_of(rloo, group_sizes=(64,))
    sides = sides_of(subject, 64)
    assert (np.sort(sides.others[sides.usual :], axis=1)[:, -2] >= 5).sum() >= 8

    def beside_mixtures(r):
        mixed = (np.sort(r, axis=-1)[..., 12:13] < np.sort(r, axis=-1)[..., -12:-11]) * 1.0
        return rloo(r) + 0.02 * mixed * grpo(r) * (r.std(-1, keepdims=True) > 0.3)

    assert checked(beside_mixtures, (64,)).status == "failed"


def test_where_small_groups_have_an_objective_no_direction_is_said_of_large_ones():
    message = checked(lambda r: mx.estimators.get("plug_in_loo")(r) if r.shape[-1] > 16 else rloo(r), (8, 64)).message
    assert message.startswith("N = 64")
    assert "direction" not in message


def test_a_fault_that_no_round_trip_shows_is_found_by_a_triangle():
    """Along an edge groups have two rewards: what three different others do, only a triangle sees."""

    def beside_three(r):
        different = [
            len(np.unique(np.delete(group, i))) >= 3 for group in r.reshape(-1, r.shape[-1]) for i in range(r.shape[-1])
        ]
        return r * (1 + np.reshape(different, r.shape))

    check = checked(beside_three, (8,))
    assert (check.status, check.found["work"]) == ("failed", 0)


def test_levels_in_float32_are_float32_and_an_objective_without_a_name():
    def levels(r):
        total = 0
        for t in (0.2, 0.4, 0.6, 0.8):
            b = (r > t).astype(np.float32)
            total = total + (b - mean(b)) / (b.std(-1, keepdims=True, ddof=1) + np.float32(1e-4))
        return total / 4

    for n in (3, 4, 8):
        found = mx.objective_of(lambda r: levels(r.astype(float)), n, VALUES)
        assert (found.verdict, found.levels.precision.name) == ("gradient", "float32")
    report = check_estimator(levels, group_sizes=[4, 8], on_fail=None)
    assert report["is a gradient"].status == "passed"
    assert report["leave-one-out"].status == "skipped"


def test_counts_are_no_half_precision():
    def ranks_times_successes(r):
        wins = (r[..., :, None] > r[..., None, :]).sum(-1)
        return wins * (r > 0.5).sum(-1, keepdims=True) * 1.0

    for n in (10, 12, 16):
        assert checked(ranks_times_successes, (n,)).status == "failed"
