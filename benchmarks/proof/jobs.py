"""What is still to be computed, and the processes that compute it: one a job, so that a crash costs one job and leaves a row that says so."""

import contextlib
import importlib
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import torch

from benchmarks.proof.cache import Row
from benchmarks.proof.methods import Method
from benchmarks.proof.reference import FRESH_SEEDS, N_BEST, N_REFERENCE, best_of, make_oracle, make_reference, oracle_key, reference_key, reference_rows
from benchmarks.proof.store import Store
from benchmarks.proof.study import RETRAINING_SEEDS, retrain, retraining_key, run_study, study_key

_CHUNK = 12
"""Random settings a job."""
_POLL_SECONDS, _PATIENCE_SECONDS = 0.05, 5.0
JOB_SECONDS = 3600.0
"""A job that takes longer is ended: something hangs (our choice)."""


@dataclass(frozen=True)
class Job:
    """Something to compute in a process of its own.

    Attributes:
        title: For the progress line.
        work: Computes it and puts it into the store.
        is_done: Whether what it computes is in the store.
        note_failure: Records why it failed; None where a failure is no result, but a mistake in a task's file or in the bench.
    """

    title: str
    work: Callable[[], object]
    is_done: Callable[[], bool]
    note_failure: Callable[[str], None] | None = None


def load_jobs(stores: Iterable[Store]) -> list[Job]:
    """Loading each task once, for its sizes; a file with a mistake is found here."""
    return [Job(f"{store.task.name}: load", store.load, is_done=partial(_is_loaded, store)) for store in stores if not _is_loaded(store)]


def _is_loaded(store: Store) -> bool:
    return store.known_facts() is not None


def reference_jobs(stores: Iterable[Store]) -> list[Job]:
    """The random settings that are missing, a dozen a job."""
    chunks = [range(start, min(start + _CHUNK, N_REFERENCE)) for start in range(0, N_REFERENCE, _CHUNK)]
    jobs = [
        Job(
            f"{store.task.name}: random settings {chunk.start} to {chunk.stop - 1}",
            partial(_make_references, store, chunk),
            is_done=partial(_are_known, store, chunk),
        )
        for store in stores
        for chunk in chunks
    ]
    return [job for job in jobs if not job.is_done()]


def _make_references(store: Store, indices: range) -> None:
    for index in indices:
        make_reference(store, index)


def _are_known(store: Store, indices: range) -> bool:
    return all(store.reference.get(reference_key(store, index)) is not None for index in indices)


def oracle_jobs(stores: Iterable[Store]) -> list[Job]:
    """The retrainings of the reference's best that are missing, one setting a job; none before the reference is complete."""
    return [
        Job(
            f"{store.task.name}: retrain random setting {place + 1} of the best {N_BEST}",
            partial(_make_oracles, store, place),
            is_done=partial(_is_retrained, store, place),
        )
        for store in stores
        if _are_known(store, range(N_REFERENCE))
        for place in range(len(best_of(reference_rows(store))))
        if not _is_retrained(store, place)
    ]


def _make_oracles(store: Store, place: int) -> None:
    for seed in FRESH_SEEDS:
        make_oracle(store, place, seed)


def _is_retrained(store: Store, place: int) -> bool:
    return all(store.trainings.get(oracle_key(store, place, seed)) is not None for seed in FRESH_SEEDS)


def study_jobs(stores: Sequence[Store], methods: Sequence[Method], *, number: int) -> list[Job]:
    """Study `number` of every method on every task, where it is missing."""
    jobs = [_method_job(store, method, number=number, what="", work=run_study, is_done=_is_chosen) for method in methods for store in stores]
    return [job for job in jobs if not job.is_done()]


def retraining_jobs(stores: Sequence[Store], methods: Sequence[Method], *, number: int) -> list[Job]:
    """Choices of study `number` that are not all retrained; in a process in which nobody searched, so that nothing of the search is left."""
    chosen = [(store, method) for method in methods for store in stores if _is_chosen(store, method, number)]
    jobs = [_method_job(store, method, number=number, what=", retrainings", work=_retrain_all, is_done=_is_settled) for store, method in chosen]
    return [job for job in jobs if not job.is_done()]


def _method_job(
    store: Store,
    method: Method,
    *,
    number: int,
    what: str,
    work: Callable[[Store, Method, int], object],
    is_done: Callable[[Store, Method, int], bool],
) -> Job:
    """A job for one study, whose failure is the method's."""
    return Job(
        f"{store.task.name}: {method.name}, study {number}{what}",
        work=partial(work, store, method, number),
        is_done=partial(is_done, store, method, number),
        note_failure=partial(_note_study_failure, store, method=method, number=number),
    )


def _is_chosen(store: Store, method: Method, number: int) -> bool:
    return store.studies.get(study_key(store, method, number)) is not None


