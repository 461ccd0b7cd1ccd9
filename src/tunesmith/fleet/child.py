"""What the process of one run does: it loads the task, trains, and sends back what came out. It stores nothing and decides nothing."""

import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import TypeAlias

import torch

from tunesmith.engine import RunResult, check_task, run_spec
from tunesmith.errors import TaskError
from tunesmith.fleet.task_source import TaskSource
from tunesmith.settings import RunSpec
from tunesmith.task import Task
from tunesmith.thresholds import Thresholds

PROGRESS_SECONDS = 0.2
"""At most one report of progress in this time, so that a fast run is not slowed down (our choice)."""
LOST = 113
"""Exit code of a child whose parent has gone, where there are no process groups; nobody reads it."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """All that a process needs to know to make a run.

    Attributes:
        source: Where the task is.
        spec: The run.
        device: As torch spells it.
        thresholds: When the run counts as diverged.
        threads: Intra-op threads of the parent: the bits of a large network depend on them.
        fingerprint: Of the parent's task, where this process is to check that it has found the same; None for no check.
    """

    source: TaskSource
    spec: RunSpec
    device: str
    thresholds: Thresholds
    threads: int
    fingerprint: str | None


@dataclass(frozen=True, kw_only=True)
class Stepped:
    """The run goes on: updates done and examples spent so far."""

    step: int
    examples: float


@dataclass(frozen=True, kw_only=True)
class Made:
    """The run has ended; however it ended, this is what it gives."""

    result: RunResult


@dataclass(frozen=True, kw_only=True)
class Raised:
    """An exception on its way to the parent.

    Attributes:
        pickled: None where it cannot be: one of the task's own may hold anything.
        said: Its type and words.
    """

    pickled: bytes | None
    said: str


@dataclass(frozen=True, kw_only=True)
class Failed:
    """An exception ended the run.

    Attributes:
        error: What was raised.
        cause: Its `__cause__`.
        text: The traceback of the cause, or of the error where it has none.
    """

    error: Raised
    cause: Raised | None
    text: str


Message: TypeAlias = Stepped | Made | Failed


def make_run(connection: Connection, order: Order) -> None:
    """Make the run and send it back: the whole life of the process."""
    _live_with_the_parent()
    message: Message
    try:
        message = Made(result=_make(order, report=_reporter(connection)))
    except BaseException as error:  # noqa: BLE001 (the parent raises it again, SystemExit included)
        message = _failure(error)
    with suppress(OSError):  # a parent that has gone hears nothing
        send(connection, message)


def send(connection: Connection, message: Message) -> None:
    """Send by plain pickle: torch's own, which multiprocessing uses, would leave the tensors in memory that this process owns."""
    connection.send_bytes(pickle.dumps(message))


def _live_with_the_parent() -> None:
    """Leave Ctrl-C to the parent, and end with it, whatever ended it: in a process group of our own, so that workers of the task's own end too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # the parent blocked it until here
    if hasattr(os, "setpgrp"):
        os.setpgrp()
    threading.Thread(target=_end_after_the_parent, name="waits for the parent's end", daemon=True).start()


def _end_after_the_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(LOST)


def _make(order: Order, *, report: Callable[[int, float], None]) -> RunResult:
    torch.set_num_threads(order.threads)
    task = order.source.load()
    if order.fingerprint is not None:
        _check_same(task, order)
    return run_spec(task, order.spec, device=order.device, thresholds=order.thresholds, on_step=report)


def _check_same(task: Task, order: Order) -> None:
    if check_task(task, device=order.device).fingerprint != order.fingerprint:
        raise TaskError(
            f"A task must be the same in every process, and {order.source.reference} gave another one here: other data, initial weights, optimizer or length. "
            "Fix the seed of what its function draws, and change nothing in the task that it returns; or leave the number of workers at 1."
        )


def _reporter(connection: Connection) -> Callable[[int, float], None]:
    last = time.monotonic()

    def report(step: int, examples: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_SECONDS:
            last = now
            send(connection, Stepped(step=step, examples=examples))

    return report


def _failure(error: BaseException) -> Failed:
    cause = error.__cause__
    text = "".join(traceback.format_exception(cause or error))
    return Failed(error=_raised(error), cause=None if cause is None else _raised(cause), text=text)


def _raised(error: BaseException) -> Raised:
    said = traceback.format_exception_only(error)[0].rstrip("\n")
    try:
        return Raised(pickled=pickle.dumps(error), said=said)
    except Exception:  # noqa: BLE001 (whatever pickling it raises)
        return Raised(pickled=None, said=said)
