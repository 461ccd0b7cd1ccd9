"""One training by a bare torch loop, the same for the reference and for every method that brings no trainer of its own.

It shares with tunesmith only how a task's data becomes batches and how a network is evaluated; nothing of `tunesmith.engine.loop` runs here.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.optim import Optimizer

from tunesmith.cost import Cost
from tunesmith.engine.data import TaskBatches
from tunesmith.engine.evaluation import Evaluator
from tunesmith.engine.seeds import child_seed, isolated_rng
from tunesmith.engine.steps import training_step
from tunesmith.optimizers import default_param_groups, make_optimizer, set_knobs
from tunesmith.schedules import lr_schedule, momentum_schedule
from tunesmith.settings import Settings
from tunesmith.task import Task

EVALUATIONS = 16
"""Validations in a full training, evenly spaced; a shorter one has its share. Early stopping sees these."""
CPU = torch.device("cpu")

SchedulerStep: TypeAlias = Callable[[int], None]
Setup: TypeAlias = Callable[[nn.Module, int], tuple[Optimizer, SchedulerStep]]
"""(network, total steps) → an optimizer, and what is called with the number of the update before each one."""


@dataclass
class Training:
    """What a training gave.

    Attributes:
        outcome: "finished", "diverged" (a loss was not finite) or "stopped" (whoever watched had seen enough).
        valid, test: Loss and metrics of the last weights; the loss is infinite where it diverged.
        best_valid: Lowest validation loss on the way, the end included.
        best_share: Where that was, as a share of the steps.
        test_at_best: Loss and metrics of those weights on the test set: what early stopping would have kept.
        way: (examples trained, validation loss) at each evaluation.
        cost: What it cost, the test set not counted; seconds are of the CPU.
    """

    outcome: str = "finished"
    valid: dict[str, float] = field(default_factory=lambda: {"loss": math.inf})
    test: dict[str, float] = field(default_factory=lambda: {"loss": math.inf})
    best_valid: float = math.inf
    best_share: float = 0.0
    test_at_best: dict[str, float] = field(default_factory=lambda: {"loss": math.inf})
    way: list[tuple[int, float]] = field(default_factory=list)
    cost: Cost = Cost()

    def to_row(self) -> dict[str, Any]:
        """A JSON object; numbers to seven digits, infinities to be turned into null."""
        return {
            "outcome": self.outcome,
            "valid": _rounded(self.valid),
            "test": _rounded(self.test),
            "best_valid": _digits(self.best_valid),
            "best_share": _digits(self.best_share),
            "test_at_best": _rounded(self.test_at_best),
            "way": [[examples, _digits(loss)] for examples, loss in self.way],
            "trained": self.cost.trained_examples,
            "evaluated": self.cost.evaluated_examples,
            "seconds": round(self.cost.seconds, 3),
        }


def _digits(value: float) -> float:
    return float(f"{value:.7g}")


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: _digits(value) for name, value in values.items()}


def by_settings(task: Task, settings: Settings) -> Setup:
    """The task's optimizer at `settings`, moved along their schedule."""

    def setup(model: nn.Module, total_steps: int) -> tuple[Optimizer, SchedulerStep]:
        optimizer = make_optimizer(task.optimizer, (task.param_groups or default_param_groups)(model), settings)
        lr, momentum = lr_schedule(settings, total_steps=total_steps), momentum_schedule(settings, total_steps=total_steps)
        return optimizer, lambda step: set_knobs(optimizer, lr=lr(step), momentum=momentum(step))

    return setup


