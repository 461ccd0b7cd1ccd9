import dataclasses

import pytest
import torch
from tests.probes.contract import ProbeContract
from tests.probes.test_lr_range import bowl
from tests.probes.watched import Recorder, Watched
from tests.recipe.tiny import INPUTS, accuracy, blobs, make_task
from torch.nn import functional

from tunesmith import probes
from tunesmith.errors import BudgetError, InputError, TaskError
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.reading import read_conditions
from tunesmith.settings import RunKind, RunSpec, Settings
from tunesmith.task import Metric, Task

SWEEP = {"end_lr": 0.2, "steps": 24}
SETTINGS = Settings(batch_size=8, momentum=0.95, min_momentum=0.85)


class TestLrRangeUnder(ProbeContract):
    n_arms, updates, evaluated = 3, 3 * 24, 3 * 4 * 16

    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        conditions = {"as it is": {}, "decay": {"weight_decay": 0.01}, "changed": dataclasses.replace(task, epochs=11)}
        return probes.lr_range_under(task, conditions, SETTINGS, seed=seed, evaluations=3, valid_examples=16, execute=execute, **SWEEP)


def specs(conditions: dict, **options: object) -> list[RunSpec]:
    recorder = Recorder()
    probes.lr_range_under(Watched().task(), conditions, SETTINGS, execute=recorder, **{**SWEEP, **options})  # type: ignore[arg-type]
    return recorder.specs


def test_a_condition_replaces_its_fields_and_no_others() -> None:
    (decay, cycle, constant, batch) = specs(
        {"decay": {"weight_decay": 0.1}, "cycle": {"momentum": 0.9, "min_momentum": 0.8}, "constant": {"momentum": 0.5}, "batch": {"batch_size": 16}}
    )
    swept = dataclasses.replace(SETTINGS, lr=0.2, min_lr=0.0)
    assert decay.settings == dataclasses.replace(swept, weight_decay=0.1)
    assert cycle.settings == dataclasses.replace(swept, momentum=0.9, min_momentum=0.8)
    assert constant.settings == dataclasses.replace(swept, momentum=0.5, min_momentum=None)
    assert batch.settings == dataclasses.replace(swept, batch_size=16)
    assert {spec.total_steps for spec in (decay, cycle, constant, batch)} == {24}
    assert {(spec.kind, spec.condition, spec.reestimates_norm) for spec in (decay, cycle, constant, batch)} == {(RunKind.LINEAR_RAMP, "", True)}


def test_the_value_of_an_arm_is_the_number_that_sets_it_apart() -> None:
    conditions = {"one": {"weight_decay": 0.1}, "two": {"momentum": 0.9, "min_momentum": 0.8}, "none": {}}
    experiment = probes.lr_range_under(Watched().task(), conditions, SETTINGS, execute=Recorder(), **SWEEP)
    assert [(arm.label, arm.value) for arm in experiment.arms] == [("one", 0.1), ("two", None), ("none", None)]


def test_repeats_are_further_seeds_of_the_same_conditions() -> None:
    conditions = {"a": {}, "b": {"weight_decay": 0.1}}
    experiment = probes.lr_range_under(Watched().task(), conditions, SETTINGS, seed=4, repeats=2, execute=Recorder(), **SWEEP)
    assert [(arm.label, arm.run.spec.seed) for arm in experiment.arms] == [("a", 4), ("a", 5), ("b", 4), ("b", 5)]


def test_a_changed_task_is_trained_and_named_in_its_runs() -> None:
    first, second = Watched(), Watched()
    experiment = probes.lr_range_under(first.task(), {"changed": second.task(), "as it is": {}}, SETTINGS, **SWEEP)
    assert [arm.run.spec.condition for arm in experiment.arms] == ["changed", ""]
    assert len({arm.run.spec.key for arm in experiment.arms}) == 2
    assert [len(watched.logs) for watched in (first, second)] == [1, 1]


def test_without_an_end_every_condition_gets_a_bracket_and_all_share_one_end() -> None:
    task = make_task()
    experiment = probes.lr_range_under(task, {"light": {"weight_decay": 0.0}, "heavy": {"weight_decay": 0.5}}, steps=30, evaluations=0)
    kinds = [arm.run.spec.kind for arm in experiment.arms]
    assert kinds == [RunKind.LINEAR_RAMP] * 2 + [RunKind.EXPONENTIAL_RAMP] * 2
    assert len({arm.run.spec.settings.lr for arm in experiment.arms[:2]}) == 1
    assert experiment.arms[0].run.spec.settings.lr < 30


def test_a_task_and_its_conditions_are_enough() -> None:
    task = dataclasses.replace(make_task(epochs=4), conditions={"narrow": lambda: torch.nn.Linear(INPUTS, 4)})
    experiment = probes.lr_range_under(task, {"as it is": {}, **probes.named_conditions(task)}, valid_examples=16)
    assert [arm.label for arm in experiment.arms] == ["as it is", "narrow", "as it is, exponential", "narrow, exponential"]
    assert experiment.arms[0].run.spec.settings.batch_size == task.reference_batch_size
    assert experiment.arms[0].run.spec.total_steps == 100


