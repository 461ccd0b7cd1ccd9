"""The noise scale in the figures of a batch size: which times to a target its interval allows, and how it was at each moment of a run. Draws nothing."""

import math

import numpy as np

from tunesmith.experiment import Experiment
from tunesmith.plots.facts import Interval, Line
from tunesmith.reading.batch_size import BatchSizeReading
from tunesmith.reading.batch_times import point_of
from tunesmith.reading.noise_scale import predicted_time, read_noise_scale

_SCALES_BETWEEN = 40
"""Noise scales tried between the ends of the interval: in the middle a size may be the fastest (our choice)."""
_WIDEST_BAND = 100.0
"""An interval is followed up to so many times the largest size, beyond which nothing changes (our choice)."""
_ENDLESS = 10**12
"""Training examples where their number is not known: no correction for drawing without replacement."""


def allowed_times(reading: BatchSizeReading) -> dict[int, Interval]:
    """Batch size → smallest and largest time to a target that the interval allows, the fastest size counting 1 at each noise scale.

    An open interval reaches to updates that go like one over the batch size. Empty where no time is predicted.
    """
    noise, seconds = reading.noise_scale, {size.batch_size: size.seconds_per_step for size in reading.sizes if size.predicted is not None}
    scale = point_of(noise)
    if noise is None or scale is None or not seconds:
        return {}
    times = [_relative(between, seconds) for between in _scales(noise.interval, scale, largest=max(seconds))]
    return {size: (min(time[size] for time in times), max(time[size] for time in times)) for size in seconds}


def _scales(interval: Interval, scale: float, *, largest: int) -> list[float]:
    low, high = (float(end) for end in interval)
    between = np.geomspace(max(low, 1 / _WIDEST_BAND), max(low, min(high, _WIDEST_BAND * largest), 1 / _WIDEST_BAND), _SCALES_BETWEEN)
    return [low, *map(float, between), scale, high]


def _relative(scale: float, seconds: dict[int, float]) -> dict[int, float]:
    """Relative times at one noise scale; where it is endless, updates go like one over the size."""
    times = {
        size: found / size if math.isinf(scale) else predicted_time(scale, batch_size=size, seconds_per_step=found) for size, found in seconds.items()
    }  # fmt: skip
    return {size: time / min(times.values()) for size, time in times.items()}


def noise_moments(experiment: Experiment | None) -> tuple[Line, int]:
    """The noise scale at each moment, from the longest runs that sampled gradients; and how many moments have none."""
    arms = () if experiment is None else experiment.arms
    sampled = {arm.run.spec.key: arm.run for arm in arms if arm.run.curve.gradients}
    longest = max((run.spec.total_steps for run in sampled.values()), default=1)
    samples = [sample for run in sampled.values() if run.spec.total_steps == longest for sample in run.curve.gradients if sample.n_micro_batches > 1]
    n_train = _ENDLESS if experiment is None or experiment.times is None else experiment.times.n_train
    steps = sorted({sample.step for sample in samples})
    at_step = [
        read_noise_scale([sample for sample in samples if sample.step == step], n_train=n_train, total_steps=longest, after_share=0.0) for step in steps
    ]  # fmt: skip
    ratios = [
        (float(step), noise.trace / noise.square) for step, noise in zip(steps, at_step, strict=True) if noise.trace and noise.square and noise.square > 0
    ]
    return Line(x=tuple(step for step, _ in ratios), y=tuple(ratio for _, ratio in ratios)), len(steps) - len(ratios)
