"""Without rebalancing: confirming answers nothing; the plan is what the ladder says, whatever its own training shows."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.ablation.replacing import replaced
from benchmarks.methods import ladder
from benchmarks.proof.problem import Choice, Problem
from tunesmith.recipe import confirming

IS_OURS = True


@contextmanager
def switched_off() -> Iterator[None]:
    """No other plan is tried: no other length, no answer to a clue, none to a loss that was lower on the way."""
    with replaced(confirming, "MOST_ANSWERS", 0):
        yield


def choose(problem: Problem, *, seed: int) -> Choice:
    """What the recipe finds so at budget 1."""
    with switched_off():
        return ladder.choose(problem, seed=seed, budget=1.0)
