"""Where results go: stdout, and nothing else goes there, whatever the task's own code prints."""

import json
import math
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TextIO

from tunesmith.settings import Json

STDOUT, STDERR = 1, 2


def write_json(document: dict[str, Json]) -> None:
    """One JSON document on stdout; a number that JSON does not know (NaN, infinity) becomes null."""
    write_text(json.dumps(_pure(document), indent=2, ensure_ascii=False, allow_nan=False))


def write_text(text: str) -> None:
    """`text` on stdout. A reader that has gone (`tunesmith show … | head`), or that never was (`>&-`), is no failure: the command did its work."""
    if sys.stdout is None:  # closed before Python began
        return
    try:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        sys.stdout.write(text.rstrip("\n").encode(encoding, errors="backslashreplace").decode(encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        drop(sys.stdout)


def drop(stream: TextIO | None) -> None:
    """What `stream` still holds goes nowhere, so that nothing fails when Python flushes it at exit. None stands for one that was closed from the start."""
    if stream is None:
        return
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def only_results_on_stdout() -> Generator[None, None, None]:
    """What is printed inside goes to stderr, from Python, from libraries and from child processes: the task's own code may print, and JSON must stay pure."""
    if sys.stdout is not None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
    kept: int | None = None
    with suppress(OSError):  # a closed stdout or stderr has nothing to protect
        kept = os.dup(STDOUT)
        os.dup2(STDERR, STDOUT)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if kept is not None:
            os.dup2(kept, STDOUT)
            os.close(kept)


def _pure(value: Json) -> Json:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _pure(item) for key, item in value.items()}
    return [_pure(item) for item in value] if isinstance(value, (list, tuple)) else value
