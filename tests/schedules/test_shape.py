from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.errors import InputError
from tunesmith.schedules.shape import checked_low_lr, checked_max_lr, checked_steps, half_cosine, linear, through_corners

values = st.floats(0, 1e6)


@given(heights=st.lists(values, min_size=1, max_size=6), gaps=st.lists(st.integers(1, 50), min_size=5, max_size=5), ease=st.sampled_from([linear, half_cosine]))
def test_every_corner_is_hit_exactly(heights: list[float], gaps: list[int], ease: Callable[[float], float]) -> None:
    corners = [(sum(gaps[:i]), height) for i, height in enumerate(heights)]
    schedule = through_corners(corners, ease=ease)
    assert [schedule(step) for step, _ in corners] == heights


@given(heights=st.lists(values, min_size=2, max_size=6), ease=st.sampled_from([linear, half_cosine]))
def test_between_two_corners_the_schedule_stays_between_them(heights: list[float], ease: Callable[[float], float]) -> None:
    schedule = through_corners([(7 * i, height) for i, height in enumerate(heights)], ease=ease)
    slack = 1e-12 * max(heights)
    for i, (left, right) in enumerate(pairwise(heights)):
        leg = [schedule(step) for step in range(7 * i, 7 * i + 8)]
        assert all(min(left, right) - slack <= value <= max(left, right) + slack for value in leg)
        assert leg == sorted(leg, reverse=right < left)


def test_a_corner_without_a_step_of_its_own_is_left_out() -> None:
    schedule = through_corners([(0, 1.0), (1, 2.0), (1, 9.0), (0, 9.0)])
    assert [schedule(step) for step in range(-1, 4)] == [1.0, 1.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize("total_steps", [0, -3, 2.5, 10.0, "10", None])
def test_a_number_of_steps_that_is_no_whole_number_from_one_is_refused(total_steps: int) -> None:
    with pytest.raises(InputError, match="shape: total_steps must be a whole number ≥ 1, got"):
        checked_steps(total_steps, maker="shape")


def test_numbers_of_numpy_become_plain_ones() -> None:
    assert type(checked_steps(np.int64(3), maker="shape")) is int
    assert type(checked_max_lr(np.float64(0.5), maker="shape")) is float
    assert type(checked_low_lr(np.float64(0.5), max_lr=1.0, maker="shape")) is float


@pytest.mark.parametrize("max_lr", [0.0, -1.0, float("inf"), float("nan")])
def test_a_peak_that_is_no_rate_is_refused(max_lr: float) -> None:
    with pytest.raises(InputError, match="max_lr must be finite and > 0"):
        checked_max_lr(max_lr, maker="shape")


@pytest.mark.parametrize("low_lr", [-0.1, 1.1, float("nan")])
def test_a_lower_rate_outside_its_range_is_refused(low_lr: float) -> None:
    with pytest.raises(InputError, match=r"min_lr must be in \[0, max_lr\]"):
        checked_low_lr(low_lr, max_lr=1.0, maker="shape")
