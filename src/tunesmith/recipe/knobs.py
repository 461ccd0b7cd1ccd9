"""A knob by short annealed runs, in a study of its own: what `tunesmith momentum` and `tunesmith weight-decay` call."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from tunesmith import probes
from tunesmith.errors import InputError
from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.fleet import TaskChanges
from tunesmith.probes.momentum import LARGEST_DROP, LOWEST, MOMENTA
from tunesmith.probes.weight_decay import usual_decays
from tunesmith.reading.comparison import MOST_CONFIDENCE
from tunesmith.reading.knob import KnobReading
from tunesmith.reading.momentum import next_momentum, read_momentum, read_momentum_cycle, with_cycle
from tunesmith.reading.weight_decay import read_weight_decay, refined_decay
from tunesmith.recipe.knob_runs import checked_options, checked_values, found_peak, measured, reader, run_size, starting_point
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.probe_study import open_probe_study, write_study_report
from tunesmith.recipe.progress import Progress
from tunesmith.recipe.stages.decay import starting_decay, total_decay_of_one
from tunesmith.settings import Settings
from tunesmith.task import Task

USUAL_REPEATS = 3
"""Seeds of every value (our choice: with two, differences have to be half as large again to be seen)."""
MOST_EXTRA_MOMENTA, MOST_EXTRA_DECAYS = 2, 4
"""Values beyond the first ones, past a border or between two (our choice)."""
LR_MOMENTUM = 0.9
"""The momentum that a typed learning rate belongs to, if nobody says: the usual untuned one."""


def momentum(
    task: Task,
    *,
    out: str | Path,
    seed: int = 0,
    device: str = "auto",
    values: Sequence[float] | None = None,
    repeats: int = USUAL_REPEATS,
    lr: float | None = None,
    lr_momentum: float = LR_MOMENTUM,
    steps: int | None = None,
    schedule: str | None = None,
    fixed: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> KnobReading:
    """Momentum by short annealed runs: constant values at equal lr/(1-m) (equal lr for Adam kinds), then cycles beside the one suggested.

    Costs `repeats` runs of `steps` updates for each value and for two cycles, and without `values` for at most two values past a border; without `lr` also
    what `lr_range` costs.

    Args:
        task: What to train.
        out: Folder of the study.
        seed: Fixes every random draw.
        device: "auto", or as torch spells it.
        values: Constant momenta in [0, 1) (beta1 for Adam kinds), at least two. Default: the report's .9, .95, .97, .99, extended where the suggestion
            lies at their border.
        repeats: Seeds of each value, the same for all; ≥ 1. With one the noise is unknown, and nothing can be told.
        lr: Peak at a constant `lr_momentum`. Default: what a range test with momentum .95 falling to .85 suggests, taken as that of a constant .85.
        lr_momentum: In [0, 1); read where `lr` is given.
        steps: Updates of each run, ≥ 20. Default: an eighth of a full training, at least 100.
        schedule: Name in `tunesmith.schedules.SCHEDULES`; None means the task's.
        fixed: batch_size, weight_decay (of the full training; default 0) and epochs.
        progress: Hears what happens.

    Returns:
        What was read: the values beside one another, which to use, and whether a cycle does better.

    Raises:
        InputError: Numbers out of their range.
        BudgetError: `steps` < 20.
        TaskError: A task that contradicts itself.
        UserCodeError: The task's own code raised.
        StudyError: A folder that cannot be used, or that holds another study.
        CurveError: Without `lr`, a range test that suggests nothing.
    """
    held = checked_options("momentum", fixed, repeats=repeats, lr=lr, steps=steps, schedule=schedule)
    tried = checked_values("momentum", MOMENTA if values is None else values, below=1.0)
    if not 0 <= lr_momentum < 1:
        raise InputError(f"lr_momentum must be in [0, 1), got {lr_momentum!r}. Pass the constant momentum that lr belongs to.")
    task = TaskChanges(schedule=schedule, epochs=held.get("epochs")).made_in(task)
    with open_probe_study(task, out=out, seed=seed, device=device, probe="momentum", progress=progress) as lab:
        start = dataclasses.replace(starting_point(lab, held), weight_decay=held.get("weight_decay", 0.0))
        settings, allowed = dataclasses.replace(start, momentum=lr_momentum, min_momentum=None), (0.0, math.inf)
        if lr is None:
            peak, largest = found_peak(lab, start)
            settings, allowed = dataclasses.replace(settings, lr=peak, momentum=start.resolved_min_momentum), (0.0, max(peak, largest))
        else:
            settings = dataclasses.replace(settings, lr=lr)
        size = run_size(lab, settings, steps)

        def measure(momenta: Sequence[float]) -> Experiment:
            lab.progress.stage("momentum", f"{repeats} runs of {size.total_steps} updates each at momenta {', '.join(f'{value:g}' for value in momenta)}.")
            return probes.momentum(
                task, settings, total_steps=size.total_steps, planned_steps=size.planned_steps, values=momenta, lr_interval=allowed, seed=lab.search_seed(0),
                repeats=repeats, evaluations=size.evaluations, valid_examples=size.valid_examples, optimizer_name=lab.checked.acts_like,
                execute=lab.executor("search"),
            )  # fmt: skip

        read = reader(lab, read_momentum)
        reading = measured(lab, measure, read=read, values=tried, more=next_momentum, most=MOST_EXTRA_MOMENTA if values is None else 0)
        if reading.suggestion is not None and reading.lr is not None and reading.suggestion > LARGEST_DROP:
            constant = dataclasses.replace(settings, lr=reading.lr, momentum=reading.suggestion)
            lowest = tuple(value for value in LOWEST if value < reading.suggestion) or (round(reading.suggestion - LARGEST_DROP, 6),)
            lab.progress.stage("momentum_cycle", f"Cycles from {reading.suggestion:g} down to {' and '.join(f'{value:g}' for value in lowest)} beside it.")
            experiment = probes.momentum_cycle(
                task, constant, total_steps=size.total_steps, planned_steps=size.planned_steps, lowest=lowest, lr_interval=allowed, seed=lab.search_seed(0),
                repeats=repeats, evaluations=size.evaluations, valid_examples=size.valid_examples, optimizer_name=lab.checked.acts_like,
                execute=lab.executor("search"),
            )  # fmt: skip
            cycle = reader(lab, read_momentum_cycle)(experiment)
            lab.put(dataclasses.replace(experiment, findings=cycle.findings, verdict=cycle.advice))
            reading = with_cycle(reading, cycle)
        write_study_report(lab.study)
    return reading


def weight_decay(
    task: Task,
    *,
    out: str | Path,
    seed: int = 0,
    device: str = "auto",
    values: Sequence[float] | None = None,
    repeats: int = USUAL_REPEATS,
    lr: float | None = None,
    steps: int | None = None,
    schedule: str | None = None,
    fixed: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> KnobReading:
    """Weight decay by short annealed runs that carry the total decay of the full training: the report's grid, its borders extended, the exponent bisected.

    Costs `repeats` runs of `steps` updates for each of three or four values, and for at most four more; without `lr` also what `lr_range` costs.

    Args:
        task: What to train.
        out: Folder of the study.
        seed: Fixes every random draw.
        device: "auto", or as torch spells it.
        values: Weight decays of the full training, ≥ 0, at least two; they alone are tried. Default: the report's grid for data and network, for AdamW one in
            total decay (`probes.weight_decay.usual_decays`); extended past its borders and refined where it matters.
        repeats: Seeds of each value, the same for all; ≥ 1. With one the noise is unknown, and nothing can be told.
        lr: Peak. Default: what a range test suggests.
        steps: Updates of each run, ≥ 20. Default: an eighth of a full training, at least 100.
        schedule: Name in `tunesmith.schedules.SCHEDULES`; None means the task's.
        fixed: batch_size, momentum (constant; default: .95 falling to .85) and epochs.
        progress: Hears what happens.

    Returns:
        What was read: the values beside one another, which to use, and a finding with its total decay.

    Raises:
        InputError: Numbers out of their range.
        BudgetError: `steps` < 20.
        TaskError: A task that contradicts itself.
        UserCodeError: The task's own code raised.
        StudyError: A folder that cannot be used, or that holds another study.
        CurveError: Without `lr`, a range test that suggests nothing.
    """
    held = checked_options("weight_decay", fixed, repeats=repeats, lr=lr, steps=steps, schedule=schedule)
    given = None if values is None else checked_values("weight_decay", values, below=math.inf)
    task = TaskChanges(schedule=schedule, epochs=held.get("epochs")).made_in(task)
    with open_probe_study(task, out=out, seed=seed, device=device, probe="weight_decay", progress=progress) as lab:
        start = starting_point(lab, held)
        if "momentum" in held:
            start = dataclasses.replace(start, momentum=held["momentum"], min_momentum=None)
        if lr is None:
            swept = dataclasses.replace(start, weight_decay=starting_decay(given or _grid_of(lab, start)))
            settings = dataclasses.replace(start, lr=found_peak(lab, swept)[0])
        else:
            settings = dataclasses.replace(start, lr=lr)
        size = run_size(lab, settings, steps)

        def measure(decays: Sequence[float]) -> Experiment:
            lab.progress.stage(
                "weight_decay", f"{repeats} runs of {size.total_steps} updates each at weight decays {', '.join(f'{value:.3g}' for value in decays)}."
            )
            return probes.weight_decay(
                task, settings, total_steps=size.total_steps, planned_steps=size.planned_steps, values=decays, seed=lab.search_seed(0), repeats=repeats,
                evaluations=size.evaluations, valid_examples=size.valid_examples, optimizer_name=lab.checked.acts_like, execute=lab.executor("search"),
            )  # fmt: skip

        unit = total_decay_of_one(lab, settings)

        def read(experiment: Experiment) -> KnobReading:
            return _with_total(reader(lab, read_weight_decay)(experiment), unit=unit, planned=size.planned_steps)

        reading = measured(
            lab, measure, read=read, values=given or _grid_of(lab, settings), more=refined_decay, most=MOST_EXTRA_DECAYS if given is None else 0
        )  # fmt: skip
        write_study_report(lab.study)
    return reading


def _grid_of(lab: Laboratory, settings: Settings) -> tuple[float, ...]:
    return usual_decays(
        acts_like=lab.checked.acts_like,
        n_weight_layers=lab.checked.n_weight_layers,
        n_train=lab.task.n_train,
        total_decay_of_one=total_decay_of_one(lab, settings),
    )


def _with_total(reading: KnobReading, *, unit: float, planned: int) -> KnobReading:
    """The reading with what it means as total decay, which holds for other lengths too."""
    if reading.suggestion is None:
        return reading
    interval = reading.findings[0].interval
    total = Finding(
        kind="total_decay", value=float(f"{reading.suggestion * unit:.2g}"),
        interval=None if interval is None else (float(f"{interval[0] * unit:.2g}"), float(f"{interval[1] * unit:.2g}")), confidence=MOST_CONFIDENCE,
        evidence=f"Weight decay {reading.suggestion:g} over {planned} updates at these rates; Σ lr·wd/(1-m), without (1-m) for Adam kinds.",
        not_established="That it should stay the same when the learning rate changes much.",
        action="At another length or learning rate, choose the weight decay that keeps it.",
    )  # fmt: skip
    return dataclasses.replace(reading, findings=(*reading.findings, total))
