"""A study's folder: which files belong in it, and the lock that lets one process write at a time."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from tunesmith.errors import StudyError

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]


DATABASE_NAME = "study.sqlite"
TIME_MODEL_NAME = "time_model.json"
CHECKPOINTS_NAME = "checkpoints"
SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=+-]*")
"""No separator and no leading dot, so that a name cannot lead out of its folder."""

NAMES_SHOWN = 3


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds other files but no study.

    Not even a `plan.toml` or a `report.html` may be there: without the database nobody can tell whose it is, and it would be overwritten.
    Hidden files, `time_model.json` and an empty `checkpoints/` may be: the first are never touched, the second is an input, the third is nothing.

    Raises:
        StudyError: Such files.
    """
    if (folder / DATABASE_NAME).exists():
        return
    foreign = sorted(
        path.name for path in folder.iterdir() if path.name != TIME_MODEL_NAME and not path.name.startswith(".") and not _is_empty_checkpoints(path)
    )
    if foreign:
        shown = ", ".join(foreign[:NAMES_SHOWN]) + (f" and {len(foreign) - NAMES_SHOWN} more" if len(foreign) > NAMES_SHOWN else "")
        raise StudyError(
            f"A new study must begin in an empty folder, and {folder} holds {shown} but no {DATABASE_NAME}. Pass another --out, or move them away."
        )


def checkpoint_path(folder: Path, name: str) -> Path:
    """Where the checkpoint `name` of the study in `folder` lies or will lie.

    Raises:
        StudyError: A name that could lead out of the folder.
    """
    if not SAFE_NAME.fullmatch(name):
        raise StudyError(f"A checkpoint's name must be letters, digits and _ . = + - without a leading dot, got {name!r}. Pass a run's key, say.")
    return folder / CHECKPOINTS_NAME / f"{name}.pt"


def lock_folder(folder: Path) -> Callable[[], None]:
    """Hold `folder` for writing until the function that comes back is called, or until this process ends.

    Nothing is written: the lock lies on the folder itself, so no file is left behind by a killed process.
    Where there is no `fcntl` (Windows), or the file system refuses such locks (some network ones), nothing is held: SQLite's own locks still keep the
    database whole, but two processes that tune into one folder are not told of each other and train the same runs twice.

    Raises:
        StudyError: Another process, or another Study in this one, is writing.
    """
    if fcntl is None:
        return _nothing
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StudyError(
            f"A study must be written by one process at a time, and another one is writing to {folder}. "
            "Wait until it has ended or stop it, or pass another --out; reading works meanwhile."
        ) from None
    except OSError:
        os.close(descriptor)
        return _nothing
    return lambda: os.close(descriptor)


def _is_empty_checkpoints(path: Path) -> bool:
    return path.name == CHECKPOINTS_NAME and path.is_dir() and not any(path.iterdir())


def _nothing() -> None:
    """Release a lock that was never held."""