def train(
    task: Task,
    setup: Setup,
    *,
    batch_size: int,
    total_steps: int,
    seed: int,
    should_stop: Callable[[int, float], bool] | None = None,
) -> tuple[nn.Module, Training]:
    """Train a fresh network and evaluate it on the way and at the end; the test set only afterwards, where the task has one.

    Args:
        task: What to train.
        setup: Optimizer and schedule.
        batch_size: Examples an update.
        total_steps: Updates.
        seed: Fixes initialisation, order and every other draw; the global generators come back as they were.
        should_stop: Called with (examples trained, validation loss) at each evaluation; True stops the training.
    """
    with isolated_rng(child_seed(seed, "rest"), CPU):
        torch.manual_seed(child_seed(seed, "init"))
        model = task.model()
        torch.manual_seed(child_seed(seed, "rest"))
        optimizer, scheduler_step = setup(model, total_steps)
        judge = _Judge(task, model, optimizer, batch_size=batch_size, total_steps=total_steps, should_stop=should_stop)
        batches = judge.data.for_training(batch_size=batch_size, seed=child_seed(seed, "order"))
        started, step_loss = time.process_time(), training_step(task)
        model.train()
        for step, (batch, *_) in zip(range(total_steps), batches, strict=False):
            scheduler_step(step)
            optimizer.zero_grad()
            loss = step_loss(model, batch)
            if not math.isfinite(loss.item()):
                judge.found.outcome = "diverged"
                break
            loss.backward()
            if task.clip_grad_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), task.clip_grad_norm)
            optimizer.step()
            if judge.has_seen_enough_after(step + 1):
                break
        judge.found.cost += Cost(seconds=time.process_time() - started)
        judge.take_test()
    return model, judge.found


class _Judge:
    """Evaluates a network on the way and at the end, and keeps what early stopping would have kept."""

    def __init__(
        self, task: Task, model: nn.Module, optimizer: Optimizer, *, batch_size: int, total_steps: int, should_stop: Callable[[int, float], bool] | None
    ) -> None:
        self.found = Training()
        self.data = TaskBatches(task, device=CPU)
        self._evaluator = Evaluator(task, device=CPU, batch_size=batch_size, data=self.data)
        self._task, self._model, self._optimizer, self._should_stop = task, model, optimizer, should_stop
        self._batch_size, self._total_steps = batch_size, total_steps
        count = max(1, round(EVALUATIONS * total_steps * batch_size / task.full_training_examples))
        self._marks = {max(1, round(total_steps * (i + 1) / count)) for i in range(count)}
        self._best_weights: dict[str, Any] | None = None

    def has_seen_enough_after(self, steps: int) -> bool:
        """Count a step, evaluate where it is time to, and say whether the training is to end here."""
        found = self.found
        found.cost = replace(found.cost, trained_examples=steps * self._batch_size)
        if steps not in self._marks:
            return False
        with _meant_weights(self._optimizer):
            evaluation = self._evaluator.evaluate(self._model, self._task.valid)
            found.cost += Cost(evaluated_examples=evaluation.examples)
            loss = evaluation.values["loss"]
            found.way.append((found.cost.trained_examples, loss))
            if not math.isfinite(loss):
                found.outcome = "diverged"
                return True
            found.valid = evaluation.values
            if loss < found.best_valid:
                found.best_valid, found.best_share = loss, steps / self._total_steps
                self._best_weights = None if self._task.test is None else copy.deepcopy(self._model.state_dict())
        if self._should_stop is not None and self._should_stop(found.cost.trained_examples, loss) and steps < self._total_steps:
            found.outcome = "stopped"
        return found.outcome == "stopped"

    def take_test(self) -> None:
        """After the last step: the test set, with the last weights and with the best on the way."""
        found, test = self.found, self._task.test
        if found.outcome == "diverged":
            found.valid = {"loss": math.inf}
        if test is None:
            return
        with _meant_weights(self._optimizer):
            if found.outcome == "finished":
                found.test = self._evaluator.evaluate(self._model, test).values
            if self._best_weights is not None:
                best = copy.deepcopy(self._model)
                best.load_state_dict(self._best_weights)
                found.test_at_best = self._evaluator.evaluate(best, test).values


@contextmanager
def _meant_weights(optimizer: Optimizer) -> Iterator[None]:
    """Schedule-free optimizers mean other weights than those that they train with; every other optimizer is left alone."""
    to_eval, to_train = getattr(optimizer, "eval", None), getattr(optimizer, "train", None)
    if to_eval is None or to_train is None:
        yield
        return
    to_eval()
    try:
        yield
    finally:
        to_train()
