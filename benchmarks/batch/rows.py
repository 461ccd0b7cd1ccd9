"""The rows of the batch bench: seconds a step, plans and trainings of one task, their keys, and what is known under them."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from benchmarks.batch.lengths import Schedule, seconds_per_step
from benchmarks.proof.cache import Row, Rows
from benchmarks.proof.tasks import BenchTask
from tunesmith.recipe.time_model import TIME_MODEL_VERSION
from tunesmith.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """A task's sizes and its seconds a step, so that tables need no data.

    Attributes:
        seconds_per_step: Batch size → seconds of an update.
        n_train: Training examples.
        full_training_examples: What costs are counted in.
        untuned: What a user goes on with where a study ends without settings.
    """

    seconds_per_step: dict[int, float]
    n_train: int
    full_training_examples: float
    untuned: Schedule

    def full_steps(self, batch_size: int) -> int:
        """Updates of a full training; 0 where the data are fewer than a batch."""
        return max(1, round(self.full_training_examples / batch_size)) if batch_size <= self.n_train else 0

    def seconds_of(self, batch_size: int) -> float:
        """Seconds of an update, also at a size that was not timed."""
        return seconds_per_step(self.seconds_per_step, batch_size)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A `tune` of one task.

    Attributes:
        batch_size: Fixed at this; None where it is free.
        has_current: Whether the user's current settings are given.
        study: Seed.
    """

    batch_size: int | None
    has_current: bool
    study: int


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What a `tune` came to.

    Attributes:
        schedule: What it recommends; None where it ended without settings.
        outcome: How it ended.
        cost: Search, confirm, baseline and total, in full trainings.
        stage_cost: Of the runs that only the choice of the batch size asked for, and of what was charged beside runs but for the check, in full trainings.
        study_seconds: Modelled seconds of all of its runs and charges.
        is_current: Whether today's code made it.
    """

    schedule: Schedule | None
    outcome: str
    cost: dict[str, float]
    stage_cost: float
    study_seconds: float
    is_current: bool


class TaskRows:
    """What is known of one task. Every key names the task's code; those of plans name the package's as well.

    A training is known by its settings, length and seed alone: the loop's bits are held by tests, so equal plans of two versions share it.

    Args:
        folder: Where the files of all tasks lie.
        task: Whose rows.
        package: Digest of the package's code, as far as it decides about a plan.
    """

    def __init__(self, folder: Path, task: BenchTask, *, package: str) -> None:
        self.task = task
        self.package = package
        self.rows = Rows(folder / f"{task.name}.jsonl")
        self.time_model = folder / "time_models" / f"{task.name}.json"

    def key(self, step: str, **parts: object) -> Row:
        """The key of a row of this task."""
        return {"task": self.task.identity, "step": step, **parts}

    def plan_key(self, wanted: Wanted) -> Row:
        """The key of a plan by today's code; the seconds a step are no part of it: they are measured once."""
        return self.key("plan", batch_size=wanted.batch_size, has_current=wanted.has_current, study=wanted.study, package=self.package)

    def training_key(self, schedule: Schedule, *, seed: int) -> Row:
        """The key of a training."""
        return self.key("training", settings=schedule.settings.to_dict(), total_steps=schedule.total_steps, seed=seed)

    def sizes(self) -> Sizes | None:
        """Sizes and seconds a step; None before they were measured."""
        row = self.rows.get(self.key("times"))
        if row is None:
            return None
        untuned, examples = Settings.from_dict(row["untuned"]), row["full_training_examples"]
        return Sizes(
            seconds_per_step={int(size): found for size, found in row["seconds_per_step"].items()},
            n_train=row["n_train"],
            full_training_examples=examples,
            untuned=Schedule(settings=untuned, total_steps=max(1, round(examples / untuned.batch_size))),
        )

    def plan(self, wanted: Wanted) -> Planned | None:
        """The plan by today's code, or the last one that an earlier code made; None where there is none."""
        key = self.plan_key(wanted)
        row = self.rows.get(key)
        if row is not None:
            return _planned(row, is_current=True)
        older = [value for other, value in self.rows.all() if other | {"package": self.package} == key]
        return _planned(older[-1], is_current=False) if older else None

    def loss(self, schedule: Schedule, *, seed: int, on: str) -> float | None:
        """Final loss of a training `on` "valid" or "test"; +inf where it was lost, None where it was never made."""
        row = self.rows.get(self.training_key(schedule, seed=seed))
        return None if row is None else math.inf if row[on] is None else float(row[on])

    def chosen_sizes(self) -> set[int]:
        """Batch sizes of the plans with the batch size free, of each study the last one."""
        last = {key["study"]: value["settings"] for key, value in self.rows.all() if self.key("plan", batch_size=None).items() <= key.items()}
        return {int(settings["batch_size"]) for settings in last.values() if settings is not None}

    def write_time_model(self) -> Path:
        """The seconds a step as the file that `tune` takes; the same text each time.

        Raises:
            LookupError: They were not measured yet.
        """
        sizes = self.sizes()
        if sizes is None:
            raise LookupError(
                f"Seconds a step of {self.task.name} must be measured before anything is planned, and {self.rows.path} has none. Call --steps times."
            )
        data = {
            "version": TIME_MODEL_VERSION,
            "seconds_per_step": {str(size): found for size, found in sorted(sizes.seconds_per_step.items())},
            "trained_examples": 0,
        }
        self.time_model.parent.mkdir(parents=True, exist_ok=True)
        self.time_model.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        return self.time_model


def _planned(row: Row, *, is_current: bool) -> Planned:
    settings = row["settings"]
    return Planned(
        schedule=None if settings is None else Schedule(settings=Settings.from_dict(settings), total_steps=row["total_steps"]),
        outcome=row["outcome"],
        cost=row["cost"],
        stage_cost=row["stage_cost"],
        study_seconds=row["study_seconds"],
        is_current=is_current,
    )
