"""Which times to a target a noise scale's interval allows at each batch size. Draws nothing."""

import math

import numpy as np

from tunesmith.plots.facts import Interval
from tunesmith.reading.batch_size import BatchSizeReading, point_of
from tunesmith.reading.noise_scale import predicted_time

_SCALES_BETWEEN = 40
"""Noise scales tried between the ends of the interval: in the middle a size may be the fastest (our choice)."""
_WIDEST_BAND = 100.0
"""An interval is followed up to so many times the largest size, beyond which nothing changes (our choice)."""


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
