"""The only code that trains: one loop, from a task and the order for a run to its curve."""

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tunesmith.cost import FORWARD_SHARE, Cost
from tunesmith.curve import Curve, RunOutcome
from tunesmith.engine.data import training_batches
from tunesmith.engine.device import count_examples, pinned_threads, resolve_device
from tunesmith.engine.ema import WeightAverage
from tunesmith.engine.evaluation import Evaluator
from tunesmith.engine.seeds import child_seed, isolated_rng, seed_globals
from tunesmith.engine.steps import autocast, training_step
from tunesmith.engine.stop import DivergenceWatch
from tunesmith.engine.user_code import user_code
from tunesmith.errors import TaskError
from tunesmith.optimizers import default_param_groups, make_optimizer, set_knobs
from tunesmith.schedules import Schedule, lr_schedule, momentum_schedule, ramp
from tunesmith.settings import RunKind, RunSpec
from tunesmith.task import Batch, Task
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

_READ_EVERY_UPDATES = {"cpu": 1}
_READ_EVERY_ON_ACCELERATOR = 16
_MOST_SKIPPED_IN_A_ROW = 50


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a run gives back.

    Attributes:
        curve: What it recorded.
        weights: The final state dict on the CPU (the average's where the task asks for one), if the spec keeps it.
        threads: Intra-op threads that the run was pinned to.
    """

    curve: Curve
    weights: dict[str, Tensor] | None
    threads: int


def run_spec(
    task: Task,
    spec: RunSpec,
    *,
    device: str = "cpu",
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    on_step: Callable[[int, float], None] | None = None,
) -> RunResult:
    """Train a fresh network of `task` as `spec` says, and record everything.

    Costs `spec.total_steps` updates and its evaluations. Leaves no trace: the network is its own, and the global generators come back bit for bit,
    also after an exception or Ctrl-C. Same spec, CPU, same torch: the same bits.

    Args:
        task: What to train.
        spec: The settings, length, seed and kind of run.
        device: "auto", or as torch spells it.
        thresholds: When a run counts as diverged.
        on_step: Called with (updates done, examples spent), often; for progress only.

    Returns:
        The curve, with outcome DIVERGED or NOT_FINITE where the loss went astray, and the weights if the spec keeps them.

    Raises:
        TaskError: The data or a maker does not hold what the task promised.
        UserCodeError: The task's own code raised.
    """
    torch_device = resolve_device(device)
    started = time.perf_counter()
    with isolated_rng(child_seed(spec.seed, "init"), torch_device), user_code(task, spec):
        model = task.model().to(torch_device)
        with pinned_threads(model, torch_device) as threads:
            seed_globals(child_seed(spec.seed, "rest"), torch_device)
            curve, weights = _train(task, spec, model, device=torch_device, thresholds=thresholds, on_step=on_step, started=started)
    return RunResult(curve=curve, weights=weights, threads=threads)


def _train(
    task: Task,
    spec: RunSpec,
    model: nn.Module,
    *,
    device: torch.device,
    thresholds: Thresholds,
    on_step: Callable[[int, float], None] | None,
    started: float,
) -> tuple[Curve, dict[str, Tensor] | None]:
    batch_size = spec.settings.batch_size
    network = torch.compile(model) if task.compile else model
    optimizer, move_knobs = _optimizer(task, spec, model)
    lr_of, momentum_of = _schedules(task, spec)
    step_of, precision = training_step(task), lambda: autocast(task, device)
    scaler = torch.amp.GradScaler(device.type, enabled=task.precision == "fp16")
    average = None if task.ema is None else WeightAverage(model, decay=task.ema)
    evaluator = Evaluator(task, device=device, batch_size=batch_size)
    watch = DivergenceWatch(thresholds)
    evaluation_steps = _evaluation_steps(spec)
    read_every = _READ_EVERY_UPDATES.get(device.type, _READ_EVERY_ON_ACCELERATOR)

    lrs: list[float] = []
    momenta: list[float] = []
    losses: list[float] = []
    unread: list[Tensor] = []
    eval_step: list[int] = []
    values: dict[str, list[float]] = {}
    outcome, trained, evaluated, skipped = RunOutcome.FINISHED, 0, 0, 0

    model.train()
    batches = training_batches(task, batch_size=batch_size, updates=spec.total_steps, seed=child_seed(spec.seed, "order"), device=device)
    step = 0
    while step < spec.total_steps and outcome is RunOutcome.FINISHED:
        lr, momentum = lr_of(step), momentum_of(step)
        if move_knobs is None:
            set_knobs(optimizer, lr=lr, momentum=momentum)
        loss = _backward(network, next(batches), batch_size=batch_size, step_of=step_of, precision=precision, optimizer=optimizer, scaler=scaler)
        trained += batch_size
        if task.clip_grad_norm is not None:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), task.clip_grad_norm)
        if not _apply(optimizer, scaler):  # fp16 overflowed: not an update, so not a point
            skipped += 1
            outcome = RunOutcome.NOT_FINITE if skipped > _MOST_SKIPPED_IN_A_ROW else outcome
            continue
        skipped = 0
        lrs.append(optimizer.param_groups[0]["lr"] if move_knobs else lr)
        momenta.append(momentum)
        unread.append(loss)
        if move_knobs is not None:
            move_knobs()
        if average is not None:
            average.update(model)
        step += 1

        is_evaluated = step in evaluation_steps
        if is_evaluated or len(unread) >= read_every or step == spec.total_steps:
            for value in torch.stack(unread).tolist() if len(unread) > 1 else (unread[0].item(),):  # sync
                losses.append(value)
                outcome = _judge(value, outcome, watch=watch, stops=spec.stops_when_diverged)
            unread.clear()
        if is_evaluated and outcome is RunOutcome.FINISHED:
            with average.in_place_of(model) if average else contextlib.nullcontext():
                found = evaluator.evaluate(network, task.valid, n_examples=spec.valid_examples, reestimates_norm=spec.reestimates_norm)
            evaluated += found.examples
            eval_step.append(step)
            for name, value in found.values.items():
                values.setdefault(name, []).append(value)
        if on_step is not None:
            on_step(step, trained + FORWARD_SHARE * evaluated)

    weights, test = None, {}
    with average.in_place_of(model) if average else contextlib.nullcontext():
        if spec.evaluates_test and task.test is not None and outcome is RunOutcome.FINISHED:
            found = evaluator.evaluate(network, task.test)
            evaluated, test = evaluated + found.examples, found.values
        if spec.keeps_weights:
            weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
    valid_loss = values.pop("loss", [])
    curve = Curve(
        lr=tuple(lrs),
        momentum=tuple(momenta),
        train_loss=tuple(losses),
        eval_step=tuple(eval_step),
        valid_loss=tuple(valid_loss),
        metrics={name: tuple(found) for name, found in values.items()},
        test=test,
        outcome=outcome,
        cost=Cost(trained_examples=trained, evaluated_examples=evaluated, seconds=time.perf_counter() - started),
    )
    return curve, weights


def _optimizer(task: Task, spec: RunSpec, model: nn.Module) -> tuple[Optimizer, Callable[[], None] | None]:
    """The optimizer, and for the task's own `current` maker what to call after each update in the place of our schedules."""
    if spec.kind is RunKind.CURRENT and callable(task.current):
        optimizer, scheduler = task.current(model)
        return optimizer, (lambda: None) if scheduler is None else scheduler.step
    groups = (task.param_groups or default_param_groups)(model)
    if not groups:
        raise TaskError("Task.model must make a network with parameters that require gradients, and it has none. Look at requires_grad.")
    return make_optimizer(task.optimizer, groups, spec.settings), None


def _schedules(task: Task, spec: RunSpec) -> tuple[Schedule, Schedule]:
    settings = spec.settings
    if spec.kind in (RunKind.LINEAR_RAMP, RunKind.EXPONENTIAL_RAMP):
        spacing = "linear" if spec.kind is RunKind.LINEAR_RAMP else "exponential"
        return (
            ramp(start=settings.resolved_min_lr, end=settings.lr, total_steps=spec.total_steps, spacing=spacing),
            ramp(start=settings.momentum, end=settings.resolved_min_momentum, total_steps=spec.total_steps, spacing="linear"),
        )
    shape = task.schedule if callable(task.schedule) else None
    return lr_schedule(settings, total_steps=spec.total_steps, shape=shape), momentum_schedule(settings, total_steps=spec.total_steps, shape=shape)


def _evaluation_steps(spec: RunSpec) -> frozenset[int]:
    """After which updates to evaluate: `spec.evaluations` evenly on the way, and the last."""
    between = (round((i + 1) * spec.total_steps / (spec.evaluations + 1)) for i in range(spec.evaluations))
    return frozenset(step for step in between if step > 0) | {spec.total_steps}


def _backward(
    network: nn.Module,
    micro_batches: list[Batch],
    *,
    batch_size: int,
    step_of: Callable[[nn.Module, Batch], Tensor],
    precision: Callable[[], contextlib.AbstractContextManager[object]],
    optimizer: Optimizer,
    scaler: torch.amp.GradScaler,
) -> Tensor:
    """Gradients of the mean loss over one batch; returns that loss, detached."""
    optimizer.zero_grad(set_to_none=True)
    if len(micro_batches) == 1:
        with precision():
            loss = step_of(network, micro_batches[0])
        scaler.scale(loss).backward()
        return loss.detach()
    total = torch.zeros((), device=next(network.parameters()).device)
    for micro_batch in micro_batches:
        with precision():
            loss = step_of(network, micro_batch) * (count_examples(micro_batch) / batch_size)
        scaler.scale(loss).backward()
        total = total + loss.detach()
    return total


def _apply(optimizer: Optimizer, scaler: torch.amp.GradScaler) -> bool:
    """Apply the update; False where the gradient scaler skipped it."""
    if not scaler.is_enabled():
        optimizer.step()
        return True
    before = scaler.get_scale()
    scaler.step(optimizer)
    scaler.update()
    return scaler.get_scale() >= before


def _judge(loss: float, outcome: RunOutcome, *, watch: DivergenceWatch, stops: bool) -> RunOutcome:
    if outcome is not RunOutcome.FINISHED:
        return outcome
    if not math.isfinite(loss):
        return RunOutcome.NOT_FINITE
    return RunOutcome.DIVERGED if watch.has_diverged(loss) and stops else outcome
