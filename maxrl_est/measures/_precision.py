"""placeholder"""

from __future__ import annotations
from dataclasses import dataclass
import numpy as np


@dataclass(frozen=True, slots=True)
class Precision:
    name: str
    eps: float


def precision_of(function, groups):
    try:
        plain = np.asarray(function(groups.copy()))
        short = groups.astype(np.float32).astype(np.float64)
        a = plain.astype(np.float64)
        if np.array_equal(np.asarray(function(short)).astype(np.float64), a) or np.array_equal(
            a.astype(np.float32).astype(np.float64), a
        ):
            return Precision("float32", float(np.finfo(np.float32).eps))
    except (Exception, SystemExit):
        pass
    return Precision("float64", float(np.finfo(np.float64).eps))
