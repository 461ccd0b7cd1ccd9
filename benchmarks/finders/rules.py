"""What other packages suggest, as functions of any recorded sweep: their smoothing, their cut where the loss diverges, their rule.

Stated anew from their sources; a test holds each against the package's own objects where these can be installed. Each takes the learning rates and the
*raw* training losses of the sweep that was ordered: how many steps were ordered is the length of the arrays, so a sweep that was cut by another rule
than theirs should be filled up with what came after, NaN included. Where the package raises or suggests nothing, the answer is None.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Rule: TypeAlias = Callable[[Floats, Floats], float | None]
"""(learning rates, raw training losses), both of shape (n,) → the suggestion."""

_FEWEST_FOR_A_GRADIENT = 2
_FEWEST_OF_IGNITE = 3
_SLIDE_POINTS, _SLIDE_SLOPE = 15, 0.005


def torch_lr_finder(lr: Floats, loss: Floats) -> float | None:
    """The steepest step, counted per update, of a running mean that begins with the first loss; without the first 10 points and the last 5.

    The sweep ends where the mean is above five times its lowest. A mean that has become NaN counts as steepest, as it does there.

    Source: torch-lr-finder 0.2.2, torch_lr_finder/lr_finder.py, `LRFinder.range_test` (smooth_f=.05, diverge_th=5) and `LRFinder.plot`.

    Example:
        >>> lr = np.geomspace(1e-5, 10, 100)
        >>> falls_then_jumps = np.where(lr < 1, 2.3 / (1 + lr / 0.03), 1e3)
        >>> round(torch_lr_finder(lr, falls_then_jumps), 3)
        0.115
    """
    mean = _mean_from_first(loss)
    n = _end_of(mean, times=5.0)
    kept = slice(10, n - 5)
    if n < 10 + 5 + _FEWEST_FOR_A_GRADIENT:
        return None
    return float(lr[kept][np.argmin(np.gradient(mean[kept]))])


def ignite(lr: Floats, loss: Floats) -> float | None:
    """The same mean and cut, the steepest step before the mean's lowest point, neither end of that stretch; no point is left out.

    Source: pytorch/ignite at 036765e, ignite/handlers/lr_finder.py, `FastaiLRFinder._log_lr_and_loss` and `lr_suggestion`. Not installed with our peers.

    Example:
        >>> lr = np.geomspace(1e-5, 10, 100)
        >>> falls_then_jumps = np.where(lr < 1, 2.3 / (1 + lr / 0.03), 1e3)
        >>> round(ignite(lr, falls_then_jumps), 3)
        0.115
    """
    mean = _mean_from_first(loss)
    mean = mean[: _end_of(mean, times=5.0)]
    falling = mean[: int(np.argmin(mean)) + 1] if mean.size else mean
    if falling.size < _FEWEST_OF_IGNITE:
        return None
    return float(lr[1 + int(np.argmin((falling[2:] - falling[:-2]) / 2))])


def lightning(lr: Floats, loss: Floats) -> float | None:
    """Where the debiased mean falls fastest per unit of the *linear* learning rate; without the first 10 points and the last.

    The sweep ends where the mean is above four times its lowest. The bias is taken out with one step too many, so the first means are too low.

    Source: lightning 2.6.6, lightning/pytorch/tuner/lr_finder.py, `_LRCallback.on_train_batch_end` and `_LRFinder.suggestion`; so since 2.5.3.

    Example:
        >>> lr = np.geomspace(1e-5, 10, 100)
        >>> falls_then_jumps = np.where(lr < 1, 2.3 / (1 + lr / 0.03), 1e3)
        >>> round(lightning(lr, falls_then_jumps), 4)
        0.004
    """
    lrs, mean = _lightning_track(lr, loss)
    lrs, mean = lrs[np.isfinite(mean)], mean[np.isfinite(mean)]
    if mean.size < _FEWEST_FOR_A_GRADIENT:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(lrs[np.argmin(np.gradient(mean, lrs.astype(np.float32)))])


def lightning_before_2_5_3(lr: Floats, loss: Floats) -> float | None:
    """The same mean, cut and skips, but the steepest step counted per update; losses that are not finite shift the place, as they did there.

    Source: Lightning-AI/pytorch-lightning at bdb96c4, src/lightning/pytorch/tuner/lr_finder.py, `_LRFinder.suggestion`.

    Example:
        >>> lr = np.geomspace(1e-5, 10, 100)
        >>> falls_then_jumps = np.where(lr < 1, 2.3 / (1 + lr / 0.03), 1e3)
        >>> round(lightning_before_2_5_3(lr, falls_then_jumps), 3)
        0.152
    """
    lrs, mean = _lightning_track(lr, loss)
    mean = mean[np.isfinite(mean)]
    return None if mean.size < _FEWEST_FOR_A_GRADIENT else float(lrs[np.argmin(np.gradient(mean))])


def fastai_valley(lr: Floats, loss: Floats) -> float | None:
    """About half way down the longest run of points of which each is lower than the one before, not necessarily neighbours.

    Source: fastai 2.8.12, fastai/callback/schedule.py, `LRFinder`, `Learner.lr_find` and `valley`; fastai/learner.py, `AvgSmoothLoss` (beta=.98).

    Example:
        >>> lr = np.geomspace(1e-5, 10, 100)
        >>> falls_then_jumps = np.where(lr < 1, 2.3 / (1 + lr / 0.03), 1e3)
        >>> round(fastai_valley(lr, falls_then_jumps), 4)
        0.004
    """
    lrs, mean = _fastai_track(lr, loss)
    if not mean.size:
        return None
    lengths = np.ones(mean.size, dtype=int)  # of the longest falling run that ends at each point
    for i in range(1, mean.size):
        before = lengths[:i][mean[:i] > mean[i]]
        lengths[i] = 1 + (before.max() if before.size else 0)
    end = int(np.argmax(lengths))
    start = end - int(lengths[end]) if lengths[end] > 1 else 0
    third = (end - start) / 3
    return float(lrs[start + int(third) + int(third / 2)])


def fastai_slide(lr: Floats, loss: Floats) -> float | None:
    """An interval of 15 points slides down from the end until the slopes at its ends agree within .005; its lower end.

    Source: fastai 2.8.12, fastai/callback/schedule.py, `slide` (lr_diff=15, thresh=.005, adjust_value=1).

    Example:
        >>> lr = np.geomspace(1e-5, 10, 100)
        >>> falls_then_jumps = np.where(lr < 1, 2.3 / (1 + lr / 0.03), 1e3)
        >>> round(fastai_slide(lr, falls_then_jumps), 3)
        0.066
    """
    lrs, mean = _fastai_track(lr, loss)
    if mean.size <= _SLIDE_POINTS:
        return None
    slope = np.gradient(mean)
    right, found = -1, lrs[-1 - _SLIDE_POINTS]
    while right - _SLIDE_POINTS >= -mean.size and abs(slope[right] - slope[right - _SLIDE_POINTS]) > _SLIDE_SLOPE:
        found = lrs[right - _SLIDE_POINTS]
        right -= 1
    return float(found)


def fastai_steep(lr: Floats, loss: Floats) -> float | None:
    """The lower end of the steepest step per unit of log learning rate.

    Source: fastai 2.8.12, fastai/callback/schedule.py, `steep`.

    Example:
        >>> lr = np.geomspace(1e-5, 10, 100)
        >>> falls_then_jumps = np.where(lr < 1, 2.3 / (1 + lr / 0.03), 1e3)
        >>> round(fastai_steep(lr, falls_then_jumps), 3)
        0.132
    """
    lrs, mean = _fastai_track(lr, loss)
    if mean.size < _FEWEST_FOR_A_GRADIENT:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(lrs[np.argmin(np.diff(mean) / np.diff(np.log(lrs)))])


def fastai_minimum(lr: Floats, loss: Floats) -> float | None:
    """A tenth of the learning rate with the lowest mean.

    Source: fastai 2.8.12, fastai/callback/schedule.py, `minimum`.

    Example:
        >>> lr = np.geomspace(1e-5, 10, 100)
        >>> falls_then_jumps = np.where(lr < 1, 2.3 / (1 + lr / 0.03), 1e3)
        >>> round(fastai_minimum(lr, falls_then_jumps), 3)
        0.053
    """
    lrs, mean = _fastai_track(lr, loss)
    return float(lrs[np.argmin(mean)] / 10) if mean.size else None


RULES: dict[str, Rule] = {
    "torch-lr-finder": torch_lr_finder,
    "ignite": ignite,
    "lightning": lightning,
    "lightning < 2.5.3": lightning_before_2_5_3,
    "fastai valley": fastai_valley,
    "fastai slide": fastai_slide,
    "fastai steep": fastai_steep,
    "fastai minimum": fastai_minimum,
}
"""Name → rule."""


def _mean_from_first(loss: Floats) -> Floats:
    """A running mean that weighs the new loss .05 and begins with the first."""
    mean = np.array(loss, dtype=float)
    for i in range(1, mean.size):
        mean[i] = 0.05 * mean[i] + 0.95 * mean[i - 1]
    return mean


def _end_of(mean: Floats, *, times: float, is_its_own_lowest: bool = True) -> int:
    """How many points there are when the sweep ends with the first above `times` the lowest mean, that of the point itself included or not.

    NaN never ends it. A negative mean always does where it counts as lowest itself: that is how the packages treat losses below 0.
    """
    lowest = mean[0] if mean.size else math.nan
    for i, value in enumerate(mean.tolist()):
        with_itself = value if value < lowest else lowest  # noqa: FURB136 (min would keep a NaN that comes first)
        if value > times * (with_itself if is_its_own_lowest else lowest) and (i or is_its_own_lowest):
            return i + 1
        lowest = with_itself
    return mean.size


def _lightning_track(lr: Floats, loss: Floats) -> tuple[Floats, Floats]:
    mean, value = np.empty(loss.size), 0.0
    for i, one in enumerate(loss.tolist()):
        value = 0.98 * value + 0.02 * one
        mean[i] = value / (1 - 0.98 ** (i + 2))
    kept = slice(10, max(0, _end_of(mean, times=4.0, is_its_own_lowest=False) - 1))
    return lr[kept], mean[kept].astype(np.float32)  # its tensors


def _fastai_track(lr: Floats, loss: Floats) -> tuple[Floats, Floats]:
    """Its debiased mean up to where it is above four times its lowest; without the first tenth, the last 5 points and what follows a NaN."""
    mean, value, weight = np.empty(loss.size), np.float32(0), np.float32(1) - np.float32(0.98)
    with np.errstate(invalid="ignore", over="ignore"):
        for i, one in enumerate(np.asarray(loss, dtype=np.float32)):  # its tensors
            value -= (value - one) * weight
            mean[i] = value / np.float32(1 - 0.98 ** (i + 1))
    n = _end_of(mean, times=4.0)
    kept = slice(loss.size // 10, max(0, n - 5))
    lrs, mean = lr[kept], mean[kept].astype(np.float32)
    lost = np.flatnonzero(np.isnan(mean))
    end = int(lost[0]) if lost.size else mean.size
    return lrs[:end], mean[:end]
