import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.probes.contract import ProbeContract
from tests.probes.watched import Recorder, Watched

from tunesmith import probes
from tunesmith.errors import InputError
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.settings import Settings
from tunesmith.task import Task


class TestMomentum(ProbeContract):
    n_arms, updates, evaluated = 4, 4 * 16, 4 * 16

    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        settings = Settings(lr=0.05, momentum=0.95, min_momentum=0.85, batch_size=8)
        return probes.momentum(task, settings, total_steps=16, seed=seed, valid_examples=16, execute=execute)


class TestMomentumCycle(ProbeContract):
    n_arms, updates, evaluated = 3, 3 * 16, 3 * 16

    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        return probes.momentum_cycle(task, Settings(lr=0.05, momentum=0.95, batch_size=8), total_steps=16, seed=seed, valid_examples=16, execute=execute)


def test_a_cycle_falls_from_the_constant_momentum_at_an_equal_rate_where_it_is_lowest() -> None:
    recorder = Recorder()
    experiment = probes.momentum_cycle(Watched().task(), Settings(lr=0.05, momentum=0.95, batch_size=8), total_steps=20, execute=recorder)
    assert [(arm.label, arm.value) for arm in experiment.arms] == [("constant 0.95", 0.95), ("0.95 to 0.8", 0.8), ("0.95 to 0.85", 0.85)]
    settings = [spec.settings for spec in recorder.specs]
    assert [one.momentum for one in settings] == [0.95] * 3
    assert [one.min_momentum for one in settings] == [None, 0.8, 0.85]
    assert [one.lr for one in settings] == [0.05, 0.2, 0.15]


def test_the_constant_run_beside_cycles_is_that_of_the_probe_of_momenta() -> None:
    """So a study does not train it twice."""
    settings = Settings(lr=0.05, momentum=0.95, weight_decay=1e-3, batch_size=8)
    recorders = Recorder(), Recorder()
    probes.momentum(Watched().task(), settings, total_steps=20, planned_steps=80, values=(0.95,), execute=recorders[0])
    probes.momentum_cycle(Watched().task(), settings, total_steps=20, planned_steps=80, execute=recorders[1])
    assert recorders[0].specs[0] == recorders[1].specs[0]


@pytest.mark.parametrize("lowest", [(), (0.95,), (-0.1,), (0.8, 0.99)])
def test_a_cycle_that_does_not_fall_is_refused(lowest: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="below the constant one"):
        probes.momentum_cycle(Watched().task(), Settings(lr=0.05, momentum=0.95, batch_size=8), total_steps=20, lowest=lowest, execute=Recorder())


MOMENTA = st.floats(0, 0.999)


@given(lr=st.floats(1e-4, 1), momentum=MOMENTA, other=MOMENTA, is_cyclical=st.booleans())
def test_the_weights_move_equally_far_at_any_momentum(lr: float, momentum: float, other: float, *, is_cyclical: bool) -> None:
    """Equal lr/(1-m) at the peak, to the three digits of the rate."""
    settings = Settings(lr=lr, momentum=momentum, min_momentum=max(0.0, momentum - 0.1) if is_cyclical else None)
    moved = probes.at_momentum(settings, other, optimizer_name="sgd")
    assert moved.lr / (1 - moved.resolved_min_momentum) == pytest.approx(settings.lr / (1 - settings.resolved_min_momentum), rel=0.006)
    assert moved.momentum == other
    assert (moved.min_momentum is None) is (not is_cyclical)
    assert 0 <= moved.resolved_min_momentum <= other


@given(st.floats(1e-4, 1), MOMENTA)
def test_for_adam_kinds_the_rate_stays(lr: float, other: float) -> None:
    assert probes.at_momentum(Settings(lr=lr, momentum=0.95), other, optimizer_name="adamw").lr == pytest.approx(lr, rel=0.006)


@given(MOMENTA, st.tuples(st.floats(1e-4, 1), st.floats(1e-4, 1)).map(sorted))
def test_the_rate_stays_where_it_is_allowed(other: float, allowed: list[float]) -> None:
    low, high = allowed
    moved = probes.at_momentum(Settings(lr=0.1, momentum=0.9), other, optimizer_name="sgd", lr_interval=(low, high))
    assert low <= moved.lr <= high


def test_arms_carry_the_total_decay_of_the_planned_training() -> None:
    recorder = Recorder()
    settings = Settings(lr=0.05, momentum=0.9, weight_decay=1e-3, batch_size=8)
    experiment = probes.momentum(Watched().task(), settings, total_steps=20, planned_steps=200, values=(0.8, 0.9), lr_interval=(0.0, 0.06), execute=recorder)
    assert [arm.value for arm in experiment.arms] == [0.8, 0.9]
    assert [spec.settings.weight_decay for spec in recorder.specs] == [pytest.approx(1e-2)] * 2
    assert [spec.settings.lr for spec in recorder.specs] == [0.06, 0.05]
    assert all(spec.total_steps == 20 for spec in recorder.specs)


@pytest.mark.parametrize("value", [1.0, 1.5, -0.1, math.nan])
def test_a_momentum_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="momentum"):
        probes.momentum(Watched().task(), Settings(batch_size=8), total_steps=20, values=(value,), execute=Recorder())
