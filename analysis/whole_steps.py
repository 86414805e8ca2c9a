"""What epochs on one batch, a clip range and the way that lengths are divided by make of an advantage."""

import sys
from fractions import Fraction

import numpy as np
from matplotlib import pyplot as plt
from matplotlib import ticker

import maxrl_est as mx
from analysis import study

QUESTION = "What do epochs on one batch, clipping and dividing by lengths make of what an advantage ascends?"
SETUP = (
    "0/1 rewards, no sampling: every batch is enumerated. Reuse: a prompt with one logit and N = 8 rollouts; K steps "
    "of plain ascent on one batch, of the loss min(ratio A, clipped ratio A), ratios being to the policy that drew the "
    "batch. The weight of the whole update is the mean displacement of the logit over K x rate x grad p; with 'no "
    "reuse' that of K steps of W(p) grad p, p moving along, as on a batch each but for its noise. Rates are of the "
    "logit: at 0.3 the first step of grpo adds 0.13 at p = 0.5. Lengths: RLOO on policy, N = 4, one step on 2 prompts, "
    "in rationals; how much of its own gradient each prompt keeps, and how far off it is. Two pairs: 1 token, p = 3/4, "
    "beside 3 tokens, p = 1/8; and one policy with lengths 1 to 4, all as likely, on a prompt that is right at length "
    "1 beside one that is right at length 4. 'constant' divides the sum over tokens by 4, 'response' by the response's "
    "tokens, 'step' the whole by the tokens of the step, 'micro-batch' each prompt's by its own, averaged over both."
)
SEED = 0  # nothing is drawn

RULES = {"grpo": ("GRPO", "C3"), "rloo": ("RLOO", "C2"), "maxrl_shipped": ("MaxRL as shipped", "C1")}
CLIPS = {
    "no clip": None,
    "clip 0.1": (0.1, 0.1),
    "clip 0.2": (0.2, 0.2),
    "clip 0.2 and 0.28": (0.2, 0.28),
}
EPOCHS, RATES, PASS_RATES = (1, 2, 4, 8), (0.1, 0.3, 1.0), (0.01, 0.1, 0.5, 0.9)
N, RATE, FRESH = 8, 0.3, "no reuse"

_ONES = np.full((2, 2, 2), Fraction(0))
_ONES[1, 1, 1] = Fraction(1)
_STOP = [Fraction(1, 4), Fraction(1, 3), Fraction(1, 2)]
PAIRS = {
    "lengths that differ": {
        "easy and short": mx.problems.TokenBits([Fraction(3, 4)], [Fraction(0), Fraction(1)]),
        "hard and long": mx.problems.TokenBits([Fraction(1, 2)] * 3, _ONES),
    },
    "lengths that matter": {
        "right if short": mx.problems.TokenChain(_STOP, [Fraction(1), *[Fraction(0)] * 3]),
        "right if long": mx.problems.TokenChain(_STOP, [*[Fraction(0)] * 3, Fraction(1)]),
    },
}
LOSSES = {
    "constant": ("sum", Fraction(1, 4), 1),
    "response": ("mean", 1, 1),
    "step": ("tokens", 1, 2),
    "micro-batch": ("part_tokens", 1, 2),
}


def measure(quick=False):
    rates, epochs, n = ((RATE, RATES[-1]), (1, 8), 2) if quick else (RATES, EPOCHS, 4)
    return [*reused(rates, epochs), *(row for pair in PAIRS for loss in LOSSES for row in kept(pair, loss, n))]


def row(part, rule, loss, prompt, kept, *, rate=1.0, epochs=1, degrees=0.0):
    numbers = {"kept": study.rounded(float(kept)), "degrees": study.rounded(degrees)}
    return {"part": part, "rule": rule, "loss": loss, "rate": rate, "epochs": epochs, "prompt": prompt, **numbers}


