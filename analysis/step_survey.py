"""What does a whole training step of each trainer do? Its loss, advantages and divisors are called, and enumerated.

    python -m analysis.step_survey           measures the trainers that are installed
    python -m analysis.step_survey trl       measures these trainers alone
    python -m analysis.step_survey --check   measures again, writes nothing, fails unless all is as committed
    python -m analysis.step_survey --redraw  writes all but the rows anew, from these

No environment holds all trainers: each is measured in whichever has it, and the rows of others stay as they are, with
the versions they were measured with. `analysis.surveyed` has the steps. Writes step_survey.csv (all rows),
step_survey.md (the table), step_survey.json (set-up and verdict) and step_survey.svg.
"""

import argparse
import dataclasses
import sys
import time
import warnings
from fractions import Fraction as F
from importlib import import_module
from importlib.metadata import version

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

import maxrl_est as mx
from analysis import study
from analysis.surveyed import _rows
from analysis.surveyed._rows import installed

FRAMEWORKS = {  # the names to install them by, and their modules in `analysis.surveyed`
    "trl": "trl_steps",
    "verl": "verl_steps",
    "torchrl": "torchrl_steps",
    "areal": "areal_steps",
    "ms-swift": "swift_steps",
    "openrlhf": "openrlhf_steps",
    "skyrl": "skyrl_steps",
    "google-tunix": "tunix_steps",
}
N, EPOCHS, MOVE, ASIDE = 2, 4, 0.1, F(1, 20)
HARD = mx.problems.TokenChain([F(1, 6), F(1, 5), F(1, 4)], [F(0), F(0), F(1), F(0)])
EASY = mx.problems.TokenChain([F(1, 2), F(2, 3), F(1, 2)], [F(1), F(0), F(1), F(1)])
EQUAL = (
    mx.problems.TokenBits([F(1, 2), F(1, 3)], [[F(0), F(0)], [F(0), F(1)]]),
    mx.problems.TokenBits([F(1, 3), F(1, 2)], [[F(0), F(1)], [F(1), F(1)]]),
)
COINS = [mx.problems.TokenBits([p], [0, 1]) for p in (0.01, 0.5)]
SETUP = (
    "Each step as its trainer takes it, from rewards to the derivative of the loss by each log-probability, in "
    "batches of 2 prompts and N = 2 rollouts of up to 4 tokens, every one of which is enumerated. Advantages are the "
    "trainer's own; those of AReaL and OpenRLHF, whose losses are given them, are GRPO's of this package. With two "
    "rollouts GRPO's are a multiple of RLOO's, so that what is off is owed to lengths alone. A hard prompt, p = 1/6, "
    "has long responses (3 tokens in the mean) and an easy one, p = 2/3, short ones (1.75). Degrees off: between the "
    "mean step and the gradient of the expected reward, of both prompts together, and in brackets the larger of each "
    "by itself. Kept: the part of each prompt's gradient that the mean step has; a common factor is a learning rate. "
    "Divided by: read off what changes when one response gets longer; the width that responses are padded to is 4 "
    "throughout, as is TRL's max_completion_length, and a constant here. What divides by the tokens of the step is a "
    "ratio of sums, and off in small "
    "batches alone. A gradient: whether the mean step is the gradient of anything at this policy, or turns within a "
    "prompt or between the two. Two micro-batches: what the step becomes with one prompt in each. Equal rewards: what "
    "groups do whose rewards are all 0 or all 1. Off policy: degrees between the mean step on a prompt alone, with "
    "two tokens, and its gradient, of rollouts of a policy whose ratios are up to 1.05 a token, and in brackets the "
    "same if ratios are ignored; the larger of two prompts. W(.01)/W(.5): what the step makes of a prompt of pass "
    "rate 0.01 beside one of 0.5 with one token and N = 8, in one batch, after one step and after four of plain "
    "ascent on that batch, the first of which moves the logit of the latter by 0.1. KL: degrees between what a "
    "reference adds, the larger of the two prompts, and minus the gradient of the divergence from it of whole "
    "responses. Off policy and in further steps TRL, ms-swift and Tunix are told to use rollouts more than once, "
    "without which they take them for the policy's own, and RLOOTrainer to have no KL in its rewards. Left out are "
    "clipping of gradients, optimizers, entropy bonuses, verl's clip_cov and kl_cov, which choose tokens of the batch, "
    "and the losses of Axolotl, ART and Tinker, which were not tried."
)
COLUMNS = {
    "step": "step",
    "angle": "degrees off",
    "kept": "kept: hard, easy",
    "ratio": "hard / easy",
    "divisor": "divided by",
    "turns": "a gradient",
    "micro": "in two micro-batches",
    "equal": "equal rewards",
    "stale": "off policy",
    "weights": "W(.01)/W(.5), 1 and 4 steps",
    "kl": "KL",
}
ROUNDED = 1e-3  # degrees: what float32 leaves of 0
CLOSE = 1e-5  # relative, likewise
CONSTANT, OWN, TOKENS, LONGEST = "a constant", "its own length", "tokens of the step", "the longest"


