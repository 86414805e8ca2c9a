"""Every claim of the ledger, proved and compared with what this very package computes.

The proofs import nothing of the package, so that a fault here cannot vouch for itself. A bridge (`bridges`) takes a
claim's own formulas and evaluates them, on exact rationals where the package accepts them, beside the package.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from maxrl_est.selftest import bridges, prove
from maxrl_est.selftest.bridges import baseline, estimator, integral, objective, regression, variance

TOPICS = (objective, estimator, integral, baseline, variance, regression)
_FOLDER = Path(bridges.__file__).parent


def outcomes(*, progress: Callable[[str | None], None]) -> Iterator[Any]:
    """What proving and bridging each claim found."""
    return prove.outcomes(check=proved_and_bridged, progress=progress)


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
