"""Rollouts of one policy, and the gradient of another: by enumeration of all groups, and floats beside Fractions."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest
from flint import arb, arb_poly, ctx, fmpq

import maxrl_est as mx
from maxrl_est.estimates import ratios as of_ratios

MU = (F(1, 4), F(1, 4), F(1, 2))
PI = (F(1, 2), F(1, 3), F(1, 6))  # ratios 2, 4/3 and 1/3
CASES = {
    "three outcomes": (MU, PI, (F(1, 3), F(1, 2), F(1))),
    "0/1": (MU, PI, (F(1), F(0), F(0))),
    "a coin": ((F(1, 5), F(4, 5)), (F(9, 10), F(1, 10)), (F(1), F(0))),
    "never drawn by pi": ((F(1, 2), F(1, 4), F(1, 4)), (F(1, 3), F(2, 3), F(0)), (F(1, 2), F(1), F(1, 5))),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
CONTROLS = (0, 1, F(-2, 3))


def mean_update(case, n, advantages):
    """E (1/N) sum_i A_i S_i over rollouts of mu, S the scores of the softmax pi: (outcomes,), exactly."""
    mu, pi, likelihoods = case
    scores = np.array([[F(int(y == z)) - pi[z] for z in range(len(pi))] for y in range(len(pi))], dtype=object)
    groups = np.array(list(itertools.product(range(len(mu)), repeat=n)))
    l, rho = (np.array(x, dtype=object)[groups] for x in (likelihoods, [a / b for a, b in zip(pi, mu, strict=True)]))
    chances = np.array(mu, dtype=object)[groups].prod(axis=1)
    coefficients = chances[:, None] * advantages(l, rho) / n
    return (coefficients[..., None] * scores[groups]).sum(axis=(0, 1))


def pass_rate(case, law=None):
    _, pi, likelihoods = case
    return sum(chance * l for chance, l in zip(law or pi, likelihoods, strict=True))


def gradient(case, weight):
    """The weight times grad p of pi."""
    _, pi, likelihoods = case
    return [weight * chance * (l - pass_rate(case)) for chance, l in zip(pi, likelihoods, strict=True)]


def objectives(n):
    yield from (mx.Objective.maxrl(order) for order in range(1, n + 1))
    yield from (mx.Objective.tsallis(F(1, 2), n), mx.Objective.all_of(n), mx.Objective.from_coefficients([1, -3][:n]))


@every_case
@pytest.mark.parametrize(("n", "control"), [*itertools.product((1, 2, 3), CONTROLS), (4, F(-2, 3))])
def test_unbiased_for_the_policy_that_learns(case, n, control):
    for objective in objectives(n) if n < 4 else [mx.Objective.maxrl(4)]:
        right = gradient(case, objective.weight(pass_rate(case)))

        def estimate(l, rho, objective=objective):
            return rho * mx.loo_weights(l, objective, ratios=rho, control=control) * l

        assert mean_update(case, n, estimate).tolist() == right


@every_case
@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("baseline", ["none", "one", "one_over_n", "mean_loo", "pass_loo", F(-1, 3), ("beta", 1, 2)])
def test_every_baseline_is_free(case, control, baseline):
    for n, order in ((2, 1), (3, 2), (3, 3)):
        if (baseline, order) == ("pass_loo", n):
            continue
        found = mean_update(
            case,
            n,
            lambda l, rho: mx.advantages(l, order, baseline=baseline, ratios=rho, control=control),  # noqa: B023
        )
        assert found.tolist() == gradient(case, mx.Objective.maxrl(order).weight(pass_rate(case)))


# Wrong versions, and what they ascend or lose, exactly.

CASE, N = CASES["three outcomes"], 3
RIGHT = gradient(CASE, mx.Objective.maxrl(N).weight(pass_rate(CASE)))


def test_a_ratio_in_front_alone_is_a_stale_weight():
    found = mean_update(CASE, N, lambda l, rho: rho * mx.advantages(l))
    stale = gradient(CASE, mx.Objective.maxrl(N).weight(pass_rate(CASE, CASE[0])))
    assert found.tolist() == stale != RIGHT


def test_a_ratio_in_the_weights_alone_has_the_gradient_of_another_law():
    found = mean_update(CASE, N, lambda l, rho: mx.loo_weights(l, ratios=rho) * l)
    mu, pi, likelihoods = CASE
    of_mu = sum(chance * l for chance, l in zip(mu, likelihoods, strict=True))
    weight = mx.Objective.maxrl(N).weight(pass_rate(CASE))
    slopes = [weight * (m * l - q * of_mu) for m, q, l in zip(mu, pi, likelihoods, strict=True)]  # w E_mu[l S]
    assert found.tolist() == slopes != RIGHT


def test_a_baseline_without_its_ratio_is_not_free():
    found = mean_update(CASE, N, lambda l, rho: rho * mx.loo_weights(l, ratios=rho) * l - 1)
    drift = [m - q for m, q in zip(*CASE[:2], strict=True)]  # E_mu S
    assert found.tolist() == [x - y for x, y in zip(RIGHT, drift, strict=True)] != RIGHT


@pytest.mark.parametrize("most", [F(1), F(3, 2)])
def test_ratios_that_are_cut_off_have_the_gradient_of_what_is_left(most):
    """kept = min(pi, C mu): the weight is of its sum of l, the gradient of the kept law, and a baseline drifts."""
    mu, pi, likelihoods = CASE
    kept = [min(q, most * m) for m, q in zip(mu, pi, strict=True)]
    rate, mass = sum(k * l for k, l in zip(kept, likelihoods, strict=True)), sum(kept)
    slope = [k * l - q * rate for k, q, l in zip(kept, pi, likelihoods, strict=True)]  # sum_y kept l S
    drift = [k - q * mass for k, q in zip(kept, pi, strict=True)]  # sum_y kept S, 0 where nothing is cut
    weight = mx.Objective.maxrl(N).weight(rate)
    for baseline, constant in (("none", 0), ("one", 1)):
        found = mean_update(
            CASE,
            N,
            lambda l, rho: mx.advantages(l, baseline=baseline, ratios=np.minimum(rho, most)),  # noqa: B023
        )
        assert found.tolist() == [weight * s - constant * d for s, d in zip(slope, drift, strict=True)] != RIGHT
    assert mean_update(CASE, N, lambda l, rho: mx.advantages(l, ratios=np.minimum(rho, F(2)))).tolist() == RIGHT


def test_a_control_of_the_group_itself_is_no_constant():
    found = mean_update(
        CASE,
        N,
        lambda l, rho: np.concatenate(
            [mx.advantages(g, ratios=r, control=r.sum() / N)[None] for g, r in zip(l, rho, strict=True)]
        ),
    )
    assert found.tolist() != RIGHT


def test_whole_step_off_policy_is_exact_and_ratios_of_tokens_are_not():
    stop = [F(1, 2), F(1, 3)]
    law = mx.problems.TokenChain(stop, [F(0), F(1, 2), F(1)])
    sampler = mx.problems.TokenChain([F(1, 3), F(1, 2)], [F(0), F(1, 2), F(1)])

    def whole(batch):
        rho = np.where(batch.mask, batch.ratios, 1).prod(axis=-1)
        found = mx.advantages(batch.rewards, 2, ratios=rho)
        return found[..., None] * batch.mask / batch.rewards[..., :1, :].size

    def of_tokens(batch):
        found = mx.advantages(batch.rewards, 2)
        return found[..., None] * batch.ratios * batch.mask / batch.rewards[..., :1, :].size

    weight = mx.Objective.maxrl(2).weight(law.pass_rate)
    for step, exact in ((whole, True), (of_tokens, False)):
        shares = mx.exact_step(step, [law], 2, samplers=[sampler]).shares
        assert (shares[0] == weight) == exact


# In floats.


def adversarial(n, rng):
    """Groups (G, N) and ratios that make terms cancel: few and many, near 1 and far, x near 0 and of both signs."""
    for spread in (0.05, 0.5, 2.0, 6.0):
        yield rng.random(n), np.exp(spread * rng.standard_normal(n))
        yield (rng.random(n) < 0.5).astype(float), np.exp(spread * rng.standard_normal(n))
        l = rng.uniform(0.1, 1, n)
        yield l, (1 + spread * 1e-9 * rng.standard_normal(n)) / l  # rho l is near 1
        yield np.ones(n), np.where(rng.random(n) < 0.5, 1 + spread, max(0.0, 1 - spread))
    yield np.ones(n), np.full(n, 2.0)  # x = -1: MaxRL's terms cancel in pairs
    yield np.zeros(n), np.zeros(n)
    yield np.ones(n), np.full(n, 1e90)
    yield rng.random() * np.ones(n), np.full(n, 1 + rng.random())  # rounded all alike
    if n > 2:
        yield np.ones(n), vanishing(n, 1e12)


def vanishing(n, large):
    """Ratios, two of them not 1, for which Int (1 - t a) (1 - t b) (1 - t)^(n-3) dt, a weight of order n, is 0."""
    moments = [math.factorial(k) * math.factorial(n - 3) / math.factorial(k + n - 2) for k in range(3)]
    other = (moments[0] - large * moments[1]) / (moments[1] - large * moments[2])
    return np.array([large, other, *[1.0] * (n - 2)])


def exact_weights_and_sizes(l, rho, control, objective):
    """Weights, and sum_k |c_k| E_k(|x|) of the others, in Fractions, in the powers that floats are computed in."""
    l, rho = (np.array([F(x) for x in values], dtype=object) for values in (l, rho))
    x = 1 - rho * l + F(control) * (rho - 1)
    by = objective.expansion
    masses = 1 - x if by.successes else x
    weights, sizes = [], []
    for i in range(len(l)):
        others = np.delete(masses, i)
        for found, values, sign in ((weights, others, 1), (sizes, abs(others), -1)):
            powers = means_of_products(values, len(by.coefficients))
            c = [F(float(a)) if sign > 0 else abs(F(float(a))) for a in by.coefficients]
            found.append(sum(a * power for a, power in zip(c, powers, strict=True)))
    return weights, sizes


def means_of_products(values, count):
    """E_0, E_1, ... by elementary symmetric polynomials."""
    e = [F(1)] + [F(0)] * (count - 1)
    for taken, x in enumerate(values, start=1):
        for k in range(min(taken, count - 1), 0, -1):
            e[k] += x * e[k - 1]
    return [e_k / math.comb(len(values), k) for k, e_k in enumerate(e)]


def outcome(l, rho, control, objective):
    """What is wrong with the ratios, and weights."""
    try:
        return "", mx.loo_weights(l, objective, ratios=rho, control=control)
    except ValueError as error:
        return str(error), None


@pytest.mark.parametrize("n", [2, 7, 16])
def test_the_error_bound_holds_and_what_is_refused_is_beyond_it(n, kernels, monkeypatch):
    rng, worst, refused = np.random.default_rng(n), 0.0, 0
    some = [mx.Objective.maxrl(n), mx.Objective.maxrl(2), mx.Objective.all_of(2), mx.Objective.pass_at(min(n, 5))]
    for (l, rho), control, objective in itertools.product(adversarial(n, rng), (0, 1, 0.3), some):
        exact, sizes = exact_weights_and_sizes(l, rho, control, objective)
        largest = max(abs(objective.weight(p)) for p in (F(0), F(1)))
        shares = [s / max(largest, abs(w)) for w, s in zip(exact, sizes, strict=True)]
        said, found = outcome(l, rho, control, objective)
        if said:
            refused += "inf" not in said
            assert "must have others whose terms cancel" in said
            assert 4 * (n + 1) * max(shares) > F(99, 10**11) * 2**53 or max(sizes) > 10**300
            continue
        assert 4 * (n + 1) * max(shares) < F(101, 10**11) * 2**53
        for f, w, s in zip(found, exact, sizes, strict=True):
            if s:
                worst = max(worst, float(abs(F(float(f)) - w) / s) * 2.0**53)
    assert 0.1 < worst <= 4 * (n + 1)
    assert refused >= (n > 2)


def error_over_bound(l, rho, control, objective):
    """The largest error of two of the weights (N,) over 4 (N+1) 2^-53 sum_k |c_k| E_k(|x|), by balls of 400 bits."""
    n, off = len(l), of_ratios.OffPolicy(rho[None], control)
    with np.errstate(over="ignore", invalid="ignore"):
        found = of_ratios.weights(l[None], off, objective, 1)[0][0]
    by = objective.expansion
    q = [1 - F(r) * F(a) + F(control) * (F(r) - 1) for a, r in zip(l.tolist(), rho.tolist(), strict=True)]
    x = [1 - value if by.successes else value for value in q]
    worst = 0.0
    with ctx.workprec(400):
        shares = [arb(float(c)) / math.comb(n - 1, k) for k, c in enumerate(by.coefficients)]
        for i in {0, n - 1} if np.isfinite(found).all() else ():
            ones, sizes = (
                math.prod((arb_poly([1, arb(fmpq(v.numerator, v.denominator))]) for v in row), start=arb_poly([1]))
                for row in (x[:i] + x[i + 1 :], [abs(v) for v in x[:i] + x[i + 1 :]])
            )
            exact = sum((c * ones[k] for k, c in enumerate(shares)), arb(0))
            size = sum((abs(c) * sizes[k] for k, c in enumerate(shares)), arb(0))
            if size > 0:
                error = abs(arb(float(found[i])) - exact) / size
                worst = max(worst, float(error.upper()) * 2.0**53 / (4 * (n + 1)))
    return worst


def rounded_as_it_goes(values, off, successes):
    q = 1 - off.ratios * values + off.control * (off.ratios - 1)
    masses = 1 - q if successes else q
    masses.flags.writeable = False
    return masses


@pytest.mark.parametrize("n", [33, 200])
def test_the_error_bound_holds_in_large_groups(n, kernels, monkeypatch):
    """And not if digits are lost before the weights are computed: of x where rho l is near 1, say."""
    rng = np.random.default_rng(n)
    some = [mx.Objective.maxrl(n), mx.Objective.maxrl(3), mx.Objective.pass_at(3)]
    cases = [
        (l, rho, control, some[place % 3])
        for place, ((l, rho), control) in enumerate(itertools.product(adversarial(n, rng), (0.0, 1.0, -2.0, 0.5)))
    ]
    worst = max(error_over_bound(*case) for case in cases)
    assert 0.001 < worst < 1
    monkeypatch.setattr(of_ratios, "_masses", rounded_as_it_goes)
    assert max(error_over_bound(*case) for case in cases) > 10


def test_weights_that_are_what_is_left_of_large_terms_are_refused_by_rollout():
    rho = vanishing(5, 1e12)
    said = (
        r"ratios\[1, 2\] must have others whose terms cancel to a weight with an error of at most 1e-09, got up to 0.0"
    )
    with pytest.raises(ValueError, match=said):
        mx.advantages(np.ones((2, 5)), ratios=[np.ones(5), rho])
    with pytest.raises(ValueError, match=r"ratios\[4\] must have others whose"):
        mx.advantages(np.ones(7), ratios=[1, 1, *rho], groups=list("aabbbbb"))
    assert (mx.advantages(np.ones(5), ratios=rho, control=1, baseline="none") == rho).all()


def test_ratios_of_one_change_nothing():
    l = np.random.default_rng(0).random((3, 9))
    for baseline, objective in itertools.product((None, "one", ("beta", 1, 2)), (None, 3, mx.Objective.all_of(3))):
        on_policy = mx.advantages(l, objective, baseline=baseline)
        for control in (0, 0.7, 1):
            off = mx.advantages(l, objective, baseline=baseline, ratios=np.ones_like(l), control=control)
            assert off == pytest.approx(on_policy, rel=1e-14, abs=1e-14)


def test_weights_and_advantages_are_those_of_their_functions_and_a_ratio_is_no_part_of_its_weight():
    rng = np.random.default_rng(0)
    l, rho = rng.random((4, 5)), rng.uniform(0.5, 2, (4, 5))
    for baseline, order in ((None, 3), ("pass_loo", 3), (0.3, None)):
        asked = {"ratios": rho, "control": 0.5}
        weights, advantages = mx.estimators.weights_and_advantages(l, order, baseline=baseline, **asked)
        assert (weights == mx.loo_weights(l, order, **asked)).all()
        assert (advantages == mx.advantages(l, order, baseline=baseline, **asked)).all()
    weights, advantages = mx.estimators.weights_and_advantages(l, baseline="none", ratios=rho)
    assert advantages == pytest.approx(rho * weights * l, rel=1e-15)  # and not weights * l
    order = rng.permutation(20)
    flat = [x.reshape(-1)[order] for x in (l, rho, weights, advantages)]
    ids = np.repeat(np.arange(4), 5)[order]
    found = mx.estimators.weights_and_advantages(flat[0], baseline="none", ratios=flat[1], groups=ids)
    for one, other in zip(found, flat[2:], strict=True):
        assert one == pytest.approx(other, rel=1e-13)


def test_groups_out_threads_logarithms_and_single_precision():
    rng = np.random.default_rng(0)
    l, rho = rng.random((6, 5)).astype(np.float32), rng.uniform(0.5, 2, (6, 5)).astype(np.float32)
    right = mx.advantages(l.astype(float), ratios=rho.astype(float), control=0.5)
    found = mx.advantages(l, ratios=rho, control=0.5)
    assert found.dtype == np.float32
    assert (found == right.astype(np.float32)).all()
    order = rng.permutation(30)
    ids = np.repeat(np.arange(6), 5)[order]
    flat = [x.astype(float).reshape(-1)[order] for x in (l, rho)]
    by_id = mx.advantages(flat[0], ratios=flat[1], control=0.5, groups=ids)
    assert by_id == pytest.approx(right.reshape(-1)[order], rel=1e-13)
    weights = mx.loo_weights(l.astype(float), 3, ratios=rho.astype(float), n_threads=2).reshape(-1)[order]
    assert mx.loo_weights(flat[0], 3, ratios=flat[1], groups=ids) == pytest.approx(weights, rel=1e-13)
    out = np.empty((6, 5))
    assert mx.advantages(l.astype(float), ratios=rho, control=0.5, out=out) is out
    assert (out == right).all()
    logs = mx.advantages(log_likelihoods=np.log(l.astype(float)), ratios=rho, control=0.5)
    assert logs == pytest.approx(right, rel=1e-12, abs=1e-12)
    assert mx.advantages(np.empty((0, 4)), ratios=np.empty((0, 4))).shape == (0, 4)


@pytest.mark.parametrize(
    ("ratios", "control", "said"),
    [
        ([1, -1], 0, r"ratios\[1\] must lie in \[0, 1e\+100\], got -1"),
        ([1, float("nan")], 0, r"ratios\[1\] must lie in \[0, 1e\+100\], got nan"),
        ([1], 0, r"ratios must have the shape \(2,\) of likelihoods, got \(1,\)"),
        ([F(1), F(2)], 0, "ratios must be floats as likelihoods are, got Fractions"),
        (None, 1, "control must come with ratios, got 1 without"),
        ([1, 1], [1, 1], r"control must be a finite number, got \[1, 1\]"),
        ([1, 1j], 0, "ratios must be bool, int or float"),
    ],
)
@pytest.mark.parametrize("function", [mx.loo_weights, mx.advantages, mx.estimators.weights_and_advantages])
def test_what_are_no_ratios_is_refused(function, ratios, control, said):
    with pytest.raises((TypeError, ValueError), match=said):
        function([0.5, 1.0], ratios=ratios, control=control)


def test_advantages_that_overflow_are_refused():
    for ratios in (np.full(6, 1e90), np.r_[1e100, np.full(5, 1e41)]):
        with pytest.raises(ValueError, match="error of at most 1e-09, got up to inf"):
            mx.advantages(np.ones(6), ratios=ratios)
