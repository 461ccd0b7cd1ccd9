"""What the engine's loop costs over a bare hand-written one, and whether it holds on to memory.

    python benchmarks/loop_overhead.py --pairs 21

Time: an MLP and LeNet on random data; in both loops the same steps, batch size, optimizer and learning rate per step, batches by index, `loss.item()` at
every step, a network made, and 64 examples evaluated at the end. Bare and engine runs take turns, each pair in the other order; printed is the median of
the pairs' ratios engine / bare, with its quartiles, and the ratio of the fastest tenth of each, which neighbours on the machine disturb least.
One thread, and CPU seconds, which they disturb less than wall time.
Memory: resident set size after one run of 10,000 steps of the MLP against that before it, when a run of 1,000 has warmed up the allocators. Needs Linux.
"""

import argparse
import gc
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.engine import run_spec
from tunesmith.schedules import lr_schedule
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Task

SETTINGS = Settings(lr=0.01, momentum=0.9, weight_decay=1e-4, batch_size=64)
MEMORY_STEPS = 10_000


def mlp() -> nn.Module:
    """108 inputs, two hidden layers, two classes: a step takes less than a millisecond."""
    return nn.Sequential(nn.Linear(108, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2))


def lenet() -> nn.Module:
    """conv20-conv50-fc500-fc10."""
    return nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10)
    )  # fmt: skip


def random_task(model: Callable[[], nn.Module], *, shape: tuple[int, ...], n_classes: int) -> Task:
    """2,000 random examples with random labels."""
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(2064, *shape, generator=generator), torch.randint(n_classes, (2064,), generator=generator)
    return Task(model=model, train=(inputs[:2000], targets[:2000]), valid=(inputs[2000:], targets[2000:]), loss=F.cross_entropy, epochs=1)


def bare_seconds(task: Task, *, steps: int, seed: int) -> float:
    """CPU seconds of a loop as one writes it by hand."""
    (inputs, targets), (valid_inputs, valid_targets) = task.train, task.valid  # type: ignore[misc]
    lr_of = lr_schedule(SETTINGS, total_steps=steps)
    lrs = [lr_of(step) for step in range(steps)]
    started = time.process_time()
    torch.manual_seed(seed)
    model = task.model()
    optimizer = torch.optim.SGD(model.parameters(), lr=SETTINGS.lr, momentum=SETTINGS.momentum, weight_decay=SETTINGS.weight_decay)
    order, losses = torch.empty(0, dtype=torch.long), []
    for lr in lrs:
        if len(order) < SETTINGS.batch_size:
            order = torch.cat([order, torch.randperm(len(inputs))])
        chosen, order = order[: SETTINGS.batch_size], order[SETTINGS.batch_size :]
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs.index_select(0, chosen)), targets.index_select(0, chosen))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        F.cross_entropy(model(valid_inputs), valid_targets).item()
    return time.process_time() - started


def engine_seconds(task: Task, *, steps: int, seed: int) -> float:
    """CPU seconds of the same training by `run_spec`."""
    started = time.process_time()
    run_spec(task, RunSpec(settings=SETTINGS, total_steps=steps, seed=seed, stops_when_diverged=False), device="cpu")
    return time.process_time() - started


def measure_ratio(name: str, task: Task, *, steps: int, pairs: int) -> str:
    """A line with the median ratio of interleaved pairs."""
    bare_seconds(task, steps=steps // 4, seed=0), engine_seconds(task, steps=steps // 4, seed=0)  # warm-up
    bare, engine = [], []
    for seed in range(pairs):
        turns = [(bare, bare_seconds), (engine, engine_seconds)]
        for seconds, measure in turns if seed % 2 else reversed(turns):
            seconds.append(measure(task, steps=steps, seed=seed))
    low, middle, high = statistics.quantiles([ours / theirs for ours, theirs in zip(engine, bare, strict=True)], n=4)
    fastest = statistics.mean(sorted(engine)[: max(1, pairs // 10)]) / statistics.mean(sorted(bare)[: max(1, pairs // 10)])
    per_step = [1e3 * statistics.median(seconds) / steps for seconds in (bare, engine)]
    times = f"bare {per_step[0]:.3f} CPU ms a step, engine {per_step[1]:.3f}"
    return f"{name:6} {steps} steps x {pairs} pairs: {times}; ratio {middle:.3f} (quartiles {low:.3f} to {high:.3f}), of the fastest {fastest:.3f}"


def resident_bytes() -> int:
    """Resident set size of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure_memory(task: Task) -> str:
    """A line with the growth of memory over one long run, its curve kept."""
    run_spec(task, RunSpec(settings=SETTINGS, total_steps=MEMORY_STEPS // 10, seed=0), device="cpu")
    before = resident_bytes()
    curve = run_spec(task, RunSpec(settings=SETTINGS, total_steps=MEMORY_STEPS, seed=1), device="cpu").curve
    growth = resident_bytes() - before
    return f"memory {len(curve.train_loss)} steps: resident set grew by {growth / 2**20:.2f} MiB, {growth / MEMORY_STEPS:.0f} bytes a step, the curve included"


def main() -> None:
    """Print three lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=21, help="bare and engine runs of each network (default 21)")
    pairs = parser.parse_args().pairs
    torch.set_num_threads(1)
    small = random_task(mlp, shape=(108,), n_classes=2)
    print(measure_memory(small), flush=True)
    print(measure_ratio("MLP", small, steps=500, pairs=pairs), flush=True)
    print(measure_ratio("LeNet", random_task(lenet, shape=(1, 28, 28), n_classes=10), steps=40, pairs=pairs), flush=True)


if __name__ == "__main__":
    main()
