import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.reading.smoothing import noise_of, smooth

LOSSES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
WIDTHS = st.floats(0.1, 10)


@given(LOSSES, WIDTHS)
def test_smoothing_does_not_lag(values: list[float], width: float) -> None:
    """Read backwards a curve gives the same smooth curve backwards, which no average over the past does (METHOD, trap 3)."""
    scale = max(1.0, *(abs(value) for value in values))
    np.testing.assert_allclose(smooth(values[::-1], width_points=width)[::-1], smooth(values, width_points=width), atol=1e-9 * scale)


@given(LOSSES, WIDTHS)
def test_smoothing_stays_within_the_values(values: list[float], width: float) -> None:
    smoothed = smooth(values, width_points=width)
    slack = 1e-9 * max(1.0, *(abs(value) for value in values))
    assert (smoothed >= min(values) - slack).all()
    assert (smoothed <= max(values) + slack).all()


def test_a_jump_is_smoothed_around_where_it_happens() -> None:
    smoothed = smooth([0.0] * 50 + [1.0] * 50, width_points=3)
    assert np.interp(0.5, smoothed, np.arange(100)) == pytest.approx(49.5, abs=1e-6)


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=40), st.data())
def test_values_that_are_not_finite_count_for_nothing(values: list[float], data: st.DataObject) -> None:
    holes = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=len(values) - 1, unique=True))
    broken = np.array(values)
    broken[holes] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    smoothed = smooth(broken, width_points=50)  # every point sees every other
    kept = np.delete(np.array(values), holes)
    assert (smoothed >= kept.min() - 1e-9).all()
    assert (smoothed <= kept.max() + 1e-9).all()


def test_nothing_finite_within_reach_is_nan() -> None:
    assert np.isnan(smooth([np.nan, np.inf, np.nan], width_points=1)).all()
    assert np.isnan(smooth([1.0] + [np.nan] * 40, width_points=1)[-1])


@given(LOSSES)
def test_no_width_is_no_smoothing(values: list[float]) -> None:
    assert smooth(values, width_points=0).tolist() == values


def test_smoothing_hands_back_an_array_of_its_own() -> None:
    given_values = np.array([1.0, 2.0, 4.0])
    smooth(given_values, width_points=0)[0] = 9.0
    assert given_values.tolist() == [1.0, 2.0, 4.0]


def test_nothing_smooths_to_nothing() -> None:
    assert smooth([], width_points=1).size == 0


def test_noise_is_read_beside_a_trend() -> None:
    """Ten seeds: within a third of the truth, whatever the trend."""
    trend = np.linspace(0, 100, 400)
    found = [noise_of(trend + 0.3 * np.random.default_rng(seed).standard_normal(400)) for seed in range(10)]
    assert found == pytest.approx([0.3] * 10, rel=1 / 3)


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=40), st.floats(0.01, 100), st.floats(-100, 100))
def test_noise_scales_with_the_loss_and_ignores_its_level(values: list[float], scale: float, shift: float) -> None:
    moved = [scale * value + shift for value in values]
    assert noise_of(moved) == pytest.approx(scale * noise_of(values), rel=1e-6, abs=1e-9 * max(1, scale * 100))


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [1.0, np.nan, np.inf, 2.0], [3e300, -3e300, 3e300, 1e308]])
def test_too_few_usable_points_have_no_noise(values: list[float]) -> None:
    assert noise_of(values) == 0.0
