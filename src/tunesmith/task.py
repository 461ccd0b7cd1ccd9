"""What a user wants trained, described by makers, not objects: a probe makes its own network, so nothing of the user's can be damaged."""

from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import Dataset

from tunesmith.cost import total_steps_for
from tunesmith.errors import TaskError
from tunesmith.optimizers import OPTIMIZER_NAMES, OptimizerMaker, ParamGroups
from tunesmith.schedules import SCHEDULES
from tunesmith.settings import Settings, cycles_problem

Batch: TypeAlias = Any
BatchMaker: TypeAlias = Callable[[int, torch.Generator], Iterable[Batch]]
Data: TypeAlias = Dataset[Any] | tuple[Tensor, ...] | BatchMaker
ModelMaker: TypeAlias = Callable[[], nn.Module]
TrainingStep: TypeAlias = Callable[[nn.Module, Batch], Tensor]
EvaluationStep: TypeAlias = Callable[[nn.Module, Batch], Mapping[str, tuple[float | Tensor, float | Tensor]]]
CurrentMaker: TypeAlias = Callable[[nn.Module], tuple[Optimizer, LRScheduler | None]]
Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]

USUAL_BATCH_SIZE = 64
"""Batch size that `steps` is counted at where the task does not say what it trains with today (our choice)."""


@dataclass(frozen=True)
class Metric:
    """A number to report beside the loss, or to decide by.

    Attributes:
        fn: (output, target) → mean over the batch, a float or a scalar tensor.
        higher_is_better: The direction.
    """

    fn: Callable[[Tensor, Tensor], Tensor | float] | None
    higher_is_better: bool


