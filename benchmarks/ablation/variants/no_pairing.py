"""Without pairing: every run of the ladder has initial weights and an order of its own, also the same choice at another length."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.ablation.replacing import replaced
from benchmarks.methods import ladder
from benchmarks.proof.problem import Choice, Problem
from tunesmith.recipe.ladder.rungs import Joint, Ladder, Tried

IS_OURS = True


@contextmanager
def switched_off() -> Iterator[None]:
    """Each choice, length and repeat counts as a repeat of its own, in the order of asking; asked for again it is the same run."""
    run_paired = Ladder.run
    repeats: dict[tuple[Joint, int, int], int] = {}

    def run(self: Ladder, joints: list[Joint], *, steps: int, reserve: float = 0.0, repeat: int = 0, samples: bool = False) -> list[Tried]:
        found: list[Tried] = []
        for joint in dict.fromkeys(joints):
            own = repeats.setdefault((joint, steps, repeat), len(repeats))
            found += run_paired(self, [joint], steps=steps, reserve=reserve, repeat=own, samples=samples)
        return found

    with replaced(Ladder, "run", run):
        yield


def choose(problem: Problem, *, seed: int) -> Choice:
    """What the recipe finds so at budget 1."""
    with switched_off():
        return ladder.choose(problem, seed=seed, budget=1.0)
