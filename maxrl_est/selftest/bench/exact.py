"""Exact verdicts and closed forms: seconds that somebody waits for them, each in a new process."""

from __future__ import annotations

from collections.abc import Callable

from maxrl_est.selftest.bench.figures import Figure
from maxrl_est.selftest.bench.processes import python, seconds_of

IMPORTS = "from fractions import Fraction as F; import maxrl_est as mx"
ARMS = f"{IMPORTS}; arms = mx.problems.Bandit([F(i, 15) for i in range(1, 6)], [F(i, 4) for i in range(5)])"
COIN = f"{IMPORTS}; coin = mx.problems.Bernoulli(0.1)"
VERDICT_LIMIT, LARGE_LIMIT, MOMENTS_LIMIT, CLOSED_FORM_LIMIT = 2.0, 20.0, 10.0, 1.0
SIZE, LARGE = 256, 1024


def figures() -> list[Figure]:
    """Figures of exact arithmetic."""
    return [
        _waited("effective_weight", f"ustat, N={SIZE}", VERDICT_LIMIT, *_verdict("ustat", SIZE)),
        Figure("effective_weight", f"slowest row of the table, N={SIZE}", VERDICT_LIMIT, _slowest_verdict, "CPU s"),
        _waited("effective_weight", f"ustat, N={LARGE}", LARGE_LIMIT, *_verdict("ustat", LARGE)),
        _waited("exact_moments", "ustat, 5 arms, n=16", MOMENTS_LIMIT, ARMS, "mx.exact_moments(arms, 'ustat', 16)"),
        *(
            _waited("closed_form_variance", f"{name}, 0/1 rewards, n=512", CLOSED_FORM_LIMIT, *_closed_form(name))
            for name in ("ustat", "grpo")
        ),
        Figure(
            "closed_form_variance",
            "slowest row of the table, 0/1 rewards, n=512",
            CLOSED_FORM_LIMIT,
            _slowest_closed_form,
            "CPU s",
        ),
    ]


def _waited(figure: str, case: str, limit: float, before: str, statement: str) -> Figure:
    return Figure(figure, case, limit, lambda _: seconds_of(before, statement, limit), "CPU s")


def _slowest_verdict(_: float) -> tuple[float, str]:
    return _slowest(lambda name: _verdict(name, SIZE), VERDICT_LIMIT)


def _slowest_closed_form(_: float) -> tuple[float, str]:
    return _slowest(_closed_form, CLOSED_FORM_LIMIT)


def _slowest(asked: Callable[[str], tuple[str, str]], limit: float) -> tuple[float, str]:
    """The row that takes longest; those that refuse 0/1 rewards take no time."""
    names = python(f"{IMPORTS}; print(*mx.estimators.names())").split()
    taken = {name: seconds_of(*asked(name), limit) for name in names}
    name = max(taken, key=lambda name: taken[name][0])
    return taken[name][0], " ".join(filter(None, (name, taken[name][1])))


def _verdict(name: str, size: int) -> tuple[str, str]:
    return _asked(IMPORTS, f"mx.effective_weight({name!r}, {{}})", size)


def _closed_form(name: str) -> tuple[str, str]:
    return _asked(COIN, f"mx.closed_form_variance(coin, {name!r}, {{}})", 512)


def _asked(imports: str, call: str, size: int) -> tuple[str, str]:
    """What comes before, a small group for whatever is made once, and the statement."""
    before = f"{imports}\nfrom contextlib import suppress\nasked = suppress(ValueError)"
    return f"{before}\nwith asked: {call.format(4)}", f"with asked: {call.format(size)}"