def measure(names=FRAMEWORKS):
    """Rows of those of these frameworks that are installed."""
    rows = []
    for name in filter(installed, names):
        with warnings.catch_warnings(action="ignore"):  # of what else these packages might have
            rows += [row(name, shipped) for shipped in steps_of(name)]
    return rows


def steps_of(name):
    return getattr(import_module(f"analysis.surveyed.{FRAMEWORKS[name]}"), FRAMEWORKS[name])()


def row(framework, shipped):
    study.progress(f"{framework} {shipped.name}")
    start = time.monotonic()
    again = shipped.again or shipped.step
    found = {
        "framework": framework,
        "version": version(framework),
        "step": shipped.name,
        "default": shipped.default,
        **on_lengths(shipped.step),
        "divisor": divisor(shipped.step),
        "equal": equal_rewards(shipped.step),
        **off_policy(again),
        **weights(shipped.step, again),
        "kl": kl(shipped.step) if shipped.holds else "",
    }
    print(f"{framework} {shipped.name}: {time.monotonic() - start:.1f} s", file=sys.stderr)
    return found


def on_lengths(step):
    """What the mean step keeps of a hard and an easy prompt whose lengths differ, whole and in two micro-batches."""
    whole, split = (mx.exact_step(step, [HARD, EASY], N, parts=parts) for parts in (1, 2))
    return {
        "degrees": degrees(whole.angle),
        "bent": degrees(max(whole.angles)),
        "hard": number(whole.shares[0]),
        "easy": number(whole.shares[1]),
        "turns": turns(whole),
        "micro_degrees": degrees(split.angle),
        "micro_hard": number(split.shares[0]),
        "micro_easy": number(split.shares[1]),
    }


def turns(found):
    """Where the mean step is no gradient: between parameters of one prompt, or of two."""
    cut = len(found.mean[0])
    turning = abs(found.turning.astype(float))
    size = max(abs(np.concatenate(found.mean).astype(float)).max(), 1e-30)
    within = max(turning[:cut, :cut].max(), turning[cut:, cut:].max()) > CLOSE * size
    between = turning[:cut, cut:].max() > CLOSE * size
    return {
        (False, False): "yes",
        (True, False): "turns within",
        (False, True): "turns between",
        (True, True): "turns in both",
    }[bool(within), bool(between)]


def batch(rewards, lengths):
    mask = np.arange(4) < np.asarray(lengths)[..., None]
    return mx.steps.Batch.of(rewards, mask.astype(int), log_probs=-0.5)


def divisor(step):
    """What coefficients are multiplied by when one response of four gets twice as long."""
    rewards, lengths = [[1, 0], [1, 0]], np.full((2, 2), 2)
    plain = step(batch(rewards, lengths))[..., 0]
    lengths[0, 0] = 4
    factors = step(batch(rewards, lengths))[..., 0] / plain
    own, mate, beside = factors[0, 0], factors[0, 1], factors[1]

    def are(*expected):
        return np.allclose([own, mate, *beside], [*expected, expected[-1]], rtol=CLOSE)

    known = {CONSTANT: (1, 1, 1), OWN: (1 / 2, 1, 1), TOKENS: (4 / 5, 4 / 5, 4 / 5), LONGEST: (1 / 2, 1 / 2, 1 / 2)}
    known |= {"tokens of the prompt": (2 / 3, 2 / 3, 1), "tokens of those that end": (0, 4 / 3, 4 / 3)}
    for name, expected in known.items():
        if are(*expected):
            return name
    return f"own x {own:.3g}, same prompt x {mate:.3g}, others x {beside[0]:.3g}"


