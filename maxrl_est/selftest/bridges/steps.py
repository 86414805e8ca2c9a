"""What the claims on whole steps say: the package's rows on policies of two and three tokens, all groups listed."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import sympy as sp

import maxrl_est as mx

from . import fraction, written_out
from .baseline import exactly
from .formal_groups import at, known
from .small_policies import brought, holds, mean_of, outcomes, slope_of, update

LENGTHS = (1, 2, 3)  # of rollouts that stop at the first token, at the second, and go on to a third
GRADED = mx.problems.Chain([F(1, 2), F(1, 3)], [F(1, 4), F(0), F(1)])
ONE_RIGHT = mx.problems.Chain([F(1, 2), F(1, 3)], [F(0), F(0), F(1)])
TWO_RIGHT = mx.problems.Chain([F(1, 2), F(1, 3)], [F(0), F(1), F(1)])


def lengths(claim):
    mean, around, two_fail, apart = (step.relation for step in claim.steps)
    law = outcomes(ONE_RIGHT, ONE_RIGHT, u=[F(1, length) for length in LENGTHS])
    rloo = mx.estimators.get("rloo")

    def row(group):
        return group[0].brings["u"] * rloo(brought("l", group))[0]

    slopes = (slope_of(law, lambda z: z.brings["u"]), slope_of(law, lambda z: z.brings["u"] * z.brings["l"]))
    right = [{"p": ONE_RIGHT.pass_rate, "g_u": g_u, "g_lu": g_lu} for g_u, g_lu in zip(*slopes, strict=True)]
    for size in (2, 3):
        assert holds(mean, law, size, row, right)
        assert not holds(claim.sibling, law, size, row, right)

    def more(one, two, others):
        group = rloo(exactly((one[0], two[0], *others)))
        return one[1] * group[0] - two[1] * group[1]

    points = ((F(0), F(1, 2)), (F(1, 4), F(1)), (F(1), F(1, 3)))
    for (x, y, z), others in itertools.product(itertools.permutations(points), ((), (F(0), F(2, 3)))):
        numbers = {"x": x[0], "y": y[0], "z": z[0], "u_x": x[1], "u_y": y[1], "u_z": z[1], "W": sum(others)}
        found = more(x, y, others) + more(y, z, others) + more(z, x, others)
        assert {fraction(at(side, N=len(others) + 2, **numbers)) for side in around.args} == {found} != {0}
    zeros = ((F(0), F(1)), (F(0), F(1, 2)), (F(1), F(1, 3)))
    found = sum(more(one, two, ()) for one, two in zip(zeros, zeros[1:] + zeros[:1], strict=True))
    numbers = {"u_x": F(1), "u_y": F(1, 2), "u_z": F(1, 3), "W": F(0), "N": 2}
    assert {fraction(at(side, **numbers)) for side in two_fail.args} == {found} != {0}
    pair = {"p": 1 / (2 + sp.Symbol("theta", real=True)), "u": 3 + sp.Symbol("theta", real=True) ** 2}
    assert len({known(side, pair, theta=F(1, 5)) for side in apart.args}) == 1


def trees(claim):
    """Branches begin with the first token of a chain, and leaves with the second."""
    leaf, branch, left = (step.relation for step in claim.steps)
    policy, rloo = GRADED, mx.estimators.get("rloo")
    truth = policy.grad_pass_rate
    advance, stopped = policy.advance, policy.likelihoods[0]
    ends = [(1 - advance[1], policy.likelihoods[1]), (advance[1], policy.likelihoods[2])]

    def branches(leaves):
        """Chance and likelihoods of a branch, the prefix's score, and the first leaf's own."""
        yield 1 - advance[0], (stopped,) * leaves, -advance[0], F(0)
        for drawn in itertools.product(ends, repeat=leaves):
            chance = advance[0] * math.prod(c for c, _ in drawn)
            own = 1 - advance[1] if drawn[0] is ends[1] else -advance[1]
            yield chance, tuple(l for _, l in drawn), 1 - advance[0], own

    def of_leaf(side):
        return side.args[0] / next(factor for factor in side.args[0].args if str(factor) == "S_i + s_i")

    for number, leaves in ((2, 1), (2, 2), (3, 2), (2, 3)):
        total = {"leaf": [F(0)] * 2, "branch": [F(0)] * 2}
        for tree in itertools.product(branches(leaves), repeat=number):
            chance, flat = math.prod(b[0] for b in tree), [l for b in tree for l in b[1]]
            others = flat[leaves:]
            by_leaf, by_branch = rloo(exactly(flat))[0], flat[0] - sum(others) / len(others)
            near = sum(flat[1:leaves]) / max(leaves - 1, 1)
            numbers = {"B": number, "M": leaves, "l_i": flat[0], "q_i": 1 - flat[0], "l_k": near}
            for relation, given in ((leaf, by_leaf), (branch, by_branch)):
                assert fraction(at(of_leaf(relation.lhs), l_j=sum(others) / len(others), **numbers)) == given
            for name, given in (("leaf", by_leaf), ("branch", by_branch)):
                total[name] = [so_far + chance * given * s for so_far, s in zip(total[name], tree[0][2:], strict=True)]
        sizes = {"B": number, "M": leaves}
        for name, relation in (("leaf", leaf), ("branch", branch)):
            prefix = fraction(at(relation.rhs, **sizes, g=truth[0], g_s=0))
            suffix = fraction(at(relation.rhs, **sizes, g=0, g_s=truth[1]))
            assert [prefix, suffix] == total[name]
        assert (fraction(at(claim.sibling.rhs, **sizes, g=truth[0], g_s=0)) == total["leaf"][0]) == (leaves == 1)
        assert {fraction(at(side, **sizes)) for side in left.args} == {total["leaf"][0] / truth[0]}


def reused_batch(claim):
    """Chances pi_0 (1 + s theta + c theta^2), so that each batch's surrogate, the mean of l pi/pi_0, is quadratic."""
    walked, after, twice = (step.relation for step in claim.steps)
    start, s, c = exactly((F(1, 2), F(1, 3), F(1, 6))), exactly((1, -1, -1)), exactly((-1, 2, -1))
    assert start @ s == start @ c == 0
    likelihoods = (F(1, 3), F(1, 2), F(1))
    law = [(pi, l * a, 2 * l * b) for pi, l, a, b in zip(start, likelihoods, s, c, strict=True)]
    eta, size = F(1, 10), 2
    for K in (3, 5):
        moved = claimed = wrong = products = F(0)
        for batch in itertools.product(law, repeat=size):
            chance = math.prod(z[0] for z in batch)
            g, h = (sum(z[place] for z in batch) / size for place in (1, 2))
            theta = F(0)
            for _ in range(K):
                before, theta = theta, theta + eta * (g + h * theta)
            numbers = {"K": K, "eta": eta, "g": g, "h": h}
            assert fraction(written_out(at(walked.lhs, **numbers))) == theta
            for side in after.args:
                assert fraction(written_out(at(side, **{**numbers, "K": K - 1}))) == h * before
            moved += chance * theta
            claimed += chance * fraction(written_out(at(walked.rhs, **numbers)))
            wrong += chance * fraction(written_out(at(claim.sibling.rhs, **numbers)))
            products += chance * g * h
        assert moved == claimed != wrong
        G, H, m_hg = (sum(pi * f for pi, f in fs) for fs in (
            [(pi, a) for pi, a, _ in law], [(pi, b) for pi, _, b in law], [(pi, a * b) for pi, a, b in law]
        ))  # fmt: skip
        assert fraction(at(twice.rhs, N=size, H=H, G=G, m_hg=m_hg)) == products != H * G