def reused(rates, epochs):
    return [
        row("reuse", rule, loss, f"p = {p}", weight(rule, loss, p, rate, K), rate=rate, epochs=K)
        for rate in rates
        for rule in RULES
        for loss in (*CLIPS, FRESH)
        for K in epochs
        for p in PASS_RATES
    ]


def weight(rule, loss, p, rate, epochs):
    """The effective weight of the whole update."""
    law = mx.problems.TokenBits([p], [0, 1])
    if loss == FRESH:
        return of_fresh_batches(mx.effective_weight(rule, N), law, rate, epochs)
    step = mx.steps.policy_gradient(rule, ratio="token", clip=CLIPS[loss])
    return mx.steps.reuse(step, law, N, epochs=epochs, learning_rate=rate).weights[0]


def of_fresh_batches(effective, law, rate, epochs):
    """The same of ascent by W(p) grad p."""
    moved = 0.0
    for _ in range(epochs):
        now = law.moved([moved])
        moved += rate * effective.value(float(now.pass_rate)) * now.grad_pass_rate[0]
    return moved / (epochs * rate * law.grad_pass_rate[0])


def kept(pair, loss, n):
    """What a loss keeps of RLOO's gradient on each prompt of a pair."""
    lengths, factor, parts = LOSSES[loss]
    plain = mx.steps.policy_gradient("rloo", lengths=lengths)

    def step(batch):
        return plain(batch) * factor

    step.adds = plain.adds
    found = mx.exact_step(step, list(PAIRS[pair].values()), n, parts=parts)
    each = zip(PAIRS[pair], found.shares, found.angles, strict=True)
    return [row(pair, "rloo", loss, prompt, share, degrees=angle) for prompt, share, angle in each]


def ratios(rows, **chosen):
    """W(0.01) / W(0.5) of each rule that is left: what hard prompts count beside middling ones."""
    rows = [x for x in rows if x["part"] == "reuse" and all(x[key] == value for key, value in chosen.items())]
    hard, middling = (
        {(x["rule"], x["loss"], x["rate"], x["epochs"]): x["kept"] for x in rows if x["prompt"] == f"p = {p}"}
        for p in (0.01, 0.5)
    )
    return {key: hard[key] / middling[key] for key in hard}


def three(rows, rate=RATE, **chosen):
    found = {key[0]: value for key, value in ratios(rows, rate=rate, **chosen).items()}
    first, *middle, last = (study.short(found[rule]) for rule in RULES)
    return f"{', '.join([first, *middle])} and {last}"


def verdict(rows):
    return f"{of_reuse(rows)} {of_lengths(rows)}"


def of_reuse(rows):
    everything = [value for (rule, loss, *_), value in ratios(rows).items() if rule == "grpo" and loss != FRESH]
    clipped = [
        value
        for (_, loss, _, epochs), value in ratios(rows, rate=RATE).items()
        if epochs == 8 and loss not in ("no clip", FRESH)
    ]
    return (
        f"One step of GRPO, RLOO and MaxRL as shipped with N = {N} weighs a prompt of pass rate 0.01 "
        f"{three(rows, loss='no clip', epochs=1)} times one of 0.5. Eight steps of rate {RATE} on the same batch make "
        f"of that {three(rows, loss='no clip', epochs=8)} unclipped, where eight without reuse make "
        f"{three(rows, loss=FRESH, epochs=8)}; clipped at 0.2 {three(rows, loss='clip 0.2', epochs=8)}, and at 0.2 and "
        f"0.28 {three(rows, loss='clip 0.2 and 0.28', epochs=8)}. So a batch that is used again favours hard prompts, "
        f"whose few successes run away, until a clip range stops them: then all rules and ranges come to "
        f"{study.short(min(clipped))} to {study.short(max(clipped))}. At rate {RATES[-1]:g} the first step, which is "
        f"never clipped, can leave the range, and with a clip at 0.2 "
        f"{three(rows, RATES[-1], loss='clip 0.2', epochs=8)} are left. Over all rates, epochs and ranges GRPO's "
        f"factor is anything from {study.short(min(everything))} to {study.short(max(everything))}."
    )


