"""Which reading suits which probe: from an experiment, as a probe returned it, to what it says."""

from typing import TypeAlias

from tunesmith.errors import InputError
from tunesmith.experiment import Experiment
from tunesmith.reading.batch_size import BatchSizeReading, read_batch_size
from tunesmith.reading.capacity import CapacityReading, read_capacity
from tunesmith.reading.comparison import Comparison, compare, noise_between_seeds
from tunesmith.reading.conditions import ConditionsReading, read_conditions
from tunesmith.reading.knob import KnobReading
from tunesmith.reading.ladder import LadderReading, read_ladder
from tunesmith.reading.min_lr import MinLrReading, read_min_lr
from tunesmith.reading.momentum import read_momentum, read_momentum_cycle
from tunesmith.reading.range_test import RangeReading, read_range
from tunesmith.reading.weight_decay import read_weight_decay
from tunesmith.settings import RunKind
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

Reading: TypeAlias = RangeReading | ConditionsReading | MinLrReading | CapacityReading | KnobReading | BatchSizeReading | LadderReading | Comparison

KNOB_READINGS = {"momentum": read_momentum, "momentum_cycle": read_momentum_cycle, "weight_decay": read_weight_decay}
"""Probe of a knob by short annealed runs → its reading."""
_COMPARED = ("peak_lr",)


def read(experiment: Experiment, *, goal: str = "loss", higher_is_better: bool = False, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> Reading:
    """What an experiment says, read as suits its probe. Trains nothing.

    Args:
        experiment: As a probe or a study gives it.
        goal: What decides between runs to the end ("capacity", the knobs, the ladder and the comparisons): "loss" or a metric's name, as `Task.goal`.
        higher_is_better: Its direction.
        thresholds: The constants of judgement.

    Returns:
        For "lr_range" a RangeReading (of several sweeps the last), for "lr_range_under" a ConditionsReading, for "min_lr" a MinLrReading (the peak taken as
        three times the largest rate tried, which holds for the default shares alone: call `read_min_lr` with `max_lr` for others), for "capacity" a
        CapacityReading, for "batch_size" a BatchSizeReading (learning rates taken as those of SGD kinds), for "momentum", "momentum_cycle" and "weight_decay" a
        KnobReading, for "ladder" a LadderReading, for "peak_lr" a Comparison; its noise is known only where settings were repeated on another seed.

    Raises:
        InputError: An experiment that no reading is for, such as "bracket" or "confirm", or a range test without a linear sweep.

    Example:
        >>> from tunesmith.curve import Curve, Run
        >>> from tunesmith.experiment import Arm
        >>> from tunesmith.settings import RunSpec, Settings
        >>> lrs = tuple(i / 100 for i in range(1, 101))
        >>> curve = Curve(lr=lrs, momentum=lrs, train_loss=tuple(1.0 - lr / 2 for lr in lrs), eval_step=(), valid_loss=())
        >>> spec = RunSpec(settings=Settings(lr=1.0), total_steps=100, seed=0, kind=RunKind.LINEAR_RAMP)
        >>> str(read(Experiment(probe="lr_range", arms=(Arm(label="linear", value=1.0, run=Run(spec=spec, curve=curve)),))).outcome)
        'never_diverged'
    """
    match experiment.probe:
        case "lr_range":
            sweeps = [arm.run.curve for arm in experiment.arms if arm.run.spec.kind == RunKind.LINEAR_RAMP]
            if not sweeps:
                raise InputError("A range test must hold a linear sweep to be read, and this one has none. Pass what probes.lr_range returned.")
            return read_range(sweeps[-1], thresholds=thresholds)
        case "lr_range_under":
            return read_conditions(experiment, thresholds=thresholds)
        case "min_lr":
            return read_min_lr(experiment, thresholds=thresholds)
        case "capacity":
            return read_capacity(experiment, goal=goal, higher_is_better=higher_is_better, thresholds=thresholds)
        case "ladder":
            return read_ladder(experiment, goal=goal, higher_is_better=higher_is_better, thresholds=thresholds)
        case "batch_size":
            return read_batch_size(experiment, goal=goal, higher_is_better=higher_is_better)
        case probe if probe in KNOB_READINGS:
            return KNOB_READINGS[probe](experiment, goal=goal, higher_is_better=higher_is_better)
        case probe if probe in _COMPARED:
            noise = noise_between_seeds([experiment], goal=goal, higher_is_better=higher_is_better)
            return compare(experiment, noise=noise, goal=goal, higher_is_better=higher_is_better, thresholds=thresholds)
        case _:
            raise InputError(
                f"An experiment must come from lr_range, lr_range_under, min_lr, capacity, batch_size, ladder, {', '.join((*KNOB_READINGS, *_COMPARED))}, "
                f"to be read, got '{experiment.probe}'. "
                "Look at the curves of its arms."
            )
