"""Records to draw."""

import math

import pytest

from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.experiment import Arm, Experiment
from tunesmith.settings import RunSpec, Settings


def sweep_curve(*, steps: int = 200, edge: float = 0.8) -> Curve:
    """A linear sweep from 0 to 1: the loss falls from 2 to 0.5 and explodes past the edge; ten evaluations."""
    lr = tuple((step + 1) / steps for step in range(steps))
    loss = tuple((2 - 1.5 * min(1, rate / 0.4)) * math.exp(40 * max(0, rate - edge)) for rate in lr)
    every = steps // 10
    evaluated = tuple(range(every, steps + 1, every))
    return Curve(lr=lr, momentum=(0.9,) * steps, train_loss=loss, eval_step=evaluated, valid_loss=tuple(loss[step - 1] + 0.1 for step in evaluated))


def make_run(*, lr: float = 0.1, seed: int = 0, final: float = 0.5, outcome: RunOutcome = RunOutcome.FINISHED, steps: int = 40, momentum: float = 0.9) -> Run:
    """A run whose losses fall in a straight line."""
    train = tuple(2 - (2 - final) * (step + 1) / steps for step in range(steps))
    valid = (1.5, final if outcome is RunOutcome.FINISHED else math.nan)
    spec = RunSpec(settings=Settings(lr=lr, momentum=momentum), total_steps=steps, seed=seed)
    curve = Curve(
        lr=(lr,) * steps,
        momentum=(momentum,) * steps,
        train_loss=train,
        eval_step=(steps // 2, steps),
        valid_loss=valid,
        metrics={"accuracy": (0.5, 1 - final / 2)},
        outcome=outcome,
    )
    return Run(spec=spec, curve=curve)


@pytest.fixture
def sweep() -> Curve:
    return sweep_curve()


@pytest.fixture
def decay_experiment() -> Experiment:
    """Weight decays 0, 1e-4 (two seeds) and 1e-2, which diverged."""
    arms = (
        Arm(label="none", value=0.0, run=make_run(seed=1, final=0.6)),
        Arm(label="little", value=1e-4, run=make_run(seed=1, final=0.4)),
        Arm(label="little", value=1e-4, run=make_run(seed=2, final=0.5)),
        Arm(label="much", value=1e-2, run=make_run(seed=1, outcome=RunOutcome.DIVERGED)),
    )
    return Experiment(probe="weight_decay", arms=arms)
