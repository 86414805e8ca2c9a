"""A right and cheap call of every public function, once, of which one argument after the other is replaced."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import maxrl_est as mx
from maxrl_est import confidence, estimators, measures, problems, steps

COIN = problems.Bernoulli(0.25)
BITS = problems.TokenBits([0.5], [0, 1])
DESIGN = mx.designs.until_successes(1, 3)
WEIGHT = mx.effective_weight("rloo", 3)
MASS = measures.coefficient_mass("rloo", 3)
LEAST = measures.least_variance(COIN, 2, 3)
ASCENT = mx.objective_of("rloo", 2, [0.0, 0.5, 1.0])
POLICY = mx.policies.SoftmaxPolicy(mx.policies.Tabular(2, 2))
TASK = mx.tasks.ContextualBandit.of_labels([0, 1], [0, 1], classes=2)
GROUP = np.array([[0.0, 0.5, 0.25], [1.0, 0.5, 0.5]])
FUNCTIONS = ("function", "type")  # what may stand in the place of a function
IDS = ("entry (inf|'4'|b''|object|complex|Decimal|datetime64|type|function)",)  # whatever is equal to itself
STEP = steps.policy_gradient("rloo")


@dataclass(frozen=True)
class Call:
    """A function and right arguments; what else it takes, what messages call an argument, whether it answers inf."""

    function: Any
    arguments: dict[str, Any]
    takes: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of what is never right elsewhere
    called: dict[str, str] = field(default_factory=dict)
    infinite: bool = False


def call(function, /, *, takes=None, called=None, infinite=False, **arguments):
    return Call(function, arguments, takes or {}, called or {}, infinite)


def sequence(make, values):
    """A sequence of confidence, which is told values."""
    made = make()
    made.update(values)
    return made.interval


def no_work(**arguments):
    """Replicates of a few groups."""
    return mx.monte_carlo(**arguments)


CALLS = {
    "advantage_of": call(mx.advantage_of, kernel=max, m=2, baseline="none", takes={"kernel": FUNCTIONS}),
    "advantages": call(mx.advantages, likelihoods=GROUP, objective=2, baseline="mean_loo", n_threads=1),
    "advantages, logarithms": call(
        mx.advantages,
        log_likelihoods=np.array([[-1.0, -0.5, -2.0]]),
        log_ceiling=0.0,
        called={"log_likelihoods": "(log_)?likelihoods"},
    ),
    "advantages, groups": call(
        mx.advantages,
        likelihoods=GROUP.ravel(),
        groups=np.array([0, 0, 0, 1, 1, 1]),
        takes={"groups": IDS},
    ),
    "advantages, design": call(mx.advantages, likelihoods=np.array([[0.0, 1.0]]), design=DESIGN, baseline=0.5),
    "weights_and_advantages": call(estimators.weights_and_advantages, likelihoods=GROUP, objective=2, baseline=0.5),
    "failure_powers": call(mx.failure_powers, likelihoods=GROUP, max_power=2),
    "loo_failure_powers": call(mx.loo_failure_powers, likelihoods=GROUP, max_power=2),
    "loo_weights": call(mx.loo_weights, likelihoods=GROUP, objective=2, n_threads=1),
    "log_weights": call(mx.log_weights, log_likelihoods=np.array([[-1.0, -0.5, -2.0]]), objective=2, log_ceiling=0.0),
    "objective_estimate": call(mx.objective_estimate, likelihoods=GROUP, objective=2),
    "weight_estimate": call(mx.weight_estimate, likelihoods=GROUP, objective=2),
    "Objective.maxrl": call(mx.Objective.maxrl, order=2),
    "Objective.pass_at": call(mx.Objective.pass_at, k=2),
    "Objective.all_of": call(mx.Objective.all_of, k=2),
    "Objective.tsallis": call(mx.Objective.tsallis, q=0.5, order=2),
    "Objective.from_coefficients": call(mx.Objective.from_coefficients, c=[1.0, 0.5]),
    "Objective.value": call(mx.Objective.maxrl(3).value, p=[0.25, 0.5]),
    "Objective.value, one": call(mx.Objective.maxrl(3).value, p=0.25),
    "Objective.weight": call(mx.Objective.maxrl(3).weight, p=0.25),
    "estimators.get": call(estimators.get, name="rloo"),
    "estimators.chosen": call(estimators.chosen, estimator="rloo", takes={"estimator": FUNCTIONS}),
    "estimators.BetaPrior": call(estimators.BetaPrior, alpha=1.0, beta=2.0),
    "estimators.BetaPrior.gain": call(estimators.BetaPrior(1.0, 2.0).gain, n=3, objective=2),
    "estimators.fit_prior": call(estimators.fit_prior, successes=[0, 0, 4, 1, 8], sizes=8),
    "estimators.fit_prior, sizes": call(estimators.fit_prior, successes=[0, 0, 4, 1, 8], sizes=[8, 8, 8, 8, 8]),
    "lift": call(mx.lift, rule="rloo", how="levels", takes={"rule": FUNCTIONS}),
    "estimator_of": call(mx.estimator_of, function=lambda rewards: rewards - rewards.mean(-1, keepdims=True)),
    "as_it_stands": call(estimators.as_it_stands, function=lambda rewards: rewards, takes={"function": FUNCTIONS}),
    "targets.LogMean": call(mx.targets.LogMean, n=2),
    "targets.MeanLessVariance": call(mx.targets.MeanLessVariance, c=0.5),
    "targets.OverLevels": call(mx.targets.OverLevels, objective=mx.Objective.maxrl(2)),
    "designs.fixed": call(mx.designs.fixed, n=3),
    "designs.until_successes": call(mx.designs.until_successes, k=1, cap=3),
    "designs.until_mixed": call(mx.designs.until_mixed, cap=3),
    "designs.staged": call(mx.designs.staged, first=1, more=2),
    "designs.stopping": call(mx.designs.stopping, function=lambda s, f: s == 1, cap=3),
    "designs.allocation": call(
        mx.designs.allocation, pass_rates=[0.25, 0.5], budget=5, objective=mx.Objective.maxrl(2)
    ),
    "designs.sequential": call(mx.designs.sequential, rule="maxrl", design=DESIGN),
    "designs.replayed": call(mx.designs.replayed, rule="maxrl", design=DESIGN),
    "designs.replayed, called": call(
        lambda likelihoods: mx.designs.replayed("maxrl", DESIGN)(likelihoods), likelihoods=np.array([[0.0, 1.0, 1.0]])
    ),
    "Design.rollouts": call(DESIGN.rollouts, p=[0.25, 0.5]),
    "Design.chances": call(DESIGN.chances, p=0.25),
    "Design.probability": call(DESIGN.probability, successes=1, failures=1, p=0.5),
    "exact_moments": call(mx.exact_moments, problem=COIN, estimator="rloo", n=2),
    "closed_form_moments": call(mx.closed_form_moments, problem=COIN, estimator="rloo", n=2),
    "closed_form_variance": call(mx.closed_form_variance, problem=COIN, estimator="rloo", n=2),
    "moments": call(
        mx.moments, problem=COIN, estimator="rloo", n=2, target=mx.Objective.maxrl(1), replicates=8, seed=0
    ),
    "monte_carlo": call(
        mx.monte_carlo,
        problem=COIN,
        estimator="rloo",
        n=2,
        replicates=8,
        seed=0,
        infinite=True,  # the bias that few groups can show
        target=[0.1875],
        bounds=(-1.0, 1.0),
        variance=1.0,
        tolerance=0.5,
        error_rate=0.25,
    ),
    "target_gradient": call(mx.target_gradient, problem=COIN, target=mx.Objective.maxrl(2)),
    "optimal_baseline": call(mx.optimal_baseline, problem=COIN, n=2, objective=2),
    "ustat_optimal": call(mx.ustat_optimal, problem=COIN, n=2, objective=2),
    "variance_bound": call(mx.variance_bound, problem=COIN, objective=2, n=2),
    "effective_weight": call(mx.effective_weight, estimator="rloo", n=3, values=(0, 1)),
    "effective_weight, design": call(mx.effective_weight, estimator="rloo", design=mx.designs.staged(2, 1)),
    "EffectiveWeight.value": call(WEIGHT.value, p=[0.25, 0.5]),
    "EffectiveWeight.equals": call(WEIGHT.equals, objective=mx.Objective.expected(), scale=0.5),
    "EffectiveWeight.compare": call(WEIGHT.compare, objective=mx.Objective.maxrl(2), tolerance=0.25),
    "EffectiveWeight.nearest": call(WEIGHT.nearest, tolerance=0.25),
    "measures.coefficient_mass": call(measures.coefficient_mass, estimator="rloo", n=3),
    "CoefficientMass.value": call(MASS.value, p=0.25),
    "measures.least_variance": call(measures.least_variance, problem=COIN, objective=2, n=3),
    "LeastVariance, called": call(lambda rewards: LEAST(rewards), rewards=np.array([[0.0, 1.0, 1.0]])),
    "measures.regression_efficiency": call(measures.regression_efficiency, noise_variance=0.5, order=2),
    "measures.best_group_size": call(measures.best_group_size, problem=COIN, estimator="rloo", budget=8, sizes=[2, 4]),
    "objective_of": call(mx.objective_of, advantage="rloo", n=2, values=[0.0, 0.5, 1.0], reference=0.0, tolerance=0.25),
    "ascent.over_prompts": call(mx.ascent.over_prompts, rule="rloo", prompts=2, n=2, values=(0, 1), tolerance=0.25),
    "Ascent.estimate": call(ASCENT.estimate, likelihoods=[0.0, 0.5]),
    "Ascent.value": call(ASCENT.value, probabilities=[0.25, 0.25, 0.5]),
    "Ascent.work": call(ASCENT.work, x=0.0, y=0.5),
    "problems.Bernoulli": call(problems.Bernoulli, p=0.25),
    "problems.Bandit": call(problems.Bandit, probabilities=[0.25, 0.75], likelihoods=[0.5, 1.0]),
    "problems.Chain": call(problems.Chain, advance=[0.5], likelihoods=[0.0, 1.0]),
    "problems.Finite": call(
        problems.Finite,
        name="coin",
        probabilities=[0.25, 0.75],
        likelihoods=[1.0, 0.0],
        scores=[[0.75], [-0.25]],
        takes={"name": (".*",)},
    ),
    "problems.Gaussian": call(problems.Gaussian, mean=[0.5], scale=1.0, target=[1.0], sigma=0.5, learn_scale=False),
    "problems.Contextual": call(problems.Contextual, problems=[COIN, COIN], weights=[0.25, 0.75]),
    "problems.Shared": call(problems.Shared, problems=[COIN, COIN], weights=[0.25, 0.75]),
    "problems.TokenBits": call(problems.TokenBits, first=[0.5], likelihoods=[0.0, 1.0]),
    "problems.TokenBits.moved": call(BITS.moved, by=[0.5]),
    "problems.TokenChain": call(problems.TokenChain, stop=[0.5], right=[0.0, 0.25]),
    "problems.noisy": call(problems.noisy, problem=COIN, false_positive=0.25, false_negative=0.125),
    "problems.reparametrised": call(problems.reparametrised, problem=COIN, jacobian=np.array([[1.0, 0.5]])),
    "problems.Finite.gradient_over_levels": call(COIN.gradient_over_levels, objective=mx.Objective.maxrl(2)),
    "problems.Finite.sample": call(lambda groups, n: COIN.sample(np.random.default_rng(0), groups, n), groups=2, n=2),
    "problems.Finite.sample, generator": call(lambda rng: COIN.sample(rng, 2, 2), rng=np.random.default_rng(0)),
    "confidence.clopper_pearson": call(confidence.clopper_pearson, k=1, n=4, level=0.5),
    "confidence.detectable_bias": call(
        confidence.detectable_bias,
        n=100,
        variance=0.25,
        width=1.0,
        error_rate=0.25,
        miss_rate=0.25,
        coordinates=1,
        infinite=True,
    ),
    "confidence.samples_needed": call(
        confidence.samples_needed, bias=0.25, variance=0.25, width=1.0, error_rate=0.25, miss_rate=0.25, coordinates=1
    ),
    "confidence.question": call(
        confidence.question,
        infinite=True,
        target=[0.5],
        bounds=(0.0, 1.0),
        variance=0.25,
        tolerance=0.5,
        error_rate=0.25,
        replicates=8,
    ),
    "confidence.Betting": call(
        confidence.Betting, target=[0.5], lower=[0.0], upper=[1.0], tolerance=0.5, error_rate=0.25, family=1, horizon=8
    ),
    "confidence.Catoni": call(
        confidence.Catoni, target=[0.5], variance=[0.25], tolerance=0.5, error_rate=0.25, family=1, horizon=8
    ),
    "confidence.Normal": call(confidence.Normal, target=[0.5], tolerance=0.5, error_rate=0.25, family=1),
    "confidence.Betting.update": call(
        lambda values: sequence(lambda: confidence.Betting([0.5], 0, 1, horizon=8), values), values=[[0.5], [0.25]]
    ),
    "confidence.Catoni.update": call(
        lambda values: sequence(lambda: confidence.Catoni([0.5], 1, horizon=8), values),
        values=[[0.5], [0.25]],
        infinite=True,
    ),
    "confidence.Normal.update": call(
        lambda values: sequence(lambda: confidence.Normal([0.5]), values), values=[[0.5], [0.25]], infinite=True
    ),
    "effective_weights": call(mx.effective_weights, rule="rloo", pass_rates=[0.25, 0.5], n=2),
    "steps.filtered": call(
        steps.filtered,
        rule="rloo",
        pass_rates=[0.25, 0.5],
        n=2,
        keep=[False, True, False],
        sampling="fixed",
    ),
    "steps.population_weights": call(
        steps.population_weights,
        rule="rloo",
        pass_rates=[0.25, 0.5],
        n=2,
        population=[(0.5, 0.25), (0.5, 0.5)],
        prompts=64,
    ),
    "exact_step": call(
        mx.exact_step, step=STEP, prompts=[BITS], n=2, objective=mx.Objective.expected(), parts=1, siblings=1
    ),
    "steps.reuse": call(steps.reuse, step=STEP, prompts=[BITS], n=2, epochs=1, learning_rate=0.5),
    "steps.policy_gradient": call(
        steps.policy_gradient,
        advantage="rloo",
        lengths="sum",
        ratio="token",
        clip=(0.25, 0.25),
        takes={"advantage": FUNCTIONS},
    ),
    "steps.Batch.of": call(
        steps.Batch.of,
        rewards=[[1.0, 0.0]],
        mask=[[[1, 1], [1, 0]]],
        log_ratios=0.0,
        log_reference_ratios=0.0,
        log_probs=0.0,
        groups=[[0, 0]],
        branches=[[0, 1]],
    ),
    "steps.Batch.split": call(steps.Batch.of([[1.0, 0.0], [0.0, 0.0]]).split, parts=2),
    "bias_variance_table": call(
        mx.bias_variance_table,
        problems={"coin": COIN},
        estimators=["rloo"],
        n=2,
        groups=8,
        seed=0,
        takes={"estimators": ("(entry )?(type|function)",)},
    ),
    "check_estimator": call(
        mx.check_estimator,
        estimator="rloo",
        objective=mx.Objective.expected(),
        group_sizes=[2],
        values=(0, 1),
        tolerance=0.25,
        scale=1.0,
        on_fail=None,
        binary_only=True,
        takes={"estimator": FUNCTIONS, "objective": FUNCTIONS},
    ),
    "check_step": call(
        mx.check_step, takes={"step": FUNCTIONS}, step=STEP, n=2, tolerance=0.25, siblings=1, epochs=1, on_fail=None
    ),
    "checks.recover": call(
        mx.checks.recover,
        rewards=[1.0, 0.0, 1.0, 1.0],
        advantages=[1.0, -1.0, 0.0, 0.0],
        groups=[0, 0, 1, 1],
        tolerance=0.25,
        takes={"groups": IDS},
    ),
    "train": call(
        mx.train,
        task=TASK,
        policy=POLICY,
        estimators=["rloo"],
        called={"estimators": "estimators?"},
        n=2,
        order=1,
        steps=1,
        optimiser=mx.optimisers.SGD(0.5),
        batch=1,
        seeds=[0],
        evaluate_every=1,
        test=TASK,
    ),
    "training.learning_curves": call(
        mx.training.learning_curves, training=mx.train(TASK, POLICY, "rloo", n=2, steps=1)
    ),
    "optimisers.SGD": call(mx.optimisers.SGD, learning_rate=0.5),
    "optimisers.Adam": call(mx.optimisers.Adam, learning_rate=0.5, b1=0.5, b2=0.5, eps=0.25),
    "policies.Tabular": call(mx.policies.Tabular, inputs=2, outputs=2),
    "policies.MLP": call(mx.policies.MLP, sizes=(2, 2)),
    "policies.SoftmaxPolicy": call(mx.policies.SoftmaxPolicy, network=mx.policies.Tabular(2, 2)),
    "policies.GaussianPolicy": call(mx.policies.GaussianPolicy, network=mx.policies.Tabular(2, 2), scale=0.5),
    "policies.scores": call(
        mx.policies.scores, policy=POLICY, theta=[0.0, 0.5, 0.25, 0.0], inputs=[0, 1], actions=[[0], [1]]
    ),
    "tasks.ContextualBandit": call(mx.tasks.ContextualBandit, inputs=[0, 1], likelihoods=[[0.5, 1.0], [0.0, 0.5]]),
    "tasks.ContextualBandit.of_labels": call(
        mx.tasks.ContextualBandit.of_labels, inputs=[0, 1], labels=[0, 1], classes=2
    ),
    "tasks.ContextualBandit.at": call(TASK.at, policy=POLICY, theta=[0.0, 0.5, 0.25, 0.0]),
    "tasks.Regression": call(mx.tasks.Regression, inputs=[[0.5], [1.0]], targets=[[0.5], [1.0]], sigma=0.5),
    "tasks.Maze": call(mx.tasks.Maze, lines=["S.G"], horizon=3),
}
