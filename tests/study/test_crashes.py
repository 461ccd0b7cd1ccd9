"""Other processes: killed ones, full disks, and two that want the same folder. Each test starts real interpreters."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.study.sample import create, make_read_only, make_run

from tunesmith.errors import StudyError
from tunesmith.study import Study

ROOT = Path(__file__).parents[2]
BEGIN = """
import os, resource, sys
from pathlib import Path
from tests.study.sample import create, make_run
from tunesmith.errors import StudyError
study = create(Path(sys.argv[1]))
print("open", flush=True)
"""
WRITE_FOR_EVER = """
for seed in range(10**9):
    study.add(make_run(seed=seed, steps=2000), purpose="search")
    print(seed, flush=True)
"""
WRITE_ONE_AND_WAIT = """
study.add(make_run(steps=2000), purpose="search")
print("stored", flush=True)
sys.stdin.read()
"""
STEPS = 2000


def start(folder: Path, code: str) -> subprocess.Popen[str]:
    """An interpreter that writes to `folder`, once it has opened the study."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", BEGIN + code, str(folder)],
        env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert read_line(process) == "open"
    return process


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> str:
    """Kill as the system does, without a chance to tidy up; what was printed before."""
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate()
    return output


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


def assert_whole(study: Study, *, at_least: int) -> None:
    """Every run that is there is there with all its rows, and none that was announced is missing."""
    runs = [stored.run for stored in study.runs()]
    assert len(runs) >= at_least
    assert runs == [make_run(seed=seed, steps=STEPS) for seed in range(len(runs))]


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.005, 0.02, 0.05, 0.1, 0.3])
def test_a_kill_at_any_moment_leaves_a_readable_study(tmp_path: Path, seconds: float) -> None:
    process = start(tmp_path, WRITE_FOR_EVER)
    time.sleep(seconds)
    announced = [int(line) for line in kill(process).split("\n") if line.isdigit()]
    with Study.open(tmp_path) as study:
        assert_whole(study, at_least=len(announced))
        n_runs = len(study.runs())
    with create(tmp_path) as study:  # the kill has also given the folder back
        study.add(make_run(seed=n_runs, steps=STEPS), purpose="search")
        assert_whole(study, at_least=n_runs + 1)


@pytest.mark.parametrize("lost", ["", "index", "index's content"])
def test_what_a_kill_left_is_read_from_a_read_only_folder(unprivileged_folder: Path, lost: str) -> None:
    folder = unprivileged_folder / "killed"
    with create(unprivileged_folder / "alive") as study:
        study.add(make_run(steps=STEPS), purpose="search")
        shutil.copytree(study.folder, folder)  # what is on the disk now is what a kill leaves there
    assert (folder / "study.sqlite-wal").stat().st_size > 0
    index = folder / "study.sqlite-shm"
    if lost == "index":
        index.unlink()
    elif lost:
        index.write_bytes(b"")
    make_read_only(folder)
    names = sorted(path.name for path in folder.iterdir())
    with Study.open(folder) as study:
        assert_whole(study, at_least=1)
    assert sorted(path.name for path in folder.iterdir()) == names
    for path in (folder, folder / "checkpoints"):
        path.chmod(0o755)


def test_a_kill_without_a_log_leaves_a_readable_study(tmp_path: Path) -> None:
    """As on a file system without write-ahead logging: the rollback journal of a killed writer lies beside a half-written database."""
    with create(tmp_path / "alive") as study:
        study.add(make_run(steps=STEPS), purpose="search")
    writer = sqlite3.connect(tmp_path / "alive" / "study.sqlite", isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")  # so that it spills into the file before it commits
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE point SET train_loss = -1")
    shutil.copytree(tmp_path / "alive", tmp_path / "killed")
    writer.close()
    assert (tmp_path / "killed" / "study.sqlite-journal").stat().st_size > 0
    with Study.open(tmp_path / "killed") as study:
        assert_whole(study, at_least=1)
    with create(tmp_path / "killed") as study:
        assert_whole(study, at_least=1)


class TestLock:
    def test_one_writer_at_a_time_in_a_process(self, tmp_path: Path) -> None:
        with create(tmp_path), pytest.raises(StudyError, match="one process at a time"):
            create(tmp_path)
        create(tmp_path).close()

    def test_one_process_at_a_time(self, tmp_path: Path) -> None:
        process = start(tmp_path, WRITE_ONE_AND_WAIT)
        assert read_line(process) == "stored"
        with pytest.raises(StudyError, match="one process at a time") as caught:
            create(tmp_path)
        assert str(tmp_path) in str(caught.value)
        with Study.open(tmp_path) as study:
            assert_whole(study, at_least=1)
        finish(process)
        create(tmp_path).close()

    def test_a_study_left_open_at_the_end_of_a_process_is_closed(self, tmp_path: Path) -> None:
        finish(start(tmp_path, ""))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "study.sqlite"]

    def test_a_forked_child_that_ends_leaves_the_study_alone(self, tmp_path: Path) -> None:
        code = "child = os.fork()\nif child == 0: sys.exit(0)\nos.waitpid(child, 0)\nstudy.add(make_run(steps=2000), purpose='search')"
        finish(start(tmp_path, code))
        with Study.open(tmp_path) as study:
            assert_whole(study, at_least=1)


FILL_THE_DISK = """
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    for seed in range(1000):
        study.add(make_run(seed=seed, steps=2000), purpose="search")
except StudyError as error:
    print(error)
    print(len(study.runs()))
"""


def test_a_full_disk_keeps_what_was_stored_before(tmp_path: Path) -> None:
    message, n_runs = finish(start(tmp_path, FILL_THE_DISK)).strip().split("\n")
    assert message.startswith(f"Storing a run in {tmp_path}")
    assert "free space" in message
    with Study.open(tmp_path) as study:
        assert len(study.runs()) == int(n_runs)
        assert_whole(study, at_least=1)
    with create(tmp_path) as study:
        study.add(make_run(seed=int(n_runs), steps=STEPS), purpose="search")
