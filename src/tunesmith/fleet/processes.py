"""Runs in local processes, several at a time, each run in a supervised process of its own: one that dies takes no other with it."""

import multiprocessing
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Literal, NoReturn, TypeAlias

import torch

from tunesmith.engine import RunResult
from tunesmith.errors import InputError, TaskError
from tunesmith.fleet.child import Failed, Message, Order, Raised, Stepped, make_run
from tunesmith.fleet.task_source import TaskSource
from tunesmith.settings import RunSpec
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

StartMethod: TypeAlias = Literal["forkserver", "spawn"]
BEST_START_METHOD: StartMethod = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
PRELOADED = ["torch", "torch._dynamo", "tunesmith.fleet.child"]
"""What the fork server imports once for all runs: the first optimizer imports `torch._dynamo`. A run then starts in hundredths of a second, not in seconds."""
MOST_ATTEMPTS = 2
"""A process that was killed may have been unlucky once (our choice)."""
FAREWELL_SECONDS = 5.0
"""What a process that has sent its run gets to end by itself (our choice)."""
NAME = "tunesmith run"


def _ignore(*_: object) -> None:
    """Hears nothing."""


@dataclass(frozen=True, kw_only=True)
class Processes:
    """Makes runs in `workers` processes at a time, with the same bits as in this one.

    A start costs some hundredths of a second (the first one the seconds in which torch is imported) and what loading the task takes, which every run does for
    itself. The first run of each call also checks, with one small batch that no account counts, that its process found the same task as this one.

    Attributes:
        source: Where the processes find the task.
        workers: Processes at a time; ≥ 1.
        device: As torch spells it; each process has its own context on it.
        thresholds: When a run counts as diverged.
        fingerprint: Of the task as this process knows it (`Checked.fingerprint`); None checks nothing.
        start_method: How processes start. Default: "forkserver" where there is one, else "spawn".

    Raises:
        InputError: `workers` < 1.
        TaskError: Made in the process of a run, which happens where a task's file trains while it is imported.
    """

    source: TaskSource
    workers: int
    device: str = "cpu"
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    fingerprint: str | None = None
    start_method: StartMethod = BEST_START_METHOD

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise InputError(f"workers must be ≥ 1, got {self.workers!r}. Pass how many processes may train at the same time.")
        if multiprocessing.current_process().name.startswith(NAME):
            raise TaskError(
                "A task's file must only define things when it is imported, and this one trains. Put what trains under `if __name__ == '__main__':`."
            )

    def warm_up(self) -> None:
        """Let what every process needs be imported in the background, so that the first ones need not wait. A second call does nothing."""
        if self.start_method == "forkserver":
            multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
            resource_tracker.ensure_running()  # by itself: it would unblock SIGINT
            with _interrupts_blocked():
                forkserver.ensure_running()

    def run(
        self,
        specs: Sequence[RunSpec],
        *,
        on_step: Callable[[int, int, float], None] = _ignore,
        on_result: Callable[[int, RunResult], None] = _ignore,
    ) -> list[RunResult]:
        """Make the runs; whatever happens, no process is left behind.

        Args:
            specs: What to train.
            on_step: Called now and then with (index of the spec, updates done, examples spent); for progress only.
            on_result: Called with (index of the spec, its run) as soon as each is there, in the order in which they end.

        Returns:
            The runs, in the order of the specs.

        Raises:
            TaskError: A process died twice over the same run, or found another task than this one; or as `run_spec`.
            InputError, UserCodeError: As `run_spec` and `load_task`. Notes on the cause hold the traceback.
        """
        self.warm_up()
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()  # other processes need what this one only holds in reserve
        results: dict[int, RunResult] = {}
        waiting = deque((index, 1) for index in range(len(specs)))
        running: list[_Child] = []
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    index, attempt = waiting.popleft()
                    running.append(self._start(specs[index], index=index, attempt=attempt))
                for child in _speaking(running):
                    message = child.receive()
                    if isinstance(message, Stepped):
                        on_step(child.index, message.step, message.examples)
                        continue
                    if isinstance(message, Failed):
                        _raise(message)
                    running.remove(child)
                    child.end()
                    if message is None:
                        waiting.appendleft((child.index, _next_attempt(child, specs[child.index])))
                    else:
                        results[child.index] = message.result
                        on_result(child.index, message.result)
        finally:
            for child in running:
                child.kill()
            for child in running:
                child.end()
        return [results[index] for index in range(len(specs))]

    def _start(self, spec: RunSpec, *, index: int, attempt: int) -> "_Child":
        order = Order(
            source=self.source, spec=spec, device=self.device, thresholds=self.thresholds, threads=torch.get_num_threads(),
            fingerprint=self.fingerprint if index == 0 else None,
        )  # fmt: skip
        context = multiprocessing.get_context("spawn") if self.start_method == "spawn" else multiprocessing.get_context("forkserver")
        ours, theirs = context.Pipe()
        # Not daemonic: the task's own DataLoader may start processes.
        process = context.Process(target=make_run, args=(theirs, order), name=f"{NAME} {index}", daemon=False)
        try:
            with _without_main(), _interrupts_blocked(blocks=self.start_method == "spawn"):
                process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return _Child(index=index, attempt=attempt, process=process, connection=ours)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Child:
    """A process that makes a run."""

    index: int
    attempt: int
    process: BaseProcess
    connection: Connection

    def receive(self) -> Message | None:
        """What it has said; None where it has ended without a word."""
        try:
            return pickle.loads(self.connection.recv_bytes()) if self.connection.poll() else None  # noqa: S301 (our own process wrote it)
        except (EOFError, OSError):
            return None

    def kill(self) -> None:
        """End it at once, and the processes that it started."""
        if hasattr(os, "killpg") and self.process.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()  # it may not have had a group of its own yet

    def end(self) -> None:
        """Wait for its end; it is hastened where it takes too long, and nothing stays behind where it was no good one."""
        self.process.join(FAREWELL_SECONDS)
        if self.process.exitcode != 0:
            self.kill()
            self.process.join(FAREWELL_SECONDS)
        self.connection.close()


