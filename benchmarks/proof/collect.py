"""From the rows on disk to what the scores are made of. Trains nothing and needs no data."""

import math
from dataclasses import dataclass, field

from benchmarks.proof.cache import Row
from benchmarks.proof.methods import Method
from benchmarks.proof.reference import N_BEST, N_REFERENCE, Oracle, best_of, oracle_of, reference_rows
from benchmarks.proof.score import Point, RandomTraining, Trajectory
from benchmarks.proof.store import Facts, Store
from benchmarks.proof.study import RETRAINING_SEEDS, retraining_key, study_key
from tunesmith.cost import Cost


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
    def tests(self) -> list[float]:
        """Test loss of each retraining; infinite where it diverged or crashed."""
        return [loss_of(row["test"]) for row in self.retrained]

    @property
    def valids(self) -> list[float]:
        """Validation loss of each retraining."""
        return [loss_of(row["valid"]) for row in self.retrained]


@dataclass(frozen=True, kw_only=True)
class Study:
    """One study of one method on one task.

    Attributes:
        number: Which.
        failure: Why it has no result: what its code raised, or that it has not been run; empty where it has one.
        is_crash: Whether the failure is the method's, not that the bench has not come to it.
        is_current: Whether the code that made it is today's.
        choices: What it chose, in the order of choosing, with the retrainings of each.
        searches_on: Whether the method goes on searching, and may be stopped anywhere.
        search: What its search cost to its end, in full trainings, improvement or not.
        seconds: CPU seconds until it had chosen; ours confirm and report within them.
    """

    number: int
    failure: str = ""
    is_crash: bool = False
    is_current: bool = True
    choices: list[Chosen] = field(default_factory=list)
    searches_on: bool = False
    search: float = 0.0
    seconds: float = 0.0

    @property
    def crashed_retrainings(self) -> set[str]:
        """Why retrainings of what it chose in the end did not come to their end."""
        return {row["outcome"] for row in self.choices[-1].retrained if row["outcome"].startswith("crashed")} if self.choices else set()

    @property
    def total(self) -> float:
        """The whole search and the final training, in full trainings."""
        return self.search + self.choices[-1].final

    @property
    def trajectory(self) -> Trajectory:
        """Its points for the arithmetic; a study that crashed has nothing to use, at any cost."""
        if self.is_crash:
            return [Point(total=0.0, tests=(math.inf,))]
        return [Point(total=choice.search + choice.final, tests=tuple(choice.tests)) for choice in self.choices]


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
    def why_not_measured(self) -> str:
        """Why no method can be scored on it; empty where one can."""
        if self.facts is None:
            return "it was not loaded yet"
        if len(self.reference) < N_REFERENCE:
            return f"{len(self.reference)} of {N_REFERENCE} random settings are there"
        if len(best_of(self.reference)) < N_BEST:
            return f"fewer than {N_BEST} of its random settings finish, so there is no scale to measure by"
        if self.oracle is None:
            return "the retrainings of its best random settings are not complete"
        if not (math.isfinite(self.oracle.test) and 0 < self.oracle.spread < math.inf):
            return "its best random settings diverge on fresh seeds, or do not vary at all, so there is no scale to measure by"
        return ""

    @property
    def cpu_seconds(self) -> float:
        """What all its rows took to make, of whatever method."""
        files = (self.store.reference, self.store.trainings, self.store.studies)
        return sum(value.get("seconds", 0.0) for rows in files for key, value in rows.all() if key["task"] == self.store.task.identity)

    def in_trainings(self, cost: Cost) -> float:
        """A cost in full trainings."""
        if self.facts is None:
            raise ValueError(f"{self.name} must have been loaded once, and was not.")
        return cost.full_trainings(full_training_examples=self.facts.full_training_examples)

    @property
    def _n_valid(self) -> int:
        return 0 if self.facts is None else self.facts.n_valid

    def reference_tests(self) -> list[float]:
        """Test losses of the random settings."""
        return [loss_of(row["test"]) for row in self.reference]

    def random_trainings(self, *, stops_early: bool) -> list[RandomTraining]:
        """The random settings as random search meets them; with early stopping each is judged at the best of its way."""
        return [
            RandomTraining(
                search=self.in_trainings(Cost(trained_examples=row["trained"], evaluated_examples=row["evaluated"] if stops_early else self._n_valid)),
                final=self.in_trainings(Cost(trained_examples=row["trained"])),
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
    return TaskRows(store=store, facts=store.known_facts(), reference=reference_rows(store), oracle=oracle_of(store))


def study_of(task: TaskRows, method: Method, number: int) -> Study:
    """Study `number` of a method, by today's code or, where that has not been tried, the latest that has."""
    store = task.store
    key = study_key(store, method, number)
    row, why, is_current = store.studies.get(key), store.failure(store.studies, key), True
    if row is None and not why:
        (key, row), is_current = _latest(store, key), False
    if row is None:
        return Study(number=number, failure=why or "not run yet", is_crash=bool(why))
    choices = [_chosen(task, method, choice, trainer=row["trainer"], code=key["code"]) for choice in row["choices"]]
    known = [choice for choice in choices if choice is not None]
    if len(known) < len(choices):
        return Study(number=number, failure=why or "not all retrained yet", is_crash=bool(why))
    return Study(number=number, choices=known, searches_on=row["searches_on"], search=row["search"], seconds=row["seconds"], is_current=is_current)


def _latest(store: Store, key: Row) -> tuple[Row, Row | None]:
    """The newest study under the same key but for the code, with its key."""
    found = [(other, value) for other, value in store.studies.all() if "failed" not in other and {**other, "code": key["code"]} == key]
    return found[-1] if found else (key, None)


def _chosen(task: TaskRows, method: Method, choice: Row, *, trainer: str, code: str) -> Chosen | None:
    """The choice with its retrainings; None where one is missing. A retraining that crashed counts as one that diverged."""
    retrained = []
    for seed in RETRAINING_SEEDS:
        key = retraining_key(task.store, method, choice, trainer=trainer, code=code, seed=seed)
        row = task.store.trainings.get(key)
        if row is None:
            why = task.store.failure(task.store.trainings, key)
            if not why:
                return None
            row = {"outcome": f"crashed: {why}", "valid": {}, "test": {}}
        retrained.append(row)
    final = choice["final"]
    if final is None:
        final = task.in_trainings(Cost(trained_examples=choice["total_steps"] * choice["batch_size"]))
    return Chosen(choice=choice, search=choice["search"], final=final, retrained=retrained)
