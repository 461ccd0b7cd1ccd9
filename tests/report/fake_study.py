"""Studies with lifelike synthetic curves: one that recommends, one that abstains, one whose budget is spent, an unfinished and an empty one."""

import math
import random
from pathlib import Path

from tunesmith.cost import Cost
from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.experiment import Arm, Experiment
from tunesmith.finding import Finding
from tunesmith.plan import Plan, StudyCost, StudyOutcome, Trained
from tunesmith.settings import Json, RunKind, RunSpec, Settings
from tunesmith.study import Study

N_TRAIN, N_VALID, EPOCHS = 4_000, 500, 40
FULL = EPOCHS * N_TRAIN
EDGE = 0.9
FIRST_LOSS = 2.3

CHOSEN = Settings(lr=0.45, min_lr=0.045, momentum=0.95, min_momentum=0.85, weight_decay=3e-4, batch_size=64)
CURRENT = Settings(lr=0.02, min_lr=0.02, momentum=0.9, weight_decay=0.0, batch_size=64, schedule="constant")

DESCRIPTION: dict[str, Json] = {
    "task": "handwritten digits, small MLP",
    "n_train": N_TRAIN,
    "n_valid": N_VALID,
    "goal": "loss",
    "goal_is_higher_better": False,
    "optimizer": "nesterov",
    "budget": 1.2,
    "seed": 0,
    "recipe": "ladder",
    "full_training_examples": FULL,
    "versions": {"tunesmith": "0.1.0", "torch": "2.13.0", "python": "3.11.9"},
    "thresholds": {"diverged": 4.0, "edge_rise": 0.1, "confident": 0.8},
}


def _progress(spec: RunSpec) -> list[tuple[float, float]]:
    """Learning rate and momentum of each update, by a short reference of our own."""
    rows, last, settings = [], max(1, spec.total_steps - 1), spec.settings
    for step in range(spec.total_steps):
        t = step / last
        if spec.kind is RunKind.EXPONENTIAL_RAMP:
            height, lr = t, settings.resolved_min_lr * (settings.lr / settings.resolved_min_lr) ** t
        elif spec.kind is RunKind.LINEAR_RAMP:
            height, lr = t, settings.resolved_min_lr + (settings.lr - settings.resolved_min_lr) * t
        elif settings.schedule == "constant":
            height, lr = 1.0, settings.lr
        else:
            height = t / 0.45 if t < 0.45 else max(0.0, 1 - (t - 0.45) / 0.45)
            low = settings.resolved_min_lr if t < 0.45 else settings.lr / 1000
            lr = low + (settings.lr - low) * height
        rows.append((lr, settings.momentum - (settings.momentum - settings.resolved_min_momentum) * height))
    return rows


