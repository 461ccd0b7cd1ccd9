"""Each run in a process of its own: same bits, deaths, exceptions, and nothing left behind."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch

import tunesmith
from tunesmith.curve import Curve
from tunesmith.engine import RunResult, check_task, run_spec
from tunesmith.errors import InputError, TaskError, UserCodeError
from tunesmith.fleet import Processes, TaskChanges, TaskSource
from tunesmith.settings import RunSpec, Settings
from tunesmith.task_file import load_task

TASK = """
import os, subprocess, sys, time
from pathlib import Path
import torch
from torch import nn
from torch.nn import functional as F
import tunesmith as ts

HERE = Path(__file__).parent
class Boom(ValueError): pass
class Unsendable(Exception):
    def __init__(self, one, two):
        super().__init__("two arguments, and a function: " + one)
        self.function = lambda: two

def leave(name):
    (HERE / f"{{name}}.{{os.getpid()}}").touch()

def make_model():
    {model}
    return nn.Linear(4, 3)

def task():
    {task}
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(200, 4, generator=generator)
    targets = inputs[:, :3].argmax(dim=1)
    return ts.Task(model=make_model, train=(inputs[:150], targets[:150]), valid=(inputs[150:], targets[150:]), loss=loss, epochs=4)

def loss(output, target):
    {loss}
    return F.cross_entropy(output, target)

{last}
"""
STAYS = 'leave("run"); grandchild = subprocess.Popen(["sleep", "60"]); (HERE / f"grandchild.{grandchild.pid}").touch(); time.sleep(60)'
"""What a model maker does that never ends, and has started a process of its own."""

Write: TypeAlias = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write(model=…, task=…, loss=…, last=…)` → reference of a task whose functions do that as well."""

    def write(**lines: str) -> str:
        parts = {"model": "pass", "task": "pass", "loss": "pass", "last": ""} | lines
        (tmp_path / "train.py").write_text(TASK.format(**parts), encoding="utf-8")
        return f"{tmp_path / 'train.py'}:task"

    return write


def make_specs(*lengths: int) -> list[RunSpec]:
    return [RunSpec(settings=Settings(lr=0.1, batch_size=10), total_steps=steps, seed=seed, keeps_weights=True) for seed, steps in enumerate(lengths)]


def timeless(curve: Curve) -> Curve:
    return dataclasses.replace(curve, cost=dataclasses.replace(curve.cost, seconds=0.0))


def assert_same_bits(some: list[RunResult], others: list[RunResult]) -> None:
    for one, other in zip(some, others, strict=True):
        assert timeless(one.curve) == timeless(other.curve)
        assert one.threads == other.threads
        assert one.weights is not None
        assert other.weights is not None
        assert list(one.weights) == list(other.weights)
        assert all(torch.equal(weight, other.weights[name]) for name, weight in one.weights.items())


