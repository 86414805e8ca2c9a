"""Every argument of every public function replaced by odd ones: what comes of it, counted.

``python tests/odd.py`` prints the counts by function, and with names of functions all that is wrong in them.
"""

from __future__ import annotations

import dataclasses
import dis
import math
import re
import signal
import sys
import warnings
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np

import maxrl_est
from odd_calls import CALLS
from odd_values import ENTRIES, NEVER, PERHAPS, forms, with_entry

PACKAGE = str(Path(maxrl_est.__file__).parent)
SECONDS = 10.0  # of the processor for one call, which takes milliseconds unless kernels are compiled
LONGEST = 800  # characters of a message, with all names of a table
DIGITS = re.compile(r"\d{60}")  # more than a message says of a number


class Slow(Exception):
    """A call that does not end."""


def trials(call):
    """(argument, name of the odd value, what makes it, whether it is never right, whether the answer is the same)."""
    for argument, value in call.arguments.items():
        for name, make in (NEVER | PERHAPS).items():
            yield argument, name, make, name in NEVER, None
        for name, make in forms(value).items():
            yield argument, name, make, False, name.startswith("same")
        if isinstance(value, list | tuple | np.ndarray):
            for name in ENTRIES:
                make = (NEVER | PERHAPS)[name]
                yield argument, f"entry {name}", lambda v=value, m=make: with_entry(v, m()), name in NEVER, None


def outcomes(call):
    """(argument, name of the odd value, "right" or "refused", or a line that says what is wrong)."""
    plain = leaves(call.function(**call.arguments))
    for argument, name, make, never, same in trials(call):
        yield argument, name, outcome(call, argument, name, make, never, same, plain)


def outcome(call, argument, name, make, never, same, plain):
    value = make()
    try:
        answer = leaves(called(call, {argument: value}))
    except Slow:
        return f"takes more than {SECONDS:g} seconds"
    except Warning as warning:
        return "right" if re.search(rf"\b{argument}\b", str(warning)) else f"warns: {warning}"
    except Exception as error:
        named = [argument] if never else list(call.arguments)  # one that is right may not fit another
        fault = refusal(error, "|".join(call.called.get(name, name) for name in named))
        return fault or (f"refuses what it is to take: {error}" if same else "refused")
    if never and not any(re.fullmatch(taken, name) for taken in call.takes.get(argument, ())):
        return f"takes it: {answer[:3]}"
    if same is not None and not close(answer, plain):
        return f"answers {answer[:3]} for what is {plain[:3]}"
    if any(isinstance(x, float) and (math.isnan(x) or (math.isinf(x) and not call.infinite)) for x in answer):
        return f"is not finite: {answer[:3]}"
    return "right"


def called(call, changed):
    def late(*_):
        raise Slow

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return call.function(**call.arguments | changed)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def wrong(what):
    return what not in ("right", "refused")


def refusal(error, name):
    """What is wrong with an error: empty for a TypeError or ValueError of the package's own that names the argument."""
    said = f"{type(error).__name__}: {error}"[:160]
    if not isinstance(error, TypeError | ValueError):
        return f"raw {said}"
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    if not code.co_filename.startswith(PACKAGE) or dis.opname[code.co_code[trace.tb_lasti]] != "RAISE_VARARGS":
        return f"raw {said}"
    if not re.search(rf"(?<!\w)(?:{name})(?!\w)", str(error)):
        return f"does not name {name}: {said}"
    if (
        "\n" in str(error).replace("\n- ", "").replace("\nsay ", "")
        or len(str(error)) > LONGEST
        or DIGITS.search(str(error))
    ):
        return f"is not one short line: {said}"
    return ""


def leaves(value):
    """The numbers and the other values that an answer consists of."""
    if isinstance(value, np.ndarray):
        return leaves(value.tolist())
    if isinstance(value, maxrl_est.Objective):
        return [value.name, *value.rational_coefficients]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return leaves([getattr(value, field.name) for field in dataclasses.fields(value)])
    if isinstance(value, dict):
        return leaves(list(value.values()))
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [value.item() if isinstance(value, np.generic) else value]


def close(found, expected):
    def same(x, y):
        if isinstance(x, int | float | Fraction) and isinstance(y, int | float | Fraction):
            return x == y or math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-9)
        return x == y or type(x) is type(y)

    return len(found) == len(expected) and all(map(same, found, expected))


def main(names):
    print(f"{'function':42} tried  right  refused  wrong")
    total = Counter()
    for name, call in CALLS.items():
        if names and name not in names:
            continue
        found = list(outcomes(call))
        counts = Counter("wrong" if wrong(what) else what for _, _, what in found)
        total += counts
        print(f"{name:42} {len(found):5}  {counts['right']:5}  {counts['refused']:7}  {counts['wrong']:5}")
        for argument, odd, what in found if names else ():
            if wrong(what):
                print(f"    {argument} = {odd}: {what}")
    print(f"{'all':42} {sum(total.values()):5}  {total['right']:5}  {total['refused']:7}  {total['wrong']:5}")


if __name__ == "__main__":
    main(sys.argv[1:])
