import math
import sys

import pytest
from matplotlib.figure import Figure
from tests.reading.test_ladder import COLD, DECAYED, HOT, LOWEST, SLOW, WARM, ladder

from tunesmith.plots import plot, plot_ladder
from tunesmith.plots.ladder_facts import ladder_facts
from tunesmith.reading import read_ladder

RUNGS = {50: LOWEST, 125: {WARM: 0.5, COLD: 0.6}, 250: {WARM: 0.2}, 500: {WARM: 0.201}}


def test_a_choice_has_its_points_its_colour_and_its_shape() -> None:
    facts = ladder_facts(read_ladder(ladder(RUNGS)))
    lines = {(line.choice.lr, line.choice.momentum, line.choice.decay): line for line in facts.lines}
    assert lines[WARM].mean_line.x == (50.0, 125.0, 250.0, 500.0)
    assert [line.is_best for line in facts.lines] == [False, False, False, False, True]
    assert lines[HOT].points[0].results == (None,)
    assert len({lines[key].color for key in (HOT, WARM, COLD)}) == 3
    assert lines[WARM].color == lines[SLOW].color
    assert (lines[WARM].shape, lines[SLOW].shape) == (0, 1)
    assert (lines[WARM].is_filled, lines[DECAYED].is_filled) == (True, False)


def test_what_became_of_the_rungs() -> None:
    facts = ladder_facts(read_ladder(ladder(RUNGS)))
    assert facts.trends == ((50, 125, "better"), (125, 250, "better"), (250, 500, "level"))
    assert facts.winners.x == (50.0, 125.0, 250.0, 500.0)
    assert facts.best is not None
    assert facts.best.score.steps == 250
    assert (facts.is_log, facts.n_seeds, facts.n_failed) == (True, 2, 1)
    assert facts.failed_at == facts.result_range[1]
    assert facts.result_range[0] < 0.2


def test_the_lowest_rung_is_a_line_for_each_momentum_and_decay() -> None:
    facts = ladder_facts(read_ladder(ladder(RUNGS)))
    assert [[line.choice.lr for line in lines] for lines in facts.peak_lines] == [[0.064, 0.16, 0.4], [0.16], [0.16]]
    assert facts.peak_range[0] < 0.064
    assert facts.peak_range[1] > 0.4


def test_what_ended_above_an_untrained_network_does_not_stretch_the_axis() -> None:
    facts = ladder_facts(read_ladder(ladder({50: {WARM: 1.0, HOT: 1e6}})))
    assert facts.result_range[1] < 2
    assert facts.n_failed == 1


def test_a_metric_is_drawn_as_it_counts() -> None:
    reading = read_ladder(ladder({50: LOWEST, 125: {WARM: 0.5}}), goal="accuracy", higher_is_better=True)
    facts = ladder_facts(reading, goal="accuracy", higher_is_better=True)
    assert all(0 < mean < 1 for mean in facts.winners.y)
    assert facts.failed_at == facts.result_range[0]
    assert not facts.is_log


def test_the_figure_has_a_second_part_only_where_it_is_its_own() -> None:
    ax = Figure().subplots()
    assert plot(ladder(RUNGS), ax) is ax
    assert len(ax.figure.axes) == 1
    assert [text.get_text() for text in ax.texts] == ["better", "better", "level"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["50", "125", "250", "500"]
    assert ax.get_legend() is not None
    own = plot(ladder(RUNGS))
    assert len(own.figure.axes) == 2
    assert own.figure.axes[1].get_xlabel() == "peak learning rate, logarithmic"
    assert len(own.figure.legends[0].get_texts()) == 5
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.parametrize("losses", [{WARM: math.inf, HOT: math.inf}, {WARM: 1.0}])
def test_one_length_and_nothing_that_finished_are_drawn(losses: dict[tuple[float, float, float], float]) -> None:
    ax = plot_ladder(read_ladder(ladder({50: losses})))
    ax.figure.canvas.draw()
    assert list(ax.texts) == []
