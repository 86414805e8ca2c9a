"""Every claim holds, its false sibling does not, and no part of a statement can be changed unnoticed."""

import importlib
import pkgutil

import pytest

from . import ledger
from .checking.perturbation import perturbations

STEPS = [
    pytest.param(claim, step, id=f"{claim.id}-{place}")
    for claim in ledger.LEDGER
    for place, step in enumerate(claim.steps)
]


@pytest.mark.parametrize("claim", ledger.LEDGER, ids=lambda claim: claim.id)
def test_the_claim_is_proved_and_its_false_sibling_refuted(claim):
    assert not ledger.check(claim)


@pytest.mark.parametrize(("claim", "step"), STEPS)
def test_every_change_of_a_coefficient_exponent_or_bound_is_refuted(claim, step):
    changed = perturbations(step.relation)
    assert changed
    assert [relation for relation in changed if not claim.refutes(relation, step)] == []


def test_every_theorem_is_in_the_ledger_once():
    package = ledger.__spec__.parent
    names = [module.name for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith("test_ledger")]
    theorems = [module.CLAIM.id for module in modules if hasattr(module, "CLAIM")]
    assert sorted(theorems) == sorted(claim.id for claim in ledger.LEDGER)
