"""How many short annealed runs a second the search makes, in this process and in two; and what a run costs beyond its bare steps.

The tasks are `tunesmith demo`'s digits and the MLP; a run is a sixteenth of a full training. Runs a second are by the wall clock, since several processes
share the work: two workers can only be twice as fast where two cores are idle. What a run costs beyond its steps (network, seeds, evaluation, records) is
CPU time of `run_spec` less that of the same steps in a bare loop.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed import networks
from benchmarks.speed.bare import train_bare
from benchmarks.speed.row import Row, ratios
from benchmarks.speed.turns import Contender, take_turns, timed, wall
from tunesmith import demo_task
from tunesmith.curve import Run
from tunesmith.engine import check_task, run_spec
from tunesmith.fleet import Execute, Processes, TaskSource, execute_here
from tunesmith.probes import Candidate, annealed_runs
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Task

SHARE = 1 / 16
LOWEST_LR, HIGHEST_LR = 1e-3, 0.1
HERE = "in this process"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How long to measure: turns, runs of one call, runs whose overhead is taken, numbers of workers."""

    turns: int
    runs: int
    overhead_turns: int
    workers: tuple[int, ...] = (1, 2)


FULL = Sizes(turns=9, runs=12, overhead_turns=31)
QUICK = Sizes(turns=3, runs=4, overhead_turns=5)


def measure(sizes: Sizes) -> list[Row]:
    """Both tasks."""
    rows = []
    for name, task, reference in (
        ("digits", demo_task.task(), f"{Path(demo_task.__file__)}:task"),
        ("MLP", networks.mlp_task(), f"{Path(networks.__file__)}:mlp_task"),
    ):
        steps = math.ceil(SHARE * task.steps_at(64))
        rows += _beyond_steps(name, task, steps=steps, turns=sizes.overhead_turns)
        rows += _rate(name, task, TaskSource.of(reference), steps=steps, sizes=sizes)
    return rows


def _settings(index: int, *, count: int) -> Settings:
    return Settings(lr=LOWEST_LR * (HIGHEST_LR / LOWEST_LR) ** (index / max(1, count - 1)), batch_size=64)


def _rate(name: str, task: Task, source: TaskSource, *, steps: int, sizes: Sizes) -> list[Row]:
    def contender(execute: Execute) -> Contender:
        candidates = [Candidate(label=str(index), value=None, settings=_settings(index, count=sizes.runs), total_steps=steps) for index in range(sizes.runs)]
        return lambda turn: timed(lambda: annealed_runs(task, candidates, probe="peak_lr", seed=turn, execute=execute))

    fingerprint = check_task(task).fingerprint
    contenders = {HERE: contender(execute_here)}
    for workers in sizes.workers:
        contenders[f"{workers} {'worker' if workers == 1 else 'workers'}"] = contender(
            _together(Processes(source=source, workers=workers, fingerprint=fingerprint))
        )
    found = {who: wall(seconds) for who, seconds in take_turns(contenders, turns=sizes.turns).items()}
    length = f"{sizes.runs} runs of {steps} steps a turn"
    rows = [Row(subject=f"{name}: {who}", unit="runs a wall second", samples=tuple(sizes.runs / one for one in found[who]), note=length) for who in found]
    for who in list(found)[1:]:
        note = "above 1: faster than in this process"
        rows.append(Row(subject=f"{name}: {HERE} / {who}", unit="wall ratio", samples=ratios(found[HERE], found[who]), note=note))
    if 1 in sizes.workers:
        started = tuple(1e3 * (there - here) / sizes.runs for there, here in zip(found["1 worker"], found[HERE], strict=True))
        note = "1 worker less this process, a run"
        rows.append(Row(subject=f"{name}: starting a run's own process", unit="wall ms a run", samples=started, note=note))
    return rows


def _together(processes: Processes) -> Execute:
    def execute(_task: Task, specs: Sequence[RunSpec]) -> list[Run]:
        return [Run(spec=spec, curve=result.curve) for spec, result in zip(specs, processes.run(specs), strict=True)]

    return execute


def _beyond_steps(name: str, task: Task, *, steps: int, turns: int) -> list[Row]:
    def spec(turn: int) -> RunSpec:
        return RunSpec(settings=_settings(0, count=1), total_steps=steps, seed=turn, reestimates_norm=True)

    contenders: dict[str, Contender] = {
        "run_spec": lambda turn: timed(lambda: run_spec(task, spec(turn))),
        "bare steps": lambda turn: train_bare(task, spec(turn)).steps,
    }
    found = {who: tuple(one.cpu for one in seconds) for who, seconds in take_turns(contenders, turns=turns, warm_ups=2).items()}
    beyond = tuple(1e3 * (whole - plain) for whole, plain in zip(found["run_spec"], found["bare steps"], strict=True))
    note = f"{steps} steps; network, seeds, evaluation and records included"
    return [
        Row(subject=f"{name}: a run / its bare steps", unit="CPU ratio", samples=ratios(found["run_spec"], found["bare steps"]), note=note),
        Row(subject=f"{name}: a run beyond its bare steps", unit="CPU ms a run", samples=beyond, note=note),
        *(Row(subject=f"{name}: {who}", unit="CPU ms a run", samples=tuple(1e3 * one for one in found[who])) for who in found),
    ]
