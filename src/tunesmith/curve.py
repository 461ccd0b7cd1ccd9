"""What a run recorded, raw. Records only: no torch, no I/O, no smoothing."""

import dataclasses
import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from tunesmith.cost import Cost
from tunesmith.settings import Json, RunSpec


class RunOutcome(StrEnum):
    """How a run ended. `advice` says what to do about it."""

    FINISHED = "finished"
    DIVERGED = "diverged"
    NOT_FINITE = "not_finite"
    STOPPED = "stopped"

    @property
    def advice(self) -> str:
        """One sentence with the next action; empty for FINISHED."""
        return _RUN_ADVICE[self]


_RUN_ADVICE = {
    RunOutcome.FINISHED: "",
    RunOutcome.DIVERGED: "The loss rose far above where it began: lower the learning rate, or the weight decay at this learning rate.",
    RunOutcome.NOT_FINITE: "The loss turned NaN or infinite: lower the learning rate, or look for NaN in the data.",
    RunOutcome.STOPPED: "The run was stopped before its last step: start the same command again to go on.",
}


@dataclass(frozen=True, kw_only=True)
class GradientSample:
    """How long and how alike the gradients of several micro-batches are at one moment of a run, as squared Euclidean norms over all trained parameters.

    Attributes:
        step: Updates applied before it.
        micro_batch_size: Examples in each micro-batch, b.
        n_micro_batches: How many micro-batches there were, K; ≥ 2.
        mean_square: Mean over the micro-batches of `|g_k|²`, g_k being the gradient of one's mean loss.
        square_of_mean: `|mean of the g_k|²`.
    """

    step: int
    micro_batch_size: int
    n_micro_batches: int
    mean_square: float
    square_of_mean: float

    @property
    def examples(self) -> int:
        """Examples forward and backward that it cost."""
        return self.micro_batch_size * self.n_micro_batches

    def to_dict(self) -> dict[str, Json]:
        """A JSON object (NaN and infinities as strings) that `from_dict` turns back into an equal record."""
        data = dataclasses.asdict(self)
        return data | {name: _to_json(data[name]) for name in ("mean_square", "square_of_mean")}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        return cls(
            step=int(data["step"]),
            micro_batch_size=int(data["micro_batch_size"]),
            n_micro_batches=int(data["n_micro_batches"]),
            mean_square=float(data["mean_square"]),
            square_of_mean=float(data["square_of_mean"]),
        )


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What a run recorded, raw and unsmoothed.

    Attributes:
        lr, momentum, train_loss: One value an applied update: row i drove update i (counted from 0). `train_loss` is the loss of that update's batch,
            before it.
        eval_step: Updates applied before each evaluation; ascending.
        valid_loss: Mean validation loss of each evaluation.
        metrics: Name → one value an evaluation.
        test: Name → value on the test set after the last update; empty where it was not touched.
        outcome: How the run ended.
        cost: Examples and seconds spent.
        gradients: Samples of micro-batch gradients on the way, in the order of steps, two at each; empty where the run's spec asks for none.
    """

    lr: tuple[float, ...]
    momentum: tuple[float, ...]
    train_loss: tuple[float, ...]
    eval_step: tuple[int, ...]
    valid_loss: tuple[float, ...]
    metrics: dict[str, tuple[float, ...]] = field(default_factory=dict)
    test: dict[str, float] = field(default_factory=dict)
    outcome: RunOutcome = RunOutcome.FINISHED
    cost: Cost = Cost()
    gradients: tuple[GradientSample, ...] = ()

    @property
    def final_valid_loss(self) -> float:
        """Validation loss at the end; +inf where the run did not finish, so that it never wins a comparison."""
        if self.outcome is not RunOutcome.FINISHED or not self.valid_loss:
            return math.inf
        last = self.valid_loss[-1]
        return last if math.isfinite(last) else math.inf

    def to_dict(self) -> dict[str, Json]:
        """A JSON object (NaN and infinities as strings) that `from_dict` turns back into an equal record; without `gradients` where there are none."""
        data = dataclasses.asdict(self)
        for name in ("lr", "momentum", "train_loss", "valid_loss"):
            data[name] = [_to_json(value) for value in data[name]]
        data["eval_step"] = list(self.eval_step)
        data["metrics"] = {name: [_to_json(value) for value in values] for name, values in self.metrics.items()}
        data["test"] = {name: _to_json(value) for name, value in self.test.items()}
        del data["gradients"]
        if self.gradients:
            data["gradients"] = [sample.to_dict() for sample in self.gradients]
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        return cls(
            **{name: tuple(float(value) for value in data[name]) for name in ("lr", "momentum", "train_loss", "valid_loss")},
            eval_step=tuple(int(step) for step in data["eval_step"]),
            metrics={name: tuple(float(value) for value in values) for name, values in data["metrics"].items()},
            test={name: float(value) for name, value in data["test"].items()},
            outcome=RunOutcome(data["outcome"]),
            cost=Cost(**data["cost"]),
            gradients=tuple(GradientSample.from_dict(sample) for sample in data.get("gradients", ())),
        )


def _to_json(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training: the order for it and what it recorded."""

    spec: RunSpec
    curve: Curve