def of_lengths(rows):
    (same, differing), (short, long) = PAIRS["lengths that differ"], PAIRS["lengths that matter"]
    found = {(x["loss"], x["prompt"]): x for x in rows if x["part"] != "reuse"}

    def over(loss, top, bottom):
        return study.short(found[loss, top]["kept"] / found[loss, bottom]["kept"])

    def degrees(loss):
        return " and ".join(study.short(found[loss, prompt]["degrees"]) for prompt in (short, long))

    exact = all(found["constant", prompt]["degrees"] == 0 for prompt in (same, differing, short, long))
    return (
        f"Of RLOO's gradient a constant divisor keeps {over('constant', differing, same)} times as much on a hard "
        f"prompt with 3 tokens as on an easy one with 1, and {over('constant', long, short)} times as much where long "
        f"answers are right as where short ones are{', in its direction' if exact else ''}; a mean over each response "
        f"{over('response', differing, same)} and {over('response', long, short)} times, {degrees('response')} degrees "
        f"off in the latter pair; a mean over the tokens of the step {over('step', differing, same)} and "
        f"{over('step', long, short)} times ({degrees('step')} degrees), and over those of each micro-batch "
        f"{over('micro-batch', differing, same)} and {over('micro-batch', long, short)} times "
        f"({degrees('micro-batch')} degrees)."
    )


def draw(rows):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2))
    draw_reuse(left, rows)
    draw_lengths(right, rows)
    return figure


def draw_reuse(axes, rows):
    for rule, (label, colour) in RULES.items():
        for loss, style in (("no clip", "-"), ("clip 0.2", "--"), (FRESH, ":")):
            found = ratios(rows, rate=RATE, rule=rule, loss=loss)
            axes.plot(
                [key[3] for key in found], list(found.values()), colour + style, label=label if style == "-" else None
            )
    for label, style in (("on one batch", "-"), ("the same, clipped at 0.2", "--"), ("no reuse", ":")):
        axes.plot([], [], color="0.4", linestyle=style, label=label)
    axes.set(xscale="log", yscale="log", xlabel="steps", ylabel="W(0.01) / W(0.5) of the whole update")
    axes.set_xticks(EPOCHS, [str(K) for K in EPOCHS])
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    axes.yaxis.set_minor_locator(ticker.NullLocator())
    axes.set_title(f"a hard prompt beside a middling one, rate {RATE}")
    axes.legend()


def draw_lengths(axes, rows):
    found = {(x["loss"], x["prompt"]): x for x in rows if x["part"] != "reuse"}
    places = np.arange(len(LOSSES))[::-1]
    for (pair, prompts), marker, colour, lift in zip(PAIRS.items(), "os", ("C0", "C4"), (0.12, -0.12), strict=True):
        first, second = prompts
        values = [found[loss, second]["kept"] / found[loss, first]["kept"] for loss in LOSSES]
        axes.plot(values, places + lift, marker, color=colour, label=f"{second} / {first}")
        for loss, value, place in zip(LOSSES, values, places, strict=True):
            worst = max(found[loss, prompt]["degrees"] for prompt in prompts)
            if pair == "lengths that matter" and worst:
                axes.annotate(
                    f"up to {worst:.2g}°",
                    (value, place + lift),
                    (-6, -9),
                    textcoords="offset points",
                    size=8,
                    ha="right",
                )
    axes.axvline(1, color="0.6", linestyle=":")
    names = ("a constant", "each response's tokens", "the step's tokens", "the micro-batch's tokens")
    axes.set_yticks(places, names)
    axes.set(xlim=(0, 1.25), ylim=(-0.6, len(LOSSES) - 0.1), xlabel="share of its gradient kept, of one over the other")
    axes.set_title("RLOO, the sum over tokens divided by")
    axes.legend(loc="upper left")


if __name__ == "__main__":
    study.main(sys.modules[__name__])
