"""Without annealing: every run of the ladder has a constant learning rate and a constant momentum; the plan alone is a cycle.

Both are constant at what they are at the top of the cycle: the peak, and the smallest momentum. The total decay is that of the annealed run.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.ablation.replacing import replaced
from benchmarks.methods import ladder
from benchmarks.proof.problem import Choice, Problem
from tunesmith.recipe.ladder.rungs import Joint, Ladder
from tunesmith.schedules import total_decay
from tunesmith.settings import Settings

IS_OURS = True


@contextmanager
def switched_off() -> Iterator[None]:
    """Settings of runs that are not the plan have the schedule "constant"."""
    annealed_settings = Ladder.settings_for

    def settings_for(self: Ladder, joint: Joint, *, steps: int, is_plan: bool = False) -> Settings:
        annealed = annealed_settings(self, joint, steps=steps, is_plan=is_plan)
        if is_plan:
            return annealed
        flat = dataclasses.replace(annealed, schedule="constant", cycles=None, weight_decay=1.0)
        decay = annealed.weight_decay if self.lab.checked.acts_like == "adam" else _decay_of(self, annealed, steps) / _decay_of(self, flat, steps)
        return dataclasses.replace(flat, weight_decay=decay)

    with replaced(Ladder, "settings_for", settings_for):
        yield


def _decay_of(laddered: Ladder, settings: Settings, steps: int) -> float:
    task = laddered.lab.task
    shape = task.schedule if callable(task.schedule) else None
    return total_decay(settings, total_steps=steps, optimizer_name=laddered.lab.checked.acts_like, shape=shape)


def choose(problem: Problem, *, seed: int) -> Choice:
    """What the recipe finds so at budget 1."""
    with switched_off():
        return ladder.choose(problem, seed=seed, budget=1.0)
