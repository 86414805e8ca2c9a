"""The estimators on arrays of NumPy, torch and JAX: as accurate as the compiled kernels, traced or not."""

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("array_api_compat", reason="needs array-api-compat")

from array_api_compat import array_namespace

import maxrl_est as mx
from maxrl_est.adapters import _product_tree, _quadrature
from maxrl_est.adapters.array_api import advantages, loo_weights, objective_estimate
from maxrl_est.estimates.baselines import BASELINES
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.reference import (
    ball_loo_weights,
    ball_loo_weights_full_order,
    exact_objective_estimate,
    ulp_error,
)

FULL_ORDER_ULPS = 4  # against Arb balls; measured worst of any family, framework and N <= 1024: 3
FULL_ORDER_AND_KERNEL_ULPS = 6  # against the compiled kernel, which errs by up to 4.5; measured worst: 3
TREE_ULPS = 2  # against Arb balls, or the recurrence, which errs by up to 1; measured worst of any order, N <= 1024: 1
OBJECTIVE_ROUNDINGS = 5  # 2^-53 of the harmonic number; measured worst: 2.4
OBJECTIVE_ULPS = 6  # where powers are summed; measured worst: 3
SINGLE = 5e-7  # of each weight, by JAX in float32; measured worst: 2.5e-7 for T = N, 7e-8 otherwise
SINGLE_OBJECTIVE = 1e-6  # of each estimate; measured worst: 4.1e-7
ROUNDED = 2.0**-24 * 1.001  # computed in float64 and rounded once
GRADIENT = 4e-15  # measured worst: 9e-16

HARD = ("equal-half-ulp-of-one", "equal-sum-one", "one-with-crowd-of-sum-1e-9", "uniform-sum-37", "ramp", "hot-1")


def on_numpy(function):
    return function


def on_torch(function):
    torch = pytest.importorskip("torch", reason="needs torch")
    return lambda x: function(torch.from_numpy(x.copy())).numpy()


def on_jax(function):
    """Compiled, with float64."""
    jax = pytest.importorskip("jax", reason="needs JAX")

    def call(x):
        with jax.enable_x64(True):
            return np.asarray(jax.jit(function)(x))

    return call


def on_single_jax(function):
    """Compiled, as JAX is by default."""
    jax = pytest.importorskip("jax", reason="needs JAX")
    return lambda x: np.asarray(jax.jit(function)(x.astype(np.float32)))


FRAMEWORKS = pytest.mark.parametrize("on", [on_numpy, on_torch, on_jax])


def groups(n, names=tuple(FAMILIES), seed=1):
    """One group of every family."""
    return np.stack([FAMILIES[name](n, np.random.default_rng(seed)) for name in names])


def too_large(got, expected, limit):
    """Errors above the limit, in units in the last place, by family."""
    errors = {name: ulp_error(g, e) for name, g, e in zip(FAMILIES, got, expected, strict=True)}
    return {name: error for name, error in errors.items() if error > limit}


def relative(got, expected):
    return np.max(np.abs(got - expected) / np.where(expected == 0, 1, np.abs(expected)))


def exact_full_order(likelihoods):
    return np.stack([ball_loo_weights_full_order(group) for group in likelihoods])


# Accuracy.


@FRAMEWORKS
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 16, 17, 64, 257])
def test_full_order_weights_are_accurate_on_every_family(on, n):
    likelihoods = groups(n)
    got = on(loo_weights)(likelihoods)
    assert got.dtype == np.float64
    assert too_large(got, exact_full_order(likelihoods), FULL_ORDER_ULPS) == {}


@FRAMEWORKS
@pytest.mark.parametrize("n", [1024, 4096])
def test_full_order_weights_of_large_groups_are_those_of_the_compiled_kernel(on, n):
    likelihoods = groups(n)
    assert too_large(on(loo_weights)(likelihoods), mx.loo_weights(likelihoods), FULL_ORDER_AND_KERNEL_ULPS) == {}


