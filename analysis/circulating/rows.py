"""The estimators of the study, and its rows: what was measured, where, of which estimator."""

import numpy as np

import maxrl_est as mx
from analysis import study

SEED, N = 0, 8
NAMES = ("grpo", "grpo_mean_lift", "grpo_level_lift", "rloo", "ustat_mean_loo", "maxrl_shipped")
ROWS = {name: mx.estimators.get(name) for name in NAMES}
NO_GRADIENTS = ("grpo", "maxrl_shipped")
COLOURS = dict(zip(ROWS, ("C3", "C5", "C4", "C2", "C0", "C1"), strict=True))


def row(part, about, n, estimator, at, value):
    """What is 0 but for rounding is 0."""
    value = study.rounded(value) if abs(value) > 1e-12 else 0.0
    return {"part": part, "about": about, "n": n, "estimator": estimator, "at": at, "value": value}


def values(rows, part, about, estimator, n=N):
    wanted = {"part": part, "about": about, "estimator": estimator, "n": n}
    return np.array([row["value"] for row in rows if wanted.items() <= row.items()])


def by_size(rows, part, about, estimator):
    """The greatest value for each N."""
    sizes = sorted({row["n"] for row in rows if (row["part"], row["about"]) == (part, about)})
    return {n: values(rows, part, about, estimator, n).max() for n in sizes}


def percent(share):
    return f"{study.short(100 * share)}%"


def percents(shares):
    """Of shares by N."""
    *first, last = (f"{percent(share)} at N = {n}" for n, share in shares.items())
    return f"{', '.join(first)} and {last}" if first else last
