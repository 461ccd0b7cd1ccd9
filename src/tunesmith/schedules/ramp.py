"""One sweep from a start to an end: the learning rate of a range test, and the momentum that falls beside it."""

import math
from typing import Literal

from tunesmith.errors import InputError
from tunesmith.schedules.shape import Schedule, checked_steps, through_corners
from tunesmith.settings import Settings


def ramp(*, start: float, end: float, total_steps: int, spacing: Literal["linear", "exponential"] = "linear") -> Schedule:
    """A sweep that gives `start` at step 0 and `end` at the last update, both exactly.

    Args:
        start: Value at step 0; finite, ≥ 0, or > 0 where the spacing is exponential. A run of a single step stays there.
        end: Value at the last update, above or below `start`; same range.
        total_steps: Updates of the sweep; ≥ 1.
        spacing: "linear" (equal differences) or "exponential" (equal ratios). Default "linear": the report's range test (section 4.1);
            exponential is fast.ai's, which answers another question (METHOD, section 2.1).

    Raises:
        InputError: An argument out of its range.

    Source: Smith 2018, arXiv:1803.09820, section 4.1.

    Example:
        >>> lr = ramp(start=0.0, end=3.0, total_steps=101)
        >>> [round(lr(step), 6) for step in (0, 50, 100, 1000)]
        [0.0, 1.5, 3.0, 3.0]
        >>> lr = ramp(start=1e-4, end=1.0, total_steps=101, spacing="exponential")
        >>> [round(lr(step), 6) for step in (0, 50, 100, 1000)]
        [0.0001, 0.01, 1.0, 1.0]
    """
    total_steps = checked_steps(total_steps, maker="ramp")
    if spacing not in ("linear", "exponential"):
        raise InputError(f"ramp: spacing must be 'linear' or 'exponential', got {spacing!r}. Pass one of the two.")
    is_exponential = spacing == "exponential"
    for name, value in (("start", start), ("end", end)):
        if not (math.isfinite(value) and (value > 0 if is_exponential else value >= 0)):
            raise InputError(f"ramp: {name} must be finite and {'> 0' if is_exponential else '≥ 0'}, got {value!r}. Pass a value such as 0.001.")
    first, last = float(start), total_steps - 1
    if not is_exponential:
        return through_corners([(0, first), (last, float(end))])
    final = float(end) if last else first
    log_start, log_ratio = math.log(first), math.log(end) - math.log(first)

    def schedule(step: int) -> float:
        if step >= last:
            return final
        if step <= 0:
            return first
        return math.exp(log_start + log_ratio * (step / last))

    return schedule


def falling_momentum(settings: Settings, *, total_steps: int) -> Schedule:
    """Momentum beside a rising learning rate: linear from `settings.momentum` to `settings.resolved_min_momentum`.

    Args:
        settings: The knobs; constant momentum where it has no lower one.
        total_steps: Updates of the sweep; ≥ 1.

    Raises:
        InputError: `total_steps` < 1.

    Source: Smith 2018, arXiv:1803.09820, section 4.3: the combined range test, with cyclical momentum.

    Example:
        >>> momentum = falling_momentum(Settings(momentum=0.95, min_momentum=0.85), total_steps=101)
        >>> [round(momentum(step), 6) for step in (0, 50, 100, 1000)]
        [0.95, 0.9, 0.85, 0.85]
    """
    return ramp(start=settings.momentum, end=settings.resolved_min_momentum, total_steps=total_steps)