@FRAMEWORKS
@pytest.mark.parametrize(("n", "orders"), [(2, [1]), (3, [1]), (16, [2, 14]), (33, [16])])
def test_weights_of_every_order_are_accurate_on_every_family(on, n, orders):
    likelihoods = groups(n)
    for order in orders:
        got = on(lambda x, order=order: loo_weights(x, order))(likelihoods)
        assert too_large(got, mx.loo_weights(likelihoods, order), TREE_ULPS) == {}, order


@FRAMEWORKS
@pytest.mark.parametrize(("n", "order"), [(257, 128), (1024, 200)])
def test_weights_of_large_groups_by_the_tree_are_accurate(on, n, order):
    """It serves any objective but MaxRL there; and MaxRL, the hardest, in smaller groups."""
    likelihoods = groups(n, HARD)
    got = on(lambda x: _product_tree.loo_weights(array_namespace(x), x, (1.0,) * order, False))(likelihoods)
    expected = np.stack([ball_loo_weights(group, np.ones(order)) for group in likelihoods])
    assert ulp_error(got, expected) <= TREE_ULPS


@FRAMEWORKS
def test_objectives_other_than_maxrl_are_accurate(on):
    likelihoods = groups(24)
    pass_at = mx.Objective.pass_at(5)
    tsallis = mx.Objective.tsallis(Fraction(1, 2), 24)
    mixed = mx.Objective.from_coefficients([1, 0, -0.25, 3e5])
    for objective in (pass_at, tsallis, mixed, mx.Objective.all_of(5), mx.Objective.all_of(24)):
        got = on(lambda x, objective=objective: loo_weights(x, objective))(likelihoods)
        expected = mx.loo_weights(likelihoods, objective)
        size = np.abs(objective.expansion.coefficients).sum()
        assert np.max(np.abs(got - expected) / np.maximum(expected, 1e-9 * size)) <= 4 * 2.0**-53


@pytest.mark.parametrize(("n", "order"), [(2, None), (17, None), (17, 8), (257, 128), (4096, None)])
def test_single_precision_of_jax_is_accurate(n, order):
    likelihoods = groups(n).astype(np.float32)
    got = on_single_jax(lambda x: loo_weights(x, order))(likelihoods)
    assert got.dtype == np.float32
    assert relative(got, mx.loo_weights(likelihoods.astype(np.float64), order)) <= SINGLE


@pytest.mark.parametrize("on", [on_numpy, on_torch])
@pytest.mark.parametrize("order", [None, 8])
def test_float32_is_computed_in_float64_and_rounded_once(on, order):
    likelihoods = groups(17).astype(np.float32)
    got = on(lambda x: loo_weights(x, order))(likelihoods)
    assert got.dtype == np.float32
    assert relative(got, mx.loo_weights(likelihoods.astype(np.float64), order)) <= ROUNDED


def test_jax_is_accurate_without_compilation():
    jax = pytest.importorskip("jax", reason="needs JAX")
    likelihoods = groups(4)
    with jax.enable_x64(True):
        full, third = (np.asarray(loo_weights(jax.numpy.asarray(likelihoods), order)) for order in (None, 3))
    assert too_large(full, exact_full_order(likelihoods), FULL_ORDER_ULPS) == {}
    assert too_large(third, mx.loo_weights(likelihoods, 3), TREE_ULPS) == {}


@FRAMEWORKS
@pytest.mark.parametrize("n", [1, 17, 130])
def test_objective_estimates_are_accurate(on, n):
    """Relative to J where the mean likelihood is at least 1/2 or there are few rollouts, and to H_N elsewhere."""
    likelihoods = groups(n, HARD if n > 64 else tuple(FAMILIES))
    got = on(objective_estimate)(likelihoods)
    expected = np.array([float(exact_objective_estimate(group, [1] * n)) for group in likelihoods])
    harmonic_number = sum(1 / k for k in range(1, n + 1))
    roundings = np.abs(got - expected) / (2.0**-53 * harmonic_number)
    assert roundings.max() <= OBJECTIVE_ROUNDINGS
    few = np.full(len(got), n <= 64)
    by_powers = few | (likelihoods.mean(axis=-1) >= 0.5)
    assert ulp_error(got[by_powers], expected[by_powers]) <= OBJECTIVE_ULPS


