"""What a log of any tool says of one training, raw. Records only: no torch, no I/O, no smoothing."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tunesmith.curve import Curve
from tunesmith.settings import Json

Floats = NDArray[np.float64]


class StepUnit(StrEnum):
    """What the steps of a log count."""

    STEP = "step"
    EPOCH = "epoch"
    ROW = "row"


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One quantity of a log: where it was recorded, and what.

    Arrays, and not the tuples of other records, because a log may have a million rows: a tuple of Python floats takes four times the memory of an array, and
    every reading would begin by converting it. They are made read-only, so the record is frozen all the same. Two are the same when their `to_dict` are equal.

    Attributes:
        step: Ascending, without repeats; in the log's `step_unit`.
        value: As many, raw: NaN and infinities are what the tool wrote, never an empty cell.

    Example:
        >>> Series.of([0, 10], [2.5, math.nan]).to_dict()
        {'step': [0.0, 10.0], 'value': [2.5, 'nan']}
    """

    step: Floats
    value: Floats

    def __post_init__(self) -> None:
        self.step.setflags(write=False)
        self.value.setflags(write=False)

    def __len__(self) -> int:
        return self.step.size

    @classmethod
    def of(cls, step: Iterable[float], value: Iterable[float]) -> Self:
        """A series of numbers that are in order; copies them."""
        return cls(step=np.array(list(step), dtype=np.float64), value=np.array(list(value), dtype=np.float64))

    def to_dict(self) -> dict[str, Json]:
        """A JSON object (NaN and infinities as strings) that `from_dict` turns back."""
        return {"step": self.step.tolist(), "value": [one if math.isfinite(one) else str(one) for one in self.value.tolist()]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        return cls.of(data["step"], (float(one) for one in data["value"]))


NOTHING = Series.of((), ())


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingLog:
    """What a log of any tool says of one training.

    Not a `Curve`: that has one row an update, each with its learning rate and momentum; a log has what somebody chose to write, each at steps of its own.

    Attributes:
        name: File, folder or run.
        source: What wrote it, as far as that can be told: "CSV", "TensorBoard", ….
        step_unit: What `Series.step` counts: updates, epochs, or only the rows of the file.
        lr, train_loss, valid_loss: Empty where the log has none.
        epoch: Epochs passed at steps; empty where the log does not say, and where the steps are epochs themselves.
        train_metrics, valid_metrics: Name without its "train" or "val" → values. Other losses are among them.
        total_steps: Updates that the training was meant to have; None where the log does not say.
        columns: What was read → the column, key or tag it was read from. "train accuracy" stands for `train_metrics["accuracy"]`.
        unused: Columns that were not read.
        notes: What is wrong or unusual with the log, one sentence each, and what was made of it.
    """

    name: str
    source: str
    step_unit: StepUnit
    lr: Series = NOTHING
    train_loss: Series = NOTHING
    valid_loss: Series = NOTHING
    epoch: Series = NOTHING
    train_metrics: dict[str, Series] = field(default_factory=dict)
    valid_metrics: dict[str, Series] = field(default_factory=dict)
    total_steps: int | None = None
    columns: dict[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        """A JSON object that `from_dict` turns back."""
        data: dict[str, Json] = {"name": self.name, "source": self.source, "step_unit": str(self.step_unit), "total_steps": self.total_steps}
        data |= {name: getattr(self, name).to_dict() for name in _SERIES}
        data |= {name: {key: one.to_dict() for key, one in getattr(self, name).items()} for name in _METRICS}
        return data | {"columns": dict(self.columns), "unused": list(self.unused), "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        metrics = {name: {key: Series.from_dict(one) for key, one in data[name].items()} for name in _METRICS}
        return cls(
            name=data["name"],
            source=data["source"],
            step_unit=StepUnit(data["step_unit"]),
            lr=Series.from_dict(data["lr"]),
            train_loss=Series.from_dict(data["train_loss"]),
            valid_loss=Series.from_dict(data["valid_loss"]),
            epoch=Series.from_dict(data["epoch"]),
            train_metrics=metrics["train_metrics"],
            valid_metrics=metrics["valid_metrics"],
            total_steps=data["total_steps"],
            columns=dict(data["columns"]),
            unused=tuple(data["unused"]),
            notes=tuple(data["notes"]),
        )


def from_curve(curve: Curve, *, name: str, total_steps: int | None = None) -> TrainingLog:
    """A curve of ours as the log that another tool would have written of it: what reads logs then reads curves.

    Args:
        curve: Every update and evaluation is taken.
        name: Of the log.
        total_steps: Updates that the training was meant to have. Default: not known, since a curve does not say.

    Returns:
        A log whose steps are updates, counted from 1: a value at step n was recorded by the n-th update, or after it.

    Example:
        >>> curve = Curve(lr=(0.1, 0.2), momentum=(0.9, 0.9), train_loss=(2.0, 1.5), eval_step=(2,), valid_loss=(1.6,), metrics={"accuracy": (0.5,)})
        >>> log = from_curve(curve, name="a run")
        >>> log.lr.to_dict(), log.valid_metrics["accuracy"].to_dict()
        ({'step': [1.0, 2.0], 'value': [0.1, 0.2]}, {'step': [2.0], 'value': [0.5]})
    """
    updates = range(1, 1 + len(curve.train_loss))
    return TrainingLog(
        name=name,
        source="tunesmith",
        step_unit=StepUnit.STEP,
        lr=Series.of(updates, curve.lr),
        train_loss=Series.of(updates, curve.train_loss),
        valid_loss=Series.of(curve.eval_step, curve.valid_loss),
        valid_metrics={key: Series.of(curve.eval_step, values) for key, values in curve.metrics.items()},
        total_steps=total_steps,
    )


def direction_of(metric: str) -> bool | None:
    """Whether more of a metric is better, by its name: True, False where less is better, None where the name does not say.

    A name that holds a word of each is an error or a loss: "top5_error", "dice_loss".

    Args:
        metric: Name as a tool wrote it, with or without its split.

    Example:
        >>> [direction_of(name) for name in ("val/top-5 accuracy", "MulticlassF1Score", "mAP50-95", "neg_mean_squared_error")]
        [True, True, True, True]
        >>> [direction_of(name) for name in ("top5_error", "perplexity", "neg_log_likelihood", "eval_rmse")], direction_of("score")
        ([False, False, False, False], None)
    """
    apart = re.sub(r"(?<=[a-z]{2})(?=[A-Z])", "_", metric).lower()
    words = [word for word in re.split(r"[^a-z0-9]+", apart) if word]
    pairs = [one + other for one, other in pairwise(words)]
    names = {*words, *pairs, *(word.rstrip("0123456789") for word in words)}
    is_turned = not names.isdisjoint({"neg", "negative"}) and "loss" not in names  # as scikit-learn names an error that is to be raised
    if names & _LESS_IS_BETTER:
        return is_turned
    return not is_turned if names & _MORE_IS_BETTER else None


_SERIES = ("lr", "train_loss", "valid_loss", "epoch")
_METRICS = ("train_metrics", "valid_metrics")
_MORE_IS_BETTER = frozenset(
    {
        "acc", "accuracy", "accuracies", "correct", "top", "f1", "f1score", "fscore", "fbeta", "auc", "auroc", "rocauc", "auprc", "prauc", "bleu", "sacrebleu",
        "chrf", "meteor", "cider", "rouge", "iou", "miou", "jaccard", "dice", "map", "mar", "ap", "ar", "precision", "prec", "recall", "sensitivity",
        "specificity", "r2", "r2score", "rsquared", "explainedvariance", "psnr", "ssim", "mcc", "matthews", "kappa", "pearson", "pearsonr", "spearman",
        "spearmanr", "kendall", "corr", "correlation", "ndcg", "mrr", "hits", "hitrate", "exactmatch", "likelihood", "elbo", "reward", "return", "winrate",
        "success",
    }
)  # fmt: skip
_LESS_IS_BETTER = frozenset(
    {
        "loss", "logloss", "error", "errors", "err", "mae", "mse", "rmse", "msle", "rmsle", "mape", "smape", "mase", "perplexity", "ppl", "wer", "cer", "ter",
        "eer", "ece", "nll", "bce", "xent", "crossentropy", "kl", "kld", "bpc", "bpb", "brier", "crps", "deviance", "fid", "kid", "lpips", "distance",
        "inaccuracy", "fpr", "fnr", "gap", "cost",
    }
)  # fmt: skip
