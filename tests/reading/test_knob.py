"""Momentum and weight decay, read from runs that are made up."""

import dataclasses
import json
import math

import numpy as np
import pytest

import tunesmith as ts
from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.errors import CurveError
from tunesmith.experiment import Arm, Experiment
from tunesmith.reading.momentum import next_momentum, read_momentum, read_momentum_cycle, with_cycle
from tunesmith.reading.weight_decay import next_decay, read_weight_decay, refined_decay
from tunesmith.settings import RunSpec, Settings

MOMENTA = (0.9, 0.95, 0.97, 0.99)


def arm(probe: str, value: float, loss: float, *, seed: int, steps: int = 500, lr: float | None = None) -> Arm:
    outcome = RunOutcome.FINISHED if math.isfinite(loss) else RunOutcome.DIVERGED
    accuracy = (0.1, 1 - loss / 4)
    curve = Curve(
        lr=(0.1,) * 20, momentum=(0.9,) * 20, train_loss=(3.0,) * 20, eval_step=(2, 20), valid_loss=(2.8, loss), metrics={"accuracy": accuracy}, outcome=outcome
    )
    moved = Settings(lr=0.1 * (1 - value) if probe == "momentum" and lr is None else lr or 0.1, momentum=value if probe == "momentum" else 0.95)
    return Arm(label=f"{probe} {value:g}", value=value, run=Run(spec=RunSpec(settings=moved, total_steps=steps, seed=seed), curve=curve))


def made(probe: str, losses: dict[float, float], *, noise: float = 0.005, seeds: int = 3, steps: int = 500, lr: float | None = None) -> Experiment:
    """A run for each value and seed; a seed moves all values by up to a tenth, the noise each by itself."""
    draws = np.random.default_rng(1)
    arms = [
        arm(probe, value, loss + 0.1 * seed + noise * float(draws.standard_normal()), seed=seed, steps=steps, lr=lr)
        for seed in range(seeds)
        for value, loss in losses.items()
    ]
    return Experiment(probe=probe, arms=tuple(arms))


def momentum(*losses: float, **options: float) -> Experiment:
    return made("momentum", dict(zip(MOMENTA, losses, strict=True)), **options)  # type: ignore[arg-type]  # some are ints


@pytest.mark.parametrize(
    ("losses", "outcome", "suggestion"),
    [
        ((1.3, 1.2, 1.0, 1.5), "found", 0.97),
        ((1.0, 1.001, 1.2, 1.5), "found", 0.95),
        ((1.0, 1.2, 1.4, 1.5), "at_border", 0.9),
        ((1.5, 1.4, 1.2, 1.0), "at_border", 0.99),
        ((1.0, 1.001, 1.002, 0.999), "does_not_matter", 0.95),
        ((1.0, 1.001, 1.002, math.inf), "found", 0.95),
        ((math.inf, math.inf, 1.002, math.inf), "cannot_tell", None),
    ],
)
def test_momentum(losses: tuple[float, ...], outcome: str, suggestion: float | None) -> None:
    reading = ts.read(momentum(*losses))
    assert isinstance(reading, ts.KnobReading)
    assert (reading.outcome, reading.suggestion) == (outcome, suggestion)
    assert (reading.lr is None) == (suggestion is None)
    assert reading.advice.endswith(".")
    assert json.loads(json.dumps(reading.to_dict(), allow_nan=False))["suggestion"] == suggestion


def test_an_answer_at_the_border_says_so_and_what_to_try_next() -> None:
    low, high = read_momentum(momentum(1.0, 1.2, 1.4, 1.5)), read_momentum(momentum(1.5, 1.4, 1.2, 1.0))
    assert "smallest value tried" in low.advice
    assert "largest value tried" in high.advice
    assert "a better one may lie beyond" in low.findings[0].not_established
    assert (next_momentum(low), next_momentum(high)) == (0.8, 0.995)
    assert next_momentum(read_momentum(momentum(1.3, 1.0, 1.2, 1.5))) is None


def test_large_noise_is_not_taken_for_no_difference() -> None:
    reading = read_momentum(momentum(1.0, 1.05, 1.0, 1.1, noise=0.3))
    assert (reading.outcome, reading.suggestion) == ("cannot_tell", None)
    assert "leaves room for differences up to" in reading.advice


def test_one_seed_cannot_tell() -> None:
    reading = read_momentum(momentum(1.0, 1.5, 2.0, 2.5, seeds=1))
    assert reading.outcome == "cannot_tell"
    assert [value.state for value in reading.values] == ["best", "unknown", "unknown", "unknown"]
    assert "second seed" in reading.advice


def test_a_memory_that_is_long_for_the_runs_is_said() -> None:
    assert "0.99" in read_momentum(momentum(1.3, 1.0, 1.2, 1.5, steps=400)).findings[0].not_established
    assert "memory" not in read_momentum(momentum(1.3, 1.0, 1.2, 1.5, steps=4000)).findings[0].not_established


