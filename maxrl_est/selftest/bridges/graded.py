"""What the claims on graded rewards say, against the package's advantages, lifts and verdicts on exact rationals."""

from __future__ import annotations

import functools
import itertools
import math
from fractions import Fraction as F

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

import maxrl_est as mx

from . import GROUP, evaluate, fraction, worked_out
from .baseline import ARMS, COINS, exactly, flips, mean_gradient, standardised

LEVELS = (F(0), F(1, 3), F(1))
ASCENDED = functools.cache(mx.ascent.objective_of)


def at(expression, **values):
    """An exact value, by the names of the symbols."""
    return evaluate(expression, {s: values[s.name] for s in expression.free_symbols if s.name in values})


def in_floats(expression, **values):
    """An expression with roots, by the names of its symbols."""
    named = {s: sp.Rational(F(values[s.name])) for s in expression.free_symbols if s.name in values}
    return float(worked_out(expression.subs(named)).evalf(30))


def with_functions(expression, functions, **values):
    """An exact value of an expression with unknown functions, by names."""
    named = {s: sp.Rational(F(values[s.name])) for s in expression.free_symbols if s.name in values}
    known = worked_out(expression.subs(named))
    return fraction(known.replace(lambda e: isinstance(e, AppliedUndef), lambda e: _called(functions, e)))


def _called(functions, node):
    return sp.Rational(functions[node.func.__name__](int(node.args[0])))


def by_count(row, size):
    """What successes and failures get where K of the group succeed, as functions a and b."""
    given = [row(exactly(group)) for group in flips(size)]
    return {"a": lambda K: given[K][0], "b": lambda K: given[K][-1]}


def round_triangle(row, x, y, z, others):
    """The differences of two members' advantages, summed."""
    pairs = (np.asarray(row(np.array([one, two, *others]))) for one, two in ((x, y), (y, z), (z, x)))
    return sum(group[0] - group[1] for group in pairs)


def _triangle(around, closed, names, given):
    for name, others in itertools.product(names, ((), (F(1, 4),), (F(0), F(2, 5), F(1)))):
        row = mx.estimators.get(name)
        for x, y, z in itertools.permutations(LEVELS):
            symbols = {"x": x, "y": y, "z": z, "N": len(others) + 2, **given(sum(others, F(0)))}
            assert at(around, **symbols) == at(closed, **symbols) == round_triangle(row, x, y, z, others) != 0


def maxrl_triangle(claim):
    relation, ordered = claim.steps[0].relation, claim.steps[2].relation
    names = ("maxrl_shipped", "self_normalised")
    _triangle(relation.lhs, relation.rhs, names, lambda W: {"W": W})
    for name, size in itertools.product(names, (2, 4)):
        found = ASCENDED(name, size, LEVELS)
        worst = found.triangle
        W = sum(worst.others, F(0))
        assert worst.sum == at(ordered.lhs, x=worst.x, y=worst.y, z=worst.z, W=W, N=size) < 0
        assert found.verdict != "gradient"
        assert ASCENDED("rloo", size, LEVELS).triangle is None  # what the sibling says of MaxRL


def plug_in_triangle(claim):
    around, ordered, parallel = (step.relation for step in claim.steps)
    _triangle(around.lhs, around.rhs, ("plug_in_loo",), lambda W: {"c": 1 + W})
    found = ASCENDED("plug_in_loo", 4, (*LEVELS, F(1, 2)))
    worst = found.triangle
    c = 1 + sum(worst.others, F(0))
    assert worst.sum == at(ordered.rhs, x=worst.x, y=worst.y, z=worst.z, c=c, N=4) > 0
    assert found.verdict == "direction"
    mean = mx.exact_moments(ARMS, mx.estimators.get("plug_in_loo"), 4).mean
    others = itertools.product(zip(ARMS.probabilities, ARMS.likelihoods, strict=True), repeat=3)
    h = sum(math.prod(p for p, _ in group) * 4 / (1 + sum(l for _, l in group)) for group in others)
    for d in range(3):
        right = parallel.rhs.replace(lambda e: e.func.__name__ == "Mean", lambda _: sp.Rational(h))
        assert mean_gradient(right, ARMS, 4, d) == mean[d]


