"""torch-lr-finder: the range test of its README, its suggestion (steepest descent) as the peak of torch's 1cycle."""

import contextlib
import io
from functools import partial

from matplotlib.figure import Figure
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR
from torch_lr_finder import LRFinder

from benchmarks.proof.problem import Choice, Problem
from benchmarks.proof.training import CPU, SchedulerStep
from benchmarks.proof.training import train as train_bare
from tunesmith.engine.seeds import isolated_rng


def choose(problem: Problem, *, seed: int) -> Choice:
    """A hundred updates from 1e-7 up to 100. Where the task clips gradients, so does every update of the test."""
    batch_size = problem.untuned.batch_size
    with isolated_rng(seed, CPU):
        model = problem.new_model(seed)
        optimizer = problem.torch_optimizer(model, lr=1e-7)
        if problem.task.clip_grad_norm is not None:
            optimizer.register_step_pre_hook(partial(clip, model, problem.task.clip_grad_norm))
        finder = LRFinder(model, optimizer, problem.loss)
        loader, _ = problem.loaders(batch_size, seed)
        with problem.metered(model), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):  # it prints, and draws a bar
            finder.range_test(loader, end_lr=100, num_iter=100)
            _, suggestion = finder.plot(ax=Figure().add_subplot(), suggest_lr=True)
        finder.reset()
    if suggestion is None:
        raise ValueError("torch-lr-finder must suggest a learning rate, and suggested none.")
    return Choice(settings={"lr": suggestion}, total_steps=problem.steps_at(batch_size), batch_size=batch_size, search=problem.spent_trainings)


def train(problem: Problem, choice: Choice, *, seed: int) -> nn.Module | None:
    """The bare loop with `OneCycleLR` at torch's defaults."""

    def setup(model: nn.Module, total_steps: int) -> tuple[Optimizer, SchedulerStep]:
        optimizer = problem.torch_optimizer(model, lr=choice.settings["lr"])
        scheduler = OneCycleLR(optimizer, max_lr=choice.settings["lr"], total_steps=total_steps)
        return optimizer, lambda step: scheduler.step() if step else None

    model, found = train_bare(problem.task, setup, batch_size=choice.batch_size, total_steps=choice.total_steps, seed=seed)
    problem.spent += found.cost
    return model if found.outcome == "finished" else None


def clip(model: nn.Module, max_norm: float, *_step: object) -> None:
    """Before each step: the finder has no place for it of its own."""
    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
