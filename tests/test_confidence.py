"""Sequences of verdicts on a mean: their error rates, their power, and wrong versions that have neither."""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from maxrl_est.confidence import Betting, Catoni, Normal, clopper_pearson, detectable_bias, samples_needed
from maxrl_est.confidence._betting import _Bet

ALPHA = 1e-2  # of each run's verdict
RUNS = 5000  # side by side, one a coordinate
LENGTH = 2000  # values in each
BLOCK = 100
LEVEL = 0.99  # of the one-sided limit of a rate


def rare(rng, size):
    """1 once in a thousand, else 0."""
    return (rng.random(size) < 1e-3).astype(float)


def coin(rng, size):
    return rng.integers(0, 2, size).astype(float)


def skewed(rng, size):
    """Most of it tiny."""
    return rng.random(size) ** 20


def heavy(rng, size):
    """Of infinite fourth moment."""
    return rng.pareto(2.2, size)


BOUNDED = {"rare": (rare, 1e-3), "skewed": (skewed, 1 / 21), "coin": (coin, 0.5)}
SPREAD = {
    "heavy": (heavy, 1 / 1.2, 2.2 / (1.2**2 * 0.2)),
    "rare": (rare, 1e-3, 1e-3 * (1 - 1e-3)),
    "normal": (np.random.Generator.standard_normal, 0.0, 1.0),
}


def betting(mean, **options):
    return Betting(np.full(RUNS, mean), 0, 1, error_rate=ALPHA, family=1, horizon=LENGTH, **options)


def catoni(mean, variance, **options):
    return Catoni(np.full(RUNS, mean), variance, error_rate=ALPHA, family=1, horizon=LENGTH, **options)


