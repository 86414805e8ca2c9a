"""Training at equal cost in rollouts: groups of one size against sampling that adapts to what came."""

import copy
import sys

import numpy as np
from matplotlib import pyplot as plt

import maxrl_est as mx
from analysis import study

QUESTION = "At equal cost in rollouts, does sampling that adapts to successes and failures help?"
SETUP = (
    "Problems of 24 prompts with 8 answers each, one of them right, and one softmax-linear policy for all: logits are "
    "24 random features of the prompt, of norm 1, times weights, plus a bonus for the right answer with which first "
    "pass rates are geometric from 0.003 to 0.5. All prompts can be learned, but what is learned on one moves the "
    "others. A step draws a group of every prompt by the design, and adds rate times the sum of the prompts' updates. "
    "'drawn' is the mean of 16 problems, the same for all methods, against the rollouts that were drawn; 'mean' is "
    "that of the same ascent without noise, by W(p) grad p with W = mx.effective_weight(rule, design=design), against "
    "expected rollouts. A run ends at 19,200 rollouts, 100 steps of fixed(8). Each method has two learning rates: of "
    "powers of 2 from 1/4 to 64 the one that ends best on these problems with other draws, in mean log p and in mean "
    "pass rate. 'mean' has these rates too: without noise none would be too large. J_1 is the unbiased estimate of "
    "the gradient of the pass rate under the design, without a baseline. RLOO and GRPO refuse the groups of one that "
    "until_successes(1, 16) draws. fixed(4) and fixed(16) are there since a design may win by its size of groups "
    "alone: the best size is that of the three which ends best. Gains are over the same problems, with their standard "
    "errors; better and worse is by two of them, which about one comparison in 20 is by chance. 'hard' is W(0.01) / "
    "W(0.5)."
)
SEED = 0

