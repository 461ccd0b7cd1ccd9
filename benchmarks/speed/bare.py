"""A training loop as one writes it by hand, with the same steps, settings and learning rate per step as the engine's."""

import time
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.speed.turns import Seconds
from tunesmith.schedules import lr_schedule
from tunesmith.settings import RunSpec
from tunesmith.task import Task


@dataclass(frozen=True, kw_only=True)
class BareSeconds:
    """What a bare training took: from making the network to the evaluation at the end, and its steps alone."""

    whole: Seconds
    steps: Seconds


def _tensors(part: object) -> tuple[Tensor, Tensor]:
    """Inputs and targets, which a bare loop indexes."""
    match part:
        case (Tensor() as inputs, Tensor() as targets):
            return inputs, targets
        case _:
            raise ValueError(f"A bare loop must be given tensors, got {type(part).__name__}. Bench a task of tensors.")


def train_bare(task: Task, spec: RunSpec) -> BareSeconds:
    """Train a network of a task of tensors with cross-entropy: batches by index, `loss.item()` at every step, one evaluation of the validation set."""
    inputs, targets = _tensors(task.train)
    valid_inputs, valid_targets = _tensors(task.valid)
    settings = spec.settings
    lr_of = lr_schedule(settings, total_steps=spec.total_steps)
    lrs = [lr_of(step) for step in range(spec.total_steps)]
    clocks = [_now()]
    torch.manual_seed(spec.seed)
    model = task.model()
    optimizer = torch.optim.SGD(model.parameters(), lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay)
    order, losses = torch.empty(0, dtype=torch.long), []
    clocks.append(_now())
    for lr in lrs:
        if len(order) < settings.batch_size:
            order = torch.cat([order, torch.randperm(len(inputs))])
        chosen, order = order[: settings.batch_size], order[settings.batch_size :]
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs.index_select(0, chosen)), targets.index_select(0, chosen))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    clocks.append(_now())
    model.eval()
    with torch.no_grad():
        F.cross_entropy(model(valid_inputs), valid_targets).item()
    clocks.append(_now())
    return BareSeconds(whole=_between(clocks[0], clocks[3]), steps=_between(clocks[1], clocks[2]))


def _now() -> Seconds:
    return Seconds(cpu=time.process_time(), wall=time.perf_counter())


def _between(start: Seconds, end: Seconds) -> Seconds:
    return Seconds(cpu=end.cpu - start.cpu, wall=end.wall - start.wall)
