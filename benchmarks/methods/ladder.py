"""tunesmith's recipe "ladder", its search capped at the budget, one confirming seed, beside the task's current settings."""

import tempfile
from pathlib import Path

import tunesmith as ts
from benchmarks.proof.problem import Choice, Problem

IS_OURS = True


def choose(problem: Problem, *, seed: int, budget: float) -> Choice:
    """What `tunesmith tune` says to use; where it recommends nothing, what the user would go on with: the untuned start."""
    with tempfile.TemporaryDirectory() as folder:
        plan = ts.tune(problem.task, out=Path(folder) / "study", budget=budget, seed=seed, recipe="ladder", device="cpu")
    final = plan.cost.confirm + plan.cost.baseline
    if plan.settings is None:
        untuned = problem.untuned
        steps = problem.steps_at(untuned.batch_size)
        return Choice.of(untuned, total_steps=steps, search=plan.cost.search, final=final + 1.0, note=f"{plan.outcome}: no plan, so the untuned start")
    return Choice.of(plan.settings, total_steps=plan.total_steps, search=plan.cost.search, final=final, note=str(plan.outcome))
