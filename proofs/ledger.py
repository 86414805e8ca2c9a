"""All claims, and what checking them found."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from .checking import Claim, Refuted
from .estimator import binary, derivative, unbiased_gradient

LEDGER: tuple[Claim, ...] = (
    unbiased_gradient.CLAIM,
    derivative.CLAIM,
    binary.CLAIM,
)


# Statements of the post that no theorem decides.
EXPERIMENTS = (
    (
        "maximum likelihood is highly applicable to regression tasks with low signal-to-noise ratio",
        "to be settled by training runs, with intervals, whichever way they fall",
    ),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a claim was proved and its false sibling rejected, and in how many seconds."""

    claim: Claim
    failure: str  # empty if there is none
    seconds: float


def check(claim: Claim) -> Outcome:
    """Prove one claim and have its false sibling refuted."""
    start, failure = perf_counter(), ""
    try:
        claim.prove()
        if not claim.refutes(claim.sibling, claim.steps[0]):
            failure = f"{claim.id}: the false sibling {claim.sibling} passes"
    except Refuted as reason:
        failure = str(reason)
    return Outcome(claim, failure, perf_counter() - start)
