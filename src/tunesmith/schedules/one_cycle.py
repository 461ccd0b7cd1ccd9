"""One cycle, three ways: as the author's code ran it, as the report's text says it, and as fast.ai ships it."""

from typing import Literal

from tunesmith.errors import InputError
from tunesmith.schedules.shape import Schedule, checked_low_lr, checked_max_lr, checked_steps, half_cosine, through_corners
from tunesmith.settings import usual_min_lr

RISE_FRACTION = 0.45
"""Share of the run in which the learning rate rises: 2S/T = .9, within the author's .86-.98 (METHOD, section 2.2). A longer tail costs accuracy."""


def stepsize(total_steps: int, *, rise_fraction: float, tail_steps: int) -> int:
    """Updates of half a cycle: a whole number ≥ 1, so that the peak is hit, that leaves `tail_steps` from the end of the cycle on, where there is room."""
    return max(1, min(round(rise_fraction * total_steps), (total_steps - tail_steps) // 2))


def _check_rise(rise_fraction: float, *, maker: str) -> None:
    if not 0 < 2 * rise_fraction <= 1:
        raise InputError(f"{maker}: rise_fraction must be in (0, 0.5], for the fall takes as long again, got {rise_fraction!r}. Pass one such as 0.45.")


def one_cycle(*, max_lr: float, total_steps: int, min_lr: float | None = None, rise_fraction: float = RISE_FRACTION) -> Schedule:
    """1cycle as the author's code ran it: up, down to *zero* (not to the minimum), then a tail at a thousandth of the minimum.

    With b = `min_lr`, M = `max_lr` and S = `rise_fraction` x `total_steps`, rounded: b + (M-b)·t/S until S, max(M·(1-(t-S)/S), b/1000) until 2S, then b/1000.
    Two consequences: the fall is a little steeper than the rise, and most of the annealing happens before the tail.

    Args:
        max_lr: Learning rate at the peak, step S; finite, > 0.
        total_steps: Updates of the run; ≥ 1.
        min_lr: Learning rate at step 0; in [0, max_lr]. Default None: max_lr/10 (report, section 5).
        rise_fraction: S as a share of the run; in (0, .5]. Default .45: the author's 2S/T was .86-.98.

    Raises:
        InputError: An argument out of its range.

    Source: Recovered from the author's logs (METHOD, section 2.2). Differs: S is capped so that the last of three or more updates is in the tail.
        The report's text describes another shape: `one_cycle_text`.

    Example:
        >>> lr = one_cycle(max_lr=1.0, min_lr=0.1, total_steps=100)
        >>> [round(lr(step), 6) for step in (0, 45, 63, 90, 99, 1000)]
        [0.1, 1.0, 0.6, 0.0001, 0.0001, 0.0001]
    """
    total_steps = checked_steps(total_steps, maker="one_cycle")
    _check_rise(rise_fraction, maker="one_cycle")
    peak = checked_max_lr(max_lr, maker="one_cycle")
    start = checked_low_lr(usual_min_lr(peak, schedule="one_cycle") if min_lr is None else min_lr, max_lr=peak, maker="one_cycle")
    half, last, tail, rise = stepsize(total_steps, rise_fraction=rise_fraction, tail_steps=1), total_steps - 1, start / 1000, peak - start

    def schedule(step: int) -> float:
        step = 0 if step < 0 else min(step, last)
        if step < half:
            return start + rise * (step / half)
        return max(peak * (1 - (step - half) / half), tail)

    return schedule


def one_cycle_text(
    *, max_lr: float, total_steps: int, min_lr: float | None = None, rise_fraction: float = RISE_FRACTION, final_lr: float | None = None
) -> Schedule:
    """1cycle as the report's text says it: minimum to maximum, back to the minimum, then linear annihilation.

    Args:
        max_lr: Learning rate at the peak; finite, > 0.
        total_steps: Updates of the run; ≥ 1.
        min_lr: Learning rate at step 0 and at the end of the cycle; in [0, max_lr]. Default None: max_lr/10 (report, section 5).
        rise_fraction: Rise, and fall, as a share of the run; in (0, .5]. Default .45: as `one_cycle`.
        final_lr: Learning rate at the last update; in [0, max_lr]. Default None: min_lr/100, "several orders of magnitude" (report, section 4.1).

    Raises:
        InputError: An argument out of its range.

    Source: Smith 2018, arXiv:1803.09820, section 4.1; super-convergence, arXiv:1708.07120. The author's code did otherwise: `one_cycle`.
        torch's `OneCycleLR(three_phase=True, anneal_strategy="linear")` has the same shape with its corners one and two steps earlier,
        extrapolates at step T and raises at T+1; this stays at the last value.

    Example:
        >>> lr = one_cycle_text(max_lr=1.0, min_lr=0.1, total_steps=100)
        >>> [round(lr(step), 6) for step in (0, 45, 90, 99, 1000)]
        [0.1, 1.0, 0.1, 0.001, 0.001]
    """
    total_steps = checked_steps(total_steps, maker="one_cycle_text")
    _check_rise(rise_fraction, maker="one_cycle_text")
    peak = checked_max_lr(max_lr, maker="one_cycle_text")
    start = checked_low_lr(usual_min_lr(peak, schedule="one_cycle_text") if min_lr is None else min_lr, max_lr=peak, maker="one_cycle_text")
    final = checked_low_lr(start / 100 if final_lr is None else final_lr, max_lr=peak, maker="one_cycle_text", name="final_lr")
    half, last = stepsize(total_steps, rise_fraction=rise_fraction, tail_steps=2), total_steps - 1
    corners = [(0, start), (half, peak), (2 * half, start), (last, final)]
    return through_corners([corner for corner in corners if corner[0] <= last])


_PCT_START = {1: 0.3, 2: 0.25}
"""Version of fast.ai → its share of the run before the peak (its `fit_one_cycle`)."""


def one_cycle_fastai(
    *,
    max_lr: float,
    total_steps: int,
    min_lr: float | None = None,
    final_lr: float | None = None,
    pct_start: float | None = None,
    version: Literal[1, 2] = 2,
) -> Schedule:
    """1cycle as fast.ai ships it: half a cosine up, half a cosine down to almost nothing, no tail.

    Args:
        max_lr: Learning rate at the peak; finite, > 0.
        total_steps: Updates of the run; ≥ 1.
        min_lr: Learning rate at step 0; in [0, max_lr]. Default None: max_lr/25 (fast.ai).
        final_lr: Learning rate at the last update; in [0, max_lr]. Default None: max_lr/1e5, or `min_lr` where that is lower, in version 2;
            `min_lr`/1e4, so max_lr/(25·1e4), in version 1.
        pct_start: Share of the run before the peak; in (0, 1). Default None: .25 in version 2, .3 in version 1.
        version: Of fast.ai: 2, or 1, whose defaults torch's `OneCycleLR` has. Default 2: what fast.ai ships today.

    Raises:
        InputError: An argument out of its range.

    Source: fast.ai v2 and v1, `fit_one_cycle`; METHOD, section 2.2. Differs: fast.ai reaches `final_lr` one step after the last update, this at the last,
        as torch's `OneCycleLR` does, whose peak comes a step earlier.

    Example:
        >>> lr = one_cycle_fastai(max_lr=1.0, total_steps=101)
        >>> [round(lr(step), 6) for step in (0, 25, 100, 1000)]
        [0.04, 1.0, 1e-05, 1e-05]
        >>> lr = one_cycle_fastai(max_lr=1.0, total_steps=101, version=1)
        >>> [round(lr(step), 6) for step in (0, 30, 100, 1000)]
        [0.04, 1.0, 4e-06, 4e-06]
    """
    total_steps = checked_steps(total_steps, maker="one_cycle_fastai")
    if version not in _PCT_START:
        raise InputError(f"one_cycle_fastai: version must be 1 or 2, got {version!r}. Pass 2 for what fast.ai ships today.")
    share = _PCT_START[version] if pct_start is None else pct_start
    if not 0 < share < 1:
        raise InputError(f"one_cycle_fastai: pct_start must be in (0, 1), got {share!r}. Pass a fraction such as 0.25.")
    peak = checked_max_lr(max_lr, maker="one_cycle_fastai")
    start = checked_low_lr(usual_min_lr(peak, schedule="one_cycle_fastai") if min_lr is None else min_lr, max_lr=peak, maker="one_cycle_fastai")
    usual_final = start / 1e4 if version == 1 else min(start, peak / 1e5)
    final = checked_low_lr(usual_final if final_lr is None else final_lr, max_lr=peak, maker="one_cycle_fastai", name="final_lr")
    last = total_steps - 1
    top = max(1, min(round(share * total_steps), last - 1))
    corners = [(0, start), (top, peak), (last, final)]
    return through_corners([corner for corner in corners if corner[0] <= last], ease=half_cosine)


def one_cycle_fastai_v1(
    *, max_lr: float, total_steps: int, min_lr: float | None = None, final_lr: float | None = None, pct_start: float | None = None
) -> Schedule:
    """`one_cycle_fastai` of version 1, as the schedule of this name: the numbers of torch's `OneCycleLR`.

    Args:
        max_lr: Learning rate at the peak; finite, > 0.
        total_steps: Updates of the run; ≥ 1.
        min_lr: Learning rate at step 0; in [0, max_lr]. Default None: max_lr/25 (fast.ai).
        final_lr: Learning rate at the last update; in [0, max_lr]. Default None: `min_lr`/1e4.
        pct_start: Share of the run before the peak; in (0, 1). Default None: .3.

    Raises:
        InputError: An argument out of its range.

    Source: fast.ai v1, `fit_one_cycle`. Differs as `one_cycle_fastai` does.

    Example:
        >>> lr = one_cycle_fastai_v1(max_lr=1.0, total_steps=101)
        >>> [round(lr(step), 6) for step in (0, 30, 100)]
        [0.04, 1.0, 4e-06]
    """
    return one_cycle_fastai(max_lr=max_lr, total_steps=total_steps, min_lr=min_lr, final_lr=final_lr, pct_start=pct_start, version=1)
