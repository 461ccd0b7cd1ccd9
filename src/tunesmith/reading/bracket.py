"""How far a linear range test should go: read from a bracket, a short exponential sweep, or from a range test that went too far or not far enough."""

import math

import numpy as np

from tunesmith.curve import Curve, RunOutcome
from tunesmith.reading.range_test import RangeOutcome, RangeReading
from tunesmith.reading.smoothing import smooth

OVER_BEST = 4.0
"""The linear sweep ends at most this many times above the learning rate at which the bracket's loss was best (our choice)."""


def bracket_end(curve: Curve) -> float:
    """Where a linear sweep should end so that the edge lies inside it: where the bracket was lost, but at most four times its best learning rate.

    Example:
        >>> lrs = tuple(10 ** (i / 10 - 3) for i in range(40))
        >>> bracket_end(Curve(lr=lrs, momentum=lrs, train_loss=tuple(1 - lr if lr < 0.5 else 5.0 for lr in lrs), eval_step=(), valid_loss=()))
        1.0
    """
    smoothed = smooth(curve.train_loss, width_points=1.0)
    best_lr = curve.lr[int(np.nanargmin(smoothed))] if np.isfinite(smoothed).any() else curve.lr[-1]
    lost = curve.lr[-1] if curve.outcome is not RunOutcome.FINISHED else math.inf
    end = min(lost, OVER_BEST * best_lr, curve.lr[-1])
    return float(f"{end:.3g}")


EARLIEST_EDGE = 1 / 4
"""A sweep is worth making again where its edge lies below this share of its range: most of its updates were spent beyond the edge (our choice)."""
_BEYOND_EDGE, _FARTHER, _LOWER = 2.5, 4.0, 1 / 8
"""Where the next sweep ends: at this many times the edge that was seen; this many times farther where no edge was, lower where nothing fell (our choice)."""


def next_end(reading: RangeReading, *, end_lr: float, highest: float, looks_for_edge: bool = True, earliest: float = EARLIEST_EDGE) -> float | None:
    """Where a second sweep should end; None where the first can be used.

    Args:
        reading: Of a sweep from 0 to `end_lr`.
        end_lr: Where it was to end.
        highest: Beyond this nothing is looked for.
        looks_for_edge: Whether a sweep that showed no edge is worth making again, farther.
        earliest: An edge below this share of the sweep is worth seeing more closely.

    Example:
        >>> from tunesmith.reading.range_test import read_range_test
        >>> lr = np.linspace(0.05, 5, 100)
        >>> early = read_range_test(lr, np.where(lr < 0.9, 2 - np.minimum(lr, 0.4) * 4, 3.0 + 9 * lr))
        >>> 1 < next_end(early, end_lr=5.0, highest=30.0) < 3
        True
        >>> next_end(early, end_lr=1.2, highest=30.0) is None
        True
    """
    end = None
    if reading.edge is not None and reading.edge_lr is not None:
        end = _BEYOND_EDGE * reading.edge_lr if reading.edge[1] < earliest * end_lr else None
    elif reading.outcome is RangeOutcome.DIVERGED_AT_ONCE:
        end = _LOWER * end_lr
    elif end_lr < highest and (looks_for_edge or reading.outcome is RangeOutcome.FLAT):
        end = min(_FARTHER * end_lr, highest)
    return None if end is None else float(f"{end:.3g}")
