"""The bench of the report's MNIST row: its arithmetic, what its keys and schedules say, and its steps on a few hundred images."""

import contextlib
import io
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from benchmarks.mnist_row.__main__ import main
from benchmarks.mnist_row.arms import Arm, Size, baselines, carried, inv
from benchmarks.mnist_row.summary import paired, result_of
from benchmarks.mnist_row.table import table
from benchmarks.mnist_row.task import caffe_groups, make_model, task, whole_task
from benchmarks.mnist_row.tuning import plans
from benchmarks.proof.cache import Rows

from tunesmith.plan import Plan, StudyOutcome
from tunesmith.schedules import total_decay
from tunesmith.settings import Settings

FEW = Size(n_images=480, epochs=1.0)
PLAN = Plan(
    outcome=StudyOutcome.RECOMMENDED,
    settings=Settings(lr=0.02, momentum=0.95, min_momentum=0.85, weight_decay=1e-3, batch_size=44),
    optimizer_name="sgd",
    n_train=440,
    total_steps=10,
    has_custom_param_groups=True,
)
MACHINE = {"date": "1", "commit": "a", "processor": "p", "cores": 2, "python": "3", "versions": {}}


def bench(folder: Path, *options: str) -> tuple[int, str]:
    heard = io.StringIO()
    places = ["--rows", str(folder / "rows.jsonl"), "--out", str(folder), "--study", str(folder / "study")]
    with contextlib.redirect_stderr(heard), contextlib.redirect_stdout(io.StringIO()):
        code = main([*options, *places, "--images", str(FEW.n_images), "--epochs", str(FEW.epochs), "--seeds", "2"])
    return code, heard.getvalue()


def put_plan(rows: Rows, plan: Plan) -> Arm:
    rows.put(
        FEW.to_key() | {"step": "tune", "recipe": "report", "budget": 1.0, "seed": 0, "package": "0123abcd", "goal": "loss"},
        {"plan": plan.to_dict(), "machine": MACHINE},
    )
    ((name, kept),) = plans(rows, FEW).items()
    arm = carried(kept, FEW, name=name)
    assert arm is not None
    return arm


def put_training(rows: Rows, arm: Arm, *, seed: int, accuracy: float | None) -> None:
    test = None if accuracy is None else {"loss": 1 - accuracy, "accuracy": accuracy}
    fitted = None if accuracy is None else 0.1
    rows.put(arm.key(FEW, seed=seed), {"outcome": "finished", "test": test, "trained_images_loss": fitted, "seconds": 1.0, "machine": MACHINE})


def page(rows: Rows) -> str:
    found = plans(rows, FEW)
    tuned = [result for name, plan in found.items() if (arm := carried(plan, FEW, name=name)) and (result := result_of(rows, arm, FEW, seeds=range(4)))]
    standard = [result for arm in baselines(FEW) if (result := result_of(rows, arm, FEW, seeds=range(4)))]
    return table(baselines=standard, tuned=tuned, plans=found, size=FEW, command="c", machines=[MACHINE])


def test_the_standard_settings_are_the_reports_for_as_many_epochs() -> None:
    of_report, of_caffe = baselines(Size())
    assert (of_report.total_steps, of_caffe.total_steps) == (1406, 11250)
    assert (of_report.settings.lr, of_report.settings.momentum, of_report.settings.weight_decay) == (0.01, 0.9, 5e-4)
    assert inv(0, 1) == 1
    assert inv(11250, 1) == pytest.approx(2.125**-0.75)


def test_every_parameter_decays_and_biases_learn_twice_as_fast() -> None:
    model = make_model()
    weights, biases = caffe_groups(model)
    assert sum(part.numel() for part in model.parameters()) == 431_080
    assert [len(group["params"]) for group in (weights, biases)] == [4, 4]
    assert (weights["lr_scale"], biases["lr_scale"], weights["weight_decay_scale"], biases["weight_decay_scale"]) == (1, 2, 1, 1)


def test_weights_begin_as_caffes_do() -> None:
    for name, parameter in make_model().named_parameters():
        if name.endswith("bias"):
            assert not parameter.any()
        else:
            bound = math.sqrt(3 / parameter[0].numel())
            assert 0.9 * bound < float(parameter.detach().abs().max()) <= bound


def test_a_plan_is_carried_to_all_images_with_its_epochs_and_total_decay() -> None:
    long = replace(PLAN, total_steps=1000)
    arm = carried(long, FEW, name="plan")
    assert arm is not None
    assert arm.total_steps == 1091  # a hundred epochs of 480 in batches of 44
    assert arm.settings.weight_decay == pytest.approx(1e-3 * 1000 / 1091)
    assert total_decay(arm.settings, total_steps=arm.total_steps, optimizer_name="sgd") == pytest.approx(long.total_decay, rel=1e-3)


