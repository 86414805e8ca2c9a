"""`lift`: any rule for 0/1 rewards as an estimator of graded likelihoods that ascends an objective."""

from __future__ import annotations

from functools import partial

from maxrl_est._arguments import name_of, one_of
from maxrl_est._arguments.protocols import Estimator
from maxrl_est.estimators._counted import Counted
from maxrl_est.estimators._lifted import HOW, lifted
from maxrl_est.estimators._registry import chosen
from maxrl_est.estimators._rows import NamedEstimator
from maxrl_est.estimators._sequential import SequentialEstimator
from maxrl_est.objectives.targets import OverLevels, Target, on_binary_rewards


def lift(rule: str | Estimator, how: str) -> NamedEstimator:
    """The advantage function on graded likelihoods that a rule for 0/1 rewards becomes, a gradient whatever the rule.

    On 0/1 rewards every rule that treats rollouts alike ascends some F(p), with F' its `maxrl_est.effective_weight`. On
    graded likelihoods its formula may ascend nothing at all, as GRPO's does. Both lifts are the rule itself on 0/1
    rewards, and unbiased for the gradient of

    - ``"mean"``: F(E l). Each rollout succeeds, independently, with chance l, and its advantage is what the rule gives
      on average: ``l_i E a_{1+K} + (1 - l_i) E b_K``, K the successes among the others, a_K and b_K the advantages of a
      success and of a failure among K successes. `maxrl` becomes `ustat`, and `maxrl_shipped` becomes `ustat_pass_loo`
    - ``"levels"``: Int F(P(l > tau)) dtau. Rewards are 1 above a level tau, and the rule's advantages are summed over
      all levels: ``Int_0^1 [l_i > tau ? a_n(tau) : b_n(tau)] dtau``, n(tau) the number of l_j > tau. `maxrl` becomes
      `tailrl`, and `maxrl_shipped` becomes `tailrl_centred`

    `rloo` is both of its lifts. Not to learn an objective of one's own: `maxrl_est.advantages` takes one by its
    coefficients, and costs less.

    Parameters
    ----------
    rule : a name, a row or a function of rewards (..., N) that judges each group by itself; it is asked about the N + 1
        groups of 0/1 rewards, N up to 2048, once for each N
    how : ``"mean"``, in O(N^2) for a group; or ``"levels"``, in O(N log N), which takes any finite rewards

    Returns
    -------
    a `maxrl_est.estimators.NamedEstimator`, exact on Fractions where the rule is. Its ``target`` follows from that of a
    row, and is None for a function of one's own

    Raises
    ------
    TypeError, ValueError
        For arguments that are not as above. When called: for what are no likelihoods; for a rule that treats two
        successes, or two failures, of a group differently, depends on the batch, or returns another shape, what is not
        finite, or floats for Fractions; and what the rule raises.

    Sources: the multilinear extension (G. Owen, Management Science 18 (1972) P64) and the Choquet integral (L. Lovasz,
    Mathematical Programming: The State of the Art (1983) 235) of a function of subsets, here of who succeeds. ODRPO
    (arXiv 2605.12667) sums advantages over the thresholds of a rubric in this way, against noisy graders.

    >>> lift("grpo", "mean")([1.0, 0.5, 0.25, 0.0]).round(3)
    array([ 1.058,  0.091, -0.341, -0.808])
    >>> lift("maxrl", "levels")([1.0, 0.5])  # tailrl
    array([1.5, 0.5])
    """
    how, function = one_of("how", how, HOW), chosen(rule, "rule")
    if isinstance(function, SequentialEstimator):
        raise TypeError(
            f"rule must be a function of groups of rollouts, got {function.name}, which draws rollouts itself"
        )
    return NamedEstimator(
        f"lift({name_of(function)}, {how!r})",
        partial(lifted, Counted(function), how),
        partial(_target, function if isinstance(function, NamedEstimator) else None, how),
        any_reward=how == "levels",
    )


def _target(row: NamedEstimator | None, how: str, n: int) -> Target | None:
    """What the lift ascends, of what a row ascends on 0/1 rewards."""
    objective = on_binary_rewards(row.target(n)) if row else None
    return OverLevels(objective) if objective and how == "levels" else objective
