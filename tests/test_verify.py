"""The package's own verification: all claims hold, and a broken package would be caught."""

import pytest

from maxrl_est.estimates import ustatistics
from maxrl_est.selftest import verify

VERDICTS = dict(verify.verdicts())


@pytest.mark.parametrize("name", VERDICTS)
def test_claim_holds_and_its_wrong_version_is_rejected(name):
    verdict = VERDICTS[name]()
    assert verdict.holds, verdict


def test_the_table_states_what_is_computed():
    table = {row.estimator: row for row in verify.objective_table(8)}
    assert table["maxrl_shipped"].ascends == "exactly J_7"
    assert not table["grpo"].exact
    assert table["self_normalised"].graded_bias > 0.1
    assert {name for name, row in table.items() if row.graded_bias == 0} == {
        "reinforce", "rloo", "mean_centred",
        "ustat", "ustat_one", "ustat_one_over_n", "ustat_pass_loo", "ustat_mean_loo",
        "passk", "passk_loo", "maxk", "maxk_loo", "maxk_loo_minus_one", "tailrl", "tailrl_centred",
    }  # fmt: skip


BROKEN = {
    "loo_weights": lambda l, objective=None: ustatistics.loo_weights(l, objective) * 2,
    "failure_powers": lambda l, k: ustatistics.failure_powers(l, k) ** 2,
    "objective_estimate": lambda l, objective=None: ustatistics.objective_estimate(l, objective) * 2,
    "weight_estimate": lambda l, objective=None: ustatistics.weight_estimate(l, objective) + 1,
}
CAUGHT_BY = {
    "loo_weights": "gradient is unbiased",
    "failure_powers": "mean advantage is pass at t",
    "objective_estimate": "weights differentiate the objective",
    "weight_estimate": "weight estimate is unbiased",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_function_makes_its_claim_fail(name, monkeypatch):
    monkeypatch.setattr(verify, name, BROKEN[name])
    assert not VERDICTS[CAUGHT_BY[name]]().holds
