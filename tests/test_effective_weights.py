"""What an effective weight is called: up to a factor, an eps and the precision of floats; and in which rewards."""

from __future__ import annotations

import math
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est import Objective, effective_weight
from maxrl_est.measures import _bernstein, exact_moments
from maxrl_est.measures._precision import precision_of, probes_of, rounded
from maxrl_est.problems import Bandit, Bernoulli


def floats(function):
    """The function where it is given floats, whatever it is given."""
    return lambda r: function(np.asarray(r, dtype=np.float64))


def mean(r):
    return r.mean(-1, keepdims=True)


def shipped(r):
    average = mean(r)
    return np.where(average == 0, 0, (r - average) / np.where(average == 0, 1, average))


# Rewards of two values.


def test_in_another_encoding_a_linear_advantage_is_a_multiple():
    centred = effective_weight(lambda r: r - mean(r), 4, values=(-1, 1))
    assert centred.values == (-1, 1)
    assert str(centred.nearest()) == "exactly 3/2 x J_1"
    assert effective_weight(lambda r: r - mean(r), 4, values=(F(1, 4), F(3, 4))).nearest().scale == F(3, 8)


def test_the_weight_in_another_encoding_is_the_mean_over_the_gradient():
    """By enumeration: the same rewards as the likelihoods of a law, when both lie in [0, 1]."""
    low, high, p = F(1, 5), F(4, 5), F(2, 7)
    law = Bandit([1 - p, p], [low, high])
    weight = effective_weight(shipped, 5, values=(low, high))
    moments = exact_moments(law, shipped, 5)
    slope = law.grad_pass_rate[1] / (high - low)  # of the chance of the higher reward
    assert moments.mean[1] == weight.value(p) * slope
    assert moments.mean[1] != effective_weight(shipped, 5).value(p) * slope


def test_shipped_maxrl_on_minus_one_and_one_is_said_to_push_hard_prompts_down():
    weight = effective_weight(shipped, 8, values=(-1, 1))
    assert weight.negative == [(0.0, 0.5)]
    assert str(weight).splitlines()[0] == "n = 8: E[g] = W(p) grad p for rewards -1 and 1, p the chance of 1"
    assert str(weight).splitlines()[-1] == "negative for p below 0.5: it pushes hard prompts down"
    assert effective_weight(shipped, 8).negative == []
    assert "negative" not in str(effective_weight(shipped, 8))


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (lambda r: mean(r) - r, "negative for every p: it pushes all prompts down"),
        (lambda r: (r - mean(r)) * (mean(r) < 0.6), None),
        (lambda r: (r - mean(r)) * (F(1, 2) - mean(r)), "negative for p above 0.5: it pushes easy prompts down"),
        (lambda r: (r - mean(r)) * (mean(r) - F(1, 2)) ** 2 - (r - mean(r)) / 25, "negative for p from "),
    ],
    ids=["flipped", "zero where easy", "turned where easy", "turned between"],
)
def test_where_a_weight_is_negative_is_said(function, line):
    lines = str(effective_weight(function, 8)).splitlines()
    assert [x.startswith("negative") for x in lines].count(True) == (line is not None)
    if line:
        assert lines[-1].startswith(line)


