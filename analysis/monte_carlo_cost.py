"""What does Monte Carlo spend its time and memory on?

    python -m analysis.monte_carlo_cost

writes monte_carlo_cost.json beside this file: the share of the time that random generation and the problem's own
scores take, for groups of 16 and a Gaussian problem with 3 parameters, without a verdict and with each kind; and the
most memory at 10^5 and at 10^7 groups.
"""

from __future__ import annotations

import datetime
import json
import resource
import time
from pathlib import Path

import maxrl_est as mx
from analysis import study

N, GROUPS, REPEATS, SEED = 16, 400_000, 5, 0
FEW, MANY = 10**5, 10**7
PROBLEM = mx.problems.Gaussian([0.0, 0.0, 0.0], 1.0, [1.0, 0.5, 0.0], 1.0)
ROW = mx.estimators.get("ustat_one")
VERDICTS = {
    "none": {},
    "asymptotic": {"target": [0.5, 0.25, 0.0]},
    "Catoni": {"target": [0.5, 0.25, 0.0], "variance": 1.0, "tolerance": 0.1},
    "betting": {"target": [0.5, 0.25, 0.0], "bounds": (-300, 300), "tolerance": 0.1},
}


class Timed:
    """The problem, with the time that its samples took."""

    prompts = PROBLEM.prompts
    seconds = 0.0

    def sample(self, rng, groups, n):
        start = time.process_time()
        drawn = PROBLEM.sample(rng, groups, n)
        self.seconds += time.process_time() - start
        return drawn


def shares(options):
    """Seconds of processor time, and the share of sampling: the fastest of some runs."""
    runs = []
    for _ in range(REPEATS):
        timed, start = Timed(), time.process_time()
        mx.monte_carlo(timed, ROW, N, replicates=GROUPS, seed=SEED, **options)
        seconds = time.process_time() - start
        runs.append((seconds, timed.seconds / seconds))
    return dict(zip(("seconds", "share_of_sampling"), min(runs), strict=True))


def peak(replicates):
    """The most memory of this process so far, in MiB."""
    mx.monte_carlo(PROBLEM, ROW, N, replicates=replicates, seed=SEED, **VERDICTS["betting"])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    memory = {f"{replicates:.0e} groups": peak(replicates) for replicates in (FEW, MANY)}
    result = {
        "command": "python -m analysis.monte_carlo_cost",
        "date": datetime.date.today().isoformat(),
        "versions": study.versions("maxrl-est", "numpy"),
        "seed": SEED,
        "n": N,
        "groups": GROUPS,
        "time_by_verdict": {name: shares(options) for name, options in VERDICTS.items()},
        "most_memory_in_MiB": memory,
    }
    print(json.dumps(result, indent=1))
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
