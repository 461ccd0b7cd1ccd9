"""Steps that repeat, go back, begin again or are not there."""

from pathlib import Path

import pytest

from tunesmith.integrations.logs import from_columns, read_log
from tunesmith.log import StepUnit


def test_a_step_that_comes_again_with_another_value_replaces_it() -> None:
    (log,) = from_columns({"step": [1, 2, 2, 3, 4], "loss": [5.0, 4, 3.5, 3, 2]})
    assert log.train_loss.to_dict() == {"step": [1.0, 2.0, 3.0, 4.0], "value": [5.0, 3.5, 3.0, 2.0]}
    assert "1 of 5 rows repeat a step with another value, and the later counts." in log.notes


def test_the_same_number_twice_is_not_worth_a_word() -> None:
    (log,) = from_columns({"step": [1, 2, 3, 4, 5, 5], "loss": [5.0, 4, 3.5, 3, 2, 2]})
    assert len(log.train_loss) == 5
    assert log.notes == ()


def test_a_run_taken_up_again_is_one_run_and_its_later_rows_count() -> None:
    steps = [*range(1, 101), *range(81, 151), *range(141, 201)]
    (log,) = from_columns({"step": steps, "loss": [float(i) for i in range(len(steps))]})
    assert log.train_loss.step.tolist() == list(range(1, 201))
    assert log.train_loss.value[79:82].tolist() == [79.0, 100.0, 101.0]
    assert log.notes == ("The steps go back 2 times, first from 100 to 81: the run was taken up again there, and the later rows count.",)


@pytest.mark.parametrize("n_runs", [2, 3, 12])
def test_steps_that_begin_again_are_further_runs(n_runs: int) -> None:
    logs = from_columns({"step": list(range(0, 100, 10)) * n_runs, "loss": [float(i) for i in range(10 * n_runs)]})
    assert [log.name for log in logs] == [f"columns: run {i + 1} of {n_runs}" for i in range(n_runs)]
    assert [log.train_loss.value[0] for log in logs] == [10.0 * i for i in range(n_runs)]
    assert all("begin again" in log.notes[0] for log in logs)


def test_validation_in_rows_behind_the_training_is_no_second_run() -> None:
    (log,) = from_columns([{"step": i, "loss": 2 - i / 10} for i in range(10)] + [{"step": i, "val_loss": 2 - i / 11} for i in range(0, 10, 2)])
    assert (len(log.train_loss), log.valid_loss.step.tolist()) == (10, [0, 2, 4, 6, 8])
    assert log.notes == ()


@pytest.mark.parametrize("order", [lambda steps: steps[::-1], lambda steps: steps[1::2] + steps[::2][::-1]], ids=["newest first", "shuffled"])
def test_rows_that_are_not_in_order_are_sorted(order: object) -> None:
    steps = order(list(range(40)))
    (log,) = from_columns({"step": steps, "loss": [float(step) for step in steps]})
    assert log.train_loss.value.tolist() == list(range(40))
    assert log.notes[0].startswith("The steps are not in order")


def test_batches_that_are_counted_within_epochs_are_counted_on() -> None:
    (log,) = from_columns({"epoch": [0, 0, 0, 1, 1, 1, 2, 2, 2], "batch": [0, 10, 19] * 3, "loss": [9.0, 8, 7, 6, 5, 4, 3, 2, 1]})
    assert log.train_loss.step.tolist() == [0, 10, 19, 20, 30, 39, 40, 50, 59]
    assert log.epoch.value.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert log.notes == ("batch starts anew in each epoch; the steps of the epochs before are added.",)


def test_epochs_with_several_rows_leave_the_rows_to_count() -> None:
    (log,) = from_columns({"epoch": [0, 0, 0, 1, 1, 1], "loss": [9.0, 8, 7, 6, 5, 4]})
    assert (log.step_unit, log.train_loss.step.tolist()) == (StepUnit.ROW, [0, 1, 2, 3, 4, 5])
    assert log.epoch.value.tolist() == [0, 0, 0, 1, 1, 1]


def test_without_a_step_rows_are_counted() -> None:
    (log,) = from_columns({"train_loss": [3.0, 2, 1, 0.5, 0.4], "lr": [0.1] * 5})
    assert (log.step_unit, log.train_loss.step.tolist()) == (StepUnit.ROW, [0, 1, 2, 3, 4])
    assert "step" not in log.columns


def test_a_column_may_name_the_runs(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("seed,step,loss\n" + "".join(f"{seed},{step},{seed + step}\n" for step in range(6) for seed in (3, 4)))
    first, second = read_log(path)
    assert (first.name, second.name) == ("log.csv: seed 3", "log.csv: seed 4")
    assert (first.train_loss.value[0], second.train_loss.value[0]) == (3.0, 4.0)
    assert first.notes == ("The column seed names 2 runs, which are read apart.",)


def test_one_seed_throughout_is_one_run(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("seed,step,loss\n" + "".join(f"3,{step},{step}\n" for step in range(6)))
    (log,) = read_log(path)
    assert log.notes == ()


@pytest.mark.parametrize(("has_steps", "words"), [(True, "begin again at row 6"), (False, "header comes again")])
def test_a_header_that_comes_again_begins_a_run(tmp_path: Path, words: str, has_steps: bool) -> None:  # noqa: FBT001 (a row of made-up data)
    part = ("step," * has_steps) + "loss\n" + "".join((f"{i}," * has_steps) + f"{2 - i / 10}\n" for i in range(5))
    path = tmp_path / "log.csv"
    path.write_text(part * 2)
    first, second = read_log(path)
    assert first.train_loss.to_dict()["value"] == second.train_loss.to_dict()["value"]
    assert words in first.notes[0]
