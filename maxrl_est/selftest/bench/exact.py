"""Exact verdicts and closed forms: seconds that somebody waits for them, each in a new process."""

from __future__ import annotations

from maxrl_est.selftest.bench.figures import Figure
from maxrl_est.selftest.bench.processes import python, seconds_of

IMPORTS = "from fractions import Fraction as F; import maxrl_est as mx"
ARMS = f"{IMPORTS}; arms = mx.problems.Bandit([F(i, 15) for i in range(1, 6)], [F(i, 4) for i in range(5)])"
COIN = f"{IMPORTS}; coin = mx.problems.Bernoulli(0.1)"
VERDICT_LIMIT, MOMENTS_LIMIT, CLOSED_FORM_LIMIT = 2.0, 10.0, 1.0
SIZE = 256


def figures() -> list[Figure]:
    """Figures of exact arithmetic."""
    return [
        _waited("effective_weight", f"ustat, N={SIZE}", VERDICT_LIMIT, *_row("ustat")),
        Figure("effective_weight", f"slowest row of the table, N={SIZE}", VERDICT_LIMIT, _slowest, "CPU s"),
        _waited("exact_moments", "ustat, 5 arms, n=16", MOMENTS_LIMIT, ARMS, "mx.exact_moments(arms, 'ustat', 16)"),
        *(
            _waited(
                "closed_form_variance",
                f"{name}, 0/1 rewards, n=512",
                CLOSED_FORM_LIMIT,
                COIN,
                f"mx.closed_form_variance(coin, '{name}', 512)",
            )
            for name in ("ustat", "grpo")
        ),
    ]


def _waited(figure: str, case: str, limit: float, before: str, statement: str) -> Figure:
    return Figure(figure, case, limit, lambda _: seconds_of(before, statement, limit), "CPU s")


def _slowest(_: float) -> tuple[float, str]:
    """The row that takes longest; those that refuse 0/1 rewards take no time."""
    names = python(f"{IMPORTS}; print(*mx.estimators.names())").split()
    taken = {name: seconds_of(*_row(name), VERDICT_LIMIT) for name in names}
    name = max(taken, key=lambda name: taken[name][0])
    return taken[name][0], " ".join(filter(None, (name, taken[name][1])))


def _row(name: str) -> tuple[str, str]:
    """What comes before, a small group for whatever is made once, and the statement."""
    ask = "with suppress(ValueError): mx.effective_weight({!r}, {})"
    return f"{IMPORTS}\nfrom contextlib import suppress\n{ask.format(name, 4)}", ask.format(name, SIZE)
