"""The one home of each small rule for arguments: what is taken, and the one line for all else."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest

from maxrl_est import _arguments as rules
from maxrl_est._arguments import arrays

HUGE = Fraction(10**400)


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        (rules.whole, np.int64(3), 3),
        (rules.finite, np.float32(0.5), 0.5),
        (rules.finite, Fraction(1, 4), 0.25),
        (rules.positive, 2, 2.0),
        (rules.rate, Fraction(1, 2), 0.5),
    ],
)
def test_numbers_become_those_of_python(rule, given, expected):
    got = rule("x", given)
    assert (got, type(got)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rules.whole("n", 0), ValueError, "n must be an int of at least 1, got 0"),
        (lambda: rules.whole("n", 2.0), TypeError, "n must be an int of at least 1, got 2.0"),
        (lambda: rules.whole("n", True), TypeError, "n must be an int of at least 1, got True"),
        (lambda: rules.whole("n", 9, 1, 8), ValueError, "n must be an int in [1, 8], got 9"),
        (lambda: rules.at_most("n", 9, 8), ValueError, "n must be at most 8, got 9"),
        (lambda: arrays.vector("t", 3, 2), TypeError, "t must be numbers (2,), got 3"),
        (
            lambda: arrays.vector("t", []),
            ValueError,
            "t must have one number for each coordinate, (d,), got shape (0,)",
        ),
        (lambda: arrays.vector("t", [1, "2"]), TypeError, "t[1] must be a finite number, got '2'"),
        (lambda: rules.path_or_none("p", 3), TypeError, "p must be a path or None, got 3"),
        (lambda: rules.callable_or_none("f", 3), TypeError, "f must be a function or None, got 3"),
        (
            lambda: rules.executor_or_none("e", 3),
            TypeError,
            "e must be an executor of concurrent.futures or None, got 3",
        ),
        (lambda: rules.finite("b", float("nan")), ValueError, "b must be finite, got nan"),
        (lambda: rules.finite("b", HUGE), ValueError, "b must be finite, got 1000000000000000000000000000000000000..."),
        (
            lambda: rules.finite("b", -HUGE),
            ValueError,
            "b must be finite, got -100000000000000000000000000000000000...",
        ),
        (lambda: rules.finite("b", "1"), TypeError, "b must be a finite number, got '1'"),
        (lambda: rules.finite("b", False), TypeError, "b must be a finite number, got False"),
        (lambda: rules.positive("s", 0), ValueError, "s must be finite and above 0, got 0"),
        (lambda: rules.positive("s", float("inf")), ValueError, "s must be finite and above 0, got inf"),
        (lambda: rules.rate("r", 1), ValueError, "r must lie in (0, 1), got 1"),
        (lambda: rules.rate("r", None), TypeError, "r must be a number in (0, 1), got None"),
        (lambda: arrays.real_array("x", [[0.5, "1"]]), TypeError, "x[0, 1] must be a finite number, got '1'"),
        (lambda: arrays.real_array("x", "1"), TypeError, "x must be an array of finite numbers, got '1'"),
        (lambda: rules.listed("x", np.array(3), "ints"), TypeError, "x must be a list of ints, got array(3)"),
        (lambda: rules.listed("x", "ab", "ints"), TypeError, "x must be a list of ints, got 'ab'"),
        (lambda: rules.flag("x", 1), TypeError, "x must be True or False, got 1"),
        (lambda: rules.callable_or_none("x", 1), TypeError, "x must be a function or None, got 1"),
        (lambda: rules.path_or_none("x", b"a"), TypeError, "x must be a path or None, got b'a'"),
        (lambda: rules.one_of("b", 3, ("x", "y")), TypeError, "b must be one of x, y, got 3"),
        (lambda: rules.one_of("b", "zzz", ("x", "y")), ValueError, "b must be one of x, y, got 'zzz'"),
        (
            lambda: rules.one_of("b", "mean_lo", ("one", "mean_loo")),
            ValueError,
            "b must be one of one, mean_loo, got 'mean_lo'; did you mean 'mean_loo'?",
        ),
    ],
)
def test_what_is_refused_is_named_with_the_rule_and_the_value(call, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()


def test_vectors_stay_as_they_are_given():
    assert arrays.vector("t", (Fraction(1, 3), 2), 2).tolist() == [Fraction(1, 3), 2]
    assert arrays.vector("t", np.array([0.5])).tolist() == [0.5]


def test_names_do_not_change_from_process_to_process():
    class Nameless:
        pass

    assert re.search(" at 0x", repr(Nameless()))
    assert not re.search("0x", rules.name_of(Nameless()))
    assert rules.name_of(len) == "len"


def test_versions_are_those_of_installed_packages():
    assert list(rules.versions("numpy", "no-such-package")) == ["numpy"]


@pytest.mark.parametrize(
    ("given", "kind"), [([1, np.int32(2)], "i"), ([1, 0.5], "f"), ([Fraction(1, 2)], "f"), ([], "f")]
)
def test_arrays_of_numbers_keep_ints_as_ints(given, kind):
    got = arrays.real_array("x", given)
    assert got.dtype.kind == kind
    assert got.tolist() == [float(x) for x in given]


def test_a_span_of_time_is_no_number_though_numpy_has_it_for_an_int():
    assert not rules.is_int(np.timedelta64(1, "D"))
    assert not rules.is_number(np.timedelta64(1, "D"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (10**5000, "about 10^5000"),
        (-(10**400), f"-{10**35}..."),
        (Fraction(-1, 10**5000), "about -10^-5000"),
        ([10**5000], "a list"),
        (np.zeros((2, 2)), "array([[0., 0.], [0., 0.]])"),
        ("x" * 200, f"'{'x' * 96}..."),
    ],
    ids=["int", "below 0", "Fraction", "list", "array", "str"],
)
def test_any_value_is_said_in_one_short_line(value, said):
    assert rules.words(value) == said


def test_names_are_not_cut():
    assert len(rules.name_of("x" * 200)) == 202


@pytest.mark.parametrize("values", [{1, 2}, {1: 2}, frozenset((1,)), "12", b"12", np.array(3), 3])
def test_what_has_no_order_is_no_list(values):
    with pytest.raises(TypeError, match=r"^x must be a list of ints, got "):
        rules.listed("x", values, "ints")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.5, np.ma.masked], r"x\[1\] must be a number, got a masked entry"),
        (np.ma.array([[0.5, 1]], mask=[[False, True]]), r"x\[0, 1\] must be a number, got a masked entry"),
        ([np.zeros((2, 2)), np.zeros((2, 3))], "x must have rows of one length, got ragged ones"),
        ([10**400], r"x\[0\] must be finite, got 1000"),
    ],
    ids=["masked scalar", "masked", "ragged", "large"],
)
def test_no_entry_is_dropped_or_made_nan(values, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        arrays.real_array("x", values)
