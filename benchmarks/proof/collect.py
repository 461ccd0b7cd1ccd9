"""From the rows on disk to what the scores are made of. Trains nothing and needs no data."""

import math
from dataclasses import dataclass, field

from benchmarks.proof.cache import Row
from benchmarks.proof.reference import N_REFERENCE, Oracle, oracle_of, reference_rows
from benchmarks.proof.score import Point, RandomTraining, Trajectory
from benchmarks.proof.store import Store
from benchmarks.proof.study import Method, retraining_key, seeds_of_retraining, study_key
from tunesmith.cost import FORWARD_SHARE


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A task's sizes, kept beside its rows.

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


@dataclass(frozen=True, kw_only=True)
class Study:
    """One study of one method on one task.

    Attributes:
        number: Which.
        failure: Why it has no result: what its code raised, or that it has not been run; empty where it has one.
        is_crash: Whether the failure is the method's, not the bench's that has not come to it.
        is_current: Whether the code that made it is today's.
        choices: What it chose, with the retrainings of each: only the last where the method decides once.
        seconds: CPU seconds of the search.
    """

    number: int
    failure: str = ""
    is_crash: bool = False
    is_current: bool = True
    choices: list["Chosen"] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def trajectory(self) -> Trajectory:
        """Its points for the arithmetic."""
        return [Point(total=choice.total, tests=tuple(choice.tests)) for choice in self.choices]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A choice with its retrainings.

    Attributes:
        choice: As the method gave it.
        search: Cost of the search until then, in full trainings.
        final: Cost of what comes after it, in full trainings.
        retrained: A row for each fresh seed.
    """

    choice: Row
    search: float
    final: float
    retrained: list[Row]

    @property
    def total(self) -> float:
        """Search and final, in full trainings."""
        return self.search + self.final

    @property
    def tests(self) -> list[float]:
        """Test loss of each retraining; infinite where it diverged or crashed."""
        return [loss_of(row["test"]) for row in self.retrained]

    @property
    def valids(self) -> list[float]:
        """Validation loss of each retraining."""
        return [loss_of(row["valid"]) for row in self.retrained]


@dataclass(frozen=True, kw_only=True)
class TaskRows:
    """Everything that is known of one task.

    Attributes:
        store: Its rows.
        facts: Its sizes; None before the bench has first loaded it.
        reference: The random settings.
        oracle: None until all its retrainings are there.
    """

    store: Store
    facts: Facts | None
    reference: list[Row]
    oracle: Oracle | None

    @property
    def name(self) -> str:
        """The task's name."""
        return self.store.task.name

    @property
    def is_measured(self) -> bool:
        """Whether methods can be scored on it."""
        return self.facts is not None and self.oracle is not None and len(self.reference) == N_REFERENCE

    def in_trainings(self, *, trained: float, evaluated: float) -> float:
        """Examples in full trainings."""
        if self.facts is None:
            raise ValueError(f"{self.name} must have been loaded once, and was not.")
        return (trained + FORWARD_SHARE * evaluated) / self.facts.full_training_examples

    def reference_tests(self) -> list[float]:
        """Test losses of the random settings."""
        return [loss_of(row["test"]) for row in self.reference]

    def random_trainings(self, *, stops_early: bool) -> list[RandomTraining]:
        """The random settings as random search meets them; with early stopping each is judged at the best of its way."""
        return [
            RandomTraining(
                cost=self.in_trainings(trained=row["trained"], evaluated=row["evaluated"]),
                valid=_number(row["best_valid"]) if stops_early else loss_of(row["valid"]),
                test=loss_of(row["test_at_best"]) if stops_early else loss_of(row["test"]),
            )
            for row in self.reference
        ]


def loss_of(values: Row) -> float:
    """The loss in a row of values; infinite where it is null."""
    return _number(values.get("loss"))


def _number(value: float | None) -> float:
    return math.inf if value is None else float(value)


def task_rows(store: Store) -> TaskRows:
    """What is known of a task."""
    facts = store.facts.get(store.key())
    return TaskRows(store=store, facts=None if facts is None else Facts(**facts), reference=reference_rows(store), oracle=oracle_of(store))


def study_of(task: TaskRows, method: Method, number: int) -> Study:
    """Study `number` of a method, by today's code or, where that has not been run, the latest that has."""
    store = task.store
    key = study_key(store, method, number)
    row, is_current = store.studies.get(key), True
    if row is None:
        row, is_current = _latest(store, key), False
    if row is None:
        why = store.failure(store.studies, key)
        return Study(number=number, failure=why or "not run yet", is_crash=bool(why))
    choices = [_chosen(task, method, choice, trainer=row["trainer"]) for choice in row["choices"]]
    known = [choice for choice in choices if choice is not None]
    if len(known) < len(choices):
        return Study(number=number, failure="not all retrained yet")
    return Study(number=number, choices=known, seconds=row["seconds"], is_current=is_current)


def _latest(store: Store, key: Row) -> Row | None:
    """The newest study under the same key but for the code."""
    found = [value for other, value in store.studies.all() if "failed" not in other and {**other, "code": key["code"]} == key]
    return found[-1] if found else None


def _chosen(task: TaskRows, method: Method, choice: Row, *, trainer: str) -> Chosen | None:
    """The choice with its retrainings; None where one is missing. A retraining that crashed counts as one that diverged."""
    retrained = []
    for seed in seeds_of_retraining():
        key = retraining_key(task.store, method, choice, trainer=trainer, seed=seed)
        row = task.store.trainings.get(key)
        if row is None:
            why = task.store.failure(task.store.trainings, key)
            if not why:
                return None
            row = {"outcome": f"crashed: {why}", "valid": {}, "test": {}, "trained": 0, "evaluated": 0, "seconds": 0.0}
        retrained.append(row)
    final = choice["final"]
    if final is None:
        final = task.in_trainings(trained=choice["total_steps"] * choice["batch_size"], evaluated=0)
    return Chosen(choice=choice, search=choice["search"], final=final, retrained=retrained)
