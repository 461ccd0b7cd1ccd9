"""`ts.lr_range_test` as a user of the peers would call it: a hundred updates, exponentially from 1e-5 to 10, on the training loss alone."""

from dataclasses import replace

import tunesmith as ts
from benchmarks.proof.problem import Choice, Problem
from benchmarks.proof.training import CPU
from tunesmith.engine.seeds import isolated_rng

IS_OURS = True
USES_IN_SCRIPT = True


def choose(problem: Problem, *, seed: int) -> Choice:
    """Its suggestion, or its error where it has none."""
    batch_size = problem.untuned.batch_size
    with isolated_rng(seed, CPU):
        model = problem.new_model(seed)
        optimizer = problem.torch_optimizer(model, lr=problem.untuned.lr)
        loader, _ = problem.loaders(batch_size, seed)
        result = ts.lr_range_test(
            model, optimizer, problem.loss, loader, start_lr=1e-5, end_lr=10.0, steps=100, spacing="exponential", clip_grad_norm=problem.task.clip_grad_norm
        )
    problem.spent += result.cost
    settings = replace(problem.untuned, lr=result.suggestion())
    return Choice.of(settings, total_steps=problem.steps_at(batch_size), note=f"{result.outcome}; zone {result.zone}; edge {result.edge}")
