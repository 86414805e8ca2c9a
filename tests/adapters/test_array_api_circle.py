"""MaxRL of any order T < N in large groups, on arrays of NumPy, torch and JAX: by a circle, against Arb balls."""

import functools
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("array_api_compat", reason="needs array-api-compat")

import maxrl_est as mx
from adapters.test_array_api import FRAMEWORKS, HARD, SINGLE, groups, on_single_jax, relative
from maxrl_est.adapters import _circle, _traced
from maxrl_est.adapters.array_api import advantages, loo_weights
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.reference import ball_loo_weights, ulp_error

ULPS = 5  # measured worst of any family, framework, N = 257 and 1024: 4
POWER = 2e-15  # of 1 or of each advantage
DERIVATIVE = 2e-15  # of the sum of the sizes of what is added up
SINGLE_DERIVATIVE = 1e-6
ALL = tuple(FAMILIES)


@functools.cache
def exact(n, order, names):
    likelihoods = groups(n, names)
    return likelihoods, np.stack([ball_loo_weights(group, np.ones(order)) for group in likelihoods])


@FRAMEWORKS
@pytest.mark.parametrize(
    ("n", "order", "names"),
    [(257, 2, ALL), (257, 16, ALL), (257, 128, ALL), (257, 256, ALL), (1024, 200, HARD), (1024, 512, HARD)],
)
def test_weights_are_accurate(on, n, order, names):
    likelihoods, expected = exact(n, order, names)
    got = on(lambda x: loo_weights(x, order))(likelihoods)
    assert got.dtype == np.float64
    errors = {name: ulp_error(g, e) for name, g, e in zip(names, got, expected, strict=True)}
    assert {name: error for name, error in errors.items() if error > ULPS} == {}


@pytest.mark.parametrize(("n", "order"), [(256, 2), (259, 30), (1024, 1023)])
def test_single_precision_of_jax_is_accurate(n, order):
    likelihoods = groups(n).astype(np.float32)
    got = on_single_jax(lambda x: loo_weights(x, order))(likelihoods)
    assert got.dtype == np.float32
    assert relative(got, mx.loo_weights(likelihoods.astype(np.float64), order)) <= SINGLE


@FRAMEWORKS
@pytest.mark.parametrize("order", [2, 128, 255])
def test_the_pass_rate_of_the_others_is_subtracted_as_accurately(on, order):
    likelihoods = groups(257, (*HARD, "hot-2", "all-one", "all-zero"))
    got = on(lambda x: advantages(x, order, baseline="pass_loo"))(likelihoods)
    expected = mx.advantages(likelihoods, order, baseline="pass_loo")
    assert np.max(np.abs(got - expected) / np.maximum(1, np.abs(expected))) <= POWER


def test_it_is_the_way_to_maxrl_and_to_pass_at_k_alone():
    def ways(objective, size, baseline="none"):
        made_of = _traced.recipe_of(objective, baseline, size)
        return tuple(terms and terms.circle for terms in (made_of.weights, made_of.others))

    assert ways(16, 256, "pass_loo") == ("maxrl", "pass_at")
    assert ways(254, 256, "pass_loo") == ("maxrl", "pass_at")
    assert ways(16, 255, "pass_loo") == (None, None)
    assert ways(1, 256) == (None, None)
    for other in (mx.Objective.pass_at(16), mx.Objective.all_of(16), mx.Objective.tsallis(0.5, 16)):
        assert ways(other, 256) == (None, None)


# What is rejected.


def worst(order=128):
    likelihoods, expected = exact(257, order, ALL)
    return ulp_error(_circle.loo_weights(np, likelihoods, order), expected)


def test_logarithms_of_what_is_rounded_are_rejected(monkeypatch):
    """Equal likelihoods round alike, so that the errors of their factors add up."""
    factors = _circle._factors

    def rounded(*given):
        found = factors(*given)
        return found._replace(less=_circle._square(found) - 1.0)

    monkeypatch.setattr(_circle, "_factors", rounded)
    assert worst() > 4 * ULPS


def test_points_rounded_to_float32_are_rejected(monkeypatch):
    found = _circle._of_integral(257, 128)
    rounded = found._replace(points=tuple(part.astype(np.float32).astype(np.float64) for part in found.points))
    monkeypatch.setattr(_circle, "_of_integral", lambda size, order: rounded)
    assert worst() > 1e6


def test_the_circle_of_one_order_less_is_rejected(monkeypatch):
    of_integral = _circle._of_integral
    monkeypatch.setattr(_circle, "_of_integral", lambda size, order: of_integral(size, order - 1))
    assert worst() > 1e6


