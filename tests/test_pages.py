"""The pages of the checks: each check has one, it says what it should, and its examples do what it says."""

from __future__ import annotations

import functools
import re
from importlib.resources import files

import pytest

import maxrl_est as mx
from maxrl_est.checks import CHECKS, STEP_CHECKS
from maxrl_est.checks._formats.sarif import document
from maxrl_est.checks._pages import GUIDES, page
from maxrl_est.checks._report import identifier

FOLDER = files("maxrl_est") / "checks" / "pages"
WRITTEN = sorted(entry.name.removesuffix(".md") for entry in FOLDER.iterdir())
IDS = sorted(map(identifier, [*CHECKS, *STEP_CHECKS]))
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)


def test_every_check_has_a_page_and_every_page_a_check():
    assert sorted([*IDS, *GUIDES]) == WRITTEN
    assert not {*map(identifier, CHECKS)} & {*map(identifier, STEP_CHECKS)}
    assert document([])  # no rule without a report


@pytest.mark.parametrize("id", sorted({*WRITTEN} - {*GUIDES}))
def test_a_page_says_what_it_is_why_it_matters_and_how_to_mend_it(id):
    about = page(id)
    title, *_ = about.text.splitlines()
    assert identifier(title.removeprefix("# ")) == id
    headings = re.findall(r"^## (.+)$", about.text, re.M)
    assert headings[:2] == ["Why it matters", "Example"]
    assert headings[2] in ("How to mend it", "How to lower it")
    assert about.description.endswith(".")
    assert about.severity in ("failed", "warned", "failed or warned", "never fails")


@pytest.mark.parametrize("id", WRITTEN)
def test_a_page_fits_a_terminal_and_its_advice_a_line(id):
    lines = page(id).text.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 45
    if id != "formats":
        for severity in ("failed", "warned"):
            advice = page(id).advice_on(severity)
            assert 0 < len(advice) <= 80 - len("advice   ")
            assert advice.endswith(".")


@pytest.mark.parametrize("id", sorted({*WRITTEN} - {"formats"}))
def test_the_examples_of_a_page_do_what_it_says(id, monkeypatch):
    """The first block is a wrong function that the check finds, and the second one that it does not."""
    quick = functools.partial(mx.check_estimator, group_sizes=(1, 2, 3, 8))  # what they say, they say at any size
    monkeypatch.setattr(mx, "check_estimator", quick)
    blocks = BLOCK.findall(page(id).text)
    assert len(blocks) == 1 if id in GUIDES else len(blocks) == 2
    assert all("assert" in block for block in blocks[:1])
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, f"{id}.md", "exec"), names)
