"""Knobs whose best value is known: momentum on a quadratic, weight decay of a ridge regression, and a task to which neither matters."""

import dataclasses
import functools
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tunesmith.recipe import knobs
from tunesmith.settings import Settings
from tunesmith.task import Task

CURVATURE, WEIGHTS = 1.0, 20


class Bowl(nn.Module):
    """Its output is the loss: half the curvature times the weights squared, which start near 1."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(1 + 0.01 * torch.randn(WEIGHTS, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        return (0.5 * CURVATURE * (self.weight**2).sum()).expand(len(inputs))


def first(output: Tensor, _target: Tensor) -> Tensor:
    return output.mean()


def quadratic() -> Task:
    nothing = torch.zeros(32, 1), torch.zeros(32)
    return Task(model=Bowl, train=nothing, valid=nothing, loss=first, steps=400, schedule="constant", current=Settings(batch_size=16))


@pytest.mark.parametrize("best", [0.9, 0.95, 0.97])
def test_the_momentum_that_damps_a_quadratic_best_is_found(tmp_path: Path, best: float) -> None:
    """At a constant lr = c·(1-m), heavy ball damps curvature h critically, hence fastest, where √m = (1 - ch)/(1 + ch)."""
    c = (1 - math.sqrt(best)) / (1 + math.sqrt(best)) / CURVATURE
    reading = knobs.momentum(quadratic(), out=tmp_path / "study", lr=0.1 * c, steps=400, repeats=2, values=(0.8, 0.9, 0.95, 0.97, 0.99))
    assert (reading.outcome, reading.suggestion) == ("found", best)
    assert reading.lr == pytest.approx(c * (1 - best), rel=0.01)
    assert reading.min_momentum is None


def test_a_border_is_extended_until_the_best_lies_inside(tmp_path: Path) -> None:
    """Critical damping at .8, below the report's values."""
    c = (1 - math.sqrt(0.8)) / (1 + math.sqrt(0.8)) / CURVATURE
    reading = knobs.momentum(quadratic(), out=tmp_path / "study", lr=0.1 * c, steps=80, repeats=2)
    assert [value.value for value in reading.values] == [0.6, 0.8, 0.9, 0.95, 0.97, 0.99]
    assert (reading.outcome, reading.suggestion) == ("found", 0.8)


EXAMPLES, INPUTS = 60, 40


def rows(n: int, *, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randn(INPUTS, 1, generator=torch.Generator().manual_seed(5)) / math.sqrt(INPUTS)
    inputs = torch.randn(n, INPUTS, generator=generator)
    return inputs, inputs @ truth + torch.randn(n, 1, generator=generator)


def ridge(optimizer: str = "sgd") -> Task:
    """Full batches, and long enough to converge: then the weights are those of the closed form, whatever the seed."""
    linear = functools.partial(nn.Linear, INPUTS, 1, bias=False)
    return Task(
        model=linear, train=rows(EXAMPLES, seed=0), valid=rows(2000, seed=1), loss=F.mse_loss, steps=1600, optimizer=optimizer,
        current=Settings(batch_size=EXAMPLES),
    )  # fmt: skip


def ridge_loss(weight_decay: float) -> float:
    """Validation loss of the weights that minimise mean((Xw - y)²) + weight_decay/2·|w|²."""
    (inputs, targets), (valid_inputs, valid_targets) = rows(EXAMPLES, seed=0), rows(2000, seed=1)
    penalty = 0.5 * EXAMPLES * weight_decay * torch.eye(INPUTS)
    weights = torch.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ targets)
    return F.mse_loss(valid_inputs @ weights, valid_targets).item()


BEST_DECAY = min((10 ** (exponent / 20) for exponent in range(-80, 41)), key=ridge_loss)


@pytest.mark.slow
def test_the_best_weight_decay_of_a_ridge_regression_is_found(tmp_path: Path) -> None:
    """It lies above the whole grid, whose border is extended; the exponent is bisected to within half a decade's factor of two."""
    assert BEST_DECAY > 0.03
    reading = knobs.weight_decay(ridge(), out=tmp_path / "study", lr=0.02, steps=1600, repeats=2, fixed={"momentum": 0.9})
    assert reading.outcome == "found"
    assert reading.suggestion is not None
    assert 1 / 2 < reading.suggestion / BEST_DECAY < 2
    for value in reading.values:
        assert value.loss == pytest.approx(ridge_loss(value.value), rel=0.02)


def test_where_a_short_run_converges_matched_decay_is_too_small_by_the_ratio_of_the_lengths(tmp_path: Path) -> None:
    """What `not_established` warns of: such a run wants the full training's decay itself, and not its total decay."""
    reading = knobs.weight_decay(ridge(), out=tmp_path / "study", lr=0.02, steps=400, repeats=2, fixed={"momentum": 0.9})
    assert reading.suggestion is not None
    assert 1 / 2 < 4 * reading.suggestion / BEST_DECAY < 2
    assert "wants the same decay instead" in reading.findings[0].not_established


class Mean(nn.Module):
    """One number, which does not decay as biases do not."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(0.1 * torch.randn(1))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.bias.expand(len(inputs))


def numbers(n: int, *, seed: int) -> tuple[Tensor, Tensor]:
    return torch.zeros(n, 1), 2 + torch.randn(n, generator=torch.Generator().manual_seed(seed))


def indifferent() -> Task:
    """The mean of noise: any momentum finds it in time, and no decay touches it."""
    return Task(model=Mean, train=numbers(512, seed=0), valid=numbers(512, seed=1), loss=F.mse_loss, epochs=50, current=Settings(batch_size=16))


def test_a_momentum_that_does_not_matter_is_called_so(tmp_path: Path) -> None:
    reading = knobs.momentum(indifferent(), out=tmp_path / "study", lr=0.02, steps=400, values=(0.8, 0.9, 0.95))
    assert (reading.outcome, reading.suggestion) == ("does_not_matter", 0.95)
    assert "Momentum does not matter here" in reading.advice


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_weight_decay_that_does_not_matter_is_called_so_and_not_refined(tmp_path: Path, optimizer: str) -> None:
    task = dataclasses.replace(indifferent(), optimizer=optimizer)
    reading = knobs.weight_decay(task, out=tmp_path / "study", lr=0.02, steps=200)
    assert reading.outcome == "does_not_matter"
    assert len(reading.values) <= 4
    assert reading.suggestion == max(value.value for value in reading.values)
