"""What is ascended by functions that depend on their batch: exactly in a small one, and as prompts become many."""

from collections import Counter
from fractions import Fraction as F

import numpy as np

import maxrl_est as mx

RATES = (0.1, 0.5, 0.9)
N = 4  # with two or three rollouts all groups that are not unanimous have one standard deviation
POPULATION = ((F(1, 2), 0.1), (F(1, 2), 0.5))  # with a mean of 1/2 the deviation of the batch has no slope
PROMPTS = 512  # of the larger batch; trainers that pretend to generate take a second for each
ASCENDS = {"gradient": "of an objective", "direction": "direction only", "none": "of nothing"}
REFUSED = {"must settle": "does not settle", "their order changes": "their order counts"}
NONE = dict.fromkeys(("batch_weights", "batch_verdict", "limit_weights", "limit_verdict"), "")


def weighed(function):
    """W at three pass rates and the verdict, of a batch of the three and of many prompts."""
    batch = mx.effective_weights(once(function), RATES, N)
    found = {"batch_weights": digits(batch.weights, 4), "batch_verdict": batch.verdict}
    try:
        many = mx.steps.population_weights(function, RATES, N, POPULATION, prompts=PROMPTS)
    except ValueError as error:
        reasons = [reason for message, reason in REFUSED.items() if message in str(error)]
        if not reasons:  # a fault of the survey, and no finding
            raise
        return found | {"limit_weights": "", "limit_verdict": reasons[0]}
    return found | {"limit_weights": digits(many.weights, 3), "limit_verdict": many.verdict}


def once(function):
    """The function, called once with each batch: many are the same after their rollouts have changed places."""
    known = {}

    def remembered(rewards):
        key = rewards.shape, np.asarray(rewards, np.float64).tobytes()
        if key not in known:
            known[key] = function(rewards)
        return known[key].copy()

    return remembered


def digits(weights, count):
    return ", ".join(f"{w:.{count}g}" for w in weights)


def cell(row):
    """What is said of a row in the table."""
    if not row["batch_verdict"]:
        return "not defined" if row["graded"] == "not defined" else "as alone"
    many = f"{row['limit_weights']}, {ASCENDS[row['limit_verdict']]}" if row["limit_weights"] else row["limit_verdict"]
    return f"W = {row['batch_weights']}, {ASCENDS[row['batch_verdict']]}; many prompts: {many}"


def said(rows):
    """A sentence on all rows that depend on their batch."""
    rows = [row for row in rows if row["batch_verdict"]]
    batch, limit = (Counter(row[f"{where}_verdict"] for row in rows) for where in ("batch", "limit"))
    more = sum(row["limit_verdict"] == "gradient" != row["batch_verdict"] for row in rows)
    alike = sum(len(set(row["limit_weights"].split(", "))) == 1 and bool(row["limit_weights"]) for row in rows)
    return (
        f"Of {len(rows)} that depend on their batch, {batch['gradient']} are gradients on 0/1 rewards in a batch of "
        f"three prompts, {more} more as prompts become many, and {limit['direction']} have the direction of one then; "
        f"prompts of pass rates 0.1, 0.5 and 0.9 then have the same weight, to three digits, for {alike}."
    )
