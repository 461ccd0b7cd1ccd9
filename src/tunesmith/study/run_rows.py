"""A run as rows of `study.sqlite`, and back: one row an update, one a number of an evaluation or of a gradient sample."""

import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.cost import Cost
from tunesmith.curve import Curve, GradientSample, Run, RunOutcome
from tunesmith.errors import StudyError
from tunesmith.settings import RunSpec
from tunesmith.study.record_types import checked
from tunesmith.study.schema import raise_version

INSERT_HEAD = """
INSERT INTO run(key, position, purpose, spec, outcome, metrics, trained_examples, evaluated_examples, seconds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
INSERT_POINT = "INSERT INTO point(run, step, lr, momentum, train_loss) VALUES (?, ?, ?, ?, ?)"
INSERT_EVALUATION = "INSERT INTO evaluation(run, source, name, position, step, value) VALUES (?, ?, ?, ?, ?, ?)"
SELECT_HEAD = "SELECT position, purpose, spec, outcome, metrics, trained_examples, evaluated_examples, seconds FROM run WHERE key = ?"
SELECT_HEADS = "SELECT position, purpose, spec, outcome, metrics, trained_examples, evaluated_examples, seconds FROM run ORDER BY position"
SELECT_POINTS = "SELECT lr, momentum, train_loss FROM point WHERE run = ? ORDER BY step"
SELECT_EVALUATIONS = "SELECT source, name, step, value FROM evaluation WHERE run = ? ORDER BY position"

VALID, METRIC, TEST, GRADIENT = "valid", "metric", "test", "gradient"
VALID_NAME = "loss"
GRADIENT_NAMES = ("micro_batch_size", "n_micro_batches", "mean_square", "square_of_mean")


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """A run and its place in the study.

    Attributes:
        run: The run.
        purpose: What it was for: "search", "confirm" or "baseline".
        position: Its place in the order of storing, from 0.
    """

    run: Run
    purpose: str
    position: int


def insert_run(connection: sqlite3.Connection, run: Run, *, purpose: str, position: int) -> None:
    """Write `run` as rows; to be called in a transaction.

    Raises:
        StudyError: The curve's columns differ in length.
    """
    curve = run.curve
    _check_lengths(run)
    if run.spec.gradient_points or curve.gradients:
        raise_version(connection)
    connection.execute(
        INSERT_HEAD,
        (
            run.spec.key, position, purpose, json.dumps(run.spec.to_dict()), str(curve.outcome), json.dumps(list(curve.metrics)),
            curve.cost.trained_examples, curve.cost.evaluated_examples, curve.cost.seconds,
        ),
    )  # fmt: skip
    steps = range(len(curve.lr))
    points = zip((position,) * len(steps), steps, map(float, curve.lr), map(float, curve.momentum), map(float, curve.train_loss), strict=True)
    connection.executemany(INSERT_POINT, points)
    evaluations = ((position, *row) for row in _evaluation_rows(curve))
    connection.executemany(INSERT_EVALUATION, evaluations)


def delete_run(connection: sqlite3.Connection, *, position: int) -> None:
    """Remove a run's rows; to be called in a transaction."""
    connection.execute("DELETE FROM point WHERE run = ?", (position,))
    connection.execute("DELETE FROM evaluation WHERE run = ?", (position,))
    connection.execute("DELETE FROM run WHERE position = ?", (position,))


def select_run(connection: sqlite3.Connection, *, key: str) -> StoredRun | None:
    """The run whose spec has this key, if it is there."""
    head = connection.execute(SELECT_HEAD, (key,)).fetchone()
    return None if head is None else _stored_run(connection, head)


def select_runs(connection: sqlite3.Connection) -> tuple[StoredRun, ...]:
    """All runs, in the order of storing."""
    heads = connection.execute(SELECT_HEADS).fetchall()
    return tuple(_stored_run(connection, head) for head in heads)


def _stored_run(connection: sqlite3.Connection, head: tuple[Any, ...]) -> StoredRun:
    position, purpose, spec, outcome, metric_names, trained, evaluated, seconds = head
    points = connection.execute(SELECT_POINTS, (position,)).fetchall()
    evaluations = connection.execute(SELECT_EVALUATIONS, (position,)).fetchall()
    lr, momentum, train_loss = zip(*points, strict=True) if points else ((), (), ())
    series: dict[str, dict[str, list[float | None]]] = {
        VALID: {VALID_NAME: []}, METRIC: {str(name): [] for name in json.loads(metric_names)}, TEST: {}, GRADIENT: {name: [] for name in GRADIENT_NAMES}
    }  # fmt: skip
    for source, name, _, value in evaluations:
        series[source].setdefault(str(name), []).append(value)
    curve = Curve(
        lr=_numbers(lr),
        momentum=_numbers(momentum),
        train_loss=_numbers(train_loss),
        eval_step=tuple(int(step) for source, _, step, _ in evaluations if source == VALID),
        valid_loss=_numbers(series[VALID][VALID_NAME]),
        metrics={name: _numbers(values) for name, values in series[METRIC].items()},
        test={name: _numbers(values)[0] for name, values in series[TEST].items()},
        outcome=RunOutcome(outcome),
        cost=Cost(trained_examples=int(trained), evaluated_examples=int(evaluated), seconds=float(seconds)),
        gradients=_gradients(
            [step for source, name, step, _ in evaluations if (source, name) == (GRADIENT, GRADIENT_NAMES[0])],
            [series[GRADIENT][name] for name in GRADIENT_NAMES],
        ),
    )
    run = Run(spec=checked(RunSpec.from_dict(json.loads(spec))), curve=curve)
    _check_lengths(run)
    return StoredRun(run=run, purpose=str(purpose), position=int(position))


def _evaluation_rows(curve: Curve) -> Iterator[tuple[str, str, int, int, float]]:
    for source, name, values in ((VALID, VALID_NAME, curve.valid_loss), *((METRIC, name, values) for name, values in curve.metrics.items())):
        for position, (step, value) in enumerate(zip(curve.eval_step, values, strict=True)):
            yield source, name, position, step, float(value)
    for position, (name, value) in enumerate(curve.test.items()):
        yield TEST, name, position, len(curve.lr), float(value)
    for position, sample in enumerate(curve.gradients):
        for name in GRADIENT_NAMES:
            yield GRADIENT, name, position, sample.step, float(getattr(sample, name))


def _gradients(steps: Sequence[int], columns: Sequence[Sequence[float | None]]) -> tuple[GradientSample, ...]:
    """Samples from the columns of `GRADIENT_NAMES`."""
    sizes, counts, *squares = map(_numbers, columns)
    return tuple(
        GradientSample(step=int(step), micro_batch_size=int(size), n_micro_batches=int(count), mean_square=mean_square, square_of_mean=square_of_mean)
        for step, size, count, mean_square, square_of_mean in zip(steps, sizes, counts, *squares, strict=True)
    )


def _numbers(values: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(math.nan if value is None else float(value) for value in values) if None in values else tuple(map(float, values))  # type: ignore[arg-type]


def _check_lengths(run: Run) -> None:
    curve = run.curve
    updates = {"lr": len(curve.lr), "momentum": len(curve.momentum), "train_loss": len(curve.train_loss)}
    evaluations = {"eval_step": len(curve.eval_step), "valid_loss": len(curve.valid_loss), **{name: len(values) for name, values in curve.metrics.items()}}
    for lengths in (updates, evaluations):
        if len(set(lengths.values())) > 1:
            raise StudyError(
                f"A curve's columns must be equally long, got {lengths} in run {run.spec.key}. Record one of each an update, and one of each an evaluation."
            )
