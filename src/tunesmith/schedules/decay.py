"""Shapes that start at the peak, or nearly: linear to zero after a warm-up, half a cosine, steps, and no decay at all."""

from bisect import bisect_right
from collections.abc import Sequence

from tunesmith.errors import InputError
from tunesmith.schedules.shape import Schedule, checked_low_lr, checked_max_lr, checked_steps, half_cosine, through_corners


def warmup_linear(*, max_lr: float, total_steps: int, min_lr: float | None = None, warmup_fraction: float = 0.2) -> Schedule:
    """A linear warm-up, then linear to zero at the last update.

    Args:
        max_lr: Learning rate at the end of the warm-up; finite, > 0.
        total_steps: Updates of the run; ≥ 1.
        min_lr: Learning rate at step 0; in [0, max_lr]. Default None: max_lr/10, as the cycles start (our choice: at 0 the first update would do nothing).
        warmup_fraction: Share of the run that rises; in [0, 1). Default .2 (our choice: fast CIFAR recipes warm up over .17-.27; METHOD, section 2.2).

    Raises:
        InputError: An argument out of its range.

    Source: Linear to zero: REX, arXiv:2107.04197, where it ranks above 1cycle on 82 settings, and the theory's choice, arXiv:2310.07831.

    Example:
        >>> lr = warmup_linear(max_lr=1.0, min_lr=0.1, total_steps=101)
        >>> [round(lr(step), 6) for step in (0, 20, 60, 100, 1000)]
        [0.1, 1.0, 0.5, 0.0, 0.0]
    """
    total_steps = checked_steps(total_steps, maker="warmup_linear")
    if not 0 <= warmup_fraction < 1:
        raise InputError(f"warmup_linear: warmup_fraction must be in [0, 1), got {warmup_fraction!r}. Pass a fraction such as 0.2.")
    peak = checked_max_lr(max_lr, maker="warmup_linear")
    start = checked_low_lr(peak / 10 if min_lr is None else min_lr, max_lr=peak, maker="warmup_linear")
    warmup_steps = max(0, min(round(warmup_fraction * total_steps), total_steps - 2))
    first = [(0, start)] if warmup_steps else []
    return through_corners([*first, (warmup_steps, peak), (total_steps - 1, 0.0)])


def cosine(*, max_lr: float, total_steps: int, final_lr: float = 0.0) -> Schedule:
    """Half a cosine from the peak at step 0 to `final_lr` at the last update, without a warm-up.

    Args:
        max_lr: Learning rate at step 0; finite, > 0.
        total_steps: Updates of the run; ≥ 1.
        final_lr: Learning rate at the last update; in [0, max_lr]. Default 0 (SGDR's usual choice).

    Raises:
        InputError: An argument out of its range.

    Source: SGDR, arXiv:1608.03983, one period. Differs: torch's `CosineAnnealingLR(T_max=total_steps)` ends one step after the last update, this at it.

    Example:
        >>> lr = cosine(max_lr=1.0, total_steps=101)
        >>> [round(lr(step), 6) for step in (0, 50, 100, 1000)]
        [1.0, 0.5, 0.0, 0.0]
    """
    total_steps = checked_steps(total_steps, maker="cosine")
    peak = checked_max_lr(max_lr, maker="cosine")
    final = checked_low_lr(final_lr, max_lr=peak, maker="cosine", name="final_lr")
    return through_corners([(0, peak), (total_steps - 1, final)], ease=half_cosine)


def step(*, max_lr: float, total_steps: int, milestone_fractions: Sequence[float] = (0.5, 0.75), factor: float = 0.1) -> Schedule:
    """The peak, multiplied by `factor` at each milestone.

    Args:
        max_lr: Learning rate before the first milestone; finite, > 0.
        total_steps: Updates of the run; ≥ 1.
        milestone_fractions: Shares of the run after which the learning rate drops, rising, each in (0, 1).
            Default (.5, .75): the CIFAR recipe of ResNet and DenseNet. The author's own step runs used (.625, .875).
        factor: What the learning rate is multiplied by; in (0, 1]. Default .1: the same recipe.

    Raises:
        InputError: An argument out of its range.

    Source: He et al. 2015, arXiv:1512.03385, section 4.2; the baselines of the report's tables.

    Example:
        >>> lr = step(max_lr=1.0, total_steps=100)
        >>> [round(lr(step), 6) for step in (0, 49, 50, 74, 75, 99, 1000)]
        [1.0, 1.0, 0.1, 0.1, 0.01, 0.01, 0.01]
    """
    total_steps = checked_steps(total_steps, maker="step")
    peak = checked_max_lr(max_lr, maker="step")
    fractions = list(milestone_fractions)
    if fractions != sorted(fractions) or not all(0 < fraction < 1 for fraction in fractions):
        raise InputError(f"step: milestone_fractions must rise within (0, 1), got {milestone_fractions!r}. Pass fractions such as (0.5, 0.75).")
    if not 0 < factor <= 1:
        raise InputError(f"step: factor must be in (0, 1], got {factor!r}. Pass a factor such as 0.1.")
    milestones = [max(1, round(fraction * total_steps)) for fraction in fractions]
    values = [peak * float(factor) ** drops for drops in range(len(milestones) + 1)]
    last = total_steps - 1

    def schedule(step: int) -> float:
        return values[bisect_right(milestones, min(step, last))]

    return schedule


def constant(*, max_lr: float, total_steps: int) -> Schedule:
    """The same learning rate at every update.

    Args:
        max_lr: The learning rate; finite, > 0.
        total_steps: Updates of the run; ≥ 1. Checked only: the shape does not depend on it.

    Raises:
        InputError: An argument out of its range.

    Source: The baseline of everything else.

    Example:
        >>> lr = constant(max_lr=0.3, total_steps=100)
        >>> [lr(step) for step in (0, 99, 1000)]
        [0.3, 0.3, 0.3]
    """
    checked_steps(total_steps, maker="constant")
    value = checked_max_lr(max_lr, maker="constant")

    return lambda _step: value
