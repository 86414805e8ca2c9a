"""The command line: exit status, one line for bad input, and output for people and machines."""

import dataclasses
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest

import maxrl_est
from maxrl_est import checks, cli
from maxrl_est.checks._report import identifier
from maxrl_est.cli import console, frameworks
from maxrl_est.cli.objectives import FORMS, declared
from maxrl_est.files import rollouts
from maxrl_est.selftest import bench, findings, prove, verify
from maxrl_est.tables import PROBLEMS
from maxrl_est.training._presets import PRESETS

WRONG = """
import numpy as np

def advantage(r):  # powers of the group's own mean: not leave-one-out
    q = 1 - r.mean(axis=-1, keepdims=True)
    return sum(q**k for k in range(r.shape[-1])) * r

def right(r):
    return r - (r.sum(axis=-1, keepdims=True) - r) / (r.shape[-1] - 1) if r.shape[-1] > 1 else r

def returns_nan(r):
    return r * np.nan

not_a_function = 3
"""


STEPS = """
def loo(r):
    return r - (r.sum(-1, keepdims=True) - r) / (r.shape[-1] - 1)

def right(b):
    print("noise")
    return loo(b.rewards)[..., None] * b.mask / (b.rewards.shape[-2] * b.rewards.shape[-1])

def token_mean(b):
    return loo(b.rewards)[..., None] * b.mask / b.mask.sum((-1, -2, -3), keepdims=True)
"""


@pytest.fixture
def steps(tmp_path):
    path = tmp_path / "steps_to_check.py"
    path.write_text(STEPS)
    return path


@pytest.fixture
def functions(tmp_path):
    path = tmp_path / "mine_to_check.py"
    path.write_text(WRONG)
    return path


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


def flat(text):
    """The text without its line breaks and indents."""
    return " ".join(text.split())


def one_line(capsys):
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    return error


@pytest.fixture
def one_claim(monkeypatch):
    """The ledger, cut down to a claim, in this process: all of it is run by test_proofs, and by the command in CI."""
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    claim = next(claim for claim in prove.ledger.LEDGER if claim.id == "binary-weight")
    monkeypatch.setattr(prove.ledger, "LEDGER", (claim,))


@pytest.mark.usefixtures("one_claim")
def test_verify_succeeds_and_prints_the_objectives_it_computed(capsys):
    assert run("verify") == 0
    shown = capsys.readouterr().out
    assert re.search(r"maxrl_shipped +exactly J_7 +none +19\.\d%", shown)
    assert "GRPO matches no J_T" in shown
    assert "1 of 1 claims are proved, and the package computes what they say" in shown
    assert "FAILS" not in shown


def test_prove_prints_the_ledger(capsys):
    assert run("prove", "binary-weight", "weight-is-derivative") == 0
    shown = capsys.readouterr().out
    assert "binary-weight" in shown
    assert "Of K successes among N binary rewards" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "2 of 2 claims are proved, and their false siblings refuted" in shown


def test_prove_writes_json_and_markdown(capsys, tmp_path):
    page = tmp_path / "ledger.md"
    assert run("prove", "binary-weight", "--json", "-", "--markdown", page) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["holds"]
    (claim,) = result["claims"]
    assert claim["id"] == "binary-weight"
    assert claim["certificate"]
    assert claim["seconds"] > 0
    assert r"\binom" in claim["latex"]
    assert "## binary-weight" in page.read_text()


@pytest.mark.parametrize("change", ["steps", "sibling"])
def test_a_claim_that_fails_is_shown_and_exits_with_1(capsys, monkeypatch, change):
    claim = prove.ledger.LEDGER[0]
    right, wrong = claim.steps[0].relation, claim.sibling
    steps = (dataclasses.replace(claim.steps[0], relation=wrong),)
    broken = dataclasses.replace(claim, **{"steps": steps} if change == "steps" else {"sibling": right})
    monkeypatch.setattr(prove.ledger, "LEDGER", (broken,))
    assert run("prove") == 1
    shown = capsys.readouterr().out
    assert "0 of 1 claims" in shown
    assert f"FAILS  {claim.id}: " in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["binary-wieght"], "got 'binary-wieght'; did you mean 'binary-weight'?"),
        (["--json", "-", "--markdown", "-"], "--json and --markdown must not both be -"),
        (
            ["--markdown", "no/such/folder/ledger.md"],
            "--markdown must be in a folder that exists, got no/such/folder/ledger.md",
        ),
    ],
)
def test_what_prove_cannot_do_is_said_in_one_line(capsys, arguments, said):
    assert run("prove", *arguments) == 2
    assert said in one_line(capsys)


