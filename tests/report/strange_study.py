"""Studies that nobody should make: one whose every string is hostile, and one with everything at the edge of what records allow."""

import dataclasses
import math
from pathlib import Path

from fake_study import CHOSEN, confirm, finding, lr_range, make_plan, settings_with, short_run, write_study
from tests.plots.test_batch_size import sizes_tried

from tunesmith.cost import Cost
from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.experiment import Arm, Experiment, SizeTimes
from tunesmith.plan import StudyOutcome, Trained
from tunesmith.settings import Json, RunSpec
from tunesmith.study import Study

HOSTILE = """<script>alert(1)</script></script><img src=x onerror=alert(2)>&amp;<!-- %{x} {0} $\\frac$ \x1b[31m\u202e '"`"""
"""What a stranger might put where a name is expected: it must come out as text everywhere."""


def hostile(folder: Path) -> Study:
    """A study in which every string is hostile."""
    metric = HOSTILE
    values = (0.1, 0.5)
    runs = [short_run(settings_with(lr=value)) for value in values]
    runs = [Run(spec=run.spec, curve=dataclasses.replace(run.curve, metrics={metric: run.curve.valid_loss})) for run in runs]
    found = finding(HOSTILE, 0.1, (0.1, 0.5), 0.9, HOSTILE, HOSTILE, HOSTILE, since=3)
    arms = tuple(Arm(label=HOSTILE, value=value, run=run) for value, run in zip(values, runs, strict=True))
    sweeps = tuple(dataclasses.replace(arm, label=HOSTILE) for arm in lr_range().arms)
    full = tuple(Arm(label=HOSTILE, value=None, run=arm.run) for arm in confirm((101,)).arms)
    sizes = sizes_tried({64: 1.0, 128: 0.9})
    experiments = (
        dataclasses.replace(sizes, arms=tuple(_renamed(arm) for arm in sizes.arms), findings=(found, dataclasses.replace(found, kind="noise_scale"))),
        Experiment(probe="lr_range", arms=sweeps, findings=(found,), verdict=HOSTILE),
        Experiment(probe="peak_lr", arms=arms, findings=(found,), verdict=HOSTILE),
        Experiment(probe=HOSTILE, arms=tuple(dataclasses.replace(arm, value=None) for arm in arms), findings=(found,), verdict=HOSTILE),
        Experiment(probe="confirm", arms=full, findings=(found,), verdict=HOSTILE),
    )
    plan = dataclasses.replace(make_plan(StudyOutcome.RECOMMENDED, experiments, advice=(HOSTILE,), goal=metric), optimizer_name=HOSTILE, precision=HOSTILE)
    description: dict[str, Json] = {
        "task": HOSTILE,
        "goal": metric,
        HOSTILE: HOSTILE,
        "versions": {"tunesmith": HOSTILE},
        "thresholds": {HOSTILE: [HOSTILE, {HOSTILE: 1}]},
    }
    return write_study(folder, experiments, plan, description=description)


def _renamed(arm: Arm) -> Arm:
    """With a hostile label and a hostile metric."""
    curve = dataclasses.replace(arm.run.curve, metrics={HOSTILE: arm.run.curve.valid_loss})
    return dataclasses.replace(arm, label=HOSTILE, run=dataclasses.replace(arm.run, curve=curve))


def odd(folder: Path) -> Study:
    """A study with everything at the edge of what records allow: one update, nothing finite, no evaluation, open intervals, several lengths of the plan."""
    spec = RunSpec(settings=settings_with(lr=3.0), total_steps=1, seed=0)
    lost = Run(spec=spec, curve=Curve(lr=(3.0,), momentum=(0.9,), train_loss=(math.nan,), eval_step=(), valid_loss=(), outcome=RunOutcome.NOT_FINITE))
    flat = Run(
        spec=dataclasses.replace(spec, seed=1),
        curve=Curve(lr=(0.0, 0.0), momentum=(0.9, 0.9), train_loss=(0.0, 0.0), eval_step=(0, 2), valid_loss=(0.0, 0.0), cost=Cost(trained_examples=128)),
    )
    found = finding("edge", math.inf, (-math.inf, math.inf), 0.0, "", "", since=0)
    arms = (Arm(label="", value=math.nan, run=lost), Arm(label="flat", value=0.0, run=flat))
    plan_runs = confirm((101,)).arms + tuple(Arm(label="longer or shorter plan, seed 7", value=7.0, run=short_run(CHOSEN, seed=7)) for _ in range(1))
    experiments = (
        Experiment(probe="bracket", arms=(Arm(label="lost", value=None, run=lost),)),
        Experiment(probe="lr_range", arms=(Arm(label="lost", value=None, run=lost), Arm(label="flat", value=None, run=flat)), findings=(found,)),
        Experiment(probe="batch_size", arms=(arms[0],), times=SizeTimes(seconds_per_step={64: 1e-300, 128: 1e300}, n_train=0)),
        Experiment(probe="peak_lr", arms=(Arm(label="same", value=0.1, run=flat), Arm(label="same", value=0.1, run=lost)), findings=(found,)),
        Experiment(probe="momentum", arms=arms),
        Experiment(probe="weight_decay", arms=(Arm(label="none", value=0.0, run=flat),)),
        Experiment(probe="", arms=arms),
        Experiment(probe="no_arms", arms=()),
        Experiment(probe="confirm", arms=plan_runs, findings=(found,)),
    )
    plan = dataclasses.replace(
        make_plan(StudyOutcome.KEEP_CURRENT, ()),
        settings=None,
        total_steps=0,
        current=Trained(valid=(math.nan,), test=None, seeds=(1,)),
        confirmed=Trained(valid=(), test=(), seeds=()),
    )
    return write_study(folder, experiments, plan)
