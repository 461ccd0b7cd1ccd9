"""Figures of several things at once, against the readings that they show."""

import dataclasses
import math
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from tests.reading.test_capacity import series, with_accuracy
from tests.reading.test_conditions import falls, laid_over, three_layer_net
from tests.reading.test_min_lr import experiment

from tunesmith.curve import Curve
from tunesmith.experiment import Experiment
from tunesmith.plots import plot, plot_capacity, plot_conditions, plot_range_test
from tunesmith.plots.overlays import capacity_facts, repeats_band
from tunesmith.reading import read_capacity, read_conditions

OVERLAY = laid_over(three_layer_net(), noise=0.01, repeats=2)
PYPLOT = "matplotlib.pyplot"


def legend(ax: object) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]  # type: ignore[attr-defined]


def test_conditions_are_ranked_in_the_legend_with_repeats_as_bands() -> None:
    reading = read_conditions(OVERLAY)
    ax = plot_conditions(OVERLAY, reading)
    assert [text.split(":")[0] for text in legend(ax)] == [f"{rank}. {found.label}" for rank, found in enumerate(reading.conditions, start=1)]
    assert "flat to 0.00" in legend(ax)[0]
    assert "n = 2 sweeps a condition" in ax.get_title(loc="left")
    assert "width 0.62 evaluations" in ax.get_title(loc="left")
    assert len(ax.collections) == 3 + sum(found.zone is not None for found in reading.conditions)  # bands, and bars of zones
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("learning rate", "validation loss, smoothed", "linear")
    assert plot_conditions(OVERLAY, reading, is_log=True).get_xscale() == "log"


def test_a_condition_that_was_lost_at_once_and_one_without_validation_are_drawn_too(tmp_path: Path) -> None:
    lost = laid_over({"$\\frac$ lost": lambda lr: lr * math.nan, "good": falls(to=0.7, by=0.002)}, has_validation=False)
    ax = plot(lost)
    ax.figure.savefig(tmp_path / "lost.png", dpi=40)
    assert ax.get_ylabel() == "training loss, smoothed"


def test_capacity_names_its_parts_and_the_network_to_take(tmp_path: Path) -> None:
    reading = read_capacity(series((2.0, 0.7, 0.7, 0.9, math.inf)))
    ax = plot_capacity(reading)
    words = [text.get_text() for text in ax.texts]
    assert [text for text in words if "\n" in text or text == "level"] == ["falling:\nunderfitting", "level", "rising:\noverfitting"]
    assert "take net 100" in words
    assert next(text.get_text() for text in ax.get_xticklabels()) == "net 10\n10"
    assert "n = 2 seeds a network" in ax.get_title(loc="left")
    assert ax.get_xscale() == "log"
    assert sum(line.get_marker() == "x" for line in ax.lines) == 2
    ax.figure.savefig(tmp_path / "capacity.png", dpi=40)


def test_parts_meet_halfway_between_networks_and_leave_out_what_is_unknown() -> None:
    facts = capacity_facts(read_capacity(series((2.0, 0.7, math.inf, 0.9))))
    assert [part.name for part in facts.parts] == ["falling", "level", "rising"]
    assert facts.parts[0].high == facts.parts[1].low == pytest.approx(math.sqrt(10 * 100))
    assert facts.parts[1].high < facts.parts[2].low


def test_a_rise_with_a_higher_training_loss_is_not_called_overfitting() -> None:
    words = [text.get_text() for text in plot_capacity(read_capacity(series((0.9, 0.7, 0.9), train=(0.8, 0.5, 0.9)))).texts]
    assert "rising:\nundertrained" in words


def test_the_figure_rings_the_network_that_the_goal_chose() -> None:
    """By loss it is net 100, by accuracy net 1000; a run that did not finish stands at the worse end."""
    made = with_accuracy(series((2.0, 0.7, 0.9, math.inf)), (0.3, 0.6, 0.9, 0.0))
    by_loss, by_accuracy = plot(made), plot(made, goal="accuracy", higher_is_better=True)
    for ax, chosen, goal in ((by_loss, "net 100", "loss"), (by_accuracy, "net 1000", "accuracy")):
        assert f"take {chosen}" in [text.get_text() for text in ax.texts]
        assert ax.get_ylabel() == f"final validation {goal}"
    crosses = [line.get_ydata()[0] for line in by_accuracy.lines if line.get_marker() == "x"]
    assert crosses == [by_accuracy.get_ylim()[0]] * 2


def test_every_probe_has_a_figure_on_axes_that_are_given_and_nothing_is_shown() -> None:
    had_pyplot = PYPLOT in sys.modules  # another test's library may load it
    sweep = Experiment(probe="lr_range", arms=OVERLAY.arms[2:4])
    for made in (sweep, OVERLAY, series((2.0, 0.7)), experiment(at_0_1="balanced", at_0_25="diverged"), dataclasses.replace(sweep, probe="bracket")):
        ax = Figure().subplots()
        assert plot(made, ax) is ax
        assert ax.get_xlabel()
    assert (PYPLOT in sys.modules) is had_pyplot


def test_repeats_of_a_range_test_are_a_band_and_its_axis_may_be_logarithmic() -> None:
    curves = [arm.run.curve for arm in OVERLAY.arms[2:4]]
    ax = plot_range_test(curves, edge=(0.008, 0.0085), zone=(0.002, 0.007), is_log=True)
    assert "training, 2 repeats" in legend(ax)
    assert "validation, 2 repeats" in legend(ax)
    assert "n = 2 sweeps" in ax.get_title(loc="left")
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] > 0


def test_a_band_ends_where_the_first_repeat_was_lost() -> None:
    whole, short = (Curve(lr=(0.1,) * n, momentum=(0.9,) * n, train_loss=(1.0,) * n, eval_step=(), valid_loss=()) for n in (8, 5))
    band = repeats_band([whole, short], is_validation=False)
    assert (len(band.x), band.n) == (5, 2)
    assert band.low == pytest.approx(band.high)
    assert repeats_band([whole, short], is_validation=True).x == ()
