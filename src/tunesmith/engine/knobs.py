"""The optimizer of a run, and what moves its learning rate and momentum from update to update."""

from typing import Protocol

from torch import nn
from torch.optim import Optimizer

from tunesmith.errors import TaskError
from tunesmith.optimizers import default_param_groups, make_optimizer, set_knobs
from tunesmith.schedules import Schedule, lr_schedule, momentum_schedule, ramp
from tunesmith.settings import RunKind, RunSpec
from tunesmith.task import CurrentMaker, Task


class Knobs(Protocol):
    """Moves learning rate and momentum of `optimizer`."""

    optimizer: Optimizer

    def move_to(self, step: int) -> tuple[float, float]:
        """Make the optimizer ready for update `step`, counted from 0; the learning rate and momentum that drive it. Twice where an update is repeated."""
        ...


def make_knobs(task: Task, spec: RunSpec, model: nn.Module) -> Knobs:
    """What `spec` asks for: the spec's own schedules, or for a run of kind CURRENT the task's maker of optimizer and scheduler.

    Raises:
        TaskError: Nothing to train.
        InputError: A schedule that cannot be made.
    """
    if spec.kind is RunKind.CURRENT and callable(task.current):
        return _OwnKnobs(task.current, model)
    groups = (task.param_groups or default_param_groups)(model)
    if not groups:
        raise TaskError("Task.model must make a network with parameters that require gradients, and it has none. Look at requires_grad.")
    lr, momentum = _schedules(task, spec)
    return _ScheduledKnobs(make_optimizer(task.optimizer, groups, spec.settings), lr=lr, momentum=momentum, total_steps=spec.total_steps)


class _ScheduledKnobs:
    def __init__(self, optimizer: Optimizer, *, lr: Schedule, momentum: Schedule, total_steps: int) -> None:
        self.optimizer = optimizer
        # Tabulated beforehand: between two updates of a small network the same call takes several times as long.
        self._lr = [lr(step) for step in range(total_steps)]
        self._momentum = [momentum(step) for step in range(total_steps)]

    def move_to(self, step: int) -> tuple[float, float]:
        lr, momentum = self._lr[step], self._momentum[step]
        set_knobs(self.optimizer, lr=lr, momentum=momentum)
        return lr, momentum


class _OwnKnobs:
    """The user's own optimizer and scheduler, stepped once an update and otherwise left alone; recorded is what the first group holds."""

    def __init__(self, current: CurrentMaker, model: nn.Module) -> None:
        self.optimizer, self._scheduler = current(model)
        self._step = 0

    def move_to(self, step: int) -> tuple[float, float]:
        if step > self._step and self._scheduler is not None:
            self._scheduler.step()
        self._step = step
        group = self.optimizer.param_groups[0]
        return float(group["lr"]), float(group["momentum"] if "momentum" in group else group["betas"][0] if "betas" in group else 0.0)


def _schedules(task: Task, spec: RunSpec) -> tuple[Schedule, Schedule]:
    settings, total_steps = spec.settings, spec.total_steps
    if spec.kind in (RunKind.LINEAR_RAMP, RunKind.EXPONENTIAL_RAMP):
        spacing = "linear" if spec.kind is RunKind.LINEAR_RAMP else "exponential"
        return (
            ramp(start=settings.resolved_min_lr, end=settings.lr, total_steps=total_steps, spacing=spacing),
            ramp(start=settings.momentum, end=settings.resolved_min_momentum, total_steps=total_steps, spacing="linear"),
        )
    shape = task.schedule if callable(task.schedule) else None
    return lr_schedule(settings, total_steps=total_steps, shape=shape), momentum_schedule(settings, total_steps=total_steps, shape=shape)
