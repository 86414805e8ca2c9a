"""A rule of points that is not what the claims say is caught by the claim that it breaks."""

from __future__ import annotations

import pytest

from maxrl_est.selftest import prove, verify
from maxrl_est.selftest.bridges import circle

CLAIMS = {claim.id: claim for claim in prove.ledger.LEDGER}


def half_the_points(shipped):
    return shipped._replace(points=shipped.points // 2)


def one_pair_fewer(shipped):
    return shipped._replace(phi_real=shipped.phi_real[:-1], phi_imag=shipped.phi_imag[:-1])


def another_radius(shipped):
    return shipped._replace(phi_real=shipped.phi_real * (1 + 1e-12))


def turned(shipped):
    return shipped._replace(phi_real=-shipped.phi_real)


@pytest.mark.parametrize(
    ("wrong", "claim"),
    [
        (half_the_points, "circle-aliases"),
        (half_the_points, "circle-points"),
        (one_pair_fewer, "circle-terms"),
        (another_radius, "circle-rule"),
        (turned, "circle-division"),
    ],
)
def test_a_wrong_rule_is_caught_by_the_claim_that_it_breaks(wrong, claim, monkeypatch):
    rule = circle.rule
    monkeypatch.setattr(circle, "rule", lambda size, order: wrong(rule(size, order)))
    assert verify.disagreement(CLAIMS[claim]).startswith(f"{claim}: the package computes something else")
