"""Results as text, as HTML and as data frames."""

from __future__ import annotations

import sys
import types
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.measures._columns import shown
from maxrl_est.problems import Bernoulli, Contextual, Gaussian

COIN = Bernoulli(F(1, 4))
GAUSSIAN = Gaussian(0.0, 1.0, 1.0, 0.5)
RESULTS = {
    "moments": mx.exact_moments(COIN, "maxrl", 2),
    "rounded": mx.closed_form_moments(GAUSSIAN, "ustat", 8),
    "sequential": mx.closed_form_moments(COIN, "sumo", None),
    "weight": mx.effective_weight("maxrl_shipped", 8),
    "weight in floats": mx.effective_weight("grpo", 8),
    "nearest": mx.effective_weight("rloo", 8).nearest(),
    "sampled": mx.monte_carlo(COIN, "rloo", 4, replicates=100, seed=0),
    "judged": mx.monte_carlo(COIN, "rloo", 4, replicates=100, seed=0, target=[0.1], bounds=(-2, 2), tolerance=0.1),
    "evidence": mx.moments(COIN, "maxrl", 2, target=mx.Objective.maxrl(2)),
    "drawn": mx.moments(GAUSSIAN, "maxrl", 4, replicates=100, target=mx.Objective.maxrl(4)),
    "baseline": mx.optimal_baseline(COIN, 4),
}
results = pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)


@results
def test_results_print_on_any_terminal(result):
    assert str(result).isascii()
    assert "Fraction(" not in str(result)
    assert "array(" not in str(result)
    assert max(map(len, str(result).splitlines())) <= 100


@results
def test_results_show_in_notebooks_all_that_they_are(result):
    html = result._repr_html_()
    assert html.count("<table>") == html.count("</table>") == 1
    for name in result.columns():
        assert f"<th>{name}</th>" in html


@results
def test_results_become_data_frames_of_their_numbers(result, monkeypatch):
    """Whichever of pandas and polars there is gets the columns unrounded; here neither need be installed."""
    pandas = types.ModuleType("pandas")
    pandas.DataFrame = dict
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "pandas")
    got = result.to_dataframe()
    assert got == result.columns()
    assert len({len(column) for column in got.values()}) == 1


@pytest.mark.parametrize(
    ("name", "n", "text"),
    [
        ("rloo", 8, "W(p) = 1\nexactly J_1"),
        ("mean_centred", 8, "W(p) = 7/8\nexactly 7/8 x J_1"),
        ("maxrl_shipped", 4, "W(p) = 1 + q + q^2, q = 1 - p\nexactly J_3"),
        ("passk(3)", 4, "W(p) = 3 q^2, q = 1 - p\nexactly pass@3"),
        ("maxrl_shipped", 1, "W(p) = 0\nexactly 0 (no learning)"),
        ("maxrl", 64, "W(p) = 1 + q + q^2 + q^3 + q^4 + ... + q^62 + q^63, q = 1 - p\nexactly J_64"),
    ],
)
def test_a_weight_says_its_size_its_polynomial_and_its_objective(name, n, text):
    assert str(mx.effective_weight(name, n)) == f"n = {n}: E[g] = W(p) grad p for 0/1 rewards\n{text}"


def test_signs_and_quotients_of_a_weight_are_written_out():
    half = mx.Objective.from_coefficients([F(-1, 3), 2, F(-1, 7)])
    got = str(mx.effective_weight(lambda l: mx.advantages(l, half), 3))
    assert "W(p) = - 1/3 + 2 q - (1/7) q^2, q = 1 - p" in got


def test_a_weight_in_floats_is_told_by_its_values_since_powers_would_amplify_roundings():
    got = str(mx.effective_weight("grpo", 8))
    assert "W(p), in floats\nno known objective; nearest" in got
    assert got.splitlines()[-6].split() == ["0.5", shown(mx.effective_weight("grpo", 8).value(0.5))]


def test_of_many_coordinates_the_ends_are_shown_and_all_are_in_the_frame():
    many = mx.exact_moments(Contextual([Bernoulli(k / 100) for k in range(1, 51)]), "rloo", 2)
    assert len(str(many).splitlines()) == 3 + 12 + 1
    assert "..." in str(many)
    assert str(many).splitlines()[-1].split()[0] == "49"
    assert len(many.columns()["mean"]) == 50


def test_numbers_are_shown_as_they_are_read():
    assert [shown(x) for x in (F(2, 3), F(1, 10**20), 1 / 3, np.inf, 0, None, "x")] == [
        "2/3",
        "1e-20",
        "0.333333",
        "inf",
        "0",
        "-",
        "x",
    ]


def test_the_verdict_stands_above_the_numbers_that_it_is_about():
    assert "INCONCLUSIVE (betting)" in str(RESULTS["judged"])
    assert {"bias", "bias from", "bias to"} <= set(RESULTS["judged"].columns())
    assert not {"bias", "bias from"} & set(RESULTS["sampled"].columns())
    assert "standard error" in RESULTS["drawn"].columns()
    assert "standard error" not in RESULTS["evidence"].columns()
