"""What the claims on gradients say of any advantage, against the package's rows and what `objective_of` finds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction as F

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

import maxrl_est as mx
from maxrl_est.ascent import over_prompts
from maxrl_est.selftest.prove import part

from . import fraction, written_out
from .formal_groups import (
    LAW,
    VALUES,
    Group,
    advantage,
    ascent,
    at,
    corners,
    exactly,
    functions_of,
    groups,
    in_weights,
    known,
    on_groups,
    update,
)

GRADIENTS = ("rloo", "ustat", "ustat_mean_loo", "maxk")
OTHERS = ("maxrl_shipped", "self_normalised", "plug_in_loo")
SIZE = 3


def triangle(claim: object) -> None:
    add_up, of_pair = (step.relation for step in claim.steps)
    for name, size in itertools.product(GRADIENTS, (2, SIZE)):
        functions = functions_of(name, size)
        for others, (x, y, z) in itertools.product(groups(size - 2), itertools.permutations(VALUES)):
            named = corners(others, x=x, y=y, z=z)
            for relation in (add_up, of_pair):
                left, right = (on_groups(side, functions, named, N=size) for side in relation.args)
                assert left == right
        added = [on_groups(side, functions, named, N=size) for side in claim.sibling.args]
        assert added[0] != added[1] or name == "rloo"  # in groups of two rloo's add up to 0
    for name, size in itertools.product(OTHERS, (2, SIZE)):
        found = ascent(name, size, VALUES).triangle
        named = corners(found.others, x=found.x, y=found.y, z=found.z)
        left, right = (on_groups(side, {"a": advantage(name)}, named) for side in add_up.args)
        assert left - right == found.sum != 0


def rebuilt(claim: object) -> None:
    routes, of_member = (step.relation for step in claim.steps)
    r, x, y = VALUES
    for name in GRADIENTS + OTHERS:
        functions, found = {"a": advantage(name)}, ascent(name, SIZE, VALUES)
        differ = set()
        for others in groups(SIZE - 2):
            named = corners(others, r=r, x=x, y=y)
            left, right = (on_groups(side, functions, named, N=SIZE) for side in routes.args)
            assert left == right
            there, back = (on_groups(routes.lhs, functions, corners(others, r=r, **way), N=SIZE) for way in _ways(x, y))
            differ.add(there != back)
            if found.verdict == "gradient":
                ends = (found.estimate(exactly((*others, *two))) for two in ((x, y), (r, r)))
                assert there == next(ends) - next(ends)
        assert any(differ) == (found.verdict != "gradient") == _told_apart(claim.sibling, functions)
    for name, others in itertools.product(GRADIENTS, groups(SIZE - 1)):
        named = corners(others, r=r, x=x)
        left, right = (on_groups(side, functions_of(name, SIZE), named, N=SIZE) for side in of_member.args)
        assert left == right


def _ways(x: F, y: F) -> tuple[dict[str, F], dict[str, F]]:
    return {"x": x, "y": y}, {"x": y, "y": x}


def _told_apart(sibling: sp.Eq, functions: Mapping[str, Callable[..., F]]) -> bool:
    named = [corners(others, **dict(zip("rxy", VALUES, strict=True))) for others in groups(SIZE - 2)]
    return any(len({on_groups(side, functions, at_w, N=SIZE) for side in sibling.args}) == 2 for at_w in named)


def objective_from_advantages(claim: object) -> None:
    relation = claim.steps[0].relation
    named = {"r": VALUES[:1]}
    for name in GRADIENTS:
        functions, found = functions_of(name, SIZE), ascent(name, SIZE, VALUES)
        for n in range(SIZE):
            left, right = (on_groups(side, functions, named, N=SIZE, n=n) for side in relation.args)
            assert left == right
        assert left == found.value(LAW) != on_groups(claim.sibling.lhs, functions, named, N=SIZE, n=n)
    mean = sum(value * chance for value, chance in zip(VALUES, LAW, strict=True))
    ends = (mx.Objective.maxrl(SIZE).value(p) for p in (mean, F(0)))
    assert ascent("ustat", SIZE, VALUES).value(LAW) == next(ends) - next(ends)


def straight_edge(claim: object) -> None:
    whole, moved = (step.relation for step in claim.steps)
    for name, (x, y) in itertools.product(GRADIENTS + OTHERS, itertools.permutations(VALUES, 2)):
        functions, named = {"a": advantage(name)}, corners(x=x, y=y)
        work = ascent(name, SIZE, VALUES).work(x, y)
        for side in whole.args:
            assert on_groups(side, functions, named, N=SIZE) == work
        assert work == _integral(lambda t, of=(name, (x, y)): update(*of, (1 - t, t), SIZE)[0])
        assert on_groups(claim.sibling.rhs, functions, named, N=SIZE) == SIZE * work != work
        if name in GRADIENTS:
            for n in range(SIZE):
                left, right = (on_groups(side, functions_of(name, SIZE), named, N=SIZE, n=n) for side in moved.args)
                assert left == right


def _integral(of_first: Callable[[F], F]) -> F:
    """Over 0..1, of minus what is given: exact of cubic polynomials, without the ends."""
    return -sum(c * of_first(F(i, 4)) for i, c in ((1, F(2, 3)), (2, F(-1, 3)), (3, F(2, 3))))


def curl(claim: object) -> None:
    entry, tangent, two = (step.relation for step in claim.steps)
    step = F(1, 60)
    for name in GRADIENTS + OTHERS:
        c = {}
        for i, j in ((0, 1), (1, 2), (2, 0)):
            left, right, wrong = (_entry(side, name, i, j) for side in (*entry.args, claim.sibling.rhs))
            assert left == right
            assert wrong != right or not right
            c[f"c_{'xyz'[i]}{'xyz'[j]}"] = right
        slopes = []
        for coordinate, of in ((0, 1), (1, 0)):  # central differences, exact of quadratic polynomials
            laws = [[*LAW[:2], LAW[2] - sign * step] for sign in (1, -1)]
            for law, sign in zip(laws, (1, -1), strict=True):
                law[coordinate] += sign * step
            ahead, behind = (update(name, VALUES, law, SIZE)[of] for law in laws)
            slopes.append((ahead - behind) / (2 * step))
        for side in tangent.args:
            assert fraction(at(side, s_x=1, s_y=0, t_x=0, t_y=1, **c)) == slopes[0] - slopes[1]
        assert (slopes[0] == slopes[1]) == (ascent(name, SIZE, VALUES).verdict == "gradient")
        assert ascent(name, SIZE, VALUES[1:]).verdict == "gradient"
    for side in two.args:
        assert fraction(at(side, s_x=F(2, 3), s_y=F(-2, 3), t_x=5, t_y=-5)) == 0


def _entry(side: sp.Expr, name: str, i: int, j: int) -> F:
    """The (i, j) entry, with R and Q by enumeration of the others."""
    a, weights = advantage(name), dict(zip(VALUES, LAW, strict=True))

    def summed(of: F, beside: F, number: int, size: int) -> sp.Rational:
        rest = itertools.product([value for value in VALUES if value != beside], repeat=size)
        named = (beside,) * number
        return sp.Rational(sum(math.prod(weights[l] for l in w) * a((of,), (*w, *named, of)) for w in rest))

    x, y = VALUES[i], VALUES[j]
    corner = {"R": (y, x), "Q": (x, y)}
    side = written_out(at(side, N=SIZE)).replace(
        lambda node: isinstance(node, AppliedUndef),
        lambda node: summed(*corner[node.func.__name__], *map(int, node.args)),
    )
    return fraction(at(side.doit(), u=LAW[i], v=LAW[j]))


def four_cycle(claim: object) -> None:
    """On batches of two prompts, for rewards 1/2 and 1, by the cycle of four that the package finds worst."""
    cycle, corner = (step.relation for step in claim.steps)

    def gap(relation: sp.Eq, rule: Callable, named: Mapping[str, Group]) -> F:
        def of_prompt(b: int) -> Callable[..., F]:
            def a(member: Group, group: Group, other: Group) -> F:
                batch = exactly((*group, *other)).reshape(2, SIZE)[:: 1 - 2 * b]
                return rule(batch)[b][group.index(member[0])]

            return a

        functions = {"a": of_prompt(0), "e": of_prompt(1)}
        left, right = (on_groups(side, functions, named) for side in relation.args)
        return left - right

    def product(batch: np.ndarray) -> np.ndarray:  # E l of one prompt times E l of the other
        return mx.estimators.get("reinforce")(batch) * batch.mean(-1, keepdims=True)[::-1]

    def pooled(batch: np.ndarray) -> np.ndarray:
        return mx.estimators.get("maxrl_shipped")(batch.reshape(-1)).reshape(batch.shape)

    def over_the_batch(batch: np.ndarray) -> np.ndarray:
        return mx.estimators.get("mean_centred")(batch) / batch.mean()

    for rule in (product, mx.estimators.get("maxrl_shipped"), pooled, over_the_batch):
        found = over_prompts(rule, 2, SIZE, VALUES[1:])
        x, y, X, Y = found.values or (*VALUES[1:], *VALUES[1:])
        w, W = found.batch or ((F(1, 2), F(1)), (F(1), F(1)))
        named = {"x": (x,), "y": (y,), "X": (X,), "Y": (Y,), "w": w, "W": W}
        assert abs(gap(cycle, rule, named)) == abs(found.sum)
        assert rule is not product or gap(claim.sibling, rule, named) != 0
    assert found.sum != 0  # of the last
    numbers = {"M_xX": F(1, 2), "M_xY": F(2), "M_yX": F(-3), "M_yY": F(5, 7), "s": F(2, 5), "t": F(3)}
    assert len({fraction(at(side, **numbers)) for side in corner.args}) == 1


def right_direction(claim: object) -> None:
    twisted, volume, shipped, standardised = (step.relation for step in claim.steps)
    direction = part("ascent.right_direction")
    values, law = tuple(map(F, direction.values)), (F(1, 2), F(1, 4), F(1, 6), F(1, 12))
    weights = direction.u
    at_law = {weight.name: chance for weight, chance in zip(weights, law[:3], strict=True)}
    twists = {}
    for name in ("maxrl_shipped", "self_normalised", "plug_in_loo", "ustat"):
        w = in_weights(name, values, weights)
        assert [fraction(at(form, **at_law)) for form in w] == update(name, values, law, 2)
        functions = {f"w_{i}": form for i, form in enumerate(w, 1)} | {"s": 1 + weights[0] * weights[1] ** 2}
        left, right = (known(side, functions, **at_law) for side in twisted.args)
        assert left == right
        twists[name] = left / fraction(at(functions["s"], **at_law))
        assert (twists[name] == 0) == (ascent(name, 2, values).verdict != "none")
        left, right = (known(side, functions, **at_law) for side in claim.sibling.args)
        assert left != right
        assert ascent(name, 2, values[:3]).verdict == ("gradient" if name == "ustat" else "direction")
    assert twists["maxrl_shipped"] == fraction(shipped.rhs)
    assert ascent("grpo_population", 2, values).verdict == "none"
    assert fraction(standardised.rhs) != 0
    vectors = {"s": (2, 3, -5), "t": (F(1, 2), 0, F(-1, 2)), "r": (-4, 7, -3)}
    numbers = {f"{name}_{axis}": x for name, vector in vectors.items() for axis, x in zip("xyz", vector, strict=True)}
    for side in volume.args:
        assert fraction(at(side, **numbers)) == 0


def two_prompts(claim: object) -> None:
    relation, (u, v_1, v_2) = claim.steps[0].relation, sp.symbols("u v_1 v_2", real=True)
    law = {"u": F(1, 3), "v_1": F(1, 2), "v_2": F(1, 5)}
    for name in ("maxrl_shipped", "self_normalised", "plug_in_loo", "ustat"):
        (f,), (e_1, e_2) = in_weights(name, VALUES[1:], [u]), in_weights(name, VALUES, [v_1, v_2])
        functions = {"f": f, "e_1": e_1, "e_2": e_2}
        for s in (sp.S.One, 1 + u * v_2 + v_1**2):
            left, right = (known(side, {**functions, "s": s}, **law) for side in relation.args)
            assert left == right
            assert (left == 0) == (ascent(name, 2, VALUES).verdict == "gradient")
        left, right = (known(side, {**functions, "s": s}, **law) for side in claim.sibling.args)
        assert left != right
