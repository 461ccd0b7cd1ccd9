"""What users give and disks do: one clear sentence, nothing lost, no traceback but for the task's own code."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tests.recipe.tiny import Tuned, blobs, make_task, mlp, tuned
from torch import Tensor, nn
from torch.utils.data import Dataset

from tunesmith.errors import InputError, StudyError, TaskError, UserCodeError
from tunesmith.plan import StudyOutcome
from tunesmith.recipe import train, tune
from tunesmith.settings import Settings
from tunesmith.study import Study
from tunesmith.task import Task

ROOT = Path(__file__).parents[2]
NOBODY = 65534
KNOBS = {"lr": 0.05, "batch_size": 16, "momentum": 0.9, "weight_decay": 1e-3}


def spoilt(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    inputs, labels = blobs(n, seed)
    inputs[n // 2, 3] = torch.nan
    return inputs, labels


class Dirty(Dataset[tuple[Tensor, Tensor]]):
    """Examples one by one; the last of them is NaN, and nobody can know without looking at all."""

    def __init__(self) -> None:
        self.inputs, self.labels = blobs(320)
        self.inputs[-1] = torch.nan

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.inputs[index], self.labels[index]


class Stone(nn.Module):
    """A network without parameters."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs[:, :4]


def random_maker() -> Callable[[], nn.Module]:
    made = iter(range(10**6))

    def maker() -> nn.Module:
        model = mlp()
        with torch.no_grad():
            next(model.parameters()).add_(next(made))
        return model

    return maker


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: make_task(train=spoilt(320)), "Task.train must be finite, and 1 of 320"),
        (lambda: make_task(valid=spoilt(128)), "Task.valid must be finite, and 1 of 128"),
        (lambda: make_task(test=spoilt(64)), "Task.test must be finite, and 1 of 64"),
        (lambda: make_task(train=(blobs(320)[0], blobs(320)[1].float())), "must be trainable as given"),
        (lambda: make_task(train=(blobs(320)[0][:0], blobs(320)[1][:0])), "at least one example"),
        (lambda: make_task(train=lambda _size, _generator: iter(()), examples_per_epoch=320), "must yield at least one batch"),
        (lambda: make_task(valid=lambda _size, _generator: iter(())), "yielded none"),
        (lambda: make_task(train=lambda _size, _generator: iter([blobs(7)]), examples_per_epoch=320), "yields 7 whatever it is asked for"),
        (lambda: make_task(model=Stone), "require gradients"),
        (lambda: make_task(model=random_maker()), "same weights under one torch seed"),
        (lambda: make_task(loss=lambda output, target: (output.sum(1) - target).log().mean()), "must be finite, got nan"),
        (lambda: make_task(loss=lambda output, target: (output.argmax(1) == target).float().mean()), "scalar tensor with a gradient"),
        (lambda: make_task(current=Settings(batch_size=321)), "at most the 320 training examples"),
        (lambda: make_task(schedule=lambda _step, _total: 2.0), "factor"),
    ],
)
def test_a_task_that_cannot_be_trained_is_refused_before_it_costs_anything(tmp_path: Path, make: Callable[[], Task], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        tune(make(), out=tmp_path / "study")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "study").exists()


def test_nan_that_only_training_meets_ends_in_an_abstention(tmp_path: Path) -> None:
    done = tuned(make_task(train=Dirty()), tmp_path)
    assert done.plan.outcome is StudyOutcome.ABSTAINED
    assert "data" in done.plan.advice[0]


@pytest.mark.parametrize("error", [ValueError("no such file: images.npy"), ValueError(), KeyError("label"), MemoryError("decoder")])
def test_the_tasks_own_errors_come_with_their_cause(tmp_path: Path, error: Exception) -> None:
    def broken() -> nn.Module:
        raise error

    with pytest.raises(UserCodeError, match=type(error).__name__) as caught:
        tune(make_task(model=broken), out=tmp_path / "study")
    assert caught.value.__cause__ is error


