"""What the claims on ratios say: rollouts of one softmax over three outcomes, and the gradient of another."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np

import maxrl_est as mx
from maxrl_est.selftest import definition

from . import fraction
from .baseline import exactly
from .formal_groups import at
from .small_policies import brought, holds, mean_of, outcomes, slope_of, update

LAW, VALUES = (F(1, 2), F(1, 3), F(1, 6)), (F(1, 3), F(1, 2), F(1))
PI = mx.problems.Bandit(LAW, VALUES)
MU = mx.problems.Bandit([F(1, 4), F(1, 4), F(1, 2)], VALUES)
RATIOS = tuple(one / other for one, other in zip(LAW, MU.probabilities, strict=True))  # 2, 4/3 and 1/3


def ratios(claim):
    general, maxrl, stale, baseline = (step.relation for step in claim.steps)
    law = outcomes(MU, PI, rho=RATIOS)
    names = [{"p": PI.pass_rate, "p_mu": MU.pass_rate, "g": g} for g in PI.grad_pass_rate]

    def row(weigh, objective, mean_of_others=0):
        def first(group):
            rho, l = brought("rho", group), brought("l", group)
            others = mean_of_others * sum(l[1:]) / (len(l) - 1)
            return mx.loo_weights(l, objective, ratios=rho if weigh else None)[0] * rho[0] * l[0] - others * rho[0]

        return first

    for size, objective in ((2, mx.Objective.maxrl(2)), (3, mx.Objective.maxrl(2)), (3, mx.Objective.pass_at(3))):
        c, T = {"c": lambda k, objective=objective: objective.rational_coefficients[k]}, objective.order
        assert holds(general, law, size, row(True, objective), names, c, T=T)
        assert holds(stale, law, size, row(False, objective), names, c, T=T)
        assert holds(baseline, law, size, row(True, objective, 1), names, c, T=T)
        assert not holds(claim.sibling, law, size, row(False, objective), names, c, T=T)
        on_policy = mx.exact_moments(PI, lambda l, objective=objective: mx.advantages(l, objective), size).mean
        assert update(law, size, row(True, objective)) == list(on_policy)
        assert [objective.weight(PI.pass_rate) * g for g in PI.grad_pass_rate] == list(on_policy)
    assert holds(maxrl, law, 3, row(True, mx.Objective.maxrl(3)), names, T=3)


def ratio_control(claim):
    mean, one, square = (step.relation for step in claim.steps)
    law = outcomes(MU, PI, rho=RATIOS)
    names = [{"p": PI.pass_rate, "g": g} for g in PI.grad_pass_rate]
    objective = mx.Objective.maxrl(3)
    c = {"c": lambda k: objective.rational_coefficients[k]}

    def row(b, more):
        def first(group):
            rho, l = brought("rho", group), brought("l", group)
            failures = 1 - rho * l + b * (rho - 1 + more)
            return definition.loo_weights(1 - failures, objective.rational_coefficients)[0] * rho[0] * l[0]

        return first

    for b in (F(0), F(1), F(-2, 3)):

        def of_package(group):
            rho, l = brought("rho", group), brought("l", group)
            return mx.advantages(l, baseline="none", ratios=rho, control=b)[0]  # noqa: B023

        assert holds(mean, law, 3, of_package, names, c, T=3, b=b)
        assert holds(mean, law, 3, row(b, 0), names, c, T=3, b=b)
        assert holds(claim.sibling, law, 3, row(b, 1), names, c, T=3, b=b) == (b == 0)
    rho = brought("rho", law)
    moments = {f"m_{'r' * r}{'l' * s}": mean_of(law, lambda z: z.brings["rho"] ** r * z.brings["l"] ** s)  # noqa: B023
               for r, s in ((2, 0), (2, 1), (2, 2))}  # fmt: skip
    best = (moments["m_rrl"] - PI.pass_rate) / (moments["m_rr"] - 1)
    squares = {}
    for b in (F(0), best - F(1, 7), best, best + F(1, 7)):
        squares[b] = mean_of(law, lambda z: (1 - z.brings["rho"] * (z.brings["l"] - b) - b) ** 2)  # noqa: B023
        assert fraction(at(square.rhs, b=b, p=PI.pass_rate, **moments)) == squares[b]
    assert min(squares, key=squares.get) == best
    for side in one.args:
        assert [fraction(at(side, rho_j=r, l_j=l)) for r, l in zip(rho, VALUES, strict=True)] == list(
            rho * (1 - exactly(VALUES))
        )


def truncated_ratio(claim):
    mean, drift, positive = (step.relation for step in claim.steps)
    rloo = mx.estimators.get("rloo")
    for most in (F(1), F(3, 2), F(2)):
        kept = [min(rho, most) for rho in RATIOS]
        law = outcomes(MU, PI, rho=RATIOS, x=[rho - t for rho, t in zip(RATIOS, kept, strict=True)])
        cut = (slope_of(law, lambda z: z.brings["x"]), slope_of(law, lambda z: z.brings["x"] * z.brings["l"]))
        names = [
            {"g": g, "p_mu": MU.pass_rate, "m_xS": m, "m_xlS": m_l}
            for g, m, m_l in zip(PI.grad_pass_rate, *cut, strict=True)
        ]

        def row(group):
            return min(group[0].brings["rho"], most) * rloo(brought("l", group))[0]  # noqa: B023

        for size in (2, 3):
            assert holds(mean, law, size, row, names)
            assert holds(claim.sibling, law, size, row, names) == (most == 2)  # nothing is cut at 2
        mass = [min(one, most * other) for one, other in zip(LAW, MU.probabilities, strict=True)]
        in_sum = exactly(mass) * (exactly(VALUES) - MU.pass_rate) @ np.array(PI.scores)
        assert list(in_sum) == update(law, 3, row)
        without = slope_of(law, lambda z: z.brings["rho"] - z.brings["x"])
        for y, pi_y in enumerate(LAW):
            numbers = {"pi_y": pi_y, "cut_y": pi_y - mass[y], "cut": 1 - sum(mass)}
            assert {fraction(at(side, **numbers)) for side in drift.args} == {without[y]}
            if mass[y] == pi_y and most < 2:
                assert fraction(at(positive.rhs, **numbers)) == without[y] > 0
