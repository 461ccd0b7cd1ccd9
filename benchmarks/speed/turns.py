"""Contenders that take turns, so that a neighbour's load hits all of them alike."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """What something took: CPU seconds of this process with all its threads, and wall-clock seconds."""

    cpu: float
    wall: float


Contender: TypeAlias = Callable[[int], Seconds]
"""(number of the turn) → what it took. Its set-up is its own affair and not counted."""


def timed(work: Callable[[], object]) -> Seconds:
    """What `work` took."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Seconds(cpu=time.process_time() - cpu, wall=time.perf_counter() - wall)


def take_turns(contenders: Mapping[str, Contender], *, turns: int, warm_ups: int = 1) -> dict[str, list[Seconds]]:
    """Each contender once a turn, the order reversed in every other one; the first turns are not counted.

    Garbage is collected before each, so that none pays for what another left.
    """
    found: dict[str, list[Seconds]] = {name: [] for name in contenders}
    for turn in range(-warm_ups, turns):
        for name in reversed(contenders) if turn % 2 else contenders:
            gc.collect()
            seconds = contenders[name](max(turn, 0))
            if turn >= 0:
                found[name].append(seconds)
    return found


def cpu(seconds: list[Seconds]) -> tuple[float, ...]:
    """CPU seconds."""
    return tuple(one.cpu for one in seconds)


def wall(seconds: list[Seconds]) -> tuple[float, ...]:
    """Wall-clock seconds."""
    return tuple(one.wall for one in seconds)