def equal_rewards(step):
    """What a group of equal rewards does, and what it changes for three others."""
    rewards, lengths = np.array([[1.0, 0.0]] * 4), np.full((4, 2), 2)
    plain = step(batch(rewards, lengths))[:3]
    said = []
    for name, value in (("failed", 0), ("solved", 1)):
        rewards[3] = value
        found = step(batch(rewards, lengths))
        scale = float((found[:3] * plain).sum() / (plain**2).sum())
        if abs(found[3]).max() > CLOSE * abs(plain).max():
            said.append(f"{name}: pulled")
        elif abs(scale - 4 / 3) < CLOSE:
            said.append(f"{name}: dropped")
        elif abs(scale - 1) > CLOSE:
            said.append(f"{name}: others x {scale:.3g}")
    if len(said) == 2 and said[0].split(": ")[1] == said[1].split(": ")[1]:
        return said[0].split(": ")[1]
    return "; ".join(said) or "nothing"


def without_ratios(step):
    def ignoring(given):
        return step(dataclasses.replace(given, ratios=np.ones(given.ratios.shape)))

    return ignoring


def off_policy(step):
    """Degrees off on each prompt alone, its rollouts those of a policy a little away; the larger.

    Nothing where the step is 0: here too all responses are as long as they may be.
    """
    angles = {"stale": 0.0, "ignored": 0.0}
    if not step(mx.steps.Batch.of([[1, 0]], np.ones((1, 2, 2), dtype=int))).any():
        return dict.fromkeys(angles, "")
    for law in EQUAL:
        rewards = law.likelihoods.reshape(2, 2)
        sampler = mx.problems.TokenBits([chance / (1 + ASIDE) for chance in law.chances], rewards)
        for name, each in (("stale", step), ("ignored", without_ratios(step))):
            found = mx.exact_step(each, [law], N, samplers=[sampler])
            angles[name] = max(angles[name], degrees(found.angle))
    return angles


def weights(step, again):
    """The effective weight of a hard prompt over that of a middling one, after one step and after several.

    Nothing where the step is 0: all responses of one token are as long as they may be, and a trainer may mask these.
    """
    first = mx.steps.reuse(step, COINS, 8, epochs=1, learning_rate=MOVE)
    speed = abs(float(first.step[1][0]))
    if not speed:
        return {"w1": "", "w4": ""}
    rate = MOVE / speed
    whole = mx.steps.reuse(again, COINS, 8, epochs=EPOCHS, learning_rate=rate)
    return {name: number(each.weights[0] / each.weights[1]) for name, each in (("w1", first), ("w4", whole))}


def kl(step):
    """Degrees between what references add and minus the gradient of the divergence from them; the larger of two.

    Text where they add nothing.
    """
    found = []
    for law in (HARD, EASY):
        reference = mx.problems.TokenChain([3 * stop / (2 + stop) for stop in law.stop], law.right)
        held = mx.exact_step(step, [law], N, references=[reference]).mean[0]
        added = (held - mx.exact_step(step, [law], N).mean[0]).astype(float)
        if not added.any():
            return "adds nothing"
        logs = np.log((law.token_probabilities / reference.token_probabilities).astype(float)).sum(axis=1)
        truth = -(law.probabilities.astype(float) * logs) @ law.scores.astype(float)
        cosine = added @ truth / np.sqrt((added @ added) * (truth @ truth))
        found.append(float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))))
    return number(max(found))


def number(x):
    return float(f"{float(x):.4g}")


def degrees(angle):
    return float(f"{angle:.3g}") if angle > ROUNDED else 0.0


def verdict(rows):
    return " ".join(
        part(rows) for part in (of_lengths, of_defaults, of_micro_batches, of_groups_and_ratios, of_references)
    )


