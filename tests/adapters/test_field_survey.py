"""The survey of what trainers ship: its parts agree, and it is measured again where frameworks are installed."""

import json
import re
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
NEVER = "of nothing even on 0/1 rewards"
TRAINERS = (
    "trl",
    "verl",
    "torchrl",
    "areal",
    "axolotl",
    "ms-swift",
    "openpipe-art",
    "openrlhf",
    "skyrl",
    "tinker-cookbook",
    "google-tunix",
)


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
    assert tuple(survey.FRAMEWORKS) == TRAINERS == tuple(dict.fromkeys(row["framework"] for row in committed))


def test_where_the_mean_is_along_the_gradient_it_is_that_of_the_same_multiple(committed):
    """Two ways to the same finding: the mean on one law, and triangles in all groups of other rewards."""
    along = [row for row in committed if row["angle"] == 0.0]
    for row in along:
        factor = "" if row["graded"] == "unbiased" else row["graded"].removesuffix(" of the gradient") + " x "
        assert row["gradient"] == f"of {factor}{'E l' if row['objective'].endswith('J_1') else 'J_4'}", row
    of_nothing = [row for row in committed if row["gradient"] == "of nothing"]
    assert len(along) >= 8
    assert of_nothing
    assert all(row["angle"] > 0 for row in of_nothing)


def test_the_verdict_counts_each_function_once(survey, committed):
    """Rejects rows of this package among those that are shipped, and a finding that no count has."""
    said = re.search(r"the gradient (of .*?)\. Of ", survey.verdict(committed))
    counts = [int(count) for count in re.findall(r"for (\d+)", said[1])]
    assert sum(counts) == sum(row["by"] == "shipped" for row in committed)


def test_what_ascends_log_p_is_named(survey, committed):
    """Rejects a verdict that does not follow the rows, and one that names J_1 or a row of this package."""
    said = "A truncation of log p beyond the first order is ascended by "
    named = re.search(rf"{said}(.*?)\. Unbiased", survey.verdict(committed))[1]
    assert named.startswith("skyrl compute_maxrl_advantage(), which is exactly J_7 in groups of 8 and ")
    assert ";" not in named
    others = [row for row in committed if row["framework"] != "skyrl"]
    assert f"{said}none of them." in survey.verdict(others)


def test_rows_of_what_is_not_measured_stay(survey, committed):
    """Rejects rows that are kept beside those that replace them, and trainers in the order of measurement."""
    mine = [row for row in committed if row["framework"] == "skyrl"]
    expected = [row for row in committed if row not in mine[1:]]
    assert survey._rows.merged(mine[:1], "field_survey", survey.FRAMEWORKS) == expected


def less_a_mean_by_length(r):
    return r - (r * (4 - r)).sum(-1, keepdims=True) / (4 - r).sum(-1, keepdims=True)


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("rloo", "of E l"),
        ("mean_centred", "of 3/4 x E l"),
        ("maxrl_shipped", "of nothing"),
        ("plug_in_loo", "direction only (one prompt)"),
        (less_a_mean_by_length, "of an objective without a name"),
    ],
    ids=["RLOO", "centred", "shipped", "plug-in", "by length"],
)
def test_of_what_an_update_is_the_gradient_is_said(survey, rule, found):
    """Rejects three levels, where all else has a direction, and the name of what is only nearest."""
    assert survey.of_group(rule) == found


def over_the_batch(r):
    return (r - r.mean(-1, keepdims=True)) / (r.std() + 1)


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (lambda r: r - r.mean(), "of an objective"),
        (lambda r: (r - r.mean()) / (r.std() + 1), "on 0/1 rewards only"),
        (over_the_batch, NEVER),
        (lambda r: over_the_batch(r) if r.shape[1] == 2 else r, NEVER),
        (lambda r: over_the_batch(r) if r.shape[1] == 3 else r, NEVER),
    ],
    ids=["centred", "normalised", "centred in groups", "at N = 2 alone", "at N = 3 alone"],
)
def test_batches_are_asked_on_two_values_and_on_three_in_both_sizes(survey, rule, found):
    """Rejects 0/1 rewards alone, graded ones alone, and either size alone."""
    assert survey.of_batch(rule) == found


