"""What is still to be computed, and the processes that compute it: one a job, so that a crash costs one job and leaves a row that says so."""

import importlib
import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from benchmarks.proof.reference import FRESH_SEEDS, N_BEST, N_REFERENCE, make_oracle, make_reference, oracle_of, reference_key
from benchmarks.proof.store import Store
from benchmarks.proof.study import Method, retrain, retraining_key, run_study, seeds_of_retraining, study_key
from tunesmith.task import size_of

_CHUNK = 12
"""Random settings a job."""
_POLL_SECONDS = 0.05
JOB_SECONDS = 3600.0
"""A job that takes longer is ended: something hangs."""


@dataclass(frozen=True)
class Job:
    """Something to compute in a process of its own.

    Attributes:
        title: For the progress line.
        work: Computes it and puts it into the store.
        note_failure: Records why it failed; None where a failure is no result, but a mistake in a task's file or in the bench.
    """

    title: str
    work: Callable[[], None]
    note_failure: Callable[[str], None] | None = None


def facts_jobs(stores: Iterable[Store]) -> list[Job]:
    """Loading each task once, for its sizes; a file with a mistake is found here."""
    return [Job(f"{store.task.name}: load", partial(_load, store)) for store in stores if store.facts.get(store.key()) is None]


def _load(store: Store) -> None:
    def facts() -> dict[str, Any]:
        task = store.task.whole
        return {
            "full_training_examples": task.full_training_examples,
            "optimizer": task.optimizer_name,
            "n_train": task.n_train,
            "n_valid": size_of(task.valid),
            "n_test": size_of(task.test),
            "metrics": {name: metric.higher_is_better for name, metric in task.metrics.items()},
            "parameters": sum(parameter.numel() for parameter in task.model().parameters()),
        }

    store.facts.once(store.key(), facts)


def reference_jobs(stores: Iterable[Store]) -> list[Job]:
    """The random settings that are missing, a dozen a job."""
    return [
        Job(f"{store.task.name}: random settings {start} to {start + len(chunk) - 1}", partial(_make_references, store, chunk))
        for store in stores
        for start in range(0, N_REFERENCE, _CHUNK)
        for chunk in [range(start, min(start + _CHUNK, N_REFERENCE))]
        if any(store.reference.get(reference_key(store, index)) is None for index in chunk)
    ]


def _make_references(store: Store, indices: range) -> None:
    for index in indices:
        make_reference(store, index)


def oracle_jobs(stores: Iterable[Store]) -> list[Job]:
    """The retrainings of the reference's best that are missing, one setting a job."""
    return [
        Job(f"{store.task.name}: retrain random setting {place + 1} of the best {N_BEST}", partial(_make_oracles, store, place))
        for store in stores
        if oracle_of(store) is None
        for place in range(N_BEST)
    ]


def _make_oracles(store: Store, place: int) -> None:
    for seed in FRESH_SEEDS:
        make_oracle(store, place, seed)


def study_jobs(stores: Sequence[Store], methods: Sequence[Method], *, n_studies: int) -> list[Job]:
    """Studies that are missing, or whose choices are not all retrained: the first study of everything before the second of anything."""
    return [
        Job(
            f"{store.task.name}: {method.name}, study {number}",
            work=partial(_study, store, method, number),
            note_failure=partial(_note_study_failure, store, method=method, number=number),
        )
        for number in range(n_studies)
        for method in methods
        for store in stores
        if not _is_done(store, method, number)
    ]


def _is_done(store: Store, method: Method, number: int) -> bool:
    row = store.studies.get(study_key(store, method, number))
    return row is not None and all(
        store.trainings.get(retraining_key(store, method, choice, trainer=row["trainer"], seed=seed)) is not None
        for choice in row["choices"]
        for seed in seeds_of_retraining()
    )


def _study(store: Store, method: Method, number: int) -> None:
    row = run_study(store, method, number)
    for choice in row["choices"]:
        for seed in seeds_of_retraining():
            try:
                retrain(store, method, choice, trainer=row["trainer"], seed=seed)
            except Exception as error:  # noqa: BLE001 (whatever a peer's trainer raises is its result)
                key = retraining_key(store, method, choice, trainer=row["trainer"], seed=seed)
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


def run_jobs(jobs: Sequence[Job], *, workers: int, deadline: float) -> list[str]:
    """Run the jobs, `workers` at a time, each in a process of its own; none is begun after `deadline` (of `time.monotonic`).

    Returns:
        One line for each job that failed and whose failure is no result.
    """
    if jobs:
        importlib.import_module("torch._dynamo")  # the first optimizer of a process loads it, for a second: here once, not in every child
    waiting, running, failures = deque(enumerate(jobs, 1)), {}, []
    context = multiprocessing.get_context("fork")
    try:
        while running or (waiting and time.monotonic() < deadline):
            while waiting and len(running) < workers and time.monotonic() < deadline:
                number, job = waiting.popleft()
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_run, args=(job, sender))
                process.start()
                sender.close()
                running[process] = (number, job, receiver, time.monotonic())
            for process in [process for process in running if _has_ended(process, started=running[process][3])]:
                number, job, receiver, started = running.pop(process)
                why = _why_failed(process, receiver)
                if why and job.note_failure is not None:
                    job.note_failure(why)
                elif why:
                    failures.append(f"{job.title} failed: {why}")
                result = f"FAILED: {why}" if why else f"{time.monotonic() - started:.1f} s"
                print(f"[{number}/{len(jobs)}] {job.title}: {result}", file=sys.stderr, flush=True)
            time.sleep(_POLL_SECONDS)
    finally:
        for process in running:
            process.terminate()
            process.join()
    return failures


def _has_ended(process: BaseProcess, *, started: float) -> bool:
    if process.is_alive() and time.monotonic() - started > JOB_SECONDS:
        process.kill()
        process.join()
    return not process.is_alive()


def _run(job: Job, sender: Connection) -> None:
    """In the process of its own. What a peer prints goes to stderr: stdout is the bench's."""
    os.dup2(2, 1)
    torch.set_num_threads(1)
    try:
        job.work()
    except KeyboardInterrupt:
        os._exit(1)
    except BaseException as error:  # noqa: BLE001 (also SystemExit of a peer)
        sender.send(named(error))
    sender.close()


def _why_failed(process: BaseProcess, receiver: Connection) -> str:
    process.join()
    try:
        return str(receiver.recv())
    except EOFError:
        code = process.exitcode or 0
        return "" if code == 0 else f"its process died with {'signal' if code < 0 else 'exit status'} {abs(code)}"