def test_equal_rates_are_read_as_beta1() -> None:
    assert "beta1" in read_momentum(momentum(1.3, 1.0, 1.2, 1.5, lr=1e-3)).findings[0].not_established
    assert "same lr/(1-m)" in read_momentum(momentum(1.3, 1.0, 1.2, 1.5)).findings[0].not_established


@pytest.mark.parametrize(
    ("losses", "outcome", "lowest", "suggestion"),
    [
        ({0.8: 1.0, 0.85: 1.05, 0.95: 1.2}, "at_border", 0.8, 0.8),
        ({0.8: 1.1, 0.85: 1.0, 0.95: 1.2}, "found", 0.85, 0.85),
        ({0.8: 1.3, 0.85: 1.2, 0.95: 1.0}, "found", None, 0.95),
        ({0.8: 1.0, 0.85: 1.0, 0.95: 1.0}, "does_not_matter", None, 0.95),
    ],
)
def test_cycles_beside_the_constant_momentum(losses: dict[float, float], outcome: str, lowest: float | None, suggestion: float) -> None:
    cycle = read_momentum_cycle(made("momentum_cycle", losses))
    assert (cycle.outcome, cycle.suggestion) == (outcome, suggestion)
    both = with_cycle(read_momentum(momentum(1.3, 1.0, 1.2, 1.5)), cycle)
    assert (both.suggestion, both.min_momentum) == (0.95, lowest)
    assert [finding.kind for finding in both.findings] == ["momentum", "momentum_cycle"]
    assert len(both.cycle) == 3


def test_a_metric_decides_where_it_is_the_goal() -> None:
    experiment = momentum(1.3, 1.2, 1.0, 1.5)
    upside_down = [dataclasses.replace(arm.run.curve, valid_loss=(2.8, 3 - arm.run.curve.valid_loss[-1])) for arm in experiment.arms]
    arms = [dataclasses.replace(arm, run=dataclasses.replace(arm.run, curve=curve)) for arm, curve in zip(experiment.arms, upside_down, strict=True)]
    turned = dataclasses.replace(experiment, arms=tuple(arms))
    assert read_momentum(turned, goal="accuracy", higher_is_better=True).suggestion == 0.97
    assert read_momentum(turned).suggestion != 0.97


@pytest.mark.parametrize(
    ("losses", "outcome", "suggestion", "then"),
    [
        ({1e-4: 1.2, 1e-3: 1.0, 1e-2: 1.3}, "found", 1e-3, 3e-4),
        ({1e-4: 1.3, 1e-3: 1.2, 1e-2: 1.0}, "at_border", 1e-2, 0.1),
        ({1e-4: 1.0, 1e-3: 1.2, 1e-2: 1.3}, "at_border", 1e-4, 0.0),
        ({0.0: 1.0, 1e-4: 1.2, 1e-3: 1.3}, "found", 0.0, 1e-5),
        ({0.0: 1.2, 1e-4: 1.0, 1e-3: 1.3}, "found", 1e-4, 1e-5),
        ({0.0: 1.0, 1e-4: 1.0, 1e-3: 1.0}, "does_not_matter", 1e-3, None),
        ({1e-4: 1.006, 1e-3: 1.0, 1e-2: 1.3}, "found", 1e-3, 3e-4),
        ({1e-4: 1.0, 3e-4: 1.0, 1e-3: 1.0, 1e-2: 1.3}, "found", None, None),
        ({1e-4: 1.2, 1e-3: 1.0, 1e-2: math.inf}, "found", 1e-3, 3e-4),
    ],
)
def test_weight_decay(losses: dict[float, float], outcome: str, suggestion: float | None, then: float | None) -> None:
    reading = ts.read(made("weight_decay", losses))
    assert isinstance(reading, ts.KnobReading)
    assert reading.outcome == outcome
    assert suggestion is None or reading.suggestion == suggestion
    assert refined_decay(reading) == then
    assert "overfitting: that comes late" in reading.findings[0].not_established


def test_of_decays_that_are_alike_the_largest_is_taken() -> None:
    """Within one standard error of the best: overfitting comes late."""
    reading = read_weight_decay(made("weight_decay", {1e-5: 1.0, 1e-4: 1.0, 1e-3: 1.0, 1e-2: 1.5}, noise=0.001))
    assert reading.suggestion in (1e-4, 1e-3)
    assert reading.values[-1].state == "worse"


def test_what_was_tried_is_not_tried_again() -> None:
    assert next_decay({3e-4: 1.0, 4e-4: 0.9, 5e-4: 1.0}) in (3e-4, 4e-4, 5e-4)
    assert refined_decay(read_weight_decay(made("weight_decay", {3e-4: 1.3, 4e-4: 1.0, 5e-4: 1.3}))) is None


def test_where_nothing_can_be_told_nothing_more_is_tried() -> None:
    assert refined_decay(read_weight_decay(made("weight_decay", {1e-4: 1.0, 1e-3: 1.1, 1e-2: 1.2}, seeds=1))) is None


def test_an_experiment_without_runs_is_refused() -> None:
    with pytest.raises(CurveError, match="'momentum' holds none"):
        ts.read(Experiment(probe="momentum", arms=()))
