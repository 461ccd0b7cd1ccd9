"""Logs that people and lesser-known tools write: what they hold is found, or its lack said."""

import gzip
import json
import math
import os
from pathlib import Path

import pytest

from tunesmith.errors import CurveError
from tunesmith.integrations.logs import from_columns, read_log
from tunesmith.log import StepUnit, TrainingLog

N = 8
LOSSES = [round(2 * 0.8**i, 4) for i in range(N)]
HIGHER = [round(1.1 * loss, 4) for loss in LOSSES]


def read(folder: Path, text: str, *, name: str = "log.csv") -> TrainingLog:
    path = folder / name
    path.write_text(text)
    (log,) = read_log(path)
    return log


def rows(line: str) -> str:
    """A line for each epoch, with its number and its losses."""
    return "".join(line.format(i=i, loss=LOSSES[i], higher=HIGHER[i]) + "\n" for i in range(N))


def is_right(log: TrainingLog, *, has_valid: bool = True) -> bool:
    return log.train_loss.value.tolist() == LOSSES and log.valid_loss.value.tolist() == (HIGHER if has_valid else [])


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("epoch;train_loss;val_loss", "{i};{loss};{higher}"),
        ("epoch\ttrain_loss\tval_loss", "{i}\t{loss}\t{higher}"),
        ("epoch train_loss val_loss", "{i} {loss} {higher}"),
        ("  epoch   train_loss   val_loss", "   {i}     {loss}    {higher}"),
        ("# epoch,train_loss,val_loss", "{i},{loss},{higher}"),
        ("My third run\n\nepoch,train_loss,val_loss", "{i},{loss},{higher}"),
        ("sep=,\nepoch,train_loss,val_loss", "{i},{loss},{higher}"),
        ("step,loss,loss_scale,val_loss", "{i},{loss},65536,{higher}"),
        ("# by me, in May\n# lr = 0.1\nepoch,train_loss,val_loss", "{i},{loss},{higher}"),
        ("EPOCH,TRAIN_LOSS,VAL_LOSS", "{i},{loss},{higher}"),
        ("   epoch,    train/loss,  val/loss", "  {i},   {loss},    {higher}"),
        ("epoch,trainloss,valloss", "{i},{loss},{higher}"),
        ("epoch,Train Loss (nats),Dev Loss (nats)", "{i},{loss},{higher}"),
        ("epoch,cross_entropy,val_cross_entropy", "{i},{loss},{higher}"),
        ("it,train_nll,val_nll", "{i},{loss},{higher}"),
        ("epoch,mse,val_mse", "{i},{loss},{higher}"),
        ("epoch,train_loss,val_loss", "{i},\"tensor({loss}, device='cuda:0')\",[{higher}]"),
        ("epoch,train_loss,val_loss", "{i},{loss},{higher},"),
        (",epoch,loss,val_loss", "{i},{i},{loss},{higher}"),
        ("epoch,best_val_loss,val_loss,min_loss,loss,loss_std", "{i},0.1,{higher},0.1,{loss},0.2"),
    ],
)
def test_tables_of_many_forms_are_read(tmp_path: Path, header: str, line: str) -> None:
    assert is_right(read(tmp_path, f"{header}\n{rows(line)}"))


def test_decimal_commas(tmp_path: Path) -> None:
    log = read(tmp_path, "epoch;loss;val_loss\n" + rows("{i};{loss};{higher}").replace(".", ","))
    assert is_right(log)
    assert log.notes == ()


def test_lines_above_the_names_are_said(tmp_path: Path) -> None:
    assert read(tmp_path, f"My run\nmade by me\nepoch,loss,val_loss\n{rows('{i},{loss},{higher}')}").notes == (
        "2 lines above the names of the columns are left out.",
    )


