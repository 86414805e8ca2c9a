"""Checks of what trainers pass: rewards of other types, rewards that are missing, and rewards that hardly differ."""

from __future__ import annotations

import warnings
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks import _trials
from maxrl_est.checks._structure import comparable
from maxrl_est.checks._subject import LONGEST, Failed, Skipped, Subject, Warned, excerpt
from maxrl_est.measures._equivariant import exactly
from maxrl_est.measures._precision import HALF

AMPLIFIED = 0.1  # of the advantages of equal rewards: what an eps of 1e-6 makes of float32's roundings stays below
SHRINKS = 100  # fold, from one scale of likelihoods to another, is no learning any more
LARGEST_EXACT = 16  # rollouts in groups of Fractions, which take far longer than floats
LINEAR = 30  # fold or more, where likelihoods are a hundredth: advantages follow them


def takes_reward_types(subject: Subject) -> str:
    """Integer, bool and float32 rewards, and Fractions, have the advantages that the same numbers have in float64."""
    comparable(subject)
    refused: list[str] = []
    for n in subject.sizes:
        kinds = dict(_trials.kinds(subject, n))
        constant = kinds.pop("constant", np.empty((0, n)))
        kinds.pop("near 1", None)  # whose differences float32 does not have
        plain = np.concatenate(list(kinds.values()))
        whole = plain[np.isin(plain, (0, 1)).all(axis=1)]
        for dtype, groups, allowed in (
            (np.int64, whole, subject.tolerance),
            (np.int32, whole, subject.tolerance),
            (np.bool_, whole, subject.tolerance),
            (np.float32, plain, max(subject.tolerance, 64 * float(np.finfo(np.float32).eps))),
            (np.float32, constant, AMPLIFIED),
        ):
            refused += _same_values(subject, groups, np.dtype(dtype), allowed)
        if n <= LARGEST_EXACT:
            _same_in_fractions(subject, np.stack([np.ceil(4 * of[len(of) // 2]) / 4 for of in kinds.values()]))
    if refused:
        return Warned(f"rewards of some types are refused: {', '.join(dict.fromkeys(refused))}")
    return "int, bool and float32 rewards have the advantages of their float64 values"


def _same_values(subject: Subject, groups: Array, dtype: np.dtype[Any], allowed: float) -> list[str]:
    """Failed where the type changes advantages; what is refused, if it is."""
    if not groups.size:
        return []
    given = groups.astype(dtype)
    try:
        got = np.asarray(subject.function(given.copy()))
    except (Exception, SystemExit) as error:
        return [f"{dtype} ({type(error).__name__}: {_first_line(error)})"]
    if got.shape != given.shape:
        raise Failed(
            f"returned shape {got.shape} for {dtype} rewards of shape {given.shape}", found={"type": str(dtype)}
        )
    _as_in_float64(subject, given, got, str(dtype), allowed)
    return []


def _same_in_fractions(subject: Subject, groups: Array) -> None:
    """Failed where what can compute with Fractions has other advantages for them: exact results would be of these."""
    given = np.asarray(np.frompyfunc(Fraction, 1, 1)(groups))
    got = exactly(subject.function, given)
    if got is not None:
        _as_in_float64(subject, given, got, "Fraction", subject.tolerance)


def _as_in_float64(subject: Subject, given: Array, got: Array, kind: str, allowed: float) -> None:
    """Failed where advantages of rewards of a type are not those of the same numbers in float64."""
    plain = given.astype(np.float64)
    expected = subject(plain)
    off = np.nan_to_num(subject.gaps(got, expected, plain), nan=np.inf)
    if off.max() > allowed:
        row = int(off.argmax())
        raise Failed(
            f"{kind} rewards {excerpt(plain[row])} have the advantages {excerpt(got[row])}, and in float64 "
            f"{excerpt(expected[row])}",
            _line(subject, given[row], kind) if given.shape[-1] <= LONGEST else "",
            {"type": kind, "N": given.shape[-1]},
        )


def _line(subject: Subject, group: Array, kind: str) -> str:
    if kind == "Fraction":
        rewards = ", ".join(f"fractions.Fraction({str(x)!r})" for x in group)
        return f"{subject.label}(numpy.array([{rewards}]))"
    return f"{subject.label}(numpy.array({group.tolist()}, dtype={kind!r}))"


def says_what_is_missing(subject: Subject) -> str:
    """NaN, which trainers make of a reward that is missing, is refused or stays in its group."""
    comparable(subject)
    groups = subject.random((3, subject.sizes[-1]))
    plain = subject(groups)
    groups[1, 0] = np.nan
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = np.asarray(subject.function(groups), dtype=np.float64)
    except (Exception, SystemExit) as error:
        return f"NaN is refused: {type(error).__name__}: {_first_line(error)}"
    if got.shape != groups.shape:
        return Warned(f"NaN among rewards changes the shape of the result to {got.shape}")
    if not subject.gaps(got[[0, 2]], plain[[0, 2]], groups[[0, 2]]).max() <= subject.tolerance:
        return Warned("NaN in one group spreads to the advantages of other groups of the batch")
    if np.isfinite(got[1]).all():
        return Warned(
            f"NaN is taken for a number in silence: {excerpt(np.nan_to_num(groups[1]))} with the first one missing has "
            f"the advantages {excerpt(got[1])}"
        )
    return "NaN gives NaN, in its own group only"


def follows_small_differences(subject: Subject) -> str:
    """Advantages do not vanish a hundredfold where likelihoods come near 0 or 1, but for those that follow them."""
    comparable(subject)
    if subject.binary_only:
        raise Skipped("only meant for 0/1 rewards")
    if subject.precision.bits <= HALF:
        raise Skipped(f"{subject.precision.name} has no small likelihoods to speak of")
    n = next((n for n in subject.sizes if n <= LONGEST), subject.sizes[-1])
    group = _trials.kinds(subject, n)["random"][0]
    places = (0, 1) if subject.precision.name == "float64" else (0,)  # shorter floats near 1 have no such differences
    first, last = 0.01 / n, 1e-8 / n
    folds = {}
    for place in places:
        spreads = [_spread(subject(abs(place - share * group))) for share in (first, first / 100, last)]
        if spreads[0] < LINEAR * spreads[1] and spreads[0] > SHRINKS * spreads[2]:
            folds[place] = spreads[0] / max(spreads[2], np.finfo(np.float64).tiny)
    if folds:
        return Warned(
            f"advantages shrink {min(folds.values()):.2g}-fold between likelihoods {first:.1g} and {last:.1g} from "
            f"{' and '.join(map(str, folds))}: an eps in a denominator, below which nothing is learnt"
        )
    return "advantages do not vanish near 0 and 1"


def _spread(advantages: Array) -> float:
    return float(np.ptp(advantages.astype(np.float64)))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:120]


REWARDS = {
    "reward types": takes_reward_types,
    "missing rewards": says_what_is_missing,
    "small likelihoods": follows_small_differences,
}
