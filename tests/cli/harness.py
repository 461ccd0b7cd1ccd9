"""What the command line's tests share: studies and plans made by hand, and our own interpreter."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import tunesmith
from tunesmith.cost import Cost
from tunesmith.curve import Curve, Run
from tunesmith.experiment import Arm, Experiment
from tunesmith.finding import Finding
from tunesmith.plan import Plan, StudyCost, StudyOutcome, Trained
from tunesmith.settings import Json, RunSpec, Settings
from tunesmith.study import Study


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Typed: TypeAlias = Callable[..., Ended]
"""The fixture `run`: (*words, backend=None) → how it ended."""


def python(*words: str | Path, cwd: Path | None = None) -> "subprocess.Popen[str]":
    """Our interpreter, warnings being errors, with this tunesmith."""
    environment = os.environ | {"PYTHONPATH": str(Path(tunesmith.__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-W", "error", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=cwd
    )


def ran(*words: str | Path, cwd: Path | None = None) -> Ended:
    """What `python` said once it had ended."""
    with python(*words, cwd=cwd) as process:
        out, err = process.communicate(timeout=60)
    return Ended(code=process.returncode, out=out, err=err)


def make_plan(outcome: StudyOutcome = StudyOutcome.RECOMMENDED) -> Plan:
    return Plan(
        outcome=outcome,
        settings=Settings(lr=0.5) if outcome.has_plan else None,
        optimizer_name="sgd",
        n_train=1000,
        total_steps=100 if outcome.has_plan else 0,
        cost=StudyCost(search=0.8, confirm=1.0, seconds=12.0),
        confirmed=Trained(valid=(0.2,), test=None, seeds=(1,)) if outcome.has_plan else None,
        findings=(Finding(kind="edge", value=1.2, confidence=0.9, evidence="One sweep.", not_established="Other seeds."),),
        advice=("Train with it.",),
    )


def make_study(folder: Path, *, plan: Plan | None, recipe: str = "report") -> Path:
    description: dict[str, Json] = {
        "task": "digits", "n_train": 1000, "n_valid": 200, "goal": "loss", "goal_is_higher_better": False, "optimizer": "sgd",
        "budget": 1.0, "seed": 0, "full_training_examples": 6400.0, "recipe": recipe, "versions": {}, "thresholds": {},
    }  # fmt: skip
    spec = RunSpec(settings=Settings(lr=0.5), total_steps=4, seed=0)
    curve = Curve(
        lr=(0.1, 0.2, 0.3, 0.4),
        momentum=(0.9,) * 4,
        train_loss=(2.0, 1.5, 1.0, 0.8),
        eval_step=(2, 4),
        valid_loss=(1.6, 0.9),
        cost=Cost(trained_examples=256),
    )
    made = Run(spec=spec, curve=curve)
    with Study.create(folder, fingerprint="f00d", description=description) as study:
        study.add(made, purpose="search")
        study.put_experiment(Experiment(probe="momentum", arms=(Arm(label="momentum .9", value=0.9, run=made),), verdict="Momentum .9."))
        if plan is not None:
            study.put_plan(plan)
    return folder
