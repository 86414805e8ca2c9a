"""Kills at random moments: a run that is started again has the bits of one that nobody disturbed, and leaves nothing.

``python -m tests.kills 200`` does it so often for each job; the tests of `test_kills.py` do it a few times.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
ROLLOUTS = 30_000
SAMPLED = """
import sys, maxrl_est as mx
from maxrl_est.files import checkpoints
checkpoints._SECONDS = 0.0
asked = {"replicates": 120_000, "seed": 3, "target": [0.5], "bounds": (-9, 9), "checkpoint": "run.json"}
result = mx.monte_carlo(mx.problems.Bernoulli(0.5), "rloo", 4, **asked)
print(result.mean.tolist(), result.covariance.tolist(), result.interval.tolist(), result.verdict)
"""
TRAINED = """
import sys
from maxrl_est.cli import main
from maxrl_est.files import checkpoints
from maxrl_est.training import _loop
checkpoints._SECONDS = _loop._SECONDS = 0.0
arguments = "train --workers 1 --seeds 1 --steps 8 --group-size 4 --estimators rloo --checkpoint run.json --csv -"
sys.exit(main(arguments.split()))
"""
WEIGHED = """
import sys
from maxrl_est.cli import main
sys.exit(main("weights rollouts.csv -o weighted.csv".split()))
"""
JOBS = {"monte_carlo": SAMPLED, "train": TRAINED, "weights": WEIGHED}


def prepared(folder: Path) -> None:
    """Write what the jobs read."""
    rows = (f"{at // 8},{at % 7 / 7}" for at in range(ROLLOUTS))
    (folder / "rollouts.csv").write_text("\n".join(["group,likelihood", *rows, ""]))


def started(job: str, folder: Path) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"MAXRL_EST_KERNELS": "numpy"}  # half of the time would be that of loading a compiler
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", JOBS[job]], cwd=folder, env=environment, **pipes)


def outcome(job: str, folder: Path) -> bytes:
    """All bits of a job that nobody disturbs."""
    process = started(job, folder)
    out, error = process.communicate()
    assert process.returncode == 0, error.decode()
    return out + ((folder / "weighted.csv").read_bytes() if job == "weights" else b"")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def disturbed(job: str, kills: int, seed: int) -> int:
    """Kill a job so often, each time at another moment, and compare; the number of kills that hit a living process."""
    rng, hits = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        calm, folder = Path(first), Path(second)
        prepared(calm)
        prepared(folder)
        began = time.monotonic()
        expected = outcome(job, calm)
        seconds = time.monotonic() - began
        for turn in range(kills):
            number = SIGNALS[turn % len(SIGNALS)]
            process = started(job, folder)
            time.sleep(rng.uniform(0.3, 1.0) * seconds)
            hits += process.poll() is None
            process.send_signal(number)
            error = process.communicate(timeout=60)[1].decode()
            assert process.returncode in (0, -number, 128 + number, 1), (number, process.returncode, error)
            if job == "weights" and (folder / "weighted.csv").exists():
                assert (folder / "weighted.csv").read_bytes() == expected
            if number != signal.SIGKILL:
                left = [name for name in names(folder) if name.endswith(".tmp")]
                assert len(left) <= 1, left  # of a kill before, which this one came too early to remove
            if turn % 10 == 9:
                assert outcome(job, folder) == expected
                assert names(folder) == names(calm)
                for name in ("run.json", "weighted.csv"):
                    (folder / name).unlink(missing_ok=True)
    return hits


if __name__ == "__main__":
    for job in JOBS:
        print(
            f"{job}: {disturbed(job, int(sys.argv[1]), seed=0)} of {sys.argv[1]} kills hit, no bit differs", flush=True
        )
