"""The estimator table: its numbers against an enumeration of its own, its marks, its formats and its refusals."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est import designs
from maxrl_est.estimators import get
from maxrl_est.files import formats
from maxrl_est.measures import moments
from maxrl_est.problems import Bandit, Bernoulli, Gaussian
from maxrl_est.tables import _drawn_once
from maxrl_est.tables import _measured as tables
from maxrl_est.tables._contents import OPTIMAL, default_rows
from maxrl_est.tables._measured import PROBLEMS, bias_variance_table
from maxrl_est.tables._results import BiasVarianceTable, TableRow, cells

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
        function = tables.ustat_optimal(problem, n) if row.estimator == OPTIMAL else get(row.estimator)
        mean, variance = enumerated(problem, function, n)
        assert row.total_variance == pytest.approx(variance, rel=EXACT), row
        if row.bias is None:
            continue
        truth = mx.target_gradient(problem, function.target(n))
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
    plain = mx.estimators.NamedEstimator("mine", get("ustat_one").function, get("ustat_one").target, "", False)
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
    assert "groups of N >= 5 for pass@5, got N = 4" in notes["passk(5)", 4]
    assert "N = 1" in notes["rloo", 1]
    assert not notes["rloo", 4]
    assert [row.method for row in rows if row.note] == ["none"] * sum(bool(row.note) for row in rows)


def test_inverse_sampling_is_exact_for_log_p_at_the_cost_of_its_rollouts():
    (row,) = bias_variance_table({"coin": Bernoulli(0.25)}, ["inverse_sampling"], 4).rows
    assert (row.target, row.method, row.unbiased) == ("log p", "closed form", True)
    assert row.rollouts == pytest.approx(4)
    assert row.total_variance == pytest.approx(0, abs=1e-15)  # the score of a success is 1 - p, always


SOLVED = designs.sequential("maxrl", designs.until_successes(1, 3))
UNEVEN = designs.sequential("rloo", designs.staged(2, 1))
UNNAMED = designs.sequential("maxrl_cv", designs.staged(2, 1))
ASKED = designs.sequential(mx.Objective.expected(), designs.until_mixed(3))


def under_a_design(stops, function, p):
    """Mean, variance and cost in rollouts, from every sequence of up to three rollouts of a coin."""
    mean = square = cost = 0
    for drawn in itertools.product((0, 1), repeat=3):
        size = next(n for n in (1, 2, 3) if n == 3 or stops(sum(drawn[:n]), n - sum(drawn[:n])))
        used = np.array([Fraction(x) for x in drawn[:size]])
        g = sum(function(used) * [x - p for x in used]) / size
        chance = math.prod(p if x else 1 - p for x in drawn)
        mean, square, cost = mean + chance * g, square + chance * g * g, cost + chance * size
    return mean, square - mean**2, cost


def test_rows_under_a_design_are_exact_with_their_cost_and_what_they_ascend():
    """Which is not what the same rule ascends in groups of as many as the design may draw."""
    p = Fraction(1, 4)
    table = bias_variance_table({"coin": Bernoulli(p)}, [SOLVED, UNEVEN, UNNAMED, ASKED], (2, 8))
    here = {row.estimator: row for row in table.rows if row.n == 2}
    stops, rules = (lambda s, f: s == 1, lambda s, f: s + f == 2 and s > 0), ("maxrl", "rloo", "maxrl_cv")
    for row, rule, stop in zip((SOLVED, UNEVEN, UNNAMED), rules, (stops[0], stops[1], stops[1]), strict=True):
        mean, variance, cost = under_a_design(stop, get(rule), p)
        found = here[row.name]
        assert (found.method, found.rollouts, found.angle) == ("closed form", cost, 0)
        assert found.total_variance == pytest.approx(float(variance), rel=EXACT)
        if found.target != "none":
            assert found.bias == pytest.approx(0, abs=1e-15)
            meant = mx.effective_weight(rule, design=row.design)
            assert meant.value(p) * p * (1 - p) == mean
    assert [here[row.name].target for row in (SOLVED, UNEVEN, ASKED)] == [
        "J_3",
        "1/6 pass@2 + J_1",
        "expected",
    ]  # 1 + q/3
    assert here[SOLVED.name].unbiased
    assert here[UNNAMED.name].target == "none"
    for row in here.values():  # the design decides how many, and n nothing
        assert replace(row, n=8) in table.rows


@pytest.mark.parametrize("name", FINITE[1:])
def test_rows_under_a_design_say_that_graded_rewards_are_not_theirs(name):
    problems = {"graded": Bandit([0.5, 0.5], [0.5, 1.0]), name: PROBLEMS[name], "gaussian": PROBLEMS["gaussian"]}
    rows = bias_variance_table(problems, [SOLVED, "reinforce"], 2, groups=10).rows
    notes = {row.problem: row.note for row in rows if row.estimator == SOLVED.name}
    needed = dict.fromkeys(problems, "needs rewards of 0 and 1")
    assert notes == (needed | {name: ""} if name == "contextual" else needed)
    assert not any(row.note for row in rows if row.estimator == "reinforce")
    ends = bias_variance_table({"0/1": Bandit([0.5, 0.3, 0.2], [0.0, 1.0, 0.0])}, [SOLVED], 2).rows
    assert [row.note for row in ends] == [""]


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
    assert "| b | J_4 | 0.25 ± 0.01 | 12.50% | 9.5 | 0.75 ± 0.002 | 0.8125 | 1.50 | - | 4 | sampled |" in markdown
    assert r"a\_1 & J\_4 & 0 & 0 & 0.0 & 0.5 & 0.5 & 1.00 & - & 4 & enumerated \\" in latex
    assert r"0.25 $\pm$ 0.01" in latex
    assert '<tr class="good"><td>coin</td><td>4</td><td>a_1</td>' in html
    assert '<tr class="bad">' in html
    assert "needs l &gt; 0" in html


def test_the_table_says_whether_the_mean_update_is_a_gradient():
    """On rewards of three levels, for rows and functions of one's own; not for what draws for itself."""

    def thresholded(l):
        return (l > 0.5) * 1.0

    def fragile(l):
        if l.shape[-1] > 2:
            raise RuntimeError("two at most")
        return l

    expected = {"rloo": True, "ustat_optimal": True, "grpo": False, "plug_in_loo": False, "grpo_mean_lift": True}
    expected |= {"vimco": True, "inverse_sampling": None, thresholded: True, fragile: None}
    table = bias_variance_table({"coin": Bernoulli(0.25)}, list(expected), 4)
    assert [row.gradient for row in table.rows] == list(expected.values())
    shown = {line.split("|")[1].strip(): line.split("|")[9].strip() for line in table.to_markdown().splitlines()[6:]}
    assert (shown["rloo"], shown["grpo"], shown["fragile"]) == ("yes", "no", "-")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 0}, ValueError, "n must be an int of at least 1, got 0"),
        ({"n": True}, TypeError, "n must be an int of at least 1, got True"),
        ({"n": [4, 2.5]}, TypeError, "n[1] must be an int of at least 1, got 2.5"),
        ({"n": []}, ValueError, "n must have at least one group size, got []"),
        ({"groups": 1}, ValueError, "groups must be an int of at least 2, got 1"),
        ({"groups": 2.0}, TypeError, "groups must be an int of at least 2, got 2.0"),
        ({"seed": -1}, ValueError, "seed must be an int of at least 0, got -1"),
        ({"seed": True}, TypeError, "seed must be an int of at least 0, got True"),
        ({"problems": {3: Bernoulli(0.5)}}, TypeError, "problems must be named by strings, got the name 3"),
        ({"problems": {"a": 3}}, TypeError, "problems['a'] must be a law, such as those of maxrl_est.problems, got 3"),
        ({"problems": {}}, ValueError, "problems must have at least one problem, got {}"),
        ({"problems": Bernoulli(0.5)}, TypeError, "problems must be a dict of problems by their names, got Bernoulli("),
        ({"estimators": []}, ValueError, "estimators must have at least one row, got []"),
        ({"estimators": 3}, TypeError, "estimators must be names, rows or functions, one or a list, or a dict"),
        ({"estimators": "rlo"}, ValueError, r"estimators[0] must be a name in the table, got 'rlo'; did you mean"),
        ({"estimators": {"mine": 3}}, TypeError, "estimators['mine'] must be a name, a row or a function"),
        ({"n": [4, 2, 4]}, ValueError, r"n[2] must differ from n[0], got 4 again"),
        (
            {"estimators": [3]},
            TypeError,
            "estimators[0] must be a name, a row or a function of likelihoods",
        ),
        ({"estimators": ["rloo"] * 2}, ValueError, "estimators must have different names, got 'rloo' twice; a dict"),
    ],
)
def test_bad_arguments_are_refused_with_the_rule(arguments, error, message):
    defaults = {"problems": {"coin": Bernoulli(0.5)}, "estimators": ["rloo"], "n": 4}
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        bias_variance_table(**defaults | arguments)


