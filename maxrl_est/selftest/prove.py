"""The claims ledger: every formula of the package as a theorem, checked by machine when asked.

The proofs are a package of their own that imports nothing of this one: ``proofs/`` in a checkout, installed as
``maxrl_est.proofs``.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from maxrl_est._arguments import versions
from maxrl_est.files.formats import to_markdown
from maxrl_est.training.processes import workers

_PROOFS = "maxrl_est.proofs"
_MOST_WORKERS = 4  # each imports sympy, which takes as long as a few proofs


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


def outcomes(
    ids: Iterable[str] = (), *, check: Callable[[Any], str] = proved, progress: Callable[[str | None], None]
) -> Iterator[Any]:
    """What the check finds of the claims of the given ids (all, if none is given), several at a time."""
    wanted = set(ids)
    claims = [claim for claim in ledger.LEDGER if not wanted or claim.id in wanted]
    with _mapping(len(claims)) as side_by_side:
        found = side_by_side(partial(_timed, check), [claim.id for claim in claims])
        for count, claim in enumerate(claims, 1):
            progress(f"claim {count} of {len(claims)}: {claim.id}")
            yield ledger.Outcome(claim, *next(found))


@contextmanager
def _mapping(tasks: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """`map`, by several processes where there is enough to do."""
    count = min(_MOST_WORKERS, os.cpu_count() or 1, tasks)
    if count == 1:
        yield map
        return
    with workers(count) as executor:
        yield executor.map


def _timed(check: Callable[[Any], str], name: str) -> tuple[str, float]:
    """The check of the claim of that name, which other processes know as well, and its seconds."""
    claim = next(claim for claim in ledger.LEDGER if claim.id == name)
    start = perf_counter()
    return check(claim), perf_counter() - start


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
