"""Laws of tokens: outcomes, scores and pass rates against walks token by token, slopes and what is refused."""

import itertools
import math
import re
from fractions import Fraction as F

import numpy as np
import pytest

from maxrl_est.problems import TokenBits, TokenChain

SLOPE = 1e-8  # absolute, of central differences with step 1e-5

CHAIN = TokenChain([F(1, 2), F(1, 3), F(1, 4)], [F(0), F(1, 8), F(1), F(1, 2)])
CHANCES = [F(1, 2), F(1, 3)]
BITS = TokenBits(CHANCES, [[F(0), F(1, 4)], [F(1, 2), F(1)]])


def walks(chain, last_may_go_on=False):
    """Probability, likelihood, length and each token's probability of every response."""
    stop = [*chain.stop.tolist(), chain.stop[-1] if last_may_go_on else F(1)]
    for t, right in enumerate(chain.right):
        each = [1 - s for s in stop[:t]] + [stop[t]]
        for likelihood, chance in ((F(0), 1 - right), (F(1), right)):
            if chance:
                yield math.prod(each) * chance, likelihood, t + 1, each


def test_a_chain_of_tokens_has_the_outcomes_of_its_walks():
    found = zip(CHAIN.probabilities, CHAIN.likelihoods, CHAIN.lengths, CHAIN.token_probabilities, strict=True)
    expected = list(walks(CHAIN))
    for (chance, likelihood, length, each), (p, l, n, tokens) in zip(found, expected, strict=True):
        assert (chance, likelihood, length) == (p, l, n)
        assert each.tolist() == tokens + [1] * (CHAIN.longest - n)
    assert sum(p for p, *_ in expected) == 1 == CHAIN.probabilities.sum()
    assert sum(p for p, *_ in walks(CHAIN, last_may_go_on=True)) != 1


@pytest.mark.parametrize("law", [CHAIN, BITS], ids=str)
def test_scores_of_tokens_add_up_and_have_mean_zero(law):
    assert (law.token_scores.sum(axis=1) == law.scores).all()
    assert not (law.probabilities @ law.scores).any()
    assert (law.probabilities @ law.token_scores[:, 0]).tolist() == [0] * law.scores.shape[1]


def test_the_gradient_of_a_chain_is_its_slope_in_the_logits():
    chain = TokenChain(CHAIN.stop.astype(float), CHAIN.right.astype(float))
    rates = [[chain.moved(sign * e).pass_rate for sign in (1, -1)] for e in 1e-5 * np.eye(3)]
    slopes = np.array([(high - low) / 2e-5 for high, low in rates])
    assert abs(slopes - chain.grad_pass_rate).max() < SLOPE
    assert abs(slopes + chain.grad_pass_rate).max() > SLOPE  # of logits to go on


def test_bits_have_the_probabilities_and_scores_of_independent_coins():
    for row, bits in enumerate(itertools.product((0, 1), repeat=2)):
        each = [p if bit else 1 - p for p, bit in zip(CHANCES, bits, strict=True)]
        assert BITS.probabilities[row] == math.prod(each)
        assert BITS.token_probabilities[row].tolist() == each
        assert BITS.scores[row].tolist() == [bit - p for p, bit in zip(CHANCES, bits, strict=True)]
    assert BITS.lengths.tolist() == [2] * 4


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: TokenChain([0.5, 1.0], [0, 0, 1]), "stop[1] must lie in (0, 1), got 1.0"),
        (
            lambda: TokenChain([0.5], [0, 0, 1]),
            "right must have 2 numbers, one for each token of stop and the last, got 3",
        ),
        (lambda: TokenChain([], [1]), "stop must be at least one number, (s,), got shape (0,)"),
        (lambda: TokenChain([0.5], [0, 2]), "right[1] must lie in [0, 1], got 2"),
        (lambda: TokenBits([0.5, 0], [[0, 0], [0, 1]]), "first[1] must lie in (0, 1), got 0.0"),
        (lambda: TokenBits([0.5], [[0, 1]]), "likelihoods must have shape (2,), 2 for each token, got (1, 2)"),
        (lambda: TokenBits([0.5] * 11, 0), "the length of first must be at most 10, got 11"),
        (lambda: CHAIN.moved([1, 2]), "by must have one number for each coordinate, (3,), got shape (2,)"),
    ],
)
def test_what_is_no_law_of_tokens_is_refused_in_one_line(make, error):
    with pytest.raises(ValueError, match=f"^{re.escape(error)}$"):
        make()
