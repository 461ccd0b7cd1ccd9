"""The bench's tasks: files as a user writes them, found by name, checked, and known by what their code says."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from benchmarks.proof.digest import source_digest
from tunesmith.coupling import is_adam_kind
from tunesmith.errors import InputError, UserCodeError
from tunesmith.optimizers import OPTIMIZER_NAMES
from tunesmith.settings import Settings
from tunesmith.task import Task, size_of
from tunesmith.task_file import load_task

TASKS_FOLDER = Path(__file__).parents[1] / "tasks"
DATA = "TUNESMITH_DATA"


@dataclass(frozen=True)
class BenchTask:
    """A task of the bench, loaded when its data is first needed: a table is made from the cache without it.

    Attributes:
        name: The file's name without `.py`.
        path: The file, with a function `task`.
    """

    name: str
    path: Path

    @cached_property
    def identity(self) -> str:
        """What its rows in the cache are filed under: another text, another task."""
        return source_digest(self.path.read_text())

    @cached_property
    def whole(self) -> Task:
        """The task with its test set.

        Raises:
            InputError: A task that the bench cannot measure.
        """
        try:
            task = load_task(f"{self.path}:task")
        except UserCodeError as error:
            if not isinstance(error.__cause__, KeyError) or error.__cause__.args != (DATA,):
                raise
            raise InputError(f"{DATA} must name the folder that holds the data sets, and it is unset: export {DATA}=FOLDER (benchmarks/README.md).") from error
        problem = _problem(task)
        if source_digest(self.path.read_text()) != self.identity:
            problem = "the file must not change while the bench runs, and it has. Start the bench again."
        if problem:
            raise InputError(f"{self.path.name}: {problem}")
        return task

    @cached_property
    def without_test(self) -> Task:
        """What a method sees."""
        return replace(self.whole, test=None)

    @property
    def untuned(self) -> Settings:
        """What one starts with: SGD .01 with momentum .9, AdamW .001 with decay .01; batches of 64, constant learning rate."""
        if is_adam_kind(self.whole.optimizer_name):
            return Settings(lr=1e-3, momentum=0.9, weight_decay=0.01, batch_size=min(64, self.whole.n_train), schedule="constant")
        return Settings(lr=0.01, momentum=0.9, batch_size=min(64, self.whole.n_train), schedule="constant")


def _problem(task: Task) -> str:
    if task.test is None:
        return "Task.test must be given: the bench judges by it. Split a test set off."
    if size_of(task.valid) is None or size_of(task.test) is None:
        return "Task.valid and Task.test must be tensors or Datasets, so that everybody's costs can be counted, got a batch maker."
    if task.optimizer not in OPTIMIZER_NAMES:
        return f"Task.optimizer must be one of {', '.join(OPTIMIZER_NAMES)}, so that a peer can make it, got {task.optimizer!r}."
    if task.goal != "loss":
        return f"Task.goal must be 'loss': the bench ranks by it, got {task.goal!r}."
    for name, plain in (("precision", "fp32"), ("compile", False), ("ema", None), ("micro_batch_size", None)):
        if getattr(task, name) != plain:
            return f"Task.{name} must be {plain!r}: the bench's bare loop and the peers train so, got {getattr(task, name)!r}."
    return ""


def find_tasks(names: list[str] | None, *, folder: Path = TASKS_FOLDER) -> list[BenchTask]:
    """The named tasks, or all in the folder.

    Raises:
        InputError: An unknown name, or a file that is no Python.
    """
    paths = {path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")}
    unknown = [name for name in names or [] if name not in paths]
    if unknown:
        raise InputError(f"TASKS must be among {', '.join(paths)}, got {', '.join(unknown)}.")
    tasks = [BenchTask(name, paths[name]) for name in names or paths]
    for task in tasks:
        try:
            _ = task.identity
        except SyntaxError as error:
            raise InputError(f"{task.path.name} must be Python, and line {error.lineno} is not: {error.msg}.") from error
    return tasks