@FRAMEWORKS
@pytest.mark.parametrize("objective", [1, mx.Objective.tsallis(0.5, 12), mx.Objective.all_of(12)], ids=str)
def test_objective_estimates_of_other_orders_are_those_of_the_package(on, objective):
    likelihoods = groups(12)
    got = on(lambda x: objective_estimate(x, objective))(likelihoods)
    assert np.max(np.abs(got - mx.objective_estimate(likelihoods, objective))) <= 1e-15


@pytest.mark.parametrize("n", [17, 4096])
def test_objective_estimates_of_jax_in_single_precision_are_accurate(n):
    likelihoods = groups(n).astype(np.float32)
    got = on_single_jax(objective_estimate)(likelihoods)
    assert relative(got, mx.objective_estimate(likelihoods.astype(np.float64))) <= SINGLE_OBJECTIVE


# What is rejected.


def test_weights_of_one_order_less_are_rejected():
    likelihoods = groups(17)
    expected = mx.loo_weights(likelihoods)
    assert relative(loo_weights(likelihoods, 16), expected) > 1000 * SINGLE
    assert relative(loo_weights(likelihoods, 17), expected) < SINGLE


def test_synthetic_division_is_rejected():
    """e_k of the others as e_k - q_i e_(k-1) of the others: the textbook route."""
    likelihoods = groups(32)
    q = 1 - likelihoods
    symmetric = np.apply_along_axis(lambda roots: np.poly(roots) * (-1.0) ** np.arange(33), 1, q)
    of_others, power = np.zeros_like(q), np.ones_like(q)
    for k in range(32):
        of_others += power / float(np.prod([(31 - j) / (j + 1) for j in range(k)]))
        power = symmetric[:, k + 1, None] - q * power
    assert np.nanmax(np.abs(of_others - mx.loo_weights(likelihoods))) > 1e-9


def test_nodes_rounded_to_float32_are_rejected(monkeypatch):
    rounded = tuple(tuple((float(np.float32(t)), float(np.float32(w))) for t, w in rule) for rule in _quadrature.RULES)
    monkeypatch.setattr(_quadrature, "RULES", rounded)
    likelihoods = groups(17)
    assert too_large(loo_weights(likelihoods), exact_full_order(likelihoods), 1e6) != {}


def test_a_product_tree_of_plain_floats_is_rejected(monkeypatch):
    """Equal likelihoods round alike, so that its errors grow with the group."""
    monkeypatch.setattr(
        _product_tree, "_split", lambda xp, number, rest: _product_tree.Pair(number + rest, 0.0 * number)
    )
    likelihoods = groups(255, HARD)
    assert ulp_error(loo_weights(likelihoods, 128), mx.loo_weights(likelihoods, 128)) > 8 * TREE_ULPS


def test_compilers_leave_halves_as_they_are():
    """Unlike the usual way, which is to add a large constant and to subtract it again: XLA undoes that."""
    numbers = np.random.default_rng(0).random(1000)
    place, large = 2.0**25, 1.5 * 2.0**27

    def halves(x):
        return _product_tree._split(array_namespace(x), x, 2.0**-60 * x).high

    assert (on_jax(halves)(numbers) == halves(numbers)).all()
    assert (halves(numbers) * place == np.round(numbers * place)).all()
    assert ((numbers + large) - large == halves(numbers)).all()
    assert (on_jax(lambda x: (x + large) - large)(numbers) != halves(numbers)).any()


# Advantages and logarithms.


