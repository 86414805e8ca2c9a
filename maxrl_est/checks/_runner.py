"""Running the checks of one function, with a report."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from maxrl_est._arguments import name_of, one_of
from maxrl_est._arguments.protocols import Estimator
from maxrl_est.checks import _trials
from maxrl_est.checks._asked import GROUP_SIZES, Wanted, subject_of
from maxrl_est.checks._bias import ascends_an_objective, is_unbiased_on_graded
from maxrl_est.checks._gradient import is_a_gradient
from maxrl_est.checks._known import KnownFaults, known, line
from maxrl_est.checks._noise import NOISE, noise
from maxrl_est.checks._own import weighs_by_the_others
from maxrl_est.checks._report import Check, CheckFailure, CheckReport, NoiseRow
from maxrl_est.checks._rewards import REWARDS
from maxrl_est.checks._same import is_the_same_function
from maxrl_est.checks._structure import SHAPE, STRUCTURE
from maxrl_est.checks._subject import TOLERANCE, Failed, Skipped, Subject, Warned
from maxrl_est.estimators.designs import Design

ASCENDED = "effective objective"
CHECKS: Mapping[str, Callable[[Subject], str]] = {
    **STRUCTURE,
    **REWARDS,
    "is a gradient": is_a_gradient,
    ASCENDED: ascends_an_objective,
    "leave-one-out": weighs_by_the_others,
    "bias on graded likelihoods": is_unbiased_on_graded,
    "same function": is_the_same_function,
    **NOISE,
}
"""What is checked, by name and in this order."""
UNDER_DESIGN = (
    SHAPE,
    "input unchanged",
    "memory layout",
    "deterministic",
    "order of rollouts",
    "batch independence",
    ASCENDED,
)


def check_estimator(
    estimator: str | Estimator,
    *,
    objective: Wanted = None,
    group_sizes: Sequence[int] = GROUP_SIZES,
    design: Design | None = None,
    binary_only: bool = False,
    positive_only: bool = False,
    values: tuple[Any, Any] = (0, 1),
    tolerance: float = TOLERANCE,
    scale: float | None = None,
    precision: str | None = None,
    same_as: str | Estimator | None = None,
    name: str | None = None,
    expected_failed_checks: KnownFaults | None = None,
    monte_carlo: int | None = None,
    seed: int = 0,
    callback: Callable[[Check], None] | None = None,
    on_fail: Literal["raise", "warn"] | None = "raise",
) -> CheckReport:
    """Check an advantage function ``(..., N) -> (..., N)``: structure, if it is a gradient, of what, exact bias, noise.

    Not for functions whose result is random or depends on the order of rollouts or on earlier calls: they fail, their
    bias is not enumerated, and the report says so instead of calling it right or wrong.

    Parameters
    ----------
    estimator : the function: of float64 likelihoods (and, if it can, of Fractions in object arrays), or as its author
        has it, which `maxrl_est.estimator_of` finds out; or the name of a row of `maxrl_est.estimators`
    objective : what it should ascend: an Objective or another target of `maxrl_est.targets`, or a function that gives
        one for each group size. None: whichever known objective it ascends on 0/1 rewards
    group_sizes : the N at which it is checked, up to 1024; those below the order of a given Objective are left out
    design : one of `maxrl_est.designs`, for a function of the groups of 0/1 rewards that it draws: structure
        and what is ascended are asked of these, with the most rollouts as the group size of ``objective``
    binary_only : whether it is meant for 0/1 rewards only, so that graded likelihoods are skipped; on graded ones most
        functions ascend nothing at all, as `maxrl_est.objective_of` says of each
    positive_only : whether it takes logarithms, so that likelihoods of 0 are left out; rows of the table know
    values : the rewards of a failure and of a success, where they are not 0 and 1; it is then judged on these two only
    tolerance : relative difference that is let pass, and said: an eps of 1e-6 in a denominator is below the default
    scale : the constant factor that the advantages must have; None: any positive one, which is a learning rate and said
        as a warning
    precision : the floats in which it computes, "float32" or "bfloat16" say, whose rounding is then let pass; None:
        they are found by measuring, said, and no reason to let more pass than the tolerance
    same_as : a row, a name or a function that it should be, up to a factor; with no objective given, this alone is what
        is asked, and not what it ascends
    name : what the report calls it; None: its own name
    expected_failed_checks : a `KnownFault` for each check that is known to fail, by its name. Strict: a check that
        passes, or that finds something else, counts as a failure
    monte_carlo : groups to draw for a bias test by sampling as well; None leaves it out. Error rates and the smallest
        bias that it can find are in its message
    seed : of random likelihoods
    callback : called with each `Check` as it is done
    on_fail : "raise" raises CheckFailure with the whole report; "warn" warns; None only returns the report

    Returns
    -------
    A `CheckReport`

    Raises
    ------
    CheckFailure
        If a check fails, or none could decide what is ascended, and ``on_fail`` is "raise".
    TypeError, ValueError
        For arguments that are not as above.

    >>> check_estimator("rloo").passed
    True
    >>> print(check_estimator("mean_centred", group_sizes=[8])["effective objective"].message)
    on 0/1 rewards exactly 7/8 x J_1 at N = 8: a constant factor, as a learning rate is
    >>> report = check_estimator("plug_in_loo", on_fail=None)
    >>> [check.name for check in report.checks if check.status == "failed"]
    ['is a gradient', 'leave-one-out', 'bias on graded likelihoods']
    >>> from maxrl_est import Objective, designs
    >>> solved = check_estimator("maxrl", objective=Objective.maxrl, design=designs.until_successes(1, 8))
    >>> print(solved["effective objective"].message)
    on 0/1 rewards exactly J_8 under until_successes(1, 8)
    """
    subject = subject_of(
        estimator,
        objective=objective,
        group_sizes=group_sizes,
        design=design,
        binary_only=binary_only,
        positive_only=positive_only,
        values=values,
        tolerance=tolerance,
        scale=scale,
        precision=precision,
        same_as=same_as,
        monte_carlo=monte_carlo,
        seed=seed,
    )
    expected = known(expected_failed_checks or {}, CHECKS)
    if on_fail is not None:
        one_of("on_fail", on_fail, ("raise", "warn"))
    checks = _checked(subject, expected, callback)
    report = CheckReport(
        name or subject.name,
        tuple(checks),
        _noise(subject, checks),
        _tried(subject),
        _settings(subject),
        place_of(estimator),
    )
    return told(report, on_fail, stacklevel=3)


def told(report: CheckReport, on_fail: str | None, stacklevel: int) -> CheckReport:
    """The report, or what was asked for where it does not pass."""
    if not report.passed and on_fail == "raise":
        raise CheckFailure(report)
    if not report.passed and on_fail == "warn":
        warnings.warn(str(report), stacklevel=stacklevel)
    return report


def _settings(subject: Subject) -> dict[str, Any]:
    """The arguments that decide what is checked, as plain values."""
    return {
        "objective": {n: target.name for n, target in (subject.targets or {}).items() if target},
        "group_sizes": list(subject.group_sizes),
        "design": str(subject.design) if subject.design else None,
        "rewards": subject.rewards,
        "binary_only": subject.binary_only,
        "positive_only": subject.positive_only,
        "tolerance": subject.tolerance,
        "scale": subject.scale,
        "precision": subject.stated.name if subject.stated else None,
        "same_as": None if subject.same_as is None else name_of(subject.same_as),
        "monte_carlo": subject.monte_carlo,
        "seed": subject.seed,
    }


def _checked(subject: Subject, expected: KnownFaults, callback: Callable[[Check], None] | None) -> list[Check]:
    """The outcome of each check."""
    checks: list[Check] = []
    for title in CHECKS:
        checks.append(as_expected(run(title, subject), expected))
        if callback:
            callback(checks[-1])
    return checks


def run(title: str, subject: Subject) -> Check:
    """The outcome of one check; what returns no advantages at all is asked nothing more."""
    if subject.design and title not in UNDER_DESIGN:
        return Check(title, "skipped", "a design is given")
    try:
        if title != SHAPE:
            subject.once(STRUCTURE[SHAPE])
    except Failed:
        return Check(title, "skipped", "the function does not return advantages")
    return outcome(title, lambda: subject.once(CHECKS[title]))


def outcome(title: str, call: Callable[[], str]) -> Check:
    """What a check says or raises, as its outcome."""
    try:
        message = call()
    except Skipped as reason:
        return Check(title, "skipped", str(reason))
    except Failed as failure:
        return Check(title, "failed", str(failure), failure.reproduce, failure.found)
    except (Exception, SystemExit) as error:  # of the function, where it is enumerated
        kind = type(error).__name__
        return Check(title, "failed", f"raised {kind}: {error}", found={"raised": kind})
    return Check(title, "warned" if isinstance(message, Warned) else "passed", message)


def as_expected(check: Check, expected: KnownFaults) -> Check:
    """The outcome as it counts where a known fault is expected: only as it is stated."""
    fault = expected.get(check.name)
    if fault is None:
        return check
    if check.status != "failed":
        return Check(check.name, "xpassed", check.message, reason=fault.reason)
    if fault.matches(check.found):
        return Check(check.name, "xfailed", check.message, check.reproduce, check.found, fault.reason)
    stated = line(check.name, fault.found, fault.reason)
    return Check(
        check.name,
        "failed",
        f"{check.message}; this is not the fault that is known, {stated.removesuffix(',')}",
        check.reproduce,
        check.found,
    )


def _noise(subject: Subject, checks: Sequence[Check]) -> tuple[NoiseRow, ...]:
    """Rows of noise, where the check of it found some."""
    status = {check.name: check.status for check in checks}
    return tuple(noise(subject)) if status["noise"] == "passed" else ()


def _tried(subject: Subject) -> tuple[str, ...]:
    """On what: sizes, kinds of groups, orders and batches."""
    if subject.design:
        return (f"every group of 0/1 rewards with which {subject.design} ends", *([subject.how] if subject.how else ()))
    kinds = {n: _trials.kinds(subject, n) for n in subject.sizes}
    count = sum(len(groups) for each in kinds.values() for groups in each.values())
    return (
        f"N = {', '.join(map(str, subject.group_sizes))}; {count} groups: {', '.join(next(iter(kinds.values())))}",
        f"in every order to N = {_trials.EVERY_ORDER}, in {_trials.ORDERS} of larger groups; alone, as a batch of one, "
        "in batches of one axis and of two",
        f"as float64, float32, int and bool; it computes in {subject.precision.name}",
        *([subject.how] if subject.how else ()),
    )


def place_of(function: Any) -> tuple[str, int] | None:
    """File and line of a function; None for what has none, such as a row of the table."""
    try:
        plain = inspect.unwrap(function)
        return inspect.getsourcefile(plain) or "", inspect.getsourcelines(plain)[1]
    except (TypeError, OSError):
        return None
