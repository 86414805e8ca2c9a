"""Of what an advantage is the gradient: triangles, rebuilt objectives and work, each by a second route."""

import itertools
import math
import pickle
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.ascent import _triangles
from maxrl_est.ascent._levels import different_values, levels_of
from maxrl_est.ascent._potential import potential

THREE, FOUR = (F(0), F(1, 2), F(1)), (F(0), F(1, 5), F(1, 2), F(1))
POSITIVE = (F(1, 10), F(1, 5), F(1, 2), F(1))
NONE = ("grpo", "grpo_population", "maxrl", "maxrl_cv", "maxrl_shipped", "self_normalised")
LAW = (F(1, 7), F(2, 7), F(1, 7), F(3, 7))
NEEDS = {"passk_loo": 3, "maxk_loo": 3, "mean_less_gini": 3, "mean_less_variance": 3, "median": 4}
ROWS = [(name, n) for name in mx.estimators.names() for n in (2, 3, 4) if n >= NEEDS.get(name, 2)]


def values_of(name, values=FOUR):
    return POSITIVE[: len(values)] if mx.estimators.get(name).positive_only else values


def asked(name, n, values=FOUR):
    values = values_of(name, values)
    return mx.objective_of(name, n, values), values


def beside(function, x, others):
    """The advantage of a rollout of value x whose others are these: the first of its group."""
    return np.asarray(function(np.array([x, *others], dtype=object)))[0]


def triangles(function, n, values):
    """All sums round triangles, by the definition, one group at a time."""

    def D(x, y, w):
        return beside(function, x, (y, *w)) - beside(function, y, (x, *w))

    for w in itertools.combinations_with_replacement(values, n - 2):
        for x, y, z in itertools.combinations(values, 3):
            yield D(x, y, w) + D(y, z, w) + D(z, x, w)


def slopes(of_law, law, degree):
    """The derivative of a polynomial of the law towards each vertex, exactly, from its values on the way there."""
    found = []
    for towards in np.eye(len(law), dtype=int):
        ts = [F(j, 2 * degree) for j in range(degree + 1)]
        values = [of_law([(1 - t) * p + t * int(e) for p, e in zip(law, towards, strict=True)]) for t in ts]
        found.append(sum(value * slope_of_lagrange(ts, j) for j, value in enumerate(values)))
    return np.array(found, dtype=object)


def slope_of_lagrange(ts, j):
    """At 0, of the polynomial that is 1 at ts[j] and 0 at the others."""
    others = [t for i, t in enumerate(ts) if i != j]
    scale = math.prod(ts[j] - t for t in others)
    return sum(math.prod(-t for t in others if t != left) for left in others) / scale