def test_a_sign_that_rounding_explains_is_not_said():
    noisy = floats(lambda r: shipped(r) + 1e-14 * (r - 1) * (mean(r) > 0.9))
    assert effective_weight(noisy, 8).negative == []
    assert effective_weight(floats(lambda r: shipped(r) * (mean(r) < 0.8) - 1e-2 * r), 8).negative != []


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ((1, 0), ValueError, r"values must be two numbers \(low, high\), low < high, got \(1, 0\)"),
        ((0, 0), ValueError, r"values must be two numbers \(low, high\), low < high, got \(0, 0\)"),
        ((0, 1, 2), ValueError, r"values must be two numbers \(low, high\), low < high, got \(0, 1, 2\)"),
        ((0, float("nan")), ValueError, r"values\[1\] must be finite, got nan"),
        ((0, "1"), TypeError, r"values\[1\] must be a finite number, got '1'"),
        (1, TypeError, "values must be a list of two numbers, low and high, got 1"),
    ],
)
def test_values_that_are_no_two_rewards_are_named(values, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        effective_weight("rloo", 4, values=values)


def test_a_row_that_takes_likelihoods_only_says_so():
    with pytest.raises(ValueError, match=r"likelihoods\[0, 0\] must lie in \[0, 1\], got -1"):
        effective_weight("ustat", 4, values=(-1, 1))


# Exactly, to rounding, within tolerance, or none.


@pytest.mark.parametrize(
    ("function", "n", "text"),
    [
        ("maxrl_shipped", 8, "exactly J_7"),
        ("mean_centred", 8, "exactly 7/8 x J_1"),
        ("passk(3)", 5, "exactly pass@3"),
        (floats(shipped), 8, "J_7 to rounding"),
        (floats(lambda r: r - mean(r)), 8, "7/8 x J_1 to rounding"),
        (floats(lambda r: (r - mean(r)) / (mean(r) + 1e-6)), 8, "J_7 up to 6e-06"),
        (floats(lambda r: (r - mean(r)) * (1 + 1e-8 * mean(r))), 8, "0.875 x J_1 up to 2e-09"),
        (floats(lambda r: (r - mean(r)) * 8 / 7 * (1 + 1e-5)), 8, "J_1 up to 1e-05"),
        (floats(lambda r: (r - mean(r)) * 8 / 7 * (1 + 1e-5 + 1e-6 * mean(r))), 8, "J_1 up to 1e-05"),
        (floats(lambda r: r / (r.std(-1, keepdims=True) + 1e-6)), 1, "1000000 x J_1 to rounding"),
        (lambda r: 0 * r, 4, "exactly 0 (no learning)"),
    ],
    ids=str,
)
def test_a_verdict_says_how_far_it_holds(function, n, text):
    assert str(effective_weight(function, n).nearest()) == text


def test_what_is_known_and_what_is_not_is_told_by_the_tolerance():
    nearly = effective_weight(floats(lambda r: (r - mean(r)) / (mean(r) + 1e-3)), 8)
    near = nearly.nearest()
    assert (near.known, near.exact, near.agreement) == (False, False, "none")
    assert 1e-3 < near.distance < 1e-2
    assert str(near) == f"no known objective; nearest {near.name} (off by {near.distance:.2g})"
    assert nearly.nearest(tolerance=0.01).agreement == "within tolerance"
    with pytest.raises(ValueError, match="tolerance must be finite and above 0, got 0"):
        nearly.nearest(tolerance=0)


def test_a_weight_is_compared_with_one_objective():
    weight = effective_weight("maxrl_shipped", 8)
    assert weight.compare(Objective.maxrl(7)).exact
    other = weight.compare(Objective.maxrl(8))
    assert (other.agreement, other.objective) == ("none", Objective.maxrl(8))
    p = np.linspace(0, 1, 20001)
    ours, theirs = Objective.maxrl(7).weight(p), Objective.maxrl(8).weight(p)
    expected = math.sqrt(np.mean((ours - other.scale * theirs) ** 2) / np.mean(ours**2))
    assert other.distance == pytest.approx(expected, rel=1e-3)
    least = min(np.mean((ours - scale * theirs) ** 2) for scale in (other.scale - 1e-3, other.scale + 1e-3))
    assert np.mean((ours - other.scale * theirs) ** 2) < least
    assert weight.compare(Objective.maxrl(20)).agreement == "none"  # of a higher degree than W
    with pytest.raises(TypeError, match=r"objective must be an Objective, such as .*, got 7"):
        weight.compare(7)
    with pytest.raises(ValueError, match="the order of objective must be at most 2048, got 3000"):
        weight.compare(Objective.maxrl(3000))


def test_a_flipped_sign_is_a_negative_factor():
    assert str(effective_weight(lambda r: mean(r) - r, 8).nearest()) == "exactly -7/8 x J_1"


# Other objectives that are known.


def ascending(objective):
    return lambda r: mx.advantages(r, objective)


HALF_MIXED = Objective.from_coefficients([F(1, 3), 0, 0, F(2, 5)])
OTHERS = [
    (Objective.tsallis(F(1, 2), 8), "tsallis(1/2, 8)"),
    (Objective.tsallis(F(37, 100), 8), "tsallis(37/100, 8)"),
    (Objective.tsallis(3, 7), "tsallis(3, 7)"),
    (Objective.from_coefficients([4, -12, 12, -4]), "pass^4"),
    (HALF_MIXED, "1/10 pass@4 + 1/3 J_1"),
    (Objective.from_coefficients([F(1, 3), 0, 2, 0, 0, F(2, 5)]), "1/15 pass@6 + 2/3 pass@3 + 1/3 J_1"),
    # (n-k)/(k(n-1)) pass@k + 1/(n-1) pass@(k-1) at n = 8: nearest to 0.2753 x J_4 and to 0.2679 x pass@4
    (Objective.from_coefficients([F(1, 7), F(6, 7)]), "3/7 pass@2 + 1/7 J_1"),
    (Objective.from_coefficients([0, 0, F(3, 7), F(4, 7)]), "1/7 pass@4 + 1/7 pass@3"),
]


@pytest.mark.parametrize(("objective", "name"), OTHERS, ids=[name for _, name in OTHERS])
def test_other_families_are_known_exactly_to_rounding_and_up_to_an_eps(objective, name):
    exact = effective_weight(ascending(objective), 8).nearest()
    assert str(exact) == f"exactly {name}"
    assert exact.objective == objective
    scaled = effective_weight(lambda r: 3 * mx.advantages(r, objective), 8).nearest()
    assert scaled.exact
    flipped = effective_weight(lambda r: -mx.advantages(r, objective), 8).nearest()
    assert (flipped.known, flipped.scale) == ((True, -1) if "+" not in name else (False, flipped.scale))
    in_floats = effective_weight(floats(ascending(objective)), 8).nearest()
    assert str(in_floats) == f"{name} to rounding"
    with_eps = effective_weight(floats(lambda r: mx.advantages(r, objective) / (1 + 1e-6 * mean(r))), 8).nearest()
    assert with_eps.agreement == "within tolerance"


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_a_weight_of_many_terms_is_no_mixture(n):
    """Any polynomial has n coefficients, so that n of them say nothing; and shares are positive."""
    every = Objective.from_coefficients([F(1, k + 3) for k in range(n)])
    assert not effective_weight(ascending(every), n).nearest().known
    assert not effective_weight(floats(ascending(every)), n).nearest().known
    if n > 3:
        less = Objective.from_coefficients([1, 0, 0, F(-1, 5)])
        assert not effective_weight(ascending(less), n).nearest().known


@pytest.mark.parametrize("name", ["grpo", "grpo_population"])
@pytest.mark.parametrize("n", [4, 8, 33])
def test_grpo_is_no_member_of_any_family(name, n):
    assert not effective_weight(name, n).nearest().known


# What it comes to as groups grow.


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("grpo", "1/sqrt(p (1 - p))"),
        ("grpo_population", "1/sqrt(p (1 - p))"),
        ("maxrl_shipped", "1/p"),
        (floats(lambda r: (r - mean(r)) / (1 - mean(r) + 1e-6)), "1/(1 - p)"),
        (floats(lambda r: (r - mean(r)) / (abs(r - mean(r)).mean(-1, keepdims=True) + 1e-6)), "1/2 x 1/(p (1 - p))"),
        (floats(lambda r: (r - mean(r)) / np.sqrt(mean(r) + 1e-9)), "1/sqrt(p)"),
    ],
    ids=["grpo", "grpo_population", "maxrl", "failures", "mean deviation", "root"],
)
def test_the_limit_of_large_groups_is_recognised_and_approached(function, text):
    found = [effective_weight(function, n).limit() for n in (32, 64, 128)]
    assert [goal.name for goal in found] == [text] * 3
    assert found[2].distance < found[0].distance / 2


