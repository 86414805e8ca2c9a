"""The constants that stated error rates rest on, one by one: by rationals and by every path, without simulation."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from maxrl_est.confidence import Betting, Catoni, Normal
from two_outcomes import ever, influence, misses

VALUES = [F(k, 8) for k in (8, 0, 3, 8, 8, 1, 5, 8, 7, 8, 0, 8, 8, 2, 6, 8, 8, 8, 4, 8)] * 5
TOLERANCE = F(1, 4)
FLIPS = 14  # of a coin, of which every sequence is enumerated
HAIR = 1e-9  # relative, to either side of a threshold
ROUNDING = 1e-12


def columns(values, d=1):
    """The values (B,) as those (B, d) of d coordinates that are alike."""
    return np.repeat(np.array(values, dtype=np.float64)[:, None], d, axis=1)


def looks(values):
    """Where stakes are set again within one update: after 16 values, or a quarter of all so far."""
    start = 0
    while start < len(values):
        stop = start + max(16, start // 4)
        yield values[:start], values[start:stop]
        start = stop


def moments(past):
    """Mean, variance with one more value at a distance of 1/2, and number of earlier values."""
    mean = sum(past, F(0)) / max(1, len(past))
    return mean, (F(1, 4) + sum((x - mean) ** 2 for x in past)) / (1 + len(past)), len(past)


def capital(side, claim, centre, tolerance=None):
    """What a bet that the mean of `VALUES` is above (side 1) or below a claim makes of 1, at each look: in rationals.

    It stakes Kelly's share for the mean that is expected, of which the target is one value or, for a certificate, as
    many as show a distance of the tolerance; and never so much that one value costs more than half.
    """
    owned, found = F(1), []
    for past, coming in looks(VALUES):
        mean, variance, count = moments(past)
        weight = variance / tolerance**2 if tolerance else F(1)
        gap = side * ((weight * centre + count * mean) / (weight + count) - claim)
        most = F(1, 2) / (claim if side > 0 else 1 - claim)
        stake = side * min(max(gap / (variance + gap**2), F(0)), most)
        owned *= math.prod(1 + stake * (x - claim) for x in coming)
        found.append(owned)
    return found


CENTRE = F(1, 2)
ABOVE, BELOW = capital(1, CENTRE, CENTRE), capital(-1, CENTRE, CENTRE)
AGAINST = max((up + down) / 2 for up, down in zip(ABOVE, BELOW, strict=True))  # the most that both together came to
EXPECTED = F(5, 8)  # nearer the mean of the values, for the certificate
WITHIN = [
    capital(side, EXPECTED - side * TOLERANCE, EXPECTED, TOLERANCE) for side in (-1, 1)
]  # below the upper end, above the lower one


def test_the_capital_of_every_bet_is_that_of_its_definition():
    bets = Betting([float(EXPECTED)], 0, 1, tolerance=float(TOLERANCE), horizon=100)
    bets.update(columns(VALUES))
    expected = [capital(1, EXPECTED, EXPECTED), capital(-1, EXPECTED, EXPECTED), *WITHIN]
    assert np.exp(bets._logs[:, 0]) == pytest.approx([float(bet[-1]) for bet in expected], rel=ROUNDING)


@pytest.mark.parametrize(("d", "family", "means"), [(1, None, 1), (3, None, 3), (1, 7, 7), (3, 1, 1)])
def test_a_mean_is_refuted_when_the_capital_is_the_number_of_means_over_the_error_rate(d, family, means):
    """No factor of 2 is lost, for the two sides that share the capital or for the means that share the error rate."""
    for more, refuted in ((1 - HAIR, False), (1 + HAIR, True)):
        bets = Betting([0.5] * d, 0, 1, error_rate=means / float(AGAINST) * more, family=family, horizon=100)
        bets.update(columns(VALUES, d))
        assert bets.refuted.tolist() == [refuted] * d


@pytest.mark.parametrize("d", [1, 3])
def test_means_are_certified_when_each_capital_is_one_over_the_error_rate(d):
    """However many there are: the bet against a claim that is true has to succeed."""
    least = float(min(map(max, WITHIN)))
    for more, certified in ((1 - HAIR, False), (1 + HAIR, True)):
        bets = Betting([float(EXPECTED)] * d, 0, 1, tolerance=float(TOLERANCE), error_rate=more / least, horizon=100)
        bets.update(columns(VALUES, d))
        assert bets.certified is certified


def of_flips(p):
    """Every sequence of flips (FLIPS, 2^FLIPS), and its chance where 1 has the chance p."""
    flips = np.array(list(itertools.product((0.0, 1.0), repeat=FLIPS))).T
    ones = flips.sum(axis=0)
    return flips, p**ones * (1 - p) ** (FLIPS - ones)


@pytest.mark.parametrize("p", [0.5, 0.125, 0.9])
def test_bets_against_what_is_true_are_fair(p):
    """Their mean is 1 over all sequences of flips, so that Ville's inequality holds; a lost log 2 makes it 2."""
    flips, chance = of_flips(p)
    bets = Betting(np.full(chance.size, p), 0, 1, error_rate=0.25, family=1, horizon=FLIPS)
    for row in flips:
        bets.update(row[None])
    owned = np.logaddexp(*bets._logs) - math.log(2)
    assert chance @ np.exp(owned) == pytest.approx(1, rel=ROUNDING)
    assert (bets._peaks[0] >= owned).all()
    assert chance @ bets.refuted <= 0.25  # 0.07 for a fair coin: most capitals are under way still


