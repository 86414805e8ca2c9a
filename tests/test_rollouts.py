"""Rollout files: every row comes back as it was with two values added, or one line says why not."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.files.rollouts import Summary, write_weights
from maxrl_est.files.whole import FileError

HEADER = "prompt,likelihood\n"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)  # no lone surrogates: not UTF-8
RAGGED_GROUPS = st.lists(
    st.tuples(TEXTS, st.lists(st.tuples(st.floats(0, 1), TEXTS), min_size=1, max_size=5)),
    min_size=1,
    max_size=6,
    unique_by=lambda group: group[0],
)


def means(block: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The group's mean as weight, the distance from it as advantage."""
    weights = np.repeat(block.mean(axis=1, keepdims=True), block.shape[1], axis=1)
    return weights, block - weights


def pairs_only(block: FloatArray) -> tuple[FloatArray, FloatArray]:
    if block.shape[1] < 2:
        raise ValueError(f"order 2 is larger than the group size {block.shape[1]}")
    return means(block)


def weigh_file(source: Path, destination: Path | None, **options: Any) -> Summary:
    defaults = {"likelihood": "likelihood", "group": "prompt", "weigh": means, "max_group": 4}
    return write_weights(source, destination, **{**defaults, **options})


def weighed(source: Path, **options: Any) -> str:
    """The output as text."""
    destination = source.with_name("out" + source.suffix)
    weigh_file(source, destination, **options)
    return destination.read_bytes().decode()


def refusal(source: Path, destination: Path | None, **options: Any) -> str:
    """The message of a failure, which must leave the folder and any earlier output as they were."""
    before = folder_content(source.parent)
    with pytest.raises(FileError) as caught:
        weigh_file(source, destination, **options)
    assert folder_content(source.parent) == before
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{source}:").strip()


def folder_content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def expected_values(groups: list[Any]) -> list[tuple[float, float]]:
    result: list[tuple[float, float]] = []
    for _, rows in groups:
        weights, advantages = means(np.array([[likelihood for likelihood, _ in rows]]))
        result += zip(weights[0].tolist(), advantages[0].tolist(), strict=True)
    return result


