"""The figures of `maxrl-est bench`: their verdicts and what they compare with. Times themselves are not tested."""

from __future__ import annotations

import gc
import json
import math
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import maxrl_est
from maxrl_est import estimators
from maxrl_est.cli import bench as command
from maxrl_est.cli import main
from maxrl_est.estimates._kernels import _choice
from maxrl_est.selftest import bench, definition, reference
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.bench import (
    any_order,
    arithmetic,
    baselines,
    clock,
    errors,
    exact,
    figures,
    full_order,
    inputs,
    peers,
    processes,
    work,
)
from maxrl_est.selftest.reference import exact_loo_weights, ulp_error

GROUPS = np.array([[1.0, 0.0, 0.0, 0.0], [0.5, 0.25, 0.125, 1.0], [0.9, 0.1, 0.3, 0.7]])
EXPECTED = np.array([exact_loo_weights(group, [1] * 4) for group in GROUPS], dtype=np.float64)
PLAIN_ULPS = 4  # plain arithmetic at N = 4; measured: 1.0
ALL = [figure for group in bench.GROUPS for figure in bench.figures_of(group, quick=False)]


def by_definition(groups):
    return definition.loo_weights(groups, [1] * 4)


def found(number, limit=1.0, **options):
    return figures.Figure("figure", "case", limit, lambda seconds: number, **options)


needs_proc = pytest.mark.skipif(
    bench.peak_memory("", "") is None, reason="this system does not tell a process's peak memory"
)


@pytest.mark.parametrize(
    ("measured", "at_most", "at_least"),
    [(1.0, True, False), (2.0, True, True), (3.0, False, True), (math.nan, False, False), (math.inf, False, True)],
)
def test_a_figure_holds_up_to_its_limit_or_from_it_on(measured, at_most, at_least):
    assert found(measured, 2.0).measured(0).holds is at_most
    assert found(measured, 2.0, at_least=True).measured(0).holds is at_least


def test_what_cannot_be_measured_has_a_limit_and_no_verdict_and_says_why():
    def missing(seconds):
        raise figures.NotMeasured("`pip install polars`")

    row = figures.Figure("figure", "case", 2.0, missing).measured(0)
    assert (row.measured, row.limit, row.holds) == (None, 2.0, None)
    assert row.note == "not measured: `pip install polars`"


def test_what_fails_misses_its_limit_and_costs_no_other_figure():
    row = figures.Figure("figure", "case", 2.0, lambda seconds: float(processes.python("1 / 0"))).measured(0)
    assert (row.measured, row.holds) == (None, False)
    assert row.note.startswith("failed: ")
    assert "ZeroDivisionError" in row.note


def test_every_figure_has_a_limit_and_a_name_of_its_own():
    assert all(figure.figure and figure.case and figure.unit for figure in ALL)
    assert all(math.isfinite(figure.limit) for figure in ALL)
    assert len({(figure.figure, figure.case) for figure in ALL}) == len(ALL)


def test_full_order_is_limited_at_every_size_and_for_every_kind_of_likelihoods():
    limits = {figure.case: figure.limit for figure in full_order.beside_normalising()}
    assert {case.split(" ", 1)[1] for case in limits} == set(inputs.KINDS)
    assert len(limits) == len(inputs.KINDS) * len(full_order.LIMITS)
    assert (limits["N=16 uniform"], limits["N=32 Gaussian"], limits["N=4096 one success"]) == (0.8, 2.2, 1.3)
    assert (limits["N=512 uniform"], limits["N=512 Gaussian"]) == (2.0, 4.0)


def test_a_ratio_is_of_the_least_of_the_first_to_the_least_of_the_second_by_turns(monkeypatch):
    seconds = {"a": iter([9.0, 600.0, 6.0, 7.0]), "b": iter([9.0, 3.0, 100.0, 2.0])}
    turns = []

    def timed(call, calls):
        turns.append(call())
        return next(seconds[turns[-1]])

    monkeypatch.setattr(clock, "cpu_seconds", timed)
    assert clock.ratio(lambda: "a", lambda: "b", 0.0) == 3.0
    assert turns == ["a", "b"] + ["a", "b"] * clock.FEWEST


def test_short_calls_are_timed_many_at_once(monkeypatch):
    counted = []
    monkeypatch.setattr(clock, "cpu_seconds", lambda call, calls: counted.append(calls) or 1e-5)
    assert clock.least_seconds((int,), 0.0) == [1e-5]
    assert counted == [1] + [100] * clock.FEWEST


