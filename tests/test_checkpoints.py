"""Checkpoints: any bit that is not as it was written is told, and a run that is killed has left what it had done."""

import functools
import json
import random

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.files import checkpoints
from maxrl_est.files.checkpoints import Checkpoint
from maxrl_est.files.whole import FileError
from maxrl_est.problems import Bernoulli

COIN = Bernoulli(0.5)
TASK = mx.tasks.ContextualBandit([0, 1], [[1, 0], [0.1, 0.9]])
POLICY = mx.policies.SoftmaxPolicy(mx.policies.Tabular(2, 2))
REFUSED = r"run\.json: is not a checkpoint as it was written; remove it or name another file$"


def sampling(path, **change):
    asked = {"replicates": 40_000, "seed": 1, "target": [0.5], "bounds": (-9, 9)} | change
    return functools.partial(mx.monte_carlo, COIN, "rloo", 4, **asked, checkpoint=path)


def training(path):
    return functools.partial(
        mx.train, TASK, POLICY, ["rloo", "exact_ml"], n=4, steps=4, evaluate_every=2, checkpoint=path
    )


def bits(result):
    if isinstance(result, mx.training.Training):
        return result.to_json()
    return [result.mean.tolist(), result.covariance.tolist(), np.asarray(result.interval).tolist()]


def sampled(path, **change):
    return bits(sampling(path, **change)())


def trained(path):
    return bits(training(path)())


def flipped(content, at, bit):
    return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]


RUNS = pytest.mark.parametrize("run", [sampled, trained])


@RUNS
def test_a_bit_of_every_byte_flipped_and_every_end_is_refused_by_the_reader(tmp_path, run):
    """A digit of a mean, or the name of a key, used to go on to another result."""
    path = tmp_path / "run.json"
    run(path)
    whole = path.read_bytes()
    checkpoint = Checkpoint(path, json.loads(whole)["configuration"])
    state = checkpoint.load()
    damaged = (flipped(whole, at, at * 5 % 8) for at in range(len(whole)))
    shorter = (whole[:at] for at in range(len(whole)))
    for content in (*damaged, *shorter, whole + b" ", whole + b"\0", b"\n" + whole):
        path.write_bytes(content)
        with pytest.raises(FileError, match=REFUSED):
            checkpoint.load()
    path.write_bytes(whole)
    assert checkpoint.load() == state


@RUNS
def test_a_run_stops_at_a_flipped_bit_and_leaves_the_file(tmp_path, run):
    path, rng = tmp_path / "run.json", random.Random(0)
    run(path)
    whole = path.read_bytes()
    for _ in range(20):
        at, bit = rng.randrange(len(whole)), rng.randrange(8)
        damaged = flipped(whole, at, bit)
        path.write_bytes(damaged)
        with pytest.raises(FileError, match=REFUSED):
            run(path)
        assert path.read_bytes() == damaged


def test_a_file_of_another_layout_is_refused_though_it_says_the_same(tmp_path):
    """A digest of the values, and not of the bytes, would take it."""
    path = tmp_path / "run.json"
    sampled(path)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    with pytest.raises(FileError, match=REFUSED):
        sampled(path)


