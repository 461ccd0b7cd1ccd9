from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.errors import InputError
from tunesmith.schedules import falling_momentum, ramp
from tunesmith.settings import Settings

positive = st.floats(1e-9, 1e6)


@given(start=positive, end=positive, total_steps=st.integers(2, 3000), spacing=st.sampled_from(["linear", "exponential"]))
def test_both_ends_are_hit_exactly_and_nothing_leaves_them(start: float, end: float, total_steps: int, spacing: str) -> None:
    sweep = ramp(start=start, end=end, total_steps=total_steps, spacing=spacing)
    assert (sweep(-1), sweep(0), sweep(total_steps - 1), sweep(total_steps + 5)) == (start, start, end, end)
    low, high = sorted((start, end))
    assert all(low * (1 - 1e-12) <= sweep(step) <= high * (1 + 1e-12) for step in range(total_steps))


@pytest.mark.parametrize(("spacing", "twin"), [("linear", np.linspace), ("exponential", np.geomspace)])
@pytest.mark.parametrize(("start", "end"), [(1e-4, 3.0), (3.0, 1e-4)])
def test_a_sweep_is_numpys(spacing: str, twin: Callable[..., np.ndarray], start: float, end: float) -> None:
    sweep = ramp(start=start, end=end, total_steps=257, spacing=spacing)
    assert [sweep(step) for step in range(257)] == pytest.approx(twin(start, end, 257).tolist(), rel=1e-9)


@pytest.mark.parametrize("spacing", ["linear", "exponential"])
def test_a_single_step_stays_at_the_start(spacing: str) -> None:
    sweep = ramp(start=0.1, end=1.0, total_steps=1, spacing=spacing)
    assert (sweep(0), sweep(1)) == (0.1, 0.1)


def test_momentum_falls_straight_to_its_lowest_or_stays() -> None:
    falling = falling_momentum(Settings(momentum=0.95, min_momentum=0.85), total_steps=11)
    assert [falling(step) for step in range(11)] == pytest.approx(np.linspace(0.95, 0.85, 11).tolist())
    assert falling_momentum(Settings(momentum=0.9), total_steps=11)(10) == 0.9


@pytest.mark.parametrize(
    "wrong",
    [{"start": -1.0}, {"end": float("nan")}, {"start": 0.0, "spacing": "exponential"}, {"total_steps": 0}, {"spacing": "quadratic"}],
    ids=str,
)
def test_an_argument_outside_its_range_is_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=rf"^ramp: {next(iter(wrong))} must be"):
        ramp(**{"start": 0.1, "end": 1.0, "total_steps": 10, **wrong})
