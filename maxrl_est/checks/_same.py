"""The check that a function is one that is known: the same advantages, up to one factor."""

from __future__ import annotations

import numpy as np

from maxrl_est._arguments import name_of
from maxrl_est.checks import _trials
from maxrl_est.checks._subject import LONGEST, Failed, Skipped, Subject, Warned, excerpt


def is_the_same_function(subject: Subject) -> str:
    """Its advantages are those of the other function, up to a factor for each group size.

    Not asked of groups that hardly differ, which show what eps a function has and nothing else.
    """
    if subject.same_as is None:
        raise Skipped("only checked if same_as is given")
    other, factors = name_of(subject.same_as), {}
    for n in subject.sizes:
        kinds = _trials.kinds(subject, n)
        groups = np.concatenate([kinds[name] for name in kinds if name not in _trials.CLOSE])
        expected = np.asarray(subject.same_as(groups), dtype=np.float64)
        got = subject(groups).astype(np.float64)
        square = float((expected * expected).sum())
        if square == 0 and not got.any():  # nothing is learnt by either, whatever the factor
            continue
        factor = subject.scale if subject.scale is not None else float((got * expected).sum()) / (square or 1.0)
        off = abs(got - factor * expected).max(axis=-1) / (abs(factor * expected).max() or 1.0)
        if factor <= 0 or off.max() > subject.tolerance:
            row = int(off.argmax())
            raise Failed(
                f"N = {n}: {excerpt(groups[row])} has the advantages {excerpt(got[row])}, and {other} gives "
                f"{excerpt(expected[row])}; the best factor is {factor:.4g}",
                f"{subject.label}(numpy.array({groups[row].tolist()}))" if n <= LONGEST else "",
                {"N": n, "factor": factor, "off": float(off.max())},
            )
        factors[n] = factor
    if not factors:
        return f"no advantages in any group tried, as {other} has none"
    if subject.scale is not None:
        return f"{subject.scale:g} times the advantages of {other} in all groups tried"
    least, most = min(factors.values()), max(factors.values())
    if abs(least - 1) <= subject.tolerance and abs(most - 1) <= subject.tolerance:
        return f"the advantages of {other} in all groups tried"
    if most / least - 1 <= subject.tolerance:
        return Warned(f"{most:.4g} times the advantages of {other}: a constant factor, as a learning rate is")
    each = ", ".join(f"{factors[n]:.4g} at N = {n}" for n in reversed(factors))
    return Warned(f"the advantages of {other} times a factor that depends on N: {each}")
