"""The estimator table: its numbers against an enumeration of its own, its marks, its formats and its refusals."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.estimators import get
from maxrl_est.problems import Bandit, Bernoulli
from maxrl_est.tables import measured as tables
from maxrl_est.tables.measured import PROBLEMS, bias_variance_table, default_rows
from maxrl_est.tables.rows import BiasVarianceTable, TableRow, cells

EXACT = 1e-10  # relative; measured worst: see the assertion's message
FINITE = ("bernoulli", "bandit", "contextual", "chain")


def enumerated(problem, function, n):
    """Mean and total variance from every multiset of outcomes, summed without rounding errors that grow."""
    mean, square = 0.0, 0.0
    for weight, prompt in problem.prompts:
        pi, l, s = (np.asarray(x, dtype=float) for x in (prompt.probabilities, prompt.likelihoods, prompt.scores))
        groups = np.array(list(itertools.combinations_with_replacement(range(len(pi)), n)))
        chances = [
            math.factorial(n)
            / math.prod(math.factorial(k) for k in np.bincount(group).tolist())
            * math.prod(pi[group].tolist())
            for group in groups
        ]
        advantages = np.array([function(group) for group in l[groups]], dtype=float)
        gradients = (advantages[:, :, None] * s[groups]).sum(axis=1) / n
        mean = mean + weight * np.array(
            [math.fsum(c * g for c, g in zip(chances, x, strict=True)) for x in gradients.T]
        )
        square += weight * math.fsum(c * float(g @ g) for c, g in zip(chances, gradients, strict=True))
    return mean, square - float(mean @ mean)


@pytest.mark.parametrize("name", FINITE)
@pytest.mark.parametrize("n", tables.GROUP_SIZES)
def test_exact_columns_are_those_of_an_enumeration_from_scratch(name, n):
    problem = PROBLEMS[name]
    rows = bias_variance_table({name: problem}, n=n).rows
    assert len(rows) == len(default_rows())
    for row in rows:
        if row.method != "enumerated":
            continue
        function = tables.ustat_optimal(problem, n) if row.estimator == tables.OPTIMAL else get(row.estimator)
        mean, variance = enumerated(problem, function, n)
        assert row.total_variance == pytest.approx(variance, rel=EXACT), row
        if row.bias is None:
            continue
        truth = mx.exact.target_gradient(problem, function.target(n))
        assert row.bias == pytest.approx(np.linalg.norm(mean - truth), rel=EXACT, abs=EXACT * np.linalg.norm(truth))
        assert row.mse == pytest.approx(variance + row.bias**2, rel=EXACT)


# Figures known from the closed forms, to the digits given: likelihood exp(-2 (1 - z)^2), z ~ N(0, 1), N = 8.

GAUSSIAN = {"ustat": 0.0607, "ustat_one": 0.1070, "ustat_one_over_n": 0.0528, "ustat_optimal": 0.0483}


def test_gaussian_variances_come_out_without_sampling():
    rows = bias_variance_table({"gaussian": PROBLEMS["gaussian"]}, list(GAUSSIAN), 8).rows
    assert {row.method for row in rows} == {"closed form"}
    assert {row.estimator: round(row.total_variance, 4) for row in rows} == GAUSSIAN
    assert all(row.unbiased and row.bias_error == row.variance_error == 0 for row in rows)


def test_sampled_rows_carry_errors_that_cover_the_exact_numbers():
    """A plain function has no closed form and is sampled; five standard errors fail once in two million."""
    problem = {"gaussian": PROBLEMS["gaussian"]}
    plain = mx.estimators.NamedEstimator("mine", get("ustat_one").function, get("ustat_one").target)
    (sampled,) = bias_variance_table(problem, [plain], 8, groups=40_000, seed=1).rows
    (exact,) = bias_variance_table(problem, ["ustat_one"], 8).rows
    assert (sampled.method, exact.method) == ("sampled", "closed form")
    assert sampled.bias <= 5 * sampled.bias_error
    assert abs(sampled.total_variance - exact.total_variance) <= 5 * sampled.variance_error
    assert sampled.variance_error < 0.03 * exact.total_variance
    assert "±" in cells(sampled)[2]
    assert "±" not in cells(exact)[2]


def test_a_row_is_the_same_whichever_others_are_asked_for():
    problem = {"gaussian": PROBLEMS["gaussian"]}
    alone = bias_variance_table(problem, ["grpo"], 4, groups=2000).rows[0]
    among = bias_variance_table(problem, ["rloo", "grpo"], (4, 8), groups=2000).rows
    assert alone in among


def test_variances_are_compared_with_the_best_unbiased_row_of_the_same_target():
    rows = bias_variance_table({"coin": Bernoulli(0.25)}, ["maxrl", "maxrl_cv", "ustat_optimal", "rloo"], 4).rows
    shares = {row.estimator: row.relative_variance for row in rows}
    assert shares["ustat_optimal"] == shares["rloo"] == 1
    assert min(shares["maxrl"], shares["maxrl_cv"]) > 1


def test_biased_rows_are_no_yardstick():
    arms = {"arms": Bandit([0.5, 0.3, 0.2], [0.05, 0.4, 0.9])}
    biased, unbiased = bias_variance_table(arms, ["self_normalised", "ustat"], 4).rows
    assert not biased.unbiased
    assert unbiased.unbiased
    assert unbiased.relative_variance == 1


def test_rows_without_a_target_have_an_angle_to_the_gradient_of_p_and_no_bias():
    (row,) = bias_variance_table({"arms": PROBLEMS["bandit"]}, ["grpo"], 8).rows
    assert (row.target, row.bias, row.mse) == ("none", None, None)
    assert 0 < row.angle < 90


def test_rows_that_cannot_be_evaluated_say_why():
    rows = bias_variance_table({"coin": Bernoulli(0.25)}, ["vimco", "passk(5)", "rloo"], (1, 4)).rows
    notes = {(row.estimator, row.n): row.note for row in rows}
    assert notes["vimco", 4] == "needs l > 0"
    assert "order 5 and groups have N = 4" in notes["passk(5)", 4]
    assert "N = 1" in notes["rloo", 1]
    assert not notes["rloo", 4]
    assert [row.method for row in rows if row.note] == ["none"] * sum(bool(row.note) for row in rows)


def test_inverse_sampling_is_exact_for_log_p_at_the_cost_of_its_rollouts():
    (row,) = bias_variance_table({"coin": Bernoulli(0.25)}, ["inverse_sampling"], 4).rows
    assert (row.target, row.method, row.unbiased) == ("log p", "closed form", True)
    assert row.rollouts == pytest.approx(4)
    assert row.total_variance == pytest.approx(0, abs=1e-15)  # the score of a success is 1 - p, always


# Formats.


SMALL = BiasVarianceTable(
    (
        TableRow("coin", 4, "a_1", "J_4", "enumerated", 0.0, 0.0, 0.0, 0.5, 0.5, 1.0, 4.0),
        TableRow("coin", 4, "b", "J_4", "sampled", 0.25, 0.125, 9.5, 0.75, 0.8125, 1.5, 4.0, 0.01, 0.002),
        TableRow("coin", 8, "c", "E max", "none", note="needs l > 0"),
    ),
    {"seed": "0"},
)


def test_json_and_csv_hold_every_number_unrounded():
    got = json.loads(SMALL.to_json())
    assert got == SMALL.to_dict()
    assert [row["unbiased"] for row in got["rows"]] == [True, False, False]
    lines = list(csv.DictReader(io.StringIO(SMALL.to_csv())))
    assert float(lines[1]["mse"]) == 0.8125
    assert lines[2]["bias"] == ""
    assert lines[2]["note"] == "needs l > 0"


def test_reading_formats_round_and_mark_what_is_sampled():
    markdown, latex, html = SMALL.to_markdown(), SMALL.to_latex(), SMALL.to_html()
    assert "## coin, N = 4" in markdown
    assert "## coin, N = 8" in markdown
    assert "| b | J_4 | 0.25 ± 0.01 | 12.50% | 9.5 | 0.75 ± 0.002 | 0.8125 | 1.50 | 4 | sampled |" in markdown
    assert r"a\_1 & J\_4 & 0 & 0 & 0.0 & 0.5 & 0.5 & 1.00 & 4 & enumerated \\" in latex
    assert r"0.25 $\pm$ 0.01" in latex
    assert '<tr class="good"><td>coin</td><td>4</td><td>a_1</td>' in html
    assert '<tr class="bad">' in html
    assert "needs l &gt; 0" in html


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"estimators": ["rlo"]}, "name must be one of the table, got 'rlo'; did you mean 'rloo'?"),
        ({"n": 0}, "n is 0: a group has at least 1 rollout"),
        ({"n": [4, 2.5]}, "n is 2.5: a group has at least 1 rollout"),
        ({"n": []}, "n is []: at least one group size"),
        ({"groups": 1}, "groups is 1: at least 2 are drawn"),
        ({"seed": -1}, "seed is -1: it is an int of at least 0"),
        ({"problems": {}}, "problems is {}: at least one problem"),
        ({"estimators": []}, "estimators is []: at least one row"),
    ],
)
def test_bad_arguments_are_refused_with_the_rule(arguments, message):
    defaults = {"problems": {"coin": Bernoulli(0.5)}, "estimators": ["rloo"], "n": 4}
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        bias_variance_table(**defaults | arguments)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_where_there_is_nothing_to_learn_bias_is_absolute(p):
    rows = bias_variance_table({"coin": Bernoulli(p)}, ["ustat", "rloo", "grpo", "inverse_sampling"], 4).rows
    assert [row.relative_bias for row in rows] == [None] * 4
    assert [row.bias for row in rows[:2]] == [0, 0]
    assert all(row.unbiased for row in rows[:2])
    assert rows[3].note == ("" if p else "needs p > 0")


def test_one_problem_or_one_name_is_no_collection():
    with pytest.raises(TypeError, match=r"problems is Bernoulli\(0.5\): it is a dict of problems by their names"):
        bias_variance_table(Bernoulli(0.5), ["rloo"], 4)
    with pytest.raises(TypeError, match="estimators is 'rloo': it is a list of names or rows"):
        bias_variance_table({"coin": Bernoulli(0.5)}, "rloo", 4)
