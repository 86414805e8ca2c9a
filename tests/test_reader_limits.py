"""What any bytes are to the readers: numbers, or one line that says where they are wrong, and soon."""

import json
import math
import signal
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maxrl_est.cli import main
from maxrl_est.files.rollouts import write_weights
from maxrl_est.files.rollouts.columns import read_columns
from maxrl_est.files.rollouts.csv_rows import _number
from maxrl_est.files.whole import FileError

HEADS = {
    ".csv": b"g,likelihood\n",
    ".jsonl": b'{"g": 1, "likelihood": 0.5}\n',
    ".ndjson": b"",
    ".npy": b"\x93NUMPY\x01\x00v\x00",
}
WHOLE = {
    ".csv": b'g,likelihood\na,0.5\n"a\n",1\nb,1e-3\n',
    ".jsonl": b'{"g": "a", "likelihood": 0.5}\n{"g": [1], "likelihood": true}\n',
    ".ndjson": b'{"g": null, "likelihood": 1}\n',
}
PIECES = st.sampled_from(
    [b",", b"\n", b"\r\n", b'"', b"0.5", b"nan", b"-inf", b"{", b"}", b"[", b":", b"\xff", b"\0", b"\x1b[2J"]
)


def changed(whole):
    """A file with some bytes of it replaced by others."""
    place = st.integers(0, len(whole))
    return st.builds(
        lambda at, to, new: whole[:at] + new + whole[max(at, to) :], place, place, st.binary(max_size=9) | PIECES
    )


def contents(suffix, whole):
    head = HEADS.get(suffix, b"")
    return st.binary(max_size=60) | st.lists(PIECES, max_size=30).map(lambda x: head + b"".join(x)) | changed(whole)


def npy():
    from io import BytesIO

    stream = BytesIO()
    np.save(stream, np.array([[0.5, 1.0], [0.0, 0.25]]))
    return stream.getvalue()


FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".ndjson", ".npy"])
def test_any_bytes_are_weighed_or_refused_in_a_line(tmp_path, suffix):
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"

    def weigh(block):
        assert ((block >= 0) & (block <= 1)).all()
        return block, block

    @FUZZ
    @given(contents(suffix, npy() if suffix == ".npy" else WHOLE[suffix]))
    def one(content):
        source.write_bytes(content)
        target.unlink(missing_ok=True)
        try:
            done = write_weights(source, target, likelihood="likelihood", group="g", weigh=weigh, max_group=100)
        except FileError as error:
            refused(error, source)
            assert {*tmp_path.iterdir()} == {source}
        else:
            assert done.rows > 0
            assert target.stat().st_size > 0

    one()


def refused(error, source):
    assert str(error).startswith(str(source))
    assert str(error).isprintable()  # so it is one line, and moves no cursor
    assert len(str(error)) < 600 + 2 * len(str(source))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".ndjson", ".parquet"])
def test_any_bytes_are_columns_or_refused_in_a_line(tmp_path, suffix):
    if suffix == ".parquet" and not find_spec("pyarrow"):
        pytest.skip("needs pyarrow")
    source = tmp_path / f"in{suffix}"

    @FUZZ
    @given(contents(suffix, parquet(source) if suffix == ".parquet" else WHOLE[suffix]))
    def one(content):
        source.write_bytes(content)
        try:
            columns = read_columns(source)
        except FileError as error:
            refused(error, source)
        else:
            assert len({*map(len, columns.values())}) == 1

    one()


def parquet(path):
    import pyarrow
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({"g": ["a", "b"], "reward": [0.5, 1.0]}), path)
    return path.read_bytes()


@pytest.mark.parametrize(
    "text", ["1" * 10**6 + "x", "0." + "1" * 10**6 + "x", " " * 10**6 + "x", "1e" + "1" * 10**6 + "x"]
)
def test_a_long_field_that_is_no_number_is_told_at_once(tmp_path, text):
    """A pattern that tries each digit in two places takes years for the first: it took 7 seconds for 10^4 digits."""
    source = tmp_path / "in.csv"
    source.write_text(f"g,likelihood\na,{text}\n")
    with soon(), pytest.raises(FileError, match=r"in\.csv:2: likelihood must be a number in \[0, 1\], got"):
        write_weights(source, None, likelihood="likelihood", group="g", weigh=None, max_group=9)


@contextmanager
def soon(seconds=20):
    """An error in place of minutes."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def late(*_):
        raise AssertionError(f"it goes on after {seconds} s")

    earlier = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)


@given(
    st.from_regex(r"\A\s?[+-]?[0-9]{0,3}\.?[0-9]{0,3}([eE][+-]?[0-9]{0,2})?\s?\Z")
    | st.text("0123456789.eE+-_ \u0661", max_size=6)
)
def test_a_number_is_what_float_takes_in_ascii_without_underscores(text):
    try:
        expected = float(text.strip()) if text.strip().isascii() and "_" not in text else math.nan
    except ValueError:
        expected = math.nan
    np.testing.assert_equal(_number(text), expected)


def test_a_million_digits_that_are_a_number_are_read(tmp_path):
    digits = "0." + "3" * 10**6
    (tmp_path / "in.csv").write_text(f"g,likelihood\na,{digits}\n")
    (tmp_path / "in.jsonl").write_text(f'{{"g": 1, "likelihood": {digits}}}\n')
    for suffix in (".csv", ".jsonl"):
        seen = []
        with soon():
            write_weights(
                tmp_path / f"in{suffix}",
                tmp_path / f"out{suffix}",
                likelihood="likelihood",
                group="g",
                weigh=lambda block, seen=seen: (seen.append(block.tolist()), (block, block))[1],
                max_group=9,
            )
        assert seen == [[[1 / 3]]]


def test_a_whole_number_of_a_thousand_digits_is_no_reward(tmp_path, capsys):
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"group": 1, "reward": 10**1000, "advantage": 1.0}) + "\n")
    assert main(["check", "--log", str(path)]) == 2
    said = capsys.readouterr().err
    assert "reward must be a number in every row, got 1000" in said
    assert len(said) < 400


@pytest.mark.parametrize(
    ("option", "text", "says"),
    [
        ("--scale", "1e1000000000", "--scale must be a number such as 0.3 or 3/10"),
        ("--objective", "tsallis:1e-99999999:3", "Q in --objective must be a number"),
        ("--objective", "maxrl:" + "1" * 5000, "the order in --objective must be an int in"),
    ],
)
def test_a_number_too_long_to_spell_out_is_refused_at_once(option, text, says, capsys):
    with soon():
        assert main(["check", "rloo", option, text]) == 2
    assert says in capsys.readouterr().err


def test_what_a_file_says_moves_no_cursor(tmp_path, capsys):
    path = tmp_path / "rollouts.csv"
    path.write_text("g,likelihood\na,\x1b[2J\n")
    assert main(["weights", str(path)]) == 2
    assert "likelihood" in (said := capsys.readouterr().err)
    assert said.removesuffix("\n").isprintable()
    log = tmp_path / "log.jsonl"
    log.write_text('{"group": 1, "\\u001b[31m\\nreward": 1, "advantage": 1}\n' * 2)
    main(["check", "--log", str(log), "--group-sizes", "2"])
    assert "rewards \\x1b[31m\\nreward, advantages advantage" in capsys.readouterr().out
