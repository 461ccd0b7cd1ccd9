"""Records as matplotlib figures, drawn on Axes and never shown; the numbers behind them are in modules of their own, such as `facts` and `knob_facts`.

Loaded when first used, so that `tunesmith.plots.digits` and the command line need no numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunesmith.plots.batch_size import plot_batch_size
    from tunesmith.plots.clues import diagnosis_figure, plot_clues, plot_diagnosis
    from tunesmith.plots.figures import plot_curves, plot_experiment, plot_range_test, plot_schedule
    from tunesmith.plots.knobs import plot_knob
    from tunesmith.plots.ladder import plot_ladder
    from tunesmith.plots.probe_figures import plot, plot_capacity, plot_conditions

__all__ = [
    "diagnosis_figure",
    "plot",
    "plot_batch_size",
    "plot_capacity",
    "plot_clues",
    "plot_conditions",
    "plot_curves",
    "plot_diagnosis",
    "plot_experiment",
    "plot_knob",
    "plot_ladder",
    "plot_range_test",
    "plot_schedule",
]
_HOMES = {
    "diagnosis_figure": "clues",
    "plot": "probe_figures",
    "plot_batch_size": "batch_size",
    "plot_capacity": "probe_figures",
    "plot_clues": "clues",
    "plot_conditions": "probe_figures",
    "plot_diagnosis": "clues",
    "plot_knob": "knobs",
    "plot_ladder": "ladder",
}


if not TYPE_CHECKING:  # so that a checker still objects to a name that is not there

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"tunesmith.plots.{_HOMES.get(name, 'figures')}"), name)
