"""Files that the tools themselves wrote (fixtures/README.md), and forms of files that only a website writes."""

import json
from pathlib import Path

import numpy as np
import pytest

from tunesmith.integrations.logs import read_log
from tunesmith.log import StepUnit, TrainingLog

FIXTURES = Path(__file__).parent / "fixtures"


def only(path: Path) -> TrainingLog:
    (log,) = read_log(path)
    return log


@pytest.fixture
def needs_tensorboard() -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")


@pytest.mark.parametrize("path", ["lightning/metrics.csv", "lightning"])
def test_lightning_writes_training_and_validation_in_rows_of_their_own(path: str) -> None:
    log = only(FIXTURES / path)
    assert log.source == "Lightning CSVLogger"
    assert log.columns == {
        "step": "step", "epoch": "epoch", "lr": "lr-SGD", "train_loss": "train_loss_step", "valid_loss": "val_loss", "valid mae": "val_mae",
    }  # fmt: skip
    assert log.step_unit is StepUnit.STEP
    assert log.train_loss.step.tolist() == list(range(1, 40, 2))
    assert log.valid_loss.step.tolist() == [7, 15, 23, 31, 39]
    assert len(log.lr) == 20
    assert set(log.unused) == {"lr-SGD-momentum", "train_loss_epoch"}
    assert log.notes == ()


@pytest.mark.usefixtures("needs_tensorboard")
def test_lightning_writes_the_same_places_into_event_files() -> None:
    events, table = only(FIXTURES / "lightning_tensorboard"), only(FIXTURES / "lightning")
    assert events.source == "TensorBoard"
    for name in ("train_loss", "valid_loss", "lr"):
        one, other = getattr(events, name), getattr(table, name)
        assert one.step.tolist() == other.step.tolist()
        assert len(one) == len(other)
    np.testing.assert_allclose(events.lr.value, table.lr.value, rtol=1e-6)
    assert events.notes == ()


@pytest.mark.parametrize("path", ["huggingface/trainer_state.json", "huggingface"])
def test_the_state_of_hugging_face_is_read_without_its_summary(path: str) -> None:
    log = only(FIXTURES / path)
    assert log.source == "Hugging Face Trainer"
    assert log.total_steps == 32
    assert log.train_loss.step.tolist() == list(range(4, 33, 4))
    assert log.lr.step.tolist() == list(range(4, 33, 4))
    assert log.valid_loss.step.tolist() == [8, 16, 24, 32]
    assert log.epoch.value[-1] == 4
    assert log.columns["train_loss"] == "loss"
    assert log.columns["valid_loss"] == "eval_loss"
    assert list(log.valid_metrics) == ["mae"]
    assert log.notes == ()


def test_of_several_checkpoints_the_last_has_the_whole_history(tmp_path: Path) -> None:
    for step in (8, 16, 100):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "trainer_state.json").write_text(json.dumps({"log_history": [{"step": at, "loss": 1.0} for at in range(4, step + 1, 4)]}))
    assert len(only(tmp_path).train_loss) == 25


@pytest.mark.parametrize(("name", "unit"), [("keras.csv", StepUnit.EPOCH), ("keras-history.json", StepUnit.EPOCH)])
def test_keras_writes_a_row_an_epoch(name: str, unit: StepUnit) -> None:
    log = only(FIXTURES / name)
    assert log.step_unit is unit
    assert log.train_loss.step.tolist() == [0, 1, 2, 3, 4, 5]
    assert (log.columns["train_loss"], log.columns["valid_loss"]) == ("loss", "val_loss")
    assert (log.columns["train accuracy"], log.columns["valid accuracy"]) == ("accuracy", "val_accuracy")
    assert log.notes == ()


def test_keras_history_has_the_learning_rate() -> None:
    log = only(FIXTURES / "keras-history.json")
    assert log.source == "Keras history"
    assert log.columns["lr"] == "learning_rate"
    assert log.lr.value[0] > log.lr.value[-1] > 0


def test_fastai_names_metrics_bare_and_times_in_words() -> None:
    log = only(FIXTURES / "fastai.csv")
    assert log.columns == {"epoch": "epoch", "train_loss": "train_loss", "valid_loss": "valid_loss", "valid mae": "mae"}
    assert log.notes == ("Columns without numbers are not read: time.", "The log has only 4 points.")


