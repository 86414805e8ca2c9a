"""The survey of whole steps: its parts agree, and some rows are measured again where frameworks are installed."""

import json
import re
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import maxrl_est as mx

ROOT = Path(__file__).parents[2]
AGAIN = {
    "trl": ["GRPOTrainer(loss_type='bnpo')", "RLOOTrainer()"],
    "verl": ["vanilla, token-mean, grpo", "geo_mean, token-mean, grpo"],
    "torchrl": ["GRPOLoss()", "GRPOLoss(aggregation='prompt_mean')"],
    "areal": ["ppo_actor_loss_fn(sequence)"],
    "ms-swift": ["GRPOTrainer()", "GRPOTrainer(loss_type='dapo')"],
    "openrlhf": ["PolicyLoss(policy_loss_type='gspo')"],
    "skyrl": ["token_mean", "token_mean_legacy"],
    "google-tunix": ["GRPOConfig()", "DAPOConfig()"],
}


@pytest.fixture
def survey(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT)])  # at the end: the installed package comes first
    return import_module("analysis.step_survey")


@pytest.fixture
def committed(survey):
    text = (ROOT / "analysis" / "step_survey.csv").read_text()
    rows = survey.study.from_csv(text)
    assert survey.study.to_csv(rows) == text
    return rows


def test_table_and_verdict_are_those_of_the_committed_rows(survey, committed):
    assert (ROOT / "analysis" / "step_survey.md").read_text() == survey.markdown(committed)
    result = json.loads((ROOT / "analysis" / "step_survey.json").read_text())
    assert result["verdict"] == survey.verdict(committed)
    assert result["setup"] == survey.SETUP
    assert "<svg" in (ROOT / "analysis" / "step_survey.svg").read_text()
    assert {row["framework"] for row in committed} == set(survey.FRAMEWORKS) == set(AGAIN)


def test_each_framework_begins_with_a_default_and_each_row_is_of_one_kind(survey, committed):
    """Rejects a row that no count has, and one that two have."""
    for framework in survey.FRAMEWORKS:
        assert next(row for row in committed if row["framework"] == framework)["default"]
    counts = [len(rows) for rows in survey.kinds(committed).values()]
    assert sum(counts) == len(committed)
    assert all(counts)


def test_what_has_the_direction_of_the_gradient_keeps_as_much_of_both_prompts(committed):
    """Two ways to the same finding, and a third: what is along it is a gradient."""
    for row in committed:
        alike = abs(row["hard"] / row["easy"] - 1) < 2e-3
        assert (row["degrees"] == 0) == (alike and row["bent"] == 0), row
        assert row["degrees"] or row["turns"] == "yes", row


def test_numbers_of_the_page_are_those_of_the_verdict(survey, committed):
    number = r"\d+(?:,\d{3})*(?:\.\d+)?"
    pages = (ROOT / "analysis" / "README.md").read_text().split("\n## ")
    (text,) = (page for page in pages if "(step_survey.json)" in page)
    assert "(step_survey.svg)" in text
    assert "(step_survey.md)" in text
    said = set(re.findall(number, text))
    assert said
    assert said <= set(re.findall(number, survey.verdict(committed) + survey.SETUP))


def plain(lengths):
    return mx.steps.policy_gradient("rloo", lengths=lengths)


@pytest.mark.parametrize(
    ("lengths", "divisor", "turns"),
    [
        ("sum", "a constant", "yes"),
        ("mean", "its own length", "turns within"),
        ("tokens", "tokens of the step", "turns in both"),
    ],
)
def test_divisors_are_found_and_what_they_do_to_the_mean(survey, lengths, divisor, turns):
    """Rejects one divisor for another, and a gradient where prompts or tokens are weighed by lengths."""
    assert survey.divisor(plain(lengths)) == divisor
    found = survey.on_lengths(plain(lengths))
    assert found["turns"] == turns
    assert (found["degrees"] == 0) == (lengths == "sum")


def test_micro_batches_are_seen_to_change_a_step(survey):
    """Rejects what the step is in one batch for what it is in two."""
    assert survey.changed(survey.on_lengths(plain("tokens"))) is None
    assert survey.changed(survey.on_lengths(plain("part_tokens"))) is not None


def passing(rewards):
    return np.asarray(rewards, dtype=np.float64)


def kept_only(batch):
    """RLOO over the number of groups that have both rewards."""
    mixed = np.ptp(batch.rewards.astype(np.float64), axis=-1) > 0
    whole = batch.rewards.shape[-2] / np.maximum(mixed.sum(axis=-1), 1)
    return plain("sum")(batch) * whole[..., None, None, None]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (plain("sum"), "nothing"),
        (mx.steps.policy_gradient(passing), "solved: pulled"),
        (kept_only, "dropped"),
    ],
    ids=["RLOO", "no baseline", "kept only"],
)
def test_what_groups_of_equal_rewards_do_is_said(survey, step, said):
    assert survey.equal_rewards(step) == said


def test_ratios_of_sequences_are_right_off_policy_and_those_of_tokens_are_not(survey):
    """Rejects the angle with ratios for that without."""
    by = {ratio: mx.steps.policy_gradient("rloo", ratio=ratio) for ratio in ("sequence", "token", None)}
    found = {ratio: survey.off_policy(step) for ratio, step in by.items()}
    assert found["sequence"]["stale"] == 0
    assert 0 < found["token"]["stale"] < found[None]["stale"] == found["sequence"]["ignored"]


@pytest.mark.parametrize(("framework", "names"), AGAIN.items(), ids=AGAIN)
@pytest.mark.filterwarnings("ignore")
def test_what_is_installed_is_as_committed(survey, committed, framework, names):
    expected = {row["step"]: row for row in committed if row["framework"] == framework}
    there = next(iter(expected.values()))["version"]
    if survey.installed(framework) != there:
        pytest.skip(f"needs {framework} {there}")
    shipped = {step.name: step for step in survey.steps_of(framework)}
    assert list(shipped) == list(expected)
    for name in names:
        measured = survey.study.from_csv(survey.study.to_csv([survey.row(framework, shipped[name])]))
        assert measured == [expected[name]]
