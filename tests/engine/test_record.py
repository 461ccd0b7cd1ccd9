"""Rows on a device that is not read at every update; the CPU's are tested with the loop."""

import math

import pytest
import torch

from tunesmith.curve import RunOutcome
from tunesmith.engine.record import Record
from tunesmith.thresholds import Thresholds


def make_record(*, device: str = "meta", stops: bool = True) -> Record:
    return Record(thresholds=Thresholds(), stops_when_diverged=stops, batch_size=8, device=torch.device(device))


def add(record: Record, losses: list[float]) -> None:
    for loss in losses:
        record.add_update(lr=0.1, momentum=0.9, loss=torch.tensor(loss))


def test_losses_on_an_accelerator_are_read_in_blocks() -> None:
    record = make_record()
    add(record, [1.0, math.nan])
    assert record.outcome is RunOutcome.FINISHED
    assert record.read_losses() is RunOutcome.NOT_FINITE
    assert record.updates == 2


def test_at_the_latest_after_sixteen_updates() -> None:
    record = make_record()
    add(record, [math.nan] + [1.0] * 15)
    assert record.outcome is RunOutcome.NOT_FINITE


def test_on_the_cpu_at_every_update() -> None:
    record = make_record(device="cpu")
    add(record, [1.0, math.inf])
    assert record.outcome is RunOutcome.NOT_FINITE


def test_every_update_has_its_row_in_the_end() -> None:
    record = make_record()
    losses = [float(value) for value in range(21)]
    add(record, losses)
    record.add_skipped()
    curve = record.curve(seconds=1.5)
    assert curve.train_loss == tuple(losses)
    assert len(curve.lr) == len(curve.momentum) == 21
    assert (curve.cost.trained_examples, curve.cost.seconds) == (22 * 8, 1.5)


def test_what_came_first_is_the_outcome() -> None:
    record = make_record(device="cpu")
    add(record, [1.0] * 30 + [1e9] * 5 + [math.nan])
    assert record.outcome is RunOutcome.DIVERGED


def test_a_run_that_goes_on_is_not_finite_all_the_same() -> None:
    record = make_record(device="cpu", stops=False)
    add(record, [1.0] * 30 + [1e9] * 5)
    assert record.outcome is RunOutcome.FINISHED
    add(record, [math.nan])
    assert record.outcome is RunOutcome.NOT_FINITE


def test_evaluations_are_columns() -> None:
    record = make_record(device="cpu")
    record.add_evaluation({"loss": 2.0, "accuracy": 0.5}, examples=30)
    add(record, [1.0])
    record.add_evaluation({"loss": 1.0, "accuracy": 0.75}, examples=30)
    record.add_test({"loss": 3.0}, examples=60)
    assert record.spent_examples == pytest.approx(8 + 120 / 3)
    curve = record.curve(seconds=0.0)
    assert (curve.eval_step, curve.valid_loss, curve.metrics, curve.test) == ((0, 1), (2.0, 1.0), {"accuracy": (0.5, 0.75)}, {"loss": 3.0})
