"""What the claims on variances say, against exact moments and weights of finite problems."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

import maxrl_est as mx
from maxrl_est.selftest.definition import elementary_symmetric
from maxrl_est.selftest.prove import checking, part

from . import GROUP, evaluate, fraction, worked_out

GRADED = mx.problems.Bandit(
    [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)], [Fraction(0), Fraction(1, 2), Fraction(1)]
)
REWARDS = mx.problems.Bandit([Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)], [Fraction(0), Fraction(1), Fraction(1)])
COIN = mx.problems.Bernoulli(Fraction(1, 4))
PROBLEMS = ((GRADED, (1, 0, 0)), (GRADED, (2, -1, 5)), (COIN, (1,)))  # with a direction of the parameters
SIZES = (2, 3)


def expectation(problem: object, f: Callable[..., Fraction], rollouts: int = 1) -> Fraction:
    """The mean of f(outcome, ...) over independent outcomes."""
    outcomes = range(len(problem.probabilities))
    groups = itertools.product(outcomes, repeat=rollouts)
    return sum((math.prod(problem.probabilities[o] for o in group) * f(*group) for group in groups), Fraction(0))


def moments(problem: object, direction: tuple[int, ...]) -> dict[str, Fraction]:
    """The claims' moments E[l^a S^b] by their names there."""
    l, S = problem.likelihoods, problem.scores @ np.array(direction, dtype=object)
    powers = {
        "p": (1, 0),
        "m_ll": (2, 0),
        "g": (1, 1),
        "m_llS": (2, 1),
        "m_SS": (0, 2),
        "m_lSS": (1, 2),
        "m_llSS": (2, 2),
    }
    return {name: expectation(problem, lambda o, a=a, b=b: l[o] ** a * S[o] ** b) for name, (a, b) in powers.items()}


def number(expression: sp.Expr, values: Mapping[str, object], **more: object) -> Fraction:
    """An expression's value, its symbols given by their names."""
    named = {**values, **more}
    return evaluate(expression, {x: named[x.name] for x in expression.free_symbols if x.name in named})


def variance(problem: object, direction: tuple[int, ...], estimator: Callable[..., object], size: int) -> Fraction:
    along = np.array(direction, dtype=object)
    exact = mx.exact_moments(problem, estimator, size)
    assert exact.exact
    return Fraction(along @ exact.covariance @ along)


def baseline(beta: Fraction) -> Callable[..., object]:
    return lambda likelihoods: mx.advantages(likelihoods, baseline=beta)


def covariance(problem: object, direction: tuple[int, ...], size: int) -> Fraction:
    """Of the gradient estimate with the mean score: what the baselines 1 and -1 do differently."""
    minus, plus = (variance(problem, direction, baseline(Fraction(beta)), size) for beta in (-1, 1))
    return (minus - plus) / 4


def cases() -> Iterator[tuple[object, tuple[int, ...], dict[str, Fraction], int]]:
    for (problem, direction), size in itertools.product(PROBLEMS, SIZES):
        yield problem, direction, moments(problem, direction) | {"N": Fraction(size)}, size


def weights(problem: object, group: tuple[int, ...]) -> np.ndarray:
    return mx.loo_weights(problem.likelihoods[list(group)])


def weight_second_moment(claim: object) -> None:
    for problem, _, values, size in cases():
        squared = expectation(problem, lambda *group, of=problem: weights(of, group)[0] ** 2, size)
        mean = expectation(problem, lambda *group, of=problem: weights(of, group)[0], size)
        assert number(claim.steps[0].relation.rhs, values) == squared
        assert number(claim.steps[1].relation.rhs, values) == mean == number(claim.steps[2].relation.rhs, values)
        assert number(claim.sibling.rhs, values) != squared


def cross_moment(claim: object) -> None:
    for problem, direction, values, size in cases():
        X = problem.likelihoods * (problem.scores @ np.array(direction, dtype=object))

        def product(*group: int, of: object = problem, X: np.ndarray = X) -> Fraction:
            first, second = weights(of, group)[:2]
            return first * X[group[0]] * second * X[group[1]]

        assert number(claim.steps[0].relation.rhs, values) == expectation(problem, product, size)
        assert number(claim.sibling.rhs, values) != expectation(problem, product, size)