@pytest.mark.usefixtures("one_claim")
def test_verify_writes_json_to_standard_output_alone(capsys):
    assert run("verify", "--json", "-") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["holds"] is True
    assert [row["id"] for row in result["claims"]] == ["binary-weight"]
    assert {row["estimator"] for row in result["objectives"]} >= {"grpo", "ustat"}


@pytest.mark.usefixtures("one_claim")
def test_verify_exits_1_when_a_finding_fails(monkeypatch, capsys):
    broken = findings.Finding("two is three", False, "none", "nothing")
    monkeypatch.setattr(verify, "CHECKS", (lambda: broken,))
    assert run("verify") == 1
    assert "FAILS  two is three" in capsys.readouterr().out


@pytest.mark.usefixtures("one_claim")
def test_verify_exits_1_when_the_package_computes_something_else(monkeypatch, capsys):
    monkeypatch.setattr(maxrl_est, "loo_weights", lambda l, *order: maxrl_est.estimates.loo_weights(l, *order) * 2)
    assert run("verify") == 1
    shown = capsys.readouterr().out
    assert "FAILS  binary-weight: the package computes something else, by bridges/estimator.py:" in shown
    assert "0 of 1 claims" in shown


def test_verify_refuses_to_run_without_assertions():
    command = [sys.executable, "-O", "-m", "maxrl_est", "verify"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "bridges are assertions" in done.stderr
    assert done.stderr.count("\n") == 1


def test_check_exits_1_on_a_wrong_function_of_a_file_with_its_bias_and_nearest_objective(functions, capsys):
    assert run("check", f"{functions}:advantage") == 1
    shown = capsys.readouterr().out
    assert "no known objective; nearest" in flat(shown)
    assert "exact bias [" in flat(shown)


def test_check_exits_0_on_right_functions_of_a_file_a_module_and_the_table(functions):
    assert run("check", f"{functions}:right") == 0
    assert run("check", "maxrl_est:advantages", "--objective", "maxrl") == 0
    assert run("check", "ustat(3)", "--objective", "maxrl:3") == 0
    assert run("check", "rloo", "--objective", "expected", "--group-sizes", "2", "5") == 0


def test_check_takes_a_file_named_like_a_module_and_one_that_imports_its_neighbour(tmp_path):
    (tmp_path / "random.py").write_text("def advantage(r):\n    return r\n")
    (tmp_path / "neighbour_of_mine.py").write_text("def same(r):\n    return r\n")
    (tmp_path / "mine_too.py").write_text("from neighbour_of_mine import same as advantage\n")
    for name in ("random", "mine_too"):
        command = [sys.executable, "-m", "maxrl_est", "check", f"{tmp_path / name}.py:advantage"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_check_holds_a_declared_objective_against_the_function(capsys):
    assert run("check", "maxrl_shipped", "--objective", "maxrl") == 1
    assert "should ascend J_64; on 0/1 rewards it ascends exactly J_63" in flat(capsys.readouterr().out)


def test_check_reports_nan_as_a_failed_check_with_the_input(functions, tmp_path):
    report = tmp_path / "report.json"
    assert run("check", f"{functions}:returns_nan", "--json", report) == 1
    first = json.loads(report.read_text())["reports"][0]["checks"][0]
    assert first["status"] == "failed"
    assert first["message"].startswith("returned [nan, nan")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("rlo", "did you mean 'rloo'?"),
        ("{file}:advantag", "did you mean 'advantage'?"),
        ("{file}:not_a_function", "no function 'not_a_function' there"),
        ("missing.py:f", "no file missing.py"),
        ("no_such_package.module:f", "raised ModuleNotFoundError"),
    ],
)
def test_check_says_in_one_line_what_cannot_be_found(target, says, functions, capsys):
    assert run("check", target.format(file=functions)) == 2
    assert says in one_line(capsys)


@pytest.mark.parametrize(
    ("objective", "says"),
    [
        ("maxrll", "--objective must be expected, maxrl, maxrl:T, pass:K, all:K or tsallis:Q:T, got 'maxrll'"),
        ("", "--objective must be expected, maxrl, maxrl:T, pass:K, all:K or tsallis:Q:T, got ''"),
        (
            "maxrl:0",
            "the order in --objective must be an int in [1, 64], as no group of --group-sizes is larger, got '0'",
        ),
        ("pass:x", "got 'x'"),
        ("tsallis:-1:3", "q "),
        ("tsallis:1/0:3", "Q in --objective must be a number such as 0.3 or 3/10, got '1/0'"),
    ],
)
def test_check_refuses_objectives_that_do_not_exist(objective, says, capsys):
    assert run("check", "rloo", "--objective", objective) == 2
    assert says in one_line(capsys)