def kinds(rows):
    """Rows by what lengths do to them."""
    off = [r for r in rows if r["degrees"]]
    return {
        "exact": [r for r in rows if not r["degrees"]],
        "weighed": [r for r in off if not r["bent"]],
        "tokens": [r for r in off if r["bent"] and r["divisor"] == TOKENS],
        "bent": [r for r in off if r["bent"] and r["divisor"] != TOKENS],
    }


def listed(rows):
    """Names of steps, those of a framework in brackets."""
    names = {}
    for r in rows:
        names.setdefault(r["framework"], []).append(r["step"])
    return "; ".join(f"{framework} [{'; '.join(steps)}]" for framework, steps in names.items()) or "none"


def span(values):
    low, high = min(values), max(values)
    return study.short(low) if low == high else f"{study.short(low)} to {study.short(high)}"


def of_lengths(rows):
    found = kinds(rows)
    versions = ", ".join(dict.fromkeys(f"{r['framework']} {r['version']}" for r in rows))
    return (
        f"Of {len(rows)} steps of {versions}, {len(found['exact'])} have the direction of the gradient exactly where "
        f"rewards depend on lengths: {listed(found['exact'])}. {len(found['weighed'])} keep the direction of each "
        f"prompt and weigh the two otherwise ({span([r['degrees'] for r in found['weighed']])} degrees off): "
        f"{listed(found['weighed'])}. {len(found['tokens'])} divide by the tokens of the step, "
        f"{span([r['degrees'] for r in found['tokens']])} degrees off in batches of four rollouts, and less in larger "
        f"ones. {len(found['bent'])} bend in batches of any size, by {span([r['degrees'] for r in found['bent']])} "
        f"degrees: {listed(found['bent'])}; those that divide each response by its own length keep "
        f"{span([r['hard'] / r['easy'] for r in found['bent'] if r['divisor'] == OWN])} times as much of the hard, "
        f"long prompt as of the easy, short one."
    )


def of_defaults(rows):
    found = kinds([r for r in rows if r["default"]])
    return (
        f"Defaults, {sum(map(len, found.values()))} in all: exact {len(found['exact'])}, {listed(found['exact'])}; "
        f"over the tokens of the step {len(found['tokens'])}; bent {len(found['bent'])}, {listed(found['bent'])}."
    )


def changed(r):
    """What two micro-batches multiply the shares of the prompts by; None where that is 1."""
    factors = [r[f"micro_{prompt}"] / r[prompt] for prompt in ("hard", "easy")]
    return None if np.allclose(factors, 1, rtol=2e-3) else factors


def of_micro_batches(rows):
    other = [r for r in rows if changed(r)]
    scaled = [r for r in other if np.ptp(changed(r)) < 2e-3]
    turned = [r for r in other if r not in scaled]
    return (
        f"One prompt in each of two micro-batches changes {len(other)}: {listed(turned)} then are "
        f"{span([r['micro_degrees'] for r in turned])} degrees off; {listed(scaled)} takes "
        f"{span([changed(r)[0] for r in scaled])} times the step."
    )


def of_groups_and_ratios(rows):
    pulled = [r for r in rows if "pulled" in r["equal"]]
    others = [r for r in rows if "others" in r["equal"] or "dropped" in r["equal"]]
    turning = [r for r in rows if r["turns"] != "yes"]
    stale = [r for r in rows if r["stale"] != ""]
    exact = [r for r in stale if not r["stale"]]
    blind = [r for r in stale if r["stale"] and r["stale"] >= r["ignored"]]
    rest = [r for r in stale if r not in exact and r not in blind]
    weighed = [r for r in rows if r["w1"] != ""]
    return (
        f"{len(turning)} mean steps are the gradient of nothing. Groups of equal rewards are pulled by "
        f"{len(pulled)}: {listed(pulled)}; they change what others count in {len(others)}: {listed(others)}. Of "
        f"rollouts of a policy a little away {len(exact)} ascend the gradient all the same, {listed(exact)}, and "
        f"{len(blind)} take no account of ratios, or gain nothing by it: {listed(blind)}; the other "
        f"{len(rest)} are {span([r['stale'] for r in rest])} degrees off, where ignoring ratios leaves "
        f"{span([r['ignored'] for r in rest])}. With one token and N = 8 a "
        f"prompt of pass rate 0.01 weighs {span([r['w1'] for r in weighed])} times one of 0.5 after one step, and "
        f"{span([r['w4'] for r in weighed])} times after four on one batch."
    )


