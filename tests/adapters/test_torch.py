"""torch: the bits of the package, derivatives and a loss that are exact, and errors, compiled or not."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction as F

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")

import maxrl_est as mx  # noqa: E402
from maxrl_est.adapters import _torch_ops as ops  # noqa: E402
from maxrl_est.adapters import torch as adapter  # noqa: E402
from maxrl_est.estimates import groups as door  # noqa: E402
from maxrl_est.estimates.baselines import BASELINES  # noqa: E402
from maxrl_est.selftest.adversarial import FAMILIES  # noqa: E402

SLOPES = 2e-15  # of derivatives of weights, relative to the weights; measured worst: 5.6e-16 on all families
GRADIENTS = 5e-15  # of gradients of the loss; measured worst: 1.1e-15
OBJECTIVES = {
    "MaxRL": lambda n: None,
    "order 2": lambda n: min(n, 2),
    "pass@3": lambda n: mx.Objective.pass_at(min(n, 3)),
    "pass^3": lambda n: mx.Objective.all_of(min(n, 3)),
    "signs": lambda n: mx.Objective.from_coefficients([0.5, -2.0, 0.0, 0.25][:n]),
}
EVERY = (None, *BASELINES, 0.25, ("beta", 0.5, 2))
every_objective = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
compiles = pytest.mark.filterwarnings(
    "ignore:.*torch.jit.script.*:DeprecationWarning",
    "ignore:.*isinstance.treespec, LeafSpec.*:FutureWarning",
)


def groups(*shape, seed=0, low=0.05, high=0.95):
    """Likelihoods away from 0 and 1, where difference quotients of both sides exist."""
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * (high - low) + low


# values: the bits of the package


@every_objective
@pytest.mark.parametrize("name", FAMILIES)
def test_results_are_those_of_the_package_to_the_last_bit(name, objective):
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 40):
        for dtype in (np.float64, np.float32):
            values = np.stack([FAMILIES[name](n, rng) for _ in range(2)]).astype(dtype)
            given, chosen = torch.from_numpy(values), objective(n)
            for function in ("loo_weights", "objective_estimate", "advantages"):
                got = getattr(adapter, function)(given, chosen).numpy()
                expected = getattr(mx, function)(values, chosen)
                assert got.dtype == expected.dtype == dtype
                assert np.array_equal(got, expected)


def least(baseline):
    """The smallest group that has the baseline."""
    return 2 if baseline in ("pass_loo", "mean_loo") else 1


@every_objective
@pytest.mark.parametrize("baseline", EVERY, ids=str)
def test_advantages_have_all_baselines_of_the_package(baseline, objective):
    for n in (least(baseline), 2, 6):
        values, chosen = groups(3, 2, n), objective(n - (baseline == "pass_loo"))
        got = adapter.advantages(values, chosen, baseline=baseline).numpy()
        assert np.array_equal(got, mx.advantages(values.numpy(), chosen, baseline=baseline))


def test_the_baseline_is_the_mean_of_the_others_and_groups_of_one_have_none():
    values = groups(2, 3)
    assert torch.equal(adapter.advantages(values), adapter.advantages(values, baseline="mean_loo"))
    assert torch.equal(adapter.advantages(values[:, :1]), values[:, :1])
    wrong = adapter.advantages(values, baseline="one")
    assert abs(adapter.advantages(values) - wrong).max() > 0.05


def times_checked(monkeypatch, call):
    """How often the numbers of groups go through the door."""
    seen = []
    as_numbers = door._as_numbers
    monkeypatch.setattr(door, "_as_numbers", lambda name, values: seen.append(values) or as_numbers(name, values))
    call()
    monkeypatch.undo()
    return seen


def test_an_operator_has_its_numbers_checked_once_and_on_the_memory_of_the_tensor(monkeypatch):
    values, asked = groups(2, 4), (None, False, "mean_loo", None)
    for operator in (ops.loo_weights, ops.objective_estimate, ops.advantages, ops.estimate_and_advantages):
        (seen,) = times_checked(monkeypatch, lambda operator=operator: operator(values, *asked))
        assert np.shares_memory(seen, values.numpy())
    (seen,) = times_checked(monkeypatch, lambda: ops.exponentials(values - 1, 0.0))
    for call in (adapter.loo_weights, adapter.advantages, lambda l: adapter.maxrl_loss(groups(2, 4), l)):
        assert len(times_checked(monkeypatch, lambda call=call: call(values))) == 1
    separate = times_checked(monkeypatch, lambda: (adapter.objective_estimate(values), adapter.advantages(values)))
    assert len(separate) == 2  # the wrong version of the loss


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_is_computed_as_what_it_stands_for_and_comes_back_in_float32(dtype):
    given = groups(4, 9).to(dtype)
    exact = given.double().numpy()
    for function in ("loo_weights", "objective_estimate", "advantages"):
        got = getattr(adapter, function)(given)
        assert got.dtype == torch.float32
        assert np.array_equal(got.numpy(), getattr(mx, function)(exact).astype(np.float32))
    in_half = adapter.loo_weights(given).to(dtype).double().numpy()
    assert abs(in_half - mx.loo_weights(exact)).max() > 1e-4  # what rounding to the dtype given would lose


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.uint8], ids=str)
def test_bool_and_int_rewards_give_the_default_dtype(dtype):
    given = torch.tensor([[1, 0, 0, 0], [0, 0, 0, 0]]).to(dtype)
    got = adapter.advantages(given, baseline="one")
    assert got.dtype == torch.get_default_dtype()
    assert got.tolist() == [[3, -1, -1, -1], [-1, -1, -1, -1]]
    assert adapter.objective_estimate(given).dtype == torch.get_default_dtype()


def test_lists_and_arrays_are_taken_in_float64():
    for given in ([0.1, 0.9], np.array([0.1, 0.9]), [F(1, 10), F(9, 10)], [torch.tensor(0.1), torch.tensor(0.9)]):
        assert adapter.loo_weights(given).dtype == torch.float64
    assert adapter.loo_weights([0.1, 0.9]).tolist() == mx.loo_weights([0.1, 0.9]).tolist()
    assert adapter.loo_weights(log_likelihoods=[-1.0, -2.0]).tolist() == mx.loo_weights(np.exp([-1.0, -2.0])).tolist()


def test_strided_and_read_only_memory_is_taken_and_none_is_written_to():
    wide = groups(5, 8, 3)
    given = wide.transpose(1, 2)[::2]
    before = given.clone()
    assert np.array_equal(adapter.loo_weights(given).numpy(), mx.loo_weights(given.numpy()))
    assert torch.equal(given, before)
    assert adapter.loo_weights(torch.tensor(0.5).expand(2, 4)).tolist() == [[1.875] * 4] * 2


@every_objective
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_log_likelihoods_give_what_they_give_in_the_package(dtype, objective):
    logs = torch.tensor([[-700.0, -1e-3, -3.0, -math.inf], [-800.0, -700.0, -701.0, -math.inf]], dtype=dtype)
    for function in ("loo_weights", "objective_estimate", "advantages"):
        got = getattr(adapter, function)(log_likelihoods=logs + 0.4, objective=objective(4), log_ceiling=0.4)
        expected = getattr(mx, function)(log_likelihoods=(logs + 0.4).numpy(), objective=objective(4), log_ceiling=0.4)
        assert got.dtype == dtype
        assert np.array_equal(got.numpy(), expected.astype(got.numpy().dtype))


def test_the_ceiling_is_rounded_as_the_logarithms_are():
    peak = 0.3995  # rounds up to bfloat16
    logs = torch.tensor([peak, peak - 1]).bfloat16()
    assert ops.exponentials(logs, peak)[0] == 1
    with pytest.raises(
        ValueError, match=r"^log_likelihoods\[0\] must be at most log_ceiling = 0.3995, got 0.400390625"
    ):
        mx.loo_weights(log_likelihoods=logs.double().numpy(), log_ceiling=peak)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # by the first make_dual of a process
@pytest.mark.parametrize("function", [adapter.loo_weights, adapter.advantages], ids=lambda f: f.__name__)
def test_operators_are_called_only_where_something_has_to_see_them(function):
    values, name = groups(2, 4), function.__name__
    called = []

    class Seen(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
            called.append(str(operator))
            return operator(*args, **(kwargs or {}))

    with Seen():
        got = function(values)
    assert f"maxrl_est.{name}.default" in called
    assert torch.equal(got, function(values))
    plain = [ops.are_plain(values)]
    with torch.autograd.forward_ad.dual_level():
        plain.append(ops.are_plain(torch.autograd.forward_ad.make_dual(values, values)))
    torch.vmap(lambda group: plain.append(ops.are_plain(group)) or group)(values)
    assert plain == [True, False, False]


# operators: as torch wants them


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    ("operator", "others"),
    [
        (ops.loo_weights, (None, False, "none", None)),
        (ops.loo_weights, (torch.tensor([1.0, 0.5, -2.0], dtype=torch.float64), False, "none", None)),
        (ops.objective_estimate, (None, False, "none", None)),
        (ops.objective_estimate, (torch.tensor([1.0, 0.5, -2.0], dtype=torch.float64), False, "none", None)),
        (ops.advantages, (None, False, "mean_loo", None)),
        (ops.advantages, (None, False, None, [0.25])),
        (ops.advantages, (None, False, "beta", [0.5, 2.0])),
        (ops.estimate_and_advantages, (None, False, "pass_loo", None)),
        (ops.estimate_and_advantages, (torch.tensor([1.0, 0.5], dtype=torch.float64), True, None, None)),
        (ops.exponentials, (1.0,)),
        (ops.zeros, ()),
    ],
    ids=str,
)
def test_operators_pass_the_checks_of_torch(operator, others, dtype):
    for given in (groups(2, 4).to(dtype), groups(4, 3, 2).to(dtype).mT):
        torch.library.opcheck(operator, (given, *others))
        if operator is not ops.advantages:
            torch.library.opcheck(operator, (given.clone().requires_grad_(), *others))


@pytest.mark.parametrize(("n", "objective"), [(n, T) for n in range(1, 6) for T in (None, *range(1, n + 1))])
def test_derivatives_are_those_of_difference_quotients(n, objective):
    given, logs = groups(2, n).requires_grad_(), (groups(2, n) - 1).requires_grad_()
    for function in (
        lambda l: adapter.loo_weights(l, objective),
        lambda l: adapter.loo_weights(l, mx.Objective.pass_at(objective or n)),
        lambda l: adapter.objective_estimate(l, objective),
        lambda l: adapter.maxrl_loss(groups(2, n), l, objective),
        *([lambda l: adapter.maxrl_loss(groups(2, n), l, baseline="pass_loo")] if n > 1 else []),
    ):
        assert torch.autograd.gradcheck(function, given)
    assert torch.autograd.gradcheck(
        lambda log_l: adapter.objective_estimate(None, objective, log_likelihoods=log_l, log_ceiling=0.5), logs
    )


@pytest.mark.parametrize("objective", [None, 3])
def test_second_derivatives_are_too(objective):
    given = groups(2, 4).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda l: adapter.loo_weights(l, objective), given)
    assert torch.autograd.gradgradcheck(lambda l: adapter.objective_estimate(l, objective), given)
    assert torch.autograd.gradgradcheck(lambda l: adapter.maxrl_loss(groups(2, 4), l, objective), given)
    assert torch.autograd.gradgradcheck(lambda l: adapter.maxrl_loss(groups(2, 4), l, baseline="pass_loo"), given)


def test_difference_quotients_tell_weights_from_constants():
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        torch.autograd.gradcheck(lambda l: adapter.loo_weights(l.detach()) + 0 * l, groups(2, 4).requires_grad_())


@pytest.mark.parametrize(
    "name", ["uniform", "hot-1", "all-one", "near-one-widely", "mixed-magnitudes", "geometric-1e-300"]
)
def test_derivatives_are_exact_on_adversarial_groups(name):
    values = FAMILIES[name](6, np.random.default_rng(0))
    given = torch.from_numpy(values)
    slopes = torch.autograd.functional.jacobian(adapter.loo_weights, given).numpy()  # of omega_j by l_i
    exact = np.array([F(value) for value in values])
    for i in range(6):
        at_one, at_zero = exact.copy(), exact.copy()
        at_one[i], at_zero[i] = F(1), F(0)
        expected = (mx.loo_weights(at_one) - mx.loo_weights(at_zero)).astype(float)
        expected[i] = 0.0
        assert abs(slopes[:, i] - expected).max() <= SLOPES * mx.loo_weights(values).max()
    given.requires_grad_()
    (got,) = torch.autograd.grad(adapter.objective_estimate(given), given)
    assert np.array_equal(got.numpy(), mx.loo_weights(values) / 6)


def test_advantages_are_constants():
    assert not adapter.advantages(groups(2, 4).requires_grad_()).requires_grad
    assert not adapter.advantages(log_likelihoods=(groups(2, 4) - 1).requires_grad_()).requires_grad


# the loss


def test_the_loss_is_minus_the_mean_objective_estimate():
    logprobs, values = groups(3, 2, 5), groups(3, 2, 5, seed=1)
    got = adapter.maxrl_loss(logprobs, values, 4, baseline="pass_loo").item()
    assert got == pytest.approx(-mx.objective_estimate(values.numpy(), 4).mean(), rel=1e-15)
    in_logs = adapter.maxrl_loss(logprobs, None, 4, log_likelihoods=values.log() + 1, log_ceiling=1.0).item()
    assert in_logs == pytest.approx(got, rel=1e-14)


@every_objective
@pytest.mark.parametrize("baseline", EVERY, ids=str)
def test_the_gradient_of_the_loss_is_the_sum_it_stands_for(baseline, objective):
    chosen = objective(5)
    ascended = 4 if baseline == "pass_loo" and chosen is None else chosen
    theta = torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64, requires_grad=True)
    features = groups(4, 3, seed=2, low=-1.0, high=1.0)
    arms = torch.randint(3, (4, 5), generator=torch.Generator().manual_seed(3))
    values = torch.sigmoid(features @ theta)[:, None] * torch.sigmoid(theta)[arms]
    logprobs = theta.log_softmax(0)[arms]
    (got,) = torch.autograd.grad(adapter.maxrl_loss(logprobs, values, chosen, baseline=baseline), theta)

    l, pi, s = values.detach().numpy(), theta.detach().softmax(0).numpy(), torch.sigmoid(theta).detach().numpy()
    hot = np.eye(3)[arms.numpy()]
    scores = hot - pi
    outer = torch.sigmoid(features @ theta).detach().numpy()[:, None, None]
    slopes = l[..., None] * ((1 - outer) * features.numpy()[:, None, :] + hot * (1 - s))
    expected = -(
        mx.advantages(l, chosen, baseline=baseline)[..., None] * scores
        + mx.loo_weights(l, ascended)[..., None] * slopes
    ).mean(axis=(0, 1))
    assert abs(got.numpy() - expected).max() <= GRADIENTS * abs(expected).max()


PROBABILITIES = (F(1, 2), F(1, 3), F(1, 6))
LIKELIHOODS = (F(1, 4), F(1, 8), F(3, 4))
SLOPES_OF_LIKELIHOODS = (F(1, 8), F(-1, 4), F(1, 3))  # likelihoods are affine in a parameter


def expectation(loss, n):
    """Gradient (4,) by three logits and the parameter of the likelihoods, averaged over all groups of n rollouts."""
    theta = torch.tensor([math.log(p) for p in PROBABILITIES], dtype=torch.float64, requires_grad=True)
    phi = torch.zeros((), dtype=torch.float64, requires_grad=True)
    likelihoods = torch.tensor([float(l) for l in LIKELIHOODS], dtype=torch.float64) + phi * torch.tensor(
        [float(b) for b in SLOPES_OF_LIKELIHOODS], dtype=torch.float64
    )
    total = torch.zeros((), dtype=torch.float64)
    for outcome in itertools.product(range(3), repeat=n):
        arms = torch.tensor([outcome])
        probability = float(math.prod(PROBABILITIES[arm] for arm in outcome))
        total = total + probability * loss(theta.log_softmax(0)[arms], likelihoods[arms])
    by_theta, by_phi = torch.autograd.grad(total, (theta, phi), materialize_grads=True)
    return np.append(by_theta.numpy(), by_phi.numpy())


def truth(objective):
    """-grad J = -w(p) grad p (4,), in rational numbers until the end."""
    p = sum(m * l for m, l in zip(PROBABILITIES, LIKELIHOODS, strict=True))
    grad_p = [m * (l - p) for m, l in zip(PROBABILITIES, LIKELIHOODS, strict=True)]
    grad_p.append(sum(m * b for m, b in zip(PROBABILITIES, SLOPES_OF_LIKELIHOODS, strict=True)))
    return np.array([float(-objective.weight(p) * g) for g in grad_p])


@every_objective
@pytest.mark.parametrize(("n", "baseline"), [(n, baseline) for baseline in EVERY for n in range(least(baseline), 5)])
def test_the_loss_has_the_exact_gradient_on_average_over_all_groups(n, baseline, objective):
    largest = n - 1 if baseline == "pass_loo" else n
    chosen = objective(largest)
    target = mx.Objective.maxrl(chosen or largest) if not isinstance(chosen, mx.Objective) else chosen
    got = expectation(lambda logprobs, l: adapter.maxrl_loss(logprobs, l, chosen, baseline=baseline), n)
    assert abs(got - truth(target)).max() <= GRADIENTS


def leave_nothing_out(l):
    return l.shape[-1] * l / l.sum(-1, keepdim=True)


WRONG = {
    "baseline on the likelihood's gradient": lambda logp, l: (
        -(adapter.advantages(l, baseline="one") * (logp + l.log())).mean()
    ),
    "no gradient of the likelihood": lambda logp, l: adapter.maxrl_loss(logp, l.detach()),
    "no gradient of the log-probability": lambda logp, l: adapter.maxrl_loss(logp.detach(), l),
    "advantages differentiated": lambda logp, l: -((adapter.loo_weights(l) * l - 1) * logp).mean(),
    "no term k = 0": lambda logp, l: -((adapter.loo_weights(l).detach() - 1) * l * (1 + logp - logp.detach())).mean(),
    "rollout in its own weight": lambda logp, l: -(leave_nothing_out(l).detach() * (logp + l.log())).mean(),
    "order N in one term, N - 1 in the other": lambda logp, l: (
        adapter.maxrl_loss(logp, l.detach(), baseline="pass_loo") - adapter.objective_estimate(l).mean()
    ),
    "sum over rollouts": lambda logp, l: 3 * adapter.maxrl_loss(logp, l),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_losses_have_another_gradient_on_average(name):
    got = expectation(WRONG[name], 3)
    assert min(abs(got - truth(mx.Objective.maxrl(order))).max() for order in (2, 3)) > 0.01  # measured least: 0.017


def test_likelihoods_far_below_one_and_zero_have_exact_gradients_in_logarithms():
    logs = torch.tensor([[-1.0, -700.0, -math.inf, -2.0]], dtype=torch.float64, requires_grad=True)
    loss = adapter.maxrl_loss(torch.zeros(1, 4), log_likelihoods=logs)
    (got,) = torch.autograd.grad(loss, logs)
    l = np.exp(logs.detach().numpy())
    expected = -mx.loo_weights(l) * l / 4
    assert got[0, 2] == 0
    assert 0 < -got[0, 1] < 1e-303
    assert (abs(got.numpy() - expected) <= 1e-15 * abs(expected)).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_the_loss_is_in_the_dtype_of_logprobs_or_float32(dtype):
    logprobs = groups(2, 4).to(dtype).requires_grad_()
    loss = adapter.maxrl_loss(logprobs, groups(2, 4) > 0.5)
    loss.backward()
    assert loss.dtype == torch.promote_types(dtype, torch.float32)
    assert logprobs.grad.dtype == dtype
    expected = -mx.advantages((groups(2, 4) > 0.5).numpy()) / 8
    assert abs(logprobs.grad.double().numpy() - expected).max() <= torch.finfo(dtype).eps


# compiled


@compiles
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_a_compiled_loss_has_the_same_value_and_gradient(backend):
    def loss(logprobs, logs):
        return adapter.maxrl_loss(logprobs.log_softmax(-1), None, 3, baseline="one_over_n", log_likelihoods=logs)

    given = [groups(2, 4).requires_grad_(), (groups(2, 4) - 1).requires_grad_()]
    got = torch.compile(loss, fullgraph=True, backend=backend)(*given)
    expected = loss(*given)
    assert got.item() == pytest.approx(expected.item(), rel=1e-15)
    for one, other in zip(torch.autograd.grad(got, given), torch.autograd.grad(expected, given), strict=True):
        assert torch.allclose(one, other, rtol=1e-13, atol=0)


@compiles
@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable:UserWarning")  # an Objective's coefficients
def test_a_compiled_function_follows_the_objective_it_is_given():
    values = groups(2, 4)
    compiled = torch.compile(
        lambda l, objective: adapter.loo_weights(l, objective), fullgraph=True, backend="aot_eager"
    )
    for slope in range(12):  # objectives that are gone make place for others at the same address
        objective = mx.Objective.from_coefficients([1.0, slope + 0.5])
        assert np.array_equal(compiled(values, objective).numpy(), mx.loo_weights(values.numpy(), objective))
    for order in (1, 3, 2, None):
        assert np.array_equal(compiled(values, order).numpy(), mx.loo_weights(values.numpy(), order))


@compiles
def test_a_compiled_loss_follows_the_baseline_and_the_ceiling_it_is_given():
    compiled = torch.compile(
        lambda logs, baseline, ceiling: adapter.maxrl_loss(
            logs, log_likelihoods=logs, baseline=baseline, log_ceiling=ceiling
        ),
        fullgraph=True,
        backend="aot_eager",
    )
    logs = (groups(2, 4) - 1).requires_grad_()
    for baseline, ceiling in ((None, 0.0), ("pass_loo", 0.0), (0.25, 0.0), (0.5, 0.25), (0.75, 0.5)):
        got = torch.autograd.grad(compiled(logs, baseline, ceiling), logs)[0]
        loss = adapter.maxrl_loss(logs, log_likelihoods=logs, baseline=baseline, log_ceiling=ceiling)
        assert torch.allclose(got, torch.autograd.grad(loss, logs)[0], rtol=1e-12, atol=0)


@compiles
def test_wrong_numbers_are_errors_in_compiled_functions_too():
    loss = torch.compile(lambda logp, l: adapter.maxrl_loss(logp, l), fullgraph=True, backend="aot_eager")
    values = groups(2, 4)
    loss(values, values)
    wrong = values.clone()
    wrong[1, 2] = 1.5
    with pytest.raises(ValueError, match=re.escape("likelihoods[1, 2] must lie in [0, 1], got 1.5")):
        loss(values, wrong)
    wrong[1, 2] = -math.inf
    with pytest.raises(ValueError, match=re.escape("logprobs[1, 2] must be finite, got -inf")):
        loss(wrong, values)


# errors


VALUES = torch.tensor([[0.5, 0.25], [0.0, 1.0]])


def changed(value, dtype=torch.float32):
    values = VALUES.to(dtype, copy=True)
    values[1, 0] = value
    return values


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"likelihoods": changed(1.5)}, ValueError, "likelihoods[1, 0] must lie in [0, 1], got 1.5"),
        ({"likelihoods": changed(-1e-9)}, ValueError, "likelihoods[1, 0] must lie in [0, 1], got -"),
        ({"likelihoods": changed(math.nan)}, ValueError, "likelihoods[1, 0] must lie in [0, 1], got nan"),
        ({"likelihoods": changed(1.5, torch.bfloat16)}, ValueError, "likelihoods[1, 0] must lie in [0, 1], got 1.5"),
        ({"likelihoods": changed(2, torch.int64)}, ValueError, "likelihoods[1, 0] must lie in [0, 1], got 2"),
        ({"likelihoods": changed(1j, torch.complex64)}, TypeError, "likelihoods must be bool, int or float"),
        ({"likelihoods": torch.zeros(3, 0)}, ValueError, "likelihoods must have groups of N >= 1"),
        (
            {"likelihoods": torch.tensor(0.5)},
            ValueError,
            "likelihoods must be an array (..., N), got the single number",
        ),
        ({"likelihoods": VALUES, "objective": 1.0}, TypeError, "objective "),
        ({"likelihoods": [[1.0, None]]}, TypeError, "likelihoods[0, 1] must be "),
        ({"likelihoods": [[1.0, 0.5], [1.0]]}, ValueError, "likelihoods must have groups of one size in one array"),
        ({"likelihoods": np.ma.masked_array([0.5, 0.5], [False, True])}, ValueError, "likelihoods[1] must be a number"),
        ({"likelihoods": VALUES, "log_ceiling": 1.0}, TypeError, "log_ceiling must come with log_likelihoods"),
        ({"log_likelihoods": changed(0.5) - 0.25}, ValueError, "log_likelihoods[0, 0] must be at most log_ceiling"),
        ({"log_likelihoods": changed(math.nan) - 1}, ValueError, "log_likelihoods[1, 0] must be at most"),
        ({"log_likelihoods": -VALUES, "log_ceiling": math.inf}, ValueError, "log_ceiling must be finite, got inf"),
        ({"log_likelihoods": -VALUES, "log_ceiling": "0"}, TypeError, "log_ceiling must be a finite number, got '0'"),
        ({}, TypeError, "likelihoods or log_likelihoods must be given, one of the two, got neither"),
        (
            {"likelihoods": VALUES, "log_likelihoods": -VALUES},
            TypeError,
            "likelihoods or log_likelihoods must be given",
        ),
    ],
)
def test_bad_likelihoods_are_errors_that_say_where(arguments, error, message):
    for function in (adapter.loo_weights, adapter.advantages, adapter.objective_estimate):
        with pytest.raises(error, match="^" + re.escape(message)):
            function(**arguments)


def test_orders_above_n_are_errors_that_say_both():
    for function in (adapter.loo_weights, adapter.advantages, adapter.objective_estimate):
        with pytest.raises(ValueError, match=r"^objective must be .*N = 2, got T = 3"):
            function(VALUES, 3)


@pytest.mark.filterwarnings("ignore:The PyTorch API of MaskedTensors is in prototype stage:UserWarning")
def test_masked_tensors_are_errors():
    masked = torch.masked.masked_tensor(VALUES, VALUES > 0.3)
    for name in ("likelihoods", "log_likelihoods"):
        with pytest.raises(TypeError, match=f"^{name} must be a plain tensor with a number for every rollout, got a "):
            adapter.loo_weights(**{name: masked})


@pytest.mark.parametrize(
    ("baseline", "error"), [("two", ValueError), (math.nan, ValueError), (True, TypeError), ([1.0], TypeError)], ids=str
)
def test_bad_baselines_are_errors_that_show_them(baseline, error):
    with pytest.raises(error, match=rf"^baseline must be .*, got {re.escape(repr(baseline))}$"):
        adapter.advantages(VALUES, baseline=baseline)


@pytest.mark.parametrize("baseline", ["pass_loo", "mean_loo"])
def test_groups_of_one_have_no_others(baseline):
    for call in (
        lambda l: adapter.advantages(l, baseline=baseline),
        lambda l: adapter.maxrl_loss(l, l, baseline=baseline),
    ):
        with pytest.raises(
            ValueError, match=f"^likelihoods must have .*N >= 2 for baseline '{baseline}'.*, got N = 1$"
        ):
            call(VALUES[:, :1])


@pytest.mark.parametrize(
    ("logprobs", "error", "message"),
    [
        (changed(-math.inf), ValueError, "logprobs[1, 0] must be finite, got -inf"),
        (changed(math.nan), ValueError, "logprobs[1, 0] must be finite, got nan"),
        (VALUES[0], ValueError, "logprobs must have the shape (2, 2) of likelihoods, got (2,)"),
        (VALUES[..., None], ValueError, "logprobs must have the shape (2, 2) of likelihoods, got (2, 2, 1)"),
        (VALUES.long(), TypeError, "logprobs must be a tensor (..., N) of floats, got dtype torch.int64"),
        ([[0.0, 0.0], [0.0, 0.0]], TypeError, "logprobs must be a tensor (..., N) of floats, got list"),
        (VALUES.to("meta"), ValueError, "logprobs must be on the device cpu of likelihoods, got meta"),
    ],
)
def test_bad_logprobs_are_errors_that_say_where(logprobs, error, message):
    with pytest.raises(error, match=rf"^{re.escape(message)}$"):
        adapter.maxrl_loss(logprobs, VALUES)


def test_no_groups_have_no_loss_but_no_advantages_either():
    with pytest.raises(ValueError, match=r"^logprobs must have one group or more .*, got shape \(0, 4\)$"):
        adapter.maxrl_loss(torch.zeros(0, 4), torch.zeros(0, 4))
    assert adapter.advantages(torch.zeros(0, 4)).shape == (0, 4)


# judged


def test_advantages_of_this_module_pass_every_check():
    assert mx.check_estimator(
        adapter.as_estimator(adapter.advantages), objective=mx.Objective.maxrl, group_sizes=(2, 3)
    )


def centred(rewards):
    return rewards - rewards.mean(-1, keepdim=True)


def over_the_batch(rewards):
    return rewards - rewards.mean()


def test_functions_of_tensors_are_judged_under_their_own_name():
    estimator = adapter.as_estimator(centred)
    assert estimator.__name__ == "centred"
    assert mx.effective_weight(estimator, 4).nearest().name == "3/4 x J_1"
    asked = {"objective": mx.Objective.expected(), "group_sizes": (2, 3), "on_fail": None}
    assert mx.check_estimator(estimator, **asked)["effective objective"].status == "warned"
    report = mx.check_estimator(estimator, scale=1, **asked)
    assert report["bias on graded likelihoods"].status == "failed"
    mixed = adapter.as_estimator(over_the_batch)
    report = mx.check_estimator(mixed, **asked)
    assert report["batch independence"].status == "failed"


def test_exact_moments_of_a_function_of_tensors_are_those_of_arrays():
    arms = mx.problems.Bandit([0.5, 0.3, 0.2], [0.0, 0.4, 1.0])
    got = mx.exact_moments(arms, adapter.as_estimator(adapter.advantages), 3)
    expected = mx.exact_moments(arms, mx.advantages, 3)
    assert np.array_equal(got.mean, expected.mean)
    assert np.array_equal(got.covariance, expected.covariance)


def test_a_function_of_another_shape_is_an_error_that_names_it():
    def per_group(rewards):
        return rewards.sum(-1)

    with pytest.raises(ValueError, match=re.escape("per_group must return advantages of shape (3, 4), got (3,)")):
        adapter.as_estimator(per_group)(np.zeros((3, 4)))


# other devices


class Elsewhere(torch.Tensor):
    """A tensor that says it is not on the CPU."""

    is_cpu = False


def numbers(found):
    """All of them in one plain tensor."""
    parts = found if isinstance(found, tuple) else (found,)
    return torch.cat([part.as_subclass(torch.Tensor).ravel() for part in parts])


def test_other_devices_have_the_functions_of_the_array_api():
    pytest.importorskip("array_api_compat", reason="needs array-api-compat")
    for baseline, coefficients in itertools.product(EVERY, (None, torch.tensor([1.0, 0.5], dtype=torch.float64))):
        asked = (coefficients, *adapter._asked(None, baseline)[1:])
        for operator in (ops.loo_weights, ops.objective_estimate, ops.advantages, ops.estimate_and_advantages):
            compute = operator._init_fn  # torch's own call would take the subclass off
            got = numbers(compute(groups(3, 5).as_subclass(Elsewhere), *asked))
            assert torch.allclose(got, numbers(compute(groups(3, 5), *asked)), rtol=1e-12, atol=1e-15)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_results_stay_there_and_are_those_of_the_cpu():
    values = groups(3, 5).requires_grad_()
    moved = values.detach().cuda().requires_grad_()
    for name in ("loo_weights", "objective_estimate", "advantages"):
        got = getattr(adapter, name)(moved)
        assert got.is_cuda
        assert torch.allclose(got.cpu(), getattr(adapter, name)(values), rtol=1e-12)
    got = torch.autograd.grad(adapter.maxrl_loss(groups(3, 5).cuda(), moved), moved)[0]
    assert torch.allclose(
        got.cpu(), torch.autograd.grad(adapter.maxrl_loss(groups(3, 5), values), values)[0], rtol=1e-12
    )
    with pytest.raises(ValueError, match=r"^logprobs must be on the device cuda:0 of"):
        adapter.maxrl_loss(groups(3, 5), moved)
    with pytest.raises(ValueError, match=re.escape("likelihoods[0] must lie in [0, 1], got 1.5")):
        adapter.loo_weights(torch.tensor([1.5, 0.0]).cuda())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64, torch.bfloat16])
def test_ratios_are_those_of_the_package(dtype):
    likelihoods = torch.tensor([[1, 0, 0, 1], [0, 1, 0, 0]], dtype=dtype)
    ratios = torch.tensor([[0.5, 1.5, 1.0, 2.0], [1.0, 1.25, 0.75, 1.0]], requires_grad=True)
    found = adapter.advantages(likelihoods, 3, baseline="one", ratios=ratios, control=0.5)
    right = mx.advantages(likelihoods.double().numpy(), 3, baseline="one", ratios=ratios.detach().numpy(), control=0.5)
    assert found.dtype == (dtype if dtype == torch.float64 else torch.float32)
    assert not found.requires_grad
    assert found.double().numpy() == pytest.approx(right, rel=1e-6)
    logs = adapter.advantages(
        log_likelihoods=likelihoods.double().log(), objective=3, baseline="one", ratios=ratios, control=0.5
    )
    assert logs.numpy() == pytest.approx(right, rel=1e-12)
    with pytest.raises(TypeError, match="control must come with ratios"):
        adapter.advantages(likelihoods, control=1)