def test_a_plan_without_settings_is_no_arm() -> None:
    abstained = Plan(outcome=StudyOutcome.ABSTAINED, settings=None, optimizer_name="sgd", n_train=440, total_steps=0)
    assert carried(abstained, FEW, name="plan") is None


def test_pairs_are_of_the_seeds_that_both_have() -> None:
    found = paired({0: 2.0, 1: 4.0, 5: 9.0}, {0: 1.0, 1: 1.0, 6: 0.0})
    assert found is not None
    assert (found.n, found.mean, found.won) == (2, 2.0, 2)
    assert found.interval == pytest.approx((2 - 12.706, 2 + 12.706), abs=0.01)
    assert paired({0: 1.0}, {1: 1.0}) is None
    lost = paired({0: math.inf, 1: 1.0}, {0: 1.0, 1: 1.0})
    assert lost is not None
    assert lost.interval is None


def test_the_page_says_whether_the_bar_is_met(tmp_path: Path) -> None:
    rows = Rows(tmp_path / "rows.jsonl")
    arm = put_plan(rows, PLAN)
    for seed in range(4):
        put_training(rows, baselines(FEW)[0], seed=seed, accuracy=0.985 + 1e-4 * seed)
        put_training(rows, baselines(FEW)[1], seed=seed, accuracy=0.9925 - 1e-3 * (seed % 2))
        put_training(rows, arm, seed=seed, accuracy=0.992 + 1.2e-4 * seed)
    text = page(rows)
    assert "mean accuracy 99.218 % is at least 99.15 %, better than standard settings, batch 512, not to be told from standard settings, batch 64." in text
    assert "4 of 4" in text


def test_a_lost_training_counts_as_no_accuracy(tmp_path: Path) -> None:
    rows = Rows(tmp_path / "rows.jsonl")
    arm = put_plan(rows, PLAN)
    for seed in range(2):
        put_training(rows, baselines(FEW)[0], seed=seed, accuracy=0.5)
        put_training(rows, arm, seed=seed, accuracy=None if seed else 0.9)
    assert "90.00 0.00 | ∞ |" in page(rows)
    assert "is below 99.15 %" in page(rows)


def test_tuning_sees_no_test_set_and_the_last_training_sees_all_images(data_folder: Path) -> None:
    assert data_folder.is_dir()
    tuned, whole = task(n_images=480), whole_task(n_images=480)
    assert tuned.test is None
    assert tuned.current is None
    assert (tuned.n_train, tuned.n_valid, whole.n_train) == (440, 40, 480)
    assert isinstance(tuned.train, tuple)
    assert isinstance(tuned.valid, tuple)
    assert isinstance(whole.train, tuple)
    assert torch.equal(torch.cat([tuned.train[1], tuned.valid[1]]), whole.train[1])
    assert float(tuned.train[0].max()) < 1


def test_steps_go_on_where_they_were_and_the_page_comes_from_the_rows(data_folder: Path, tmp_path: Path) -> None:
    assert data_folder.is_dir()
    rows = tmp_path / "rows.jsonl"
    code, heard = bench(tmp_path, "--step", "retrain", "--recipe", "report", "--goal", "loss")
    assert code == 2
    assert "Run --step tune first." in heard
    put_plan(Rows(rows), PLAN)
    code, heard = bench(tmp_path, "--step", "retrain", "--recipe", "report", "--goal", "loss")
    assert (code, heard.count("seed ")) == (0, 2)
    whole = rows.read_text()
    rows.write_text("\n".join(whole.splitlines()[:-1]) + "\n")  # killed before the last training
    code, heard = bench(tmp_path, "--step", "retrain", "--recipe", "report", "--goal", "loss")
    assert (code, heard.count("seed ")) == (0, 1)
    assert [line.split('"seconds"')[0] for line in rows.read_text().splitlines()] == [line.split('"seconds"')[0] for line in whole.splitlines()]
    made = (tmp_path / "mnist_row.md").read_text()
    assert bench(tmp_path, "--cached") == (0, "")
    assert "tuned by report for loss (code 0123abcd)" in made


def test_tuning_leaves_a_plan_or_says_why_not(data_folder: Path, tmp_path: Path) -> None:
    assert data_folder.is_dir()
    code, heard = bench(tmp_path, "--step", "tune", "--recipe", "report")
    assert code == 0, heard
    found = plans(Rows(tmp_path / "rows.jsonl"), FEW)
    assert len(found) == 1
    assert (tmp_path / "study" / "plan.toml").exists()
    assert "## Tunings" in (tmp_path / "mnist_row.md").read_text()
    assert bench(tmp_path, "--step", "tune", "--recipe", "nothing")[0] == 2