def of_references(rows):
    held = [r for r in rows if r["kl"] != ""]
    idle = [r for r in held if isinstance(r["kl"], str)]
    exact = [r for r in held if r["kl"] == 0]
    off = [r for r in held if r not in idle and r not in exact]
    return (
        f"Of {len(held)} terms of a reference, exact are {len(exact)}: {listed(exact)}; "
        f"{span([r['kl'] for r in off])} degrees off are {len(off)}: {listed(off)}; and nothing is added in the mean "
        f"by {len(idle)}: {listed(idle)}."
    )


def markdown(rows):
    return _rows.page("Whole training steps of trainers", rows, COLUMNS, cells, verdict(rows), SETUP)


def cells(r):
    shares = f"{study.short(r['micro_hard'])}, {study.short(r['micro_easy'])}"
    yield f"`{r['step']}`" + (" (default)" if r["default"] else "")
    yield f"{r['degrees']:g} ({r['bent']:g})"
    yield f"{study.short(r['hard'])}, {study.short(r['easy'])}"
    yield study.short(r["hard"] / r["easy"])
    yield r["divisor"]
    yield r["turns"]
    yield f"{r['micro_degrees']:g} degrees; {shares}" if changed(r) else "the same"
    yield r["equal"]
    yield "" if r["stale"] == "" else f"{r['stale']:g} ({r['ignored']:g})"
    yield "" if r["w1"] == "" else f"{study.short(r['w1'])}, {study.short(r['w4'])}"
    yield r["kl"] if isinstance(r["kl"], str) else f"{r['kl']:.3g}"


def draw(rows):
    chosen = [r for r in rows if r["default"]][::-1]
    figure, axes = plt.subplots(figsize=(8.4, 4.4))
    for y, r in enumerate(chosen):
        for prompt, colour in (("hard", "C3"), ("easy", "C0")):
            axes.plot([r[prompt], r[f"micro_{prompt}"]], [y + 0.12, y - 0.18], color=colour, linewidth=0.8)
            axes.plot(r[prompt], y + 0.12, "o", color=colour)
            axes.plot(r[f"micro_{prompt}"], y - 0.18, "o", color=colour, markerfacecolor="white")
        said = f"{r['degrees']:.3g}°" + (f", in two {r['micro_degrees']:.3g}°" if changed(r) else "")
        axes.annotate(said, (1.06, y), va="center", size=9)
    for label, colour, fill in (
        ("hard and long, p = 1/6", "C3", "C3"),
        ("easy and short, p = 2/3", "C0", "C0"),
        ("in two micro-batches", "0.4", "white"),
    ):
        axes.plot([], [], "o", color=colour, markerfacecolor=fill, label=label)
    axes.set_yticks(range(len(chosen)), [f"{r['framework']} {r['step']}" for r in chosen])
    axes.set(xlim=(0, 1.4), ylim=(-0.6, len(chosen) - 0.4), xlabel="share of the gradient that the mean step keeps")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_title("Defaults, and how many degrees they are off", loc="left")
    axes.legend(loc="lower right", bbox_to_anchor=(0.76, 0.2))
    return figure


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m analysis.step_survey", description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="compare with the committed rows, write nothing")
    mode.add_argument("--redraw", action="store_true", help="write all but the rows, from the committed ones")
    _rows.add_names(parser, FRAMEWORKS)
    options = parser.parse_args(arguments)
    names = _rows.named(parser, options, FRAMEWORKS)
    rows = _rows.merged([] if options.redraw else measure(names), "step_survey", FRAMEWORKS)
    if options.check:
        _rows.check(rows, "step_survey")
    with mpl.rc_context(study.STYLE):
        draw(rows).savefig(study.HERE / "step_survey.svg", metadata={"Date": None})
    _rows.write(rows, "step_survey", markdown(rows), verdict(rows), SETUP)


if __name__ == "__main__":
    main()
