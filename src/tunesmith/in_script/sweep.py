"""One sweep of the learning rate through a script's own training: its losses, raw. Judges nothing, restores nothing."""

import dataclasses
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from tunesmith.cost import Cost
from tunesmith.curve import Curve, RunOutcome
from tunesmith.engine.precision import in_precision
from tunesmith.engine.record import Record
from tunesmith.engine.steps import training_step
from tunesmith.in_script.groups import lead_momentum, lr_shares, set_lr
from tunesmith.in_script.stream import updates
from tunesmith.in_script.update import Updater
from tunesmith.in_script.validation import Validation
from tunesmith.task import Batch, Task
from tunesmith.thresholds import Thresholds


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The order for a sweep.

    Attributes:
        model, optimizers, scaler: The script's own; changed.
        task: The script's steps and precision.
        train_loader, valid_loader: Its data.
        lrs: Learning rate of the leading group at each update.
        accumulate: Micro-batches of an update.
        clip_grad_norm: Largest norm of the gradient; None for no clipping.
        stops_when_diverged: Whether a loss far above its start ends the sweep; one that is not finite always does.
        valid_share, evaluations: Price and number of evaluations, see `validation`.
        device: Where the network computes.
        thresholds: When the sweep counts as diverged.
    """

    model: nn.Module
    optimizers: Sequence[Optimizer]
    scaler: torch.amp.GradScaler | None
    task: Task
    train_loader: Iterable[Batch]
    valid_loader: Iterable[Batch] | None
    lrs: tuple[float, ...]
    accumulate: int
    clip_grad_norm: float | None
    stops_when_diverged: bool
    valid_share: float
    evaluations: int
    device: torch.device
    thresholds: Thresholds


def record_sweep(sweep: Sweep) -> Curve:
    """Raise the learning rate update by update and take down the losses.

    Costs one update for each rate, those that a gradient scaler skips besides, and the evaluations.

    Raises:
        InputError: Data or steps that do not hold what they must, see `stream`, `update` and `valid_slice`.
    """
    started = time.perf_counter()
    if not sweep.model.training:  # else the modes are the script's: a frozen BatchNorm stays frozen
        sweep.model.train()
    shares, validation = lr_shares(sweep.optimizers), _validation(sweep)
    momentum, n_updates, trained = lead_momentum(shares), len(sweep.lrs), 0
    updater = _updater(sweep)
    record = Record(thresholds=sweep.thresholds, stops_when_diverged=sweep.stops_when_diverged, batch_size=1, device=sweep.device)

    with closing(updates(sweep.train_loader, accumulate=sweep.accumulate)) as stream:
        while record.updates < n_updates and not record.is_lost:
            lr = sweep.lrs[record.updates]
            set_lr(shares, lr)
            micro_batches = next(stream)
            loss, examples = updater.backward(micro_batches)
            if validation is not None:
                if not trained:
                    validation.plan(batch_size=examples, steps=n_updates)
                validation.see(micro_batches, examples=examples)
            trained += examples
            if not updater.apply():  # a gradient overflowed: not an update, so not a point
                record.add_skipped()
                continue
            record.add_update(lr=lr, momentum=momentum, loss=loss)
            is_last = record.updates == n_updates
            if validation is not None and validation.is_due(trained_examples=trained, is_last=is_last) and record.read_losses() is RunOutcome.FINISHED:
                record.add_evaluation(validation.evaluate(), examples=0)

    seconds = time.perf_counter() - started
    cost = Cost(trained_examples=trained, evaluated_examples=0 if validation is None else validation.examples, seconds=seconds)
    return dataclasses.replace(record.curve(seconds=seconds), cost=cost)


def _updater(sweep: Sweep) -> Updater:
    scaler = sweep.scaler
    if scaler is None and sweep.task.precision == "fp16":
        scaler = torch.amp.GradScaler(sweep.device.type)
    loss_of = in_precision(training_step(sweep.task), sweep.task, device=sweep.device)
    return Updater(sweep.model, sweep.optimizers, loss_of=loss_of, scaler=scaler, clip_grad_norm=sweep.clip_grad_norm, device=sweep.device)


def _validation(sweep: Sweep) -> Validation | None:
    if sweep.valid_loader is None:
        return None
    return Validation(sweep.model, sweep.valid_loader, task=sweep.task, device=sweep.device, share=sweep.valid_share, evaluations=sweep.evaluations)