@pytest.mark.usefixtures("needs_tensorboard")
def test_a_folder_of_event_files_is_one_log_a_run() -> None:
    logs = {log.name: log for log in read_log(FIXTURES / "tensorboard")}
    assert set(logs) == {"tensorboard/new_style", "tensorboard/plain", "tensorboard/scalars"}
    plain = logs["tensorboard/plain"]
    assert plain.columns == {"lr": "lr", "train_loss": "Loss/train", "valid_loss": "Loss/val", "valid accuracy": "Accuracy/val"}
    assert plain.valid_loss.step.tolist() == [9, 19, 29, 39]
    scalars = logs["tensorboard/scalars"]
    np.testing.assert_allclose(scalars.train_loss.value * 1.1, scalars.valid_loss.value, rtol=1e-6)
    np.testing.assert_allclose(logs["tensorboard/new_style"].train_loss.value, [1 / (i + 1) for i in range(12)], rtol=1e-6)
    assert not any(log.notes for log in logs.values())


@pytest.mark.usefixtures("needs_tensorboard")
def test_the_library_of_tensorboard_reads_the_same() -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator").EventAccumulator
    theirs = accumulator(str(FIXTURES / "tensorboard" / "plain")).Reload()
    ours = only(FIXTURES / "tensorboard" / "plain")
    for tag, series in (("Loss/train", ours.train_loss), ("Loss/val", ours.valid_loss), ("lr", ours.lr)):
        assert [event.step for event in theirs.Scalars(tag)] == series.step.tolist()
        assert [event.value for event in theirs.Scalars(tag)] == series.value.tolist()


def test_weights_and_biases_exports_several_runs_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(
        '"Step","calm - sun-1 - train/loss","calm - sun-1 - train/loss__MIN","calm - sun-1 - train/loss__MAX","late-2 - train/loss","late-2 - val/loss"\n'
        + "".join(f'"{i}","{2 - i / 10}","1","3","{"" if i % 2 else 3 - i / 10}","{i if i == 4 else ""}"\n' for i in range(10))
    )
    first, second = read_log(path)
    assert (first.name, second.name) == ("export.csv: calm - sun-1", "export.csv: late-2")
    assert first.source == "Weights & Biases"
    assert len(first.train_loss) == 10
    assert first.unused == ()
    assert second.train_loss.step.tolist() == [0, 2, 4, 6, 8]
    assert second.valid_loss.to_dict() == {"step": [4.0], "value": [4.0]}


def test_a_history_of_weights_and_biases_counts_its_own_calls(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    rows = [{"_step": 2 * i, "_timestamp": 1e9 + i, "trainer/global_step": 50 * i, "train": {"loss": 2 - i / 10}, "lr": 0.1} for i in range(10)]
    rows.append({"_step": 21, "trainer/global_step": 500, "val": {"loss": "NaN", "acc": 0.1}})
    path.write_text("\n".join(json.dumps(row) for row in rows) + '\n{"_step": 22, "tr')
    log = only(path)
    assert log.columns == {"step": "trainer/global_step", "lr": "lr", "train_loss": "train/loss", "valid_loss": "val/loss", "valid acc": "val/acc"}
    assert log.train_loss.step[-1] == 450
    assert log.valid_loss.to_dict() == {"step": [500.0], "value": ["nan"]}
    assert log.notes[0] == "1 of 12 lines are no JSON object and left out."


def test_tensorboards_page_saves_a_tag_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run-mine-tag-Loss_val.csv"
    path.write_text("Wall time,Step,Value\n" + "".join(f"{1e9 + i},{10 * i},{2 - i / 10}\n" for i in range(6)))
    log = only(path)
    assert log.columns == {"step": "Step", "valid_loss": "Loss_val"}
    assert log.valid_loss.step[-1] == 50
    assert log.notes == ()


@pytest.mark.parametrize("form", ["rows", "columns", "split"])
def test_json_of_people_and_of_pandas(tmp_path: Path, form: str) -> None:
    columns = {"step": list(range(8)), "train_loss": [2 - i / 10 for i in range(8)]}
    content: object = columns
    if form == "rows":
        content = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    elif form == "split":
        content = {name: {str(at): value for at, value in enumerate(values)} for name, values in columns.items()}
    path = tmp_path / "log.txt"
    path.write_text(json.dumps(content, indent=1))
    log = only(path)
    assert (log.train_loss.step.tolist(), log.train_loss.value.tolist()) == (columns["step"], columns["train_loss"])


def test_the_authors_curves_are_read_without_a_word(data_folder: Path) -> None:
    folder = data_folder.parent / "curves"
    if not folder.is_dir():
        pytest.skip("needs the author's curves in the folder `curves` beside that of TUNESMITH_DATA")
    files = sorted(folder.glob("*.csv"))
    assert len(files) == 20
    for path in files:
        log = only(path)
        assert log.notes == (), path
        assert (log.columns["step"], log.columns["valid_loss"]) == ("iteration", "test_loss")
        assert min(len(log.lr), len(log.train_loss), len(log.valid_loss), len(log.valid_metrics["accuracy"])) >= 24
