"""Without matched decay: a choice has one weight decay at every length, that of a plan of all T, in the place of one total decay.

So a short run forgets less of its weights than the plan it stands for, and a plan that is shorter than T less than one of all T.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.ablation.replacing import replaced
from benchmarks.methods import ladder
from benchmarks.proof.problem import Choice, Problem
from tunesmith.recipe import confirming
from tunesmith.recipe.ladder.rungs import Joint, Ladder
from tunesmith.settings import Settings

IS_OURS = True


@contextmanager
def switched_off() -> Iterator[None]:
    """Lengths change no weight decay: neither the ladder's nor that of a shorter plan which answers overfitting."""
    matched_settings = Ladder.settings_for

    def settings_for(self: Ladder, joint: Joint, *, steps: int, is_plan: bool = False) -> Settings:
        of_all = matched_settings(self, joint, steps=self.full_steps, is_plan=True)
        return dataclasses.replace(matched_settings(self, joint, steps=steps, is_plan=is_plan), weight_decay=of_all.weight_decay)

    def shortened(settings: Settings, *, total_steps: int, planned_steps: int, optimizer_name: str) -> Settings:
        del total_steps, planned_steps, optimizer_name
        return settings

    with replaced(Ladder, "settings_for", settings_for), replaced(confirming, "shortened", shortened):
        yield


def choose(problem: Problem, *, seed: int) -> Choice:
    """What the recipe finds so at budget 1."""
    with switched_off():
        return ladder.choose(problem, seed=seed, budget=1.0)
