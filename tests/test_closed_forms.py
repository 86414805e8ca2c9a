"""Closed-form covariances against an orthogonal decomposition, integrals, enumeration and samples."""

from __future__ import annotations

import math
import re
from fractions import Fraction as F

import numpy as np
import pytest

from maxrl_est import estimators
from maxrl_est.measures import exact_moments
from maxrl_est.measures._closed_forms import NoClosedForm, closed_form_moments, closed_form_variance
from maxrl_est.measures._optimal import optimal_baseline, ustat_optimal
from maxrl_est.objectives import Objective
from maxrl_est.problems import Bandit, Bernoulli, Chain, Contextual, Gaussian

FINITE = {
    "graded bandit": Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 2), F(1)]),
    "no ends": Bandit([F(1, 4), F(3, 4)], [F(1, 5), F(2, 3)]),
    "0/1 bandit": Bandit([F(1, 2), F(1, 4), F(1, 4)], [F(0), F(1), F(1)]),
    "chain": Chain([F(3, 5), F(1, 2)], [F(0), F(1, 10), F(1)]),
    "prompts": Contextual([Bernoulli(F(1, 10)), Bandit([F(1, 2), F(1, 2)], [F(1, 4), F(1)])], [F(1, 3), F(2, 3)]),
}
BINARY = {
    "coin": Bernoulli(F(1, 3)),
    "0/1 bandit": FINITE["0/1 bandit"],
    "prompts": Contextual([Bernoulli(F(1, 10)), FINITE["0/1 bandit"]], [F(1, 3), F(2, 3)]),
    "never": Bandit([F(1, 2), F(1, 2)], [F(0), F(0)]),
    "always": Bandit([F(1, 2), F(1, 2)], [F(1), F(1)]),
}
GAUSSIAN = Gaussian(mean=0, scale=1, target=1, sigma=0.5)
WITH_SCALE = Gaussian([0.0, 0.5], 1.0, [1.0, 0.5], 0.7, learn_scale=True)
# reinforce(l) has no baseline, ustat(2) an order below N, ustat_pass_loo and passk_loo one that varies
AFFINE = [name for name in estimators.names() if estimators.get(name).affine(4) is not None] + [
    "ustat(2)",
    "ustat_one(3)",
]
FLOAT_ROUNDING = 1e-10  # relative to the largest entry, N <= 64; measured worst here: 9e-13
LARGE_ROUNDING = 1e-12  # the same at N = 256; measured worst here: 5e-14


def close(got, expected, tolerance=FLOAT_ROUNDING):
    got, expected = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    return bool(abs(got - expected).max() <= tolerance * abs(expected).max())


# Against enumeration of every group, in rationals.


@pytest.mark.parametrize("problem", FINITE.values(), ids=FINITE)
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("name", AFFINE)
def test_every_row_with_coefficients_has_the_moments_of_enumeration(problem, name, n):
    row = estimators.get(name)
    if row.affine(n) is None:
        pytest.skip(f"{name} takes no groups of {n}")
    got, expected = closed_form_moments(problem, row, n), exact_moments(problem, row, n)
    assert got.exact
    assert got.n == n
    assert got.mean.tolist() == expected.mean.tolist()
    assert got.covariance.tolist() == expected.covariance.tolist()


@pytest.mark.parametrize("problem", BINARY.values(), ids=BINARY)
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize(
    "estimator",
    [
        estimators.get("maxrl"),
        estimators.get("maxrl_shipped"),
        lambda l: l.sum(axis=-1, keepdims=True) ** 2 * (l + 3),  # biased, and no polynomial of l_i and the others' E_k
    ],
    ids=["maxrl", "maxrl_shipped", "any function"],
)
def test_any_function_has_the_moments_of_enumeration_on_0_1_rewards(problem, estimator, n):
    got, expected = closed_form_moments(problem, estimator, n), exact_moments(problem, estimator, n)
    assert got.exact
    assert got.mean.tolist() == expected.mean.tolist()
    assert got.covariance.tolist() == expected.covariance.tolist()


