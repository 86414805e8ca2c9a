"""The package's own verification: findings hold, and a broken package is caught by the claim that it breaks."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.selftest import ascends, findings, prove, verify
from maxrl_est.selftest.side_by_side import side_by_side

CLAIMS = {claim.id: claim for claim in prove.ledger.LEDGER}


@pytest.mark.parametrize("check", findings.CHECKS, ids=lambda check: check.__name__)
def test_what_is_no_claim_holds_and_its_wrong_version_is_rejected(check):
    finding = check()
    assert finding.holds, finding


def test_kernels_that_lose_digits_are_told(monkeypatch):
    kernels = findings.load()

    class Worse:
        compiled = True

        @staticmethod
        def loo_weights(groups, coefficients, successes, out):
            kernels.loo_weights(groups, coefficients, successes, out)
            out *= 1 + 16 * 2.0**-52

        full_order_weights = staticmethod(kernels.full_order_weights)

    monkeypatch.setattr(findings, "load", lambda: Worse)
    assert not findings.kernels_are_accurate().holds


def test_the_table_states_what_is_computed():
    table = {row.estimator: row for row in ascends.objective_table(8)}
    assert table["maxrl_shipped"].ascends == "exactly J_7"
    assert not table["grpo"].exact
    assert table["self_normalised"].graded_bias > 0.1
    assert {name for name, row in table.items() if row.graded_bias == 0} == {
        "reinforce", "rloo", "mean_centred",
        "ustat", "ustat_one", "ustat_one_over_n", "ustat_pass_loo", "ustat_mean_loo", "ustat_prior",
        "passk", "passk_loo", "maxk", "maxk_loo", "maxk_loo_minus_one", "tailrl", "tailrl_centred",
        "median", "mean_less_gini", "mean_less_variance",
    }  # fmt: skip


def test_the_table_is_of_groups_of_four_or_more():
    with pytest.raises(ValueError, match="n must be an int of at least 4, got 3"):
        ascends.objective_table(3)


def doubled(function):
    return lambda *arguments, **options: function(*arguments, **options) * 2


def halved_covariance(function):
    def wrong(*arguments, **options):
        found = function(*arguments, **options)
        return dataclasses.replace(found, covariance=found.covariance / 2)

    return wrong


BREAKS = [
    ("loo_weights", doubled, "weight-integral"),
    ("loo_weights", doubled, "unbiased-gradient"),
    ("failure_powers", doubled, "unbiased-powers"),
    ("loo_failure_powers", doubled, "deflation"),
    ("objective_estimate", doubled, "weight-is-derivative"),
    ("weight_estimate", lambda function: lambda l, order: function(l, order) + 1, "unbiased-weight"),
    ("loo_weights", doubled, "ratios"),
    ("advantages", lambda function: lambda l, *order, **options: function(l, *order), "pass-baseline"),
    ("exact_moments", halved_covariance, "gradient-variance"),
    ("closed_form_moments", halved_covariance, "uncorrelated-parts"),
]


@pytest.mark.parametrize(("name", "breaks", "claim"), BREAKS)
def test_a_broken_function_is_caught_by_the_claim_that_it_breaks(name, breaks, claim, monkeypatch):
    assert verify.disagreement(CLAIMS[claim]) == ""
    monkeypatch.setattr(mx, name, breaks(getattr(mx, name)))
    said = verify.disagreement(CLAIMS[claim])
    assert said.startswith(f"{claim}: the package computes something else, by bridges/")
    assert verify.proved_and_bridged(CLAIMS[claim]) == said


def test_a_broken_package_breaks_most_claims_on_weights(monkeypatch):
    monkeypatch.setattr(mx, "loo_weights", lambda l, *order: np.asarray(l) * 0 + 1)
    claims = ("binary-weight", "coin-flips", "mean-advantage", "weight-range", "within-prompt", "any-order-integral")
    assert all(verify.disagreement(CLAIMS[claim]) for claim in claims)


def test_a_bridge_that_raises_or_is_missing_is_no_agreement(monkeypatch):
    monkeypatch.setattr(mx, "loo_weights", lambda *_: 1 / 0)
    said = verify.disagreement(CLAIMS["binary-weight"])
    assert said.startswith("binary-weight: ")
    assert said.endswith("raised ZeroDivisionError('division by zero')")
    unknown = dataclasses.replace(CLAIMS["binary-weight"], id="no-such-claim")
    assert verify.disagreement(unknown) == "no-such-claim: it has 0 bridges, and needs one"


def test_a_claim_that_is_not_proved_is_not_bridged():
    claim = CLAIMS["binary-weight"]
    wrong = dataclasses.replace(claim, steps=(dataclasses.replace(claim.steps[0], relation=claim.sibling),))
    assert verify.proved_and_bridged(wrong) == prove.proved(wrong) != ""


def test_several_claims_are_checked_by_several_processes_in_order(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    wanted, shown = ("binary-weight", "beta-integral", "coin-flips"), []
    found = prove.outcomes(wanted, progress=shown.append)
    assert [outcome.claim.id for outcome in found] == [name for name in CLAIMS if name in wanted]
    assert not any(outcome.failure for outcome in found)
    assert shown[-1] == "3 of 3: beta-integral"
    tasks = {"here": os.getpid, "there": os.getpid}
    assert os.getpid() not in side_by_side(tasks, progress=shown.append)


def test_a_single_processor_does_without_other_processes(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert list(side_by_side({"a": os.getpid, "b": lambda: 2}, progress=lambda _: None)) == [os.getpid(), 2]


def test_a_verification_holds_if_all_of_it_does():
    right, wrong = (findings.Finding("two is two", holds, "none", "three") for holds in (True, False))
    proved = prove.outcome("binary-weight", "", 0.1)
    refuted = prove.outcome("binary-weight", "binary-weight: it is not so", 0.1)
    assert verify.Verification([right], [], [proved]).holds
    assert not verify.Verification([right, wrong], [], [proved]).holds
    assert not verify.Verification([right], [], [proved, refuted]).holds