def test_a_name_that_is_no_row_is_refused_before_the_work():
    with pytest.raises(ValueError, match="did you mean 'rloo'"):
        bias_variance_table({"coin": Bernoulli(0.5)}, ["rloo", "rlo"], 4, progress=pytest.fail)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_where_there_is_nothing_to_learn_bias_is_absolute(p):
    rows = bias_variance_table({"coin": Bernoulli(p)}, ["ustat", "rloo", "grpo", "inverse_sampling"], 4).rows
    assert [row.relative_bias for row in rows] == [None] * 4
    assert [row.bias for row in rows[:2]] == [0, 0]
    assert all(row.unbiased for row in rows[:2])
    assert rows[3].note == ("" if p else "needs p > 0")


# Functions of one's own.


def centred(r):
    return r - r.mean(axis=-1, keepdims=True)


def of_pairs(r):
    return mx.advantages(r, 2)


def scaled_by_the_batch(r):
    return r * r.shape[0]


def in_logarithms(r):
    if not (r > 0).all():
        raise RuntimeError("not for\n  l = 0")
    return np.log(r)


def bare_logarithms(r):
    return np.log(r)


def raises(r):
    raise SystemExit("out of cheese")


def test_functions_of_ones_own_stand_beside_rows_with_the_same_numbers():
    problems = {name: PROBLEMS[name] for name in ("bandit", "gaussian")}
    own = lambda r: get("ustat_one")(r)  # noqa: E731
    rows = bias_variance_table(problems, {"mine": own, "ustat_one": "ustat_one"}, 4, groups=20_000).rows
    mine, row, sampled, closed = rows
    assert [x.estimator for x in rows] == ["mine", "ustat_one"] * 2
    assert mine == replace(row, estimator="mine")
    assert (sampled.target, sampled.method, closed.method) == ("J_4", "sampled", "closed form")
    assert sampled.bias <= 5 * sampled.bias_error
    assert abs(sampled.total_variance - closed.total_variance) <= 5 * sampled.variance_error


