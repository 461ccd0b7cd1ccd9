"""A study: everything done for one task, in a folder. Written by one process, read by any number; nothing in it is ever executed or unpickled."""

import json
import os
import sqlite3
import weakref
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

from tunesmith.cost import Cost
from tunesmith.curve import Run, RunOutcome
from tunesmith.errors import StudyError
from tunesmith.experiment import Experiment, experiment_from_dict, experiment_to_dict
from tunesmith.plan import Plan, StudyCost
from tunesmith.settings import Json, RunSpec
from tunesmith.study import run_rows
from tunesmith.study.connection import close_writer, distrusted, let_readers_in, open_for_reading, open_for_writing, told, transaction
from tunesmith.study.folder import CHECKPOINTS_NAME, DATABASE_NAME, check_folder, checkpoint_path, lock_folder
from tunesmith.study.ledger import check_purpose, insert_charge, select_cost
from tunesmith.study.record_types import checked
from tunesmith.study.run_rows import StoredRun
from tunesmith.study.schema import check_tables, create_tables, is_blank


class Study:
    """Everything done for one task: runs, experiments, notes, cost and the plan, in `DIR/study.sqlite`.

    Made by `Study.create` for the one process that writes, by `Study.open` for readers. A kill at any moment leaves a study that holds every run added before.
    The folder is `DIR/{plan.toml, report.html, study.sqlite, time_model.json, checkpoints/}`; this class writes the database and makes `checkpoints/`.

    Attributes:
        folder: The folder.
        description: What the study was made for, as given to `create`: the task's name and sizes, goal, optimizer, budget, seed, versions, thresholds.

    Example:
        >>> import tempfile
        >>> from tunesmith.curve import Curve, Run
        >>> from tunesmith.cost import Cost
        >>> from tunesmith.settings import RunSpec, Settings
        >>> spec = RunSpec(settings=Settings(lr=0.1), total_steps=1, seed=0)
        >>> curve = Curve(lr=(0.1,), momentum=(0.9,), train_loss=(2.3,), eval_step=(1,), valid_loss=(2.0,), cost=Cost(trained_examples=64))
        >>> folder = tempfile.TemporaryDirectory()
        >>> with Study.create(Path(folder.name) / "mine", fingerprint="f00d", description={"full_training_examples": 640.0}) as study:
        ...     study.add(Run(spec=spec, curve=curve), purpose="search")
        >>> with Study.open(Path(folder.name) / "mine") as study:
        ...     study.find(spec).curve == curve, study.cost().search
        (True, 0.1)
        >>> folder.cleanup()
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, *, release: Callable[[], None] | None) -> None:
        """Hold an open study, for writing where there is a lock to release; `Study.create` and `Study.open` are the ways to get one."""
        self.folder = folder
        self._connection = connection
        self._is_writer = release is not None
        self._finalizer = weakref.finalize(self, _finish, connection, release, process=os.getpid())

    @classmethod
    def create(cls, folder: Path | str, *, fingerprint: str, description: dict[str, Json]) -> Self:
        """A study to write to: made in `folder`, or resumed where the same task was tuned before.

        Resuming replaces the description by the one given (a larger budget, say); the runs stay.

        Args:
            folder: Made with its parents where it is missing. Without a study in it, it must be empty but for `time_model.json` and hidden files:
                nobody's `plan.toml` or `report.html` is ever overwritten.
            fingerprint: Names the task and whatever else makes runs comparable.
            description: JSON; `full_training_examples` is needed by `cost`.

        Raises:
            StudyError: Another task's study, a newer version, a damaged database; a folder with other files, or not to be written; another process writing.
        """
        folder = Path(folder)
        database = folder / DATABASE_NAME
        with told(database, doing="Opening for writing"):
            folder.mkdir(parents=True, exist_ok=True)
            release = lock_folder(folder)
            try:
                check_folder(folder)
                _check_before_writing(database)
                connection = open_for_writing(database)
                study = cls(folder, connection, release=release)
            except BaseException:
                release()
                raise
            try:
                with transaction(connection, kind="IMMEDIATE"):
                    if is_blank(connection):
                        create_tables(connection)
                        study._set_fact("fingerprint", fingerprint)
                    study._check_fingerprint(fingerprint)
                    study._set_fact("description", description)
                let_readers_in(connection)
                (folder / CHECKPOINTS_NAME).mkdir(exist_ok=True)
            except BaseException:
                study.close()
                raise
        return study

    @classmethod
    def open(cls, folder: Path | str) -> Self:
        """A study to read, also from a read-only folder and while another process writes to it.

        Raises:
            StudyError: No study there; a newer version; a damaged or foreign database.
        """
        folder = Path(folder)
        database = folder / DATABASE_NAME
        with told(database, doing="Reading"), distrusted(database):
            if not database.is_file():
                raise StudyError(f"A study must be a folder that holds {DATABASE_NAME}, and {folder} does not. Pass the --out folder of a `tunesmith tune`.")
            connection = open_for_reading(database)
            try:
                check_tables(connection, database)
            except BaseException:
                connection.close()
                raise
        return cls(folder, connection, release=None)

    @property
    def description(self) -> dict[str, Json]:
        """What the study was made for, as given to `create`."""
        with self._reading():
            return _object(self._fact("description"))

    @property
    def fingerprint(self) -> str:
        """Names the task and whatever else makes runs comparable."""
        with self._reading():
            return str(self._fact("fingerprint"))

    def find(self, spec: RunSpec) -> Run | None:
        """The run that was made for `spec`, if it is there."""
        with self._reading():
            stored = run_rows.select_run(self._connection, key=spec.key)
        return None if stored is None else stored.run

    def add(self, run: Run, *, purpose: str) -> None:
        """Store `run` in one transaction: one row an update, one an evaluation.

        A run that was STOPPED is replaced by one of the same spec, in its place and on its account; no other is.

        Args:
            run: What was trained.
            purpose: Whose account its cost goes on: "search", "confirm" or "baseline".

        Raises:
            StudyError: Another purpose; a run of the same spec that had not been stopped; a curve with columns of different length; a failed write.
        """
        check_purpose(purpose)
        with self._writing("a run"):
            position = self._make_room(run.spec.key)
            run_rows.insert_run(self._connection, run, purpose=purpose, position=position)

    def runs(self) -> tuple[StoredRun, ...]:
        """All runs, in the order of storing."""
        with self._reading():
            return run_rows.select_runs(self._connection)

    def put_experiment(self, experiment: Experiment) -> None:
        """Store what a probe did; it replaces an experiment of the same probe, in its place.

        Raises:
            StudyError: A run of it is not in the study; a study that cannot be written.
        """
        body = _to_text(experiment_to_dict(experiment), of=f"experiment {experiment.probe!r}")
        with self._writing("an experiment"):
            known = {key for (key,) in self._connection.execute("SELECT key FROM run")}
            missing = [arm.label for arm in experiment.arms if arm.run.spec.key not in known]
            if missing:
                raise StudyError(f"An experiment's runs must be in the study, and of {experiment.probe!r} {missing} are not. Call `add` first.")
            self._connection.execute(
                "INSERT INTO experiment(probe, body) VALUES (?, ?) ON CONFLICT(probe) DO UPDATE SET body = excluded.body", (experiment.probe, body)
            )

    def experiments(self) -> tuple[Experiment, ...]:
        """All experiments, in the order in which each was first stored."""
        with self._reading():
            bodies = self._connection.execute("SELECT body FROM experiment ORDER BY position").fetchall()
            stored = [json.loads(body) for (body,) in bodies]
            keys = {arm["key"] for data in stored for arm in data["arms"]}
            runs = {key: found.run for key in keys if (found := run_rows.select_run(self._connection, key=key))}
            return tuple(checked(experiment_from_dict(data, runs=runs)) for data in stored)

    def put_plan(self, plan: Plan) -> None:
        """Store the recommendation; it replaces the one before."""
        with self._writing("the plan"):
            self._set_fact("plan", plan.to_dict())

    @property
    def plan(self) -> Plan | None:
        """The recommendation; None before there is one."""
        with self._reading():
            data = self._fact("plan")
            return None if data is None else checked(Plan.from_dict(_object(data)))

    def charge(self, name: str, cost: Cost, *, purpose: str) -> None:
        """Put on account what was spent outside runs, such as measuring the time model; it replaces a charge of the same name.

        Raises:
            StudyError: Another purpose than a run may have; a study that cannot be written.
        """
        check_purpose(purpose)
        with self._writing("a charge"):
            insert_charge(self._connection, cost, name=name, purpose=purpose)

    def cost(self) -> StudyCost:
        """What was spent so far, by purpose, in full trainings of `description["full_training_examples"]` examples."""
        with self._reading():
            full = float(_object(self._fact("description"))["full_training_examples"])  # type: ignore[arg-type]
            return select_cost(self._connection, full_training_examples=full)

    def note(self, name: str, value: Json) -> None:
        """Keep a small fact, such as the device; it replaces one of the same name."""
        text = _to_text(value, of=f"note {name!r}")
        with self._writing("a note"):
            self._connection.execute("INSERT INTO note(name, value) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", (name, text))

    @property
    def notes(self) -> dict[str, Json]:
        """Name → value of everything noted, in the order in which each was first noted."""
        with self._reading():
            return {name: json.loads(value) for name, value in self._connection.execute("SELECT name, value FROM note ORDER BY position")}

    def checkpoint(self, name: str) -> Path:
        """Where the checkpoint `name` lies or will lie: `DIR/checkpoints/name.pt`.

        Raises:
            StudyError: A name that could lead out of that folder.
        """
        return checkpoint_path(self.folder, name)

    def close(self) -> None:
        """Give the folder back; a second call does nothing. Leaving a `with` block, or the end of the process, does the same."""
        self._finalizer()

    def __enter__(self) -> Self:
        """The study itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @contextmanager
    def _reading(self) -> Generator[None]:
        database = self.folder / DATABASE_NAME
        with told(database, doing="Reading"), distrusted(database), transaction(self._connection, kind="DEFERRED"):
            yield  # several queries see one moment, whatever another process writes

    @contextmanager
    def _writing(self, what: str) -> Generator[None]:
        if not self._is_writer:
            raise StudyError(f"A study opened by Study.open must only be read, and {what} was to be stored in {self.folder}. Open it by Study.create.")
        with told(self.folder / DATABASE_NAME, doing=f"Storing {what} in"), transaction(self._connection, kind="IMMEDIATE"):
            yield

    def _make_room(self, key: str) -> int:
        before = self._connection.execute("SELECT position, outcome FROM run WHERE key = ?", (key,)).fetchone()
        if before is None:
            return int(self._connection.execute("SELECT coalesce(max(position) + 1, 0) FROM run").fetchone()[0])
        position, outcome = int(before[0]), before[1]
        if outcome != RunOutcome.STOPPED:
            raise StudyError(f"A study must hold one run a spec, and run {key} is in {self.folder} already. Ask `find` before training.")
        run_rows.delete_run(self._connection, position=position)
        return position

    def _fact(self, name: str) -> Json:
        row = self._connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def _set_fact(self, name: str, value: Json) -> None:
        self._connection.execute("INSERT OR REPLACE INTO fact(name, value) VALUES (?, ?)", (name, _to_text(value, of=name)))

    def _check_fingerprint(self, fingerprint: str) -> None:
        with distrusted(self.folder / DATABASE_NAME):
            stored = self._fact("fingerprint")
        if stored != fingerprint:
            raise StudyError(
                f"A study must go on with the task that it was made for, and {self.folder} holds another task's "
                f"(fingerprint {stored}, this one is {fingerprint}). Pass another --out, or give back the task and data of before."
            )


def _check_before_writing(database: Path) -> None:
    """Refuse a database that is not ours to write before it is opened for writing, which alone may change its journal."""
    if not database.exists():
        return
    with closing(open_for_reading(database)) as connection, distrusted(database):
        if not is_blank(connection):
            check_tables(connection, database)


def _to_text(value: object, *, of: str) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise StudyError(f"What a study stores must be JSON, and its {of} is not ({error}). Pass plain Python numbers, strings, lists and dicts.") from error


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise StudyError(f"A study's description and plan must be JSON objects, got {type(value).__name__}. The database was damaged: pass another --out.")
    return value


def _finish(connection: sqlite3.Connection, release: Callable[[], None] | None, *, process: int) -> None:
    if os.getpid() != process:
        return  # a forked child that ends must not touch its parent's database
    if release is None:
        connection.close()
        return
    try:
        close_writer(connection)
    finally:
        release()
