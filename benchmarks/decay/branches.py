"""Runs at several total decays: each a training of its own, or branches that go on from one trunk. By the proof bench's bare loop."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import nn
from torch.optim import Optimizer

from benchmarks.proof.cache import Row
from benchmarks.proof.training import SchedulerStep, Setup, train
from tunesmith.coupling import is_adam_kind
from tunesmith.optimizers import default_param_groups, make_optimizer, set_knobs
from tunesmith.schedules import lr_schedule, momentum_schedule
from tunesmith.schedules.one_cycle import RISE_FRACTION
from tunesmith.settings import Settings
from tunesmith.task import Task

DECAYS = (0.0, 0.1, 0.3, 1.0, 3.0)
"""Total decays that are compared: the weights are hardly to many times forgotten within a run (METHOD, section 2.5)."""
MIDDLE = 0.3
"""Of the trunk."""
TRUNK_SHARE, BRANCH_SHARE = 1 / 4, 1 / 8
_BRANCH_SEEDS = 1_000_000
"""A branch reads the data in the order of the study's seed plus this: all branches in the same, none in the trunk's."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of a 1cycle.

    Attributes:
        steps: Updates.
        whole: Updates of the cycle that it belongs to.
        offset: Updates of the cycle before it.
    """

    steps: int
    whole: int
    offset: int = 0

    def summed_steps(self, settings: Settings, *, optimizer_name: str) -> float:
        """What a weight decay is multiplied with to give the piece's total decay."""
        lr, momentum = lr_schedule(settings, total_steps=self.whole), momentum_schedule(settings, total_steps=self.whole)
        steps = range(self.offset, self.offset + self.steps)
        return math.fsum(lr(at) / (1.0 if is_adam_kind(optimizer_name) else 1 - momentum(at)) for at in steps)


def cycle(steps: int) -> Piece:
    """A whole one."""
    return Piece(steps=steps, whole=steps)


def rise(steps: int) -> Piece:
    """From the start to the peak.

    Example:
        >>> rise(90)
        Piece(steps=90, whole=200, offset=0)
    """
    return Piece(steps=steps, whole=round(steps / RISE_FRACTION))


def fall(steps: int) -> Piece:
    """From the peak to zero, and the tail.

    Example:
        >>> fall(110)
        Piece(steps=110, whole=200, offset=90)
    """
    whole = round(steps / (1 - RISE_FRACTION))
    return Piece(steps=steps, whole=whole, offset=whole - steps)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Where a trunk ended.

    Attributes:
        weights: Of the network, buffers included.
        optimizer: Its state.
    """

    weights: dict[str, Any]
    optimizer: dict[str, Any]


def apart(task: Task, settings: Settings, *, share: float, seed: int, keeps_rate: bool = False, decays: Sequence[float] = DECAYS) -> Row:
    """One annealed training of `share` of the full length for each total decay, all on one seed.

    With `keeps_rate` the weight decay is the one that has the total decay in a full training, so a short run's total decay is smaller.
    """
    piece = cycle(_steps(task, settings, share))
    unit = (cycle(_steps(task, settings, 1.0)) if keeps_rate else piece).summed_steps(settings, optimizer_name=task.optimizer_name)
    found = [_run(task, replace(settings, weight_decay=decay / unit), piece=piece, seed=seed) for decay in decays]
    return {"losses": [loss for loss, _, _ in found], "steps": piece.steps * len(decays), "seconds": round(sum(seconds for *_, seconds in found), 3)}


def branched(task: Task, settings: Settings, *, seed: int, decays: Sequence[float] = DECAYS) -> dict[str, Row]:
    """One trunk at the middle decay, and from it an annealed branch for each total decay; three ways of doing so.

    "annealed trunk": the trunk is a whole cycle, a branch another one that has its total decay within its own length.
    "peak, own length": trunk and branch are one cycle, the branch its fall, with its total decay within its own length.
    "peak, same rate": the same with the weight decay that would give the total decay within trunk and branch, so the middle branch does not switch.
    """
    trunk_steps, steps = _steps(task, settings, TRUNK_SHARE), _steps(task, settings, BRANCH_SHARE)

    def unit(piece: Piece) -> float:
        return piece.summed_steps(settings, optimizer_name=task.optimizer_name)

    both = unit(rise(trunk_steps)) + unit(fall(steps))
    found: dict[str, Row] = {}
    for trunk, trunk_unit, piece, units in (
        (cycle(trunk_steps), unit(cycle(trunk_steps)), cycle(steps), {"annealed trunk": unit(cycle(steps))}),
        (rise(trunk_steps), both, fall(steps), {"peak, own length": unit(fall(steps)), "peak, same rate": both}),
    ):
        _, snapshot, trunk_seconds = _run(task, replace(settings, weight_decay=MIDDLE / trunk_unit), piece=trunk, seed=seed)
        for name, branch_unit in units.items():
            branches = [
                _run(task, replace(settings, weight_decay=decay / branch_unit), piece=piece, seed=_BRANCH_SEEDS + seed, start=snapshot) for decay in decays
            ]
            seconds = trunk_seconds + sum(seconds for *_, seconds in branches)
            found[name] = {"losses": [loss for loss, _, _ in branches], "steps": trunk_steps + steps * len(decays), "seconds": round(seconds, 3)}
    return found


def _run(task: Task, settings: Settings, *, piece: Piece, seed: int, start: Snapshot | None = None) -> tuple[float, Snapshot, float]:
    """Final validation loss, where it ended, CPU seconds."""
    made: list[Optimizer] = []
    setup = going_on(task, settings, piece=piece, start=start, made=made.append)
    model, found = train(task, setup, batch_size=settings.batch_size, total_steps=piece.steps, seed=seed)
    return found.valid["loss"], Snapshot(weights=model.state_dict(), optimizer=made[0].state_dict()), found.cost.seconds


def going_on(task: Task, settings: Settings, *, piece: Piece, start: Snapshot | None, made: Callable[[Optimizer], object]) -> Setup:
    """The task's optimizer at `settings`, moved along `piece`; weights and optimizer state are those of `start`, the weight decay is that of `settings`."""

    def setup(model: nn.Module, _total_steps: int) -> tuple[Optimizer, SchedulerStep]:
        optimizer = make_optimizer(task.optimizer, (task.param_groups or default_param_groups)(model), settings)
        if start is not None:
            model.load_state_dict(start.weights)
            weight_decays = [group["weight_decay"] for group in optimizer.param_groups]
            optimizer.load_state_dict(copy.deepcopy(start.optimizer))  # torch shares tensors with what it loads
            for group, weight_decay in zip(optimizer.param_groups, weight_decays, strict=True):
                group["weight_decay"] = weight_decay
        made(optimizer)
        lr, momentum = lr_schedule(settings, total_steps=piece.whole), momentum_schedule(settings, total_steps=piece.whole)
        return optimizer, lambda step: set_knobs(optimizer, lr=lr(piece.offset + step), momentum=momentum(piece.offset + step))

    return setup


def _steps(task: Task, settings: Settings, share: float) -> int:
    return max(1, round(share * task.full_training_examples / settings.batch_size))
