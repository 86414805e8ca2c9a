"""What the claims on orders below N say, against the package's weights, means of products and rules of points."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np

import maxrl_est as mx
from maxrl_est.estimates._kernels.circle_rules import TRUNCATION, rule
from maxrl_est.estimates._kernels.nodes import NODES

from . import GROUP, evaluate
from .integral import LONG, binary, exactly, named, number

RULES = ((3, 2), (16, 8), (64, 2), (64, 60), (256, 48), (256, 254), (1024, 512), (4096, 100), (10**6, 999_000))
MIDDLE = 38  # the least m (n - m) / n at which no point that is kept has a negative real part


def mean_of_products(likelihoods, m: int, t: Fraction = Fraction(1)) -> Fraction:
    """E_m(1 - t l)."""
    return mx.failure_powers(t * exactly(likelihoods), m)[m]


def derivative(likelihoods, m: int, r: int, t: Fraction) -> Fraction:
    """The r-th derivative by t of E_m(1 - t l), by its coefficients."""
    means = mx.failure_powers(1 - exactly(likelihoods), m)  # of the products of j likelihoods
    terms = (Fraction((-1) ** j * math.comb(m, j) * math.perm(j, r)) * means[j] * t ** (j - r) for j in range(r, m + 1))
    return sum(terms, Fraction(0))


def weights_from_integrals(likelihoods, m: int, i: int) -> list[Fraction]:
    """Int E_k(1 - t l_-i) dt over that of E_m for every k: a weight of order T is T such an integral."""
    orders = range(1, len(likelihoods) + 1)
    integrals = [mx.loo_weights(exactly(likelihoods), order)[i] / order for order in orders]
    return [integral / integrals[m] for integral in integrals]


def any_order_derivatives(claim):
    (share, bound), wrong = claim.steps[0].relation.args, claim.sibling.rhs
    n = len(LONG)
    for m, r in ((1, 1), (4, 1), (4, 3), (8, 2), (9, 9)):
        values = named(claim.steps[0].relation, m=m, n=n, r=r)
        elementary = mx.failure_powers(1 - exactly(LONG), r)[r] * math.comb(n, r)
        at_zero = evaluate(share, values) * math.factorial(r) * elementary
        assert abs(derivative(LONG, m, r, Fraction(0))) == at_zero <= evaluate(bound, values) * sum(LONG) ** r
        for t in (Fraction(1, 3), Fraction(1)):
            assert 0 <= (-1) ** r * derivative(LONG, m, r, t) <= at_zero
        assert r > 1 or at_zero > evaluate(wrong, values) * sum(LONG)


def any_order_decay(claim):
    (equal, bound), wrong = claim.steps[0].relation.args, claim.sibling.rhs
    n, s = len(LONG), sum(LONG) / len(LONG)
    for m, t in itertools.product((1, 4, 8), (Fraction(1, 10), Fraction(1, 2), Fraction(1))):
        values = named(claim.steps[0].relation, m=m, n=n, s=s, t=t)
        assert mean_of_products(LONG, m, t) <= evaluate(equal, values) <= number(bound, values)
        assert mean_of_products([s] * n, m, t) == evaluate(equal, values)
        assert m > 4 or mean_of_products(LONG, m, t) > number(wrong, named(wrong, n=n, s=s, t=t))


def any_order_least_weight(claim):
    least, wrong = claim.steps[0].relation.lhs, claim.sibling.lhs
    for group, T in itertools.product((LONG, GROUP, binary(2, 5)), (1, 2, 4, 5)):
        for likelihood, weight in zip(group, mx.loo_weights(exactly(group), T), strict=True):
            values = {"m": T - 1, "n": len(group) - 1, "S": sum(group) - likelihood}
            assert weight >= T * evaluate(least, named(least, **values))
    at_one_success = mx.loo_weights(binary(2, 5), 2)[0] / 2
    assert at_one_success < evaluate(wrong, named(wrong, m=1, n=4, S=1))


def circle_rule(claim):
    chances, alias = claim.steps[0].relation.args
    n, m = len(LONG), 3
    radius = Fraction(m, n - m)
    for points in (1, 2):  # z = r, and z = -r
        others = [k for k in range(n + 1) if k != m and (k - m) % points == 0]
        sizes = {k: evaluate(chances, named(chances, k=k, n=n, m=m, c=Fraction(m, n))) for k in others}
        for k, size in sizes.items():
            assert size == Fraction(math.comb(n, k), math.comb(n, m)) * radius ** (k - m)
        assert sizes[n] != evaluate(claim.sibling.rhs, named(alias, k=n, n=n, m=m, c=Fraction(m, n)))
        for t in (Fraction(0), Fraction(1, 2), Fraction(1)):
            products = [math.prod(1 + z * (1 - t * l) for l in LONG) / z**m for z in (radius, -radius)[:points]]
            aliases = sum(products) / (points * math.comb(n, m)) - mean_of_products(LONG, m, t)
            assert aliases == sum(size * mean_of_products(LONG, k, t) for k, size in sizes.items())
            assert 0 <= aliases <= sum(sizes.values())
            assert (aliases == sum(sizes.values())) == (t == 0)
    for size, order in ((10, 4), (10, 9), (64, 32)):
        shipped, group = rule(size, order), np.resize(np.array(LONG, dtype=float), size - 1)
        phi, weight = shipped.phi_real + 1j * shipped.phi_imag, shipped.weight_real + 1j * shipped.weight_imag
        for t in NODES[-1, (0, 13, -1)].tolist():
            computed = float((weight * np.prod(1 - t * phi * group[:, None], axis=0)).sum().real)
            expected = mean_of_products([Fraction(l) for l in group.tolist()], order - 1, Fraction(t))
            assert abs(computed - float(expected)) <= 8 * 2.0**-53


def circle_aliases(claim):
    ratio = claim.steps[0].relation.rhs
    below = claim.steps[2].relation.rhs

    def beside(n: int, m: int, points: int) -> tuple[Fraction, Fraction]:
        """The aliases next to m, above and below."""
        power = Fraction(m, n - m) ** points
        above = evaluate(ratio, named(ratio, n=n, k=m, M=points)) * power
        return above, evaluate(below, named(below, n=n, m=m, k=m - points)) / power if m >= points else Fraction(0)

    n = len(LONG) - 1
    for m, points in ((2, 4), (4, 3), (5, 4), (7, 5)):
        counted = sum(x / (1 - x) for x in beside(n, m, points) if x < 1)
        radius = Fraction(m, n - m)
        for group in (LONG, binary(0, n + 1), binary(n + 1, n + 1)):
            shares = weights_from_integrals(group, m, 0)
            sizes = {k: Fraction(math.comb(n, k), math.comb(n, m)) * radius ** (k - m) for k in range(n + 1)}
            error = sum(sizes[k] * shares[k] for k in range(n + 1) if k != m and (k - m) % points == 0)
            assert error <= counted
    for size, order in RULES:
        if size <= 1024 and order - 1 + rule(size, order).points <= size - 1:
            assert sum(x / (1 - x) for x in beside(size - 1, order - 1, rule(size, order).points)) <= TRUNCATION


def circle_points(claim):
    for step in claim.steps[:6:2]:
        n, m, points = (int(value) for _, value in step.by.at)
        assert rule(n + 1, m + 1).points == points + points % 2
        assert evaluate(step.relation.rhs, {}) == Fraction(TRUNCATION)


def left_out(size: int, order: int) -> float:
    """What the terms of a shipped rule that were left out can be of a weight, by the sum of circle-terms."""
    n, m, shipped = size - 1, order - 1, rule(size, order)
    radius, k = m / (n - m), np.arange(n + 1)
    turns = np.arange(len(shipped.phi_real), shipped.points // 2) + 0.5
    log_u = np.log(np.maximum(np.abs(1 + radius * np.exp(2j * np.pi * turns / shipped.points)) - 1, 1e-300))
    log_factorials = np.array([math.lgamma(j + 1) for j in range(n + 1)])
    log_binomials = log_factorials[n] - log_factorials - log_factorials[::-1]
    log_sizes = log_binomials + np.log(np.maximum(1, (m + 1) / (k + 1))) - log_binomials[m] - m * math.log(radius)
    return float(2 / shipped.points * np.exp(log_sizes + k * log_u[:, None]).sum())


def circle_terms(claim):
    size, bound = claim.steps[0].relation.args
    for angle, radius, q in itertools.product((0.3, 1.5, 2.2, 3.1), (0.1, 1.0, 5.0), (0, Fraction(1, 3), 1)):
        z = radius * complex(math.cos(angle), math.sin(angle))
        values = named(claim.steps[0].relation, q=q, r=radius, w=abs(1 + z))
        assert math.isclose(number(size, values), abs(1 + z * float(q)) ** 2, rel_tol=1e-9, abs_tol=1e-12)
        assert number(size, values) <= number(bound, values) * (1 + 1e-12)
        assert q > 0 or (number(size, values) > number(claim.sibling.rhs, values)) == (abs(1 + z) < 1)
    for group_size, order in RULES:
        if group_size <= 4096:
            assert left_out(group_size, order) <= TRUNCATION


def circle_division(claim):
    (least, size), (_, whole), _ = (step.relation.args for step in claim.steps)
    for group_size, order in RULES:
        n, m, shipped = group_size - 1, order - 1, rule(group_size, order)
        phi = shipped.phi_real + 1j * shipped.phi_imag
        right = (phi / (1 - phi)).real >= 0
        assert right.all() or m * (n - m) / n < MIDDLE
        smallest = number(least, named(least, r=Fraction(m, n - m)))
        for t, l in itertools.product((NODES[-1, 0], 0.5, NODES[-1, -1]), (0.0, 0.3, 1.0)):
            factors = np.abs(1 - t * phi[right] * l) ** 2
            assert (smallest <= factors * (1 + 1e-12)).all()
            assert (factors <= 1 + 1e-12).all()
    values = named(size, q=Fraction(1, 2), r=Fraction(2), x=Fraction(1))
    z = complex(1, math.sqrt(3))
    assert math.isclose(abs((1 + z / 2) / (1 + z)) ** 2, evaluate(size, values))
    assert evaluate(whole, values) == 7
    at_least = named(claim.sibling, q=0, r=Fraction(2), x=Fraction(2))
    assert evaluate(claim.sibling.lhs, at_least) > evaluate(size, at_least) == evaluate(least, at_least)
