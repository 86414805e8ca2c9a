"""What do the advantages that trainers use ascend? Their exact effective weights W(p), E[g] = W(p) grad p.

    python analysis/effective_weights.py

writes effective_weights.svg and effective_weights.json beside this file. Nothing is sampled, so there is no seed.
"""

from __future__ import annotations

import datetime
import json
import platform
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

import maxrl_est as mx

N = 16
SHOWN = {
    "ustat": ("MaxRL, unbiased: J_16", "C0", "-"),
    "maxrl_shipped": ("MaxRL as shipped: J_15", "C1", "--"),
    "grpo": ("GRPO: no J_T", "C3", "-"),
    "rloo": ("RLOO: J_1", "C2", "-"),
}


def main() -> None:
    p = np.geomspace(1e-3, 1, 200)
    weights = {name: mx.effective_weight(mx.estimators.get(name), N) for name in SHOWN}
    mpl.rcParams["svg.hashsalt"] = "maxrl_est"
    figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    axes.loglog(p, 1 / p, color="0.6", linestyle=":", label="maximum likelihood: 1/p")
    for name, (label, colour, style) in SHOWN.items():
        axes.loglog(p, weights[name].value(p), colour + style, label=label)
    axes.set(xlabel="pass rate p of a prompt", ylabel="weight W(p) of its gradient", ylim=(0.5, 100))
    axes.set_title(f"What an advantage ascends with N = {N} rollouts, 0/1 rewards", fontsize="medium")
    axes.legend(frameon=False, fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    here = Path(__file__).parent
    figure.savefig(here / "effective_weights.svg", metadata={"Date": None})
    result = {
        "date": datetime.date.today().isoformat(),
        "versions": {"python": platform.python_version(), **{k: version(k) for k in ("maxrl-est", "numpy")}},
        "n": N,
        "nearest": {name: str(weight.nearest()) for name, weight in weights.items()},
        "coefficients_in_powers_of_1_minus_p": {
            name: [float(c) for c in weight.coefficients] for name, weight in weights.items()
        },
    }
    (here / "effective_weights.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
