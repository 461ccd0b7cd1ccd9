"""A study goes on where it was interrupted, and ends the same, bit for bit."""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.recipe.tiny import Heard, Tuned, blobs, make_task, time_model, tuned
from torch.nn import functional as F

from tunesmith.errors import StudyError, UserCodeError
from tunesmith.recipe import tune
from tunesmith.study import Study

ROOT = Path(__file__).parents[2]
SMALL = {"batch_size": 16, "weight_decay": 1e-3, "epochs": 20}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """An uninterrupted study with few stages."""
    folder = tmp_path_factory.mktemp("small")
    return tuned(make_task(), folder, fixed=SMALL, time_model=time_model(folder))


def test_the_same_call_again_trains_nothing_and_changes_nothing(study: Tuned, tmp_path: Path) -> None:
    folder = study.copy(tmp_path / "study")
    before, n_runs, heard = contents(folder), len(study.stored()), Heard()
    plan = tune(study.task, out=folder, progress=heard, time_model=time_model(tmp_path))
    assert heard.costs == []
    assert plan.to_dict() == study.plan.to_dict()
    after = contents(folder)
    assert after["plan.toml"] == before["plan.toml"]
    assert {name: content for name, content in after.items() if "checkpoints" in name} == {
        name: content for name, content in before.items() if "checkpoints" in name
    }
    with Study.open(folder) as again:
        assert len(again.runs()) == n_runs
        assert again.cost().total == pytest.approx(study.plan.cost.total)


def test_the_same_task_and_time_model_elsewhere_give_the_same_file(small: Tuned, tmp_path: Path) -> None:
    again = tuned(make_task(), tmp_path, fixed=SMALL, time_model=time_model(tmp_path))
    assert (again.folder / "plan.toml").read_bytes() == (small.folder / "plan.toml").read_bytes()


def test_a_deleted_plan_and_report_come_back(small: Tuned, tmp_path: Path) -> None:
    folder = small.copy(tmp_path / "study")
    (folder / "plan.toml").unlink()
    (folder / "report.html").unlink()
    tune(small.task, out=folder, fixed=SMALL)
    assert (folder / "plan.toml").read_bytes() == (small.folder / "plan.toml").read_bytes()
    assert (folder / "report.html").exists()


def test_ctrl_c_at_any_moment_loses_no_finished_run(small: Tuned, tmp_path: Path) -> None:
    machine, known = time_model(tmp_path), 0
    for steps in (1, 30, 45, 60, 350):
        with pytest.raises(KeyboardInterrupt):
            tune(make_task(), out=tmp_path / "study", fixed=SMALL, time_model=machine, progress=Heard(interrupt_after=steps))
        with Study.open(tmp_path / "study") as interrupted:
            assert len(interrupted.runs()) >= known
            known = len(interrupted.runs())
    assert 0 < known < len(small.stored())
    resumed = tune(make_task(), out=tmp_path / "study", fixed=SMALL, time_model=machine)
    assert (tmp_path / "study" / "plan.toml").read_bytes() == (small.folder / "plan.toml").read_bytes()
    assert resumed.findings == small.plan.findings


def test_a_speed_that_was_measured_before_the_interruption_counts_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        tune(make_task(), out=tmp_path / "study", fixed=SMALL, progress=Heard(interrupt_after=50))
    measured = (tmp_path / "study" / "time_model.json").read_bytes()
    tune(make_task(), out=tmp_path / "study", fixed=SMALL)
    assert (tmp_path / "study" / "time_model.json").read_bytes() == measured


def test_code_that_breaks_halfway_costs_nothing_that_was_finished(small: Tuned, tmp_path: Path) -> None:
    calls = itertools.count()

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if next(calls) == 150:
            raise RuntimeError("the cluster's licence server is away")
        return F.cross_entropy(output, target)

    machine = time_model(tmp_path)
    with pytest.raises(UserCodeError, match=r"RuntimeError: the cluster's licence server is away \(settings") as caught:
        tune(make_task(loss=loss), out=tmp_path / "study", fixed=SMALL, time_model=machine)
    assert isinstance(caught.value.__cause__, RuntimeError)
    with Study.open(tmp_path / "study") as broken:
        assert 0 < len(broken.runs()) < len(small.stored())
    tune(make_task(), out=tmp_path / "study", fixed=SMALL, time_model=machine)
    assert (tmp_path / "study" / "plan.toml").read_bytes() == (small.folder / "plan.toml").read_bytes()


