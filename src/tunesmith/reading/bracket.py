"""Reads a bracket, a short exponential sweep: how far a linear range test should go."""

import math

import numpy as np

from tunesmith.curve import Curve, RunOutcome
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