def synthetic_run(spec: RunSpec, *, metrics: bool = False) -> Run:
    """A run that learns with the distance travelled, shakes with the learning rate, overfits without decay and diverges past the edge."""
    settings, draw = spec.settings, random.Random(f"{spec.key}")
    every = max(1, spec.total_steps // max(1, spec.evaluations)) if spec.evaluations else spec.total_steps
    rows, travelled, blow = [], 0.0, 0.0
    train: list[float] = []
    steps: list[int] = []
    valid: list[float] = []
    edge = EDGE * (1 - 100 * settings.weight_decay) * (1.3 if settings.momentum < 0.93 else 1.0)
    outcome = RunOutcome.FINISHED
    for step, (lr, momentum) in enumerate(_progress(spec)):
        pace = lr * (0.1 / (1 - momentum)) ** 0.5 * (settings.batch_size / 64) ** 0.3
        travelled += pace
        blow += max(0.0, lr / edge - 1) * 0.6
        base = 0.06 + 2.24 * (1 + travelled / 1.2) ** -0.85
        shake = 0.35 * pace * (64 / settings.batch_size) ** 0.5
        value = (base + shake) * math.exp(min(blow, 700.0)) * math.exp(draw.gauss(0, 0.09))
        rows.append((lr, momentum))
        train.append(value)
        if not math.isfinite(value) or value > 12:
            outcome = RunOutcome.NOT_FINITE if value > 1e4 else RunOutcome.DIVERGED
            train[-1] = math.nan if value > 60 else value
            steps.append(step + 1)
            valid.append(math.inf if value > 60 else value * 1.1)
            break
        if (step + 1) % every == 0 or step + 1 == spec.total_steps:
            overfit = 0.06 * max(0.0, travelled / 480 - 1) * max(0.2, 1 - settings.weight_decay / 4e-4)
            stiff = (
                60 * max(0.0, settings.weight_decay - 6e-4)
                + 0.5 * max(0.0, (lr if spec.kind is not RunKind.CYCLE else settings.lr) / edge - 0.53)
                + 3 * max(0.0, settings.momentum - 0.96)
            )
            stiff += 0.03 * abs(math.log2(settings.batch_size / 64))
            steps.append(step + 1)
            valid.append((base + 0.07 + shake * 0.8 + overfit + stiff) * math.exp(blow) * math.exp(draw.gauss(0, 0.012)))
    accuracy = tuple(max(0.1, 1 - 0.38 * loss) if math.isfinite(loss) else math.nan for loss in valid)
    cost = Cost(trained_examples=len(train) * settings.batch_size, evaluated_examples=len(valid) * (spec.valid_examples or N_VALID), seconds=len(train) * 0.011)
    curve = Curve(
        lr=tuple(lr for lr, _ in rows),
        momentum=tuple(momentum for _, momentum in rows),
        train_loss=tuple(train),
        eval_step=tuple(steps),
        valid_loss=tuple(valid),
        metrics={"accuracy": accuracy} if metrics else {},
        test={"loss": valid[-1] * 1.04} if spec.evaluates_test and outcome is RunOutcome.FINISHED else {},
        outcome=outcome,
        cost=cost,
    )
    return Run(spec=spec, curve=curve)


def short_run(settings: Settings, *, seed: int = 1, shrink: int = 40) -> Run:
    """A short annealed run."""
    steps = max(40, FULL // settings.batch_size // shrink)
    return synthetic_run(RunSpec(settings=settings, total_steps=steps, seed=seed, evaluations=16, valid_examples=200))


def settings_with(**knobs: object) -> Settings:
    """The plan's settings with other values."""
    return Settings(**{**CHOSEN.to_dict(), **knobs})  # type: ignore[arg-type]


def finding(
    kind: str,
    value: float | None,
    interval: tuple[float, float] | None,
    confidence: float,
    evidence: str,
    doubt: str,
    action: str = "",
    since: int | None = None,
) -> Finding:
    return Finding(kind=kind, value=value, interval=interval, confidence=confidence, evidence=evidence, not_established=doubt, action=action, since_step=since)


def bracket() -> Experiment:
    """The short exponential sweep."""
    run = synthetic_run(RunSpec(settings=settings_with(lr=10.0, min_lr=1e-4), total_steps=120, seed=0, kind=RunKind.EXPONENTIAL_RAMP))
    return Experiment(
        probe="bracket", arms=(Arm(label="exponential sweep", value=None, run=run),), verdict="The training loss diverges in the decade from 1 to 10."
    )


def lr_range() -> Experiment:
    """The long linear sweep, twice."""
    arms = [
        Arm(
            label=f"decay {decay:g}",
            value=decay,
            run=synthetic_run(
                RunSpec(settings=settings_with(lr=2.0, min_lr=0.002, weight_decay=decay), total_steps=400, seed=0, kind=RunKind.LINEAR_RAMP, evaluations=50)
            ),
        )
        for decay in (3e-3, 3e-4)
    ]
    doubt = "Holds for sweeps of about 400 updates; a longer run tolerates less."
    findings = (
        finding("edge", 0.97, (0.91, 1.04), 0.9, "Training and validation loss both jump at update 193 of 400 (seed 0).", doubt),
        finding("suggestion", 0.45, (0.22, 0.78), 0.7, "Validation loss within its noise of the lowest between these rates.", doubt),
        finding("early_overfitting_hump", 0.03, None, 0.3, "A small rise at 0.03, inside the noise.", "Whether the rise is there on another seed.", since=6),
    )
    return Experiment(probe="lr_range", arms=tuple(arms), findings=findings, verdict="Sweep peaks up to 0.78; the loss breaks away at 0.97.")


def _knob(probe: str, name: str, values: tuple[float, ...], read: Finding, verdict: str, *, seeds: tuple[int, ...] = (1,), **knobs: object) -> Experiment:
    label = probe.replace("_", " ")
    arms = [
        Arm(label=f"{label} {value:g}", value=value, run=short_run(settings_with(**{**knobs, name: value}), seed=seed)) for value in values for seed in seeds
    ]
    return Experiment(probe=probe, arms=tuple(arms), findings=(read,), verdict=verdict)


def batch_size() -> Experiment:
    """Equal modelled seconds at four batch sizes."""
    arms = []
    for size, seconds in ((32, 4.1), (64, 4.1), (128, 4.2), (256, 4.1)):
        arms.append(
            Arm(
                label=f"batch {size}, {seconds} s modelled",
                value=size,
                run=short_run(settings_with(batch_size=size, lr=CHOSEN.lr * (size / 64) ** 0.44), shrink=round(40 * (64 / size) ** 0.55)),
            )
        )
    found = finding("batch_size", 64, (32, 128), 0.6, "Four annealed runs of equal modelled time, one seed.", "One seed; larger batches on faster hardware.")
    return Experiment(probe="batch_size", arms=tuple(arms), findings=(found,), verdict="64 stays: 32 and 128 end within the noise, 256 is behind.")


def peak_lr() -> Experiment:
    """Fractions of the edge, one of them past it."""
    found = finding("peak_lr", 0.45, (0.3, 0.7), 0.85, "Five annealed runs of 62 updates; the best two on two seeds.", "Peaks between those tried.")
    return _knob(
        "peak_lr", "lr", (0.05, 0.15, 0.45, 0.75, 1.6), found, "Half of the edge: the runs at 0.45 end lowest, and 1.6 diverges.", min_lr=0.005, seeds=(1, 2)
    )


def min_lr() -> Experiment:
    """Starting rates."""
    found = finding("min_lr", 0.045, (0.01, 0.1), 0.5, "Three annealed runs, one seed.", "One seed.")
    return _knob("min_lr", "min_lr", (0.01, 0.045, 0.1), found, "The start hardly matters: a tenth of the peak stays.")


def momentum() -> Experiment:
    """The report's grid."""
    found = finding("momentum", 0.95, (0.9, 0.97), 0.8, "Four annealed runs of 62 updates at equal lr/(1-m), one seed.", "Momentum at another learning rate.")
    return _knob("momentum", "momentum", (0.8, 0.9, 0.95, 0.97, 0.99), found, ".95, falling to .85 at the peak.", min_momentum=0.8)


def weight_decay() -> Experiment:
    """A grid with zero in it."""
    found = finding(
        "weight_decay",
        3e-4,
        (1e-4, 6e-4),
        0.7,
        "Five annealed runs with matched total decay, one seed.",
        "Short runs show late overfitting poorly: see the confirming run.",
    )
    return _knob("weight_decay", "weight_decay", (0.0, 1e-5, 1e-4, 3e-4, 3e-3), found, "3e-4: less overfits, 3e-3 holds the loss up.")


def confirm(seeds: tuple[int, ...] = (101, 102)) -> Experiment:
    """The plan in full on fresh seeds."""
    arms = [
        Arm(
            label=f"plan, seed {seed}",
            value=None,
            run=synthetic_run(RunSpec(settings=CHOSEN, total_steps=2500, seed=seed, evaluations=40, evaluates_test=True), metrics=True),
        )
        for seed in seeds
    ]
    found = (
        finding(
            "overfitting",
            None,
            None,
            0.55,
            "Validation loss rises a little from update 2,180 while training loss falls (seed 101).",
            "On one of two seeds only.",
            "Try weight decay 6e-4, or stop at update 2,180.",
            since=2180,
        ),
    )
    return Experiment(probe="confirm", arms=tuple(arms), findings=found, verdict="The plan holds on fresh seeds.")


def current() -> Experiment:
    """The user's settings in full."""
    run = synthetic_run(RunSpec(settings=CURRENT, total_steps=2500, seed=101, kind=RunKind.CURRENT, evaluations=40, evaluates_test=True), metrics=True)
    return Experiment(probe="current", arms=(Arm(label="current settings", value=None, run=run),), verdict="")


def _trained(experiment: Experiment) -> Trained:
    runs = [arm.run for arm in experiment.arms]
    return Trained(
        valid=tuple(run.curve.final_valid_loss for run in runs), test=tuple(run.curve.test["loss"] for run in runs), seeds=tuple(run.spec.seed for run in runs)
    )


def _cost(experiments: tuple[Experiment, ...]) -> StudyCost:
    parts = {"search": 0.0, "confirm": 0.0, "baseline": 0.0}
    seconds = 0.0
    seen: set[str] = set()
    for experiment in experiments:
        for arm in experiment.arms:
            if arm.run.spec.key in seen:
                continue
            seen.add(arm.run.spec.key)
            parts[purpose_of(experiment.probe)] += arm.run.curve.cost.full_trainings(full_training_examples=FULL)
            seconds += arm.run.curve.cost.seconds
    return StudyCost(**parts, seconds=seconds)


def purpose_of(probe: str) -> str:
    """What `Study.add` is told about the runs of a probe."""
    return {"confirm": "confirm", "current": "baseline"}.get(probe, "search")


def recommended_experiments() -> tuple[Experiment, ...]:
    """Every probe of the recipe, in its order."""
    return (bracket(), lr_range(), batch_size(), peak_lr(), min_lr(), momentum(), weight_decay(), confirm(), current())


def make_plan(outcome: StudyOutcome, experiments: tuple[Experiment, ...], *, advice: tuple[str, ...] = (), goal: str = "loss") -> Plan:
    """A plan as the recipe would make it of these experiments."""
    by_name = {experiment.probe: experiment for experiment in experiments}
    return Plan(
        outcome=outcome,
        settings=CHOSEN if outcome.has_plan else None,
        optimizer_name="nesterov",
        n_train=N_TRAIN,
        total_steps=2500 if outcome.has_plan else 0,
        goal=goal,
        cost=_cost(experiments),
        confirmed=_trained(by_name["confirm"]) if "confirm" in by_name else None,
        current=_trained(by_name["current"]) if "current" in by_name else None,
        findings=tuple(finding for experiment in experiments for finding in experiment.findings),
        advice=advice,
    )


def write_study(folder: Path, experiments: tuple[Experiment, ...], plan: Plan | None, *, description: dict[str, Json] | None = None) -> Study:
    """A study on disk with these records, open for reading."""
    with Study.create(folder, fingerprint="fake", description=DESCRIPTION | (description or {})) as study:
        for experiment in experiments:
            for arm in experiment.arms:
                if study.find(arm.run.spec) is None:
                    study.add(arm.run, purpose=purpose_of(experiment.probe))
            study.put_experiment(experiment)
        if plan is not None:
            study.put_plan(plan)
    return Study.open(folder)


def recommended(folder: Path) -> Study:
    """A study that ends with a plan better than the current settings."""
    experiments = recommended_experiments()
    advice = ("Train with more weight decay (6e-4) if you lengthen the training.", "Leave the batch size alone: it makes no difference between 32 and 128.")
    return write_study(folder, experiments, make_plan(StudyOutcome.RECOMMENDED, experiments, advice=advice))


def abstained(folder: Path) -> Study:
    """A study whose range test was all noise."""
    run = synthetic_run(RunSpec(settings=settings_with(lr=0.02, min_lr=1e-4), total_steps=60, seed=0, kind=RunKind.LINEAR_RAMP, evaluations=8))
    found = finding(
        "too_noisy",
        None,
        None,
        0.4,
        "Eight evaluations on 40 examples differ more by chance than by the rate.",
        "Anything about the learning rate.",
        "Give a larger validation set.",
    )
    experiments = (
        Experiment(probe="lr_range", arms=(Arm(label="range test", value=None, run=run),), findings=(found,), verdict="The loss is too noisy to read."),
    )
    advice = ("The validation set has 40 examples: give at least 400.", "Or raise the budget: --budget 2.")
    return write_study(folder, experiments, make_plan(StudyOutcome.ABSTAINED, experiments, advice=advice))


def budget_spent(folder: Path) -> Study:
    """A study that ran out in the middle of the short runs."""
    experiments = (bracket(), lr_range(), peak_lr())
    return write_study(
        folder, experiments, make_plan(StudyOutcome.BUDGET_SPENT, experiments, advice=("Raise the budget: --budget 0.6 would have reached a plan.",))
    )


def unfinished(folder: Path) -> Study:
    """A study that was interrupted: runs, and no plan yet."""
    return write_study(folder, (bracket(), lr_range()), None)


def empty(folder: Path) -> Study:
    """A study without a single run."""
    return write_study(folder, (), None)