def test_a_larger_budget_uses_what_was_done_for_a_smaller_one(small: Tuned, tmp_path: Path) -> None:
    folder, heard = small.copy(tmp_path / "study"), Heard()
    plan = tune(small.task, out=folder, fixed=SMALL, confirm_seeds=2, progress=heard)
    assert {label.rsplit(", ", 1)[1] for label in heard.labels} == {"seed 501"}  # the second fresh seed alone
    assert plan.confirmed is not None
    assert small.plan.confirmed is not None
    assert plan.confirmed.valid[0] == small.plan.confirmed.valid[0]


@pytest.mark.parametrize("change", [{"train": blobs(320, 9)}, {"epochs": 30}, {"optimizer": "adam"}, {"goal": "loss", "model": lambda: torch.nn.Linear(8, 4)}])
def test_another_tasks_folder_is_refused_and_left_alone(small: Tuned, tmp_path: Path, change: dict[str, object]) -> None:
    folder = small.copy(tmp_path / "study")
    before = contents(folder)
    with pytest.raises(StudyError, match="another task's"):
        tune(make_task(**change), out=folder)  # type: ignore[arg-type]
    assert contents(folder) == before


def test_a_folder_that_another_process_writes_is_refused(small: Tuned, tmp_path: Path) -> None:
    folder = small.copy(tmp_path / "study")
    with Study.open(folder) as reader:
        fingerprint, description = reader.fingerprint, reader.description
    with Study.create(folder, fingerprint=fingerprint, description=description), pytest.raises(StudyError, match="one process at a time"):
        tune(small.task, out=folder, fixed=SMALL)
    assert tune(small.task, out=folder, fixed=SMALL).to_dict() == small.plan.to_dict()


def test_a_strangers_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("mine")
    with pytest.raises(StudyError, match="begin in an empty folder"):
        tune(make_task(), out=tmp_path)
    assert contents(tmp_path) == {"plan.toml": b"mine"}


CHILD = """
import sys
from tests.recipe.tiny import make_task
from torch.nn import functional as F
from tunesmith.recipe import tune

def loss(output, target):
    print("batch", flush=True)
    sys.stdin.readline()
    return F.cross_entropy(output, target)

tune(make_task(loss=loss), out=sys.argv[1], time_model=sys.argv[2])
"""


def kill_after(batches: int, more: int, *, folder: Path, machine: Path) -> int:
    """Tune in another process and kill it somewhere within `more` batches after the first `batches`; its exit code."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, "-W", "error", "-c", CHILD, str(folder), str(machine)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(batches):
            assert process.stdout.readline() == "batch\n"
            process.stdin.write("\n")
            process.stdin.flush()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("\n" * more)
            process.stdin.flush()
        process.send_signal(signal.SIGKILL)
    return process.returncode


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_moments_it_ends_the_same(tmp_path: Path, seed: int) -> None:
    """Killed as the system kills, without a chance to tidy up, after a random number of batches in every session; the confirming run alone has 400."""
    machine, moments = time_model(tmp_path), random.Random(seed)
    whole = tuned(make_task(), tmp_path / "whole", time_model=machine)
    for _ in range(4):
        assert kill_after(moments.randrange(1, 200), moments.randrange(100), folder=tmp_path / "killed", machine=machine) == -signal.SIGKILL
    with Study.open(tmp_path / "killed") as killed:
        assert 0 < len(killed.runs()) < len(whole.stored())
    tune(make_task(), out=tmp_path / "killed", time_model=machine)
    assert (tmp_path / "killed" / "plan.toml").read_bytes() == (whole.folder / "plan.toml").read_bytes()
    with Study.open(tmp_path / "killed") as killed:
        assert {stored.run.spec.key for stored in killed.runs()} == {stored.run.spec.key for stored in whole.stored()}