def test_a_table_without_names_is_refused_until_they_are_given(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(rows("{i},{loss},{higher}"))
    with pytest.raises(CurveError, match="it has numbers in column 1, column 2, column 3"):
        read_log(path)
    (log,) = read_log(path, columns={"epoch": "column 1", "train_loss": "column 2", "valid_loss": "column 3"})
    assert is_right(log)
    assert log.step_unit is StepUnit.EPOCH


@pytest.mark.parametrize("column", ["split", "Phase", "mode"])
def test_rows_that_say_their_split_are_read_apart(tmp_path: Path, column: str) -> None:
    """Read as one column, training and validation would look like a loss that swings."""
    log = read(tmp_path, f"epoch,{column},loss,acc\n" + rows("{i},train,{loss},0.5\n{i},val,{higher},0.4"))
    assert is_right(log)
    assert log.train_loss.step.tolist() == log.valid_loss.step.tolist() == list(range(N))
    assert log.valid_metrics["acc"].value[0] == 0.4
    assert log.notes == (f"The column {column} says of which data a row is (train, val); these are read apart.",)


def test_a_column_that_says_no_split_is_left_alone(tmp_path: Path) -> None:
    log = read(tmp_path, "epoch,mode,loss\n" + rows("{i},fast,{loss}"))
    assert is_right(log, has_valid=False)
    assert log.notes == ("Columns without numbers are not read: mode.",)


def test_a_caller_may_name_a_column_that_holds_both(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,split,loss\n" + rows("{i},train,{loss}\n{i},val,{higher}"))
    assert is_right(read_log(path, columns={"train_loss": "train/loss", "valid_loss": "val/loss"})[0])
    assert len(read_log(path, columns={"train_loss": "loss"})[0].train_loss) == 2 * N


def test_a_row_for_each_number(tmp_path: Path) -> None:
    assert is_right(read(tmp_path, "step,metric,value\n" + rows("{i},train_loss,{loss}\n{i},val_loss,{higher}")))


def test_a_file_of_one_quantity_is_called_what_it_holds(tmp_path: Path) -> None:
    assert is_right(read(tmp_path, "step,value\n" + rows("{i},{loss}"), name="train_loss.csv"), has_valid=False)


def test_percent_signs(tmp_path: Path) -> None:
    log = read(tmp_path, "epoch,train_loss,val_loss,val_acc\n" + rows("{i},{loss},{higher},9{i}.2%"))
    assert log.valid_metrics["acc"].value.tolist() == [90.2 + i for i in range(N)]


def test_yolo(tmp_path: Path) -> None:
    header = "  epoch,  train/box_loss, train/obj_loss, metrics/mAP_0.5, val/box_loss, val/obj_loss, x/lr0, x/lr1"
    log = read(tmp_path, f"{header}\n" + rows("{i}, {loss}, 1, .5, {higher}, 1, .1, .1"))
    assert is_right(log)
    assert (log.columns["lr"], log.columns["valid map_0_5"]) == ("x/lr0", "metrics/mAP_0.5")
    assert log.notes[1].startswith("Several columns may be the train_loss (train/box_loss, train/obj_loss)")


def test_timm(tmp_path: Path) -> None:
    log = read(tmp_path, "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr\n" + rows("{i},{loss},{higher},50,80,0.1"), name="summary.csv")
    assert is_right(log)
    assert list(log.valid_metrics) == ["top1", "top5"]


def test_a_training_appended_to_the_table_of_another(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(("epoch,loss,val_loss\n" + rows("{i},{loss},{higher}")) * 2)
    assert [is_right(log) for log in read_log(path)] == [True, True]


def test_a_step_that_never_moves_is_no_step() -> None:
    (log,) = from_columns({"step": [0] * N, "loss": LOSSES, "val_loss": HIGHER})
    assert is_right(log)
    assert (log.step_unit, log.notes) == (StepUnit.ROW, ("step is 0 throughout, and is not read as the step.",))


def test_a_step_without_numbers_is_no_step(tmp_path: Path) -> None:
    log = read(tmp_path, "step,loss,val_loss\n" + rows("now,{loss},{higher}"))
    assert is_right(log)
    assert log.notes[0] == "step has no numbers, and is not read as the step."


def test_a_name_of_several_lines_leaves_a_note_a_line() -> None:
    (log,) = from_columns({"train\nloss": [*LOSSES, "x"], "val\nloss": [*HIGHER, None]})
    assert is_right(log)
    assert log.notes == ("A cell of train loss is no number (the first 'x' in row 9) and left out.",)


def test_validation_by_epoch_beside_training_by_step_is_put_where_it_was_written() -> None:
    """By its own count, all of the validation would lie in the first hundredth of the training."""
    data = [
        row for epoch in range(N) for row in [*({"step": 50 * epoch + i, "loss": 1.0 - i / 100} for i in range(50)), {"step": epoch, "val_loss": HIGHER[epoch]}]
    ]
    (log,) = from_columns(data)
    assert log.valid_loss.step.tolist() == [50 * epoch + 49 for epoch in range(N)]
    assert log.notes == ("val_loss counts epochs where loss counts steps, and is put where it was written.",)


def test_validation_in_rows_without_a_step_is_put_at_the_step_above(tmp_path: Path) -> None:
    log = read(tmp_path, "epoch,step,train_loss,val_loss\n" + rows("{i},{i}1,{loss},\n{i},,,{higher}"))
    assert is_right(log)
    assert log.valid_loss.step.tolist() == [10 * i + 1 for i in range(N)]
    assert log.notes == ("val_loss has no number in column step beside it, and is put at that of the row above.",)


LISTS = {"train_loss": LOSSES, "val_loss": HIGHER}
JSONS = {
    "lists": LISTS,
    "nested lists": {"train": {"loss": LOSSES}, "val": {"loss": HIGHER}},
    "lists beside settings": {"args": {"lr": 0.1, "layers": [3, 4]}, "best_epoch": 3, **LISTS},
    "rows by epoch": {str(i): {"train_loss": LOSSES[i], "val_loss": HIGHER[i]} for i in range(N)},
    "rows under a key": {"config": {"lr": 0.1}, "log": [{"epoch": i, "train_loss": LOSSES[i], "val_loss": HIGHER[i]} for i in range(N)]},
    "rows of each split": {
        "train": [{"epoch": i, "loss": loss} for i, loss in enumerate(LOSSES)],
        "val": [{"epoch": i, "loss": loss} for i, loss in enumerate(HIGHER)],
    },
}


@pytest.mark.parametrize("form", JSONS)
def test_json_of_many_forms_is_read(tmp_path: Path, form: str) -> None:
    log = read(tmp_path, json.dumps(JSONS[form]), name="log.json")
    assert is_right(log)
    assert log.notes == ()


def test_tensorboards_page_saves_json_too(tmp_path: Path) -> None:
    log = read(tmp_path, json.dumps([[1e9 + i, 10 * i, loss] for i, loss in enumerate(LOSSES)]), name="run-mine-tag-Loss_train.json")
    assert is_right(log, has_valid=False)
    assert log.train_loss.step[-1] == 10 * (N - 1)


def test_openmmlab_says_the_split_of_a_line(tmp_path: Path) -> None:
    lines = [{"env_info": "here"}]
    for i in range(N):
        lines += [
            {"mode": "train", "epoch": i, "iter": 50, "lr": 0.1, "loss": LOSSES[i]},
            {"mode": "val", "epoch": i, "iter": 50, "lr": 0.1, "loss": HIGHER[i]},
        ]
    log = read(tmp_path, "\n".join(map(json.dumps, lines)), name="now.log.json")
    assert is_right(log)
    assert log.columns["lr"] == "lr"


@pytest.mark.parametrize(
    ("content", "words"),
    [(gzip.compress(b"step,loss\n", mtime=0), "compressed (gzip). Unpack it"), (b"PK\x03\x04rest", "zip archive"), (b"SQLite format 3\0", "database")],
)
def test_what_is_packed_is_said_to_be(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(content)
    with pytest.raises(CurveError) as caught:
        read_log(path)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "step 0: train loss 4.28, val loss 4.28\niter 0: loss 4.26, time 24.12ms, mfu -100.00%\niter 10: loss 3.26, time 24.12ms, mfu 3.00%\n",
        "s:0 tel:4.28\ns:0 trl:4.26 lr:0.0006 norm:1.0\n",
        "Epoch 1/3\n100/100 [=====] - 1s 5ms/step - loss: 2.5 - accuracy: 0.8\n",
        "lr: 0.1\nepochs: 3\nloss: ce\n",
        "import torch\nx = [1, 2, 3]\n",
        "<html><table><tr><td>1,2,3</td></tr></table></html>\n" * 3,
    ],
)
def test_what_a_program_printed_is_no_table_and_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CurveError) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_letters_that_are_not_utf8_are_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(("époque,train_loss,val_loss\n" + rows("{i},{loss},{higher}")).encode("latin-1"))
    (log,) = read_log(path)
    assert is_right(log)
    assert "was read as Latin-1" in log.notes[0]


def test_a_first_row_that_is_longer_than_the_names_is_no_name(tmp_path: Path) -> None:
    text = rows("{i},{loss},{higher}")
    log = read(tmp_path, "epoch,train_loss,val_loss\n" + text.replace("\n", ",7\n", 1))
    assert is_right(log)
    assert log.notes == ("1 of 8 rows have more or fewer cells than the header; what fits is read.",)


def test_a_number_of_thousands_of_digits_is_said_in_our_words(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(f'{{"loss": [2.0, {"1" * 5000}]}}')
    with pytest.raises(CurveError, match="thousands of digits") as caught:
        read_log(path)
    assert "sys." not in str(caught.value)


@pytest.mark.parametrize("is_file", [True, False])
def test_one_learning_rate_beside_columns_holds_for_the_whole_run(tmp_path: Path, *, is_file: bool) -> None:
    data = {"train_loss": LOSSES, "val_loss": HIGHER, "lr": 0.01}
    (log,) = [read(tmp_path, json.dumps(data), name="log.json")] if is_file else from_columns(data)  # type: ignore[arg-type]  # a number beside lists: as tools write it
    assert is_right(log)
    assert log.lr.value.tolist() == [0.01] * N


@pytest.mark.parametrize("losses", [[math.nan] * N, [math.inf] * N, [2.3] + [math.nan] * (N - 1)], ids=["NaN", "infinite", "NaN after one"])
def test_a_loss_that_was_never_finite_is_passed_on(losses: list[float]) -> None:
    (log,) = from_columns({"loss": losses})
    assert log.train_loss.value.tolist() == pytest.approx(losses, nan_ok=True)
    (log,) = from_columns({"loss": LOSSES, "val_loss": [math.nan] * N})
    assert len(log.valid_loss) == 0


@pytest.mark.parametrize(("name", "what"), [("fifo", "a pipe"), ("null", "a device")])
def test_what_cannot_be_read_twice_is_refused(tmp_path: Path, name: str, what: str) -> None:
    """Nobody writes to this pipe: opening it would wait for ever."""
    path = Path(os.devnull) if name == "null" else tmp_path / name
    if name == "fifo":
        os.mkfifo(path)
    with pytest.raises(CurveError, match=f"is {what}"):
        read_log(path)


@pytest.mark.parametrize("column", ["ep_rew_mean", "val_fancy"])
def test_of_a_metric_of_unknown_direction_it_is_said_what_can_be_done(tmp_path: Path, column: str) -> None:
    text = f"step,{column}\n" + rows("{i},{loss}")
    try:
        said = " ".join(read(tmp_path, text).notes)
    except CurveError as error:
        said = str(error)
    assert "val_reward where" in said
