"""Columns in Python, and what their names say."""

import math
from collections.abc import Iterable

import numpy as np
import pytest

from tunesmith.errors import InputError
from tunesmith.integrations.logs import from_columns
from tunesmith.integrations.logs.names import guess_roles
from tunesmith.log import Series, TrainingLog


class Frame:
    """As much of a DataFrame as any library has."""

    def __init__(self, columns: dict[str, list[float]]) -> None:
        self._columns = columns

    @property
    def columns(self) -> Iterable[str]:
        return np.array(list(self._columns))

    def __getitem__(self, name: str) -> np.ndarray:
        return np.array(self._columns[name])


LOSSES = [2 - i / 10 for i in range(10)]
NAN = math.nan


@pytest.mark.parametrize(
    ("names", "lr", "train", "valid"),
    [
        (["iteration", "lr", "momentum", "train_loss", "test_loss", "test_accuracy"], "lr", "train_loss", "test_loss"),
        (["epoch", "Learning Rate", "Training Loss", "Validation Loss"], "Learning Rate", "Training Loss", "Validation Loss"),
        (["global_step", "learning_rate", "loss", "eval_loss"], "learning_rate", "loss", "eval_loss"),
        (["step", "trainLoss", "valLoss", "learningRate"], "learningRate", "trainLoss", "valLoss"),
        (["Step", "train/loss", "val/loss", "test/loss"], None, "train/loss", "val/loss"),
        (["step", "loss_train", "loss_val"], None, "loss_train", "loss_val"),
        (["lr-AdamW/pg1", "train_loss_step", "train_loss_epoch", "val_loss_step", "val_loss_epoch"], "lr-AdamW/pg1", "train_loss_step", "val_loss_epoch"),
        (["lr-SGD-momentum", "lr-SGD-weight_decay", "loss"], None, "loss", None),
        (["validation/loss", "accuracy"], None, None, "validation/loss"),
        (["train/epoch_loss", "validation/epoch_loss", "train/epoch_learning_rate"], "train/epoch_learning_rate", "train/epoch_loss", "validation/epoch_loss"),
    ],
)
def test_names_of_many_tools_are_known(names: list[str], lr: str | None, train: str | None, valid: str | None) -> None:
    roles = guess_roles(dict.fromkeys(names, 9), {})
    assert (roles.lr, roles.train_loss, roles.valid_loss) == (lr, train, valid)
    assert roles.notes == ()


def test_a_lonely_number_is_a_summary() -> None:
    roles = guess_roles({"train/train_loss": 1, "train/loss": 9}, {})
    assert roles.train_loss == "train/loss"


def test_several_learning_rates_are_said() -> None:
    roles = guess_roles({"lr-SGD/pg1": 9, "lr-SGD/pg2": 9, "train/box_loss": 9, "train/cls_loss": 9}, {})
    assert roles.notes == (
        "Several columns may be the lr (lr-SGD/pg1, lr-SGD/pg2); read is lr-SGD/pg1.",
        "Several columns may be the train_loss (train/box_loss, train/cls_loss); read is train/box_loss.",
    )


def test_what_a_caller_says_goes_before_the_names() -> None:
    (log,) = from_columns({"mine": LOSSES, "loss": LOSSES[::-1], "lr": LOSSES}, columns={"train_loss": "mine", "lr": ""})
    assert log.columns == {"train_loss": "mine"}
    assert log.train_loss.value.tolist() == LOSSES
    assert len(log.lr) == 0


def test_a_bare_metric_is_the_trainings_where_one_of_the_validation_stands_beside_it() -> None:
    assert guess_roles({"loss": 9, "accuracy": 9, "val_accuracy": 9}, {}).train_metrics == {"accuracy": "accuracy"}
    assert guess_roles({"train_loss": 9, "valid_loss": 9, "accuracy": 9}, {}).valid_metrics == {"accuracy": "accuracy"}
    assert guess_roles({"loss": 9, "accuracy": 9}, {}).train_metrics == {"accuracy": "accuracy"}


def test_book_keeping_is_no_metric() -> None:
    roles = guess_roles(dict.fromkeys(["loss", "grad_norm", "train_runtime", "eval_samples_per_second", "_timestamp", "momentum", "score"], 9), {})
    assert (roles.train_metrics, roles.valid_metrics) == ({"score": "score"}, {})


@pytest.mark.parametrize("data", [{"step": range(10), "loss": LOSSES}, Frame({"step": list(range(10)), "loss": LOSSES})], ids=["dict", "frame"])
def test_a_dict_and_a_frame_are_read_alike(data: object) -> None:
    (log,) = from_columns(data)
    assert (log.train_loss.step.tolist(), log.train_loss.value.tolist()) == (list(range(10)), LOSSES)


def test_a_gap_in_a_frame_is_no_nan() -> None:
    (log,) = from_columns(Frame({"loss": [2.0, 1.9, 1.8, 1.7, NAN, 1.6], "val_loss": [NAN, NAN, NAN, NAN, 1.5, NAN], "lr": [0.1] * 6}))
    assert (log.train_loss.step.tolist(), log.valid_loss.step.tolist()) == ([0, 1, 2, 3, 5], [4])
    assert log.notes == ()


def test_a_missing_value_of_a_frame_has_no_truth() -> None:
    class Missing:
        """As `pandas.NA` is."""

        def __bool__(self) -> bool:
            raise TypeError

        def __repr__(self) -> str:
            return "<NA>"

    (log,) = from_columns({"loss": [*LOSSES, Missing(), 0.5]})
    assert (log.train_loss.step.tolist(), log.notes) == ([*range(10), 11], ())


def test_a_loss_that_ends_in_nan_is_lost() -> None:
    (log,) = from_columns({"loss": [2.0, 1.9, 9.0, NAN, NAN, NAN], "lr": [0.1] * 6})
    assert len(log.train_loss) == 6
    assert log.notes == ("Of 6 values of train_loss 3 are NaN or infinite, the first at row 3.",)


def test_validation_behind_the_training_does_not_look_like_a_lost_run() -> None:
    (log,) = from_columns(Frame({"loss": [*LOSSES, NAN], "val_loss": [NAN] * 10 + [1.5]}))
    assert (len(log.train_loss), log.valid_loss.step.tolist(), log.notes) == (10, [10], ())


def test_a_shorter_column_is_spread_over_the_run() -> None:
    (log,) = from_columns({"train_loss": LOSSES, "valid_loss": [1.0, 0.5]})
    assert log.valid_loss.step.tolist() == [4, 9]
    assert log.notes == ("valid_loss has 2 values and the longest column 10; it is taken to be spread evenly over the run.",)


@pytest.mark.parametrize("data", [3, "loss", None, {"loss": 1.0}, {"loss": "abc"}, [1, 2], []])
def test_what_is_no_columns_is_refused_in_one_sentence(data: object) -> None:
    with pytest.raises(InputError) as caught:
        from_columns(data)
    assert "\n" not in str(caught.value)


def test_a_log_goes_through_json_and_back() -> None:
    (log,) = from_columns({"step": range(10), "loss": [*LOSSES[:9], NAN], "val_loss": LOSSES, "lr": LOSSES, "acc": LOSSES, "time": LOSSES})
    again = TrainingLog.from_dict(log.to_dict())
    assert again.to_dict() == log.to_dict()
    assert log.unused == ("time",)


def test_a_series_cannot_be_changed() -> None:
    series = Series.of([1, 2], [3, 4])
    with pytest.raises(ValueError, match="read-only"):
        series.value[0] = 9
