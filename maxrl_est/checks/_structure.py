"""Checks of what every advantage function has to be, whatever it estimates."""

from __future__ import annotations

import math

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks import _trials
from maxrl_est.checks._subject import LONGEST, Failed, Skipped, Subject, Warned, excerpt, worst


def returns_advantages(subject: Subject) -> str:
    """It returns finite real numbers, one for each likelihood, for one group and for many."""
    failures = {n: failure for n in subject.tried if (failure := _of_size(subject, n))}
    if not failures:
        return "finite, of the shape of the likelihoods, any batch axes"
    failure = failures[max(failures)]
    works = [n for n in reversed(subject.tried) if n not in failures]
    if not works:
        raise failure
    failing = ", ".join(str(n) for n in subject.group_sizes if n in failures)
    raise Failed(
        f"{failure}; it fails at N = {failing} only: if it is not meant for these, check it with group_sizes={works}",
        failure.reproduce,
        {**failure.found, "fails": sorted(failures)},
    )


def _of_size(subject: Subject, n: int) -> Failed | None:
    for shape in ((n,), (1, n), (5, n), (2, 3, n)):
        try:
            subject(subject.random(shape))
        except Failed as failure:
            if len(shape) == 1 or subject.how:
                return failure
            return Failed(f"{failure}; {ONE_GROUP}", failure.reproduce, failure.found)
    return None


def leaves_its_input_alone(subject: Subject) -> str:
    """It does not write to its input."""
    groups = subject.random((5, subject.tried[0]))
    given = groups.copy()
    subject.function(given)
    if not np.array_equal(given, groups):
        raise subject.failed(f"wrote to its input {excerpt(groups)}", groups, {"wrote": "to its input"})
    return "the likelihoods are not written to"


def comparable(subject: Subject) -> None:
    """Skipped, unless two calls can be compared."""
    try:
        subject.once(is_deterministic)
    except Failed as reason:
        raise Skipped(f"two calls cannot be compared: {reason}") from None


def takes_any_memory(subject: Subject) -> str:
    """Read-only, strided and Fortran-ordered input has the same advantages."""
    comparable(subject)
    n = subject.tried[0]
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
        try:
            got = np.asarray(subject.function(given))
        except (Exception, SystemExit) as error:
            raised = type(error).__name__
            raise Failed(
                f"raised {raised}: {error} for a {kind} array", found={"array": kind, "raised": raised}
            ) from error
        off = float(subject.gaps(got, expected, groups).max())
        if not off <= subject.tolerance:  # NaN too
            raise Failed(
                f"a {kind} array has other advantages than a plain one, by {off:.2g} relative",
                found={"array": kind, "off": off},
            )
    return "read-only and strided likelihoods are taken"


def is_deterministic(subject: Subject) -> str:
    """The same input gives the same result."""
    groups = subject.random((5, subject.tried[0]))
    first = subject(groups)
    subject(subject.random((3, subject.tried[0])))
    if not np.array_equal(first, subject(groups)):
        raise subject.failed(
            f"returned two results for likelihoods {excerpt(groups)}: it draws random numbers or remembers earlier "
            "calls, so its bias cannot be enumerated",
            groups,
            {"results": "two"},
        )
    return "twice the same input, twice the same result"


def follows_the_order(subject: Subject) -> str:
    """Permuting the rollouts of a group permutes their advantages: it is permutation equivariant."""
    comparable(subject)
    for n in subject.tried:
        groups = _trials.groups(subject, n)
        plain = subject(groups)
        for order in _trials.orders(n):
            expected = plain[:, order]
            got = subject(groups[:, order])
            off = subject.gaps(got, expected, groups)
            if off.max() > subject.tolerance:
                row = worst(got, expected, off, subject.tolerance)
                raise _depends_on_order(subject, groups[row], order, float(off[row]), got[row, 0])
    return "permuting rollouts permutes advantages"


def _depends_on_order(subject: Subject, group: Array, order: Array, off: float, got: float) -> Failed:
    n = len(group)
    ties = ", where likelihoods are tied" if len(np.unique(group)) < n else ""
    first, second = (f"{subject.label}(numpy.array({x.tolist()}))" for x in (group, group[order]))
    return Failed(
        f"depends on the order of rollouts{ties}: permuting a group of {n}, {excerpt(group)}, changes advantages by "
        f"{off:.2g} relative",
        f"{first}[{order.tolist()}] - {second}" if n <= LONGEST else "",
        {"N": n, "off": off, "advantage": float(got)},
    )


def sees_one_group(subject: Subject) -> str:
    """A group has the same advantages in a batch as alone, whatever the batch's axes."""
    comparable(subject)
    for n in subject.tried:
        groups = _trials.groups(subject, n)
        alone = np.stack([subject(group) for group in groups])
        for batch in ((len(groups),), (1,), (2, 3), (2, 2), (n,)):
            _same_as_alone(subject, groups, alone, batch)
    _same_as_alone(subject, groups, alone, (MANY,))  # of the smallest groups
    return "a group's advantages do not depend on the batch"


def _same_as_alone(subject: Subject, groups: Array, alone: Array, batch: tuple[int, ...]) -> None:
    count, n = math.prod(batch), groups.shape[-1]
    for start in range(len(groups)) if count == 1 else (0,):
        rows = (start + np.arange(count)) % len(groups)
        got = subject(groups[rows].reshape(*batch, n)).reshape(count, n)
        off = subject.gaps(got, alone[rows], groups[rows])
        if off.max() > subject.tolerance:
            place = worst(got, alone[rows], off, subject.tolerance)
            raise _depends_on_batch(subject, groups, alone, rows[place], batch, got[place], float(off[place]))


