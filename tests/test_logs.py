"""What a trainer logged tells which function made its advantages, and that function is judged."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.checks import recover
from maxrl_est.cli import main
from maxrl_est.files.rollouts.columns import read_columns
from maxrl_est.files.whole import FileError

N, GROUPS = 8, 40
RNG = np.random.default_rng(0)
ORDER = RNG.permutation(GROUPS * N)
IDS = np.repeat(np.arange(GROUPS), N)[ORDER]
STEPS = IDS // 10
BINARY = (RNG.random((GROUPS, N)) < RNG.random((GROUPS, 1))).astype(float)
GRADED = RNG.random((GROUPS, N))
SUMS = 2 * GRADED - 0.5  # no likelihoods


def standardised(rewards, ddof, eps):
    return (rewards - rewards.mean(1, keepdims=True)) / (rewards.std(1, ddof=ddof, keepdims=True) + eps)


def over_mean(rewards):
    return (rewards - rewards.mean(1, keepdims=True)) / (rewards.mean(1, keepdims=True) + 1e-6)


def over_batch(rewards):
    deviation = np.array([part.std(ddof=1) for part in rewards.reshape(-1, 10, N)]).repeat(10)[:, None]
    return (rewards - rewards.mean(1, keepdims=True)) / (deviation + 1e-4)


def whitened(rewards):
    left = (rewards - rewards.mean(1, keepdims=True)).reshape(-1, 10 * N)
    return (left / left.std(1, ddof=1, keepdims=True)).reshape(rewards.shape)


MADE = {
    "rloo": (mx.estimators.get("rloo").function, {"rloo", "8/7 x mean_centred"}),
    "Dr. GRPO": (lambda r: r - r.mean(1, keepdims=True), {"mean_centred"}),
    "TRL's GRPO": (lambda r: standardised(r, 1, 1e-4), {"grpo", "(r - mean) / (sd + 0.0001), divisor N - 1"}),
    "verl's GRPO": (lambda r: standardised(r, 1, 1e-6), {"(r - mean) / (sd + 1e-06), divisor N - 1"}),
    "an eps of its own": (lambda r: standardised(r, 0, 0.03), {"(r - mean) / (sd + 0.03), divisor N"}),
    "over the mean": (over_mean, {"(r - mean) / (mean + 1e-06)"}),
    "TRL's batch scale": (over_batch, {"(r - mean) / (sd of the batch + 0.0001), divisor N - 1"}),
    "whitened": (whitened, {"(r - mean, whitened) / (sd of r - mean in the batch), divisor N - 1"}),
    "flipped": (lambda r: -standardised(r, 1, 1e-6), {"-1 x (r - mean) / (sd + 1e-06), divisor N - 1"}),
    "flipped Dr. GRPO": (lambda r: r.mean(1, keepdims=True) - r, {"-1 x mean_centred"}),
}


def recovered(rewards, advantages, **options):
    flat = (rewards.ravel()[ORDER], advantages.astype(np.float32).ravel()[ORDER])
    return recover(*flat, [f"uid {i}" for i in IDS], batches=STEPS, **options)


@pytest.mark.parametrize("rewards", [BINARY, GRADED, SUMS], ids=["binary", "graded", "sums"])
@pytest.mark.parametrize("name", MADE)
def test_what_made_the_advantages_is_found_first_from_interleaved_rows_in_float32(name, rewards):
    function, known = MADE[name]
    result = recovered(rewards, function(rewards))
    names = [str(match) for match in result.found]
    assert names[0] in known or (name == "over the mean" and known & set(names))
    assert result.found[0].difference < 1e-5
    assert (result.rollouts, result.sizes) == (GROUPS * N, (N,))


def test_orders_and_factors_are_found():
    result = recovered(GRADED, 3 * mx.advantages(GRADED, 4))
    assert [str(match) for match in result.found] == ["3 x ustat_mean_loo(4)"]
    assert result.found[0].factor == pytest.approx(3, rel=1e-6)


def test_ragged_groups_tell_a_factor_that_depends_on_the_size():
    ids = [*"aabbbccccc"]
    rewards = np.array([1.0, 0, 1, 0, 0, 1, 1, 0, 0, 0])
    made = mx.advantages(rewards, 1, groups=ids)
    names = [str(match) for match in recover(rewards, made, ids).found]
    assert names[0] == "rloo"
    assert not any("mean_centred" in name for name in names)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda r: np.clip(standardised(r, 1, 1e-4), -1, 1),
        lambda r: abs(standardised(r, 1, 1e-4)),
        lambda r: standardised(np.roll(r, 1, axis=0), 1, 1e-4),
        lambda r: standardised(r, 1, 1e-4) + 0.01,
        lambda r: standardised(r.reshape(-1, N // 2), 1, 1e-4).reshape(r.shape),  # other groups
        lambda r: RNG.normal(size=r.shape),
    ],
    ids=["clipped", "absolute", "other rewards", "shifted", "other groups", "noise"],
)
@pytest.mark.parametrize("rewards", [BINARY, GRADED], ids=["binary", "graded"])
def test_advantages_of_no_known_function_have_no_match(wrong, rewards):
    result = recovered(rewards, wrong(rewards))
    assert result.found == ()
    assert "made by nothing that is known; nearest" in str(result)


def test_what_was_found_can_be_judged():
    for name, nearest in (("Dr. GRPO", "7/8 x J_1"), ("rloo", "J_1")):
        best = recovered(BINARY, MADE[name][0](BINARY)).found[0]
        assert mx.effective_weight(best.estimator, N).nearest().name == nearest
    best = recovered(BINARY, -2 * MADE["Dr. GRPO"][0](BINARY)).found[0]
    assert mx.effective_weight(best.estimator, N).nearest().scale == pytest.approx(-7 / 4)  # the sign is kept
    best = recovered(GRADED, MADE["an eps of its own"][0](GRADED)).found[0]
    np.testing.assert_allclose(best.estimator(GRADED), standardised(GRADED, 0, 0.03), rtol=1e-5)
    assert recovered(GRADED, over_batch(GRADED)).found[0].estimator is None  # no function of one group


@pytest.mark.parametrize("name", ["flipped Dr. GRPO", "verl's GRPO", "an eps of its own", "over the mean"])
def test_what_was_found_is_written_so_that_it_can_be_run(name):
    best = next(match for match in recovered(GRADED, MADE[name][0](GRADED)).found if str(match) in MADE[name][1])
    function = eval(best.estimator.__qualname__, {"maxrl_est": mx})
    np.testing.assert_allclose(function(GRADED), best.estimator(GRADED), rtol=1e-12)


@pytest.mark.parametrize(
    ("rewards", "advantages", "groups", "message"),
    [
        ([1, 0], [1.0], "ab", r"advantages must be one for each reward \(M,\), got \(1,\) for \(2,\)"),
        ([1, 0], [0.0, 0.0], "ab", "advantages must not be all 0"),
        ([1, np.nan], [1.0, 0.0], "ab", r"rewards\[1\] must be finite, got nan"),
        ([1, 0], [1.0, np.inf], "ab", r"advantages\[1\] must be finite, got inf"),
        ([1, 0], [1.0, 0.0], "abc", r"groups must have an id for each of the 2 rewards, got 3"),
    ],
)
def test_arrays_that_are_no_log_are_refused(rewards, advantages, groups, message):
    with pytest.raises(ValueError, match=message):
        recover(rewards, advantages, list(groups))


# Files


def log(rewards, advantages):
    """Rows as TRL has them: two reward functions whose sum is the reward."""
    half = rewards.ravel()[ORDER] / 2
    return {
        "step": STEPS.tolist(),
        "prompt": [[{"role": "user", "content": f"question {i % 10}"}] for i in IDS],  # again in each step
        "completion": ["a, \n b"] * len(IDS),
        "accuracy_reward": half.tolist(),
        "format_reward": half.tolist(),
        "advantage": advantages.ravel()[ORDER].tolist(),
    }


def write(path, columns):
    names = list(columns)
    rows = list(zip(*columns.values(), strict=True))
    if path.suffix == ".parquet":
        pyarrow = pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.table(columns), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="") as stream:
            csv.writer(stream).writerows([names, *rows])
    else:
        path.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows))
    return path


def check(*arguments):
    return main(["check", *map(str, arguments)])


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_log_of_trl_goes_to_a_verdict_with_one_command(suffix, tmp_path, capsys):
    path = write(tmp_path / f"completions_00001{suffix}", log(BINARY, standardised(BINARY, 1, 1e-4)))
    assert check("--log", path) == 1
    shown = capsys.readouterr().out
    assert f"{path}: rewards accuracy_reward + format_reward, advantages advantage, groups by prompt and step" in shown
    assert "320 rollouts in groups of 8" in shown
    assert "made by\n  grpo (largest difference" in shown
    assert "no known objective; nearest 1.964 x J_1" in " ".join(shown.split())
    path = write(tmp_path / f"right{suffix}", log(BINARY, mx.estimators.get("rloo").function(BINARY)))
    assert check("--log", path, "--objective", "expected") == 0


def test_documents_have_the_report_of_what_was_found_and_nothing_else_on_their_stream(tmp_path, capsys):
    path = write(tmp_path / "log.jsonl", log(BINARY, BINARY - BINARY.mean(1, keepdims=True)))
    check("--log", path, "--json", "-")
    out = capsys.readouterr()
    assert "mean_centred" in json.dumps(json.loads(out.out))
    assert "made by\n  mean_centred" in out.err


def test_what_cannot_be_judged_is_no_pass(tmp_path, capsys):
    path = write(tmp_path / "log.jsonl", log(BINARY, over_batch(BINARY)))
    assert check("--log", path) == 1
    assert "which depends on the other groups of the batch" in capsys.readouterr().out
    path = write(tmp_path / "log.jsonl", log(BINARY, RNG.normal(size=BINARY.shape)))
    assert check("--log", path) == 1
    assert "made by nothing that is known; nearest" in capsys.readouterr().out


def test_a_folder_of_steps_is_one_log_in_the_order_of_their_numbers(tmp_path):
    columns = log(BINARY, standardised(BINARY, 1, 1e-4))
    for step in (2, 10):
        write(
            tmp_path / f"{step}.jsonl", {name: values[:16] for name, values in columns.items()} | {"step": [step] * 16}
        )
    (tmp_path / "notes.txt").write_text("")
    assert read_columns(tmp_path)["step"] == [2] * 16 + [10] * 16
    write(tmp_path / "11.jsonl", {"other": [1]})
    with pytest.raises(FileError, match=r"11.jsonl: columns must be those of 2.jsonl"):
        read_columns(tmp_path)


def test_columns_can_be_named(tmp_path, capsys):
    columns = {"who": IDS.tolist(), "a": BINARY.ravel()[ORDER].tolist(), "b": over_mean(BINARY).ravel()[ORDER].tolist()}
    path = write(tmp_path / "log.csv", columns)
    check("--log", path, "--group", "who", "--reward", "a", "--advantage", "b")
    assert "rewards a, advantages b, groups by who" in capsys.readouterr().out


def one_line(capsys):
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    return error


def test_a_log_of_verl_is_told_to_have_no_advantages(tmp_path, capsys):
    path = write(tmp_path / "1.jsonl", {"input": ["q"], "output": ["a"], "gts": ["1"], "score": [1.0], "step": [1]})
    assert check("--log", path) == 2
    assert (
        "columns must have an advantage, got input, output, gts, score, step: the log of rollouts of verl"
        in one_line(capsys)
    )


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("reward,advantage\n1,1\n", (), "columns must have a group, uid, index or prompt, got reward, advantage"),
        ("uid,advantage\n1,1\n", (), "columns must have a reward, got uid, advantage; name it by --reward"),
        ("uid,reward,advantage\n1,x,1\n", (), "reward must be a number in every row, got 'x' in row 0"),
        ("uid,reward,advantage\n1,,1\n", (), "rewards[0] must be finite, got nan"),
        ("uid,reward,advantage\n1,1,0\n", (), "advantages must not be all 0"),
        ("uid,reward,advantage\n", (), "holds no rollouts"),
        ("", (), "holds no rollouts"),
        ("uid,reward,advantage\n1,1\n", (), "a row must have the 3 fields of the header, got 2"),
        ("uid,reward,advantage\n1,1,1\n", ("--reward", "rewrd"), "did you mean 'reward'?"),
        ("uid,reward,advantage\n1,1,1\n", ("--group", "x"), "--group must be a column, got 'x'; it has uid, reward"),
        ("uid,reward,advantage\n1,1,1\n", ("--advantage", "advantag"), "did you mean 'advantage'?"),
    ],
)
def test_a_log_that_lacks_something_says_what_in_one_line(text, options, says, tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text(text)
    assert check("--log", path, *options) == 2
    assert says in one_line(capsys)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("log.txt", b"", "a log must end in one of .csv, .jsonl, .ndjson, .parquet, got '.txt'"),
        ("log.jsonl", b'{"a": 1}\nnot json\n', "log.jsonl:2: must be JSON, got not json"),
        ("log.jsonl", b"[1]\n", "log.jsonl:1: must be a JSON object, got [1]"),
        ("log.jsonl", b'{"a": 1, "b": 2}\n{"a": 1}\n', "log.jsonl:2: an object must have 'b', as others have, got a"),
        ("log.jsonl", b"\xff\n", "log.jsonl:1: must be UTF-8"),
        ("log.csv", b'a\n"b', "must be CSV, got the error"),
        ("missing.csv", None, "missing.csv: cannot be read: No such file"),
    ],
)
def test_files_that_are_no_logs_are_refused(name, content, says, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError) as error:
        read_columns(tmp_path / name)
    assert says in str(error.value)


def test_a_folder_of_two_kinds_of_logs_is_refused_rather_than_read_in_part(tmp_path):
    for name in ("1.csv", "2.jsonl", "notes.txt"):
        (tmp_path / name).write_text("")
    with pytest.raises(FileError, match=r"logs must be of one kind, got 1\.csv and 2\.jsonl$"):
        read_columns(tmp_path)


def test_a_folder_without_logs_is_refused(tmp_path):
    with pytest.raises(FileError, match="a folder of logs must have files that end in one of"):
        read_columns(tmp_path)


def test_parquet_without_pyarrow_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    (tmp_path / "log.parquet").write_bytes(b"PAR1")
    with pytest.raises(FileError, match="reading parquet needs pyarrow; install it"):
        read_columns(tmp_path / "log.parquet")


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
    (tmp_path / "log.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(FileError, match="must be parquet"):
        read_columns(tmp_path / "log.parquet")


def test_a_target_and_a_log_exclude_each_other(tmp_path, capsys):
    assert check("rloo", "--log", tmp_path) == 2
    assert "TARGET or --log must be given, one of the two" in one_line(capsys)
    assert check() == 2
    assert "TARGET or --log must be given, one of the two" in one_line(capsys)