class TestRuns:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_have_the_bits_that_they_have_here(self, write: Write, workers: int) -> None:
        source = TaskSource.of(write())
        specs = make_specs(30, 7, 12)
        task = source.load()
        made = Processes(source=source, workers=workers, fingerprint=check_task(task).fingerprint).run(specs)
        assert_same_bits(made, [run_spec(task, spec) for spec in specs])

    def test_come_back_in_order_and_are_told_of_at_once(self, write: Write) -> None:
        source = TaskSource.of(write(loss="time.sleep(0.03)"))
        ended: list[int] = []
        specs = make_specs(40, 1, 2)
        made = Processes(source=source, workers=2).run(specs, on_result=lambda index, _result: ended.append(index))
        assert [len(result.curve.lr) for result in made] == [40, 1, 2]
        assert ended == [1, 2, 0]

    def test_tell_of_their_progress(self, write: Write) -> None:
        heard: list[tuple[int, int, float]] = []
        source = TaskSource.of(write(loss="time.sleep(0.03)"))
        Processes(source=source, workers=2).run(make_specs(1, 20), on_step=lambda *told: heard.append(told))
        assert 1 in {index for index, _, _ in heard}  # the other run is over before it has told anything, unless the machine is slow
        assert all(0 < step <= (1, 20)[index] and examples >= 10 * step for index, step, examples in heard)

    def test_train_the_task_as_it_was_changed(self, write: Write) -> None:
        changes = TaskChanges(schedule="cosine", epochs=1)
        source = TaskSource.of(write(), changes=changes)
        task = changes.made_in(load_task(source.reference))
        assert (task.schedule, task.epochs) == ("cosine", 1.0)
        Processes(source=source, workers=1, fingerprint=check_task(task).fingerprint).run(make_specs(5))

    @pytest.mark.parametrize(
        ("of_task", "changes", "expected"),
        [
            (3, {}, ("triangular", 3)),
            (3, {"cycles": 2}, ("triangular", 2)),
            (3, {"schedule": "triangular2"}, ("triangular2", None)),
            (3, {"schedule": "cosine"}, ("cosine", None)),
            (None, {"schedule": "exp_range", "cycles": 5}, ("exp_range", 5)),
        ],
    )
    def test_another_shape_has_its_own_number_of_cycles(
        self, write: Write, of_task: int | None, changes: dict[str, Any], expected: tuple[str, int | None]
    ) -> None:
        task = TaskChanges(**changes).made_in(dataclasses.replace(load_task(TaskSource.of(write()).reference), schedule="triangular", cycles=of_task))
        assert (task.schedule, task.cycles) == expected

    def test_may_use_workers_of_a_data_loader(self, write: Write, tmp_path: Path) -> None:
        source = TaskSource.of(write(last=with_loader_workers()))
        made = Processes(source=source, workers=2).run(make_specs(3, 4))
        assert_same_bits(made, [run_spec(source.load(), spec) for spec in make_specs(3, 4)])
        assert tmp_path.exists()

    def test_none_are_none(self, write: Write) -> None:
        assert Processes(source=TaskSource.of(write()), workers=2).run([]) == []

    @pytest.mark.gpu
    def test_have_their_own_contexts_on_a_gpu(self, write: Write) -> None:
        source = TaskSource.of(write())
        task = source.load()
        made = Processes(source=source, workers=2, device="cuda", fingerprint=check_task(task, device="cuda").fingerprint).run(make_specs(5, 6))
        for result, spec in zip(made, make_specs(5, 6), strict=True):
            assert result.curve.train_loss == pytest.approx(run_spec(task, spec, device="cuda").curve.train_loss, rel=1e-4)

    @pytest.mark.slow
    def test_can_be_spawned(self, write: Write) -> None:
        source = TaskSource.of(write())
        made = Processes(source=source, workers=1, start_method="spawn").run(make_specs(5))
        assert_same_bits(made, [run_spec(source.load(), spec) for spec in make_specs(5)])


def another_task_each_time() -> str:
    return """
same = task
def task():
    import dataclasses
    return dataclasses.replace(same(), epochs=4 + os.getpid() / 1e9)
"""


def with_loader_workers() -> str:
    return """
tensors = task
def task():
    import dataclasses
    from torch.utils.data import TensorDataset
    of_tensors = tensors()
    return dataclasses.replace(of_tensors, train=TensorDataset(*of_tensors.train), num_workers=1)
"""


