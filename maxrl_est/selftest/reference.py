"""Leave-one-out weights, exact or correctly rounded: the oracle that every fast route is judged against.

Nothing here shares code with the kernels. Small groups are done in rational arithmetic, larger ones in Arb
balls (python-flint, ``pip install 'maxrl-est[test]'``): intervals proved to contain the real number, so that
the radius is the certificate and the algorithm may lose digits without harm.

Every function takes one group: likelihoods ``(N,)`` in [0, 1], floats being the exact rationals they are, and
an objective as its coefficients ``c``, which stand for the weight ``w(p) = sum_k c_k (1-p)^k``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.selftest.definition import elementary_symmetric

Numbers: TypeAlias = Sequence[float | Fraction] | Array

_MOST_BITS = 1 << 17  # past this precision the oracle gives up rather than runs for ever
_TIE_BITS = 300  # a ball this narrow, relative to its midpoint, that still holds a tie is taken to be the tie


def exact_loo_weights(likelihoods: Numbers, coefficients: Numbers) -> list[Fraction]:
    """Weights of the N rollouts, each from the other N-1 values, in rational arithmetic.

    Use it for groups up to a few hundred: it costs O(N T) products of long integers. For larger ones use
    `ball_loo_weights`, or `ball_loo_weights_full_order` when T = N and all coefficients are one.

    The definition, with q = 1 - l and e_k the elementary symmetric polynomial of the others' values:
    ``omega_i = sum_k c_k e_k(q_{-i}) / C(N-1, k)``.
    Raises ValueError when T > N, where no unbiased estimate exists.

    >>> exact_loo_weights([1, 0, 0], [1, 1, 1])  # N/K for the success; the others have 1 in 2 peers
    [Fraction(3, 1), Fraction(3, 2), Fraction(3, 2)]
    """
    failures, unit = _failures(likelihoods)
    shares, share_unit = _common_denominator(_shares(coefficients, others=len(failures) - 1))
    top = len(shares) - 1
    symmetric = _symmetric(failures, top)
    weights = {}  # equal values have equal peers
    for left_out in set(failures):
        e, total = 0, 0
        for share, of_all in zip(shares, symmetric, strict=True):
            e = of_all - left_out * e  # e_k(q) = e_k(q_{-i}) + q_i e_{k-1}(q_{-i})
            total = total * unit + share * e
        weights[left_out] = Fraction(total, share_unit * unit**top)
    return [weights[left_out] for left_out in failures]


def exact_failure_powers(likelihoods: Numbers, max_power: int) -> list[Fraction]:
    """E_0 .. E_K of all N given values, ``E_k = e_k(q) / C(N, k)``: unbiased for (1-p)^k.

    Raises ValueError when K > N, where no unbiased estimate exists.

    >>> exact_failure_powers([1, 0, 0], 3)
    [Fraction(1, 1), Fraction(2, 3), Fraction(1, 3), Fraction(0, 1)]
    """
    failures, unit = _failures(likelihoods)
    n = len(failures)
    if not 0 <= max_power <= n:
        raise ValueError(f"max_power must lie in [0, N], N = {n}, got {max_power}")
    symmetric = _symmetric(failures, max_power)
    return [Fraction(e, math.comb(n, k) * unit**k) for k, e in enumerate(symmetric)]


def exact_weight_estimate(likelihoods: Numbers, coefficients: Numbers) -> Fraction:
    """Unbiased estimate ``sum_k c_k E_k`` of w(p) from all N values (not leave-one-out); needs T <= N + 1.

    >>> exact_weight_estimate([1, 0, 0], [1, 1, 1, 1])
    Fraction(2, 1)
    """
    exact = _rationals(coefficients)
    powers = exact_failure_powers(likelihoods, len(exact) - 1)
    return sum((c * power for c, power in zip(exact, powers, strict=True)), Fraction(0))


def exact_objective_estimate(likelihoods: Numbers, coefficients: Numbers) -> Fraction:
    """Unbiased estimate ``-sum_{k=1..T} c_{k-1} E_k / k`` of J, where J' = w and J(1) = 0; needs T <= N.

    >>> exact_objective_estimate([1, 0, 0], [1, 1, 1])  # harmonic numbers H_1 - H_3
    Fraction(-5, 6)
    """
    exact = _rationals(coefficients)
    powers = exact_failure_powers(likelihoods, len(exact))
    return -sum((c * powers[k] / k for k, c in enumerate(exact, start=1)), Fraction(0))


def ball_loo_weights(likelihoods: FloatArray, coefficients: Numbers) -> FloatArray:
    """Weights ``(N,)`` of `exact_loo_weights` in float64, for any objective and N up to a few thousand.

    Each is correctly rounded, ties to even: a ball proved to hold the weight rounds to it as a whole. (No
    ball rules out a tie that is the weight, so one of relative radius 2^-300 holding a tie is taken for it.)

    With d_k = c_k / C(N-1, k) and E(x) = prod_j (1 + q_j x), leaving out a value q divides E by 1 + q x, so
    ``omega(q) = sum_m (-q)^m sum_j e_j d_{j+m}``: one product of polynomials, then one evaluation for each
    distinct value. The alternating sum loses about N bits; the precision is doubled until the balls decide.
    Raises ValueError when T > N and ArithmeticError if no precision suffices.

    >>> ball_loo_weights(np.array([0.5, 0.25]), [1, 1]).tolist()
    [1.75, 1.5]
    """
    flint = _flint()
    group = _group(likelihoods).astype(np.float64)
    values, rollout = np.unique(group, return_inverse=True)
    shares = [flint.fmpq(d.numerator, d.denominator) for d in _shares(coefficients, others=group.size - 1)]
    order = len(shares)

    def enclose(_: int) -> list[Any]:
        roots = [flint.arb(value) - 1 for value in values.tolist()]  # -q
        product = flint.arb_poly.from_roots([roots[j] for j in rollout.tolist()])
        symmetric = flint.arb_poly(product.coeffs()[::-1][:order])  # e_0, e_1, ...
        correlation = symmetric * flint.arb_poly([flint.arb(d) for d in shares[::-1]])
        leaving_out = flint.arb_poly([correlation[order - 1 - m] for m in range(order)])
        return [leaving_out(root) for root in roots]

    return _rounded(enclose, bits=128 + 2 * group.size)[rollout]


def ball_loo_weights_full_order(likelihoods: FloatArray, *, indices: npt.ArrayLike | None = None) -> FloatArray:
    """Weights of MaxRL with T = N for groups of any size, in float64, rounded as in `ball_loo_weights`.

    Cost: two operations on balls for each distinct value and each of 80 or so nodes, so N = 10^6 with a few
    thousand distinct values takes a second or two. ``indices`` restricts the answer to those rollouts.

    ``omega_i / N`` is the integral over [0, 1] of f(t) = prod_{j != i} (1 - t l_j). With L the sum of the
    other values, S that of all, and a <= 1, m-point Gauss-Legendre on [0, a] is widened by two bounds:

    - remainder. ``f^(2m)(t) = (2m)! sum_{|A|=2m} prod_{j in A} l_j prod_{j not in A} (1 - t l_j)``; the last
      factors lie in [0, 1] and L^(2m) holds each product over A (2m)! times, so
      0 <= f^(2m) <= (2m)! e_2m(l_{-i}) <= L^(2m) <= S^(2m). The integral exceeds the rule by
      f^(2m)(s) a^(2m+1) (m!)^4 / ((2m+1) ((2m)!)^3) for some s; by nothing when 2m >= N > deg f.
    - tail. 0 <= f(t) <= exp(-t L), so the integral over [a, 1] lies between 0 and exp(-a L) / L.

    >>> ball_loo_weights_full_order(np.array([1.0, 0.0, 0.0]), indices=[0, 2]).tolist()
    [3.0, 1.5]
    """
    flint = _flint()
    group = _group(likelihoods).astype(np.float64)
    n = group.size
    values, rollout, counts = np.unique(group, return_inverse=True, return_counts=True)
    chosen = rollout if indices is None else rollout[np.asarray(indices)]
    wanted, position = np.unique(chosen, return_inverse=True)
    total, largest = math.fsum(group), float(values[-1])

    def enclose(bits: int) -> list[Any]:
        a, m = _interval_and_nodes(total=total, largest=largest, bits=bits)
        m = min(m, (n + 1) // 2)
        balls = [(flint.arb(v), count) for v, count in zip(values.tolist(), counts.tolist(), strict=True)]
        mass = sum((value * count for value, count in balls), flint.arb(0))
        nodes = []  # position, and quadrature weight times the product over the whole group
        for k in range(m):
            root, term = flint.arb.legendre_p_root(m, k, weight=True)
            node = (root + 1) * a / 2
            for value, count in balls:
                term *= (1 - node * value) ** count
            nodes.append((node, term * a / 2))
        ratio = flint.arb.fac_ui(m) ** 4 / ((2 * m + 1) * flint.arb.fac_ui(2 * m) ** 3)
        remainder = a * (a * mass) ** (2 * m) * ratio if 2 * m < n else flint.arb(0)
        result = []
        for left_out in (balls[j][0] for j in wanted.tolist()):
            rest = mass - left_out
            missing = remainder + (-a * rest).exp() / rest if a < 1.0 else remainder
            rule = sum((term / (1 - node * left_out) for node, term in nodes), flint.arb(0))
            result.append(n * (rule + missing.union(0)))
        return result

    return _rounded(enclose, bits=128)[position]


def ulp_error(got: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Largest error in units in the last place of the expected value; infinite if either holds a non-finite.

    >>> ulp_error([1.0, 2.0], [1.0, np.nextafter(2.0, 3.0)])
    1.0
    """
    actual, wanted = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    if actual.shape != wanted.shape:
        raise ValueError(f"got must have the shape of expected, {wanted.shape}, got {actual.shape}")
    if not (np.isfinite(actual).all() and np.isfinite(wanted).all()):
        return math.inf
    with np.errstate(over="ignore"):
        return float(np.max(np.abs(actual - wanted) / np.spacing(np.abs(wanted)), initial=0.0))