@pytest.mark.parametrize("side", [-1, 1])
def test_bets_for_a_certificate_are_fair_at_the_end_of_the_tolerance(side):
    flips, chance = of_flips(0.5)
    bets = Betting(
        np.full(chance.size, 0.5 - side * 0.25), 0, 1, tolerance=0.25, error_rate=0.25, family=1, horizon=FLIPS
    )
    for row in flips:
        bets.update(row[None])
    true = bets._logs[2 if side > 0 else 3]
    assert chance @ np.exp(true) == pytest.approx(1, rel=ROUNDING)
    assert chance @ (bets._peaks[1:] >= math.log(4)).all(axis=0) <= 0.25


@pytest.mark.parametrize("horizon", [FLIPS, 10_000])
@pytest.mark.parametrize("p", [0.5, 0.125, 0.9])
def test_what_the_empirical_bernstein_interval_is_made_of_has_a_mean_of_at_most_one(p, horizon):
    """Each end is where ``exp(sum stake (x - m) - costs)`` is too large. It is nearly 1 at the small stakes.

    Half the costs make it more than 1 there; twice the costs less than 0.7 at large stakes.
    """
    flips, chance = of_flips(p)
    bets = Betting(np.full(chance.size, p), 0, 1, error_rate=0.25, family=1, horizon=horizon)
    for row in flips:
        bets.update(row[None])
    for side in (-1, 1):
        mean = chance @ np.exp(side * (bets._stake_sums - p * bets._stakes) - bets._costs)
        assert (0.993 if horizon > FLIPS else 0.75) < mean <= 1 + ROUNDING


@pytest.mark.parametrize(("d", "family", "means"), [(1, None, 1), (3, None, 3), (1, 7, 7)])
def test_the_empirical_bernstein_interval_is_that_of_its_definition(d, family, means):
    """From stakes that are best at the horizon, and the log of the error rate of one side of one mean."""
    alpha, horizon = 0.01, 3000
    bets = Betting([0.5] * d, 0, 1, error_rate=alpha, family=family, horizon=horizon)
    assert [end.tolist() for end in bets.interval] == [[0.0] * d, [1.0] * d]
    bets.update(columns(VALUES * 3, d))
    log = math.log(2 * means / alpha)
    stakes, sums, costs = 0.0, 0.0, 0.0
    for past, coming in looks(VALUES * 3):
        mean, variance, count = moments(past)
        guess = (F(1, 2) + count * mean) / (1 + count)
        stake = min(0.5, math.sqrt(2 * log / (variance * horizon)))
        stakes += stake * len(coming)
        sums += stake * float(sum(coming))
        costs += (-math.log1p(-stake) - stake) * float(sum((x - guess) ** 2 for x in coming))
    half = (log + costs) / stakes
    low, high = bets.interval
    assert low == pytest.approx([max(0, sums / stakes - half)] * d, rel=ROUNDING)
    assert high == pytest.approx([min(1, sums / stakes + half)] * d, rel=ROUNDING)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_the_empirical_bernstein_interval_is_as_wide_as_the_best_at_its_horizon(scale):
    """``sqrt(2 variance log(2 / error rate) / n)`` to each side; stakes twice or half as large are a quarter wider."""
    n, alpha = 200_000, 1e-3
    bets = Betting([0.0], -scale, scale, error_rate=alpha, horizon=n)
    bets.update(np.resize([[scale / 2], [-scale / 2]], (n, 1)))
    low, high = bets.interval
    best = math.sqrt(2 * (scale / 2) ** 2 * math.log(2 / alpha) / n)
    assert (high - low) / 2 == pytest.approx(best, rel=0.03)


# Catoni.


@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_catoni_misses_a_mean_nearly_as_often_as_stated(alpha):
    """Ever, in four horizons: 0.7 of the error rate. A factor of 2 in the logarithm makes it more than all, or half.

    Values of -1 and 1 have the declared variance, and steps so small that both sides of the proof are nearly attained.
    """
    rate = ever((-1.0, 1.0), 0.5, misses(0.0), alpha=alpha, horizon=1000, end=4000, step=40)
    assert 0.65 * alpha < rate <= alpha