@pytest.mark.parametrize("name", ["ustat_mean_loo", "maxrl_shipped", "tailrl"])
def test_the_papers_size_in_floats_agrees_with_rationals(name):
    got, expected = (closed_form_moments(Bernoulli(p), estimators.get(name), 128) for p in (0.25, F(1, 4)))
    assert (got.exact, expected.exact) == (False, True)
    assert close(got.mean, expected.mean)
    assert close(got.covariance, expected.covariance)
    other = closed_form_moments(Bernoulli(F(1, 4)), estimators.get(name), 127)
    assert not close(got.covariance, other.covariance)


@pytest.mark.parametrize("name", ["grpo", "grpo_population"])
def test_functions_of_floats_agree_to_rounding(name):
    problem, row = BINARY["prompts"], estimators.get(name)
    got, expected = closed_form_moments(problem, row, 6), exact_moments(problem, row, 6)
    assert not got.exact
    assert close(got.mean, expected.mean)
    assert close(got.covariance, expected.covariance)


@pytest.mark.parametrize("n", [4, 8, 24])
@pytest.mark.parametrize("name", AFFINE)
def test_floats_agree_with_enumeration(name, n):
    problem = Bandit([0.5, 0.3, 0.2], [0.05, 0.4, 0.9])
    expected = exact_moments(problem, estimators.get(name), n)
    got = closed_form_moments(problem, estimators.get(name), n)
    assert not got.exact
    assert close(got.mean, expected.mean)
    assert close(got.covariance, expected.covariance)


# Against another derivation, at sizes that cannot be enumerated.


def taylor(c, q, size):
    """Coefficients of sum_k c_k (q + x)^k in powers of x."""
    return [sum(value * math.comb(k, h) * q ** (k - h) for k, value in enumerate(c) if k >= h) for h in range(size)]


def orthogonal_parts(moments, c, d, n, *, forget_pairs=False, over_all=False, no_spread=False, wrong_sign=False):
    """Mean and covariance from sums of products of centred l, which are uncorrelated with one another.

    With e_h of the others' l - p, E_k is sum_h C(k, h) (1-p)^(k-h) (-1)^h e_h / C(N-1, h): only the Taylor coefficients
    of the two polynomials at 1 - p are left, and one sum over h. The flags are mistakes.
    """
    p, variance = moments.p, (0 if no_spread else moments.p2 - moments.p**2)
    others = n if over_all else n - 1
    slope, constant = (
        [x / F(math.comb(others, h)) for h, x in enumerate(taylor(v, 1 - p, others + 1))] for v in (c, d)
    )

    def product(x, y, values):
        terms = (math.comb(values, h) * variance**h * a * b for h, (a, b) in enumerate(zip(x, y, strict=False)))
        return sum(terms)

    own = product(slope, slope, others) * moments.l2SS - 2 * product(slope, constant, others) * moments.lSS
    own = own + product(constant, constant, others) * moments.SS
    mean = slope[0] * moments.lS
    if n == 1:
        return mean, own - np.outer(mean, mean)
    U, Ud = slope, slope[1:]
    P = [p * x - y for x, y in zip(slope, constant, strict=True)]
    Q = P[1:]
    a, b = moments.lS, moments.l2S - 2 * p * moments.lS
    left = others - 1
    sign = -1 if wrong_sign else 1
    pairs = (product(U, U, left) + product(Q, Q, left) - sign * 2 * product(P, Ud, left)) * np.outer(a, a)
    pairs = pairs + (product(Q, Ud, left) - product(U, Ud, left)) * (np.outer(a, b) + np.outer(b, a))
    pairs = pairs + product(Ud, Ud, left) * np.outer(b, b)
    covariance = (own + (0 if forget_pairs else n - 1) * pairs) / n - np.outer(mean, mean)
    return mean, covariance


def exactly(moments):
    """The same moments as the rationals that the floats are."""
    rational = np.vectorize(lambda x: F(float(x)), otypes=[object])
    fields = (moments.lS, moments.l2S, moments.SS, moments.lSS, moments.l2SS)
    return type(moments)(F(float(moments.p)), F(float(moments.p2)), *map(rational, fields))


