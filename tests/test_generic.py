"""The kernels in array operations: beside the compiled ones, and in their place where numba is missing."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.estimates._kernels import generic, load
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.reference import exact_failure_powers, exact_loo_weights, ulp_error

every_family = pytest.mark.parametrize("family", FAMILIES)

# Largest distance to the compiled kernels over the families, in units in the last place. Sums here carry no
# compensation but are in the longest format there is: where that is float64, errors grow with the group and so does the
# tolerance, ulps(N) = constant + slope N.
WIDE = np.finfo(np.longdouble).eps < 2.0**-60
QUADRATURE_ULPS = 8  # measured worst, N = 1 to 20000: 6
RECURRENCE_ULPS = (3, 0.0) if WIDE else (6, 0.3)
POWERS_ULPS = (3, 0.0) if WIDE else (8, 1.2)
OBJECTIVE_ROUNDINGS = 32  # of the harmonic number, in 2^-53; measured worst: 14


def group(family, n):
    return FAMILIES[family](n, np.random.default_rng(n))[None]


def both(name, likelihoods, shape, *arguments):
    """What the generic and the compiled kernel of a name fill into an array."""
    compiled = load()
    assert compiled.compiled
    results = np.full(shape, np.nan), np.full(shape, np.nan)
    getattr(generic, name)(likelihoods, *arguments, results[0])
    getattr(compiled, name)(likelihoods, *arguments, results[1])
    return results


@every_family
def test_quadrature_agrees_with_the_compiled_kernels(family):
    for n in (1, 2, 3, 8, 16, 17, 64, 65, 200, 1024):
        likelihoods = group(family, n)
        assert ulp_error(*both("full_order_weights", likelihoods, (1, n))) <= QUADRATURE_ULPS
        assert ulp_error(*both("full_order_weight_estimate", likelihoods, 1)) <= QUADRATURE_ULPS
        harmonic = math.fsum(1 / k for k in range(1, n + 1))
        got, expected = both("full_order_objective_estimate", likelihoods, 1, harmonic, 0.0)
        assert abs(got - expected) <= OBJECTIVE_ROUNDINGS * 2.0**-53 * max(1.0, harmonic)


@every_family
def test_recursions_agree_with_the_compiled_kernels(family):
    for n in (1, 2, 3, 8, 17, 65):
        likelihoods = group(family, n)
        constant, slope = RECURRENCE_ULPS
        for order in {1, min(2, n), (n + 1) // 2, n}:
            for successes in (False, True):
                results = both("loo_weights", likelihoods, (1, n), np.ones(order), successes)
                assert ulp_error(*results) <= constant + slope * n
        constant, slope = POWERS_ULPS
        powers = both("powers", likelihoods, (1, n + 1), False)
        assert ulp_error(*powers) <= constant + slope * n
        if n <= 17:
            assert ulp_error(*both("loo_failure_powers", likelihoods, (1, n, n))) <= constant + slope * n


def test_the_tolerances_tell_wrong_kernels(monkeypatch):
    likelihoods = group("equal-sum-one", 64)
    order_less, right = np.empty((1, 64)), np.empty((1, 64))
    generic.loo_weights(likelihoods, np.ones(63), False, order_less)
    generic.loo_weights(likelihoods, np.ones(64), False, right)
    constant, slope = RECURRENCE_ULPS
    assert ulp_error(order_less, right) > 1e6 * (constant + slope * 64)
    with monkeypatch.context() as patch:
        patch.setattr(generic, "CUTOFF", 30.0)
        assert ulp_error(*both("full_order_weights", np.ones((1, 1024)), (1, 1024))) > 10 * QUADRATURE_ULPS
    nodes = list(generic._nodes(200))
    monkeypatch.setattr(generic, "_nodes", lambda size: nodes[1:])
    assert ulp_error(*both("full_order_weights", group("uniform", 200), (1, 200))) > 10 * QUADRATURE_ULPS


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_fractions_are_computed_exactly(n):
    values = [Fraction(k * k % 7, 7) for k in range(n)]
    exact = np.array([values], dtype=object)
    for order in range(1, n + 1):
        c = [Fraction(1, k + 1) for k in range(order)]
        weights = np.empty((1, n), dtype=object)
        generic.loo_weights(exact, np.array(c), False, weights)
        assert weights[0].tolist() == exact_loo_weights(values, c)
        generic.loo_weights(exact, np.array(c), True, weights)
        assert weights[0].tolist() == exact_loo_weights([1 - value for value in values], c)
    powers, loo_powers = np.empty((1, n + 1), dtype=object), np.empty((1, n, n), dtype=object)
    generic.powers(exact, False, powers)
    generic.loo_failure_powers(exact, loo_powers)
    assert powers[0].tolist() == exact_failure_powers(values, n)
    for i in range(n if n > 1 else 0):
        assert loo_powers[0, i].tolist() == exact_failure_powers(values[:i] + values[i + 1 :], n - 1)


def test_batches_are_computed_row_by_row():
    rows = np.concatenate([group(family, 40) for family in ("uniform", "hot-1", "all-zero", "equal-sum-38")])
    for name, shape, arguments in (
        ("full_order_weights", (4, 40), ()),
        ("full_order_weight_estimate", (4,), ()),
        ("full_order_objective_estimate", (4,), (1.0, 0.0)),
        ("loo_weights", (4, 40), (np.ones(7), True)),
        ("powers", (4, 8), (False,)),
        ("loo_failure_powers", (4, 40, 8), ()),
    ):
        kernel, together = getattr(generic, name), np.empty(shape)
        kernel(rows, *arguments, together)
        for i in range(4):
            alone = np.empty((1, *shape[1:]))
            kernel(rows[i : i + 1], *arguments, alone)
            assert ulp_error(together[i], alone[0]) <= 1


# Without numba: the public functions in a process that cannot import it.


SIZES = (1, 2, 5, 16, 70)
CALLS = """
def results(mx, np, families):
    for n in SIZES:
        rng = np.random.default_rng(n)
        rows = np.stack([families[key](n, rng) for key in ("uniform", "hot-1", "all-zero", "beta-j-shaped")])
        yield mx.loo_weights(rows)
        yield mx.loo_weights(rows, (n + 1) // 2)
        yield mx.weight_estimate(rows)
        yield mx.weight_estimate(rows, 1)
        yield mx.objective_estimate(rows[[0, 2]])
        yield mx.objective_estimate(rows, 1)
        yield mx.failure_powers(rows, min(n, 4))
        yield mx.loo_failure_powers(rows, min(n - 1, 4))
        yield mx.advantages(rows, baseline="none")
    yield mx.loo_weights(np.zeros((0, 3)))
    yield mx.weight_estimate(np.zeros((2, 0)))
""".replace("SIZES", repr(SIZES))
WITHOUT_NUMBA = f"""
import json, sys
sys.modules["numba"] = None
import numpy as np
import maxrl_est as mx
from fractions import Fraction
from maxrl_est.estimates._kernels import load
from maxrl_est.selftest.adversarial import FAMILIES
{CALLS}
assert mx.effective_weight(mx.estimators.get("maxrl_shipped"), 4).nearest().name == "J_3"
assert mx.loo_weights([Fraction(1), Fraction(0)]).tolist() == [2, 1]
print(json.dumps([load().compiled, [np.asarray(x).ravel().tolist() for x in results(mx, np, FAMILIES)]]))
"""
PUBLIC_ULPS = 16  # measured worst: 7


def test_without_numba_the_public_functions_give_the_same_numbers(tmp_path):
    package = Path(mx.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_NUMBA],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(package), "MAXRL_EST_KERNELS": "auto"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    compiled, got = json.loads(done.stdout)
    assert compiled is False
    scope = {}
    exec(CALLS, scope)
    expected = [np.asarray(x).ravel() for x in scope["results"](mx, np, FAMILIES)]
    assert load().compiled is True
    assert len(got) == len(expected) == 9 * len(SIZES) + 2
    for values, others in zip(got, expected, strict=True):
        assert ulp_error(values, others) <= PUBLIC_ULPS
