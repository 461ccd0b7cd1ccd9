"""The bench's memory of one task: four files of rows, and what makes one by the bare loop."""

from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.proof.cache import Row, Rows
from benchmarks.proof.tasks import BenchTask
from benchmarks.proof.training import by_settings, train
from tunesmith.settings import Settings
from tunesmith.task import size_of


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A task's sizes, kept beside its rows, so that tables need no data.

    Attributes:
        full_training_examples: What costs are counted in.
        optimizer: Its name.
        n_train, n_valid, n_test: Examples.
        metrics: Name → whether higher is better.
        parameters: Of the network.
    """

    full_training_examples: float
    optimizer: str
    n_train: int
    n_valid: int
    n_test: int
    metrics: dict[str, bool]
    parameters: int


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

    def known_facts(self) -> Facts | None:
        """The task's sizes, where it has been loaded before."""
        row = self.facts.get(self.key())
        return None if row is None else Facts(**row)

    def load(self) -> None:
        """Load the task and keep its sizes.

        Raises:
            InputError, TaskError, UserCodeError: The task's file has a mistake.
        """

        def sizes() -> Row:
            task = self.task.whole
            facts = Facts(
                full_training_examples=task.full_training_examples,
                optimizer=task.optimizer_name,
                n_train=task.n_train,
                n_valid=task.n_valid or 0,
                n_test=size_of(task.test) or 0,
                metrics={name: metric.higher_is_better for name, metric in task.metrics.items()},
                parameters=sum(parameter.numel() for parameter in task.model().parameters()),
            )
            return asdict(facts)

        self.facts.once(self.key(), sizes)

    @staticmethod
    def note_failure(rows: Rows, key: Row, why: str) -> None:
        """Remember that computing `key` failed; the next bench tries it again."""
        failed = key | {"failed": why}
        if rows.get(failed) is None:
            rows.put(failed, {"error": why})

    @staticmethod
    def failure(rows: Rows, key: Row) -> str:
        """Why `key` could not be computed the last time; empty where it has not failed."""
        failures = [
            value["error"] for other, value in rows.all() if "failed" in other and {name: part for name, part in other.items() if name != "failed"} == key
        ]
        return failures[-1] if failures else ""