def token_mean(claim):
    """Of a chain whose second and third token are right: the bias at n = 1, 2, 3, and where the mean points."""
    off, product, square, shorter, around = (step.relation for step in claim.steps)
    law = outcomes(TWO_RIGHT, TWO_RIGHT, L=[F(length) for length in LENGTHS])
    length = mean_of(law, lambda z: z.brings["L"])

    def row(group):
        return len(group) * group[0].brings["l"] / sum(brought("L", group))

    spread = mean_of(law, lambda z: z.brings["L"] ** 2) - length**2
    for size in (1, 2, 3):
        means = update(law, size, row)
        for d, (mean, g) in enumerate(zip(means, TWO_RIGHT.grad_pass_rate, strict=True)):
            r = g / length
            residual = mean_of(law, lambda z: (z.brings["l"] * z.score[d] - r * z.brings["L"]) ** 2)  # noqa: B023
            assert 0 < (mean - r) ** 2 <= residual * spread / (size * length) ** 2
            total = {name: F(0) for name in ("left", "right", "sibling")}
            for group in itertools.product(law, repeat=size):
                chance = math.prod(z.chance for z in group)
                numbers = {"A": sum(z.brings["l"] * z.score[d] for z in group) / size,
                           "B": sum(brought("L", group)) / size, "a_0": g, "L_0": length}  # fmt: skip
                for name, side in zip(total, (*off.args, claim.sibling.rhs), strict=True):
                    total[name] += chance * fraction(at(side, **numbers))
            assert total["left"] == total["right"] == mean - r != total["sibling"] == 0
        one, other = TWO_RIGHT.grad_pass_rate
        assert means[0] * other != means[1] * one
        drawn = [sum(brought("L", group)) / size for group in itertools.product(law, repeat=size)]
        chances = [math.prod(z.chance for z in group) for group in itertools.product(law, repeat=size)]
        variance = sum(c * x**2 for c, x in zip(chances, drawn, strict=True)) - length**2
        assert fraction(at(square.rhs, n=size, D=length, m_dd=spread + length**2)) == variance
    for one, two, B, t in ((F(2), F(-1), F(1), F(1, 2)), (F(1, 3), F(4), F(3), F(2))):
        sides = [fraction(at(side, x=one, y=two, B=B, t=t)) for side in product.args]
        assert sides[0] <= sides[1]
    short, long = (outcome for outcome in law if outcome.brings["l"])
    failure = law[0]
    for others in ((), (failure,), (failure, short)):
        rest = sum(z.brings["L"] for z in others)
        numbers = {"n": len(others) + 1, "L_x": short.brings["L"], "L_y": long.brings["L"], "R": rest}
        assert fraction(at(shorter.lhs, **numbers)) == row((long, *others)) < row((short, *others))
        assert fraction(at(shorter.rhs, **numbers)) == row((short, *others))
    fails = outcomes(ONE_RIGHT, ONE_RIGHT, L=[F(length) for length in LENGTHS])
    for others in ((), (fails[0],), (fails[1], fails[2])):
        turn = ((0, 1), (1, 2), (2, 0))
        found = sum(row((fails[i], fails[j], *others)) - row((fails[j], fails[i], *others)) for i, j in turn)
        numbers = dict(zip(("L_x", "L_y", "L_z"), map(F, LENGTHS), strict=True))
        numbers |= {"n": len(others) + 2, "W": sum((z.brings["L"] for z in others), F(0))}
        assert {fraction(at(side, **numbers)) for side in around.args} == {found} != {0}
