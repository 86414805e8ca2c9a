"""Every study in its quick mode: numbers, a verdict from them and a figure; and what is committed hangs together."""

import io
import json
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]\d+)?%?"
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
def test_what_is_committed_is_said_of_the_committed_numbers(study, name):
    module, text = module_of(name), (ROOT / "analysis" / f"{name}.csv").read_text()
    rows = study.from_csv(text)
    assert study.to_csv(rows) == text
    result = json.loads((ROOT / "analysis" / f"{name}.json").read_text())
    assert {"command", "date", "versions"} < set(result)
    expected = study.words(module, rows)
    assert {key: result[key] for key in expected} == expected
    assert "<svg" in (ROOT / "analysis" / f"{name}.svg").read_text()


@pytest.mark.parametrize("name", STUDIES)
def test_the_page_shows_each_figure_and_has_its_numbers_from_the_verdict(name):
    result = json.loads((ROOT / "analysis" / f"{name}.json").read_text())
    sections = (ROOT / "analysis" / "README.md").read_text().split("\n## ")
    section = next(text for text in sections if f"({name}.svg)" in text)
    said, known = (set(re.findall(NUMBER, text)) for text in (section, result["verdict"] + result["setup"]))
    assert said
    assert said <= known


def test_a_verdict_follows_the_numbers(study):
    """Two baselines change places, and the recommendation changes with them."""
    module = module_of("baselines")
    rows = study.from_csv((ROOT / "analysis" / "baselines.csv").read_text())
    assert "least at worst is mean_loo" in module.verdict(rows)
    swapped = {"mean_loo": "none", "none": "mean_loo"}
    rows = [row | {"baseline": swapped.get(row["baseline"], row["baseline"])} for row in rows]
    assert "least at worst is none" in module.verdict([row for row in rows if "sigma" not in row["problem"]])
