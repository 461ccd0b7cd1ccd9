"""Cyclical learning rates: triangles between a minimum and a maximum, of constant, halving or exponentially shrinking height."""

import math

from tunesmith.errors import InputError
from tunesmith.schedules.shape import Corner, Schedule, checked_count, checked_low_lr, checked_max_lr, checked_steps, through_corners
from tunesmith.settings import USUAL_CYCLES, usual_min_lr

FEWEST_HALF_CYCLE_EPOCHS = 2
"""Half a cycle should last 2-10 epochs (CLR, section 3.2)."""

SHRUNK_TO = 0.1
"""Height of the last triangle of `exp_range` against the first's, at its default (our choice: a decade, as a step of a step schedule)."""


def _checked_cycles(cycles: int, *, maker: str) -> int:
    return checked_count(cycles, maker=maker, name="cycles", advice="Choose it so that half a cycle lasts 2-10 epochs.")


def cycles_that_fit(cycles: int, *, total_steps: int) -> int:
    """How many of `cycles` a run holds: each gets two steps at least.

    Example:
        >>> [cycles_that_fit(4, total_steps=steps) for steps in (1, 6, 100)]
        [1, 2, 4]
    """
    return max(1, min(cycles, (total_steps - 1) // 2))


def short_cycles_advice(cycles: int, *, epochs: float) -> str:
    """A sentence where half a cycle is shorter than it should be; empty where it is not, or where there is one cycle only.

    Example:
        >>> short_cycles_advice(3, epochs=6)
        'Half a cycle should last 2-10 epochs, and lasts 1 here: 3 cycles in 6 epochs. Ask for 1 cycle, or for 12 epochs.'
        >>> short_cycles_advice(3, epochs=12)
        ''
    """
    half = epochs / (2 * cycles)
    if cycles == 1 or half >= FEWEST_HALF_CYCLE_EPOCHS:
        return ""
    fitting, wanted = max(1, int(epochs / (2 * FEWEST_HALF_CYCLE_EPOCHS))), 2 * FEWEST_HALF_CYCLE_EPOCHS * cycles
    return (
        f"Half a cycle should last 2-10 epochs, and lasts {half:.2g} here: {cycles} cycles in {epochs:.3g} epochs. "
        f"Ask for {fitting} cycle{'s' if fitting > 1 else ''}, or for {wanted} epochs."
    )


def _triangles(*, low: float, high: float, total_steps: int, cycles: int, shrink: float) -> Schedule:
    """Cycle k from `low` up to `low + (high - low)·shrink^k` and back, its corners on whole steps, and only as many cycles as have two steps each."""
    last = total_steps - 1
    halves = 2 * cycles_that_fit(cycles, total_steps=total_steps)
    corners: list[Corner] = [(0, low)]
    for half in range(1, halves + 1):
        cycle, is_peak = (half - 1) // 2, half % 2 == 1
        peak = low + (high - low) * shrink**cycle if cycle else high  # the first exactly
        corners.append(((2 * half * last + halves) // (2 * halves), peak if is_peak else low))
    return through_corners(corners)


def triangular(*, max_lr: float, total_steps: int, min_lr: float | None = None, cycles: int = USUAL_CYCLES["triangular"]) -> Schedule:
    """Straight up and straight down between minimum and maximum, `cycles` times, ending at the end of a cycle.

    Args:
        max_lr: Learning rate at every peak; finite, > 0.
        total_steps: Updates of the run; ≥ 1.
        min_lr: Learning rate between the peaks; in [0, max_lr]. Default None: max_lr/10, max_lr/4 where there are several (report, section 4.1).
        cycles: Triangles in the run; ≥ 1. Half a cycle should last 2-10 epochs (CLR, section 3.2). Default 1: the triangle of super-convergence.

    Raises:
        InputError: An argument out of its range.

    Source: Smith 2015, arXiv:1506.01186, section 3.1. Differs: CLR is back at the minimum one step after the run, this at its last update,
        and corners fall on whole steps, so cycles may differ by a step in length. A short run has only as many cycles as get two steps each.

    Example:
        >>> lr = triangular(max_lr=1.0, min_lr=0.2, total_steps=101, cycles=2)
        >>> [lr(step) for step in (0, 25, 50, 75, 100, 1000)]
        [0.2, 1.0, 0.2, 1.0, 0.2, 0.2]
    """
    total_steps = checked_steps(total_steps, maker="triangular")
    cycles = _checked_cycles(cycles, maker="triangular")
    high = checked_max_lr(max_lr, maker="triangular")
    low = checked_low_lr(usual_min_lr(high, schedule="triangular", cycles=cycles) if min_lr is None else min_lr, max_lr=high, maker="triangular")
    return _triangles(low=low, high=high, total_steps=total_steps, cycles=cycles, shrink=1.0)


def triangular2(*, max_lr: float, total_steps: int, min_lr: float | None = None, cycles: int = USUAL_CYCLES["triangular2"]) -> Schedule:
    """Triangles whose height halves with each cycle.

    Args:
        max_lr: Learning rate at the first peak; finite, > 0.
        total_steps: Updates of the run; ≥ 1.
        min_lr: Learning rate between the peaks; in [0, max_lr]. Default None: max_lr/4, max_lr/10 where there is one (report, section 4.1).
        cycles: Triangles in the run; ≥ 1. Default 4 (our choice: the last reaches an eighth of the height).

    Raises:
        InputError: An argument out of its range.

    Source: Smith 2015, arXiv:1506.01186, section 3.1. Differs as `triangular` does.

    Example:
        >>> lr = triangular2(max_lr=1.0, min_lr=0.2, total_steps=101, cycles=2)
        >>> [round(lr(step), 6) for step in (0, 25, 50, 75, 100, 1000)]
        [0.2, 1.0, 0.2, 0.6, 0.2, 0.2]
    """
    total_steps = checked_steps(total_steps, maker="triangular2")
    cycles = _checked_cycles(cycles, maker="triangular2")
    high = checked_max_lr(max_lr, maker="triangular2")
    low = checked_low_lr(usual_min_lr(high, schedule="triangular2", cycles=cycles) if min_lr is None else min_lr, max_lr=high, maker="triangular2")
    return _triangles(low=low, high=high, total_steps=total_steps, cycles=cycles, shrink=0.5)


def exp_range(*, max_lr: float, total_steps: int, min_lr: float | None = None, cycles: int = USUAL_CYCLES["exp_range"], gamma: float | None = None) -> Schedule:
    """Triangles whose height shrinks by a factor at each update.

    Args:
        max_lr: Learning rate that the peaks start to fall from; finite, > 0. The first peak is already a little below it.
        total_steps: Updates of the run; ≥ 1.
        min_lr: Learning rate between the peaks; in [0, max_lr]. Default None: max_lr/4, max_lr/10 where there is one (report, section 4.1).
        cycles: Triangles in the run; ≥ 1. Default 4 (our choice, as `triangular2`).
        gamma: Factor on the height at each update; in (0, 1]. Default None: a tenth is left at the last update (our choice; CLR used .99994).

    Raises:
        InputError: An argument out of its range.

    Source: Smith 2015, arXiv:1506.01186, section 3.1. Differs as `triangular` does.

    Example:
        >>> lr = exp_range(max_lr=1.0, min_lr=0.2, total_steps=101, cycles=2, gamma=0.99)
        >>> [round(lr(step), 6) for step in (0, 25, 50, 75, 100, 1000)]
        [0.2, 0.822257, 0.2, 0.576469, 0.2, 0.2]
    """
    total_steps = checked_steps(total_steps, maker="exp_range")
    cycles = _checked_cycles(cycles, maker="exp_range")
    high = checked_max_lr(max_lr, maker="exp_range")
    low = checked_low_lr(usual_min_lr(high, schedule="exp_range", cycles=cycles) if min_lr is None else min_lr, max_lr=high, maker="exp_range")
    if gamma is not None and not 0 < gamma <= 1:
        raise InputError(f"exp_range: gamma must be in (0, 1], got {gamma!r}. Leave it out, or pass a factor such as 0.9999.")
    last = total_steps - 1
    log_gamma = math.log(gamma) if gamma is not None else math.log(SHRUNK_TO) / max(1, last)
    triangle, height = _triangles(low=0.0, high=1.0, total_steps=total_steps, cycles=cycles, shrink=1.0), high - low

    def schedule(step: int) -> float:
        step = 0 if step < 0 else min(step, last)
        return low + height * triangle(step) * math.exp(log_gamma * step)

    return schedule
