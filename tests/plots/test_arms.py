"""The numbers behind the figure of an experiment."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.curve import RunOutcome
from tunesmith.experiment import Arm, Experiment
from tunesmith.plots.arms import experiment_facts, knob_scale, separated


def test_zero_stands_a_decade_below_the_smallest_value(decay_experiment: Experiment) -> None:
    facts = experiment_facts(decay_experiment, chosen=1e-4, interval=(0.0, 1e-4))
    assert facts.ticks == ((-5.0, "0"), (-4.0, "1e-4"), (-2.0, "0.01"))
    assert facts.chosen == -4.0
    assert facts.interval == (-5.0, -4.0)


def test_seeds_of_a_value_share_a_place_and_a_colour_and_have_a_mean(decay_experiment: Experiment) -> None:
    facts = experiment_facts(decay_experiment)
    assert [point.rank for point in facts.points] == [0, 1, 1, 2]
    assert facts.means == ((-5.0, 0.6), (-4.0, pytest.approx(0.45)))
    assert facts.n_values == 3


def test_a_run_that_did_not_finish_has_no_result(decay_experiment: Experiment) -> None:
    lost = experiment_facts(decay_experiment).points[-1]
    assert lost.result is None
    assert lost.outcome is RunOutcome.DIVERGED


def test_a_metric_can_decide(decay_experiment: Experiment) -> None:
    facts = experiment_facts(decay_experiment, goal="accuracy")
    assert [point.result for point in facts.points] == [0.7, 0.8, 0.75, None]


def test_arms_without_values_stand_in_their_order(decay_experiment: Experiment) -> None:
    arms = tuple(Arm(label=arm.label, value=None, run=arm.run) for arm in decay_experiment.arms)
    facts = experiment_facts(Experiment(probe="conditions", arms=arms), chosen=1e-4, interval=(0, 1))
    assert [position for position, _ in facts.ticks] == [0, 1, 2, 3]
    assert facts.ticks[0][1] == "none"
    assert facts.chosen is None
    assert facts.interval is None


@pytest.mark.parametrize(
    ("probe", "values", "name"),
    [
        ("momentum", [0.9, 0.99], "momentum"),
        ("batch_size", [32, 64], "log"),
        ("width", [16, 1024], "log"),
        ("width", [16, 32], "linear"),
        ("weight_decay", [0.0], "linear"),
        ("peak_lr", [0.1, math.nan], "order"),
        ("peak_lr", [], "order"),
    ],
)
def test_each_knob_has_the_axis_that_suits_it(probe: str, values: list[float], name: str) -> None:
    assert knob_scale(probe, values).name == name


def test_an_experiment_without_arms_can_be_drawn() -> None:
    facts = experiment_facts(Experiment(probe="momentum", arms=()))
    assert facts.points == facts.ticks == facts.means == ()


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.01, 0.2))
def test_labels_keep_their_order_and_their_distance(positions: list[float], gap: float) -> None:
    places = separated(positions, gap=gap)
    order = sorted(range(len(positions)), key=lambda index: positions[index])
    assert all(places[right] - places[left] >= gap - 1e-9 for left, right in pairwise(order))


def test_labels_that_are_far_apart_stay_where_they_are() -> None:
    assert separated([0.1, 0.9, 0.5], gap=0.1) == (0.1, 0.9, 0.5)
