"""Weights on disk: what `torch.load(weights_only=True)` reads, written to a temporary name, flushed, renamed."""

import contextlib
import os
from pathlib import Path

import torch
from torch import Tensor

from tunesmith.errors import StudyError


def save_weights(weights: dict[str, Tensor], path: Path) -> None:
    """Write a state dict; a reader sees the old file or the new one, never half of it.

    Raises:
        StudyError: The folder cannot be written or is full.
    """
    temporary = path.with_name(path.name + ".writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            torch.save(weights, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        with contextlib.suppress(OSError):  # a folder that cannot be written cannot be cleaned
            temporary.unlink(missing_ok=True)
        raise StudyError(f"Weights must be writable to {path}, and were not ({error}). Free space or pass another --out; finished runs are kept.") from error
