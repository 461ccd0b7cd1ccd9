import numpy as np
import pytest
from tests.reading.sweeps import made_sweep

from tunesmith.finding import Finding
from tunesmith.reading import RangeReading, read_range_test
from tunesmith.reading.range_findings import spacing_of


def finding(reading: RangeReading, kind: str) -> Finding | None:
    return next((found for found in reading.findings if found.kind == kind), None)


@pytest.mark.parametrize(
    ("spacing", "rates"), [("linear", np.linspace(0.001, 1, 200)), ("exponential", np.geomspace(0.001, 1, 200)), ("uneven", np.linspace(0.03, 1, 200) ** 3)]
)
def test_the_spacing_is_read_from_rates_however_rounded(spacing: str, rates: np.ndarray) -> None:
    assert spacing_of(rates) == spacing
    assert spacing_of([float(f"{rate:.6g}") for rate in rates]) == spacing
    _, train, _ = made_sweep(0)
    assert read_range_test(rates, train).findings[0].evidence.startswith(f"One {spacing} sweep of 200 updates")


def test_a_metric_gets_a_zone_of_its_own_and_its_name_says_which_way_is_better() -> None:
    lr, train, valid = made_sweep(0)
    accuracy = np.where(np.isnan(valid), np.nan, 1 - valid / 4)
    reading = read_range_test(lr, train, valid, {"accuracy": accuracy, "top1 error": 1 - accuracy, "constant": np.where(np.isnan(valid), np.nan, 1.0)})
    better, worse = finding(reading, "zone of accuracy"), finding(reading, "zone of top1 error")
    assert better is not None
    assert worse is not None
    assert better.interval == worse.interval
    assert better.interval is not None
    assert 0.2 < better.interval[0] < better.interval[1] < 0.8
    assert finding(reading, "zone of constant") is None
    assert (reading.zone, reading.edge) == (read_range_test(lr, train, valid).zone, read_range_test(lr, train, valid).edge)  # the losses decide


def test_metrics_are_read_without_a_validation_loss() -> None:
    lr, train, valid = made_sweep(0)
    assert finding(read_range_test(lr, train, None, {"accuracy": 1 - valid / 4}), "zone of accuracy") is not None


def test_a_bump_of_both_losses_is_no_overfitting() -> None:
    """An oscillation that comes back down is seen by the training loss too; an overfitting hump is the validation loss's alone."""
    lr = np.linspace(0.005, 1, 200)
    bump, down = 0.9 * np.exp(-(((lr - 0.2) / 0.05) ** 2)), 0.5 + 2 * np.exp(-lr / 0.05) - 0.3 * lr
    assert finding(read_range_test(lr, down, down + bump), "early_overfitting_hump") is not None
    assert finding(read_range_test(lr, down + bump, down + bump), "early_overfitting_hump") is None


def test_the_suggestion_lies_beyond_a_hump_and_says_so() -> None:
    lr, train, valid = made_sweep(0, n=400, n_valid=100, noise=0.02, half=0.02)
    hump = np.where(np.isnan(valid), 0, 1.2 * np.exp(-(((lr - 0.12) / 0.03) ** 2)))
    reading = read_range_test(lr, train, valid + hump)
    assert reading.suggestion() == pytest.approx(0.24, rel=0.15)
    assert "beyond the early hump" in reading.findings[0].evidence
    assert reading.largest_lr is not None
    assert reading.suggestion() <= reading.largest_lr