def gradient_variance(claim: object) -> None:
    for problem, direction, values, size in cases():
        exact = variance(problem, direction, mx.estimators.get("ustat"), size)
        assert number(claim.steps[0].relation.rhs, values) == exact != number(claim.sibling.rhs, values)
        mean = mx.exact_moments(problem, mx.estimators.get("ustat"), size).mean
        assert number(claim.steps[1].relation.rhs, values) == mean @ np.array(direction, dtype=object)


def mean_score_covariance(claim: object) -> None:
    for problem, direction, values, size in cases():
        exact = covariance(problem, direction, size)
        assert number(claim.steps[0].relation.rhs, values) == exact != number(claim.sibling.rhs, values)
        falls = number(claim.steps[2].relation.lhs, values)
        assert exact == (number(claim.steps[1].relation.rhs, values) - falls * values["g"] ** 2) / size


def best_constant_baseline(claim: object) -> None:
    bound, attained, change = (step.relation for step in claim.steps)
    for problem, direction, values, size in cases():
        none = variance(problem, direction, baseline(Fraction(0)), size)
        known = {"V": none, "C": covariance(problem, direction, size), "I": values["m_SS"], "N": Fraction(size)}
        best = size * known["C"] / known["I"]
        least = number(attained.rhs, known)
        assert least == variance(problem, direction, baseline(best), size)
        assert number(claim.sibling.lhs, known) != least
        for beta in (Fraction(0), Fraction(1), Fraction(1, size), 2 * best):
            exact = variance(problem, direction, baseline(beta), size)
            assert number(bound.rhs, known, beta=beta) == exact >= number(bound.lhs, known)
            assert number(change.rhs, known, beta=beta) == exact - none


def binary_variance(claim: object) -> None:
    counts, Mean = part("variance.counts"), checking.statistics.Mean
    within_and_between, mean_of_g = (step.relation.rhs for step in claim.steps[:2])
    for problem, direction in ((REWARDS, (1, 0, 0)), (REWARDS, (0, 1, 3)), (COIN, (1,))):
        values = moments(problem, direction)
        p, along = values["p"], np.array(direction, dtype=object)
        mu = {1: values["g"] / p, 0: -values["g"] / (1 - p)}
        squares = {1: values["m_lSS"] / p, 0: (values["m_SS"] - values["m_lSS"]) / (1 - p)}
        of_scores = {f"mu_{of}": mu[of] for of in mu} | {f"Sigma_{of}": squares[of] - mu[of] ** 2 for of in mu}
        for name, size in itertools.product(("maxrl", "maxrl_cv", "maxrl_shipped", "rloo", "ustat_pass_loo"), SIZES):
            estimator = mx.estimators.get(name)
            groups = np.array([[Fraction(i < k) for i in range(size)] for k in range(size + 1)], dtype=object)
            advantages = estimator(groups)
            exact = mx.exact_moments(problem, estimator, size)
            c = Fraction(exact.mean @ along)

            def over_counts(
                argument: sp.Expr, size: int = size, p: Fraction = p, table: np.ndarray = advantages
            ) -> sp.Rational:
                total = sp.S.Zero
                for k in range(size + 1):
                    a, b = table[k, 0], table[k, -1]  # of no consequence where nobody succeeds, or everybody
                    at = argument.replace(
                        lambda node: isinstance(node, sp.Function),
                        lambda node: sp.Rational(a) if node.func.__name__ == "a" else sp.Rational(b),  # noqa: B023
                    )
                    total += sp.Rational(math.comb(size, k) * p**k * (1 - p) ** (size - k)) * at.subs(counts.K, k)
                return total

            def value(
                expression: sp.Expr,
                of: Mapping[str, object] = {**of_scores, "N": size, "c": c},
                mean: Callable = over_counts,
            ) -> Fraction:
                numbers = {x: sp.Rational(of[x.name]) for x in expression.free_symbols if x.name in of}
                return fraction(expression.subs(numbers).replace(Mean, mean))

            assert value(mean_of_g) == c
            assert value(within_and_between) == along @ exact.covariance @ along
            if name != "rloo":
                assert value(claim.sibling.rhs) != along @ exact.covariance @ along


