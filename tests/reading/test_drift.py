import pytest
from tests.reading.sweeps import made_sweep

from tunesmith.reading import read_range_test
from tunesmith.reading.drift import compare_lengths


def test_lengths_that_agree_ask_for_nothing() -> None:
    short, long = read_range_test(*made_sweep(0, n=100)), read_range_test(*made_sweep(0, n=1000))
    found = compare_lengths(short, long, steps=(100, 1000))
    assert found.value == pytest.approx(1.0, abs=0.3)
    assert found.interval is not None
    assert found.interval[0] < 1 < found.interval[1]
    assert found.action == ""


def test_the_order_of_the_two_does_not_matter() -> None:
    short, long = read_range_test(*made_sweep(0, n=100)), read_range_test(*made_sweep(0, n=1000))
    assert compare_lengths(long, short, steps=(1000, 100)) == compare_lengths(short, long, steps=(100, 1000))


def test_lengths_that_disagree_are_told_with_both_rates() -> None:
    short, long = read_range_test(*made_sweep(0, edge=0.8)), read_range_test(*made_sweep(0, edge=0.4))
    found = compare_lengths(short, long, steps=(100, 200))
    assert found.value == pytest.approx(0.5, rel=0.15)
    assert f"{short.suggestion():.2g}" in found.action
    assert f"{long.suggestion():.2g}" in found.action


def test_where_one_suggests_nothing_its_outcome_is_told() -> None:
    lr, train, _ = made_sweep(0)
    found = compare_lengths(read_range_test(lr, 0 * train + 1), read_range_test(lr, train), steps=(200, 400))
    assert (found.value, found.interval) == (None, None)
    assert "'flat'" in found.evidence