def test_check_refuses_group_sizes_that_decide_nothing(capsys):
    assert run("check", "rloo", "--group-sizes", "1") == 2
    assert "group_sizes must have a size of at least 2, got [1]" in one_line(capsys)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--group-sizes", 4, 0), "--group-sizes must be an int of at least 1, got 0"),
        (("--group-sizes", 4, 1025), "group_sizes[1] must be an int in [1, 1024], got 1025"),
        (("--monte-carlo", 1), "--monte-carlo must be an int of at least 2, got 1"),
    ],
)
def test_numbers_that_check_cannot_work_with_are_refused(options, says, capsys):
    assert run("check", "rloo", *options) == 2
    assert says in one_line(capsys)


def test_check_samples_if_asked_to_and_refuses_what_draws_its_own_rollouts(capsys):
    assert run("check", "rloo", "--objective", "expected", "--monte-carlo", 500, "-v") == 0
    assert "Monte Carlo INCONCLUSIVE" in flat(capsys.readouterr().out)
    assert run("check", "inverse_sampling") == 2
    assert "which draws rollouts itself" in one_line(capsys)


def test_table_prints_a_section_for_each_problem_and_size_with_a_legend(capsys):
    assert (
        run("table", "--problems", "bandit", "gaussian", "--estimators", "ustat_one", "maxrl", "--group-sizes", 4, 8)
        == 0
    )
    shown = capsys.readouterr().out
    assert [line for line in shown.splitlines() if ", N = " in line] == [
        "bandit, N = 4", "bandit, N = 8", "gaussian, N = 4", "gaussian, N = 8",
    ]  # fmt: skip
    assert "0.107 " in shown  # exact
    assert "\033" not in shown  # colours are for terminals
    assert "one standard error" in shown


def test_table_takes_functions_of_files_beside_names_and_keeps_what_they_print_apart(functions, tmp_path, capsys):
    (tmp_path / "loud.py").write_text("print('hello')\ndef advantage(r):\n    print('hi')\n    return r\n")
    mine, loud = f"{functions}:right", f"{tmp_path / 'loud.py'}:advantage"
    given = ("--problems", "bandit", "--group-sizes", 4, "--estimators", mine, "rloo", loud, "ustat_optimal")
    assert run("table", *given, "--json", "-") == 0
    rows = {row["estimator"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert list(rows) == [mine, "rloo", loud, "ustat_optimal"]
    assert rows[mine]["target"] == "expected"
    assert rows[mine]["unbiased"]
    assert rows[mine]["total_variance"] == pytest.approx(rows["rloo"]["total_variance"], rel=1e-12)
    assert rows[loud]["target"] == "expected"
    assert run("table", "--estimators", f"{functions}:rigt") == 2
    assert "did you mean 'right'?" in one_line(capsys)


def test_table_writes_every_format_and_one_of_them_to_standard_output(capsys, tmp_path):
    formats = ("markdown", "csv", "latex", "html")
    options = [x for name in formats for x in (f"--{name}", tmp_path / name)]
    assert run("table", "--problems", "bernoulli", "--estimators", "rloo", "--json", "-", *options) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["n"] for row in rows] == [4, 8, 16]
    for name in formats:
        assert "rloo" in (tmp_path / name).read_text()


def test_table_colours_rows_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    arguments = ("table", "--problems", "bandit", "--estimators", "rloo", "maxrl", "--group-sizes", 4)
    run(*arguments)
    good, bad = (line for line in capsys.readouterr().out.splitlines() if line.startswith("\033"))
    assert good.startswith("\033[32mrloo")
    assert bad.startswith("\033[31mmaxrl")
    monkeypatch.setenv("NO_COLOR", "1")
    run(*arguments)
    assert "\033" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--problems", "coins"), "--problems must be one of bernoulli, "),
        (("--estimators", "rlo"), "did you mean 'rloo'?"),
        (("--group-sizes", 0), "--group-sizes must be an int of at least 1, got 0"),
        (("--groups", 1), "--groups must be an int of at least 2, got 1"),
        (("--seed", -1), "--seed must be an int of at least 0, got -1"),
        (("--json", "-", "--csv", "-"), "--json and --csv must not both be -"),
        (("--html", "/nowhere/x.html"), "--html must be in a folder that exists, got /nowhere/x.html"),
    ],
)
def test_what_table_cannot_do_is_said_in_one_line(arguments, says, capsys):
    assert run("table", *arguments) == 2
    assert says in one_line(capsys)


