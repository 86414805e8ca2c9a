"""With pyarrow or without, a file of rollouts comes out with the same bytes, or is refused in the same line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maxrl_est.estimators import weights_and_advantages
from maxrl_est.files.rollouts import arrow, write_weights
from maxrl_est.files.whole import FileError

pytest.importorskip("pyarrow", reason="the other way to read is pyarrow")
NONE = 10**9  # rows that no file has

CSV = [
    "a,0.5,x\na,1,y\nb,0.25,\n",
    "007,+.5,x\n007,5e-1,x\n7,1.,x\n1e3,0,x\n1000,1,x\n",
    " a,0.5,x\na,0.5,x\n",
    "a, 0.5 ,x\n",
    "\ufeffa,1,x\na,1,x\n",
    "a,true,x\na,False,x\n",
    "a,nan,x\n",
    "a,,x\n",
    "a,1,x\na,1e400,x\n",
    "a,1e-400,x\na,-0,x\n",
    "a,0_1,x\n",
    "a,\u0660,x\n",
    "a,null,x\n",
    "NA,1,null\n,1,x\n",
    'a,1,"x,\n""y"\na,0,x\n',
    'a,1,x"y\n',
    'a,1,"x"y\n',
    "a,1,x\r\na,0,y\r\n",
    "a,1,x\ra,0,y\n",
    "a,1,x\n\na,0,y\n",
    "\na,1,x\n",
    "a,1,x\na,0,y",
    "a,1\na,1,x,y\n",
    "a,1,x,y\n",
    "a,1,\0\n",
    "a,1,x\nb,1,x\na,1,x\n",
    "a,1,x\nb,1,x\na,1,x\na,nan,x\n",
    "a,1,\ud800\n",
    "é,1,x\né,0,✓\n",
    "a,0.1234567890123456789,x\na,1e-30,x\na,0.9999999999999999,x\n",
]
JSON = [
    '{"g": "a", "l": 0.5}\n{"g": "a", "l": 1}\n{"g": "b", "l": 0}\n',
    '{"g": 1, "l": 0.5}\n{"g": 1, "l": 1}\n{"g": 2, "l": 0}\n',
    '{"g": 1, "l": 1}\n{"g": 1.0, "l": 1}\n{"g": "1", "l": 1}\n{"g": true, "l": 1}\n{"g": null, "l": 1}\n',
    '{"g": 123456789012345678901234567890, "l": 1}\n{"g": 123456789012345678901234567891, "l": 1}\n',
    '{"g": 007, "l": 1}\n',
    '{"g": -0, "l": -0}\n{"g": 0, "l": -0.0}\n',
    '{"g": "a", "l": true}\n{"g": "a", "l": false}\n',
    '{"g": "a", "l": "1"}\n',
    '{"g": "a", "l": null}\n',
    '{"g": "a", "l": NaN}\n',
    '{"g": "a", "l": 1e400}\n',
    '{"g": "a", "l": 1e-400, "x": NaN}\n',
    '{"g": "a", "l": 0.5, "l": 1}\n{"g": "a", "l": 0}\n',
    '{"g": "a", "g": "b", "l": 1}\n{"g": "b", "l": 0}\n',
    '{"g": "a", "l": 0.5, "x": {"l": 1}}\n{"g": "a", "x": [{"l": 1}]}\n',
    '{"g": "a", "l": 1, "weight": 1}\n',
    '{"g": "a", "l": 1, "\\u0077eight": 1}\n',
    '{"g": "\\u0061", "l": 1}\n{"g": "a", "l": 0}\n',
    '{"g": "\\ud800", "l": 1}\n',
    '{"g": "a\tb", "l": 1}\n',
    '{"g": "a", "l": 1, "x": "\\x"}\n',
    '{"g": "a\\n\\"l\\"}", "l": 1}\n{"g": "a\\n\\"l\\"}", "l": 0, "x": "}\\n{"}\n',
    '{"g": "a", "l": 1} {"g": "a", "l": 0}\n{"g": "a",\n"l": 1}\n',
    '{"g": "a", "l": 1, "x": [{}\n{}]}\n{"g": "a", "l": 1}\n',
    '{"g": "a", "l": 1}\n\n{"g": "a", "l": 0}\n',
    '{"g": "a", "l": 1} \r\n{"g": "a", "l": 0}\r\n',
    '\ufeff{"g": "a", "l": 1}\n',
    '{"g": "a", "l": 1}\n{"g": "a", "l": 0}',
    '{"l": 1}\n',
    '{"g": "a", "l": 1,}\n',
    "[1]\n",
    '{"g": "a", "l": 1}\n{"g": "b", "l": 1}\n{"g": "a", "l": 1}\n',
    '{"g": "2020-01-01", "l": 1}\n{"g": "2020-01-01T00:00:00", "l": 1}\n',
]


def outcome(source: Path) -> bytes | str:
    """The output, or the line that says why there is none."""
    destination = source.with_name(f"out{source.suffix}")
    try:
        write_weights(source, destination, likelihood="l", group="g", weigh=weights_and_advantages, max_group=4)
    except FileError as error:
        return str(error)
    return destination.read_bytes()


def both(source: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes | str, bytes | str]:
    """The outcome with pyarrow for all rows, and for none."""
    results = []
    for fewest in (1, NONE):
        monkeypatch.setattr(arrow, "FEWEST", fewest)
        results.append(outcome(source))
    return results[0], results[1]


@pytest.mark.parametrize(
    ("suffix", "text"), [(".csv", f"g,l,x\n{text}") for text in CSV] + [(".jsonl", text) for text in JSON], ids=repr
)
def test_odd_files_come_out_the_same_with_pyarrow(suffix: str, text: str, tmp_path: Path, monkeypatch) -> None:
    """Rejects a reading by pyarrow alone: it takes '-0' for -0.0, skips byte order marks, and knows no exponents."""
    source = tmp_path / f"in{suffix}"
    source.write_bytes(text.encode("utf-8", "surrogatepass"))
    quick, own = both(source, monkeypatch)
    assert quick == own


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_plain_files_are_read_and_written_by_pyarrow_to_the_same_bytes(suffix, tmp_path, monkeypatch) -> None:
    rng = np.random.default_rng(0)
    values = (rng.random(30_000) ** rng.choice([0, 1, 30], 30_000)).tolist()  # in blocks; groups go on across them
    source = tmp_path / f"in{suffix}"
    rows = [
        f"p{row // 3},{x},y\n" if suffix == ".csv" else f'{{"g": {row // 3}, "l": {x}}}\n'
        for row, x in enumerate(values)
    ]
    source.write_text("g,l,x\n" * (suffix == ".csv") + "".join(rows))
    used = []
    for name in ("of_csv", "of_json", "written"):
        function = getattr(arrow, name)

        def spied(*given, name=name, function=function):
            found = function(*given)
            used.append((name, found is not None))
            return found

        monkeypatch.setattr(arrow, name, spied)
    expected = outcome(source)
    assert set(used) == {("of_csv" if suffix == ".csv" else "of_json", True), ("written", True)}
    monkeypatch.setattr(arrow, "FEWEST", NONE)
    assert outcome(source) == expected


def test_floats_are_written_as_repr_writes_them() -> None:
    """Rejects pyarrow's own texts: 1 for 1.0, 0.00001 for 1e-05 and 1.5e+10 for 15000000000.0."""
    rng = np.random.default_rng(1)
    powers = 10.0 ** np.arange(-25, 25)
    near = np.concatenate((powers, np.nextafter(powers, 0), np.nextafter(powers, np.inf)))
    drawn = rng.integers(-(2**63), 2**63 - 1, 20_000).view(np.float64)
    usual = np.ldexp(rng.standard_normal(20_000), rng.integers(-20, 60, 20_000))
    special = [0.0, -0.0, 5e-324, 1.7976931348623157e308]
    values = np.concatenate((drawn[np.isfinite(drawn)], usual, near, -near, np.arange(-1000.0, 1000.0), special))
    got = arrow.written([""] * len(values), values, values[::-1], (" ", " ", "\n"))
    expected = zip(values.tolist(), values[::-1].tolist(), strict=True)
    assert got.decode() == "".join(f" {x!r} {y!r}\n" for x, y in expected)


def test_without_pyarrow_nothing_is_read_by_it(monkeypatch) -> None:
    monkeypatch.setattr(arrow, "_module", lambda name: None)
    assert arrow.of_csv(b"a,1\n" * arrow.FEWEST, 2, [1], 0) is None
    assert arrow.of_json(b'{"g": 1, "l": 1}\n' * arrow.FEWEST, ["l"], "g") is None
    assert arrow.written(["a"] * arrow.FEWEST, *np.ones((2, arrow.FEWEST)), (",", ",", "\n")) is None
