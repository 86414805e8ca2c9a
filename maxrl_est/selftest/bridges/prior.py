"""What the claim on priors says of the advantages that the package makes with one."""

from __future__ import annotations

import itertools
from fractions import Fraction as F

import numpy as np

import maxrl_est as mx

from . import evaluate
from .baseline import exactly, flips


def prior_baseline(claim):
    excess, of_others, of_one = (step.relation for step in claim.steps)
    names = {s.name: s for s in excess.free_symbols | of_one.free_symbols}

    def at(expression, **values):
        return evaluate(expression, {names[name]: value for name, value in values.items()})

    def square(size, m, alpha, beta, t):
        """The mean of p (1-t)^2 + q t^2 where m others succeed, but for a factor, from moments of p."""
        right, wrong = m + alpha, size - 1 - m + beta  # E[p^(m+1) q^(n-m)] and E[p^m q^(n-m+1)] are as these
        return right * (1 - t) ** 2 + wrong * t**2

    def guesses(size, baseline, objective=None):
        """t for 0 .. N-1 successes of the others, read off groups of 0 .. N."""
        groups = np.array([exactly(group) for group in flips(size)])
        found = mx.advantages(groups, objective, baseline=baseline)
        success, failure = found[1:, 0], found[:-1, -1]
        assert list(success - failure) == list(mx.loo_weights(groups, objective)[1:, 0])
        return -failure / (success - failure)

    for size, (alpha, beta) in itertools.product((2, 4), ((1, 1), (2, 5))):
        for objective in (None, 1, mx.Objective.tsallis(F(1, 2), 2)):
            found = guesses(size, ("beta", alpha, beta), objective)
            assert list(found) == [F(m + alpha, size - 1 + alpha + beta) for m in range(size)]
        for m, guess in enumerate(found):
            for x in (F(2, 5), F(1)):
                numbers = {"N": size, "m": m, "alpha": alpha, "beta": beta, "t": F(1, 3), "x": x}
                assert at(excess.lhs, **numbers) == at(excess.rhs, **numbers) != at(claim.sibling.lhs, **numbers)
            assert at(excess.rhs, **numbers) == 0
            cost = {t: square(size, m, alpha, beta, t) for t in (guess, guess - F(1, 9), guess + F(1, 9))}
            assert min(cost, key=cost.get) == guess
        assert list(guesses(size, ("beta", 0, 0))) == [at(of_others.lhs, N=size, m=m) for m in range(size)]
        assert list(guesses(size, ("beta", 0, 0))) == list(guesses(size, "mean_loo"))
        assert list(guesses(size, ("beta", 1, 0))) == list(guesses(size, "one"))
        assert [at(of_one.lhs, N=size, m=m) for m in range(size)] == [1] * size
