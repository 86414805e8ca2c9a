"""Monte Carlo against exact moments; its verdicts on right and wrong estimators; the same bits however it is run."""

from __future__ import annotations

import dataclasses
import itertools
import json
import multiprocessing
import re
import tracemalloc
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from fractions import Fraction as F

import numpy as np
import pytest

from maxrl_est import estimators
from maxrl_est.confidence import samples_needed
from maxrl_est.files import checkpoints as _checkpoints
from maxrl_est.files.whole import FileError
from maxrl_est.measures import exact_moments
from maxrl_est.measures._blocks import RunningMoments
from maxrl_est.measures._closed_forms import closed_form_moments
from maxrl_est.measures._sampled import monte_carlo
from maxrl_est.objectives import Objective
from maxrl_est.problems import Bandit, Bernoulli, Contextual, Gaussian
from maxrl_est.selftest.mutants import ADVANTAGES, SAME_MEAN

N = 4
ARMS = Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(1, 10), F(1, 2), F(9, 10)])
COIN = Bernoulli(0.5)
TARGET = (Objective.maxrl(N).weight(ARMS.pass_rate) * ARMS.grad_pass_rate).astype(float)
SIGMAS = 6.5  # a normal value is farther than that once in 1.2e10
ROUNDING = 1e-12  # of merged sums; measured worst 2e-15


def mutant(name):
    function = (ADVANTAGES | SAME_MEAN)[name]

    def advantages(values):
        return function(values, [1] * N)

    advantages.__name__ = name
    return advantages


def largest(problem, estimator):
    """Bounds (d,), (d,) of one gradient estimate, over all groups."""
    outcomes = problem.likelihoods.astype(float), problem.scores.astype(float)
    groups = np.array(list(itertools.product(range(len(outcomes[0])), repeat=N)))
    gradients = np.einsum("gn,gnd->gd", estimator(outcomes[0][groups]), outcomes[1][groups]) / N
    slack = 1e-9 + 1e-9 * abs(gradients).max(axis=0)
    return gradients.min(axis=0) - slack, gradients.max(axis=0) + slack


def fields(result):
    """All numbers of a result."""
    plain = dataclasses.asdict(result)
    return json.dumps(plain, default=lambda array: array.tolist())


def run(estimator="ustat_one", problem=ARMS, **options):
    row = estimators.get(estimator) if isinstance(estimator, str) else estimator
    return monte_carlo(problem, row, N, **{"replicates": 20_000, "seed": 5} | options)


# Moments.


@pytest.mark.parametrize("name", ["reinforce", "ustat_one", "self_normalised", "grpo"])
@pytest.mark.parametrize("problem", [ARMS, COIN, Contextual([Bernoulli(0.1), Bernoulli(0.6)])], ids=str)
def test_moments_are_the_exact_ones_but_for_chance(problem, name):
    exact = exact_moments(problem, estimators.get(name), N)
    got = run(name, problem, replicates=100_000)
    assert np.all(abs(got.mean - exact.mean.astype(float)) <= SIGMAS * got.standard_error + ROUNDING)
    total = float(np.trace(exact.covariance.astype(float)))
    assert abs(np.trace(got.covariance) - total) <= SIGMAS * got.total_variance_error + ROUNDING
    assert got.standard_error == pytest.approx(np.sqrt(np.diag(got.covariance) / 100_000))
    assert got.rollouts == N * 100_000


def test_moments_on_a_continuum_are_those_of_the_closed_form_and_certified_by_their_variance():
    problem, row = Gaussian([0.0, 0.0, 0.0], 1.0, [1.0, 0.5, 0.0], 1.0), estimators.get("ustat_one")
    closed = closed_form_moments(problem, row, 8)
    variance = np.diag(closed.covariance)
    got = monte_carlo(
        problem, row, 8, replicates=60_000, seed=1, target=closed.mean, variance=1.01 * variance, tolerance=0.05
    )
    assert got.verdict == "CERTIFIED"
    assert np.all(abs(got.bias) <= SIGMAS * got.standard_error)
    assert abs(np.trace(got.covariance) - variance.sum()) <= SIGMAS * got.total_variance_error
    wrong = dataclasses.replace(got.plan, tolerance=None)
    assert "certificate" in str(got.plan)
    assert "certificate" not in str(wrong)