def test_a_function_is_compared_with_the_objective_it_ascends_exactly_on_0_1_rewards():
    rows = bias_variance_table({"coin": Bernoulli(0.25)}, [of_pairs, centred, get("grpo").function], 4).rows
    targets = {row.estimator: (row.target, row.relative_bias) for row in rows}
    assert targets["of_pairs"] == ("J_2", pytest.approx(0, abs=1e-15))
    assert targets["centred"] == ("expected", pytest.approx(1 / 4))  # 3/4 of it, exactly
    assert targets["grpo"] == ("none", None)
    own, row = bias_variance_table({"arms": PROBLEMS["bandit"]}, {"mine": get("rloo").function, "rloo": "rloo"}, 4).rows
    assert own.relative_variance == row.relative_variance == 1  # one target
    (graded,) = bias_variance_table({"arms": PROBLEMS["bandit"]}, {"mine": get("self_normalised").function}, 4).rows
    assert graded.target == "J_4"
    assert not graded.unbiased


def test_a_function_that_cannot_be_evaluated_has_a_row_that_says_why():
    problems = {"coin": Bernoulli(0.25), "arms": PROBLEMS["bandit"]}
    rows = bias_variance_table(problems, [scaled_by_the_batch, in_logarithms, bare_logarithms, raises, "rloo"], 4).rows
    notes = {(row.problem, row.estimator): row.note for row in rows}
    assert "depends on the batch" in notes["coin", "scaled_by_the_batch"]
    assert notes["coin", "in_logarithms"] == "raised RuntimeError: not for l = 0"
    assert "-inf" in notes["coin", "bare_logarithms"]
    assert notes["arms", "in_logarithms"] == notes["arms", "bare_logarithms"] == ""
    assert notes["coin", "raises"] == notes["arms", "raises"] == "raised SystemExit: out of cheese"
    assert notes["coin", "rloo"] == ""
    assert {row.method for row in rows if row.note} == {"none"}


# Where the kernels' compiler is missing, and what notebooks and terminals show.


