"""What the commands of a single knob share: their options checked, a peak found, values measured until the answer is sure enough."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tunesmith.errors import BudgetError, InputError
from tunesmith.experiment import Experiment
from tunesmith.probes.lr_range import FEWEST_STEPS, usual_steps
from tunesmith.reading.knob import KnobReading
from tunesmith.recipe.allowance import CONSTANT_EVALUATIONS
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.probe_study import starting_settings, validation_of
from tunesmith.recipe.sweeping import make_sweep
from tunesmith.schedules import SCHEDULES
from tunesmith.settings import Settings

FEWEST_USUAL_STEPS, USUAL_SHARE = 100, 1 / 8
"""The length of a short run if nobody says: this share of a full training, as the longest that `tune` makes, and the least of it (our choice)."""
FIXABLE = {
    "momentum": ("batch_size", "weight_decay", "epochs"),
    "weight_decay": ("batch_size", "momentum", "epochs"),
    "batch_size": ("batch_size", "momentum", "weight_decay", "epochs"),
}

Read = Callable[[Experiment], KnobReading]


def checked_options(
    knob: str, fixed: Mapping[str, float] | None, *, repeats: int, lr: float | None, steps: int | None, schedule: str | None
) -> dict[str, float]:
    """What is fixed, once all options are what they must be."""
    held = dict(fixed or {})
    unknown = sorted(set(held) - set(FIXABLE[knob]))
    if unknown:
        raise InputError(f"fixed must name one of {', '.join(FIXABLE[knob])}, got {unknown[0]!r}. Leave it out.")
    Settings(**{name: value for name, value in held.items() if name != "batch_size"})  # type: ignore[arg-type]  # raises where a value is out of its range
    if repeats < 1:
        raise InputError(f"repeats must be ≥ 1, got {repeats}. Pass how many seeds every value is to be run on.")
    if lr is not None and not (math.isfinite(lr) and lr > 0):
        raise InputError(f"lr must be finite and > 0, got {lr!r}. Pass the peak of your cycle.")
    if steps is not None and steps < FEWEST_STEPS:
        raise BudgetError(f"A short annealed run must have at least {FEWEST_STEPS} steps, got {steps}. Raise steps.")
    if schedule is not None and schedule not in SCHEDULES:
        raise InputError(f"schedule must be one of {', '.join(SCHEDULES)}, got {schedule!r}.")
    return held


def checked_values(knob: str, values: Sequence[float], *, below: float) -> tuple[float, ...]:
    """The values, ascending, once they are what they must be."""
    tried = tuple(sorted({float(value) for value in values}))
    if len(tried) < 2 or not all(math.isfinite(value) and 0 <= value < below for value in tried):  # noqa: PLR2004 (nothing to compare)
        must = "≥ 0" if below == math.inf else f"in [0, {below:g})"
        raise InputError(f"values of {knob} must be at least two different numbers {must}, got {list(values)}. Leave them out for the report's.")
    return tried


def starting_point(lab: Laboratory, held: Mapping[str, float]) -> Settings:
    """The settings that a probe starts from, at the batch size that is held."""
    return starting_settings(lab, int(held["batch_size"]) if "batch_size" in held else None)


def found_peak(lab: Laboratory, settings: Settings) -> tuple[float, float]:
    """What a range test suggests, and the largest rate that it finds worth trying."""
    sweep, _ = make_sweep(lab, settings, start_lr=None, end_lr=None, length=usual_steps(lab.task, settings.batch_size))
    peak = sweep.reading.suggestion()
    return peak, peak if sweep.reading.largest_lr is None else sweep.reading.largest_lr


@dataclass(frozen=True, kw_only=True)
class RunSize:
    """How large the short runs are.

    Attributes:
        total_steps, planned_steps: Updates of a run, and of the training that it stands for.
        evaluations: On the way.
        valid_examples: Size of the fixed validation slice; None for all of it.
    """

    total_steps: int
    planned_steps: int
    evaluations: int
    valid_examples: int | None


def run_size(lab: Laboratory, settings: Settings, steps: int | None) -> RunSize:
    """How large they are where the user says `steps`, or nothing."""
    full = lab.task.steps_at(settings.batch_size)
    length = max(FEWEST_USUAL_STEPS, round(USUAL_SHARE * full)) if steps is None else steps
    evaluations, valid_examples = validation_of(lab, steps=length, batch_size=settings.batch_size, evaluations=CONSTANT_EVALUATIONS)
    return RunSize(total_steps=length, planned_steps=max(full, length), evaluations=evaluations, valid_examples=valid_examples)


def reader(lab: Laboratory, read: Callable[..., KnobReading]) -> Read:
    """The reading with the goal of the task."""
    return lambda experiment: read(experiment, goal=lab.task.goal, higher_is_better=lab.task.goal_is_higher_better)


def measured(
    lab: Laboratory,
    measure: Callable[[Sequence[float]], Experiment],
    *,
    read: Read,
    values: Sequence[float],
    more: Callable[[KnobReading], float | None],
    most: int,
) -> KnobReading:
    """The first values, then one at a time what makes the answer surer; stored with what was read."""
    experiment = measure(values)
    reading = read(experiment)
    for _ in range(most):
        value = more(reading)
        if value is None:
            break
        experiment = dataclasses.replace(experiment, arms=experiment.arms + measure([value]).arms)
        reading = read(experiment)
    lab.put(dataclasses.replace(experiment, findings=reading.findings, verdict=reading.advice))
    return reading