def test_what_depends_on_its_batch_is_weighed_and_nothing_else(committed):
    """Two ways to the same finding: batches of two prompts by their laws, and of three by their counts."""
    weighed = [row for row in committed if row["batch_verdict"]]
    assert weighed == [row for row in committed if row["objective"] == "none: depends on the batch"]
    assert {row["gradient"] == NEVER for row in weighed} == {True, False}
    for row in weighed:
        assert (row["gradient"] == NEVER) == (row["batch_verdict"] != "gradient"), row


@pytest.fixture
def weights(survey):
    return survey._weights


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (lambda r: r - r.mean(), "W = 0.9167, 0.9167, 0.9167, of an objective; many prompts: 1, 1, 1, of an objective"),
        (
            lambda r: (r - r.mean(-1, keepdims=True)) / (r.std() + 1e-9),
            "W = 1.553, 1.528, 1.553, of nothing; many prompts: 1.64, 1.64, 1.64, of an objective",
        ),
        (lambda r: r * r.size, "W = 12, 12, 12, of an objective; many prompts: does not settle"),
        (
            lambda r: r * (1 + np.arange(len(r))[:, None]),
            "W = 1, 2, 3, of an objective; many prompts: their order counts",
        ),
    ],
    ids=["centred", "scaled", "by the size", "by the place"],
)
def test_weights_are_of_a_batch_and_of_many_prompts(weights, rule, said):
    """11/12 = 1 - 1/12 and 1; 3/4 over the root of 0.3 x 0.7, the deviation of the population.

    Rejects either in place of the other, and a population whose mean is 1/2, where that deviation has no slope.
    """
    assert sum(chance * rate for chance, rate in weights.POPULATION) != 0.5
    assert weights.cell({"graded": "not defined"} | weights.weighed(rule)) == said


def test_only_refusals_of_a_limit_are_findings(weights):
    """Rejects a fault in large batches that is taken for a property of the function, and for one of its batches."""

    def in_small_batches(r):
        if len(r) > 3:
            raise ValueError("too many prompts")
        return r - r.mean()

    with pytest.raises(ValueError, match="too many prompts"):
        weights.weighed(in_small_batches)


def test_each_batch_is_asked_once_and_orders_are_still_seen(weights):
    """Rejects answers that are kept by the sorted batch, which would hide what depends on order."""
    asked = []

    def counted(r):
        asked.append((r.shape, r.tobytes()))
        return r - r.mean()

    weights.weighed(lambda r: counted(r) if len(r) == 3 else r - r.mean())
    assert len(asked) == len(set(asked)) > 5**3
    with pytest.raises(ValueError, match="order"):
        weights.weighed(lambda r: r * (1 + np.arange(r.shape[1])))


def test_rows_without_a_batch_say_so(weights):
    """Rejects weights of what ascends the same alone, and of what depends on the order of its rollouts."""
    assert weights.cell(weights.NONE | {"graded": "unbiased"}) == "as alone"
    assert weights.cell(weights.NONE | {"graded": "not defined"}) == "not defined"


def test_verdicts_on_batches_are_counted_by_row(weights):
    """Rejects gradients of the small batch counted again among many prompts, and refused limits among equal weights."""
    kinds = [("gradient", "1, 1", "gradient"), ("none", "2, 2", "gradient"), ("none", "1, 2", "direction")]
    kinds += [("none", "", "does not settle"), ("", "", "")]
    keys = ("batch_verdict", "limit_weights", "limit_verdict")
    said = weights.said([dict(zip(keys, kind, strict=True)) for kind in kinds])
    assert said.startswith(
        "Of 4 that depend on their batch, 1 are gradients on 0/1 rewards in a batch of three prompts, 1"
    )
    assert "1 more as prompts become many, and 1 have the direction of one then; " in said
    assert said.endswith("the same weight, to three digits, for 2.")


@pytest.mark.parametrize("name", TRAINERS)
@pytest.mark.filterwarnings("ignore")
def test_what_is_installed_is_as_committed(survey, committed, name):
    """Of functions that depend on their batch the first: each takes a minute where a trainer pretends to generate."""
    expected = [row for row in committed if row["framework"] == name]
    if survey.installed(name) != expected[0]["version"]:
        pytest.skip(f"needs {name} {expected[0]['version']}")
    shipped = list(survey.FRAMEWORKS[name]())
    assert len(shipped) == len(expected)
    coupled = [row for row in expected if row["batch_verdict"]]
    for (by, function), row in zip(shipped, expected, strict=True):
        if row not in coupled[1:]:
            assert survey.study.from_csv(survey.study.to_csv([survey.row(name, by, function)])) == [row]