@pytest.fixture
def unprivileged_folder(study: Tuned) -> Iterator[Path]:
    """A folder, and nobody's rights in it, because nothing is read-only to root."""
    assert study.plan.settings is not None  # a whole study before, so that every module is loaded that nobody may not read
    with tempfile.TemporaryDirectory() as name:
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(name, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            if is_root:
                os.seteuid(0)


class TestReadOnly:
    def test_a_study_cannot_begin_there(self, unprivileged_folder: Path) -> None:
        unprivileged_folder.chmod(0o555)
        with pytest.raises(StudyError, match="permissions") as caught:
            tune(make_task(), out=unprivileged_folder / "study")
        assert "\n" not in str(caught.value)

    def test_a_study_cannot_go_on_there_and_is_kept(self, unprivileged_folder: Path) -> None:
        folder = unprivileged_folder / "study"
        tune(make_task(), out=folder, fixed=KNOBS)
        with Study.open(folder) as before:
            n_runs = len(before.runs())
        for path in (*folder.iterdir(), folder):
            path.chmod(0o555 if path.is_dir() else 0o444)
        with pytest.raises(StudyError, match="permissions") as caught:
            tune(make_task(), out=folder, fixed=KNOBS, confirm_seeds=2)
        assert "\n" not in str(caught.value)
        with Study.open(folder) as after:
            assert len(after.runs()) == n_runs
        folder.chmod(0o755)

    def test_weights_that_cannot_be_kept_say_so(self, unprivileged_folder: Path) -> None:
        folder = unprivileged_folder / "study"
        fixed = KNOBS | {"epochs": 20}
        tune(make_task(), out=folder, fixed=fixed)
        (folder / "checkpoints").chmod(0o555)
        with pytest.raises(StudyError, match=r"Weights must be writable to .*checkpoints") as caught:
            tune(make_task(), out=folder, fixed=fixed, confirm_seeds=2)
        assert "\n" not in str(caught.value)
        (folder / "checkpoints").chmod(0o755)
        plan = tune(make_task(), out=folder, fixed=fixed, confirm_seeds=2)
        assert plan.confirmed is not None
        assert plan.confirmed.seeds == (500, 501)

    def test_training_with_a_plan_says_so_too(self, unprivileged_folder: Path, study: Tuned) -> None:
        unprivileged_folder.chmod(0o555)
        with pytest.raises(StudyError, match="Weights must be writable"):
            train(study.task, study.plan, out=unprivileged_folder / "trained")


FILL_THE_DISK = """
import resource, sys, tempfile
tempfile.gettempdir()  # torch asks for it, and finding it takes a file
from tests.recipe.tiny import make_task, time_model
from tunesmith.errors import StudyError
from tunesmith.recipe import tune
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    tune(make_task(), out=sys.argv[1], fixed={"lr": 0.05, "batch_size": 16, "momentum": 0.9, "weight_decay": 1e-3}, time_model=sys.argv[3])
except StudyError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 30_000, 100_000, 300_000, 1_000_000])
def test_on_a_full_disk_what_was_finished_is_kept(tmp_path: Path, size: int) -> None:
    """No file may grow beyond `size` bytes, which fails as a full disk does: first the database, then weights, then the report."""
    machine = tmp_path / "machine.json"
    machine.write_text('{"version": 1, "seconds_per_step": {"16": 0.001}}')
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, "-W", "error", "-c", FILL_THE_DISK, str(tmp_path / "study"), str(size), str(machine)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("\n") == 1
    assert "ree space" in ended.stdout
    plan = tune(make_task(), out=tmp_path / "study", fixed=KNOBS, time_model=machine)
    whole = tuned(make_task(), tmp_path / "whole", fixed=KNOBS, time_model=machine)
    assert plan.to_dict() | {"cost": None} == whole.plan.to_dict() | {"cost": None}
    assert (tmp_path / "study" / "plan.toml").read_bytes() == (whole.folder / "plan.toml").read_bytes()


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "study").write_text("mine")
    with pytest.raises(StudyError, match="File exists"):
        tune(make_task(), out=tmp_path / "study")
    assert (tmp_path / "study").read_text() == "mine"


def test_a_refused_task_says_which_kind_of_error_it_is() -> None:
    assert issubclass(TaskError, InputError)
    assert issubclass(StudyError, InputError)
    assert not issubclass(UserCodeError, InputError)
