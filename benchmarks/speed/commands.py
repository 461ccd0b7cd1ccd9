"""Our commands as processes of their own, and what they took."""

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed.turns import Contender, Seconds

SCRIPT = Path(sys.executable).with_name("tunesmith")
TUNESMITH = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "tunesmith.cli"]


def command(words: Sequence[str]) -> Contender:
    """A process from its start to its end; its CPU seconds are those of all its threads."""

    def run(_turn: int) -> Seconds:
        cpu, wall = _children_seconds(), time.perf_counter()
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603 (our own command)
        return Seconds(cpu=_children_seconds() - cpu, wall=time.perf_counter() - wall)

    return run


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
