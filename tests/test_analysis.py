"""Every study in its quick mode: numbers, a verdict from them and a figure; and what is committed hangs together."""

import ast
import io
import json
import math
import re
import sys
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import maxrl_est as mx

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "which_baseline.md")
NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]\d+)?%?"
STUDIES = (
    "digits",
    "regression",
    "regression_efficiency",
    "rollouts_needed",
    "adaptive_sampling",
    "effective_weights",
    "likelihood_scale",
    "maze",
    "baselines",
    "priors",
    "circulation",
    "whole_steps",
    "stale_samples",
    "accuracy",
)


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


def sections(page):
    return (ROOT / "analysis" / page).read_text().split("\n## ")


@pytest.mark.parametrize("name", STUDIES)
def test_a_page_shows_each_figure(name):
    assert any(f"({name}.svg)" in text for page in PAGES for text in sections(page))


@pytest.mark.parametrize("page", PAGES)
def test_sections_have_their_numbers_from_the_verdicts_that_they_link(page):
    for text in sections(page):
        linked = [name for name in STUDIES if f"({name}.json)" in text]
        results = [json.loads((ROOT / "analysis" / f"{name}.json").read_text()) for name in linked]
        said, known = (
            set(re.findall(NUMBER, words)) for words in (text, "".join(x["verdict"] + x["setup"] for x in results))
        )
        assert not linked or (said and said <= known), (text.splitlines()[0], said - known)


