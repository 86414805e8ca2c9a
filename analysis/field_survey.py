"""What do the advantage functions that trainers ship really estimate? Each is called where it is installed.

    python -m analysis.field_survey          measures what trainers ship, as far as they are installed
    python -m analysis.field_survey trl      measures these trainers alone
    python -m analysis.field_survey --check  measures again, writes nothing, fails unless all is as committed

No environment holds them all, since they want different versions of what they need, and some do not bear each other in
one process: each is measured in whichever environment has it, and all other rows stay as they are, with the versions
they were measured with. `analysis.surveyed` has the functions, and how each is called. Writes field_survey.csv (all
rows), field_survey.md (the table) and field_survey.json (set-up and verdict).
"""

import argparse
import re
import warnings
from collections import Counter
from fractions import Fraction as F
from importlib.metadata import version

import numpy as np

import maxrl_est as mx
from analysis import study
from analysis.surveyed import FRAMEWORKS, _rows, _weights
from analysis.surveyed._rows import installed

SETUP = (
    "Each function as its framework runs it, called on groups of likelihoods: a prompt or uid for each group, rows by "
    "turns where groups are found by them and group after group elsewhere; where advantages are of tokens, failures "
    "have four, graded responses fewer and successes one, but all one where advantages differ from token to token. On "
    "0/1 rewards: the objective of the exact effective weight in groups of N = 8. On graded likelihoods: the exact "
    "mean over all groups of N = 4 from three arms drawn with 1/2, 1/3 and 1/6 and likelihoods 0, 1/3 and 1, as a "
    "multiple of the gradient of the objective that is nearest on 0/1 rewards in groups of 4, or the angle between the "
    "two. A gradient: of which objective the mean update is the gradient, for every law of rewards 0, 1/4, 1/2 and 1, "
    "in groups of N = 4; on 0/1 rewards alone what judges each group by itself is always one. Of functions that depend "
    "on their batch: whether the update of a batch of two prompts is a gradient, at N = 2 and at N = 3, on 0/1 rewards "
    "and on 0, 1/2 and 1. In a batch: of functions that depend on it W of E[g] = W grad p, for prompts of pass rates "
    "0.1, 0.5 and 0.9 in a batch of these three with N = 4, on 0/1 rewards, and of what its mean update is the "
    "gradient for all pass rates; and W of such prompts as prompts become many, half of which have 0.1 and half 0.5 "
    "(by batches of 64 and of 512, not sampled), and the same of a population near this one. What counts tokens is "
    "weighed so at the lengths above; all others ascend what they do alone. All failed: advantages in a group of 8 "
    "without a success. N = 1: advantage of a success, in a batch with a failure that is a group of its own. eps: by "
    "how much the constant beside a standard deviation shrinks the advantage of the only success of 1024. Functions "
    "that depend on the other groups of their batch, or on the order of rollouts, have no objective of their own. Left "
    "out are those with a critic and no groups (gae), and what cannot be called without a training: ART's advantages "
    "while it tokenises, and those of Axolotl's GRPO trainers, which are TRL's."
)
ARMS = mx.problems.Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)])
COLUMNS = {
    "function": "function",
    "objective": "on 0/1 rewards it ascends",
    "in_batch": "in a batch, on 0/1 rewards",
    "graded": "on graded likelihoods",
    "gradient": "a gradient, if rewards are graded",
    "failed": "all failed",
    "single": "N = 1",
    "eps": "eps",
}
LEVELS = (0, F(1, 4), F(1, 2), 1)  # four, since with three every update has the direction of a gradient
NO_GRADIENT = ("direction only (one prompt)", "of nothing", "of nothing even on 0/1 rewards", "on 0/1 rewards only")
UNBIASED = 1e-6  # relative, of what is float32 inside
ROUNDED = 1e-4  # degrees, likewise


def measure(names=FRAMEWORKS):
    """Rows of those of these frameworks that are installed."""
    rows = []
    for name in filter(installed, names):
        with warnings.catch_warnings(action="ignore"):  # of what else these packages might have
            rows += [row(name, by, function) for by, function in FRAMEWORKS[name]()]
    return rows


def row(framework, by, function):
    study.progress(f"{framework} {function.__name__}")
    return {
        "framework": framework,
        "version": version(framework),
        "by": by,
        "function": function.__name__.removeprefix(f"{FRAMEWORKS[framework].__name__}."),
        **on_rewards(function),
        "failed": attempt(lambda: text(function(np.zeros(8)))),
        "single": attempt(lambda: text(function(np.array([[1.0], [0.0]]))[0])),
        "eps": attempt(lambda: shrunk(function)),
    }


def on_rewards(function):
    """The objective on 0/1 rewards, and what becomes of it on graded likelihoods."""
    try:
        near = mx.effective_weight(function, 8).nearest()
        objective = mx.effective_weight(function, 4).nearest().objective
        mean = mx.exact_moments(ARMS, function, 4).mean.astype(float)
    except ValueError as error:
        dependence = re.search(r"depends on the (order of rollouts|batch)", str(error))
        if not dependence:  # a fault of the survey, and no finding
            raise
        of_its_own = {"objective": f"none: {dependence[0]}", "multiple": "", "angle": "", "graded": "not defined"}
        if dependence[1] == "batch":
            return of_its_own | {"gradient": of_batch(function)} | _weights.weighed(function)
        return of_its_own | {"gradient": "not defined"} | _weights.NONE
    truth = mx.target_gradient(ARMS, objective).astype(float)
    multiple = mean @ truth / (truth @ truth)
    angle = np.degrees(np.arctan2(np.linalg.norm(mean - multiple * truth), multiple * np.linalg.norm(truth)))
    exact = F(multiple).limit_denominator(100)
    along = f"{exact} of the gradient" if abs(exact - multiple) < UNBIASED else f"{multiple:.4g} times the gradient"
    return {
        "objective": f"exactly {near.name}" if near.known else f"none; nearest {near.name}",
        "multiple": float(f"{multiple:.4g}"),
        "angle": float(f"{angle:.3g}") if angle > ROUNDED else 0.0,
        "graded": f"{angle:.1f} degrees off" if angle > ROUNDED else "unbiased" if exact == 1 else along,
        "gradient": of_group(function),
        **_weights.NONE,
    }


