"""Rollouts of several tokens: of each outcome its length, and probability and score of every token."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from maxrl_est._arguments import at_most, short
from maxrl_est._arguments.arrays import entries, real_array, vector
from maxrl_est._arguments.protocols import Array
from maxrl_est.problems._finite import Finite, Numbers, fractions_or_floats, numbers


class Tokens(Finite):
    """The base of laws whose rollouts are responses of up to L tokens: what a whole training step is judged on.

    ``lengths (s,)`` are the tokens of each outcome, ``token_probabilities (s, L)`` the policy's chance of each, 1 after
    the end, and ``token_scores (s, L, d)`` the gradients of their logarithms, 0 after the end. ``scores (s, d)`` are
    the sums over tokens, so that all that is asked of a `Finite` law can be asked of this.
    """

    lengths: Array
    token_probabilities: Array
    token_scores: Array

    def _hold_tokens(
        self,
        name: str,
        probabilities: Array,
        likelihoods: Array,
        lengths: Array,
        token_probabilities: Array,
        token_scores: Array,
    ) -> None:
        self._hold(name, probabilities, likelihoods, token_scores.sum(axis=1))
        self.lengths, self.token_probabilities, self.token_scores = lengths, token_probabilities, token_scores

    @property
    def longest(self) -> int:
        """L, the tokens of the longest response."""
        return int(self.token_probabilities.shape[1])


class TokenLogits(Tokens):
    """The base of laws whose token t is one of two kinds by a logit of its own: policies that can move.

    ``chances (d,)`` are those of the kind whose chance rises with the logit, so that token t has the score
    1 - chances[t] if it is of that kind and -chances[t] if not, and L - d last tokens are no choice.
    """

    chances: Array

    def moved(self, by: Any) -> TokenLogits:
        """The law after its logits have moved by numbers (d,), in floats."""
        raise NotImplementedError

    def _moved(self, by: Any) -> Array:
        change = vector("by", real_array("by", by), len(self.chances)).astype(np.float64)
        chances = self.chances.astype(np.float64)
        after = np.asarray(chances * rise(chances, change))
        for index in np.flatnonzero(~((after > 0) & (after < 1))):
            raise ValueError(
                f"by[{index}] must leave a chance in (0, 1), got {change[index]}, after which it is {after[index]}"
            )
        return after


def rise(chances: Array, by: Array) -> Array:
    """What chances (..., d) are multiplied by when their logits move (..., d): exactly 1 where they do not."""
    with np.errstate(over="ignore"):  # of chances that fall to 0
        return np.asarray(1 / (1 + (1 - chances) * np.expm1(-by)))


class TokenChain(TokenLogits):
    """At each token the response stops with probability ``stop[t]``, and is right with ``right[t]`` if it stops there.

    The last token always stops. Each token before it has a logit of its own (d = L - 1), so that its score is
    1 - stop[t] where it stops and -stop[t] where it goes on; whether an answer is right is not the policy's. Lengths
    and rewards are as dependent as ``right`` makes them. Give Fractions for exact answers.

    Parameters
    ----------
    stop : chances (L - 1,) in (0, 1) to stop at each token but the last, at most 128 of them
    right : chances (L,) in [0, 1] to be right where it stops at each token

    Raises
    ------
    TypeError, ValueError
        Where they are not so.

    >>> from fractions import Fraction as F
    >>> chain = TokenChain([F(1, 2), F(1, 3)], [F(0), F(1, 4), F(1)])
    >>> chain.pass_rate, chain.lengths.tolist()
    (Fraction(3, 8), [1, 2, 2, 3])
    >>> [str(x) for x in chain.grad_pass_rate]
    ['-3/16', '-1/12']
    """

    def __init__(self, stop: Numbers, right: Numbers) -> None:
        given, chances = numbers("stop", stop), numbers("right", right)
        at_most("the length of stop", len(given), 128)
        if len(chances) != len(given) + 1:
            rule = f"right must have {len(given) + 1} numbers, one for each token of stop and the last"
            raise ValueError(f"{rule}, got {len(chances)}")
        exact = given.dtype == chances.dtype == object
        self.stop, self.right = (fractions_or_floats(array, exact=exact) for array in (given, chances))
        for index, chance in enumerate(self.stop):  # of which floats may have rounded
            if not 0 < chance < 1:
                raise ValueError(f"stop[{index}] must lie in (0, 1), got {short(given[index])}")
        outcomes = [
            (t, reward, share)
            for t, chance in enumerate(self.right)
            for reward, share in ((0, 1 - chance), (1, chance))
            if share
        ]
        last, d = len(self.stop), len(self.stop)
        one = self.stop[0] / self.stop[0]
        each = np.full((len(outcomes), last + 1), one)
        scores = np.full((len(outcomes), last + 1, d), one - one)
        for row, (t, _, _) in enumerate(outcomes):
            for u in range(min(t + 1, last)):
                each[row, u] = self.stop[u] if u == t else 1 - self.stop[u]
                scores[row, u, u] = 1 - self.stop[u] if u == t else -self.stop[u]
        self._hold_tokens(
            f"TokenChain({', '.join(map(short, self.stop))}: {', '.join(map(short, self.right))})",
            np.array([share for _, _, share in outcomes]) * each.prod(axis=1),
            np.array([reward * one for _, reward, _ in outcomes]),
            np.array([t + 1 for t, _, _ in outcomes]),
            each,
            scores,
        )
        self.chances = self.stop

    def moved(self, by: Any) -> TokenChain:
        """The chain after its logits have moved by numbers (d,), in floats; ``right`` is as it was.

        >>> TokenChain([0.5], [0.0, 1.0]).moved([np.log(3)]).stop.round(4)
        array([0.75])
        """
        return TokenChain(self._moved(by), self.right.astype(np.float64))


class TokenBits(TokenLogits):
    """Responses of L tokens of two kinds, each with a chance of its own: all are as long, so no length plays a part.

    ``first[t]`` is the chance that token t is 1, with a logit of its own (d = L), and a response has the likelihood
    that its tokens index. Give Fractions for exact answers.

    Parameters
    ----------
    first : chances (L,) in (0, 1), at most 10 of them
    likelihoods : numbers (2, .., 2) in [0, 1], one axis for each token

    Raises
    ------
    TypeError, ValueError
        Where they are not so.

    >>> from fractions import Fraction as F
    >>> both = TokenBits([F(1, 2), F(1, 3)], [[F(0), F(0)], [F(0), F(1)]])  # right if both tokens are 1
    >>> both.pass_rate, [str(x) for x in both.grad_pass_rate]
    (Fraction(1, 6), ['1/12', '1/9'])
    """

    def __init__(self, first: Numbers, likelihoods: Any) -> None:
        chances = numbers("first", first)
        for index, chance in enumerate(chances):
            if not 0 < chance < 1:
                raise ValueError(f"first[{index}] must lie in (0, 1), got {short(chance)}")
        at_most("the length of first", len(chances), 10)
        given = entries("likelihoods", likelihoods)
        if given.shape != (2,) * len(chances):
            raise ValueError(f"likelihoods must have shape {(2,) * len(chances)}, 2 for each token, got {given.shape}")
        rewards = numbers("likelihoods", given.ravel())
        exact = chances.dtype == rewards.dtype == object
        chances, rewards = (fractions_or_floats(array, exact=exact) for array in (chances, rewards))
        bits = np.array(list(itertools.product((0, 1), repeat=len(chances))))  # (s, L)
        each = np.where(bits == 1, chances, 1 - chances)
        scores = (bits - chances)[:, :, None] * np.eye(len(chances), dtype=int)
        self._hold_tokens(
            f"TokenBits({', '.join(map(short, chances))}: {', '.join(map(short, rewards))})",
            each.prod(axis=1),
            rewards,
            np.full(len(bits), len(chances)),
            each,
            scores,
        )
        self.chances = chances

    def moved(self, by: Any) -> TokenBits:
        """The law after its logits have moved by numbers (d,), in floats; likelihoods are as they were.

        >>> TokenBits([0.5], [0.0, 1.0]).moved([np.log(3)]).chances.round(4)
        array([0.75])
        """
        likelihoods = self.likelihoods.astype(np.float64).reshape((2,) * len(self.chances))
        return TokenBits(self._moved(by), likelihoods)
