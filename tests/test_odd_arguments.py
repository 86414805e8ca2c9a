"""No odd argument of any public function ends in an error from inside, a warning, or an answer without a word."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

import maxrl_est as mx
import odd
from maxrl_est._arguments import finite
from odd_calls import CALLS, call

MADE = (mx.problems, mx.targets, mx.optimisers, mx.policies, mx.tasks)  # of which classes are called too
ASKED = (mx, mx.designs, mx.measures, mx.estimators, mx.confidence, mx.steps, mx.ascent, mx.checks, mx.training, *MADE)
BASES = {"Tokens", "TokenLogits", "LogPassRate", "Network", "Optimiser", "Policy", "Task"}  # or without arguments
ELSEWHERE = {"names", "sequential_names", "parametrize_with_checks", "workers"}  # no arguments, pytest's, processes


@pytest.mark.parametrize("name", CALLS)
def test_no_odd_argument_is_taken_in_silence_or_ends_inside(name):
    wrong = [f"{argument} = {value}: {what}" for argument, value, what in odd.outcomes(CALLS[name]) if odd.wrong(what)]
    assert not wrong, "\n".join(wrong)


def test_every_public_function_is_tried():
    tried = {name.partition(",")[0].rpartition(".")[2] for name in CALLS}
    for module in ASKED:
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value) or (inspect.isclass(value) and module in MADE):
                assert name in tried | BASES | ELSEWHERE, f"{module.__name__}.{name}"


def unnamed(p):
    finite("q", p)
    return p


def warned(p):
    if finite("p", p) == 0:
        warnings.warn("divided", stacklevel=1)
    return p


def slow(p):
    while finite("p", p) == -1:
        pass
    return p


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda p: 1 / (4 - float(p)), "raw TypeError: float\\(\\) argument"),
        (lambda p: [1, 2, 3][p], "raw IndexError"),
        (lambda p: np.asarray(p, dtype=float), "takes it: \\[nan"),
        (lambda p: 1e308 * 10 * finite("p", p), "is not finite: \\[inf"),
        (lambda p: finite("p", np.asarray(p).ravel()[0]) if np.size(p) else 0.0, "takes it: \\[0.5"),
        (unnamed, "does not name p"),
        (warned, "warns: divided"),
        (slow, "takes more than"),
    ],
)
def test_a_function_that_does_so_is_found(function, said, monkeypatch):
    monkeypatch.setattr(odd, "SECONDS", 0.2)
    found = [what for _, _, what in odd.outcomes(call(function, p=1))]
    assert any(odd.re.match(said, what) for what in found), found


def test_a_function_of_another_memory_layout_is_found():
    def of_bytes(p):
        return np.frombuffer(np.ascontiguousarray(p).tobytes())

    found = {value: what for _, value, what in odd.outcomes(call(of_bytes, p=np.array([0.5, 0.25])))}
    assert found["same, big-endian"].startswith("answers")
    assert found["same, strided"] == "right"
