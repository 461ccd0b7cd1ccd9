"""From "FILE:FUNCTION" to a Task: imports the user's file, calls the function, and says in one sentence what does not fit. Trains nothing."""

import dataclasses
import difflib
import hashlib
import importlib.util
import inspect
import os
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from tunesmith.errors import InputError, TaskError, TunesmithError, UserCodeError
from tunesmith.task import AS_GIVEN, Task


def load_task(reference: str) -> Task:
    """The task that a function in a file describes.

    The file is executed afresh at each call, under a module name of its own. Its folder goes to the front of `sys.path` and stays there, as with `python FILE`,
    because makers may import their neighbours only when they are called.

    Args:
        reference: "FILE:FUNCTION": a path to a `.py` file, and a function in it that needs no argument and returns a `tunesmith.Task`.

    Raises:
        InputError: `reference` is not of that form, or there is no such file.
        TaskError: The file has no such function, it needs arguments, or it returns no Task.
        UserCodeError: Importing the file or calling the function raised; `__cause__` is what it raised.

    Example:
        >>> load_task("train.py")
        Traceback (most recent call last):
        tunesmith.errors.InputError: A task must be given as FILE:FUNCTION, got 'train.py'. Write 'train.py:task', with the name of your function.
    """
    task = _described(reference)
    if not isinstance(task, Task):
        hint = " Does it lack a `return`?" if task is None else ""
        raise TaskError(f"{reference} must return a tunesmith.Task, got {type(task).__name__}.{hint or ' Return tunesmith.Task(model=…, train=…, valid=…).'}")
    return task


def load_tasks(reference: str) -> dict[str, Task] | list[Task]:
    """The series of tasks that a function in a file describes: a dict from names to tasks, a list of them, or one task with `conditions`.

    One task with `conditions` is the series of its own network, "as given", and each of those. The file is executed as `load_task` does.

    Args:
        reference: "FILE:FUNCTION".

    Raises:
        InputError, UserCodeError: As `load_task`.
        TaskError: The function returns something else.
    """
    found = _described(reference)
    if isinstance(found, Task) and found.conditions:
        return {AS_GIVEN: found} | {name: dataclasses.replace(found, model=make) for name, make in found.conditions.items()}
    tasks = list(found.values()) if isinstance(found, dict) else found
    strange = [type(task).__name__ for task in tasks if not isinstance(task, Task)] if isinstance(tasks, list) else [type(found).__name__]
    if strange or not tasks:
        got = "a Task without conditions" if isinstance(found, Task) else strange[0] if strange else "none"
        raise TaskError(f"{reference} must return a dict or list of tunesmith.Task, or one Task with conditions=, got {got}. Return {{'width 64': task, …}}.")
    return found  # type: ignore[return-value]  # every item was looked at


def _described(reference: str) -> object:
    """What the function in the file returns."""
    path, name = parse_reference(reference)
    return _call(_function(_import(path), name, path=path), reference)


def parse_reference(reference: str) -> tuple[Path, str]:
    """The file, as an absolute path, and the function's name in "FILE:FUNCTION".

    Raises:
        InputError: Not of that form, or no Python file that can be read.
    """
    file, colon, name = reference.rpartition(":")
    if not colon or not file or not name.isidentifier():
        example = f"{reference}:task" if reference.endswith(".py") else "train.py:task"
        raise InputError(f"A task must be given as FILE:FUNCTION, got {reference!r}. Write {example!r}, with the name of your function.")
    path = Path(file)
    if not path.is_file():
        near = _near(path.name, sorted(other.name for other in path.parent.glob("*.py"))) if path.parent.is_dir() else ""
        raise InputError(f"The task's file must exist, and {file!r} {'is a folder' if path.is_dir() else 'does not'}.{near or ' Look at the path.'}")
    if path.suffix != ".py":
        raise InputError(f"The task's file must be a Python file (.py), got {file!r}. Move the function into one.")
    if not os.access(path, os.R_OK):
        raise InputError(f"The task's file must be readable, and {file!r} is not. Look at its permissions.")
    return path.resolve(), name


def _near(name: str, names: list[str]) -> str:
    """A sentence that offers `names`, the closest to `name` first; empty where there are none."""
    if not names:
        return ""
    close = difflib.get_close_matches(name, names, n=3)
    return f" Did you mean {' or '.join(close)}?" if close else f" There is {', '.join(names[:8])}{', …' if len(names) > 8 else ''}."  # noqa: PLR2004 (a line's worth)


def _import(path: Path) -> ModuleType:
    """Executes the file under a name that no other module has, and leaves no bytecode beside it."""
    module_name = f"_tunesmith_task_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    loader = SourceFileLoader(module_name, str(path))
    spec = importlib.util.spec_from_file_location(module_name, path, loader=loader)
    if spec is None:
        raise InputError(f"The task's file must be importable, and {str(path)!r} is not. Give a plain Python file.")
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    sys.modules[module_name] = module  # dataclasses and pickle look a class's module up there
    try:
        exec(loader.source_to_code(loader.get_data(str(path)), str(path)), module.__dict__)  # noqa: S102 (the user asked for it)
    except BaseException as error:
        del sys.modules[module_name]
        if isinstance(error, TunesmithError) or not isinstance(error, (Exception, SystemExit)):
            raise
        raise UserCodeError(f"The task's own code failed: importing {path.name} raised {_named(error)}.") from error
    return module


def _function(module: ModuleType, name: str, *, path: Path) -> object:
    if not hasattr(module, name):
        functions = [key for key, value in vars(module).items() if inspect.isfunction(value) and value.__module__ == module.__name__]
        raise TaskError(f"{path.name} must define the function {name!r}, and does not.{_near(name, functions) or ' It defines no function at all.'}")
    function = getattr(module, name)
    if isinstance(function, Task):
        raise TaskError(f"{path.name}:{name} must be a function that returns a Task, got the Task itself. Write `def {name}(): return tunesmith.Task(…)`.")
    if not callable(function):
        raise TaskError(f"{path.name}:{name} must be a function () -> tunesmith.Task, got {type(function).__name__}. Name the function that makes the task.")
    return function


def _call(function: object, reference: str) -> object:
    if not callable(function):
        raise TypeError(function)
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise TaskError(f"{reference} must need no argument, and it has a {error}. Give the arguments defaults.") from error
    except ValueError:  # some callables written in C do not tell their signature: the call will
        pass
    try:
        return function()
    except TunesmithError:
        raise
    except (Exception, SystemExit) as error:
        raise UserCodeError(f"The task's own code failed: {reference} raised {_named(error)}.") from error


def _named(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