def _depends_on_batch(
    subject: Subject, groups: Array, alone: Array, row: int, batch: tuple[int, ...], got: Array, off: float
) -> Failed:
    n, f = groups.shape[-1], subject.label
    shown = groups[[row]] if math.prod(batch) == 1 else groups[[row, row - 1]]
    given = f"numpy.resize({shown.tolist()}, {(*batch, n)})"
    hint = f"; {ONE_GROUP}" if not subject.how else ""
    return Failed(
        f"depends on the batch: a group of {n}, {excerpt(groups[row])}, has other advantages in a batch of shape "
        f"{(*batch, n)} than alone, by {off:.2g} relative{hint}",
        f"(lambda x: {f}(x) - numpy.apply_along_axis({f}, -1, x))({given})" if n <= LONGEST else "",
        {"N": n, "off": off, "advantage": float(got[0]), "alone": float(alone[row, 0])},
    )


def enumerable(subject: Subject) -> None:
    """Skipped, unless one order of each group and no other group in the batch decide what the function returns.

    Skipped too where all that is asked is whether it is some other function.
    """
    if subject.same_as is not None and not subject.targets:
        raise Skipped("not asked: same_as is given, and no objective")
    for check in (is_deterministic, follows_the_order, sees_one_group):
        try:
            subject.once(check)
        except Failed as reason:
            raise Skipped(f"cannot be enumerated: {reason}") from None


def takes_ragged_batches(subject: Subject) -> str:
    """Groups of different sizes whose rollouts are mixed have the advantages that they have alone."""
    comparable(subject)
    ragged = getattr(subject.function, "ragged", None)
    if ragged is None:
        raise Skipped("only for functions that take groups of different sizes, by their identifiers")
    groups = [_trials.groups(subject, n)[row] for n in sorted(subject.tried)[:RAGGED] for row in (0, -1)]
    for group, got in zip(groups, ragged(groups), strict=True):
        off = float(subject.gaps(np.asarray(got)[None], subject(group)[None], group[None])[0])
        if not off <= subject.tolerance:  # NaN too
            raise Failed(
                f"a group of {len(group)}, {excerpt(group)}, has other advantages among groups of other sizes than "
                f"alone, by {off:.2g} relative: it may count on groups of one size, or on their order",
                found={"N": len(group), "off": off},
            )
    return "groups of different sizes, interleaved, have their own advantages"


def survives_extremes(subject: Subject) -> str:
    """It is finite for groups of all zero, all one, a single success or failure, and tiny likelihoods."""
    for n in subject.sizes:
        for group in _extremes(subject, n):
            subject(group)
    return "finite for all-zero, all-one, constant, single and tiny likelihoods"


def _extremes(subject: Subject, n: int) -> list[Array]:
    one = np.eye(n)[0]
    binary = [np.zeros(n), np.ones(n), one, 1 - one]
    graded = [np.full(n, x) for x in (1e-300, 0.2, 0.5, 0.9, 1 - 2.0**-53)]
    if subject.binary_only:
        return binary
    if subject.positive_only:
        return [*graded, np.ones(n), np.maximum(one, 1e-300)]
    return [*binary, *graded, one * 1e-300, 1 - 0.1 * one, 0.2 * one]


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
                {"returned": excerpt(got)},
            )
    try:
        for check in (is_deterministic, follows_the_order, sees_one_group):
            subject.once(check)
    except (Failed, Skipped):
        return "finite"
    if subject.positive_only:
        return "finite"
    if not subject.binary_only:
        _follows_its_likelihood(subject)
    weight, usual = (abs(float(subject.weight(n).value(0.5))) for n in (1, subject.sizes[-1]))
    if weight > LARGE * max(usual, subject.tolerance):
        return Warned(
            f"a group of one ascends {subject.weight(1).nearest().name}, {weight / (usual or 1):.3g} times what groups "
            f"of {subject.sizes[-1]} do at a pass rate of 1/2: refuse such groups, or give them no advantage"
        )
    return f"ascends {subject.weight(1).nearest().name}"


def _follows_its_likelihood(subject: Subject) -> None:
    """Alone, an advantage without bias is a multiple of the likelihood, less a constant."""
    likelihoods = np.array([[0.0], [0.25], [0.5], [1.0]])
    got = subject(likelihoods).astype(np.float64)
    straight = got[0] + likelihoods * (got[-1] - got[0])
    if subject.gaps(got, straight, likelihoods).max() > subject.tolerance:
        raise Failed(
            f"groups of one with likelihoods 0, 0.25, 0.5 and 1 have the advantages {excerpt(got.T)}: no multiple of "
            "the likelihood less a constant, so the mean of another function of it is ascended; refuse such groups, or "
            "give them no advantage",
            f"{subject.label}(numpy.array({likelihoods.tolist()}))",
            {"advantages": got.ravel().tolist()},
        )


ONE_GROUP = "if it is meant for one group (N,) at a time, say so: maxrl_est.estimator_of(function, form='group')"
RAGGED = 4  # group sizes in a batch of several
MANY = 1000  # groups in the largest batch that is tried
LARGE = 10  # times the weight of the smallest larger group: more for a group of one is an eps in place of a deviation
SHAPE = "shape and dtype"
STRUCTURE = {
    SHAPE: returns_advantages,
    "input unchanged": leaves_its_input_alone,
    "memory layout": takes_any_memory,
    "deterministic": is_deterministic,
    "order of rollouts": follows_the_order,
    "batch independence": sees_one_group,
    "ragged batches": takes_ragged_batches,
    "extreme groups": survives_extremes,
    "groups of one": handles_groups_of_one,
}