def test_a_pair_is_made_when_it_is_measured_and_its_ratio_is_scaled(monkeypatch):
    made = []
    monkeypatch.setattr(clock, "ratio", lambda first, second, seconds: made.append((first, second, seconds)) or 3.0)
    figure = clock.over("figure", "case", 2.0, lambda: ("first", "second"), 0.5)
    assert made == []
    assert figure.measured(7.0).measured == 1.5
    assert made == [("first", "second", 7.0)]


def test_garbage_collection_is_off_while_timing_and_on_again_after():
    assert gc.isenabled()
    with clock._no_garbage_collection():
        assert not gc.isenabled()
    assert gc.isenabled()


def small_figures():
    yield from (f for f in full_order.beside_normalising(64) if "000" not in f.case)
    yield from (*full_order.in_float32(64), *full_order.times_faster(4))
    yield from (*any_order.beside_multiply_adds(), any_order.beside_full_order(64), any_order.growth(4, 64))
    yield from baselines.figures()


def test_both_calls_of_a_ratio_run(monkeypatch):
    def both(first, second, seconds):
        with np.errstate(divide="ignore", invalid="ignore"):
            first(), second()
        return 1.0

    monkeypatch.setattr(clock, "ratio", both)
    monkeypatch.setattr(full_order, "ratio", both)
    assert all(figure.measured(0.0).measured > 0 for figure in small_figures())


def test_advantages_are_timed_with_every_baseline_at_its_default_order_and_another():
    cases = {figure.case.partition(", ")[2]: figure.limit for figure in baselines.beside_weights()}
    assert cases.pop("default") == cases.pop("ustat_one") == 1.6
    assert cases == {name: 2.0 for b in estimators.BASELINES for name in (b, f"{b} T=4")}


@pytest.mark.parametrize("group", range(len(GROUPS)))
@pytest.mark.parametrize("weights", [by_definition, definition.weights_by_deflation])
def test_what_the_package_is_compared_with_agrees_with_the_oracle_in_small_groups(weights, group):
    assert ulp_error(weights(GROUPS[group]), EXPECTED[group]) <= PLAIN_ULPS


@pytest.mark.parametrize("weights", [by_definition, definition.weights_by_deflation])
def test_it_gives_the_same_for_a_batch_of_groups(weights):
    assert ulp_error(weights(GROUPS), EXPECTED) <= PLAIN_ULPS


def test_the_recurrence_is_in_the_dtype_of_its_groups_and_loses_digits_with_every_size_and_overflows():
    assert definition.weights_by_deflation(GROUPS.astype(np.float32)).dtype == np.float32
    lost = [figure.measured(0.0) for figure in peers.single_errors()]
    assert all(row.measured < 1 for row in lost)
    assert float(lost[-1].note.split()[3]) > 1e6
    assert not np.isfinite(definition.weights_by_deflation(np.zeros(1030))).all()


