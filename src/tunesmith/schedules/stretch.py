"""A schedule whose run gets another length in mid-run: what is left of it is stretched over the steps that are left. No torch here."""

import dataclasses
from dataclasses import dataclass
from typing import Self

from tunesmith.errors import InputError
from tunesmith.schedules.shape import Schedule, checked_steps


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Which place of the planned schedule drives a step, after the length was changed.

    Up to the change a step has its own place; from there on places are evenly spaced, so that the last step has the last place.

    Attributes:
        planned_steps: Length that the schedule was made for; ≥ 1.
        total_steps: Length of the run now; ≥ 1.
        from_step: Step at which the length was changed last.
        from_place: That step's place in the planned schedule.

    Example:
        >>> longer = Stretch(planned_steps=100, total_steps=100).changed(at_step=50, total_steps=149)
        >>> [longer.place(step) for step in (50, 52, 148, 1000)]
        [50.0, 51.0, 99.0, 99.0]
    """

    planned_steps: int
    total_steps: int
    from_step: int = 0
    from_place: float = 0.0

    def place(self, step: int) -> float:
        """The place in the planned schedule, from 0 to `planned_steps` - 1, that drives `step`; beyond the end the last step's."""
        last_step, last_place = self.total_steps - 1, float(self.planned_steps - 1)
        if step <= self.from_step or last_step <= self.from_step:
            return self.from_place
        if step >= last_step:
            return last_place
        return self.from_place + (step - self.from_step) * ((last_place - self.from_place) / (last_step - self.from_step))

    def changed(self, *, at_step: int, total_steps: int) -> Self:
        """The stretch for another length, from `at_step` on, whose own place stays.

        Args:
            at_step: Updates made so far: the step that comes next.
            total_steps: The new length, updates made included; more than those.

        Raises:
            InputError: That many updates are made already, or it is no whole number ≥ 1.
        """
        total_steps = checked_steps(total_steps, maker="PlanScheduler")
        if total_steps <= at_step:
            raise InputError(
                f"PlanScheduler.total_steps must be more than the {at_step} updates made already, got {total_steps}. "
                "Pass the length of the whole run, or end the training here."
            )
        return dataclasses.replace(self, total_steps=total_steps, from_step=at_step, from_place=self.place(at_step))


def value_at(schedule: Schedule, place: float) -> float:
    """The schedule's value between its steps: a straight line from one to the next, and its own value at each.

    Example:
        >>> value_at(lambda step: 10.0 * step, 2.25)
        22.5
    """
    step = int(place)
    share = place - step
    low = schedule(step)
    return low + share * (schedule(step + 1) - low) if share else low