def moments(**change):
    return lambda state: state["moments"].update(change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.clear(), "names must be moments, sequence, got none"),
        (lambda state: state.update(more=1), "names must be moments, sequence, got moments, sequence, more"),
        (lambda state: state.update(moments=3), "moments must be there, got 3"),
        (lambda state: state.update(sequence=None), "sequence must be there, got None"),
        (
            lambda state: state["moments"].pop("mean"),
            "names must be count, rollouts, mean, .*, got count, rollouts, sq",
        ),
        (moments(more=1), "names must be count, .*, got .*, more"),
        (moments(count=-1), "count must be an int of at least 0, got -1"),
        (moments(count=8192.0), "count must be an int of at least 0, got 8192.0"),
        (moments(count=True), "count must be an int of at least 0, got True"),
        (moments(count=5000), "count must be of whole blocks of 4096 and at most 40000, got 5000"),
        (moments(count=40_960), "count must be of whole blocks of 4096 and at most 40000, got 40960"),
        (moments(count=8192), "counts must be one, got 8192 and 40000"),
        (moments(mean=[0.5, 0.5]), r"mean must have float64 numbers of shape \(1,\), got \[0.5, 0.5\]"),
        (moments(mean=["0.5"]), r"mean must have float64 numbers of shape \(1,\), got \['0.5'\]"),
        (moments(mean=[float("nan")]), r"mean must have float64 numbers of shape \(1,\), got \[nan\]"),
        (moments(squares=[[1.0], [1.0, 2.0]]), r"squares must have float64 numbers of shape \(1, 1\)"),
        (lambda state: state["sequence"].update(_logs=[0.0]), r"_logs must have float64 numbers of shape \(.*, got"),
    ],
)
def test_a_sealed_state_that_no_run_wrote_is_refused_by_the_place(tmp_path, change, message):
    path = tmp_path / "run.json"
    sampled(path)
    content = json.loads(path.read_text())
    change(content["state"])
    Checkpoint(path, content["configuration"]).save(content["state"])
    before = path.read_bytes()
    with pytest.raises(FileError, match=rf"run\.json: is not a checkpoint of this run: {message}"):
        sampled(path)
    assert path.read_bytes() == before


def test_a_state_without_a_question_has_no_sequence(tmp_path):
    path = tmp_path / "run.json"
    asked = {"replicates": 10, "seed": 0, "checkpoint": path}
    mx.monte_carlo(COIN, "rloo", 4, **asked)
    content = json.loads(path.read_text())
    assert content["state"]["sequence"] is None
    Checkpoint(path, content["configuration"]).save(content["state"] | {"sequence": {}})
    with pytest.raises(FileError, match=r"sequence must be none, got \{\}"):
        mx.monte_carlo(COIN, "rloo", 4, **asked)


@pytest.mark.parametrize("change", [lambda c: c.update(more=None), lambda c: c.pop("seed")])
def test_a_configuration_with_more_or_less_is_another_run(tmp_path, change):
    path = tmp_path / "run.json"
    sampled(path)
    content = json.loads(path.read_text())
    change(content["configuration"])
    Checkpoint(path, content["configuration"]).save(content["state"])
    with pytest.raises(
        FileError, match=r"is the checkpoint of another run: (more is None, here it is missing|seed is miss)"
    ):
        sampled(path)


# While a run goes on.


def test_groups_are_saved_while_the_run_goes_on(tmp_path, monkeypatch):
    """Saved at the end alone, a killed run would have nothing."""
    monkeypatch.setattr(checkpoints, "_SECONDS", 0.0)
    path, seen = tmp_path / "run.json", []

    class Looking(Bernoulli):
        def sample(self, rng, groups, n):
            if path.exists():
                seen.append(json.loads(path.read_bytes())["state"]["moments"]["count"] // 4096)
            return super().sample(rng, groups, n)

    mx.monte_carlo(Looking(0.5), "rloo", 4, replicates=20_000, seed=0, checkpoint=path)
    assert seen == [0, 1, 2, 3, 4]


def test_steps_are_saved_while_the_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "_SECONDS", 0.0)
    path, seen = tmp_path / "run.json", []

    def look(_):
        if path.exists():
            seen.append(json.loads(path.read_bytes())["state"]["runs"][0]["step"])

    mx.train(TASK, POLICY, "rloo", n=4, steps=6, evaluate_every=2, checkpoint=path, progress=look)
    assert seen == [0, 0, 2, 4]


@pytest.mark.parametrize("call", [sampling, training])
def test_two_processes_with_one_checkpoint_both_have_the_right_bits(tmp_path, call):
    expected, path = bits(call(tmp_path / "alone.json")()), tmp_path / "run.json"
    with mx.training.workers(2) as executor:
        runs = [executor.submit(call(path)) for _ in range(4)]
        assert [bits(run.result(timeout=120)) for run in runs] == [expected] * 4
    assert bits(call(path)()) == expected
    assert sorted(each.name for each in tmp_path.iterdir()) == ["alone.json", "run.json"]