def grpo_triangle(claim):
    """In floats, for the square roots are not rational."""
    around, upper, positive = (step.relation for step in claim.steps[:3])
    for n, (u, v) in itertools.product((0, 1, 2, 6), ((0.25, 0.25), (0.1, 0.7), (0.5, 0.125))):
        x, y, z = 0.1, 0.1 + u, 0.1 + u + v
        got = -round_triangle(standardised, x, y, z, (y,) * n)
        size = n + 2
        for side in around.args:
            assert math.isclose(in_floats(side, u=u, v=v, n=n), got, rel_tol=1e-9)
        least = size * (in_floats(positive.rhs, n=n) - in_floats(upper.rhs, n=n))
        assert math.isclose(least, size * (2 / math.sqrt(size - 1) - math.sqrt(2 / size)), rel_tol=1e-12)
        assert 0 < least <= got * (1 + 1e-12)
        assert math.isclose(got, least, rel_tol=1e-9) == (u == v or n == 0)
        shipped = -round_triangle(mx.estimators.get("grpo_population"), x, y, z, (y,) * n)
        assert math.isclose(shipped, got, rel_tol=0.02)
        sample = -round_triangle(mx.estimators.get("grpo"), x, y, z, (y,) * n)
        assert math.isclose(sample, got * math.sqrt(1 - 1 / size), rel_tol=0.02)
    assert ASCENDED("grpo", 3, (0, F(1, 2), 1)).verdict != "gradient"


def ranks(l):
    """How many of the others are smaller less how many are larger: another rule that standardising does not change."""
    above = np.asarray(l)[..., :, None] - np.asarray(l)[..., None, :]
    return (above > 0).sum(-1) - (above < 0).sum(-1) + 0 * l


def normalised_heights(claim):
    height, weighed = (step.relation for step in claim.steps[:2])
    for size in (2, 3, 5):
        found = ASCENDED(standardised, size, LEVELS)
        expected = in_floats(height.rhs.replace(lambda e: e.func.__name__ == "Advantage", lambda e: e.args[0]), N=size)
        for x, y in itertools.combinations(LEVELS, 2):
            assert math.isclose(found.work(x, y), expected, rel_tol=1e-12)
            assert ASCENDED(ranks, size, LEVELS).work(x, y) == size - 1
        for name in ("rloo", "maxrl", "maxrl_shipped"):
            row = mx.estimators.get(name)
            work = ASCENDED(name, size, LEVELS).work(0, 1)
            for side in weighed.args:
                assert with_functions(side, by_count(row, size), N=size) == work
    for rule in (standardised, ranks):
        found = ASCENDED(rule, 3, LEVELS)
        assert found.verdict != "gradient"
        assert not math.isclose(found.work(0, F(1, 3)) + found.work(F(1, 3), 1), found.work(0, 1))  # the sibling


def scaled_heights(claim):
    around, from_zero, least = (step.relation for step in claim.steps)
    x, u = F(1, 3), F(1, 2)
    for name, size in itertools.product(("maxrl_shipped", "self_normalised"), (2, 3, 5)):
        found = ASCENDED(name, size, (F(0), x, x + u))
        remains = found.work(0, x) + found.work(x, x + u) - found.work(0, x + u)
        assert at(around.lhs, x=x, u=u, N=size) == at(around.rhs, x=x, u=u, N=size) == remains == found.work(x, x + u)
        assert remains >= (size - 1) * u * at(least.lhs, x=x, u=u, N=size) > 0  # and not as the sibling says
        whole = at(from_zero.rhs, N=size)
        assert at(from_zero.lhs, x=x, u=u, N=size) == whole
        assert found.work(0, x) == found.work(0, x + u) == whole + (F(1, size) if name == "self_normalised" else 0)
    above = ASCENDED(lambda l: (l > 0) + 0 * l, 3, LEVELS)  # does not change under l -> a l, and ascends P(l > 0)
    assert above.verdict == "gradient"


RULES = ("rloo", "maxrl", "maxrl_cv", "maxrl_shipped")


