"""Gradient samples → the gradient noise scale: about which batch size more examples in a batch stop paying.

Numbers in, numbers out. Of N training examples with gradients gᵢ, whose mean is G, the noise scale is tr Σ / |G|²: the batch size at which the noise of a
batch's gradient is as long as the gradient itself. Smaller batches learn about as much from each example; larger ones waste examples to save few updates.

A sample holds K micro-batches of b examples, all drawn without replacement. With S² = tr Σ · N / (N - 1) the mean of their squared lengths, mean|gₖ|², is
|G|² + S² (1/b - 1/N) on average and that of their mean, |ḡ|², is |G|² + S² (1/(bK) - 1/N). Solved for the two unknowns:

    S² = bK / (K - 1) · (mean|gₖ|² - |ḡ|²)        |G|² = (K |ḡ|² - mean|gₖ|²) / (K - 1) + S² / N

The last term is the correction for drawing without replacement: without it |G|² is too low by S²/N, which late in a training on a small set is all of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.curve import GradientSample
from tunesmith.errors import InputError

INTERVAL_LEVEL = 0.9
"""Of the noise scale's interval (our choice)."""
AFTER_SHARE = 0.2
"""Share of a run that is left out at its beginning: there the gradients are long, and the noise scale is no guide to the rest (our choice)."""
NOT_ESTABLISHED = (
    "The noise scale is a proxy: it tells nothing of curvature, momentum or how well a network generalises, and it holds for the learning rates of the run "
    "that it was measured in. With BatchNorm it is that of micro-batches, not of examples; dropout and augmentation count as noise. Short runs at several "
    "batch sizes decide."
)
"""What a finding must say of it."""


@dataclass(frozen=True, kw_only=True)
class NoiseScale:
    """How noisy gradients were over a part of a run.

    Attributes:
        value: tr Σ / `|G|²` in examples: the critical batch size; None where `|G|²` cannot be told from zero.
        interval: Values that the samples allow, at `INTERVAL_LEVEL`; the upper end is infinite where `|G|²` cannot be told from zero; (0, inf) says nothing.
        trace: tr Σ, the mean over the samples; None without a sample.
        square: `|G|²`, the mean over the samples, which may be negative; None without a sample.
        n_samples: Samples that were read.
        n_dropped: Samples that were not, because a gradient was not finite.
        first_step, last_step: Updates before the first and the last of those that were read; None without a sample.
        early, late: The value over the first and the second half of them (a middle one counts as late); None where that half's `|G|²` is not positive.
    """

    value: float | None
    interval: tuple[float, float]
    trace: float | None
    square: float | None
    n_samples: int
    n_dropped: int
    first_step: int | None
    last_step: int | None
    early: float | None
    late: float | None


def read_noise_scale(samples: Sequence[GradientSample], *, n_train: int, total_steps: int, after_share: float = AFTER_SHARE) -> NoiseScale:
    """The noise scale over the samples of a run, or of several runs of one length.

    tr Σ and |G|² are averaged apart over the samples, because a ratio of single estimates has no mean; then they are divided. The interval is Fieller's, from
    how the two scatter and move together among the samples of each step, by Student's t with Welch's degrees of freedom: what changes on the way is no noise.
    Where a step has one sample only, all scatter counts, which makes the interval too wide where much changed. Steps with long gradients weigh most in the
    value, which are the earlier ones: `early` and `late` show how far that matters.

    Args:
        samples: From `Curve.gradients`.
        n_train: Training examples, N. Where examples come anew each time (dropout, augmentation, a maker that draws with replacement), the correction for
            drawing without replacement makes |G|² too large by up to tr Σ / N.
        total_steps: Updates of the run.
        after_share: Samples within this share of the run are left out; in [0, 1). Default .2: our choice.

    Raises:
        InputError: A number out of its range, or a sample of fewer than two micro-batches.

    Source: McCandlish et al. 2018, arXiv:1812.06162, appendix A.1. Differs: from K micro-batches instead of a small and a large batch, plain averages instead
        of moving ones, corrected for drawing without replacement.

    Example:
        >>> def samples(*squares):
        ...     return [GradientSample(step=100, micro_batch_size=16, n_micro_batches=8, mean_square=3.0, square_of_mean=square) for square in squares]
        >>> clear = read_noise_scale(samples(1.5, 1.4, 1.3, 1.2, 1.3, 1.4), n_train=10_000, total_steps=500)
        >>> round(clear.value), [round(end) for end in clear.interval], clear.n_samples, clear.first_step
        (27, [24, 31], 6, 100)
        >>> unclear = read_noise_scale(samples(0.4, 0.5, 0.3, 0.4, 0.3, 0.5), n_train=10_000, total_steps=500)
        >>> unclear.value, round(unclear.interval[0]), unclear.interval[1]
        (None, 394, inf)
    """
    _check(samples, n_train=n_train, total_steps=total_steps, after_share=after_share)
    later = sorted((sample for sample in samples if sample.step >= after_share * total_steps), key=lambda sample: sample.step)
    read = [sample for sample in later if math.isfinite(sample.mean_square) and math.isfinite(sample.square_of_mean)]
    if not read:
        return NoiseScale(
            value=None, interval=(0.0, math.inf), trace=None, square=None,
            n_samples=0, n_dropped=len(later), first_step=None, last_step=None, early=None, late=None,
        )  # fmt: skip
    unit = max(sample.mean_square for sample in read) or 1.0  # so that no loss is too large or too small to be squared
    pairs = np.array([_trace_and_square(sample, n_train=n_train, unit=unit) for sample in read])  # (samples, 2)
    trace, square = map(float, pairs.mean(axis=0))
    interval, is_square_clear = _fieller(pairs, steps=[sample.step for sample in read])
    half = len(read) // 2
    return NoiseScale(
        value=trace / square if is_square_clear else None,
        interval=interval,
        trace=trace * unit,
        square=square * unit,
        n_samples=len(read),
        n_dropped=len(later) - len(read),
        first_step=read[0].step,
        last_step=read[-1].step,
        early=_ratio(pairs[:half]),
        late=_ratio(pairs[half:]),
    )


