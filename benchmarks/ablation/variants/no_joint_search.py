"""Without the joint search: only the line of peaks, at momentum .95 and with little decay; no side arms. What they would have cost is not spent."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.ablation.replacing import replaced
from benchmarks.methods import ladder
from benchmarks.proof.problem import Choice, Problem
from tunesmith.recipe.ladder.joint import decays
from tunesmith.recipe.ladder.rungs import Joint, Ladder, Tried

IS_OURS = True


@contextmanager
def switched_off() -> Iterator[None]:
    """No run is made that differs from the line in momentum or decay, on any rung."""
    run_all = Ladder.run

    def run(self: Ladder, joints: list[Joint], *, steps: int, reserve: float = 0.0, repeat: int = 0, samples: bool = False) -> list[Tried]:
        line = [joint for joint in joints if joint.momentum == self.base.momentum and joint.decay == decays(self)[0]]
        return run_all(self, line, steps=steps, reserve=reserve, repeat=repeat, samples=samples)

    with replaced(Ladder, "run", run):
        yield


def choose(problem: Problem, *, seed: int) -> Choice:
    """What the recipe finds so at budget 1."""
    with switched_off():
        return ladder.choose(problem, seed=seed, budget=1.0)
