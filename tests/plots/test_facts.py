"""The numbers that figures draw."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.plots.facts import MOST_POINTS, Line, curve_facts, loss_range, lr_at_evaluations, range_test_facts, schedule_facts
from tunesmith.reading.smoothing import smooth
from tunesmith.reading.track import smoothing_width
from tunesmith.settings import RunSpec, Settings


def test_a_range_test_draws_raw_points_and_the_line_that_the_reading_judges(sweep: Curve) -> None:
    facts = range_test_facts(sweep, edge=(0.8, 0.85), zone=(0.3, 0.7))
    assert facts.train.x == pytest.approx(sweep.lr)
    assert facts.train.y == pytest.approx(sweep.train_loss)
    assert facts.train_smooth.y == pytest.approx(smooth(sweep.train_loss, width_points=smoothing_width(200)).tolist())
    assert facts.train_width == 5.0
    assert (facts.edge, facts.zone) == ((0.8, 0.85), (0.3, 0.7))


def test_an_evaluation_stands_at_the_rate_of_the_update_before_it(sweep: Curve) -> None:
    assert lr_at_evaluations(sweep).tolist() == pytest.approx([sweep.lr[step - 1] for step in sweep.eval_step])
    assert lr_at_evaluations(dataclasses.replace(sweep, eval_step=(0,), valid_loss=(2.0,))).tolist() == [sweep.lr[0]]


def test_what_diverges_leaves_the_figure_at_the_top(sweep: Curve) -> None:
    low, high = range_test_facts(sweep).loss_range
    assert 0 < low < 0.5
    assert 2 < high < 3
    assert max(sweep.train_loss) > 100


def test_values_that_are_not_finite_are_left_out_and_counted(sweep: Curve) -> None:
    broken = dataclasses.replace(sweep, train_loss=(*sweep.train_loss[:-2], math.nan, math.inf))
    facts = range_test_facts(broken)
    assert facts.dropped == 2
    assert len(facts.train.x) == 198
    assert all(map(math.isfinite, facts.train_smooth.y))


def test_a_run_lost_at_its_first_update_can_be_drawn() -> None:
    lost = Curve(lr=(3.0,), momentum=(0.9,), train_loss=(math.nan,), eval_step=(), valid_loss=(), outcome=RunOutcome.NOT_FINITE)
    facts = range_test_facts(lost)
    assert facts.train.x == facts.valid.x == ()
    assert facts.loss_range == (0.0, 1.0)
    assert curve_facts(Run(spec=RunSpec(settings=Settings(), total_steps=1, seed=0), curve=lost)).last is None


def test_a_logarithmic_axis_begins_above_the_zero_of_a_linear_sweep() -> None:
    steps = 100
    linear = Curve(lr=tuple(np.linspace(0, 1, steps).tolist()), momentum=(0.9,) * steps, train_loss=(1.0,) * steps, eval_step=(), valid_loss=())
    exponential = dataclasses.replace(linear, lr=tuple(np.geomspace(1e-5, 10, steps).tolist()))
    assert range_test_facts(linear).lowest_lr > 0.01
    assert range_test_facts(exponential).lowest_lr < 2e-5


@given(st.integers(1, 5000))
def test_a_long_line_is_thinned_and_keeps_both_ends(count: int) -> None:
    run = Run(
        spec=RunSpec(settings=Settings(), total_steps=count, seed=0),
        curve=Curve(lr=tuple(range(1, count + 1)), momentum=(0.9,) * count, train_loss=(1.0,) * count, eval_step=(), valid_loss=()),
    )
    line = curve_facts(run).lr
    assert len(line.x) <= MOST_POINTS + 1
    assert (line.y[0], line.y[-1]) == (1, count)
    assert line.every == math.ceil(count / MOST_POINTS)


def test_lone_points_do_not_set_the_range() -> None:
    assert loss_range([Line(x=(0, 1), y=(1.0, 2.0)), Line(x=(0,), y=(50.0,))])[1] < 3


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=20))
def test_a_positive_loss_has_a_positive_range(losses: list[float]) -> None:
    low, high = loss_range([Line(x=tuple(range(len(losses))), y=tuple(losses))])
    assert 0 <= low < high
    assert low <= min(losses)


def test_a_schedule_is_drawn_step_by_step() -> None:
    lr, momentum = schedule_facts(Settings(lr=1.0, min_lr=0.1, momentum=0.95, min_momentum=0.85), 100)
    assert max(lr.y) == 1.0
    assert lr.x[lr.y.index(1.0)] == 45
    assert min(momentum.y) == 0.85
    assert len(lr.x) == 100