def test_catoni_misses_too_often_where_a_log_2_is_lost():
    """The same at the level of one side: what the test above rejects."""
    rate = ever((-1.0, 1.0), 0.5, misses(0.0), alpha=0.02, horizon=1000, end=4000, step=40)
    assert rate > 1.3 * 0.01


def test_the_ends_of_catoni_are_where_the_bound_of_its_definition_is_one_over_the_error_rate():
    values, target, variance, alpha, horizon = [0.5, -1.0, 2.0, 0.25, 1.5, -0.5] * 40, 0.125, 1.5, 1e-3, 300
    sequence = Catoni([target] * 3, variance, error_rate=alpha, horizon=horizon)
    sequence.update(columns(values, 3))
    log = math.log(2 * 3 / alpha)
    stake = math.sqrt(2 * log / (variance * horizon))
    total = math.fsum(influence(stake * (x - target)) for x in values)
    low, high = (end - target for end in sequence.interval)
    for side, delta in ((1, high), (-1, -low)):
        bound = 1 - stake * delta + stake**2 * (variance + delta**2) / 2
        assert len(values) * np.log(bound) == pytest.approx([-side * total - log] * 3, rel=1e-10)
        assert (delta < 1 / stake).all()


def test_catoni_is_as_wide_as_the_best_at_its_horizon():
    """``sqrt(2 variance log(2 / error rate) / n)`` to each side; stakes twice or half as large are a quarter wider."""
    n, alpha, variance = 100_000, 1e-3, 4.0
    sequence = Catoni([0.0], variance, error_rate=alpha, horizon=n)
    sequence.update(np.resize([[2.0], [-2.0]], (n, 1)))
    low, high = sequence.interval
    assert (high - low) / 2 == pytest.approx(math.sqrt(2 * variance * math.log(2 / alpha) / n), rel=1e-3)


@pytest.mark.parametrize("kind", ["Catoni", "normal"])
def test_means_are_certified_when_their_intervals_are_within_the_tolerance(kind):
    """Of both ends, in the values' own unit, and of all means; no factor of 2 to either side."""
    values = np.stack([columns(VALUES)[:, 0], 1 - columns(VALUES)[:, 0]], axis=1)

    def taken(tolerance=None):
        common = {"tolerance": tolerance, "error_rate": 0.01}
        made = Normal([0.6, 0.4], **common) if kind == "normal" else Catoni([0.6, 0.4], 0.2, **common, horizon=100)
        made.update(values)
        return made

    reach = np.max(abs(np.array(taken().interval) - [0.6, 0.4]), axis=0)
    assert taken((1 + HAIR) * reach).certified
    assert not any(taken(reach * shrunk).certified for shrunk in ([1 - HAIR, 2], [2, 1 - HAIR]))


# Normal.


def of_counts(p, n, alpha):
    """A sequence for each number of ones in n values, and the chances of these."""
    ones = np.arange(n + 1)
    sequence = Normal(np.full(n + 1, p), error_rate=alpha, family=1)
    sequence.restore({"count": n, "mean": (ones / n).tolist(), "squares": (ones * (n - ones) / n).tolist()})
    return sequence, stats.binom.pmf(ones, n, p)


def test_a_normal_interval_misses_the_mean_of_many_coins_as_often_as_stated_at_one_look():
    sequence, chance = of_counts(0.5, 10_000, 0.05)
    assert chance @ sequence.refuted == pytest.approx(0.05, rel=0.03)
    assert chance @ misses(0.5)(sequence) == chance @ sequence.refuted


def test_a_normal_interval_is_no_evidence_for_rare_values():
    """What its documentation says: so few ones, and none at all, have a variance that is far too small."""
    sequence, chance = of_counts(1e-3, 10_000, 1e-9)
    assert chance @ sequence.refuted == pytest.approx(5e5 * 1e-9, rel=0.01)


@pytest.mark.parametrize(("d", "family", "means"), [(1, None, 1), (3, None, 3), (1, 7, 7)])
def test_a_normal_interval_has_the_quantile_of_one_side_of_one_mean(d, family, means):
    sequence = Normal([0.5] * d, error_rate=1e-3, family=family)
    values = np.array([float(x) for x in VALUES])
    sequence.update(columns(values, d))
    half = NormalDist().inv_cdf(1 - 1e-3 / (2 * means)) * values.std(ddof=1) / math.sqrt(values.size)
    assert sequence.interval[0] == pytest.approx([values.mean() - half] * d, rel=1e-9)
    assert sequence.interval[1] == pytest.approx([values.mean() + half] * d, rel=1e-9)