def _retrainings(store: Store, method: Method, number: int) -> Iterator[tuple[Row, int, str, Row]]:
    """(choice, seed, trainer, key) of every training on a fresh seed that a study asks for."""
    row = store.studies.get(study_key(store, method, number)) or {"choices": [], "trainer": ""}
    for choice in row["choices"]:
        for seed in RETRAINING_SEEDS:
            yield choice, seed, row["trainer"], retraining_key(store, method, choice, trainer=row["trainer"], code=method.identity, seed=seed)


def _is_settled(store: Store, method: Method, number: int) -> bool:
    return all(store.trainings.get(key) is not None for *_, key in _retrainings(store, method, number))


def _retrain_all(store: Store, method: Method, number: int) -> None:
    for choice, seed, trainer, key in _retrainings(store, method, number):
        try:
            retrain(store, method, choice, trainer=trainer, seed=seed)
        except Exception as error:  # noqa: BLE001 (whatever a peer's trainer raises is its result)
            store.note_failure(store.trainings, key, named(error))


def _note_study_failure(store: Store, why: str, *, method: Method, number: int) -> None:
    store.note_failure(store.studies, study_key(store, method, number), why)


def named(error: BaseException) -> str:
    """An exception in one line of at most 200 characters.

    Example:
        >>> named(ImportError("No module named 'fastai'"))
        "ImportError: No module named 'fastai'"
    """
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200].removesuffix(": ")


@dataclass(frozen=True)
class _Running:
    """A job in its process."""

    number: int
    job: Job
    process: BaseProcess
    receiver: Connection
    started: float

    def has_ended(self) -> bool:
        """Whether it has, or was made to because it takes too long."""
        if self.process.is_alive() and time.monotonic() - self.started > JOB_SECONDS:
            self.process.kill()
            self.process.join()
        return not self.process.is_alive()

    def why_failed(self) -> str:
        """What it raised or how it died; empty where it did its work."""
        self.process.join()
        if self.receiver.poll():  # a grandchild may hold the other end open for ever
            with contextlib.suppress(EOFError):
                return str(self.receiver.recv())
        code = self.process.exitcode or 0
        if time.monotonic() - self.started > JOB_SECONDS:
            return f"it took longer than {JOB_SECONDS:.0f} s"
        if code:
            return f"its process died with {'signal' if code < 0 else 'exit status'} {abs(code)}"
        return "" if self.job.is_done() else "its process ended without a result"

    def end(self) -> None:
        """End the process, and whatever it has started and left running."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid or 0, signal.SIGTERM)
        self.process.terminate()
        self.process.join(_PATIENCE_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def run_jobs(jobs: Sequence[Job], *, workers: int, deadline: float) -> list[str]:
    """Run the jobs, `workers` at a time, each in a process of its own; none is begun after `deadline` (of `time.monotonic`).

    Returns:
        One line for each job that failed and whose failure is no result.
    """
    if jobs:
        importlib.import_module("torch._dynamo")  # the first optimizer of a process loads it, for a second: here once, not in every child
    jobs = list(jobs)
    random.Random(os.getpid()).shuffle(jobs)  # noqa: S311 (so that two benches on one cache seldom do the same job)
    waiting, failures = deque(enumerate(jobs, 1)), []
    running: list[_Running] = []
    try:
        while running or (waiting and time.monotonic() < deadline):
            while waiting and len(running) < workers and time.monotonic() < deadline:
                running.append(_start(*waiting.popleft()))
            for one in [one for one in running if one.has_ended()]:
                running.remove(one)
                why = one.why_failed()
                one.end()
                if why and one.job.note_failure is not None:
                    one.job.note_failure(why)
                elif why:
                    failures.append(f"{one.job.title} failed: {why}")
                result = f"FAILED: {why}" if why else f"{time.monotonic() - one.started:.1f} s"
                print(f"[{one.number}/{len(jobs)}] {one.job.title}: {result}", file=sys.stderr, flush=True)
            time.sleep(_POLL_SECONDS)
    finally:
        for one in running:
            one.process.terminate()
        for one in running:
            one.end()
    if waiting:
        print(f"Time is up with {len(waiting)} of {len(jobs)} jobs left; the same command goes on from here.", file=sys.stderr, flush=True)
    return failures


def _start(number: int, job: Job) -> _Running:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(job, sender))
    process.start()
    sender.close()
    return _Running(number=number, job=job, process=process, receiver=receiver, started=time.monotonic())


def _run(job: Job, sender: Connection) -> None:
    """In a process and a process group of its own. What a peer prints goes to stderr: stdout is the bench's. No thread that it leaves is waited for."""
    os.setsid()
    os.dup2(2, 1)
    torch.set_num_threads(1)
    try:
        job.work()
    except KeyboardInterrupt:
        os._exit(1)
    except BaseException as error:  # noqa: BLE001 (also SystemExit of a peer)
        sender.send(named(error))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
