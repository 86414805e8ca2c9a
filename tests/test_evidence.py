"""The order of evidence: which method is used where, and what all measures refuse in the same words."""

from __future__ import annotations

import math
import re
from fractions import Fraction as F
from types import SimpleNamespace

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.measures import NoClosedForm
from maxrl_est.problems import Bandit, Bernoulli, Contextual, Finite, Gaussian

COIN = Bernoulli(F(1, 4))
ARMS = Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(1, 10), F(1, 2), F(9, 10)])
MANY = Finite("many", np.full(40, 0.025), np.linspace(0.1, 1.0, 40), np.linspace(-1, 1, 40)[:, None])
GAUSSIAN = Gaussian([0.0, 0.0], 1.0, [1.0, 0.5], 1.0)
SIGMAS = 6.5  # a normal value is farther than that once in 1.2e10


# Which method.


@pytest.mark.parametrize(
    ("problem", "estimator", "n", "method"),
    [
        (COIN, "grpo", 8, "enumerated"),
        (Contextual([COIN, ARMS]), "maxrl", 4, "enumerated"),
        (MANY, "ustat_one", 8, "closed form"),  # C(47, 8) groups are too many
        (GAUSSIAN, "ustat", 8, "closed form"),
        (Contextual([COIN, Gaussian(0.0, 1.0, 1.0, 0.5)]), "rloo", 4, "closed form"),
        (COIN, "inverse_sampling(2)", None, "closed form"),
        (GAUSSIAN, "maxrl", 4, "sampled"),
        (GAUSSIAN, np.square, 4, "sampled"),
    ],
)
def test_the_strongest_evidence_that_there_is_decides_and_is_named(problem, estimator, n, method):
    got = mx.moments(problem, estimator, n, replicates=100)
    assert got.method == method
    assert str(got).startswith(method)
    assert (got.total_variance_error > 0) == got.standard_error.any() == (method == "sampled")


def test_what_is_enumerated_is_what_exact_moments_says_in_rationals():
    got, expected = mx.moments(ARMS, "maxrl", 3), mx.exact_moments(ARMS, "maxrl", 3)
    assert got.exact
    assert got.mean.tolist() == expected.mean.tolist()
    assert got.covariance.tolist() == expected.covariance.tolist()
    assert all(isinstance(x, F) for x in (*got.mean, *got.covariance.flat, got.total_variance))
    assert got.mean.tolist() != mx.moments(ARMS, "maxrl", 4).mean.tolist()


def test_a_closed_form_is_that_of_closed_form_moments():
    got, expected = mx.moments(GAUSSIAN, "ustat", 8), mx.closed_form_moments(GAUSSIAN, "ustat", 8)
    assert not got.exact
    assert got.covariance.tolist() == expected.covariance.tolist()
    assert (got.rounding, got.rollouts) == (expected.rounding, 8)


def test_what_is_drawn_is_what_monte_carlo_says_and_near_the_truth():
    """A function without coefficients and the row it copies: one is drawn, the other in closed form."""
    row = mx.estimators.get("ustat_one")
    drawn, closed = mx.moments(GAUSSIAN, row.function, 4, replicates=40_000, seed=3), mx.moments(GAUSSIAN, row, 4)
    expected = mx.monte_carlo(GAUSSIAN, row, 4, replicates=40_000, seed=3)
    assert (drawn.method, closed.method) == ("sampled", "closed form")
    assert drawn.mean.tolist() == expected.mean.tolist()
    assert drawn.standard_error.tolist() == expected.standard_error.tolist()
    assert np.all(abs(drawn.mean - closed.mean) <= SIGMAS * drawn.standard_error)
    assert abs(drawn.total_variance - closed.total_variance) <= SIGMAS * drawn.total_variance_error
    assert np.any(abs(drawn.mean - closed.mean / 2) > SIGMAS * drawn.standard_error)
    assert drawn.mean.tolist() != mx.moments(GAUSSIAN, row.function, 4, replicates=40_000, seed=4).mean.tolist()


def test_a_sequential_row_is_charged_its_mean_cost_over_prompts():
    prompts = Contextual([COIN, Bernoulli(F(1, 2))], [F(1, 3), F(2, 3)])
    got = mx.moments(prompts, "inverse_sampling(3)", None)
    assert got.rollouts == F(1, 3) * 3 * 4 + F(2, 3) * 3 * 2
    assert got.rollouts != 3 / prompts.pass_rate  # the cost at the mean pass rate
    assert got.exact


# Bias.


