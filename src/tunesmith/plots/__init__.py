"""Records as matplotlib figures, drawn on Axes and never shown; the numbers behind them are in `facts` and `arms`.

Loaded when first used, so that `tunesmith.plots.digits` and the command line need no numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunesmith.plots.figures import plot_curves, plot_experiment, plot_range_test, plot_schedule

__all__ = ["plot_curves", "plot_experiment", "plot_range_test", "plot_schedule"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("tunesmith.plots.figures"), name)
