import math
import sys

import pytest
from matplotlib.figure import Figure
from tests.reading.test_knob import made, momentum

from tunesmith.plots import plot, plot_knob
from tunesmith.plots.knob_facts import knob_facts
from tunesmith.plots.palette import VALIDATION, WARNING
from tunesmith.reading import read_momentum, read_weight_decay


def test_a_value_has_its_seeds_their_mean_and_the_colour_of_its_state() -> None:
    facts = knob_facts(read_momentum(momentum(1.3, 1.0, 1.003, math.inf)))
    assert [place.color for place in facts.places] == [WARNING, VALIDATION, VALIDATION, WARNING]
    assert facts.n_seeds == 3
    assert facts.places[-1].results == (None, None, None)
    assert len(facts.mean_line.x) == 3
    assert [len(line.x) for line in facts.seed_lines] == [3, 3, 3]
    assert facts.chosen is not None
    assert facts.chosen.value.value == 0.95
    assert facts.as_good == (facts.places[1].position, facts.places[2].position)


def test_a_metric_is_drawn_as_it_counts() -> None:
    facts = knob_facts(read_momentum(momentum(1.3, 1.2, 1.0, 1.5), goal="accuracy", higher_is_better=True), goal="accuracy", higher_is_better=True)
    assert all(result is not None and 0 < result < 1 for place in facts.places for result in place.results)
    assert facts.failed_at == facts.result_range[0]


@pytest.mark.parametrize("probe", ["momentum", "momentum_cycle", "weight_decay"])
def test_the_figure_rings_what_to_take_and_is_not_shown(probe: str) -> None:
    values = {"momentum": (0.9, 0.95, 0.99), "momentum_cycle": (0.8, 0.85, 0.95), "weight_decay": (0.0, 1e-4, 1e-2)}[probe]
    ax = Figure().subplots()
    assert plot(made(probe, dict(zip(values, (1.3, 1.0, 1.5), strict=True))), ax) is ax
    assert [text.get_text() for text in ax.texts] == [f"take {'1e-4' if probe == 'weight_decay' else values[1]}"]
    assert "n = 3 seeds a value, paired noise" in ax.get_title(loc="left")
    assert len(ax.get_xticks()) == 3
    assert "matplotlib.pyplot" not in sys.modules


def test_where_nothing_can_be_told_nothing_is_ringed_or_shaded() -> None:
    ax = plot_knob(read_weight_decay(made("weight_decay", {1e-4: 1.0, 1e-3: 1.1}, seeds=1)))
    assert list(ax.texts) == []
    assert list(ax.patches) == []
