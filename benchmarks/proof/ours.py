"""Our recipes as methods of the bench: one `tunesmith tune` each."""

import tempfile
from pathlib import Path

import tunesmith as ts
from benchmarks.proof.problem import Choice, Problem


def choose_by_tuning(problem: Problem, *, seed: int, budget: float, recipe: str) -> Choice:
    """What `tunesmith tune` says to use; where it recommends nothing, what the user would go on with: the untuned start."""
    with tempfile.TemporaryDirectory() as folder:
        plan = ts.tune(problem.task, out=Path(folder) / "study", budget=budget, seed=seed, recipe=recipe, device="cpu", time_model=problem.time_model)
    final = plan.cost.confirm + plan.cost.baseline
    if plan.settings is None:
        untuned = problem.untuned
        steps = problem.steps_at(untuned.batch_size)
        return Choice.of(untuned, total_steps=steps, search=plan.cost.search, final=final + 1.0, note=f"{plan.outcome}: no plan, so the untuned start")
    confirmed = plan.confirmed
    is_confirmed = confirmed is not None and confirmed.interval is not None and problem.task.current != plan.settings
    interval = list(confirmed.interval) if is_confirmed else None
    return Choice.of(plan.settings, total_steps=plan.total_steps, search=plan.cost.search, final=final, note=str(plan.outcome), interval=interval)
