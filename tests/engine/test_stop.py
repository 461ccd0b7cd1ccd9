import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.engine.stop import DivergenceWatch
from tunesmith.thresholds import Thresholds

RISE = Thresholds().diverged_rise


def when_diverged(losses: list[float]) -> int | None:
    watch = DivergenceWatch(Thresholds())
    return next((step for step, loss in enumerate(losses) if watch.has_diverged(loss)), None)


def by_the_book(losses: list[float]) -> int | None:
    """The rule as its documentation has it, without the quick way."""
    first = best = bound = float("inf")
    for step in range(4, len(losses)):
        level = statistics.median(losses[step - 4 : step + 1])
        first = level if step == 4 else first
        if level < best or step < 19:  # the noise is that of the first twenty updates, and counts once there is something to compare
            best = min(best, level)
            noise = statistics.median(abs(after - before) for before, after in pairwise(losses[: min(step + 1, 20)]))
            bound = first + RISE * max(first - best, abs(first), 10 * noise)
        if level > bound:
            return step
    return None


@given(st.lists(st.floats(-100, 1000) | st.sampled_from([0.0, 1.0, 1e30, -1e30]), max_size=80))
def test_it_does_as_its_documentation_says(losses: list[float]) -> None:
    assert when_diverged(losses) == by_the_book(losses)


@given(st.lists(st.floats(0.5, 1.5), min_size=25, max_size=60), st.lists(st.sampled_from([0.6, 1.0, 3.0, 9.0, 40.0]), max_size=40))
def test_so_it_does_after_a_usual_start(start: list[float], then: list[float]) -> None:
    assert when_diverged(start + then) == by_the_book(start + then)


@given(st.lists(st.floats(0.1, 10), min_size=5, max_size=60), st.sampled_from([0.25, 4.0, 1024.0]))
def test_it_does_not_depend_on_the_unit_of_the_loss(losses: list[float], scale: float) -> None:
    assert when_diverged([scale * loss for loss in losses]) == when_diverged(losses)


@pytest.mark.parametrize("level", [2.3, 0.0, -50.0])
def test_a_steady_fall_never_is_one(level: float) -> None:
    assert when_diverged([level - 0.01 * step for step in range(500)]) is None


def test_a_single_spike_is_none() -> None:
    losses = [1.0] * 50
    losses[30] = 1e6
    assert when_diverged(losses) is None


def test_a_jump_far_up_is_one_three_updates_later() -> None:
    assert when_diverged([1.0] * 30 + [1e6] * 5) == 32
