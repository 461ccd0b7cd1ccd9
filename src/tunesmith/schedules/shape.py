"""What a schedule is, and how one is drawn through its corners. Plain floats only: a schedule is called at every update."""

import math
import operator
from bisect import bisect_right
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Protocol, TypeAlias

from tunesmith.errors import InputError

Schedule: TypeAlias = Callable[[int], float]
"""Step → the value that drives that update: beyond the end the last value, before the start the first, never an error."""

Corner: TypeAlias = tuple[int, float]


class Shape(Protocol):
    """A named schedule's maker: from `min_lr`, where the shape starts low, to `max_lr` at its peak, in `total_steps` updates."""

    def __call__(self, *, max_lr: float, min_lr: float, total_steps: int) -> Schedule:
        """The schedule; InputError for arguments out of their range."""
        ...


def linear(fraction: float) -> float:
    """The fraction itself: a straight line between two corners."""
    return fraction


def half_cosine(fraction: float) -> float:
    """Half a cosine wave between two corners, level at both ends."""
    return 0.5 - 0.5 * math.cos(math.pi * fraction)


def through_corners(corners: Sequence[Corner], *, ease: Callable[[float], float] = linear) -> Schedule:
    """The schedule that goes through `corners` and stays at the last one.

    Args:
        corners: (step, value), in order, the first at step 0. A corner that shares its step with an earlier one is left out:
            that is how a run too short for all corners is drawn.
        ease: Fraction of the way between two corners in time → in value; ease(0) = 0 and ease(1) = 1. Default: a straight line.

    Example:
        >>> triangle = through_corners([(0, 1.0), (2, 3.0), (4, 1.0)])
        >>> [triangle(step) for step in range(-1, 7)]
        [1.0, 1.0, 2.0, 3.0, 2.0, 1.0, 1.0, 1.0]
    """
    kept = [corners[0]]
    for corner in corners[1:]:
        if corner[0] > kept[-1][0]:
            kept.append(corner)
    steps, values = [corner[0] for corner in kept], [corner[1] for corner in kept]
    first_value, last_step, last_value = values[0], steps[-1], values[-1]
    legs = [(s, v, steps[i + 1] - s, values[i + 1] - v) for i, (s, v) in enumerate(kept[:-1])]

    def schedule(step: int) -> float:
        if step >= last_step:
            return last_value
        if step <= 0:
            return first_value
        since, value, length, rise = legs[bisect_right(steps, step) - 1]
        return value + rise * ease((step - since) / length)

    return schedule


def checked_count(count: int, *, maker: str, name: str, advice: str) -> int:
    """`count` as a plain int, refused unless a whole number ≥ 1."""
    try:
        whole = operator.index(count)
    except TypeError:
        whole = 0
    if whole < 1:
        raise InputError(f"{maker}: {name} must be a whole number ≥ 1, got {count!r}. {advice}")
    return whole


def checked_steps(total_steps: int, *, maker: str) -> int:
    """`total_steps` as a plain int, refused unless a whole number ≥ 1."""
    return checked_count(total_steps, maker=maker, name="total_steps", advice="Pass the number of optimizer updates of the run.")


def _is_real(value: object) -> bool:
    """Whether it is a number that a float can hold."""
    try:
        return isinstance(value, Real) and not math.isnan(float(value))
    except OverflowError:
        return False


def checked_max_lr(max_lr: float, *, maker: str) -> float:
    """`max_lr` as a plain float, refused unless finite and > 0."""
    if not (_is_real(max_lr) and math.isfinite(max_lr) and max_lr > 0):
        raise InputError(f"{maker}: max_lr must be finite and > 0, got {max_lr!r}. Pass a rate such as 0.1.")
    return float(max_lr)


def checked_low_lr(low_lr: float, *, max_lr: float, maker: str, name: str = "min_lr") -> float:
    """A lower learning rate as a plain float, refused unless in [0, max_lr]."""
    if not (_is_real(low_lr) and 0 <= low_lr <= max_lr):
        raise InputError(f"{maker}: {name} must be in [0, max_lr] = [0, {max_lr!r}], got {low_lr!r}. Pass a lower rate.")
    return float(low_lr)