def test_a_weight_that_stays_a_polynomial_has_no_such_limit():
    for name in ("rloo", "passk(3)", "ustat(4)"):
        assert effective_weight(name, 64).limit() is None
    assert effective_weight("grpo", 16).limit() is None  # too few to tell
    assert effective_weight(lambda r: 0 * r, 32).limit() is None


def test_a_weight_without_a_name_says_its_limit():
    assert "as n grows: 1/sqrt(p (1 - p))" in str(effective_weight("grpo", 64))
    assert "as n grows" not in str(effective_weight("maxrl_shipped", 64))


# Precision is measured.


def to(bits):
    return lambda x: rounded(x, bits)


def rloo_in(round_to):
    """RLOO whose every step is rounded, and which returns float64."""

    def rloo(r):
        r = round_to(np.asarray(r, dtype=np.float64))
        total = np.zeros(r.shape[:-1])
        for i in range(r.shape[-1]):
            total = round_to(total + r[..., i])
        others = round_to(round_to(total[..., None] - r) / (r.shape[-1] - 1))
        return round_to(r - others)

    return rloo


def float32_inside(r):
    """Computes in float32, then multiplies in float64."""
    return rloo_in(to(24))(r).astype(np.float64) / 3


FORMATS = {"float32": 24, "float16": 11, "bfloat16": 8}


