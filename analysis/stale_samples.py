"""What stale rollouts make of MaxRL: with the ratios of whole rollouts, with other ratios, and with none."""

import sys
from fractions import Fraction

import numpy as np
from matplotlib import pyplot as plt
from matplotlib import ticker

import maxrl_est as mx
from analysis import study

QUESTION = "Of rollouts that an older policy drew, what do ratios leave of the gradient of MaxRL, and at which noise?"
SETUP = (
    "0/1 rewards, no sampling: every group is enumerated, in rationals. A response has two tokens with a logit each, "
    "and is right if both are 1; N = 4, MaxRL of order N with the default baseline, mean_loo. The policy that learns "
    "gives 1 the chances 1/8 and 1/2 on a hard prompt (p = 1/16), 3/4 and 1/2 on a middling one (p = 3/8); in the "
    "policy that drew, the odds of every 1 are less by a factor. Bias is |E g - grad J| / |grad J| of a prompt, noise "
    "the root of the trace of the covariance of one group's g over |grad J|; what is kept is the part of grad J that "
    "E g has. Ratios are to the policy that drew: 'whole' those of responses, in weights, baseline and front, "
    "'control' the same with control = 1, 'truncated' min(ratio, 2) in their place, 'front' those of responses in "
    "front of advantages that know of none, 'tokens' the same of each token alone, 'none' none at all."
)
SEED = 0  # nothing is drawn

N, MOST, CONTROL = 4, 2, 1
ODDS = (Fraction(1), Fraction(5, 4), Fraction(3, 2), Fraction(2), Fraction(3), Fraction(4))
PROMPTS = {"hard": (Fraction(1, 8), Fraction(1, 2)), "middling": (Fraction(3, 4), Fraction(1, 2))}
LIKELIHOODS = [[Fraction(0), Fraction(0)], [Fraction(0), Fraction(1)]]
LABELS = {
    "whole": "of whole rollouts",
    "control": "the same, control = 1",
    "truncated": f"of whole rollouts, cut off at {MOST}",
    "front": "of whole rollouts, in front alone",
    "tokens": "of tokens",
    "none": "none",
}


def advantages(ratios, rewards, whole):
    """Advantages (..., B, N) of rewards and ratios of whole rollouts."""
    if ratios == "whole":
        return mx.advantages(rewards, ratios=whole)
    if ratios == "control":
        return mx.advantages(rewards, ratios=whole, control=CONTROL)
    if ratios == "truncated":
        return mx.advantages(rewards, ratios=np.minimum(whole, MOST))
    return mx.advantages(rewards) * (whole if ratios == "front" else 1)


def step_of(ratios):
    def step(batch):
        found = advantages(ratios, batch.rewards, batch.ratios.prod(axis=-1))[..., None] * batch.mask
        return found * (batch.ratios if ratios == "tokens" else 1) / (batch.rewards.shape[-2] * N)

    return step


def measure(quick=False):
    odds = (ODDS[0], ODDS[3]) if quick else ODDS
    return [row(ratios, prompt, factor) for ratios in LABELS for prompt in PROMPTS for factor in odds]


def row(ratios, prompt, factor):
    law = mx.problems.TokenBits(PROMPTS[prompt], LIKELIHOODS)
    drew = mx.problems.TokenBits([chance / (chance + factor * (1 - chance)) for chance in PROMPTS[prompt]], LIKELIHOODS)
    found = mx.exact_step(step_of(ratios), [law], N, objective=mx.Objective.maxrl(N), samplers=[drew])
    (mean,), (truth,) = found.mean, found.truth
    numbers = {
        "kept": found.share,
        "bias": size_of(mean - truth) / size_of(truth),
        "noise": float(np.trace(found.covariance)) ** 0.5 / size_of(truth),
    }
    settings = {"ratios": ratios, "prompt": prompt, "odds": float(factor)}
    rounded = {key: study.rounded(float(value)) for key, value in numbers.items()}
    return {**settings, "exact": bool((mean == truth).all()), **rounded}


def size_of(vector):
    return float(vector @ vector) ** 0.5


def of(rows, key, ratios, prompt, odds):
    return next(x[key] for x in rows if (x["ratios"], x["prompt"], x["odds"]) == (ratios, prompt, odds))


def verdict(rows):
    odds, some = max(x["odds"] for x in rows), 2.0
    unbiased = [LABELS[ratios] for ratios in LABELS if all(x["exact"] for x in rows if x["ratios"] == ratios)]
    biased = [ratios for ratios in LABELS if LABELS[ratios] not in unbiased]

    def at(key, ratios, odds, scale=1, unit=""):
        return " and ".join(f"{study.short(scale * of(rows, key, ratios, prompt, odds))}{unit}" for prompt in PROMPTS)

    errors = "; ".join(f"{LABELS[x]}: {at('bias', x, some, 100, '%')}, {at('bias', x, odds, 100, '%')}" for x in biased)
    over = " and ".join(
        study.short(of(rows, "noise", "control", prompt, some) / of(rows, "noise", "whole", prompt, some))
        for prompt in PROMPTS
    )
    return (
        f"In rationals the mean is the gradient, however stale rollouts are, with ratios "
        f"{' and '.join(unbiased) or 'of no kind'}. The other means are off by, on the hard and the middling prompt, "
        f"where odds have grown {some:g}-fold, then {odds:g}-fold: {errors}. At {some:g} the noise is "
        f"{at('noise', 'whole', some)} with whole ratios, {over} times that with control = 1, "
        f"{at('noise', 'truncated', some)} where they are cut off and {at('noise', 'none', some)} without any; at "
        f"{odds:g} {at('noise', 'whole', odds)}, {at('noise', 'truncated', odds)} and {at('noise', 'none', odds)}."
    )


def draw(rows):
    figure, panels = plt.subplots(1, 3, figsize=(12.6, 3.8))
    odds = sorted({x["odds"] for x in rows})
    parts = (("bias", "hard"), ("bias", "middling"), ("noise", "hard"))
    for axes, (key, prompt) in zip(panels, parts, strict=True):
        for place, (ratios, label) in enumerate(LABELS.items()):
            style = f"C{place}{'--' if ratios == 'control' else '-'}"
            axes.plot(odds, [of(rows, key, ratios, prompt, x) for x in odds], style, label=label)
        axes.set(xscale="log", xlabel="odds now over those that drew", title=f"{key}, {prompt} prompt")
        axes.set_xticks(odds, [f"{x:g}" for x in odds])
        axes.xaxis.set_minor_locator(ticker.NullLocator())
    panels[0].set_ylabel("over |grad J|")
    panels[2].set_yscale("log")
    figure.legend(*panels[0].get_legend_handles_labels(), title="ratios", loc="outside right center")
    return figure


if __name__ == "__main__":
    study.main(sys.modules[__name__])
