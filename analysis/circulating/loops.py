"""Does ascent go round? A loop that GRPO climbs for ever, what others do on it, and what a turn is worth."""

from itertools import product

import numpy as np

import maxrl_est as mx
from analysis import study
from analysis.circulating.money_pump import LEVELS, RADIUS, TURN, Loop, angles, circle, of_circle
from analysis.circulating.rows import COLOURS, NO_GRADIENTS, ROWS, N, percents, row, values

ALSO = ("grpo_population", "tailrl_centred", "maxk_loo")
ON_THE_LOOP = ROWS | {name: mx.estimators.get(name) for name in ALSO}
SIZES = (2, 4, 8, 16, 32, 64)
LINES = {"from 0 to 1/2": (0.0, 0.5), "from 1/2 to 1": (0.5, 1.0), "from 0 to 1": (0.0, 1.0)}


def measure(quick):
    """Updates round the loop of grpo, the gain of a turn, ascent, and gains for other N."""
    pump, count, turns = Loop(ROWS["grpo"], N), *((24, 2) if quick else (48, 25))
    for name, rule in ON_THE_LOOP.items():
        found = [pump.update(rule, angle) for angle in angles(count)]
        for angle, value in zip(angles(count), found, strict=True):
            yield row("loop", "update", N, name, study.rounded(angle / TURN), value)
        yield row("loop", "gain", N, name, 1, TURN * np.mean(found))
    rate = TURN / count / pump.update(ROWS["grpo"], 0.0)
    for name in ("grpo", "rloo"):
        for turn, angle in enumerate(pump.ascent(ROWS[name], rate, count * turns)[::count]):
            yield row("loop", "turns", N, name, turn, angle / TURN)
            yield row("loop", "away", N, name, turn, abs(pump.chances(angle) - pump.chances(0.0)).max())
    for name, n in product(NO_GRADIENTS, (2, N) if quick else SIZES):
        ascent, turn = mx.objective_of(ROWS[name], n, LEVELS), TURN * of_circle(ROWS[name], n).mean() / 2
        gains = {about: float(ascent.work(*ends)) for about, ends in LINES.items()}
        yield from (row("way", about, n, name, 1, gain) for about, gain in gains.items())
        yield row("way", "turn over line", n, name, 1, turn / gains["from 0 to 1"])


def words(rows):
    updates = {name: values(rows, "loop", "update", name) for name in ON_THE_LOOP}
    gains = {name: values(rows, "loop", "gain", name)[0] for name in ON_THE_LOOP}
    turns, away = (values(rows, "loop", about, "grpo")[-1] for about in ("turns", "away"))
    away = max(away, 1e-12)  # rows have 0 below
    least, most, stop = (study.short(x) for x in (*ends(updates["grpo"]), values(rows, "loop", "turns", "rloo")[-1]))
    gained = ", ".join(f"{name} {study.short(gain)}" for name, gain in gains.items() if gain)
    nothing = ", ".join(name for name, gain in gains.items() if not gain)
    both = ", ".join(name for name, (low, high) in ((x, ends(updates[x])) for x in updates) if low < 0 < high)
    return (
        f"Round: E[g] of grpo is {least} to {most} all round the loop; after {turns:.2f} turns of ascent the laws are "
        f"within {away:.0e} of the first, where rloo has stopped after {stop}. The gains of a turn are {gained}, "
        f"and 0 for {nothing}; the updates of {both} have both signs. {of_ways(rows)}"
    )


def ends(found):
    return found.min(), found.max()


def of_ways(rows):
    said = []
    for name in NO_GRADIENTS:
        lines = [f"{study.short(values(rows, 'way', about, name)[0])} {about}" for about in LINES]
        worth = {row["n"]: row["value"] for row in rows if (row["about"], row["estimator"]) == ("turn over line", name)}
        said.append(f"{name} gains {', '.join(lines)} with N = {N}, and a turn is {percents(worth)} of the last")
    return f"On straight ways {'; '.join(said)}."


def draw_circle(axes, rows):
    """The circle in the simplex of the first prompt, with arrows for updates; grpo beside rloo."""
    for name, shift, what in (("grpo", 0.0, "goes on\nfor ever"), ("rloo", 1.1, "ends at\nthe dot")):
        corners = np.array([[shift, 0], [shift + 0.5, np.sqrt(0.75)], [shift + 1, 0]])
        axes.fill(*corners.T, facecolor="none", edgecolor="0.7")
        for text, point, above in zip(("0", "1/2", "1"), corners, (-5, 4, -5), strict=True):
            style = {"ha": "center", "va": "top" if above < 0 else "bottom", "fontsize": "small"}
            axes.annotate(text, point, (0, above), textcoords="offset points", **style)
        found = values(rows, "loop", "update", name)[::3]
        laws, along = (np.array(x) for x in zip(*map(circle, angles(len(found))), strict=True))
        arrows = along @ corners * (found / abs(found).max() * 0.12 / RADIUS)[:, None]
        style = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.007, "headwidth": 4}
        axes.quiver(*(laws @ corners).T, *arrows.T, color=COLOURS[name], **style)
        axes.text(*corners.mean(axis=0), f"{name}\n{what}", color=COLOURS[name], ha="center", va="center")
    end = circle(TURN * values(rows, "loop", "turns", "rloo")[-1])[0] @ corners
    axes.plot(*end, "o", color=COLOURS["rloo"])
    axes.set(xlim=(-0.08, 2.18), ylim=(-0.1, 0.98), aspect="equal")
    axes.set_title("E[g] round the loop, at the law of the first prompt")
    axes.axis("off")


def draw_updates(axes, rows):
    axes.axhline(0, color="0.7", linewidth=1)
    for name in ("grpo", "maxrl_shipped", "rloo", "ustat_mean_loo"):
        found = values(rows, "loop", "update", name)
        turns = np.arange(len(found) + 1) / len(found)
        axes.plot(turns, [*found, found[0]], color=COLOURS[name], label=name)
    axes.set(xlabel="turns", ylabel="E[g]", title="E[g] round the loop", ylim=(-0.42, 0.3))
    axes.legend(ncols=2, loc="lower center")
