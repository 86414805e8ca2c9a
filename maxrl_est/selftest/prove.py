"""The claims ledger: every formula of the package as a theorem, checked by machine when asked.

The proofs are a package of their own that imports nothing of this one: ``proofs/`` in a checkout, installed as
``maxrl_est.proofs``.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PROOFS = "maxrl_est.proofs"


def part(name: str) -> Any:
    """A module of the proofs."""
    if importlib.util.find_spec(_PROOFS) is None:  # a checkout
        folder = Path(__file__).parents[2] / "proofs"
        spec = importlib.util.spec_from_file_location(_PROOFS, folder / "__init__.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[_PROOFS] = package = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(package)
    return importlib.import_module(f"{_PROOFS}.{name}")


ledger, checking = part("ledger"), part("checking")


def outcomes(ids: Iterable[str] = (), *, progress: Callable[[str | None], None]) -> Iterator[Any]:
    """Check the claims of the given ids (all, if none is given), one after the other."""
    wanted = set(ids)
    claims = [claim for claim in ledger.LEDGER if not wanted or claim.id in wanted]
    for count, claim in enumerate(claims, 1):
        progress(f"proof {count} of {len(claims)}: {claim.id}")
        yield ledger.check(claim)


def to_dict(outcome: Any) -> dict[str, Any]:
    """A claim and what checking it found, for JSON."""
    claim = outcome.claim
    verdict, wording = claim.post or (None, None)
    return {
        "id": claim.id,
        "says": claim.says,
        "latex": claim.latex,
        "domain": claim.where,
        "method": claim.method,
        "certificate": claim.certificate,
        "false_sibling": str(claim.sibling),
        "post_says": wording,
        "post_verdict": verdict,
        "holds": not outcome.failure,
        "failure": outcome.failure,
        "seconds": outcome.seconds,
    }


def markdown(outcomes: Iterable[Any]) -> str:
    """The ledger as a page: what each claim says, its formulas, and how they were checked."""
    made = f"Made by `maxrl-est prove --markdown` on {date.today()} with sympy {version('sympy')}."
    lines = ["# Claims", "", made, "", "| claim | method | proved |", "| --- | --- | --- |"]
    outcomes = list(outcomes)
    lines += [
        f"| [{o.claim.id}](#{o.claim.id}) | {o.claim.method} | {'no' if o.failure else 'yes'} |" for o in outcomes
    ]
    for outcome in outcomes:
        claim = outcome.claim
        lines += ["", f"## {claim.id}", "", f"{claim.says}.", "", f"For {claim.where}."]
        for step in claim.steps:
            where = f" (for {step.domain})" if step.domain else ""
            lines += ["", f"- {step.says}{where}, by {step.by.method}:", "", f"  $${checking.latex(step.relation)}$$"]
        lines += ["", f"False sibling, refuted: ${checking.latex(claim.sibling)}$"]
        if claim.post:
            verdict, wording = claim.post
            lines += ["", f"The post says: {wording}. Verdict: **{verdict}**."]
        if outcome.failure:
            lines += ["", f"**Fails**: {outcome.failure}"]
    lines += ["", "## Left to experiment", ""]
    lines += [f"- The post says: {said}. Verdict: **experiment**, {how}." for said, how in ledger.EXPERIMENTS]
    return "\n".join(lines) + "\n"