class TestDeaths:
    def test_a_killed_process_is_started_again_once(self, write: Write, tmp_path: Path) -> None:
        dies_once = 'leave("try"); len(list(HERE.glob("try.*"))) == 1 and os.kill(os.getpid(), 9)'
        source = TaskSource.of(write(model=dies_once))
        made = Processes(source=source, workers=1).run(make_specs(5))
        assert len(list(tmp_path.glob("try.*"))) == 2
        assert_same_bits(made, [run_spec(source.load(), spec) for spec in make_specs(5)])

    @pytest.mark.parametrize(("dies", "how"), [("os.kill(os.getpid(), 9)", "was killed by SIGKILL"), ("os._exit(7)", "ended with exit code 7")])
    def test_a_second_death_is_said_in_a_sentence(self, write: Write, tmp_path: Path, dies: str, how: str) -> None:
        source = TaskSource.of(write(model=f'leave("try"); {dies}'))
        with pytest.raises(TaskError, match=rf"that of lr 0\.1, batch size 10, seed 0 {how}, 2 times.*fewer workers"):
            Processes(source=source, workers=1).run(make_specs(5))
        assert len(list(tmp_path.glob("try.*"))) == 2

    def test_a_death_takes_no_other_run_with_it(self, write: Write) -> None:
        dies_once = 'torch.initial_seed() and not list(HERE.glob("try.*")) and (leave("try"), time.sleep(0.3), os.kill(os.getpid(), 9))'
        source = TaskSource.of(write(model=dies_once))
        made = Processes(source=source, workers=2).run(make_specs(5, 6, 7))
        assert [len(result.curve.lr) for result in made] == [5, 6, 7]


class TestExceptions:
    def test_the_tasks_own_come_with_their_traceback(self, write: Write) -> None:
        with pytest.raises(UserCodeError, match="The task's own code raised Boom: too much") as caught:
            Processes(source=TaskSource.of(write(loss='raise Boom("too much")')), workers=2).run(make_specs(5, 5))
        cause = caught.value.__cause__
        assert cause is not None
        note = "".join(cause.__notes__)
        assert note.startswith("Raised in the process of a run:\nTraceback")
        assert 'train.py"' in note
        assert note.rstrip().endswith("Boom: too much")

    def test_a_built_in_cause_keeps_its_type(self, write: Write) -> None:
        with pytest.raises(UserCodeError) as caught:
            Processes(source=TaskSource.of(write(task='{}["absent"]')), workers=1).run(make_specs(5))
        assert isinstance(caught.value.__cause__, KeyError)

    @pytest.mark.parametrize("where", ["model", "loss"])
    def test_one_that_cannot_travel_is_told_of(self, write: Write, where: str) -> None:
        with pytest.raises(UserCodeError, match="two arguments") as caught:
            Processes(source=TaskSource.of(write(**{where: 'raise Unsendable("a", "b")'})), workers=1).run(make_specs(5))
        assert "Unsendable: two arguments" in "".join(getattr(caught.value.__cause__, "__notes__", []))

    def test_ours_come_as_they_are(self, write: Write) -> None:
        with pytest.raises(TaskError, match=r"must return a tunesmith\.Task, got int"):
            Processes(source=TaskSource.of(write(task="return 3")), workers=1).run(make_specs(5))

    def test_the_end_of_the_process_comes_as_here(self, write: Write) -> None:
        with pytest.raises(SystemExit, match="3"):
            Processes(source=TaskSource.of(write(loss="sys.exit(3)")), workers=1).run(make_specs(5))

    def test_one_ends_the_other_runs(self, write: Write, tmp_path: Path) -> None:
        second_fails = 'leave("run"); len(list(HERE.glob("run.*"))) == 1 and time.sleep(60); time.sleep(0.2); raise Boom("second")'
        started = time.monotonic()
        with pytest.raises(UserCodeError, match="second"):
            Processes(source=TaskSource.of(write(model=second_fails)), workers=2).run(make_specs(5, 5))
        assert time.monotonic() - started < 30
        assert_gone(tmp_path, "run.*")

    def test_one_of_who_listens_ends_the_runs(self, write: Write, tmp_path: Path) -> None:
        def refuse(index: int, _result: RunResult) -> None:
            raise OSError(index, "no space")

        first_stays = 'leave("run"); len(list(HERE.glob("run.*"))) == 1 and time.sleep(60)'
        with pytest.raises(OSError, match="no space"):
            Processes(source=TaskSource.of(write(model=first_stays)), workers=2).run(make_specs(5, 5, 5), on_result=refuse)
        assert_gone(tmp_path, "run.*")