def _symmetric(values: list[int], top: int) -> list[int]:
    """e_0 .. e_top of integers of any length."""
    found: list[int] = elementary_symmetric(np.array(values, dtype=object), top).tolist()
    return found


def _shares(coefficients: Numbers, *, others: int) -> list[Fraction]:
    """d_k = c_k / C(N-1, k), what one k-subset of the others counts for."""
    exact = _rationals(coefficients)
    if not 1 <= len(exact) <= others + 1:
        raise ValueError(f"coefficients must have T entries, T in [1, N] and N = {others + 1}, got {len(exact)}")
    return [c / math.comb(others, k) for k, c in enumerate(exact)]


def _failures(likelihoods: Numbers) -> tuple[list[int], int]:
    return _common_denominator([1 - value for value in _rationals(_group(likelihoods))])


def _common_denominator(values: list[Fraction]) -> tuple[list[int], int]:
    """Numerators over one denominator: integer loops are far faster than reducing a fraction at each step."""
    unit = math.lcm(*(value.denominator for value in values))
    return [value.numerator * (unit // value.denominator) for value in values], unit


def _rationals(values: Numbers) -> list[Fraction]:
    return [Fraction(value.item() if isinstance(value, np.generic) else value) for value in values]


def _group(likelihoods: Numbers) -> Array:
    """One non-empty group of likelihoods, refused with the index and value at fault."""
    group = np.asarray(likelihoods)
    if group.ndim != 1 or group.size == 0:
        raise ValueError(f"likelihoods must be one group, (N,) with N >= 1, got shape {group.shape}")
    inside = np.logical_and(group >= 0, group <= 1).astype(bool)
    if not inside.all():
        index = int(np.argmin(inside))
        raise ValueError(f"likelihoods[{index}] must lie in [0, 1], got {group[index]}")
    return group


def _interval_and_nodes(*, total: float, largest: float, bits: int) -> tuple[float, int]:
    """Where to cut the integral, and how many nodes, to err by about 2^-bits of it.

    In doubles: this steers the cost and proves nothing.
    """
    nats = bits * math.log(2)
    least = total - largest  # no leave-one-out sum is smaller
    a = 1.0 if least <= nats else nats / least
    if total == 0.0:
        return a, 1
    for m in itertools.count(1):
        log = 2 * m * math.log(a * total) + 4 * math.lgamma(m + 1) - 3 * math.lgamma(2 * m + 1)
        if log + math.log1p(total) < -nats:
            break
    return a, m


def _rounded(enclose: Callable[[int], list[Any]], *, bits: int) -> FloatArray:
    """Values of the balls ``enclose(bits)``, correctly rounded: bits are doubled until every ball decides."""
    flint = _flint()
    while bits <= _MOST_BITS:
        with flint.ctx.workprec(bits):
            rounded = [_decided(ball) for ball in enclose(bits)]
        if None not in rounded:
            return np.array(rounded, dtype=np.float64)
        bits *= 2
    raise ArithmeticError(f"{_MOST_BITS} bits of precision do not decide how the weights are rounded")


def _decided(ball: Any) -> float | None:
    """Return the double to which all of the ball rounds, if it is one."""
    lower, upper = float(ball.lower()), float(ball.upper())
    if lower == upper:
        return upper
    if ball.rad() * 2**_TIE_BITS <= abs(ball.mid()):
        return float((Fraction(lower) + Fraction(upper)) / 2)  # the tie, which goes to even
    return None


def _flint() -> Any:
    try:
        import flint
    except ImportError as error:
        raise ImportError("Arb balls need python-flint: pip install 'maxrl-est[test]'") from error
    return flint
