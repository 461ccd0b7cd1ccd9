"""Where another process finds the task: tasks hold functions and data, which do not travel; a file and a function's name do."""

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tunesmith.errors import InputError, TaskError
from tunesmith.task import Task
from tunesmith.task_file import load_task, parse_reference


@dataclass(frozen=True, kw_only=True)
class TaskChanges:
    """What is changed in a task after it was loaded; None leaves what the task has.

    Attributes:
        schedule: Name of the shape to train with; its number of cycles is `cycles`, whatever the task's own shape has.
        cycles: How many cycles it makes.
        epochs: Length, in passes over the training set.
        micro_batch_size: What goes through the network at once.
    """

    schedule: str | None = None
    cycles: int | None = None
    epochs: float | None = None
    micro_batch_size: int | None = None

    def made_in(self, task: Task) -> Task:
        """The task with the changes.

        Raises:
            TaskError: A schedule, a number of cycles or a length that no task can have.
        """
        if self.schedule is not None:
            task = dataclasses.replace(task, schedule=self.schedule, cycles=self.cycles)
        elif self.cycles is not None:
            task = dataclasses.replace(task, cycles=self.cycles)
        if self.micro_batch_size is not None:
            task = dataclasses.replace(task, micro_batch_size=self.micro_batch_size)
        return task if self.epochs is None else dataclasses.replace(task, epochs=float(self.epochs), steps=None)


@dataclass(frozen=True, kw_only=True)
class TaskSource:
    """A task in a file, and what was changed in it after it was loaded. `TaskSource.of` makes one.

    Attributes:
        reference: "FILE:FUNCTION", the file as an absolute path.
        digest: Names the file's content.
        changes: What to change in the task.
    """

    reference: str
    digest: str
    changes: TaskChanges

    @classmethod
    def of(cls, reference: str, *, changes: TaskChanges = TaskChanges()) -> Self:
        """The source of the task that `reference` names now.

        Raises:
            InputError: `reference` is not "FILE:FUNCTION", or there is no such file.
        """
        path, function = parse_reference(reference)
        return cls(reference=f"{path}:{function}", digest=_digest(path), changes=changes)

    def load(self) -> Task:
        """The task, with the changes.

        Raises:
            TaskError: The file is not what it was: runs of two different tasks must not be compared. Or as `load_task`.
            InputError, UserCodeError: As `load_task`.
        """
        path, _ = parse_reference(self.reference)
        if _digest(path) != self.digest:
            raise TaskError(f"A task's file must not change while its runs are made, and {path} did. Start the same command again.")
        return self.changes.made_in(load_task(self.reference))


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"The task's file must be readable, and {path} is not ({error.strerror}). Look at its permissions.") from error
