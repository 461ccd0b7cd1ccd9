"""The only code that trains: one loop, from a task and the order for a run to its curve."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn

from tunesmith.curve import Curve, RunOutcome
from tunesmith.engine.data import TaskBatches
from tunesmith.engine.device import count_examples, pinned_threads, resolve_device
from tunesmith.engine.ema import WeightAverage
from tunesmith.engine.evaluation import Evaluator
from tunesmith.engine.gradients import GradientSampler
from tunesmith.engine.knobs import make_knobs
from tunesmith.engine.precision import LossScale, in_precision
from tunesmith.engine.record import Record
from tunesmith.engine.seeds import child_seed, isolated_rng, seed_globals
from tunesmith.engine.steps import training_step
from tunesmith.engine.user_code import user_code
from tunesmith.settings import RunSpec
from tunesmith.task import Batch, Task, TrainingStep
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

OnStep: TypeAlias = Callable[[int, float], None]
_TELL_EVERY_UPDATES, _TELL_EVERY_SECONDS = 16, 0.1
"""Progress is told this often, whichever comes first (our choice: telling at every small step would slow it down)."""


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


def run_spec(task: Task, spec: RunSpec, *, device: str = "cpu", thresholds: Thresholds = DEFAULT_THRESHOLDS, on_step: OnStep | None = None) -> RunResult:
    """Train a fresh network of `task` as `spec` says, and record everything.

    Costs `spec.total_steps` updates and its evaluations. Leaves no trace: the network is its own, and the global generators come back bit for bit,
    also after an exception or Ctrl-C. Same spec, CPU, same torch: the same bits.

    Args:
        task: What to train.
        spec: The settings, length, seed and kind of run.
        device: "auto", or as torch spells it.
        thresholds: When a run counts as diverged.
        on_step: Called with (updates done, examples spent) every 16 updates, every tenth of a second and at the end; for progress only.

    Returns:
        The curve, with outcome DIVERGED or NOT_FINITE where the loss went astray, and the weights if the spec keeps them.

    Raises:
        TaskError: The data or a maker does not hold what the task promised.
        UserCodeError: The task's own code raised.
    """
    started = time.perf_counter()
    torch_device = resolve_device(device)
    with isolated_rng(child_seed(spec.seed, "init"), torch_device), user_code(spec):
        model = task.model().to(torch_device)
        with pinned_threads(model, torch_device) as threads:
            seed_globals(child_seed(spec.seed, "rest"), torch_device)
            curve, weights = _train(task, spec, model, device=torch_device, thresholds=thresholds, on_step=on_step, started=started)
    return RunResult(curve=curve, weights=weights, threads=threads)


def _train(
    task: Task, spec: RunSpec, model: nn.Module, *, device: torch.device, thresholds: Thresholds, on_step: OnStep | None, started: float
) -> tuple[Curve, dict[str, Tensor] | None]:
    network = cast("nn.Module", torch.compile(model)) if task.compile else model
    batch_size = spec.settings.batch_size
    data = TaskBatches(task, device=device)
    loss_of = in_precision(training_step(task), task, device=device)
    knobs = make_knobs(task, spec, model)
    optimizer, scale = knobs.optimizer, LossScale(task, device=device)
    average = WeightAverage(model, decay=task.ema)
    evaluator = Evaluator(task, data=data, device=device, batch_size=batch_size)
    evaluation_steps = _steps_between(spec, count=spec.evaluations) | {spec.total_steps}
    gradient_steps = _steps_between(spec, count=spec.gradient_points)
    record = Record(thresholds=thresholds, stops_when_diverged=spec.stops_when_diverged, batch_size=batch_size, device=device)
    told = time.monotonic()

    model.train()
    with (
        closing(data.for_training(batch_size=batch_size, seed=child_seed(spec.seed, "order"))) as batches,
        closing(GradientSampler(task, spec, model, data=data, device=device)) as gradients,
    ):
        while record.updates < spec.total_steps and not record.is_lost:
            lr, momentum = knobs.move_to(record.updates)
            optimizer.zero_grad()
            loss = _backward(network, next(batches), loss_of=loss_of, scale=scale)
            if task.clip_grad_norm is not None:
                scale.unscale(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), task.clip_grad_norm)
            if not scale.apply(optimizer):  # fp16 overflowed: not an update, so not a point
                record.add_skipped()
                continue
            record.add_update(lr=lr, momentum=momentum, loss=loss)
            average.update()

            if record.updates in gradient_steps and record.read_losses() is RunOutcome.FINISHED:
                record.add_gradients(gradients.samples(step=record.updates, scale=scale))
            if record.updates in evaluation_steps and record.read_losses() is RunOutcome.FINISHED:
                with average.in_place_of_weights():
                    found = evaluator.evaluate(network, task.valid, n_examples=spec.valid_examples, reestimates_norm=spec.reestimates_norm)
                record.add_evaluation(found.values, examples=found.examples)
            if on_step is not None and (record.updates % _TELL_EVERY_UPDATES == 0 or time.monotonic() - told > _TELL_EVERY_SECONDS):
                on_step(record.updates, record.spent_examples)
                told = time.monotonic()

    with average.in_place_of_weights():
        if spec.evaluates_test and task.test is not None and record.read_losses() is RunOutcome.FINISHED:
            found = evaluator.evaluate(network, task.test)
            record.add_test(found.values, examples=found.examples)
        weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()} if spec.keeps_weights else None
    if on_step is not None:
        on_step(record.updates, record.spent_examples)
    return record.curve(seconds=time.perf_counter() - started), weights


def _backward(network: nn.Module, micro_batches: list[Batch], *, loss_of: TrainingStep, scale: LossScale) -> Tensor:
    """Gradients of the mean loss over one batch; returns that loss."""
    if len(micro_batches) == 1:
        loss = loss_of(network, micro_batches[0])
        scale.backward(loss)
        return loss
    counts = [count_examples(micro_batch) for micro_batch in micro_batches]
    total = torch.zeros((), device=next(network.parameters()).device)
    for micro_batch, count in zip(micro_batches, counts, strict=True):
        loss = loss_of(network, micro_batch) * (count / sum(counts))
        scale.backward(loss)
        total = total + loss.detach()
    return total


def _steps_between(spec: RunSpec, *, count: int) -> frozenset[int]:
    """`count` moments evenly on the way, in updates before them; fewer in a run that has no more updates."""
    between = (round((i + 1) * spec.total_steps / (count + 1)) for i in range(count))
    return frozenset(step for step in between if step > 0)
