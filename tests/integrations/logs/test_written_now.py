"""What the tools write today, read and compared with what they recorded. Each trains for a moment in a process of its own (`trainings/`)."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith.integrations.logs import read_log
from tunesmith.log import Series, StepUnit, TrainingLog

TRAININGS = Path(__file__).parent / "trainings"
SINGLE = 1e-6  # what is recorded in single precision

pytestmark = pytest.mark.slow


def trained(out: Path, program: str, *needed: str) -> Any:  # noqa: ANN401 (each tool records another form)
    """What the tool recorded; its logs are in the folder."""
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}, of the extra test")
    environment = {**os.environ, "HOME": str(out / "home"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, str(TRAININGS / program), str(out)], check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads((out / "recorded.json").read_text())


def only(path: Path) -> TrainingLog:
    (log,) = read_log(path)
    return log


def same(series: Series, steps: list[float], values: list[float], *, rtol: float = 1e-12) -> None:
    assert series.step.tolist() == steps
    np.testing.assert_allclose(series.value, values, rtol=rtol)


def test_hugging_face(tmp_path: Path) -> None:
    history = trained(tmp_path, "hugging_face.py", "transformers", "accelerate", "tensorboard")
    logged, evaluated = [row for row in history if "loss" in row], [row for row in history if "eval_loss" in row]
    assert (len(logged), len(evaluated)) == (16, 4)
    state, checkpoint, events = only(tmp_path), only(tmp_path / "checkpoint-32" / "trainer_state.json"), only(tmp_path / "runs")
    for log, rtol in ((state, 1e-12), (checkpoint, 1e-12), (events, SINGLE)):
        same(log.train_loss, [row["step"] for row in logged], [row["loss"] for row in logged], rtol=rtol)
        same(log.lr, [row["step"] for row in logged], [row["learning_rate"] for row in logged], rtol=rtol)
        same(log.valid_loss, [row["step"] for row in evaluated], [row["eval_loss"] for row in evaluated], rtol=rtol)
        same(log.valid_metrics["mae"], [row["step"] for row in evaluated], [row["eval_mae"] for row in evaluated], rtol=rtol)
        assert log.train_metrics == {}
        assert log.notes == ()
    assert (state.source, events.source, state.total_steps) == ("Hugging Face Trainer", "TensorBoard", 32)


def test_lightning(tmp_path: Path) -> None:
    recorded = trained(tmp_path, "with_lightning.py", "lightning", "tensorboard")
    table, events = only(tmp_path / "csv"), only(tmp_path / "tensorboard")
    for log in (table, events):
        same(log.train_loss, list(range(1, 32, 2)), recorded["train_loss"][1::2], rtol=SINGLE)
        same(log.lr, list(range(1, 32, 2)), recorded["lr"][1::2], rtol=SINGLE)
        same(log.valid_loss, [7, 15, 23, 31], recorded["valid_loss"], rtol=SINGLE)
        assert log.step_unit is StepUnit.STEP
        assert log.notes == ()
    assert (table.source, events.source) == ("Lightning CSVLogger", "TensorBoard")


def test_keras(tmp_path: Path) -> None:
    recorded = trained(tmp_path, "with_keras.py", "keras")
    again = json.loads((tmp_path / "again.json").read_text())
    history = only(tmp_path / "history.json")
    first, second = read_log(tmp_path / "keras.csv")
    for log, values in ((history, recorded), (first, recorded), (second, again)):
        for series, name in ((log.train_loss, "loss"), (log.valid_loss, "val_loss"), (log.lr, "learning_rate"), (log.valid_metrics["mae"], "val_mae")):
            same(series, list(range(6)), values[name], rtol=SINGLE)
        assert log.step_unit is StepUnit.EPOCH
    assert history.source == "Keras history"
    assert "begin again" in first.notes[0]


def test_torch(tmp_path: Path) -> None:
    given = trained(tmp_path, "with_torch.py", "tensorboard")
    log = only(tmp_path / "runs")
    for series, tag in ((log.train_loss, "Loss/train"), (log.valid_loss, "Loss/val"), (log.lr, "lr")):
        same(series, [step for step, _ in given[tag]], np.float32([value for _, value in given[tag]]).tolist())
    assert log.notes[0].startswith("Of 200 values of train_loss ")