def uncorrelated_parts(claim: object) -> None:
    """For coefficients of no objective in particular, enumerated and by the package's closed form."""
    square, multiplied_out, *of_z = (step.relation for step in claim.steps)
    _multiplied_out(multiplied_out)
    c, d = (Fraction(2), Fraction(-1, 3), Fraction(5, 7)), (Fraction(1, 2), Fraction(3), Fraction(0))
    for (problem, direction), (size, K) in itertools.product(PROBLEMS, ((2, 1), (2, 2), (3, 2), (4, 3))):
        values = moments(problem, direction) | {"N": Fraction(size), "K": K}
        for name, relation in zip(("v", "m_zzS", "m_zSS", "m_zzSS"), of_z, strict=True):
            values[name] = number(relation.rhs, values)
        t, s = (_in_centred_failures(multiplied_out, of[:K], values) for of in (c, d))
        levels = [values["p"] * x - y for x, y in zip(t, s, strict=True)]
        row, along = _affine_row(c[:K], d[:K]), np.array(direction, dtype=object)
        exact, closed = mx.exact_moments(problem, row, size), mx.closed_form_moments(problem, row, size)
        assert (exact.mean == closed.mean).all()
        assert (exact.covariance == closed.covariance).all()
        assert exact.mean @ along == t[0] * values["g"]
        second = along @ exact.covariance @ along + (t[0] * values["g"]) ** 2
        assert _in_sequences(square.rhs, values, {"t": t, "L": levels}) == second
        assert K == 1 or _in_sequences(claim.sibling.rhs, values, {"t": t, "L": levels}) != second


def _multiplied_out(relation: sp.Eq) -> None:
    """E_k of the others in centred failures is the package's power."""
    p = Fraction(2, 7)
    for i, k in itertools.product(range(len(GROUP)), range(4)):
        others = GROUP[:i] + GROUP[i + 1 :]
        e = elementary_symmetric(np.array([p - l for l in others], dtype=object), k)
        one_power = [Fraction(0)] * k + [Fraction(1)]
        t = _in_centred_failures(relation, one_power, {"N": len(GROUP), "p": p})
        assert mx.loo_failure_powers(np.array(GROUP, dtype=object), k)[i, k] == t @ e


def _in_centred_failures(relation: sp.Eq, coefficients: Sequence[Fraction], values: Mapping[str, object]) -> np.ndarray:
    """The coefficients of e_0, e_1, ... in sum_k c_k E_k."""
    share = relation.rhs.function.replace(lambda node: type(node).__name__ == "e", lambda _: sp.S.One)
    known = {name: values[name] for name in ("N", "p")}
    t = np.array([Fraction(0)] * len(coefficients), dtype=object)
    for k, c in enumerate(coefficients):
        t[: k + 1] += [c * number(share, known, k=k, h=h) for h in range(k + 1)]
    return t


def _affine_row(c: Sequence[Fraction], d: Sequence[Fraction]) -> mx.estimators.NamedEstimator:
    """The estimator with A_i = sum_k (c_k l_i - d_k) E_k(q of the others)."""

    def advantages(likelihoods: np.ndarray) -> np.ndarray:
        powers = mx.loo_failure_powers(likelihoods, len(c) - 1)
        types = powers.dtype
        return likelihoods * (powers @ np.array(c).astype(types)) - powers @ np.array(d).astype(types)

    row = mx.estimators.get("ustat")
    return dataclasses.replace(row, name="general", function=advantages, affine=lambda _: (c, d))


def _in_sequences(
    expression: sp.Expr, values: Mapping[str, object], sequences: Mapping[str, Sequence[Fraction]]
) -> Fraction:
    """An expression with sequences t(h) and L(h)."""
    named = {x: sp.Rational(Fraction(values[x.name])) for x in expression.free_symbols if x.name in values}

    def entry(node: sp.Expr) -> sp.Rational:
        return sp.Rational(sequences[node.func.__name__][int(node.args[0])])

    return fraction(worked_out(expression.subs(named)).replace(lambda node: isinstance(node, AppliedUndef), entry))


