import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.errors import InputError, UserCodeError
from tunesmith.schedules import SCHEDULES, Schedule, lr_schedule, momentum_schedule, total_decay
from tunesmith.settings import Settings

NAMES = list(SCHEDULES)
RISING = ["one_cycle", "one_cycle_text", "one_cycle_fastai", "triangular", "triangular2", "warmup_linear"]
names = st.sampled_from(NAMES)
lengths = st.integers(1, 500)


@st.composite
def any_settings(draw: st.DrawFn) -> Settings:
    lr, momentum = draw(st.floats(1e-6, 1e3)), draw(st.floats(0, 0.999))
    return Settings(
        lr=lr, min_lr=draw(st.none() | st.floats(0, lr)), momentum=momentum, min_momentum=draw(st.none() | st.floats(0, momentum)), schedule=draw(names)
    )


@given(settings=any_settings(), total_steps=lengths)
def test_the_learning_rate_stays_between_zero_and_the_peak(settings: Settings, total_steps: int) -> None:
    lr = lr_schedule(settings, total_steps=total_steps)
    assert all(0 <= lr(step) <= settings.lr * (1 + 1e-12) for step in range(total_steps))


@given(settings=any_settings(), total_steps=lengths)
def test_momentum_stays_between_its_two_ends(settings: Settings, total_steps: int) -> None:
    momentum = momentum_schedule(settings, total_steps=total_steps)
    low, high = settings.resolved_min_momentum, settings.momentum
    assert all(low - 1e-12 <= momentum(step) <= high for step in range(total_steps))


@given(settings=any_settings(), total_steps=lengths, beyond=st.integers(0, 10**9))
def test_outside_the_run_the_end_values_stay(settings: Settings, total_steps: int, beyond: int) -> None:
    for schedule in (lr_schedule(settings, total_steps=total_steps), momentum_schedule(settings, total_steps=total_steps)):
        assert schedule(total_steps + beyond) == schedule(total_steps - 1)
        assert schedule(-1 - beyond) == schedule(0)


@given(settings=any_settings(), total_steps=st.integers(20, 2000))
def test_only_step_jumps(settings: Settings, total_steps: int) -> None:
    lr = lr_schedule(settings, total_steps=total_steps)
    largest = max(abs(lr(step + 1) - lr(step)) for step in range(total_steps))
    steepest = 12 / total_steps  # half a triangle of four cycles lasts an eighth of the run, rounded down
    assert settings.schedule == "step" or largest <= steepest * settings.lr


