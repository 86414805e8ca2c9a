"""How well the optimum of a likelihood objective fits a mean in Gaussian noise, against least squares."""

from __future__ import annotations

import math

import numpy as np

from maxrl_est._arguments import at_most, positive, whole

LARGEST = 10**40  # order
_REACH = 9.0  # standard deviations: beyond, squares times their density are below rounding
_LEFT = 40.0  # logarithm of what is negligible beside 1
_STEPS = 16  # in the narrower of the two widths; the rule of trapezoids converges faster than any power


def regression_efficiency(noise_variance: float, order: int) -> float:
    """Efficiency of a fit by J_T, T = order, against least squares: the variance of the latter over that of the former.

    A prediction, drawn with variance s^2, has the likelihood of a Gaussian of width sigma at the target. In units of
    s^2 + sigma^2 a residual r has the pass rate p = exp(-r^2 / 2), up to a constant factor that is left out, and J_T
    follows psi = r (1 - (1-p)^T), which forgets what is far off. With Gaussian noise of variance v in these units the
    efficiency for large samples is ``(E r psi)^2 / (v E psi^2)``: (1 + 2 v)^(3/2) / (1 + v)^3 at T = 1, and for any T
    ``v D^2 / S``, D = sum_j c_j (1 + j v)^(-3/2), S = v sum_ij c_i c_j (1 + (i+j) v)^(-3/2), c_j = C(T, j) (-1)^(j+1).
    Those sums cancel, so that means are integrated here. For large T it is nearly the chance that chi^2 with 3 degrees
    of freedom is below 2 log(T) / v: half of it takes T = exp(1.2 v), and groups of as many rollouts.

    Parameters
    ----------
    noise_variance : v > 0, of the targets' noise over s^2 + sigma^2
    order : T, from 1 to 10^40

    Returns
    -------
    a float in (0, 1], to 1e-12; 0 where that is below all floats, as from a noise variance of 10^216 on at T = 1

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above.

    Source: the variance of M-estimators, P. J. Huber, Ann. Math. Statist. 35 (1964) 73.

    >>> [round(regression_efficiency(v, 1), 4) for v in (0.1, 1, 10)]
    [0.9876, 0.6495, 0.0723]
    >>> round(regression_efficiency(10, 1000), 4)
    0.3507
    """
    v, order = positive("noise_variance", noise_variance), at_most("order", whole("order", order), LARGEST)
    deviation, log_order = math.sqrt(v), math.log(order)
    reach = min(_REACH * deviation, math.sqrt(2 * (log_order + _LEFT)))
    step = min(deviation, 1 / math.sqrt(1 + 2 * log_order)) / _STEPS
    share = np.arange(int(reach / step) + 2) * (step / reach)  # r / reach: its square is no float's end
    with np.errstate(divide="ignore", under="ignore"):  # at r = 0, where p = 1
        kept = -np.expm1(order * np.log1p(-np.exp(-((reach * share) ** 2) / 2)))
    spread = reach / deviation
    density = share**2 * np.exp(-((spread * share) ** 2) / 2) * (2 * step / reach / math.sqrt(2 * math.pi))
    return min(1.0, float(spread**3 * (density @ kept) ** 2 / (density @ kept**2)))
