"""Likelihoods are checked once a call, at the door, and no result is the caller's memory or read-only."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est import estimators
from maxrl_est.estimates import groups

VALUES = np.array([[0.5, 0.25, 1.0, 0.125], [0.75, 1.0, 0.5, 0.5]])
PUBLIC = {
    "loo_weights": mx.loo_weights,
    "loo_weights of an order": lambda l: mx.loo_weights(l, 2),
    "loo_weights into an array": lambda l: mx.loo_weights(l, out=np.empty(np.shape(l), np.asarray(l).dtype)),
    "weight_estimate": mx.weight_estimate,
    "objective_estimate": mx.objective_estimate,
    "failure_powers": lambda l: mx.failure_powers(l, 2),
    "loo_failure_powers": lambda l: mx.loo_failure_powers(l, 2),
    **{
        f"advantages less {baseline}": lambda l, baseline=baseline: mx.advantages(l, baseline=baseline)
        for baseline in (None, *estimators.BASELINES, 0.25)
    },
    "weights_and_advantages": lambda l: estimators.weights_and_advantages(l)[1],
    "weights of weights_and_advantages": lambda l: estimators.weights_and_advantages(l, 2, baseline="pass_loo")[0],
}
LOGS = {
    "loo_weights": mx.loo_weights,
    "weight_estimate": mx.weight_estimate,
    "objective_estimate": mx.objective_estimate,
    "failure_powers": lambda **logs: mx.failure_powers(None, 2, **logs),
    "loo_failure_powers": lambda **logs: mx.loo_failure_powers(None, 2, **logs),
    "advantages": mx.advantages,
    "weights_and_advantages": estimators.weights_and_advantages,
}


def with_parameters(name):
    """The row, and the row of that parameter where its name takes one."""
    own = f"{name}({1 if name == 'median' else 2})"  # an odd one
    try:
        return {name: estimators.get(name), own: estimators.get(own)}
    except ValueError:
        return {name: estimators.get(name)}


ROWS = {key: row for name in estimators.names() for key, row in with_parameters(name).items()}
ROWS["ustat_optimal"] = mx.ustat_optimal(mx.problems.Bernoulli(0.25), 4)
ROWS["one's own"] = estimators.NamedEstimator("own", lambda l: l, lambda n: None)
every_function = pytest.mark.parametrize("function", (PUBLIC | ROWS).values(), ids=PUBLIC | ROWS)


@pytest.fixture
def checks(monkeypatch):
    """What was checked so far: every way through the door converts what it is given."""
    seen, convert = [], groups._as_numbers

    def counted(name, values):
        seen.append(name)
        return convert(name, values)

    monkeypatch.setattr(groups, "_as_numbers", counted)
    return seen


def test_some_rows_take_a_parameter_and_some_do_not():
    assert {"ustat(2)", "passk(2)", "maxk(2)"} <= ROWS.keys()
    assert "rloo(2)" not in ROWS


@every_function
def test_likelihoods_are_checked_once(function, checks):
    function(VALUES)
    assert checks == ["likelihoods"]


@pytest.mark.parametrize("function", LOGS.values(), ids=LOGS)
def test_logarithms_are_checked_once_and_their_likelihoods_not_again(function, checks):
    function(log_likelihoods=np.log(VALUES), log_ceiling=0.5)
    assert checks == ["log_likelihoods"]


def test_checking_twice_is_seen(checks):
    mx.loo_weights(mx.loo_weights(VALUES) / 4)
    assert checks == ["likelihoods"] * 2


@every_function
@pytest.mark.parametrize("convert", [np.array, np.float32, lambda l: l[0].copy(), np.asfortranarray])
def test_results_are_the_callers_own_to_write_to(function, convert):
    values = convert(VALUES)
    got = np.asarray(function(values))
    assert got.flags.writeable
    assert not np.may_share_memory(got, values)
    before = values.copy()
    got[...] = 7
    assert np.array_equal(values, before)


@every_function
def test_results_on_fractions_are_the_callers_own_too(function):
    values = np.array([[Fraction(x) for x in group] for group in VALUES])
    try:
        got = function(values)
    except TypeError:  # of rows with logarithms or standard deviations
        return
    assert got.flags.writeable
    assert not np.may_share_memory(got, values)