def ever(sequence, law, wrong, *, seed=1, length=LENGTH):
    """In how many coordinates something is wrong at some look."""
    rng, found = np.random.default_rng(seed), np.zeros(RUNS, dtype=bool)
    for _ in range(length // BLOCK):
        sequence.update(law(rng, (BLOCK, RUNS)))
        found |= wrong(sequence)
    return int(found.sum())


def misses(mean):
    def wrong(sequence):
        low, high = sequence.interval
        return (mean < low) | (mean > high)

    return wrong


def refuted(sequence):
    return sequence.refuted


def highest(count):
    return clopper_pearson(count, RUNS, LEVEL)[1]


# False alarms, anywhere along the path.


@pytest.mark.parametrize("name", BOUNDED)
def test_betting_refutes_a_right_mean_at_most_as_often_as_stated(name):
    law, mean = BOUNDED[name]
    assert highest(ever(betting(mean), law, refuted)) < ALPHA


@pytest.mark.parametrize("name", BOUNDED)
def test_the_empirical_bernstein_interval_holds_at_all_looks(name):
    law, mean = BOUNDED[name]
    assert highest(ever(betting(mean), law, misses(mean))) < ALPHA


@pytest.mark.parametrize("name", SPREAD)
def test_catoni_holds_at_all_looks(name):
    law, mean, variance = SPREAD[name]
    assert highest(ever(catoni(mean, variance), law, misses(mean))) < ALPHA


@pytest.mark.parametrize("name", SPREAD)
def test_catoni_holds_far_from_its_centre(name):
    """The interval does not rely on the target: here it is 5 standard deviations off."""
    law, mean, variance = SPREAD[name]
    assert highest(ever(catoni(mean + 5 * math.sqrt(variance), variance), law, misses(mean))) < ALPHA


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("name", BOUNDED)
def test_betting_certifies_a_mean_at_the_tolerance_at_most_as_often_as_stated(name, side):
    law, mean = BOUNDED[name]
    tolerance = mean / 2
    bets = betting(mean - side * tolerance, tolerance=tolerance)
    assert highest(ever(bets, law, lambda bets: (bets._peaks[1:] >= -math.log(ALPHA)).all(axis=0))) < ALPHA


def test_a_normal_interval_looked_at_again_and_again_has_more_false_alarms_than_stated():
    count = ever(Normal(np.full(RUNS, 0.5), error_rate=ALPHA, family=1), coin, refuted)
    assert clopper_pearson(count, RUNS, LEVEL)[0] > 2 * ALPHA


def test_stakes_that_know_the_values_they_bet_on_have_more_false_alarms_than_stated(monkeypatch):
    class Clairvoyant(Betting):
        def _take(self, x):
            before = self.count, self.mean, self.squares
            self.add(x)
            after = self.count, self.mean, self.squares
            stake = _Bet.stake
            monkeypatch.setattr(_Bet, "stake", lambda bet, *_: stake(bet, self_mean, variance, after[0], self._centre))
            self_mean, variance = after[1], (0.25 + after[2]) / (1 + after[0])
            self.count, self.mean, self.squares = before
            super()._take(x)
            monkeypatch.setattr(_Bet, "stake", stake)

    bets = Clairvoyant(np.full(RUNS, 0.5), 0, 1, error_rate=ALPHA, family=1, horizon=LENGTH)
    assert clopper_pearson(ever(bets, coin, refuted), RUNS, LEVEL)[0] > 2 * ALPHA


def test_catoni_with_a_variance_declared_too_small_has_more_false_alarms_than_stated():
    law, mean, variance = SPREAD["normal"]
    count = ever(catoni(mean, variance / 4), law, misses(mean))
    assert clopper_pearson(count, RUNS, LEVEL)[0] > 2 * ALPHA


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("y", [1e-12, 0.01, 0.4, 1.0, 3.0, 50.0])
def test_the_influence_function_of_catoni_is_below_what_the_proof_needs(y, side):
    """exp(+-phi(y)) <= 1 +- y + y^2/2, equality on one side; the sum that is kept is phi at the stake."""
    sequence = Catoni([0.0], 1.0, horizon=100)
    sequence.update([[side * y / sequence._stake[0]]])
    phi = float(sequence._sum[0])
    for sign in (-1, 1):
        assert math.exp(sign * phi) <= (1 + sign * side * y + y**2 / 2) * (1 + 1e-14)


# Power, stated before.


POWER_LAWS = {
    "coin": (coin, 0.5, 0.25),
    "rare": (rare, 1e-3, 1e-3),
    "mostly": (lambda rng, size: (rng.random(size) < 0.9).astype(float), 0.9, 0.09),
    "skewed": (skewed, 1 / 21, 1 / 41 - 1 / 21**2),
    "narrow": (lambda rng, size: 0.5 + 1e-3 * coin(rng, size), 0.5005, 2.5e-7),
}


@pytest.mark.parametrize("miss_rate", [0.5, 0.01])
@pytest.mark.parametrize("n", [2000, 20_000])
@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("name", POWER_LAWS)
def test_betting_finds_the_stated_bias_as_often_as_stated(name, side, n, miss_rate):
    law, mean, variance = POWER_LAWS[name]
    runs = 200
    target = mean - side * detectable_bias(n, variance, 1.0, miss_rate=miss_rate)
    if not 0 < target < 1:
        pytest.skip("so large a bias cannot be")
    bets = Betting(np.full(runs, target), 0, 1, family=1, horizon=n)
    rng = np.random.default_rng(2)
    for _ in range(n // 1000):
        bets.update(law(rng, (1000, runs)))
    found = int(bets.refuted.sum())
    assert clopper_pearson(found, runs, 0.999)[1] >= 1 - miss_rate


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("name", SPREAD)
def test_catoni_finds_the_stated_bias_as_often_as_stated(name, side):
    law, mean, variance = SPREAD[name]
    target = mean - side * detectable_bias(LENGTH, variance, miss_rate=0.01, error_rate=ALPHA)
    count = ever(catoni(target, variance), law, refuted)
    assert clopper_pearson(count, RUNS, 0.999)[1] >= 0.99


def test_a_tenth_of_the_stated_bias_is_not_found():
    bias = detectable_bias(LENGTH, 0.25, 1.0, ALPHA)
    assert ever(betting(0.5 - bias / 10), coin, refuted) < RUNS / 10


@pytest.mark.parametrize("width", [None, 1.0, 30.0])
def test_samples_needed_is_the_least_that_detects(width):
    n = samples_needed(0.01, 0.2, width, coordinates=3)
    assert detectable_bias(n, 0.2, width, coordinates=3) <= 0.01 < detectable_bias(n - 1, 0.2, width, coordinates=3)


def test_the_width_of_the_values_costs_little_where_their_variance_is_small():
    """A bound without the variance, such as Dvoretzky-Kiefer-Wolfowitz's, needs 7.6e7 values here."""
    assert samples_needed(0.003, 0.3**2, 4.0, 1e-9, miss_rate=1e-9) < 7.6e7 / 25


def test_more_means_of_one_family_need_more_values():
    one, many = (samples_needed(0.01, 0.25, 1.0, coordinates=d) for d in (1, 1000))
    assert 1.1 < many / one < 1.4


# Verdicts and what is refused.


def test_values_that_are_right_are_certified_and_far_ones_flagged():
    rng = np.random.default_rng(3)
    values = np.stack([coin(rng, 8000), 5 - 2 * skewed(rng, 8000)], axis=1)
    right = [0.5, 5 - 2 / 21]
    for sequence in (
        Betting(right, [0, 3], [1, 5], tolerance=0.1, horizon=8000),
        Catoni(right, [0.25, 0.1], tolerance=0.1, horizon=8000),
        Normal(right, tolerance=0.1),
    ):
        sequence.update(values)
        assert (sequence.biased, sequence.certified) == (False, True)
    for sequence in (
        Betting([0.5, 4.7], [0, 3], [1, 5], tolerance=0.1, horizon=8000),
        Catoni([0.5, 4.7], [0.25, 0.1], tolerance=0.1, horizon=8000),
        Normal([0.5, 4.7], tolerance=0.1),
    ):
        sequence.update(values)
        assert sequence.refuted.tolist() == [False, True]
        assert (sequence.biased, sequence.certified) == (True, False)


def test_few_values_are_inconclusive():
    bets = Betting([0.5], 0, 1, tolerance=0.1, horizon=10)
    bets.update(coin(np.random.default_rng(0), (10, 1)))
    assert (bets.biased, bets.certified) == (False, False)


def test_without_a_tolerance_nothing_is_certified():
    values = np.full((10_000, 1), 0.5)
    for sequence in (Betting([0.5], 0, 1, horizon=10_000), Catoni([0.5], 1, horizon=10_000), Normal([0.5])):
        sequence.update(values)
        assert not sequence.certified


def test_a_tolerance_that_reaches_over_a_bound_is_certified_on_that_side():
    bets = Betting([0.95], 0, 1, tolerance=0.2, horizon=4000)
    bets.update((np.random.default_rng(0).random((4000, 1)) < 0.95).astype(float))
    assert bets.certified


def test_a_value_outside_its_bounds_is_an_error_and_changes_nothing():
    bets = Betting([0.5, 0.5], [0, 0], [1, 1], horizon=100)
    bets.update(np.full((20, 2), 0.25))
    before = bets.state()
    values = np.full((10, 2), 0.25)
    values[7, 1] = 1.5
    with pytest.raises(
        ValueError, match=r"values\[7, 1\] must lie in its declared bounds \[0.0, 1.0\], got 1.5, value 28"
    ):
        bets.update(values)
    assert bets.state() == before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Betting([0.5, 1.0], 0, 1, horizon=9), r"target\[1\] must lie between its bounds 0.0 and 1.0, got 1"),
        (lambda: Betting([0.5], 0, [1, 1], horizon=9), r"upper must have one number for each coordinate.*\(2,\)"),
        (lambda: Betting([0.5], 0, 1, horizon=0), "horizon must be an int of at least 1, got 0"),
        (lambda: Betting([0.5], 0, 1, error_rate=0, horizon=9), r"error_rate must lie in \(0, 1\), got 0"),
        (lambda: Betting([0.5], 0, 1, tolerance=-1, horizon=9), r"tolerance\[0\] must be finite and above 0, got -1.0"),
        (lambda: Betting([0.5], 0, 1, family=0, horizon=9), "family must be an int of at least 1, got 0"),
        (lambda: Betting([math.nan], 0, 1, horizon=9), r"target\[0\] must be finite, got nan"),
        (lambda: Catoni([0.5], 0, horizon=9), r"variance\[0\] must be finite and above 0, got 0.0"),
        (
            lambda: Catoni([0.5], 1, horizon=9).update([0.5]),
            r"values must have the shape \(B, 1\), B at least 1, got \(1,\)",
        ),
        (lambda: Catoni([0.5], 1, horizon=9).update([[math.inf]]), r"values\[0, 0\] must be finite, got inf"),
        (lambda: detectable_bias(0, 1.0), "n must be an int of at least 1, got 0"),
        (lambda: detectable_bias(9, 1.0, 0.0), "width must be finite and above 0, got 0.0"),
        (lambda: samples_needed(0.0, 1.0), "bias must be finite and above 0, got 0.0"),
        (lambda: samples_needed(1e-30, 1.0), "bias must be one that .* values can show, got 1e-30"),
        (lambda: clopper_pearson(3, 2), r"k must be an int in \[0, 2\], got 3"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Betting(["a"], 0, 1, horizon=9), TypeError, "target[0] must be a finite number, got 'a'"),
        (lambda: Betting("x", 0, 1, horizon=9), TypeError, "target must be numbers (d,), got 'x'"),
        (lambda: Betting([10**400], 0, 1, horizon=9), ValueError, f"target[0] must be finite, got 1{36 * '0'}..."),
        (
            lambda: Betting([0.5], "0", 1, horizon=9),
            TypeError,
            "lower must be a finite number or numbers (1,), got '0'",
        ),
        (lambda: Betting([0.5], 0, True, horizon=9), TypeError, "upper must be a finite number, got True"),
        (
            lambda: Betting([0.5], 1, 0, horizon=9),
            ValueError,
            "lower[0] must lie below upper[0] = 0.0, at a finite distance, got 1.0",
        ),
        (
            lambda: Betting([0.5], -1e308, 1e308, horizon=9),
            ValueError,
            "lower[0] must lie below upper[0] = 1e+308, at a finite distance, got -1e+308",
        ),
        (lambda: Catoni([0.5], math.inf, horizon=9), ValueError, "variance must be finite, got inf"),
        (
            lambda: Catoni([0.5], [1, 2], horizon=9),
            ValueError,
            "variance must have one number for each coordinate, (1,), got shape (2,)",
        ),
        (lambda: Normal([0.5], tolerance=[True]), TypeError, "tolerance[0] must be a finite number, got True"),
        (lambda: Normal([0.5]).update("x"), TypeError, "values must be numbers (B, 1), got 'x'"),
        (lambda: Normal([0.5]).update([["x"]]), TypeError, "values[0, 0] must be a finite number, got 'x'"),
        (lambda: Normal([0.5]).update([[1], [True]]), TypeError, "values[1, 0] must be a finite number, got True"),
        (lambda: Normal([0]).update(np.array([["1"]])), TypeError, "values[0, 0] must be a finite number, got '1'"),
        (
            lambda: Normal([0.5]).update([[1], [1, 2]]),
            ValueError,
            "values must have the shape (B, 1), B at least 1, got (2,)",
        ),
        (lambda: Catoni([0.5], 1, horizon=10**30), ValueError, f"horizon must be at most {1 << 62}, got {10**30}"),
        (lambda: Normal([0.5], family=10**30), ValueError, f"family must be at most {1 << 62}, got {10**30}"),
        (lambda: detectable_bias(10**30, 1.0), ValueError, f"n must be at most {1 << 62}, got {10**30}"),
        (lambda: clopper_pearson(1, 10**30), ValueError, f"n must be at most {1 << 62}, got {10**30}"),
    ],
)
def test_what_is_no_number_is_refused_and_never_made_one(make, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        make()


def test_numbers_of_all_kinds_mean_the_same():
    half = Fraction(1, 2)
    plain, other = (
        Betting([0.5], 0, 1, tolerance=0.5, horizon=9),
        Betting([half], [0], np.array(1), tolerance=half, horizon=9),
    )
    plain.update([[1.0], [0.5]])
    other.update([[np.int64(1)], [half]])
    assert plain.state() == other.state()
    assert other.target.dtype == other.tolerance.dtype == np.float64


@pytest.mark.parametrize("value", [True, 2.5, "9"])
def test_numbers_of_values_are_ints_and_rates_are_numbers(value):
    for name, make in {
        "horizon": lambda: Betting([0.5], 0, 1, horizon=value),
        "family": lambda: Normal([0.5], family=value),
        "n": lambda: detectable_bias(value, 1.0),
    }.items():
        with pytest.raises(TypeError, match=f"{name} must be an int of at least 1, got {value!r}"):
            make()
    with pytest.raises(TypeError, match="error_rate must be a number in"):
        Catoni([0.5], 1, error_rate="0.1", horizon=9)


@pytest.mark.parametrize("kind", ["betting", "catoni", "normal"])
def test_a_sequence_goes_on_from_its_written_state_to_the_same_bits(kind):
    def new():
        common = {"tolerance": 0.05, "error_rate": 1e-3}
        if kind == "betting":
            return Betting([0.4], 0, 1, **common, horizon=900)
        return Catoni([0.4], 1.0, **common, horizon=900) if kind == "catoni" else Normal([0.4], **common)

    values = np.random.default_rng(4).random((900, 1))
    whole, first, second = new(), new(), new()
    for block in np.split(values, 9):
        whole.update(block)
    for block in np.split(values, 9)[:4]:
        first.update(block)
    written = json.dumps(first.state())
    second.restore(json.loads(written))
    for block in np.split(values, 9)[4:]:
        second.update(block)
    assert second.state() == whole.state()
    assert second.interval == whole.interval
    assert len(json.dumps(whole.state())) < 1000


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (7, 10_000)])
def test_clopper_pearson_limits_are_the_rates_at_which_the_count_is_just_believable(k, n):
    low, high = clopper_pearson(k, n, 0.99)
    assert low == 0 if k == 0 else stats.binom.sf(k - 1, n, low) == pytest.approx(0.01, rel=1e-9)
    assert high == 1 if k == n else stats.binom.cdf(k, n, high) == pytest.approx(0.01, rel=1e-9)
