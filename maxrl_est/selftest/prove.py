"""The claims ledger: every formula of the package as a theorem, checked by machine when asked.

The proofs are a package of their own that imports nothing of this one: ``proofs/`` in a checkout, installed as
``maxrl_est.proofs``.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from maxrl_est._arguments import versions
from maxrl_est.files.formats import to_markdown
from maxrl_est.selftest.side_by_side import side_by_side

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


def proved(claim: Any) -> str:
    """What is wrong with a claim or its proof; empty if nothing is."""
    return str(ledger.check(claim))


def outcomes(ids: Iterable[str] = (), *, progress: Callable[[str | None], None]) -> list[Any]:
    """What proving the claims of the given ids (all, if none is given) found, several at a time."""
    wanted = set(ids)
    tasks = {claim.id: partial(timed, proved, claim.id) for claim in ledger.LEDGER if not wanted or claim.id in wanted}
    return [outcome(name, *found) for name, found in zip(tasks, side_by_side(tasks, progress=progress), strict=True)]


def timed(check: Callable[[Any], str], name: str) -> tuple[str, float]:
    """What a check finds of the claim of that name, by which other processes know it too, and its seconds."""
    start = perf_counter()
    return check(_claim(name)), perf_counter() - start


def outcome(name: str, failure: str, seconds: float) -> Any:
    """The claim of that name with what was found of it."""
    return ledger.Outcome(_claim(name), failure, seconds)


def _claim(name: str) -> Any:
    return next(claim for claim in ledger.LEDGER if claim.id == name)


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
    outcomes = list(outcomes)
    made = f"Made by `maxrl-est prove --markdown` on {date.today()} with sympy {versions('sympy')['sympy']}."
    rows = [(f"[{o.claim.id}](#{o.claim.id})", _in_cell(o.claim.says), "no" if o.failure else "yes") for o in outcomes]
    lines = ["# Claims", "", made, "", to_markdown(("claim", "what it says", "proved"), rows)]
    for outcome in outcomes:
        lines += _section(outcome)
    lines += ["", "## Left to experiment", ""]
    lines += [f"- The post says: {said}. {how}." for said, how in ledger.EXPERIMENTS]
    return "\n".join(lines) + "\n"


def _in_cell(text: str) -> str:
    """Without what markdown would read as emphasis, or as links."""
    return "".join(f"\\{letter}" if letter in r"*_[]<>" else letter for letter in text)


def _section(outcome: Any) -> list[str]:
    claim = outcome.claim
    lines = ["", f"## {claim.id}", "", f"{claim.says}.", "", f"For {claim.where}."]
    for step in claim.steps:
        where = f" (for {step.domain})" if step.domain else ""
        lines += ["", f"- {step.says}{where}, by {step.by.method}:", "", f"  $${checking.latex(step.relation)}$$"]
    lines += ["", f"False sibling, refuted: ${checking.latex(claim.sibling)}$"]
    if claim.post:
        verdict, wording = claim.post
        lines += ["", f"The post says: {wording}. Verdict: **{verdict}**."]
    if outcome.failure:
        lines += ["", f"**Fails**: {outcome.failure}"]
    return lines
