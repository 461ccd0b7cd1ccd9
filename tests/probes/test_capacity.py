import dataclasses
import functools
import math

import pytest
import torch
from tests.probes.contract import ProbeContract
from tests.probes.watched import Recorder
from tests.recipe.tiny import CLASSES, INPUTS, blobs, make_task
from torch import nn
from torch.nn import functional as F

from tunesmith import probes
from tunesmith.errors import BudgetError, InputError, TaskError
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.reading import read_capacity
from tunesmith.settings import RunKind, Settings
from tunesmith.task import Task


class TestCapacity(ProbeContract):
    n_arms, updates, evaluated = 2, 2 * 20, 2 * 4 * 16

    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        return probes.capacity(
            {"small": task, "large": dataclasses.replace(task)}, Settings(batch_size=8), total_steps=20, repeats=1, seed=seed,
            max_lrs={"small": 0.1, "large": 0.1}, sizes={"small": 10, "large": 20}, evaluations=3, valid_examples=16, execute=execute,
        )  # fmt: skip


def width(hidden: int) -> nn.Module:
    return nn.Sequential(nn.Linear(INPUTS, hidden), nn.ReLU(), nn.Linear(hidden, CLASSES))


def widths(task: Task, *hidden: int) -> dict[str, Task]:
    return {f"width {number}": dataclasses.replace(task, model=functools.partial(width, number)) for number in hidden}


def test_each_network_gets_a_rate_of_its_own_and_all_share_the_seeds() -> None:
    experiment = probes.capacity(widths(make_task(), 16, 2), total_steps=60, valid_examples=64)
    kinds = [(arm.label, str(arm.run.spec.kind), arm.run.spec.seed) for arm in experiment.arms]
    expected = [("exponential_ramp", 0), ("linear_ramp", 0), ("cycle", 0), ("cycle", 1)]
    assert kinds == [(label, kind, seed) for label in ("width 2", "width 16") for kind, seed in expected]
    assert [arm.value for arm in experiment.arms] == [30.0] * 4 + [212.0] * 4
    rates = {arm.label: arm.run.spec.settings.lr for arm in experiment.arms if arm.run.spec.kind is RunKind.CYCLE}
    assert len(set(rates.values())) == 2
    assert all(arm.run.spec.condition == arm.label for arm in experiment.arms)


def test_tasks_without_names_are_named_by_their_size() -> None:
    task = make_task()
    tasks = [dataclasses.replace(task, model=functools.partial(width, hidden)) for hidden in (2, 16, 2)]
    recorder = Recorder()
    rates = {"30 parameters": 0.1, "212 parameters": 0.1, "30 parameters, network 3": 0.1}
    experiment = probes.capacity(tasks, total_steps=20, repeats=1, max_lrs=rates, execute=recorder)
    assert [arm.label for arm in experiment.arms] == ["30 parameters", "30 parameters, network 3", "212 parameters"]


def test_a_network_whose_range_test_suggests_nothing_gets_no_runs() -> None:
    task = make_task()
    tasks = widths(task, 2) | {"dead": dataclasses.replace(task, model=Dead)}
    experiment = probes.capacity(tasks, total_steps=30, repeats=1)
    assert [str(arm.run.spec.kind) for arm in experiment.arms if arm.label == "dead"] == ["exponential_ramp", "linear_ramp"]


class Dead(nn.Module):
    """Gives the same whatever it learns."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(100))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(inputs), CLASSES) + 0 * self.w.sum()


def test_a_length_is_an_eighth_of_a_training_unless_given() -> None:
    recorder = Recorder()
    tasks = widths(make_task(epochs=320), 2, 4)
    probes.capacity(tasks, Settings(batch_size=16), repeats=1, max_lrs=dict.fromkeys(tasks, 0.1), execute=recorder)
    assert {spec.total_steps for spec in recorder.specs} == {800}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"tasks": {}}, InputError, "at least two networks, got 0"),
        ({"tasks": [make_task()]}, InputError, "at least two networks, got 1"),
        ({"tasks": [make_task(), 3]}, InputError, "must be given tasks, got a int"),
        ({"tasks": {"a": make_task(), "b": 3}}, InputError, "'b' names a int"),
        ({"tasks": {"a": make_task(), " ": make_task()}}, InputError, "' ' names a Task"),
        ({"tasks": {"a": make_task(), "b": make_task(valid=blobs(64))}}, TaskError, "same shape of validation data"),
        ({"repeats": 0}, InputError, "repeats must be ≥ 1"),
        ({"total_steps": 19}, BudgetError, "at least 20 steps"),
        ({"max_lrs": {"wide": 0.1}}, InputError, "max_lrs must name networks among .*, got 'wide'"),
        ({"max_lrs": {"a": math.nan}}, InputError, "lr must be finite"),
        ({"sizes": {"a": 3}}, InputError, "sizes must name the networks"),
    ],
)
def test_a_series_that_cannot_be_tried_is_refused_before_anything_is_trained(change: dict, error: type[Exception], words: str) -> None:
    recorder = Recorder()
    options = {"tasks": {"a": make_task(), "b": make_task()}, "total_steps": 30, **change}
    with pytest.raises(error, match=words):
        probes.capacity(options.pop("tasks"), execute=recorder, **options)
    assert recorder.specs == []


def waves(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A straight line plus a wave plus noise: a network without hidden units misses the wave, a large one learns the noise of few examples."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(n, 4, generator=generator)
    return inputs, inputs[:, :1] + 1.5 * torch.sin(2 * inputs[:, 1:2]) + 0.7 * torch.randn(n, 1, generator=generator)


def layers(hidden: int) -> nn.Module:
    return nn.Sequential(nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)) if hidden else nn.Linear(4, 1)


@pytest.mark.parametrize("seed", [0, 10])
def test_on_few_noisy_data_small_networks_underfit_and_large_ones_overfit(seed: int) -> None:
    """The falling, the level and the rising part, on data with a known answer: both seeds (seen: 4 of 4, the differences 3 to 8 times the noise)."""
    task = make_task(train=waves(192, 0), valid=waves(1024, 1), epochs=800, loss=F.mse_loss)
    tasks = {f"width {hidden}": dataclasses.replace(task, model=functools.partial(layers, hidden)) for hidden in (0, 4, 20)}
    rates = {"width 0": 0.03, "width 4": 0.07, "width 20": 0.07}
    reading = read_capacity(probes.capacity(tasks, Settings(batch_size=32), total_steps=900, seed=seed, max_lrs=rates))
    assert (reading.outcome, reading.best) == ("found", "width 4")
    assert [network.part for network in reading.networks] == ["falling", "level", "rising"]
    assert [finding.kind for finding in reading.findings] == ["capacity", "underfitting", "overfitting"]
