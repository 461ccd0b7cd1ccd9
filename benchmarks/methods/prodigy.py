"""Prodigy at its defaults (lr=1, no weight decay), annealed by a cosine as its README recommends; nothing is searched."""

from prodigyopt import Prodigy
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR

from benchmarks.proof.problem import Choice, Problem
from benchmarks.proof.training import SchedulerStep
from benchmarks.proof.training import train as train_bare


def choose(problem: Problem, *, seed: int) -> Choice:
    """The same for every task."""
    del seed
    batch_size = problem.untuned.batch_size
    return Choice(settings={"lr": 1.0}, total_steps=problem.steps_at(batch_size), batch_size=batch_size)


def train(problem: Problem, choice: Choice, *, seed: int) -> nn.Module | None:
    """The bare loop."""

    def setup(model: nn.Module, total_steps: int) -> tuple[Optimizer, SchedulerStep]:
        optimizer = Prodigy(model.parameters(), lr=choice.settings["lr"])
        scheduler = CosineAnnealingLR(optimizer, T_max=total_steps)
        return optimizer, lambda step: scheduler.step() if step else None

    model, found = train_bare(problem.task, setup, batch_size=choice.batch_size, total_steps=choice.total_steps, seed=seed)
    problem.spent += found.cost
    return model if found.outcome == "finished" else None
