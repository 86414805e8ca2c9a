"""Checks of what every advantage function has to be, whatever it estimates."""

from __future__ import annotations

import numpy as np

from maxrl_est._typing import Array
from maxrl_est.checks._subject import LONGEST, Failed, Skipped, Subject, excerpt, relative
from maxrl_est.measures import effective_weight


def returns_advantages(subject: Subject) -> str:
    """It returns finite real numbers, one for each likelihood, for one group and for many."""
    for n in subject.sizes:
        for shape in ((n,), (5, n), (2, 3, n)):
            subject(subject.random(shape))
    return "finite, of the shape of the likelihoods, any batch axes"


def leaves_its_input_alone(subject: Subject) -> str:
    """It does not write to its input."""
    groups = subject.random((5, subject.sizes[0]))
    given = groups.copy()
    subject(given)
    if not np.array_equal(given, groups):
        raise subject.failed(f"wrote to its input {excerpt(groups)}", groups)
    return "the likelihoods are not written to"


def takes_any_memory(subject: Subject) -> str:
    """It takes read-only, strided, Fortran-ordered and float32 input, and the layout changes no result."""
    n = subject.sizes[0]
    groups = subject.random((6, n))
    expected = subject(groups)
    fixed = groups.copy()
    fixed.flags.writeable = False
    wide = np.zeros((12, 2 * n))
    wide[::2, ::2] = groups
    for kind, given in (
        ("read-only", fixed),
        ("strided", wide[::2, ::2]),
        ("Fortran-ordered", np.asfortranarray(groups)),
    ):
        worst = relative(subject(given), expected)
        if worst > subject.tolerance:
            raise Failed(f"a {kind} array has other advantages than a plain one, by {worst:.2g} relative")
    subject(groups.astype(np.float32))
    return "read-only, strided and float32 likelihoods are taken"


def is_deterministic(subject: Subject) -> str:
    """The same input gives the same result."""
    groups = subject.random((5, subject.sizes[0]))
    if not np.array_equal(subject(groups), subject(groups)):
        raise subject.failed(f"returned two results for likelihoods {excerpt(groups)}", groups)
    return "twice the same input, twice the same result"


def follows_the_order(subject: Subject) -> str:
    """Permuting the rollouts of a group permutes their advantages: it is permutation equivariant."""
    for n in subject.sizes:
        groups = subject.random((20, n))
        order = np.random.default_rng(1).permutation(n)
        got, expected = subject(groups[:, order]), subject(groups)[:, order]
        worst = relative(got, expected)
        if worst > subject.tolerance:
            row = int(abs(got - expected).max(axis=1).argmax())
            first, second = (f"{subject.label}(numpy.array({x[row].tolist()}))" for x in (groups, groups[:, order]))
            raise Failed(
                f"permuting a group of {n} changes advantages by {worst:.2g} relative",
                f"{first}[{order.tolist()}] - {second}" if n <= LONGEST else "",
            )
    return "permuting rollouts permutes advantages"


def sees_one_group(subject: Subject) -> str:
    """A group has the same advantages in a batch as alone."""
    for n in subject.sizes:
        groups = subject.random((20, n))
        alone = np.stack([subject(group) for group in groups])
        worst = relative(subject(groups), alone)
        if worst > subject.tolerance:
            drawn = f"numpy.random.default_rng({subject.seed}).random((20, {n}))"
            batch = f"1 * ({drawn} < 0.5)" if subject.binary_only else f"1 - {drawn}"
            raise Failed(
                f"a group of {n} has other advantages in a batch than alone, by {worst:.2g} relative",
                f"(lambda x: {subject.label}(x) - numpy.stack([{subject.label}(g) for g in x]))({batch})",
            )
    return "a group's advantages do not depend on the batch"


def survives_extremes(subject: Subject) -> str:
    """It is finite for groups of all zero, all one, a single success or failure, and tiny likelihoods."""
    for n in subject.sizes:
        for group in _extremes(subject, n):
            subject(group)
    return "finite for all-zero, all-one, single and tiny likelihoods"


def _extremes(subject: Subject, n: int) -> list[Array]:
    one = np.eye(n)[0]
    binary = [np.zeros(n), np.ones(n), one, 1 - one]
    graded = [np.full(n, 1e-300), np.full(n, 0.5), np.full(n, 1 - 2.0**-53)]
    if subject.binary_only:
        return binary
    if subject.positive_only:
        return [*graded, np.ones(n), np.maximum(one, 1e-300)]
    return [*binary, *graded, one * 1e-300]


def handles_groups_of_one(subject: Subject) -> str:
    """A group of one has a finite advantage, or is refused with an exception."""
    if 1 not in subject.group_sizes:
        raise Skipped("only checked if group_sizes has 1")
    for value in (0.5, 1.0) if subject.positive_only else (0.0, 1.0):
        try:
            got = np.asarray(subject.function(np.array([value])))
        except (Exception, SystemExit) as error:
            return f"refused: {type(error).__name__}: {error}"
        if got.shape != (1,) or not np.isfinite(got).all():
            raise Failed(
                f"returned {excerpt(got)} for likelihoods [{value}]; a function that is not defined at N = 1 raises "
                "an exception there, or is checked at other group sizes",
                f"{subject.label}(numpy.array([{value}]))",
            )
    if subject.positive_only:
        return "finite"
    return f"ascends {effective_weight(subject.function, 1).nearest().name}"


SHAPE = "shape and dtype"
ENUMERABLE = {  # what passes all of these can be enumerated
    SHAPE: returns_advantages,
    "input unchanged": leaves_its_input_alone,
    "memory layout": takes_any_memory,
    "deterministic": is_deterministic,
    "order of rollouts": follows_the_order,
    "batch independence": sees_one_group,
    "extreme groups": survives_extremes,
}
STRUCTURE = {
    **ENUMERABLE,
    "groups of one": handles_groups_of_one,
}