def test_normalised_groups_have_mean_zero_and_deviation_one_in_their_dtype():
    groups = np.array([[1.0, 0.0], [3.0, 5.0]])
    np.testing.assert_allclose(inputs.normalise(groups), [[1.0, -1.0], [-1.0, 1.0]])
    assert inputs.normalise(groups.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(("n", "groups"), [(2, 32), (8, 8), (64, 1), (100, 1)])
def test_timed_arrays_hold_as_many_groups_as_fit_and_one_at_least(n, groups):
    for draw in inputs.KINDS.values():
        assert draw(n, 64).shape == (groups, n)
    assert inputs.one_success(n, 64).sum(axis=-1).tolist() == [1.0] * groups


def test_gaussian_likelihoods_are_of_all_sizes_and_few_are_large():
    l = inputs.gaussian(64, 1 << 16)
    assert 0.05 < (l > 0.5).mean() < 0.15
    assert (l < 1e-12).mean() > 0.2
    assert ((l > 0) & (l < 1)).mean() > 0.9


def test_the_share_of_the_arithmetic_bound_is_that_of_multiply_adds_a_weight(monkeypatch):
    pytest.importorskip("numba")
    peak = pytest.importorskip("maxrl_est.selftest.bench.peak")
    assert peak.multiply_adds(3) == 3 * peak.CHAINS * 8
    monkeypatch.setattr(arithmetic, "LIKELIHOODS", 64)
    monkeypatch.setattr(arithmetic, "ratio", lambda first, second, seconds: (first(), second()) and 0.5)
    rows = [figure.measured(0.0) for figure in arithmetic.figures()]
    expected = [0.5 * counted * 64 / peak.multiply_adds(arithmetic.TURNS) for counted in (208, 364)]
    assert [row.measured for row in rows] == expected


def test_without_a_compiler_the_arithmetic_bound_is_not_measured(monkeypatch):
    monkeypatch.setattr(arithmetic, "load", lambda: type("Kernels", (), {"compiled": False}))
    assert "pip install numba" in arithmetic.figures()[0].measured(0.0).note


def test_without_a_framework_its_figures_say_what_to_install(monkeypatch):
    for module in ("torch", "maxrl_est.adapters.torch", "verl.trainer.ppo.core_algos"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(work, "find_spec", lambda name: None)
    rows = [figure.measured(0.0) for figure in (*peers.figures(), work.figures()[2]) if "torch" in figure.figure]
    assert len(rows) == 4
    assert all("pip install 'maxrl-est[torch]'" in row.note for row in rows)
    assert "pip install polars" in work.figures()[1].measured(0.0).note


def test_what_takes_too_long_is_stopped_and_missed(monkeypatch):
    monkeypatch.setattr(processes, "STARTING", 0.0)
    seconds, note = processes.seconds_of("", "while True: pass", 0.1)
    assert (seconds, note) == (0.5, "stopped there")
    figure = exact._waited("figure", "case", 0.1, "", "while True: pass")
    assert figure.measured(0.0).holds is False


def test_seconds_are_of_the_statement_alone_and_of_its_processes_too():
    busy = "x = sum(range(3_000_000))"
    before, _ = processes.seconds_of(busy, "pass", 10.0)
    child, _ = processes.seconds_of("import subprocess, sys", f"subprocess.run([sys.executable, '-c', {busy!r}])", 10.0)
    assert before < 0.02 < child


SLOWEST = [figure for figure in exact.figures() if "slowest" in figure.case]


@pytest.mark.parametrize("figure", SLOWEST, ids=lambda figure: figure.figure)
def test_the_slowest_row_is_named(figure, monkeypatch):
    monkeypatch.setattr(exact, "python", lambda code: "rloo ustat grpo\n")
    taken = {"rloo": (1.0, ""), "ustat": (10.0, "stopped there"), "grpo": (0.0, "")}
    monkeypatch.setattr(
        exact, "seconds_of", lambda _, ask, limit: next(v for name, v in taken.items() if repr(name) in ask)
    )
    row = figure.measured(0.0)
    assert (row.measured, row.holds, row.note) == (10.0, False, "ustat stopped there")


@pytest.mark.parametrize("figure", exact.figures(), ids=lambda figure: f"{figure.figure} {figure.case}")
def test_statements_of_exact_arithmetic_run(figure, monkeypatch):
    monkeypatch.setattr(exact, "python", lambda code: "rloo ustat\n")
    monkeypatch.setattr(
        exact, "seconds_of", lambda before, ask, limit: (1.0, exec(small(f"{before}\n{ask}"), {}) or "")
    )
    assert figure.measured(0.0).measured == 1.0


def small(code):
    return re.sub(r", (256|512|1024)\)", ", 4)", code).replace(", 16)", ", 2)")


def test_figures_are_those_of_compiled_kernels(monkeypatch):
    """Rejects figures of whichever kernels the process has come to: of NumPy's, for the first calls."""
    seen = []
    monkeypatch.setattr(_choice, "setting", lambda: "auto")
    monkeypatch.setattr(_choice, "in_arrays", lambda: pytest.fail("NumPy's kernels were measured"))
    figure = figures.Figure(
        "figure", "case", 1.0, lambda _: seen.append(maxrl_est.loo_weights([1.0, 0.0])) or 1.0, "times"
    )
    monkeypatch.setattr(bench, "figures_of", lambda group, quick: [figure])
    [row] = bench.measure(["any"], quick=True, progress=lambda text: None)
    assert (row.measured, len(seen)) == (1.0, 1)


@needs_proc
def test_peak_memory_counts_what_a_statement_holds_at_its_peak_and_nothing_else():
    mebibyte = 1 << 20
    before = "import numpy as np; np.ones(1 << 21)"  # 16 MiB, freed again
    got = bench.peak_memory(before, "np.ones(1 << 20)")
    assert 7 * mebibyte < got < 9 * mebibyte
    assert bench.peak_memory(before, "pass") < mebibyte


def test_peak_memory_is_not_measured_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(processes, "peak_memory", lambda before, statement: None)
    assert processes.scratch_memory().measured(0.0).holds is None


@pytest.mark.parametrize("n", [1, 2, 8, 33])
def test_full_order_is_accurate(n):
    [figure] = errors.full_order([n])
    assert figure.limit == errors.ULP_LIMIT
    assert figure.measured(0.0).holds


@pytest.mark.parametrize(("n", "orders"), [(2, [1, 2]), (8, [1, 2, 4, 7, 8]), (32, [1, 2, 4, 16, 31, 32])])
def test_any_order_is_accurate(n, orders):
    rows = [figure.measured(0.0) for figure in errors.any_order([n])]
    assert [row.case for row in rows] == [f"N={n} T={order}" for order in orders]
    assert all(row.holds for row in rows)


def test_error_is_that_of_the_worst_family_and_misses_its_limit_when_it_exceeds_it():
    def one_family_is_wrong(likelihoods):
        wrong = np.array_equal(likelihoods, FAMILIES["ramp"](8, np.random.default_rng(0)))
        return np.ones(8) * (1.0 + 16 * 2.0**-52 * wrong)

    ways = [np.ones_like, one_family_is_wrong]
    row = errors._error("error", 8, 1, ways, np.ones_like, 8.0).measured(0.0)
    assert (row.measured, row.holds, row.note) == (16.0, False, "worst: ramp")


@pytest.mark.parametrize(("quick", "largest"), [(True, (1024, 128)), (False, (1_000_000, 1024))])
def test_accuracy_leaves_out_the_largest_groups_when_quick(quick, largest):
    sizes = {
        name: [int(f.case.split()[0][2:]) for f in errors.figures(quick=quick) if f.figure == name]
        for name in ("full order: error", "any order: error")
    }
    assert tuple(map(max, sizes.values())) == largest


def test_accuracy_without_arb_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    for figure in (errors.full_order([2])[0], peers.single_errors()[0]):
        row = figure.measured(0.0)
        assert "pip install 'maxrl-est[test]'" in row.note
        assert row.holds is None
    with pytest.raises(ImportError):
        reference.ball_loo_weights(np.array([0.5]), [1])


def test_start_up_reports_the_import_what_it_brings_in_and_the_first_calls(monkeypatch):
    answers = {"perf_counter": "0.5\n", "sys.modules": "sympy scipy.stats\n", "process_time": "3\n"}
    environments = []

    def answer(code, **environment):
        environments.append(environment)
        return next(text for key, text in answers.items() if key in code)

    monkeypatch.setattr(processes, "python", answer)
    processes._first_calls.cache_clear()
    rows = [figure.measured(0.0) for figure in processes.figures()]
    processes._first_calls.cache_clear()
    assert [(row.measured, row.holds) for row in rows] == [
        (0.5, False),
        (2, False),
        (3, False),
        (3, False),
        (3, True),
    ]
    assert rows[1].note == "sympy, scipy.stats"
    folders = [given["NUMBA_CACHE_DIR"] for given in environments if given]
    assert folders[0] == folders[1] != folders[2]
    assert environments[-1]["MAXRL_EST_KERNELS"] == "numba"


def test_new_processes_import_this_package_and_their_failure_is_told():
    assert processes.python("import maxrl_est; print(maxrl_est.__file__)").strip() == maxrl_est.__file__
    assert processes.python("import os; print(os.environ['EXTRA'])", EXTRA="given").strip() == "given"
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        processes.python("1 / 0")
    with pytest.raises(subprocess.TimeoutExpired):
        processes.python("while True: pass", timeout=0.1)


def test_importing_the_package_brings_in_no_heavy_module():
    loaded = processes.python(
        f"import sys, maxrl_est; print([m for m in {processes.HEAVY_MODULES} if m in sys.modules])"
    )
    assert loaded.strip() == "[]"


def test_meta_names_date_versions_and_processor():
    meta = bench.meta()
    assert {"date", "python", "numpy", "numba", "llvmlite", "processor"} <= meta.keys()
    assert all(isinstance(value, str) and value for value in meta.values())


def given(monkeypatch, **groups):
    """Let the bench have these figures, and no others."""
    monkeypatch.setattr(bench, "figures_of", lambda group, quick: groups.get(group.replace("-", "_"), []))


def test_the_command_knows_the_groups_of_the_bench():
    assert command.GROUPS == bench.GROUPS


@pytest.mark.parametrize(("limit", "status", "verdict"), [(2.0, 0, "met"), (1.0, 1, "MISSED")])
def test_the_command_shows_each_figure_with_its_limit_and_fails_if_one_is_missed(
    limit, status, verdict, monkeypatch, capsys
):
    given(monkeypatch, start_up=[found(1.5, limit)])
    assert main(["bench"]) == status
    assert capsys.readouterr().out.splitlines()[-1].split() == ["figure", "case", "1.5", f"{limit:g}", "times", verdict]


def test_only_the_groups_that_are_asked_for_are_measured(monkeypatch, capsys):
    given(monkeypatch, start_up=[found(1.0)], accuracy=[found(2.0, 3.0)], exact=[found(3.0, 3.0)])
    for options, expected in ((["--accuracy"], [2.0]), (["--only", "exact", "start-up"], [3.0, 1.0])):
        main(["bench", *options, "--json", "-"])
        assert [row["measured"] for row in json.loads(capsys.readouterr().out)["rows"]] == expected


def test_an_interrupted_bench_shows_what_it_has(monkeypatch, capsys):
    def interrupt(seconds):
        raise KeyboardInterrupt

    given(monkeypatch, start_up=[found(0.5), figures.Figure("next", "case", 1.0, interrupt), found(0.7)])
    assert main(["bench"]) == 130
    shown = capsys.readouterr().out
    assert "0.5" in shown
    assert "0.7" not in shown


def test_what_is_not_measured_is_shown_and_fails_nothing(monkeypatch, capsys):
    def missing(seconds):
        raise figures.NotMeasured("`pip install polars`")

    given(monkeypatch, work=[figures.Figure("file", "case", 1.0, missing)])
    assert main(["bench"]) == 0
    assert "not measured: `pip install polars`" in capsys.readouterr().out


@pytest.fixture
def speed(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parents[1])])  # the installed package comes first
    return import_module("analysis.speed")


