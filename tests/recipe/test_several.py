import dataclasses
import functools
from pathlib import Path

import pytest
from tests.probes.test_capacity import widths
from tests.recipe.tiny import CLASSES, INPUTS, Heard, make_task
from torch import nn

from tunesmith.cost import FORWARD_SHARE
from tunesmith.errors import InputError, StudyError, TaskError
from tunesmith.recipe import several, single
from tunesmith.recipe.allowance import SINGLE_VALIDATION_SHARE
from tunesmith.settings import RunKind
from tunesmith.study import Study
from tunesmith.task import Task

DECAYS = {"weight_decay 0.0001": {"weight_decay": 1e-4}, "weight_decay 0.1": {"weight_decay": 0.1}}


def dropping(share: float) -> nn.Module:
    return nn.Sequential(nn.Linear(INPUTS, 16), nn.ReLU(), nn.Dropout(share), nn.Linear(16, CLASSES))


def with_conditions(share: float = 0.5) -> Task:
    return dataclasses.replace(make_task(), conditions={"dropout": functools.partial(dropping, share), "none": functools.partial(dropping, 0.0)})


def test_conditions_are_swept_read_and_kept(tmp_path: Path) -> None:
    reading = several.lr_range_under(make_task(), DECAYS, out=tmp_path / "study")
    assert {condition.label for condition in reading.conditions} == set(DECAYS)
    assert reading.outcome in ("found", "no_difference")
    assert (tmp_path / "study" / "report.html").exists()
    with Study.open(tmp_path / "study") as study:
        brackets, under = study.experiments()
    assert (brackets.probe, under.probe, len(under.arms)) == ("bracket", "lr_range_under", 2)
    assert under.findings == reading.findings
    assert len({arm.run.spec.settings.lr for arm in under.arms}) == 1


def test_an_overlay_that_shows_no_difference_is_made_once_more_twice_as_far(tmp_path: Path) -> None:
    """The bracket goes to .23 here, half of which is too early to see an edge; two decays of next to nothing cannot be told apart."""
    heard = Heard()
    conditions = {"none": {"weight_decay": 0.0}, "next to none": {"weight_decay": 1e-6}}
    several.lr_range_under(make_task(), conditions, out=tmp_path / "study", progress=heard)
    assert heard.stages == ["bracket", "lr_range_under", "lr_range_under"]
    with Study.open(tmp_path / "study") as study:
        brackets, under = study.experiments()
        ends = [stored.run.spec.settings.lr for stored in study.runs() if stored.run.spec.kind is RunKind.LINEAR_RAMP]
    assert f"end at {ends[0]:.2g}" in brackets.verdict
    assert ends == [ends[0]] * 2 + [2 * ends[0]] * 2
    assert [arm.run.spec.settings.lr for arm in under.arms] == ends[2:]
    given = Heard()
    several.lr_range_under(make_task(), conditions, out=tmp_path / "given", end_lr=ends[0], progress=given)
    assert given.stages == ["lr_range_under"]


def test_the_same_command_again_reads_and_does_not_train(tmp_path: Path) -> None:
    options = {"names": None, "end_lr": 0.5, "steps": 30, "out": tmp_path / "study"}
    first, again = Heard(), Heard()
    reading = several.lr_range_under(with_conditions(), DECAYS, progress=first, **options)
    assert [condition.label for condition in several.lr_range_under(with_conditions(), DECAYS, progress=again, **options).conditions] == [
        condition.label for condition in reading.conditions
    ]
    assert {condition.label for condition in reading.conditions} == {"as given", "dropout", "none", *DECAYS}
    assert any("dropout" in label for label in first.labels)
    assert again.costs == []
    more = Heard()
    several.lr_range_under(with_conditions(), DECAYS | {"batch 32": {"batch_size": 32}}, progress=more, **options)
    assert more.updates == 30
    with Study.open(tmp_path / "study") as study:
        assert len(study.runs()) == 6
        assert study.cost().search > 0


def test_a_condition_that_became_another_is_refused(tmp_path: Path) -> None:
    options = {"names": ["dropout"], "end_lr": 0.5, "steps": 30, "out": tmp_path / "study"}
    several.lr_range_under(with_conditions(0.5), {}, **options)
    heard = Heard()
    with pytest.raises(StudyError, match="holds runs of another 'dropout'"):
        several.lr_range_under(with_conditions(0.2), {}, progress=heard, **options)
    assert heard.costs == []


