"""What the claims on KL terms in a loss say: on a chain of two tokens and a reference, in logarithms where needed."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction as F

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

import maxrl_est as mx

from . import fraction, written_out
from .formal_groups import at

POLICY = mx.problems.Chain([F(1, 2), F(1, 3)], [F(0), F(1, 4), F(1)])
REFERENCE = mx.problems.Chain([F(1, 4), F(3, 5)], [F(0), F(1, 4), F(1)])
STEPS = ((0, F(1)), (1, F(1, 2)))  # and the chance that the policy comes to it


def pairs(step: int) -> list[tuple[F, F]]:
    """Chances of the tokens that go on and stop, of the policy and of the reference."""
    one, other = POLICY.advance[step], REFERENCE.advance[step]
    return [(one, other), (1 - one, 1 - other)]


def in_the_loss(slope: Callable[[F], F], step: int) -> F:
    """The mean over rollouts of a token's part of the gradient, if it is drawn: slope(pi/ref) times its score."""
    total = F(0)
    for chance, scores in zip(POLICY.probabilities, POLICY.scores, strict=True):
        if scores[step]:
            one, other = pairs(step)[int(scores[step] < 0)]
            total += chance * slope(one / other) * scores[step]
    return total


def of_token(side: sp.Expr, step: int) -> F | float:
    """A side for the token of a step; it moves by its logit, which does the same to its chances as a line."""
    theta = next(s for s in side.atoms(sp.Symbol) if s.name == "theta")
    move = sp.Rational(math.prod(one for one, _ in pairs(step))) * theta

    def chances(node: sp.Expr) -> sp.Expr:
        token = int(node.args[0]) - 1
        one, other = map(sp.Rational, pairs(step)[token])
        return sp.log(one + (-1) ** token * move) if node.func.__name__ == "L" else sp.log(other)

    return number(side, chances, theta, n=2)


def of_chain(side: sp.Expr) -> float:
    """A side for a first token, the prefix, and behind either of two prefixes one of two tokens."""
    theta = next(s for s in side.atoms(sp.Symbol) if s.name == "theta")
    first = {1: F(1, 2), 2: F(1, 2)}
    one = {(1, 1): F(1, 3), (1, 2): F(2, 3), (2, 1): F(1, 5), (2, 2): F(4, 5)}
    other = {(1, 1): F(3, 5), (1, 2): F(2, 5), (2, 1): F(1, 2), (2, 2): F(1, 2)}

    def chances(node: sp.Expr) -> sp.Expr:
        *where, token = (int(x) for x in node.args if x.is_Integer)
        turn = (-1) ** token * theta / (2 + token // 3)
        match node.func.__name__:
            case "P":
                return sp.log(sp.Rational(first[token]) + turn)
            case "L":
                return sp.log(sp.Rational(one[*where, token]) + turn)
        return sp.log(sp.Rational(other[*where, token]))

    return number(side, chances, theta, n=2, C=2)


def number(side: sp.Expr, chances: Callable[[sp.Expr], sp.Expr], theta: sp.Symbol, **numbers: int) -> F | float:
    """A side with logarithms of chances for its functions, where theta is 0: a Fraction if it is rational."""
    side = written_out(at(side, **numbers)).replace(lambda node: isinstance(node, AppliedUndef), chances)
    value = side.doit().subs(theta, 0)
    return fraction(value) if value.is_Rational else float(value.evalf(20))


def divergence(one: F, other: F) -> float:
    """KL of a token that goes on with one chance, from one that does so with another."""
    return sum(float(p) * math.log(p / q) for p, q in ((one, other), (1 - one, 1 - other)))


def whole_slope(step: int) -> float:
    """Of KL of whole rollouts by a step's logit, by a central difference."""

    def moved(by: float) -> float:
        rates = list(map(float, POLICY.advance))
        rates[step] = 1 / (1 + (1 / rates[step] - 1) * math.exp(-by))
        chances = mx.problems.Chain(rates, [0.0, 0.25, 1.0]).probabilities
        return sum(p * math.log(p / q) for p, q in zip(chances, REFERENCE.probabilities, strict=True))

    return (moved(1e-5) - moved(-1e-5)) / 2e-5


def k1_in_the_loss(claim):
    loss, reward = (step.relation for step in claim.steps)
    for step, reached in STEPS:
        assert in_the_loss(lambda _: 1, step) == 0 == reached * of_token(loss.rhs, step)
        assert of_token(loss.lhs, step) == 0 != of_token(claim.sibling.rhs, step)
        assert math.isclose(of_token(reward.lhs, step), of_token(reward.rhs, step), rel_tol=1e-12)
    whole = [math.log(one / other) for one, other in zip(POLICY.probabilities, REFERENCE.probabilities, strict=True)]
    rewarded = (POLICY.probabilities * np.array(whole)) @ POLICY.scores
    for place, found in enumerate(rewarded):
        assert math.isclose(found, whole_slope(place), rel_tol=1e-8)


def k2_in_the_loss(claim):
    token, rise, chain = (step.relation for step in claim.steps)
    for step, reached in STEPS:
        found = in_the_loss(math.log, step)
        assert math.isclose(found, reached * of_token(token.rhs, step), rel_tol=1e-12)
        assert not math.isclose(found, reached * of_token(claim.sibling.rhs, step), rel_tol=1e-3)
    for side in rise.args:
        assert fraction(at(side, delta=F(-3, 4)).doit()) == F(9, 32)
    (_, first), (second, reached) = STEPS
    assert first == 1
    left, right = (of_chain(side) for side in chain.args)
    assert math.isclose(left, right, rel_tol=1e-12)
    rate = POLICY.advance[0]
    behind = divergence(POLICY.advance[second], REFERENCE.advance[second])
    left_out = whole_slope(0) - in_the_loss(math.log, 0)
    assert math.isclose(left_out, rate * (1 - rate) * behind, rel_tol=1e-7)
    assert reached == rate


def k3_in_the_loss(claim):
    token, constant, rise, mean = (step.relation for step in claim.steps)
    for step, reached in STEPS:
        found = in_the_loss(lambda ratio: 1 - 1 / ratio, step)
        assert found == reached * of_token(token.rhs, step) == reached * of_token(token.lhs, step)
        assert not math.isclose(found, reached * of_token(claim.sibling.rhs, step), rel_tol=1e-3)
        one, other = POLICY.advance[step], REFERENCE.advance[step]
        for relation, pair in ((constant, (other, one)), (mean, (one, other))):
            for side in relation.args:
                assert math.isclose(of_token(side, step), divergence(*pair), rel_tol=1e-12)
    for delta in (F(-2), F(1, 3)):
        sides = [float(at(side, delta=delta).doit().evalf(20)) for side in rise.args]
        assert math.isclose(*sides, rel_tol=1e-14)
