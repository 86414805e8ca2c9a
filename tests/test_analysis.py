"""Every study in its quick mode: numbers, a verdict from them and a figure; and what is committed hangs together."""

import io
import json
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STUDIES = ("digits", "regression", "rollouts_needed", "effective_weights", "likelihood_scale", "maze", "baselines")


@pytest.fixture
def study(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT)])  # at the end: the installed package comes first
    return import_module("analysis.study")


def module_of(name):
    if name in ("digits", "regression"):
        pytest.importorskip("sklearn", reason="needs scikit-learn")
    return import_module(f"analysis.{name}")


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_measures_draws_and_has_a_verdict(study, name):
    module = module_of(name)
    rows = module.measure(quick=True)
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    assert re.search(r"\d", module.verdict(rows))
    stream = io.BytesIO()
    module.draw(rows).savefig(stream, format="svg")
    assert len(stream.getvalue()) > 1000


def test_a_study_gives_the_same_bits_again(study):
    maze = module_of("maze")
    assert study.to_csv(maze.measure(quick=True)) == study.to_csv(maze.measure(quick=True))


@pytest.mark.parametrize("name", STUDIES)
def test_committed_results_are_whole(name):
    result = json.loads((ROOT / "analysis" / f"{name}.json").read_text())
    assert {"command", "date", "versions", "seed", "question", "setup", "verdict"} <= set(result)
    assert (ROOT / "analysis" / f"{name}.csv").read_text().count("\n") > 10
    assert "<svg" in (ROOT / "analysis" / f"{name}.svg").read_text()


@pytest.mark.parametrize("name", STUDIES)
def test_the_page_shows_each_figure_and_says_what_the_verdict_says(name):
    result = json.loads((ROOT / "analysis" / f"{name}.json").read_text())
    sections = (ROOT / "analysis" / "README.md").read_text().split("\n## ")
    section = next(text for text in sections if f"({name}.svg)" in text)
    numbers = re.findall(r"\d[\d,]*\.\d+(?:e[+-]\d+)?%?|\d+e-\d+|\d[\d,]{2,}", section)
    assert numbers
    assert [x for x in numbers if x not in result["verdict"] + result["setup"]] == []
