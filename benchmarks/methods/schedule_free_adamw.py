"""Schedule-free AdamW at its defaults (lr=.0025, no weight decay, no warmup) and without a schedule; nothing is searched."""

from itertools import islice

import torch
from schedulefree import AdamWScheduleFree
from torch import nn
from torch.optim import Optimizer

from benchmarks.proof.problem import Choice, Problem
from benchmarks.proof.training import CPU, SchedulerStep
from benchmarks.proof.training import train as train_bare
from tunesmith.engine.seeds import isolated_rng

NORM_BATCHES = 50
"""Batches that BatchNorm's statistics are re-estimated from: as in its README."""


def choose(problem: Problem, *, seed: int) -> Choice:
    """The same for every task."""
    del seed
    batch_size = problem.untuned.batch_size
    return Choice(settings={"lr": 0.0025}, total_steps=problem.steps_at(batch_size), batch_size=batch_size)


def train(problem: Problem, choice: Choice, *, seed: int) -> nn.Module | None:
    """The bare loop; then the weights that the optimizer means, and BatchNorm's statistics of these."""
    optimizers: list[AdamWScheduleFree] = []

    def setup(model: nn.Module, total_steps: int) -> tuple[Optimizer, SchedulerStep]:
        del total_steps
        optimizers.append(AdamWScheduleFree(model.parameters(), lr=choice.settings["lr"]))
        optimizers[0].train()
        return optimizers[0], lambda _step: None  # there is no schedule

    model, found = train_bare(problem.task, setup, batch_size=choice.batch_size, total_steps=choice.total_steps, seed=seed)
    problem.spent += found.cost
    if found.outcome != "finished":
        return None
    optimizers[0].eval()
    norms = [module for module in model.modules() if getattr(module, "running_mean", None) is not None]
    if norms:
        model.eval()
        loader, _ = problem.loaders(choice.batch_size, seed)
        with isolated_rng(seed, CPU), problem.metered(model), torch.no_grad():
            for norm in norms:
                norm.train()
            for inputs, _ in islice(loader, NORM_BATCHES):
                model(inputs)
    return model.eval()