# Derivatives, and what compilers make of it.


@functools.cache
def exact_derivatives(order):
    """Groups (B, N), cotangents (N,), derivatives by some rollouts (B, 4), and the sums of the sizes of their terms.

    E_k of n others has the derivative -k / n E_{k-1} of the n - 1 that are left, by each of the n.
    """
    likelihoods = groups(257, (*HARD, "hot-38", "all-zero", "all-one"))
    cotangents = np.random.default_rng(0).uniform(-1, 1, 257)
    coefficients = [Fraction(-k, 256) for k in range(1, order)]
    found, sizes = np.empty((len(likelihoods), 4)), np.empty((len(likelihoods), 4))
    for b, group in enumerate(likelihoods):
        for k, i in enumerate(AT):
            terms = ball_loo_weights(np.delete(group, i), coefficients) * np.delete(cotangents, i)
            found[b, k], sizes[b, k] = terms.sum(), np.abs(terms).sum()
    return likelihoods, cotangents, found, sizes


AT = (0, 100, 200, 256)


def by_torch(order, likelihoods, cotangents):
    torch = pytest.importorskip("torch", reason="needs torch")
    x = torch.from_numpy(likelihoods.copy()).requires_grad_()
    (loo_weights(x, order) * torch.from_numpy(cotangents)).sum().backward()
    return x.grad.numpy()


def by_jax(order, likelihoods, cotangents):
    jax = pytest.importorskip("jax", reason="needs JAX")
    with jax.enable_x64(likelihoods.dtype == np.float64):
        return np.asarray(jax.jit(jax.grad(lambda x: (loo_weights(x, order) * cotangents).sum()))(likelihoods))


def by_single_jax(order, likelihoods, cotangents):
    return by_jax(order, likelihoods.astype(np.float32), cotangents.astype(np.float32))


@pytest.mark.parametrize("order", [2, 256])
@pytest.mark.parametrize(
    ("derivatives", "limit"), [(by_torch, DERIVATIVE), (by_jax, DERIVATIVE), (by_single_jax, SINGLE_DERIVATIVE)]
)
def test_derivatives_are_exact(derivatives, limit, order):
    likelihoods, cotangents, expected, sizes = exact_derivatives(order)
    got = derivatives(order, likelihoods, cotangents)[:, AT]
    assert np.max(np.abs(got - expected) / sizes) <= limit


def test_products_of_more_factors_are_rejected_as_they_leave_the_range_of_float32(monkeypatch):
    """1 - s l of a success is near 1/N where T is near N, and its square is squared with every halving."""
    pytest.importorskip("jax", reason="needs JAX")
    likelihoods = np.zeros((2, 257))
    likelihoods[0, ::65], likelihoods[1, ::17] = 1.0, 1.0  # that are multiplied by two halvings, and by four
    cotangents = np.ones(257)
    assert np.isfinite(by_single_jax(256, likelihoods, cotangents)).all()
    monkeypatch.setattr(_circle, "_HALVINGS", 4)
    assert not np.isfinite(by_single_jax(256, likelihoods, cotangents)).all()


@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`:UserWarning")
def test_torch_compiles_it_whole():
    torch = pytest.importorskip("torch", reason="needs torch")
    torch._dynamo.reset()
    compiled = torch.compile(lambda x: advantages(x, 3, baseline="pass_loo"), fullgraph=True, backend="aot_eager")
    likelihoods = np.random.default_rng(0).random((2, 257))
    got = compiled(torch.from_numpy(likelihoods)).numpy()
    assert np.allclose(got, mx.advantages(likelihoods, 3, baseline="pass_loo"), rtol=0, atol=3e-15)


def test_vmap_gives_every_group_its_weights():
    torch = pytest.importorskip("torch", reason="needs torch")
    jax = pytest.importorskip("jax", reason="needs JAX")
    likelihoods = np.random.default_rng(0).random((2, 3, 257))
    expected = mx.loo_weights(likelihoods, 5)
    with jax.enable_x64(True):
        got = np.asarray(jax.jit(jax.vmap(jax.vmap(lambda group: loo_weights(group, 5))))(likelihoods))
    assert got == pytest.approx(expected, rel=2e-15)
    got = torch.vmap(torch.vmap(lambda group: loo_weights(group, 5)))(torch.from_numpy(likelihoods))
    assert got.numpy() == pytest.approx(expected, rel=2e-15)
