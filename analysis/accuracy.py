"""How far off are the numbers? Every estimate in floats against Arb balls, of both kernels and at every switch."""

import functools
import math
import os
import sys
from unittest import mock

import flint
import numpy as np
from matplotlib import pyplot as plt

import maxrl_est as mx
from analysis import study
from maxrl_est.selftest.adversarial import FAMILIES

QUESTION = "How many units in the last place are the estimates in floats off by, at most?"
SETUP = (
    "An input is one group of likelihoods, a function and an objective; its error the largest of what the function "
    "gives, in units in the last place (ulp) of the exact number. That is enclosed by Arb balls of 128 bits, from "
    "products of 1 + q_j x over the likelihoods concerned, in which nothing is subtracted. Of leave-one-out estimates "
    "all rollouts are compared for N <= 4, else those of the least and the greatest likelihood and one at random. "
    "Groups are drawn from the adversarial families of the package's own tests (equal values, 0 and 1 or within an ulp "
    "of them, subnormals, 1e-300 to 1 side by side, values on both sides of thresholds), and of equal values at "
    "random; N is on both sides of every switch between methods. An exact number below 1e-300 has the ulp of 1e-300, "
    "and where terms are subtracted the ulp is that of the sum of their sizes: coefficients of both signs, J of "
    "pass^k, which is p^k - 1, and omega_i (l_i - mean of others). 'float16 pairs' are all float16 in [0, 1] beside "
    "512 of them, N = 2, in integers. Kernels are compiled by numba, or in operations of NumPy, whose recurrences are "
    "left out above N = 129."
)
SEED = 2026

SIZES = {1: 4, 2: 4, 3: 4, 4: 2, 7: 2, 8: 2, 9: 2, 12: 1, 15: 2, 16: 4, 17: 4, 24: 1, 32: 1, 33: 1, 48: 1, 63: 1, 64: 1}
SIZES |= {65: 1, 96: 1, 127: 1, 128: 1, 129: 1, 160: 1, 161: 1, 255: 1, 256: 1, 257: 1}  # draws of every family
LONG = {512: 4, 513: 4, 1024: 8, 1025: 8, 2048: 20, 4096: 20}  # one draw of every so many families
IN_ARRAYS = 129  # N up to which NumPy's recurrences take part
EQUAL = 40  # groups of one value at random, beside the families: these round alike
TABLE = 33  # N up to which the powers of all the others do
LEAST = 1e-300
BITS = 128
KERNELS = {"numba": "compiled", "numpy": "NumPy"}
FULL, ALL_OF, BOTH_SIGNS, FLOAT16 = "MaxRL, T = N", "pass^k", "both signs", "float16 pairs"
OBJECTIVES = (FULL, "MaxRL, T < N", "pass@k", "Tsallis", ALL_OF, "one sign", BOTH_SIGNS)
SINGLE = "loo_weights, float32"
FUNCTIONS = ("loo_weights", "advantages", "weight_estimate", "objective_estimate")
VALUES16, OTHERS16, UNIT16 = 15361, 512, 1 << 24  # how many, beside how many; that of which all are multiples


def measure(quick=False):
    parts = [(n, draw, 1) for n, draws in SIZES.items() for draw in range(draws)]
    parts += [(n, 0, every) for n, every in LONG.items()]
    blocks = list(range(0, OTHERS16, 16))
    if quick:
        parts, blocks = [(n, 0, 8) for n in (2, 16, 33, 256)], blocks[:1]
    found, done = {}, 0
    for setting in KERNELS:
        with mock.patch.dict(os.environ, MAXRL_EST_KERNELS=setting), study.workers() as executor:  # new processes ask
            tasks = [executor.submit(errors, setting, *part) for part in reversed(parts)]  # the longest first
            if setting == "numba":
                tasks += [executor.submit(of_pairs, first) for first in blocks]
            for task in tasks:
                take(found, task.result())
                done += 1
                study.progress(f"{done} of {2 * len(parts) + len(blocks)} parts")
    study.progress("")
    columns = ("kernels", "function", "objective", "N", "inputs", "ulp", "family")
    order = sorted(found.items())
    return [dict(zip(columns, (*key, count, round(ulp, 3), name), strict=True)) for key, (count, ulp, name) in order]


