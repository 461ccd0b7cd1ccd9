"""Runs made in several processes: the same study, the same accounts, and nothing lost but what was running."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.cost import Cost
from tunesmith.engine import RunResult, check_task, run_spec
from tunesmith.errors import InputError
from tunesmith.recipe import tune
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.progress import Forecast, SilentProgress
from tunesmith.settings import RunSpec, Settings
from tunesmith.study import Study
from tunesmith.task import Task
from tunesmith.task_file import load_task
from tunesmith.thresholds import DEFAULT_THRESHOLDS

TASK = """
import torch
from torch import nn
from torch.nn import functional as F
import tunesmith as ts

def task():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(600, 8, generator=generator)
    targets = (inputs[:, :3] + 0.5 * torch.randn(600, 3, generator=generator)).argmax(dim=1)
    return ts.Task(
        model=lambda: nn.Linear(8, 3), train=(inputs[:400], targets[:400]), valid=(inputs[400:], targets[400:]), loss=F.cross_entropy,
        epochs=40, current=ts.Settings(lr=0.01, batch_size=16, schedule="constant"),
    )
"""


class Listening(SilentProgress):
    """Keeps messages and costs."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.costs: list[float] = []

    def forecast(self, forecast: Forecast) -> None:
        assert forecast.total[0] > 0

    def message(self, sentence: str) -> None:
        self.messages.append(sentence)

    def run(self, *, label: str, step: int, total_steps: int, cost: float) -> None:
        assert label
        assert 0 < step <= total_steps
        self.costs.append(cost)


@pytest.fixture
def reference(tmp_path: Path) -> str:
    (tmp_path / "train.py").write_text(TASK, encoding="utf-8")
    return f"{tmp_path / 'train.py'}:task"


@pytest.fixture
def time_model(tmp_path: Path) -> Path:
    path = tmp_path / "times.json"
    path.write_text(json.dumps({"version": 1, "seconds_per_step": {"16": 0.001, "32": 0.0015, "64": 0.0025}}), encoding="utf-8")
    return path


@pytest.mark.slow
def test_the_plan_has_the_same_bytes_with_any_number_of_workers(reference: str, time_model: Path, tmp_path: Path) -> None:
    plans = []
    for workers in (1, 2):
        heard = Listening()
        out = tmp_path / f"runs-{workers}"
        plans.append(
            tune(load_task(reference), out=out, confirm_seeds=2, workers=workers, reference=reference, time_model=time_model, device="cpu", progress=heard)
        )
        assert not heard.messages
        assert 0 < max(heard.costs) <= 1.01 * plans[-1].cost.total
    here, there = tmp_path / "runs-1", tmp_path / "runs-2"
    assert (here / "plan.toml").read_bytes() == (there / "plan.toml").read_bytes()
    with Study.open(here) as one, Study.open(there) as other:
        assert timeless(one) == timeless(other)
        assert dataclasses.replace(one.cost(), seconds=0.0) == dataclasses.replace(other.cost(), seconds=0.0)
        assert [(experiment.probe, experiment.verdict) for experiment in one.experiments()] == [
            (experiment.probe, experiment.verdict) for experiment in other.experiments()
        ]
    assert {path.name for path in (here / "checkpoints").iterdir()} == {path.name for path in (there / "checkpoints").iterdir()}
    again = tune(load_task(reference), out=there, confirm_seeds=2, workers=2, reference=reference, device="cpu")
    assert again == plans[1]


def timeless(study: Study) -> dict[str, object]:
    """Runs by name, without their seconds and the order in which they ended."""
    return {
        stored.run.spec.key: (stored.purpose, dataclasses.replace(stored.run.curve, cost=dataclasses.replace(stored.run.curve.cost, seconds=0.0)))
        for stored in study.runs()
    }


@pytest.mark.slow
def test_a_task_alone_stays_in_this_process_and_that_is_said_once(reference: str, time_model: Path, tmp_path: Path) -> None:
    heard = Listening()
    tune(load_task(reference), out=tmp_path / "runs", budget=0.3, workers=3, time_model=time_model, device="cpu", progress=heard)
    assert [sentence for sentence in heard.messages if "stay in this process" in sentence] == heard.messages[:1]


def test_no_workers_are_refused(reference: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="workers must be ≥ 1, got 0"):
        tune(load_task(reference), out=tmp_path / "runs", workers=0)


