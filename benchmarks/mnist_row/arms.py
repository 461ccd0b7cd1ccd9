"""What is trained on all images: the report's standard settings and a plan, through the same loop, and the rows that come of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.mnist_row import task as task_file
from benchmarks.proof.cache import Row, Rows
from benchmarks.proof.digest import source_digest
from tunesmith.cost import total_steps_for
from tunesmith.curve import RunOutcome
from tunesmith.engine import run_spec
from tunesmith.plan import Plan
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Task

GAMMA, POWER = 1e-4, 0.75
"""Of the learning rate policy `inv` in Caffe's LeNet example."""
REPORT_BATCH, CAFFE_BATCH = 512, 64
"""Total batch size of the report's row (the caption of its table), and of Caffe's own example, of which the rest of the standard settings is."""


def inv(step: int, _total_steps: int) -> float:
    """Caffe's policy `inv` as a factor of the first learning rate; the length plays no part.

    Example:
        >>> [round(inv(step, 10_000), 3) for step in (0, 1406, 10_000)]
        [1.0, 0.906, 0.595]
    """
    return (1 + GAMMA * step) ** -POWER


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is trained.

    Attributes:
        n_images: Training images, validation included while tuning.
        epochs: Length of the standard settings, and the longest that tuning may recommend.
    """

    n_images: int = task_file.N_IMAGES
    epochs: float = task_file.EPOCHS

    def to_key(self) -> Row:
        """The part of a key that says so, with the digest of what is trained."""
        return {"task": source_digest(Path(task_file.__file__).read_text()), "n_images": self.n_images, "epochs": self.epochs}


@dataclass(frozen=True, kw_only=True)
class Arm:
    """Settings that are trained on several seeds.

    Attributes:
        name: As the table has it.
        settings: The knobs; schedule "task" stands for `inv`.
        total_steps: Updates.
    """

    name: str
    settings: Settings
    total_steps: int

    def key(self, size: Size, *, seed: int) -> Row:
        """What a training's row is filed under."""
        policy = {"gamma": GAMMA, "power": POWER} if self.settings.schedule == "task" else None
        return size.to_key() | {"step": "training", "settings": self.settings.to_dict(), "inv": policy, "total_steps": self.total_steps, "seed": seed}


def baselines(size: Size) -> list[Arm]:
    """The report's standard settings at its batch size and at Caffe's, for as many epochs as the tuning may have."""
    return [_baseline(size, batch_size=batch_size) for batch_size in (REPORT_BATCH, CAFFE_BATCH)]


def _baseline(size: Size, *, batch_size: int) -> Arm:
    settings = Settings(lr=0.01, momentum=0.9, weight_decay=5e-4, batch_size=batch_size, schedule="task")
    steps = total_steps_for(epochs=size.epochs, n_train=size.n_images, batch_size=batch_size)
    return Arm(name=f"standard settings, batch {batch_size}", settings=settings, total_steps=steps)


def carried(plan: Plan, size: Size, *, name: str) -> Arm | None:
    """The plan on all images: as many epochs as it has, and its total decay; None where the study ended without settings."""
    if plan.settings is None:
        return None
    whole = plan.for_epochs(plan.epochs, n_train=size.n_images)
    return None if whole.settings is None else Arm(name=name, settings=whole.settings, total_steps=whole.total_steps)


def train_missing(rows: Rows, arm: Arm, size: Size, *, seeds: range, load: Callable[[], Task], tell: Callable[[str], None]) -> None:
    """Train the arm on every seed that has no row yet.

    Args:
        rows: Where rows lie.
        arm: What is trained.
        size: How much.
        seeds: Each fixes initialisation and order, the same for every arm.
        load: Gives the task with all images; asked only where something is missing.
        tell: Hears of each training that was made.
    """
    for seed in seeds:
        key = arm.key(size, seed=seed)
        if rows.get(key) is None:
            rows.put(key, _trained(load(), arm, seed=seed))
            row = rows.get(key) or {}
            tell(f"{arm.name}, seed {seed}: {row['outcome']}, test {row['test']}, {row['seconds']} s")


def _trained(task: Task, arm: Arm, *, seed: int) -> Row:
    shaped = replace(task, schedule=inv) if arm.settings.schedule == "task" else task
    curve = run_spec(shaped, RunSpec(settings=arm.settings, total_steps=arm.total_steps, seed=seed, evaluates_test=True)).curve
    has_finished = curve.outcome is RunOutcome.FINISHED
    return {
        "outcome": str(curve.outcome),
        "test": curve.test if has_finished else None,
        "trained_images_loss": curve.final_valid_loss if has_finished else None,
        "seconds": round(curve.cost.seconds, 1),
        "machine": describe_machine(),
    }
