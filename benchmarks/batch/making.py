"""What makes the rows of the batch bench: times a task's updates, tunes it, trains settings. All else is arithmetic on what this leaves."""

import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import tunesmith as ts
from benchmarks.batch.lengths import Schedule
from benchmarks.batch.rows import Sizes, TaskRows, Wanted
from benchmarks.proof.cache import Row
from tunesmith.cost import FORWARD_SHARE, Cost
from tunesmith.curve import RunOutcome
from tunesmith.engine import measure_steps, run_spec
from tunesmith.errors import InputError
from tunesmith.settings import RunSpec
from tunesmith.study import Study
from tunesmith.study.folder import DATABASE_NAME
from tunesmith.task import Task

TIMED_SIZES = (8, 16, 32, 64, 128, 256, 512, 1024)
ROUNDS = 7
"""Odd, so that the median is one of them (our choice)."""
FEW_UPDATES, ROUND_SECONDS = 2, 0.25
"""Updates of the short call, and what those that the long one has beyond may take (our choice)."""
STAGE_PROBES = ("batch_size",)
"""Experiments of a study that choose the batch size."""
UNCHARGED = "check"
"""Charge of a study that it has whatever it tunes."""
CHARGE_BATCH = 64
"""Batch size at which charges are turned into seconds: they do not say theirs (our choice)."""


def measure(rows: TaskRows, *, n_rounds: int = ROUNDS) -> Row:
    """Seconds a step at each size that the data give, by the processor's clock: the median of rounds, each size in its turn.

    By the clock on the wall, other processes interrupt long updates and hardly short ones, which makes large batches look dear; on a core of its own the two
    clocks agree, since the bench trains with one thread.

    Args:
        rows: Of the task.
        n_rounds: How many; ≥ 2.

    Raises:
        InputError: More than one thread: the processor's clock would add them up.
    """
    task = rows.task.without_test
    sizes = [size for size in TIMED_SIZES if size <= task.n_train]
    first = measure_steps(task, sizes, repeats=FEW_UPDATES)
    if first.threads != 1:
        raise InputError(f"OMP_NUM_THREADS must be 1, so that updates can be timed, and torch has {first.threads} threads. Set OMP_NUM_THREADS=1.")
    more = {size: max(FEW_UPDATES, round(ROUND_SECONDS / seconds)) for size, seconds in first.seconds_per_step.items()}
    rounds = [{size: _processor_seconds(task, size, more=n) for size, n in more.items()} for _ in range(n_rounds)]
    return {
        "seconds_per_step": {str(size): statistics.median(found[size] for found in rounds) for size in sizes},
        "scatter": {str(size): statistics.stdev(found[size] for found in rounds) for size in sizes},
        "n_train": task.n_train,
        "full_training_examples": task.full_training_examples,
        "untuned": rows.task.untuned.to_dict(),
    }


def _processor_seconds(task: Task, size: int, *, more: int) -> float:
    """Seconds an update: what `more` of them add to a call that has few, so that its start does not count."""
    spent = []
    for repeats in (FEW_UPDATES, FEW_UPDATES + more):
        started = time.process_time()
        measure_steps(task, [size], repeats=repeats)
        spent.append(time.process_time() - started)
    return (spent[1] - spent[0]) / more


def plan(rows: TaskRows, wanted: Wanted, *, sizes: Sizes) -> Row:
    """One `tune`, without the test set, by the bench's time model."""
    task = rows.task.without_test if wanted.has_current else replace(rows.task.without_test, current=None)
    fixed = None if wanted.batch_size is None else {"batch_size": wanted.batch_size}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "study"
        found = ts.tune(task, out=out, seed=wanted.study, fixed=fixed, device="cpu", time_model=rows.write_time_model())
        with Study.open(out) as study:
            stage, seconds = stage_cost(study), modelled_seconds(study, sizes)
    return {
        "outcome": str(found.outcome),
        "settings": None if found.settings is None else found.settings.to_dict(),
        "total_steps": found.total_steps,
        "cost": found.cost.to_dict(),
        "stage_cost": stage.full_trainings(full_training_examples=sizes.full_training_examples),
        "study_seconds": seconds,
    }


def train(rows: TaskRows, schedule: Schedule, *, seed: int) -> Row:
    """One training on all training data, and the losses that it ends with."""
    curve = run_spec(rows.task.whole, RunSpec(settings=schedule.settings, total_steps=schedule.total_steps, seed=seed, evaluates_test=True)).curve
    has_finished = curve.outcome is RunOutcome.FINISHED
    return {"valid": curve.final_valid_loss if has_finished else None, "test": curve.test.get("loss") if has_finished else None}


def stage_cost(study: Study) -> Cost:
    """Of choosing the batch size: the runs that an experiment about it holds and no other does, and every charge but that for the check."""
    experiments = study.experiments()
    shared = {arm.run.spec.key for one in experiments if one.probe not in STAGE_PROBES for arm in one.arms}
    own = {arm.run.spec.key: arm.run.curve.cost for one in experiments if one.probe in STAGE_PROBES for arm in one.arms}
    charged = [cost for name, cost in charges_of(study).items() if name != UNCHARGED]
    return sum([cost for key, cost in own.items() if key not in shared] + charged, Cost())


def modelled_seconds(study: Study, sizes: Sizes) -> float:
    """Of all runs and charges; a forward pass takes a third of an update, as costs are counted."""
    spent = [(one.run.spec.settings.batch_size, one.run.curve.cost) for one in study.runs()]
    spent += [(CHARGE_BATCH, cost) for cost in charges_of(study).values()]
    return sum(_updates(cost, size) * sizes.seconds_of(size) for size, cost in spent)


def charges_of(study: Study) -> dict[str, Cost]:
    """Name → what the study spent beside its runs."""
    with closing(sqlite3.connect(f"{(study.folder.resolve() / DATABASE_NAME).as_uri()}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT name, trained_examples, evaluated_examples FROM charge").fetchall()
    return {str(name): Cost(trained_examples=int(trained), evaluated_examples=int(evaluated)) for name, trained, evaluated in found}


def _updates(cost: Cost, batch_size: int) -> float:
    return (cost.trained_examples + FORWARD_SHARE * cost.evaluated_examples) / batch_size