def test_a_range_test_of_a_task_alone_finds_its_end() -> None:
    experiment = probes.lr_range(make_task(epochs=4))
    assert [arm.run.spec.kind for arm in experiment.arms] == [RunKind.LINEAR_RAMP, RunKind.EXPONENTIAL_RAMP]


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({}, "at least one, got none"),
        ({"": {}}, "name must be a few words"),
        ({"lr": {"lr": 0.1}}, "'lr' changes lr"),
        ({"x": {"decay": 0.1}}, "must change batch_size, min_momentum, momentum, weight_decay, and 'x' changes decay"),
        ({"x": {"weight_decay": -1.0}}, "Condition 'x': Settings.weight_decay must be finite"),
        ({"x": {"momentum": 0.5, "min_momentum": 0.9}}, r"Condition 'x': Settings.min_momentum must be in \[0, momentum\]"),
        ({"x": {"batch_size": 97}}, "at most the 96 training examples, got 97"),
        ({"x": 0.1}, "'x' is a float"),
        ({"a": {}, "b": {"weight_decay": 0.0}}, "'a' and 'b' are the same"),
    ],
)
def test_conditions_that_cannot_be_tried_are_refused_before_anything_is_trained(conditions: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        specs(conditions)


def test_lengths_that_cannot_be_tried_are_refused() -> None:
    with pytest.raises(BudgetError, match="at least 20 steps"):
        specs({"a": {}}, steps=19)
    with pytest.raises(InputError, match="start_lr < end_lr"):
        specs({"a": {}}, start_lr=0.3)
    with pytest.raises(InputError, match="repeats must be ≥ 1"):
        specs({"a": {}}, repeats=0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimizer": "adam"}, "same optimizer, and 'x' has 'adam'"),
        ({"valid": blobs(64)}, "same shape of validation data"),
        ({"loss": functional.nll_loss}, "same loss, and 'x' has another than the first. Make it by .* the network or the augmentation alone"),
        ({"loss": None, "training_step": lambda *_: None, "evaluation_step": lambda *_: {}}, "same loss"),
    ],
)
def test_a_task_that_cannot_be_compared_is_refused(changes: dict, words: str) -> None:
    task = make_task()
    with pytest.raises(TaskError, match=words):
        probes.lr_range_under(task, {"x": dataclasses.replace(task, **changes)}, execute=Recorder(), **SWEEP)


def test_the_measure_is_held_by_identity_or_equality() -> None:
    task = make_task(metrics={"accuracy": Metric(fn=accuracy, higher_is_better=True)}, goal="accuracy")
    same = dataclasses.replace(task, metrics={"accuracy": Metric(fn=accuracy, higher_is_better=True)})
    assert probes.lr_range_under(task, {"x": same}, execute=Recorder(), **SWEEP).arms
    other = dataclasses.replace(task, metrics={"accuracy": Metric(fn=lambda *_: 0.0, higher_is_better=True)})
    with pytest.raises(TaskError, match="same metric 'accuracy'"):
        probes.lr_range_under(task, {"x": other}, execute=Recorder(), **SWEEP)
    step = Watched().task()
    with pytest.raises(TaskError, match="same evaluation_step"):
        probes.lr_range_under(step, {"x": dataclasses.replace(step, evaluation_step=lambda *_: {})}, execute=Recorder(), **SWEEP)


def test_named_conditions_are_those_of_the_task() -> None:
    task = dataclasses.replace(make_task(), conditions={"narrow": lambda: torch.nn.Linear(INPUTS, 4)})
    assert list(probes.named_conditions(task)) == list(probes.named_conditions(task, ["narrow"])) == ["narrow"]
    with pytest.raises(InputError, match="must name one of 'narrow', got 'wide'"):
        probes.named_conditions(task, ["wide"])
    with pytest.raises(InputError, match="it has none"):
        probes.named_conditions(make_task())


@pytest.mark.parametrize("seed", range(3))
def test_on_a_quadratic_the_condition_with_the_farther_stability_limit_wins(seed: int) -> None:
    """Heavy ball is stable up to 2(1+m)/h, so momentum .5 stands half as much again as plain descent: each tolerated rate within a tenth of its limit."""
    task = dataclasses.replace(bowl(1.0), training_step=lambda model, batch: model.w.square().sum() / 2 + 0.03 * batch[0].mean(0) @ model.w)
    conditions = {"plain": {"momentum": 0.0}, "heavy": {"momentum": 0.5}}
    reading = read_conditions(probes.lr_range_under(task, conditions, Settings(batch_size=16), end_lr=4.0, steps=300, seed=seed))
    assert (reading.outcome, reading.best) == ("found", "heavy")
    assert {found.label: found.tolerated_lr for found in reading.conditions} == {"heavy": pytest.approx(3.0, rel=0.1), "plain": pytest.approx(2.0, rel=0.13)}
