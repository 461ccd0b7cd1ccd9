import math

import numpy as np
import pytest
import torch
from tests.probes.contract import ProbeContract
from tests.probes.watched import Recorder, Watched
from torch import nn

from tunesmith import probes
from tunesmith.curve import RunOutcome
from tunesmith.errors import BudgetError, InputError
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.reading import RangeOutcome, read_range
from tunesmith.settings import RunKind, Settings
from tunesmith.task import Task


class TestLrRange(ProbeContract):
    n_arms, updates, evaluated = 1, 24, 4 * 16

    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        settings = Settings(batch_size=8, momentum=0.95, min_momentum=0.85)
        return probes.lr_range(task, settings, start_lr=0.0, end_lr=0.2, steps=24, seed=seed, evaluations=3, valid_examples=16, execute=execute)


class TestBracket(ProbeContract):
    n_arms, updates, evaluated = 1, 24, 1

    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        return probes.bracket(task, Settings(batch_size=8), start_lr=1e-4, end_lr=0.1, steps=24, seed=seed, execute=execute)


class Bowl(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(32))


def bowl(curvature: float, *, optimizer: str = "sgd") -> Task:
    """The quadratic h/2 |w|², its gradient noisy with the batch."""
    noise = 0.3 * torch.randn(512, 32, generator=torch.Generator().manual_seed(0))
    return Task(
        model=Bowl,
        train=(noise, noise),
        valid=(noise[:16], noise[:16]),
        training_step=lambda model, batch: curvature / 2 * model.w.square().sum() + batch[0].mean(0) @ model.w,
        evaluation_step=lambda model, batch: {"loss": (curvature / 2 * model.w.square().sum() * len(batch[0]), len(batch[0]))},
        epochs=10,
        optimizer=optimizer,
    )


@pytest.mark.parametrize(
    ("optimizer", "momentum", "tolerance"), [("sgd", 0.0, 0.2), ("sgd", 0.5, 0.2), ("sgd", 0.9, 0.3), ("nesterov", 0.5, 0.2), ("nesterov", 0.9, 0.2)]
)
@pytest.mark.parametrize("curvature", [1.0, 8.0])
def test_on_a_quadratic_the_edge_is_the_stability_limit(optimizer: str, momentum: float, tolerance: float, curvature: float) -> None:
    """2(1+m)/h for heavy ball, 2(1+m)/((1+2m)h) for torch's Nesterov: every one of 3 seeds within the tolerance (seen: 10 of 10; .78 to 1.14 of the limit)."""
    limit = 2 * (1 + momentum) / curvature / (1 if optimizer == "sgd" else 1 + 2 * momentum)
    for seed in range(3):
        settings = Settings(momentum=momentum, batch_size=16)
        found = probes.lr_range(bowl(curvature, optimizer=optimizer), settings, start_lr=0, end_lr=2 * limit, steps=200, seed=seed)
        reading = read_range(found.arms[0].run.curve)
        assert reading.outcome is RangeOutcome.FOUND
        assert reading.edge is not None
        assert math.sqrt(reading.edge[0] * reading.edge[1]) == pytest.approx(limit, rel=tolerance)
        assert reading.suggestion() < limit


def test_below_the_stability_limit_nothing_diverges() -> None:
    for seed in range(3):
        found = probes.lr_range(bowl(1.0), Settings(momentum=0.5, batch_size=16), start_lr=0, end_lr=1.5, steps=100, seed=seed)
        assert found.arms[0].run.curve.outcome is RunOutcome.FINISHED
        assert read_range(found.arms[0].run.curve).outcome is RangeOutcome.NEVER_DIVERGED


def test_learning_rate_rises_linearly_while_momentum_falls() -> None:
    settings = Settings(batch_size=8, momentum=0.95, min_momentum=0.85)
    curve = probes.lr_range(Watched().task(), settings, start_lr=0.0, end_lr=0.2, steps=21).arms[0].run.curve
    np.testing.assert_allclose(curve.lr, np.linspace(0, 0.2, 21), atol=1e-12)
    np.testing.assert_allclose(curve.momentum, np.linspace(0.95, 0.85, 21), atol=1e-12)


def test_the_bracket_rises_by_equal_factors() -> None:
    curve = probes.bracket(Watched().task(), Settings(batch_size=8), start_lr=1e-4, end_lr=0.1, steps=31).arms[0].run.curve
    np.testing.assert_allclose(np.diff(np.log(curve.lr)), math.log(1000) / 30, rtol=1e-6)


def test_a_jump_ends_the_sweep() -> None:
    curve = probes.lr_range(Watched(explodes_after=12).task(), Settings(batch_size=8), start_lr=0.0, end_lr=0.2, steps=100).arms[0].run.curve
    assert curve.outcome is RunOutcome.DIVERGED
    assert 13 <= len(curve.train_loss) <= 20


@pytest.mark.parametrize("probe", [probes.lr_range, probes.bracket])
@pytest.mark.parametrize(("start", "end"), [(0.2, 0.1), (0.1, 0.1), (-0.1, 0.1), (math.nan, 0.1), (0.1, math.nan)])
def test_a_sweep_that_does_not_rise_is_refused(probe: object, start: float, end: float) -> None:
    with pytest.raises(InputError, match="start_lr < end_lr"):
        probe(Watched().task(), Settings(batch_size=8), start_lr=start, end_lr=end, steps=50, execute=Recorder())  # type: ignore[operator]


@pytest.mark.parametrize("probe", [probes.lr_range, probes.bracket])
@pytest.mark.parametrize("steps", [-1, 0, 19])
def test_a_sweep_of_few_steps_is_refused(probe: object, steps: int) -> None:
    with pytest.raises(BudgetError, match="at least 20 steps"):
        probe(Watched().task(), Settings(batch_size=8), start_lr=0.01, end_lr=0.1, steps=steps, execute=Recorder())  # type: ignore[operator]


@pytest.mark.parametrize(("start", "end"), [(0.0, 1.0), (1e-4, math.inf)])
def test_a_bracket_needs_a_start_and_an_end_with_a_ratio(start: float, end: float) -> None:
    with pytest.raises(InputError):
        probes.bracket(Watched().task(), Settings(batch_size=8), start_lr=start, end_lr=end, steps=30)


def test_settings_of_the_sweep_replace_those_given() -> None:
    recorder = Recorder()
    probes.lr_range(Watched().task(), Settings(lr=7.0, min_lr=6.0, batch_size=8, weight_decay=0.1), start_lr=0.0, end_lr=0.5, steps=20, execute=recorder)
    (spec,) = recorder.specs
    assert (spec.settings.lr, spec.settings.min_lr, spec.settings.weight_decay, spec.kind) == (0.5, 0.0, 0.1, RunKind.LINEAR_RAMP)
    assert spec.reestimates_norm
    assert spec.stops_when_diverged