def test_blocks_merge_to_the_moments_of_all_values():
    values = np.random.default_rng(0).standard_normal((1000, 3)) * [1, 1e-6, 10] + [1e3, 0, 1]
    got = RunningMoments()
    for block in np.split(values, [10, 500, 501]):
        got.add(block, 1)
    assert got.mean == pytest.approx(values.mean(axis=0), rel=ROUNDING)
    assert got.covariance == pytest.approx(np.cov(values.T), rel=1e-9)
    squared = ((values - values.mean(axis=0)) ** 2).sum(axis=1)
    assert got.total_variance_error == pytest.approx(squared.std() / np.sqrt(1000), rel=0.05)


def test_adding_squares_of_blocks_without_their_distance_is_another_covariance():
    values = np.random.default_rng(0).standard_normal((100, 2))
    blocks = np.split(values, 4)
    wrong = sum((len(b) - 1) * np.cov(b.T) for b in blocks) / 99
    assert not np.allclose(wrong, np.cov(values.T), rtol=1e-3)


@pytest.mark.parametrize("name", ["inverse_sampling", "inverse_sampling(3)", "sumo"])
def test_a_sequential_estimator_is_charged_what_it_draws(name):
    mixture = Contextual([Bandit([0.5, 0.5], [0.2, 0.7]), Bandit([0.5, 0.5], [0.1, 0.4])])
    row = estimators.get(name)
    got = monte_carlo(mixture, row, None, replicates=20_000, seed=0)
    truths = [(weight, row.closed_form(prompt.moments)) for weight, prompt in mixture.prompts]
    mean = sum(float(weight) * truth.mean for weight, truth in truths)
    cost = sum(float(weight) * float(truth.rollouts) for weight, truth in truths)
    assert got.rollouts / got.replicates == pytest.approx(cost, rel=0.03)
    if name != "sumo":  # whose variance is infinite
        assert np.all(abs(got.mean - mean) <= SIGMAS * got.standard_error)


# Verdicts.


WRONG = ("not leave-one-out", "order T - 1", "plug-in powers")


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_estimator_is_flagged_within_the_groups_that_its_exact_bias_says(name):
    wrong = mutant(name)
    exact = exact_moments(ARMS, wrong, N)
    bias = abs(exact.mean.astype(float) - TARGET)
    low, high = largest(ARMS, wrong)
    needed = min(
        samples_needed(b, v, w, coordinates=3)
        for b, v, w in zip(bias, np.diag(exact.covariance.astype(float)), high - low, strict=True)
        if b > 1e-6
    )
    got = run(wrong, replicates=needed, target=TARGET, bounds=(low, high))
    assert needed < 400_000
    assert got.verdict == "BIASED"
    assert got.failed


@pytest.mark.parametrize("name", [*SAME_MEAN, "ustat", "ustat_one"])
def test_an_estimator_with_the_right_mean_is_certified_and_not_flagged(name):
    right = mutant(name) if name in SAME_MEAN else estimators.get(name)
    got = run(right, replicates=60_000, target=TARGET, bounds=largest(ARMS, right), tolerance=0.05)
    assert got.verdict == "CERTIFIED"
    assert not got.failed
    low, high = got.interval
    assert np.all((low < 0) & (high > 0) & (low < got.bias) & (got.bias < high))


def test_a_declared_variance_also_decides():
    exact = exact_moments(ARMS, estimators.get("ustat_one"), N)
    variance = np.diag(exact.covariance.astype(float))
    common = {"replicates": 60_000, "target": TARGET, "variance": variance, "tolerance": 0.05}
    assert run("ustat_one", **common).verdict == "CERTIFIED"
    wrong = run(mutant("not leave-one-out"), **common)
    assert (wrong.verdict, wrong.plan.evidence, wrong.failed) == ("BIASED", "catoni", True)


def test_without_bounds_or_variance_a_verdict_is_asymptotic_and_never_a_failure():
    got = run(mutant("not leave-one-out"), replicates=60_000, target=TARGET)
    assert (got.verdict, got.plan.evidence, got.failed) == ("BIASED", "asymptotic", False)
    assert "asymptotic" in str(got)


def test_few_groups_are_inconclusive():
    assert run(replicates=10, target=TARGET, bounds=(-9, 9)).verdict == "INCONCLUSIVE"


