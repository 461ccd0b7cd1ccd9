"""`tunesmith lr-range` at its defaults: an exponential bracket, then a linear sweep of a quarter of a full training with validation."""

import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.proof.problem import Choice, Problem
from tunesmith.recipe.single import lr_range
from tunesmith.study import Study

IS_OURS = True


def choose(problem: Problem, *, seed: int) -> Choice:
    """Its suggestion, or its error where it has none."""
    batch_size = problem.untuned.batch_size
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "study"
        reading = lr_range(problem.task, out=out, seed=seed, device="cpu", batch_size=batch_size)
        with Study.open(out) as study:
            search = study.cost().search
    settings = replace(problem.untuned, lr=reading.suggestion())
    note = f"{reading.outcome}; zone {reading.zone}; edge {reading.edge}"
    return Choice.of(settings, total_steps=problem.steps_at(batch_size), search=search, note=note)