@pytest.mark.parametrize("name", AFFINE)
def test_an_orthogonal_decomposition_gives_the_same_rationals(name):
    problem, row = FINITE["graded bandit"], estimators.get(name)
    for n in (2, 3, 12):
        if row.affine(n) is None:
            continue
        mean, covariance = orthogonal_parts(problem.moments, *row.affine(n), n)
        got = closed_form_moments(problem, row, n)
        assert got.mean.tolist() == mean.tolist()
        assert got.covariance.tolist() == covariance.tolist()


MISTAKES = ["forget_pairs", "over_all", "no_spread", "wrong_sign"]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_in_the_decomposition_is_told_apart(mistake):
    """Pairs of rollouts left out, E_k over N and not N - 1 values, E[q]^2 for E[q^2], the constant's sign turned."""
    problem, row = FINITE["graded bandit"], estimators.get("ustat_one")
    _, covariance = orthogonal_parts(problem.moments, *row.affine(5), 5, **{mistake: True})
    assert exact_moments(problem, row, 5).covariance.tolist() != covariance.tolist()
    _, covariance = orthogonal_parts(GAUSSIAN.moments, *row.affine(8), 8, **{mistake: True})
    assert not close(closed_form_variance(GAUSSIAN, row, 8), covariance, 1e-3)


@pytest.mark.parametrize(("n", "tolerance"), [(16, FLOAT_ROUNDING), (64, FLOAT_ROUNDING), (256, LARGE_ROUNDING)])
@pytest.mark.parametrize("name", ["rloo", "ustat", "ustat_one", "ustat_pass_loo", "passk_loo", "ustat_one(3)"])
@pytest.mark.parametrize("problem", [GAUSSIAN, WITH_SCALE, Gaussian(0.0, 1.0, 4.0, 0.2)], ids=["1d", "scale", "hard"])
def test_floats_agree_with_rationals_of_the_same_moments(problem, name, n, tolerance):
    row = estimators.get(name)
    mean, covariance = orthogonal_parts(exactly(problem.moments), *row.affine(n), n) if n <= 64 else (None, None)
    if mean is None:  # rationals of thousands of digits; the sum over h has terms of one sign in floats too
        mean, covariance = orthogonal_parts(problem.moments, *[[float(x) for x in v] for v in row.affine(n)], n)
    got = closed_form_moments(problem, row, n)
    assert close(got.mean, mean, tolerance)
    assert close(got.covariance, covariance, tolerance)


# Against integrals, for MaxRL with T = N and a constant baseline.


def by_integrals(moments, n, constant=0.0):
    """Products of 1 - t l over the others, integrated over t: polynomials, so Gauss-Legendre nodes are exact."""
    nodes, weights = np.polynomial.legendre.leggauss(n + 1)
    t, w = (nodes + 1) / 2, weights / 2
    p, p2, s = moments.p, moments.p2, (nodes[:, None] + 1) / 2
    base, area = 1 - (s + t) * p + s * t * p2, np.outer(w, w)
    own = n**2 * (area * base ** (n - 1)).sum() * moments.l2SS
    reached = [moments.lS - x * moments.l2S for x in t]
    pairs = n**2 * np.einsum("st,si,tj->ij", area * base ** (n - 2), reached, reached)
    mean = n * (w * (1 - t * p) ** (n - 1)).sum() * moments.lS
    slope = n * (n - 1) * (w * t * (1 - t * p) ** (n - 2)).sum()
    rate = n * (w * (1 - t * p) ** (n - 1)).sum()
    with_scores = (rate * moments.lSS - slope * np.outer(moments.lS, moments.lS)) / n
    without = own / n + (n - 1) / n * pairs - np.outer(mean, mean)
    return mean, without - 2 * constant * with_scores + constant**2 * moments.SS / n


@pytest.mark.parametrize("n", [2, 3, 8, 33, 64])
@pytest.mark.parametrize(("name", "constant"), [("ustat", 0), ("ustat_one", 1)])
@pytest.mark.parametrize("problem", [GAUSSIAN, WITH_SCALE], ids=["1d", "scale"])
def test_full_order_has_its_integrals(problem, name, constant, n):
    mean, covariance = by_integrals(problem.moments, n, constant)
    got = closed_form_moments(problem, estimators.get(name), n)
    assert close(got.mean, mean)
    assert close(got.covariance, covariance)
    assert not close(got.covariance, by_integrals(problem.moments, n, constant + 0.5)[1], 1e-3)