def mean_lift(claim):
    mean, weights, centred = (step.relation for step in claim.steps)
    for name, size in itertools.product(RULES, (2, 4)):
        row = mx.estimators.get(name)
        lifted, ab = mx.lift(row, "mean"), by_count(row, size)
        for group in flips(size):
            assert (lifted(exactly(group)) == row(exactly(group))).all()
        got = lifted(exactly(GROUP[:size]))
        for i in range(size):
            assert _rounded(mean.lhs, GROUP[:size], i, ab) == got[i]
        assert any(_rounded(claim.sibling.lhs, GROUP[:size], i, ab) != got[i] for i in range(size))
        for problem in (ARMS, *COINS):
            for d, component in enumerate(mx.exact_moments(problem, lifted, size).mean):
                assert mean_gradient(mean.rhs, problem, size, d, ab) == component
    four = exactly(GROUP[:4])
    assert (mx.lift("maxrl", "mean")(four) == mx.advantages(four, 4, baseline="none")).all()
    assert (mx.lift("rloo", "mean")(four) == mx.estimators.get("rloo")(four)).all()
    for i in range(4):
        assert _rounded(weights.rhs, GROUP[:4], i, {}) == mx.advantages(four, 4, baseline="none")[i]
        assert _rounded(centred.lhs, GROUP[:4], i, {}) == mx.estimators.get("rloo")(four)[i]


def _rounded(lifted, group, i, functions):
    """The mean over all flips of what the lift contains."""
    return sum(
        math.prod(l if side else 1 - l for l, side in zip(group, sides, strict=True))
        * _seen_from(lifted, sides, i, functions)
        for sides in itertools.product((0, 1), repeat=len(group))
    )


def _seen_from(lifted, rewards, i, functions):
    """What a lift contains, of a group of 0/1 rewards."""
    inner = next(node for node in sp.preorder_traversal(lifted) if node.func.__name__ in ("Flips", "Levels")).args[0]
    values = {"N": len(rewards), "l_i": rewards[i], "q_i": 1 - rewards[i], "M": sum(rewards) - rewards[i], "S_i": 1}
    unasked = "b" if rewards[i] else "a"  # it is multiplied by zero, and M or M + 1 may be out of range
    return with_functions(inner, functions | {unasked: lambda _: 0}, **values)


def level_lift(claim):
    mean, tail, centred = (step.relation for step in claim.steps)
    for name, size in itertools.product(RULES, (2, 4)):
        row = mx.estimators.get(name)
        lifted, ab = mx.lift(row, "levels"), by_count(row, size)
        got = lifted(exactly(GROUP[:size]))
        for i in range(size):
            assert _over_levels(mean.lhs, GROUP[:size], i, ab) == got[i]
        assert any(_over_levels(claim.sibling.lhs, GROUP[:size], i, ab) != got[i] for i in range(size))
        for d, component in enumerate(mx.exact_moments(ARMS, lifted, size).mean):
            assert _integral(mean.rhs, size, d, ab) == component
    four = exactly(GROUP[:4])
    tailrl = mx.estimators.get("tailrl")
    assert (mx.lift("maxrl", "levels")(four) == tailrl(four)).all()
    for i in range(4):
        assert _over_levels(tail.lhs, GROUP[:4], i, {}) == tailrl(four)[i]
        assert _over_levels(centred.lhs, GROUP[:4], i, {}) == mx.estimators.get("rloo")(four)[i]
    for d, component in enumerate(mx.exact_moments(ARMS, tailrl, 4).mean):
        assert _integral(tail.rhs, 4, d, {}) == component


def _steps(likelihoods):
    """Levels in the middle between neighbours, with how far those are apart."""
    ends = sorted({F(0), F(1), *likelihoods})
    return [((low + high) / 2, high - low) for low, high in itertools.pairwise(ends)]


def _over_levels(lifted, group, i, functions):
    return sum(
        width * _seen_from(lifted, [int(l > level) for l in group], i, functions) for level, width in _steps(group)
    )