def take(found, more):
    """Add counts, and keep the worst error with its family."""
    for key, (count, ulp, name) in more.items():
        so_far = found.get(key, (0, -1.0, ""))
        found[key] = (so_far[0] + count, *(so_far[1:] if so_far[1] >= ulp else (ulp, name)))


def errors(setting, n, draw, every):
    """How many inputs, the worst error and its family, by kernels, function, objective and N."""
    flint.ctx.prec = BITS
    rng, names, found = np.random.default_rng([SEED, n, draw]), list(FAMILIES)[::every], {}
    equal = np.repeat(rng.random((EQUAL // every, 1)), n, axis=1)
    groups = np.concatenate([np.stack([FAMILIES[name](n, rng) for name in names]), equal])
    names += ["equal, at random"] * len(equal)
    rollouts = [some(group, rng) for group in groups]
    exact = [Exact(*about) for about in zip(groups, rollouts, strict=True)]
    single = [Exact(*about) for about in zip(groups.astype(np.float32), rollouts, strict=True)]

    def note(function, kind, results, wanted, of=exact, spacing=np.spacing):
        for name, got, group in zip(names, results, of, strict=True):
            ulp = worst(got, wanted(group), spacing)
            take(found, {(KERNELS[setting], function, kind, n): (1, ulp, name)})

    def of_some(results):
        return [result[which] for result, which in zip(results, rollouts, strict=True)]

    weights = of_some(mx.loo_weights(groups.astype(np.float32)))
    note(SINGLE, FULL, weights, lambda group: group.weights(FULL, ()), single, lambda x: np.spacing(np.float32(x)))
    recurrences = setting == "numba" or n <= IN_ARRAYS
    if recurrences:
        note("failure_powers", "", mx.failure_powers(groups, n), Exact.powers)
    if n <= TABLE:
        table = of_some(mx.loo_failure_powers(groups, n - 1))
        note("loo_failure_powers", "", [rows.ravel() for rows in table], Exact.powers_of_others)
    for kind, objective, c in objectives(n, rng) if recurrences else [(FULL, None, ())]:
        about = kind, c
        note("loo_weights", kind, of_some(mx.loo_weights(groups, objective)), lambda x, a=about: x.weights(*a))
        if n > 1:
            note("advantages", kind, of_some(mx.advantages(groups, objective)), lambda x, a=about: x.advantages(*a))
        estimates = mx.weight_estimate(groups, objective)[:, None]
        note("weight_estimate", kind, estimates, lambda x, a=about: x.weight(*a))
        estimates = mx.objective_estimate(groups, objective)[:, None]
        note("objective_estimate", kind, estimates, lambda x, a=about: x.objective(*a))
    return found


def objectives(n, rng):
    """Of every kind one, drawn for groups of N, with its coefficients as Arb balls; None is MaxRL of order N."""
    yield FULL, None, ()
    if n > 2:
        order = int(rng.integers(2, n))
        yield "MaxRL, T < N", order, [flint.arb(1)] * order
    k = max(1, n - int(rng.integers(3)))
    yield "pass@k", mx.Objective.pass_at(k), [flint.arb(0)] * (k - 1) + [flint.arb(k)]
    k = max(1, min(n, 320) - int(rng.integers(3)))
    yield ALL_OF, mx.Objective.all_of(k), [flint.arb(0)] * (k - 1) + [flint.arb(k)]  # in powers of p
    order, q = int(rng.integers(1, n + 1)), float(rng.choice([0.25, 0.5, 1.5, 2.0]))
    c = [flint.arb(1)]
    for j in range(1, order):
        c.append(c[-1] * (q + j - 1) / j)
    yield "Tsallis", mx.Objective.tsallis(q, order), c
    order = int(rng.integers(1, n + 1))
    for kind, c in (
        ("one sign", rng.random(order) * 10.0 ** rng.uniform(-3, 3, order)),
        (BOTH_SIGNS, rng.standard_normal(order)),
    ):
        yield kind, mx.Objective.from_coefficients(c), [flint.arb(x) for x in c.tolist()]


def some(group, rng):
    """Rollouts to compare."""
    if group.size <= 4:
        return np.arange(group.size)
    return np.array([group.argmin(), group.argmax(), rng.integers(group.size)])


class Exact:
    """What is estimated from one group, as pairs of a ball and the size whose ulp is the unit, 0 for its own."""

    def __init__(self, group, rollouts):
        self.likelihoods, self.rollouts = [flint.arb(x) for x in group.tolist()], rollouts.tolist()
        self.means = functools.cache(self._means)

    def _means(self, successes=False, without=None):
        """E_0, E_1, ... of 1 - l, or of l: the mean products, of all but one rollout if so."""
        kept = [l for j, l in enumerate(self.likelihoods) if j != without]
        roots = [-l if successes else l - 1 for l in kept]
        found, ways = [], flint.arb(1)
        for k, symmetric in enumerate(flint.arb_poly.from_roots(roots).coeffs()[::-1]):
            found.append(symmetric / ways)
            ways = ways * (len(kept) - k) / (k + 1)
        return found

    def powers(self):
        return [(x, 0.0) for x in self.means()]

    def powers_of_others(self):
        return [(x, 0.0) for i in self.rollouts for x in self.means(without=i)]

    def weight(self, kind, c, without=None):
        """Pairs, of one: the estimate of w(p) from all rollouts, or all but one."""
        return [(combined(self.means(kind == ALL_OF, without), kind, c), both(kind, c))]

    def weights(self, kind, c):
        return [pair for i in self.rollouts for pair in self.weight(kind, c, i)]

    def advantages(self, kind, c):
        found, others = [], len(self.likelihoods) - 1
        for i, (weight, size) in zip(self.rollouts, self.weights(kind, c), strict=True):
            own = self.likelihoods[i]
            mean = (sum(self.likelihoods, flint.arb(0)) - own) / others
            found.append((weight * (own - mean), max(size, abs(float(weight))) * float(own + mean)))
        return found

    def objective(self, kind, c):
        means = self.means(kind == ALL_OF)[1:]
        terms = [x / k for k, x in enumerate(means, start=1)]
        if kind == ALL_OF:
            return [(combined(terms, kind, c) - 1, 1.0)]
        return [(-combined(terms, kind, c), both(kind, c))]


def combined(means, kind, c):
    return sum(means if kind == FULL else (x * y for x, y in zip(c, means, strict=False) if x), flint.arb(0))


def both(kind, c):
    """The sum of the sizes of coefficients of both signs."""
    return sum(abs(float(x)) for x in c) if kind == BOTH_SIGNS else 0.0


def worst(got, wanted, spacing):
    """The largest error of some numbers, in ulp."""
    if not np.isfinite(got).all():
        return math.inf
    found = 0.0
    for value, (ball, size) in zip(got.tolist(), wanted, strict=True):
        unit = float(spacing(max(abs(float(ball)), size, LEAST)))
        found = max(found, float(((ball - value) / unit).abs_upper()))
    return found


def of_pairs(first):
    """The same of all float16 beside each of sixteen others, N = 2, in integers."""
    halves = np.arange(VALUES16, dtype=np.uint16).view(np.float16)
    units = (halves.astype(np.float64) * UNIT16).astype(np.int64)
    found = {}
    for i in range(first, first + 16):
        own, other = np.full(VALUES16, units[i * (VALUES16 - 1) // (OTHERS16 - 1)]), units
        groups, failures = np.stack([own, other], -1) / UNIT16, UNIT16 - np.stack([own, other], -1)
        both, all_fail = failures.sum(-1), failures.prod(-1)
        weights = UNIT16 + failures[:, ::-1]
        results = {  # exact: numerators are below 2^53
            "loo_weights": (mx.loo_weights(groups), weights / UNIT16),
            "advantages": (mx.advantages(groups), weights * np.stack([own - other, other - own], -1) / UNIT16**2),
            "weight_estimate": (
                mx.weight_estimate(groups),
                (UNIT16**2 + both * (UNIT16 // 2) + all_fail) / UNIT16**2,
            ),
            "objective_estimate": (mx.objective_estimate(groups), -(both * UNIT16 + all_fail) / (2 * UNIT16**2)),
            "failure_powers": (
                mx.failure_powers(groups, 2)[:, 1:],
                np.stack([both * (UNIT16 // 2), all_fail], -1) / UNIT16**2,
            ),
        }
        for function, (got, exact) in results.items():
            ulp = float((np.abs(got - exact) / np.spacing(np.maximum(np.abs(exact), LEAST))).max())
            take(found, {("compiled", function, FLOAT16, 2): (VALUES16, ulp, "pairs")})
    return found


def verdict(rows):
    def largest(**wanted):
        some = [r for r in rows if r["objective"] != FLOAT16 and all(r[key] in x for key, x in wanted.items())]
        top = max(some, key=lambda r: r["ulp"])
        return f"{top['ulp']:.2f} ulp ({top['function']}, {top['objective'] or 'powers'}, N = {top['N']})"

    def most(function, kernels="compiled"):
        return f"{max(r['ulp'] for r in rows if (r['function'], r['kernels']) == (function, kernels)):.2f}"

    inputs = sum(r["inputs"] for r in rows if r["objective"] != FLOAT16)
    pairs = [r for r in rows if r["objective"] == FLOAT16]
    counted, off = max(r["inputs"] for r in pairs), max(r["ulp"] for r in pairs)
    exact = [r["function"] for r in pairs if r["ulp"] == 0]
    functions = sorted({r["function"] for r in rows} - {SINGLE})
    found = ", ".join(f"{name} {most(name)} and {most(name, 'NumPy')}" for name in functions)
    singly = max(r["ulp"] for r in rows if r["function"] == SINGLE)
    by_kind = ", ".join(
        f"{kind} {max(r['ulp'] for r in rows if r['objective'] == kind and r['function'] in FUNCTIONS):.2f}"
        for kind in OBJECTIVES
    )
    return (
        f"In {inputs:,} inputs with certified answers no estimate of the compiled kernels is off by more than "
        f"{largest(kernels=['compiled'], function=functions)} and none of NumPy's by more than "
        f"{largest(kernels=['NumPy'], function=functions)}. By function, compiled and NumPy: {found}; by objective, "
        f"either: {by_kind}; weights of float32 are within {singly:.3f} ulp of float32. In {counted:,} "
        f"pairs of float16 {', '.join(exact)} are exact and nothing is off by more than {off:g} ulp."
    )


def draw(rows):
    figure, panels = plt.subplots(1, 2, figsize=(10.4, 4.0), sharey=True)
    for axes, kernels in zip(panels, KERNELS.values(), strict=True):
        for place, kind in enumerate(OBJECTIVES):
            shown = [
                r for r in rows if r["kernels"] == kernels and r["objective"] == kind and r["function"] in FUNCTIONS
            ]
            sizes = sorted({r["N"] for r in shown})
            worsts = [max(r["ulp"] for r in shown if r["N"] == n) for n in sizes]
            axes.semilogx(sizes, worsts, f"C{place}.-", base=2, label=kind)
        axes.set(xlabel="N", title=f"{kernels} kernels", ylim=(0, None))
    panels[0].set_ylabel("worst error, ulp")
    figure.legend(*panels[0].get_legend_handles_labels(), title="objective", loc="outside right center")
    return figure


if __name__ == "__main__":
    study.main(sys.modules[__name__])
