"""Does it hurt? Training by GRPO against training by its lifts, which are gradients, and by others."""

from itertools import product

import numpy as np

from analysis import study
from analysis.circulating import graded_tasks
from analysis.circulating.rows import COLOURS, ROWS, N, row, values

TASKS = {"rubric": graded_tasks.rubric, "bonus": graded_tasks.bonus}
RATES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
TUNED_ON, TRAINED_ON = range(100, 110), range(60)
REACHED = ("mean reward", "full marks", "log mean reward")
LIFTS = ("grpo_mean_lift", "grpo_level_lift")
OTHERS = [name for name in ROWS if name != "grpo"]


def measure(quick):
    """Mean rewards by rate on some tasks, and what the best rates reach on others."""
    steps, rates = (10, RATES[:2]) if quick else (300, RATES)
    tuned_on, trained_on = (TUNED_ON[:1], TRAINED_ON[:2]) if quick else (TUNED_ON, TRAINED_ON)
    for about, name in product(TASKS, ROWS):
        study.progress(f"training: {about}, {name}")
        rewards = {
            rate: np.mean([reached(about, name, rate, steps, x)[REACHED[0]] for x in tuned_on]) for rate in rates
        }
        yield from (row("tuning", about, N, name, rate, value) for rate, value in rewards.items())
        best = max(rewards, key=rewards.get)
        for seed in trained_on:
            found = reached(about, name, best, steps, seed)
            yield from (row(quantity, about, N, name, seed, found[quantity]) for quantity in REACHED)


def reached(about, name, rate, steps, seed):
    return graded_tasks.reached_by(TASKS[about](seed), ROWS[name], rate, N, steps, seed)


def words(rows):
    return f"Harm: {' '.join([of_lifts(rows), *(on_task(rows, about) for about in TASKS)])}"


def of_lifts(rows):
    """Whether grpo is worse than what it would be as a gradient."""
    sides = {"better": [], "worse": [], "neither": []}
    for about, name, quantity in product(TASKS, LIFTS, REACHED):
        gap, error = difference(rows, quantity, about, name)
        side = "neither" if abs(gap) < 2 * error else "better" if gap > 0 else "worse"
        sides[side].append(f"{name} on the {about} in {quantity} ({said(gap, error)})")
    found = (f"{side} in {len(x)}{': ' * bool(x)}{', '.join(x)}" for side, x in sides.items() if side != "neither")
    return (
        f"Of {sum(map(len, sides.values()))} differences of lifts from grpo {len(sides['neither'])} are within two "
        f"standard errors; lifts are {'; '.join(found)}."
    )


def on_task(rows, about):
    ends = []
    for name in ROWS:
        tuned = [x for x in rows if (x["part"], x["about"], x["estimator"]) == ("tuning", about, name)]
        means = ", ".join(f"{values(rows, quantity, about, name).mean():.3f}" for quantity in REACHED)
        ends.append(f"{name} {means} (rate {max(tuned, key=lambda x: x['value'])['at']:g})")
    gaps = [f"{name} {said(*difference(rows, REACHED[0], about, name))}" for name in OTHERS]
    return (
        f"On the {about} {', '.join(REACHED)} end at {'; '.join(ends)}. Less that of grpo the {REACHED[0]} is "
        f"{', '.join(gaps)}."
    )


def said(gap, error):
    return f"{gap:+.3f} ± {error:.3f}"


def difference(rows, quantity, about, name):
    """From grpo, in pairs, with its standard error."""
    gap = values(rows, quantity, about, name) - values(rows, quantity, about, "grpo")
    return gap.mean(), gap.std(ddof=1) / np.sqrt(len(gap))


def draw(axes, rows):
    """Differences from grpo, two standard errors each way."""
    axes.axvline(0, color=COLOURS["grpo"], linewidth=1, label="grpo")
    for about, marker, lower in (("rubric", "o", -0.15), ("bonus", "s", 0.15)):
        filled = "full" if lower < 0 else "none"
        for place, name in enumerate(OTHERS):
            gap, error = difference(rows, REACHED[0], about, name)
            style = {"color": COLOURS[name], "marker": marker, "fillstyle": filled}
            axes.errorbar(gap, place + lower, xerr=2 * error, **style)
        axes.plot([], [], color="0.3", linestyle="", marker=marker, fillstyle=filled, label=about)
    axes.set_yticks(range(len(OTHERS)), OTHERS)
    axes.set(xlabel="mean reward at the end less that of grpo", ylim=(len(OTHERS) - 0.5, -0.5))
    axes.set_title(f"Training at the best rates, N = {N}")
    axes.legend()
