"""Time to a target by batch size, from seconds of an update and the gradient noise scale; and how the learning rate goes along."""

import math
import sys
from collections.abc import Mapping, Sequence

from tunesmith.coupling import LR_EXPONENT, lr_power
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
MOST_RISE = 0.04
"""By how much more loss a batch size may be predicted to end with in the same epochs (our choice, below the twentieth by which a target may lie above the
best)."""
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
    low, high = (lr_power(end, base=base, other=other, optimizer_name=optimizer_name) for end in noise.interval)
    return lr_power(scale, base=base, other=other, optimizer_name=optimizer_name), (low, high)


def rises_of(experiment: Experiment, *, base: int) -> dict[int, float]:
    """Batch size → by what share more loss than the base it is predicted to end with in the same epochs; empty where that is not known.

    In the same epochs a size makes as much progress as the base does in a share (base + noise scale) / (size + noise scale) of its length. By
    the loss, whatever decides.

    Args:
        experiment: With a time model, and runs that sampled gradients.
        base: The first batch size.
    """
    scale = point_of(noise_of(experiment))
    if scale is None or experiment.times is None:
        return {}
    slope = experiment.times.slope
    return {size: math.expm1(slope * math.log2((size + scale) / (base + scale))) for size in experiment.times.seconds_per_step}


def contenders(experiment: Experiment, *, base: int) -> tuple[int, ...]:
    """Sizes that may be chosen, the most promising first, the base last; it alone where it is as fast as any.

    Left out is a size at which the epochs would end with clearly more loss, and the base comes last all the same where half of it is about as fast and would
    end with clearly less: a target that is not reached is not reached soon.

    Args:
        experiment: As for `rises_of`.
        base: The first batch size.
    """
    if experiment.times is None:
        return (base,)
    times, rises = relative_times(noise_of(experiment), experiment.times.seconds_per_step), rises_of(experiment, base=base)
    if base not in times:
        return (base,)
    allowed = {size for size in times if rises.get(size, 0.0) <= MOST_RISE}
    if times.get(base // 2, math.inf) <= (1 + WORTH) * times[base] and rises.get(base // 2, 0.0) < -MOST_RISE:
        allowed = {size for size in allowed if rises.get(size, 0.0) <= rises[base // 2] + MOST_RISE}
    found: list[int] = []
    while base not in found:
        size = fastest_of([*allowed, base] if base in allowed or not allowed else list(allowed), times, base=base)
        found.append(size)
        allowed = {other for other in allowed if abs(math.log2(other / base)) < abs(math.log2(size / base))}
    return tuple(found)
