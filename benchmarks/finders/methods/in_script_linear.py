"""`ts.lr_range_test` as our documentation has it: exponentially for the order of magnitude, then linearly from 0 with validation.

The linear sweep ends at four times the learning rate at which the exponential one (as in `in_script_exponential`) had its lowest training loss, or where
that sweep ended, and has as many updates as `tunesmith lr-range` makes: a quarter of a full training, at least 100.
"""

from dataclasses import replace

import numpy as np

import tunesmith as ts
from benchmarks.proof.problem import Choice, Problem
from benchmarks.proof.training import CPU
from tunesmith.engine.seeds import isolated_rng

IS_OURS = True
USES_IN_SCRIPT = True


def choose(problem: Problem, *, seed: int) -> Choice:
    """Its suggestion, or its error where it has none."""
    batch_size, clip = problem.untuned.batch_size, problem.task.clip_grad_norm
    steps = max(100, problem.steps_at(batch_size, share=0.25))
    with isolated_rng(seed, CPU):
        model = problem.new_model(seed)
        optimizer = problem.torch_optimizer(model, lr=problem.untuned.lr)
        loader, valid = problem.loaders(batch_size, seed)
        coarse = ts.lr_range_test(
            model, optimizer, problem.loss, loader, start_lr=1e-5, end_lr=10.0, steps=100, spacing="exponential", clip_grad_norm=clip
        ).history
        smoothed = np.convolve(np.pad(coarse.train_loss, 2, mode="edge"), np.ones(5) / 5, mode="valid")
        end_lr = min(4 * coarse.lr[int(np.nanargmin(smoothed))], coarse.lr[-1])
        result = ts.lr_range_test(model, optimizer, problem.loss, loader, valid, start_lr=0.0, end_lr=end_lr, steps=steps, clip_grad_norm=clip)
    problem.spent += coarse.cost + result.cost
    settings = replace(problem.untuned, lr=result.suggestion())
    note = f"{result.outcome}; zone {result.zone}; edge {result.edge}; swept to {end_lr:.3g}"
    return Choice.of(settings, total_steps=problem.steps_at(batch_size), note=note)
