"""Files that are whole or as they were: kills, full disks, folders that cannot be written, modes, leftovers."""

import os
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from maxrl_est.cli import OUTPUTS, main
from maxrl_est.files.whole import FileError, replacing

posix = pytest.mark.skipif(os.name != "posix", reason="needs modes and locks of POSIX")
WRITING = """
import sys, time
from pathlib import Path
from maxrl_est.files.whole import replacing
with replacing(Path(sys.argv[1])) as stream:
    stream.write(b"half"); stream.flush()
    print("begun", flush=True); time.sleep(600)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def killed(*targets):
    """Processes that were writing these at the same time."""
    command = [sys.executable, "-c", WRITING]
    processes = [subprocess.Popen([*command, str(target)], stdout=subprocess.PIPE) for target in targets]
    for process in processes:
        assert process.stdout.readline() == b"begun\n"
    for process in processes:
        process.kill()
        process.communicate()


@posix
def test_what_killed_processes_left_is_removed_by_the_next_that_writes_the_same_file(tmp_path):
    """34 of them left 788 MB."""
    target, other = tmp_path / "a.csv", tmp_path / "b.csv"
    killed(target, target, other)
    assert len(names(tmp_path)) == 3
    with replacing(target) as stream:
        assert len(names(tmp_path)) == 2  # its own, and that of the other file
        stream.write(b"whole")
    assert len(names(tmp_path)) == 2
    with pytest.raises(ZeroDivisionError), replacing(other):
        raise ZeroDivisionError
    assert names(tmp_path) == ["a.csv"]
    assert target.read_bytes() == b"whole"


@posix
def test_what_a_living_process_writes_is_not_taken_for_a_leftover(tmp_path):
    target = tmp_path / "a.csv"
    with replacing(target) as first:
        first.write(b"first")
        with replacing(target) as second:
            second.write(b"second")
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"first"
    assert names(tmp_path) == ["a.csv"]


@posix
def test_a_name_of_a_leftover_that_is_a_pipe_or_a_link_stops_nobody(tmp_path):
    target, bystander = tmp_path / "a.csv", tmp_path / "bystander"
    bystander.write_text("here")
    killed(target)
    (leftover,) = (path for path in tmp_path.iterdir() if path.suffix == ".tmp")
    os.mkfifo(leftover.with_name(leftover.name.replace(".tmp", "1.tmp")))
    leftover.with_name(leftover.name.replace(".tmp", "2.tmp")).symlink_to(bystander)
    with replacing(target):
        pass
    assert bystander.read_text() == "here"


@posix
@pytest.mark.parametrize(
    ("before", "mask", "after"),
    [(None, 0o077, 0o600), (None, 0o022, 0o644), (0o640, 0o077, 0o640), (0o600, 0o022, 0o600), (0o666, 0o022, 0o666)],
)
def test_a_temporary_file_has_the_mode_of_its_target_from_the_start(tmp_path, before, mask, after):
    target, opened = tmp_path / "a.csv", os.open
    seen = []

    def watched(path, flags, mode=0o777, **rest):
        descriptor = opened(path, flags, mode, **rest)
        if flags & os.O_EXCL:
            seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    if before is not None:
        target.touch()
        target.chmod(before)
    earlier = os.umask(mask)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "open", watched)
            with replacing(target):
                (temporary,) = (path for path in tmp_path.iterdir() if path != target)
                assert stat.S_IMODE(temporary.stat().st_mode) == after
    finally:
        os.umask(earlier)
    assert len(seen) == 1
    assert seen[0] & ~after == 0  # at no time more than in the end
    assert stat.S_IMODE(target.stat().st_mode) == after


def test_a_name_may_be_as_long_as_names_are(tmp_path):
    target = tmp_path / ("n" * 251 + ".csv")
    with replacing(target) as stream:
        stream.write(b"whole")
    assert names(tmp_path) == [target.name]


@posix
def test_a_full_disk_is_a_line_and_leaves_the_old_file(tmp_path):
    source, target = tmp_path / "rollouts.csv", tmp_path / "weighted.csv"
    source.write_text("group,likelihood\n" + "a,0.5\n" * 50_000)
    target.write_text("old")
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18,) * 2); import maxrl_est.cli as c\n"
    )
    code += f"sys.exit(c.main(['weights', {str(source)!r}, '-o', {str(target)!r}]))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"MAXRL_EST_KERNELS": "numpy"}
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"maxrl-est weights: {target}: cannot be written: File too large\n"
    assert target.read_text() == "old"
    assert names(tmp_path) == ["rollouts.csv", "weighted.csv"]


@posix
def test_a_folder_that_cannot_be_written_is_a_line_and_leaves_the_old_file():
    """For another user where this one may write anything; pytest's folders are closed to others."""
    code = (
        "import os; from pathlib import Path; from maxrl_est.files.whole import *\n"
        "os.geteuid() or os.seteuid(65534)\n"
        "try:\n with replacing(Path('weighted.csv')): pass\nexcept FileError as error: print(error)"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "weighted.csv").write_text("old")
        folder.chmod(0o555)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
        folder.chmod(0o755)
        assert done.stdout == "weighted.csv: cannot be written: Permission denied\n"
        assert (folder / "weighted.csv").read_text() == "old"
        assert names(folder) == ["weighted.csv"]


COMMANDS = {
    "check": ["rloo"],
    "list": ["estimators"],
    "table": ["--problems", "bernoulli"],
    "train": [],
    "verify": [],
    "prove": ["binary-weight"],
    "bench": [],
    "weights": ["rollouts.csv"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", [*OUTPUTS, "figure", "checkpoint"])
def test_a_folder_in_place_of_a_file_is_refused_before_the_work(tmp_path, monkeypatch, capsys, command, option):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rollouts.csv").write_text("group,likelihood\na,2\n")  # which would be refused for its numbers
    began = time.process_time()
    try:
        status = main([command, *COMMANDS[command], f"--{option}", str(tmp_path)])
    except SystemExit:  # it has no such option
        assert "unrecognized arguments" in capsys.readouterr().err
        return
    assert status == 2
    assert f"--{option} {tmp_path}: is not a regular file" in capsys.readouterr().err
    assert time.process_time() - began < 1


def test_a_minus_is_standard_output(tmp_path, monkeypatch, capfdbinary):
    """It was a file of that name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rollouts.csv").write_text("group,likelihood\na,0.5\n")
    assert main(["weights", "rollouts.csv"]) == 0
    expected = capfdbinary.readouterr()
    assert expected.out.startswith(b"group,likelihood,weight,advantage\n")
    for option in (["-o", "-"], ["--output=-"]):
        assert main(["weights", "rollouts.csv", *option]) == 0
        assert capfdbinary.readouterr() == expected
    assert names(tmp_path) == ["rollouts.csv"]


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(FileError, match=r"a\.csv: cannot be written: No space left on device$"),
        replacing(tmp_path / "a.csv"),
    ):
        pass
    assert names(tmp_path) == []