@pytest.fixture
def source(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A file ``rollouts`` with the suffix and the content the test is parametrized with."""
    suffix, content = request.param
    path = tmp_path / f"rollouts{suffix}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_csv_file_keeps_its_columns_and_gains_two(tmp_path: Path) -> None:
    source = tmp_path / "rollouts.csv"
    source.write_text("prompt,id,likelihood\na,007,0.5\na,1e3,1\nb, x ,0.25\n")
    assert weighed(source).splitlines() == [
        "prompt,id,likelihood,weight,advantage",
        "a,007,0.5,0.75,-0.25",
        "a,1e3,1,0.75,0.25",
        "b, x ,0.25,0.25,0.0",
    ]


def test_a_jsonl_file_keeps_its_objects_and_gains_two_keys(tmp_path: Path) -> None:
    source = tmp_path / "rollouts.jsonl"
    lines = [
        '{"z": 12345678901234567890123, "likelihood": 0.5, "prompt": "a", "x": 1e-400}',
        ' {"prompt":"a","likelihood":true,"nested":{"b":[1.10,null]},"text":"\\u00e9\\ud800 é"} \r',
        "",
        '{"prompt": "b", "likelihood": 0, "x": NaN}',
    ]
    source.write_text("\n".join(lines), newline="")  # the last line has no line break
    got = weighed(source).split("\n")
    assert got == [
        lines[0][:-1] + ', "weight": 0.75, "advantage": -0.25}',
        lines[1].rstrip()[:-1] + ', "weight": 0.75, "advantage": 0.25}',
        lines[3][:-1] + ', "weight": 0.0, "advantage": 0.0}',
        "",
    ]
    assert [json.loads(line)["weight"] for line in got[:-1]] == [0.75, 0.75, 0.0]


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
@pytest.mark.parametrize("dtype", ["?", "u1", ">i8", "f2", "<f4", ">f8"])
def test_an_array_gains_a_last_axis_of_likelihood_weight_advantage(
    tmp_path: Path, shape: tuple[int, ...], dtype: str
) -> None:
    values = (np.arange(math.prod(shape)) % 2).reshape(shape).astype(dtype)
    np.save(tmp_path / "in.npy", values)
    summary = weigh_file(tmp_path / "in.npy", tmp_path / "out.npy")
    got = np.load(tmp_path / "out.npy")
    weights, advantages = means(np.atleast_2d(values).astype(float))
    assert summary == Summary(values.size, len(np.atleast_2d(values)))
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, np.stack([values, weights.reshape(shape), advantages.reshape(shape)], axis=-1))


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_of_many_blocks_is_weighed_like_one(tmp_path: Path, order: Any) -> None:
    values = np.asarray(np.random.default_rng(0).random((100_000, 3)), order=order)
    np.save(tmp_path / "in.npy", values)
    told: list[int] = []
    assert weigh_file(tmp_path / "in.npy", tmp_path / "out.npy", progress=told.append).rows == values.size
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), np.stack([values, *means(values)], axis=-1))
    assert len(told) > 1
    assert told[-1] == values.size


@given(groups=RAGGED_GROUPS, end=st.sampled_from(["\n", "\r\n"]), bom=st.booleans())
def test_any_ragged_grouping_round_trips_through_csv(
    tmp_path_factory: pytest.TempPathFactory, groups: list[Any], end: str, bom: bool
) -> None:
    source = tmp_path_factory.mktemp("csv") / "rollouts.csv"
    rows = [[note, prompt, repr(value)] for prompt, members in groups for value, note in members]
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator=end).writerows([["no,te", "prompt", "likelihood"], *rows])
    source.write_bytes(("\ufeff" * bom + stream.getvalue()).encode())
    text = weighed(source, max_group=5)
    got = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    added = [[repr(weight), repr(advantage)] for weight, advantage in expected_values(groups)]
    assert got[0] == ["no,te", "prompt", "likelihood", "weight", "advantage"]
    assert got[1:] == [row + more for row, more in zip(rows, added, strict=True)]
    assert text.startswith("\ufeff") == bom
    assert text.endswith(end)


@given(groups=RAGGED_GROUPS, ascii_only=st.booleans())
def test_any_ragged_grouping_round_trips_through_jsonl(
    tmp_path_factory: pytest.TempPathFactory, groups: list[Any], ascii_only: bool
) -> None:
    source = tmp_path_factory.mktemp("jsonl") / "rollouts.ndjson"
    rows = [{"prompt": prompt, "likelihood": value, "n": note} for prompt, members in groups for value, note in members]
    source.write_bytes("".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows).encode())
    got = [list(json.loads(line).items()) for line in weighed(source, max_group=5).split("\n")[:-1]]
    added = [[("weight", weight), ("advantage", advantage)] for weight, advantage in expected_values(groups)]
    assert got == [[*row.items(), *more] for row, more in zip(rows, added, strict=True)]


def test_ragged_groups_are_weighed_per_size_and_written_in_their_order(tmp_path: Path) -> None:
    sizes = [3, 1, 2, 3, 1]
    source = tmp_path / "rollouts.csv"
    source.write_text(HEADER + "".join(f"p{g},{g / 8}\n" * size for g, size in enumerate(sizes)))
    shapes: list[tuple[int, ...]] = []

    def recorded(block: FloatArray) -> tuple[FloatArray, FloatArray]:
        shapes.append(block.shape)
        return means(block)

    told: list[int] = []
    assert weigh_file(source, tmp_path / "o.csv", weigh=recorded, progress=told.append) == Summary(10, 5)
    assert sorted(shapes) == [(1, 2), (2, 1), (2, 3)]
    assert told == [10]
    got = list(csv.DictReader(io.StringIO((tmp_path / "o.csv").read_text())))
    assert [row["weight"] for row in got] == [repr(g / 8) for g, size in enumerate(sizes) for _ in range(size)]


def test_records_may_span_lines_and_completions_may_be_longer_than_the_csv_default(tmp_path: Path) -> None:
    source = tmp_path / "rollouts.csv"
    long = "x" * (csv.field_size_limit() + 1)
    text = f'prompt,likelihood,text\r\n"a\nb",1,"say ""hi"",\r\nthen\n"\r\n\r\n"a\nb",0,{long}'
    source.write_bytes(text.encode())
    limit = csv.field_size_limit()
    got = weighed(source)
    expected = text.replace("text\r", "text,weight,advantage\r").replace('"\r\n\r\n', '",0.5,0.5\r\n')
    assert got == expected + ",0.5,-0.5\r\n"
    assert csv.field_size_limit() == limit


def test_groups_of_json_are_told_apart_by_type_and_may_be_any_value(tmp_path: Path) -> None:
    source = tmp_path / "rollouts.jsonl"
    values = ["1", 1, 1.0, True, None, "\ud800", ["chat", {"a": 1, "b": 2}], ["chat", {"b": 2, "a": 1}]]
    source.write_text("".join(json.dumps({"prompt": value, "likelihood": 1}) + "\n" for value in values))
    assert weigh_file(source, tmp_path / "out.jsonl") == Summary(8, 7)  # the key order of an object means nothing


@pytest.mark.parametrize("value", ["0", "1", "1e-300", " 0.5 ", "True", "false"])
def test_csv_likelihoods_are_numbers_or_truth_values_in_the_unit_interval(tmp_path: Path, value: str) -> None:
    source = tmp_path / "rollouts.csv"
    source.write_text(f"{HEADER}a,{value}\n")
    expected = {"True": 1.0, "false": 0.0}.get(value) if value in {"True", "false"} else float(value)
    assert weighed(source) == f"prompt,likelihood,weight,advantage\na,{value},{expected!r},0.0\n"


@pytest.mark.parametrize(
    "source",
    [(".csv", "prompt,likelihood"), (".csv", HEADER + "\n"), (".jsonl", ""), (".jsonl", "\n \n"), (".ndjson", "")],
    indirect=True,
    ids=repr,
)
def test_a_file_that_holds_no_rollouts_is_refused_and_leaves_nothing(
    source: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    for destination in (None, source.with_name("out" + source.suffix)):
        assert refusal(source, destination) == "holds no rollouts"
    assert capfdbinary.readouterr().out == b""


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_an_array_that_holds_no_rollouts_is_refused_and_leaves_nothing(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "in.npy", np.zeros(shape))
    assert refusal(tmp_path / "in.npy", tmp_path / "out.npy") == "holds no rollouts"


def test_other_column_names_can_be_chosen(tmp_path: Path) -> None:
    source = tmp_path / "rollouts.csv"
    source.write_text("task,reward\n1,1\n1,0\n")
    expected = "task,reward,weight,advantage\n1,1,0.5,0.5\n1,0,0.5,-0.5\n"
    assert weighed(source, likelihood="reward", group="task") == expected


def test_no_destination_means_standard_output(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    source = tmp_path / "rollouts.csv"
    source.write_text(HEADER + "é,1\n", encoding="utf-8")
    assert weigh_file(source, None) == Summary(1, 1)
    assert capfdbinary.readouterr().out.decode() == "prompt,likelihood,weight,advantage\né,1,1.0,0.0\n"


def test_the_source_may_be_the_destination_and_keeps_its_permissions(tmp_path: Path) -> None:
    source = tmp_path / "rollouts.csv"
    source.write_text(HEADER + "a,1\n")
    source.chmod(0o640)
    weigh_file(source, source)
    assert source.read_text() == "prompt,likelihood,weight,advantage\na,1,1.0,0.0\n"
    assert source.stat().st_mode & 0o777 == 0o640
    np.save(tmp_path / "rollouts.npy", [0.0, 1.0])
    weigh_file(tmp_path / "rollouts.npy", tmp_path / "rollouts.npy")
    assert np.load(tmp_path / "rollouts.npy").shape == (2, 3)


def test_a_link_as_destination_stays_a_link(tmp_path: Path) -> None:
    source, link = tmp_path / "rollouts.csv", tmp_path / "link.csv"
    source.write_text(HEADER + "a,1\n")
    link.symlink_to(tmp_path / "real.csv")
    weigh_file(source, link)
    assert link.is_symlink()
    assert (tmp_path / "real.csv").read_text() == "prompt,likelihood,weight,advantage\na,1,1.0,0.0\n"


BAD_FILES = [
    # name, suffix, content, message
    ("unknown suffix", ".txt", "", "a file of rollouts must end in one of .csv, .jsonl, .ndjson, .npy, got '.txt'"),
    ("no header", ".csv", "", "1: columns must have 'likelihood', got none"),
    (
        "missing column",
        ".csv",
        "prompt,Likelihood\n",
        "1: columns must have 'likelihood', got 'prompt', 'Likelihood'; did you mean 'Likelihood'?",
    ),
    ("no close name", ".csv", "a,likelihood\n", "1: columns must have 'prompt', got 'a', 'likelihood'"),
    ("two alike", ".csv", "prompt,likelihood,prompt\n", "1: columns must have 'prompt' once, got it 2 times"),
    (
        "has weight",
        ".csv",
        "prompt,weight,likelihood\n",
        "1: columns must not have 'weight', which is written; rename or remove it",
    ),
    ("too many fields", ".csv", HEADER + "a,1\na,1,2\n", "3: a row must have the 2 fields of the header, got 3"),
    ("too few fields", ".csv", HEADER + "a\n", "2: a row must have the 2 fields of the header, got 1"),
    ("open quote", ".csv", HEADER + 'a,1\n"a,1\na,1\n', "3: must be CSV, got the error 'unexpected end of data'"),
    ("csv word", ".csv", HEADER + "a,high\n", '2: likelihood must be a number in [0, 1], got "high"'),
    ("csv empty", ".csv", HEADER + "a,\n", '2: likelihood must be a number in [0, 1], got ""'),
    ("csv NaN", ".csv", HEADER + "a,nan\n", '2: likelihood must be a number in [0, 1], got "nan"'),
    (
        "csv above one",
        ".csv",
        HEADER + '"a\nb",1\n\na,1.5\n',
        '5: likelihood must be a number in [0, 1], got "1.5"',
    ),
    ("csv negative", ".csv", HEADER + "a,-1e-9\n", '2: likelihood must be a number in [0, 1], got "-1e-9"'),
    ("csv infinite", ".csv", HEADER + "a,inf\n", '2: likelihood must be a number in [0, 1], got "inf"'),
    (
        "long value",
        ".csv",
        HEADER + f"a,{'9' * 70}\n",
        f'2: likelihood must be a number in [0, 1], got "{"9" * 56}...',
    ),
    ("latin-1", ".csv", HEADER.encode() + b"a,1\n\xe9,1\n", "3: must be UTF-8, got an invalid continuation byte"),
    ("utf-16", ".jsonl", "{}\n".encode("utf-16"), "1: must be UTF-8, got an invalid start byte"),
    (
        "group returns",
        ".csv",
        HEADER + "a,1\nb,1\na,1\n",
        "4: a group must have its rows together, got 'a' again after others; sort the file by that column first",
    ),
    (
        "group returns after a batch was written",
        ".jsonl",
        "".join(f'{{"prompt": {row % 60_000}, "likelihood": 1}}\n' for row in range(60_001)),
        "60001: a group must have its rows together, got 0 again after others; sort the file by that column first",
    ),
    (
        "large group",
        ".csv",
        HEADER + "a,1\n" * 5,
        "2: a group must have at most 4 rows, got more for 'a'; raise --max-group",
    ),
    (
        "json null",
        ".jsonl",
        '\n{"prompt": 1, "likelihood": null}',
        "2: likelihood must be a number in [0, 1], got null",
    ),
    (
        "json text",
        ".jsonl",
        '{"prompt": 1, "likelihood": "1"}',
        '1: likelihood must be a number in [0, 1], got "1"',
    ),
    ("json NaN", ".jsonl", '{"prompt": 1, "likelihood": NaN}', "1: likelihood must be a number in [0, 1], got NaN"),
    (
        "json big",
        ".jsonl",
        '{"prompt": 1, "likelihood": 1e400}',
        "1: likelihood must be a number in [0, 1], got Infinity",
    ),
    (
        "json list",
        ".jsonl",
        '{"prompt": 1, "likelihood": [1]}',
        "1: likelihood must be a number in [0, 1], got [1]",
    ),
    (
        "json missing key",
        ".jsonl",
        '{"prompt": 1, "likelihod": 1}',
        "1: columns must have 'likelihood', got 'prompt', 'likelihod'; did you mean 'likelihod'?",
    ),
    (
        "json has advantage",
        ".jsonl",
        '{"prompt": 1, "likelihood": 1, "advantage": 0}',
        "1: columns must not have 'advantage', which is written; rename or remove it",
    ),
    (
        "invalid json",
        ".jsonl",
        '\n{"prompt": }',
        '2: must be JSON, got {"prompt": }: Expecting value: column 12 (char 11)',
    ),
    ("two objects", ".jsonl", "{} {}", "1: must be JSON, got {} {}: Extra data: column 4 (char 3)"),
    ("not an object", ".jsonl", '[{"prompt": 1}]', '1: must be a JSON object, got [{"prompt": 1}]'),
    ("deep json", ".jsonl", "[" * 100_000, f"1: must be JSON, got {'[' * 57}...: maximum recursion depth exceeded"),
    ("not npy", ".npy", b"x" * 200, "must be a plain .npy array, got one that fails: the magic string is not correct"),
]


@pytest.mark.parametrize(
    ("source", "message"),
    [pytest.param((suffix, content), message, id=name) for name, suffix, content, message in BAD_FILES],
    indirect=["source"],
)
def test_a_bad_file_is_refused_in_one_line_and_leaves_nothing(source: Path, message: str) -> None:
    destination = source.with_name("earlier")
    destination.write_text("earlier output")
    assert refusal(source, destination).startswith(message)


BAD_ARRAYS = [
    ("scalar", np.array(0.5), "must hold numbers (N,) or (B, N), got float64 of shape ()"),
    ("cube", np.zeros((1, 2, 3)), "must hold numbers (N,) or (B, N), got float64 of shape (1, 2, 3)"),
    ("complex", np.zeros(2, complex), "must hold numbers (N,) or (B, N), got complex128 of shape (2,)"),
    ("text", np.array(["1"]), "must hold numbers (N,) or (B, N), got <U1 of shape (1,)"),
    ("objects", np.array([{}, None]), "must be a plain .npy array, got one that fails: Array can't be memory-mapped"),
    ("NaN in a row", np.array([0, np.nan]), "likelihood[1] must be a number in [0, 1], got NaN"),
    ("above one", np.array([[0, 1], [2, 0]]), "likelihood[1, 0] must be a number in [0, 1], got 2.0"),
    (
        "in a late block",
        np.eye(70_000, 3, -69_997) * -1,
        "likelihood[69997, 0] must be a number in [0, 1], got -1.0",
    ),
    ("wide", np.zeros((2, 5)), "a group must have at most 4 rows, got 5; raise --max-group"),
    ("refused by weigh", np.zeros((3, 1)), "group 0 of 1 rows: order 2 is larger than the group size 1"),
]


@pytest.mark.parametrize(
    ("values", "message"), [pytest.param(values, message, id=name) for name, values, message in BAD_ARRAYS]
)
def test_a_bad_array_is_refused_in_one_line_and_leaves_nothing(tmp_path: Path, values: Any, message: str) -> None:
    np.save(tmp_path / "in.npy", values)
    got = refusal(tmp_path / "in.npy", tmp_path / "out.npy", weigh=pairs_only)
    assert got.startswith(message)


def test_a_truncated_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.zeros(1000))
    os.truncate(tmp_path / "in.npy", 1000)
    assert refusal(tmp_path / "in.npy", tmp_path / "out.npy").startswith(
        "must be a plain .npy array, got one that fails: "
    )


def test_an_array_is_not_written_to_standard_output(tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", [0.5])
    assert refusal(tmp_path / "in.npy", None) == "an array must have an output file; name one with -o"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".npy"])
def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"rollouts{suffix}"
    assert refusal(source, tmp_path / "out") == "cannot be read: No such file or directory"
    source.mkdir()
    assert refusal(source, tmp_path / "out") == "cannot be read: Is a directory"


def test_a_group_that_weigh_refuses_is_named_by_its_first_line(tmp_path: Path) -> None:
    source = tmp_path / "rollouts.csv"
    source.write_text(HEADER + "a,1\na,1\nb,1\nc,1\n")
    message = "4: group 'b' of 1 rows: order 2 is larger than the group size 1"
    assert refusal(source, tmp_path / "out.csv", weigh=pairs_only) == message


def test_unusable_destinations_are_refused(tmp_path: Path) -> None:
    source, nowhere = tmp_path / "rollouts.csv", tmp_path / "no" / "out.csv"
    source.write_text(HEADER + "a,1\n")
    assert refusal(source, nowhere) == f"{nowhere}: there is no folder {str(nowhere.parent)!r}"
    assert refusal(source, tmp_path) == f"{tmp_path}: is not a regular file"
    assert refusal(source, Path(os.devnull)) == f"{os.devnull}: is not a regular file"
    other = tmp_path / "out.npy"
    assert refusal(source, other) == f"{other}: the output must have the format of the input and end in .csv"
    below_a_file = source / "out.csv"
    assert refusal(source, below_a_file) == f"{below_a_file}: there is no folder {str(source)!r}"


def test_a_failed_write_names_the_destination(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    source, destination = tmp_path / "rollouts.csv", tmp_path / "out.csv"
    source.write_text(HEADER + "a,1\n")
    monkeypatch.setattr(os, "fsync", full)
    assert refusal(source, destination) == f"{destination}: cannot be written: No space left on device"


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(block: FloatArray) -> tuple[FloatArray, FloatArray]:
        raise KeyboardInterrupt

    source, destination = tmp_path / "rollouts.csv", tmp_path / "out.csv"
    source.write_text(HEADER + "a,1\n")
    destination.write_text("earlier output")
    before = folder_content(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        weigh_file(source, destination, weigh=interrupted)
    assert folder_content(tmp_path) == before


def long_file(path: Path, rows: int) -> Iterator[str]:
    if path.suffix == ".csv":
        yield "prompt,text,likelihood\n"
    for row in range(rows):
        record = {"prompt": f"p{row // 8}", "text": "x" * 2000, "likelihood": row % 7 / 7}
        yield (",".join(map(str, record.values())) if path.suffix == ".csv" else json.dumps(record)) + "\n"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_memory_stays_far_below_the_size_of_the_file(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"rollouts{suffix}"
    rows = 30_000
    with source.open("w") as stream:
        stream.writelines(long_file(source, rows))
    tracemalloc.start()
    summary = weigh_file(source, tmp_path / f"out{suffix}", max_group=8)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert summary == Summary(rows, rows // 8)
    assert peak < source.stat().st_size / 10, f"peak {peak:,} bytes"  # measured: a 19th
