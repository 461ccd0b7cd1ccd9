import dataclasses

import pytest
import torch
from tests.probes.contract import ProbeContract
from tests.probes.watched import Recorder, Watched
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, StepLR

from tunesmith import probes
from tunesmith.curve import RunOutcome
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.settings import RunKind, Settings
from tunesmith.task import Task


class TestConfirm(ProbeContract):
    n_arms, updates, evaluated = 2, 2 * 20, 2 * 4 * 32
    are_arms_paired = False

    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        settings = Settings(lr=0.05, batch_size=8)
        return probes.confirm(task, settings, total_steps=20, seeds=(seed, seed + 100), evaluations=3, execute=execute)


class TestCurrent(ProbeContract):
    n_arms, updates, evaluated = 2, 2 * 12, 2 * 4 * 32
    are_arms_paired = False

    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        return probes.current(task, seeds=(seed, seed + 100), evaluations=3, execute=execute)


def test_the_plan_trains_as_a_users_own_loop_would() -> None:
    recorder = Recorder()
    probes.confirm(Watched().task(), Settings(batch_size=8), total_steps=20, seeds=(1,), execute=recorder)
    (spec,) = recorder.specs
    assert not spec.reestimates_norm
    assert spec.keeps_weights
    assert spec.valid_examples is None
    assert not spec.evaluates_test  # the task has none


def test_the_test_set_is_evaluated_once_where_there_is_one() -> None:
    watched = Watched()
    task = dataclasses.replace(watched.task(), test=watched.valid)
    curve = probes.confirm(task, Settings(batch_size=8), total_steps=20, seeds=(1,), evaluations=0).arms[0].run.curve
    assert curve.test == {"loss": pytest.approx(curve.valid_loss[-1])}
    assert curve.cost.evaluated_examples == 2 * 32


def test_current_settings_are_measured_exactly_as_given() -> None:
    recorder = Recorder()
    probes.current(Watched().task(), seeds=(4,), execute=recorder)
    (spec,) = recorder.specs
    assert spec.settings == Settings(lr=0.1, batch_size=8, epochs=1)
    assert (spec.total_steps, spec.kind, spec.seed) == (12, RunKind.CYCLE, 4)
    assert not spec.stops_when_diverged


def test_current_settings_without_a_length_train_for_the_tasks() -> None:
    recorder = Recorder()
    probes.current(dataclasses.replace(Watched().task(), current=Settings(batch_size=24)), seeds=(4,), execute=recorder)
    assert recorder.specs[0].total_steps == 40


def test_a_maker_brings_its_own_optimizer_and_schedule() -> None:
    def current(model: nn.Module) -> tuple[torch.optim.Optimizer, LRScheduler | None]:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.25)
        return optimizer, StepLR(optimizer, step_size=6, gamma=0.1)

    task = dataclasses.replace(Watched().task(), current=current)
    (arm,) = probes.current(task, seeds=(0,)).arms
    assert arm.run.spec.kind is RunKind.CURRENT
    assert arm.run.curve.lr[:13] == pytest.approx([0.25] * 6 + [0.025] * 6 + [0.0025])
    assert len(arm.run.curve.lr) == task.steps_at(64)


def test_current_settings_that_diverge_are_trained_to_the_end() -> None:
    (arm,) = probes.current(Watched(explodes_after=3).task(), seeds=(0,)).arms
    assert arm.run.curve.outcome is RunOutcome.FINISHED
    assert len(arm.run.curve.train_loss) == 12