def _integral(side, size, d, functions):
    """The integral over levels, at each of which the chance to be above it and its gradient are known."""
    (integral,) = side.atoms(sp.Integral)
    total = F(0)
    for level, width in _steps(ARMS.likelihoods):
        above = ARMS.likelihoods > level
        chance, slope = ARMS.probabilities[above].sum(), (ARMS.probabilities * ARMS.scores[:, d])[above].sum()
        known = functions | {"P": lambda _, chance=chance: chance, "G": lambda _, slope=slope: slope}
        total += width * with_functions(integral.function, known, N=size, tau=0)
    return total


def _product(x):
    return np.prod(1 - x, axis=-1)


def _spread(x):
    return (x[..., 0] - x[..., 1]) ** 2 / 2


def _median(x):
    return np.sort(x, axis=-1)[..., 1]


def any_kernel(claim):
    slope, failing, variance, less, _ = (step.relation for step in claim.steps)
    for (kernel, m), baseline in itertools.product(((_product, 2), (_spread, 2), (_median, 3)), ("none", "loo")):
        means = mx.exact_moments(ARMS, mx.advantage_of(kernel, m, baseline=baseline), 4).mean
        for d, component in enumerate(means):
            by_atom = [_slope(slope.rhs, kernel, m, atom) for atom in range(3)]
            assert sum(ARMS.probabilities * ARMS.scores[:, d] * by_atom) == component
        wrong = [_slope(claim.sibling.rhs, kernel, m, atom) for atom in range(3)]
        assert sum(ARMS.probabilities * ARMS.scores[:, 0] * wrong) != means[0]
        if kernel is _product:
            assert [mean_gradient(failing.rhs, ARMS, 4, d, m=2) for d in range(3)] == list(means)
        if kernel is _spread:
            second = (ARMS.probabilities * ARMS.likelihoods**2) @ ARMS.scores
            for relation, d in itertools.product((variance, less), range(3)):
                assert mean_gradient(relation.rhs, ARMS, 4, d, m_llS=second[d]) == means[d]


def _slope(side, kernel, m, atom):
    """The slope of E h by the weight of an atom of the law."""
    elsewhere = [outcome for outcome in range(3) if outcome != atom]

    def r(c):
        groups = itertools.product(elsewhere, repeat=m - c)
        return sum(
            math.prod(ARMS.probabilities[o] for o in group) * kernel(ARMS.likelihoods[[atom] * c + list(group)])
            for group in groups
        )

    return with_functions(side, {"r": r}, m=m, N=4, x=ARMS.probabilities[atom])


def encoding(claim):
    turned, mean, alike, below, half = (step.relation for step in claim.steps)
    row = mx.estimators.get("maxrl_shipped")
    for size in (2, 3, 4, 7):
        groups = [exactly([1] * K + [-1] * (size - K)) for K in range(size + 1)]
        got = [row(group) for group in groups]
        a = {"a": lambda K, got=got: got[K][0] if K else 0}
        found = mx.effective_weight(row, size, values=(-1, 1))
        for m in range(size):
            if 2 * m < size:
                assert at(alike.lhs, m=m, N=size) == at(alike.rhs, m=m, N=size) == got[m][-1] == got[size - m][0]
            if 2 * m + 2 < size:
                success, failure = at(below.lhs, m=m, N=size), at(below.rhs, m=m, N=size)
                assert (success, failure) == (got[m + 1][0], got[m][-1])
                assert success - failure == found.bernstein[m] < 0
            if 2 * m + 2 == size:
                assert found.bernstein[m] == -at(half.rhs, n=size // 2)
        for problem in COINS:
            p = problem.pass_rate
            assert mean_gradient(mean.rhs / problem.grad_pass_rate[0], problem, size, 0, a) == found.value(p)
            assert with_functions(turned.lhs, a, p=p, N=size) == found.value(1 - p) == -found.value(p)
            assert (found.value(min(p, 1 - p)) < 0) == (size > 2)
            assert (found.value(1 - p) == found.value(p)) == (size == 2)  # the sibling
        plain = mx.effective_weight(standardised, size)
        moved = mx.effective_weight(standardised, size, values=(-1, 1))
        assert np.allclose(np.array(plain.bernstein, float), np.array(moved.bernstein, float), rtol=1e-12)
