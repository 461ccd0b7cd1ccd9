import math
import re
from pathlib import Path

import numpy as np
import pytest

from tunesmith.errors import CurveError
from tunesmith.reading.curve_file import read_sweep
from tunesmith.reading.range_test import read_curve_file

ROWS = "\n".join(f"{i},{i / 20},{2 - min(i, 10) / 10}" for i in range(1, 21))


def write(folder: Path, text: str) -> Path:
    path = folder / "sweep.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sweep_is_read_in_the_order_of_its_steps(tmp_path: Path) -> None:
    lines = ROWS.split("\n")
    curve = read_sweep(write(tmp_path, "step,lr,train_loss\n" + "\n".join(reversed(lines))))
    assert curve.lr == tuple(i / 20 for i in range(1, 21))
    assert curve.train_loss[0] == 1.9
    assert (curve.eval_step, curve.valid_loss) == ((), ())


@pytest.mark.parametrize("name", ["valid_loss", "test_loss"])
@pytest.mark.parametrize("step", ["step", "iteration"])
def test_evaluations_stand_at_their_updates(tmp_path: Path, name: str, step: str) -> None:
    rows = "\n".join(f"{i},{i / 20},1.5,{i / 100 if i % 5 == 0 else ''},ignored" for i in range(1, 21))
    curve = read_sweep(write(tmp_path, f"{step},lr,train_loss,{name},accuracy\n{rows}"))
    assert curve.eval_step == (5, 10, 15, 20)
    assert curve.valid_loss == (0.05, 0.1, 0.15, 0.2)


def test_nan_and_infinities_are_numbers(tmp_path: Path) -> None:
    rows = "\n".join(f"{i / 20},{'nan' if i == 3 else 'inf' if i == 4 else 1.0}" for i in range(1, 21))
    curve = read_sweep(write(tmp_path, f"lr,train_loss\n{rows}"))
    assert math.isnan(curve.train_loss[2])
    assert curve.train_loss[3] == math.inf


def test_rows_with_empty_cells_are_left_out(tmp_path: Path) -> None:
    curve = read_sweep(write(tmp_path, f"step,lr,train_loss\n21,,1.0\n22,2.0,\n,3.0,1.0\n{ROWS}\n"))
    assert len(curve.lr) == 20


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    """A mark at the beginning, carriage returns, and blanks behind the commas."""
    path = tmp_path / "sweep.csv"
    path.write_bytes(("\ufeffstep, lr, train_loss\n" + ROWS.replace(",", ", ")).replace("\n", "\r\n").encode())
    assert len(read_sweep(path).lr) == 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "lacks lr and train_loss (it has none)"),
        ("step,rate,loss\n1,2,3", "lacks lr and train_loss (it has step, rate, loss)"),
        (f"step,lr,loss\n{ROWS}", "lacks train_loss"),
        ("step,lr,train_loss", "has 0"),
        ("step,lr,train_loss\n1,.1,2\n2,.2,1", "has 2"),
        (f"step,lr,train_loss\n{ROWS}\n21,1.1,n/a", "row 21 of"),
        (f"step,lr,train_loss\n{ROWS}\n21,fast,1", "'fast' in column lr"),
        (f"step,lr,train_loss\n{ROWS}\nlast,1.1,1", "'last' in column step"),
        (f"step,lr,train_loss\n{ROWS}\n21,0.2,1", "ascend"),
        ("step,lr,train_loss\n" + "\n".join(f"{i},.1,1" for i in range(20)), "ascend"),
        ("step,lr,train_loss\n" + "\n".join(f"{i},{i - 10},1" for i in range(20)), "≥ 0"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(CurveError, match=re.escape(words)) as caught:
        read_sweep(write(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert "sweep.csv" in str(caught.value)


def test_what_is_no_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    binary = tmp_path / "image.png"
    binary.write_bytes(bytes(range(256)))
    for path in (tmp_path / "missing.csv", tmp_path, binary):
        with pytest.raises(CurveError, match="must be a readable CSV file") as caught:
            read_sweep(path)
        assert "\n" not in str(caught.value)


def test_a_recorded_sweep_is_read_like_our_own(tmp_path: Path) -> None:
    lr = np.linspace(0.01, 1, 100)
    rows = "\n".join(f"{rate},{9.0 if rate > 0.6 else 2 - min(rate, 0.3) * 5}" for rate in lr)
    reading = read_curve_file(write(tmp_path, f"lr,train_loss\n{rows}"))
    assert reading.edge is not None
    assert reading.edge[1] == pytest.approx(0.6, abs=0.05)


def test_evaluations_in_rows_of_their_own_count_with_a_rate_or_without(tmp_path: Path) -> None:
    lines = ["step,lr,train_loss,valid_loss,accuracy"]
    for i in range(1, 101):
        lines.append(f"{i},{i / 100},{2 - min(i / 100, 0.3)},,")
        if i % 4 == 0:
            lines.append(f"{i},,,{2.1 - min(i / 100, 0.3)},{i / 100}")
    curve = read_sweep(write(tmp_path, "\n".join(lines)))
    assert curve.eval_step == tuple(range(4, 101, 4))
    assert len(curve.valid_loss) == len(curve.metrics["accuracy"]) == 25
    assert curve.valid_loss[0] == pytest.approx(2.06)


def test_of_two_names_for_the_validation_loss_the_one_that_is_filled_counts(tmp_path: Path) -> None:
    rows = "\n".join(f"{i / 100},{2 - i / 100},,{2.1 - i / 100}" for i in range(1, 41))
    assert len(read_sweep(write(tmp_path, f"lr , train_loss,valid_loss,test_loss\n{rows}")).valid_loss) == 40


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CurveError, match="train_loss more than once"):
        read_sweep(write(tmp_path, "lr,train_loss,train_loss\n0.1,2,3"))


def test_a_record_of_every_hundredth_update_says_how_long_the_sweep_was(tmp_path: Path) -> None:
    rows = "\n".join(f"{100 * i},{i / 100},{9.0 if i > 60 else 2 - min(i / 100, 0.3) * 5}" for i in range(1, 101))
    reading = read_curve_file(write(tmp_path, f"iteration,lr,train_loss\n{rows}"))
    assert "sweep of 10000 updates" in reading.findings[0].evidence
    edge = next(finding for finding in reading.findings if finding.kind == "edge")
    assert edge.since_step == pytest.approx(6000, abs=200)
