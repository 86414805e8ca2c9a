"""The ledger is true of the package: each claim's own formulas against what the public functions compute."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from maxrl_est.selftest import prove, verify


@pytest.mark.parametrize("claim", prove.ledger.LEDGER, ids=lambda claim: claim.id)
def test_the_package_computes_what_the_claim_says(claim):
    assert verify.disagreement(claim) == ""


def test_the_ledger_gives_all_that_a_reader_needs():
    assert len(prove.ledger.LEDGER) >= 30
    for claim in prove.ledger.LEDGER:
        row = prove.to_dict(prove.ledger.Outcome(claim, "", 0.0))
        for key in ("id", "says", "latex", "domain", "method", "false_sibling"):
            assert row[key], (claim.id, key)
        assert not claim.says.endswith(".")


def test_every_statement_of_the_post_has_a_verdict():
    verdicts = {claim.post[0] for claim in prove.ledger.LEDGER if claim.post}
    assert verdicts <= set(prove.checking.Post)
    assert {"proved", "corrected"} <= verdicts
    assert all(said for said, _ in prove.ledger.EXPERIMENTS)


def test_a_claim_whose_sibling_passes_fails():
    claim = prove.ledger.LEDGER[0]
    assert "false sibling" in prove.proved(dataclasses.replace(claim, sibling=claim.steps[0].relation))
    wrong = dataclasses.replace(claim.steps[0], relation=claim.sibling)
    assert claim.id in prove.proved(dataclasses.replace(claim, steps=(wrong,)))


def test_the_committed_page_shows_the_ledger_as_it_is():
    page = (Path(__file__).parents[1] / "proofs" / "LEDGER.md").read_text()
    for claim in prove.ledger.LEDGER:
        assert f"\n## {claim.id}\n\n{claim.says}.\n" in page
    assert page.count("\n## ") == len(prove.ledger.LEDGER) + 1  # and what is left to experiment
