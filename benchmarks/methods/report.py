"""tunesmith's recipe "report", section 5 of Smith's report; its search capped at the budget, one confirming seed, beside the task's current settings."""

from benchmarks.proof.ours import choose_by_tuning
from benchmarks.proof.problem import Choice, Problem

IS_OURS = True


def choose(problem: Problem, *, seed: int, budget: float) -> Choice:
    """What `tunesmith tune --recipe report` says to use."""
    return choose_by_tuning(problem, seed=seed, budget=budget, recipe="report")