# Figures, samples and the optimal constant.


def test_baselines_on_the_gaussian_problem_have_their_variances_without_sampling():
    got = [
        closed_form_variance(GAUSSIAN, estimators.get(name), 8).item()
        for name in ("ustat", "ustat_one", "ustat_one_over_n")
    ]
    assert [round(x, 4) for x in got] == [0.0607, 0.1070, 0.0528]
    best = optimal_baseline(GAUSSIAN, 8)
    assert (round(float(best.constant), 4), round(float(best.variance), 4)) == (0.3151, 0.0483)
    assert best.gain == pytest.approx(1 - best.variance / got[0], rel=1e-12)
    assert best.without == pytest.approx(got[0], rel=1e-12)


@pytest.mark.parametrize("name", ["ustat_one", "ustat_pass_loo"])
def test_samples_agree(name):
    """Six and a half standard errors of the sampled variance: by the normal law 8e-11 false alarms a test."""
    n, groups, row = 8, 60_000, estimators.get(name)
    likelihoods, scores = GAUSSIAN.sample(np.random.default_rng(7), groups, n)
    gradients = np.einsum("gn,gnd->gd", row(likelihoods), scores)[:, 0] / n
    squares = (gradients - gradients.mean()) ** 2
    error = squares.std() / math.sqrt(groups)
    got = closed_form_variance(GAUSSIAN, row, n).item()
    assert abs(squares.mean() - got) <= 6.5 * error
    _, forgetting = orthogonal_parts(GAUSSIAN.moments, *row.affine(n), n, forget_pairs=True)
    assert abs(squares.mean() - forgetting.item()) > 6.5 * error


def by_curvature(problem, objective):
    """The best constant, (w(p) tr E[l S S'] + w'(p) |grad p|^2) / tr E[S S'], both over prompts: no n in it."""
    c = objective.rational_coefficients
    top = bottom = 0
    for weight, prompt in problem.prompts:
        m = prompt.moments
        rate, slope = taylor(c, 1 - m.p, 2)
        top += weight * (rate * np.trace(m.lSS) - slope * (m.lS @ m.lS))
        bottom += weight * np.trace(m.SS)
    return top / bottom


OBJECTIVES = [Objective.expected(), Objective.maxrl(4), Objective.pass_at(3), Objective.tsallis(F(1, 2), 3)]


@pytest.mark.parametrize("problem", FINITE.values(), ids=FINITE)
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)
def test_the_optimal_constant_depends_on_the_objective_and_not_on_the_group_size(problem, objective):
    for n in (4, 6):
        best = optimal_baseline(problem, n, objective)
        assert best.constant == by_curvature(problem, objective)


@pytest.mark.parametrize("problem", FINITE.values(), ids=FINITE)
def test_no_other_constant_has_less_variance(problem):
    best, n = optimal_baseline(problem, 4), 4

    def total(constant):
        moments = exact_moments(problem, lambda l: estimators.advantages(l, baseline=constant), n)
        return np.trace(moments.covariance)

    assert total(best.constant) == best.variance
    assert total(F(0)) == best.without
    below, above = total(best.constant - F(1, 100)), total(best.constant + F(1, 100))
    assert below == above > best.variance
    assert total(-best.constant) > best.without  # the wrong sign


@pytest.mark.parametrize("problem", FINITE.values(), ids=FINITE)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_optimal_row_has_the_variance_it_says(problem, n):
    row, best = ustat_optimal(problem, n), optimal_baseline(problem, n)
    assert row.name == "ustat_optimal"
    assert row.target(n) == Objective.maxrl(n)
    enumerated = exact_moments(problem, row, n)
    assert np.trace(enumerated.covariance) == np.trace(closed_form_variance(problem, row, n)) == best.variance
    assert enumerated.mean.tolist() == exact_moments(problem, estimators.get("ustat"), n).mean.tolist()