def test_weights_adds_a_weight_and_an_advantage_to_every_row(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("prompt,group,likelihood\nwhy,a,1\nwhy,a,0\nhow,b,0.5\n")
    assert run("weights", source, "-o", target) == 0
    assert target.read_text().splitlines() == [
        "prompt,group,likelihood,weight,advantage",
        "why,a,1,2.0,2.0",
        "why,a,0,1.0,-1.0",
        "how,b,0.5,1.0,0.5",
    ]


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        ("a,1.5", (), "1.5"),
        ("a,nan", (), "nan"),
        ("a,x", (), "x"),
        ("a,1", ("--likelihood", "likelyhood"), "likelyhood"),
        ("a,1", ("--order", "2"), "got T = 2"),
        ("a,1", ("--order", "0"), "--order must be an int of at least 1, got 0"),
        ("a,1", ("--baseline", "oen"), "got 'oen'; did you mean 'one'?"),
        ("a,1", ("--baseline", "inf"), "--baseline must be finite, got inf"),
        ("a,1\na,1", ("--max-group", "1"), "--max-group"),
        ("a,1", ("--baseline", "pass_loo"), "pass_loo"),
        ("a,-1\na,0.5", ("--log-likelihood", "likelihood"), 'likelihood must be a number in [-inf, 0], got "0.5"'),
        ("a,nan", ("--log-likelihood", "likelihood"), "nan"),
        ("a,0", ("--log-likelihood", ""), "columns must have ''"),
        ("a,1", ("--log-ceiling", "2"), "--log-ceiling must come with --log-likelihood, got 2.0"),
        ("a,1", ("--log-likelihood", "likelihood", "--log-ceiling", "inf"), "--log-ceiling must be finite, got inf"),
    ],
)
def test_weights_refuses_bad_input_in_one_line_and_leaves_no_file(rows, options, says, tmp_path, capsys):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(f"group,likelihood\n{rows}\n")
    assert run("weights", source, "-o", target, *options) == 2
    assert says in one_line(capsys)
    assert os.listdir(tmp_path) == ["in.csv"]


def test_weights_names_a_missing_file(tmp_path, capsys):
    assert run("weights", tmp_path / "none.csv") == 2
    assert "none.csv" in one_line(capsys)


def test_weights_takes_arrays(tmp_path):
    source, target = tmp_path / "in.npy", tmp_path / "out.npy"
    np.save(source, np.array([[True, False], [True, True]]))
    assert run("weights", source, "-o", target, "--baseline", "none") == 0
    got = np.load(target)
    assert got[..., 1].tolist() == [[2.0, 1.0], [1.0, 1.0]]
    assert got[..., 2].tolist() == [[2.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "npy"])
def test_weights_takes_logarithms(suffix, tmp_path):
    source, target = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    if suffix == "npy":
        np.save(source, np.array([2.0, -np.inf, -698.0]))
    elif suffix == "csv":
        source.write_text("group,logp\na,2\na,-inf\na,-698\n")
    else:
        source.write_text("".join(f'{{"group": 0, "logp": {x}}}\n' for x in ("2", "-Infinity", "-698.0")))
    assert (
        run("weights", source, "-o", target, "--log-likelihood", "logp", "--log-ceiling", 2, "--baseline", "none") == 0
    )
    if suffix == "npy":
        got = np.load(target)[:, 1:]
    elif suffix == "csv":
        got = [[float(x) for x in line.split(",")[2:]] for line in target.read_text().splitlines()[1:]]
    else:
        got = [[row["weight"], row["advantage"]] for row in map(json.loads, target.read_text().splitlines())]
    np.testing.assert_allclose(got, [[3, 3], [1.5, 0], [1.5, 1.5 * math.exp(-700)]], rtol=1e-14)


def test_an_unwritable_report_is_one_line_and_status_2(capsys):
    assert run("check", "rloo", "--json", "/no/such/folder/report.json") == 2
    assert "/no/such/folder" in one_line(capsys)