def test_the_readme_names_what_each_row_ascends_on_graded_rewards_or_says_nothing():
    """Rejects a row that is left out, and an objective where there is only a direction."""
    cells = [line.split(" | ") for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `")]
    said = {name: row[-1] for row in cells if len(row) == 4 for name in re.findall(r"`(\w+)`", row[0])}
    levels = (0, Fraction(1, 5), Fraction(1, 2), 1)
    for name in mx.estimators.names():
        if mx.estimators.get(name).positive_only or name == "grpo_population":
            continue
        verdict = mx.objective_of(name, 4, levels).verdict  # as in groups of 8
        assert said[name].startswith("nothing") == (verdict != "gradient"), name
        assert ("right direction on one prompt" in said[name]) == (verdict == "direction"), name


def test_the_table_of_baselines_is_of_the_committed_numbers(study):
    rows = study.from_csv((ROOT / "analysis" / "baselines.csv").read_text())
    assert module_of("baselines").table(rows) in (ROOT / "analysis" / "which_baseline.md").read_text()


def test_a_verdict_follows_the_numbers(study):
    """Two baselines change places, and the recommendation changes with them."""
    module = module_of("baselines")
    rows = study.from_csv((ROOT / "analysis" / "baselines.csv").read_text())
    assert "least at worst is mean_loo" in module.verdict(rows)
    swapped = {"mean_loo": "none", "none": "mean_loo"}
    rows = [row | {"baseline": swapped.get(row["baseline"], row["baseline"])} for row in rows if row["N"] > 1]
    assert "least at worst is none" in module.overall(rows)


def test_what_is_said_of_lengths_follows_the_numbers(study):
    """A constant and a mean over each response change places, and the constant is no longer in the direction."""
    module = module_of("whole_steps")
    rows = study.from_csv((ROOT / "analysis" / "whole_steps.csv").read_text())
    assert "as where short ones are, in its direction; a mean over each response 0.333" in module.verdict(rows)
    swapped = {"constant": "response", "response": "constant"}
    rows = [row | {"loss": swapped.get(row["loss"], row["loss"])} for row in rows]
    assert "as where short ones are; a mean over each response 1" in module.verdict(rows)


@pytest.mark.parametrize("rule", ["grpo", "rloo", "maxrl_shipped"])
def test_whole_updates_begin_with_the_weight_of_the_advantage(study, rule):
    """One step has it for every clip range; many small ones come to it, on one batch or on one each."""
    module, p = module_of("whole_steps"), 0.1
    expected = mx.effective_weight(rule, module.N).value(p)
    for loss in (*module.CLIPS, module.FRESH):
        assert module.weight(rule, loss, p, 1.0, 1) == pytest.approx(expected, rel=1e-12)
        assert module.weight(rule, loss, p, 1e-4, 3) == pytest.approx(expected, rel=1e-3)
        assert module.weight(rule, loss, p, 1.0, 3) != pytest.approx(expected, rel=1e-3)


def test_what_is_said_of_ratios_follows_the_numbers(study):
    """Whole ratios and truncated ones change places, and the others are the ones without a bias."""
    module = module_of("stale_samples")
    rows = study.from_csv((ROOT / "analysis" / "stale_samples.csv").read_text())
    assert "with ratios of whole rollouts and the same, control = 1. The other" in module.verdict(rows)
    swapped = {"whole": "truncated", "truncated": "whole"}
    rows = [row | {"ratios": swapped.get(row["ratios"], row["ratios"])} for row in rows]
    assert "with ratios the same, control = 1 and of whole rollouts, cut off at 2. The other" in module.verdict(rows)


@pytest.mark.parametrize("prompt", ["hard", "middling"])
def test_a_ratio_in_front_alone_keeps_what_the_weight_at_the_old_pass_rate_is_of_that_at_the_new(study, prompt):
    module, factor, weight = module_of("stale_samples"), Fraction(3), mx.Objective.maxrl(4).weight
    first, second = module.PROMPTS[prompt]
    was = [chance / (chance + factor * (1 - chance)) for chance in (first, second)]
    kept = weight(was[0] * was[1]) / weight(first * second)
    assert module.row("front", prompt, factor)["kept"] == pytest.approx(float(kept), rel=1e-5)
    assert module.row("none", prompt, factor)["kept"] != pytest.approx(float(kept), rel=1e-2)


def reached(tree):
    """The modules of the package that a file imports, and the attributes that it takes of mx."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("maxrl_est"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("maxrl_est"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "mx":
            yield f"mx.{node.attr}"


@pytest.mark.parametrize("path", sorted((ROOT / "analysis").rglob("*.py")), ids=lambda path: path.stem)
def test_studies_use_public_names_alone(path):
    """Adapters are modules of their own, since each imports its framework; groups to judge floats by are the tests'."""
    public = {"maxrl_est", "maxrl_est.selftest.adversarial.FAMILIES", *(f"mx.{name}" for name in mx.__all__)}
    adapters = r"maxrl_est\.adapters\.(trl|verl|torchrl|swift|tunix|torch|jax)\.[A-Za-z]\w*"
    assert not [x for x in reached(ast.parse(path.read_text())) if x not in public and not re.fullmatch(adapters, x)]


def test_a_module_below_the_top_is_no_public_name():
    inner = "from maxrl_est.measures._closed_forms import ustat_optimal\nimport maxrl_est.problems\nmx._hidden"
    assert len({*reached(ast.parse(inner))} - {"maxrl_est"}) == 3


PROBLEMS = (
    mx.problems.Bandit([Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)], [Fraction(0), Fraction(1, 2), Fraction(1)]),
    mx.problems.Chain([Fraction(1, 2), Fraction(1, 3)], [Fraction(1, 10), Fraction(1, 4), Fraction(1)]),
    mx.problems.Bernoulli(Fraction(1, 7)),
)


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
@pytest.mark.parametrize(("n", "order"), [(2, 1), (2, 2), (3, 2), (4, 1), (4, 3), (4, 4)])
def test_the_variance_with_mean_loo_is_that_over_all_groups(study, problem, n, order):
    """Rejects t_h without its sign, the rest left out of the means, and pairs without the weights of each other."""
    mean_loo = module_of("mean_loo")
    row = mx.estimators.get(f"ustat_mean_loo({order})")
    got = mean_loo.total_variance(mean_loo.raw_moments(problem), n, order)
    assert isinstance(got, Fraction)
    assert got == np.trace(mx.exact_moments(problem, row, n).covariance)


@pytest.mark.parametrize("learn_scale", [False, True])
def test_powers_of_the_likelihood_of_a_regression_have_the_right_moments(study, learn_scale):
    """Rejects a width of sigma / k."""
    mean_loo = module_of("mean_loo")
    problem = mx.problems.Gaussian([0.0, 0.3], 1.0, [1.0, 0.5], 0.7, learn_scale)
    squared = mx.problems.Gaussian([0.0, 0.3], 1.0, [1.0, 0.5], 0.7 / math.sqrt(2), learn_scale)
    for k, whole in ((1, problem.moments), (2, squared.moments)):
        for power, (p, vector, matrix) in (
            (k, (whole.p, whole.lS, whole.lSS)),
            (2 * k, (whole.p2, whole.l2S, whole.l2SS)),
        ):
            got = mean_loo.power_moments(problem, power)
            for x, expected in zip(got, (p, vector, np.trace(matrix)), strict=True):
                np.testing.assert_allclose(x, expected, rtol=1e-12)


def shares(priors, estimator, n):
    """W and t as exact rationals."""
    groups = np.array([[Fraction(int(i < k)) for i in range(n)] for k in range(n + 1)], dtype=object)
    return priors.weights_and_guesses(mx.estimators.get(estimator), groups)


def guessing(weights, guesses):
    """The advantages W_m (1 - t_m) of a success and -W_m t_m of a failure, m successes among the others."""

    def advantages(likelihoods):
        others = (likelihoods.sum(axis=-1, keepdims=True) - likelihoods).astype(int)
        return weights[others] * (likelihoods - guesses[others])

    return advantages


@pytest.mark.parametrize(("answers", "n"), [(2, 2), (2, 3), (3, 3)])
def test_the_variance_is_that_of_the_advantages_but_for_a_share_of_one_in_as_many_answers(study, answers, n):
    """tr Cov = (1 - 1/M) E A^2 / N + (2/M) of a coin's variance, for M right and M wrong answers and any guesses."""
    priors, p = module_of("priors"), Fraction(2, 7)
    weights = np.array([Fraction(3, 2), Fraction(5, 4), Fraction(1)][:n])
    guesses = np.array([Fraction(1, 9), Fraction(1, 3), Fraction(4, 5)][:n])
    law = mx.problems.Bandit(
        [(1 - p) / answers] * answers + [p / answers] * answers, [Fraction(0)] * answers + [Fraction(1)] * answers
    )
    whole, coin = (
        np.trace(mx.exact_moments(problem, guessing(weights, guesses), n).covariance)
        for problem in (law, mx.problems.Bernoulli(p))
    )
    share = Fraction(1, answers)
    assert whole == (1 - share) * priors.noise(p, weights, guesses) / n + 2 * share * coin


def rising(x, k):
    return math.prod((x + i for i in range(k)), start=Fraction(1))


def expected_noise(priors, weights, guesses, alpha, beta):
    """The mean of E A^2 when p has a Beta law, from the moments of p^i (1-p)^j."""
    return sum(
        c * rising(alpha, i) * rising(beta, j) / rising(alpha + beta, i + j)
        for c, i, j in priors.terms(weights, guesses)
    )


@pytest.mark.parametrize(("alpha", "beta"), [(Fraction(1), Fraction(1)), (Fraction(1, 2), Fraction(7, 3))])
@pytest.mark.parametrize("estimator", ["ustat", "ustat(2)", "ustat(1)"])
def test_the_best_guess_is_the_mean_of_the_pass_rate_given_the_others(study, estimator, alpha, beta):
    """The noise is a parabola in each guess, of least value where a step up and down costs the same.

    Rejects (m + alpha) / (N + alpha + beta), which counts the rollout itself.
    """
    priors, n = module_of("priors"), 4
    weights, _ = shares(priors, estimator, n)
    m, step = np.arange(n), Fraction(1, 10)
    for own, least in ((0, True), (1, False)):
        guesses = (m + alpha) / (n - 1 + own + alpha + beta)
        for unit in np.eye(n, dtype=int):
            here, up, down = (
                expected_noise(priors, weights, guesses + way * step * unit, alpha, beta) for way in (0, 1, -1)
            )
            assert (up == down) == least
            assert here < up or not least


def test_baselines_guess_as_their_priors_do(study):
    priors, n = module_of("priors"), 5
    m = np.arange(n)
    assert (shares(priors, "ustat", n)[1] == 0).all()
    for order in ("", "(1)", "(3)"):
        assert (shares(priors, f"ustat_mean_loo{order}", n)[1] == m * Fraction(1, n - 1)).all()
    assert (shares(priors, "rloo", n)[1] == m * Fraction(1, n - 1)).all()
    one = (m + 1) * Fraction(1, n)
    assert (shares(priors, "ustat_one", n)[1] == one).all()
    assert (shares(priors, "maxrl_shipped", n)[1] == np.where(m == 0, 0, one)).all()


@pytest.mark.parametrize("rule", ["grpo", "maxrl", "J_1"])
@pytest.mark.parametrize("name", ["fixed(8)", "until_mixed(16)", "staged(4, 12)"])
def test_what_is_drawn_has_the_mean_and_the_cost_of_its_design(study, rule, name):
    """Rejects a mean over the cap instead of N, scores without the policy's mean, and rollouts that are all counted."""
    module = module_of("adaptive_sampling")
    one, runs, design = module.Problems(np.random.default_rng(1), 1), 300, module.DESIGNS[name]
    many, _ = one.with_rates([1.0] * runs)
    chances, log_p = many.policy(np.zeros((runs, module.FEATURES, module.ANSWERS)))
    drawn = module.sampled(rule, design, np.random.default_rng(2))(many, chances, np.exp(log_p))
    mean = module.expected(module.weight(rule, design), design)(many, chances, np.exp(log_p))
    for found, exact in zip(drawn, mean, strict=True):
        error = found.std(axis=0, ddof=1) / np.sqrt(runs)
        assert (np.abs(found.mean(axis=0) - exact[0]) <= 5 * error + 1e-9).all()


def test_maxrl_ascends_one_objective_under_every_design_that_adapts(study):
    module = module_of("adaptive_sampling")
    for name in (*module.ADAPTIVE, f"fixed({module.CAP})"):
        assert mx.effective_weight("maxrl", design=module.DESIGNS[name]).equals(mx.Objective.maxrl(module.CAP))


def test_the_best_rates_of_adaptive_sampling_are_not_at_the_ends_of_their_range(study):
    module = module_of("adaptive_sampling")
    rows = study.from_csv((ROOT / "analysis" / "adaptive_sampling.csv").read_text())
    assert {row["rate"] for row in rows} <= set(module.RATES[1:-1])