@pytest.mark.parametrize("n", [2, 3, 4, 8, 64])
@pytest.mark.parametrize(("name", "bits"), FORMATS.items())
def test_a_right_rloo_in_shorter_floats_is_right(name, bits, n):
    weight = effective_weight(rloo_in(to(bits)), n)
    near = weight.nearest()
    assert (weight.precision.name, near.agreement, near.name, near.exact) == (name, "to rounding", "J_1", False)
    assert str(near).startswith(f"J_1 to the rounding of {name}")
    assert str(effective_weight(rloo_in(to(24)), 8).nearest()) == "J_1 to the rounding of float32"


def test_precision_is_told_by_what_functions_do():
    told = {
        "float64": [rloo_in(to(53)), lambda r: r, mx.estimators.get("grpo"), lambda r: r - mean(r)],
        "float32": [rloo_in(to(24)), float32_inside, lambda r: (r - mean(r)).astype(np.float32)],
        "float16": [rloo_in(to(11)), lambda r: (r - mean(r)).astype(np.float16).astype(float)],
        "bfloat16": [rloo_in(to(8)), lambda r: to(8)(r) - mean(to(8)(r))],
    }
    for name, functions in told.items():
        assert [precision_of(function, *probes_of(8)).name for function in functions] == [name] * len(functions)


def ranks(r):
    return r.argsort(-1).argsort(-1) / r.shape[-1]


@pytest.mark.parametrize("n", [4, 7, 64, 128])
@pytest.mark.parametrize(
    "function",
    [
        lambda r: (r > 0.5) * 1.0,
        lambda r: (r > 0.5) - mean(r > 0.5),
        ranks,
        lambda r: ranks(r) - mean(ranks(r)),
        np.round,
    ],
    ids=["threshold", "centred threshold", "ranks", "centred ranks", "rounding"],
)
def test_thresholds_and_ranks_are_not_taken_for_short_floats(function, n):
    assert precision_of(function, *probes_of(n)).name == "float64"


def only_of_zeros_and_ones(function):
    def strict(r):
        if not np.isin(r, (0, 1)).all():
            raise ValueError("0/1 rewards only")
        return function(r)

    return strict


def test_a_function_of_zeros_and_ones_only_is_asked_about_these():
    assert effective_weight(only_of_zeros_and_ones(rloo_in(to(24))), 8).precision.name == "float32"
    for n in (8, 128):  # K / 128 has few digits
        assert effective_weight(only_of_zeros_and_ones(floats(lambda r: r - mean(r))), n).precision.name == "float64"


def test_the_order_of_rollouts_is_still_told_beyond_rounding():
    def by_position(r):
        return rloo_in(to(24))(r) * (1 + 1e-4 * (np.arange(r.shape[-1]) == 0))

    with pytest.raises(ValueError, match="depends on the order of rollouts"):
        effective_weight(by_position, 8)


def test_errors_list_the_ends_of_a_large_group():
    with pytest.raises(ValueError, match=r"reordering to \[(0\.0|1\.0)(, [01]\.0){7}, \.\.\.(, [01]\.0){8}\] changes"):
        effective_weight(lambda r: r * np.arange(r.shape[-1]), 64)


def test_rows_of_positive_likelihoods_are_judged_between_two_of_them():
    for n in (8, 256, 1024):  # differences of logarithms times n^2 round more, the more rollouts there are
        assert not effective_weight("jackknife", n, values=(F(1, 10), 1)).nearest().known


