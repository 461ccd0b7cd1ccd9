"""Seconds a step at each batch size: measured once a study, interleaved, medians, and from then on an input (docs/counting.md)."""

import statistics
import time
from dataclasses import dataclass

import torch
from torch import nn

from tunesmith.engine.data import TaskBatches
from tunesmith.engine.device import pinned_threads, resolve_device
from tunesmith.engine.precision import in_precision
from tunesmith.engine.seeds import child_seed, isolated_rng
from tunesmith.engine.steps import training_step
from tunesmith.engine.user_code import user_code
from tunesmith.optimizers import default_param_groups, make_optimizer
from tunesmith.settings import Settings
from tunesmith.task import Task

PREFETCHED = 2
"""Batches that each worker of a DataLoader keeps ready (torch's default)."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds a step, and what it cost to learn them.

    Attributes:
        seconds_per_step: Batch size → median seconds of an update, its data included. A size that ran out of memory is missing.
        loading_seconds: Batch size → median seconds of it that went by waiting for the data.
        trained_examples: Examples forward and backward.
        threads: Intra-op threads.
    """

    seconds_per_step: dict[int, float]
    loading_seconds: dict[int, float]
    trained_examples: int
    threads: int


def measure_steps(task: Task, batch_sizes: list[int], *, device: str = "cpu", repeats: int = 3, seed: int = 0) -> Timing:
    """Time an update at each batch size, in turn, so that a neighbour's load hits all of them alike.

    Waiting for data is timed by the wall clock; what one thread of the CPU computes by the processor's own, which a neighbour does not move.

    With workers that load, each size is timed by itself: they would fetch for one size in the turns of another.

    Costs (repeats + 1) updates at each size, and two more for each worker: those are not counted. The update is a throw-away network's, at a learning rate
    near zero.

    Args:
        task: Whose network and data.
        batch_sizes: Sizes to time, ascending; from the first that runs out of memory on, they are left out.
        device: "auto", or as torch spells it.
        repeats: Updates that count, each.
        seed: Of the throw-away network.
    """
    torch_device = resolve_device(device)
    with isolated_rng(child_seed(seed, "init"), torch_device), user_code():
        model = task.model().to(torch_device).train()
        with pinned_threads(model, torch_device) as threads:
            return _measure(task, model, batch_sizes, device=torch_device, repeats=repeats, seed=seed, threads=threads)


def _measure(task: Task, model: nn.Module, batch_sizes: list[int], *, device: torch.device, repeats: int, seed: int, threads: int) -> Timing:
    optimizer = make_optimizer(task.optimizer, (task.param_groups or default_param_groups)(model), Settings(lr=1e-12, momentum=0.9))
    loss_of, data = in_precision(training_step(task), task, device=device), TaskBatches(task, device=device)
    clock = time.process_time if device.type == "cpu" and threads == 1 else time.perf_counter  # the processor's own is not slowed down by neighbours
    seconds: dict[int, list[float]] = {size: [] for size in batch_sizes}
    loading: dict[int, list[float]] = {size: [] for size in batch_sizes}
    streams = {size: data.for_training(batch_size=size, seed=seed) for size in batch_sizes}  # begun when first asked

    def update(size: int) -> None:
        begun = time.perf_counter()
        micro_batches = next(streams[size])
        waited, started = time.perf_counter() - begun, clock()
        for micro_batch in micro_batches:
            loss_of(model, micro_batch).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        loading[size].append(waited)
        seconds[size].append(waited + clock() - started)

    warm_up = 1 + PREFETCHED * task.num_workers  # of a loader's workers, what they had ready says nothing of their pace
    fitting = list(batch_sizes)
    for group in [[size] for size in batch_sizes] if task.num_workers > 0 else [batch_sizes]:  # workers would load for one size in the turns of another
        for _ in range(repeats + warm_up):
            for size in (size for size in group if size in fitting):
                try:
                    update(size)
                except torch.OutOfMemoryError:
                    fitting = [kept for kept in fitting if kept < size]
                    break
        for size in group:
            streams.pop(size).close()
    medians, waits = ({size: statistics.median(found[size][warm_up:]) for size in fitting} for found in (seconds, loading))
    trained = sum(size * len(found) for size, found in seconds.items())
    return Timing(seconds_per_step=medians, loading_seconds=waits, trained_examples=trained, threads=threads)
