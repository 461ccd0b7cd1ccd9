"""Whose fault an exception is: the task's own code raises UserCodeError, everything else a sentence."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

import tunesmith
from tunesmith.errors import TaskError, TunesmithError, UserCodeError
from tunesmith.settings import RunSpec
from tunesmith.task import Task

_OURS = tuple(str(Path(module.__file__ or "").parent) for module in (tunesmith, torch))


def is_users_own(error: BaseException) -> bool:
    """Whether a frame of code that is neither ours nor torch's lies on the way to where `error` was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return any(not frame.filename.startswith((*_OURS, "<frozen")) and "contextlib" not in frame.filename for frame in frames)


@contextmanager
def user_code(task: Task, spec: RunSpec | None = None) -> Iterator[None]:
    """Turn what the task's code raises into a UserCodeError with the settings, and what torch raises because of the task into a TaskError.

    Raises:
        UserCodeError: Code of the user's own raised.
        TaskError: torch refused what the task gave it, or ran out of memory.
    """
    where = "" if spec is None else f" (settings {spec.settings}, seed {spec.seed})"
    try:
        yield
    except TunesmithError:
        raise
    except torch.OutOfMemoryError as error:
        size = "" if spec is None else f" of {spec.settings.batch_size}"
        raise TaskError(f"A batch{size} must fit into the device's memory, and it ran out. Set Task.micro_batch_size, or fix a smaller batch_size.") from error
    except Exception as error:
        reason = (str(error) or "no message").splitlines()[0]
        if is_users_own(error):
            raise UserCodeError(f"The task's own code raised {type(error).__name__}: {reason}{where}") from error
        raise TaskError(
            f"The task must be trainable as given, and torch refused it with {type(error).__name__}: {reason}{where}. Look at shapes and types of targets and outputs."
        ) from error