def test_an_interrupt_exits_130(monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(checks, "check_estimator", interrupt)
    assert run("check", "rloo") == 130


def test_what_a_checked_function_prints_stays_out_of_the_report(tmp_path, capsys):
    (tmp_path / "loud.py").write_text("print('hello')\ndef advantage(r):\n    print('hi')\n    return r\n")
    assert run("check", f"{tmp_path / 'loud.py'}:advantage", "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True


def test_a_file_that_exits_on_import_is_one_line(tmp_path, capsys):
    (tmp_path / "script.py").write_text("import argparse, sys\nsys.exit(len(sys.argv))\n")
    assert run("check", f"{tmp_path / 'script.py'}:advantage") == 2
    assert "raised SystemExit: 1" in one_line(capsys)


def test_an_order_larger_than_every_group_is_refused_before_it_takes_memory(capsys):
    assert run("check", "rloo", "--objective", "maxrl:10000000000") == 2
    assert "must be an int in [1, 64], as no group of --group-sizes is larger, got '10000000000'" in one_line(capsys)


def test_tsallis_takes_decimals_and_fractions_exactly():
    for q in ("0.3", "3/10"):
        assert run("check", "rloo", "--objective", f"tsallis:{q}:2") == 1  # another objective, but a valid one


def test_running_out_of_memory_is_one_line(monkeypatch, capsys, tmp_path):
    def exhaust(*_, **__):
        raise MemoryError

    monkeypatch.setattr(rollouts, "write_weights", exhaust)
    assert run("weights", tmp_path / "in.csv") == 2
    assert "not enough memory" in one_line(capsys)


def test_a_damaged_array_is_one_line(tmp_path, capsys):
    source = tmp_path / "in.npy"
    np.save(source, np.ones((2, 2)))
    source.write_bytes(source.read_bytes().replace(b"'shape': (2, 2)", b"'shape': (2, 2"))
    assert run("weights", source, "-o", tmp_path / "out.npy") == 2
    assert "must be a plain .npy array" in one_line(capsys)


@pytest.mark.parametrize("text", ["0_1", "\u0660.\u0665", "1,5", ""])
def test_numbers_in_odd_writing_are_refused(text, tmp_path, capsys):
    source = tmp_path / "in.csv"
    source.write_text(f'group,likelihood\na,"{text}"\n')
    assert run("weights", source) == 2
    assert "must be a number in [0, 1]" in one_line(capsys)


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_weighing_that_is_stopped_leaves_no_file(stop, status, tmp_path):
    source = tmp_path / "in.csv"
    with source.open("w") as stream:
        stream.write("group,likelihood\n")
        stream.writelines(f"{i // 8},0.5\n" for i in range(2_000_000))
    command = [sys.executable, "-m", "maxrl_est", "weights", str(source), "-o", str(tmp_path / "out.csv")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob(".maxrl-est-*")):  # it has begun to write
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(stop)
    assert process.wait() == status
    assert os.listdir(tmp_path) == ["in.csv"]


def test_weights_says_that_a_file_holds_no_rollouts(tmp_path, capsys):
    for name, text in (("in.jsonl", ""), ("in.csv", "group,likelihood\n")):
        (tmp_path / name).write_text(text)
        assert run("weights", tmp_path / name) == 2
        assert "holds no rollouts" in one_line(capsys)


def test_the_caller_finds_its_signal_handler_and_its_output_as_they_were(capsys):
    def handler(*_):
        raise AssertionError

    earlier = signal.signal(signal.SIGTERM, handler)
    errors = sys.stdout.errors
    try:
        assert run("prove", "binary-weight") == 0
        assert run("prove", "binary-weigh") == 2
        assert signal.getsignal(signal.SIGTERM) is handler
        assert sys.stdout.errors == errors
    finally:
        signal.signal(signal.SIGTERM, earlier)


def test_a_command_runs_outside_the_main_thread(capsys):
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(run, "prove", "binary-weight").result() == 0


SAMPLED = ("table", "--problems", "gaussian", "--estimators", "grpo", "--group-sizes", "4", "--groups", "100")


@pytest.mark.parametrize("arguments", [SAMPLED, (*SAMPLED, "--markdown", "-"), (*SAMPLED, "--html", "-")], ids=len)
def test_a_terminal_without_the_plus_minus_sign_shows_it_in_two_characters(arguments):
    done = in_ascii(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"\d \+- \d", done.stdout)  # a cell


def test_a_terminal_shows_names_it_cannot_write_as_escapes(tmp_path):
    (tmp_path / "é.py").write_text("def advantage(r):\n    return r\n")
    done = in_ascii("check", tmp_path / "é.py:advantage", "--group-sizes", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert r"\xe9.py:advantage: on 0/1 rewards" in done.stdout


def in_ascii(*arguments):
    command = [sys.executable, "-m", "maxrl_est", *map(str, arguments)]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["--help"], [], ["table", "--help"], ["check", "--help"], ["list", "objectives"]],
    ids=" ".join,
)
def test_what_needs_no_numbers_imports_no_numpy(arguments):
    command = [sys.executable, "-X", "importtime", "-m", "maxrl_est", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "maxrl_est.cli" in imported
    assert not imported & {"numpy", "scipy", "numba", "sympy", "matplotlib"}


def examples():
    """The lines that the help of each command shows, and of all."""
    parser = cli._parser()
    (commands,) = (action for action in parser._actions if action.dest == "command")
    for known in (parser, *commands.choices.values()):
        found = [line.removeprefix("  maxrl-est ") for line in known.epilog.splitlines() if "  maxrl-est " in line]
        assert found, known.prog
        yield from found


@pytest.fixture
def a_project(tmp_path, monkeypatch):
    """What the examples name, in the current folder."""
    source = "import maxrl_est as mx\n\ndef advantage(r):\n    return mx.advantages(r)\n"
    source += "\ndef step(b):\n    return b.rewards[..., None] * b.mask / (b.rewards.shape[-2] * b.rewards.shape[-1])\n"
    (tmp_path / "mine.py").write_text(source)
    (tmp_path / "my_pkg").mkdir()
    (tmp_path / "my_pkg" / "trainer.py").write_text(source)
    rows = [f"{i // 3},{i // 3},{x},{math.log(x)},{0.5 + x}" for i, x in enumerate((1, 0.5, 0.25, 0.9, 0.1, 0.2))]
    (tmp_path / "rollouts.csv").write_text("\n".join(["group,prompt,likelihood,logp,ratio", *rows, ""]))
    log = [{"step": 1, "prompt": "a", "reward": r, "advantage": r - 0.5} for r in (1, 0, 0, 1)]
    (tmp_path / "completions.jsonl").write_text("\n".join(map(json.dumps, log)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("a_project", "one_claim")
@pytest.mark.parametrize("example", list(examples()))
def test_the_examples_of_every_help_run(example, monkeypatch, capsys):
    monkeypatch.setattr(bench, "measure", lambda *_, **__: iter(()))  # which has tests of its own, and takes minutes
    words = example.split()
    status = run(*words)
    assert status in ((0, 1) if words[0] == "check" else (0,)), capsys.readouterr().err
    assert capsys.readouterr().out or "-o" in words or "--output" in words or "--json" in words or "--csv" in words


def test_without_arguments_the_help_is_printed_and_that_is_no_misuse(capsys):
    assert run() == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: maxrl-est")
    assert "  maxrl-est check rloo\n" in shown


def test_list_has_a_line_for_every_name_that_commands_take(capsys):
    assert run("list") == 0
    shown = capsys.readouterr().out
    first = {line.split()[0] for line in shown.splitlines() if re.match(r"  \S", line)}
    names = {*maxrl_est.estimators.names(), *maxrl_est.estimators.sequential_names(), *PROBLEMS, *PRESETS}
    ids = {identifier(name) for name in (*checks.CHECKS, *checks.STEP_CHECKS)}
    assert first >= names | {form.text for form in FORMS} | ids
    assert max(map(len, shown.splitlines())) <= 80
    assert run("list", "checks") == 0
    shown = capsys.readouterr().out
    assert re.search(r"\n  leave-one-out +failed +A rollout's own", shown)
    assert shown.index("\n  leave-one-out") < shown.index("\nchecks of a training step") < shown.index("\n  padding")
    assert run("list", "check") == 2
    assert "did you mean 'checks'?" in one_line(capsys)


def test_table_and_train_call_one_problem_by_one_word():
    assert "bandit" in PROBLEMS
    assert "bandit" in PRESETS
    assert "bandits" not in {*PROBLEMS, *PRESETS}


def test_explain_shows_the_page_of_a_check_by_its_id_or_its_name(capsys):
    assert run("explain", "batch-independence") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("# batch independence\n")
    assert run("explain", "Batch independence") == 0
    assert capsys.readouterr().out == shown
    assert run("explain", "formats") == 0
    assert '"maxrl_est.check/1"' in capsys.readouterr().out
    assert run("explain", "order of prompts") == 0
    assert capsys.readouterr().out.startswith("# order of prompts\n")
    assert run("explain", "leave-two-out") == 2
    assert "did you mean 'leave-one-out'?" in one_line(capsys)


def test_every_form_of_objective_is_one(capsys):
    for form in FORMS:
        text = form.text.replace("T", "2").replace("K", "2").replace("Q", "1/2")
        found = declared(text, 8)
        assert isinstance(found(3) if form.per_size else found, maxrl_est.Objective)


def test_check_goes_on_after_a_function_that_fails(functions, capsys):
    targets = (f"{functions}:advantage", "rloo", "reinforce")
    assert run("check", *targets, "--group-sizes", 2, 3) == 1
    verdicts = re.findall(r"^(PASSED|FAILED) ", capsys.readouterr().out, re.M)
    assert verdicts == ["FAILED", "PASSED", "PASSED"]
    assert run("check", "rloo", "reinforce", "--group-sizes", 2) == 0


def test_check_loads_every_function_before_it_checks_one(capsys):
    assert run("check", "rloo", "rlo") == 2
    assert "did you mean 'rloo'?" in one_line(capsys)
    assert capsys.readouterr().out == ""


def test_check_writes_every_format_of_all_functions(tmp_path, capsys):
    for name, parse in (
        ("json", json.loads),
        ("sarif", json.loads),
        ("junit", ElementTree.fromstring),
        ("github", str.splitlines),
    ):
        path = tmp_path / name
        assert run("check", "rloo", "grpo", "--group-sizes", 2, "--format", name) == 1
        printed = capsys.readouterr().out
        assert parse(printed)
        assert run("check", "rloo", "grpo", "--group-sizes", 2, "--format", name, "--output", path) == 1
        assert path.read_text() == printed
        assert "PASSED  rloo" in capsys.readouterr().out
    assert run("check", "rloo", "grpo", "--group-sizes", 2, "--output", tmp_path / "text", "--json", "-") == 1
    assert len(json.loads(capsys.readouterr().out)["reports"]) == 2
    assert "PASSED  rloo" in (tmp_path / "text").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--format", "xml"), "--format must be one of text, json, github, junit, sarif, got 'xml'"),
        (("--json", "-", "--output", "-"), "--json and --output must not both be -"),
        (("--json", "-", "--format", "sarif"), "--json - and --format sarif must not both go to standard output"),
        (("--output", "/nowhere/x"), "--output must be in a folder that exists, got /nowhere/x"),
        (("--scale", "one"), "--scale must be a number such as 0.3 or 3/10, got 'one'"),
        (("--same-as", "rlo"), "did you mean 'rloo'?"),
        (("--seed", -1), "--seed must be an int of at least 0, got -1"),
    ],
)
def test_what_check_cannot_do_is_said_in_one_line(options, says, capsys):
    assert run("check", "rloo", *options) == 2
    assert says in one_line(capsys)


def test_check_passes_on_what_it_was_asked_for(monkeypatch):
    asked = {}

    def check_estimator(function, **options):
        asked.update(options, function=function)
        raise KeyboardInterrupt

    monkeypatch.setattr(checks, "check_estimator", check_estimator)
    options = "--objective pass:2 --binary --positive --group-sizes 2 4 --monte-carlo 500 --seed 7 --tolerance 1e-6"
    run("check", "rloo", *options.split(), "--scale", "7/8", "--same-as", "grpo", "--values", -1, 1)
    assert (asked.pop("function").name, asked.pop("same_as").name) == ("rloo", "grpo")
    assert asked == {
        "name": "rloo",
        "objective": maxrl_est.Objective.pass_at(2),
        "binary_only": True,
        "positive_only": True,
        "group_sizes": [2, 4],
        "design": None,
        "monte_carlo": 500,
        "seed": 7,
        "tolerance": 1e-6,
        "scale": Fraction(7, 8),
        "precision": None,
        "values": (-1, 1),
        "on_fail": None,
    }


def test_check_judges_whole_steps(steps, tmp_path, capsys):
    assert run("check", "--step", f"{steps}:right") == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("PASSED  ...")
    assert "noise" in shown.err
    assert "noise" not in shown.out
    wrong = ("check", "--step", f"{steps}:right", f"{steps}:token_mean", "--format", "json", "--output", tmp_path / "x")
    assert run(*wrong) == 1
    shown = flat(capsys.readouterr().out)
    assert "the token mean is taken per micro-batch: each divides by its own number of tokens" in shown
    assert "kept degrees off prompt responses" in shown
    first, second = json.loads((tmp_path / "x").read_text())["reports"]
    assert (first["verdict"], second["verdict"]) == ("passed", "failed")
    assert (first["group_sizes"], first["siblings"], first["prompts"][0]["share"]) == ([3], 1, 1.0)


def test_every_format_has_what_is_wrong_with_a_step(steps, capsys):
    for name in ("github", "junit", "sarif", "json"):
        assert run("check", "--step", f"{steps}:token_mean", "--format", name) == 1
        assert "each divides by its own number of tokens" in capsys.readouterr().out


def test_check_passes_on_what_it_was_asked_of_a_step(monkeypatch, steps):
    asked = {}

    def check_step(function, **options):
        asked.update(options, function=function.__name__)
        raise KeyboardInterrupt

    monkeypatch.setattr(checks, "check_step", check_step)
    options = "--objective maxrl --group-sizes 4 --siblings 2 --epochs 3 --tolerance 1e-6"
    run("check", "--step", f"{steps}:right", *options.split())
    assert asked == {
        "function": "right",
        "name": f"{steps}:right",
        "objective": maxrl_est.Objective.maxrl(4),
        "n": 4,
        "siblings": 2,
        "epochs": 3,
        "tolerance": 1e-6,
        "on_fail": None,
    }


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--scale", "1"), "--scale must not come with --step"),
        (("--same-as", "rloo"), "--same-as must not come with --step"),
        (("--monte-carlo", 500), "--monte-carlo must not come with --step"),
        (("--binary",), "--binary must not come with --step"),
        (("--form", "group"), "--form must not come with --step"),
        (("--seed", 3), "--seed must not come with --step"),
        (("--values", -1, 1), "--values must not come with --step"),
        (("--group-sizes", 2, 3), "--group-sizes must be one N with --step, got 2 3"),
        (("--group-sizes", 1), "--group-sizes must be an int of at least 2, got 1"),
        (("--siblings", 2), "siblings must divide n = 3 and be less, got 2"),
        (("--epochs", 0), "--epochs must be an int of at least 1, got 0"),
        (("--objective", "pass:4"), "the order in --objective must be an int in [1, 3]"),
    ],
)
def test_what_check_cannot_do_with_a_step_is_said_in_one_line(options, says, steps, capsys):
    assert run("check", "--step", f"{steps}:right", *options) == 2
    assert says in one_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rloo", "--siblings", 2), "--siblings must come with --step"),
        (("rloo", "--epochs", 2), "--epochs must come with --step"),
        (("--step", "rloo"), "TARGET must be path/to/file.py:function, package.module:function or trl:GRPOTrainer"),
        (("--step",), "TARGET or --log must be given"),
        (("--step", "nowhere.py:step"), "no file nowhere.py"),
    ],
)
def test_steps_and_functions_are_told_apart(arguments, says, capsys):
    assert run("check", *arguments) == 2
    assert says in one_line(capsys)