AS_GIVEN = "as given"
"""Name of a task as it is, beside those with its `conditions`."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to train, on what, judged by what.

    Attributes:
        model: () → network. It must give the same weights under one torch seed; it may load pretrained weights (then seeds vary the order only).
        train, valid: A Dataset of (input, target) pairs, a tuple (inputs, targets) of tensors, or a maker `(batch_size, generator) -> iterable of batches`.
        test: The same, optional; touched once, at the very end.
        loss: (output, target) → mean loss.
        training_step: (model, batch) → mean loss; in the place of `loss`, for any shape of batch.
        evaluation_step: (model, batch) → {"loss": (sum, count), …}; must come with `training_step` if metrics are wanted.
        metrics: Name → Metric. With `evaluation_step` a Metric's `fn` may be None: the step returns the numbers.
        goal: "loss" (of the validation set) or a metric's name: what decides, fixed beforehand.
        epochs: The longest training you would pay for, in passes over the training set.
        steps: The same in updates at the batch size of `current` (64 where that does not say); give one of the two.
        examples_per_epoch: Training examples in one pass; needed where `train` is a batch maker.
        optimizer: "sgd", "nesterov", "adam", "adamw", or a maker `(param_groups, settings) -> Optimizer`.
        param_groups: (model) → groups, each with optional `lr_scale` and `weight_decay_scale`. Default: no decay on biases and norms.
        schedule: A name in `tunesmith.schedules.SCHEDULES`, or the user's own shape `(step, total_steps) -> factor in [0, 1]`.
        cycles: How many cycles a run of schedule "triangular", "triangular2" or "exp_range" makes; None for the schedule's usual number.
        clip_grad_norm: Largest norm of the gradient; None for no clipping.
        precision: "fp32", "bf16" (autocast) or "fp16" (autocast and a gradient scaler).
        compile: Whether networks go through `torch.compile`.
        ema: Decay of an exponential moving average of the weights that is evaluated in their place; in (0, 1); None for none.
        micro_batch_size: Examples that go through the network at once; None for the whole batch.
        collate_fn, num_workers: As in `torch.utils.data.DataLoader`, for Datasets.
        conditions: Name → another maker of networks worth trying, see `probes.named_conditions`; recipe ladder weighs them.
        current: What the user trains with today: Settings, or `(model) -> (optimizer, scheduler or None)`, measured exactly as given.

    Raises:
        TaskError: Fields that contradict each other.
    """

    model: ModelMaker
    train: Data
    valid: Data
    test: Data | None = None
    loss: Callable[[Any, Any], Tensor] | None = None
    training_step: TrainingStep | None = None
    evaluation_step: EvaluationStep | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    goal: str = "loss"
    epochs: float | None = None
    steps: int | None = None
    examples_per_epoch: int | None = None
    optimizer: str | OptimizerMaker = "sgd"
    param_groups: Callable[[nn.Module], ParamGroups] | None = None
    schedule: str | Callable[[int, int], float] = "one_cycle"
    cycles: int | None = None
    clip_grad_norm: float | None = None
    precision: Precision = "fp32"
    compile: bool = False
    ema: float | None = None
    micro_batch_size: int | None = None
    collate_fn: Callable[[list[Any]], Any] | None = None
    num_workers: int = 0
    conditions: Mapping[str, ModelMaker] = field(default_factory=dict)
    current: Settings | CurrentMaker | None = None

    def __post_init__(self) -> None:
        for problem in (_call_problem(self), _length_problem(self), _choice_problem(self), _data_problem(self)):
            if problem:
                raise TaskError(problem)

    @property
    def n_train(self) -> int:
        """Training examples in one pass."""
        if self.examples_per_epoch is not None:
            return self.examples_per_epoch
        return size_of(self.train) or 0

    @property
    def n_valid(self) -> int | None:
        """Validation examples; None where the data does not say."""
        return size_of(self.valid)

    @property
    def reference_batch_size(self) -> int:
        """Batch size of the user's current settings, or 64."""
        return self.current.batch_size if isinstance(self.current, Settings) else min(USUAL_BATCH_SIZE, self.n_train)

    @property
    def full_training_examples(self) -> float:
        """Examples forward and backward in one full training: what costs are counted in."""
        return float(self.steps * self.reference_batch_size) if self.steps is not None else float(self.epochs or 0) * self.n_train

    @property
    def full_epochs(self) -> float:
        """Length of a full training in passes over the training set."""
        return self.full_training_examples / self.n_train

    @property
    def optimizer_name(self) -> str:
        """The optimizer's name, or "custom"."""
        return self.optimizer if isinstance(self.optimizer, str) else "custom"

    @property
    def schedule_name(self) -> str:
        """The schedule's name, or "task" for the user's own shape."""
        return self.schedule if isinstance(self.schedule, str) else "task"

    @property
    def goal_is_higher_better(self) -> bool:
        """Whether a larger goal is better; False for the loss."""
        return self.goal != "loss" and self.metrics[self.goal].higher_is_better

    def steps_at(self, batch_size: int) -> int:
        """Updates of a full training at `batch_size`."""
        return total_steps_for(epochs=self.full_epochs, n_train=self.n_train, batch_size=batch_size)


def size_of(data: Data | None) -> int | None:
    """Examples that the data holds; None where it does not say."""
    if isinstance(data, tuple):
        return int(data[0].shape[0])
    return len(data) if isinstance(data, Sized) else None


def _call_problem(task: Task) -> str:
    if not callable(task.model) or isinstance(task.model, nn.Module):
        return (
            f"Task.model must be a maker, a function () -> nn.Module, got {type(task.model).__name__}. "
            "Write `model=lambda: MyNet()`, so that every run gets a fresh network."
        )
    if (task.loss is None) == (task.training_step is None):
        return "Task must have exactly one of loss= and training_step=. Give loss=(output, target) -> mean loss, or training_step=(model, batch) -> mean loss."
    if task.metrics and task.training_step is not None and task.evaluation_step is None:
        return "Task.metrics with training_step= need evaluation_step=(model, batch) -> {'loss': (sum, count), …}. Add it, or drop the metrics."
    if task.goal != "loss" and task.goal not in task.metrics:
        return f"Task.goal must be 'loss' or a name in metrics {sorted(task.metrics)}, got {task.goal!r}."
    return ""


