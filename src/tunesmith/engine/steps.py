"""What one update and one evaluation compute: the task's own step functions, or those that its `loss` and `metrics` imply."""

from collections.abc import Mapping
from typing import TypeAlias

from torch import Tensor, nn

from tunesmith.engine.device import count_examples
from tunesmith.errors import TaskError
from tunesmith.task import Batch, EvaluationStep, Task, TrainingStep

Sums: TypeAlias = Mapping[str, tuple[float | Tensor, float | Tensor]]


def training_step(task: Task) -> TrainingStep:
    """(model, batch) → mean loss."""
    if task.training_step is not None:
        return task.training_step
    loss = task.loss
    if loss is None:
        raise TaskError("Task must have one of loss= and training_step=.")

    def step(model: nn.Module, batch: Batch) -> Tensor:
        inputs, target = _pair(batch)
        return loss(model(inputs), target)

    return step


def evaluation_step(task: Task) -> EvaluationStep:
    """(model, batch) → name → (sum, count)."""
    if task.evaluation_step is not None:
        return task.evaluation_step
    if task.loss is None:
        return _loss_only_step(training_step(task))
    loss, metrics = task.loss, dict(task.metrics)

    def step(model: nn.Module, batch: Batch) -> Sums:
        inputs, target = _pair(batch)
        output = model(inputs)
        count = count_examples(batch)
        sums: dict[str, tuple[float | Tensor, float | Tensor]] = {"loss": (loss(output, target) * count, count)}
        for name, metric in metrics.items():
            if metric.fn is not None:
                sums[name] = (metric.fn(output, target) * count, count)
        return sums

    return step


def _loss_only_step(train: TrainingStep) -> EvaluationStep:
    def step(model: nn.Module, batch: Batch) -> Sums:
        count = count_examples(batch)
        return {"loss": (train(model, batch) * count, count)}

    return step


def _pair(batch: Batch) -> tuple[Batch, Batch]:
    if isinstance(batch, (tuple, list)) and len(batch) == 2:  # noqa: PLR2004 (a pair)
        return batch[0], batch[1]
    shape = f"{type(batch).__name__} of {len(batch)}" if isinstance(batch, (tuple, list, dict)) else type(batch).__name__
    raise TaskError(
        f"With loss=, a batch must be a pair (input, target), got a {shape}. Give training_step= and evaluation_step= for batches of another shape."
    )
