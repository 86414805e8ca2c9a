"""Clusters of Dask and Ray, started here: the same bits as without them, and workers that die."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor

import pytest

import maxrl_est as mx
from maxrl_est.cli import main

pytest.importorskip("distributed")
pytest.importorskip("ray")

LAW = mx.problems.Bandit([0.2, 0.3, 0.5], [1.0, 0.4, 0.0])
TASK = mx.tasks.ContextualBandit.of_labels([0, 1], [3, 7], classes=10)
POLICY = mx.policies.SoftmaxPolicy(mx.policies.Tabular(2, 10))
FATAL = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


def sampled(executor=None):
    found = mx.monte_carlo(LAW, "rloo", 4, replicates=300_000, seed=5, executor=executor)
    return found.mean.tobytes(), found.covariance.tobytes()


def trained(executor=None):
    return mx.train(TASK, POLICY, ["rloo", "ustat"], n=4, steps=30, seeds=2, executor=executor).to_json()


@pytest.mark.parametrize(("engine", "count"), [("dask", 2), ("ray", 3)])
def test_an_engine_changes_no_bit_and_stands_the_death_of_a_worker(engine, count, tmp_path):
    once = (
        f"import os\nif not os.path.exists({str(tmp_path / 'died')!r}): open({str(tmp_path / 'died')!r}, 'x'); {FATAL}"
    )
    with mx.training.workers(count, engine) as executor:
        assert sampled(executor) == sampled()
        assert trained(executor) == trained()
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 1, 0).result(timeout=120)
        assert executor.submit(exec, once).result(timeout=120) is None
        assert (tmp_path / "died").exists()
        with pytest.raises(BrokenExecutor):
            executor.submit(exec, FATAL).result(timeout=120)
        assert executor.submit(abs, -1).result(timeout=120) == 1


def test_a_cluster_that_runs_is_used_by_its_address_and_left_running(tmp_path):
    from distributed import Client, LocalCluster

    paths = [tmp_path / f"{k}.csv" for k in range(2)]
    options = ["train", "--steps", "4", "--seeds", "1", "--group-size", "4", "--estimators", "rloo", "--csv"]
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, processes=False) as cluster:
        assert main([*options, str(paths[0]), "--engine", "dask", "--address", cluster.scheduler_address]) == 0
        with Client(cluster) as client:
            assert client.submit(abs, -1).result() == 1
    assert main([*options, str(paths[1]), "--workers", "1"]) == 0
    assert paths[0].read_text() == paths[1].read_text()
