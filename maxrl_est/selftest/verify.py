"""Every claim of the ledger, proved and compared with what this very package computes.

The proofs import nothing of the package, so that a fault here cannot vouch for itself. A bridge (`bridges`) takes a
claim's own formulas and evaluates them, on exact rationals where the package accepts them, beside the package.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from maxrl_est.selftest import bridges, prove
from maxrl_est.selftest.ascends import ObjectiveRow, objective_table
from maxrl_est.selftest.bridges import (
    ascent,
    baseline,
    batches,
    circle,
    designs,
    estimator,
    graded,
    integral,
    kl_terms,
    normalised,
    objective,
    prior,
    ratios,
    regression,
    steps,
    variance,
)
from maxrl_est.selftest.findings import CHECKS, Finding
from maxrl_est.selftest.side_by_side import side_by_side

TOPICS = (
    objective,
    estimator,
    integral,
    circle,
    baseline,
    ascent,
    graded,
    variance,
    regression,
    batches,
    normalised,
    steps,
    ratios,
    prior,
    kl_terms,
    designs,
)
_FOLDER = Path(bridges.__file__).parent


@dataclass(frozen=True, slots=True)
class Verification:
    """What holds of this installation: no theorems, what estimators ascend, and every claim with its outcome."""

    findings: list[Finding]
    objectives: list[ObjectiveRow]
    claims: list[Any]

    @property
    def holds(self) -> bool:
        """Whether all is well."""
        return all(finding.holds for finding in self.findings) and not any(outcome.failure for outcome in self.claims)


def verification(*, progress: Callable[[str | None], None]) -> Verification:
    """Compute all of it, several parts at a time."""
    names = [claim.id for claim in prove.ledger.LEDGER]
    checks = {check.__name__.replace("_", " "): check for check in CHECKS}
    claims = {name: partial(prove.timed, proved_and_bridged, name) for name in names}
    found = side_by_side({**checks, "objectives": objective_table, **claims}, progress=progress)
    findings, objectives = [next(found) for _ in checks], next(found)
    return Verification(findings, objectives, [prove.outcome(name, *next(found)) for name in names])


def proved_and_bridged(claim: Any) -> str:
    """What is wrong with a claim, its proof or the package; empty if nothing is."""
    return prove.proved(claim) or disagreement(claim)


def disagreement(claim: Any) -> str:
    """Where the package computes something else than the claim says; empty if nowhere.

    The last line of the bridge says which of its comparisons failed.
    """
    name = claim.id.replace("-", "_")
    found = [vars(topic)[name] for topic in TOPICS if name in vars(topic)]
    if len(found) != 1:
        return f"{claim.id}: it has {len(found)} bridges, and needs one"
    try:
        found[0](claim)
    except Exception as error:
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == _FOLDER
        ]
        at = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}: {frames[-1].line}" if frames else name
        said = f" raised {error!r}" if not isinstance(error, AssertionError) else ""
        return f"{claim.id}: the package computes something else, by bridges/{at}{said}"
    return ""
