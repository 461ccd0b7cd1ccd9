"""The bench's memory of one task: four files of rows, and how a training is found there or made."""

from pathlib import Path

from benchmarks.proof.cache import Row, Rows
from benchmarks.proof.tasks import BenchTask
from benchmarks.proof.training import by_settings, train
from tunesmith.settings import Settings


class Store:
    """Rows of one task. Every key names the task's code, so a changed task never meets old rows.

    `reference` holds the random settings, `trainings` every other training, `studies` what methods chose, `facts` the task's sizes.

    Args:
        folder: Where the folders of all tasks lie.
        task: Whose rows.
    """

    def __init__(self, folder: Path, task: BenchTask) -> None:
        self.task = task
        self.reference = Rows(folder / task.name / "reference.jsonl")
        self.trainings = Rows(folder / task.name / "trainings.jsonl")
        self.studies = Rows(folder / task.name / "studies.jsonl")
        self.facts = Rows(folder / task.name / "facts.jsonl")

    def key(self, **parts: object) -> Row:
        """The key of a row of this task."""
        return {"task": self.task.identity, **parts}

    def training_key(self, settings: Settings, *, total_steps: int, seed: int) -> Row:
        """The key of a training by the bare loop."""
        return self.key(settings=settings.to_dict(), total_steps=total_steps, seed=seed)

    def train(self, settings: Settings, *, total_steps: int, seed: int) -> Row:
        """A training by the bare loop, test set and all."""
        task = self.task.whole
        _, found = train(task, by_settings(task, settings), batch_size=settings.batch_size, total_steps=total_steps, seed=seed)
        return found.to_row()

    @staticmethod
    def note_failure(rows: Rows, key: Row, why: str) -> None:
        """Remember that computing `key` failed; it is tried again by the next bench."""
        if rows.get(key | {"failed": why}) is None:
            rows.put(key | {"failed": why}, {"error": why})

    @staticmethod
    def failure(rows: Rows, key: Row) -> str:
        """Why `key` could not be computed the last time; empty where it has not been tried."""
        failures = [
            value["error"] for other, value in rows.all() if "failed" in other and {name: part for name, part in other.items() if name != "failed"} == key
        ]
        return failures[-1] if failures else ""