def test_the_plan_is_told_before_anything_is_drawn():
    told = []

    class Watched(Bandit):
        def sample(self, rng, groups, n):
            told.append("drawn")
            return super().sample(rng, groups, n)

    options = {"target": TARGET, "bounds": (-9, 9), "tolerance": 0.5, "error_rate": 1e-6, "replicates": 9000}
    got = run(problem=Watched([0.5, 1 / 3, 1 / 6], [0.1, 0.5, 0.9]), progress=told.append, **options)
    assert told[0] == str(got.plan)
    for stated in ("9000 groups", "false alarm 1e-06", "wrong certificate", "finds a bias of", "probability 0.99"):
        assert stated in told[0]
    assert told[1:] == ["drawn", "4096 of 9000 groups", "drawn", "8192 of 9000 groups", "drawn", "9000 of 9000 groups"]


# The same bits, however it is run.


ASKED = {"target": TARGET, "bounds": (-9, 9), "tolerance": 0.1, "replicates": 30_000}


def test_threads_and_processes_change_no_bit():
    expected = fields(run(**ASKED))
    with ThreadPoolExecutor(3) as executor:
        assert fields(run(executor=executor, **ASKED)) == expected
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
        assert fields(run(executor=executor, **ASKED)) == expected


def test_another_seed_is_another_sample():
    assert not np.array_equal(run(seed=6).mean, run(seed=7).mean)


class Interrupting(Bandit):
    """Raises as if Ctrl-C had been pressed, in the block after so many."""

    left = 10**9

    def sample(self, rng, groups, n):
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return super().sample(rng, groups, n)


def interrupting(blocks):
    problem = Interrupting([0.5, 1 / 3, 1 / 6], [0.1, 0.5, 0.9])
    problem.left = blocks
    return problem


@pytest.mark.parametrize("seconds", [0.0, 1e9])
@pytest.mark.parametrize("options", [ASKED, {"replicates": 30_000}, ASKED | {"bounds": None, "variance": 2.0}])
def test_an_interrupted_run_is_saved_and_resumes_to_the_same_bits(tmp_path, monkeypatch, options, seconds):
    monkeypatch.setattr(_checkpoints, "_SECONDS", seconds)
    path = tmp_path / "run.json"
    with pytest.raises(KeyboardInterrupt):
        run(problem=interrupting(4), checkpoint=path, **options)
    assert json.loads(path.read_text())["state"]["moments"]["count"] == 3 * 4096  # a block told the configuration
    got = run(problem=interrupting(10**9), checkpoint=path, **options)
    assert fields(got) == fields(run(problem=interrupting(10**9), **options))
    assert [x.name for x in tmp_path.iterdir()] == ["run.json"]
    again = run(problem=interrupting(1), checkpoint=path, **options)  # nothing is left to draw
    assert fields(again) == fields(got)


def test_an_interruption_in_the_middle_of_a_block_leaves_whole_blocks(tmp_path, monkeypatch):
    path, add = tmp_path / "run.json", RunningMoments.add

    def interrupted(self, values, rollouts):
        if self.count >= 2 * 4096:
            raise KeyboardInterrupt  # when the sequence has taken the block already
        add(self, values, rollouts)

    with monkeypatch.context() as patch:
        patch.setattr(RunningMoments, "add", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(checkpoint=path, **ASKED)
    assert fields(run(checkpoint=path, **ASKED)) == fields(run(**ASKED))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 6}, "seed is 5, here it is 6"),
        ({"replicates": 40_000}, "replicates is 30000, here it is 40000"),
        ({"tolerance": 0.2}, "tolerance is 0.1, here it is 0.2"),
        ({"bounds": (-9, 10)}, r"bounds is \[-9.0, 9.0\], here it is \[-9.0, 10.0\]"),
        ({"estimator": "ustat"}, "estimator is ustat_one, here it is ustat"),
        ({"problem": Bandit([0.5, 0.5], [0.1, 0.9]), "target": [0.1, -0.1]}, "problem is .*, here it is "),
    ],
)
def test_the_checkpoint_of_another_run_is_refused_in_a_line(tmp_path, change, named):
    path = tmp_path / "run.json"
    run(checkpoint=path, **ASKED)
    before = path.read_bytes()
    with pytest.raises(FileError, match=f"run.json: is the checkpoint of another run: {named}") as caught:
        run(checkpoint=path, **ASKED | change)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_another_function_of_the_same_name_is_refused(tmp_path):
    first, second = mutant("order T - 1"), mutant("not leave-one-out")
    second.__name__ = first.__name__
    run(first, checkpoint=tmp_path / "run.json")
    with pytest.raises(FileError, match="first block is"):
        run(second, checkpoint=tmp_path / "run.json")


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"configuration": 1, "state": 2}', "\x80"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(FileError, match=r"run\.json: is not a checkpoint"):
        run(checkpoint=path)
    assert path.read_text() == content