def test_where_scores_vanish_no_constant_gains():
    best = optimal_baseline(Bandit([F(1)], [F(1, 2)]), 3)
    assert (best.constant, best.variance, best.gain) == (0, 0, 0)


# The row with the best constant, and rows of random size.


def test_the_optimal_row_subtracts_the_constant():
    problem = FINITE["graded bandit"]
    constant = optimal_baseline(problem, 3).constant
    values = np.array([F(1, 2), F(0), F(1)])
    assert ustat_optimal(problem, 3)(values).tolist() == (estimators.get("ustat")(values) - constant).tolist()
    assert ustat_optimal(problem, 3)(values.astype(float)).dtype == np.float64
    assert ustat_optimal(problem, 3).target(3) == Objective.maxrl(3)


def test_inverse_sampling_needs_no_group_size():
    problem = FINITE["graded bandit"]
    got = closed_form_moments(problem, estimators.get("inverse_sampling(3)"), 1)
    m = problem.moments
    assert got.mean.tolist() == (m.lS / m.p).tolist()
    assert got.covariance.tolist() == ((m.lSS / m.p - np.outer(m.lS, m.lS) / m.p**2) / 3).tolist()


def test_sumo_has_infinite_variance_unless_likelihoods_are_equal():
    row = estimators.get("sumo")
    assert math.isinf(np.trace(closed_form_variance(Bandit([0.5, 0.5], [0.2, 0.8]), row, 1)))
    assert np.isfinite(closed_form_variance(Bandit([0.5, 0.5], [0.2, 0.2]), row, 1)).all()


# What is refused.


@pytest.mark.parametrize("name", ["maxrl", "ustat_mean_loo"])
def test_an_estimator_without_a_closed_form_is_named(name):
    with pytest.raises(NoClosedForm, match=f"got {name}: no closed form.*exact_moments.*monte_carlo"):
        closed_form_moments(GAUSSIAN, estimators.get(name), 4)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="n must be an int of at least 1, got 0"):
        closed_form_moments(GAUSSIAN, estimators.get("ustat"), 0)
    with pytest.raises(ValueError, match="objective must have an order T of at most n = 4, got 5"):
        optimal_baseline(GAUSSIAN, 4, Objective.maxrl(5))
    with pytest.raises(ValueError, match="n must be at least 5 for the coefficients of this estimator, got 3"):
        closed_form_moments(GAUSSIAN, ustat_optimal(GAUSSIAN, 5), 3)
    with pytest.raises(NoClosedForm, match="must be of an order up to 2048 for its closed form, got 2049"):
        closed_form_moments(GAUSSIAN, estimators.get("ustat"), 2049)
    with pytest.raises(NoClosedForm, match=r"n must be such that counts .* are floats, got 1000000 with order 2000"):
        closed_form_moments(GAUSSIAN, estimators.get("ustat(2000)"), 1_000_000)


@pytest.mark.parametrize("call", [optimal_baseline, ustat_optimal])
@pytest.mark.parametrize(
    ("n", "objective", "error", "message"),
    [
        (3, True, TypeError, "objective must be an Objective, an int (the order of MaxRL) or None, got True"),
        (3, "x", TypeError, "objective must be an Objective, an int (the order of MaxRL) or None, got 'x'"),
        (3, 0, ValueError, "objective must be an int of at least 1, got 0"),
        (3, 4, ValueError, "objective must have an order T of at most n = 3, got 4"),
        (10**5, 2049, ValueError, "objective must have an order T of at most 2048, got 2049"),
        (2049, None, ValueError, "n must be at most 2048, got 2049"),
        ("3", None, TypeError, "n must be an int of at least 1, got '3'"),
    ],
)
def test_an_objective_without_an_optimal_baseline_is_named(call, n, objective, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call(GAUSSIAN, n, objective)


def test_the_largest_order_is_done_at_its_own_size():
    """At n = T = 2048 the variance is the limit law's, 1/n times a constant, to the next order in 1/n."""
    two, four = (closed_form_variance(GAUSSIAN, estimators.get("ustat_one"), n).item() * n for n in (1024, 2048))
    assert four == pytest.approx(two, rel=2 / 1024)
    assert four != pytest.approx(two, rel=1e-6)
