"""Figures of results; matplotlib is imported when one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maxrl_est._arguments import words
from maxrl_est.training._curves import Training

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANELS = {"pass_rate": "pass rate p", "log_pass_rate": "log p", "objective": "J_T(p)"}


def learning_curves(training: Training) -> Figure:
    """Mean p, log p and J_T(p) against steps: the mean over seeds as a line, their range as a band.

    Exact gradients are dashed. Not for more than about eight estimators: make a figure of your own from
    `Training.values`. Needs matplotlib.

    Parameters
    ----------
    training : what `maxrl_est.train` gave

    Returns
    -------
    A figure with three panels, to be saved by its ``savefig``

    Raises
    ------
    TypeError
        For what is no `Training`.
    """
    if not isinstance(training, Training):
        raise TypeError(f"training must be a Training, which maxrl_est.train gives, got {words(training)}")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    panels = figure.subplots(1, len(_PANELS))
    for axes, (quantity, label) in zip(panels, _PANELS.items(), strict=True):
        for index, name in enumerate(training.estimators):
            steps = training.values(name, "step")[0]
            values = training.values(name, quantity)
            style, colour = ("--" if name.startswith("exact") else "-"), f"C{index % 10}"
            axes.plot(steps, values.mean(axis=0), colour + style, label=name)
            if np.isfinite(values).all():
                axes.fill_between(steps, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, linewidth=0)
        axes.set(xlabel="step", title=label)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, fontsize="small")
    return figure