def test_a_checkpoint_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    with pytest.raises(FileError, match="there is no folder"):
        run(problem=interrupting(1), checkpoint=tmp_path / "no" / "run.json")


# Memory, and what is refused.


def test_memory_does_not_grow_with_replicates():
    def peak(replicates):
        tracemalloc.start()
        run(**ASKED | {"replicates": replicates})
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(20_000)
    assert peak(400_000) < 1.05 * peak(20_000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicates": 1}, "replicates must be an int of at least 2, got 1"),
        ({"seed": -1}, "seed must be an int of at least 0, got -1"),
        ({"tolerance": 0.1}, "target must be given where tolerance is, got None"),
        ({"target": [0.1]}, r"target must have the shape of the gradient, \(3,\), got \(1,\)"),
        (
            {"target": TARGET, "bounds": (-0.4, 0.4)},
            r"values\[.*\] must lie in its declared bounds \[-0.4, 0.4\], got ",
        ),
        ({"estimator": lambda l: l.sum(axis=-1)}, r"estimator must return the shape of likelihoods, \(4096, 4\), got"),
        ({"estimator": lambda l: l / 0.0}, "estimator must have finite estimates, got .* in group 0"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero|invalid value:RuntimeWarning")
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        run(**options)


@pytest.mark.parametrize("n", [0, 2.0, True, None])
def test_a_group_has_rollouts(n):
    with pytest.raises((TypeError, ValueError), match=f"n must be an int of at least 1, got {n}"):
        monte_carlo(ARMS, estimators.get("rloo"), n, replicates=10, seed=0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"bounds": 5}, TypeError, "bounds must be (lower, upper), got 5"),
        ({"bounds": "ab"}, TypeError, "bounds must be (lower, upper), got 'ab'"),
        ({"bounds": (-5,)}, ValueError, "bounds must be (lower, upper), got (-5,)"),
        (
            {"bounds": (5, -5)},
            ValueError,
            "bounds[0][0] must lie below bounds[1][0] = -5.0, at a finite distance, got 5.0",
        ),
        ({"bounds": ("-5", 5)}, TypeError, "bounds[0] must be a finite number or numbers (3,), got '-5'"),
        (
            {"bounds": (-5, 5), "variance": [1, 2]},
            ValueError,
            "variance must have one number for each coordinate, (3,), got shape (2,)",
        ),
        ({"bounds": (-5, 5), "variance": "x"}, TypeError, "variance must be a finite number or numbers (3,), got 'x'"),
        ({"bounds": (-5, 5), "variance": np.inf}, ValueError, "variance must be finite, got inf"),
        ({"bounds": (-5, 5), "variance": 0}, ValueError, "variance[0] must be finite and above 0, got 0.0"),
        ({"variance": True}, TypeError, "variance must be a finite number, got True"),
        ({"tolerance": "x"}, TypeError, "tolerance must be a finite number or numbers (3,), got 'x'"),
        ({"target": "x"}, TypeError, "target must be numbers (d,), got 'x'"),
        ({"target": ["0", 0, 0]}, TypeError, "target[0] must be a finite number, got '0'"),
        ({"target": None, "error_rate": "x"}, TypeError, "error_rate must be a number in (0, 1), got 'x'"),
        ({"replicates": 10**30}, ValueError, f"replicates must be at most {1 << 62}, got {10**30}"),
        ({"checkpoint": 3}, TypeError, "checkpoint must be a path or None, got 3"),
        ({"executor": 3}, TypeError, "executor must be an executor of concurrent.futures or None, got 3"),
        ({"progress": 3}, TypeError, "progress must be a function or None, got 3"),
    ],
)
def test_what_is_no_such_argument_is_named_before_anything_is_drawn(options, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        run(**{"problem": interrupting(0), "target": [0.0] * 3} | options)


def test_fractions_ask_the_same_as_floats(tmp_path):
    """Of bounds, variance, tolerance and error rate: the same plan and the same checkpoint."""
    half, file = F(1, 2), tmp_path / "run.json"
    asked = {"replicates": 50, "target": [0, 0.0, half * 0], "checkpoint": file}
    ours = run(**asked, bounds=[-10 * half, [5, 5, 5]], variance=half, tolerance=half, error_rate=half**4)
    theirs = run(**asked, bounds=(-5, np.full(3, 5.0)), variance=0.5, tolerance=0.5, error_rate=0.0625)
    assert str(ours.plan) == str(theirs.plan)
