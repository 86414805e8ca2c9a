"""Rules that turn the mean of all products of m of n values into a few products of all n.

With x_j = 1 - t l_j, E_m(x) is the coefficient of z^m in prod_j (1 + z x_j), divided by C(n, m). Cauchy's formula on
the circle of radius r = m / (n - m), at M points z_b = r exp(i pi (2 b + 1) / M), phi_b = z_b / (1 + z_b):

    E_m(x) = sum_b W_b prod_j (1 - t phi_b l_j) - A,        W_b = (1 + z_b)^n z_b^-m / (M C(n, m)),

where A is what aliasing adds, sum over j != 0 of (-1)^j p_{m+jM} E_{m+jM}(x) / p_m with p_k = C(n, k) r^k: up to a
factor the law of a binomial variable of mean m. The points come in conjugate pairs, so half of them will do.

Both bounds hold for all likelihoods, and are relative to any weight of MaxRL of order T = m + 1. There E_k, k > m,
counts for no more than E_m; and E_k, k < m, for (m + 1) / (k + 1) times as much at most, as
(k + 1) Int_0^1 E_k dt = sum_{h <= k} E_h(1 - l) grows with k.

- Aliasing. p_k, and p_k / (k + 1), are log-concave with their modes at m or next to it: the terms on either side are
  below a geometric series whose ratio is its first term.
- Points left out. With R = |1 + z| > 1, |1 + z x| <= 1 + (R - 1) x, so that a product is at most
  sum_k C(n, k) (R - 1)^k E_k(x) and counts for R^n + (m + 1) / (n + 1) (R^(n+1) - 1) / (R - 1) at most.

With sigma^2 = m (n - m) / n that leaves M of about 9 sigma, and a dozen pairs of points, at any size.
"""

from __future__ import annotations

import bisect
import functools
import math
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from typing import NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import FloatArray

TRUNCATION = 2.0**-54  # of any weight: what aliasing may cost, and what the points left out may
SERVED_FROM = 256  # where |phi| <= 2 m / n, besides
_CONTEXT = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN)  # (1 + z)^n has 300,000 digits before the point at n = 10^6
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
# log k! = (k + 1/2) log k - k + log(2 pi) / 2 + sum_j a_j / k^(2j+1); from _STIRLING_FROM on these leave 10^-40.
_STIRLING = ((1, 12), (-1, 360), (1, 1260), (-1, 1680), (1, 1188), (-691, 360360), (1, 156), (-3617, 122400))
_STIRLING_FROM = 1024

_Complex = tuple[Decimal, Decimal]


class CircleRule(NamedTuple):
    """One point of each conjugate pair; the weights are those of both, so that the real parts sum to the result."""

    phi_real: FloatArray  # (pairs,)
    phi_imag: FloatArray  # (pairs,) positive
    weight_real: FloatArray  # (pairs,)
    weight_imag: FloatArray  # (pairs,)
    mean: float  # m / n, the size of the sum of l that f(t) = E_m(1 - t l) decays with
    reach: float  # largest |phi|
    points: int  # M
    order: int  # T


def serves(size: int, order: int) -> bool:
    """Whether the circle is the way to weights of order T of groups of N.

    From N = 256 on it is faster than the recurrence for most groups at every order: at N = 256 it takes the same
    time (T = 2) to a tenth, at N = 512 nine tenths to a thirtieth. In smaller groups the fixed cost of 100 to 900
    nodes tells. T = N is one real integral.
    """
    return size >= SERVED_FROM and 1 < order < size