def test_a_reference_must_name_a_file(reference: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="FILE:FUNCTION"):
        tune(load_task(reference), out=tmp_path / "runs", workers=2, reference="train.py")
    assert not (tmp_path / "runs").exists()


class InReverse:
    """Stands for processes: the last run ends first, and before the `fails_at`-th end everything ends."""

    def __init__(self, task: Task, *, fails_at: int | None = None) -> None:
        self.task, self.fails_at = task, fails_at
        self.asked: list[list[RunSpec]] = []

    def warm_up(self) -> None:
        pass

    def run(self, specs: Sequence[RunSpec], *, on_step: Callable[[int, int, float], None], on_result: Callable[[int, RunResult], None]) -> list[RunResult]:
        self.asked.append(list(specs))
        for i, index in enumerate(reversed(range(len(specs)))):
            if i == self.fails_at:
                raise KeyboardInterrupt
            on_step(index, 1, 10.0)
            on_result(index, run_spec(self.task, specs[index]))
        return []


@pytest.fixture(scope="module")
def task() -> Task:
    inputs = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    targets = inputs.argmax(dim=1)
    return Task(model=lambda: nn.Linear(4, 4), train=(inputs[:40], targets[:40]), valid=(inputs[40:], targets[40:]), loss=F.cross_entropy, epochs=3)


def make_laboratory(task: Task, folder: Path, processes: InReverse | None, *, progress: Listening | None = None) -> Laboratory:
    checked = check_task(task)
    study = Study.create(folder, fingerprint="f00d", description={"full_training_examples": task.full_training_examples})
    return Laboratory(
        task=task, checked=checked, study=study, budget=1.0, seed=0, device="cpu", thresholds=DEFAULT_THRESHOLDS, progress=progress or Listening(),
        processes=processes,
    )  # fmt: skip


def make_specs(count: int) -> list[RunSpec]:
    return [RunSpec(settings=Settings(lr=0.1, batch_size=10), total_steps=2 + seed, seed=seed) for seed in range(count)]


def test_runs_come_in_the_order_of_the_specs_and_are_counted_once(task: Task, tmp_path: Path) -> None:
    heard = Listening()
    here, there = make_laboratory(task, tmp_path / "here", None), make_laboratory(task, tmp_path / "there", InReverse(task), progress=heard)
    specs = make_specs(3)
    wanted = [*specs, specs[0]]
    with here.study, there.study:
        runs = [lab.executor("search")(task, wanted) for lab in (here, there)]
        assert [run.spec for run in runs[1]] == wanted
        assert [run.curve.train_loss for run in runs[0]] == [run.curve.train_loss for run in runs[1]]
        assert here.left == there.left
        assert there.cost().search == there.study.cost().search
    assert heard.costs[-1] <= there.cost().total


def test_what_the_study_holds_is_not_made_again_and_a_single_run_stays_here(task: Task, tmp_path: Path) -> None:
    processes = InReverse(task)
    lab = make_laboratory(task, tmp_path, processes)
    specs = make_specs(4)
    with lab.study:
        lab.executor("search")(task, specs[:1])
        assert processes.asked == []
        lab.executor("search")(task, specs[:3])
        assert processes.asked == [specs[1:3]]
        lab.executor("search")(task, specs)
        assert processes.asked == [specs[1:3]]


def test_an_interrupt_loses_only_what_was_running(task: Task, tmp_path: Path) -> None:
    specs = make_specs(3)
    lab = make_laboratory(task, tmp_path, InReverse(task, fails_at=2))
    with lab.study, pytest.raises(KeyboardInterrupt):
        lab.executor("search")(task, specs)
    assert lab.cost().search == 0.0
    lab = make_laboratory(task, tmp_path, None)
    with lab.study:
        assert [lab.study.find(spec) is None for spec in specs] == [True, False, False]
        lab.executor("search")(task, specs)
        assert lab.cost() == lab.study.cost()


def test_another_task_is_never_sent(task: Task, tmp_path: Path) -> None:
    processes = InReverse(task)
    lab = make_laboratory(task, tmp_path, processes)
    with lab.study:
        runs = lab.executor("search")(dataclasses.replace(task, loss=lambda output, target: 2 * F.cross_entropy(output, target)), make_specs(2))
    assert processes.asked == []
    assert sum((run.curve.cost for run in runs), Cost()).trained_examples == 50