def test_the_bias_against_an_objective_is_exact():
    got = mx.moments(COIN, "maxrl_shipped", 4, target=mx.Objective.maxrl(4))
    expected = (mx.Objective.maxrl(3).weight(F(1, 4)) - mx.Objective.maxrl(4).weight(F(1, 4))) * F(3, 16)
    assert got.bias.tolist() == [expected]
    assert mx.moments(COIN, "maxrl_shipped", 4, target=mx.Objective.maxrl(3)).bias.tolist() == [0]
    assert mx.moments(COIN, "maxrl_shipped", 4).bias is None


def test_a_target_may_be_any_target_or_its_gradient():
    over_levels = mx.estimators.get("tailrl").target(3)
    assert not mx.moments(ARMS, "tailrl", 3, target=over_levels).bias.any()
    gradient = mx.target_gradient(ARMS, over_levels)
    assert not mx.moments(ARMS, "tailrl", 3, target=gradient).bias.any()
    assert mx.moments(ARMS, "tailrl", 3, target=2 * gradient).bias.tolist() == (-gradient).tolist()
    with pytest.raises(ValueError, match=r"target must have one number for each coordinate, \(3,\), got shape \(1,\)"):
        mx.moments(ARMS, "tailrl", 3, target=[0.5])


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        (["x"], TypeError, "target[0] must be a finite number, got 'x'"),
        ([None], TypeError, "target[0] must be a finite number, got None"),
        ([True], TypeError, "target[0] must be a finite number, got True"),
        ([math.nan], ValueError, "target[0] must be finite, got nan"),
        (np.array([math.inf]), ValueError, "target[0] must be finite, got inf"),
        ([1, [2]], TypeError, "target[1] must be a finite number, got [2]"),
        ([[1]], ValueError, "target must have one number for each coordinate, (1,), got shape (1, 1)"),
        (
            "maxrl",
            TypeError,
            "target must be an Objective, a target of maxrl_est.targets, or its gradient (1,), got 'maxrl'",
        ),
        (2, TypeError, "target must be an Objective, a target of maxrl_est.targets, or its gradient (1,), got 2"),
    ],
)
def test_a_target_that_is_no_gradient_is_named(target, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        mx.moments(COIN, "rloo", 3, target=target)


# What is refused, by all measures alike.

MEASURES = {
    "moments": lambda problem, estimator, n: mx.moments(problem, estimator, n),
    "exact_moments": mx.exact_moments,
    "closed_form_moments": mx.closed_form_moments,
    "closed_form_variance": mx.closed_form_variance,
    "monte_carlo": lambda problem, estimator, n: mx.monte_carlo(problem, estimator, n, replicates=10, seed=0),
    "effective_weight": lambda problem, estimator, n: mx.effective_weight(estimator, n),
}
OF_LAWS = {"optimal_baseline": lambda problem, estimator, n: mx.optimal_baseline(problem, n)} | MEASURES
every = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
of_laws = pytest.mark.parametrize("measure", OF_LAWS.values(), ids=OF_LAWS)


@of_laws
@pytest.mark.parametrize("n", [2.5, 4.0, True, "4"])
def test_a_group_size_is_an_int(measure, n):
    with pytest.raises(TypeError, match=f"^n must be an int of at least 1, got {n!r}$"):
        measure(Bernoulli(0.5), "rloo", n)


@pytest.mark.parametrize("measure", [OF_LAWS[name] for name in OF_LAWS if name != "effective_weight"])
def test_a_group_size_is_given(measure):
    with pytest.raises(TypeError, match=r"^n must be an int of at least 1, got None$"):
        measure(Bernoulli(0.5), "rloo", None)


def test_effective_weight_is_given_a_group_size_or_a_design():
    with pytest.raises(TypeError, match=r"^n or design must be given, and not both, got n = None and design = None$"):
        mx.effective_weight("rloo", None)


@of_laws
@pytest.mark.parametrize("n", [0, -3])
def test_a_group_has_at_least_one_rollout(measure, n):
    with pytest.raises(ValueError, match=f"^n must be an int of at least 1, got {n}$"):
        measure(COIN, "rloo", n)


@of_laws
@pytest.mark.parametrize("n", [10_000_001, 10**30])
def test_a_group_has_no_more_rollouts_than_can_be_computed(measure, n):
    with pytest.raises(ValueError, match=rf"^n must be at most (2048|10000000), got {n}$"):
        measure(COIN, "rloo", n)


def test_each_limit_of_a_group_belongs_to_what_is_slow_there():
    """Every number of successes is a group of its own; coefficients of low order need no such list."""
    function = mx.estimators.get("rloo").function
    with pytest.raises(ValueError, match=r"^n must be at most 2048, got 2049$"):
        mx.effective_weight("rloo", 2049)
    with pytest.raises(NoClosedForm, match=r"^n must be at most 2048 for the closed form of .*, got 2049$"):
        mx.closed_form_moments(COIN, function, 2049)
    assert mx.moments(Bernoulli(0.25), "rloo", 10_000_000).method == "closed form"
    assert mx.moments(Bernoulli(0.25), function, 4000, replicates=20).method == "sampled"


@pytest.mark.parametrize("measure", [MEASURES[name] for name in ("moments", "closed_form_moments", "monte_carlo")])
def test_a_row_that_draws_for_itself_needs_no_group_size_and_takes_none_that_is_wrong(measure):
    assert str(measure(COIN, "inverse_sampling", None)) == str(measure(COIN, "inverse_sampling", 4))
    for n, error in ((2.5, TypeError), (True, TypeError), ("4", TypeError), (0, ValueError)):
        with pytest.raises(error, match=f"^n must be an int of at least 1, got {n!r}$"):
            measure(COIN, "inverse_sampling", n)
    with pytest.raises(ValueError, match=r"^n must be at most 10000000, got"):
        measure(COIN, "inverse_sampling", 10**30)


@every
def test_numpy_ints_are_ints(measure):
    measure(COIN, "rloo", np.int64(4))


@every
def test_an_unknown_name_is_answered_with_a_close_one(measure):
    with pytest.raises(ValueError, match="did you mean 'rloo'"):
        measure(COIN, "rlo", 4)


@every
def test_a_name_a_row_and_a_function_are_measured_alike(measure):
    row = mx.estimators.get("rloo")
    by_name, by_row, by_function = (str(measure(COIN, x, 4)) for x in ("rloo", row, row.function))
    assert by_name == by_row == by_function
    assert by_name != str(measure(COIN, "maxrl", 4))


@pytest.mark.parametrize("measure", [m for name, m in OF_LAWS.items() if name != "effective_weight"])
def test_a_task_is_told_how_it_becomes_a_law(measure):
    advice = r"^problem must be a law, got the task Maze\(S.G, 2\): give task.at\(policy, theta\), the law of a policy"
    with pytest.raises(TypeError, match=advice):
        measure(mx.tasks.Maze(["S.G"], 2), "rloo", 4)
    with pytest.raises(TypeError, match=r"problem must be a law, such as those of maxrl_est.problems, got 0.5"):
        measure(0.5, "rloo", 4)


def test_a_target_and_a_mixture_need_laws_too():
    maze = mx.tasks.Maze(["S.G"], 2)
    for make in (lambda: mx.target_gradient(maze, mx.Objective.expected()), lambda: Contextual([maze])):
        with pytest.raises(TypeError, match=r"must be a law, got the task Maze"):
            make()


def test_a_law_needs_a_sampler_only_where_rollouts_are_drawn():
    coin = SimpleNamespace(prompts=COIN.prompts)
    assert mx.moments(coin, "rloo", 2).mean == mx.moments(COIN, "rloo", 2).mean
    with pytest.raises(TypeError, match=r"^problem must have sample\(rng, groups, n\), .* got "):
        MEASURES["monte_carlo"](coin, "rloo", 2)


@pytest.mark.parametrize("measure", [mx.exact_moments, MEASURES["effective_weight"]])
def test_a_row_that_draws_for_itself_has_no_groups(measure):
    with pytest.raises(TypeError, match="must be a function of groups of rollouts, got sumo"):
        measure(COIN, "sumo", 4)


def test_log_p_has_no_estimate_where_nothing_succeeds():
    with pytest.raises(ValueError, match=r"problem must have p > 0 .*, got Bernoulli\(0\)"):
        mx.moments(Bernoulli(F(0)), "inverse_sampling", None)


@pytest.mark.parametrize(("name", "value", "least"), [("replicates", 1, 2), ("seed", -1, 0)])
def test_options_of_drawing_are_checked_even_where_nothing_is_drawn(name, value, least):
    with pytest.raises(ValueError, match=f"{name} must be an int of at least {least}, got {value}"):
        mx.moments(COIN, "rloo", 4, **{name: value})
    with pytest.raises(ValueError, match=r"^replicates must be at most 4611686018427387904, got 1000"):
        mx.moments(COIN, "rloo", 4, replicates=10**30)


def test_orders_up_to_the_largest_never_overflow_and_twice_that_may():
    """Counts of sets of rollouts are below (1 + spread)^(n-1), and no law in [0, 1] has a spread above 1/4."""
    from maxrl_est.measures._closed_forms import MAX_ORDER

    assert math.isfinite(1.25 ** (MAX_ORDER - 1))
    with pytest.raises(OverflowError):
        1.25 ** (2 * MAX_ORDER - 1)
    widest, n = Bandit([0.5, 0.5], [0.0, 1.0]), MAX_ORDER
    assert mx.closed_form_variance(widest, "ustat_one", n).trace() * n == pytest.approx(0.5, rel=1e-9)
    with pytest.raises(NoClosedForm):
        mx.closed_form_variance(GAUSSIAN, "ustat_one", n + 1)
