"""The survey of what trainers ship: its parts agree, and it is measured again where frameworks are installed."""

import json
import sys
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def survey(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT)])  # at the end: the installed package comes first
    return import_module("analysis.field_survey")


@pytest.fixture
def committed(survey):
    return survey.study.from_csv((ROOT / "analysis" / "field_survey.csv").read_text())


def test_the_table_and_the_verdict_are_those_of_the_committed_rows(survey, committed):
    assert (ROOT / "analysis" / "field_survey.md").read_text() == survey.markdown(committed)
    result = json.loads((ROOT / "analysis" / "field_survey.json").read_text())
    assert result["verdict"] == survey.verdict(committed)
    assert result["setup"] == survey.SETUP
    assert sum(row["by"] == "shipped" for row in committed) >= 12


@pytest.mark.parametrize("name", ["trl", "verl", "torchrl"])
@pytest.mark.filterwarnings("ignore")
def test_what_is_installed_is_as_committed(survey, committed, name):
    expected = [row for row in committed if row["framework"] == name]
    if find_spec(name) is None or version(name) != expected[0]["version"]:
        pytest.skip(f"needs {name} {expected[0]['version']}")
    measured = survey.measure([getattr(survey, name)])
    assert survey.study.from_csv(survey.study.to_csv(measured)) == expected