@FRAMEWORKS
@pytest.mark.parametrize("baseline", [None, *BASELINES, 0.25, ("beta", 0.5, 2)])
@pytest.mark.parametrize("objective", [None, 3, mx.Objective.pass_at(2), mx.Objective.all_of(4)], ids=str)
def test_advantages_are_those_of_the_package(on, baseline, objective):
    likelihoods = groups(9)
    got = on(lambda x: advantages(x, objective, baseline=baseline))(likelihoods)
    expected = mx.advantages(likelihoods, objective, baseline=baseline)
    assert np.max(np.abs(got - expected) / np.maximum(1, np.abs(expected))) <= 2e-15


@FRAMEWORKS
@pytest.mark.parametrize("n", [2, 257, 1024])
def test_the_pass_rate_of_the_others_is_subtracted_from_large_groups_as_accurately(on, n):
    """Where equal failures round alike, a product without logarithms is off by their number."""
    likelihoods = groups(n, (*HARD, "hot-2", "all-one"))
    got = on(lambda x: advantages(x, baseline="pass_loo"))(likelihoods)
    expected = mx.advantages(likelihoods, baseline="pass_loo")
    assert np.max(np.abs(got - expected) / np.maximum(1, np.abs(expected))) <= 2e-15


def test_single_precision_of_jax_subtracts_it_too():
    likelihoods = groups(1024).astype(np.float32)
    got = on_single_jax(lambda x: advantages(x, baseline="pass_loo"))(likelihoods)
    expected = mx.advantages(likelihoods.astype(np.float64), baseline="pass_loo")
    assert np.max(np.abs(got - expected) / np.maximum(1, np.abs(expected))) <= SINGLE


@FRAMEWORKS
@pytest.mark.parametrize("baseline", [None, "none", "one", "one_over_n", 0.25])
def test_groups_of_one_have_the_advantages_of_the_package(on, baseline):
    likelihoods = groups(1)
    for objective in (None, 1):
        got = on(lambda x, objective=objective: advantages(x, objective, baseline=baseline))(likelihoods)
        expected = mx.advantages(likelihoods, objective, baseline=baseline)
        assert np.max(np.abs(got - expected)) < np.finfo(float).tiny  # XLA makes 0 of what is smaller


def test_advantages_of_binary_rewards_have_the_dtype_of_the_framework():
    torch = pytest.importorskip("torch", reason="needs torch")
    jax = pytest.importorskip("jax", reason="needs JAX")
    for rewards in ([True, False, False], [1, 0, 0]):
        assert advantages(np.array(rewards)).dtype == np.float64
        assert advantages(torch.tensor(rewards)).dtype == torch.float32
        assert advantages(jax.numpy.array(rewards)).dtype == np.float32
    half = torch.tensor([1.0, 0.0], dtype=torch.bfloat16)
    got = advantages(half)
    assert got.dtype == torch.float32
    assert got.tolist() == pytest.approx([2, -1])


@FRAMEWORKS
@pytest.mark.parametrize("objective", [None, 2])
def test_logarithms_stand_for_likelihoods(on, objective):
    logs = np.array([[-700.0, -np.inf, -3.0, -4.5], [-3.0, -5.0, -300.0, -3.0]])
    for function, expected in ((loo_weights, mx.loo_weights), (objective_estimate, mx.objective_estimate)):
        got = on(lambda x, f=function: f(None, objective, log_likelihoods=x, log_ceiling=-3.0))(logs)
        wanted = expected(None, objective, log_likelihoods=logs, log_ceiling=-3.0)
        assert got == pytest.approx(wanted, rel=2e-15)


def test_the_ceiling_is_rounded_as_the_logarithms_are():
    logs = np.log(np.array([0.3, 0.1, 0.2], np.float32))
    ceiling = float(np.nextafter(logs[0].astype(np.float64), -np.inf))
    got = loo_weights(log_likelihoods=logs, log_ceiling=ceiling)
    assert got == pytest.approx(mx.loo_weights(log_likelihoods=logs, log_ceiling=ceiling), rel=1e-6)


