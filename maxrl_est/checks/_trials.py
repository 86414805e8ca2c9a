"""The groups on which a function is tried: with ties and without, constant, 0/1, tiny, and one unlike the others."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.checks._subject import Subject
from maxrl_est.measures._precision import HALF

EVERY_ORDER = 4  # rollouts in the largest group that is tried in every order
ORDERS = 8  # of larger groups
CLOSE = ("tiny", "near 1")  # kinds whose likelihoods hardly differ: float32 and an eps make other groups of them
LEAST = 0.05  # stands for 0 where logarithms are taken


def kinds(subject: Subject, n: int) -> Mapping[str, FloatArray]:
    """Groups (B, n) by what they are like, of the likelihoods that the function is meant for."""
    if subject.design:
        return {f"0/1 rewards of {subject.design}": subject.ended(n)}
    rng = np.random.default_rng([subject.seed, n])
    if subject.binary_only:
        return {"0/1 rewards": _binary(rng, n)}
    uniform = 1 - rng.random((8, n))
    apart = np.eye(n)[0]
    constants = np.array([0.2, 0.5, 0.9])[:, None]
    found = {
        "random": uniform,
        "without ties": rng.permuted(np.tile(np.arange(1, n + 1) / (n + 1), (2, 1)), axis=1),
        "with ties": np.concatenate([rng.choice([0.2, 0.9], (3, n)), rng.choice([0, 1 / 3, 1], (3, n))]),
        "all alike or one": np.stack([np.zeros(n), np.ones(n), apart, 1 - apart]),
        "random 0/1": (rng.random((4, n)) < 0.5).astype(np.float64),
        "constant": constants + np.zeros(n),
        "one apart": np.stack([0.2 + 0.7 * apart, 0.9 - 0.7 * apart, 0.9 - 0.9 * apart]),
        "tiny": np.concatenate([1e-6 * uniform[:2], 1e-9 * uniform[2:4], 1e-3 * apart[None]]),
    }
    if subject.precision.bits <= HALF:  # which has no small likelihoods to speak of
        del found["tiny"]
    if subject.precision.name == "float64":  # shorter floats have no such differences to speak of
        found["near 1"] = 1 - 1e-3 * uniform[:2]
    if subject.positive_only:
        return {name: np.where(groups == 0, LEAST, groups) for name, groups in found.items()}
    return found


def groups(subject: Subject, n: int) -> FloatArray:
    """All of them (B, n)."""
    return np.concatenate(list(kinds(subject, n).values()))


def orders(n: int) -> list[Array]:
    """Orders of n rollouts: every one of few, else the reverse, a shift and some at random."""
    if n <= EVERY_ORDER:
        return [np.array(order) for order in itertools.permutations(range(n))]
    rng = np.random.default_rng(n)
    return [np.arange(n)[::-1], np.roll(np.arange(n), 1), *(rng.permutation(n) for _ in range(ORDERS - 2))]


def _binary(rng: np.random.Generator, n: int) -> FloatArray:
    """Every number of successes, in some order."""
    return rng.permuted(np.tril(np.ones((n + 1, n)), -1), axis=1)
