"""Where an advantage is the gradient of nothing: does ascent go round, how much of the update is that, does it hurt?"""

import sys

from matplotlib import pyplot as plt

from analysis import study
from analysis.circulating import harm, how_much, loops, rows

QUESTION = "Does ascent by an advantage that is no gradient go round, how much of the update is that, and does it hurt?"
SETUP = (
    "Graded rewards; nothing is sampled but in the training. Round: two prompts with one angle as their parameter; "
    "the law of the first goes round a circle of radius 0.3 about the uniform law on rewards 0, 1/2 and 1, that of "
    "the second to and fro on rewards 0 and 1, so that E[g] of grpo with N = 8 is the same all round. E[g] by "
    "enumeration, at 48 angles; plain ascent, grpo taking 48 steps a turn. A gain is the integral of E[g] along the "
    "way. How much: for 3000 laws drawn uniformly, the root mean square of what the nearest gradient of a polynomial "
    "of degree 8, N where that is more, leaves over of E[g] by the logits. The antisymmetric share is |J - J'| / |2 "
    "J| of the exact Jacobian J of E[g], 0 for a gradient, at 8 policies that ascent by the exact E[g] of grpo passes"
    " in 320 steps of rate 2; one linear softmax over 16 answers, for 24 prompts with 6 features; one task of each "
    "kind. Rewards are drawn from 3, 5 or 11 levels; or an answer has each of 4 points right or wrong, a prompt "
    "asking for a pattern of its own, and the reward is the share that are right (rubric), or 1/4 for one that all "
    "prompts have in common and 3/4 if all others are right (bonus). Harm: N = 8, 300 steps of plain ascent at the "
    "best of 7 rates from 1 to 64, which is for each estimator that of the greatest mean reward on 10 tasks; then 60 "
    "other tasks, with standard errors over tasks of differences in pairs. The lifts of grpo, by the mean reward and "
    "by levels, are gradients, and grpo itself on 0/1 rewards."
)
SEED = rows.SEED


def measure(quick=False):
    return [*loops.measure(quick), *how_much.measure(quick), *harm.measure(quick)]


def verdict(rows):
    return " ".join([loops.words(rows), how_much.words(rows), harm.words(rows)])


def draw(rows):
    figure, panels = plt.subplots(2, 2, figsize=(9.6, 7.2), height_ratios=(3, 4))
    parts = loops.draw_circle, loops.draw_updates, how_much.draw, harm.draw
    for axes, part in zip(panels.flat, parts, strict=True):
        part(axes, rows)
    return figure


if __name__ == "__main__":
    study.main(sys.modules[__name__])
