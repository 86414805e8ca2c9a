"""The figures of `maxrl-est bench`: their verdicts and what they compare with. Times themselves are not tested."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from maxrl_est import estimators
from maxrl_est.selftest import bench, definition, reference
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.bench import errors, figures, processes, ratios
from maxrl_est.selftest.reference import exact_loo_weights, ulp_error

GROUPS = np.array([[1.0, 0.0, 0.0, 0.0], [0.5, 0.25, 0.125, 1.0], [0.9, 0.1, 0.3, 0.7]])
EXPECTED = np.array([exact_loo_weights(group, [1] * 4) for group in GROUPS], dtype=np.float64)
PLAIN_ULPS = 4  # plain arithmetic at N = 4; measured: 1.0


def by_definition(groups):
    return definition.loo_weights(groups, [1] * 4)


needs_proc = pytest.mark.skipif(
    bench.peak_memory("", "") is None, reason="this system does not tell a process's peak memory"
)


def assert_well_formed(rows):
    assert rows
    for row in rows:
        assert isinstance(row, bench.Measurement)
        assert row.figure
        assert row.case
        assert row.unit
        assert isinstance(row.measured, float | int)
        assert (row.holds is None) == (row.limit is None)
    assert len({(row.figure, row.case) for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("measured", "limit", "at_most", "at_least"),
    [
        (1.0, 2.0, True, False),
        (2.0, 2.0, True, True),
        (3.0, 2.0, False, True),
        (math.nan, 2.0, False, False),
        (math.inf, 2.0, False, True),
        (1.0, None, None, None),
    ],
)
def test_a_figure_holds_up_to_its_limit_and_only_if_it_has_one(measured, limit, at_most, at_least):
    assert figures.at_most("figure", "case", measured, limit, "s").holds is at_most
    assert figures.at_least("figure", "case", measured, limit).holds is at_least


def test_ratio_is_of_the_first_to_the_second_and_ignores_outliers(monkeypatch):
    seconds = {"a": iter([6.0, 6.0, 6.0, 600.0, 6.0]), "b": iter([2.0, 2.0, 2.0, 2.0, 200.0])}
    turns = []

    def clock(function):
        turns.append(function())
        return next(seconds[turns[-1]])

    monkeypatch.setattr(ratios, "_seconds", clock)
    assert ratios._ratio(lambda: "a", lambda: "b", 5) == 3.0
    assert turns == ["a", "b"] * 5


def test_cpu_ratio_is_of_the_least_of_the_first_to_the_least_of_the_second(monkeypatch):
    seconds = {"a": iter([600.0, 6.0, 7.0]), "b": iter([3.0, 200.0, 2.0])}
    monkeypatch.setattr(ratios, "TURNS", 1)
    monkeypatch.setattr(ratios, "_cpu_seconds", lambda function: next(seconds[function()]))
    assert ratios._cpu_ratio(lambda: "a", lambda: "b", 3) == 3.0


def test_advantages_are_timed_with_every_baseline_at_its_default_order_and_another():
    rows = ratios.advantages_speed(1)
    assert_well_formed(rows)
    cases = {row.case.partition(", ")[2]: row.limit for row in rows}
    assert cases.pop("default") == cases.pop("ustat_one") == 1.6
    assert cases == {name: 2.0 for b in estimators.BASELINES for name in (b, f"{b} T=4")}


def test_garbage_collection_is_off_while_timing_and_on_again_after():
    import gc

    assert gc.isenabled()
    with ratios._no_garbage_collection():
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.parametrize("group", range(len(GROUPS)))
@pytest.mark.parametrize("weights", [by_definition, definition.weights_by_deflation])
def test_what_the_package_is_compared_with_agrees_with_the_oracle_in_small_groups(weights, group):
    assert ulp_error(weights(GROUPS[group]), EXPECTED[group]) <= PLAIN_ULPS


def test_definition_gives_the_same_for_a_batch_of_groups():
    assert ulp_error(by_definition(GROUPS), EXPECTED) <= PLAIN_ULPS


def test_normalised_groups_have_mean_zero_and_deviation_one():
    np.testing.assert_allclose(ratios.normalise(np.array([[1.0, 0.0], [3.0, 5.0]])), [[1.0, -1.0], [-1.0, 1.0]])


@pytest.mark.parametrize(("n", "groups"), [(2, 32), (8, 8), (64, 1), (100, 1)])
def test_timed_arrays_hold_as_many_groups_as_fit_and_one_at_least(n, groups):
    assert ratios._uniform(n, 64).shape == (groups, n)
    hard = ratios._one_success(n, 64)
    assert hard.shape == (groups, n)
    assert hard.sum(axis=-1).tolist() == [1.0] * groups


def test_full_order_speed_has_both_kinds_of_likelihoods_and_the_limit_of_its_size():
    rows = ratios.full_order_speed((32, 2), 1, total=64)
    assert_well_formed(rows)
    assert [(row.case, row.limit) for row in rows] == [
        ("N=2 uniform", 2.0),
        ("N=2 one success", 2.0),
        ("N=32 uniform", None),
        ("N=32 one success", None),
    ]


def test_other_speeds_are_well_formed():
    rows = [*ratios.growth(1), *ratios.speed_up(1), *ratios.any_order_speed([(8, 4)], 1)]
    assert_well_formed(rows)
    assert all(row.measured > 0 for row in rows)


def test_speed_covers_every_figure(monkeypatch):
    for ratio in ("_ratio", "_cpu_ratio"):
        monkeypatch.setattr(ratios, ratio, lambda a, b, repeats: 1.0)
    monkeypatch.setattr(processes, "peak_memory", lambda before, statement: 1 << 20)
    seen = []
    rows = bench.speed(quick=True, progress=seen.append)
    assert_well_formed(rows)
    sizes = {row.case.split()[0] for row in rows if "normalising" in row.figure}
    assert sizes == {f"N={n}" for n in (*ratios.FULL_ORDER_LIMITS, *ratios.UNLIMITED)}
    assert rows[-1].measured == 1.0
    assert len(seen) >= len(rows) - 1  # the two ways to write the definition go by one name


@needs_proc
def test_peak_memory_counts_what_a_statement_holds_at_its_peak_and_nothing_else():
    mebibyte = 1 << 20
    before = "import numpy as np; np.ones(1 << 21)"  # 16 MiB, freed again
    got = bench.peak_memory(before, "np.ones(1 << 20)")
    assert 7 * mebibyte < got < 9 * mebibyte
    assert bench.peak_memory(before, "pass") < mebibyte


def test_peak_memory_is_not_measured_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(processes, "peak_memory", lambda before, statement: None)
    row = processes.scratch_memory()
    assert math.isnan(row.measured)
    assert row.holds is None


@pytest.mark.parametrize("n", [1, 2, 8, 33])
def test_full_order_is_accurate(n):
    [row] = errors.full_order_accuracy([n])
    assert_well_formed([row])
    assert row.limit == errors.ULP_LIMIT
    assert row.holds


@pytest.mark.parametrize(("n", "orders"), [(2, [1, 2]), (8, [1, 2, 4, 7, 8]), (32, [1, 2, 4, 16, 31, 32])])
def test_any_order_is_accurate(n, orders):
    rows = errors.any_order_accuracy([n])
    assert_well_formed(rows)
    assert [row.case.split(",")[0] for row in rows] == [f"N={n} T={order}" for order in orders]
    assert all(row.holds for row in rows)


def test_error_is_that_of_the_worst_family_and_misses_its_limit_when_it_exceeds_it():
    def one_family_is_wrong(likelihoods):
        wrong = np.array_equal(likelihoods, FAMILIES["ramp"](8, np.random.default_rng(0)))
        return np.ones(8) * (1.0 + 16 * 2.0**-52 * wrong)

    row = errors._worst("error", 8, 1, one_family_is_wrong, np.ones_like, 8.0, figures.silent)
    assert (row.measured, row.holds) == (16.0, False)
    assert row.case == "N=8 T=1, worst: ramp"


def test_deflation_loses_digits_with_every_size_and_overflows():
    rows = errors.deflation_accuracy([8, 32])
    assert_well_formed(rows)
    assert rows[0].measured < 1e3 < 1e6 < rows[1].measured
    assert not np.isfinite(definition.weights_by_deflation(np.zeros(1030))).all()


@pytest.mark.parametrize(("quick", "largest"), [(True, (1024, 128)), (False, (1_000_000, 1024))])
def test_accuracy_leaves_out_the_largest_groups_when_quick(monkeypatch, quick, largest):
    monkeypatch.setattr(
        errors, "_worst", lambda figure, n, order, *_: bench.Measurement(figure, f"{n} {order}", 0.0, None, "ulp", None)
    )
    rows = bench.accuracy(quick=quick)
    assert_well_formed(rows)
    sizes = {
        figure: [int(row.case.split()[0]) for row in rows if row.figure == figure]
        for figure in ("full order: error", "any order: error")
    }
    assert tuple(map(max, sizes.values())) == largest


def test_accuracy_without_arb_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    [row] = bench.accuracy(quick=True)
    assert "pip install 'maxrl-est[test]'" in row.case
    assert math.isnan(row.measured)
    assert row.holds is None
    with pytest.raises(ImportError):
        reference.ball_loo_weights(np.array([0.5]), [1])


def test_start_up_reports_the_import_what_it_brings_in_and_the_first_calls(monkeypatch):
    answers = {"perf_counter": "0.5\n", "sys.modules": "sympy scipy.stats\n"}
    monkeypatch.setattr(
        processes, "python", lambda code, **_: next(text for key, text in answers.items() if key in code)
    )
    rows = bench.start_up()
    assert_well_formed(rows)
    assert [(row.measured, row.holds) for row in rows if row.limit is not None] == [(0.5, False), (2, False)]
    assert "sympy, scipy.stats" in rows[2].case


def test_new_processes_import_this_package_and_their_failure_is_told():
    assert processes.python("import maxrl_est; print(maxrl_est.__file__)").strip() == sys.modules["maxrl_est"].__file__
    assert processes.python("import os; print(os.environ['EXTRA'])", EXTRA="given").strip() == "given"
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        processes.python("1 / 0")


def test_importing_the_package_brings_in_no_heavy_module():
    loaded = processes.python(
        f"import sys, maxrl_est; print([m for m in {processes.HEAVY_MODULES} if m in sys.modules])"
    )
    assert loaded.strip() == "[]"


def test_meta_names_date_versions_and_processor():
    meta = bench.meta()
    assert {"date", "python", "numpy", "numba", "llvmlite", "processor"} <= meta.keys()
    assert all(isinstance(value, str) and value for value in meta.values())