def of_group(function):
    """Of what the mean update is the gradient on graded rewards."""
    found = mx.objective_of(function, 4, LEVELS)
    direction, nothing, *_ = NO_GRADIENT
    if found.verdict == "gradient":
        return f"of {found.name}" if found.nearest.known else "of an objective without a name"
    return direction if found.verdict == "direction" else nothing


def of_batch(function):
    """Whether the mean update of two prompts is a gradient, where the one depends on the other's rewards."""

    def on(*values):
        return all(mx.ascent.over_prompts(function, 2, n, values).verdict == "gradient" for n in (2, 3))

    *_, never, on_two = NO_GRADIENT
    return never if not on(0, 1) else "of an objective" if on(0, F(1, 2), 1) else on_two


def text(advantages):
    """The numbers that occur, the first few of them."""
    found = sorted({float(f"{x:.4g}") + 0.0 for x in np.ravel(advantages)}, reverse=True)
    return "not a number" if np.isnan(found).any() else ", ".join(f"{x:g}" for x in found[:3])


def shrunk(function):
    """1 - A / A without eps, where A is 1 or 1 - 1/N over the standard deviation, with N or N - 1 below its root.

    Or with the number of tokens for N: a success has one, and each of the 1023 failures four.
    """
    advantage = float(function(np.append(1.0, np.zeros(1023)))[0])
    if advantage == 0:
        return "dropped"
    without = [a for a in (1023 / 32, 1023**0.5, 32.0, 4092 / 4093**0.5, 4092**0.5) if 30 < advantage <= a * (1 + 1e-6)]
    if not without:
        return "no standard deviation"
    share = 1 - advantage / without[0]
    return f"{100 * share:.2g}%" if share > 1e-6 else "none"


def attempt(call):
    try:
        return call()
    except Exception as error:  # frameworks refuse in ways of their own
        return f"refused ({type(error).__name__})"


def verdict(rows):
    shipped = [r for r in rows if r["by"] == "shipped"]
    versions = ", ".join(dict.fromkeys(f"{r['framework']} {r['version']}" for r in rows))
    kinds = {
        "ascend a multiple of the expected reward exactly": [r for r in shipped if expected(r)],
        "ascend another known objective exactly": [
            r for r in shipped if r["objective"].startswith("exactly") and not expected(r)
        ],
        "ascend no known objective": [r for r in shipped if r["objective"].startswith("none; ")],
        "depend on the batch or on the order of rollouts": [r for r in shipped if "depends" in r["objective"]],
    }
    counts = "; ".join(f"{len(found)} {what}" for what, found in kinds.items())
    maxrl = [
        f"{r['framework']} {r['function']}, which is {r['objective']} in groups of 8 and {r['graded']} on graded "
        "likelihoods"
        for r in shipped
        if r["objective"].startswith("exactly J_") and not expected(r)
    ]
    unbiased = [f"{r['framework']} {r['function']}" for r in shipped if r["graded"] == "unbiased"]
    scaled = [r for r in shipped if r["graded"].endswith(" of the gradient")]
    turned = [r["angle"] for r in shipped if r["angle"]]
    gradients = Counter(r["gradient"] if r["gradient"] in NO_GRADIENT else "of an objective" for r in shipped)
    of_what = (f"{what} for {gradients[what]}" for what in ("of an objective", *NO_GRADIENT) if gradients[what])
    ours = [r for r in rows if r["by"] == "ours"]
    exact = sum(r["objective"].startswith("exactly") and r["graded"] == "unbiased" for r in ours)
    return (
        f"Of {len(shipped)} advantage functions that {versions} ship, {counts}. A truncation of log p beyond the first "
        f"order is ascended by {'; '.join(maxrl) or 'none of them'}. Unbiased on graded likelihoods: "
        f"{', '.join(unbiased) or 'none'}; {len(scaled)} more have a fraction of the gradient, and {len(turned)} point "
        f"{min(turned):.1f} to {max(turned):.1f} degrees off. On graded rewards the mean update is "
        f"the gradient {', '.join(of_what)}. {_weights.said(shipped)} Of the {len(ours)} of this package, {exact} are "
        f"exact on 0/1 rewards and unbiased on graded likelihoods."
    )


def expected(row):
    return row["objective"].startswith("exactly") and row["objective"].endswith("J_1")


def markdown(rows):
    title = "Advantage functions that trainers ship"
    return _rows.page(title, rows, COLUMNS, cells, verdict(rows), SETUP)


def cells(r):
    yield f"`{r['function']}`" + (" (this package)" if r["by"] == "ours" else "")
    found = r | {"in_batch": _weights.cell(r)}
    yield from (str(found[key]) for key in list(COLUMNS)[1:])


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m analysis.field_survey", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed rows, write nothing")
    _rows.add_names(parser, FRAMEWORKS)
    options = parser.parse_args(arguments)
    rows = _rows.merged(measure(_rows.named(parser, options, FRAMEWORKS)), "field_survey", FRAMEWORKS)
    if options.check:
        _rows.check(rows, "field_survey")
    _rows.write(rows, "field_survey", markdown(rows), verdict(rows), SETUP)


if __name__ == "__main__":
    main()
