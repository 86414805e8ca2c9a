"""How much of the update is the gradient of nothing? What the nearest gradient leaves over, and Jacobians."""

from itertools import product

import numpy as np

from analysis import study
from analysis.circulating import graded_tasks, one_forms
from analysis.circulating.rows import COLOURS, NO_GRADIENTS, ROWS, SEED, N, by_size, percent, percents, row, values

LAWS = 3000
NEAREST = {3: (2, 4, 8, 16), 5: (2, 4, 8)}
SIZES = {
    "3 levels": (2, 4, 8, 16, 64),
    "5 levels": (2, 4, 8, 16, 32),
    "11 levels": (2, 4, 8),
    "rubric": (N,),
    "bonus": (N,),
}
TASKS = {f"{count} levels": graded_tasks.of_levels(count) for count in (3, 5, 11)}
TASKS |= {"rubric": graded_tasks.rubric, "bonus": graded_tasks.bonus}
STEPS = (0, 5, 10, 20, 40, 80, 160, 320)


def measure(quick):
    yield from left_over({3: (2,)} if quick else NEAREST, 200 if quick else LAWS)
    for about, sizes in SIZES.items():
        for n in sizes[:1] if quick else sizes:
            yield from shares(about, n, STEPS[: 2 if quick else None])


def left_over(sizes, number):
    """The share of an update that the nearest gradient leaves over, over so many laws."""
    for levels, n in [(np.linspace(0, 1, count), n) for count in sizes for n in sizes[count]]:
        laws = np.random.default_rng(SEED).dirichlet(np.ones(len(levels)), number)
        forms = [one_forms.Advantages(rule, levels, n) for rule in ROWS.values()]
        left = one_forms.beyond_gradients(forms, laws, max(n, 8))
        for name, share in zip(ROWS, left, strict=True):
            yield row("left", f"{len(levels)} levels", n, name, 0, share)


def shares(about, n, steps):
    """Antisymmetric shares at the policies that ascent by grpo passes."""
    study.progress(f"shares: {about}, N = {n}")
    task, policy = TASKS[about](SEED), graded_tasks.policy()
    forms = {name: one_forms.Advantages(rule, np.unique(task.likelihoods), n) for name, rule in ROWS.items()}
    theta = policy.network.initial(np.random.default_rng(SEED))
    for step in range(steps[-1] + 1):
        law = task.at(policy, theta)
        if step in steps:
            yield row("reward", about, n, "grpo", step, law.pass_rate)
            for name, form in forms.items():
                share = one_forms.antisymmetric_share(one_forms.jacobian(law, form))
                yield row("share", about, n, name, step, share)
        theta = theta + 2 * one_forms.update(law, forms["grpo"])


def words(rows):
    found = [row for row in rows if row["part"] == "left"]
    none = [name for name in ROWS if not any(row["value"] for row in found if row["estimator"] == name)]
    said = [
        f"{name} with {about} {percents(by_size(rows, 'left', about, name))}"
        for name, about in product(NO_GRADIENTS, dict.fromkeys(row["about"] for row in found))
    ]
    return (
        f"How much: the gradient of nothing is, of the update of {'; of '.join(said)}; and nothing of "
        f"{', '.join(none)}. {of_shares(rows)}"
    )


def of_shares(rows):
    """Over tasks with N = 8, at first, on the way and at the end; and for other N."""
    said = []
    for name in NO_GRADIENTS:
        ways = [way for about in TASKS if len(way := values(rows, "share", about, name))]
        first, last = ([way[end] for way in ways] for end in (0, -1))
        sizes = percents(by_size(rows, "share", "3 levels", name))
        said.append(
            f"of {name} {percent(min(first))} to {percent(max(first))} at first, at most {percent(np.max(ways))}, and "
            f"{percent(min(last))} to {percent(max(last))} at the end; with 3 levels at most {sizes}"
        )
    others = [row["value"] for row in rows if row["part"] == "share" and row["estimator"] not in NO_GRADIENTS]
    return f"The antisymmetric share with N = {N} is {'; '.join(said)}; of all others {percent(max(others))}."


def draw(axes, rows):
    """Along training: grpo above, MaxRL as shipped below."""
    for about, style in zip(TASKS, ("-", "--", ":", "-.", (0, (4, 1, 1, 1, 1, 1))), strict=True):
        reward = values(rows, "reward", about, "grpo")
        for name in NO_GRADIENTS if len(reward) else ():
            style_of = {"color": COLOURS[name], "linestyle": style, "marker": "."}
            axes.plot(reward, 100 * values(rows, "share", about, name), **style_of)
        axes.plot([], [], color="0.3", linestyle=style, label=about)
    for name in NO_GRADIENTS:
        axes.plot([], [], color=COLOURS[name], label=name)
    axes.set(xlabel="mean reward along training by grpo", ylabel="antisymmetric share of the Jacobian, %", ylim=(0, 27))
    axes.set_title(f"How much of it turns, N = {N}")
    axes.legend(ncols=2, loc="upper right")
