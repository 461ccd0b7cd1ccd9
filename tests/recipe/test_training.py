import csv
import dataclasses
import math
from pathlib import Path

import pytest
import torch
from tests.recipe.tiny import Heard, Tuned, blobs, make_task, mlp
from torch.nn import functional as F

from tunesmith.errors import InputError, StudyError, TaskError
from tunesmith.plan import Plan, StudyOutcome
from tunesmith.recipe import train
from tunesmith.settings import Settings

PLAN = Plan(outcome=StudyOutcome.RECOMMENDED, settings=Settings(lr=0.05, batch_size=32), optimizer_name="sgd", n_train=320, total_steps=60)


def test_the_weights_are_those_that_the_curve_ends_with(tmp_path: Path) -> None:
    trained = train(make_task(), PLAN, out=tmp_path / "deep" / "er")
    model = mlp()
    model.load_state_dict(torch.load(tmp_path / "deep" / "er" / "weights.pt", weights_only=True))
    inputs, labels = blobs(128, 1)
    assert F.cross_entropy(model(inputs), labels).item() == pytest.approx(trained.valid[0], rel=1e-5)
    with (tmp_path / "deep" / "er" / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "lr", "momentum", "train_loss", "valid_loss"]
    assert [int(row["step"]) for row in rows] == list(range(1, 61))
    assert float(rows[-1]["valid_loss"]) == trained.valid[0]
    assert sum(row["valid_loss"] != "" for row in rows) == 21
    assert (trained.test, trained.seeds) == (None, (0,))


def test_with_the_seed_of_the_confirmation_it_is_the_confirmation(study: Tuned, tmp_path: Path) -> None:
    plan = Plan.load(study.folder / "plan.toml")
    assert plan.confirmed is not None
    trained = train(study.task, plan, out=tmp_path, seed=plan.confirmed.seeds[0])
    assert trained.valid[0] == plan.confirmed.valid[0]
    assert plan.confirmed.test is not None
    assert trained.test is not None
    assert trained.test[0] == plan.confirmed.test[0]


def test_several_seeds_get_a_folder_each(tmp_path: Path) -> None:
    heard = Heard()
    trained = train(make_task(), PLAN, out=tmp_path, seeds=3, seed=4, progress=heard)
    assert trained.seeds == (4, 5, 6)
    assert len(set(trained.valid)) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed-4", "seed-5", "seed-6"]
    assert all({file.name for file in path.iterdir()} == {"weights.pt", "curve.csv"} for path in tmp_path.iterdir())
    assert heard.stages == ["train"] * 3


@pytest.mark.parametrize(("schedule", "cycles", "peaks"), [("triangular", 3, 3), ("triangular2", None, 1)])
def test_another_shape_runs_over_the_plans_learning_rates(tmp_path: Path, schedule: str, cycles: int | None, peaks: int) -> None:
    heard = Heard()
    train(make_task(), PLAN, out=tmp_path, schedule=schedule, cycles=cycles, progress=heard)
    with (tmp_path / "curve.csv").open() as file:
        rates = [float(row["lr"]) for row in csv.DictReader(file)]
    assert (rates[0], rates[-1], max(rates), rates.count(0.05)) == (0.005, 0.005, 0.05, peaks)
    assert heard.messages[0].startswith("The schedule is not the plan's")
    assert heard.messages[1].startswith("Half a cycle should last 2-10 epochs, and lasts")


def test_cycles_alone_are_those_of_the_plans_schedule(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cycles must be left out where the schedule is not .* got 3 for 'one_cycle'"):
        train(make_task(), PLAN, out=tmp_path, cycles=3)
    plan = PLAN.for_schedule("triangular")
    train(make_task(), plan, out=tmp_path, cycles=3)
    with (tmp_path / "curve.csv").open() as file:
        assert [row["lr"] for row in csv.DictReader(file)].count("0.05") == 3


def test_a_plan_that_diverges_is_reported_as_not_a_number(tmp_path: Path) -> None:
    bad = dataclasses.replace(PLAN, settings=Settings(lr=1e6, batch_size=32))
    trained = train(make_task(), bad, out=tmp_path)
    assert math.isnan(trained.valid[0])
    with (tmp_path / "curve.csv").open() as file:
        assert len(list(csv.DictReader(file))) < 60


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcome": StudyOutcome.ABSTAINED, "settings": None, "advice": ("Train longer.",)}, "abstained'. Train longer"),
        ({"optimizer_name": "adamw"}, "one optimizer, got 'adamw' and 'sgd'"),
        ({"settings": Settings(batch_size=321)}, "no larger than the training set: got batch_size 321 and 320"),
        ({"settings": Settings(schedule="task")}, "must come with the task's own shape"),
        ({"settings": Settings(schedule="zigzag")}, "zigzag"),
        ({"has_custom_param_groups": True}, "param_groups"),
    ],
)
def test_a_plan_that_does_not_fit_the_task_is_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        train(make_task(), dataclasses.replace(PLAN, **changes), out=tmp_path)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seeds", [0, -1])
def test_at_least_one_training_must_be_asked_for(tmp_path: Path, seeds: int) -> None:
    with pytest.raises(InputError, match="seeds must be ≥ 1"):
        train(make_task(), PLAN, out=tmp_path, seeds=seeds)


def test_a_task_that_cannot_be_trained_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    inputs, labels = blobs(320)
    with pytest.raises(TaskError, match="trainable"):
        train(make_task(train=(inputs[:, :3], labels)), PLAN, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(StudyError, match="Weights must be writable"):
        train(make_task(), PLAN, out=tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"