def test_a_table_is_made_where_numba_is_missing():
    code = """
import sys
from importlib import metadata
installed = metadata.Distribution.from_name
def from_name(name):
    if name == "numba":
        raise metadata.PackageNotFoundError(name)
    return installed(name)
metadata.Distribution.from_name = from_name
sys.modules["numba"] = None
from maxrl_est import cli
sys.exit(cli.main(["table", "--problems", "bernoulli", "--estimators", "ustat", "--group-sizes", "4", "--json", "-"]))
"""
    environment = {**os.environ, "MAXRL_EST_KERNELS": "auto"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    table = json.loads(done.stdout)
    assert {"numpy", "maxrl-est"} < set(table["meta"])
    assert "numba" not in table["meta"]
    assert table["rows"][0]["unbiased"]


def test_a_printed_table_has_its_sections_and_a_legend():
    shown = str(SMALL)
    assert shown.startswith("coin, N = 4\nestimator  target  bias")
    assert "\n\ncoin, N = 8\n" in shown
    assert "0.25 +- 0.01" in shown
    assert shown.endswith("+-: one standard error.")
    assert shown.isascii()  # any terminal can print it
    assert max(map(len, shown.partition("\nbias: ")[2].splitlines())) <= 120
    painted = SMALL.to_text(lambda line, tone: f"<{tone}>{line}")
    assert painted.count("<good>") == painted.count("<bad>") == painted.count("<>") == 1


def test_notebooks_show_a_table_and_data_frames_hold_every_number(monkeypatch):
    assert SMALL._repr_html_() == SMALL.to_html().partition("</h1>\n")[2].rstrip("\n")
    monkeypatch.setattr(formats, "to_dataframe", dict)
    columns = SMALL.to_dataframe()
    assert columns["estimator"] == ["a_1", "b", "c"]
    assert columns["mse"] == [0.5, 0.8125, None]
    assert columns["unbiased"] == [True, False, False]


def test_infinite_variances_are_text_in_json():
    table = replace(SMALL, rows=(replace(SMALL.rows[0], total_variance=math.inf),))
    assert json.loads(table.to_json())["rows"][0]["total_variance"] == "inf"


def test_a_walk_through_a_maze_has_rows_where_it_may_fail():
    maze = mx.tasks.Maze(["S.G"], horizon=2)
    law = maze.at(mx.policies.SoftmaxPolicy(mx.policies.Tabular(maze.cells, 4)), np.zeros(4 * maze.cells))
    row, refused = mx.bias_variance_table({"maze": law}, ["rloo", "vimco"], 4).rows
    assert (row.method, row.unbiased) == ("closed form", True)
    assert (refused.method, refused.note) == ("none", "needs l > 0")


def test_groups_drawn_once_for_all_estimators_give_the_bits_of_groups_drawn_for_each(monkeypatch):
    draws = []
    gaussian = PROBLEMS["gaussian"]

    class Counted:
        prompts = gaussian.prompts

        def sample(self, rng, groups, n):
            draws.append(groups * n)
            return gaussian.sample(rng, groups, n)

    rows = ["maxrl", "grpo", "maxk", lambda l: np.subtract(l, l.mean(-1, keepdims=True), out=l)]
    together = bias_variance_table({"gaussian": Counted()}, rows, n=[3, 4], groups=70_000)
    drawn_once, alone = sum(draws), [moments(gaussian, row, n, replicates=70_000) for n in (3, 4) for row in rows]
    assert [row.total_variance for row in together.rows] == [float(found.total_variance) for found in alone]
    assert [row.variance_error for row in together.rows] == [found.total_variance_error for found in alone]
    assert drawn_once == 70_000 * (3 + 4)
    monkeypatch.setattr(_drawn_once, "KEPT", 1 << 20)  # the rest is drawn again
    draws.clear()
    assert bias_variance_table({"gaussian": Counted()}, rows, n=[3, 4], groups=70_000).rows == together.rows
    assert drawn_once < sum(draws) < len(rows) * drawn_once


def test_unbiased_rows_are_held_against_the_least_variance_there_can_be():
    laws = {"gaussian": Gaussian(0.0, 1.0, 1.0, 0.5), "coin": Bernoulli(0.25)}
    table = bias_variance_table(laws, ["ustat", "ustat_optimal", "grpo", "rloo"], 4, groups=5000)
    rows = {(row.problem, row.estimator): row for row in table.rows}
    for name in ("ustat", "ustat_optimal", "rloo"):
        row = rows["gaussian", name]
        limit = mx.variance_bound(laws["gaussian"], 1 if name == "rloo" else 4, 4).total_variance
        assert row.limit == limit
        assert row.times_limit == row.total_variance / limit > 1
        assert row.efficiency == limit / row.total_variance
    assert rows["gaussian", "grpo"].times_limit is None  # biased
    assert all(row.limit is row.times_limit is row.efficiency is None for row in table.rows if row.problem == "coin")
    gaussian, coin, *_ = table.to_text().split("\n\n")
    assert "x limit  efficiency" in gaussian
    assert "x limit" not in coin
    assert "| x limit | efficiency |" in table.to_markdown()
    assert '"times_limit": ' in table.to_json()
    assert "<th>x limit</th>" in table.to_html()
