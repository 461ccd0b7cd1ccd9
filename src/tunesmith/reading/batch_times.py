"""Time to a target by batch size, from seconds of an update and the gradient noise scale; and how the learning rate goes along."""

import math
import sys
from collections.abc import Mapping, Sequence

from tunesmith.coupling import LR_EXPONENT, is_adam_kind
from tunesmith.errors import CurveError
from tunesmith.experiment import Experiment
from tunesmith.reading.noise_scale import NoiseScale, predicted_time, read_noise_scale

WORTH = 0.15
"""Batch sizes whose times to the target differ by less than this share count as equally fast (our choice: the time model and the noise scale are hardly better
known; the aim is a fifth)."""
LATE_SHARE = 0.5
"""Of a short run, left out: the noise scale grows with training, and the second half of a run of a quarter of the length stands for the whole (our choice)."""
KNEE_SHARE = 0.8
"""At the knee throughput is this share of the largest measured (our choice)."""
ASSUMED_INTERVAL = (0.25, 0.75)
"""Of the learning rate's exponent where nothing was measured (our choice: around the report's .44 and .63)."""


def noise_of(experiment: Experiment) -> NoiseScale | None:
    """The noise scale in the second half of the longest runs that sampled gradients; None where none did."""
    sampled = {arm.run.spec.key: arm.run for arm in experiment.arms if arm.run.curve.gradients}.values()
    if not sampled:
        return None
    longest = max(run.spec.total_steps for run in sampled)
    samples = [sample for run in sampled if run.spec.total_steps == longest for sample in run.curve.gradients]
    n_train = sys.maxsize if experiment.times is None else experiment.times.n_train
    return read_noise_scale(samples, n_train=n_train, total_steps=longest, after_share=LATE_SHARE)


def relative_times(noise: NoiseScale | None, seconds_per_step: Mapping[int, float]) -> dict[int, float]:
    """Predicted time to a target, the fastest counting 1; empty where the noise scale is not known at all.

    Example:
        >>> clear = NoiseScale(value=100, interval=(90, 110), trace=100, square=1, n_samples=9, n_dropped=0, first_step=0, last_step=9, early=90, late=110)
        >>> {size: round(time, 2) for size, time in relative_times(clear, {25: 0.0125, 100: 0.02, 400: 0.05}).items()}
        {25: 1.56, 100: 1.0, 400: 1.56}
    """
    scale = point_of(noise)
    if scale is None or not seconds_per_step:
        return {}
    times = {size: predicted_time(scale, batch_size=size, seconds_per_step=seconds) for size, seconds in seconds_per_step.items()}
    return {size: time / min(times.values()) for size, time in times.items()}


def point_of(noise: NoiseScale | None) -> float | None:
    """The noise scale to reckon with: its value, the ratio of the means where that is not clear of infinity, the interval's lower end where there is none."""
    if noise is None or noise.n_samples == 0:
        return None
    if noise.value is not None:
        return noise.value
    if noise.trace is not None and noise.square is not None and noise.square > 0:
        return noise.trace / noise.square
    return noise.interval[0] if noise.interval[0] > 0 else None


def fastest_of(sizes: Sequence[int], times: Mapping[int, float], *, base: int) -> int:
    """The base where it is as fast as any of these, else the smallest that is.

    Example:
        >>> fastest_of([64, 128, 256], {64: 1.4, 128: 1.1, 256: 1.0}, base=64), fastest_of([64, 128], {64: 1.1, 128: 1.0}, base=64)
        (128, 64)
    """
    known = [size for size in sizes if size in times]
    if not known:
        return base if base in sizes else min(sizes)
    best = min(times[size] for size in known)
    near = [size for size in known if times[size] <= (1 + WORTH) * best]
    return base if base in near else min(near)


def knee_of(seconds_per_step: Mapping[int, float]) -> int:
    """The smallest size with four fifths of the largest throughput.

    Raises:
        CurveError: Seconds that are none.

    Example:
        >>> knee_of({32: 0.010, 64: 0.011, 128: 0.014, 256: 0.027})
        128
    """
    if any(not seconds > 0 for seconds in seconds_per_step.values()):
        raise CurveError(f"Seconds of an update must be > 0 at every batch size, got {dict(seconds_per_step)}. Measure the time model again.")
    rates = {size: size / seconds for size, seconds in seconds_per_step.items()}
    return min(size for size, rate in rates.items() if rate >= KNEE_SHARE * max(rates.values()))


def lr_exponent(noise: NoiseScale | None, *, base: int, other: int, optimizer_name: str) -> tuple[float, tuple[float, float]]:
    """The power of the batch size by which the learning rate grows between two sizes, and the powers that the noise scale's interval allows.

    The best rate of SGD goes like 1 / (1 + noise scale / batch size), that of Adam kinds like its square root.

    Source: McCandlish et al. 2018, arXiv:1812.06162, section 2.2; for Adam kinds Malladi et al. 2022, arXiv:2205.10287.

    Example:
        >>> lr_exponent(None, base=64, other=128, optimizer_name="sgd")
        (0.5, (0.25, 0.75))
    """
    scale = point_of(noise)
    if noise is None or scale is None:
        return LR_EXPONENT, ASSUMED_INTERVAL
    low, high = (_power(end, base=base, other=other, optimizer_name=optimizer_name) for end in noise.interval)
    return _power(scale, base=base, other=other, optimizer_name=optimizer_name), (low, high)


def _power(noise_scale: float, *, base: int, other: int, optimizer_name: str) -> float:
    power = 1.0 if math.isinf(noise_scale) else math.log((1 + noise_scale / base) / (1 + noise_scale / other)) / math.log(other / base)
    return round(power / 2 if is_adam_kind(optimizer_name) else power, 3)
