"""``maxrl-est weights --ratios``: a second column of numbers, in every way that rows are read."""

from __future__ import annotations

import csv
import json
import os

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est import cli
from maxrl_est.files.rollouts import arrow

ROWS = [("a", 1.0, 0.5), ("a", 0.25, 2.0), ("b", 0.0, 1.0), ("b", 1.0, 0.0), ("b", 0.5, 3.0)]


def written(path, rows=ROWS, blank=False):
    """A file of groups, ratios and likelihoods, in an order of columns that is not that of the options."""
    if path.suffix == ".csv":
        lines = [f"{rho},{group},{l}" for group, l, rho in rows]
        lines = ["rho,group,likelihood", *lines]
    else:
        lines = [json.dumps({"rho": rho, "group": group, "likelihood": l}) for group, l, rho in rows]
    if blank:
        lines.insert(2, "")  # so that rows are read one by one
    path.write_text("\n".join(lines) + "\n")


def read(path):
    """Weights and advantages (2, M) of a weighed file."""
    lines = path.read_text().splitlines()
    rows = csv.DictReader(lines) if path.suffix == ".csv" else map(json.loads, lines)
    return np.array([[float(row["weight"]), float(row["advantage"])] for row in rows]).T


def run(*arguments):
    return cli.main(list(map(str, arguments)))


@pytest.mark.parametrize("blank", [False, True])
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_weights_and_advantages_are_those_of_the_ratios_beside_them(suffix, blank, tmp_path):
    source, target = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    written(source, blank=blank)
    ids, l, rho = zip(*ROWS, strict=True)
    for options, asked in (((), {}), (("--control", 1, "--order", 2), {"control": 1.0, "objective": 2})):
        assert run("weights", source, "-o", target, "--ratios", "rho", *options) == 0
        right = mx.estimators.weights_and_advantages(l, ratios=rho, groups=ids, **asked)
        assert read(target) == pytest.approx(np.array(right), rel=1e-14)
    assert run("weights", source, "-o", target) == 0
    assert (read(target) == mx.estimators.weights_and_advantages(l, groups=ids)).all()


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_logarithms_may_have_ratios(suffix, tmp_path):
    source, target = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    written(source, [(group, l - 1, rho) for group, l, rho in ROWS])
    options = ("--log-likelihood", "likelihood", "--ratios", "rho")
    assert run("weights", source, "-o", target, *options) == 0
    ids, l, rho = zip(*ROWS, strict=True)
    right = mx.estimators.weights_and_advantages(log_likelihoods=np.array(l) - 1, ratios=rho, groups=ids)
    assert read(target) == pytest.approx(np.array(right), rel=1e-14)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_many_rows_have_their_own_ratios_with_pyarrow_and_without(suffix, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    rows = [(f"p{row // 3}", *map(float, pair)) for row, pair in enumerate(rng.random((30_000, 2)))]
    source, target = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    written(source, rows)
    found = []
    for fewest in (1, len(rows) + 1):
        monkeypatch.setattr(arrow, "FEWEST", fewest)
        assert run("weights", source, "-o", target, "--ratios", "rho") == 0
        found.append(target.read_bytes())
    assert found[0] == found[1]
    l, rho = np.array([row[1:] for row in rows]).T.reshape(2, -1, 3)
    assert read(target) == pytest.approx(
        np.reshape(mx.estimators.weights_and_advantages(l, ratios=rho), (2, -1)), rel=1e-13
    )


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize(
    ("rho", "options", "says"),
    [
        (-0.5, (), ":{line}: rho must be a number in [0, 1e+100], got"),
        (float("nan"), (), ":{line}: rho must be a number in [0, 1e+100], got"),
        (float("inf"), (), ":{line}: rho must be a number in [0, 1e+100], got"),
        (1.0, ("--ratios", "rhos"), "columns must have 'rhos'"),
        (1.0, ("--ratios", "likelihood"), "ratios must be another column than likelihoods, got 'likelihood' for both"),
        (1.0, ("--control", "nan"), "--control must be finite, got nan"),
    ],
)
def test_what_are_no_ratios_is_refused_by_its_line(suffix, rho, options, says, tmp_path, capsys):
    source, target = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    written(source, [*ROWS[:4], ("b", 0.5, rho)])
    assert run("weights", source, "-o", target, "--ratios", "rho", *options) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert says.format(line=6 if suffix == "csv" else 5) in said
    assert os.listdir(tmp_path) == [source.name]


def test_groups_that_cancel_are_refused_by_name(tmp_path, capsys):
    source = tmp_path / "in.csv"
    written(source, [("a", 1.0, 1.0), *(("b", 1.0, 1e90) for _ in range(6))])
    assert run("weights", source, "--ratios", "rho") == 2
    assert "in.csv:3: group 'b' of 6 rows: ratios[0, 0] must have others whose terms cancel" in capsys.readouterr().err


def test_control_without_ratios_and_ratios_of_an_array_are_refused(tmp_path, capsys):
    source = tmp_path / "in.npy"
    np.save(source, np.ones((2, 3)))
    assert run("weights", source, "--control", "1") == 2
    assert "--control must come with --ratios, got 1.0 without" in capsys.readouterr().err
    assert run("weights", source, "-o", tmp_path / "out.npy", "--ratios", "rho") == 2
    assert "ratios must be a column of .csv or .jsonl, got 'rho' for an array" in capsys.readouterr().err