@pytest.mark.parametrize("ceiling", [-0.9, -1.3, 2.3])
def test_the_ceiling_is_rounded_as_half_precisions_are(ceiling):
    """Their promotion to float32 comes after: before it, half of all ceilings would be exceeded by themselves."""
    logs = np.array([ceiling, ceiling - 1], np.float16)
    expected = mx.loo_weights(log_likelihoods=logs, log_ceiling=ceiling)
    assert loo_weights(log_likelihoods=logs, log_ceiling=ceiling) == pytest.approx(expected, rel=1e-6)


# Transformations.


@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`:UserWarning")
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("objective", "baseline", "backend"),
    [(mx.Objective.pass_at(2), "pass_loo", "aot_eager"), (2, "one", "aot_eager"), (None, None, "inductor")],
    ids=str,
)
def test_torch_compiles_it_whole(objective, baseline, backend):
    torch = pytest.importorskip("torch", reason="needs torch")
    torch._dynamo.reset()
    compiled = torch.compile(
        lambda x: advantages(log_likelihoods=x, objective=objective, baseline=baseline), fullgraph=True, backend=backend
    )
    for shape in ((3, 3), (2, 4)):  # again with another B and N
        likelihoods = np.random.default_rng(0).random(shape)
        got = compiled(torch.from_numpy(np.log(likelihoods))).numpy()
        assert np.allclose(got, mx.advantages(likelihoods, objective, baseline=baseline), rtol=0, atol=3e-15)


def test_objectives_whose_terms_cancel_are_refused_where_single_precision_may_be_all_there_is():
    both_signs = mx.Objective.from_coefficients([12 * (k == 11) - 12 * math.comb(11, k) * (-1) ** k for k in range(12)])
    assert 1024 < both_signs.expansion.growth < 1e6
    with pytest.raises(ValueError, match=r"^objective 'custom' must have terms that cancel to no less than 1/1024"):
        loo_weights(np.ones(12), both_signs)
    assert mx.loo_weights(np.ones(12), both_signs) == pytest.approx(-12)


@pytest.mark.parametrize("objective", [None, 3])
def test_vmap_gives_every_group_its_weights(objective):
    torch = pytest.importorskip("torch", reason="needs torch")
    jax = pytest.importorskip("jax", reason="needs JAX")
    likelihoods = np.random.default_rng(0).random((2, 3, 5))
    expected = mx.loo_weights(likelihoods, objective)

    def one(group):
        return loo_weights(group, objective)

    with jax.enable_x64(True):
        assert np.asarray(jax.vmap(jax.vmap(one))(likelihoods)) == pytest.approx(expected, rel=2e-15)
    got = torch.vmap(torch.vmap(one))(torch.from_numpy(likelihoods))
    assert got.numpy() == pytest.approx(expected, rel=2e-15)


def jacobian(group, objective):
    """d omega_j / d l_i: weights are affine in each likelihood."""
    columns = []
    for i in range(group.size):
        one, zero = group.copy(), group.copy()
        one[i], zero[i] = 1.0, 0.0
        columns.append(mx.loo_weights(one, objective) - mx.loo_weights(zero, objective))
    return np.stack(columns, axis=-1)


def by_torch(function, groups):
    """The derivatives of every group."""
    torch = pytest.importorskip("torch", reason="needs torch")
    return np.stack([torch.autograd.functional.jacobian(function, torch.from_numpy(group)).numpy() for group in groups])


def by_jax(function, groups):
    jax = pytest.importorskip("jax", reason="needs JAX")
    with jax.enable_x64(True):
        return np.asarray(jax.jit(jax.vmap(jax.jacrev(function)))(groups))


DERIVATIVES = pytest.mark.parametrize("derivatives", [by_torch, by_jax])


@DERIVATIVES
@pytest.mark.parametrize("objective", [None, 4, mx.Objective.pass_at(3), mx.Objective.all_of(3)], ids=str)
def test_derivatives_are_exact(derivatives, objective):
    groups = np.array([[0.3, 0.9, 0.5, 0.1, 0.7], [1.0, 0.0, 0.5, 1e-300, 1.0], [0.0] * 5, [1.0] * 5])
    got = derivatives(lambda x: loo_weights(x, objective), groups)
    assert np.max(np.abs(got - [jacobian(group, objective) for group in groups])) <= GRADIENT
    got = derivatives(lambda x: objective_estimate(x, objective), groups)
    assert np.max(np.abs(got - mx.loo_weights(groups, objective) / 5)) <= GRADIENT


@DERIVATIVES
def test_derivatives_of_advantages_less_the_pass_rate_of_the_others_are_exact(derivatives):
    groups = np.array([[0.3, 0.9, 0.5, 0.1, 0.7], [1.0, 0.0, 0.5, 1e-300, 1.0], [0.0, 1.0, 0.5, 0.2, 0.0], [0.5] * 5])
    got = derivatives(lambda x: advantages(x, baseline="pass_loo"), groups)
    for group, found in zip(groups, got, strict=True):
        of_all = [-np.prod(1 - np.delete(group, i)) for i in range(5)]
        by_weights = group[:, None] * jacobian(group, None) + np.diag(mx.loo_weights(group))
        assert np.max(np.abs(found - by_weights - of_all)) <= GRADIENT


@DERIVATIVES
def test_derivatives_of_large_groups_are_exact(derivatives):
    rng = np.random.default_rng(0)
    groups = np.stack([rng.beta(4 * mean, 4 * (1 - mean), 70) for mean in (0.3, 0.7)])
    assert derivatives(objective_estimate, groups) * 70 == pytest.approx(mx.loo_weights(groups), rel=1e-13)


@DERIVATIVES
def test_groups_of_one_have_the_derivative_zero(derivatives):
    assert derivatives(loo_weights, np.array([[0.3]])) == np.array([[[0.0]]])
    assert derivatives(objective_estimate, np.array([[0.3]])) == np.array([[1.0]])


@DERIVATIVES
def test_a_log_likelihood_of_minus_infinity_has_the_derivative_zero(derivatives):
    logs = np.array([[-np.inf, -1.0, -700.0]])
    got = derivatives(lambda x: objective_estimate(log_likelihoods=x), logs)
    likelihoods = np.exp(logs)
    assert got == pytest.approx(mx.loo_weights(likelihoods) * likelihoods / 3, rel=1e-14, abs=0)


# Input.


@pytest.mark.parametrize("bad", [1.5, -0.25, np.nan, np.inf])
@pytest.mark.parametrize("framework", ["numpy", "torch", "jax.numpy"])
def test_what_is_no_likelihood_is_named(framework, bad):
    xp = pytest.importorskip(framework, reason=f"needs {framework}")
    likelihoods = xp.asarray([[0.5, 0.5, 0.5, bad], [0.0, 1.0, bad, 0.5]])
    for function in (loo_weights, advantages, objective_estimate):
        with pytest.raises(ValueError, match=rf"^likelihoods\[0, 3\] must lie in \[0, 1\], got {bad}$"):
            function(likelihoods)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"likelihoods": [0.5]}, TypeError, "likelihoods must be an array of NumPy, .*, got one of type list"),
        ({"likelihoods": np.array(0.5)}, ValueError, r"likelihoods must have groups of N >= 1 .*, got shape \(\)"),
        (
            {"likelihoods": np.empty((2, 0))},
            ValueError,
            r"likelihoods must have groups of N >= 1 .*, got shape \(2, 0\)",
        ),
        ({"likelihoods": np.array([1j])}, TypeError, "likelihoods must be bool, int or float, got dtype complex128"),
        ({"likelihoods": np.array([Fraction(1, 2)])}, TypeError, "likelihoods must be .*, got dtype object"),
        ({"likelihoods": np.ma.masked_array([0.5, 0.1], [0, 1])}, TypeError, "likelihoods must be .*, got a masked"),
        ({}, TypeError, "likelihoods or log_likelihoods must be given, one of the two, got neither"),
        ({"likelihoods": np.ones(2), "log_likelihoods": np.zeros(2)}, TypeError, "likelihoods or log_.*, got both"),
        ({"likelihoods": np.ones(2), "log_ceiling": 1.0}, TypeError, "log_ceiling must come with log_likelihoods"),
        ({"likelihoods": np.ones(2), "objective": 3}, ValueError, "objective must be .*N = 2, got T = 3"),
        ({"likelihoods": np.ones(2), "objective": 1.5}, TypeError, r"objective .*1\.5"),
        ({"likelihoods": np.ones(2), "objective": 0}, ValueError, "objective .*0"),
        (
            {"log_likelihoods": np.array([-1.0, 0.25])},
            ValueError,
            r"log_likelihoods\[1\] must be at .* = 0.0, got 0.25",
        ),
        ({"log_likelihoods": np.array([np.nan])}, ValueError, r"log_likelihoods\[0\] must be at most .*, got nan"),
        ({"log_likelihoods": np.zeros(2), "log_ceiling": np.inf}, ValueError, "log_ceiling must be finite, got inf"),
    ],
    ids=str,
)
def test_bad_input_is_an_error_that_names_it(arguments, error, message):
    for function in (loo_weights, advantages, objective_estimate):
        with pytest.raises(error, match=f"^{message}"):
            function(**arguments)


@pytest.mark.parametrize(
    ("size", "baseline", "objective", "error", "message"),
    [
        (2, "best", None, ValueError, "baseline must be one of none, one, .*, got 'best'"),
        (2, [1], None, TypeError, r"baseline must be a number, .* or one of none, .*, got \[1\]"),
        (2, float("nan"), None, ValueError, "baseline must be finite, got nan"),
        (1, "mean_loo", None, ValueError, "likelihoods must have .*N >= 2 for baseline 'mean_loo', got N = 1"),
        (
            1,
            "pass_loo",
            None,
            ValueError,
            r"likelihoods must have .*N >= 2 for baseline 'pass_loo' of order 1, got N = 1",
        ),
        (
            3,
            "pass_loo",
            3,
            ValueError,
            r"likelihoods must have .*N >= 4 for baseline 'pass_loo' of order 3, got N = 3",
        ),
    ],
)
def test_bad_baselines_are_errors(size, baseline, objective, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        advantages(np.full(size, 0.5), objective, baseline=baseline)


def test_orders_above_n_are_refused_in_traced_code_too():
    jax = pytest.importorskip("jax", reason="needs JAX")
    with pytest.raises(ValueError, match=r"^objective must be .*N = 3, got T = 4"):
        jax.jit(lambda x: loo_weights(x, 4))(np.ones(3))


def test_input_is_left_alone_and_may_be_read_only_or_strided():
    likelihoods = np.random.default_rng(0).random((6, 8))
    before = likelihoods.copy()
    likelihoods.flags.writeable = False
    for view in (likelihoods[::2, ::2], likelihoods.T):
        assert loo_weights(view) == pytest.approx(mx.loo_weights(view), rel=2e-15)
        assert loo_weights(view, 2) == pytest.approx(mx.loo_weights(view, 2), rel=2e-15)
    assert (likelihoods == before).all()


def test_batches_may_be_empty():
    for objective in (None, 2):
        assert loo_weights(np.empty((0, 3)), objective).shape == (0, 3)
        assert objective_estimate(np.empty((4, 0, 3)), objective).shape == (4, 0)


def test_no_framework_is_imported_for_arrays_of_numpy():
    code = (
        "import sys, numpy as np; from maxrl_est.adapters.array_api import advantages; advantages(np.ones(3), 2);"
        "print([name for name in ('torch', 'jax', 'cupy') if name in sys.modules])"
    )
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert got == "[]\n"
