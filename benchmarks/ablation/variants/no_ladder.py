"""Without the ladder of lengths: one rung, of an eighth of a training, with as many runs as fit, and the best of it trained for all of T.

The peak is still carried to the full length like length^-1/4, and confirming may still answer; but no other length waits to be tried.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from benchmarks.ablation.replacing import replaced
from benchmarks.methods import ladder
from benchmarks.proof.problem import Choice, Problem
from tunesmith.finding import Finding
from tunesmith.recipe.ladder import climb as ladder_recipe
from tunesmith.recipe.ladder.batch import choose_batch_size
from tunesmith.recipe.ladder.climb import Climbed, _planned
from tunesmith.recipe.ladder.joint import REPEATED, promoted
from tunesmith.recipe.ladder.lengths import Lengths
from tunesmith.recipe.ladder.rungs import Ladder
from tunesmith.recipe.time_model import TimeModel
from tunesmith.task import Task

IS_OURS = True
SHARE = 1 / 8
"""Of a full training: the one rung."""


@contextmanager
def switched_off() -> Iterator[None]:
    """One rung, and a plan of the full length with no other length to try."""

    def climbed(
        laddered: Ladder, rungs: list[int], *, swept: tuple[Finding, ...], conditions: Mapping[str, Task], sizes: Sequence[int], times: TimeModel
    ) -> Climbed:
        del conditions  # no task of the bench has any
        best = laddered.careful(laddered.tried(rungs[0]))
        laddered.run(promoted(laddered.tried(rungs[0]), count=REPEATED), steps=rungs[0], repeat=1)
        batch = choose_batch_size(laddered, best, sizes=sizes, times=times)
        return dataclasses.replace(_planned(laddered, best, batch, looms=False, falls=True, others=swept), lengths=Lengths())

    with replaced(ladder_recipe, "RUNG_SHARES", (SHARE,)), replaced(ladder_recipe, "_climbed", climbed):
        yield


def choose(problem: Problem, *, seed: int) -> Choice:
    """What the recipe finds so at budget 1."""
    with switched_off():
        return ladder.choose(problem, seed=seed, budget=1.0)
