"""A range test with its repeats on matplotlib Axes: the first one as `plots` draws any range test, and the reach of all of them as a band."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.curve import Curve
from tunesmith.plots import plot_range_test
from tunesmith.plots.facts import smoothing_width
from tunesmith.plots.palette import TRAINING
from tunesmith.reading.smoothing import smooth

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Interval = tuple[float, float]


def draw_range_test(runs: Sequence[Curve], *, edge: Interval | None, zone: Interval | None, is_log: bool, ax: "Axes | None") -> "Axes":
    """Draw one or several sweeps over the same learning rates.

    Args:
        runs: At least one.
        edge: As read; None where there is none.
        zone: The same.
        is_log: Whether the axis of learning rates is logarithmic.
        ax: Axes to draw on; None for those of a new figure.
    """
    ax = plot_range_test(runs[0], edge=edge, zone=zone, ax=ax)
    if len(runs) > 1:
        lr, low, high = _band(runs)
        ax.fill_between(lr, low, high, color=TRAINING, alpha=0.2, linewidth=0, label=f"training, {len(runs)} repeats")
        ax.legend(frameon=False, fontsize="small")
    if is_log:
        ax.set_xscale("log")
    return ax


def _band(runs: Sequence[Curve]) -> tuple[list[float], list[float], list[float]]:
    """Learning rates that all runs reached, with the smallest and the largest smoothed training loss at each."""
    length = min(len(run.lr) for run in runs)
    width = smoothing_width(length)
    smoothed = np.stack([smooth(run.train_loss[:length], width_points=width) for run in runs])  # (runs, updates)
    return list(runs[0].lr[:length]), smoothed.min(axis=0).tolist(), smoothed.max(axis=0).tolist()
