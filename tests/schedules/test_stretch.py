"""A length that changes in mid-run, without torch: places in the planned schedule, and the values there."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tunesmith.errors import InputError
from tunesmith.schedules import SCHEDULES, lr_schedule, momentum_schedule
from tunesmith.schedules.stretch import Stretch, value_at
from tunesmith.settings import Settings

lengths = st.integers(1, 300)


@st.composite
def changed(draw: st.DrawFn, *, changes: int = 3) -> tuple[Stretch, list[tuple[int, int]]]:
    """A run and the changes of its length: (updates made, new length), in order."""
    steps = draw(lengths)
    stretch, made, done = Stretch(planned_steps=steps, total_steps=steps), 0, []
    for _ in range(draw(st.integers(1, changes))):
        made = draw(st.integers(made, max(made, stretch.total_steps + 5)))
        done.append((made, draw(st.integers(made + 1, made + 300))))
        stretch = stretch.changed(at_step=made, total_steps=done[-1][1])
    return stretch, done


@given(steps=lengths, beyond=st.integers(0, 10**9))
def test_without_a_change_every_step_has_its_own_place(steps: int, beyond: int) -> None:
    stretch = Stretch(planned_steps=steps, total_steps=steps)
    assert [stretch.place(step) for step in range(steps)] == list(range(steps))
    assert stretch.place(steps + beyond) == steps - 1


@given(changed())
def test_places_never_go_back_and_end_where_the_schedule_ends(made: tuple[Stretch, list[tuple[int, int]]]) -> None:
    stretch, changes = made
    at, total = changes[-1]
    places = [stretch.place(step) for step in range(at, total + 5)]
    assert places == sorted(places)
    assert 0 <= places[0] <= places[-1] <= stretch.planned_steps - 1
    if total > at + 1:
        assert places[total - 1 - at :] == [stretch.planned_steps - 1] * 6


@given(changed(), st.integers(0, 300), st.integers(1, 300))
def test_the_update_that_comes_next_keeps_its_place(made: tuple[Stretch, list[tuple[int, int]]], later: int, more: int) -> None:
    stretch, changes = made
    at = changes[-1][0] + later
    assert stretch.changed(at_step=at, total_steps=at + more).place(at) == stretch.place(at)


@given(steps=st.integers(2, 300), data=st.data())
def test_back_to_the_planned_length_at_once_it_is_the_planned_schedule_to_the_bit(steps: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, steps - 1))
    planned = Stretch(planned_steps=steps, total_steps=steps)
    back = planned.changed(at_step=at, total_steps=at + data.draw(st.integers(1, 300))).changed(at_step=at, total_steps=steps)
    assert [back.place(step) for step in range(at, steps + 3)] == [planned.place(step) for step in range(at, steps + 3)]


@given(st.sampled_from(sorted(SCHEDULES)), changed(), st.booleans())
def test_values_stay_as_close_as_the_planned_ones_times_the_stretch(name: str, made: tuple[Stretch, list[tuple[int, int]]], of_momentum: bool) -> None:  # noqa: FBT001 (a strategy's value)
    stretch, changes = made
    at, total = changes[-1]
    settings = Settings(lr=0.5, momentum=0.95, min_momentum=0.85, schedule=name)
    schedule = (momentum_schedule if of_momentum else lr_schedule)(settings, total_steps=stretch.planned_steps)
    planned = [schedule(step) for step in range(stretch.planned_steps)]
    steepest = max((abs(after - before) for before, after in pairwise(planned)), default=0.0)
    speed = max(after - before for before, after in pairwise(stretch.place(step) for step in range(at, total + 3)))
    values = [value_at(schedule, stretch.place(step)) for step in range(at, total + 3)]
    assert max(abs(after - before) for before, after in pairwise(values)) <= steepest * speed + 1e-12
    assert min(planned) - 1e-12 <= min(values) <= max(values) <= max(planned) + 1e-12
    if total > at + 1:
        assert values[-1] == planned[-1]


@given(steps=st.integers(20, 300), data=st.data())
def test_phases_stay_monotone(steps: int, data: st.DataObject) -> None:
    schedule = lr_schedule(Settings(lr=0.5), total_steps=steps)
    peak = max(range(steps), key=schedule)
    at = data.draw(st.integers(0, peak))
    total = data.draw(st.integers(at + 2, 2 * steps))
    stretch = Stretch(planned_steps=steps, total_steps=steps).changed(at_step=at, total_steps=total)
    values = [value_at(schedule, stretch.place(step)) for step in range(total)]
    top = values.index(max(values))
    assert values[: top + 1] == sorted(values[: top + 1])
    assert values[top:] == sorted(values[top:], reverse=True)


@given(made=st.integers(1, 300), total=st.integers(1, 300))
def test_a_length_that_is_passed_already_is_refused_in_one_sentence(made: int, total: int) -> None:
    assume(total <= made)
    message = rf"^PlanScheduler\.total_steps must be more than the {made} updates made already, got {total}\. Pass the length of the whole run, or"
    with pytest.raises(InputError, match=message):
        Stretch(planned_steps=300, total_steps=300).changed(at_step=made, total_steps=total)


@pytest.mark.parametrize("total", [0, -1, 2.5, "20"])
def test_what_is_no_length_is_refused(total: object) -> None:
    with pytest.raises(InputError, match="total_steps must be a whole number ≥ 1"):
        Stretch(planned_steps=300, total_steps=300).changed(at_step=0, total_steps=total)  # type: ignore[arg-type]