class TestOneTask:
    def test_a_file_that_changed_is_refused(self, write: Write) -> None:
        source = TaskSource.of(write())
        write(loss="1 + 1")
        with pytest.raises(TaskError, match="must not change while its runs are made"):
            Processes(source=source, workers=1).run(make_specs(5))

    def test_a_task_that_comes_out_different_each_time_is_refused(self, write: Write) -> None:
        source = TaskSource.of(write(last=another_task_each_time()))
        processes = Processes(source=source, workers=1, fingerprint=check_task(source.load()).fingerprint)
        with pytest.raises(TaskError, match="must be the same in every process"):
            processes.run(make_specs(5))

    def test_its_main_part_does_not_run(self, write: Write, tmp_path: Path) -> None:
        source = TaskSource.of(write(last='leave("imported." + __name__)\nif __name__ == "__main__": leave("main")'))
        Processes(source=source, workers=1).run(make_specs(5))
        assert len(list(tmp_path.glob("imported.*"))) == 1
        assert not list(tmp_path.glob("main.*"))

    def test_a_file_that_is_not_there_is_refused_at_once(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="must exist"):
            TaskSource.of(f"{tmp_path}/train.py:task")

    def test_no_workers_are_refused(self, write: Write) -> None:
        with pytest.raises(InputError, match="workers must be ≥ 1, got 0"):
            Processes(source=TaskSource.of(write()), workers=0)


USER = """
from tunesmith.fleet import Processes, TaskSource
from tunesmith.settings import RunSpec, Settings
if __name__ == "__main__":
    leave("main")
specs = [RunSpec(settings=Settings(batch_size=10), total_steps=5, seed=seed) for seed in range(3)]
Processes(source=TaskSource.of(__file__ + ":task"), workers=2).run(specs)
"""


@pytest.fixture
def started(write: Write, tmp_path: Path) -> Generator["subprocess.Popen[str]", None, None]:
    """A script that is its own task's file, in a session of its own, once two runs and their own processes are there."""
    guarded = 'if __name__ == "__main__":' + USER.replace("\n", "\n    ")
    path = write(model=STAYS, last=guarded).rpartition(":")[0]
    with start(path) as process:
        until(lambda: len(list(tmp_path.glob("grandchild.*"))) == 2, process)
        yield process
        process.kill()


def start(path: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(Path(tunesmith.__file__).parents[1])}
    words = [sys.executable, "-W", "error", path]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)


def until(holds: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    while not holds():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def is_there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"  # ended, and nobody has asked how


def assert_gone(folder: Path, pattern: str) -> None:
    pids = [int(path.name.split(".")[1]) for path in folder.glob(pattern)]
    assert pids
    deadline = time.monotonic() + 3  # those whose parent has died need a moment to notice
    while time.monotonic() < deadline and any(is_there(pid) for pid in pids):
        time.sleep(0.02)
    assert [pid for pid in pids if is_there(pid)] == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc who is there")
class TestTheParentsEnd:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_is_the_end_of_all(self, started: "subprocess.Popen[str]", tmp_path: Path, number: int) -> None:
        started.send_signal(number)
        _, err = started.communicate(timeout=20)
        assert started.returncode == -number
        assert_gone(tmp_path, "run.*")
        assert_gone(tmp_path, "grandchild.*")
        assert err.count("Traceback") == (number == signal.SIGINT)
        assert len(list(tmp_path.glob("main.*"))) == 1

    def test_ctrl_c_on_a_terminal_reaches_the_parent_alone(self, started: "subprocess.Popen[str]", tmp_path: Path) -> None:
        os.killpg(started.pid, signal.SIGINT)
        _, err = started.communicate(timeout=20)
        assert_gone(tmp_path, "run.*")
        assert err.count("KeyboardInterrupt") == 1


@pytest.mark.slow
def test_a_script_that_trains_while_it_is_imported_is_told_so(write: Write) -> None:
    with start(write(last=USER).rpartition(":")[0]) as process:
        _, err = process.communicate(timeout=60)
    assert err.rstrip().endswith("Put what trains under `if __name__ == '__main__':`.")