def test_what_frameworks_ship_is_judged_as_a_step_by_their_adapters(monkeypatch, capsys):
    def as_step(*given):
        def step(batch):
            return batch.rewards[..., None] * batch.mask / batch.rewards.size

        made.append(given)
        return step

    made = []
    trl = types.SimpleNamespace(GRPOTrainer="trainer", GRPOConfig="config", __name__="trl")
    torchrl = types.SimpleNamespace(GRPOLoss="loss", __name__="torchrl.objectives.llm")
    modules = {"trl": trl, "torchrl.objectives.llm": torchrl}
    for name in ("trl", "verl", "torchrl"):
        modules[f"maxrl_est.adapters.{name}"] = types.SimpleNamespace(as_step=as_step)
    monkeypatch.setattr(frameworks, "import_module", modules.__getitem__)
    assert run("check", "--step", "trl:GRPOTrainer", "verl:vanilla", "torchrl:GRPOLoss") == 0
    assert made == [("trainer", "config"), ("vanilla",), ("loss",)]
    assert len(re.findall("^PASSED ", capsys.readouterr().out, re.M)) == 3
    assert run("check", "--step", "trl:GRPOTriner") == 2
    assert "did you mean 'GRPOTrainer'?" in one_line(capsys)


def test_text_is_as_wide_as_the_terminal_up_to_100_columns(monkeypatch):
    assert console.terminal_width() == 80
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    for columns, expected in ((60, 60), (80, 80), (200, 100), (10, 40)):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert console.terminal_width() == expected


