"""Whose fault an exception is: the task's own code raises UserCodeError, everything else a sentence."""

import contextlib
import os
import re
import traceback
from collections.abc import Generator
from pathlib import Path

import torch

import tunesmith
from tunesmith.errors import TaskError, TunesmithError, UserCodeError
from tunesmith.settings import RunSpec

_NOT_THE_USERS = (*(f"{Path(module.__file__ or '').parent}{os.sep}" for module in (tunesmith, torch)), contextlib.__file__, "<frozen")
NEEDS_TWO = "Expected more than 1 value per channel"  # torch's words
WITH_NORM = "With BatchNorm, a batch must have two examples or more, got one."
_WORKER = "in DataLoader worker process"


def is_users_own(error: BaseException) -> bool:
    """Whether a frame of code that is neither ours nor torch's lies on the way to where `error` was raised."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    if _WORKER in str(error):  # a worker sends its traceback as text
        files += re.findall(r'File "([^"]+)", line', str(error))
    return not all(file.startswith(_NOT_THE_USERS) for file in files)


@contextlib.contextmanager
def user_code(spec: RunSpec | None = None) -> Generator[None]:
    """Turn what the task's code raises into a UserCodeError with the settings, and what torch raises because of the task into a TaskError.

    Raises:
        UserCodeError: Code of the user's own raised.
        TaskError: torch refused what the task gave it, or ran out of memory.
    """
    where = "" if spec is None else f" (settings {spec.settings}, seed {spec.seed}{spec.condition and f', condition {spec.condition!r}'})"
    try:
        yield
    except TunesmithError:
        raise
    except torch.OutOfMemoryError as error:
        size = "" if spec is None else f" of {spec.settings.batch_size}"
        raise TaskError(f"A batch{size} must fit into the device's memory, and it ran out. Set Task.micro_batch_size, or fix a smaller batch_size.") from error
    except Exception as error:
        if NEEDS_TWO in str(error):  # whoever called torch: it is the size that is wrong
            raise TaskError(f"{WITH_NORM} Raise batch_size, or change it or micro_batch_size where one is left over for the last micro-batch.") from error
        raised = f"{type(error).__name__}: {_reason(error)}{where}"
        if is_users_own(error):
            raise UserCodeError(f"The task's own code raised {raised}") from error
        raise TaskError(f"The task must be trainable as given, and torch refused it with {raised}. Look at shapes and types of targets and outputs.") from error


def _reason(error: Exception) -> str:
    """What `error` says, in one line."""
    lines = str(error).strip().splitlines() or ["no message"]
    return lines[-1].removeprefix(f"{type(error).__name__}: ") if _WORKER in lines[0] else lines[0]
