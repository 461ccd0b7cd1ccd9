"""What matplotlib draws, against the facts; nothing is shown."""

from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from tunesmith.curve import Curve
from tunesmith.errors import InputError
from tunesmith.experiment import Arm, Experiment
from tunesmith.plots import plot_curves, plot_experiment, plot_range_test, plot_schedule
from tunesmith.plots.arms import experiment_facts
from tunesmith.plots.facts import curve_facts, range_test_facts
from tunesmith.plots.palette import VALIDATION, WARNING
from tunesmith.settings import Settings


def test_a_range_test_shows_its_facts(sweep: Curve) -> None:
    ax = plot_range_test(sweep, edge=(0.8, 0.85), zone=(0.3, 0.7))
    facts = range_test_facts(sweep, edge=(0.8, 0.85), zone=(0.3, 0.7))
    drawn = [(tuple(line.get_xdata()), tuple(line.get_ydata())) for line in ax.lines]
    expected = (facts.train, facts.train_smooth, facts.valid, facts.valid_smooth)
    assert drawn == [(line.x, line.y) for line in expected]
    assert ax.get_ylim() == pytest.approx(facts.loss_range)
    assert [to_hex(patch.get_facecolor()) for patch in ax.patches] == [VALIDATION, WARNING]


def test_an_edge_that_is_a_point_can_be_seen(sweep: Curve) -> None:
    (edge,) = plot_range_test(sweep, edge=(0.8, 0.8)).patches
    assert edge.get_linewidth() > 1
    assert to_hex(edge.get_edgecolor()) == WARNING


def test_a_sweep_without_validation_draws_training_alone(sweep: Curve) -> None:
    bare = Curve(lr=sweep.lr, momentum=sweep.momentum, train_loss=sweep.train_loss, eval_step=(), valid_loss=())
    assert len(plot_range_test(bare).lines) == 2


def test_an_experiment_marks_what_did_not_finish(decay_experiment: Experiment) -> None:
    ax = plot_experiment(decay_experiment, chosen=1e-4, interval=(0.0, 1e-4))
    facts = experiment_facts(decay_experiment)
    assert [line.get_marker() for line in ax.lines[2:]] == ["o", "o", "o", "x"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1e-4", "0.01"]
    assert ax.lines[-1].get_ydata()[0] == facts.result_range[1]


def test_curves_show_every_run(decay_experiment: Experiment) -> None:
    runs = [arm.run for arm in decay_experiment.arms]
    ax = plot_curves(runs)
    facts = [curve_facts(run) for run in runs]
    assert [tuple(line.get_ydata()) for line in ax.lines] == [values.y for drawn in facts for values in (drawn.train, drawn.valid)]
    assert ax.lines[-1].get_linestyle() == ":"


def test_no_runs_make_an_empty_figure() -> None:
    assert len(plot_curves([]).lines) == 0


def test_a_schedule_shows_learning_rate_and_momentum() -> None:
    ax = plot_schedule(Settings(lr=1.0, momentum=0.95, min_momentum=0.85), 50)
    assert max(ax.lines[0].get_ydata()) == 1.0
    assert len(ax.figure.axes) == 2
    assert len(plot_schedule(Settings(lr=1.0), 50).figure.axes) == 1


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(InputError, match="schedule"):
        plot_schedule(Settings(schedule="zigzag"), 50)


def test_axes_that_are_given_are_drawn_on(sweep: Curve) -> None:
    ax = Figure().subplots()
    assert plot_range_test(sweep, ax=ax) is ax


def test_labels_are_not_formulas_and_the_figure_can_be_saved(decay_experiment: Experiment, tmp_path: Path) -> None:
    strange = tuple(Arm(label="$\\frac$ {0}", value=None, run=arm.run) for arm in decay_experiment.arms)
    ax = plot_experiment(Experiment(probe="$x_{", arms=strange))
    ax.figure.savefig(tmp_path / "figure.png", dpi=40)
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_the_suggestion_is_marked_where_it_lies(sweep: Curve) -> None:
    ax = plot_range_test(sweep, edge=(0.8, 0.85), zone=(0.3, 0.7), suggested=0.1)
    (line,) = [line for line in ax.lines if line.get_label().startswith("suggested")]
    assert list(line.get_xdata()) == [0.1, 0.1]