def study_rows(speed, holds=True):
    """Rows of the study as they are read, those at full order with a measured number that is their N."""
    rows = [
        {"figure": f.figure, "case": f.case, "measured": float(speed.size({"case": f.case})), "limit": f.limit}
        for f in (*full_order.beside_normalising(), *full_order.in_float32())
    ]
    rows = [{**row, "unit": "times", "holds": holds, "note": ""} for row in rows]
    rows.append({**rows[0], "figure": "share", "limit": 0.8, "measured": 0.4, "unit": "times (at least)"})
    return [*rows, {**rows[0], "figure": "file", "measured": "", "holds": "", "note": "not measured: `pip install x`"}]


def test_the_study_measures_every_group_of_speed(speed):
    assert speed.GROUPS == bench.SPEED


def test_the_study_says_what_is_met_missed_and_not_measured(speed):
    rows = study_rows(speed)
    rows[-2]["holds"] = False
    said = speed.verdict(rows)
    assert said.startswith(f"{len(rows) - 2} of {len(rows)} limits are met, 1 missed and 1 not measured.")
    assert "N = 1,024: 1e+03 to 1e+03" in said
    assert said.endswith("share, N=2 uniform (2).")
    assert "| file | N=2 uniform |  | 0.8 | not measured | `pip install x` |" in speed.markdown(
        rows, {"date": "today", "versions": {}}
    )


def test_the_study_draws_all_that_is_measured(speed):
    figure = speed.draw(study_rows(speed))
    left, right = figure.axes
    assert len(left.lines) == 2 * len(inputs.KINDS) + 4
    assert [label.get_text() for label in right.get_yticklabels()] == ["share", speed.SINGLE, speed.DOUBLE]


def test_the_study_is_as_committed_unless_a_limit_is_missed_that_was_met(speed):
    before, after = study_rows(speed), study_rows(speed)
    after[0]["holds"], before[1]["holds"], after[1]["holds"] = False, False, False
    after[2].update(holds="", measured="")  # where a framework is not installed
    [line] = speed.newly_missed(after, before)
    assert line == f"{speed.DOUBLE}, N=2 uniform: 2 times, limit 0.8"
    assert speed.newly_missed(before, before) == []


def test_what_is_committed_of_speed_is_said_of_the_committed_figures(speed):
    result = json.loads((speed.study.HERE / "speed.json").read_text())
    expected = speed.study.words(speed, speed.committed())
    assert {key: result[key] for key in expected} == expected
    assert (speed.study.HERE / "speed.md").read_text() == speed.markdown(speed.committed(), result)
    assert "<svg" in (speed.study.HERE / "speed.svg").read_text()