def _length_problem(task: Task) -> str:
    if (task.epochs is None) == (task.steps is None):
        return "Task must have exactly one of epochs= and steps=: the longest training you would pay for."
    length = task.epochs if task.epochs is not None else task.steps
    if length is None or not 0 < length < float("inf"):
        return f"Task.epochs or steps must be finite and > 0, got {length!r}."
    if task.examples_per_epoch is not None and task.examples_per_epoch < 1:
        return f"Task.examples_per_epoch must be ≥ 1, got {task.examples_per_epoch!r}. Pass the number of training examples in one pass."
    if isinstance(task.train, (tuple, Dataset)) or task.examples_per_epoch is not None:
        return ""
    return "Task.examples_per_epoch must be given where train is a batch maker. Pass the number of training examples in one pass."


def _choice_problem(task: Task) -> str:
    if isinstance(task.optimizer, str) and task.optimizer not in OPTIMIZER_NAMES:
        return f"Task.optimizer must be one of {', '.join(OPTIMIZER_NAMES)} or a function (param_groups, settings) -> Optimizer, got {task.optimizer!r}."
    if isinstance(task.schedule, str) and task.schedule not in SCHEDULES:
        return f"Task.schedule must be one of {', '.join(SCHEDULES)} or a function (step, total_steps) -> factor, got {task.schedule!r}."
    wrong_cycles = cycles_problem(task.cycles, schedule=task.schedule_name)
    if wrong_cycles:
        return f"Task.cycles must be {wrong_cycles}"
    if task.precision not in ("fp32", "bf16", "fp16"):
        return f"Task.precision must be 'fp32', 'bf16' or 'fp16', got {task.precision!r}."
    if task.ema is not None and not 0 < task.ema < 1:
        return f"Task.ema must be in (0, 1), got {task.ema!r}. Pass a decay such as 0.999, or leave it out."
    if task.clip_grad_norm is not None and not task.clip_grad_norm > 0:
        return f"Task.clip_grad_norm must be > 0, got {task.clip_grad_norm!r}. Pass a norm such as 1.0, or leave it out."
    if task.micro_batch_size is not None and task.micro_batch_size < 1:
        return f"Task.micro_batch_size must be ≥ 1, got {task.micro_batch_size!r}. Pass how many examples fit into memory at once, or leave it out."
    if task.num_workers < 0:
        return f"Task.num_workers must be ≥ 0, got {task.num_workers!r}. Pass how many processes load a Dataset, or leave it out."
    return ""


def _data_problem(task: Task) -> str:
    for name, data in (("train", task.train), ("valid", task.valid), ("test", task.test)):
        if data is None and name == "test":
            continue
        if isinstance(data, tuple):
            if not data or not all(isinstance(part, Tensor) for part in data):
                return f"Task.{name} as a tuple must hold tensors (inputs, targets), got {tuple(type(part).__name__ for part in data)}."
            sizes = {int(part.shape[0]) if part.ndim else 0 for part in data}
            if len(sizes) > 1:
                return f"Task.{name}: all tensors must have the same first dimension, got {[tuple(part.shape) for part in data]}."
        elif not isinstance(data, Dataset) and not callable(data):
            return f"Task.{name} must be a Dataset, a tuple of tensors, or a maker (batch_size, generator) -> iterable of batches, got {type(data).__name__}."
        elif isinstance(data, Dataset) and not isinstance(data, Sized):
            return (
                f"Task.{name}: an iterable-style Dataset has no length. Pass a maker (batch_size, generator) -> iterable of batches, with examples_per_epoch=."
            )
        if size_of(data) == 0:
            return f"Task.{name} must hold at least one example, got an empty one. Look at how the data is split."
    return ""
