"""The method's author published the logs of his own runs; a reading that errs on them is wrong. Nothing of them is copied into this repository."""

from pathlib import Path

import pytest

from tunesmith.errors import CurveError
from tunesmith.reading import RangeOutcome
from tunesmith.reading.range_test import read_curve_file


@pytest.mark.parametrize("name", ["0-to-3-in-20k", "0-to-3-in-5k", "dropout"])
def test_resnet_trains_at_learning_rates_of_one_to_three(curves: Path, name: str) -> None:
    """METHOD, traps 1 and 2: the loss has a first minimum near .02 and a hump until .04; the network trains well at 1 to 3."""
    reading = read_curve_file(curves / f"resnet56-cifar10-range-test-{name}.csv")
    assert reading.outcome is RangeOutcome.NEVER_DIVERGED
    assert 1 <= reading.suggestion() <= 3
    assert reading.zone is not None
    assert 0.1 < reading.zone[0] < reading.zone[1] <= 3


def test_clipped_gradients_diverge_below_one(curves: Path) -> None:
    reading = read_curve_file(curves / "resnet56-cifar10-range-test-clipped-gradients.csv")
    assert reading.outcome is RangeOutcome.FOUND
    assert reading.edge is not None
    assert 0.2 < reading.edge[0] <= reading.edge[1] < 1
    assert reading.suggestion() <= 0.5


def test_a_whole_training_is_not_taken_for_a_range_test(curves: Path) -> None:
    with pytest.raises(CurveError, match="not a whole training"):
        read_curve_file(curves / "resnet56-cifar10-1cycle-0.08-to-0.8-momentum-0.95.csv")