def predicted_time(noise_scale: float, *, batch_size: int, seconds_per_step: float) -> float:
    """Time to a target with this batch size, for comparison with another: in seconds, times the updates that an endlessly large batch would need.

    Args:
        noise_scale: The critical batch size; ≥ 0.
        batch_size: Examples an update; ≥ 1.
        seconds_per_step: Of an update with this batch size; > 0.

    Raises:
        InputError: A number out of its range.

    Source: McCandlish et al. 2018, arXiv:1812.06162, section 2.3: updates to a target go like 1 + noise scale / batch size, the learning rate tuned to each.

    Example:
        >>> [predicted_time(100, batch_size=size, seconds_per_step=0.01 + size / 10_000) for size in (25, 100, 400)]
        [0.0625, 0.04, 0.0625]
    """
    for name, value, holds, must in (
        ("noise_scale", noise_scale, noise_scale >= 0, "≥ 0"),
        ("batch_size", batch_size, batch_size >= 1, "≥ 1"),
        ("seconds_per_step", seconds_per_step, 0 < seconds_per_step < math.inf, "finite and > 0"),
    ):
        if not holds:
            raise InputError(f"{name} must be {must}, got {value!r}. Look at where it was measured.")
    return (1 + noise_scale / batch_size) * seconds_per_step


def _check(samples: Sequence[GradientSample], *, n_train: int, total_steps: int, after_share: float) -> None:
    few = next((sample for sample in samples if sample.n_micro_batches < 2), None)  # noqa: PLR2004 (one alone has no scatter)
    for name, value, holds, advice in (
        ("n_train must be ≥ 2", n_train, n_train >= 2, "Pass the number of training examples."),  # noqa: PLR2004 (as above)
        ("total_steps must be ≥ 1", total_steps, total_steps >= 1, "Pass the run's number of updates."),
        ("after_share must be in [0, 1)", after_share, 0 <= after_share < 1, "Pass a share such as 0.2."),
        ("A sample must be of two micro-batches or more", few, few is None, "Raise gradient_micro_batches."),
    ):
        if not holds:
            raise InputError(f"{name}, got {value!r}. {advice}")


def _trace_and_square(sample: GradientSample, *, n_train: int, unit: float) -> tuple[float, float]:
    """Estimates of tr Σ and |G|² from one sample, in units of `unit`."""
    size, count = sample.micro_batch_size, sample.n_micro_batches
    mean_square, square_of_mean = sample.mean_square / unit, sample.square_of_mean / unit
    scatter = max(0.0, mean_square - square_of_mean)  # of gradients that are all the same, rounding can leave less than nothing
    spread = size * count / (count - 1) * scatter  # S²
    return spread * (n_train - 1) / n_train, square_of_mean - scatter / (count - 1) + spread / n_train


def _ratio(pairs: np.ndarray) -> float | None:
    if not len(pairs):
        return None
    trace, square = map(float, pairs.mean(axis=0))
    return trace / square if square > 0 else None


def _covariance(pairs: np.ndarray, *, steps: list[int]) -> tuple[np.ndarray, float]:
    """Of the two means, from the scatter within each step; and its degrees of freedom for |G|², after Welch 1947."""
    groups = [pairs[np.array(steps) == step] for step in sorted(set(steps))]
    if min(map(len, groups)) == 1:
        groups = [pairs]
    parts = np.array([np.cov(group, rowvar=False) * len(group) for group in groups]) / len(pairs) ** 2  # (steps, 2, 2)
    of_square = parts[:, 1, 1]
    below = float((of_square**2 / [len(group) + 1 for group in groups]).sum())
    return parts.sum(axis=0), float(of_square.sum()) ** 2 / below - 2 if below > 0 else len(pairs) - len(groups)


def _fieller(pairs: np.ndarray, *, steps: list[int]) -> tuple[tuple[float, float], bool]:
    """Which ratios of the two means the scatter allows, and whether the second mean is clear of zero.

    A ratio r is allowed where mean(trace - r · square) is within its own margin of zero: where a r² - 2 b r + c ≤ 0.
    """
    if len(pairs) == 1:
        return (0.0, math.inf), False
    from scipy.stats import t as student  # noqa: PLC0415 (takes a moment to load)

    trace, square = map(float, pairs.mean(axis=0))
    covariance, degrees = _covariance(pairs, steps=steps)
    covariance *= float(student.ppf((1 + INTERVAL_LEVEL) / 2, degrees)) ** 2
    a, b, c = square**2 - covariance[1, 1], trace * square - covariance[0, 1], trace**2 - covariance[0, 0]
    root = math.sqrt(max(0.0, b * b - a * c))
    if square > 0 and a > 0:
        return (max(0.0, float(b - root) / a), float(b + root) / a), True
    # Not clear of zero: the allowed ratios reach to infinity, where the parabola opens downwards with one root below zero and one above from the latter on.
    return (float(b - root) / a if a < 0 < c else 0.0, math.inf), False