@functools.lru_cache(maxsize=256)
def rule(size: int, order: int) -> CircleRule:
    """The rule for weights of order T, 1 < T < N, of groups of N: m = T - 1 of n = N - 1 others.

    Every number is correctly rounded (naive floats lose up to 8e-12).
    """
    n, m = size - 1, order - 1
    points = _points(n, m)
    kept = _kept(n, m, points)
    rows = []
    with localcontext(_CONTEXT):
        radius = Decimal(m) / (n - m)
        # both points of a pair, over M C(n, m) r^m
        scale = 2 / (points * (_log_binomial(n, m) + m * radius.ln()).exp())
        direction, turn = _unit(_PI / points), _unit(2 * _PI / points)
        for _ in range(kept):
            z = direction[0] * radius, direction[1] * radius
            one_more = 1 + z[0], z[1]
            weight = _quotient(_power(one_more, n), _power(direction, m))
            rows.append((*_quotient(z, one_more), weight[0] * scale, weight[1] * scale))
            direction = _product(direction, turn)
    columns = np.array(rows, np.float64).T.copy()
    columns.flags.writeable = False
    phi_real, phi_imag, weight_real, weight_imag = columns
    reach = float(np.hypot(phi_real, phi_imag).max())
    return CircleRule(phi_real, phi_imag, weight_real, weight_imag, m / n, reach, points, order)


def _points(n: int, m: int) -> int:
    """The least even M at which aliasing stays below TRUNCATION."""
    half = bisect.bisect_left(range(1, n // 2 + 2), -TRUNCATION, key=lambda half: -_aliasing(n, m, 2 * half))
    return 2 * (half + 1)


def _aliasing(n: int, m: int, points: int) -> float:
    """Bound of what M points add, relative to any weight."""
    total = 0.0
    for k in (m - points, m + points):
        if 0 <= k <= n:
            log_ratio = _log_term(n, m, k) - _log_term(n, m, m) + max(0.0, math.log((m + 1) / (k + 1)))
            ratio = math.exp(log_ratio)
            total += ratio / (1 - ratio) if ratio < 1 else math.inf
    return total


def _log_term(n: int, m: int, k: int) -> float:
    """log of p_k = C(n, k) r^k."""
    log_binomial = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return log_binomial + k * math.log(m / (n - m))


def _kept(n: int, m: int, points: int) -> int:
    """How many pairs, from the real axis on, leave less than TRUNCATION to the others."""
    radius = m / (n - m)
    angles = np.pi * (2 * np.arange(points // 2) + 1) / points
    growth = np.maximum(0.5 * np.log1p(radius * (radius + 2 * np.cos(angles))), 0.0)  # log R
    integral = 1 + (m + 1) / np.maximum(1.0, (n + 1) * -np.expm1(-growth))
    sizes = 2 / points * integral * np.exp(n * growth - _log_term(n, m, m))
    from_here_on = np.cumsum(sizes[::-1])[::-1]
    return int(np.count_nonzero(from_here_on > TRUNCATION))


def _log_binomial(n: int, k: int) -> Decimal:
    return _log_factorial(n) - _log_factorial(k) - _log_factorial(n - k)


def _log_factorial(k: int) -> Decimal:
    if k < _STIRLING_FROM:
        return Decimal(math.factorial(k)).ln()
    x = Decimal(k)
    series = sum(Decimal(a) / b / x ** (2 * j + 1) for j, (a, b) in enumerate(_STIRLING))
    return (x + Decimal("0.5")) * x.ln() - x + (2 * _PI).ln() / 2 + series


def _unit(angle: Decimal) -> _Complex:
    """exp(i angle), by its power series."""
    parts, term, k = [Decimal(0), Decimal(0)], Decimal(1), 0
    while abs(term) > Decimal("1e-70"):
        parts[k % 2] += term if k % 4 < 2 else -term
        k += 1
        term = term * angle / k
    return parts[0], parts[1]


def _product(x: _Complex, y: _Complex) -> _Complex:
    return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]


def _quotient(x: _Complex, y: _Complex) -> _Complex:
    square = y[0] * y[0] + y[1] * y[1]
    real, imag = _product(x, (y[0], -y[1]))
    return real / square, imag / square


def _power(x: _Complex, exponent: int) -> _Complex:
    result = Decimal(1), Decimal(0)
    while exponent:
        if exponent & 1:
            result = _product(result, x)
        x, exponent = _product(x, x), exponent >> 1
    return result
