"""What the engine's loop costs over a bare hand-written one, and whether it holds on to memory.

Time: an MLP and LeNet on random data; in both loops the same steps, batch size, optimizer and learning rate per step, batches by index, `loss.item()` at
every step, a network made, and 64 examples evaluated at the end. Bare and engine runs take turns. Given are the turns' ratios engine / bare, and the ratio
of the fastest tenth of each, which neighbours on the machine disturb least. One thread, and CPU seconds, which they disturb less than wall time.
Memory: resident set size after one run of the MLP against that before it, when a run of a tenth has warmed up the allocators. Needs Linux.
"""

import gc
import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.bare import train_bare
from benchmarks.speed.networks import MLP_CLASSES, MLP_SHAPE, lenet_task, mlp, random_task
from benchmarks.speed.row import Row, missing, ratios
from benchmarks.speed.turns import Seconds, cpu, take_turns, timed
from tunesmith.engine import run_spec
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Task

SETTINGS = Settings(lr=0.01, momentum=0.9, weight_decay=1e-4, batch_size=64)
STATM = Path("/proc/self/statm")


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How long to measure: turns, updates of a run of each network, updates of the run whose memory is taken."""

    turns: int
    mlp_steps: int
    lenet_steps: int
    memory_steps: int


FULL = Sizes(turns=21, mlp_steps=500, lenet_steps=40, memory_steps=10_000)
QUICK = Sizes(turns=5, mlp_steps=200, lenet_steps=10, memory_steps=2_000)


def measure(sizes: Sizes) -> list[Row]:
    """Memory first, while no other measurement has stretched the process."""
    small = random_task(mlp, shape=MLP_SHAPE, n_classes=MLP_CLASSES)
    rows = _memory(small, steps=sizes.memory_steps)
    for name, task, steps in (("MLP", small, sizes.mlp_steps), ("LeNet", lenet_task(), sizes.lenet_steps)):
        rows += _overhead(name, task, steps=steps, turns=sizes.turns)
    return rows


def _overhead(name: str, task: Task, *, steps: int, turns: int) -> list[Row]:
    def spec(seed: int) -> RunSpec:
        return RunSpec(settings=SETTINGS, total_steps=steps, seed=seed, stops_when_diverged=False)

    def bare(turn: int) -> Seconds:
        return train_bare(task, spec(turn)).whole

    def engine(turn: int) -> Seconds:
        return timed(lambda: run_spec(task, spec(turn), device="cpu"))

    found = {who: cpu(seconds) for who, seconds in take_turns({"bare": bare, "engine": engine}, turns=turns).items()}
    fastest = [statistics.fmean(sorted(found[who])[: max(1, turns // 10)]) for who in ("engine", "bare")]
    length = f"{steps} steps, batches of {SETTINGS.batch_size}"
    return [
        Row(subject=f"{name}: engine / bare", unit="CPU ratio", samples=ratios(found["engine"], found["bare"]), note=length),
        Row(subject=f"{name}: engine / bare, fastest", unit="CPU ratio", samples=(fastest[0] / fastest[1],), note=f"the fastest tenth of {turns} each"),
        *(Row(subject=f"{name}: {who}", unit="CPU ms a step", samples=tuple(1e3 * taken / steps for taken in found[who])) for who in found),
    ]


def _memory(task: Task, *, steps: int) -> list[Row]:
    subject = f"MLP: memory kept over {steps:,} steps"
    if not STATM.exists():
        return [missing(subject, "MiB", package=str(STATM))]

    def run(seed: int, *, total_steps: int) -> Callable[[], object]:
        result = run_spec(task, RunSpec(settings=SETTINGS, total_steps=total_steps, seed=seed, stops_when_diverged=False), device="cpu")
        return lambda: result  # keeps the curve alive while memory is looked at

    run(0, total_steps=max(1, steps // 10))
    before = _resident_bytes()
    kept = run(1, total_steps=steps)
    growth = _resident_bytes() - before
    del kept
    return [Row(subject=subject, unit="MiB", samples=(growth / 2**20,), note=f"resident set, {growth / steps:.0f} bytes a step, the curve included")]


def _resident_bytes() -> int:
    """Resident set size of this process."""
    gc.collect()
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