@given(settings=any_settings(), total_steps=lengths)
def test_values_are_plain_floats_whatever_the_numbers_given(settings: Settings, total_steps: int) -> None:
    as_numpy = dataclasses.replace(settings, lr=np.float64(settings.lr), momentum=np.float64(settings.momentum))
    for make in (lr_schedule, momentum_schedule):
        schedule = make(as_numpy, total_steps=np.int64(total_steps))
        assert {type(schedule(step)) for step in (-1, 0, total_steps // 2, total_steps)} == {float}


@pytest.mark.parametrize("name", RISING)
def test_momentum_falls_while_the_learning_rate_rises_and_returns(name: str) -> None:
    settings = Settings(lr=1.0, momentum=0.95, min_momentum=0.85, schedule=name)
    lr, momentum = lr_schedule(settings, total_steps=200), momentum_schedule(settings, total_steps=200)
    peak = max(range(200), key=lr)
    assert (momentum(0), momentum(peak)) == (0.95, 0.85)
    assert momentum(199) == pytest.approx(0.95)
    for step in range(199):
        assert (lr(step + 1) - lr(step)) * (momentum(step + 1) - momentum(step)) <= 0


@pytest.mark.parametrize("name", ["one_cycle", "one_cycle_text"])
def test_momentum_is_back_at_the_end_of_the_cycle_and_stays(name: str) -> None:
    momentum = momentum_schedule(Settings(momentum=0.95, min_momentum=0.85, schedule=name), total_steps=100)
    assert [momentum(step) for step in (0, 45, 90, 95, 99)] == [0.95, 0.85, 0.95, 0.95, 0.95]
    assert momentum(68) == pytest.approx(0.85 + 0.1 * 23 / 45)


@pytest.mark.parametrize(("name", "last"), [("cosine", 0.95), ("step", 0.949), ("constant", 0.85)])
def test_shapes_without_a_rise_start_at_the_smallest_momentum(name: str, last: float) -> None:
    momentum = momentum_schedule(Settings(momentum=0.95, min_momentum=0.85, schedule=name), total_steps=100)
    assert (momentum(0), momentum(99)) == pytest.approx((0.85, last))


@given(name=names, momentum=st.floats(0, 0.999), total_steps=lengths)
def test_one_momentum_is_constant_to_the_bit(name: str, momentum: float, total_steps: int) -> None:
    schedule = momentum_schedule(Settings(momentum=momentum, schedule=name), total_steps=total_steps)
    assert {schedule(step) for step in range(-1, total_steps + 2)} == {momentum}


def test_settings_with_the_starting_rate_spelled_out_are_the_same_schedule() -> None:
    for name in NAMES:
        implicit = Settings(lr=0.3, schedule=name)
        spelled = dataclasses.replace(implicit, min_lr=implicit.resolved_min_lr)
        assert [lr_schedule(implicit, total_steps=50)(step) for step in range(50)] == [lr_schedule(spelled, total_steps=50)(step) for step in range(50)]


def test_the_users_own_shape_is_followed() -> None:
    settings = Settings(lr=2.0, momentum=0.9, min_momentum=0.8, schedule="task")
    shape = lambda step, total_steps: 1 - step / total_steps  # noqa: E731
    lr, momentum = lr_schedule(settings, total_steps=4, shape=shape), momentum_schedule(settings, total_steps=4, shape=shape)
    assert [lr(step) for step in range(-1, 6)] == [2.0, 2.0, 1.5, 1.0, 0.5, 0.5, 0.5]
    assert [momentum(step) for step in range(4)] == pytest.approx([0.8, 0.825, 0.85, 0.875])


def test_the_users_own_shape_is_called_beforehand_only() -> None:
    calls = []
    lr = lr_schedule(Settings(schedule="task"), total_steps=5, shape=lambda step, total_steps: calls.append((step, total_steps)) or 0.5)
    _ = [lr(step) for step in range(10)]
    assert calls == [(step, 5) for step in range(5)]


@pytest.mark.parametrize("factor", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_shape_outside_its_range_is_refused(factor: float) -> None:
    with pytest.raises(InputError, match=r"Task.schedule must return a factor in \[0, 1\], got .* at step 3 of 5"):
        lr_schedule(Settings(schedule="task"), total_steps=5, shape=lambda step, _: factor if step == 3 else 1.0)


def test_a_shape_that_rounds_over_one_is_not_refused() -> None:
    assert lr_schedule(Settings(lr=1.0, schedule="task"), total_steps=5, shape=lambda *_: 1 + 1e-12)(0) == 1.0


def test_a_shape_that_raises_is_the_users_own_failure() -> None:
    def shape(step: int, _: int) -> float:
        return [1.0, 1.0][step]

    with pytest.raises(UserCodeError, match="raised at step 2 of 5") as caught:
        lr_schedule(Settings(schedule="task"), total_steps=5, shape=shape)
    assert isinstance(caught.value.__cause__, IndexError)


@pytest.mark.parametrize("make", [lr_schedule, momentum_schedule])
def test_an_unknown_name_is_refused_with_the_known_ones(make: Callable[..., Schedule]) -> None:
    with pytest.raises(InputError, match=r"one of one_cycle, .*, constant, got 'two_cycles'"):
        make(Settings(schedule="two_cycles"), total_steps=5)


def test_the_tasks_shape_must_be_handed_over() -> None:
    with pytest.raises(InputError, match=r"Pass shape=task\.schedule"):
        lr_schedule(Settings(schedule="task"), total_steps=5)


def test_no_steps_are_refused() -> None:
    with pytest.raises(InputError, match="total_steps must be a whole number ≥ 1, got 0"):
        momentum_schedule(Settings(schedule="constant"), total_steps=0)


@given(settings=any_settings(), total_steps=lengths, optimizer_name=st.sampled_from(["sgd", "nesterov", "adam", "adamw", "custom"]))
def test_total_decay_is_the_sum_over_the_run(settings: Settings, total_steps: int, optimizer_name: str) -> None:
    settings = dataclasses.replace(settings, weight_decay=1e-3)
    lr, momentum = lr_schedule(settings, total_steps=total_steps), momentum_schedule(settings, total_steps=total_steps)
    expected = 0.0
    for step in range(total_steps):
        expected += lr(step) * 1e-3 / (1 if optimizer_name.startswith("adam") else 1 - momentum(step))
    assert total_decay(settings, total_steps=total_steps, optimizer_name=optimizer_name) == pytest.approx(expected, rel=1e-9)


def test_total_decay_is_proportional_to_the_weight_decay() -> None:
    plain = Settings(lr=0.5, momentum=0.95, min_momentum=0.85, weight_decay=1.0)
    unit = total_decay(plain, total_steps=100, optimizer_name="sgd")
    assert total_decay(dataclasses.replace(plain, weight_decay=3 / unit), total_steps=100, optimizer_name="sgd") == pytest.approx(3)
    assert total_decay(dataclasses.replace(plain, weight_decay=0.0), total_steps=100, optimizer_name="sgd") == 0.0


def test_total_decay_of_a_cycle_is_near_the_rule_of_thumb() -> None:
    """Mean learning rate half the peak, so A ≈ T·(max_lr/2)·wd/(1-m): METHOD 2.5."""
    settings = Settings(lr=1.0, min_lr=0.0, momentum=0.9, weight_decay=1e-4)
    assert total_decay(settings, total_steps=1000, optimizer_name="sgd") == pytest.approx(0.45, rel=1e-3)
    assert math.isfinite(total_decay(settings, total_steps=1, optimizer_name="sgd"))