def _speaking(children: list[_Child]) -> list[_Child]:
    """Waits for those that have something to say, or have died."""
    ready = set(wait([handle for child in children for handle in (child.connection, child.process.sentinel)]))
    return [child for child in children if child.connection in ready or child.process.sentinel in ready]


def _raise(failed: Failed) -> NoReturn:
    """Raise what the process raised, with its traceback in a note."""
    error = _exception(failed.error)
    cause = None if failed.cause is None else _exception(failed.cause)
    (cause or error).add_note(f"Raised in the process of a run:\n{failed.text}")
    raise error from cause


def _exception(raised: Raised) -> BaseException:
    """The exception, or one in its place that says the same."""
    try:
        found: object = None if raised.pickled is None else pickle.loads(raised.pickled)  # noqa: S301 (our own process wrote it)
    except Exception:  # noqa: BLE001 (one of the task's own may not come back: its class is known to its process alone)
        found = None
    return found if isinstance(found, BaseException) else RuntimeError(raised.said)


def _next_attempt(child: _Child, spec: RunSpec) -> int:
    """The number of the attempt to make after a death.

    Raises:
        TaskError: There have been enough.
    """
    if child.attempt < MOST_ATTEMPTS:
        return child.attempt + 1
    code, settings = child.process.exitcode, spec.settings
    how = f"was killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"ended with exit code {code}"
    raise TaskError(
        f"The process of a run must live until the run is made, and that of lr {settings.lr:.3g}, batch size {settings.batch_size}, seed {spec.seed} "
        f"{how}, {MOST_ATTEMPTS} times. SIGKILL mostly means that memory ran out: use fewer workers or a smaller batch size. What was finished is kept."
    )


@contextmanager
def _without_main() -> Generator[None]:
    """Hide this process's script: multiprocessing would run it again in every child, which needs the task's file alone."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _interrupts_blocked(*, blocks: bool = True) -> Generator[None]:
    """A process started inside does not hear Ctrl-C until it says so: while it starts, it would answer with a traceback."""
    if not blocks or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