def test_a_wrong_multiple_beyond_its_precision_is_no_rounding():
    nearly = effective_weight(lambda r: rloo_in(to(24))(r) * (1 + 1e-3 * np.asarray(mean(r), dtype=float)), 8)
    assert nearly.nearest().agreement == "none"


# Large groups, and integers of NumPy.


@pytest.mark.parametrize("name", ["rloo", "grpo", "maxrl_shipped", "ustat", "ustat_pass_loo", "maxk", "tailrl"])
def test_groups_of_256_have_their_objective(name):
    near = effective_weight(name, 256).nearest()
    target = mx.estimators.get(name).target(256)
    assert near.exact == (name != "grpo")
    if near.exact:
        assert near.objective == getattr(target, "objective", target)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_both_bases_of_polynomials_are_the_same_polynomials(n):
    c = tuple(F((-1) ** k * (k + 1), k + 2) for k in range(n))
    bernstein, p = _bernstein.bernstein_of(c, n), F(3, 7)
    assert _bernstein.powers_of(bernstein) == c
    assert _bernstein.value(bernstein, p) == sum(x * (1 - p) ** k for k, x in enumerate(c))
    expected = [sum(F(math.comb(n - 1 - m, k), math.comb(n - 1, k)) * x for k, x in enumerate(c)) for m in range(n)]
    assert list(bernstein) == expected


def test_the_basis_is_of_binomial_probabilities_at_any_size():
    for n, p in ((1, 0.3), (8, 0.3), (64, 0.9), (2048, 0.01)):
        got = _bernstein.basis(n, np.array(p))
        expected = [
            float(math.comb(n - 1, m) * F(p) ** m * F(1 - p) ** (n - 1 - m)) for m in range(0, n, max(1, n // 50))
        ]
        assert got[:: max(1, n // 50)] == pytest.approx(expected, rel=1e-11, abs=1e-300)
    assert _bernstein.basis(5, np.array([0.0, 1.0])).round(300).tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]]


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64])
def test_integers_of_numpy_are_integers(kind):
    coin, eight = Bernoulli(F(1, 4)), kind(8)
    gaussian = mx.problems.Gaussian(0, 1, 1, 0.5)
    for name in ("ustat_mean_loo", "ustat_pass_loo", "passk", "maxk", "tailrl", "grpo", "mean_centred"):
        assert effective_weight(name, eight) == effective_weight(name, 8)
        assert exact_moments(coin, name, eight).mean.tolist() == exact_moments(coin, name, 8).mean.tolist()
        got, expected = (mx.closed_form_moments(coin, name, n).covariance.tolist() for n in (eight, 8))
        assert got == expected
    assert mx.optimal_baseline(gaussian, eight, kind(3)) == mx.optimal_baseline(gaussian, 8, 3)
    assert Objective.maxrl(kind(3)) == Objective.maxrl(3)
    assert effective_weight(lambda r: r * F(1, eight), eight).nearest().scale == F(1, 8)
    sizes = np.array([1, 2, 4], dtype=kind)
    assert mx.check_estimator("rloo", group_sizes=sizes).passed


ODD_RATES = [3.0, F(3), "3", None, math.nan, 10**400, [0.5, "1"], np.ma.array([0.5], mask=[True])]


@pytest.mark.parametrize("p", ODD_RATES, ids=repr)
@pytest.mark.parametrize("of", [effective_weight, mx.measures.coefficient_mass])
def test_what_is_no_pass_rate_has_no_value(of, p):
    with pytest.raises((TypeError, ValueError), match=r"^p(\[\d\])? must "):
        of("rloo", 4).value(p)


@pytest.mark.parametrize("scale", [math.inf, math.nan, None, "1", [1]])
def test_what_is_no_scale_equals_nothing(scale):
    with pytest.raises((TypeError, ValueError), match=r"^scale must be "):
        effective_weight("rloo", 4).equals(Objective.expected(), scale)


def test_no_learning_is_compared_without_a_distance_of_nan():
    found = effective_weight(lambda l: 0 * l, 8)
    assert str(found.compare(Objective.maxrl(8))) == str(found.nearest()) == "exactly 0 (no learning)"