PROMPTS, ANSWERS, FEATURES = 24, 8, 24
HARDEST, EASIEST = 0.003, 0.5
BUDGET, RUNS = 19_200, 16
CHECKPOINTS = tuple(BUDGET * k // 12 for k in range(13))
RATES = tuple(2.0**k for k in range(-2, 7))
CAP = 16
RULES = {
    "rloo": ("RLOO", "C2"),
    "grpo": ("GRPO", "C3"),
    "maxrl": ("MaxRL", "C0"),
    "J_1": ("unbiased J_1", "0.5"),
}
DESIGNS = {
    str(design): design
    for design in (
        *(mx.designs.fixed(n) for n in (4, 8, CAP)),
        mx.designs.until_successes(1, CAP),
        mx.designs.until_mixed(CAP),
        mx.designs.staged(4, CAP - 4),
    )
}
PLAIN = "fixed(8)"
FIXED = tuple(name for name in DESIGNS if name.startswith("fixed"))
ADAPTIVE = tuple(name for name in DESIGNS if name not in FIXED)
ALONE = f"until_successes(1, {CAP})"  # draws groups of one, which rloo and grpo refuse
MEASURES = ("log_pass_rate", "pass_rate")


def methods():
    """Pairs of a rule and a design: all that give an advantage to every group that the design draws."""
    return [(r, d) for d in DESIGNS for r in RULES if d != ALONE or r not in ("rloo", "grpo")]


class Problems:
    """R of them: features (R, B, D), right answers (B, K), first logits (R, B, K). They take weights (R, D, K)."""

    def __init__(self, rng, count):
        features = rng.standard_normal((count, PROMPTS, FEATURES))
        self.features = features / np.linalg.norm(features, axis=-1, keepdims=True)
        self.right = np.eye(ANSWERS)[np.arange(PROMPTS) % ANSWERS]
        p = rng.permuted(np.tile(np.geomspace(HARDEST, EASIEST, PROMPTS), (count, 1)), axis=1)
        self.first = self.right * np.log((ANSWERS - 1) * p / (1 - p))[..., None]

    def with_rates(self, rates):
        """Each problem with each learning rate, and the rates of those."""
        many = copy.copy(self)
        many.features, many.first = (np.concatenate([x] * len(rates)) for x in (self.features, self.first))
        return many, np.repeat(rates, len(self.features))

    def policy(self, weights):
        """Chances of the answers (R, B, K), and log p of the right one (R, B)."""
        logits = self.first + self.features @ weights
        logits -= logits.max(axis=-1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        return np.exp(logits), np.minimum((logits * self.right).sum(axis=-1), 0.0)

    def gradient(self, by_logits):
        """Sum over prompts of an update of the logits (R, B, K), for the weights."""
        return self.features.swapaxes(1, 2) @ by_logits


def sampled(rule, design, rng):
    """An update by real draws: problems at their policies -> what it adds (R, D, K), and rollouts drawn (R,)."""
    estimator = mx.designs.replayed(mx.Objective.expected() if rule == "J_1" else rule, design)

    def update(problems, chances, _):
        runs = len(chances)
        u = rng.random((runs, PROMPTS, design.cap, 1))
        answers = (u > np.cumsum(chances, axis=-1)[:, :, None, :-1]).sum(axis=-1)
        rewards = np.take_along_axis(np.broadcast_to(problems.right, chances.shape), answers, axis=-1)
        advantages = estimator(rewards) / design.cap
        cells = np.arange(runs * PROMPTS)[:, None] * ANSWERS + answers.reshape(-1, design.cap)
        each = np.bincount(cells.ravel(), advantages.ravel(), chances.size).reshape(chances.shape)
        rollouts = estimator.drawn(rewards).sum(axis=-1)
        return problems.gradient(each - each.sum(axis=-1, keepdims=True) * chances), rollouts

    return update


def expected(weight, design):
    """The mean of that update, and its mean cost."""

    def update(problems, chances, p):
        step = problems.gradient((weight(p) * p)[..., None] * (problems.right - chances))
        return step, design.rollouts(p).sum(axis=-1)

    return update


def ascend(update, problems, rates, marks):
    """Mean log p and mean pass rate (2, R, marks) at these numbers of rollouts."""
    problems, rates = problems.with_rates(rates)
    weights, spent = np.zeros((len(rates), FEATURES, ANSWERS)), np.zeros(len(rates))
    found = np.full((2, len(rates), len(marks)), np.nan)
    while (spent <= marks[-1]).any():
        chances, log_p = problems.policy(weights)
        p = np.exp(log_p)
        now = np.array([log_p.mean(axis=-1), p.mean(axis=-1)])
        step, cost = update(problems, chances, p)
        for k, mark in enumerate(marks):
            here = (spent <= mark) & (mark < spent + cost)
            found[:, here, k] = now[:, here]
        weights += rates[:, None, None] * step
        spent += cost
    return found


def measure(quick):
    count, marks = (2, CHECKPOINTS[:2]) if quick else (RUNS, CHECKPOINTS)
    problems = Problems(np.random.default_rng(SEED), count)
    runs = {
        method: trained(*method, np.random.default_rng([SEED, 1 + index]), problems, marks)
        for index, method in enumerate(methods())
    }
    return [
        described(method, m, k, mark, runs)
        for method in runs
        for m in range(len(MEASURES))
        for k, mark in enumerate(marks)
    ]


def trained(rule, name, rng, problems, marks):
    """Best rates (2,), and with them what was drawn and the mean (2, problems, marks), one for each measure."""
    study.progress(f"{rule}, {name}")
    design = DESIGNS[name]
    update = sampled(rule, design, rng)
    tried = by_rate(ascend(update, problems, RATES, marks), RATES)[..., -1].mean(axis=-1)
    rates = [RATES[index] for index in tried.argmax(axis=1)]
    ways = update, expected(weight(rule, design), design)
    return rates, *(by_rate(ascend(way, problems, rates, marks), rates)[[0, 1], [0, 1]] for way in ways)


def weight(rule, design):
    """W(p) of an update's mean, W(p) grad p."""
    return mx.Objective.expected().weight if rule == "J_1" else mx.effective_weight(rule, design=design).value


def described(method, m, k, mark, runs):
    rule, name = method
    rates, drawn, mean = runs[method]
    best = max(FIXED, key=lambda size: runs[rule, size][1][m, :, -1].mean())
    W = weight(rule, DESIGNS[name])
    return {
        "rule": rule,
        "design": name,
        "hard": study.rounded(W(0.01) / W(0.5)),
        "measure": MEASURES[m],
        "rate": rates[m],
        "rollouts": mark,
        "drawn": study.rounded(drawn[m, :, k].mean()),
        "mean": study.rounded(mean[m, :, k].mean()),
        **gain("plain", drawn[m, :, k] - runs[rule, PLAIN][1][m, :, k]),
        "best_size": best,
        **gain("best", drawn[m, :, k] - runs[rule, best][1][m, :, k]),
    }


def gain(over, differences):
    """Over groups of one size on the same problems: the mean and its standard error."""
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return {f"over_{over}": study.rounded(differences.mean()), f"over_{over}_error": study.rounded(error)}


def by_rate(found, rates):
    """(2, rates, problems, marks)"""
    return found.reshape(2, len(rates), -1, found.shape[-1])


def verdict(rows):
    measures = [of_measure(rows, measured) for measured in MEASURES]
    return " ".join([*measures, of_cost(rows), of_weights(rows), of_noise(rows)])


def of_measure(rows, measured):
    called = measured.replace("_", " ").replace("log pass rate", "log p")
    return (
        f"At equal rollouts {tally(rows, measured)} than the best size of groups (4, 8 or 16) in mean {called}: "
        f"{'; '.join(of_rule(rows, rule, measured) for rule in RULES)}."
    )


def tally(rows, measured):
    """How many methods that adapt are better and worse, by two standard errors."""
    ends = [end for rule in RULES for end in adapting(at_end(rows, rule, measured))]
    sides = [int(np.sign(e["over_best"])) * (abs(e["over_best"]) > 2 * e["over_best_error"]) for e in ends]
    return f"{sides.count(1)} of {len(ends)} methods that adapt are better and {sides.count(-1)} worse"


def of_rule(rows, rule, measured):
    """Where it ends with groups of one size, and what each adaptive design gains on the best of those."""
    ends = at_end(rows, rule, measured)
    best = ends[PLAIN]["best_size"]
    sizes = [f"{ends[size]['drawn']:.3f} with {size}" for size in dict.fromkeys((PLAIN, best))]
    gains = [f"{e['over_best']:+.3f} ± {e['over_best_error']:.3f} with {e['design']}" for e in adapting(ends)]
    return f"{RULES[rule][0]} ends at {', '.join(sizes)}, and over {best} gains {', '.join(gains)}"


def of_cost(rows):
    """Rollouts after which MaxRL under an adaptive design is where groups of one size end."""
    ends = at_end(rows, "maxrl", "log_pass_rate")
    sizes = PLAIN, f"fixed({CAP})"
    assert len({ends[name]["hard"] for name in (*ADAPTIVE, sizes[1])}) == 1
    said = [
        f"{name} after {' and '.join(arrival(rows, name, ends[size]['drawn']) for size in sizes)}" for name in ADAPTIVE
    ]
    return (
        f"MaxRL ascends J_{CAP} with {sizes[1]} and with every design that adapts, so that there only cost and noise "
        f"differ: in mean log p it is where {sizes[0]} and {sizes[1]} end at {last(rows):,} rollouts with "
        f"{', with '.join(said)}."
    )


def arrival(rows, name, value):
    """Rollouts, interpolated between checkpoints; in words."""
    curve = [r for r in rows if (r["rule"], r["design"], r["measure"]) == ("maxrl", name, "log_pass_rate")]
    reached = np.maximum.accumulate([r["drawn"] for r in curve])
    at = np.interp(value, reached, [r["rollouts"] for r in curve])
    return f"{round(at, -2):,.0f}" if value <= reached[-1] else "more"


def of_weights(rows):
    """What hard prompts count beside middling ones, for rules whose objective changes with the design."""
    said = []
    for rule in ("rloo", "grpo"):
        ends = at_end(rows, rule, "log_pass_rate")
        hard = [f"{study.short(e['hard'])} under {name}" for name, e in ends.items() if name in (PLAIN, *ADAPTIVE)]
        said.append(f"{RULES[rule][0]} {', '.join(hard)}")
    return f"A prompt of pass rate 0.01 weighs beside one of 0.5: {'; '.join(said)}."


def of_noise(rows):
    off = {m: max(r["mean"] - r["drawn"] for r in rows if r["measure"] == m) for m in MEASURES}
    return (
        f"Without noise, at the same rates, log p is at most {off['log_pass_rate']:.2f} and the pass rate at most "
        f"{off['pass_rate']:.2f} higher."
    )


def adapting(ends):
    return [end for name, end in ends.items() if name in ADAPTIVE]


def at_end(rows, rule, measured):
    return {r["design"]: r for r in rows if (r["rule"], r["measure"], r["rollouts"]) == (rule, measured, last(rows))}


def last(rows):
    return max(row["rollouts"] for row in rows)


def draw(rows):
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.2), sharey=True)
    for rule, (label, colour) in RULES.items():
        ends = at_end(rows, rule, "log_pass_rate")
        best = max(adapting(ends), key=lambda end: end["drawn"])
        for name, line in ((best["best_size"], "-"), (best["design"], "--")):
            shown = [r for r in rows if (r["rule"], r["design"], r["measure"]) == (rule, name, "log_pass_rate")]
            for axes, way in zip(panels, ("mean", "drawn"), strict=True):
                x, y = ([r[key] for r in shown] for key in ("rollouts", way))
                axes.plot(x, y, line, color=colour, label=f"{label}, {name}")
    panels[0].set(xlabel="expected rollouts", ylabel="mean log p", title="Without noise, at the same learning rates")
    panels[1].set(xlabel="rollouts drawn", title=f"{RUNS} problems, best learning rates")
    panels[0].legend(title="best size, best design that adapts", title_fontsize="small", fontsize="x-small")
    return figure


if __name__ == "__main__":
    study.main(sys.modules[__name__])
