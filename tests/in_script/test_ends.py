"""How a sweep ends, and that the result says so truthfully."""

import math
from collections.abc import Iterator

import pytest
from tests.in_script.small import BATCHES, SWEEP, sweep
from torch import Tensor
from torch.nn import functional as F

from tunesmith.curve import RunOutcome
from tunesmith.errors import InputError
from tunesmith.reading.range_test import RangeOutcome

N_BATCHES = len(BATCHES)


def test_data_that_are_gone_through_many_times_are_no_divergence() -> None:
    result = sweep(train_loader=BATCHES[:3], end_lr=0.1)
    assert result.history.outcome is RunOutcome.FINISHED
    assert len(result.history.lr) == SWEEP["steps"] > 3


def test_data_that_ran_out_are_named_and_not_taken_for_a_divergence() -> None:
    def generator() -> Iterator[tuple[Tensor, Tensor]]:
        yield from BATCHES

    with pytest.raises(InputError, match=rf"this one was used up after {N_BATCHES} batches"):
        sweep(train_loader=generator())


def test_a_generator_that_was_used_up_before_is_told_so() -> None:
    batches = (batch for batch in BATCHES)
    list(batches)
    with pytest.raises(InputError, match="this one was used up after 0 batches"):
        sweep(train_loader=batches)


def test_a_divergence_is_one_and_says_where() -> None:
    result = sweep(end_lr=200.0, steps=60)
    assert result.history.outcome is RunOutcome.DIVERGED
    assert result.history.lr[-1] < 200.0


def test_a_loss_that_is_not_finite_is_one_too() -> None:
    lrs = iter(range(1000))
    result = sweep(loss=lambda output, target: F.cross_entropy(output, target) * (math.nan if next(lrs) > 12 else 1.0))
    assert result.history.outcome is RunOutcome.NOT_FINITE


@pytest.mark.parametrize("level", [-5.0, -0.7, 0.0])
def test_a_loss_below_zero_is_no_divergence(level: float) -> None:
    """A rule by ratio (`loss > 4 * best`) ends such a test at its second update."""
    result = sweep(loss=lambda output, target: F.cross_entropy(output, target) + level, end_lr=0.5)
    assert result.history.outcome is RunOutcome.FINISHED
    assert len(result.history.lr) == SWEEP["steps"]
    assert result.history.train_loss == pytest.approx([loss + level for loss in sweep(end_lr=0.5).history.train_loss], abs=1e-5)


@pytest.mark.parametrize("end_lr", [1e-7, 0.5, 8.0, 1e6])
def test_there_is_always_an_outcome_with_advice(end_lr: float) -> None:
    result = sweep(end_lr=end_lr, steps=60)
    assert result.advice.endswith(".")
    assert (result.suggested_lr is None) == (result.outcome not in {RangeOutcome.FOUND, RangeOutcome.NEVER_DIVERGED})