def test_check_colours_what_it_says_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    run("check", "rloo", "grpo", "--group-sizes", 2, 4)
    shown = capsys.readouterr().out
    assert shown.startswith("\033[32mPASSED  rloo")
    assert "\033[31mFAILED  grpo" in shown


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("maxrl-est ch", {"check"}),
        ("maxrl-est check rl", {"rloo"}),
        ("maxrl-est check --format s", {"sarif"}),
        ("maxrl-est explain leave", {"leave-one-out"}),
        ("maxrl-est table --problems ba", {"bandit"}),
        ("maxrl-est train --problem ba", {"bandit"}),
        ("maxrl-est weights x.csv --baseline mean", {"mean_loo"}),
    ],
)
def test_a_shell_completes_commands_and_names(line, expected, tmp_path):
    pytest.importorskip("argcomplete")
    asking = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    answer = tmp_path / "answer"
    subprocess.run(
        [sys.executable, "-m", "maxrl_est"],
        env={**os.environ, **asking, "_ARGCOMPLETE_STDOUT_FILENAME": str(answer)},
        check=True,
    )
    assert {word.strip() for word in answer.read_text().splitlines()} == expected


def test_misspelt_commands_exit_2():
    with pytest.raises(SystemExit) as stop:
        run("verfy")
    assert stop.value.code == 2


def test_the_module_runs_as_the_command():
    done = subprocess.run([sys.executable, "-m", "maxrl_est", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("maxrl-est ")
