"""Every batch that a few small token policies can draw, with its chance: what a step's mean is a sum over.

A prompt's rollouts come in branches of ``siblings``, which share their first token; without trees each is a branch. The
order of branches counts only for steps that it changes the answer of.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from maxrl_est._arguments import at, short, words
from maxrl_est._arguments.protocols import Array
from maxrl_est.ascent._multisets import count, multisets
from maxrl_est.measures._enumerated import group_chances
from maxrl_est.problems import Tokens
from maxrl_est.steps._batch import Batch

MAX_TOKENS = 20_000_000  # in all the batches that are enumerated
_BRANCHES = 100_000  # of siblings that a prompt may have
_ROUNDED = 1e-12  # relative: what laws in floats and in Fractions may differ by
CHUNK = 200_000  # tokens of the batches that are in memory at a time


@dataclass(frozen=True, slots=True)
class Drawn:
    """The rollouts of one prompt: each of its ``groups (G, N)`` of outcomes has a chance (G,), and a score (G, d).

    The score is the gradient of the logarithm of the group's chance under the policy that is updated.
    """

    law: Tokens
    groups: Array
    chances: Array
    scores: Array
    ratios: Array  # (s, L) pi / mu
    reference_ratios: Array  # (s, L) pi / pi_ref
    rewards: Array  # (s,)


@dataclass(frozen=True, slots=True)
class Draws:
    """All batches of several prompts."""

    prompts: tuple[Drawn, ...]
    n: int
    siblings: int
    exact: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of groups of each prompt; batches are their product."""
        return tuple(len(drawn.groups) for drawn in self.prompts)

    @property
    def longest(self) -> int:
        """L of a batch."""
        return max(drawn.law.longest for drawn in self.prompts)

    def chunks(self) -> Iterator[Array]:
        """Numbers of the groups (Q, B) of some batches at a time, in order."""
        total, tokens = math.prod(self.shape), len(self.shape) * self.n * self.longest
        for flat in np.array_split(np.arange(total), math.ceil(total * tokens / CHUNK)):
            yield np.stack(np.unravel_index(flat, self.shape), axis=1)

    def batch(self, numbers: Array, floats: bool = False) -> Batch:
        """The batches (Q, B, N) of some numbers (Q, B)."""
        outcomes = self.outcomes(numbers)
        tables = [_tables(drawn, self.longest) for drawn in self.prompts]
        made = [
            np.stack([table[outcomes[:, b]] for b, table in enumerate(each)], axis=1)
            for each in zip(*tables, strict=True)
        ]
        if floats:
            made = [array.astype(np.float64) if array.dtype == object else array for array in made]
        rewards, mask, ratios, references, probabilities = made
        shape = rewards.shape
        prompts = np.broadcast_to(np.arange(shape[1])[:, None], shape)
        branches = np.broadcast_to(np.arange(shape[2]) // self.siblings, shape)
        return Batch(rewards, mask, ratios, references, probabilities, prompts, branches)

    def outcomes(self, numbers: Array) -> Array:
        """The outcome of each rollout (Q, B, N)."""
        return np.stack([drawn.groups[numbers[:, b]] for b, drawn in enumerate(self.prompts)], axis=1)

    def chances(self, numbers: Array) -> Array:
        """The chance of each batch (Q,)."""
        each = [drawn.chances[numbers[:, b]] for b, drawn in enumerate(self.prompts)]
        return np.asarray(np.prod(np.stack(each), axis=0))

    def scores(self, numbers: Array) -> Array:
        """The score of each batch (Q, D), of the parameters of all prompts side by side."""
        return np.concatenate([drawn.scores[numbers[:, b]] for b, drawn in enumerate(self.prompts)], axis=1)


def draws_of(
    laws: Sequence[Tokens],
    n: int,
    *,
    samplers: Sequence[Tokens],
    references: Sequence[Tokens],
    rewards: Sequence[Array],
    siblings: int = 1,
    ordered: bool = False,
) -> Draws:
    """All batches of n rollouts of each prompt, ordered or not; ValueError where there are too many."""
    exact = all(law.probabilities.dtype == object for law in (*laws, *samplers, *references))
    exact &= all(values.dtype == object for values in rewards)
    units = [_branches(sampler, siblings) for sampler in samplers]
    _need_few(laws, n, [len(chances) for chances, _ in units], siblings, ordered)
    drawn = []
    for law, sampler, reference, values, (chances, outcomes) in zip(
        laws, samplers, references, rewards, units, strict=True
    ):
        rows, of_groups = _groups(chances, n // siblings, ordered)
        groups = outcomes[rows].reshape(len(rows), n)
        score = _branch_scores(law, outcomes)[rows].sum(axis=1)
        drawn.append(
            Drawn(
                law,
                groups,
                of_groups,
                score,
                law.token_probabilities / sampler.token_probabilities,
                law.token_probabilities / reference.token_probabilities,
                values,
            )
        )
    return Draws(tuple(drawn), n, siblings, exact)


def token_laws(name: str, given: Any) -> list[Tokens]:
    """One law or several, each of which lists its tokens."""
    laws = [given] if isinstance(given, Tokens) else given
    if isinstance(laws, str) or not isinstance(laws, Sequence) or not laws:
        raise TypeError(f"{name} must be a list of laws of tokens, such as problems.TokenChain, got {words(given)}")
    for index, law in enumerate(laws):
        if not isinstance(law, Tokens) or not hasattr(law, "token_scores"):
            rule = "a law of tokens, such as problems.TokenChain"
            raise TypeError(f"{at(name, [index])} must be {rule}, got {words(law)}")
    return list(laws)


def beside(name: str, given: Any, laws: list[Tokens]) -> list[Tokens]:
    """Other policies of the same responses, one for each prompt; the prompts' own where none are given."""
    if given is None:
        return laws
    others = token_laws(name, given)
    if len(others) != len(laws):
        raise ValueError(f"{name} must have one law for each of the {len(laws)} prompts, got {len(others)}")
    for index, (law, other) in enumerate(zip(laws, others, strict=True)):
        if not _of_same_responses(law, other):
            raise ValueError(f"{at(name, [index])} must have the responses of {law}, got {other}")
    return others


def _of_same_responses(law: Tokens, other: Tokens) -> bool:
    """Whether two laws differ by their policies alone: in lengths, likelihoods, and what is not the policy's, alike."""
    if other.token_scores.shape != law.token_scores.shape or (other.lengths != law.lengths).any():
        return False
    given, chosen = (
        each.probabilities * swapped.token_probabilities.prod(axis=1) for each, swapped in ((law, other), (other, law))
    )
    pairs = ((law.likelihoods, other.likelihoods, 1), (given, chosen, given.astype(np.float64)))
    return all((abs(a.astype(np.float64) - b.astype(np.float64)) <= _ROUNDED * size).all() for a, b, size in pairs)


def _branches(law: Tokens, siblings: int) -> tuple[Array, Array]:
    """Chances (u,) and outcomes (u, M) of M rollouts that share their first token."""
    outcomes = np.arange(len(law.probabilities))
    if siblings == 1:
        return law.probabilities, outcomes[:, None]
    first = [(law.token_probabilities[o, 0], *law.token_scores[o, 0]) for o in outcomes]
    alike = [[o for o in outcomes if first[o] == token] for token in dict.fromkeys(first)]
    number = sum(len(some) ** siblings for some in alike)
    if number > _BRANCHES:
        rule = f"siblings must make at most {_BRANCHES} branches of a prompt"
        raise ValueError(f"{rule}, got {short(siblings)}: of {law} there are {short(number)}")
    branches = [branch for some in alike for branch in itertools.product(some, repeat=siblings)]
    shared = law.token_probabilities[:, 0]
    chances = [math.prod(law.probabilities[o] / shared[o] for o in branch) * shared[branch[0]] for branch in branches]
    return np.array(chances, dtype=law.probabilities.dtype), np.array(branches)


def _branch_scores(law: Tokens, outcomes: Array) -> Array:
    """The score of each branch (u, d): of the first token once, of those after it for each rollout."""
    after = law.token_scores[:, 1:].sum(axis=1)
    return np.asarray(law.token_scores[outcomes[:, 0], 0] + after[outcomes].sum(axis=1))


def _groups(chances: Array, size: int, ordered: bool) -> tuple[Array, Array]:
    """Groups of branches (G, size), as numbers of branches, and their chances (G,)."""
    k = len(chances)
    if not ordered and 1 < k <= 4 * size:  # few outcomes come often
        counts = multisets(size, k)
        rows = np.array([np.repeat(np.arange(k), row) for row in counts])
        return rows, group_chances(counts, chances)
    every = itertools.product(range(k), repeat=size) if ordered else combinations_with_replacement(range(k), size)
    rows = np.fromiter(itertools.chain.from_iterable(every), np.int64).reshape(-1, size)
    return rows, np.asarray(np.prod(chances[rows], axis=1) * (1 if ordered else _arrangements(rows)))


def _arrangements(rows: Array) -> Array:
    """In how many orders there is each of some rows (G, size) of numbers that do not fall."""
    size = rows.shape[1]
    ways, times = np.ones(len(rows), dtype=np.int64), np.ones(len(rows), dtype=np.int64)
    for i in range(1, size):
        times = np.where(rows[:, i] == rows[:, i - 1], times + 1, 1)
        ways = ways * (i + 1) // times
    return ways


def _need_few(laws: Sequence[Tokens], n: int, branches: Sequence[int], siblings: int, ordered: bool) -> None:
    size = n // siblings
    batches = math.prod(k**size if ordered else count(size, k) for k in branches)
    tokens = batches * len(laws) * n * max(law.longest for law in laws)
    if tokens > MAX_TOKENS:
        rule = f"n must make batches of at most {MAX_TOKENS} tokens in all"
        kind = " in every order, which the step depends on," if ordered else ""
        raise ValueError(f"{rule}, got {short(n)}: of {len(laws)} prompts{kind} there are {short(batches)} batches")


def _tables(drawn: Drawn, longest: int) -> tuple[Array, ...]:
    """Of each outcome its reward (s,), mask, ratios and probabilities (s, L), padded."""
    law = drawn.law
    width = longest - law.longest
    mask = np.arange(longest) < law.lengths[:, None]

    def padded(table: Array) -> Array:
        one = table.flat[0] / table.flat[0]
        return np.concatenate([table, np.full((len(table), width), one)], axis=1)

    of_tokens = (drawn.ratios, drawn.reference_ratios, law.token_probabilities)
    return (drawn.rewards, mask, *(padded(table) for table in of_tokens))