@pytest.mark.parametrize(
    ("conditions", "options", "words"),
    [
        ({}, {}, "at least one, got none"),
        ({}, {"names": ["dropuot"]}, "must name one of 'dropout', 'none', got 'dropuot'"),
        ({"dropout": {"weight_decay": 1.0}}, {"names": ["dropout"]}, "names of their own"),
        ({"batch": {"batch_size": 321}}, {}, "at most the 320"),
        (DECAYS, {"steps": 5, "end_lr": 1.0}, "at least 20 steps"),
        (DECAYS, {"repeats": 0, "end_lr": 1.0}, "repeats must be ≥ 1"),
    ],
)
def test_conditions_that_cannot_be_tried_are_refused(tmp_path: Path, conditions: dict, options: dict, words: str) -> None:
    heard = Heard()
    with pytest.raises(InputError, match=words):
        several.lr_range_under(with_conditions(), conditions, out=tmp_path / "study", progress=heard, **options)
    assert heard.costs == []


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    single.lr_range(make_task(), out=tmp_path / "study", end_lr=0.5, steps=20)
    with pytest.raises(StudyError, match="one of 'lr_range', not 'lr_range_under'"):
        several.lr_range_under(make_task(), DECAYS, out=tmp_path / "study")


@pytest.mark.parametrize("probe", ["lr_range", "under", "min_lr"])
def test_validation_costs_at_most_a_quarter_of_the_updates(tmp_path: Path, probe: str) -> None:
    task, options = make_task(), {"out": tmp_path / "study", "batch_size": 8}
    if probe == "lr_range":
        single.lr_range(task, end_lr=0.5, **options)
    elif probe == "under":
        several.lr_range_under(task, DECAYS | {"batch 64": {"batch_size": 64}}, end_lr=0.5, **options)
    else:
        single.min_lr(task, max_lr=0.3, **options)
    with Study.open(tmp_path / "study") as study:
        for run in (stored.run for stored in study.runs()):
            trained = run.spec.total_steps * run.spec.settings.batch_size
            cost = FORWARD_SHARE * (run.spec.evaluations + 1) * (run.spec.valid_examples or 0)
            assert 0 < cost <= SINGLE_VALIDATION_SHARE * trained
            assert run.spec.evaluations >= 5 or trained < 1000


def test_networks_are_run_read_and_kept(tmp_path: Path) -> None:
    tasks = widths(make_task(), 1, 16)
    reading = several.capacity(tasks, out=tmp_path / "study", steps=80)
    assert [network.label for network in reading.networks] == ["width 1", "width 16"]
    assert [network.n_parameters for network in reading.networks] == [17, 212]
    with Study.open(tmp_path / "study") as study:
        (experiment,) = study.experiments()
        assert sum(arm.run.spec.kind is RunKind.CYCLE for arm in experiment.arms) == 4
    again = Heard()
    assert several.capacity(tasks, out=tmp_path / "study", steps=80, progress=again) == reading
    assert again.costs == []
    with pytest.raises(StudyError, match="another 'width 16'"):
        several.capacity({"width 1": tasks["width 1"], "width 16": widths(make_task(), 15)["width 15"]}, out=tmp_path / "study", steps=80)


def test_networks_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least two networks"):
        several.capacity([make_task()], out=tmp_path / "study")
    with pytest.raises(TaskError, match="same optimizer"):
        several.capacity([make_task(), make_task(optimizer="adam")], out=tmp_path / "study")


def test_a_rate_at_the_limit_gets_a_second_seed(tmp_path: Path) -> None:
    """The peak is above the edge, so the largest rates are lost or unstable, and the limit lies among them."""
    reading = single.min_lr(make_task(), out=tmp_path / "study", max_lr=3.0, steps=100)
    with Study.open(tmp_path / "study") as study:
        (experiment,) = study.experiments()
    seeds = [arm.run.spec.seed for arm in experiment.arms]
    assert seeds[:5] == [0] * 5
    assert seeds[5:]
    assert set(seeds[5:]) == {1}
    assert reading.outcome == "found"
