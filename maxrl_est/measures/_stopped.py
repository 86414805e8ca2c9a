"""What an advantage function ascends where a design decides how many rollouts there are."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction

import numpy as np

from maxrl_est._arguments.protocols import Estimator
from maxrl_est.estimators.designs import Design
from maxrl_est.estimators.designs._design import walk
from maxrl_est.measures._equivariant import equivariant_advantages
from maxrl_est.measures._precision import Precision
from maxrl_est.objectives._numbers import in_one_unit


def bernstein_under(
    design: Design, estimator: Estimator, low: Fraction, high: Fraction
) -> tuple[tuple[Fraction, ...], Precision | None]:
    """The Bernstein coefficients (cap,) of W, and the shortest format of floats that was met, None for Fractions.

    Given an ending, the scores of its successes have the mean grad p / p and those of its failures -grad p / (1-p). So
    W is a sum of p^(s-1) (1-p)^f, for successes, and of p^s (1-p)^(f-1), for failures, each of its own degree.
    """
    terms: defaultdict[tuple[int, int], Fraction] = defaultdict(Fraction)
    precisions: list[Precision] = []
    for size, endings in design.sizes:
        successes = np.array([ending.successes for ending in endings])
        groups = np.array([low, high])[(np.arange(size) < successes[:, None]).astype(int)]
        advantages, precision = equivariant_advantages(estimator, groups)
        precisions += [precision] if precision else []
        for (s, f, paths), own in zip(endings, advantages, strict=True):
            if s:
                terms[s - 1, f] += Fraction(paths * s, size) * Fraction(own[0])
            if f:
                terms[s, f - 1] -= Fraction(paths * f, size) * Fraction(own[-1])
    return _in_one_degree(terms, design.cap - 1), max(precisions, key=lambda found: found.eps, default=None)


def _in_one_degree(terms: dict[tuple[int, int], Fraction], degree: int) -> tuple[Fraction, ...]:
    """The Bernstein coefficients (degree + 1,) of a sum of p^m (1-p)^j, given by (m, j).

    As p + (1-p) = 1, a term is one of the next degree in both ways: what a walk does that nothing stops.
    """
    wholes, unit = in_one_unit(terms.values())
    by_degree: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for (m, j), value in zip(terms, wholes, strict=True):
        by_degree[m + j].append((m, value))
    for _, row in walk(lambda m, j: False, degree, lambda size: by_degree[size]):
        last = row
    return tuple(Fraction(last.get(m, 0), unit * math.comb(degree, m)) for m in range(degree + 1))