@pytest.mark.parametrize(("name", "n"), ROWS)
def test_the_mean_update_is_the_gradient_of_the_rebuilt_objective(name, n):
    """Its slope towards each value, times the value's chance, is E[g] of a softmax policy, as enumerated."""
    found, values = asked(name, n)
    if found.verdict != "gradient":
        assert name in (*NONE, "plug_in_loo")
        return
    mean = mx.exact_moments(mx.problems.Bandit(list(LAW), list(values)), name, n).mean
    expected = np.array(LAW, dtype=object) * slopes(found.value, LAW, n)
    if found.exact:
        assert (mean == expected).all()
        assert mean.any() or name in ("tailrl_centred", "maxrl_shipped", "ustat_pass_loo")
    else:
        np.testing.assert_allclose(mean.astype(float), expected.astype(float), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", [*NONE, "plug_in_loo", "ustat", "rloo", "tailrl", "maxk"])
def test_what_fails_a_triangle_by_its_definition_is_no_gradient(name):
    row = mx.estimators.get(name)
    function = row if name not in ("grpo", "grpo_population") else lambda group: row(group.astype(float))
    found, values = asked(name, 4)
    sums = [abs(x) for x in triangles(function, 4, values)]
    assert (found.verdict == "gradient") == (max(sums) < 1e-12)
    if found.triangle is not None:
        again = found.triangle
        D = [
            beside(function, x, (y, *again.others)) - beside(function, y, (x, *again.others))
            for x, y in ((again.x, again.y), (again.y, again.z), (again.z, again.x))
        ]
        np.testing.assert_allclose([float(x) for x in again.sides], [float(x) for x in D], rtol=1e-12)
        assert float(again.sum) == pytest.approx(float(sum(D)), rel=1e-12)
        assert list(again.others) == sorted(again.others)
        assert abs(float(again.sum)) > 0.9 * float(max(sums)) / 2  # of the corner that was chosen, the largest


@pytest.mark.parametrize("n", [2, 4, 8])
@pytest.mark.parametrize("name", ["grpo", "grpo_population", "maxrl_shipped", "self_normalised", "maxrl"])
def test_normalised_rules_are_the_gradient_of_nothing(name, n):
    """Not even on one prompt, on four values; on three they have the direction of one, as everything has."""
    assert mx.objective_of(name, n, FOUR).verdict == "none"
    assert mx.objective_of(name, n, THREE).verdict == "direction"


@pytest.mark.parametrize("values", [THREE, FOUR, (*FOUR, F(3, 4))])
def test_the_plug_in_has_the_direction_of_the_pass_rates_gradient_on_one_prompt(values):
    found = mx.objective_of("plug_in_loo", 4, values)
    assert found.verdict == "direction"
    assert found.exact
    floats = mx.objective_of(lambda l: np.asarray(mx.estimators.get("plug_in_loo")(l.astype(float))), 4, values)
    assert not floats.exact
    assert floats.verdict == "direction"


def test_triangles_of_shipped_maxrl_and_the_plug_in_have_closed_forms():
    for x, y, z in ((F(0), F(1, 2), F(1)), (F(1, 5), F(1, 3), F(1, 2))):
        for n in (2, 3, 5):
            for name in ("maxrl_shipped", "self_normalised", "maxrl"):
                got = mx.objective_of(name, n, (x, y, z)).triangle
                W = sum(got.others)
                closed = n * (x - y) * (y - z) * (z - x) / ((x + y + W) * (y + z + W) * (z + x + W))
                assert got.sum == -closed < 0
            got = mx.objective_of("plug_in_loo", n, (x, y, z)).triangle
            c = 1 + sum(got.others)
            assert got.sum == n * (x - y) * (y - z) * (z - x) / ((c + x) * (c + y) * (c + z)) > 0


@pytest.mark.parametrize("n", [2, 3, 4, 8, 16])
def test_grpos_triangle_is_as_large_as_its_bound_says(n):
    x, y, z = F(0), F(1, 2), F(1)

    def population(r):
        return (r - r.mean(-1, keepdims=True)) / np.maximum(r.std(-1, keepdims=True), 1e-300)

    got = mx.objective_of(population, n, (x, y, z))
    assert abs(got.triangle.sum) >= n * (2 / math.sqrt(n - 1) - math.sqrt(2 / n)) * (1 - 1e-9)


def test_the_estimate_of_a_group_has_the_objective_as_its_mean():
    for name in ("ustat", "maxk", "tailrl_centred"):
        found = mx.objective_of(name, 3, FOUR)
        total = F(0)
        for outcomes in itertools.product(range(4), repeat=3):
            chance = math.prod(LAW[o] for o in outcomes)
            total += chance * found.estimate(np.array([FOUR[o] for o in outcomes], dtype=object))
        assert total == found.value(LAW)


def test_the_estimate_is_that_of_maxrl_where_maxrl_is_ascended():
    found = mx.objective_of("ustat_mean_loo", 4, FOUR)
    groups = np.array([[0, 0.5, 1, 1], [0.5, 0.5, 0, 0.5]])
    start = mx.objective_estimate(np.zeros(4))
    np.testing.assert_allclose(found.estimate(groups), mx.objective_estimate(groups) - start, rtol=1e-14)
    assert found.estimate(groups[0]) == found.estimate(groups[0, ::-1])
    assert isinstance(found.estimate([F(1, 2), F(1), F(0), F(0)]), F)


def test_another_reference_moves_the_objective_by_a_constant():
    first, last = (mx.objective_of("ustat", 4, FOUR, reference=r) for r in (0, F(1, 2)))
    gap = first.value([0, 0, 1, 0])
    assert gap > 0
    assert last.value([0, 0, 1, 0]) == 0
    assert first.value(LAW) - last.value(LAW) == gap
    assert last.work(F(1, 2), 1) == first.work(F(1, 2), 1)


@pytest.mark.parametrize("name", ["ustat", "maxk", "maxrl_shipped", "plug_in_loo"])
def test_work_is_the_integral_of_the_update_along_an_edge(name):
    """By Gauss and Legendre's rule, of enough nodes to be exact, over the enumerated mean update."""
    found = mx.objective_of(name, 4, THREE)
    x, y = F(1, 2), F(1)
    t, weights = np.polynomial.legendre.leggauss(8)
    total = 0.0
    for at, weight in zip((t + 1) / 2, weights / 2, strict=True):
        law = mx.problems.Bandit([1 - at, at], [float(x), float(y)])
        mean = mx.exact_moments(law, name, 4).mean  # along the logits: chance times (a_y - mean)
        total += weight * mean[1] / (at * (1 - at))
    assert float(found.work(x, y)) == pytest.approx(total, rel=1e-9)
    if found.verdict == "gradient":
        assert found.work(x, y) == found.value([0, 0, 1]) - found.value([0, 1, 0])
        assert found.work(0, x) + found.work(x, y) + found.work(y, 0) == 0
    else:
        assert found.work(0, x) + found.work(x, y) + found.work(y, 0) != 0


NAMED = {
    "3/4 x E l": "mean_centred",
    "J_4": "ustat",
    "J_3": "ustat_pass_loo",
    "pass@2": "passk",
    "E max of 2": "maxk",
    "levels of J_4": "tailrl",
    "E min of 3": mx.advantage_of(lambda x: x.min(axis=-1), 3),
    "E max of 4": mx.advantage_of(lambda x: x.max(axis=-1), 4),
    "E median of 3": mx.advantage_of(lambda x: np.sort(x, axis=-1)[..., 1], 3),
    "pass^2": mx.advantage_of(lambda x: x.prod(axis=-1), 2),
    "E l - 1/4 E|l - l'|": mx.advantage_of(lambda x: x.sum(axis=-1) / 2 - abs(x[..., 0] - x[..., 1]) / 4, 2),
    "E l + 3/4 E|l - l'|": mx.advantage_of(lambda x: x.sum(axis=-1) / 2 + 3 * abs(x[..., 0] - x[..., 1]) / 4, 2),
    "2 x (E l - 3 Var l)": mx.advantage_of(lambda x: x.sum(axis=-1) - 3 * (x[..., 0] - x[..., 1]) ** 2, 2),
    "-1 x Var l": mx.advantage_of(lambda x: -((x[..., 0] - x[..., 1]) ** 2) / 2, 2),
    "E l - 1/2 Var l": "mean_less_variance",
    "E phi(l)": mx.advantage_of(lambda x: x[..., 0] ** 2, 1),
    "-1 x E l": lambda l: -l,
    "0 (no learning)": lambda l: 0 * l,
}


@pytest.mark.parametrize("expected", NAMED)
def test_known_functionals_are_called_by_their_names(expected):
    found = mx.objective_of(NAMED[expected], 4, FOUR)
    assert found.verdict == "gradient"
    assert found.exact
    assert found.nearest.agreement == "exactly"
    assert found.name == expected


@pytest.mark.parametrize("expected", [name for name in NAMED if not name.startswith("0")])
def test_names_are_found_in_floats_and_on_values_inside_the_unit_interval(expected):
    def floats(l):
        function = NAMED[expected]
        return np.asarray((mx.estimators.get(function) if isinstance(function, str) else function)(l.astype(float)))

    found = mx.objective_of(floats, 4, (0.1, 0.25, 0.6, 0.85))
    assert not found.exact
    assert found.verdict == "gradient"
    assert found.nearest.agreement == "to rounding"
    plain = expected.replace("1/4 ", "0.25 ").replace("3/4 E", "0.75 E").replace("1/2 V", "0.5 V")
    assert found.name == plain


def test_an_objective_without_a_name_says_which_is_nearest():
    found = mx.objective_of(mx.lift("grpo", "mean"), 8, FOUR)
    assert found.verdict == "gradient"
    assert found.name.startswith("F(E l), F nearest 1.96")
    levels = mx.objective_of(mx.lift("grpo", "levels"), 8, FOUR)
    assert levels.name.startswith("levels of F, F nearest 1.96")
    other = mx.objective_of(mx.advantage_of(lambda x: x.sum(-1) / 4 - x.prod(-1) * x.max(-1), 4), 4, FOUR)
    assert other.verdict == "gradient"
    assert not other.nearest.known
    assert str(other.nearest).startswith("no known objective; nearest ")


@pytest.mark.parametrize("n", [4, 15, 16, 64])
def test_an_objective_without_a_name_is_told_from_medians_in_large_groups_too(n):
    """Rejects the weight of a median in floats by powers of q, which are refused from 15 on."""
    found = mx.objective_of(mx.lift("grpo", "mean"), n, (0, F(1, 2), 1))
    assert found.name.startswith("F(E l), F nearest ")


@pytest.mark.parametrize(("k", "n"), [(3, 4), (5, 16), (15, 16), (17, 20), (9, 24)])
def test_medians_are_known_in_large_groups(k, n):
    """Of all that there are for this n, the right one, exactly and in floats."""
    row = mx.estimators.get(f"median({k})")
    for function, agreement in ((row, "exactly"), (lambda l: row(l.astype(float)), "to rounding")):
        found = mx.objective_of(function, n, (0, 1))
        assert (found.name, found.nearest.agreement) == (f"E median of {k}", agreement)


def test_the_mean_of_a_logarithm_is_known_where_likelihoods_are_positive():
    assert mx.objective_of("vimco", 4, POSITIVE).name == "E log mean of 4"
    assert mx.objective_of("jackknife", 4, POSITIVE).verdict == "gradient"


def test_two_values_say_what_the_effective_weight_says_and_that_they_cannot_tell():
    for name in ("maxrl_shipped", "ustat", "plug_in_loo"):
        found = mx.objective_of(name, 4, (0, 1))
        near = mx.effective_weight(name, 4).nearest()
        assert found.verdict == "gradient"
        assert (found.nearest.objective, found.nearest.scale) == (near.objective, near.scale)
        assert found.title()[-1] == "two values cannot tell: ask with three or more"
    assert mx.objective_of("grpo", 4, (0, 1)).verdict == "gradient"


def test_rewards_outside_the_unit_interval_are_asked_about_as_they_are():
    assert mx.objective_of("rloo", 4, (-1, 0, 2)).name == "E l"
    assert mx.objective_of("maxk", 4, (-1, 0, 2)).name == "E max of 2"
    assert mx.objective_of("grpo", 4, (-1, F(1, 5), 0, 2)).verdict == "none"


def test_groups_of_one_ascend_the_mean_of_any_function_of_the_reward():
    found = mx.objective_of(lambda l: l**2, 1, FOUR)
    assert (found.verdict, found.name) == ("gradient", "E phi(l)")
    assert found.value([0, 0, 1, 0]) == F(1, 4)


# Wrong versions of the question, each of which gives another answer than the right one somewhere.


def test_sums_in_place_of_differences_would_refuse_rloo():
    levels = levels_of(mx.estimators.get("rloo"), 4, different_values(FOUR))
    right = _triangles.differences(levels.beside, 4)
    with_other = levels.beside[_triangles.joined(2, 4)]
    wrong = with_other.swapaxes(-1, -2) + with_other
    for D, expected in ((right, False), (wrong, True)):
        assert (D[:, 0, :, None] + D + D[:, None, :, 0]).any() == expected


def test_two_values_alone_would_let_grpo_pass():
    assert mx.objective_of("grpo", 4, (0, 1)).triangle is None
    assert mx.objective_of("grpo", 4, THREE).triangle is not None


def test_an_average_over_the_others_would_let_a_rule_pass_whose_sums_cancel():
    """l_i s(l_j) s(l_k), where s adds up to 0 over the values: so do the sums round a triangle, over the others."""
    mean = sum(value**2 for value in FOUR) / 4

    def rule(l):
        others = [np.delete(l**2 - mean, i, axis=-1).prod(axis=-1) for i in range(3)]
        return l * np.stack(others, axis=-1)

    sums = list(triangles(rule, 3, FOUR))
    found = mx.objective_of(rule, 3, FOUR)
    assert found.exact
    assert found.verdict != "gradient"
    assert any(sums)
    assert sum(sums) == 0


def test_a_telescope_without_its_divisor_or_without_the_reference_is_another_objective():
    levels = levels_of(mx.estimators.get("ustat"), 3, different_values(FOUR))
    found = mx.objective_of("ustat", 3, FOUR)
    right = telescope(mx.estimators.get("ustat_one"), 3, FOUR, LAW, forget_reference=False)
    assert right / 3 == found.value(LAW)
    assert right != found.value(LAW)
    assert telescope(mx.estimators.get("ustat_one"), 3, FOUR, LAW, forget_reference=True) / 3 != found.value(LAW)
    assert potential(levels, 0).max() == found.value([0, 0, 0, 1])


def telescope(function, n, values, law, *, forget_reference):
    """sum_j E[A(y_0; y_1..y_j, r..) - A(r; y_1..y_j, r..)], the first of the values being r."""
    total = F(0)
    for j in range(n):
        for outcomes in itertools.product(range(len(values)), repeat=j + 1):
            chance = math.prod(law[o] for o in outcomes)
            first, *rest = (values[o] for o in outcomes)
            others = (*rest, *[values[0]] * (n - 1 - j))
            less = 0 if forget_reference and j == 1 else beside(function, values[0], others)
            total += chance * (beside(function, first, others) - less)
    return total


def test_grpo_does_not_ascend_the_arcsine_of_the_root_on_graded_rewards():
    """As it does of the pass rate, in large groups: work between levels is the same for all of them."""
    found = mx.objective_of("grpo_population", 16, THREE)
    lower, upper, whole = found.work(0, F(1, 2)), found.work(F(1, 2), 1), found.work(0, 1)
    assert lower == pytest.approx(whole, rel=1e-3)
    assert upper == pytest.approx(whole, rel=1e-3)
    assert lower + upper > 1.9 * whole


# What floats, sizes and results may be.


def centred(r):
    return r - r.mean(axis=-1, keepdims=True)


def standardised(r):
    return centred(r) / (r.std(axis=-1, keepdims=True) + 1e-300)


def of_others(r):
    return r.sum(axis=-1, keepdims=True) - r


@pytest.mark.parametrize("size", [1e-12, 1e-6, 1.0, 1e6])
def test_rewards_of_any_size_are_judged_by_their_size(size):
    """Rejects a bound of rounding that is the same for all: small rewards would teach nothing, or be no gradient."""
    values = [0, size / 2, size]
    found = mx.objective_of(lambda r: centred(r.astype(float)), 4, values)
    assert (found.verdict, found.name) == ("gradient", "3/4 x E l")
    assert mx.objective_of(lambda r: standardised(r.astype(float)), 4, values).verdict == "direction"


@pytest.mark.parametrize("factor", [1e-12, 1e-3, 1e9])
def test_advantages_of_any_size_are_judged_by_their_size(factor):
    found = mx.objective_of(lambda r: factor * standardised(r.astype(float)), 4, FOUR)
    assert found.verdict == "none"


def test_large_baselines_of_the_others_hide_no_triangle():
    """Rejects rounding by the largest advantage where it is the difference of two that counts."""
    found = mx.objective_of(lambda r: standardised(r.astype(float)) + 1e7 * of_others(r.astype(float)), 4, FOUR)
    assert found.verdict == "none"
    found = mx.objective_of(lambda r: centred(r.astype(float)) + 1e6 * of_others(r.astype(float)), 4, FOUR)
    assert (found.verdict, found.nearest.objective) == ("gradient", mx.Objective.expected())


def test_a_direction_on_one_prompt_is_local():
    """Rock, paper and scissors: three values, and round the uniform law, where the update is 0, it turns for ever."""
    wins = {(0, 1), (1, 2), (2, 0)}

    def rule(r):
        x, y = r[..., 0], r[..., 1]
        first = sum(((x == a) & (y == b)) * 1.0 - ((x == b) & (y == a)) * 1.0 for a, b in wins)
        return np.stack([first, -first], axis=-1)

    found = mx.objective_of(rule, 2, (0, 1, 2))
    assert found.verdict == "direction"
    assert "locally" in found.title()[0]
    uniform = mx.exact_moments(mx.problems.Bandit([1 / 3] * 3, [0.0, 0.5, 1.0]), lambda l: rule((2 * l).round()), 2)
    assert abs(uniform.mean).max() < 1e-15
    assert found.work(0, 1) + found.work(1, 2) + found.work(2, 0) != 0


def test_an_objective_that_is_none_of_the_usual_ones_has_no_name():
    found = mx.objective_of(mx.advantage_of(lambda x: x.sum(-1) / 4 - x.prod(-1) * x.max(-1), 4), 4, FOUR)
    assert (found.verdict, found.name) == ("gradient", "an objective without a name")
    assert mx.objective_of("maxrl_shipped", 4, FOUR).name is None


def test_an_objective_that_is_the_same_at_both_ends_is_told_without_a_warning():
    assert mx.objective_of(lambda r: r * (1 - r), 3, THREE).name == "E phi(l)"


def test_fractions_come_of_fractions_and_floats_of_floats():
    found = mx.objective_of("ustat", 3, FOUR)
    exact, rounded = found.value(LAW), found.value([float(p) for p in LAW])
    assert isinstance(exact, F)
    assert isinstance(rounded, float)
    assert rounded == pytest.approx(float(exact), rel=1e-14)
    assert found.value(np.array([0.1, 0.2, 0.3, 0.4], dtype=np.float32)) == pytest.approx(
        found.value([0.1, 0.2, 0.3, 0.4]), rel=1e-6
    )
    assert all(isinstance(x, F) for x in found.estimate(np.array([[F(0)] * 3, [F(1)] * 3])))
    assert found.estimate(np.zeros((0, 3))).shape == (0,)


def test_rewards_in_float32_are_the_values_that_they_are_nearest_to():
    found = mx.objective_of("rloo", 3, [0.1, 0.5, 1])
    assert found.estimate(np.array([0.1, 1, 1], dtype=np.float32)) == pytest.approx(0.6, rel=1e-6)


def test_results_are_equal_where_all_is_and_cannot_be_changed():
    found, again = (mx.objective_of("ustat", 3, THREE) for _ in range(2))
    assert found == again == pickle.loads(pickle.dumps(found))
    assert hash(found) == hash(again)
    assert found != mx.objective_of("ustat_one", 3, THREE)
    assert found != "ustat"
    assert len(repr(found)) < 300
    with pytest.raises(ValueError, match="read-only"):
        found.potential[:] = 0


@pytest.mark.parametrize("n", [2, 6, 16])
def test_a_spread_alone_has_its_name_in_floats(n):
    """Rejects a factor of rounding before E l."""

    def pairs(r):
        r = r.astype(float)
        return ((r[..., :, None] - r[..., None, :]) ** 2).sum(-1) / (r.shape[-1] - 1)

    assert mx.objective_of(pairs, n, THREE).name == "Var l"


def test_floats_that_learn_little_learn_something():
    """Rejects a least advantage by the size of rewards: half precision would learn nothing, and a small rate."""

    def little(r):
        return (0.01 * centred(r.astype(np.float16))).astype(float)

    assert mx.objective_of(little, 4, THREE).name != "0 (no learning)"
    assert mx.objective_of(lambda r: 1e-15 * centred(r.astype(float)), 4, THREE).name != "0 (no learning)"


def test_rewards_far_from_0_are_no_dependence_on_order():
    for values in ([1e6, 1e6 + 0.5, 1e6 + 1], [1000, 1000.5, 1001]):
        found = mx.objective_of(lambda r: centred(r.astype(float)), 6, values)
        assert (found.verdict, found.nearest.objective) == ("gradient", mx.Objective.expected())


def test_rewards_close_together_are_asked_about_without_overflow():
    found = mx.objective_of(lambda r: r.astype(float) * (r.max(axis=-1, keepdims=True) >= 0), 64, [0, 5e-6, 1e-5])
    assert found.name == "E l"
    spread = mx.objective_of(lambda r: mx.estimators.get("mean_less_variance")(r.astype(float)), 48, [0, 5e-8, 1e-7])
    assert spread.verdict == "gradient"


REWARDS = r"one of the values 0, 1/2, 1, got 0.3"
WRONG = [
    ({"values": [1]}, ValueError, r"^values must be two numbers or more, got \[1\]$"),
    ({"values": [0, 1, 0]}, ValueError, r"^values\[2\] must differ from values\[0\], got 0 again$"),
    ({"values": [0, float("nan")]}, ValueError, r"^values\[1\] must be finite, got nan$"),
    ({"values": [0, "1"]}, TypeError, r"^values\[1\] must be an int, a float or a Fraction, got '1'$"),
    ({"values": {0, 1}}, TypeError, r"^values must be a list, which has an order, got {0, 1}"),
    ({"values": [0, 10**400]}, ValueError, r"^values\[1\] must be of a size up to 1e\+100, got 10{36}\.\.\.$"),
    ({"advantage": lambda l: l + 1j}, TypeError, r"^advantage must return real numbers, got dtype complex128$"),
    ({"advantage": lambda l: l.astype(str)}, TypeError, r"^advantage must return real numbers, got dtype <U"),
    ({"advantage": lambda l: {"a": l}}, ValueError, r"^advantage must return the shape of likelihoods, "),
    ({"advantage": lambda l: [[1.0], [1.0, 2.0]]}, ValueError, r"^advantage must return one array, got rows of diff"),
    ({"advantage": lambda l: np.ma.masked_equal(l, 0)}, ValueError, r"^advantage must return a number for every ro"),
    ({"values": 1}, TypeError, r"^values must be a list of numbers, the rewards that occur, got 1$"),
    ({"n": 0}, ValueError, r"^n must be an int of at least 1, got 0$"),
    ({"n": 2.0}, TypeError, r"^n must be an int of at least 1, got 2.0$"),
    (
        {"n": 200, "values": [0, F(1, 4), F(1, 2), F(3, 4), 1]},
        ValueError,
        r"^n must make groups of at most 10000000 rollouts in all, got 200: with 5 values there are 70058751 groups$",
    ),
    (
        {"values": list(range(4000)), "n": 2},
        ValueError,
        r"^n must make groups of at most 1000.* there are 8002000",
    ),
    ({"advantage": "roo"}, ValueError, r"^advantage must be a name in the table, got 'roo'; did you mean 'rloo'"),
    ({"advantage": 3}, TypeError, r"^advantage must be a name, a row or a function of likelihoods \(..., N\), got 3$"),
    ({"advantage": "sumo"}, TypeError, r"^advantage must be a function of groups of rollouts, got sumo, which draws"),
    ({"advantage": lambda l: l - l.mean()}, ValueError, r"^advantage must judge each group by itself, but this adv"),
    ({"advantage": lambda l: l * np.arange(4)}, ValueError, r"^advantage must treat rollouts alike, but this advant"),
    (
        {"advantage": lambda l: l * np.nan},
        ValueError,
        r"^advantage must be finite, got \[nan, nan, nan, nan\] for \[1.0",
    ),
    ({"advantage": lambda l: l[..., :1]}, ValueError, r"^advantage must return the shape of likelihoods, "),
    ({"reference": 2}, ValueError, r"^reference must be one of the values 0, 1/2, 1, got 2$"),
    ({"reference": "0"}, TypeError, r"^reference must be an int, a float or a Fraction, got '0'$"),
    ({"tolerance": 0}, ValueError, r"^tolerance must be finite and above 0, got 0$"),
]


@pytest.mark.parametrize(("change", "error", "message"), WRONG)
def test_a_wrong_question_is_refused_in_a_line(change, error, message):
    with pytest.raises(error, match=message) as caught:
        mx.objective_of(**{"advantage": "rloo", "n": 4, "values": THREE, **change})
    assert "\n" not in str(caught.value)


def test_wrong_laws_groups_and_values_are_refused_in_a_line():
    found, none = (mx.objective_of(name, 4, THREE) for name in ("ustat", "maxrl_shipped"))
    for call, error, message in (
        (
            lambda: found.value([0.5, 0.5]),
            ValueError,
            r"probabilities must be of shape \(3,\), one for each value",
        ),
        (lambda: found.value([0.5, 0.6, -0.1]), ValueError, r"probabilities\[2\] must lie in \[0, 1\], got -0.1"),
        (lambda: found.value([0.5, 0.5, 0.1]), ValueError, r"probabilities must have the sum 1, got 1.1"),
        (lambda: found.value([0.5, 0.5, float("nan")]), ValueError, r"probabilities\[2\] must be finite, got nan"),
        (lambda: found.estimate([0, 1]), ValueError, r"likelihoods must have groups of N = 4 rollouts, got N = 2"),
        (
            lambda: found.estimate([[0, 1, 1, 0.3]]),
            ValueError,
            r"likelihoods\[0, 3\] must be " + REWARDS,
        ),
        (lambda: found.estimate([0, 1, 1, 0.3]), ValueError, r"likelihoods\[3\] must be " + REWARDS),
        (
            lambda: mx.objective_of("rloo", 3, [0.1, 1]).work(1, 0),
            ValueError,
            "y must be one of the values 0.1, 1,",
        ),
        (
            lambda: found.value(np.ma.masked_equal([1, 0, 0], 1)),
            ValueError,
            r"probabilities\[0\] must be a number",
        ),
        (lambda: found.work(0, 3), ValueError, r"y must be one of the values 0, 1/2, 1, got 3"),
        (lambda: none.value([1, 0, 0]), ValueError, r"value must be asked of a gradient, got the verdict 'direction'"),
        (lambda: none.estimate([0, 0, 1, 1]), ValueError, r"estimate must be asked of a gradient, got the verdict"),
    ):
        with pytest.raises(error, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_what_is_shown_fits_on_a_line_and_is_a_table():
    for name in ("ustat", "grpo"):
        text = str(mx.objective_of(name, 4, THREE))
        assert text.splitlines()[0].startswith("n = 4, rewards 0, 1/2, 1: E[g] is the gradient of ")
        assert len(text.splitlines()[0]) <= 120
        assert text.splitlines()[-1].startswith("1 ")
