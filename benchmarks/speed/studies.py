"""Made-up runs, and studies of as many of them as wanted, as the product stores them."""

from pathlib import Path

import numpy as np

from tunesmith.cost import Cost
from tunesmith.curve import Curve, Run
from tunesmith.experiment import Arm, Experiment
from tunesmith.finding import Finding
from tunesmith.plan import Plan, StudyCost, StudyOutcome, Trained
from tunesmith.settings import Json, RunKind, RunSpec, Settings
from tunesmith.study import Study

N_TRAIN, N_VALID = 4000, 500
DESCRIPTION: dict[str, Json] = {
    "task": "made up", "n_train": N_TRAIN, "n_valid": N_VALID, "goal": "loss", "goal_is_higher_better": False, "optimizer": "sgd", "budget": 1.0, "seed": 0,
    "recipe": "report", "full_training_examples": 40 * N_TRAIN,
}  # fmt: skip
CHOSEN = Settings(lr=0.3, momentum=0.95, min_momentum=0.85, weight_decay=1e-4, batch_size=64)
KNOBS = {"batch_size": "batch_size", "peak_lr": "lr", "momentum": "momentum", "weight_decay": "weight_decay"}
"""Probe → the knob that it varies."""
N_VALUES = 25
"""Values of a knob in a large study; further runs are further seeds."""


def made_up_run(spec: RunSpec) -> Run:
    """A run that learns with noise, the same one for the same seed and length."""
    draw = np.random.default_rng([spec.seed, spec.total_steps])
    share = np.arange(spec.total_steps) / spec.total_steps
    rise = share if spec.kind is RunKind.LINEAR_RAMP else 1 - np.abs(2 * share - 1)
    loss = (0.3 + 2 * np.exp(-3 * share)) * np.exp(draw.normal(0, 0.1, spec.total_steps))
    steps = [round((index + 1) * spec.total_steps / (spec.evaluations + 1)) for index in range(spec.evaluations + 1)]
    curve = Curve(
        lr=tuple((spec.settings.lr * (0.1 + 0.9 * rise)).tolist()),
        momentum=tuple((spec.settings.momentum - 0.1 * rise).tolist()),
        train_loss=tuple(loss.tolist()),
        eval_step=tuple(steps),
        valid_loss=tuple(float(loss[step - 1]) * 1.1 for step in steps),
        test={"loss": float(loss[-1])} if spec.evaluates_test else {},
        cost=Cost(trained_examples=64 * spec.total_steps, evaluated_examples=N_VALID * len(steps), seconds=1e-3 * spec.total_steps),
    )
    return Run(spec=spec, curve=curve)


def write_study(folder: Path, *, runs: int, points: int) -> None:
    """A finished study: a range test, a confirming run, one of the current settings, and the rest of the runs among the four knobs."""
    sweep = RunSpec(settings=CHOSEN, total_steps=max(100, points), seed=0, kind=RunKind.LINEAR_RAMP, evaluations=24)
    full = {"total_steps": 10 * points, "seed": 500, "evaluations": 40, "evaluates_test": True}
    experiments = [_experiment("lr_range", [Arm(label="sweep", value=CHOSEN.lr, run=made_up_run(sweep))])]
    experiments += [_knob(probe, count=count, points=points) for probe, count in zip(KNOBS, _shares(max(0, runs - 3)), strict=True)]
    experiments.append(_experiment("confirm", [Arm(label="plan, seed 500", value=None, run=made_up_run(RunSpec(settings=CHOSEN, **full)))]))
    usual = Settings(lr=0.02, schedule="constant")
    experiments.append(_experiment("current", [Arm(label="current settings", value=None, run=made_up_run(RunSpec(settings=usual, **full)))]))
    with Study.create(folder, fingerprint="made up", description=DESCRIPTION) as study:
        for experiment in experiments:
            for arm in experiment.arms:
                study.add(arm.run, purpose={"confirm": "confirm", "current": "baseline"}.get(experiment.probe, "search"))
            study.put_experiment(experiment)
        study.put_plan(_plan(tuple(experiments)))


def _shares(count: int) -> list[int]:
    return [count // len(KNOBS) + (index < count % len(KNOBS)) for index in range(len(KNOBS))]


def _knob(probe: str, *, count: int, points: int) -> Experiment:
    name, arms = KNOBS[probe], []
    for index in range(count):
        place, seed = index % N_VALUES, index // N_VALUES
        value = {"lr": 0.01 * 1.2**place, "batch_size": 8 * (place + 2), "momentum": 0.5 + 0.019 * place, "weight_decay": 1e-5 * 1.3**place}[name]
        # Seeds of its own for each probe, or the chosen value would be the same run in two of them.
        settings = Settings(**{**CHOSEN.to_dict(), "min_momentum": None, name: value})  # type: ignore[arg-type]
        spec = RunSpec(settings=settings, total_steps=points, seed=1000 * list(KNOBS).index(probe) + seed, evaluations=0)
        arms.append(Arm(label=f"{name} {value:.3g}", value=float(value), run=made_up_run(spec)))
    return _experiment(probe, arms)


def _experiment(probe: str, arms: list[Arm]) -> Experiment:
    found = Finding(kind=probe, value=None, interval=None, confidence=0.5, evidence=f"{len(arms)} made-up runs.", not_established="Anything.", action="")
    return Experiment(probe=probe, arms=tuple(arms), findings=(found,), verdict="Made up.")


def _plan(experiments: tuple[Experiment, ...]) -> Plan:
    def trained(probe: str) -> Trained:
        runs = [arm.run for experiment in experiments if experiment.probe == probe for arm in experiment.arms]
        return Trained(
            valid=tuple(run.curve.final_valid_loss for run in runs),
            test=tuple(run.curve.test["loss"] for run in runs),
            seeds=tuple(run.spec.seed for run in runs),
        )

    return Plan(
        outcome=StudyOutcome.RECOMMENDED, settings=CHOSEN, optimizer_name="sgd", n_train=N_TRAIN, total_steps=2500, cost=StudyCost(search=1.0),
        confirmed=trained("confirm"), current=trained("current"), findings=tuple(found for experiment in experiments for found in experiment.findings),
    )  # fmt: skip