def shared_members(claim: object) -> None:
    total = claim.steps[0].relation.rhs
    for (problem, _), size in itertools.product(((GRADED, ()), (COIN, ())), (1, 2, 3)):
        values = moments(problem, (1,) * problem.scores.shape[1])
        q = 1 - problem.likelihoods
        for m in range(size + 1):
            for k in range(m + 1):

                def product(*group: int, of: object = problem, k: int = k, m: int = m) -> Fraction:
                    powers = mx.failure_powers(of.likelihoods[list(group)], m)
                    return powers[k] * powers[m]

                exact = expectation(problem, product, size)
                assert number(total, values, N=size, k=k, m=m) == exact
                if k:
                    assert number(claim.sibling.rhs, values, N=size, k=k, m=m) != exact or len(set(q)) == 1


def least_rule(claim: object) -> None:
    """The rule that the package finds makes both slopes sum to zero, and is -p W_m where scores say nothing."""
    slopes = claim.steps[0].relation.rhs
    for problem, size in itertools.product((COIN, REWARDS), (1, 2, 4)):
        rule = mx.measures.least_variance(problem, None, size)
        law, p = problem.moments, problem.pass_rate
        signal, of_successes = law.lS @ law.lS, np.trace(law.lSS)
        spreads = {
            "Sigma_1": of_successes / p - signal / p**2,
            "Sigma_0": (np.trace(law.SS) - of_successes) / (1 - p) - signal / (1 - p) ** 2,
        }
        for m in range(size):
            known = {**spreads, "p": p, "N": size, "m": m, "W_m": Fraction(size, m + 1), "b_m": rule.failure[m]}
            known["a_m"] = rule.success[m - 1] if m else 0
            known["b_{m+1}"] = rule.failure[m + 1] if m + 1 < size else 0
            both, alone = (_of_square(side, signal, known) for side in (slopes, claim.sibling.rhs))
            assert both == 0
            assert size == 1 or alone != 0


def _of_square(expression: sp.Expr, square: Fraction, known: Mapping[str, object]) -> Fraction:
    """The value at a g of which only the square is known, as it is of several parameters."""
    g = next(symbol for symbol in expression.free_symbols if symbol.name == "g")
    return number(sp.expand(expression).subs(g, sp.sqrt(sp.Rational(square))), known)


def scores_regressed_out(claim: object) -> None:
    """With one parameter; with two rollouts, for J_2, the estimate is (2 - x of the other) v, averaged over both."""
    law = mx.problems.reparametrised(GRADED, np.array([[2], [-1], [5]]))
    values = moments(GRADED, (2, -1, 5))
    p, g = values["p"], values["g"]
    slope = values["m_lSS"] / values["m_SS"]

    def variance_with(beta: Fraction) -> Fraction:
        x2, xv, v2 = (number(step.relation.rhs, values, beta=beta, B=slope) for step in claim.steps[1:4])
        spread, both, own = x2 - p**2, xv - p * g, v2 - g**2
        return ((2 - p) ** 2 * own + both**2 + spread * (g**2 + own)) / 2 - (2 - p) * both * g

    least = mx.variance_bound(law, 2, 2).covariance[0, 0]
    assert variance_with(g / values["m_SS"]) == least < variance_with(Fraction(0))
    fitted_x = {"beta": g / values["m_SS"], "B": slope}
    x2, xv, v2 = (number(step.relation.rhs, values, **fitted_x) for step in claim.steps[1:4])
    for size, K in ((2, 2), (5, 3), (8, 8)):
        t = [
            sum(math.comb(k, h) * (1 - p) ** (k - h) for k in range(h, K)) / Fraction(math.comb(size - 1, h))
            for h in range(K)
        ]
        known = {"N": size, "K": K, "v": x2 - p**2, "g": xv - p * g, "m_SS": v2 - g**2, "mu": g}
        square = _in_sequences(claim.steps[4].relation.rhs, known, {"t": t})
        assert square - (t[0] * g) ** 2 == mx.variance_bound(law, K, size).covariance[0, 0]
    for relation, fitted in ((claim.steps[0].relation, True), (claim.sibling, False)):  # the product at c = 0
        known = {"beta": g / values["m_SS"], "B": slope, "c": 0, **values}
        numbers = {x: sp.Rational(known[x.name]) for x in relation.rhs.free_symbols if x.name in known}
        assert (relation.rhs.subs(numbers) == 0) is fitted
